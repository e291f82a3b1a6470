"""The cast: `app` on an empty database, `scim` speaks to it with a token, `server` is a real process."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
import requests
from jinja2 import StrictUndefined

import app as wiring
import database
from core import attributes, tokens
from core.journal import Actor
from database import db, transaction
from tests import databases

ROOT = Path(__file__).parent.parent
SCIM_JSON = "application/scim+json"
ACTOR = Actor("Command line")  # who makes what a test begins with
PORTS = iter(range(random.SystemRandom().randrange(10_000, 30_000), 32_768))  # see free_port()

if databases.SERVER:
    sqlite_app = wiring.create_app

    def create_app(overrides=None):
        """Return the application on a PostgreSQL database that belongs to its instance folder."""
        folder = (overrides or {}).get("INSTANCE_PATH") or os.environ["ROLLCALL_INSTANCE_PATH"]
        return sqlite_app({"DATABASE_URL": databases.url_of(folder)} | (overrides or {}))

    wiring.create_app = create_app  # before any test imports it
create_app = wiring.create_app


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL, leave out what needs no database: it says nothing new there."""
    if databases.SERVER:
        left_out = [item for item in items if "empty_instance" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session")
def sqlite():
    """For tests of what only SQLite has: its file, its write-ahead log, its plans."""
    if databases.SERVER:
        pytest.skip("about SQLite alone")


@pytest.fixture(scope="session")
def empty_instance(tmp_path_factory):
    """An instance folder whose database has the newest schema; tests copy it."""
    folder = tmp_path_factory.mktemp("empty")
    app = create_app({"INSTANCE_PATH": folder})
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    if databases.SERVER:
        databases.keep_as_template(folder)
    return folder


@pytest.fixture(scope="session")
def kept_app(empty_instance, tmp_path_factory):
    """One application for all tests of a process: making one takes longer than most tests do."""
    folder = shutil.copytree(empty_instance, tmp_path_factory.mktemp("kept") / "instance")
    app = create_app({"INSTANCE_PATH": folder})
    app.jinja_env.undefined = StrictUndefined  # a template that lacks a variable is a mistake
    return app


@pytest.fixture
def instance(kept_app, empty_instance):
    """The folder of the application, with an empty database."""
    folder = Path(kept_app.instance_path)
    if databases.SERVER:
        databases.empty(folder)
        return folder
    shutil.rmtree(folder)
    return shutil.copytree(empty_instance, folder)


@pytest.fixture
def app(kept_app, instance):
    """The application on an empty database, with nothing in memory of the test before."""
    config = dict(kept_app.config)
    for name in kept_app.extensions.keys() - {"sqlalchemy", "migrate"}:
        del kept_app.extensions[name]
    yield kept_app
    kept_app.config.clear()
    kept_app.config.update(config)
    with kept_app.app_context():
        db.engine.dispose()


@pytest.fixture
def token(app):
    with app.app_context(), transaction():
        return tokens.create("Okta", ACTOR)


class Scim:
    """A client of the app in this process; paths are relative to the base URL."""

    def __init__(self, app, token):
        self.client, self.token = app.test_client(), token

    def open(self, method, path, data=None, headers=None):
        headers = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        # as bytes on the wire: the test client would decode and encode the path again
        path, _, query = f"/scim/v2{path}".partition("?")
        return self.client.open(path, method=method, query_string=query, data=data, headers=headers)

    def call(self, method, path, body=None, headers=None):
        data = None if body is None else orjson.dumps(body)
        return self.open(method, path, data, {"Content-Type": SCIM_JSON} | (headers or {}))

    def get(self, path, headers=None):
        return self.open("GET", path, headers=headers)

    def delete(self, path, headers=None):
        return self.open("DELETE", path, headers=headers)

    def post(self, path, body, headers=None):
        return self.call("POST", path, body, headers)

    def put(self, path, body, headers=None):
        return self.call("PUT", path, body, headers)

    def patch(self, path, *operations, headers=None):
        return self.call("PATCH", path, {"Operations": list(operations)}, headers)

    def find(self, endpoint, filter):
        """Return the resources that a filter finds, by POST .search; fail if it is refused."""
        answer = self.post(f"/{endpoint}/.search", {"filter": filter, "count": 1000})
        assert answer.status_code == 200, answer.json
        return answer.json["Resources"]


@pytest.fixture
def scim(app, token):
    return Scim(app, token)


@pytest.fixture
def define(app):
    def define(name, type="string", multi_valued=False):
        with app.app_context(), transaction():
            attributes.add(name, type, multi_valued, ACTOR)

    return define


@pytest.fixture
def make_user(scim):
    """Return a function that creates a user through the front door."""

    def make_user(user_name, **others):
        answer = scim.post("/Users", {"userName": user_name} | others)
        assert answer.status_code == 201, answer.json
        return answer.json

    return make_user


@pytest.fixture
def barbara(make_user):
    """Barbara Jensen, the person of the RFCs."""
    return make_user(
        "bjensen@example.com",
        externalId="00u1",
        name={"givenName": "Barbara", "familyName": "Jensen"},
        displayName="Babs Jensen",
        title="Tour Guide",
        emails=[
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ],
    )


@pytest.fixture
def make_group(scim):
    def make_group(name, *users, **others):
        members = [{"value": user["id"]} for user in users]
        answer = scim.post("/Groups", {"displayName": name, "members": members} | others)
        assert answer.status_code == 201, answer.json
        return answer.json

    return make_group


@pytest.fixture(scope="module")
def postgresql():
    """A PostgreSQL server of the module's own, in a folder that its owner, who is not root, can reach."""
    from tests.postgresql import Postgresql, program

    if not program("initdb"):
        assert "ROLLCALL_TEST_ALL" not in os.environ, "There is no PostgreSQL, and nothing may be skipped here."
        pytest.skip("PostgreSQL is not installed")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, Postgresql(Path(folder)) as server:
        yield server


@dataclass
class Server:
    """A running Rollcall: a process group on a port, with a token."""

    instance: Path
    port: int
    token: str
    environment: dict = field(default_factory=dict)
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self):
        return f"{self.url}/scim/v2"

    def session(self):
        session = requests.Session()
        session.headers.update({"Authorization": f"Bearer {self.token}", "Content-Type": SCIM_JSON})
        return session

    def start(self):
        environment = (
            os.environ
            | databases.environment(self.instance)
            | {
                "HOST": "127.0.0.1",
                "PORT": str(self.port),
            }
        )
        with open(self.instance / "log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=ROOT,
                env=environment | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(300):
            try:
                if requests.get(f"{self.url}/healthz", timeout=2).ok:
                    return self
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError((self.instance / "log").read_text())

    def kill(self):
        """End it as a power cut would: every process of it, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Kill it if it is there still, at the end of a test: a stop takes over a second."""
        if self.process and self.process.poll() is None:
            self.kill()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


def wait_for(claim, seconds=30) -> bool:
    """Return whether a claim about another process comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.1)
    return False


def free_port():
    """Return a port that nobody listens on, and that this process has not returned before.

    It is none of those that the system gives away: it would give it to a test beside this one, before the server
    of this one has started, or between its stop and its next start.
    """
    for port in PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture
def make_server(empty_instance, tmp_path):
    """Return a function that starts a server on a database of its own; all end with the test."""
    servers = []

    def make_server(instance=None, **environment):
        folder = instance or shutil.copytree(empty_instance, tmp_path / f"server{len(servers)}")
        app = create_app({"INSTANCE_PATH": folder})
        with app.app_context():
            with transaction():
                token = tokens.create(f"Okta {len(servers)}", ACTOR)
            db.engine.dispose()
        servers.append(Server(folder, free_port(), token, environment))
        return servers[-1].start()

    yield make_server
    for server in servers:
        server.end()


@pytest.fixture
def server(make_server):
    return make_server()
