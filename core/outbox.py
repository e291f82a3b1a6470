"""The outbox: mails are rows, written in the transaction that they tell of, and delivered by a worker. No HTTP.

    queue("invitation", "ada@example.com", user_pk=1, secret=secret)      # within a transaction
    while deliver(send):                                                  # each is claimed, sent, and marked
        …

A mail is claimed by a conditional UPDATE, for a while, sent outside of any transaction, and marked in another one.
Whoever dies between the two is followed by another worker, who sends it once more, under the same Message-ID. The
secret of a link is kept only until it is delivered, and sealed: the database alone opens no link.
"""

import hashlib
import hmac
import logging
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cache

import orjson
from flask import Flask, current_app
from sqlalchemy import and_, bindparam, case, delete, func, or_, select, update

from core import journal, links, mails, settings, throttle
from core.digests import digest
from core.journal import Actor
from core.search import USERS
from core.smtp import Mailer, Refused, Unavailable, parse
from database import (
    Busy,
    Prepared,
    after_commit,
    close_connection,
    execute,
    from_now,
    later,
    log_failure,
    now,
    transaction,
)
from models import Mail as MailTable
from protocol.schema import fold

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 60))  # after each try
MOST_TRIES = len(PAUSES) + 1
RECOVERY = timedelta(minutes=1)  # until a server that could not be used is asked again
LEASE = timedelta(minutes=5)  # longer than any conversation with a server takes: see smtp.TIMEOUT
BETWEEN = timedelta(minutes=1)  # two mails with links to one address
KEPT = timedelta(days=90)  # mails that were sent or cancelled
LOOK = 1  # seconds after which a mail that another process queued is seen
MARK_TRIES = 6  # times that the write lock is waited for, to note that a mail was sent
STATES = ("waiting", "sending", "sent", "failed", "cancelled")
MAILS = MailTable.__table__
Mail = namedtuple("Mail", [column.name for column in MAILS.c])
QUEUE = Prepared(
    MAILS.insert(),
    ["purpose", "user_pk", "administrator_id", "recipient", "secret", "link_digest", "content", "message_id"]
    + ["state", "next_try", "created"],
)
# `soon` is later than any mail may have to wait: what lies behind it was written before a clock was set back
IS_DUE = and_(
    MAILS.c.state == "waiting", or_(MAILS.c.next_try <= bindparam("moment"), MAILS.c.next_try > bindparam("soon"))
)
IS_LOST = and_(
    MAILS.c.state == "sending",
    or_(MAILS.c.claimed_until <= bindparam("moment"), MAILS.c.claimed_until > bindparam("soon")),
)
FIRST = select(MAILS.c.id).order_by(MAILS.c.next_try, MAILS.c.id).limit(1)
FIND = (
    Prepared(FIRST.where(MAILS.c.state == "waiting", MAILS.c.next_try <= bindparam("moment"))),
    Prepared(FIRST.where(IS_LOST)),
    Prepared(FIRST.where(MAILS.c.state == "waiting", MAILS.c.next_try > bindparam("soon"))),
)
CLAIM = Prepared(
    MAILS.update()
    .where(MAILS.c.id == bindparam("of_id"), or_(IS_DUE, IS_LOST))
    .values(state="sending", tries=MAILS.c.tries + 1),
    ("claim", "claimed_until", "state", "tries"),
)
ONE = Prepared(select(MAILS).where(MAILS.c.id == bindparam("of_id")))
USER = Prepared(select(USERS.c.document, USERS.c.display, USERS.c.active).where(USERS.c.pk == bindparam("pk")))
LOG = logging.getLogger("rollcall")


class OutboxError(Exception):
    """A mail that cannot be sent again; the message says why."""


@dataclass
class State:
    """What an application's process keeps in memory."""

    woken: threading.Event = field(default_factory=threading.Event)
    at_work: Mail | None = None  # which mail is being sent
    unmarked: set = field(default_factory=set)  # ids of mails that were sent, while the disk took no note of it
    hold_until: float = 0.0  # of time.monotonic(): the server could not be used, and is left alone until then


def _state(app=current_app) -> State:
    return app.extensions.setdefault("outbox", State())


def smtp_problem(config) -> str | None:
    """Return which setting is missing for mails to go out, as a sentence, or None. Until then, they wait."""
    if not config["SMTP_URL"]:
        return (
            "ROLLCALL_SMTP_URL is not set: it says which server sends mail, such as "
            "smtp://user:password@mail.example.com."
        )
    if not config["MAIL_FROM"]:
        return "ROLLCALL_MAIL_FROM is not set: it says who mails come from, such as Rollcall <it@example.com>."
    if not settings.public_url():
        return (
            "Rollcall does not know its own address, which the links in mails begin with: set ROLLCALL_PUBLIC_URL, "
            "or the base URL under Admin > Identity > User Provisioning."
        )
    return None


def queue(
    purpose: str, recipient: str, user_pk=None, administrator_id=None, secret=None, content: tuple | None = None
):
    """Keep a mail that is to be sent once the caller's transaction is committed.

    `purpose` is invitation, registered, password or test; `content` is (subject, text) of a test.
    """
    message_id = f"<{secrets.token_hex(16)}@{_domain(current_app.config['MAIL_FROM'])}>"
    QUEUE.run(
        purpose=purpose,
        user_pk=user_pk,
        administrator_id=administrator_id,
        recipient=recipient,
        secret=_sealed(secret, message_id) if secret else None,
        link_digest=digest(secret) if secret else None,
        content=journal.as_json(content),
        message_id=message_id,
        state="waiting",
        next_try=now(),
        created=now(),
    )
    after_commit(_state().woken.set)


@cache
def _domain(mail_from):
    return parseaddr(mail_from)[1].rpartition("@")[2] or "rollcall.invalid"


def _sealed(secret, message_id):
    """Return a link's secret as the database may hold it: without the instance's secret key it says nothing."""
    return urlsafe_b64encode(_mixed(secret.encode(), message_id)).decode()


def _unsealed(mail) -> str | None:
    """Return the secret of a mail's link, or None if it has none, or was sealed under another key."""
    if mail.secret is None:
        return None
    secret = _mixed(urlsafe_b64decode(mail.secret), mail.message_id).decode(errors="replace")
    return secret if digest(secret) == mail.link_digest else None


def sealed_otherwise() -> int:
    """Return how many mails wait with a link that was sealed under another secret key: they cannot go out."""
    waiting = execute(select(MAILS).where(MAILS.c.state == "waiting", MAILS.c.secret.isnot(None))).all()
    return sum(_unsealed(mail) is None for mail in waiting)


def _mixed(data, message_id):
    """Return data, at most 64 bytes, xor a key that is of this mail only: twice, it is the data again."""
    key = hmac.digest(current_app.config["SECRET_KEY"].encode(), b"outbox " + message_id.encode(), hashlib.sha512)
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(key[: len(data)], "big")
    return mixed.to_bytes(len(data), "big")


def cancel(digests: list[str], reason: str):
    """Take back the mails whose links died, and forget the links' secrets. Needs a transaction."""
    if digests:
        ends = {"state": case((MAILS.c.state == "waiting", "cancelled"), else_=MAILS.c.state)}
        ends |= {"last_error": case((MAILS.c.state == "waiting", reason), else_=MAILS.c.last_error)}
        theirs = (MAILS.c.link_digest.in_(digests), MAILS.c.state.in_(("waiting", "failed")))
        execute(update(MAILS).where(*theirs).values(ends | {"secret": None, "next_try": now()}))


def deliver(send: Callable[[EmailMessage, str], None]) -> str | None:
    """See to one mail that is due: return sent, postponed, failed, cancelled or taken (by another worker); or None.

    `send` gets the mail and the one address that it goes to. Opens the transactions itself. Raise Unavailable if
    the server cannot be used, which is no try of the mail, and Busy.
    """
    identifier = _next()
    close_connection()
    if identifier is None:
        return None
    is_sent = identifier in _state().unmarked
    with transaction():
        mail = _claim(identifier)
        outcome = "taken" if mail is None else None if is_sent else _stop(mail)
    if outcome:
        return outcome
    if is_sent:
        _mark_sent(mail)
        return "sent"
    _state().at_work = mail
    try:
        return _send(mail, send)
    finally:
        _state().at_work = None


def _send(mail, send) -> str:
    """Send a mail that was claimed, and note what became of it; return that."""
    try:
        message = _message(mail)
        close_connection()  # a reader that waits for a mail server would keep the write-ahead log long
        send(message, mail.recipient)
    except Unavailable as error:
        again = {"state": "waiting", "next_try": from_now(RECOVERY), "tries": mail.tries - 1}
        _mark(mail, again | {"last_error": str(error)})
        raise
    except Refused as error:
        return _refuse(mail, str(error), error.is_final)
    except ValueError as error:
        return _refuse(mail, f"No mail can be made of it: {error}.", True)
    except Exception:
        LOG.exception("Mail %s was not delivered", mail.id)
        return _refuse(mail, "Rollcall made a mistake; its own log says more.", False)
    _mark_sent(mail)
    return "sent"


def _next():
    """Return the id of a mail that is due, or whose worker has died; those that wait longest first."""
    for statement in FIND:
        if identifier := statement.scalar(moment=now(), soon=_soon()):
            return identifier
    return None


def _soon():
    return from_now(PAUSES[-1] + timedelta(minutes=1))


def _claim(identifier):
    """Return a mail that is ours alone for LEASE, or None if another worker was quicker."""
    claim = secrets.token_hex(8)
    # the condition that found it is repeated: of two who found it, the second changes no row
    values = {"of_id": identifier, "moment": now(), "soon": _soon()}
    if not CLAIM.run(**values, claim=claim, claimed_until=from_now(LEASE)).rowcount:
        return None
    return Mail(*ONE.first(of_id=identifier))


def _stop(mail) -> str | None:
    """Decide whether a mail that was claimed may go out now; return what became of it, or None if it may."""
    if mail.tries > MOST_TRIES:
        return _end(mail, "failed", "Each worker that began to send it was stopped; its log may say why.")
    link = links.of_digest(mail.link_digest) if mail.link_digest else None
    user = USER.first(pk=mail.user_pk) if mail.user_pk else None
    if mail.link_digest and (link is None or links.state(link) != "open"):
        state = "does not exist any more" if link is None else f"is {links.state(link)}"
        return _end(mail, "cancelled", f"Its link {state}.")
    if user and not user[2]:
        return _end(mail, "cancelled", "The person is disabled.")
    if mail.link_digest and _unsealed(mail) is None:
        return _end(mail, "failed", "Its link was kept under another ROLLCALL_SECRET_KEY: make a new one.")
    newest = throttle.newest(_mailed(mail)) if mail.link_digest else None
    if newest and newest <= now() < (until := later(newest, BETWEEN)):
        values = {"state": "waiting", "next_try": until, "tries": mail.tries - 1}
        execute(update(MAILS).where(MAILS.c.id == mail.id), values | {"claim": None, "claimed_until": None})
        return "postponed"
    return None


def _mailed(mail):
    return f"mailed {fold(mail.recipient)}"


def _end(mail, state, reason):
    values = {"state": state, "last_error": reason, "next_try": now(), "claim": None, "claimed_until": None}
    execute(update(MAILS).where(MAILS.c.id == mail.id), values | ({"secret": None} if state == "cancelled" else {}))
    return state


def _message(mail):
    """Return the mail as it is sent. Raise ValueError for what cannot be one."""
    link = links.of_digest(mail.link_digest) if mail.link_digest else None
    expires, template = link.expires if link else None, None
    if mail.purpose == "test":
        template, facts = tuple(orjson.loads(mail.content)), mails.example()
    elif mail.user_pk:
        document, display, _active = USER.first(pk=mail.user_pk) or (None, None, None)
        if document is None:
            raise ValueError("the person was deleted")
        facts = mails.facts_of_user(orjson.loads(document), display, _unsealed(mail), expires)
    else:
        facts = mails.facts_of_account(mail.recipient, _unsealed(mail), expires)
    sender = current_app.config["MAIL_FROM"]
    return mails.build(mail.purpose, sender, mail.recipient, mail.message_id, facts, template)


def _refuse(mail, reason, is_final):
    """Note that a server did not take a mail; return what became of it."""
    if is_final or mail.tries >= MOST_TRIES:
        _mark(mail, {"state": "failed", "last_error": reason, "next_try": now()})
        return "failed"
    values = {"state": "waiting", "last_error": reason, "next_try": from_now(PAUSES[mail.tries - 1])}
    _mark(mail, values)
    return "postponed"


def _mark(mail, values):
    """Note what became of a mail, if it is still ours."""

    def write():
        ours = (MAILS.c.id == mail.id, MAILS.c.state == "sending", MAILS.c.claim == mail.claim)
        execute(update(MAILS).where(*ours), values | {"claim": None, "claimed_until": None})

    _in_transaction(write)


def _mark_sent(mail):
    """Note that a mail was sent, whoever it belongs to meanwhile, so that it is not sent again."""

    def write():
        values = {"state": "sent", "sent": now(), "next_try": now(), "secret": None, "last_error": None}
        execute(update(MAILS).where(MAILS.c.id == mail.id), values | {"claim": None, "claimed_until": None})
        if mail.link_digest:
            throttle.note(_mailed(mail))

    _state().unmarked.add(mail.id)
    _in_transaction(write)
    _state().unmarked.discard(mail.id)


def _in_transaction(write):
    """Write, even if the lock has to be waited for: what is not noted is sent again."""
    for last in (False,) * (MARK_TRIES - 1) + (True,):
        try:
            with transaction():
                return write()
        except Busy:
            if last:
                raise


def deliver_all(stop: threading.Event | None = None) -> tuple[Counter, str | None]:
    """Deliver all that is due; return ({what became of them: how many}, why the server could not be used, or None).

    Needs the settings of which smtp_problem speaks.
    """
    done: Counter = Counter()
    sender = parseaddr(current_app.config["MAIL_FROM"])[1]
    with Mailer(parse(current_app.config["SMTP_URL"])) as mailer:
        while not (stop and stop.is_set()):
            try:
                outcome = deliver(lambda message, recipient: mailer.send(message, sender, recipient))
            except Unavailable as error:
                return done, str(error)
            if outcome is None:
                break
            done[outcome] += 1
    return done, None


def keep_delivering(app: Flask, stop: threading.Event):
    """Deliver mails, as they are queued and fall due, until `stop` is set: the body of a thread of the server."""
    state = _state(app)
    while not stop.is_set():
        state.woken.clear()
        if time.monotonic() >= state.hold_until and _deliver_safely(app, stop):
            state.hold_until = time.monotonic() + RECOVERY.total_seconds()
        state.woken.wait(LOOK)


def give_back(app: Flask):
    """Let another worker have the mail that is being sent: this process ends, and cannot wait for the server."""
    mail = _state(app).at_work
    if mail is None:
        return
    try:
        with app.app_context():
            reason = "Rollcall was stopped while it was being sent."
            again = {"state": "waiting", "next_try": now(), "tries": mail.tries - 1, "last_error": reason}
            _mark(mail, again)
    except Exception:
        LOG.exception("Mail %s was not given back; another worker has it in a few minutes", mail.id)


def _deliver_safely(app, stop):
    """Deliver all that is due; return whether the server is better left alone for a while."""
    try:
        with app.app_context():
            if smtp_problem(app.config):
                return False
            _done, problem = deliver_all(stop)
            if problem:
                LOG.warning("Mails wait: %s", problem)
            return problem is not None
    except Busy:
        return False
    except Exception as error:
        log_failure(error, "The delivery of mails was interrupted; it goes on in a minute")
        return True


def send_again(identifier: int, actor: Actor):
    """Let a mail that failed, or that waits, be tried at once. Raise OutboxError. Needs a transaction."""
    row = ONE.first(of_id=identifier) if identifier < 2**63 else None
    if row is None:
        raise OutboxError("This mail is not here any more.")
    mail = Mail(*row)
    link = links.of_digest(mail.link_digest) if mail.link_digest else None
    if mail.state not in ("waiting", "failed"):
        raise OutboxError(f"This mail is {mail.state}: invite the person anew, and another one is made.")
    if mail.link_digest and (mail.secret is None or link is None or links.state(link) != "open"):
        raise OutboxError("The link in this mail does not work any more: make a new one, and another mail with it.")
    execute(update(MAILS).where(MAILS.c.id == mail.id), {"state": "waiting", "tries": 0, "next_try": now()})
    journal.note(actor, "sent again", "Mail", mail.id, mail.recipient)
    after_commit(_wake)


def _wake():
    """Let the thread of this process try at once, whatever it waits for: somebody has mended something."""
    _state().hold_until = 0.0
    _state().woken.set()


@dataclass(frozen=True)
class MailQuery:
    """Which mails are asked for. An empty condition is none."""

    state: str = ""
    text: str = ""  # a part of the address


@dataclass(frozen=True)
class MailRow:
    """A mail, as people read it."""

    id: int
    purpose: str
    recipient: str
    state: str
    tries: int
    next_try: str | None  # of one that waits
    last_error: str | None
    created: str
    sent: str | None
    secret: str | None  # of the link to a person, while it waits or has failed; none that lets in an administrator
    user_id: str | None
    user_name: str | None  # as lists show the person


def page(query: MailQuery, before: int | None = None, count: int = 50) -> tuple[list[MailRow], int | None]:
    """Return (mails with an id below `before`, the newest first; the next `before`, or None at the end)."""
    statement = (
        select(MAILS, USERS.c.id, USERS.c.display)
        .outerjoin(USERS, USERS.c.pk == MAILS.c.user_pk)
        .order_by(MAILS.c.id.desc())
        .limit(count + 1)
    )
    if before is not None:
        statement = statement.where(MAILS.c.id < min(before, 2**63 - 1))
    if query.state:
        statement = statement.where(MAILS.c.state == query.state)
    if query.text:
        statement = statement.where(func.instr(func.lower(MAILS.c.recipient), query.text.lower()) > 0)
    rows = [_row(Mail(*found[:-2]), *found[-2:]) for found in execute(statement)]
    return rows[:count], rows[count - 1].id if len(rows) > count else None


def _row(mail, user_id, user_name):
    is_open = mail.state in ("waiting", "sending", "failed")
    return MailRow(
        id=mail.id,
        purpose=mail.purpose,
        recipient=mail.recipient,
        state=mail.state,
        tries=mail.tries,
        next_try=mail.next_try if mail.state == "waiting" else None,
        last_error=mail.last_error,
        created=mail.created,
        sent=mail.sent,
        secret=_unsealed(mail) if is_open and mail.administrator_id is None else None,
        user_id=user_id,
        user_name=user_name,
    )


def counts() -> dict[str, int]:
    """Return {state: how many mails}, of every state."""
    found = dict(execute(select(MAILS.c.state, func.count()).group_by(MAILS.c.state)).all())
    return {state: found.get(state, 0) for state in STATES}


def prune(most: int = 5_000) -> int:
    """Delete mails that were sent or cancelled long ago; return how many. Needs a transaction."""
    ended = (MAILS.c.state.in_(("sent", "cancelled")), MAILS.c.next_try < from_now(-KEPT))
    old = select(MAILS.c.id).where(*ended).limit(most)
    return execute(delete(MAILS).where(MAILS.c.id.in_(old))).rowcount
