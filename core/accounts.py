"""Administrators: accounts, roles, passwords, and the link by which the first one is made. No HTTP.

Accounts of the portal and people who arrive over SCIM are separate: no look-up leads from one to the other.

    account = sign_in("ada@example.com", "correct horse battery", "192.0.2.1")    # None if that is wrong
"""

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from core import journal, links, passwords, sessions, throttle
from core.digests import digest
from core.journal import Actor
from core.passwords import PasswordError
from core.sessions import Account
from core.variables import MAILBOX
from database import execute, now, transaction
from models import Administrator, Setting
from protocol.schema import fold

ROLES = {"readonly": "Read only", "helpdesk": "Helpdesk", "administrator": "Administrator"}  # the weakest first
RANKS = {role: rank for rank, role in enumerate(ROLES)}
WINDOW = timedelta(minutes=5)
TRIES = {"account": 10, "address": 50}  # within WINDOW; behind a tunnel everyone shares one address
SET_UP = "set_up_digest"

ACCOUNTS, SETTINGS = Administrator.__table__, Setting.__table__


class AccountError(PasswordError):
    """An account or password that is refused; `field` says of what: email, password, role or account."""

    def __init__(self, field, message):
        super().__init__(message)
        self.field = field


def may(account: Account, role: str) -> bool:
    """Return whether an account may do what needs `role`."""
    return RANKS[account.role] >= RANKS[role]


def listing() -> list[Account]:
    """Return every account, in the order of their addresses."""
    return [Account(*row) for row in execute(select(ACCOUNTS).order_by(ACCOUNTS.c.email_key))]


def find(identifier: int) -> Account | None:
    row = execute(select(ACCOUNTS).where(ACCOUNTS.c.id == identifier)).first()
    return Account(*row) if row else None


def find_by_email(email: str) -> Account | None:
    row = execute(select(ACCOUNTS).where(ACCOUNTS.c.email_key == fold(email.strip()))).first()
    return Account(*row) if row else None


def exist() -> bool:
    """Return whether there is any account; while there is none, the set-up link works."""
    return execute(select(ACCOUNTS.c.id).limit(1)).first() is not None


def create(email: str, password: str, role: str, actor: Actor) -> Account:
    """Make an account. Raise AccountError for an address, a password or a role that cannot be."""
    email = email.strip()
    if not MAILBOX.fullmatch(email) or not email.isprintable():
        raise AccountError("email", f"{email!r} is no e-mail address.")
    if role not in ROLES:
        raise AccountError("role", f"{role!r} is no role: choose one of {', '.join(ROLES)}.")
    if find_by_email(email):
        raise AccountError("email", f"There is an account {email} already; letter case does not count.")
    row = {
        "email": email,
        "email_key": fold(email),
        "role": role,
        "password_hash": hashed(password, email),
        "created": now(),
    }
    identifier = execute(ACCOUNTS.insert(), row).inserted_primary_key[0]
    journal.note(actor, "created", "Administrator", identifier, email, None, {"email": email, "role": role})
    return find(identifier)


def hashed(password: str, email: str) -> str:
    """Return the hash of a password that may be used. Raise AccountError that says what is wrong with it."""
    try:
        return passwords.hashed(password, email)
    except PasswordError as error:
        raise AccountError("password", str(error)) from None


def sign_in(email: str, password: str, address: str) -> Account | None:
    """Return the account whose password this is, or None. Raise Throttled after too many tries.

    The try is counted before the password is looked at: many at once get no more tries than one after another.
    An unknown address takes as long as a wrong password. Opens its own transactions.
    """
    key = _key(email)
    with transaction():
        tries = throttle.count({key: TRIES["account"], f"address {address}": TRIES["address"]}, WINDOW)
    account = find_by_email(email)
    right = passwords.matches(password, account.password_hash if account else None)
    if not right or account.disabled:
        return None
    with transaction():
        throttle.forget(tries, key)
        if better := passwords.rehashed(password, account.password_hash):
            execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id), {"password_hash": better})
    return account


def _key(email):
    """Return what the tries at an account are counted by."""
    return f"account {fold(email.strip())}"


def signed_in(account: Account):
    """Note a sign-in; needs a transaction."""
    execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id), {"last_sign_in": now()})
    journal.note(Actor(account.email), "signed in", "Administrator", account.id, account.email)


def change_password(account: Account, password: str, actor: Actor, keep: str | None = None):
    """Set a password and end the account's sessions, but for the one of the secret `keep`. Raise AccountError."""
    execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id), {"password_hash": hashed(password, account.email)})
    links.revoke(administrator_id=account.id)  # of a new password: it would undo this one
    sessions.end_all(account.id, keep)
    throttle.forget([], _key(account.email))
    journal.note(actor, "changed the password", "Administrator", account.id, account.email)


def change_role(account: Account, role: str, actor: Actor):
    """Raise AccountError for an unknown role, or if nobody would be left who can administer."""
    if role not in ROLES:
        raise AccountError("role", f"{role!r} is no role: choose one of {', '.join(ROLES)}.")
    if role == account.role:
        return
    _keep_one(account)
    execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id), {"role": role})
    journal.note(
        actor, "changed", "Administrator", account.id, account.email, {"role": account.role}, {"role": role}
    )


def disable(account: Account, actor: Actor):
    """Refuse sign-in from now on, and end the account's sessions. Raise AccountError for the last administrator."""
    if account.disabled:
        return
    _keep_one(account)
    execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id), {"disabled": now()})
    links.revoke(administrator_id=account.id)
    sessions.end_all(account.id)
    journal.note(actor, "disabled", "Administrator", account.id, account.email)


def enable(account: Account, actor: Actor):
    if account.disabled:
        execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id), {"disabled": None})
        journal.note(actor, "enabled", "Administrator", account.id, account.email)


def remove(account: Account, actor: Actor):
    """Delete an account with its sessions. Raise AccountError for the last administrator."""
    _keep_one(account)
    execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == account.id))
    journal.note(actor, "deleted", "Administrator", account.id, account.email, {"role": account.role})


def _keep_one(account):
    if account.role != "administrator" or account.disabled:
        return
    others = (ACCOUNTS.c.role == "administrator", ACCOUNTS.c.disabled.is_(None), ACCOUNTS.c.id != account.id)
    if not execute(select(func.count()).select_from(ACCOUNTS).where(*others)).scalar():
        raise AccountError(
            "account", f"{account.email} is the last administrator who can sign in: make another one first."
        )


def new_set_up_secret() -> str:
    """Return the secret of a set-up link; the one before it is void. Needs a transaction."""
    secret = secrets.token_urlsafe(32)
    execute(delete(SETTINGS).where(SETTINGS.c.name == SET_UP))
    execute(SETTINGS.insert(), {"name": SET_UP, "value": digest(secret)})
    return secret


def is_set_up_secret(secret: str) -> bool:
    """Return whether a set-up link works: it is the newest one, and there is no account yet."""
    kept = execute(select(SETTINGS.c.value).where(SETTINGS.c.name == SET_UP)).scalar()
    return kept is not None and hmac.compare_digest(kept, digest(secret)) and not exist()


def set_up(secret: str, email: str, password: str) -> Account:
    """Make the first administrator; the link is used up. Raise AccountError if it does not work any more."""
    if not is_set_up_secret(secret):
        raise AccountError("account", "This set-up link was used, or a newer one was printed since.")
    account = create(email, password, "administrator", Actor("Set-up link"))
    execute(delete(SETTINGS).where(SETTINGS.c.name == SET_UP))
    return account
