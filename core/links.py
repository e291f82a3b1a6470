"""Links that are mailed: single-use, kept only as a digest, for a while. No HTTP, no mail.

secret = create("invitation", "ada@example.com", timedelta(days=7), user_pk=1)
link = find(secret)
if state(link) == "open" and use(link.digest): …
"""

import secrets
from collections import namedtuple
from datetime import timedelta

from sqlalchemy import bindparam, delete, select, update

from core import digests
from database import Prepared, execute, from_now, now
from models import Link

KEPT = timedelta(days=90)  # after it has expired: what its page says is true for so long
LINKS = Link.__table__
LINK = namedtuple("Link", [column.name for column in LINKS.c])
INSERT = Prepared(LINKS.insert(), LINK._fields)
FIND = Prepared(select(LINKS).where(LINKS.c.digest == bindparam("digest")))
IS_OPEN = (LINKS.c.used.is_(None), LINKS.c.revoked.is_(None))
OPEN = select(LINKS.c.digest, LINKS.c.purpose).where(*IS_OPEN)
OPEN_OF_USER = Prepared(OPEN.where(LINKS.c.user_pk == bindparam("user_pk")))
OPEN_OF_ACCOUNT = Prepared(OPEN.where(LINKS.c.administrator_id == bindparam("administrator_id")))
NEWEST = Prepared(
    select(LINKS)
    .where(
        LINKS.c.user_pk.is_not_distinct_from(bindparam("user_pk")),
        LINKS.c.administrator_id.is_not_distinct_from(bindparam("administrator_id")),
        LINKS.c.purpose == bindparam("purpose"),
    )
    .order_by(LINKS.c.created.desc(), LINKS.c.digest)
    .limit(1)
)
REVOKE = Prepared(LINKS.update().where(LINKS.c.digest == bindparam("of_digest")), ("revoked",))
USE = Prepared(
    LINKS.update().where(LINKS.c.digest == bindparam("of_digest"), *IS_OPEN, LINKS.c.expires > bindparam("moment")),
    ("used",),
)


def create(
    purpose: str, email: str, valid: timedelta, user_pk=None, administrator_id=None, invited_by: str = ""
) -> str:
    """Return the secret of a new link; needs a transaction, as all that writes here does."""
    secret = secrets.token_urlsafe(32)
    INSERT.run(
        digest=digests.digest(secret),
        purpose=purpose,
        user_pk=user_pk,
        administrator_id=administrator_id,
        email=email,
        invited_by=invited_by,
        created=now(),
        expires=from_now(valid),
        used=None,
        revoked=None,
    )
    return secret


def find(secret: str):
    """Return the row of the link with that secret, or None; of several processes, each sees what is committed."""
    return of_digest(digests.digest(secret))


def of_digest(digest: str):
    row = FIND.first(digest=digest)
    return LINK(*row) if row else None


def newest(user_pk: int | None, administrator_id: int | None, purpose: str):
    """Return the row of the newest link of a purpose that a user or an account has, or None."""
    row = NEWEST.first(user_pk=user_pk, administrator_id=administrator_id, purpose=purpose)
    return LINK(*row) if row else None


def state(link) -> str:
    """Return open, used, revoked or expired."""
    if link.used:
        return "used"
    if link.revoked:
        return "expired" if link.revoked >= link.expires else "revoked"
    return "open" if link.expires > now() else "expired"


def use(digest: str) -> bool:
    """Use a link up, if it is open; return whether it was. Of many at once, one gets True."""
    moment = now()
    return USE.run(of_digest=digest, moment=moment, used=moment).rowcount == 1


def revoke(user_pk=None, administrator_id=None, purpose: str = "") -> list[str]:
    """Revoke the open links of a user or an account, or those of one purpose; return their digests."""
    if user_pk is not None:
        rows = OPEN_OF_USER.rows(user_pk=user_pk)
    else:
        rows = OPEN_OF_ACCOUNT.rows(administrator_id=administrator_id)
    found = [digest for digest, of_purpose in rows if purpose in ("", of_purpose)]
    for digest in found:
        REVOKE.run(of_digest=digest, revoked=now())
    return found


def expire(moment: str, most: int = 5_000) -> int:
    """Close links that had expired at a moment, so that a clock that is set back opens none; return how many."""
    old = select(LINKS.c.digest).where(*IS_OPEN, LINKS.c.expires <= moment).limit(most)
    return execute(update(LINKS).where(LINKS.c.digest.in_(old)), {"revoked": now()}).rowcount


def prune(most: int = 5_000) -> int:
    """Delete links that expired long ago; return how many."""
    old = select(LINKS.c.digest).where(LINKS.c.expires < from_now(-KEPT)).order_by(LINKS.c.expires).limit(most)
    return execute(delete(LINKS).where(LINKS.c.digest.in_(old))).rowcount
