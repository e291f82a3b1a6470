"""Bearer tokens: made, checked, renewed, set to inactive, removed. Only a digest is kept: none can be shown again.

A token reads rc_<43 random characters><6 characters of checksum>; the checksum refuses typos without a look-up.
Rows are never deleted, so that the log can name a token that was removed.
"""

import hmac
import secrets
import string
import zlib
from collections import namedtuple
from datetime import timedelta

from sqlalchemy import bindparam, select, update

from core import journal
from core.digests import digest
from core.journal import Actor
from database import Prepared, execute, from_now, now
from models import Token

PREFIX = "rc_"
RANDOM_CHARACTERS = 43  # of 62: 256 bits
MOST_LIVE = 2  # the one in use, and its successor
LONGEST_NAME = 100  # characters
LONGEST_OVERLAP = timedelta(hours=24)
MOST_DAYS = 3_650  # until a token expires
ALPHABET = string.ascii_letters + string.digits
TOKENS = Token.__table__
FIND = Prepared(select(TOKENS).where(TOKENS.c.digest == bindparam("digest")))
Row = namedtuple("Row", [column.name for column in TOKENS.c])


class TokenError(Exception):
    """A token that cannot be made or changed; the message says why and what to do.

    `field` is what was entered wrong, if that is why: name, expires_days or overlap.
    """

    def __init__(self, message: str, field: str | None = None):
        super().__init__(message)
        self.field = field


def new_secret() -> str:
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + _checksum(body)


def _checksum(body):
    """Return the CRC-32 of the rest as six characters, so that a scanner knows a token when it sees one."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(ALPHABET))
        digits += ALPHABET[digit]
    return digits


def is_well_formed(secret: str) -> bool:
    if not (secret.isascii() and secret.startswith(PREFIX) and secret.isprintable()):
        return False
    length = len(PREFIX) + RANDOM_CHARACTERS
    return len(secret) == length + 6 and hmac.compare_digest(_checksum(secret[:length]), secret[length:])


def verify(secret: str):
    """Return the live token's row for a secret, or None. One look-up: a removed token is dead at once."""
    if not is_well_formed(secret):
        return None
    token = _find(secret)
    return token if token is not None and is_live(token) else None


def _find(secret):
    row = FIND.first(digest=digest(secret))
    return Row(*row) if row else None


def problem(secret: str | None) -> str:
    """Return a sentence that says why a secret is refused, and what an administrator does about it."""
    cure = (
        "generate one in Rollcall, Admin > Identity > User Provisioning, "
        "and paste it in Okta: Provisioning > Integration > API Token."
    )
    if not secret:
        return f"The request carries no bearer token: {cure}"
    if not is_well_formed(secret):
        return f"The bearer token is mistyped or cut off: paste it again, or {cure}"
    token = _find(secret)
    if token is None:
        return f"The bearer token is unknown here: {cure}"
    if token.inactive and not token.revoked and not _is_expired(token):
        cure = f"set it to active, or {cure}"
    return f"The bearer token {token.name!r} {_end(token)}: {cure}"


def is_live(token) -> bool:
    return token.revoked is None and token.inactive is None and not _is_expired(token)


def _is_expired(token):
    return token.expires is not None and token.expires <= now()


def state(token) -> str:
    """Return a token's state in words, with the moment, for the command line."""
    if token.revoked:
        return f"removed {token.revoked}"
    if _is_expired(token):
        return f"expired {token.expires}"
    if token.inactive:
        return f"inactive since {token.inactive}"
    return f"live, expires {token.expires}" if token.expires else "live"


def state_word(token) -> str:
    """Return Active, Inactive or Expired, for a table; Removed for a token that only listing(all=True) has."""
    if token.revoked:
        return "Removed"
    if _is_expired(token):
        return "Expired"
    return "Inactive" if token.inactive else "Active"


def listing(all: bool = False) -> list:
    """Return the tokens, oldest first; with `all`, those that were removed, too."""
    query = select(TOKENS).order_by(TOKENS.c.id)
    return execute(query if all else query.where(TOKENS.c.revoked.is_(None))).all()


def find(identifier: int):
    """Return the row of the token with that id, which may be removed; None if there never was one."""
    return next((token for token in listing(all=True) if token.id == identifier), None)


def expiring(days: int = 30) -> list:
    """Return the live tokens that expire within so many days, the one that expires first at the head.

    One that was renewed is among them until its overlap ends: Okta may use it still.
    """
    limit = from_now(timedelta(days=days))
    soon = [token for token in listing() if is_live(token) and token.expires and token.expires <= limit]
    return sorted(soon, key=lambda token: (token.expires, token.id))


def create(name: str, actor: Actor, expires_days: int | None = None) -> str:
    """Make a token and return it: the only time it is shown. Raise TokenError if two are live already."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise TokenError(
            f"A token needs a name of one line, such as Okta; at most {LONGEST_NAME} characters.", "name"
        )
    if expires_days is not None and not 1 <= expires_days <= MOST_DAYS:
        raise TokenError(f"A token expires after 1 to {MOST_DAYS} days, or never.", "expires_days")
    _refuse_third()
    if name in _taken_names():
        raise TokenError(
            f"There is a token named {name!r} already: renew or remove it, or choose another name.", "name"
        )
    secret = new_secret()
    row = {
        "name": name,
        "digest": digest(secret),
        "last_four": secret[-4:],
        "created": now(),
        "expires": from_now(timedelta(days=expires_days)) if expires_days else None,
    }
    identifier = execute(TOKENS.insert(), row).inserted_primary_key[0]
    shown = {"last_four": row["last_four"], "expires": row["expires"]}
    journal.note(actor, "created", "Token", identifier, name, None, shown)
    return secret


def renew(identifier: int | str, overlap: timedelta, actor: Actor, expires_days: int | None = None) -> str:
    """Make a successor and let the token go on for `overlap`, so that Okta can be changed without an outage.

    The successor takes the name over. Raise TokenError for an overlap that is not 0 to 24 hours, for a token that
    is not live, and where a third one would be live.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise TokenError("The overlap must be 0 to 24 hours.", "overlap")
    old = _named(identifier)
    if not is_live(old):
        raise TokenError(f"The token {old.name!r} {_end(old)}: only a live one is renewed. Make a new one.")
    others = [token for token in listing() if is_live(token) and token.id != old.id]
    if overlap and len(others) >= MOST_LIVE - 1:
        other = repr(others[0].name)
        raise TokenError(
            f"The token {other} is live too: set it to inactive or remove it first, then renew {old.name!r}."
        )
    before = {"name": old.name, "expires": old.expires}
    after = {"name": _renamed(old.name), "expires": min(filter(None, (old.expires, from_now(overlap))))}
    execute(update(TOKENS).where(TOKENS.c.id == old.id), after)
    journal.note(actor, "renewed", "Token", old.id, old.name, before, after)
    return create(old.name, actor, expires_days)


def set_inactive(identifier: int | str, actor: Actor):
    """Refuse a token from now on, until it is set to active. Raise TokenError for one that ended already."""
    token = _named(identifier)
    if token.revoked or _is_expired(token):
        raise TokenError(f"The token {token.name!r} {_end(token)}: it is dead already.")
    if token.inactive is None:
        _change(token, actor, "set to inactive", {"inactive": now()}, "Inactive")


def set_active(identifier: int | str, actor: Actor):
    """Let a token in again. Raise TokenError for one that ended for good, and while two others are live."""
    token = _named(identifier)
    if token.revoked or _is_expired(token):
        raise TokenError(f"The token {token.name!r} {_end(token)} and cannot be set to active: make a new one.")
    if token.inactive is not None:
        _refuse_third()
        _change(token, actor, "set to active", {"inactive": None}, "Active")


def revoke(identifier: int | str, actor: Actor):
    """Remove a token for good, live or not: it is dead at once, and listed no longer. Raise TokenError if it was.

    `flask token revoke` and *Remove* are this.
    """
    token = _named(identifier)
    if token.revoked:
        raise TokenError(f"The token {token.name!r} {_end(token)} already.")
    _change(token, actor, "removed", {"revoked": now()}, "Removed")


def _change(token, actor, action, values, state):
    execute(update(TOKENS).where(TOKENS.c.id == token.id), values)
    journal.note(actor, action, "Token", token.id, token.name, {"state": state_word(token)}, {"state": state})


def _refuse_third():
    live = [token for token in listing() if is_live(token)]
    if len(live) >= MOST_LIVE:
        names = " and ".join(repr(token.name) for token in live)
        raise TokenError(f"There are two live tokens already, {names}: set one to inactive or remove it first.")


def _taken_names():
    """Return the names of the tokens that are live, or can be again."""
    return {token.name for token in listing() if not _is_expired(token)}


def _renamed(name):
    """Return what a token is called once its successor has its name."""
    taken, number = _taken_names(), 1
    renamed = f"{name[: LONGEST_NAME - 20]} (until renewed)"
    while renamed in taken:
        number += 1
        renamed = f"{name[: LONGEST_NAME - 20]} (until renewed {number})"
    return renamed


def _named(identifier):
    """Return the token with that id; by text, the one with that name, or else that id. Raise TokenError.

    Of several of one name, those that were removed come last and the live ones first.
    """
    if isinstance(identifier, int):
        token = find(identifier)
        found = [token] if token else []
    else:
        found = [token for token in listing(all=True) if identifier in (token.name, str(token.id))]
    if not found:
        raise TokenError(f"There is no token {identifier!r}; `flask token list` shows them.")
    return min(found, key=lambda t: (t.revoked is not None, t.name != identifier, not is_live(t), -t.id))


def _end(token):
    """Return since when, and why, a token is not live: the end of a sentence that names it."""
    if token.revoked:
        what, moment = "was removed", token.revoked
    elif _is_expired(token):
        what, moment = "expired", token.expires
    else:
        what, moment = "was set to inactive", token.inactive
    return f"{what} on {moment[:10]} at {moment[11:16]} UTC"
