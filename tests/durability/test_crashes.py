"""Eight writers, and a server that is killed under their hands. One run, and a test for each promise about it."""

import fcntl
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from app import create_app
from models import BLOCK_BITS
from tests.conftest import ROOT, Server, free_port
from tests.databases import unsound
from tests.durability.helpers import Load, copy_database, logged_writes, new_server, torn_rows

# the full run is ROLLCALL_TEST_KILLS=25: more than 20 kills and 10,000 acknowledged writes, some minutes
KILLS = int(os.environ.get("ROLLCALL_TEST_KILLS", "3"))
SEED = 20
LONGEST_START = 5  # seconds


def kill_again_and_again(server, folder):
    """Return the record of a run: writes acknowledged, and whatever was found that should not be."""
    record = {"kills": 0, "writes": 0, "lost": [], "torn": [], "unsound": [], "strange": [], "seconds": []}
    moments = random.Random(SEED)
    server.start()
    load = Load(server, SEED)
    for number in range(KILLS):
        load.run(moments.uniform(0.5, 2.5 if KILLS < 20 else 5), server.kill)
        copy = copy_database(server.instance, folder / f"copy{number}")
        record["unsound"] += unsound(copy)
        record["torn"] += torn_rows(copy)
        began = time.monotonic()
        server.start()
        record["seconds"].append(time.monotonic() - began)
        lost, torn = load.differences()
        record["lost"] += lost
        record["torn"] += torn
        missing = load.acknowledged - logged_writes(copy)
        if not -load.unanswered <= missing <= 0:
            record["lost"].append(f"{missing} entries of acknowledged writes in the provisioning log")
        if copy != server.instance:
            shutil.rmtree(copy)
    return record | {"kills": KILLS, "writes": load.acknowledged, "strange": load.strange}


@pytest.fixture(scope="module")
def record(empty_instance, tmp_path_factory):
    """The record of the run, which is made once even where several processes share the tests."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with open(folder / "crashes.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "crashes.json"
        if not path.exists():
            server = new_server(shutil.copytree(empty_instance, folder / "crashes"))
            try:
                path.write_text(json.dumps(kill_again_and_again(server, folder)))
            finally:
                server.stop()
        return json.loads(path.read_text())


def test_a_kill_loses_no_acknowledged_write(record):
    assert record["lost"] == []
    assert record["kills"] == KILLS
    assert record["writes"] > 50 * KILLS


def test_what_a_kill_interrupts_is_whole_or_absent(record):
    assert record["torn"] == []


def test_a_killed_database_is_sound(record):
    assert record["unsound"] == []


def test_no_write_is_refused_before_a_kill(record):
    assert record["strange"] == []


def test_a_killed_server_answers_again_within_seconds(record):
    assert max(record["seconds"]) <= LONGEST_START


def test_a_killed_server_with_100_000_users_answers_again_within_seconds(sqlite, empty_instance, tmp_path):
    server = new_server(shutil.copytree(empty_instance, tmp_path / "instance"))
    fill(server.instance / "rollcall.db", 100_000)
    try:
        server.start()
        load = Load(server, SEED)
        load.run(1, server.kill)
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began <= LONGEST_START
        answer = server.session().get(f"{server.base_url}/Users", params={"count": 0})
        assert answer.json()["totalResults"] > 100_000
    finally:
        server.stop()


def fill(path, number):
    """Put many plain users into a database, faster than by any door."""
    database = sqlite3.connect(path)
    database.execute(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO users
            (id, user_name_key, display, display_key, active, source, document, version, created, last_modified)
        SELECT printf('00000000-0000-4000-8000-%012d', i), 'many-' || i, 'many-' || i, 'many-' || i, 1, 'scim',
            json_object('userName', 'many-' || i, 'active', json('true'), 'title', 'v1'), 1,
            '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z'
        FROM n
        """,
        (number,),
    )
    database.execute("INSERT INTO user_values SELECT 'title', 'v1', pk, 0 FROM users")
    database.execute(
        "INSERT INTO blocks SELECT 'users', pk >> ?1, count(*) FROM users GROUP BY pk >> ?1", (BLOCK_BITS,)
    )
    database.commit()
    database.close()


def test_a_second_kill_during_recovery_loses_nothing(server):
    moments, load = random.Random(SEED), Load(server, SEED)
    load.run(1.5, server.kill)
    for _ in range(4):  # before, while and after it opens the database, on slow machines too
        start_and_kill(server, moments.uniform(0.05, 1.6))
    assert unsound(copy_database(server.instance, server.instance / "copy")) == []
    server.start()
    assert load.differences() == ([], [])


def test_kills_during_the_first_start_leave_a_folder_that_starts(tmp_path):
    moments = random.Random(SEED)
    (tmp_path / "instance").mkdir()
    server = Server(tmp_path / "instance", free_port(), token="")
    for _ in range(2):
        start_and_kill(server, moments.uniform(0.05, 0.8))
    for milliseconds in (0, 30, 10):  # from the moment when the migration has the database open
        for file in server.instance.glob("rollcall.db*"):
            file.unlink()
        start_and_kill(server, milliseconds / 1000, after=server.instance / "rollcall.db-wal")
    server = new_server(server.instance)
    try:
        server.start()
        load = Load(server, SEED)
        load.run(0.3)
        assert load.differences() == ([], [])
    finally:
        server.stop()
    assert unsound(copy_database(server.instance, server.instance / "copy")) == []


def start_and_kill(server, seconds, after=None):
    """Start a server and kill it so many seconds later, or so many after a file appears."""
    environment = {"ROLLCALL_INSTANCE_PATH": str(server.instance), "PORT": str(server.port)}
    with open(server.instance / "log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + 10
    while after is not None and not after.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(seconds)
    assert process.poll() is None, (server.instance / "log").read_text()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_kill_before_the_secret_key_was_written_leaves_a_folder_that_starts(tmp_path):
    (tmp_path / "secret_key").touch(mode=0o600)
    assert len(create_app({"INSTANCE_PATH": tmp_path}).config["SECRET_KEY"]) >= 32


def test_sigterm_finishes_what_is_under_way(server):
    load = Load(server, SEED)
    began = []

    def end():
        began.append(time.monotonic())
        server.process.send_signal(signal.SIGTERM)

    load.run(1.5, end)
    server.process.wait(20)
    assert time.monotonic() - began[0] <= 20
    assert load.strange == []
    server.start()
    assert load.differences() == ([], [])
    assert load.unheard == 0
