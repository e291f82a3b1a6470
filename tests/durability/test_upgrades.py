"""A database of every schema there was comes to the newest one: nothing is lost, and the program serves it."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import database
from app import create_app
from core import checks, serverlock
from database import db
from tests.conftest import ROOT, Scim
from tests.databases import unsound
from tests.portal.conftest import PASSWORD, Browser

pytestmark = pytest.mark.usefixtures("sqlite")

SCHEMAS = Path(__file__).parent / "schemas"
DUMPS = sorted(SCHEMAS.glob("*.sql"))
UPGRADE = "from app import create_app; import database as d\nwith create_app().app_context(): d.upgrade_database()"
WORD = "*"  # rows of user_values that an upgrade makes anew


def test_every_schema_but_the_newest_has_a_dump(app):
    with app.app_context():
        assert {path.stem for path in DUMPS} >= database.schemas().keys() - {database.newest_schema()}


@pytest.fixture(params=DUMPS, ids=lambda path: path.stem)
def old(request, tmp_path):
    """An instance folder with a database of an old schema; its dump."""
    folder = tmp_path / "instance"
    folder.mkdir()
    sql = sqlite3.connect(folder / "rollcall.db")
    sql.executescript(request.param.read_text())
    sql.close()
    return folder, request.param


def rows(folder, of=None):
    """Return {table: (columns, rows)}; only the tables and columns `of` another such dict."""
    sql, found = sqlite3.connect(folder / "rollcall.db"), {}
    tables = of or [row[0] for row in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in set(tables) - {"alembic_version"}:
        columns = of[name][0] if of else [row[1] for row in sql.execute(f'PRAGMA table_info("{name}")')]
        listed = ", ".join(f'"{column}"' for column in columns)
        kept = f"WHERE attribute <> '{WORD}'" if name == "user_values" else ""
        found[name] = columns, sorted(map(repr, sql.execute(f'SELECT {listed} FROM "{name}" {kept}')))
    sql.close()
    return found


def upgraded(folder):
    app = create_app({"INSTANCE_PATH": folder})
    with app.app_context():
        database.upgrade_database()
    return app


def close(app):
    with app.app_context():
        db.engine.dispose()


def test_an_upgrade_keeps_every_row_of_every_table(old):
    folder, _dump = old
    before = rows(folder)
    assert len(before["users"][1]) >= 4 and len(before["audit"][1]) >= 8
    close(upgraded(folder))
    assert rows(folder, before) == before
    assert unsound(folder / "rollcall.db") == []


def test_nothing_is_wrong_after_an_upgrade(old):
    folder, _dump = old
    app = upgraded(folder)
    found = checks.findings(app.config, folder, None)
    close(app)
    assert [finding for finding in found if finding.level == checks.PROBLEM] == []
    assert "totals" in [finding.name for finding in found]


def test_okta_goes_on_after_an_upgrade(old):
    folder, dump = old
    app = upgraded(folder)
    scim = Scim(app, re.match("-- token: (.*)", dump.read_text())[1])
    users = scim.get("/Users").json
    assert users["totalResults"] == len(users["Resources"]) >= 4
    [ada] = scim.find("Users", 'title eq "mathematician" and emails.value ew "lovelace.org"')
    assert ada["urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"] == {"custAttr1": "Berlin"}
    assert scim.get(f"/Users/{ada['id']}").json == ada
    [crew] = scim.find("Groups", 'displayName eq "crew"')
    assert len(crew["members"]) == 4
    assert scim.post("/Users", {"userName": "gone@example.com"}).status_code == 201
    assert scim.patch(f"/Users/{ada['id']}", {"op": "replace", "path": "active", "value": False}).status_code == 200
    assert scim.delete(f"/Groups/{crew['id']}").status_code == 204
    close(app)


def test_the_portal_shows_everything_after_an_upgrade(old):
    folder, dump = old
    app = upgraded(folder)
    if dump.stem < "0002":
        app.test_cli_runner().invoke(
            args=["admin", "create", "admin@example.com", "--password-stdin"], input=PASSWORD
        )
    browser = Browser(app)
    browser.sign_in("admin@example.com")
    assert "Ada Lovelace" in browser.says("/users")
    assert "José Łukasz 李" in browser.says("/users?q=jos%C3%A9")
    assert "Crew" in browser.says("/users/groups")
    for path in (
        "/",
        "/admin/identity/user-provisioning",
        "/admin/provisioning-log",
        "/admin/audit",
        "/configurations",
    ):
        assert browser.says(path)
    close(app)


def test_an_upgrade_that_is_killed_can_be_repeated(old):
    folder, _dump = old
    before, moments = rows(folder), random.Random(44)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", UPGRADE],
            cwd=ROOT,
            env={"ROLLCALL_INSTANCE_PATH": str(folder), "PATH": ""},
            stderr=subprocess.DEVNULL,
        )
        while not (folder / "rollcall.db-wal").exists() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert rows(folder, before) == before
    close(upgraded(folder))
    assert rows(folder, before) == before
    assert unsound(folder / "rollcall.db") == []


def test_a_copy_of_an_old_schema_is_restored_to_the_newest(old, app, instance, tmp_path):
    folder, _dump = old
    before = rows(folder)
    before.pop("sessions", None)  # a restore ends them
    close(app)
    done = app.test_cli_runner().invoke(args=["restore", str(folder / "rollcall.db"), "--yes"])
    assert done.exit_code == 0, done.output
    close(app)
    assert rows(instance, before) == before
    with app.app_context():
        assert f"schema {database.newest_schema()}" in done.stdout


@pytest.mark.parametrize("command", [("token", "list"), ("db", "upgrade")], ids=" ".join)
def test_a_command_upgrades_no_database_that_an_older_server_serves(old, command):
    folder, _dump = old
    before = rows(folder)
    lock = serverlock.take(folder / "rollcall.db", "a server")
    lock.share()
    command = [sys.executable, "-m", "flask", "--app", "app", *command]
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    lock.close()
    assert done.returncode == 1 and "in use by a server" in done.stderr and "start the server anew" in done.stderr
    assert rows(folder) == before
