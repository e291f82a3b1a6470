"""Every request leaves an entry in the log and every change a line in the audit trail; neither tells a secret."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import requests
from sqlalchemy import event

import database
import scim as door
import server
from core import attributes, directory, journal, tokens
from core.journal import Actor
from database import db, transaction
from protocol.definitions import CUSTOM
from protocol.schema import GROUP_TYPE
from tests.conftest import ROOT, wait_for
from tests.databases import open_database

SECRET = "S3cretPassw0rt"
TRANSACTION = 22  # SQLite's code for BEGIN, COMMIT and ROLLBACK in an authorizer
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture
def flush(app):
    """Return a function that writes what waits, as the housekeeping does."""

    def flush():
        with app.app_context():
            while journal.is_waiting():
                with transaction():
                    journal.flush()

    return flush


@pytest.fixture
def entries(app, flush):
    """Return a function that reads the log, oldest first, from the moment the fixture was set up."""

    def entries():
        flush()
        with app.app_context():
            return database.execute(journal.ENTRIES.select().order_by(journal.ENTRIES.c.id)).all()[known:]

    known = 0
    known = len(entries())
    return entries


@pytest.fixture
def lines(app):
    """Return a function that reads what the audit trail says of users and groups, oldest first."""

    def lines():
        about = journal.LINES.c.resource_type.in_(("User", "Group"))
        with app.app_context():
            return database.execute(journal.LINES.select().where(about).order_by(journal.LINES.c.id)).all()

    return lines


@pytest.fixture
def sql(instance):
    with closing(open_database(instance)) as connection:
        yield connection


def dump(sql):
    return "\n".join(sql.iterdump())


# the log


def test_every_request_leaves_one_entry(scim, barbara, entries):
    user = f"/Users/{barbara['id']}"
    scim.get(user)
    scim.get("/Users?count=1")
    scim.post("/Users/.search", {"count": 1})
    scim.post("/Users", {"userName": "ada"})
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    scim.put(user, {"userName": 5})
    scim.patch(user, {"op": "replace", "path": "title", "value": "Guide"})
    scim.patch(user, {"op": "replace", "path": "nothing", "value": "x"})
    scim.get("/Users?filter=broken")
    scim.get("/Users/nobody")
    scim.open("OPTIONS", "/Users")
    scim.get("/Devices")
    scim.get("/Me")
    scim.get("/Schemas")
    scim.post("/Bulk", {"Operations": []})
    scim.delete(user)
    expected = [
        ("GET", "/scim/v2" + user, 200, None),
        ("GET", "/scim/v2/Users?count=1", 200, None),
        ("POST", "/scim/v2/Users/.search", 200, None),
        ("POST", "/scim/v2/Users", 201, None),
        ("POST", "/scim/v2/Users", 409, "uniqueness"),
        ("PUT", "/scim/v2" + user, 400, "invalidValue"),
        ("PATCH", "/scim/v2" + user, 200, None),
        ("PATCH", "/scim/v2" + user, 400, "invalidPath"),
        ("GET", "/scim/v2/Users?filter=broken", 400, "invalidFilter"),
        ("GET", "/scim/v2/Users/nobody", 404, None),
        ("OPTIONS", "/scim/v2/Users", 405, None),
        ("GET", "/scim/v2/Devices", 404, None),
        ("GET", "/scim/v2/Me", 501, None),
        ("GET", "/scim/v2/Schemas", 200, None),
        ("POST", "/scim/v2/Bulk", 200, None),
        ("DELETE", "/scim/v2" + user, 204, None),
    ]
    assert [(e.method, e.path, e.status, e.scim_type) for e in entries()] == expected


def test_an_entry_tells_who_when_what_and_how_long(app, scim, barbara, entries):
    before = database.now()
    answer = scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "title", "value": "Guide"})
    [entry] = entries()
    with app.app_context():
        [token] = tokens.listing()
    assert before <= entry.time <= database.now()
    assert (entry.token_id, entry.address) == (token.id, "127.0.0.1")
    assert (entry.resource_type, entry.resource_id) == ("User", barbara["id"])
    assert (entry.error, entry.ignored) == (None, None)
    assert 0 < entry.milliseconds < 60_000
    assert orjson.loads(entry.request)["Operations"][0]["value"] == "Guide"
    assert orjson.loads(entry.answer) == answer.json


def test_a_refusal_is_kept_with_its_sentence(scim, barbara, entries):
    answer = scim.post("/Users", {"userName": "bjensen@example.com"})
    [entry] = entries()
    said = f"{entry.error} (request {answer.headers['X-Request-Id']})"
    assert (entry.status, entry.scim_type, said) == (409, "uniqueness", answer.json["detail"])
    assert orjson.loads(entry.answer) == answer.json


def test_a_request_without_a_token_is_logged_without_one(app, entries):
    app.test_client().get("/scim/v2/Users")
    [entry] = entries()
    assert (entry.status, entry.token_id) == (401, None)


def test_pages_for_people_are_not_in_the_log(app, entries):
    for path in ("/", "/healthz", "/nothing"):
        app.test_client().get(path)
    assert entries() == []


def test_ignored_attributes_are_named(scim, entries):
    scim.post("/Users", {"userName": "ada", "shoeSize": 41, CUSTOM: {"custAttr1": "x"}, "name": {"nick": "x"}})
    [entry] = entries()
    assert sorted(orjson.loads(entry.ignored)) == sorted(["shoeSize", f"{CUSTOM}:custAttr1", "name.nick"])


def test_large_bodies_are_cut(scim, entries):
    scim.post("/Users", {"userName": "ada", "title": "x" * 60_000})
    [entry] = entries()
    assert entry.request.endswith("…") and len(entry.request) <= journal.LARGEST_BODY + 1
    assert entry.answer.endswith("…") and len(entry.answer) <= journal.LARGEST_BODY + 1


def test_a_large_body_that_may_hold_a_secret_is_not_kept(scim, entries):
    large = {"userName": "ada", "foo": "x" * 1_100_000}
    scim.post("/Users", large)
    scim.post("/Users", large | {"userName": "grace", "password": "x"})
    first, second = entries()
    assert first.request.startswith('{"userName":"ada"')
    assert second.request == "[1100044 bytes that may hold a secret]"


def test_of_an_answer_in_pieces_the_beginning_is_kept(scim, barbara, entries, monkeypatch):
    monkeypatch.setattr(door, "PIECE", 100)
    answer = scim.get("/Users")
    [entry] = entries()
    assert entry.answer and answer.text.startswith(entry.answer.rstrip("…"))


def test_a_long_path_or_error_is_cut(scim, entries):
    scim.get(f"/Users/{'x' * 100_000}")
    scim.get(f"/Users?filter={'x' * 100_000}")
    scim.patch("/Users/x", {"op": "x" * 100_000})
    scim.post("/Users", {"x" * 100_000: 1})
    sizes = [len(repr(tuple(entry))) for entry in entries()]
    assert max(sizes) < 4 * journal.LARGEST_BODY


def test_the_query_keeps_only_what_scim_defines(scim, entries):
    scim.get(
        "/Users?access_token=abc&count=5&key=abc&sortBy=userName&x=abc&startIndex=2&sortOrder=descending&p=abc"
    )
    [entry] = entries()
    assert entry.path == "/scim/v2/Users?count=5&sortBy=userName&startIndex=2&sortOrder=descending"


def test_an_entry_is_pruned_when_it_is_too_old(app, scim, entries, monkeypatch):
    for days in (31, 29, 0):
        moment = datetime.now(UTC) - timedelta(days=days)
        monkeypatch.setattr(door, "now", lambda stamp=moment: stamp.replace(tzinfo=None).isoformat() + "Z")
        scim.get(f"/Users?count={days}")
    assert len(entries()) == 3
    with app.app_context(), transaction():
        assert journal.prune(days=30, most=5) == 1
    assert [entry.path[-2:] for entry in entries()] == ["29", "=0"]


def test_housekeeping_goes_on_while_old_entries_are_left(app, scim, entries, monkeypatch):
    monkeypatch.setattr(server, "PRUNE_ENTRIES", 2)
    old = (datetime.now(UTC) - timedelta(days=31)).replace(tzinfo=None).isoformat() + "Z"
    with monkeypatch.context() as then:
        then.setattr(door, "now", lambda: old)
        for _ in range(5):
            scim.get("/Users")
    assert len(entries()) == 5
    with app.app_context():
        assert [server.prune() for _ in range(3)] == [True, True, False]
    assert entries() == []


def test_housekeeping_writes_what_was_read_within_seconds(server):
    assert server.session().get(f"{server.base_url}/Users").status_code == 200
    deadline, found = time.monotonic() + 5, None
    with closing(open_database(server.instance)) as other:
        while not found and time.monotonic() < deadline:
            time.sleep(0.1)
            found = other.execute("SELECT path FROM provisioning_log").fetchone()
            other.rollback()
    assert found == ("/scim/v2/Users",)


HOUSEKEEPING = """
import sys, threading, time
import server
from app import create_app
from core import journal
from database import execute, transaction

server.PRUNE_SECONDS = 0
app, stop = create_app(), threading.Event()
threading.Thread(target=server.keep_house, args=(app, stop)).start()
for _ in range(100):
    time.sleep(0.1)
    with app.app_context():
        if not execute(journal.ENTRIES.select()).all():
            break
else:
    print("an old entry was left", flush=True)
"""


def test_housekeeping_deletes_old_entries_by_itself(sqlite, scim, entries, instance, monkeypatch):
    old = (datetime.now(UTC) - timedelta(days=31)).replace(tzinfo=None).isoformat() + "Z"
    monkeypatch.setattr(door, "now", lambda: old)
    scim.get("/Users")
    assert len(entries()) == 1
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance)}
    command = [sys.executable, "-c", HOUSEKEEPING]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# when it is written

OF_USERS = "audit WHERE resource_type = 'User'"


def count(sql, what="provisioning_log"):
    return sql.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


def test_the_entry_of_a_write_is_there_with_the_write(scim, sql):
    scim.post("/Users", {"userName": "ada"})
    assert (count(sql, "users"), count(sql), count(sql, OF_USERS)) == (1, 1, 1)


def test_reads_are_written_together(scim, sql, flush):
    for _ in range(5):
        scim.get("/Users")
    assert count(sql) == 0
    flush()
    assert count(sql) == 5


def test_a_write_takes_the_reads_before_it_along(scim, sql):
    for _ in range(5):
        scim.get("/Users")
    scim.post("/Users", {"userName": "ada"})
    assert count(sql) == 6


@pytest.fixture
def fail_next_commit(app, sqlite):
    """Return a function that makes SQLite refuse the next COMMIT, as it does when the disk is full."""
    failures = []

    def authorize(action, argument, *_):
        if action == TRANSACTION and argument == "COMMIT" and failures:
            failures.pop()
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    with app.app_context():
        event.listen(db.engine, "checkout", lambda raw, *_: raw.set_authorizer(authorize))
    return lambda: failures.append(True)


def test_a_write_that_fails_leaves_no_user_and_the_entry_of_its_failure(scim, sql, flush, fail_next_commit):
    fail_next_commit()
    assert scim.post("/Users", {"userName": "ada"}).status_code == 500
    flush()
    assert (count(sql, "users"), count(sql, OF_USERS)) == (0, 0)
    assert sql.execute("SELECT status FROM provisioning_log").fetchall() == [(500,)]


def test_a_commit_that_fails_is_in_nobodys_way(scim, fail_next_commit):
    fail_next_commit()
    assert scim.post("/Users", {"userName": "ada"}).status_code == 500
    assert [scim.get("/Users").json.get("totalResults") for _ in range(3)] == [0, 0, 0]
    assert scim.post("/Users", {"userName": "ada"}).status_code == 201


def test_a_commit_that_fails_keeps_no_lock(scim, sql, fail_next_commit):
    fail_next_commit()
    scim.post("/Users", {"userName": "ada"})
    sql.execute("PRAGMA busy_timeout = 100")
    sql.execute("BEGIN IMMEDIATE")
    sql.rollback()


def test_a_write_that_fails_loses_no_entry_of_another_request(scim, sql, flush, fail_next_commit):
    scim.get("/Users?count=7")
    fail_next_commit()
    scim.post("/Users", {"userName": "ada"})
    flush()
    assert ("/scim/v2/Users?count=7",) in sql.execute("SELECT path FROM provisioning_log").fetchall()


def test_a_write_that_fails_does_not_lose_the_note_of_the_last_use(app, scim, flush, fail_next_commit):
    fail_next_commit()
    scim.post("/Users", {"userName": "ada"})
    scim.get("/Users")
    flush()
    with app.app_context():
        [token] = tokens.listing()
    assert token.last_used


def test_a_kill_leaves_a_user_with_its_entry_and_audit_line_or_nothing(server):
    def create(thread):
        session = server.session()
        for number in range(10_000):
            try:
                session.post(f"{server.base_url}/Users", json={"userName": f"user{thread}-{number}"})
            except requests.RequestException:
                return

    threads = [threading.Thread(target=create, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    server.kill()
    for thread in threads:
        thread.join()
    with closing(open_database(server.instance)) as sql:
        users = sql.execute("SELECT id FROM users ORDER BY id").fetchall()
        created = "SELECT resource_id FROM provisioning_log WHERE status = 201 ORDER BY resource_id"
        assert sql.execute(created).fetchall() == users
        assert sql.execute(f"SELECT resource_id FROM {OF_USERS} ORDER BY resource_id").fetchall() == users
    assert len(users) > 10


def test_a_server_writes_the_entries_of_reads_soon(server):
    server.session().get(f"{server.base_url}/Users?count=7")
    with closing(open_database(server.instance)) as sql:
        deadline = time.monotonic() + 5
        while not count(sql) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert sql.execute("SELECT path FROM provisioning_log").fetchall() == [("/scim/v2/Users?count=7",)]


def test_a_server_keeps_up_with_many_reads(server):
    def read(_):
        session = server.session()
        for _ in range(250):
            session.get(f"{server.base_url}/Users?count=0")

    with ThreadPoolExecutor(8) as readers:
        list(readers.map(read, range(8)))
    with closing(open_database(server.instance)) as sql:
        assert wait_for(lambda: count(sql) >= 2_000)
        assert count(sql) == 2_000


# secrets

PASSWORD = json.dumps(SECRET)
SHAPES = {
    "POST": ("POST", "/Users", '{"userName": "ada", "password": %s}'),
    "POST twice": ("POST", "/Users", '{"userName": "ada", "password": %s, "password": %s}'),
    "POST refused": ("POST", "/Users", '{"userName": "ada", "password": %s, "active": 5}'),
    "POST refused, of a list": ("POST", "/Users", '{"userName": "ada", "password": [%s]}'),
    "POST refused, of an object": ("POST", "/Users", '{"userName": "ada", "password": {"value": %s}}'),
    "POST in capitals": ("POST", "/Users", '{"userName": "ada", "PASSWORD": %s}'),
    "POST by URN": ("POST", "/Users", '{"userName": "ada", "' + USER + '": {"password": %s}}'),
    "POST by dotted URN": ("POST", "/Users", '{"userName": "ada", "' + USER + ':password": %s}'),
    "POST of an escaped key": ("POST", "/Users", r'{"userName": "ada", "pass\u0077ord": %s}'),
    "POST of a wholly escaped key": (
        "POST",
        "/Users",
        r'{"userName": "ada", "\u0070\u0061\u0073\u0073\u0077\u006F\u0072\u0064": %s}',
    ),
    "POST of no JSON": ("POST", "/Users", '{"userName": "ada", "password": %s'),
    "POST of no JSON, escaped": ("POST", "/Users", r'{"userName": "ada", "p\u0061ssword": %s'),
    "POST of much": ("POST", "/Users", '{"userName": "ada", "title": "' + "x" * 9_000 + '", "password": %s}'),
    "POST of a group": ("POST", "/Groups", '{"displayName": "x", "password": %s}'),
    "PUT": ("PUT", "/Users/{id}", '{"userName": "bjensen@example.com", "password": %s}'),
    "PATCH": ("PATCH", "/Users/{id}", '{"Operations": [{"op": "replace", "value": {"password": %s}}]}'),
    "PATCH by path": (
        "PATCH",
        "/Users/{id}",
        '{"Operations": [{"op": "replace", "path": "password", "value": %s}]}',
    ),
    "PATCH, value first": (
        "PATCH",
        "/Users/{id}",
        '{"Operations": [{"value": %s, "path": "password", "op": "add"}]}',
    ),
    "PATCH in capitals": (
        "PATCH",
        "/Users/{id}",
        '{"OPERATIONS": [{"OP": "replace", "PATH": "PASSWORD", "VALUE": %s}]}',
    ),
    "PATCH by URN": (
        "PATCH",
        "/Users/{id}",
        '{"Operations": [{"op": "replace", "path": "' + USER + ':password", "value": %s}]}',
    ),
    "PATCH by escaped path": (
        "PATCH",
        "/Users/{id}",
        r'{"Operations": [{"op": "replace", "path": "pass\u0077ord", "value": %s}]}',
    ),
    "PATCH of an escaped key": (
        "PATCH",
        "/Users/{id}",
        r'{"Operations": [{"op": "replace", "value": {"pass\u0077ord": %s}}]}',
    ),
    "PATCH of a list": (
        "PATCH",
        "/Users/{id}",
        '{"Operations": [{"op": "replace", "path": "password", "value": [{"value": %s}]}]}',
    ),
    "PATCH with a bad op": (
        "PATCH",
        "/Users/{id}",
        '{"Operations": [{"op": "set", "path": "password", "value": %s}]}',
    ),
    "PATCH with a filter": (
        "PATCH",
        "/Users/{id}",
        '{"Operations": [{"op": "add", "path": "emails[password eq \\"S3cretPassw0rt\\"]", "value": %s}]}',
    ),
    "Bulk": (
        "POST",
        "/Bulk",
        '{"Operations": [{"method": "POST", "path": "/Users", "bulkId": "a",'
        ' "data": {"userName": "ada", "password": %s}}]}',
    ),
    "Bulk PATCH": (
        "POST",
        "/Bulk",
        '{"Operations": [{"method": "PATCH", "path": "/Users/{id}",'
        ' "data": {"Operations": [{"op": "add", "path": "password", "value": %s}]}}]}',
    ),
    "search": ("POST", "/Users/.search", r'{"filter": "password eq \"S3cretPassw0rt\""}'),
    "search, escaped": ("POST", "/Users/.search", r'{"filter": "pass\u0077ord sw \"S3cretPassw0rt\""}'),
    "search that does not parse": ("POST", "/Users/.search", r'{"filter": "password is \"S3cretPassw0rt\""}'),
    "search in single quotes": ("POST", "/Users/.search", """{"filter": "password eq 'S3cretPassw0rt'"}"""),
    "search without quotes": ("POST", "/Users/.search", '{"filter": "password eq S3cretPassw0rt"}'),
    "search with one quote": ("POST", "/Users/.search", r'{"filter": "password eq S3cretPassw0rt\""}'),
    "search of everything": ("POST", "/.search", r'{"filter": "password eq \"S3cretPassw0rt\""}'),
    "GET": ("GET", "/Users?filter=password%20eq%20%22S3cretPassw0rt%22", ""),
    "GET, encoded": ("GET", "/Users?filter=pass%77ord%20eq%20%22S3cretPassw0rt%22", ""),
    "GET that does not parse": ("GET", "/Users?filter=password%20is%20%22S3cretPassw0rt%22", ""),
    "GET in single quotes": ("GET", "/Users?filter=password%20eq%20%27S3cretPassw0rt%27", ""),
    "GET without quotes": ("GET", "/Users?filter=password%20eq%20S3cretPassw0rt", ""),
    "GET in brackets": ("GET", "/Users?filter=emails%5Bpassword%20eq%20%22S3cretPassw0rt%22%5D", ""),
    "GET by URN": ("GET", f"/Users?filter={USER}:password%20co%20%22S3cretPassw0rt%22", ""),
    "GET of a parameter": ("GET", "/Users?password=S3cretPassw0rt", ""),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_password_is_written_nowhere(scim, barbara, instance, sql, flush, caplog, shape):
    method, path, body = SHAPES[shape]
    data = body.replace("%s", PASSWORD).replace("{id}", barbara["id"]).encode()
    answer = scim.open(method, path.replace("{id}", barbara["id"]), data, {"Content-Type": "application/scim+json"})
    flush()
    assert SECRET not in dump(sql)
    assert SECRET not in caplog.text
    if shape.startswith(("POST", "PUT", "PATCH", "Bulk")):
        assert SECRET.encode() not in answer.data
    for file in instance.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file.name


def test_a_password_in_utf_16_is_written_nowhere(scim, sql, flush):
    body = json.dumps({"userName": "ada", "password": SECRET}).encode("utf-16-le")
    scim.open("POST", "/Users", body, {"Content-Type": "application/scim+json"})
    flush()
    assert "S3cret" not in dump(sql).replace("\x00", "")
    [(request,)] = sql.execute("SELECT request FROM provisioning_log").fetchall()
    assert "S3cret" not in request.replace("\x00", "").replace("\ufffd", "")


@pytest.mark.parametrize("path", ["?attributes=password", "?excludedAttributes=userName", ""])
def test_a_password_is_never_returned(scim, path):
    user = scim.post("/Users", {"userName": "ada", "password": SECRET}).json
    answers = [scim.get(f"/Users/{user['id']}{path}"), scim.get(f"/Users{path}")]
    assert all(SECRET not in answer.text and "password" not in answer.text for answer in answers)


@pytest.mark.parametrize(
    "filter", ["password pr", f'password eq "{SECRET}"', 'password sw "S"', "not (password pr)"]
)
def test_a_password_cannot_be_searched_for(scim, filter):
    scim.post("/Users", {"userName": "ada", "password": SECRET})
    answer = scim.post("/Users/.search", {"filter": filter})
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidFilter")


def test_sorting_by_password_tells_nothing(scim):
    assert scim.get("/Users?sortBy=password").status_code == 400


PASTED = {
    "filter": ("GET", '/Users?filter=userName%20eq%20"{}"', None),
    "filter that does not parse": ("GET", "/Users?filter={}", None),
    "count": ("GET", "/Users?count={}", None),
    "sortBy": ("GET", "/Users?sortBy={}", None),
    "cursor": ("GET", "/Users?cursor={}", None),
    "attributes": ("GET", "/Users?attributes={}", None),
    "id": ("GET", "/Users/{}", None),
    "endpoint": ("GET", "/{}", None),
    "endpoint, encoded": ("GET", "/%72%63%5f{rest}", None),
    "schema": ("GET", "/Schemas/{}", None),
    "id of a change": ("DELETE", "/Groups/{}", None),
    "name of an attribute": ("POST", "/Users", {"userName": "ada", "{}": 1}),
    "name of a custom attribute": ("POST", "/Users", {"userName": "ada", CUSTOM: {"{}": 1}}),
    "unknown attribute": ("POST", "/Users", {"userName": "ada", "token": "{}"}),
    "wrong value": ("POST", "/Users", {"userName": "ada", "active": "{}"}),
    "wrong date": ("POST", "/Users", {"userName": "ada", "meta": "{}", "emails": "{}"}),
    "schemas": ("POST", "/Users", {"userName": "ada", "schemas": ["{}"]}),
    "op": ("PATCH", "/Users/{id}", {"Operations": [{"op": "{}", "path": "title", "value": "x"}]}),
    "path": ("PATCH", "/Users/{id}", {"Operations": [{"op": "add", "path": "{}", "value": "x"}]}),
    "path with a filter": (
        "PATCH",
        "/Users/{id}",
        {"Operations": [{"op": "add", "path": 'emails[type eq "{}"]', "value": "x"}]},
    ),
    "member": ("POST", "/Groups", {"displayName": "x", "members": [{"value": "{}"}]}),
    "bulkId": ("POST", "/Bulk", {"Operations": [{"method": "GET", "path": "/Users", "bulkId": "{}"}]}),
    "bulk method": ("POST", "/Bulk", {"Operations": [{"method": "{}", "path": "/Users"}]}),
    "bulk path": ("POST", "/Bulk", {"Operations": [{"method": "DELETE", "path": "/Users/{}"}]}),
    "no JSON": ("POST", "/Users", "{} {"),
}


@pytest.mark.parametrize("place", PASTED)
def test_a_token_that_was_pasted_in_the_wrong_place_is_redacted(scim, barbara, sql, flush, caplog, place):
    method, path, body = PASTED[place]
    path = path.replace("{}", scim.token).replace("{rest}", scim.token[3:]).replace("{id}", barbara["id"])
    body = body if body is None or isinstance(body, str) else json.dumps(body)
    data = body.replace("{}", scim.token).encode() if body else None
    scim.open(method, path, data, {"Content-Type": "application/scim+json"})
    flush()
    assert count(sql) == 2  # Barbara's, and this one
    assert scim.token not in dump(sql) and scim.token[3:] not in dump(sql)
    assert scim.token not in caplog.text


# the audit trail


def change_of(line):
    return line.action, line.before and orjson.loads(line.before), line.after and orjson.loads(line.after)


def test_every_change_of_a_user_has_one_line(scim, barbara, lines):
    path = f"/Users/{barbara['id']}"
    kept = {name: barbara[name] for name in ("schemas", "userName", "externalId", "name", "displayName", "emails")}
    scim.patch(path, {"op": "replace", "path": "title", "value": "Guide"})
    scim.put(path, kept | {"active": True, "nickName": "Babs"})
    scim.patch(path, {"op": "replace", "value": {"active": False}})
    scim.delete(path)
    created, *changes, deleted = lines()
    assert [change_of(line) for line in changes] == [
        ("changed", {"title": "Tour Guide"}, {"title": "Guide"}),
        ("changed", {"title": "Guide"}, {"nickName": "Babs"}),
        ("changed", {"active": True}, {"active": False}),
    ]
    whole = kept | {"title": "Tour Guide", "active": True}
    assert change_of(created) == ("created", None, whole)
    final = {name: value for name, value in whole.items() if name != "title"}
    assert change_of(deleted) == ("deleted", final | {"nickName": "Babs", "active": False}, None)


def test_every_change_of_a_group_has_one_line(scim, make_user, make_group, lines):
    ada, bob, eve = (make_user(name) for name in ("ada", "bob", "eve"))
    known = len(lines())
    group = make_group("Guides", ada)
    path = f"/Groups/{group['id']}"
    scim.patch(path, {"op": "add", "path": "members", "value": [{"value": bob["id"]}, {"value": eve["id"]}]})
    scim.patch(path, {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'})
    scim.patch(path, {"op": "replace", "path": "displayName", "value": "Tour Guides"})
    scim.put(path, {"displayName": "Tour Guides", "members": [{"value": ada["id"]}, {"value": eve["id"]}]})
    scim.delete(path)
    created, added, removed, renamed, replaced, deleted = map(change_of, lines()[known:])
    assert (created[0], created[2]["members"]) == ("created", [ada["id"]])
    assert added == ("changed", {}, {"members": sorted([bob["id"], eve["id"]])})
    assert removed == ("changed", {"members": [ada["id"]]}, {})
    assert renamed == ("changed", {"displayName": "Guides"}, {"displayName": "Tour Guides"})
    assert replaced == ("changed", {"members": [bob["id"]]}, {"members": [ada["id"]]})
    assert (deleted[0], deleted[2]) == ("deleted", None)


def test_a_line_names_who_did_it_and_to_whom(app, barbara, lines):
    [line] = lines()
    with app.app_context():
        [token] = tokens.listing()
    assert (line.actor, line.token_id) == ("SCIM Okta (Okta)", token.id)
    assert (line.resource_type, line.resource_id) == ("User", barbara["id"])
    assert line.name == "bjensen@example.com"
    assert line.time == barbara["meta"]["lastModified"] or line.time > barbara["meta"]["lastModified"]


def test_a_write_that_changes_nothing_has_no_line(scim, barbara, make_group, lines):
    group = make_group("Guides", barbara)
    known = lines()
    user, path = f"/Users/{barbara['id']}", f"/Groups/{group['id']}"
    scim.put(user, {name: barbara[name] for name in barbara.keys() - {"id", "meta"}})
    scim.patch(user, {"op": "replace", "path": "title", "value": "Tour Guide"})
    scim.patch(user, {"op": "remove", "path": "nickName"})
    scim.patch(user, {"op": "replace", "path": "password", "value": SECRET})
    scim.patch(user, {"op": "replace", "value": {"shoeSize": 41, "id": "x", "groups": []}})
    scim.patch(
        user,
        {"op": "replace", "path": "title", "value": "Guide"},
        {"op": "replace", "path": "title", "value": "Tour Guide"},
    )
    scim.patch(path, {"op": "add", "path": "members", "value": [{"value": barbara["id"]}]})
    scim.patch(path, {"op": "remove", "path": 'members[value eq "nobody"]'})
    scim.patch(
        path,
        {"op": "remove", "path": "members"},
        {"op": "add", "path": "members", "value": [{"value": barbara["id"]}]},
    )
    scim.put(path, {"displayName": "Guides", "members": [{"value": barbara["id"]}] * 2})
    assert lines() == known


def test_a_write_that_is_refused_has_no_line(scim, barbara, make_user, lines):
    make_user("ada")
    known = lines()
    scim.post("/Users", {"userName": "ADA"})
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "userName", "value": "ada"})
    scim.patch(
        f"/Users/{barbara['id']}",
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "nothing", "value": "x"},
    )
    scim.post("/Groups", {"displayName": "g", "members": [{"value": barbara["id"]}, {"value": "nobody"}]})
    scim.delete("/Users/nobody")
    assert lines() == known


def test_each_operation_of_a_bulk_request_has_its_line(scim, barbara, lines):
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "ada"}},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "ADA"}},
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "g",
            "data": {"displayName": "g", "members": [{"value": "bulkId:a"}]},
        },
        {"method": "DELETE", "path": f"/Users/{barbara['id']}"},
    ]
    results = scim.post("/Bulk", {"Operations": operations}).json["Operations"]
    assert [result["status"] for result in results] == ["201", "409", "201", "204"]
    assert [(line.action, line.name) for line in lines()[1:]] == [
        ("created", "ada"),
        ("created", "g"),
        ("deleted", "bjensen@example.com"),
    ]


@pytest.fixture
def local(app):
    """A user and a group that were made here, not by Okta."""
    with app.app_context(), transaction():
        actor = Actor("Ada Admin")
        user = directory.create(attributes.user_type(), {"userName": "lea@example.com"}, actor, [])
        group = directory.create(GROUP_TYPE, {"displayName": "Locals"}, actor, [])
        return user, group


def sources(sql):
    return sql.execute("SELECT source FROM users UNION ALL SELECT source FROM groups").fetchall()


def test_what_is_made_here_is_local(local, sql, lines):
    assert sources(sql) == [("local",), ("local",)]
    assert [(line.actor, line.token_id, line.action) for line in lines()] == [("Ada Admin", None, "created")] * 2


def test_the_first_write_by_okta_takes_a_local_user_over(scim, local, sql, lines):
    user, group = local
    answer = scim.patch(f"/Users/{user.id}", {"op": "replace", "path": "title", "value": "Guide"})
    assert answer.json["id"] == user.id
    assert sources(sql) == [("scim",), ("local",)]
    line = lines()[-1]
    assert change_of(line) == ("taken over", {}, {"title": "Guide"})
    assert line.actor == "SCIM Okta (Okta)" and line.token_id


def test_a_write_that_changes_nothing_takes_over_too_and_once(scim, local, sql, lines):
    user, group = local
    for _ in range(2):
        assert (
            scim.patch(f"/Users/{user.id}", {"op": "replace", "path": "active", "value": True}).status_code == 200
        )
        assert scim.put(f"/Groups/{group.id}", {"displayName": "Locals"}).status_code == 200
    assert sources(sql) == [("scim",), ("scim",)]
    assert [line.action for line in lines()] == ["created", "created", "taken over", "taken over"]


def test_a_refused_write_takes_nothing_over(scim, local, sql, lines):
    user, _ = local
    scim.patch(f"/Users/{user.id}", {"op": "replace", "path": "nothing", "value": "x"})
    scim.get(f"/Users/{user.id}")
    assert sources(sql) == [("local",), ("local",)]
    assert len(lines()) == 2


# forged lines


def test_line_breaks_in_values_make_no_second_line(scim, lines, entries):
    forged = "x\r\n2026-01-01T00:00:00Z\tAda Admin\tdeleted\tUser"
    user = scim.post(
        "/Users", {"userName": "ada", "title": forged, "displayName": forged, "externalId": forged}
    ).json
    scim.post("/Users", {"userName": forged})
    scim.post("/Groups", {"displayName": forged})
    scim.get(f"/Users?filter={'x%0d%0ay'}")
    scim.delete(f"/Users/{user['id']}")
    assert [line.action for line in lines()] == ["created", "deleted"]
    assert all("\n" not in text for line in lines() for text in (line.name, line.actor, line.after or ""))
    assert len(entries()) == 5


def test_a_path_with_line_breaks_forges_no_line_of_the_server_log(scim, caplog, monkeypatch):
    def fail(*_):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(directory, "find", fail)
    scim.get("/Users/x%0d%0aFORGED%20LINE")
    assert "a mistake of ours" in caplog.text
    assert not [line for line in caplog.text.splitlines() if line.startswith("FORGED")]


def test_strangers_fill_no_disk_and_those_with_a_token_are_all_kept(app, scim, monkeypatch):
    monkeypatch.setattr(door, "now", lambda: "2026-01-01T00:00:00.000000Z")
    stranger = app.test_client()
    for _ in range(journal.STRANGERS + 20):
        assert stranger.get("/scim/v2/Users").status_code == 401
    for _ in range(journal.STRANGERS + 20):
        assert scim.get("/Users?count=1").status_code == 200
    with app.app_context():
        assert journal.count_waiting() == 2 * journal.STRANGERS + 20
    monkeypatch.setattr(door, "now", lambda: "2026-01-01T00:01:00.000000Z")
    stranger.get("/scim/v2/Users")
    with app.app_context():
        assert journal.count_waiting() == 2 * journal.STRANGERS + 21
