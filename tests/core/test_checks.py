"""`flask check`: each thing that can be wrong is found, named with its cure, and nothing is changed."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

import database
from core import checks
from core import words as words_of_people
from core.checks import OK, PROBLEM, WARNING
from database import db, transaction
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("sqlite")

SETTINGS = {
    "SECRET_KEY": None,
    "PUBLIC_URL": "https://rollcall.example.com",
    "TRUSTED_PROXIES": "1",
    "SMTP_URL": "",
    "MAIL_FROM": "",
}


@pytest.fixture
def look(app, instance):
    """Return a function that returns {name: finding} of every finding that is worse than ok; with `all`, of all."""
    with app.app_context():
        db.engine.dispose()

    def look(refusal=None, all=False, **settings):
        config = SETTINGS | {"DATABASE_URL": f"sqlite:///{instance}/rollcall.db"} | settings
        found = checks.findings(config, instance, refusal)
        assert [finding for finding in found if finding.level == PROBLEM and not finding.cure] == []
        return {finding.name: finding for finding in found if all or finding.level != OK}

    return look


@pytest.fixture
def change(instance):
    def change(*statements):
        sql = sqlite3.connect(instance / "rollcall.db")
        for statement in statements:
            sql.execute(statement)
        sql.commit()
        sql.close()

    return change


@pytest.fixture
def settled(app, change, token, make_user, make_group, instance):
    """An installation in which nothing is wrong."""
    make_group("Staff", make_user("ada"), make_user("bea"), make_user("eve", active=False))
    change(
        "INSERT INTO administrators (email, email_key, role, password_hash, created)"
        " VALUES ('a@example.com', 'a@example.com', 'administrator', '-', '')"
    )
    with app.app_context():
        db.engine.dispose()


def test_nothing_is_found_where_nothing_is_wrong(settled, look):
    assert look() == {}


@pytest.mark.parametrize(
    "settings, name, level, word",
    [
        ({"SECRET_KEY": "short"}, "secret key", PROBLEM, "shorter than 32"),
        ({"SECRET_KEY": "a" * 40}, "secret key", PROBLEM, "guessed"),
        ({"SECRET_KEY": "changeme-changeme-0123456789-abcdefghi"}, "secret key", PROBLEM, "guessed"),
        ({"TRUSTED_PROXIES": "0"}, "proxy", WARNING, "TRUSTED_PROXIES is 0"),
        ({"PUBLIC_URL": "http://rollcall.example.com"}, "public address", WARNING, "https"),
        ({"PUBLIC_URL": "https://localhost"}, "public address", WARNING, "localhost"),
        ({"PUBLIC_URL": ""}, "proxy", WARNING, "PUBLIC_URL is not"),
        ({"SMTP_URL": "smtp://mail.example.com"}, "mail", WARNING, "ROLLCALL_MAIL_FROM is not set"),
        ({"MAIL_FROM": "it@example.com"}, "mail", WARNING, "ROLLCALL_SMTP_URL is not set"),
        ({"DATABASE_URL": "nonsense"}, "database", PROBLEM, "no address"),
    ],
)
def test_a_setting_that_is_wrong_is_found(settled, look, settings, name, level, word):
    found = look(**settings)
    assert list(found) == [name]
    assert found[name].level == level
    assert word in found[name].sentence


def test_mails_that_have_no_address_for_their_links_are_found(settled, look, change):
    settings = {"SMTP_URL": "smtp://mail.example.com", "MAIL_FROM": "it@example.com", "PUBLIC_URL": ""}
    assert "its own address" in look(TRUSTED_PROXIES="0", **settings)["mail"].sentence
    change("INSERT INTO settings VALUES ('public_url', '\"https://rollcall.example.com\"')")
    assert look(TRUSTED_PROXIES="0", **settings) == {}


def test_the_sentence_with_which_rollcall_refuses_to_start_is_said(settled, look):
    assert "ROLLCALL_LOG_LEVEL must be" in look("ROLLCALL_LOG_LEVEL must be DEBUG.")["settings"].sentence


@pytest.mark.parametrize("file, name", [("secret_key", "secret file"), ("rollcall.db", "database file")])
def test_a_file_that_others_can_read_is_found(settled, look, instance, file, name):
    (instance / file).chmod(0o644)
    found = look()
    assert (list(found), found[name].level) == ([name], PROBLEM)
    assert found[name].cure == f"chmod 600 {instance / file}"


def test_a_folder_that_others_can_write_to_is_found(settled, look, instance):
    instance.chmod(0o777)
    assert look()["folder"].cure == f"chmod 700 {instance}"


def test_a_folder_that_cannot_be_written_to_is_found(settled, look, instance, monkeypatch):
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != instance and may(path, mode))
    assert "cannot be written to" in look()["folder"].sentence


def folder_finding(folder):
    """Return what is found of a folder that no installation is in."""
    config = SETTINGS | {"DATABASE_URL": f"sqlite:///{folder}/rollcall.db"}
    [found] = [finding for finding in checks.findings(config, folder, None) if finding.name == "folder"]
    return found


@pytest.mark.parametrize("below", ["", "instance", "a/b/instance"])
def test_a_folder_that_is_a_file_or_below_one_is_found(tmp_path, below):
    file = tmp_path / "file"
    file.touch()
    found = folder_finding(file / below)
    assert (found.level, found.sentence) == (PROBLEM, f"{file} is no folder.")
    assert "ROLLCALL_INSTANCE_PATH" in found.cure


def test_a_folder_that_is_a_link_to_nothing_is_found(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nothing")
    assert folder_finding(link).level == PROBLEM


@pytest.mark.parametrize("folder", ["/proc/instance", "/proc/a/instance"])
def test_a_folder_that_cannot_be_made_is_found(folder):
    with pytest.raises(OSError):
        os.makedirs(folder)
    found = folder_finding(Path(folder))
    assert found.level == PROBLEM and "/proc cannot be written to" in found.sentence
    assert "ROLLCALL_INSTANCE_PATH" in found.cure


def test_a_folder_whose_parent_is_of_another_user_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root, which tests may run as, may all
    assert folder_finding(tmp_path / "a/instance").level == PROBLEM


def test_a_folder_that_can_be_made_is_no_problem(tmp_path):
    assert folder_finding(tmp_path / "a/instance").level == WARNING
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("free, level", [(10 * 2**20, PROBLEM), (500 * 2**20, WARNING)])
def test_a_disk_that_is_nearly_full_is_found(settled, look, monkeypatch, free, level):
    usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage(2**40, 0, free))
    assert look()["disk"].level == level


MAIL = "INSERT INTO outbox (purpose, recipient, message_id, state, next_try, created, last_error) VALUES "


@pytest.mark.parametrize(
    "statement, name, level, words",
    [
        ("UPDATE tokens SET revoked = '2026-01-01'", "tokens", WARNING, "No token is live"),
        ("UPDATE tokens SET expires = '{future}'", "tokens", WARNING, "expires on "),
        ("UPDATE tokens SET expires = '2026-01-02'", "tokens", WARNING, "expired on 2026-01-02"),
        ("DELETE FROM administrators", "administrators", WARNING, "No administrator"),
        ("UPDATE administrators SET disabled = ''", "administrators", WARNING, "No administrator"),
        ("UPDATE administrators SET role = 'readonly'", "administrators", WARNING, "No administrator"),
        ("UPDATE users SET last_modified = '{future}' WHERE pk = 1", "clock", PROBLEM, "in the future"),
        ("UPDATE provisioning_log SET time = '{future}'", "clock", PROBLEM, "in the future"),
        ("UPDATE alembic_version SET version_num = '0001'", "schema", WARNING, "0001"),
        ("UPDATE alembic_version SET version_num = '9999'", "schema", PROBLEM, "newer Rollcall"),
        ("UPDATE user_counts SET count = count + 1", "totals", PROBLEM, "users by state"),
        ("DELETE FROM user_counts", "totals", PROBLEM, "users by state"),
        ("UPDATE groups SET member_count = 7", "totals", PROBLEM, "members of groups"),
        ("UPDATE groups SET disabled_count = 0", "totals", PROBLEM, "members of groups"),
        ("UPDATE blocks SET count = 9 WHERE \"table\" = 'users'", "totals", PROBLEM, "users by block"),
        ("DELETE FROM blocks WHERE \"table\" = 'groups'", "totals", PROBLEM, "groups by block"),
        ("DELETE FROM user_words WHERE user_pk = 2 AND word = 'bea'", "words", PROBLEM, "1 users"),
        ("UPDATE user_words SET name = 'x' WHERE initial IS NOT NULL", "words", PROBLEM, "3 users"),
        ("INSERT INTO user_words (word, user_pk) VALUES ('gone', 1)", "words", PROBLEM, "1 users"),
        (MAIL + "('test', 'a@b.c', 'm', 'failed', '', '', 'No such user.')", "mail", WARNING, "No such user."),
        (MAIL + "('test', 'a@b.c', 'm', 'waiting', '', '', NULL)", "mail", WARNING, "1 mails wait"),
        ("INSERT INTO group_members VALUES (99, 99)", "foreign keys", PROBLEM, "group_members"),
        ("DROP TABLE tokens", "tokens", PROBLEM, "could not be looked at"),
        ("DROP TABLE alembic_version", "schema", PROBLEM, "could not be looked at"),
    ],
)
def test_what_is_wrong_in_the_database_is_found(settled, look, change, statement, name, level, words):
    change(statement.format(future=database.from_now(timedelta(days=2))))
    found = look()
    assert found[name].level == level
    assert words in found[name].sentence
    assert set(found) - {name} <= {"tokens", "foreign keys"}


def test_a_database_that_is_readable_but_not_sound_is_found(settled, look, change):
    change(
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'expires VARCHAR', 'expires VARCHAR NOT NULL')"
        " WHERE name = 'tokens'",
    )
    assert "damaged: NULL value in tokens.expires" in look()["integrity"].sentence


def test_a_recount_cures_every_total(settled, app, look, change):
    change(
        "DELETE FROM user_counts",
        "UPDATE groups SET member_count = 7, disabled_count = 7",
        "UPDATE blocks SET count = 9",
    )
    assert "totals" in look()
    with app.app_context(), transaction():
        checks.recount()
    assert look() == {}


def test_a_write_while_totals_are_compared_is_no_alarm(settled, look, make_user):
    names = ["zoe"]

    def write(_connection, _cursor, statement, *_others):
        if "user_counts" in statement and names:
            make_user(names.pop())

    event.listen(Engine, "after_cursor_execute", write)
    try:
        assert look() == {} and not names
    finally:
        event.remove(Engine, "after_cursor_execute", write)


def test_a_recount_cures_the_words_of_searches(settled, app, look, change, monkeypatch):
    monkeypatch.setattr(words_of_people, "PORTION", 2)
    change(
        "DELETE FROM user_words WHERE user_pk = 1",
        "UPDATE user_words SET initial = NULL, name = NULL WHERE user_pk = 2",
        "INSERT INTO user_words (word, user_pk) VALUES ('gone', 3)",
    )
    assert "3 users" in look()["words"].sentence
    result = app.test_cli_runner().invoke(args=["recount"])
    assert result.exit_code == 0, result.output
    assert look() == {}


def test_a_clock_before_the_newest_migration_is_found(settled, look, monkeypatch):
    monkeypatch.setattr(checks, "now", lambda: "2020-01-01T00:00:00.000000Z")
    assert "2020-01-01" in look()["clock"].sentence


def test_a_write_ahead_log_that_has_grown_is_found(settled, look, instance, monkeypatch):
    monkeypatch.setattr(checks, "LARGEST_WAL", -1)
    found = look()["write-ahead log"]
    assert found.level == WARNING and "rollcall.db-wal" in found.sentence


def test_an_sqlite_that_may_lose_commits_is_told_of(settled, look, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    assert look(all=True)["SQLite"].level == OK
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert "SQLite" not in look(all=True)


def test_the_last_backup_is_told_of(settled, app, look, tmp_path):
    assert "backup" not in look(all=True)
    assert app.test_cli_runner().invoke(args=["backup", str(tmp_path / "copy.db")]).exit_code == 0
    assert str(tmp_path / "copy.db") in look(all=True)["backup"].sentence


def spoil_head(path):
    path.write_bytes(os.urandom(4096) + path.read_bytes()[4096:])


def spoil_middle(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : -8192] = os.urandom(len(data) - 8192 - len(data) // 2)
    path.write_bytes(data)


def cut(path):
    os.truncate(path, 10_000)


@pytest.mark.parametrize("spoil", [spoil_head, spoil_middle, cut])
def test_a_broken_database_is_found_and_ends_no_check(settled, look, instance, spoil):
    spoil(instance / "rollcall.db")
    found = look(SECRET_KEY="short")
    assert found["secret key"].level == PROBLEM
    assert any(finding.level == PROBLEM and "flask restore" in finding.cure for finding in found.values())


# the command


def run(instance, *options, **settings):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
    environment |= {"ROLLCALL_INSTANCE_PATH": str(instance)} | settings
    command = [sys.executable, "-m", "flask", "--app", "app", "check", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def state(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mode) for path in folder.iterdir()}


def test_the_command_changes_nothing_and_exits_0_where_nothing_is_wrong(settled, instance):
    before = state(instance)
    done = run(instance)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The database is sound" in done.stdout
    assert {name: kept for name, kept in state(instance).items() if not name.endswith(("-wal", "-shm"))} == before


def test_the_command_cures_nothing(settled, instance):
    """Every other command makes the database private."""
    (instance / "rollcall.db").chmod(0o644)
    done = run(instance)
    assert done.returncode == 1
    assert f"chmod 600 {instance / 'rollcall.db'}" in done.stdout
    assert (instance / "rollcall.db").stat().st_mode & 0o777 == 0o644


def test_the_command_makes_no_folder(tmp_path):
    done = run(tmp_path / "instance")
    assert done.returncode == 0, done.stderr
    assert "no database" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_command_fails_where_the_folder_is_a_file(tmp_path):
    file = tmp_path / "file"
    file.touch()
    done = run(file)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"problem  folder: {file} is no folder." in done.stdout


def test_the_command_works_with_settings_that_rollcall_refuses(settled, instance):
    done = run(instance, "--json", ROLLCALL_TRUSTED_PROXIES="one", ROLLCALL_SECRET_KEY="short")
    assert (done.returncode, done.stderr) == (1, "")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert found["settings"]["level"] == "problem" and "Rollcall does not start" in found["settings"]["sentence"]
    assert found["integrity"]["level"] == "ok"
    assert "short" not in done.stdout.replace("shorter", "")


def test_the_command_survives_a_broken_database(settled, instance):
    spoil_head(instance / "rollcall.db")
    done = run(instance)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_warning_is_no_failure(settled, instance):
    done = run(instance, ROLLCALL_PUBLIC_URL="http://localhost:5000")
    assert done.returncode == 0
    assert "warning  public address" in done.stdout


def test_the_command_works_beside_a_server(server):
    done = run(server.instance)
    assert done.returncode == 0, done.stdout
    assert server.session().post(f"{server.base_url}/Users", json={"userName": "ada"}).status_code == 201
