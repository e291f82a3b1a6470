"""The files in deploy/ are held to the code: what they name exists, what they allow is what the server needs."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

import configuration
import database
import engines
import gate
import server
from app import create_app
from core import smtp
from tests.conftest import free_port

ROOT = Path(__file__).parent.parent
DEPLOY = {path.name: path.read_text() for path in (ROOT / "deploy").iterdir()}
README = (ROOT / "README.md").read_text()
CONTAINER = DEPLOY["Containerfile"].replace("\\\n", " ").splitlines()
MEGABYTE, KILOBYTE = 2**20, 1024


def number(pattern, file):
    """Return the one number that a pattern finds in a file."""
    [found] = set(re.findall(pattern, DEPLOY[file]))
    return int(found.replace(",", ""))


def test_the_files_are_those_that_the_readme_lists():
    listed = set(re.findall(r"\]\((?!\.\./)(\S+?)\)", DEPLOY["README.md"]))
    assert listed == DEPLOY.keys() - {"README.md"}


@pytest.mark.parametrize("name", DEPLOY)
def test_every_setting_exists(name):
    known = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    assert set(re.findall(r"\bROLLCALL_[A-Z_]+|\b(?:HOST|PORT)(?==)", DEPLOY[name])) <= known


def test_the_environment_is_one_that_rollcall_starts_with(tmp_path, monkeypatch):
    lines = [line.lstrip("#") for line in DEPLOY["rollcall.env"].splitlines() if re.match(r"#?[A-Z_]+=", line)]
    settings = dict(line.split("=", 1) for line in lines)
    assert {"HOST", "PORT", "ROLLCALL_INSTANCE_PATH", "ROLLCALL_SMTP_URL"} <= settings.keys()
    for name, value in settings.items():
        monkeypatch.setenv(name, str(tmp_path) if name == "ROLLCALL_INSTANCE_PATH" else value)
    monkeypatch.setenv("ROLLCALL_METRICS_TOKEN", "0123456789abcdef")  # the file says how to make one
    config = create_app().config
    assert config["PUBLIC_URL"] == "https://rollcall.example.com" and config["TRUSTED_PROXIES"] == 1


def test_the_folder_of_the_database_is_the_same_everywhere():
    for name, pattern in (
        ("rollcall.env", r"ROLLCALL_INSTANCE_PATH=(\S+)"),
        ("Containerfile", r"ROLLCALL_INSTANCE_PATH=(\S+)"),
        ("Containerfile", r"VOLUME (\S+)"),
        ("README.md", r"--volume rollcall:(\S+)"),
    ):
        assert re.search(pattern, DEPLOY[name])[1] == "/var/lib/rollcall"
    assert "StateDirectory=rollcall\n" in DEPLOY["rollcall.service"]


@pytest.mark.parametrize("name, pattern", [
    ("rollcall.env", r"PORT=(\d+)"),
    ("Containerfile", r"PORT=(\d+)"),
    ("Containerfile", r"EXPOSE (\d+)"),
    ("Containerfile", r"environ\.get\('PORT'\) or '(\d+)'"),
    ("Caddyfile", r"reverse_proxy 127\.0\.0\.1:(\d+)"),
    ("nginx.conf", r"server 127\.0\.0\.1:(\d+)"),
    ("ngrok.md", r"ngrok http (\d+)"),
])  # fmt: skip
def test_the_port_is_the_same_everywhere(name, pattern):
    default = re.search(r'environ\.get\("PORT"\) or "(\d+)"', (ROOT / "server.py").read_text())[1]
    assert number(pattern, name) == int(default)


@pytest.mark.parametrize("name", DEPLOY)
def test_every_command_exists(app, name):
    for group, command in re.findall(r"flask (\w+) (\w+)", DEPLOY[name]):
        assert command in app.cli.commands[group].commands
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake (\w+)$", DEPLOY[name], re.MULTILINE)) <= targets
    for document in re.findall(r"(?<![\w/-])deploy/[\w.]+", DEPLOY[name]):
        assert (ROOT / document).exists()


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_a_proxy_keeps_what_is_for_whoever_runs_it(app, name):
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    kept = {"/healthz", "/readyz", "/metrics"}
    assert kept <= rules
    assert all(path.strip("/") in DEPLOY[name] for path in kept)


@pytest.mark.parametrize("name, largest, idle", [
    ("Caddyfile", r"max_size (\d+)MiB", r"keepalive (\d+)s"),
    ("nginx.conf", r"client_max_body_size (\d+)m;", r"keepalive_timeout (\d+)s;"),
])  # fmt: skip
def test_a_proxy_leaves_refusals_to_rollcall_and_closes_first(name, largest, idle):
    assert number(largest, name) * MEGABYTE > configuration.MAX_BODY
    assert number(idle, name) < server.HEAD_SECONDS


def test_a_proxy_takes_no_larger_headers_than_rollcall():
    assert number(r"max_header_size (\d+)KiB", "Caddyfile") * KILOBYTE == server.LARGEST_HEAD
    buffers, size = re.search(r"large_client_header_buffers (\d+) (\d+)k;", DEPLOY["nginx.conf"]).groups()
    assert int(buffers) * int(size) * KILOBYTE == server.LARGEST_HEAD


def test_the_unit_gives_the_server_time_and_room():
    unit = "rollcall.service"
    assert number(r"TimeoutStopSec=(\d+)", unit) > server.STOP_SECONDS > server.MAIL_SECONDS
    assert number(r"LimitNOFILE=(\d+)", unit) > 2 * server.CONNECTIONS
    assert number(r"TasksMax=(\d+)", unit) > server.SERVER_THREADS + 64
    assert number(r"--stop-timeout (\d+) \\", "README.md") > server.STOP_SECONDS


def test_the_unit_is_hardened():
    lines = DEPLOY["rollcall.service"].splitlines()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "User=rollcall"):
        assert line in lines
    assert "EnvironmentFile=/etc/rollcall.env" in lines and "WorkingDirectory=/opt/rollcall" in lines
    assert "ExecStart=/opt/rollcall/.venv/bin/python app.py" in lines


BOUNDS = {
    "body of a SCIM request": (r"(\d+) MB", configuration.MAX_BODY // MEGABYTE),
    "body without a token": (r"(\d+) kB", gate.LARGEST_FORM // KILOBYTE),
    "line and headers": (r"(\d+) kB", server.LARGEST_HEAD // KILOBYTE),
    "time for the headers": (r"(\d+) s", server.HEAD_SECONDS),
    "time between two requests": (r"(\d+) s", server.HEAD_SECONDS),
    "connections \\|": (r"([\d,]+),", server.CONNECTIONS),
    "slow bodies": (r"(\d+)", gate.SENDERS),
    "requests at work": (r"(\d+) reads", 1 + gate.OTHERS),
    "requests at work \\|": (r"of these (\d+)", 1 + gate.LARGE_OTHERS),
    "wait for the database's lock": (r"(\d+) s, and", database.LOCK_SECONDS),
    "wait for the database's lock \\|": (r"and (\d+) s", engines.BUSY_SECONDS),
    "answer of the mail server": (r"(\d+) s", smtp.TIMEOUT),
    "stop: requests": (r"(\d+) s", server.STOP_SECONDS),
    "stop: the mail": (r"(\d+) s", server.MAIL_SECONDS),
}


@pytest.mark.parametrize("what", BOUNDS)
def test_a_bound_that_is_documented_is_the_one_in_the_code(what):
    pattern, bound = BOUNDS[what]
    row = re.search(rf"^\| {what}.*", DEPLOY["README.md"], re.MULTILINE)[0]
    assert int(re.search(pattern, row.split("|")[2])[1].replace(",", "")) == bound


def test_the_readme_says_how_long_a_stop_takes():
    [(requests_under_way, mail)] = re.findall(
        r"under way have (\d+) seconds, the mail that is being sent (\d+)\.", README
    )
    assert (int(requests_under_way), int(mail)) == (server.STOP_SECONDS, server.MAIL_SECONDS)


def test_every_metric_that_is_documented_exists(app):
    from core import metrics

    documented = set(re.findall(r"`(rollcall_\w+)`", DEPLOY["README.md"]))
    with app.app_context():
        names = set(re.findall(r"^# TYPE (\w+)", metrics.exposition().decode(), re.MULTILINE))
    exist = {name for name in names if name.startswith("rollcall_") and not name.endswith("_created")}
    assert documented == exist


# the container


def copied():
    """Return the paths that the image is made of, without those of the first stage."""
    lines = [shlex.split(line)[1:] for line in CONTAINER if line.startswith("COPY ") and "--from" not in line]
    return [source for *sources, _target in lines for source in sources]


@pytest.fixture
def image(tmp_path):
    """The folder that the image has, with nothing else of this one in it."""
    folder = tmp_path / "image"
    folder.mkdir()
    for name in copied():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def test_every_module_of_the_program_is_in_the_image():
    modules = {path.name for path in ROOT.glob("*.py")}
    assert modules | {"core", "portal", "protocol", "migrations", "static", "templates"} | {
        "requirements.txt"
    } == set(copied())


def test_the_image_serves_and_knows_when_it_does_not(image, tmp_path):
    said = dict(line.split(" ", 1)[1].split("=", 1) for line in CONTAINER if line.startswith("ENV "))
    here = {
        "PORT": str(free_port()),
        "ROLLCALL_INSTANCE_PATH": str(tmp_path / "volume"),
        "PATH": os.environ["PATH"],
    }
    environment = said | here
    [command] = [json.loads(line[4:]) for line in CONTAINER if line.startswith("CMD ")]
    [check] = [json.loads(line.split("CMD ")[1]) for line in CONTAINER if line.startswith("HEALTHCHECK ")]

    def healthy():
        done = subprocess.run([sys.executable, *check[1:]], env=environment, capture_output=True, timeout=30)
        return done.returncode == 0

    assert not healthy()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command[1:]], cwd=image, env=environment, stdout=log, stderr=log
        )
    try:
        for _ in range(100):
            if healthy():
                break
            time.sleep(0.1)
        url = f"http://127.0.0.1:{environment['PORT']}"
        assert requests.get(f"{url}/readyz", timeout=5).json() == {"status": "ready"}, (
            tmp_path / "log"
        ).read_text()
        page = requests.get(f"{url}/sign-in", timeout=5)
        assert page.status_code == 200
        for part in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
            assert requests.get(url + part, timeout=5).status_code == 200, part
        assert requests.get(f"{url}/scim/v2/Users", timeout=5).status_code == 401
        token = [sys.executable, "-m", "flask", "token", "create", "Okta"]
        made = subprocess.run(token, cwd=image, env=environment, capture_output=True, text=True, timeout=60)
        assert made.stdout.startswith("rc_"), made.stderr
    finally:
        process.terminate()
        process.wait(20)
    assert not healthy()
    assert {path.name for path in image.rglob("*.db*")} == set()  # all that it writes is in the volume


def test_the_image_runs_as_nobody_in_particular():
    assert "USER 10001" in CONTAINER and CONTAINER.index("USER 10001") < CONTAINER.index("VOLUME /var/lib/rollcall")
