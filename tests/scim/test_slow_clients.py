"""Slow clients, crowds and signals: nobody waits for a stranger, and nothing that was answered is undone."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
import requests

from tests.conftest import wait_for

SCIM_JSON = "application/scim+json"
HALF_OPEN = 64
MANY = 600  # half-open requests: more than the server has threads
SECONDS = 5  # that a normal request may take beside them
CROWD = 500


def head(server, *lines):
    lines = ["POST /scim/v2/Users HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *lines]
    return "\r\n".join(lines).encode()


def half_a_head(server):
    return head(server, f"Authorization: Bearer {server.token}", "Content-Ty")


def half_a_body(server, size=100):
    token, kind = f"Authorization: Bearer {server.token}", f"Content-Type: {SCIM_JSON}"
    return head(server, token, kind, f"Content-Length: {size}", "", '{"userName": "slow"' + " " * (size // 2))


def half_a_body_of_a_stranger(server, size=100):
    return head(server, f"Content-Type: {SCIM_JSON}", f"Content-Length: {size}", "", " " * (size // 2))


@pytest.fixture
def stall(server):
    """Return a function that opens connections which send a beginning, and then nothing more."""
    with ExitStack() as stack:

        def stall(beginning, number):
            for _ in range(number):
                connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
                stack.enter_context(connection)
                connection.sendall(beginning)
            time.sleep(0.5)  # until they have reached whatever they will hold

        yield stall


def assert_a_write_and_a_read_are_quick(server, extra=""):
    session, body = server.session(), json.dumps({"userName": "quick", "x": extra})
    started = time.monotonic()
    created = session.post(f"{server.base_url}/Users", data=body, timeout=2 * SECONDS)
    listed = session.get(f"{server.base_url}/Users", timeout=2 * SECONDS)
    assert (created.status_code, listed.json()["totalResults"]) == (201, 1)
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("beginning", [half_a_head, half_a_body, half_a_body_of_a_stranger])
def test_half_open_requests_stop_nobody(server, stall, beginning):
    stall(beginning(server), HALF_OPEN)
    assert_a_write_and_a_read_are_quick(server)


@pytest.mark.parametrize("beginning", [half_a_head, half_a_body_of_a_stranger])
def test_very_many_half_open_requests_of_strangers_stop_nobody(server, stall, beginning):
    stall(beginning(server), MANY)
    assert_a_write_and_a_read_are_quick(server)


def test_very_many_half_sent_bodies_with_a_token_stop_no_reader(server, stall):
    stall(half_a_body(server), MANY)
    session, started = server.session(), time.monotonic()
    assert session.get(f"{server.base_url}/Users", timeout=2 * SECONDS).json()["totalResults"] == 0
    assert requests.get(f"{server.url}/sign-in", timeout=2 * SECONDS).status_code == 200
    refused = session.post(f"{server.base_url}/Users", data='{"userName": "late"}', timeout=2 * SECONDS)
    assert (refused.status_code, refused.headers["Content-Type"]) == (429, SCIM_JSON)
    assert int(refused.headers["Retry-After"]) > 0
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("beginning", [half_a_body, half_a_body_of_a_stranger])
def test_half_sent_large_bodies_do_not_stop_a_large_one(server, stall, beginning):
    stall(beginning(server, size=1_000_000), HALF_OPEN)
    assert_a_write_and_a_read_are_quick(server, extra="x" * 200_000)


def test_readers_that_never_read_stop_nobody(server):
    session = server.session()
    for number in range(50):
        person = {"userName": f"user{number}", "title": "x" * 60_000}
        assert session.post(f"{server.base_url}/Users", data=json.dumps(person)).status_code == 201
    line = f"GET /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(HALF_OPEN):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(line.encode())
        time.sleep(1)
        started = time.monotonic()
        assert session.get(f"{server.base_url}/Users?count=1", timeout=30).status_code == 200
        assert time.monotonic() - started < SECONDS


def test_a_request_that_takes_long_makes_the_server_ask_itself_so_that_no_other_lacks_a_thread(server, stall):
    def asked():
        return (server.instance / "log").read_text().count("GET '/healthz'")

    assert wait_for(asked)  # when it started
    started = asked()
    time.sleep(3)
    assert asked() == started
    stall(half_a_body(server), 1)
    assert wait_for(lambda: asked() > started + 1)


def test_a_body_whose_sender_gives_up_is_no_write(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        whole = b'{"userName": "slow"}'
        connection.sendall(half_a_body(server, size=1000).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + whole)
    time.sleep(0.5)
    assert server.session().get(f"{server.base_url}/Users").json()["totalResults"] == 0


def one_of_a_crowd(server, number, start):
    """Send one request on a connection of its own when all are ready; return (status, Retry-After, name)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": SCIM_JSON}
    start.wait()
    if number % 2:
        connection.request("GET", "/scim/v2/Users?count=10", headers=headers)
    else:
        body = json.dumps({"userName": f"user{number}"})
        connection.request("POST", "/scim/v2/Users", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Retry-After"), f"user{number}" if number % 2 == 0 else None


def test_a_crowd_is_served_or_told_when_to_come_back(server):
    start = threading.Barrier(CROWD)
    with ThreadPoolExecutor(CROWD) as crowd:
        answers = list(crowd.map(lambda number: one_of_a_crowd(server, number, start), range(CROWD)))
    refused = [(status, retry) for status, retry, _ in answers if status not in (200, 201)]
    assert [(status, retry) for status, retry in refused if status not in (429, 503) or not retry.isdigit()] == []
    created = {name for status, _, name in answers if status == 201}
    found = server.session().get(f"{server.base_url}/Users?count=1000&attributes=userName").json()
    assert {user["userName"] for user in found["Resources"]} == created
    assert sum(status in (200, 201) for status, _, _ in answers) >= CROWD / 2


# signals


class Load:
    """Threads that create users until the server is gone, and what they were answered."""

    def __init__(self, server, threads=8):
        self.server, self.created, self.failures = server, set(), []
        self.threads = [threading.Thread(target=self.create, args=(i,)) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def create(self, thread):
        session = self.server.session()
        for number in range(100_000):
            name = f"user{thread}-{number}"
            try:
                body = json.dumps({"userName": name})
                answer = session.post(f"{self.server.base_url}/Users", data=body, timeout=30)
            except requests.RequestException:
                return  # the server is gone
            if answer.status_code == 201:
                self.created.add(name)
            elif answer.status_code != 503:
                self.failures.append(answer.text)

    def wait(self):
        for thread in self.threads:
            thread.join(60)


def all_user_names(server):
    session, names, cursor = server.session(), set(), ""
    while cursor is not None:
        parameters = {"cursor": cursor, "count": 1000, "attributes": "userName"}
        page = session.get(f"{server.base_url}/Users", params=parameters).json()
        names |= {user["userName"] for user in page["Resources"]}
        cursor = page.get("nextCursor")
    return names


def test_sigterm_under_load_ends_in_time_and_loses_nothing(server):
    load = Load(server)
    time.sleep(2)
    server.process.terminate()
    server.process.wait(20)
    load.wait()
    assert load.failures == [] and len(load.created) > 50
    assert "Traceback" not in (server.instance / "log").read_text()
    server.start()
    assert load.created - all_user_names(server) == set()


@pytest.mark.parametrize("beginning", [half_a_head, half_a_body])
def test_sigterm_does_not_wait_for_slow_clients(server, stall, beginning):
    stall(beginning(server), 4)
    server.process.terminate()
    assert server.process.wait(20) is not None


def test_sigterm_lets_a_request_end_whose_body_is_on_its_way(server):
    body = json.dumps({"userName": "late"}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        kind = [f"Authorization: Bearer {server.token}", f"Content-Type: {SCIM_JSON}"]
        connection.sendall(head(server, *kind, f"Content-Length: {len(body)}", "", "") + body[:5])
        time.sleep(0.5)
        server.process.terminate()
        time.sleep(1)
        connection.sendall(body[5:])
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")
    server.process.wait(20)
    assert all_user_names(server.start()) == {"late"}


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(child) for child in listed.stdout.split()]


def is_running(pid):
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_free(port, deadline):
    """Return whether a port can be bound before the deadline; the last thread of a process closes its sockets."""
    while time.monotonic() < deadline:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return True
        time.sleep(0.05)
    return False


def test_the_worker_does_not_outlive_its_supervisor(server):
    workers = children(server.process.pid)
    assert workers
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    deadline = time.monotonic() + 2
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in workers if is_running(pid)] == []
    assert is_free(server.port, deadline + 1)
    assert server.start().session().get(f"{server.base_url}/Users").status_code == 200
