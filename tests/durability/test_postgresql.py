"""What only PostgreSQL has: it may go away, several of our servers work on it, and SQLite's data moves to it."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import OperationalError

import engines
from tests.conftest import ROOT, SCIM_JSON, Server, free_port
from tests.databases import connect
from tests.durability.helpers import Load, create_users, patch_body, read_all, together
from tests.postgresql import program

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LONGEST_RECOVERY = 5  # seconds
SECRET_KEY = "of all of the servers, and long enough"


@pytest.fixture
def make_database(postgresql):
    """Return a function that makes an empty database and returns its address."""

    def make_database(words="ENCODING 'UTF8' LOCALE 'C'"):
        name = f"rollcall_{secrets.token_hex(4)}"
        with closing(connect(postgresql.url, autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {words}")
        return make_url(postgresql.url).set(database=name, password="not-to-be-shown").render_as_string(False)

    return make_database


def flask(folder, url, *words, **options):
    """Run one of our commands on a database."""
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(folder), "ROLLCALL_DATABASE_URL": url}
    command = [sys.executable, "-m", "flask", "--app", "app", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, **options)


@pytest.fixture
def make_servers(make_database, tmp_path):
    """Return a function that starts servers, each in a folder of its own, on one new database."""
    servers = []

    def make_servers(number):
        url = make_database()
        flask(tmp_path, url, "db", "upgrade", check=True)
        token = flask(tmp_path, url, "token", "create", "Okta", check=True).stdout.strip()
        for n in range(number):
            folder = tmp_path / f"server{n}"
            folder.mkdir()
            settings = {"ROLLCALL_DATABASE_URL": url, "ROLLCALL_SECRET_KEY": SECRET_KEY}
            servers.append(Server(folder, free_port(), token, settings))
            servers[-1].start()
        return servers

    yield make_servers
    for server in servers:
        server.stop()


def post(server, name, **others):
    return server.session().post(f"{server.base_url}/Users", json={"userName": name} | others, timeout=30)


# the database goes away


@pytest.fixture(scope="module")
def outage(postgresql, tmp_path_factory):
    """What eight writers, and others, met while PostgreSQL crashed and came back."""
    folder, name = tmp_path_factory.mktemp("outage"), "outage"
    with closing(connect(postgresql.url, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
    url = make_url(postgresql.url).set(database=name).render_as_string(False)
    flask(folder, url, "db", "upgrade", check=True)
    token = flask(folder, url, "token", "create", "Okta", check=True).stdout.strip()
    server = Server(folder, free_port(), token, {"ROLLCALL_DATABASE_URL": url}).start()
    met = {}

    def crash():
        postgresql.stop()
        met["read"] = server.session().get(f"{server.base_url}/Users", timeout=30)
        met["write"] = post(server, "nobody")
        met["page"] = requests.get(f"{server.url}/sign-in", timeout=30)
        met["session"] = requests.get(f"{server.url}/users", cookies={"rollcall": "s" * 43}, timeout=30)
        met["ready"] = requests.get(f"{server.url}/readyz", timeout=30)
        postgresql.start()
        began = time.monotonic()
        while server.session().delete(f"{server.base_url}/Users/nobody", timeout=30).status_code != 404:
            time.sleep(0.05)
        met["recovery"] = time.monotonic() - began
        load.over = True

    try:
        load = Load(server, seed=30)
        load.run(1.5, crash)
        met["strange"] = load.strange
        met["acknowledged"] = load.acknowledged
        met["differences"] = load.differences()
        met["log"] = (folder / "log").read_text()
        yield met
    finally:
        server.stop()


def test_a_database_that_is_away_is_answered_by_503_and_retry_after(outage):
    for what in ("read", "write"):
        answer = outage[what]
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, SCIM_JSON), answer.text
        assert (answer.json()["schemas"], answer.json()["status"]) == ([ERROR], "503")
        assert int(answer.headers["Retry-After"]) > 0


def test_pages_and_probes_say_that_the_database_is_away(outage):
    assert outage["page"].status_code == outage["session"].status_code == outage["ready"].status_code == 503
    assert "text/html" in outage["session"].headers["Content-Type"]
    assert "database" in outage["ready"].json()["problems"]


def test_writes_that_a_crash_of_the_database_cut_off_are_answered_by_503(outage):
    assert outage["strange"] and [said for said in outage["strange"] if ": 503 " not in said] == []


def test_a_crash_of_the_database_loses_no_acknowledged_write(outage):
    assert outage["acknowledged"] > 50
    assert outage["differences"] == ([], [])


def test_a_database_that_is_back_is_used_within_seconds(outage):
    assert outage["recovery"] <= LONGEST_RECOVERY


def test_the_log_tells_of_it_without_a_traceback(outage):
    assert "cannot be reached" in outage["log"]
    assert outage["log"].count("Traceback") == 0, outage["log"]


@pytest.mark.parametrize("begun", [Engine.connect, engines.begin_reading, engines.begin_writing])
def test_a_connection_that_was_cut_is_given_back_without_a_complaint(make_database, caplog, begun):
    url = make_database()
    engine = create_engine(url, **engines.options(url))
    engines.configure(engine)
    with begun(engine) as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with closing(connect(url, autocommit=True)) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(OperationalError, match="terminating connection"), begun(engine) as connection:
        connection.exec_driver_sql("SELECT 1")
    with begun(engine) as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != pid
    assert caplog.records == []


# several servers


def test_of_one_name_created_on_two_servers_at_once_one_is_kept(make_servers):
    servers = make_servers(2)
    for number in range(5):
        answers = together(16, lambda n, number=number: post(servers[n % 2], f"racer{number}".swapcase()))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
    assert len(read_all(servers[0].session(), servers[1].base_url, "Users")) == 5


def test_members_that_two_servers_add_at_once_are_all_there(make_servers):
    servers = make_servers(2)
    session, url = servers[0].session(), servers[0].base_url
    users = create_users(session, url, [f"user{n}" for n in range(64)])
    group = session.post(f"{url}/Groups", json={"displayName": "Everyone"}).json()["id"]

    def add(n):
        value = [{"value": user} for user in users[n * 4 : n * 4 + 4]]
        body = patch_body({"op": "add", "path": "members", "value": value})
        return servers[n % 2].session().patch(f"{servers[n % 2].base_url}/Groups/{group}", json=body)

    assert {answer.status_code for answer in together(16, add)} <= {200, 204}
    members = session.get(f"{url}/Groups/{group}").json()["members"]
    assert sorted(member["value"] for member in members) == sorted(users)


def test_an_attribute_that_is_defined_elsewhere_is_known_at_once(make_servers, tmp_path):
    [first, second] = make_servers(2)
    for server in (first, second):
        server.session().get(f"{server.base_url}/Schemas")
    flask(first.instance, first.environment["ROLLCALL_DATABASE_URL"], "attribute", "add", "custAttr1", check=True)
    urn = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
    for number, server in enumerate((first, second)):
        answer = post(server, f"user{number}", **{urn: {"custAttr1": "Berlin"}})
        assert answer.json()[urn] == {"custAttr1": "Berlin"}


TWO_SERVERS = """
import sys
from app import create_app
from core import attributes, configurations, directory
from core.journal import Actor
from core.mobileconfig import TYPES
from database import transaction
from protocol.definitions import CUSTOM

one, other = (create_app({"INSTANCE_PATH": folder}) for folder in sys.argv[1:])
wanted = {"label": "Office ${custAttr1}", "url": "https://example.com"}
actor = Actor("Okta")

def write(app, function, *arguments):
    with app.app_context(), transaction():
        return function(*arguments)

def create(app, name):
    document = {"userName": name, "active": True, CUSTOM: {"custAttr1": "Berlin"}}
    return write(app, lambda: directory.create(attributes.user_type(), document, actor, []))

write(one, attributes.add, "custAttr1", "string", False, actor)
create(other, "before")  # so that it knows what is in force: nothing
write(one, configurations.create, TYPES["webclip"], "Desk", wanted, "hold", "everyone", [], actor)
create(other, "after")
"""


def test_a_configuration_that_another_server_changed_holds_for_the_next_write(make_database, tmp_path):
    """In a process of their own: what this one has composed for SQLite is nothing for PostgreSQL."""
    url = make_database()
    flask(tmp_path, url, "db", "upgrade", check=True)
    environment = os.environ | {"ROLLCALL_DATABASE_URL": url, "PYTHONPATH": "."}
    command = [sys.executable, "-c", TWO_SERVERS, tmp_path / "one", tmp_path / "other"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    with closing(connect(url)) as connection:
        states = connection.execute("SELECT user_pk, state FROM deliveries ORDER BY user_pk").fetchall()
    assert [state for _pk, state in states] == ["ready", "ready"]


# its own terms


def test_a_database_without_the_schema_is_not_served(make_database, tmp_path):
    url = make_database()
    environment = os.environ | {
        "ROLLCALL_INSTANCE_PATH": str(tmp_path),
        "ROLLCALL_DATABASE_URL": url,
        "PORT": str(free_port()),
    }
    ended = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "flask db upgrade" in ended.stderr and "not-to-be-shown" not in ended.stderr + ended.stdout


def test_a_schema_that_has_to_be_upgraded_is_a_problem_with_its_cure(make_database, tmp_path):
    url = make_database()
    for beginning, sentence in (([], "no tables"), (["0001"], "The schema is 0001; this Rollcall has")):
        for revision in beginning:
            flask(tmp_path, url, "db", "upgrade", revision, check=True)
        found = flask(tmp_path, url, "check", "--json")
        [schema] = [finding for finding in json.loads(found.stdout) if finding["level"] == "problem"]
        assert (found.returncode, schema["name"]) == (1, "schema"), found.stdout
        assert sentence in schema["sentence"] and "`flask db upgrade`" in schema["cure"]
        assert "by itself" not in schema["cure"] and "restore" not in schema["cure"]
    flask(tmp_path, url, "db", "upgrade", check=True)
    cured = flask(tmp_path, url, "check")
    assert cured.returncode == 0 and "the newest" in cured.stdout


def test_a_database_that_sorts_otherwise_is_refused(make_database, tmp_path):
    ended = flask(tmp_path, make_database("ENCODING 'SQL_ASCII' LOCALE 'C'"), "db", "upgrade")
    assert ended.returncode != 0
    assert "createdb" in ended.stderr and "Traceback" not in ended.stderr


def test_a_server_with_another_secret_key_is_refused(make_servers, tmp_path):
    [server] = make_servers(1)
    other = {"ROLLCALL_DATABASE_URL": server.environment["ROLLCALL_DATABASE_URL"], "PORT": str(free_port())}
    command = [sys.executable, "app.py"]
    environment = os.environ | other | {"ROLLCALL_INSTANCE_PATH": str(tmp_path / "other")}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "another ROLLCALL_SECRET_KEY" in refused.stderr and "Traceback" not in refused.stderr
    found = flask(tmp_path / "other", other["ROLLCALL_DATABASE_URL"], "check")
    assert found.returncode == 1 and "problem  servers: A server of this database has another" in found.stdout


STARTING = """
import sys, database, engines, server
from app import create_app

def app(key):
    return create_app({"INSTANCE_PATH": sys.argv[1], "SECRET_KEY": key * 32})

one, other = app("1"), app("2")
server.start(one, "http://one")
with other.app_context():
    assert engines.is_other_key_in_use(database.connection(), "2" * 32)
"""


def test_a_server_that_starts_is_known_before_its_worker_is_there(make_database, tmp_path):
    url = make_database()
    flask(tmp_path, url, "db", "upgrade", check=True)
    environment = os.environ | {"ROLLCALL_DATABASE_URL": url, "PYTHONPATH": "."}
    subprocess.run([sys.executable, "-c", STARTING, tmp_path], cwd=ROOT, env=environment, check=True)


def test_the_address_is_shown_without_its_password(make_servers):
    [server] = make_servers(1)
    log = (server.instance / "log").read_text()
    assert "postgresql+psycopg://postgres:***@" in log and "not-to-be-shown" not in log


def test_a_value_that_no_index_takes_is_refused_in_a_sentence(make_servers):
    """SQLite takes values of any length; PostgreSQL's indexes those that take less than 2,704 bytes compressed."""
    [server] = make_servers(1)
    for body in ({"title": secrets.token_hex(4_000)}, {"displayName": secrets.token_hex(4_000)}):
        answer = post(server, "ada", **body)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue"), answer.text
        assert "too long" in answer.json()["detail"]
    assert read_all(server.session(), server.base_url, "Users") == []
    assert post(server, "ada", title="long, " * 4_000).status_code == 201


def test_an_installation_moves_from_sqlite_and_goes_on(make_database, make_server, tmp_path, sqlite):
    old = make_server()
    users = create_users(old.session(), old.base_url, [f"user{n}" for n in range(20)], title="Guide")
    old.session().post(f"{old.base_url}/Groups", json={"displayName": "All", "members": [{"value": users[0]}]})
    before = [read_all(old.session(), old.base_url, endpoint) for endpoint in ("Users", "Groups")]
    old.stop()
    url = make_database()
    moved = flask(old.instance, f"sqlite:///{old.instance}/rollcall.db", "migrate-data", url, check=True)
    assert "not-to-be-shown" not in moved.stdout + moved.stderr
    with closing(connect(url)) as connection:
        [(known,)] = connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'users'")
    assert known == 20, "PostgreSQL plans with what it has now"
    new = Server(old.instance, old.port, old.token, {"ROLLCALL_DATABASE_URL": url}).start()
    try:
        assert [read_all(new.session(), new.base_url, endpoint) for endpoint in ("Users", "Groups")] == before
        assert post(new, "user20").status_code == 201
        assert post(new, "USER3").status_code == 409
    finally:
        new.stop()


def test_the_words_of_searches_are_looked_at_and_mended(make_servers):
    [server] = make_servers(1)
    create_users(server.session(), server.base_url, ["ada", "bea"])
    folder, url = server.instance, server.environment["ROLLCALL_DATABASE_URL"]
    with closing(connect(url, autocommit=True)) as connection:
        connection.execute("DELETE FROM user_words WHERE word = 'ada'")
    assert "problem  words: The words that 1 users" in flask(folder, url, "check").stdout
    flask(folder, url, "recount", check=True)
    assert "ok       words" in flask(folder, url, "check").stdout


def test_a_dump_goes_back_over_a_newer_schema(postgresql, tmp_path):
    """The commands that `flask backup` and `flask restore` print, with a role and a database as documented."""
    with closing(connect(postgresql.url, autocommit=True)) as connection:
        connection.execute("CREATE ROLE rolls LOGIN")
        connection.execute("CREATE DATABASE rolls TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' OWNER rolls")
        connection.execute("REVOKE ALL ON DATABASE rolls FROM PUBLIC")
    url = make_url(postgresql.url).set(username="rolls", database="rolls").render_as_string(False)

    def run_printed(command):
        said = flask(tmp_path, url, command, str(tmp_path / "rolls.dump")).stderr
        for printed in re.findall(r"\b(?:psql|pg_\w+) --.*?(?=, then| while)", said):
            path = f"{Path(program('initdb')).parent}:{os.environ['PATH']}"
            subprocess.run(["bash", "-c", printed], env=os.environ | {"PATH": path}, check=True)

    flask(tmp_path, url, "db", "upgrade", check=True)
    flask(tmp_path, url, "token", "create", "Okta", check=True)
    run_printed("backup")
    with closing(connect(url, autocommit=True)) as connection:
        connection.execute("DELETE FROM tokens")
        connection.execute("CREATE TABLE newer (user_pk bigint NOT NULL REFERENCES users (pk))")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    run_printed("restore")
    with closing(connect(url)) as connection:
        assert connection.execute("SELECT name FROM tokens").fetchall() == [("Okta",)]
        assert connection.execute("SELECT to_regclass('newer')").fetchall() == [(None,)]
    assert flask(tmp_path, url, "check").returncode == 0
