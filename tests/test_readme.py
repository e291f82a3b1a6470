"""The documentation is held to the code."""

import re
from pathlib import Path

import configuration

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_readme_and_nothing_else():
    table = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    own = {"MAX_CONTENT_LENGTH", "PROVIDE_AUTOMATIC_OPTIONS"}
    settings = {f"ROLLCALL_{name}" for name in {"DATABASE_URL", *configuration.DEFAULTS} - own}
    code = "".join((ROOT / name).read_text() for name in ("configuration.py", "server.py", "cli.py"))
    read = set(re.findall(r"environ\.get\(\"(\w+)\"", code))
    assert table == settings | read


def test_every_command_is_in_the_readme(app):
    for name in ("token", "attribute", "admin", "outbox"):
        assert f"flask {name} " in README
        for command in app.cli.commands[name].commands:
            assert re.search(rf"flask {name} .*{command}", README), command
    for command in (
        "rehearse",
        "backup FILE",
        "restore FILE",
        "check",
        "recount",
        "migrate-data TARGET_URL",
        "db upgrade",
    ):
        assert f"flask {command}" in README


def test_every_dependency_is_pinned_and_has_its_reason():
    decisions = (ROOT / "docs/decisions.md").read_text()
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                name, version = line.split("==")
                assert version and name in decisions, line


def test_make_has_its_targets():
    makefile = (ROOT / "Makefile").read_text()
    for target in "run rehearse test bench soak screenshots lint format check".split():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
