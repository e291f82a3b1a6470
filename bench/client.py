"""A light HTTP/1.1 client: eight threads, a connection each. Knows nothing of SCIM, nor of the portal.

answers, seconds = Client(port, OKTA.format(token)).send([("GET", "/scim/v2/Users/1", None)] * 100)
"""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import orjson

CONNECTIONS = 8
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REQUEST = (
    "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}Content-Length: {}\r\n"
    "Connection: Keep-Alive\r\nAccept-Encoding: gzip,deflate\r\n\r\n"
)
OKTA = (
    "Accept: application/scim+json\r\nAccept-Charset: utf-8\r\n"
    "Content-Type: application/scim+json; charset=utf-8\r\nUser-Agent: Okta SCIM Client 1.0.0\r\n"
    "Authorization: Bearer {}\r\n"
)
BROWSER = (
    "Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Sec-Fetch-Site: same-origin\r\nCookie: {}\r\n"
)


class Answer(NamedTuple):
    """What came back for one request; `seconds` is how long it took."""

    status: int
    body: bytes
    seconds: float

    @property
    def doc(self) -> dict:
        return orjson.loads(self.body)

    @property
    def rows(self) -> int:
        """How many rows the tables of a page have, beside their heads."""
        return self.body.count(b"<tr") - self.body.count(b"<thead")


class Client:
    """Sends to one server, over connections that stay open until all is answered. All requests have `headers`."""

    def __init__(self, port: int, headers: str):
        self.port, self.headers = port, headers
        self.threads = ThreadPoolExecutor(CONNECTIONS)

    def send(self, requests) -> tuple[list[Answer], float]:
        """Send all requests, one at a time on a connection; return (answers in order, seconds)."""
        queue = [self.encode(*request) for request in requests]
        answers, numbers = [None] * len(queue), iter(range(len(queue)))

        def work(_):
            with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for number in numbers:
                    answers[number] = exchange(connection, queue[number])

        began = time.perf_counter()
        list(self.threads.map(work, range(CONNECTIONS)))
        return answers, time.perf_counter() - began

    def encode(self, method: str, path: str, doc: dict | None) -> bytes:
        """Return the bytes of one request."""
        body = b"" if doc is None else orjson.dumps(doc)
        return REQUEST.format(method, path, self.headers, len(body)).encode() + body


def exchange(connection, request: bytes) -> Answer:
    """Send one request and read the whole answer. Raise ConnectionError if it stops short, or comes in chunks."""
    began = time.perf_counter()
    connection.sendall(request)
    data, end, size = b"", -1, 0
    while end < 0 or len(data) < end + 4 + size:
        received = connection.recv(1 << 20)
        if not received:
            raise ConnectionError("the server closed a connection")
        data += received
        if end < 0 <= (end := data.find(b"\r\n\r\n")):
            if CHUNKED.search(data, 0, end + 2):
                raise ConnectionError("an answer in chunks: ask for less than a megabyte of a list")
            length = LENGTH.search(data, 0, end + 2)
            size = int(length[1]) if length else 0
    return Answer(int(data[9:12]), data[end + 4 :], time.perf_counter() - began)
