"""One server a SQLite file: a second one is a mistake, and is told so at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from core import accounts, serverlock
from database import transaction
from tests.conftest import ACTOR, ROOT, free_port
from tests.databases import unsound
from tests.portal.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("sqlite")

LONGEST_WAIT = 1  # seconds; loading the program takes the rest of the two within which it has to end


def start(instance):
    """Start a server and return (the process, its address)."""
    port = free_port()
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance), "PORT": str(port), "HOST": "127.0.0.1"}
    command = [sys.executable, "app.py"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)
    return process, f"http://127.0.0.1:{port}"


def is_up(url):
    for _ in range(200):
        try:
            return requests.get(f"{url}/healthz", timeout=5).ok
        except requests.RequestException:
            time.sleep(0.1)
    return False


@pytest.fixture
def second(server):
    """What a second server on the folder of one that serves comes to: the process, and what it said."""
    process, _url = start(server.instance)
    return process, process.communicate(timeout=60)[1]


def open_files(process):
    """Return the paths of the database's files that a process holds open."""
    found = [os.readlink(file) for file in Path(f"/proc/{process}/fd").iterdir() if file.is_symlink()]
    return {path for path in found if "rollcall.db" in path and not path.endswith(".serving")}


def worker_of(server):
    """Return the process that the server's supervisor has forked."""
    supervisor = server.process.pid
    [worker] = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return int(worker)


def test_a_worker_ends_with_its_supervisor_and_another_server_takes_over(server):
    worker = worker_of(server)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(5)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
    assert server.start().session().get(f"{server.base_url}/Users").status_code == 200


@pytest.mark.parametrize("has_administrator", [True, False])
def test_no_connection_is_carried_over_when_the_worker_is_forked(make_server, instance, app, has_administrator):
    """Closing it would delete the write-ahead log under the worker, which has no lock of its own then."""
    if has_administrator:  # the server's start reads and writes other things
        with app.app_context(), transaction():
            accounts.create("ada@example.com", PASSWORD, "administrator", ACTOR)
    server = make_server(instance)
    server.session().post(f"{server.base_url}/Users", json={"userName": "ada"})
    supervisor, worker = server.process.pid, worker_of(server)
    assert open_files(supervisor) == set()
    database = str(server.instance / "rollcall.db")
    assert open_files(worker) == {database, f"{database}-wal", f"{database}-shm"}
    locked = [line for line in Path("/proc/locks").read_text().splitlines() if f" {worker} " in line]
    inode = (server.instance / "rollcall.db").stat().st_ino
    assert any(f":{inode} " in line and "READ" in line for line in locked), locked


def test_a_second_server_is_refused_in_a_sentence(second):
    process, said = second
    assert process.returncode == 1
    assert said.startswith("Rollcall does not start: ") and said.count("\n") == 1
    assert "in use by a server (process " in said and "ROLLCALL_INSTANCE_PATH" in said


def test_the_first_server_goes_on_when_a_second_one_is_refused(server, second):
    assert server.session().post(f"{server.base_url}/Users", json={"userName": "ada"}).status_code == 201


def test_of_two_servers_that_start_at_once_on_an_empty_folder_one_serves(tmp_path):
    started = [start(tmp_path) for _ in range(2)]
    try:
        while all(process.poll() is None for process, _url in started):
            time.sleep(0.1)
        [(loser, _url)] = [pair for pair in started if pair[0].poll() is not None]
        [(_winner, url)] = [pair for pair in started if pair[0] is not loser]
        assert loser.returncode == 1
        assert is_up(url)
    finally:
        for process, _url in started:
            process.terminate()
            process.communicate(timeout=20)
    assert unsound(tmp_path / "rollcall.db") == []


def test_a_server_that_was_killed_is_followed_by_another_one_at_once(server):
    for _ in range(3):
        server.kill()
        server.start()
    assert requests.get(f"{server.url}/healthz", timeout=5).ok


def test_a_killed_supervisor_leaves_no_worker_that_serves_beside_the_next_server(server):
    server.process.kill()
    server.process.wait()
    server.start()
    assert server.session().post(f"{server.base_url}/Users", json={"userName": "ada"}).status_code == 201


def test_commands_work_beside_a_server(server):
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(server.instance)}
    command = [sys.executable, "-m", "flask", "--app", "app", "attribute", "add", "custAttr1"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_lock_is_private_and_names_its_holder(tmp_path):
    lock = serverlock.take(tmp_path / "rollcall.db", "a server")
    assert lock.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(serverlock.Taken, match=rf"in use by a server \(process {os.getpid()}\)"):
        serverlock.take(tmp_path / "rollcall.db", "flask restore", patience=0)


def test_workers_join_a_lock_that_is_shared_and_no_other(tmp_path):
    path = tmp_path / "rollcall.db"
    lock = serverlock.take(path, "a server")
    with pytest.raises(serverlock.Taken):
        serverlock.join(path)
    lock.share()
    worker = serverlock.join(path)
    lock.close()
    with pytest.raises(serverlock.Taken):  # the worker still serves
        serverlock.take(path, "flask restore", patience=0)
    worker.close()
    serverlock.take(path, "flask restore", patience=0)


def test_a_second_server_does_not_wait_long_for_the_first(tmp_path):
    lock = serverlock.take(tmp_path / "rollcall.db", "a server")
    lock.share()
    began = time.monotonic()
    with pytest.raises(serverlock.Taken):
        serverlock.take(tmp_path / "rollcall.db", "a server")
    assert time.monotonic() - began <= LONGEST_WAIT
