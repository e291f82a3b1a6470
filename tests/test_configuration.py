"""Settings: what holds without any, what is refused, and what a request may not decide."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import database
import engines
import server
from app import create_app
from configuration import DEFAULTS, MAX_BODY, ConfigurationError
from database import db
from tests.databases import open_database

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "instance"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# defaults and the environment


def test_the_defaults(folder):
    config = create_app({"INSTANCE_PATH": folder}).config
    assert config["DATABASE_URL"] == f"sqlite:///{folder}/rollcall.db"
    assert (config["PUBLIC_URL"], config["TRUSTED_PROXIES"], config["LOG_LEVEL"]) == ("", 0, "INFO")
    assert config["MAX_CONTENT_LENGTH"] == MAX_BODY
    assert config["DEBUG"] is False and config["TESTING"] is False


def test_the_instance_folder_is_the_one_that_is_set(folder, monkeypatch):
    monkeypatch.setenv("ROLLCALL_INSTANCE_PATH", str(folder))
    assert create_app().instance_path == str(folder)
    assert mode(folder) == 0o700


def test_an_empty_instance_path_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLCALL_INSTANCE_PATH", "")
    assert create_app().instance_path == str(tmp_path / "instance")
    assert [path.name for path in tmp_path.iterdir()] == ["instance"]


def test_settings_come_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("ROLLCALL_PUBLIC_URL", "https://rollcall.example.com/")
    monkeypatch.setenv("ROLLCALL_TRUSTED_PROXIES", "2")
    monkeypatch.setenv("ROLLCALL_LOG_LEVEL", "debug")
    monkeypatch.setenv("ROLLCALL_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("ROLLCALL_DATABASE_URL", f"sqlite:///{folder}/other.db")
    config = create_app({"INSTANCE_PATH": folder}).config
    assert (config["PUBLIC_URL"], config["TRUSTED_PROXIES"]) == ("https://rollcall.example.com", 2)
    assert config["SECRET_KEY"] == "k" * 32
    assert (folder / "other.db").exists() and not (folder / "rollcall.db").exists()


@pytest.mark.parametrize("name", sorted({*DEFAULTS, "DATABASE_URL"}))
def test_a_variable_that_is_empty_is_as_one_that_is_not_set(folder, name, monkeypatch):
    default = create_app({"INSTANCE_PATH": folder}).config[name]
    monkeypatch.setenv(f"ROLLCALL_{name}", "")
    assert create_app({"INSTANCE_PATH": folder}).config[name] == default


# what is refused

REFUSED = [
    ("PUBLIC_URL", "rollcall.example.com"),
    ("PUBLIC_URL", "//rollcall.example.com"),
    ("PUBLIC_URL", "ftp://rollcall.example.com"),
    ("PUBLIC_URL", "javascript:alert(1)"),
    ("PUBLIC_URL", "https:"),
    ("PUBLIC_URL", "https://"),
    ("PUBLIC_URL", "https:///scim"),
    ("PUBLIC_URL", "https://rollcall.example.com\r\nX-Evil: 1"),
    ("PUBLIC_URL", "https://rollcall example.com"),
    ("PUBLIC_URL", "https://rollcall.example.com?x=1"),
    ("PUBLIC_URL", "https://rollcall.example.com#x"),
    ("PUBLIC_URL", "https://user@rollcall.example.com"),
    ("PUBLIC_URL", "https://user:password@rollcall.example.com"),
    ("PUBLIC_URL", "https://rollcall.example.com/scim/v2"),
    ("PUBLIC_URL", "https://rollcall.example.com/SCIM/v2/"),
    ("PUBLIC_URL", "https://rollcall.example.com/scim/v2/Users"),
    ("PUBLIC_URL", "https://rollcall.example.com:99999"),
    ("PUBLIC_URL", "https://rollcall.example.com:0"),
    ("PUBLIC_URL", "https://[::1]:65536"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "one"),
    ("TRUSTED_PROXIES", "1.5"),
    ("TRUSTED_PROXIES", "127.0.0.1"),
    ("TRUSTED_PROXIES", "²"),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_FORMAT", "xml"),
    ("METRICS_TOKEN", "x" * 15),
    ("METRICS_TOKEN", "x" * 16 + " "),
    ("METRICS_TOKEN", "é" * 16),
    ("SECRET_KEY", "x"),
    ("SECRET_KEY", "x" * 31),
]


def test_the_database_is_the_file_that_a_link_leads_to(folder, tmp_path, sqlite):
    """SQLite keeps its log beside that one, and what is ours is looked for beside it, too."""
    folder.mkdir(exist_ok=True)
    (tmp_path / "data").mkdir()
    (folder / "rollcall.db").symlink_to(tmp_path / "data" / "data.db")
    app = create_app({"INSTANCE_PATH": folder})
    with app.app_context():
        assert database.database_file() == (tmp_path / "data" / "data.db").resolve()
    assert (tmp_path / "data" / "data.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["a?b", "a%20b", "ü #", "a b"])
@pytest.mark.parametrize("query", ["", "?timeout=5"])
def test_the_database_is_private_whatever_its_folder_is_called(tmp_path, sqlite, name, query):
    folder = tmp_path / name
    given = {"DATABASE_URL": f"sqlite:///other.db{query}"} if query else {}
    app = create_app({"INSTANCE_PATH": folder} | given)
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    files = sorted(path.name for path in folder.iterdir())
    assert files == sorted(["other.db" if query else "rollcall.db", "secret_key"])
    assert [path.stat().st_mode & 0o077 for path in folder.iterdir()] == [0, 0]


def test_a_host_may_be_a_name(monkeypatch):
    monkeypatch.setenv("HOST", "localhost")
    assert server.address()[0] in ("127.0.0.1", "::1")
    monkeypatch.setenv("HOST", "")
    monkeypatch.setenv("PORT", "")
    assert server.address() == ("127.0.0.1", "5000")
    monkeypatch.setenv("HOST", "no host")
    with pytest.raises(SystemExit, match="HOST must be .* 'no host'"):
        server.address()


@pytest.mark.parametrize("name, value", REFUSED)
def test_a_setting_that_is_wrong_is_refused_by_name(folder, name, value, monkeypatch):
    monkeypatch.setenv(f"ROLLCALL_{name}", value)
    with pytest.raises(ConfigurationError, match=f"ROLLCALL_{name} .*\\."):
        create_app({"INSTANCE_PATH": folder})


def run(folder, *command, **settings):
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(folder), "PORT": "1"} | settings
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


PORTS = ["http", "0", "-1", "65536", "70000", "5000.0", "٥٠٠٠", "9" * 5000]
WRONG = [
    ("ROLLCALL_PUBLIC_URL", "rollcall.example.com"),
    ("ROLLCALL_TRUSTED_PROXIES", "-1"),
    ("ROLLCALL_LOG_LEVEL", "LOUD"),
    ("ROLLCALL_SECRET_KEY", "short"),
    ("ROLLCALL_METRICS_TOKEN", "easily-guessed"),
    *(("PORT", port) for port in PORTS),
]


@pytest.mark.parametrize("name, value", WRONG)
def test_the_server_does_not_start_with_a_wrong_setting_and_says_so_in_a_sentence(folder, name, value):
    result = run(folder, "app.py", **{name: value})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Rollcall does not start: ") and result.stderr.count("\n") == 1
    assert name in result.stderr


@pytest.mark.parametrize("name, value", [(name, value) for name, value in WRONG if name != "PORT"])
def test_a_command_with_a_wrong_setting_says_so_in_a_sentence(folder, name, value):
    result = run(folder, "-m", "flask", "--app", "app", "token", "list", **{name: value})
    assert result.returncode != 0
    assert name in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command", [("token", "list"), ("token", "create", "Okta"), ("recount",), ("admin", "list")]
)
def test_a_command_says_in_a_sentence_that_the_database_is_away(folder, command):
    away = {"ROLLCALL_DATABASE_URL": "postgresql+psycopg://x@127.0.0.1:1/x", "ROLLCALL_SECRET_KEY": "x" * 40}
    result = run(folder, "-m", "flask", "--app", "app", *command, **away)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The database cannot be used: connection failed")
    assert result.stderr.count("\n") == 1


def test_an_address_whose_host_has_no_name_is_refused_in_a_sentence(folder):
    result = run(folder, "-m", "flask", "--app", "app", "migrate-data", "postgresql://a..b/x")
    assert result.returncode == 1 and "has no name of a host" in result.stderr and "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_said_in_a_sentence(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run(folder, "app.py", PORT=str(taken.getsockname()[1]))
    assert result.returncode != 0
    assert "Traceback" not in result.stderr


FLASK = ("-m", "flask", "--app", "app")


@pytest.mark.parametrize("command", [("app.py",), (*FLASK, "db", "upgrade"), (*FLASK, "recount")])
def test_a_file_that_is_no_database_is_said_in_a_sentence_with_its_cure(folder, command):
    folder.mkdir(mode=0o700)
    (folder / "rollcall.db").write_text("These are the notes of the last meeting.\n" * 500)
    result = run(folder, *command)
    assert (result.returncode, result.stdout) == (1, "")
    assert "The database cannot be used: file is not a database." in result.stderr
    assert "flask restore" in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("run",), ("run", "-p", "5874"), ("--debug", "run", "--reload")])
def test_flask_run_serves_nothing_and_says_what_does(folder, words):
    result = run(folder, *FLASK, *words)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1 and "`python app.py`" in result.stderr
    assert not folder.exists()


def test_flask_help_does_not_offer_what_is_refused(folder):
    result = run(folder, *FLASK, "--help")
    assert result.returncode == 0 and "\n  recount " in result.stdout
    assert "\n  run " not in result.stdout


# secrets and files


def test_a_secret_key_is_made_once_and_kept(folder):
    first = create_app({"INSTANCE_PATH": folder}).config["SECRET_KEY"]
    assert len(first) >= 43
    assert create_app({"INSTANCE_PATH": folder}).config["SECRET_KEY"] == first
    assert mode(folder / "secret_key") == 0o600


def test_a_secret_key_that_is_no_text_is_refused_in_a_sentence(folder):
    create_app({"INSTANCE_PATH": folder})
    (folder / "secret_key").write_bytes(b"SQLite format 3\0\x10\xff")
    with pytest.raises(ConfigurationError, match="secret_key holds no secret key: put the one that was kept apart"):
        create_app({"INSTANCE_PATH": folder})


def test_two_instances_have_two_secret_keys(tmp_path):
    keys = {create_app({"INSTANCE_PATH": tmp_path / name}).config["SECRET_KEY"] for name in "ab"}
    assert len(keys) == 2


def test_the_secret_key_is_private_whatever_the_umask(folder):
    old = os.umask(0)
    try:
        create_app({"INSTANCE_PATH": folder})
    finally:
        os.umask(old)
    assert (mode(folder), mode(folder / "secret_key"), mode(folder / "rollcall.db")) == (0o700, 0o600, 0o600)


def test_the_database_and_its_companions_are_private(app, scim, instance, make_user):
    make_user("ada")
    files = {path.name: mode(path) for path in instance.glob("rollcall.db*")}
    assert files.keys() >= {"rollcall.db", "rollcall.db-wal"}
    assert set(files.values()) == {0o600}


def test_a_cursor_lives_on_over_a_restart(scim, instance, make_user, token):
    for name in ("ada", "bob"):
        make_user(name)
    cursor = scim.get("/Users?cursor=&count=1").json["nextCursor"]
    again = create_app({"INSTANCE_PATH": instance})
    answer = again.test_client().get(
        "/scim/v2/Users",
        query_string={"cursor": cursor, "count": 1},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert [user["userName"] for user in answer.json["Resources"]] == ["bob"]
    with again.app_context():
        db.engine.dispose()


# where links lead


@pytest.fixture
def create(instance, token):
    """Return a function that makes an app with settings, creates a user by it and returns the answer."""

    def create(headers=None, base_url=None, **settings):
        app = create_app({"INSTANCE_PATH": instance} | settings)
        answer = app.test_client().post(
            "/scim/v2/Users",
            json={"userName": "ada"},
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"} | (headers or {}),
        )
        with app.app_context():
            db.engine.dispose()
        assert answer.status_code == 201
        assert answer.headers["Location"] == answer.json["meta"]["location"]
        return answer.headers["Location"].rpartition("/Users/")[0]

    return create


HOSTILE = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "Forwarded": "for=1.2.3.4;host=evil.example;proto=gopher",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
}


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_the_public_url_is_used_whatever_a_request_says(create, proxies):
    base = create(HOSTILE, PUBLIC_URL="https://rollcall.example.com/", TRUSTED_PROXIES=proxies)
    assert base == "https://rollcall.example.com/scim/v2"


def test_a_public_url_may_have_a_path(create):
    assert create(PUBLIC_URL="https://example.com/rollcall") == "https://example.com/rollcall/scim/v2"


def test_without_a_public_url_links_lead_where_the_client_called(create):
    assert create(base_url="http://intranet:5000") == "http://intranet:5000/scim/v2"


def test_forwarded_headers_count_for_nothing_without_a_trusted_proxy(create):
    hostile = {name: value for name, value in HOSTILE.items() if name != "Host"}
    assert create(hostile, base_url="http://intranet:5000") == "http://intranet:5000/scim/v2"


def test_a_trusted_proxy_says_whether_it_was_https(create):
    base = create({"X-Forwarded-Proto": "https"}, base_url="http://intranet", TRUSTED_PROXIES=1)
    assert base == "https://intranet/scim/v2"


def test_a_trusted_proxy_does_not_choose_the_host(create):
    hostile = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "666", "X-Forwarded-Prefix": "/evil"}
    assert create(hostile, base_url="http://intranet", TRUSTED_PROXIES=1) == "http://intranet/scim/v2"


def test_every_link_uses_the_public_url(instance, token):
    app = create_app({"INSTANCE_PATH": instance, "PUBLIC_URL": "https://rollcall.example.com"})
    client = app.test_client()
    headers = {"Authorization": f"Bearer {token}"} | HOSTILE
    user = client.post("/scim/v2/Users", json={"userName": "ada"}, headers=headers).json
    members = [{"value": user["id"]}]
    client.post("/scim/v2/Groups", json={"displayName": "g", "members": members}, headers=headers)
    bulk = {"Operations": [{"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "bob"}}]}
    pages = [client.post("/scim/v2/Bulk", json=bulk, headers=headers)]
    for path in ("Users", "Groups", "Schemas", "ResourceTypes", "ServiceProviderConfig"):
        pages.append(client.get(f"/scim/v2/{path}", headers=headers))
    for page in pages:
        assert page.status_code == 200 and "https://rollcall.example.com/scim/v2" in page.text
        assert "evil" not in page.text and "gopher" not in page.text
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("proxies, address", [(0, "127.0.0.1"), (1, "192.0.2.7"), (2, "203.0.113.5")])
def test_the_logged_address_is_the_one_that_trusted_proxies_vouch_for(instance, token, proxies, address):
    app = create_app({"INSTANCE_PATH": instance, "TRUSTED_PROXIES": proxies})
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "evil, 203.0.113.5, 192.0.2.7"}
    app.test_client().post("/scim/v2/Users", json={"userName": "ada"}, headers=headers)
    with app.app_context():
        db.engine.dispose()
    with closing(open_database(instance)) as sql:
        assert sql.execute("SELECT address FROM provisioning_log").fetchall() == [(address,)]


# the engine

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,
    "busy_timeout": engines.BUSY_SECONDS * 1000,
}


def test_every_connection_is_set_up(app):
    with app.app_context():
        connections = [db.engine.connect() for _ in range(8)]
        for connection in connections:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
            assert found == PRAGMAS
        for connection in connections:
            connection.close()


def test_a_busy_timeout_is_long_enough_for_a_short_backup():
    assert engines.BUSY_SECONDS >= 5


def wal_size(instance):
    return (instance / "rollcall.db-wal").stat().st_size


def test_the_write_ahead_log_stays_bounded(app, scim, instance, make_user):
    user = make_user("ada")
    largest = 0
    for number in range(300):
        scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": f"{number}" + "x" * 60_000})
        largest = max(largest, wal_size(instance))
    assert largest > database.WAL_BYTES / 2  # there was something to fold
    assert largest < 2 * database.WAL_BYTES


def test_a_reader_that_stays_stops_no_writer(app, scim, instance, make_user):
    user = make_user("ada")

    def write(number):
        started = time.monotonic()
        title = f"{number}" + "x" * 60_000
        scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": title})
        return time.monotonic() - started

    with closing(sqlite3.connect(instance / "rollcall.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        for number in range(100):
            assert write(number) < engines.BUSY_SECONDS
        assert wal_size(instance) > database.WAL_BYTES  # it could not be folded
    for number in range(100):
        write(number)
    assert wal_size(instance) < 2 * database.WAL_BYTES


def test_foreign_keys_hold(app, scim, barbara, make_group):
    make_group("Guides", barbara)
    scim.delete(f"/Users/{barbara['id']}")
    with app.app_context():
        for table in ("group_members", "user_values", "user_words"):
            assert database.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_a_relative_database_is_private_and_in_the_instance_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = create_app({"INSTANCE_PATH": tmp_path / "instance", "DATABASE_URL": "sqlite:///other.db"})
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    assert mode(tmp_path / "instance/other.db") == 0o600
    assert not (tmp_path / "other.db").exists()
