"""The provisioning log (every SCIM request) and the audit trail (every change). No HTTP, no rendering.

A write's log entry and audit lines are part of its own transaction. Entries of reads and refusals are collected in
memory and written together, with the next write or within a second; a crash may lose that second of them.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

import orjson
from flask import current_app
from sqlalchemy import delete, select, update

import logs
from database import Prepared, after_commit, execute, from_now, now
from models import AuditLine, LogEntry, Token

LARGEST_BODY = 8_192  # characters of a request or an answer that the log keeps
LARGEST_READ = 2**20  # bytes of a body that is looked through for secrets: its values may take thirty times as much
LONGEST_LINE = 2_000  # characters of a path or an error
BATCH = 500  # entries that are written together
STRANGERS = 30  # entries a minute of requests without a live token: anybody can send them, and they take disk
STRANGE_PATH = 200  # characters that such an entry keeps of a path
MOST_WAITING = 50_000  # entries; were the database locked for long, the oldest would go
ENTRIES = LogEntry.__table__
LINES = AuditLine.__table__
INSERT_ENTRY = Prepared(ENTRIES.insert(), [column.name for column in ENTRIES.c if column.name != "id"])
INSERT_LINE = Prepared(LINES.insert(), [column.name for column in LINES.c if column.name != "id"])
SECRETS = (b"passw", b"rc_", b"\\u00", b"\x00")  # what may be one; escapes and UTF-16 may hide one
# each word is looked at once: beginning anew within it would take time that grows with the square of its length
PASSWORD = re.compile(r"\b((?>\w*?passw\w*))\W++\w.*", re.IGNORECASE | re.DOTALL)
QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"?')


@dataclass
class State:
    """What an application's process keeps in memory."""

    waiting: deque = field(default_factory=lambda: deque(maxlen=MOST_WAITING))  # entries to be written
    strangers: tuple = ("", 0)  # a minute, and how many entries of requests without a live token it has had
    last_uses: dict = field(default_factory=dict)  # token id → the minute that was last written


def _state() -> State:
    return current_app.extensions.setdefault("journal", State())


@dataclass(frozen=True)
class Actor:
    """Who changes something: an administrator, or Okta by a token."""

    name: str
    token_id: int | None = None

    @property
    def is_scim(self) -> bool:
        return self.token_id is not None


def change(actor: Actor, action: str, resource, before: dict | None, after: dict | None, name: str):
    """Write one audit line about a user or group; `before` and `after` hold only what changed."""
    note(actor, action, resource.type.name, resource.id, name, before, after)


def note(actor: Actor, action: str, kind: str, identifier, name: str, before=None, after=None):
    """Write one audit line about anything.

    `kind` is User, Group, Token, Attribute, Configuration, Administrator or Setting.
    """
    row = {
        "time": now(),
        "actor": actor.name,
        "token_id": actor.token_id,
        "action": action,
        "resource_type": kind,
        "resource_id": str(identifier),
        "name": name,
        "before": as_json(before),
        "after": as_json(after),
    }
    INSERT_LINE.run(**row)


def as_json(value) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def readable(body: bytes) -> str | None:
    """Return a body as the log keeps it: without passwords and tokens, cut to LARGEST_BODY.

    Of a large one in which there may be a secret, nothing is kept.
    """
    if not body:
        return None
    lower = body.lower()
    if any(mark in lower for mark in SECRETS):
        if len(body) > LARGEST_READ:
            return f"[{len(body)} bytes that may hold a secret]"
        try:
            body = orjson.dumps(_redacted(orjson.loads(body)))
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):  # nested as deep as none is
            return f"[{len(body)} bytes that are no JSON]"
    return _cut(body[: LARGEST_BODY + 1].decode(errors="replace"), LARGEST_BODY)


def clean(text: str | None) -> str | None:
    """Return a line as the log keeps it: without secrets, cut to LONGEST_LINE."""
    return None if text is None else _cut(without_secrets(text), LONGEST_LINE)


def _cut(text, length):
    return text if len(text) <= length else text[:length] + "…"


def without_secrets(text: str) -> str:
    """Return a string without tokens, and without what stands in quotes or behind where it names a password."""
    if "passw" in text.lower():
        text = PASSWORD.sub(r"\1 [redacted]", QUOTED.sub('"[redacted]"', text))
    return logs.without_tokens(text)


def _redacted(value, name=""):
    if "passw" in name.lower():
        return "[redacted]"
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list):
        return [_redacted(part) for part in value]
    if isinstance(value, dict):
        path = next((str(part) for key, part in value.items() if key.lower() == "path"), "")
        return {
            without_secrets(key): _redacted(part, path if key.lower() == "value" else key)
            for key, part in value.items()
        }
    return value


def collect(entry: dict):
    """Keep an entry of a read or a refusal until the next `flush`; of strangers, a minute's first STRANGERS."""
    state = _state()
    if entry["token_id"] is None:
        minute = entry["time"][:16]
        state.strangers = (minute, state.strangers[1] + 1 if state.strangers[0] == minute else 1)
        if state.strangers[1] > STRANGERS:
            return
        entry = entry | {"path": _cut(entry["path"], STRANGE_PATH)}
    state.waiting.append(entry)


def is_waiting() -> bool:
    return bool(_state().waiting)


def count_waiting() -> int:
    return len(_state().waiting)


def flush(*others: dict):
    """Write the oldest entries that wait, and `others`, as part of the caller's transaction.

    They wait on until it is committed, for it may fail.
    """
    state = _state()
    waiting = list(islice(state.waiting, BATCH))
    entries = [*waiting, *others]
    if not entries:
        return
    INSERT_ENTRY.run_many(entries)
    uses = {e["token_id"]: e for e in entries if e["token_id"]}
    fresh = {t: e for t, e in uses.items() if state.last_uses.get(t) != e["time"][:16]}
    for token_id, entry in fresh.items():  # at most once a minute for each token
        values = {"last_used": entry["time"], "last_address": entry["address"]}
        execute(update(Token.__table__).where(Token.__table__.c.id == token_id), values)

    def done():
        for _ in waiting:
            state.waiting.popleft()
        state.last_uses.update((t, e["time"][:16]) for t, e in fresh.items())

    after_commit(done)


def prune(days: int, most: int) -> int:
    """Delete up to `most` log entries older than `days`; return how many. Needs a transaction."""
    old = (
        select(ENTRIES.c.id)
        .where(ENTRIES.c.time < from_now(timedelta(days=-days)))
        .order_by(ENTRIES.c.time)
        .limit(most)
    )
    return execute(delete(ENTRIES).where(ENTRIES.c.id.in_(old))).rowcount
