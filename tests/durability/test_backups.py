"""Copies made under load, and put back: what was acknowledged is in them, and a kill leaves old or new."""

import errno
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

import cli
import database
from core import backup
from database import db
from tests.conftest import ROOT, Server, free_port
from tests.databases import unsound
from tests.durability.helpers import Load, create_users, new_server, read_all, torn_rows
from tests.durability.test_crashes import fill
from tests.durability.test_restarts import everything

pytestmark = pytest.mark.usefixtures("sqlite")

KILLS = int(os.environ.get("ROLLCALL_TEST_KILLS", "3"))
LONGEST_RESTORE = 60  # seconds for 100 MB


def command(instance, *arguments):
    """Return what Popen needs to run `flask …` on an instance folder."""
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance)}
    return {"args": [sys.executable, "-m", "flask", "--app", "app", *map(str, arguments)], "env": environment} | {
        "cwd": ROOT,
        "text": True,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }


def flask(instance, *arguments, **others):
    """Run a command in a process of its own, beside whatever else runs."""
    process = subprocess.Popen(**command(instance, *arguments) | others)
    return Done(*process.communicate(timeout=120), process.returncode)


@dataclass
class Done:
    stdout: str
    stderr: str
    returncode: int


@pytest.fixture
def run(app):
    """Return a function that runs a command in this process, as if nothing else had the database open."""

    def run(*arguments, input=None):
        with app.app_context():
            db.engine.dispose()
        result = app.test_cli_runner().invoke(args=list(map(str, arguments)), input=input)
        with app.app_context():
            db.engine.dispose()
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.stdout, result.stderr, result.exit_code)

    return run


def assert_refused(done, *words):
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    assert done.stderr.startswith("Error: ") and "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def rows(path):
    """Return every row of every table, but for the sessions, which a restore ends."""
    sql = sqlite3.connect(path)
    tables = [row[0] for row in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {name: sorted(map(repr, sql.execute(f'SELECT * FROM "{name}"'))) for name in tables}
    sql.close()
    found.pop("sessions")
    return found


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def copied(empty_instance, tmp_path_factory):
    """A copy made under load: the file, what was acknowledged before it was begun, and the load after its end."""
    folder = tmp_path_factory.mktemp("copied")
    server = new_server(shutil.copytree(empty_instance, folder / "instance"))
    server.start()
    before, copy = {}, folder / "copy.db"

    def copy_it():
        for writer in load.writers:
            before.update({key: value for key, value in list(writer.known.items()) if key[0] == "user"})
        before["writes"] = load.acknowledged
        done = flask(server.instance, "backup", copy)
        load.over = True
        before["said"], before["code"] = done.stdout, done.returncode

    try:
        load = Load(server, seed=41)
        load.run(1.5, copy_it)
        yield copy, before, load
    finally:
        server.stop()


def test_a_copy_under_load_is_sound(copied):
    copy, before, _load = copied
    assert before["code"] == 0
    assert unsound(copy) == []
    assert torn_rows(copy) == []


def test_a_copy_holds_every_write_that_was_acknowledged_before_it_was_begun(copied):
    copy, before, load = copied
    sql = sqlite3.connect(copy)
    titles = dict(sql.execute("SELECT user_name_key, json_extract(document, '$.title') FROM users"))
    writes = "SELECT count(*) FROM provisioning_log WHERE method <> 'GET' AND status < 300"
    assert sql.execute(writes).fetchone()[0] >= before["writes"] > 50
    sql.close()
    later = {key: value for writer in load.writers for key, value in writer.known.items()}
    for key, version in before.items():
        if key[0] == "user" and version is not None and not (key[1] not in titles and later[key] is None):
            assert int(titles[key[1]].removeprefix("v")) >= version


def test_no_write_is_refused_while_a_copy_is_made(copied):
    assert copied[2].strange == []


def test_a_copy_is_one_private_file_that_needs_no_other(copied):
    copy = copied[0]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in copy.parent.glob("*copy.db*")] == ["copy.db"]


def test_a_copy_says_what_is_in_it(copied):
    copy, before, _load = copied
    sql = sqlite3.connect(copy)
    [users], [groups] = (sql.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("users", "groups"))
    sql.close()
    assert f"{users} users, {groups} groups, schema " in before["said"]
    digest = subprocess.run(["sha256sum", copy], capture_output=True, text=True).stdout.split()[0]
    assert f"SHA-256 {digest}\n" in before["said"]
    assert "secret key" in before["said"]


def test_a_restored_copy_is_the_state_of_the_copy_row_by_row(copied, tmp_path):
    copy = copied[0]
    (tmp_path / "new").mkdir()
    done = flask(tmp_path / "new", "restore", copy, "--yes")
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path / "new" / "rollcall.db") == rows(copy)
    assert [path.name for path in (tmp_path / "new").glob("*before*")] == []


def test_a_restore_brings_every_answer_back_byte_by_byte(server, tmp_path):
    Load(server, seed=42).run(1)
    before = everything(server)
    assert flask(server.instance, "backup", tmp_path / "copy.db").returncode == 0
    create_users(server.session(), server.base_url, ["later"])
    server.stop()
    done = flask(server.instance, "restore", tmp_path / "copy.db", "--yes")
    assert done.returncode == 0, done.stderr
    server.start()
    assert everything(server) == before


def test_what_was_there_before_a_restore_is_kept(server, tmp_path):
    assert flask(server.instance, "backup", tmp_path / "copy.db").returncode == 0
    create_users(server.session(), server.base_url, ["later"])
    server.stop()
    before = rows(server.instance / "rollcall.db")
    done = flask(server.instance, "restore", tmp_path / "copy.db", "--yes")
    [kept] = server.instance.glob("rollcall.db.before-restore-*")
    assert str(kept) in done.stdout
    assert kept.stat().st_mode & 0o777 == 0o600
    assert rows(kept) == before != rows(server.instance / "rollcall.db")


def test_a_restore_is_refused_while_a_server_runs(server, tmp_path):
    flask(server.instance, "backup", tmp_path / "copy.db")
    create_users(server.session(), server.base_url, ["later"])
    assert_refused(flask(server.instance, "restore", tmp_path / "copy.db", "--yes"), "a server (process", "Stop")
    answer = server.session().get(f"{server.base_url}/Users", params={"filter": 'userName eq "later"'})
    assert answer.json()["totalResults"] == 1


def test_a_restore_that_may_not_lock_the_database_is_refused(run, instance, tmp_path, monkeypatch):
    assert run("backup", tmp_path / "copy.db").returncode == 0
    before = rows(instance / "rollcall.db")
    forbid_lock(monkeypatch)
    words = [
        f"{instance}/rollcall.db.serving cannot be written: Permission denied.",
        "the user that Rollcall runs as",
    ]
    assert_refused(run("restore", tmp_path / "copy.db", "--yes"), *words)
    assert rows(instance / "rollcall.db") == before


def test_a_move_that_may_not_lock_the_database_is_refused(run, instance, tmp_path, monkeypatch):
    forbid_lock(monkeypatch)
    done = run("migrate-data", f"sqlite:///{tmp_path}/target.db")
    assert_refused(done, f"{instance}/rollcall.db.serving cannot be written: Permission denied.", "the user that")


def forbid_lock(monkeypatch):
    """Let the file of the lock belong to another user; root, as which tests may run, could open it even then."""

    def open_another(path, *others, **options):
        if str(path).endswith(".serving"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return os_open(path, *others, **options)

    os_open = os.open
    monkeypatch.setattr(os, "open", open_another)


def test_a_server_is_refused_while_a_restore_is_at_work(instance):
    lock = backup.serverlock.take(instance / "rollcall.db", "flask restore")
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance), "PORT": "1"}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    lock.close()
    assert done.returncode == 1
    assert "in use by flask restore" in done.stderr


def test_a_restore_folds_in_the_log_that_a_killed_server_left(server, tmp_path):
    """The old write-ahead log must never be read as the new database's."""
    flask(server.instance, "backup", tmp_path / "copy.db")
    create_users(server.session(), server.base_url, [f"later{n}" for n in range(50)])
    server.kill()
    assert (server.instance / "rollcall.db-wal").stat().st_size
    assert flask(server.instance, "restore", tmp_path / "copy.db", "--yes").returncode == 0
    assert rows(server.instance / "rollcall.db") == rows(tmp_path / "copy.db")
    assert unsound(server.instance / "rollcall.db") == []


def test_a_copy_can_be_made_of_what_a_killed_server_left(server, tmp_path):
    create_users(server.session(), server.base_url, [f"user{n}" for n in range(50)])
    server.kill()
    done = flask(server.instance, "backup", tmp_path / "copy.db")
    assert done.returncode == 0 and "50 users" in done.stdout, done.stderr
    log = server.instance / "rollcall.db-wal"
    assert log.stat().st_size, "a copy folds nothing back"


# refusals of a backup


@pytest.mark.parametrize(
    "name, words",
    [
        ("there.db", ["exists already", "--force"]),
        ("instance/rollcall.db", ["is the database itself"]),
        ("instance/rollcall.db-wal", ["a part of it"]),
        ("link.db", ["is the database itself"]),
        ("instance", ["is a folder"]),
        ("instance/secret_key", ["is a file that Rollcall needs"]),
        ("instance/rollcall.db.last-backup", ["is a file that Rollcall needs"]),
        ("instance/rollcall.db.restoring", ["is a file that Rollcall needs"]),
        ("instance/rollcall.db.keeping", ["is a file that Rollcall needs"]),
        ("instance/rollcall.db.serving", ["is a file that Rollcall needs"]),
        ("pipe", ["is no regular file"]),
        ("null", ["is no regular file"]),
        ("no/such/folder.db", ["cannot be written"]),
        ("there.db/copy.db", ["cannot be written"]),
        ("/proc/copy.db", ["/proc/.copy.db", "cannot be written"]),  # nobody may, not even root
    ],
)
def test_a_target_that_will_not_do_is_refused(run, instance, tmp_path, name, words):
    (tmp_path / "instance").symlink_to(instance)
    (tmp_path / "there.db").write_text("mine")
    (tmp_path / "link.db").symlink_to(instance / "rollcall.db")
    (tmp_path / "null").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    before, beside = files(instance), sorted(os.listdir(tmp_path))
    force = ["--force"] if "exists" not in words[0] else []
    assert_refused(run("backup", tmp_path / name, *force), *words)
    assert (tmp_path / "there.db").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == beside
    assert {name: data for name, data in files(instance).items() if name in before} == before
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "null").is_symlink()


def test_a_secret_key_that_is_kept_elsewhere_is_not_replaced(run, instance, tmp_path):
    kept = tmp_path / "kept"
    (instance / "secret_key").rename(kept)
    (instance / "secret_key").symlink_to(kept)
    assert_refused(run("backup", kept, "--force"), "is a file that Rollcall needs")


def test_force_replaces_a_file(run, instance, tmp_path):
    (tmp_path / "there.db").write_text("old")
    assert run("backup", tmp_path / "there.db", "--force").returncode == 0
    assert unsound(tmp_path / "there.db") == []


def test_a_full_disk_leaves_nothing_and_says_so(instance, tmp_path):
    fill(instance / "rollcall.db", 10_000)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups/old.db").write_text("the copy of yesterday")
    limit = 1_000_000

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = flask(instance, "backup", tmp_path / "backups/old.db", "--force", preexec_fn=full)
    assert_refused(done, "full or failing", str(tmp_path / "backups"))
    assert files(tmp_path / "backups") == {"old.db": b"the copy of yesterday"}


def test_a_damaged_database_is_not_copied_for_a_sound_one(run, instance, tmp_path):
    fill(instance / "rollcall.db", 2_000)
    damage(instance / "rollcall.db")
    assert_refused(run("backup", tmp_path / "copy.db"), "damaged")
    assert list(tmp_path.glob("*copy*")) == []


def damage(path):
    """Overwrite pages in the middle, as a failing disk would."""
    with open(path, "r+b") as file:
        size = file.seek(0, 2)
        for page in range(size // 4096 // 2, size // 4096 - 2):
            file.seek(page * 4096)
            file.write(os.urandom(4096))


def test_of_two_copies_to_one_file_at_once_one_is_refused(instance, tmp_path):
    fill(instance / "rollcall.db", 30_000)
    both = [subprocess.Popen(**command(instance, "backup", tmp_path / "copy.db")) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes == [0, 1], said
    assert "Traceback" not in "".join(said)
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"]
    assert unsound(tmp_path / "copy.db") == []


def test_two_copies_to_two_files_at_once_are_both_sound(instance, tmp_path):
    both = [subprocess.Popen(**command(instance, "backup", tmp_path / name)) for name in ("a.db", "b.db")]
    for process in both:
        process.communicate(timeout=120)
    assert [process.returncode for process in both] == [0, 0]
    assert rows(tmp_path / "a.db") == rows(tmp_path / "b.db")


def test_a_copy_that_was_killed_is_in_the_way_of_no_other(run, instance, tmp_path):
    (tmp_path / ".copy.db.rollcall-unfinished").write_bytes(b"half a copy")
    (tmp_path / ".copy.db.rollcall-unfinished-journal").write_bytes(b"half a journal")
    assert run("backup", tmp_path / "copy.db").returncode == 0
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"]


def test_a_copy_leaves_files_with_similar_names_alone(run, instance, tmp_path):
    for name in ("copy.db.tmp", "copy.db.tmp-wal", ".copy.db"):
        (tmp_path / name).write_text("mine")
    assert run("backup", tmp_path / "copy.db").returncode == 0
    assert {name for name, data in files(tmp_path).items() if data == b"mine"} == {
        "copy.db.tmp",
        "copy.db.tmp-wal",
        ".copy.db",
    }


# refusals of a restore


def no_sqlite(path):
    path.write_text("userName,displayName\n" * 1000)


def empty(path):
    path.touch()


def foreign(path):
    sql = sqlite3.connect(path)
    sql.execute("CREATE TABLE users (name)")
    sql.commit()
    sql.close()


def damaged(path):
    fill(path, 2_000)
    damage(path)


def cut_off(path):
    os.truncate(path, path.stat().st_size // 2)


def newer(path):
    change(path, "UPDATE alembic_version SET version_num = '9999'")


def orphaned(path):
    change(path, "INSERT INTO group_members VALUES (1, 1)")


def open_elsewhere(path):
    path.with_name(path.name + "-wal").write_bytes(b"frames")


def change(path, statement):
    sql = sqlite3.connect(path)
    sql.execute(statement)
    sql.commit()
    sql.close()


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda path: path.unlink(), ["There is no file"]),
        (no_sqlite, ["is no SQLite database", "`flask backup`"]),
        (lambda path: (path.unlink(), empty(path)), ["is no SQLite database"]),
        (lambda path: (path.unlink(), foreign(path)), ["is no database of Rollcall"]),
        (damaged, ["damaged", "older copy"]),
        (cut_off, ["damaged", "older copy"]),
        (newer, ["newer Rollcall", "'9999'"]),
        (orphaned, ["damaged", "group_members refers to"]),
        (open_elsewhere, ["copy.db-wal", "`flask backup`"]),
        (lambda path: (path.unlink(), path.mkdir()), ["is a folder"]),
    ],
    ids="missing text empty foreign damaged cut newer orphaned log folder".split(),
)
def test_a_file_that_will_not_do_is_refused(run, instance, tmp_path, spoil, words):
    assert run("backup", tmp_path / "copy.db").returncode == 0
    spoil(tmp_path / "copy.db")
    before = rows(instance / "rollcall.db")
    assert_refused(run("restore", tmp_path / "copy.db", "--yes"), *words)
    assert rows(instance / "rollcall.db") == before
    assert not list(instance.glob("*restor*"))


def test_the_database_itself_is_no_copy(run, instance):
    assert_refused(run("restore", instance / "rollcall.db", "--yes"), "is the database itself")


def test_a_restore_asks_first_and_changes_nothing_without_a_yes(run, instance, tmp_path):
    assert run("backup", tmp_path / "copy.db").returncode == 0
    fill(instance / "rollcall.db", 10)
    before = rows(instance / "rollcall.db")
    done = run("restore", tmp_path / "copy.db")
    assert done.returncode == 1
    assert "0 users" in done.stderr and "10 users" in done.stderr
    assert rows(instance / "rollcall.db") == before
    assert not list(instance.glob("*restor*"))


# interrupts


def interrupt(*_report):
    raise KeyboardInterrupt


def interrupt_the_check(what, _done, _total):
    if what == "being checked":
        raise KeyboardInterrupt


@pytest.fixture
def changed_since(app, run, instance, tmp_path, monkeypatch):
    """A copy of an instance to which rows were added since; its checks report often."""
    assert run("backup", tmp_path / "copy.db").returncode == 0
    fill(instance / "rollcall.db", 1_000)
    monkeypatch.setattr(backup, "STEPS", 100)
    with app.app_context():
        yield tmp_path / "copy.db"


def test_an_interrupt_while_a_copy_is_checked_ends_the_restore(instance, changed_since):
    before = rows(instance / "rollcall.db")
    with pytest.raises(KeyboardInterrupt):
        backup.restore(changed_since, lambda *_: True, interrupt_the_check)
    assert rows(instance / "rollcall.db") == before
    assert not list(instance.glob("*restor*"))


def test_an_interrupt_while_the_present_database_is_checked_ends_the_restore(instance, changed_since, monkeypatch):
    before, examined = rows(instance / "rollcall.db"), backup._examined

    def interrupted(path, name, report, *others, **options):
        is_present = path == instance / "rollcall.db"
        return examined(path, name, interrupt if is_present else report, *others, **options)

    monkeypatch.setattr(backup, "_examined", interrupted)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(changed_since, lambda *_: True)
    assert rows(instance / "rollcall.db") == before
    assert not list(instance.glob("*restor*"))


def test_an_interrupt_before_the_first_line_of_the_report_ends_a_check_too(instance):
    """As Python raises Ctrl-C that came while SQLite was at work."""
    raw = backup.reader(instance / "rollcall.db")
    with pytest.raises(KeyboardInterrupt), backup.closing(raw), backup._watched_statements(raw, backup.silent):
        raw.set_progress_handler(lambda: 1, 1)
        raw.execute("PRAGMA integrity_check").fetchall()


@pytest.mark.parametrize("moment", ["restored", "being checked"])
def test_an_interrupt_after_the_exchange_does_not_claim_that_nothing_was_changed(instance, changed_since, moment):
    said = []

    def late(what, done, total):
        said.append(what)
        if what == moment and done == total and "restored" in said:
            raise KeyboardInterrupt

    with pytest.raises(backup.BackupError, match="is the old database or the new one") as refused:
        backup.restore(changed_since, lambda *_: True, late)
    [kept] = instance.glob("rollcall.db.before-restore-*")
    assert str(kept) in str(refused.value)
    assert unsound(instance / "rollcall.db") == []


def test_a_check_that_fails_after_the_exchange_names_the_database_that_is_kept(instance, changed_since):
    said = []

    def fail(what, _done, _total):
        said.append(what)
        if what == "being checked" and "restored" in said:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(backup.BackupError, match="Input/output error") as refused:
        backup.restore(changed_since, lambda *_: True, fail)
    [kept] = instance.glob("rollcall.db.before-restore-*")
    assert str(refused.value).endswith(f" What was there before is {kept}.")


# what a restore mends


@pytest.mark.parametrize("spoil", [no_sqlite, damaged, cut_off], ids=["text", "damaged", "cut"])
def test_a_restore_mends_a_damaged_database_and_keeps_it(run, instance, tmp_path, spoil):
    fill(instance / "rollcall.db", 1_000)
    assert run("backup", tmp_path / "copy.db").returncode == 0
    if spoil is damaged:
        damage(instance / "rollcall.db")
    else:
        spoil(instance / "rollcall.db")
    broken = (instance / "rollcall.db").read_bytes()
    done = run("restore", tmp_path / "copy.db", "--yes")
    assert done.returncode == 0, done.stderr
    assert rows(instance / "rollcall.db") == rows(tmp_path / "copy.db")
    [kept] = instance.glob("rollcall.db.before-restore-*[!lm]")
    assert len(kept.read_bytes()) == pytest.approx(len(broken), abs=8192)


def test_a_copy_with_pages_of_another_size_is_restored(run, instance, tmp_path):
    fill(instance / "rollcall.db", 10)
    assert run("backup", tmp_path / "copy.db").returncode == 0
    sql = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
    sql.execute("PRAGMA page_size = 8192")
    sql.execute("VACUUM")
    sql.close()
    fill_more = sqlite3.connect(instance / "rollcall.db")
    fill_more.execute("DELETE FROM users")
    fill_more.commit()
    fill_more.close()
    assert run("restore", tmp_path / "copy.db", "--yes").returncode == 0
    assert rows(instance / "rollcall.db") == rows(tmp_path / "copy.db")


def test_a_restore_ends_every_session(run, instance, tmp_path):
    moment = database.now()
    change(
        instance / "rollcall.db", f"INSERT INTO sessions VALUES ('d', NULL, '{{}}', '{moment}', '{moment}', NULL)"
    )
    assert run("backup", tmp_path / "copy.db").returncode == 0
    assert run("restore", tmp_path / "copy.db", "--yes").returncode == 0
    sql = sqlite3.connect(instance / "rollcall.db")
    assert sql.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    sql.close()


# kills


@pytest.fixture
def two_states(instance, tmp_path):
    """An instance with 8,000 users and a copy with 5,000 others; the rows of both."""
    fill(instance / "rollcall.db", 5_000)
    assert flask(instance, "backup", tmp_path / "copy.db").returncode == 0
    change(instance / "rollcall.db", "UPDATE users SET display = 'changed since'")
    fill_more = "UPDATE groups SET display_name = 'x'"
    change(instance / "rollcall.db", fill_more)
    return instance, tmp_path / "copy.db", rows(instance / "rollcall.db"), rows(tmp_path / "copy.db")


def restore_and_kill(instance, copy, seconds, after=None):
    """Restore, and kill it so many seconds later, or so many after a file appears; return whether it had ended."""
    process = subprocess.Popen(**command(instance, "restore", copy, "--yes") | {"start_new_session": True})
    deadline = time.monotonic() + 30
    while after and not list(instance.glob(after)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(seconds)
    ended = process.poll() is not None
    os.killpg(process.pid, signal.SIGKILL) if not ended else None
    process.communicate()
    return ended


@pytest.mark.parametrize(
    "phase", [None, "rollcall.db.restoring", "rollcall.db.keeping", "rollcall.db.before-restore-*"]
)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_database(two_states, phase):
    instance, copy, old, new = two_states
    moments, killed = random.Random(43), 0
    for number in range(KILLS):
        for stale in instance.glob("rollcall.db.before-restore-*"):
            stale.unlink()
        latest = 2 if phase is None else 0.1
        killed += not restore_and_kill(instance, copy, moments.uniform(0, latest * number / KILLS), phase)
        found = rows(instance / "rollcall.db")
        assert found in (old, new)
        assert unsound(instance / "rollcall.db") == []
        if found == new:
            change(instance / "rollcall.db", "UPDATE users SET display = 'changed since'")
    assert killed
    assert flask(instance, "restore", copy, "--yes").returncode == 0
    assert rows(instance / "rollcall.db") == new
    assert not list(instance.glob("*.restoring*")) + list(instance.glob("*.keeping*"))


def test_100_mb_are_restored_within_a_minute(run, instance, tmp_path):
    """A third of it users, the rest what the provisioning log keeps of requests."""
    fill(instance / "rollcall.db", 80_000)
    columns = "time, method, path, status, milliseconds, request"
    change(
        instance / "rollcall.db",
        f"INSERT INTO provisioning_log ({columns})"
        " SELECT created, 'POST', '/Users', 201, 1.5, hex(randomblob(3500)) FROM users LIMIT 9000",
    )
    assert (instance / "rollcall.db").stat().st_size > 100 * 2**20
    assert run("backup", tmp_path / "copy.db").returncode == 0
    began = time.monotonic()
    done = run("restore", tmp_path / "copy.db", "--yes")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began <= LONGEST_RESTORE


def test_the_drill_of_the_documentation_works_as_it_is_written(server, tmp_path):
    Load(server, seed=45).run(0.5)
    assert flask(server.instance, "backup", tmp_path / "copy.db").returncode == 0
    text = (ROOT / "docs/backups.md").read_text()
    drill = re.search("## The drill.*?```\n(.*?)```", text, re.DOTALL)[1]
    *commands, serve = drill.replace("/srv/backups/rollcall-2026-11-24.db", str(tmp_path / "copy.db")).splitlines()
    assert serve == "PORT=5999 .venv/bin/python app.py"
    script = "\n".join(["set -e", *commands, 'echo "$ROLLCALL_INSTANCE_PATH"'])
    script = script.replace(".venv/bin/flask", f"{sys.executable} -m flask --app app")
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    drilled = Server(Path(done.stdout.splitlines()[-1]), free_port(), server.token)
    try:
        drilled.start()
        users = [read_all(one.session(), one.base_url, "Users") for one in (server, drilled)]
        assert [user["id"] for user in users[0]] == [user["id"] for user in users[1]] != []
    finally:
        drilled.stop()
        shutil.rmtree(drilled.instance)


# another engine


@pytest.mark.parametrize("what, tool", [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_on_postgresql_its_own_tool_is_named_without_the_password(app, monkeypatch, what, tool):
    url = make_url("postgresql+psycopg://rollcall:s3cret@db.example.com:5433/rolls")
    with app.app_context():
        monkeypatch.setattr(backup, "db", type("Db", (), {"engine": type("Engine", (), {"url": url})})())
        with pytest.raises(backup.BackupError) as refused:
            backup.backup("x.db") if what == "backup" else backup.restore("x.db", lambda *_: True)
    said = str(refused.value)
    assert tool in said and "rolls" in said and "db.example.com" in said and "x.db" in said
    assert "s3cret" not in said


# progress


@pytest.fixture
def reports(app, instance, tmp_path, monkeypatch):
    """What a backup of a small database reports, with a portion for each page."""
    fill(instance / "rollcall.db", 2_000)
    monkeypatch.setattr(backup, "PORTION", 1)
    monkeypatch.setattr(backup, "STEPS", 100)
    found = []
    with app.app_context():
        backup.backup(tmp_path / "copy.db", report=lambda *report: found.append(report))
    return found


def test_a_copy_reports_how_far_it_is(reports, tmp_path):
    pages = (tmp_path / "copy.db").stat().st_size // 4096
    copied = [report for report in reports if report[0] == "copied"]
    assert copied == [("copied", page, pages) for page in range(1, pages + 1)]


def test_a_check_reports_that_it_goes_on(reports):
    assert reports.count(("being checked", 0, 0)) > 10


def test_progress_is_told_after_two_seconds_and_once_a_second(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr(cli.time, "monotonic", lambda: clock[0])
    percent = cli.Percent()
    for tenth in range(50):
        clock[0] = tenth / 10
        percent.report("copied", tenth, 50)
    percent.report("being checked", 0, 0)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "… copied: 40 %\n… copied: 60 %\n… copied: 80 %\n")
