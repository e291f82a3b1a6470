"""What the program writes to stderr: a JSON line for each record, or plain text for a person at a terminal.

logs.set_up("json")
logs.note_request("GET %r", path, status=200)     # what has a name becomes a member of the line
"""

import json
import logging
import re
import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

FORMATS = ("", "json", "text")  # "" is text at a terminal, and else JSON
LOG = logging.getLogger("rollcall")
REQUESTS = logging.getLogger("rollcall.requests")
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)  # of the request that is worked on
SECRET_PATH = re.compile(r"(/(?:set-up|invitation|password)/).*", re.DOTALL | re.IGNORECASE)  # behind it, a secret
TOKEN = re.compile(r"rc_[A-Za-z0-9]{8,}")
LONGEST_PATH = 1_000  # characters
MOST_WAITING = 100  # lines
# for Granian, whose records come through Python's logging, too
GRANIAN = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("_granian", "granian.access")},
}


class JsonLine(logging.Formatter):
    """One record as one line; a traceback is one member of it."""

    def format(self, record):
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        line.update(getattr(record, "fields", ()))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # a lone surrogate, which a client may send
            return json.dumps(line, default=str)


class Lines(logging.StreamHandler):
    """Writes at once, but for the lines of requests that only read: those wait for the next other line, or `flush`.

    Each write lets go of the interpreter, and under load costs ten times what it does alone.
    """

    def __init__(self, stream):
        super().__init__(stream)
        self.waiting: list[str] = []

    def emit(self, record):
        try:
            self.waiting.append(self.format(record) + self.terminator)
            is_read = getattr(record, "fields", {}).get("method") in ("GET", "HEAD")
            if not is_read or record.levelno > logging.INFO or len(self.waiting) >= MOST_WAITING:
                self.flush()
        except Exception:
            self.handleError(record)

    def flush(self):
        with self.lock:
            if self.waiting:
                lines, self.waiting = "".join(self.waiting), []
                self.stream.write(lines)
            self.stream.flush()


class TextLine(logging.Formatter):
    """What a developer reads: time, level, message, and the request that it belongs to."""

    def __init__(self):
        super().__init__("%(asctime)s %(levelname)s %(message)s%(request)s")

    def format(self, record):
        request_id = REQUEST_ID.get()
        record.request = f" [{request_id}]" if request_id else ""
        return super().format(record)


def set_up(form: str = ""):
    """Send every record of this process to stderr in one form; harmless to repeat."""
    is_text = form == "text" or (not form and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr) if is_text else Lines(sys.stderr)
    handler.setFormatter(TextLine() if is_text else JsonLine())
    logging.basicConfig(handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no line says them
    sys.excepthook = _unhandled
    threading.excepthook = lambda failed: _unhandled(failed.exc_type, failed.exc_value, failed.exc_traceback)


def flush():
    """Write what waits; housekeeping sees to it every second, even while stderr takes nothing: its disk is full,
    or whoever read it is gone.
    """
    for handler in logging.getLogger().handlers:
        with suppress(OSError, ValueError):
            handler.flush()


def _unhandled(kind, error, traceback):
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error, traceback)
    else:
        LOG.critical("The program failed", exc_info=(kind, error, traceback))


def note_request(message: str, *arguments, **fields):
    """Write the line of a request. Where in the program that is, nobody needs to look up."""
    if REQUESTS.isEnabledFor(logging.INFO):
        extra = {"fields": fields}
        record = REQUESTS.makeRecord(REQUESTS.name, logging.INFO, "", 0, message, arguments, None, extra=extra)
        REQUESTS.handle(record)


def shown(path: str) -> str:
    """Return a path as logs may hold it: without the secret of a link, without a token, and not too long."""
    path = SECRET_PATH.sub(r"\1…", path[: LONGEST_PATH + 1])
    path = without_tokens(path)
    return path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH] + "…"


def without_tokens(text: str) -> str:
    """Return a text without bearer tokens, whole ones and beginnings."""
    return TOKEN.sub("rc_[redacted]", text) if "rc_" in text else text
