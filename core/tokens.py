"""Bearer tokens: made, checked, renewed, revoked. Only a digest is kept, so nothing here can show one again.

A token reads rc_<43 random characters><6 characters of checksum>; the checksum refuses typos without a look-up.
"""

import hashlib
import hmac
import secrets
import string
import zlib
from collections import namedtuple
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from models import Prepared, Token, execute, now

PREFIX = "rc_"
RANDOM_CHARACTERS = 43  # of 62: 256 bits
MOST_LIVE = 2  # the one in use, and its successor
ALPHABET = string.ascii_letters + string.digits
TOKENS = Token.__table__
FIND = Prepared(select(TOKENS).where(TOKENS.c.digest == bindparam("digest")))
Row = namedtuple("Row", [column.name for column in TOKENS.c])


class TokenError(Exception):
    """A token that cannot be made, renewed or revoked; the message says why and what to do."""


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
    """Return the live token's row for a secret, or None. One look-up: a revoked token is dead at once."""
    if not is_well_formed(secret):
        return None
    token = _find(secret)
    return token if token is not None and is_live(token) else None


def _find(secret):
    row = FIND.first(digest=hashlib.sha256(secret.encode()).hexdigest())
    return Row(*row) if row else None


def problem(secret: str | None) -> str:
    """Return a sentence that says why a secret is refused, and what an administrator does about it."""
    cure = "make one with `flask token create` and paste it in Okta: Provisioning > Integration > API Token."
    if not secret:
        return f"The request carries no bearer token: {cure}"
    if not is_well_formed(secret):
        return f"The bearer token is mistyped or cut off: paste it again, or {cure}"
    token = _find(secret)
    if token is None:
        return f"The bearer token is unknown here: {cure}"
    if token.revoked:
        return f"The bearer token {token.name!r} was revoked at {token.revoked}: {cure}"
    return f"The bearer token {token.name!r} expired at {token.expires}: {cure}"


def is_live(token) -> bool:
    return token.revoked is None and (token.expires is None or token.expires > now())


def state(token) -> str:
    """Return a token's state in words."""
    if token.revoked:
        return f"revoked {token.revoked}"
    if not is_live(token):
        return f"expired {token.expires}"
    return f"live, expires {token.expires}" if token.expires else "live"


def create(name: str, expires_days: int | None = None) -> str:
    """Make a token and return it: the only time it is shown. Raise TokenError if two are live already."""
    if not name.strip() or not name.isprintable():
        raise TokenError("A token needs a name of one line, such as Okta.")
    moment = now()
    live = or_(TOKENS.c.expires.is_(None), TOKENS.c.expires > moment)
    names = execute(select(TOKENS.c.name).where(TOKENS.c.revoked.is_(None), live)).scalars().all()
    if len(names) >= MOST_LIVE:
        listed = " and ".join(repr(n) for n in names)
        raise TokenError(f"There are two live tokens already, {listed}: revoke one first.")
    if name in names:
        raise TokenError(f"There is a live token named {name!r} already: renew it, or choose another name.")
    secret = new_secret()
    row = {
        "name": name,
        "digest": hashlib.sha256(secret.encode()).hexdigest(),
        "last_four": secret[-4:],
        "created": moment,
        "expires": _later(timedelta(days=expires_days)) if expires_days else None,
    }
    execute(TOKENS.insert(), row)
    return secret


def renew(name: str, overlap: timedelta, expires_days: int | None = None) -> str:
    """Make a successor and let the token go on for `overlap`, so that Okta can be changed without an outage."""
    old = _live(name)
    others = [t for t in listing() if is_live(t) and t.id != old.id]
    if len(others) >= MOST_LIVE - 1:
        raise TokenError(f"The token {others[0].name!r} is live too: revoke it first, then renew {name!r}.")
    execute(
        update(TOKENS).where(TOKENS.c.id == old.id),
        {"expires": min(filter(None, (old.expires, _later(overlap)))), "name": _renamed(old.name)},
    )
    return create(name, expires_days)


def _renamed(name):
    return f"{name} (until renewed)"


def revoke(name: str):
    """End a token at once. Raise TokenError if no live one has that name, or that id."""
    execute(update(TOKENS).where(TOKENS.c.id == _live(name).id), {"revoked": now()})


def listing() -> list:
    """Return every token, oldest first; a token is never deleted, so that the log can name it."""
    return execute(select(TOKENS).order_by(TOKENS.c.id)).all()


def _live(name):
    live = [token for token in listing() if is_live(token)]
    for token in [t for t in live if t.name == name] + [t for t in live if str(t.id) == name]:
        return token
    raise TokenError(f"There is no live token named {name!r}; `flask token list` shows them.")


def _later(delta):
    moment = datetime.fromisoformat(now()) + delta
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
