"""What the documentation says is so: its commands run, its links lead somewhere, its names and sentences exist.

Every command in a fenced block is run, or stands in ELSEWHERE with the reason why not, and with what is looked at
instead. A block that holds no commands says what it is (```text, ```yaml).
"""

import ast
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import requests

import app as wiring
import cli
import database
from core import metrics, tokens
from tests.conftest import ACTOR, ROOT, free_port
from tests.postgresql import program

DOCUMENTS = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md")]
    + [*ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")]
)
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in DOCUMENTS}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
NO_COMMANDS = ("text", "yaml", "python")
ASSIGNED = re.compile(r"^(?:[A-Z_]+=(?:\"[^\"]*\"|\S*)(?:\s+|$))+")
ON_POSTGRESQL = re.compile(r"(?<!TEST_POSTGRESQL=)postgresql\+psycopg|\bcreatedb\b|\bpg_dump\b|\bpg_restore\b")
PYTHON = shlex.quote(sys.executable)
REQUEST_ID = "3f2a9c0d11e45b67"  # which the documents look for

# ruff: noqa: E501
RUN = re.compile(
    r"(?:sudo -u \w+ )?(?:\.venv/bin/flask|\.venv/bin/python|\.venv/bin/pytest|curl|cat|cd|export|createuser|createdb|psql|pg_dump|pg_restore|sh -c|journalctl -u rollcall -o cat \|)(?: |$)"
)


@dataclass(frozen=True)
class Elsewhere:
    """A command that cannot be run here: why not, and the files that it needs, which have to exist."""

    pattern: str
    reason: str
    files: tuple = ()


ELSEWHERE = [
    Elsewhere(r"ngrok http 5000", "needs an account, and opens this machine"),
    Elsewhere(r"git clone … /opt/rollcall && cd /opt/rollcall|git pull", "needs the repository's address"),
    Elsewhere(r"useradd --system ", "changes the accounts of this machine"),
    Elsewhere(r"systemctl |journalctl -u rollcall( -n \d+)?$", "needs systemd", ("deploy/rollcall.service",)),
    Elsewhere(r"install .*deploy/rollcall\.env", "writes to /etc", ("deploy/rollcall.env",)),
    Elsewhere(r"install .*deploy/rollcall\.service", "writes to /etc", ("deploy/rollcall.service",)),
    Elsewhere(r"(python3 -m venv .*)?\.venv/bin/pip install ", "fetches packages", ("requirements.txt",)),
    Elsewhere(r"podman build ", "needs podman, and fetches images", ("deploy/Containerfile",)),
    Elsewhere(r"podman (run|logs|exec) ", "needs podman; what is in it is run below and in test_deploy.py"),
    Elsewhere(r"litestream restore ", "Litestream is not installed", ("deploy/litestream.yml",)),
    Elsewhere(r"\.venv/bin/flask db migrate ", "writes a migration into this tree", ("migrations/env.py",)),
    Elsewhere(r"\.venv/bin/pre-commit install", "changes this clone's hooks", (".pre-commit-config.yaml",)),
]


@dataclass(frozen=True)
class Block:
    document: str
    number: int
    language: str
    commands: tuple

    @property
    def text(self):
        return "\n".join(self.commands)

    @property
    def is_settings(self):
        return all(ASSIGNED.fullmatch(command) for command in self.commands)

    def __str__(self):
        return f"{self.document} {self.number}: {self.commands[0][:40]}"


def commands_of(text, language):
    """Return the commands of a block: without comments, lines that go on as one, of a crontab without times and user."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    if language == "cron":
        lines = [re.sub(r"^(?:\S+\s+){5}(?:rollcall\s+)?", "", line).replace("\\%", "%") for line in lines]
    lines = [re.sub(r"\s+#\s.*$", "", line).strip() for line in lines]
    found = []
    for line in lines:
        # a command of several lines goes on while the one before it has an open quote or a hanging operator
        if found and (found[-1].endswith(("|", "&&")) or found[-1].count("'") % 2):
            found[-1] += "\n" + line
        elif line and not line.startswith("#"):
            found.append(line)
    return tuple(found)


BLOCKS = [
    Block(name, number, language, commands)
    for name, text in TEXTS.items()
    for number, (_indent, language, body) in enumerate(FENCE.findall(text), 1)
    if language not in NO_COMMANDS and (commands := commands_of(body, language))
]
COMMANDS = [(str(block), command) for block in BLOCKS if not block.is_settings for command in block.commands]


def elsewhere(command):
    return next((entry for entry in ELSEWHERE if re.match(entry.pattern, bare(command))), None)


def bare(command):
    """Return a command without the settings before it."""
    return ASSIGNED.sub("", command)


def is_make(command):
    return re.fullmatch(r"make \w+", bare(command)) is not None


# every command is accounted for


def test_there_are_commands_in_each_document():
    assert len(COMMANDS) > 40
    for name in ("README.md", "CONTRIBUTING.md", "docs/administrator.md", "docs/operator.md", "docs/backups.md"):
        assert any(block.document == name for block in BLOCKS), name


@pytest.mark.parametrize("where, command", COMMANDS)
def test_a_command_is_run_or_listed_with_a_reason(where, command):
    ways = [is_make(command), elsewhere(command) is not None, RUN.match(bare(command)) is not None]
    assert any(ways), f"{where}: let the test run {command!r}, or say in ELSEWHERE why it cannot"


@pytest.mark.parametrize("entry", ELSEWHERE, ids=lambda entry: entry.pattern)
def test_what_is_listed_is_documented_and_its_files_exist(entry):
    inline = [span for text in TEXTS.values() for span in spans(text)]
    said = [bare(command) for _where, command in COMMANDS] + inline
    assert any(re.match(entry.pattern, command) for command in said), "nobody documents it: take it out"
    assert entry.reason and all((ROOT / file).exists() for file in entry.files)


@pytest.mark.parametrize("command", sorted({bare(command) for _where, command in COMMANDS if is_make(command)}))
def test_a_target_of_make_can_be_made(command):
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# what runs here


class Stage:
    """Where a block is run: an installation of its own, and paths that lead into it."""

    def __init__(self, folder: Path, instance: Path):
        self.folder, self.instance, self.port = folder, instance, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "srv/backups").mkdir(parents=True)
        shown = {"ROLLCALL_PUBLIC_URL": "https://rollcall.example.com", "ROLLCALL_TRUSTED_PROXIES": "1"}
        mail = {"ROLLCALL_SMTP_URL": "smtp://127.0.0.1:9", "ROLLCALL_MAIL_FROM": "rollcall@example.com"}
        here = {"HOST": "127.0.0.1", "PORT": str(self.port), "ROLLCALL_INSTANCE_PATH": str(instance)}
        self.settings = (
            shown | mail | here | {"ROLLCALL_METRICS_TOKEN": "0123456789abcdef", "ROLLCALL_LOG_FORMAT": "json"}
        )
        settings = (ROOT / "deploy/rollcall.env").read_text()
        settings = re.sub(r"^(PORT=)\d+", rf"\g<1>{self.port}", settings, flags=re.MULTILINE)
        (folder / "rollcall.env").write_text(settings.replace("/var/lib/rollcall", str(instance)))

    def translated(self, command):
        """Return a command as it is run here."""
        serve = re.fullmatch(r"(PORT=\d+ )?\.venv/bin/python app\.py", command)
        if serve:
            command = f"serve {free_port()}"
        if re.match(r"\.venv/bin/python -m (pytest|tests\.postgresql)", bare(command)):
            command += " --collect-only --quiet"  # that they are there: they run by themselves
        here = {
            "sudo -u postgres ": "",
            "sudo -u rollcall ": "",
            "journalctl -u rollcall -o cat": f"cat {self.instance / 'log'}",
            ".venv/bin/flask": f"{PYTHON} -m flask --app app",
            ".venv/bin/python": PYTHON,
            "/etc/rollcall.env": str(self.folder / "rollcall.env"),
            "/srv/": f"{self.folder}/srv/",
            "/opt/rollcall": str(ROOT),
            "/var/lib/rollcall": str(self.instance),
            "instance/secret_key": str(self.instance / "secret_key"),
            "http://127.0.0.1:5000": self.url,
        }
        return re.sub("|".join(map(re.escape, here)), lambda shown: here[shown[0]], command)

    def run(self, commands, **more):
        """Run commands in one shell, in this clone; fail with what they said."""
        lines = [self.translated(command) for command in commands]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROLLCALL_")} | self.settings | more
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", PRELUDE + "\n".join(lines)],
            cwd=ROOT,
            env=environment,
            input=YES if "flask restore" in " ".join(commands) else PASSWORD,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,  # no terminal: passwords are read from standard input
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"
        return done.stdout


YES, PASSWORD = "y\n", "correct horse 7 battery\n" * 2  # what is typed when it is asked for
PRELUDE = f"""
curl() {{ command curl --silent --show-error --fail-with-body "$@"; }}
serve() {{
  PORT=$1 {PYTHON} app.py & server=$!
  for _ in $(seq 100); do command curl --silent --fail http://127.0.0.1:$1/readyz && break; sleep 0.1; done
  curl http://127.0.0.1:$1/readyz
  kill $server; wait $server
}}
"""
# what has to be there before a command can be run
NEEDS_SERVER = re.compile(r"curl |flask rehearse|journalctl")
NEEDS_TOKEN = re.compile(r"token (renew|revoke) Okta")
NEEDS_COPY = re.compile(r"flask restore (\S+)")


@pytest.fixture
def stage(empty_instance, tmp_path):
    folder = shutil.copytree(empty_instance, tmp_path / "instance")
    return Stage(tmp_path, folder)


@pytest.fixture
def serve(stage):
    """Return a function that starts the stage's server."""
    servers = []

    def serve():
        with open(stage.instance / "log", "wb") as log:
            environment = os.environ | stage.settings
            servers.append(
                subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
            )
        stage.run([f"for _ in $(seq 150); do command curl -sf {stage.url}/readyz && break; sleep 0.1; done"])
        # its line is written at once, those of reads are not
        requests.post(f"{stage.url}/sign-in", headers={"X-Request-Id": REQUEST_ID}, timeout=5)

    yield serve
    for server in servers:
        server.terminate()
        server.wait(20)


def copy_database(source, target):
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


RUNNABLE = [
    block
    for block in BLOCKS
    if not block.is_settings
    and not ON_POSTGRESQL.search(block.text)
    and any(RUN.match(bare(command)) and not elsewhere(command) for command in block.commands)
]


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_a_block_of_commands_runs(block, stage, serve):
    if "jq " in block.text and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    if NEEDS_TOKEN.search(block.text):
        app = wiring.create_app({"INSTANCE_PATH": stage.instance})
        with app.app_context():
            with database.transaction():
                tokens.create("Okta", ACTOR)
            database.db.engine.dispose()
    for copy in NEEDS_COPY.findall(block.text):
        copy_database(stage.instance / "rollcall.db", stage.translated(copy))
    if NEEDS_SERVER.search(block.text):
        serve()
    stage.run([c for c in block.commands if not elsewhere(c) and not is_make(c)])


@pytest.mark.parametrize("block", [block for block in RUNNABLE if block.language == "cron"], ids=str)
def test_a_line_for_cron_finds_the_database_of_the_service(block, stage):
    """cron knows nothing of the service's settings, and runs `sh`."""
    for command in block.commands:
        stage.run([shlex.join(["sh", "-c", command])], ROLLCALL_INSTANCE_PATH=str(stage.folder))
    assert (stage.instance / "rollcall.db.last-backup").exists()


OF_POSTGRESQL = {
    name: [block for block in BLOCKS if block.document == name and ON_POSTGRESQL.search(block.text)]
    for name in sorted({block.document for block in BLOCKS if ON_POSTGRESQL.search(block.text)})
}


@pytest.mark.parametrize("document", OF_POSTGRESQL)
def test_what_a_document_does_with_postgresql_works(document, postgresql, stage):
    """All of it in order, on a server where nothing was made yet, with an installation that has a token to move."""
    more = {
        "PGPORT": str(postgresql.port),
        "PGHOST": "127.0.0.1",
        "PGUSER": "postgres",
        "PATH": f"{Path(program('initdb')).parent}:{os.environ['PATH']}",
    }
    gone = ["psql --quiet --command 'DROP DATABASE IF EXISTS rollcall WITH (FORCE)' postgres"]
    gone += ["psql --quiet --command 'DROP ROLE IF EXISTS rollcall' postgres"]
    stage.run(gone, **more)
    blocks = [block for block in OF_POSTGRESQL[document] if not block.is_settings]
    if "createdb" not in "".join(block.text for block in blocks):
        stage.run(
            ["createuser rollcall", "createdb --template template0 --locale C -E UTF8 -O rollcall rollcall"], **more
        )
    stage.run([".venv/bin/flask token create Okta"])
    for block in blocks:
        stage.run([c for c in block.commands if not elsewhere(c)], **more)
    if "migrate-data" in "".join(block.text for block in blocks):
        url = f"postgresql+psycopg://rollcall@127.0.0.1:{postgresql.port}/rollcall"
        assert "Okta" in stage.run([".venv/bin/flask token list"], ROLLCALL_DATABASE_URL=url, **more)


def test_flask_backup_prints_the_command_that_the_documents_have(stage):
    url = "postgresql+psycopg://rollcall@localhost/rollcall"
    for name, command in (("backup", "pg_dump"), ("restore", "psql"), ("restore", "pg_restore")):
        [documented] = [c for _where, c in COMMANDS if c.startswith(command)]
        said = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", name, "/srv/backups/rollcall.dump"],
            cwd=ROOT,
            env=os.environ | stage.settings | {"ROLLCALL_DATABASE_URL": url},
            capture_output=True,
            text=True,
        ).stderr
        assert set(shlex.split(documented)) <= set(shlex.split(re.sub(",", " ", said))), said


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.is_settings], ids=str)
def test_settings_are_ones_that_rollcall_starts_with(block, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROLLCALL_INSTANCE_PATH", str(tmp_path))
    for command in block.commands:
        name, _, value = command.partition("=")
        monkeypatch.setenv(name, value)
    app = wiring.create_app()
    with app.app_context():
        database.db.engine.dispose()


# what stands in the text


def spans(text):
    """Return the pieces of a text that are set as code, without those of fenced blocks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))


MENTIONED = sorted({
    span
    for text in TEXTS.values()
    for span in spans(text)
    if re.match(r"(\.venv/bin/)?flask [a-z]", span)
})  # fmt: skip


@pytest.mark.parametrize("span", MENTIONED)
def test_a_command_of_ours_that_is_mentioned_exists_with_its_options(app, span):
    words = re.sub(r"^(\.venv/bin/)?flask ", "", span).split()
    command, known = app.cli, {"check": cli.check}
    for word in words:
        if not hasattr(command, "commands") or not re.fullmatch(r"[a-z][a-z-]+", word):
            break
        command = command.commands.get(word) or known[word]
    assert command is not app.cli
    options = {option for parameter in getattr(command, "params", []) for option in parameter.opts}
    others = {o for c in getattr(command, "commands", {}).values() for p in c.params for o in p.opts}
    assert set(re.findall(r"--[a-z-]+", span)) <= options | others


def test_a_target_of_make_that_is_mentioned_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = {
        m[1] for text in TEXTS.values() for span in spans(text) if (m := re.search(r"\bmake (\w+)$", span))
    }
    assert mentioned and mentioned <= targets


def slug(heading):
    """Return the anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@cache
def anchors(path):
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    return {slug(heading) for heading in headings}


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name):
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", FENCE.sub("", TEXTS[name])):
        path, _, anchor = link.partition("#")
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_documents_of_each_reader_can_be_reached_from_the_readme():
    for document in ("docs/administrator.md", "docs/operator.md", "docs/how-it-works.md", "CONTRIBUTING.md"):
        assert f"({document})" in TEXTS["README.md"]


def test_every_setting_that_is_named_exists():
    known = set(re.findall(r"^\| `(\w+)` \|", TEXTS["README.md"], re.MULTILINE))
    ours = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("bench/*.py"), ROOT / ".ci/run"]
    known |= {n for path in ours for n in re.findall(r"ROLLCALL_TEST_\w+|SOAK_\w+", path.read_text())}
    for name, text in TEXTS.items():
        named = set(re.findall(r"\b(?:ROLLCALL_[A-Z_]*[A-Z]|SOAK_[A-Z]+)\b", text))
        assert named <= known, name


def test_every_path_of_ours_that_is_named_exists(app):
    adapter = app.url_map.bind("localhost")
    of_the_system = ("/etc", "/opt", "/srv", "/tmp", "/var")
    said = [(name, span) for name, text in TEXTS.items() for span in spans(text)]
    named = {
        (name, path)
        for name, path in said
        if re.fullmatch(r"/[a-z][\w/-]*", path) and not path.startswith(of_the_system)
    }
    assert len(named) > 10
    for name, path in named:
        path += "x" if path.endswith("/") else ""  # a link, whose secret is left out
        assert adapter.allowed_methods(path), (name, path)


def test_every_metric_that_is_named_exists(app):
    with app.app_context():
        text = metrics.exposition().decode()
    exist = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) | set(
        re.findall(r"^(\w+)[{ ]", text, re.MULTILINE)
    )
    named = {
        (name, metric)
        for name, text in TEXTS.items()
        for metric in re.findall(r"\b(?:rollcall|process)_(?!test|connections)[a-z_]+\b(?=[`{\[ ])", text)
    }
    assert len(named) > 10
    assert [(name, metric) for name, metric in named if metric not in exist] == []


@cache
def sentences():
    """Return all texts of the program, with … for what is filled in."""
    found = []
    for path in [
        *ROOT.glob("*.py"),
        *ROOT.glob("core/*.py"),
        *ROOT.glob("portal/*.py"),
        *ROOT.glob("protocol/*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(p.value if isinstance(p, ast.Constant) else "…" for p in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def symptoms():
    """Yield (document, sentence) of each that is quoted as a symptom: in the first cells, behind the last heading."""
    for name in ("docs/administrator.md", "docs/operator.md"):
        trouble = TEXTS[name].partition("\n## When something is wrong")[2]
        for row in re.findall(r"^\| (.*?) \| .*\|$", trouble, re.MULTILINE):
            for span in spans(row):
                if " " in span and not span.startswith(("flask ", "ngrok ")):
                    yield name, span


@pytest.mark.parametrize("name, sentence", sorted(set(symptoms())))
def test_a_sentence_of_ours_that_is_explained_is_one_that_we_say(name, sentence):
    for part in sentence.split("…"):
        part = part.strip().rstrip(",")
        assert len(part) < 4 or any(part in text for text in sentences()), part


def test_sentences_of_ours_are_explained():
    assert len(set(symptoms())) > 30
