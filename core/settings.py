"""What administrators set in the portal, in table settings. What operators set is in the environment: see app.py.

if settings.get("invite_automatically"): …
settings.change("log_days", 90, actor)
"""

import re
import time
from dataclasses import dataclass, field

import orjson
from flask import current_app
from sqlalchemy import select, update

from core import journal
from core.journal import Actor
from models import Setting, after_commit, db, execute

DEFAULTS = {
    "invite_automatically": False,  # whether users imported from Okta are sent an invitation
    "public_url": "",  # the address of the tunnel; ROLLCALL_PUBLIC_URL goes before it
    "log_days": 30,  # how long the provisioning log is kept
}
SECONDS = 1  # after which what another process changed is seen
LOG_DAYS = range(1, 366)
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

    A change is seen at once in the process that made it, and within SECONDS in another.
    """
    extensions = current_app._get_current_object().extensions  # through the proxy it takes four times as long
    cache = extensions.get("settings") or _forget()
    if cache.until < time.monotonic():
        cache.values = DEFAULTS | _committed()
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


CHECKS = {"invite_automatically": _invite_automatically, "public_url": _public_url, "log_days": _log_days}
