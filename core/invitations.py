"""Invitations and forgotten passwords: who is invited, what their links do, how people register. No HTTP.

    invite(user, actor)                        # within a transaction: a link, a mail, Pending
    person = register(secret, password)        # once, from the link

A user is Not Invited, Pending, Completed (for good) or Expired; the totals move with it, in the same transaction.
`core/directory.py` tells what happens to users: `imported`, `disabled`, `moved`. What changes something needs a
transaction of its caller, but for `expire`.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import bindparam, exists, select, text, true

from core import (
    accounts,
    digests,
    journal,
    links,
    outbox,
    passwords,
    people,
    sessions,
    settings,
    throttle,
    variables,
)
from core.journal import Actor
from core.links import LINKS
from core.people import Person
from core.search import USERS, VALUES
from core.throttle import Throttled
from database import Prepared, close_connection, now, transaction
from engines import is_one_of, json_list
from models import count_user
from protocol.schema import fold, user_name_key

PASSWORD_VALID = timedelta(hours=1)
ASKED, ASKED_WITHIN = 5, timedelta(hours=1)  # how often a link is asked for at one address
ASKED_FROM = 30  # and from one network address, behind which there may be many people
EVERY = timedelta(minutes=1)  # a mail that somebody asks for goes to one person
PORTION = 500  # users that one transaction of `expire` changes
SAME_ADDRESS = 20  # users with one e-mail address who are looked at
ANYBODY = Actor("Not signed in")  # who asks for a link: it may be somebody else than the person
NEWER = "A newer link was made."
BY_ITSELF = "your organization"  # who invites, where no administrator did
NO_EMAIL, DISABLED, COMPLETED = "no e-mail", "disabled", "completed"  # why somebody is passed over
WHY = {
    NO_EMAIL: "{} has no e-mail address to which an invitation could go: add one {}.",
    DISABLED: "{} is disabled: enable the person first.",
    COMPLETED: "{} has registered already, and can ask for a new password on the sign-in page.",
}
# where an address is added, by the user's source
ADD_IN = {"scim": "in Okta", "local": "here, with Edit on the person's page"}
STATE = Prepared(select(USERS.c.invite, USERS.c.active, USERS.c.display).where(USERS.c.pk == bindparam("pk")))
COUNTED_BY = Prepared(select(USERS.c.source, USERS.c.active.is_(true())).where(USERS.c.pk == bindparam("pk")))
SET_STATE = Prepared(USERS.update().where(USERS.c.pk == bindparam("of_pk")), ("invite",))
FACTS = select(USERS.c.pk, USERS.c.active, USERS.c.invite, USERS.c.document)
FACTS_OF_PKS = Prepared(FACTS.where(is_one_of(USERS.c.pk, "pks")))
NOT_INVITED = Prepared(FACTS.where(USERS.c.invite == "not invited").order_by(USERS.c.pk))
COMPLETED_TOTAL = Prepared(text("SELECT coalesce(sum(count), 0) FROM user_counts WHERE invite = 'completed'"))
OF_LINK = select(USERS.c.pk, USERS.c.id, USERS.c.display, USERS.c.active, USERS.c.invite, USERS.c.document)
USER_OF_LINK = Prepared(OF_LINK.where(USERS.c.pk == bindparam("pk")))
# who may be meant by an address: by their userName, or one of their e-mail addresses
BY_ADDRESS = Prepared(
    OF_LINK.where(
        USERS.c.pk.in_(
            select(VALUES.c.user_pk)
            .where(VALUES.c.attribute == "emails.value", VALUES.c.value_key == bindparam("email"))
            .union(select(USERS.c.pk).where(USERS.c.user_name_key == bindparam("user_name")))
        )
    )
    .order_by(USERS.c.pk)
    .limit(SAME_ADDRESS)
)
# pending users whose link has expired; nobody has two that are open
EXPIRED = Prepared(
    select(LINKS.c.user_pk).where(
        LINKS.c.expires <= bindparam("moment"),
        LINKS.c.purpose == "invitation",
        *links.IS_OPEN,
        exists().where(USERS.c.pk == LINKS.c.user_pk, USERS.c.invite == "pending"),
    )
)


class InvitationError(Exception):
    """An invitation or a link that cannot be; the message says why and what to do. `state` is that of the link."""

    def __init__(self, message: str, state: str = ""):
        super().__init__(message)
        self.state = state


@dataclass(frozen=True)
class Invitee:
    """Whom a link is for."""

    pk: int
    id: str
    display: str
    user_name: str
    email: str  # the address that the link went to


@dataclass(frozen=True)
class Invitation:
    """What a link of an invitation is worth now."""

    state: str  # open, used, expired, revoked, disabled or unknown
    user: Invitee | None = None
    expires: str | None = None
    invited_by: str = BY_ITSELF


@dataclass(frozen=True)
class PasswordLink:
    """What a link for a new password is worth now."""

    state: str  # as that of an Invitation
    kind: str | None = None  # administrator or person
    name: str = ""  # the account's address, or the person's user name
    expires: str | None = None


def invite(user, actor: Actor):
    """Invite a user, or invite anew: the link before this one dies. Raise InvitationError.

    `user` has pk, id, name, source and document, as a directory.Resource.
    """
    _invite(user, _address(user), actor)


def _invite(user, address, actor):
    secret = _new_link(user, address, actor)
    outbox.queue("invitation", address, user_pk=user.pk, secret=secret)
    journal.note(actor, "invited", "User", user.id, user.name, None, {"email": address})


def copy_link(user, actor: Actor) -> str:
    """Return the secret of a new link, for whoever brings it to the person. Raise InvitationError.

    The link before this one dies, and a mail with it that still waits.
    """
    address = _address(user)
    secret = _new_link(user, address, actor)
    journal.note(actor, "copied the invitation", "User", user.id, user.name)
    return secret


def revoke(user, actor: Actor):
    """Take an open invitation back. Raise InvitationError if there is none."""
    if not _void(user.pk, "The invitation was taken back.", "invitation"):
        raise InvitationError(f"{user.name} has no open invitation.")
    journal.note(actor, "revoked the invitation", "User", user.id, user.name)


def _address(user):
    """Return where a user's invitation goes. Raise InvitationError if there is to be none."""
    state, _active, display = STATE.first(pk=user.pk)
    document = user.document
    reason = _obstacle(document.get("active") is True, state, document)
    if reason:
        raise InvitationError(WHY[reason].format(display, ADD_IN[user.source]))
    return variables.mailbox(document)


def _obstacle(is_enabled, state, document) -> str | None:
    """Return why somebody cannot be invited, or None."""
    if state == "completed":
        return COMPLETED
    if not is_enabled:
        return DISABLED
    return None if variables.mailbox(document) else NO_EMAIL


def _new_link(user, address, actor, invited_by=None):
    """Return the secret of a new link; the user is Pending then, and other links are dead."""
    outbox.cancel(links.revoke(user_pk=user.pk), NEWER)
    valid = timedelta(days=settings.get("invitation_days"))
    invited_by = invited_by or (BY_ITSELF if actor.is_scim else actor.name)
    secret = links.create("invitation", address, valid, user_pk=user.pk, invited_by=invited_by)
    _set_state(user.pk, "pending")
    return secret


def _set_state(pk, state):
    """Change a user's state, and the totals with it."""
    source, enabled = COUNTED_BY.first(pk=pk)
    count_user(pk, source, enabled, -1)
    SET_STATE.run(of_pk=pk, invite=state)
    count_user(pk, source, enabled, 1)


def _void(pk, reason, purpose=""):
    """Kill a user's open links and the mails that wait with them; return how many links there were."""
    digests = links.revoke(user_pk=pk, purpose=purpose)
    if digests:
        outbox.cancel(digests, reason)
    state, _active, _display = STATE.first(pk=pk)
    if state == "pending":
        _set_state(pk, "not invited")
    return len(digests)


def imported(user, document: dict, actor: Actor):
    """Invite a user whom Okta has just created; one who cannot be is passed over, and a line says why."""
    reason = _obstacle(document.get("active") is True, "not invited", document)
    if reason:
        journal.note(actor, "not invited", "User", user.id, user.name, None, {"reason": reason})
    else:
        _invite(user, variables.mailbox(document), actor)


def disabled(user, actor: Actor):
    """Take back what lets a user in who was disabled just now: links, mails that wait, sessions."""
    sessions.end_all_of(user.pk)
    if _void(user.pk, "The person was disabled."):
        journal.note(actor, "revoked the link", "User", user.id, user.name, None, {"reason": "disabled"})


def moved(user, before: dict, document: dict, actor: Actor):
    """Take back the links of a user that were sent to another address than the one of now."""
    if variables.mailbox(before) == variables.mailbox(document):
        return
    if _void(user.pk, "The person's e-mail address was changed."):
        reason = {"reason": "the e-mail address was changed"}
        journal.note(actor, "revoked the link", "User", user.id, user.name, None, reason)


def sort_out(pks: list[int]) -> tuple[list[int], dict[str, int]]:
    """Return (those who can be invited, {why not: how many of the others}), for a preview.

    The reasons are "no e-mail", "disabled" and "completed"; whoever is gone is in neither.
    """
    return _sort(FACTS_OF_PKS.rows(pks=json_list(pks)))


def uninvited() -> list[int]:
    """Return the pks of all who were not invited yet, and can be."""
    return _sort(NOT_INVITED.run())[0]


def count_uninvited() -> tuple[int, dict[str, int]]:
    """Return (how many `uninvited` returns, {why not: how many of all others}); as sort_out."""
    able, skipped = _sort(NOT_INVITED.run())
    return len(able), skipped | {COMPLETED: COMPLETED_TOTAL.scalar()}


def _sort(rows):
    able: list = []
    skipped: Counter = Counter({reason: 0 for reason in WHY})
    for pk, active, state, document in rows:
        # parsed only where it decides
        reason = COMPLETED if state == "completed" else None if active else DISABLED
        if reason is None and not variables.mailbox(orjson.loads(document)):
            reason = NO_EMAIL
        if reason:
            skipped[reason] += 1
        else:
            able.append(pk)
    return able, dict(skipped)


def check(secret: str) -> Invitation:
    """Return what the link of an invitation is worth. Nothing is used up by it; needs no transaction."""
    link = links.find(secret)
    if link is None or link.purpose != "invitation":
        return Invitation("unknown")
    pk, identifier, display, active, _state, document = USER_OF_LINK.first(pk=link.user_pk)
    state = links.state(link)
    if not active and state != "used":
        state = "disabled"
    invitee = Invitee(pk, identifier, display, orjson.loads(document)["userName"], link.email)
    return Invitation(state, invitee, link.expires, link.invited_by)


def register(secret: str, password: str) -> Person:
    """Use an invitation up and give its user a sign-in. Raise InvitationError, PasswordError.

    Of many at once, one succeeds. A password that is refused uses nothing up.
    """
    invitation = check(secret)
    if invitation.state != "open":
        raise InvitationError(REFUSED[invitation.state], invitation.state)
    user = invitation.user
    password_hash = passwords.hashed(password, user.user_name, user.email, user.display)
    digest = digests.digest(secret)
    if not links.use(digest):  # it was open a moment ago, within the same transaction: it has expired since
        raise InvitationError(REFUSED["expired"], "expired")
    outbox.cancel([digest, *links.revoke(user_pk=user.pk)], "The person has registered.")
    person = people.register(user.pk, password_hash)
    _set_state(user.pk, "completed")
    journal.note(people.actor(person), "registered", "User", user.id, user.user_name)
    outbox.queue("registered", user.email, user_pk=user.pk)
    return person


REFUSED = {
    "used": "This link was used already: sign in with the password that was chosen then.",
    "expired": "This link has expired: request a new one.",
    "revoked": "This link was taken back, or a newer one was made since.",
    "disabled": "The account is disabled: ask an administrator.",
    "unknown": "There is no such link: copy all of it from the newest mail.",
}


def request_new(address: str, network_address: str = ""):
    """Send another invitation to who has a pending or expired one at that address.

    Nothing tells whether there was anybody. Raise Throttled for one who asks for many, from `network_address`.
    """
    if not _may_ask(address, network_address):
        return
    for pk, identifier, display, active, state, document in BY_ADDRESS.rows(
        email=_key(address), user_name=user_name_key(address.strip())
    ):
        document = orjson.loads(document)
        email, link = variables.mailbox(document), links.newest(pk, None, "invitation")
        if not active or state not in ("pending", "expired") or email is None or _key(email) != _key(address):
            continue
        if link and not throttle.is_recent(link.created, EVERY):
            invitee = Invitee(pk, identifier, display, document["userName"], email)
            secret = _new_link(invitee, email, ANYBODY, link.invited_by)
            outbox.queue("invitation", email, user_pk=pk, secret=secret)
            journal.note(ANYBODY, "requested a new invitation", "User", identifier, invitee.user_name)


def _may_ask(address, network_address):
    """Return whether a link may be asked for at an address once more. Raise Throttled for one who asks too often.

    At an address it is not told: the answer would speak of somebody else's requests.
    """
    if network_address:
        limits = {f"asked from {network_address}": ASKED_FROM}
        throttle.count(limits, ASKED_WITHIN, "Too many links were asked for.")
    try:
        throttle.count({f"asked {_key(address)}": ASKED}, ASKED_WITHIN)
    except Throttled:
        return False
    return True


def _key(address):
    return fold(address.strip())


def request_password(kind: str, address: str, network_address: str = ""):
    """Send a link for a new password to an account, of "administrator" or "person"; as request_new does.

    A person may be named by the user name, too. The mail goes to the stored address in any case.
    """
    send = {"administrator": _password_of_account, "person": _password_of_person}[kind]
    if _may_ask(address, network_address):
        send(address)


def _password_of_account(address):
    account = accounts.find_by_email(address)
    if account is None or account.disabled or _has_new_link(None, account.id):
        return
    outbox.cancel(links.revoke(administrator_id=account.id), NEWER)
    secret = links.create("password", account.email, PASSWORD_VALID, administrator_id=account.id)
    outbox.queue("password", account.email, administrator_id=account.id, secret=secret)
    journal.note(ANYBODY, "asked for a new password", "Administrator", account.id, account.email)


def _password_of_person(name):
    person = people.find_by_name(name)
    if person is None or not person.active or _has_new_link(person.pk, None):
        return
    *_others, document = USER_OF_LINK.first(pk=person.pk)
    if email := variables.mailbox(orjson.loads(document)):
        outbox.cancel(links.revoke(user_pk=person.pk), NEWER)
        secret = links.create("password", email, PASSWORD_VALID, user_pk=person.pk)
        outbox.queue("password", email, user_pk=person.pk, secret=secret)
        journal.note(ANYBODY, "asked for a new password", "User", person.id, person.user_name)


def _has_new_link(user_pk, administrator_id):
    link = links.newest(user_pk, administrator_id, "password")
    return link is not None and throttle.is_recent(link.created, EVERY)


def check_password_link(secret: str) -> PasswordLink:
    """Return what a link for a new password is worth. Nothing is used up by it; needs no transaction."""
    link = links.find(secret)
    if link is None or link.purpose != "password":
        return PasswordLink("unknown")
    if link.user_pk is None:
        account = accounts.find(link.administrator_id)
        kind, name, may = "administrator", account.email, account.disabled is None
    else:
        person = people.find(link.user_pk)
        kind, name, may = "person", person.user_name, person.active
    state = links.state(link)
    return PasswordLink(state if may or state == "used" else "disabled", kind, name, link.expires)


def reset(secret: str, password: str) -> str:
    """Set the password that a link is for, and end all sessions; return "administrator" or "person".

    Raise InvitationError, PasswordError. A password that is refused uses nothing up.
    """
    found = check_password_link(secret)
    link = links.find(secret)
    if found.state != "open" or not links.use(link.digest):
        state = found.state if found.state != "open" else "expired"
        raise InvitationError(REFUSED[state], state)
    if found.kind == "administrator":
        account = accounts.find(link.administrator_id)
        accounts.change_password(account, password, Actor(account.email))
    else:
        person = people.find(link.user_pk)
        people.set_password(person, password, people.actor(person))
    outbox.cancel([link.digest], "The link was used.")
    return found.kind


def expire():
    """Turn the pending users whose link has expired into expired ones, close the links, forget what is long past.

    Opens its own transactions.
    """
    moment = now()
    pks = [pk for (pk,) in EXPIRED.rows(moment=moment)]
    close_connection()
    for start in range(0, len(pks), PORTION):
        with transaction():
            for pk in pks[start : start + PORTION]:
                _expire(pk)
    more = True
    while more:
        with transaction():
            more = links.expire(moment)
    with transaction():
        links.prune()
        outbox.prune()


def _expire(pk):
    row, link = USER_OF_LINK.first(pk=pk), links.newest(pk, None, "invitation")
    if row is None or link is None or row[4] != "pending" or links.state(link) != "expired":
        return  # somebody was quicker
    _set_state(pk, "expired")
    outbox.cancel([link.digest], "The link expired before the mail was sent.")
    journal.note(Actor("Rollcall"), "expired", "User", row[1], orjson.loads(row[5])["userName"])
