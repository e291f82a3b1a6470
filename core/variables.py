"""What configurations may say of a person: the system variables, and custom attributes as text. Pure: no database.

system_values({"userName": "ada@example.com"})["userUIDDomain"]              # "example.com"
custom_values({CUSTOM: {"floors": [1, 2]}}, [("floors", "integer", True)])   # {"floors": "1, 2"}
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from protocol.definitions import CUSTOM, ENTERPRISE

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class Variable(NamedTuple):
    """Where a system variable comes from: the SCIM path, for people, and the function of a user's document."""

    path: str
    value: Callable[[dict], str | None]


def _email(document):
    """Return the primary e-mail address, else the first, else the userName where it is one."""
    emails = [email for email in document.get("emails", []) if email.get("value")]
    primary = [email for email in emails if email.get("primary") is True]
    for email in primary + emails:
        return email["value"]
    name = document["userName"]
    return name if ADDRESS.fullmatch(name) else None


def _local_part(address):
    """Return what stands before the last @; a name without one is all local part."""
    if address is None:
        return None
    local, at, _domain = address.rpartition("@")
    return local if at else address


def _domain(address):
    return address.rpartition("@")[2] if address and "@" in address else None


SYSTEM = {
    "userUID": Variable("userName", lambda d: d["userName"]),
    "userUIDLocalPart": Variable("userName", lambda d: _local_part(d["userName"])),
    "userUIDDomain": Variable("userName", lambda d: _domain(d["userName"])),
    "userUPN": Variable("userName", lambda d: d["userName"]),
    "userEmailAddress": Variable("emails.value", _email),
    "userEmailAddressLocalPart": Variable("emails.value", lambda d: _local_part(_email(d))),
    "userEmailAddressDomain": Variable("emails.value", lambda d: _domain(_email(d))),
    "userFirstName": Variable("name.givenName", lambda d: d.get("name", {}).get("givenName")),
    "userLastName": Variable("name.familyName", lambda d: d.get("name", {}).get("familyName")),
    "userDisplayName": Variable("displayName", lambda d: d.get("displayName")),
    "userLocale": Variable("locale", lambda d: d.get("locale")),
    "department": Variable(f"{ENTERPRISE}:department", lambda d: d.get(ENTERPRISE, {}).get("department")),
}


def system_values(document: dict) -> dict:
    """Return {name: text, or None where there is no value} of every system variable, in the order of SYSTEM."""
    return {name: variable.value(document) or None for name, variable in SYSTEM.items()}


def custom_values(document: dict, definitions) -> dict:
    """Return {name: text} of the custom attributes of which the person has a value; see `as_text`.

    `definitions` are rows that begin with the name, as attributes.listing() returns them.
    """
    values = document.get(CUSTOM, {})
    names = [definition[0] for definition in definitions]
    return {name: as_text(values[name]) for name in names if name in values}


def as_text(value) -> str:
    """Return the one form in which a value stands in text: `true`, `1.5`, `2026-01-31T12:00:00Z`, `a, b`.

    Booleans are true or false; numbers have neither an exponent nor needless zeros, so that 2 and 2.0 are one text;
    strings and dateTimes are as Okta sent them; several values are joined with a comma and a space.
    """
    if isinstance(value, list):
        return ", ".join(as_text(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize() + 0:f}"  # adding 0 makes -0 a 0
    return str(value)
