"""The database is held by somebody else, or busy: writes wait, or are refused with 503."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import orjson
import pytest

import database
import engines
from database import db
from tests import databases
from tests.conftest import ROOT
from tests.databases import open_database
from tests.durability.helpers import Load, create_users, read_all, together

LONGEST_READ = 5  # seconds
LARGEST_WAL = 64 * 2**20
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@contextmanager
def held(server, begin="BEGIN IMMEDIATE"):
    """Hold the database's lock as another process would."""
    if databases.SERVER:
        other = open_database(server.instance)
        other.execute(f"SELECT pg_advisory_xact_lock({engines.WRITE_LOCK})")
    else:
        other = sqlite3.connect(server.instance / "rollcall.db", isolation_level=None, timeout=10)
        other.execute(begin)
    try:
        yield other
    finally:
        other.rollback()
        other.close()


def post(server, name):
    return server.session().post(f"{server.base_url}/Users", json={"userName": name}, timeout=60)


def names(server):
    listed = server.session().get(f"{server.base_url}/Users", params={"count": 1000}, timeout=60).json()
    return sorted(user["userName"] for user in listed["Resources"])


def test_writes_wait_for_a_lock_of_three_seconds(shared):
    with held(shared):
        release = threading.Timer(3, lambda: None)
        release.start()
        writers = threading.Thread(target=lambda: answers.extend(together(8, lambda n: post(shared, f"waits{n}"))))
        answers: list = []
        writers.start()
        release.join()
        assert answers == []
    writers.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert {f"waits{n}" for n in range(8)} <= set(names(shared))


@pytest.fixture(scope="module")
def refusals(shared):
    """What three writers and a reader were answered while another process held the lock for long."""
    create_users(shared.session(), shared.base_url, ["before"])
    before, reads, over = names(shared), [], threading.Event()

    def read():
        while not over.is_set():
            began = time.monotonic()
            assert names(shared) == before
            reads.append(time.monotonic() - began)

    reader = threading.Thread(target=read)
    with held(shared):
        reader.start()
        answers = together(3, lambda n: post(shared, f"refused{n}"))
        over.set()
        reader.join()
    return answers, reads


def test_a_long_lock_is_answered_by_503_and_retry_after(refusals):
    answers, _ = refusals
    assert [answer.status_code for answer in answers] == [503] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)


def test_the_answer_to_a_long_lock_is_a_scim_error(refusals):
    for answer in refusals[0]:
        assert answer.headers["Content-Type"] == "application/scim+json"
        assert (answer.json()["schemas"], answer.json()["status"]) == ([ERROR], "503")


def test_a_write_that_a_long_lock_refused_changed_nothing(shared, refusals):
    assert not {"refused0", "refused1", "refused2"} & set(names(shared))


def test_reads_go_on_during_a_long_lock(refusals):
    _, reads = refusals
    assert len(reads) > 10
    assert max(reads) <= LONGEST_READ


def test_a_refused_write_succeeds_when_the_lock_is_gone(shared, refusals):
    assert post(shared, "refused-before").status_code == 201


def test_reads_go_on_while_more_writes_wait_than_may_work(shared):
    with held(shared):
        writers = threading.Thread(target=together, args=(24, lambda n: post(shared, f"queues{n}")))
        writers.start()
        time.sleep(0.5)
        began = time.monotonic()
        names(shared)
        took = time.monotonic() - began
    writers.join()
    assert took <= 1
    assert {f"queues{n}" for n in range(24)} <= set(names(shared))


def test_writes_do_not_wait_for_somebody_who_reads_for_long(sqlite, make_server):
    """A backup or an open `sqlite3` reads for minutes; the write-ahead log cannot be folded back meanwhile."""
    server = make_server()
    session = server.session()
    [identifier] = create_users(session, server.base_url, ["large"])
    with held(server, "BEGIN") as other:
        other.execute("SELECT count(*) FROM users").fetchone()
        slowest = 0
        for number in range(60):
            began = time.monotonic()
            answer = session.put(f"{server.base_url}/Users/{identifier}", json=large_user("large", number))
            assert answer.status_code == 200
            slowest = max(slowest, time.monotonic() - began)
            if slowest > 2:
                break
        wal = os.stat(server.instance / "rollcall.db-wal").st_size
    assert slowest <= 2, f"a write took {slowest:.1f} s with a write-ahead log of {wal >> 20} MB"
    assert wal > 8 * 2**20


def large_user(name, number):
    """Return a user of about 50 kB; each number gives other values."""
    emails = [{"value": f"{number}-{i}-{'x' * 200}@example.com"} for i in range(200)]
    return {"userName": name, "title": str(number), "emails": emails}


def test_the_write_ahead_log_stays_small_under_load(sqlite, server):
    """Four writers of large users, readers who stop reading in the middle of an answer, and lists."""
    sessions = [server.session() for _ in range(6)]
    ids = create_users(sessions[0], server.base_url, [f"large{n}" for n in range(4)])
    path = server.instance / "rollcall.db-wal"
    sizes, sent, end = [0], [], time.monotonic() + 6
    slow = [stuck_reader(server) for _ in range(4)]

    def work(number):
        for turn in range(100_000):
            if time.monotonic() > end:
                return
            if number < 4:
                url = f"{server.base_url}/Users/{ids[number]}"
                body = orjson.dumps(large_user(f"large{number}", turn))
                assert sessions[number].put(url, data=body).status_code == 200
                sent.append(len(body))
            else:
                assert sessions[number].get(f"{server.base_url}/Users", params={"count": 1000}).status_code == 200
            sizes.append(path.stat().st_size)

    together(6, work)
    for connection in slow:
        connection.close()
    # each of its values is written three times: in the document, and under two keys
    assert 3 * sum(sent) > 2 * database.WAL_BYTES, "too little was written to tell"
    assert max(sizes) <= LARGEST_WAL


def stuck_reader(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    head = f"GET /scim/v2/Users?count=1000 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    connection.sendall(head.encode())
    connection.recv(100)
    return connection


def test_no_checkpoint_is_made_while_another_process_writes(sqlite, app, instance, monkeypatch):
    """Where the two meet, SQLite before 3.51.3 can lose the commit."""
    monkeypatch.setattr(engines, "BUSY_SECONDS", 1)
    other = sqlite3.connect(instance / "rollcall.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with app.app_context():
        with pytest.raises(database.Busy):
            database.checkpoint()
        other.rollback()
        assert database.checkpoint()
    other.close()


def test_every_connection_waits_for_the_disk_and_keeps_foreign_keys(sqlite, app):
    wanted = {"synchronous": 2, "foreign_keys": 1, "journal_mode": "wal", "wal_autocheckpoint": 0}
    with app.app_context():
        connections = [db.engine.connect() for _ in range(12)]
        found = [
            {pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in wanted}
            for connection in connections
        ]
        for connection in connections:
            connection.close()
    assert found == [wanted] * 12


def can_trace():
    """Return whether there is an strace that is allowed to watch a process."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode == 0


WRITE_TWENTY = """
import sys
from app import create_app
app, token = create_app(), sys.argv[1]
for number in range(20):
    body, headers = {"userName": f"durable{number}"}, {"Authorization": f"Bearer {token}"}
    assert app.test_client().post("/scim/v2/Users", json=body, headers=headers).status_code == 201
"""

if can_trace():

    def test_every_acknowledged_write_was_forced_to_the_disk(sqlite, app, token, instance, tmp_path):
        trace = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(tmp_path / "trace")]
        environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance), "PYTHONPATH": "."}
        command = [*trace, sys.executable, "-c", WRITE_TWENTY, token]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        synced = [line for line in (tmp_path / "trace").read_text().splitlines() if "rollcall.db-wal>" in line]
        assert len(synced) >= 20


WRITE_BESIDE = """
import sys, time
from app import create_app
app, token, end, created = create_app(), sys.argv[1], time.monotonic() + 1.5, 0
client, headers = app.test_client(), {"Authorization": f"Bearer {sys.argv[1]}"}
while time.monotonic() < end:
    name = f"second-{created}"
    answer = client.post("/scim/v2/Users", json={"userName": name, "title": "v1"}, headers=headers)
    assert answer.status_code == 201, answer.text
    body = {"Operations": [{"op": "replace", "path": "title", "value": "v2"}]}
    answer = client.patch(f"/scim/v2/Users/{answer.json['id']}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    created += 1
    print(name)
"""


def test_a_server_and_another_process_on_one_database_lose_nothing(server):
    """A second server is refused; commands are not, and may write as much as they like."""
    load = Load(server, seed=1)
    created = together(2, lambda n: load.run(2.5) if n == 0 else write_beside(server))[1]
    lost, torn = load.differences()
    strangers = [problem for problem in torn if "second-" not in problem]
    assert (load.strange, lost, strangers) == ([], [], [])
    assert created
    assert {name for name in names_everywhere(server) if name.startswith("second-")} == set(created)


def write_beside(server):
    environment = os.environ | databases.environment(server.instance) | {"PYTHONPATH": "."}
    command = [sys.executable, "-c", WRITE_BESIDE, server.token]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def names_everywhere(server):
    return [user["userName"] for user in read_all(server.session(), server.base_url, "Users")]
