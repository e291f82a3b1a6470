"""What mails and configurations say of a person: variables, and the texts in which they stand. Pure: no database.

system_values({"userName": "ada@example.com"})["userUIDDomain"]              # "example.com"
custom_values({CUSTOM: {"floors": [1, 2]}}, [("floors", "integer", True)])   # {"floors": "1, 2"}
substitute("Office ${city:-unknown}, 5 $${", {"city": "Berlin"})            # "Office Berlin, 5 ${"

A text is `${name}`, `${name:-text}` for a default, and `$${` for a literal `${`; every other character is itself.
"""

import difflib
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from protocol.definitions import CUSTOM, ENTERPRISE

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
# one address, such as a mail can go to: no list of them, and nothing around it
MAILBOX = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,190}")
TOKEN = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?::-(?P<default>[^{}]*))?\})?", re.ASCII)
SHOWN = 30  # characters of what is no variable


class VariableError(Exception):
    """A `${` that begins no variable; the message says where."""


class Text(NamedTuple):
    text: str


class Reference(NamedTuple):
    name: str
    default: str | None


class Variable(NamedTuple):
    """Where a system variable comes from: the SCIM path, for people, and the function of a user's document."""

    path: str
    value: Callable[[dict], str | None]


def main_email(document: dict) -> str | None:
    """Return a user's primary e-mail address, or else the first."""
    emails = [email for email in document.get("emails", ()) if email.get("value")]
    primary = [email for email in emails if email.get("primary") is True]
    return next((email["value"] for email in primary + emails), None)


def _email(document):
    """Return the main e-mail address, or else the userName where it is one."""
    name = document["userName"]
    return main_email(document) or (name if ADDRESS.fullmatch(name) else None)


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

    `definitions` are rows that begin with the name, as attributes.defined() returns them.
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


def parse(text: str) -> list[Text | Reference]:
    """Return the parts of a text, in order. Raise VariableError for a `${` that begins no variable."""
    return list(_parts(text))


@lru_cache(2_000)
def _parts(text):
    """Parse once what is substituted for thousands of people."""
    parts: list = []
    end = 0
    for found in TOKEN.finditer(text):
        before, end = text[end : found.start()], found.end()
        if found["name"]:
            parts += [Text(before), Reference(found["name"], found["default"])]
        elif found[0] == "$${":
            parts.append(Text(before + "${"))
        else:
            shown = text[found.start() : found.start() + SHOWN].split("\n")[0]
            raise VariableError(
                f"{shown!r} is no variable: write ${{name}}, or ${{name:-text}} for a default, "
                "and $${ where the characters ${ are meant."
            )
    parts.append(Text(text[end:]))
    return tuple(part for part in parts if part != Text(""))


def names(text: str) -> list[str]:
    """Return the names of the variables in a text, each once, in order. Raise VariableError."""
    return list(dict.fromkeys(part.name for part in parse(text) if isinstance(part, Reference)))


def unknown(text: str, allowed) -> list[tuple[str, str | None]]:
    """Return (name, the allowed one that may be meant, or None) of each variable that is not in `allowed`.

    Letter case counts, but for the suggestion. Raise VariableError.
    """
    by_lower = {name.lower(): name for name in allowed}
    found = []
    for name in names(text):
        if name not in by_lower.values():
            near = difflib.get_close_matches(name.lower(), by_lower, n=1)
            found.append((name, by_lower[near[0]] if near else None))
    return found


def substitute(text: str, values: dict) -> str:
    """Return a text with {name: value} in place of its variables. Raise VariableError.

    One without a value becomes its default, or else nothing. A value is never expanded again.
    """
    return "".join(part.text if isinstance(part, Text) else value_of(part, values) for part in parse(text))


def value_of(reference: Reference, values: dict) -> str:
    """Return what stands in place of one variable."""
    value = values.get(reference.name)
    return value if value not in (None, "") else reference.default or ""


def mailbox(document: dict) -> str | None:
    """Return the address to which a person's mail goes, or None if there is none to which any could."""
    address = _email(document)
    return address if address and MAILBOX.fullmatch(address) and address.isprintable() else None
