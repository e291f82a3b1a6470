"""A person's sign-in: what a user who has registered can do without an administrator. No HTTP.

Administrators have accounts of their own (core/accounts.py). Neither module looks at the other's tables, and what
arrives over SCIM makes no sign-in: a person registers by an invitation, which core/invitations.py knows.

    person = sign_in("ada@example.com", "violet-anchor-plum-7", "192.0.2.1")     # None if that is wrong
"""

from collections import namedtuple

from sqlalchemy import bindparam, select, update

from core import accounts, journal, links, passwords, sessions, throttle
from core.journal import Actor
from core.search import USERS, VALUES
from core.sessions import OF_PERSON, PEOPLE, SignedIn
from database import Prepared, execute, now, transaction
from engines import insert_new
from protocol.schema import fold, user_name_key

# what sign-in looks at; the first are those of a SignedIn
Person = namedtuple("Person", [*SignedIn._fields, "active", "password_hash"])
REGISTERED = select(*OF_PERSON, USERS.c.active, PEOPLE.c.password_hash).join(PEOPLE, PEOPLE.c.user_pk == USERS.c.pk)
BY_PK = Prepared(REGISTERED.where(USERS.c.pk == bindparam("pk")))
BY_USER_NAME = Prepared(REGISTERED.where(USERS.c.user_name_key == bindparam("key")))
BY_EMAIL = Prepared(
    select(VALUES.c.user_pk)
    .distinct()
    .join(PEOPLE, PEOPLE.c.user_pk == VALUES.c.user_pk)
    .where(VALUES.c.attribute == "emails.value", VALUES.c.value_key == bindparam("key"))
    .limit(2)
)


def find(pk: int) -> Person | None:
    """Return the person whose user has that pk, if registered."""
    row = BY_PK.first(pk=pk)
    return Person(*row) if row else None


def find_by_name(name: str) -> Person | None:
    """Return the registered person with that user name, or else with that e-mail address.

    An address that several have is nobody's: they sign in by their user names.
    """
    name = name.strip()
    if row := BY_USER_NAME.first(key=user_name_key(name)):
        return Person(*row)
    found = BY_EMAIL.rows(key=fold(name))
    return find(found[0][0]) if len(found) == 1 else None


def sign_in(name: str, password: str, address: str) -> SignedIn | None:
    """Return the person whose password this is, or None: for one who is disabled, too. Raise Throttled.

    Tries are counted as those of administrators are, and by the same network address. Opens its own transactions.
    """
    person = find_by_name(name)
    key = _key(person.id if person else user_name_key(name.strip()))
    with transaction():
        limits = {key: accounts.TRIES["account"], f"address {address}": accounts.TRIES["address"]}
        tries = throttle.count(limits, accounts.WINDOW)
    right = passwords.matches(password, person.password_hash if person else None)
    if not right or not person.active:
        return None
    with transaction():
        throttle.forget(tries, key)
        if better := passwords.rehashed(password, person.password_hash):
            execute(update(PEOPLE).where(PEOPLE.c.user_pk == person.pk), {"password_hash": better})
    return SignedIn(*person[: len(SignedIn._fields)])


def _key(whom):
    """Return what the tries at a sign-in are counted by: an id, for several names may lead to one person."""
    return f"person {whom}"


def signed_in(person: SignedIn):
    """Note a sign-in; needs a transaction."""
    journal.note(actor(person), "signed in", "User", person.id, person.user_name)


def actor(person) -> Actor:
    """Return who changes something, for the audit trail: no userName can look like an administrator there."""
    return Actor(f"Person {person.user_name}")


def register(user_pk: int, password_hash: str) -> Person:
    """Give a user a sign-in, or another password; needs a transaction, as what follows does."""
    execute(insert_new(PEOPLE), {"user_pk": user_pk, "password_hash": password_hash, "registered": now()})
    execute(update(PEOPLE).where(PEOPLE.c.user_pk == user_pk), {"password_hash": password_hash})
    return find(user_pk)


def set_password(person: Person, password: str, actor: Actor):
    """Set a password, and end the person's sessions and links. Raise PasswordError."""
    password_hash = passwords.hashed(password, person.user_name, person.display)
    execute(update(PEOPLE).where(PEOPLE.c.user_pk == person.pk), {"password_hash": password_hash})
    links.revoke(user_pk=person.pk)
    sessions.end_all_of(person.pk)
    throttle.forget([], _key(person.id))
    journal.note(actor, "changed the password", "User", person.id, person.user_name)
