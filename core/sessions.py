"""What the server remembers of a browser. Only a digest of the cookie's secret is kept.

A session belongs to an administrator, or to nobody yet. It ends by sign-out, with the account, or by itself:
after IDLE without a request, and after LONGEST in any case.
"""

import hashlib
import secrets
from collections import namedtuple
from datetime import timedelta

import orjson
from sqlalchemy import bindparam, delete, or_, select, update

from models import Administrator, BrowserSession, Prepared, execute, from_now, now

IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
SESSIONS, ACCOUNTS = BrowserSession.__table__, Administrator.__table__
Account = namedtuple("Account", [column.name for column in ACCOUNTS.c])
FIND = Prepared(
    select(SESSIONS.c.data, SESSIONS.c.last_seen, ACCOUNTS)
    .outerjoin(ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.administrator_id)
    .where(
        SESSIONS.c.digest == bindparam("digest"),
        SESSIONS.c.last_seen > bindparam("idle_since"),
        SESSIONS.c.created > bindparam("created_after"),
    )
)


def new_secret() -> str:
    """Return what a cookie holds: 256 bits."""
    return secrets.token_urlsafe(32)


def _digest(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


def find(secret: str):
    """Return (data, last_seen, Account or None) of a live session, or None.

    The account is looked at each time: one that was disabled or deleted is signed out at once.
    """
    row = FIND.first(digest=_digest(secret), idle_since=from_now(-IDLE), created_after=from_now(-LONGEST))
    if row is None:
        return None
    account = Account(*row[2:])
    is_signed_in = account.id is not None and account.disabled is None
    return orjson.loads(row[0]), row[1], account if is_signed_in else None


def begin(account_id: int) -> str:
    """Return the secret of a new session of an account; needs a transaction, as all that follows does."""
    secret = new_secret()
    _insert(secret, {}, account_id)
    return secret


def keep(secret: str, data: dict):
    """Store a session's data, and that it was used; one that is not there yet belongs to nobody."""
    changes = {"data": orjson.dumps(data).decode(), "last_seen": now()}
    if not execute(update(SESSIONS).where(SESSIONS.c.digest == _digest(secret)), changes).rowcount:
        _insert(secret, data, None)


def _insert(secret, data, account_id):
    row = {"digest": _digest(secret), "administrator_id": account_id, "data": orjson.dumps(data).decode()}
    execute(SESSIONS.insert(), row | {"created": now(), "last_seen": now()})


def end(secret: str):
    execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(secret)))


def end_all(account_id: int, but: str | None = None):
    """End every session of an account, except for the one whose secret is `but`."""
    theirs = SESSIONS.c.administrator_id == account_id
    execute(delete(SESSIONS).where(theirs, SESSIONS.c.digest != (_digest(but) if but else "")))


def prune():
    """Delete the sessions that have ended by themselves."""
    ended = or_(SESSIONS.c.last_seen <= from_now(-IDLE), SESSIONS.c.created <= from_now(-LONGEST))
    execute(delete(SESSIONS).where(ended))
