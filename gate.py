"""What stands between the server and Flask: one form of path, whole bodies, a bounded number at work.

The server gives every request a thread, so that slow senders only hold up themselves. Here their bodies are read to
the end first, and then only a few requests of each kind work at a time: writes that wait for the lock leave reads
their places.
"""

import io
import re
from threading import BoundedSemaphore

SLASHES = re.compile("//+")
AT_WORK = 8  # requests of a kind: more threads only fight over the interpreter
CHUNK = 65_536  # bytes
LARGE_BODY = 65_536  # bytes; of larger bodies only a few are in memory at a time
LARGE_AT_ONCE = 4
PATIENCE = 30  # seconds that a request waits for its turn; Okta gives up after 60


class Gate:
    """WSGI middleware. Answers 503 with Retry-After if a request's turn does not come in time."""

    def __init__(self, app, max_body: int):
        self.app, self.max_body = app, max_body
        self.reads, self.writes = BoundedSemaphore(AT_WORK), BoundedSemaphore(AT_WORK)
        self.large = BoundedSemaphore(LARGE_AT_ONCE)

    def __call__(self, environ, start_response):
        environ["PATH_INFO"] = clean_path(environ.get("PATH_INFO", ""))
        if not self._is_sent(environ):
            return self._work(environ, start_response)
        body = io.BytesIO()
        self._receive(environ, body, LARGE_BODY)
        if body.tell() < LARGE_BODY:
            return self._work(environ, start_response, body)
        with self.large:
            self._receive(environ, body, self.max_body + 1)
            return self._work(environ, start_response, body)

    def _is_sent(self, environ):
        """Return whether there is a body to be read; one that says it is too large stays where it is."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            return True
        length = environ.get("CONTENT_LENGTH") or "0"
        return length.isdecimal() and len(length) < 20 and 0 < int(length) <= self.max_body

    def _receive(self, environ, body, size):
        """Read into `body` until it has `size` bytes, or there are no more."""
        while body.tell() < size:
            part = environ["wsgi.input"].read(min(CHUNK, size - body.tell()))
            if not part:
                return
            body.write(part)

    def _work(self, environ, start_response, body=None):
        if body is not None:
            environ["CONTENT_LENGTH"] = str(body.tell())
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            body.seek(0)
            environ["wsgi.input"] = body
        places = self.reads if environ["REQUEST_METHOD"] in ("GET", "HEAD") else self.writes
        if not places.acquire(timeout=PATIENCE):
            environ["rollcall.overloaded"] = True  # the application says so, in the words of its door
            return self.app(environ, start_response)
        try:
            return self.app(environ, start_response)
        finally:
            places.release()


def clean_path(path: str) -> str:
    """Return a path with single slashes and none at its end: an administrator pastes the base URL with either."""
    return SLASHES.sub("/", path).rstrip("/") or "/"
