"""What stands between the server and Flask: one form of path, whole bodies, a bounded number at work.

The server gives every request a thread, so that slow senders only hold up themselves. Here their bodies are read to
the end first, so many at once that threads are left. Then one read and one write work at a time, for threads that
share an interpreter hinder each other: eight at once cost twice the CPU. Where one takes long, the next ones do not
wait for it.
"""

import re
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore, Lock

SLASHES = re.compile("//+")
SOON = 0.1  # seconds that a request waits for the one before it
OTHERS = 7  # that may work beside one that takes long
LARGE_OTHERS = 1  # the same for those with large bodies: each may need 200 MB
SENDERS = 224  # bodies that are received at once with a token, and as many without: threads are left to read with
HASTE = 1  # seconds that a body waits to be received: as a rule all of it has come already
CHUNK = 65_536  # bytes
LARGEST_FORM = 512 * 1024  # bytes of a body without a token: what people send
LARGE_BODY = 65_536  # bytes; larger bodies lie on the disk until their turn, and have places of their own
PATIENCE = 30  # seconds that a request waits for its turn; Okta gives up after 60


class Places:
    """Where requests of one kind work."""

    def __init__(self, others: int):
        self.first, self.others = Lock(), BoundedSemaphore(others)

    def take(self):
        """Return a function that gives the place back, or None if there was none in time."""
        if self.first.acquire(timeout=SOON):
            return self.first.release
        return self.others.release if self.others.acquire(timeout=PATIENCE) else None


class Gate:
    """WSGI middleware. Lets the application refuse a request whose turn does not come in time.

    `under_way` has a number for each request that holds a thread.
    """

    def __init__(self, app, max_body: int):
        self.app, self.max_body, self.under_way = app, max_body, set()
        self.clients, self.strangers = BoundedSemaphore(SENDERS), BoundedSemaphore(SENDERS)
        self.reads, self.writes, self.large_writes = Places(OTHERS), Places(OTHERS), Places(LARGE_OTHERS)

    def __call__(self, environ, start_response):
        self.under_way.add(id(environ))
        try:
            return self._admit(environ, start_response)
        finally:
            self.under_way.discard(id(environ))

    def _admit(self, environ, start_response):
        environ["PATH_INFO"] = clean_path(environ.get("PATH_INFO", ""))
        places = self.reads if environ["REQUEST_METHOD"] in ("GET", "HEAD") else self.writes
        if not self._is_read(environ):
            return self._work(environ, start_response, places)
        senders = self.clients if has_token(environ) else self.strangers
        if not senders.acquire(timeout=HASTE):
            return self._refuse(environ, start_response)
        body = SpooledTemporaryFile(LARGE_BODY)
        try:
            try:
                size = self._receive(environ, body)
            finally:
                senders.release()
            return self._work(environ, start_response, places if size <= LARGE_BODY else self.large_writes)
        finally:
            with suppress(OSError):  # of a full disk once more
                body.close()

    def _is_read(self, environ):
        """Return whether to read the body: one that is too large for whoever sends it stays where it is."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            return has_token(environ)
        length = environ.get("CONTENT_LENGTH") or "0"
        largest = self.max_body if has_token(environ) else min(self.max_body, LARGEST_FORM)
        return length.isdecimal() and len(length) < 20 and 0 < int(length) <= largest

    def _receive(self, environ, body):
        """Read the body into a file, up to one byte more than may be, and return its size."""
        size = 0
        while size <= self.max_body:
            part = environ["wsgi.input"].read(min(CHUNK, self.max_body + 1 - size))
            if not part:
                break
            size += len(part)
            try:
                body.write(part)
            except OSError:
                environ["rollcall.disk_full"] = True  # the rest is read all the same: so the answer arrives
        with suppress(OSError):
            body.seek(0)
        environ["wsgi.input"] = body
        environ.pop("wsgi.input_terminated", None)  # so that a body shorter than its declared length is refused
        if environ.pop("HTTP_TRANSFER_ENCODING", None):
            environ["CONTENT_LENGTH"] = str(size)
        return size

    def _work(self, environ, start_response, places):
        give_back = places.take()
        if give_back is None:
            return self._refuse(environ, start_response)
        try:
            return self.app(environ, start_response)
        finally:
            give_back()

    def _refuse(self, environ, start_response):
        """Let the application answer that there are too many, in the words of its door."""
        environ["rollcall.overloaded"] = True
        return self.app(environ, start_response)


def has_token(environ) -> bool:
    """Return whether a request says that it has a token: it may not be one."""
    return "bearer" in environ.get("HTTP_AUTHORIZATION", "").lower()


def clean_path(path: str) -> str:
    """Return a path with single slashes and none at its end: an administrator pastes the base URL with either."""
    return SLASHES.sub("/", path).rstrip("/") or "/"
