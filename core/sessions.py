"""What the server remembers of a browser. Only a digest of the cookie's secret is kept.

A session belongs to an administrator, to a person who has registered, or to nobody yet. It ends by sign-out, with
the account, or by itself: after IDLE without a request, and after LONGEST in any case.
"""

import secrets
from collections import namedtuple
from datetime import timedelta

import orjson
from sqlalchemy import bindparam, delete, func, or_, select, true, update

from core.digests import digest
from database import Prepared, execute, from_now, now
from models import Administrator, BrowserSession, Person, User

IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
SESSIONS, ACCOUNTS = BrowserSession.__table__, Administrator.__table__
PEOPLE, USERS = Person.__table__, User.__table__
Account = namedtuple("Account", [column.name for column in ACCOUNTS.c])
# a user who can sign in; `display` is what lists show for the person
SignedIn = namedtuple("SignedIn", ["pk", "id", "display", "user_name", "registered"])
OF_PERSON = (
    USERS.c.pk,
    USERS.c.id,
    USERS.c.display,
    func.member(USERS.c.document, "userName"),
    PEOPLE.c.registered,
)
FIND = Prepared(
    select(SESSIONS.c.data, SESSIONS.c.last_seen, *OF_PERSON, ACCOUNTS)
    .outerjoin(ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.administrator_id)
    .outerjoin(PEOPLE, PEOPLE.c.user_pk == SESSIONS.c.user_pk)
    .outerjoin(USERS, (USERS.c.pk == PEOPLE.c.user_pk) & (USERS.c.active == true()))
    .where(
        SESSIONS.c.digest == bindparam("digest"),
        SESSIONS.c.last_seen > bindparam("idle_since"),
        SESSIONS.c.created > bindparam("created_after"),
    )
)
END_ALL_OF = Prepared(SESSIONS.delete().where(SESSIONS.c.user_pk == bindparam("user_pk")))


def new_secret() -> str:
    """Return what a cookie holds: 256 bits."""
    return secrets.token_urlsafe(32)


def find(secret: str):
    """Return (data, last_seen, Account or None, SignedIn or None) of a live session, or None.

    Account and person are looked at each time: one who was disabled or deleted is signed out at once.
    """
    row = FIND.first(digest=digest(secret), idle_since=from_now(-IDLE), created_after=from_now(-LONGEST))
    if row is None:
        return None
    person, account = SignedIn(*row[2:7]), Account(*row[7:])
    is_signed_in = account.id is not None and account.disabled is None
    return (
        orjson.loads(row[0]),
        row[1],
        account if is_signed_in else None,
        person if person.pk is not None else None,
    )


def begin(account_id: int | None = None, user_pk: int | None = None) -> str:
    """Return the secret of a new session of an account, or of a person.

    Needs a transaction, as all that follows does.
    """
    secret = new_secret()
    _insert(secret, {}, account_id, user_pk)
    return secret


def keep(secret: str, data: dict):
    """Store a session's data, and that it was used; one that is not there yet belongs to nobody."""
    changes = {"data": orjson.dumps(data).decode(), "last_seen": now()}
    if not execute(update(SESSIONS).where(SESSIONS.c.digest == digest(secret)), changes).rowcount:
        _insert(secret, data)


def _insert(secret, data, account_id=None, user_pk=None):
    row = {"digest": digest(secret), "data": orjson.dumps(data).decode(), "created": now(), "last_seen": now()}
    execute(SESSIONS.insert(), row | {"administrator_id": account_id, "user_pk": user_pk})


def end(secret: str):
    execute(delete(SESSIONS).where(SESSIONS.c.digest == digest(secret)))


def end_all(account_id: int, but: str | None = None):
    """End every session of an account, except for the one whose secret is `but`."""
    theirs = SESSIONS.c.administrator_id == account_id
    execute(delete(SESSIONS).where(theirs, SESSIONS.c.digest != (digest(but) if but else "")))


def end_all_of(user_pk: int):
    """End every session of a person."""
    END_ALL_OF.run(user_pk=user_pk)


def prune():
    """Delete the sessions that have ended by themselves."""
    ended = or_(SESSIONS.c.last_seen <= from_now(-IDLE), SESSIONS.c.created <= from_now(-LONGEST))
    execute(delete(SESSIONS).where(ended))
