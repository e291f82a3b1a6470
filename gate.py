"""What stands between the server and Flask: one form of path, whole bodies, a bounded number at work.

The server gives every request a thread, so that slow senders only hold up themselves. Here their bodies are read to
the end first, and then only a few requests of each kind work at a time: writes that wait for the lock leave reads
their places.
"""

import re
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
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
        places = [self.reads if environ["REQUEST_METHOD"] in ("GET", "HEAD") else self.writes]
        if not self._is_read(environ):
            return self._work(environ, start_response, places)
        with SpooledTemporaryFile(LARGE_BODY) as body:
            size = self._receive(environ, body)
            if size > LARGE_BODY:
                places.insert(0, self.large)
            return self._work(environ, start_response, places)

    def _is_read(self, environ):
        """Return whether to read the body: one that says it is too large, or has no token, stays where it is."""
        if "bearer" not in environ.get("HTTP_AUTHORIZATION", "").lower():
            return False
        if "HTTP_TRANSFER_ENCODING" in environ:
            return True
        length = environ.get("CONTENT_LENGTH") or "0"
        return length.isdecimal() and len(length) < 20 and 0 < int(length) <= self.max_body

    def _receive(self, environ, body):
        """Read the body into a file, up to one byte more than may be, and return its size."""
        while body.tell() <= self.max_body:
            part = environ["wsgi.input"].read(min(CHUNK, self.max_body + 1 - body.tell()))
            if not part:
                break
            body.write(part)
        size = body.tell()
        body.seek(0)
        environ["wsgi.input"] = body
        environ.pop("wsgi.input_terminated", None)  # so that a body shorter than its declared length is refused
        if environ.pop("HTTP_TRANSFER_ENCODING", None):
            environ["CONTENT_LENGTH"] = str(size)
        return size

    def _work(self, environ, start_response, places):
        with ExitStack() as taken:
            for place in places:
                if not place.acquire(timeout=PATIENCE):
                    environ["rollcall.overloaded"] = True  # the application says so, in the words of its door
                    break
                taken.callback(place.release)
            return self.app(environ, start_response)


def clean_path(path: str) -> str:
    """Return a path with single slashes and none at its end: an administrator pastes the base URL with either."""
    return SLASHES.sub("/", path).rstrip("/") or "/"
