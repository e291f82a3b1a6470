"""What the server takes of a request's head, and how many connections: a refusal or an end, never a wait."""

import http.client
import shutil
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from server import CONNECTIONS, HEAD_SECONDS, LARGEST_HEAD
from tests.durability.helpers import new_server

ROOT = Path(__file__).parent.parent
SECONDS = 5  # that any answer may take
CLOSE = b"Host: localhost\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def server(empty_instance, tmp_path_factory):
    server = new_server(shutil.copytree(empty_instance, tmp_path_factory.mktemp("limits") / "instance"))
    yield server.start()
    server.end()


def status_of(server, data):
    """Return the status that these bytes are answered with; fail if the connection stays open."""
    began, answer = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        ended = suppress(BrokenPipeError, ConnectionResetError)  # more was sent than is read: an end like another
        with ended:
            connection.sendall(data)
        with ended:
            while part := connection.recv(65_536):
                answer += part
    assert time.monotonic() - began < SECONDS
    return int(answer.split()[1]) if answer else None


def test_usual_headers_pass(server):
    head = b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"Cookie: " + b"x" * 16_000 + b"\r\n\r\n"
    assert status_of(server, head) == 200


@pytest.mark.parametrize("size", [2, 16])  # times what may be
def test_large_headers_are_refused(server, size):
    head = b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"X: " + b"x" * size * LARGEST_HEAD + b"\r\n\r\n"
    assert status_of(server, head) in (431, None)


def test_headers_without_end_are_refused(server):
    assert status_of(server, b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"X: " + b"x" * 2**20) in (431, None)


def test_many_headers_are_refused(server):
    lines = b"".join(b"X%d: x\r\n" % number for number in range(1000))
    assert status_of(server, b"GET /healthz HTTP/1.1\r\n" + CLOSE + lines + b"\r\n") == 431


@pytest.mark.parametrize("size", [2, 16])
@pytest.mark.parametrize("start", [b"/", b"/scim/v2/Users?filter="])
def test_a_long_address_is_refused(server, start, size):
    line = b"GET " + start + b"x" * size * LARGEST_HEAD + b" HTTP/1.1\r\n"
    assert status_of(server, line + CLOSE + b"\r\n") in (414, 431, None)


def test_a_long_filter_passes(server):
    line = b"GET /scim/v2/Users?filter=" + b"x" * 16_000 + b" HTTP/1.1\r\n"
    assert status_of(server, line + CLOSE + b"\r\n") == 401  # the door answered


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"HELO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_ended(server, data):
    assert status_of(server, data) in (400, 505, None)


def test_the_server_serves_on_after_all_that(server):
    for _ in range(20):
        status_of(server, b"GET / HTTP/1.1\r\n" + CLOSE + b"X: " + b"x" * 2**20)
    assert status_of(server, b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"\r\n") == 200


def test_almost_all_connections_may_be_idle_and_one_more_is_served(server):
    with ExitStack() as stack:
        for _ in range(CONNECTIONS - 24):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS))
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200 and time.monotonic() - began < SECONDS


def test_more_connections_than_there_may_be_wait_until_a_silent_one_is_closed(server):
    """Nothing is refused at once and nothing waits for ever: what is silent has HEAD_SECONDS."""
    with ExitStack() as stack:
        for _ in range(CONNECTIONS + 24):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HEAD_SECONDS + SECONDS)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
