"""Imports point down: wiring and process → doors → rules → ground, and the doors never import each other."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("core", "portal", "protocol")
MAY_IMPORT = {
    "app": {
        *(
            "cli",
            "configuration",
            "core",
            "database",
            "engines",
            "gate",
            "logs",
            "operations",
            "portal",
            "protocol",
        ),
        *("scim", "server"),
    },
    "server": {"configuration", "core", "database", "engines", "logs", "protocol"},
    "configuration": {"core", "engines", "logs", "protocol"},
    "portal": {"core", "database", "portal", "protocol"},
    "scim": {"core", "database", "protocol"},
    "cli": {"core", "database", "protocol", "rehearsal"},
    "gate": set(),
    "logs": set(),
    "operations": {"core", "database", "logs", "scim"},
    "rehearsal": set(),
    "core": {"core", "database", "engines", "logs", "models", "protocol"},
    "models": {"database", "engines"},
    "database": {"engines"},
    "engines": set(),
    "protocol": {"protocol"},
}
PROTOCOL_ORDER = ["errors", "definitions", "schema", "filters", "patch", "bulk"]
FORBIDDEN = {
    "protocol": {"flask", "sqlalchemy", "werkzeug", "time"},
    "rehearsal": {"flask", "sqlalchemy"},
    "models": {"flask", "werkzeug"},
    "configuration": {"werkzeug"},
    "database": {"werkzeug"},
}


def modules():
    for path in [*ROOT.glob("*.py"), *(p for folder in FOLDERS for p in ROOT.glob(f"{folder}/*.py"))]:
        yield path.relative_to(ROOT).with_suffix("").parts


def imported(parts):
    tree = ast.parse((ROOT.joinpath(*parts).with_suffix(".py")).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".") for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ([*node.module.split("."), name.name] for name in node.names)


@pytest.mark.parametrize("parts", list(modules()), ids="/".join)
def test_imports_point_down(parts):
    ours = {p[0] for p in modules()}
    names = {path[0] for path in imported(parts)}
    assert names & ours <= MAY_IMPORT[parts[0]]
    assert not names & FORBIDDEN.get(parts[0], set())


@pytest.mark.parametrize("module", PROTOCOL_ORDER)
def test_the_protocol_has_an_order(module):
    below = PROTOCOL_ORDER[: PROTOCOL_ORDER.index(module)]
    assert {p[1] for p in imported(("protocol", module)) if p[0] == "protocol"} <= set(below)


def test_core_has_no_circle():
    needs = {p[1]: {i[1] for i in imported(p) if i[0] == "core"} for p in modules() if p[0] == "core"}
    done = set()
    while needs.keys() - done:
        ready = {name for name in needs.keys() - done if needs[name] <= done}
        assert ready, f"a circle among {sorted(needs.keys() - done)}"
        done |= ready


def test_every_module_says_what_it_is_for():
    for parts in modules():
        assert ast.get_docstring(ast.parse(ROOT.joinpath(*parts).with_suffix(".py").read_text())), parts


def test_folders_hold_no_code_in_init():
    """But for the portal's blueprint."""
    assert not [p for folder in ("core", "protocol") for p in (ROOT / folder).glob("__init__.py")]
    code = ast.parse((ROOT / "portal/__init__.py").read_text()).body[1:]
    assert [type(part) for part in code] == [ast.ImportFrom, ast.Assign]
