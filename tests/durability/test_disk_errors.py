"""The disk fails at the N-th statement of a request, for every N: nothing changes, and the next request works."""

import sqlite3
from itertools import count

import pytest

import database
from app import create_app
from core import tokens
from database import db, transaction
from tests.conftest import ACTOR, Scim
from tests.databases import open_database

pytestmark = pytest.mark.usefixtures("sqlite")

TABLES = "users user_values user_words groups group_members blocks audit custom_attributes".split()


class Disk:
    """Fails at the N-th statement or commit from now: once, once with SQLite's own rollback, or from then on."""

    def __init__(self):
        self.left, self.kind = None, "once"

    def fail_at(self, number, kind):
        self.left, self.kind = number, kind

    def mend(self):
        """Work again; return whether the disk had failed."""
        failed, self.left = self.left is not None and self.left <= 0, None
        return failed

    def step(self, connection):
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0 or (self.left < 0 and self.kind == "from then on"):
            if self.kind == "rolled back by SQLite" and connection.in_transaction:
                sqlite3.Connection.rollback(connection)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def app(instance, disk):
    class Cursor(sqlite3.Cursor):
        def execute(self, *arguments):
            disk.step(self.connection)
            return super().execute(*arguments)

        def executemany(self, *arguments):
            disk.step(self.connection)
            return super().executemany(*arguments)

    class Connection(sqlite3.Connection):
        def cursor(self, factory=Cursor):
            return super().cursor(factory)

        def commit(self):
            disk.step(self)
            super().commit()

    options = {"connect_args": {"factory": Connection}}
    app = create_app({"INSTANCE_PATH": instance, "SQLALCHEMY_ENGINE_OPTIONS": options})
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def stored(instance):
    def stored():
        sql = open_database(instance)
        rows = {table: sql.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        sql.close()
        return rows

    return stored


def bulk(user, group, other):
    return {
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "new", "title": "x"}},
            {"method": "PATCH", "path": f"/Users/{user}", "data": {"Operations": [TITLE]}},
            {"method": "POST", "path": "/Groups", "bulkId": "b", "data": {"displayName": "staff"}},  # refused
            {"method": "PATCH", "path": f"/Groups/{group}", "data": {"Operations": [add("bulkId:a")]}},
            {"method": "DELETE", "path": f"/Users/{other}"},
        ]
    }


def add(identifier):
    return {"op": "add", "path": "members", "value": [{"value": identifier}]}


TITLE = {"op": "replace", "path": "title", "value": "Manager"}
REQUESTS = {
    "create a user": lambda u, g, o: ("POST", "/Users", {"userName": "new", "title": "x", "nickName": "y"}),
    "replace a user": lambda u, g, o: ("PUT", f"/Users/{u}", {"userName": "renamed", "nickName": "y"}),
    "patch a user": lambda u, g, o: ("PATCH", f"/Users/{u}", {"Operations": [TITLE]}),
    "delete a user": lambda u, g, o: ("DELETE", f"/Users/{u}", None),
    "create a group": lambda u, g, o: ("POST", "/Groups", {"displayName": "New", "members": [{"value": u}]}),
    "replace a group": lambda u, g, o: ("PUT", f"/Groups/{g}", {"displayName": "Crew", "members": [{"value": o}]}),
    "patch members": lambda u, g, o: (
        "PATCH",
        f"/Groups/{g}",
        {"Operations": [add(o), {"op": "remove", "path": f'members[value eq "{u}"]'}]},
    ),
    "delete a group": lambda u, g, o: ("DELETE", f"/Groups/{g}", None),
    "bulk": lambda u, g, o: ("POST", "/Bulk", bulk(u, g, o)),
    "read a user": lambda u, g, o: ("GET", f"/Users/{u}", None),
    "search": lambda u, g, o: ("GET", '/Users?filter=title eq "Tour Guide"&sortBy=userName', None),
}


@pytest.mark.parametrize("kind", ["once", "rolled back by SQLite", "from then on"])
@pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS)
def test_a_disk_error_at_any_statement_changes_nothing(
    scim, barbara, make_user, make_group, disk, stored, request_of, kind
):
    other = make_user("other")
    group = make_group("Staff", barbara)
    method, path, body = request_of(barbara["id"], group["id"], other["id"])
    before = stored()
    for number in count(1):
        disk.fail_at(number, kind)
        answer = scim.call(method, path, body)
        if not disk.mend():
            break
        assert 500 <= answer.status_code < 600, f"{answer.status_code} after an error at statement {number}"
        assert answer.mimetype == "application/scim+json"
        assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer.json["status"] == str(answer.status_code)
        assert stored() == before, f"an error at statement {number} left something"
        following = scim.get("/Users?count=1")
        assert following.status_code == 200, f"the request after an error at statement {number}: {following.json}"
    assert number > 3
    assert answer.status_code in (200, 201, 204)
    if method != "GET":
        assert stored() != before


def test_a_disk_error_is_not_called_busy(scim, disk):
    """A client that is told to wait would wait for ever, and nobody would look at the disk."""
    for number in range(1, _statements_of_a_create(scim, disk) + 1):
        disk.fail_at(number, "once")
        answer = scim.post("/Users", {"userName": "new"})
        assert disk.mend()
        assert answer.status_code == 500, f"{answer.status_code} after an error at statement {number}"


def test_a_write_whose_commit_failed_is_in_the_provisioning_log(app, scim, make_user, disk, instance):
    make_user("first")
    statements = _statements_of_a_create(scim, disk)
    disk.fail_at(statements, "once")
    assert scim.post("/Users", {"userName": "second"}).status_code == 500
    disk.mend()
    make_user("third")
    sql = open_database(instance)
    logged = sql.execute("SELECT status FROM provisioning_log WHERE request LIKE '%second%'").fetchall()
    sql.close()
    assert logged == [(500,)]


def _statements_of_a_create(scim, disk):
    """Return how many statements it takes to create a user, the commit as the last one."""
    assert (
        scim.post("/Users", {"userName": "warm-up"}).status_code == 201
    )  # it notes the token's use of this minute
    disk.fail_at(1_000_000, "once")
    assert scim.post("/Users", {"userName": "probe"}).status_code == 201
    statements, disk.left = 1_000_000 - disk.left, None
    return statements


def test_entries_that_wait_for_the_log_survive_a_write_that_fails(app, scim, make_user, disk, instance):
    make_user("first")
    statements = _statements_of_a_create(scim, disk)
    assert scim.get("/Users/not-there").status_code == 404  # a refusal waits in memory
    disk.fail_at(statements, "once")
    assert scim.post("/Users", {"userName": "second"}).status_code == 500
    disk.mend()
    make_user("third")
    sql = open_database(instance)
    [number] = sql.execute("SELECT count(*) FROM provisioning_log WHERE status = 404").fetchone()
    sql.close()
    assert number == 1


@pytest.fixture
def failing_checkpoint(monkeypatch):
    """A write-ahead log that is due to be folded back, on a disk that cannot take it."""

    def checkpoint():
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(database, "WAL_BYTES", 0)
    monkeypatch.setattr(database, "checkpoint", checkpoint)


def test_a_write_that_is_committed_is_not_refused_for_what_comes_after(app, token, failing_checkpoint):
    scim = Scim(app, token)
    answer = scim.post("/Users", {"userName": "kept"})
    assert (answer.status_code == 201) == bool(scim.find("Users", 'userName eq "kept"'))


def test_a_token_that_is_committed_is_shown(app, failing_checkpoint):
    with app.app_context(), transaction():
        assert tokens.create("Okta", ACTOR).startswith("rc_")
