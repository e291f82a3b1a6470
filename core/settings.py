"""What administrators set in the portal, in table settings. What operators set is configuration.py's.

if settings.get("invite_automatically"): …
settings.change("log_days", 90, actor)
"""

import re
import time
from dataclasses import dataclass, field

import orjson
from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from core import journal, variables
from core.journal import Actor
from core.variables import VariableError
from database import after_commit, db, execute
from engines import is_away
from models import Setting

INVITATION_SUBJECT = "Your invitation to Rollcall"
INVITATION_TEXT = """\
Hello ${userDisplayName},

you are invited to register your account ${userUID}. Open this link and choose a password:

${activationUrl}

The link works once, until ${expires}. After that, its page can send you a new one.

You did not expect this mail? Then leave the link alone, and tell your administrator.
"""
DEFAULTS = {
    "invite_automatically": False,  # whether users imported from Okta are sent an invitation
    "invitation_days": 7,  # how long the link in one is valid
    "invitation_subject": INVITATION_SUBJECT,
    "invitation_text": INVITATION_TEXT,
    "public_url": "",  # the address of the tunnel; ROLLCALL_PUBLIC_URL goes before it
    "log_days": 30,  # how long the provisioning log is kept
}
SECONDS = 1  # after which what another process changed is seen
LOG_DAYS, INVITATION_DAYS = range(1, 366), range(1, 31)
ACTIVATION_URL = "activationUrl"
INVITATION_VARIABLES = (*variables.SYSTEM, ACTIVATION_URL, "expires")  # what an invitation may say
LONGEST_SUBJECT, LONGEST_INVITATION = 200, 10_000  # characters
ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?(/[\w./~-]*)?", re.ASCII | re.IGNORECASE)
SETTINGS = Setting.__table__


class SettingError(Exception):
    """A value that a setting cannot have; the message says why, and `field` which setting."""

    def __init__(self, message: str, field: str):
        super().__init__(message)
        self.field = field


@dataclass
class Cache:
    """What was committed when it was read; it is looked up again after `until`."""

    values: dict = field(default_factory=dict)
    until: float = 0.0


def get(name: str):
    """Return a setting's value as it is committed. Raise KeyError for an unknown name.

    A change is seen at once in the process that made it, and within SECONDS in another. While the database is away,
    settings are as they were last read: whoever has begun to answer can go on.
    """
    extensions = current_app._get_current_object().extensions  # through the proxy it takes four times as long
    cache = extensions.get("settings") or _forget()
    if cache.until < time.monotonic():
        try:
            cache.values = DEFAULTS | _committed()
        except OperationalError as error:
            if not (cache.values and is_away(error)):
                raise
        cache.until = time.monotonic() + SECONDS
    return cache.values[name]


def _forget():
    """Begin a new cache: a thread that fills the old one with what it read before does no harm."""
    cache = current_app.extensions["settings"] = Cache()
    return cache


def _committed():
    """Read on a connection of its own: the caller's may have changed what it will not commit."""
    with db.engine.connect() as connection:
        return _stored(connection.execute(select(SETTINGS)))


def _stored(rows):
    return {row.name: orjson.loads(row.value) for row in rows if row.name in DEFAULTS}


def change(name: str, value, actor: Actor):
    """Keep a setting; `get` returns the new value once it is committed. What is so already writes nothing.

    Raise SettingError for a value that cannot be, KeyError for an unknown name.
    """
    value = CHECKS[name](value)
    before = (DEFAULTS | _stored(execute(select(SETTINGS))))[name]
    if value == before:
        return
    stored = {"value": orjson.dumps(value).decode()}
    if not execute(update(SETTINGS).where(SETTINGS.c.name == name), stored).rowcount:
        execute(SETTINGS.insert(), {"name": name} | stored)
    journal.note(actor, "changed", "Setting", name, name, {name: before}, {name: value})
    after_commit(_forget)


def public_url() -> str:
    """Return the address at which this Rollcall is called, or "" if nobody has set it.

    Never what a request says: it goes into mails, and whoever asks for one could say anything.
    """
    return current_app.config["PUBLIC_URL"] or get("public_url")


def _invite_automatically(value):
    if not isinstance(value, bool):
        raise SettingError("Automatic invitations are either on or off.", "invite_automatically")
    return value


def _public_url(value):
    address = str(value).strip().rstrip("/")
    if address and not ADDRESS.fullmatch(address):
        raise SettingError(f"{value!r} is no https address such as https://name.ngrok.app.", "public_url")
    return address


def _log_days(value):
    if type(value) is not int or value not in LOG_DAYS:  # true is 1 to Python
        raise SettingError("The provisioning log is kept for 1 to 365 days: enter a whole number.", "log_days")
    return value


def _invitation_days(value):
    if type(value) is not int or value not in INVITATION_DAYS:
        raise SettingError("An invitation is valid for 1 to 30 days: enter a whole number.", "invitation_days")
    return value


def _invitation_subject(value):
    subject = str(value).strip()
    if not subject or not subject.isprintable() or len(subject) > LONGEST_SUBJECT:
        raise SettingError(
            f"A subject is one line of at most {LONGEST_SUBJECT} characters, and not empty.", "invitation_subject"
        )
    _check_variables(subject, "invitation_subject")
    if ACTIVATION_URL in variables.names(subject):
        raise SettingError("${activationUrl} belongs in the text: everybody sees a subject.", "invitation_subject")
    return subject


def _invitation_text(value):
    text = re.sub(r"\r\n?", "\n", str(value)).strip() + "\n"
    if len(text) > LONGEST_INVITATION:
        raise SettingError(f"The text has more than {LONGEST_INVITATION} characters.", "invitation_text")
    _check_variables(text, "invitation_text")
    if ACTIVATION_URL not in variables.names(text):
        raise SettingError(
            "The text lacks ${activationUrl}: without the link nobody can register.", "invitation_text"
        )
    return text


def _check_variables(text, name):
    try:
        found = variables.unknown(text, INVITATION_VARIABLES)
    except VariableError as error:
        raise SettingError(str(error), name) from None
    if found:
        unknown, meant = found[0]
        hint = f"did you mean ${{{meant}}}?" if meant else "the list of variables shows those that there are."
        raise SettingError(f"${{{unknown}}} is no variable: {hint}", name)


CHECKS = {
    "invite_automatically": _invite_automatically,
    "invitation_days": _invitation_days,
    "invitation_subject": _invitation_subject,
    "invitation_text": _invitation_text,
    "public_url": _public_url,
    "log_days": _log_days,
}
