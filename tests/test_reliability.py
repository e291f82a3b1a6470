"""docs/reliability.md names only tests that exist, and one at least for each promise."""

import ast
import re

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "docs/reliability.md").read_text()
ROWS = [line for line in TEXT.partition("## The soak")[0].splitlines() if line.startswith("| ")]
PROMISES = [row for row in ROWS if row.count("|") == 4 and not row.startswith(("| Promise", "| ---"))]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions(path):
    """Return the names of all functions in a file."""
    return {
        node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("path", sorted({path for path, _name in TEST.findall(TEXT)}))
def test_every_test_that_is_named_exists(path):
    named = {name for of_path, name in TEST.findall(TEXT) if of_path == path}
    assert named - functions(path) == set()


def test_every_promise_has_a_figure_and_a_test():
    assert len(PROMISES) > 70
    for row in PROMISES:
        promise, figure, shown = (cell.strip() for cell in row.strip("|").split("|"))
        assert promise and figure, row
        assert TEST.findall(shown), row
        assert TEST.sub("", shown).strip(", ") == "", row


def test_no_promise_is_made_twice():
    assert len({row.split("|")[1] for row in PROMISES}) == len(PROMISES)
