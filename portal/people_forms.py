"""A person's document as people read it, and as a form that is laid over it. No request, no database.

fields = fields_of(attributes.defined())
typed = {"title": "Countess"}
document = laid_over(user.document, fields, typed)   # what the form does not show stays as it is
"""

import re
from dataclasses import dataclass

from core import variables
from protocol.definitions import CUSTOM, ENTERPRISE
from protocol.errors import ScimError

LONGEST_FACT = 500  # characters: a picture may come as a data: URL of 64 kB
INTEGER = re.compile(r"[+-]?\d{1,30}", re.ASCII)
DECIMAL = re.compile(r"[+-]?\d{1,30}([.,]\d{1,30})?", re.ASCII)
LINE_END = re.compile(r"\r\n?|\n")
# what stands on the other pages, and what is said apart
NOT_FACTS = ("schemas", "active", "externalId", CUSTOM)
LABELS = {
    "userName": "User name",
    "name.givenName": "First name",
    "name.familyName": "Last name",
    "name.middleName": "Middle name",
    "name.honorificPrefix": "Prefix",
    "name.honorificSuffix": "Suffix",
    "name.formatted": "Full name",
    "displayName": "Display name",
    "nickName": "Nickname",
    "profileUrl": "Profile",
    "title": "Title",
    "userType": "User type",
    "preferredLanguage": "Language",
    "locale": "Locale",
    "timezone": "Time zone",
    "emails": "E-mail",
    "phoneNumbers": "Phone",
    "ims": "Instant messaging",
    "photos": "Photos",
    "addresses": "Addresses",
    "entitlements": "Entitlements",
    "roles": "Roles",
    "x509Certificates": "Certificates",
    f"{ENTERPRISE}:employeeNumber": "Employee number",
    f"{ENTERPRISE}:costCenter": "Cost center",
    f"{ENTERPRISE}:organization": "Organization",
    f"{ENTERPRISE}:division": "Division",
    f"{ENTERPRISE}:department": "Department",
    f"{ENTERPRISE}:manager": "Manager",
}


@dataclass(frozen=True)
class Field:
    """One field of the form, and where its value stands in a document."""

    name: str
    label: str
    path: str  # as ScimError names it
    type: str = "string"
    many: bool = False  # one value a line
    required: bool = False
    hint: str = ""

    @property
    def is_custom(self) -> bool:
        return self.path.startswith(CUSTOM)


EMAIL = Field("email", "E-mail", "emails.value")
CORE_FIELDS = (
    Field("user_name", "User name", "userName", required=True, hint="Mostly the e-mail address."),
    Field("given_name", "First name", "name.givenName"),
    Field("family_name", "Last name", "name.familyName"),
    Field("display_name", "Display name", "displayName", hint="Shown in lists; without one, the user name is."),
    EMAIL,
    Field("title", "Title", "title"),
    Field("department", "Department", f"{ENTERPRISE}:department"),
    Field("locale", "Locale", "locale", hint="Such as en-US."),
)
HINTS = {"dateTime": "Such as 2026-01-31T12:00:00Z."}


def fields_of(definitions) -> list[Field]:
    """Return the form's fields: the core ones, then one for each custom attribute; see attributes.defined."""
    return [*CORE_FIELDS, *(_custom_field(name, kind, bool(many)) for name, kind, many, *_ in definitions)]


def _custom_field(name, kind, many):
    hints = [HINTS.get(kind, ""), "One value a line." if many else ""]
    return Field(f"custom.{name}", name, f"{CUSTOM}:{name}", kind, many, hint=" ".join(filter(None, hints)))


def shown(document: dict, fields: list[Field]) -> dict:
    """Return {field name: text} of what the form shows of a document."""
    return {field.name: _shown(document, field) for field in fields}


def _shown(document, field):
    value = _value_at(document, field)
    if isinstance(value, list):
        return "\n".join(variables.as_text(part) for part in value)
    return "" if value is None else variables.as_text(value)


def laid_over(document: dict, fields: list[Field], typed: dict) -> dict:
    """Return the document with what was typed; a field that was left as it was, or not sent, changes nothing.

    The values are checked by whoever normalises the document.
    """
    for field in fields:
        if field.name in typed and not is_same(field, typed[field.name], _shown(document, field)):
            document = _with_value(document, field, _read(field, typed[field.name]))
    return document


def is_same(field: Field, typed: str, text: str) -> bool:
    """Return whether a field was left alone: browsers change line ends, or leave them out, in what they show."""
    ends = "\n" if field.many else ""
    return LINE_END.sub(ends, typed) == LINE_END.sub(ends, text)


def _read(field, text):
    if field.many:
        return [_typed_value(field.type, line.strip()) for line in text.splitlines() if line.strip()]
    return _typed_value(field.type, text.strip())


def _typed_value(kind, text):
    """Return a number where the text is one: what is none is left for the schema to refuse."""
    if kind == "integer" and INTEGER.fullmatch(text):
        return int(text)
    if kind == "decimal" and DECIMAL.fullmatch(text):
        return float(text.replace(",", "."))
    return text


def _keys(path):
    urn, _, name = path.rpartition(":")
    return [urn, name] if urn else path.split(".")


def _value_at(document, field):
    if field is EMAIL:
        position = _main_email(document)
        return None if position is None else document["emails"][position]["value"]
    value = document
    for key in _keys(field.path):
        value = (value or {}).get(key)
    return value


def _with_value(document, field, value):
    if field is EMAIL:
        return _with_email(document, value)
    *above, name = _keys(field.path)
    if not above:
        return document | {name: value}
    return document | {above[0]: document.get(above[0], {}) | {name: value}}


def _main_email(document):
    """Return where the e-mail address stands that the form shows: the primary one, or else the first."""
    found = [n for n, email in enumerate(document.get("emails", [])) if email.get("value")]
    return min(found, key=lambda n: document["emails"][n].get("primary") is not True, default=None)


def _with_email(document, address):
    emails, position = list(document.get("emails", [])), _main_email(document)
    if position is None:
        emails.append({"value": address, "type": "work", "primary": True})
    elif address:
        emails[position] = emails[position] | {"value": address}
    else:
        del emails[position]
    return document | {"emails": emails}


def before(document: dict, lines: list) -> dict:
    """Return what a document was before the changes in `lines`: its newest history.AuditRows, newest first."""
    for line in lines:
        came = line.after.keys() - line.before.keys()
        document = {name: value for name, value in document.items() if name not in came} | line.before
    return document


def refusal(error: ScimError, fields: list[Field]) -> dict:
    """Return {name of the field that an error is about: its sentence, with the field's label in it}."""
    path = "emails.value" if error.path == "emails" else error.path
    for field in fields:
        if field.path == path:
            return {field.name: error.detail.replace(field.path, field.label)}
    return {"form": error.detail}


def facts(user) -> list[tuple]:
    """Return [(label, [text of each value])] of what a directory.Resource that is a user says of the person."""
    found = []
    for name, value in user.document.items():
        if name in NOT_FACTS:
            continue
        parts = _parts(name, value) if name in ("name", ENTERPRISE) else [(name, value)]
        found += [(path, part) for path, part in parts if path in LABELS]
    found.sort(key=lambda pair: list(LABELS).index(pair[0]))
    return [(LABELS[path], _texts(path, value)) for path, value in found]


def _parts(name, value):
    separator = ":" if name == ENTERPRISE else "."
    return [(f"{name}{separator}{sub}", part) for sub, part in value.items()]


def _texts(path, value):
    values = value if isinstance(value, list) else [value]
    return [_cut(_text(path, part)) for part in values]


def _text(path, value):
    if not isinstance(value, dict):
        return variables.as_text(value)
    if path == "x509Certificates":
        return f"A certificate of {len(value.get('value', '')):,} characters"
    if path == f"{ENTERPRISE}:manager":
        return value.get("displayName") or value.get("value", "")
    about = [value["type"]] if "type" in value else []
    about += ["primary"] if value.get("primary") is True else []
    main = _address(value) if path == "addresses" else value.get("value") or value.get("display") or ""
    return f"{main} ({', '.join(about)})" if about else main


def _address(value):
    town = " ".join(value[name] for name in ("postalCode", "locality") if name in value)
    parts = [value.get("streetAddress"), town, value.get("region"), value.get("country")]
    return value.get("formatted") or ", ".join(part for part in parts if part)


def _cut(text):
    return text if len(text) <= LONGEST_FACT else text[:LONGEST_FACT] + "…"
