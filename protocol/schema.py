"""Attribute tables, and what they decide: what a document may hold, compares as and shows (RFC 7643).

No database, no HTTP, no clock.

    users = compile_user_type((("custAttr1", "string", False),))
    users.paths["name.familyname"]           # the chain (name, familyName)
    document = users.normalise({"userName": "ada", "ACTIVE": "True", "shoeSize": 41}, ignored=[])
"""

import base64
import itertools
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from precis_i18n import get_profile

from protocol import definitions
from protocol.errors import invalid_syntax, invalid_value

MAX_STRING = 65_536  # characters; pictures and certificates are bounded by the request alone
MAX_NAME = 1_024  # characters of an identifying name: userName, and a group's displayName
MOST_MARKS = 30  # combining marks on one letter
MAX_VALUES = 1_000  # values of one multi-valued attribute of a user
# leniency: Entra sends a manager, and hand-made mappings send roles, as bare strings that stand for their `value`
BARE_STRINGS = ("manager", "roles", "entitlements")
INTEGERS = range(-(2**63), 2**63)

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]")
USERNAME_PROFILE = get_profile("UsernameCaseMapped")


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute of a compiled table. An extension is a complex attribute named by its URN."""

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    unique: bool = False
    canonical: tuple = ()
    path: str = ""  # as people write it: name.familyName, urn:…:User:department
    key: str = ""  # as index rows name it: name.familyName, enterprise:department
    extension: bool = False
    sub: dict = field(default_factory=dict)  # lower-case name → Attribute

    @property
    def read_only(self):
        return self.mutability == "readOnly"

    @property
    def value(self):
        """Return what a comparison with a complex attribute is about (RFC 7643 §2.4), or None."""
        return self.sub.get("value") if self.type == "complex" else self


@dataclass(frozen=True, eq=False)
class ResourceType:
    """One type of resource, compiled: its attributes and every path that leads to one."""

    name: str
    endpoint: str
    urn: str
    documents: tuple  # the schema documents, core first
    attributes: dict  # lower-case name, or extension URN → Attribute
    paths: dict  # lower-case path → chain of Attributes from the resource down

    @property
    def extensions(self):
        return [a for a in self.attributes.values() if a.extension]

    def normalise(self, body: dict, ignored: list) -> dict:
        """Return `body` as a document: canonical names, checked values, nothing unset, nothing read-only.

        Unknown attributes are left out and their paths appended to `ignored`; null, "" and [] mean unset
        (RFC 7643 §2.5). Raise invalidValue for a value that the schema does not allow, and invalidSyntax
        for what is no resource of this type.
        """
        if not isinstance(body, dict):
            raise invalid_syntax(f"The body must be a JSON object that describes a {self.name}.")
        self._check_schemas(body)
        document = {"schemas": [self.urn]}
        document.update(_members(self.attributes, body, "", ignored))
        document["schemas"] += [a.name for a in self.extensions if a.name in document]
        for attribute in self.attributes.values():
            if attribute.required and not str(document.get(attribute.name, "")).strip():
                raise invalid_value(f"A {self.name} needs a {attribute.name}.", attribute.path)
        return document

    def _check_schemas(self, body):
        name = next((key for key in body if key.lower() == "schemas"), "schemas")
        given = body.get(name)
        if given is None:
            return  # leniency: clients forget it, and the endpoint says what it would say
        if not isinstance(given, list) or not all(isinstance(urn, str) for urn in given):
            raise invalid_value("'schemas' must be a list of schema URNs.", "schemas")
        # further URNs are ignored: Google sends the one of SCIM 1 as well, Entra one of its own
        if self.urn.lower() not in (urn.lower() for urn in given):
            raise invalid_syntax(f"'schemas' must name {self.urn} for a {self.name}.")


def _members(table, body, prefix, ignored):
    """Return the known, assigned members of one JSON object under canonical names."""
    members = {}
    for name, value in body.items():
        attribute = table.get(name) or table.get(name.lower())
        if attribute is None:
            if name != "display" or not prefix:  # what every multi-valued attribute may have, members too (§2.4)
                ignored.append(prefix + name)
        elif not attribute.read_only and attribute.name != "schemas":
            if attribute.name in members:
                raise invalid_syntax(f"{attribute.path} is given more than once, in different letter case.")
            value = normalise_value(attribute, value, ignored)
            if value is not None and attribute.returned != "never":
                members[attribute.name] = value
    return members


def refuse_too_many(attribute: Attribute, values: list):
    """Raise invalidValue for more values than an attribute may have; a group may have any number of members."""
    if len(values) > MAX_VALUES and attribute.path != "members":
        raise invalid_value(f"{attribute.path} may have at most {MAX_VALUES} values.", attribute.path)


def normalise_value(attribute: Attribute, value, ignored: list):
    """Return a checked, canonical value for `attribute`, or None where it means unset. Raise invalidValue."""
    if not attribute.multi_valued:
        return _single(attribute, value, ignored)
    if value is None:
        return None
    if isinstance(value, dict) and attribute.type == "complex":
        value = [value]  # leniency: OneLogin sends a single object for emails
    if not isinstance(value, list):
        raise invalid_value(f"{attribute.path} must be a list of values.", attribute.path)
    refuse_too_many(attribute, value)
    values = [v for v in (_single(attribute, v, ignored) for v in value) if v is not None]
    if attribute.path == "members":
        if len(values) < len(value):
            raise invalid_value("Each of members needs a value: the id of a user.", "members.value")
        return values or None
    values = merged(attribute, values)
    if attribute.type == "complex" and sum(v.get("primary") is True for v in values) > 1:
        raise invalid_value(f"At most one value of {attribute.path} may be primary.", attribute.path)
    return values or None


def identity(attribute: Attribute, value):
    """Return what tells a value of a multi-valued attribute from the others: its value and type (RFC 7643 §2.4)."""
    if attribute.type != "complex":
        return comparable(attribute, value)
    if "value" not in value:
        return tuple(sorted((name, str(part)) for name, part in value.items()))
    kind = fold(value["type"]) if "type" in value else None
    return comparable(attribute.sub["value"], value["value"]), kind


def merged(attribute: Attribute, values: list) -> list:
    """Return the values without doubles; of two that are the same, the later is laid over the earlier."""
    found: dict = {}
    for value in values:
        key = identity(attribute, value)
        found[key] = found[key] | value if key in found and attribute.type == "complex" else value
    return list(found.values())


def _single(attribute, value, ignored):
    if value is None or value == "":
        return None
    return CHECKS[attribute.type](attribute, value, ignored)


def _complex(attribute, value, ignored):
    if isinstance(value, str) and attribute.name in BARE_STRINGS:
        value = {"value": value}
    if not isinstance(value, dict):
        raise invalid_value(f"{attribute.path} must be made of sub-attributes.", attribute.path)
    separator = ":" if attribute.extension else "."
    members = _members(attribute.sub, value, attribute.path + separator, ignored)
    for sub in attribute.sub.values():
        if sub.required and sub.name not in members:
            raise invalid_value(f"Each of {attribute.path} needs a {sub.name}.", sub.path)
    return members or None


def _string(attribute, value, ignored):
    if not isinstance(value, str):
        raise invalid_value(f"{attribute.path} must be a string, not {_json_type(value)}.", attribute.path)
    if "\x00" in value:
        raise invalid_value(f"{attribute.path} must not contain the NUL character.", attribute.path)
    limit = MAX_NAME if attribute.unique else MAX_STRING
    if len(value) > limit and attribute.type == "string":
        raise invalid_value(f"{attribute.path} may be at most {limit} characters long.", attribute.path)
    if attribute.unique and CONTROLS.search(value):
        raise invalid_value(f"{attribute.path} contains an invisible or control character.", attribute.path)
    return value


def _boolean(attribute, value, ignored):
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"  # leniency: Entra sends "False", OneLogin "true"
    if not isinstance(value, bool):
        raise invalid_value(f"{attribute.path} must be true or false.", attribute.path)
    return value


def _number(attribute, value, ignored):
    whole = attribute.type == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise invalid_value(f"{attribute.path} must be a number of type {attribute.type}.", attribute.path)
    if not INTEGERS.start <= value < INTEGERS.stop:
        raise invalid_value(f"{attribute.path} must fit in 64 bits.", attribute.path)
    return value


def _date_time(attribute, value, ignored):
    if not isinstance(value, str) or moment(value) is None:
        raise invalid_value(
            f"{attribute.path} must be a date and time such as 2026-01-31T12:00:00Z.", attribute.path
        )
    return value


def _binary(attribute, value, ignored):
    _string(attribute, value, ignored)
    try:
        base64.b64decode(value, altchars=b"-_" if set("-_") & set(value) else None, validate=True)
    except ValueError:
        raise invalid_value(f"{attribute.path} must be base64.", attribute.path) from None
    return value


CHECKS = {
    "complex": _complex,
    "string": _string,
    "reference": _string,
    "boolean": _boolean,
    "integer": _number,
    "decimal": _number,
    "dateTime": _date_time,
    "binary": _binary,
}


def _json_type(value):
    names = {bool: "a boolean", int: "a number", float: "a number", dict: "an object", list: "a list"}
    return names.get(type(value), "null")


def moment(text: str) -> str | None:
    """Return a dateTime in UTC with microseconds, so that text order is time order; None if it is none."""
    if not DATE_TIME.fullmatch(text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def fold(text: str) -> str:
    """Return the form in which strings compare where letter case does not count."""
    if text.isascii():
        return text.lower()
    return (unicodedata.normalize("NFC", text) if _is_language(text) else text).casefold()


def _is_language(text):
    """Return whether no letter has more marks than any language gives it (UAX #15 §13, stream-safe text).

    To normalise marks takes time that grows with the square of how many stand together: 64,000 take ten seconds.
    """
    if len(text) <= 4 * MOST_MARKS:  # no work, whatever it is
        return True
    runs = itertools.groupby(text, lambda character: unicodedata.combining(character) > 0)
    return not any(are_marks and len(list(run)) > MOST_MARKS for are_marks, run in runs)


def user_name_key(text: str) -> str:
    """Return the form in which userNames are equal: PRECIS UsernameCaseMapped (RFC 7644 §5, RFC 8265).

    Names that the profile refuses, such as those with spaces, are compared by NFKC and case folding. No userName is
    longer than MAX_NAME: whatever is, equals none.
    """
    if text.isascii() or len(text) > MAX_NAME:
        return text.lower()
    return _profiled(text)


@lru_cache(maxsize=1_000)
def _profiled(text):
    if not _is_language(text):
        return text.casefold()
    try:
        return USERNAME_PROFILE.enforce(text)
    except UnicodeEncodeError:
        return _folded(text)


def _folded(text):
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def user_name_parts(text: str) -> list[str]:
    """Return the forms that a part of a userName may have in its key: the whole name decides how it is mapped.

    A ß stays one, unless the profile refuses the name; a sigma at a part's end may be one at the end of a word.
    """
    keys = [user_name_key(text)]
    if not text.isascii() and len(text) <= MAX_NAME:
        keys.append(_folded(text))
    keys += [key[:-1] + other for key in keys for this, other in ("σς", "ςσ") if key.endswith(this)]
    return list(dict.fromkeys(keys))


def number_key(value: int | float) -> str:
    """Return a string whose order is the number's order, exactly, for numbers that fit in 64 bits."""
    numerator, denominator = value.as_integer_ratio()  # of a float, the denominator is a power of two
    whole, rest = divmod(numerator, denominator)
    places = denominator.bit_length() - 1
    fraction = f"{rest * 5**places:0{places}d}".rstrip("0") if rest else ""
    return f"{whole - INTEGERS.start:020d}{fraction}"


def comparable(attribute: Attribute, value) -> str:
    """Return `value` as the string that equality and order are decided by; index rows hold it too."""
    if attribute.type == "boolean":
        return "true" if value else "false"
    if attribute.type in ("integer", "decimal"):
        return number_key(value)
    if attribute.type == "dateTime":
        return moment(value) or value
    if attribute.path == "userName":
        return user_name_key(value)
    return value if attribute.case_exact else fold(value)


def index_rows(resource_type: ResourceType, document: dict, left_out=frozenset()) -> set:
    """Return {(attribute key, comparable value, element)}: one row for each value that a filter may name.

    Element 0 is the primary value, or else the first: the one that sorting goes by (RFC 7644 §3.4.2.3).
    """
    rows: set = set()
    for name, value in document.items():
        if name != "schemas" and name not in left_out:
            _index(resource_type.attributes[name.lower()], value, 0, rows)
    return rows


def _index(attribute, value, element, rows):
    if attribute.multi_valued and isinstance(value, list):
        if attribute.type == "complex":
            value = sorted(value, key=lambda v: v.get("primary") is not True)
        for position, item in enumerate(value):
            _index(attribute, item, position, rows)
    elif isinstance(value, dict):
        for name, item in value.items():
            _index(attribute.sub[name.lower()], item, element, rows)
    else:
        rows.add((attribute.key, comparable(attribute, value), element))


class Projection:
    """What `attributes` or `excludedAttributes` leave of a resource (RFC 7644 §3.4.2.5).

    Unknown names select nothing. Raise invalidValue if both are given: they are mutually exclusive.
    """

    def __init__(self, resource_type: ResourceType, attributes: list, excluded: list):
        if attributes and excluded:
            raise invalid_value("Give either attributes or excludedAttributes, not both.")
        self.including = bool(attributes)
        self.tree: dict = {}
        for path in attributes or excluded:
            chain = resource_type.paths.get(path.strip().lower())
            if chain:
                self._grow(chain)
        self.always = {a.name for a in resource_type.attributes.values() if a.returned == "always"}

    def _grow(self, chain):
        branch = self.tree
        for attribute in chain[:-1]:
            branch = branch.setdefault(attribute.name, {})
            if branch is WHOLE:
                return
        branch[chain[-1].name] = WHOLE

    def shows(self, name: str) -> bool:
        """Return whether a top-level attribute is shown at all, so that it need not be loaded if not."""
        if self.including:
            return name in self.tree or name in self.always
        return self.tree.get(name) is not WHOLE or name in self.always

    def apply(self, resource: dict) -> dict:
        if self.including:
            kept = _keep(resource, self.tree)
            return {k: v for k, v in resource.items() if k in self.always} | kept
        return {k: resource[k] for k in resource if k in self.always} | _drop(resource, self.tree)


WHOLE: dict = {}


def _keep(value, tree):
    if tree is WHOLE:
        return value
    if isinstance(value, list):
        return [kept for kept in (_keep(item, tree) for item in value) if kept]
    kept = {name: _keep(item, tree[name]) for name, item in value.items() if name in tree}
    return {name: item for name, item in kept.items() if item not in ({}, [])}


def _drop(value, tree):
    if isinstance(value, list):
        return [kept for kept in (_drop(item, tree) for item in value) if kept]
    kept = {
        name: _drop(item, tree[name]) if tree.get(name) else item
        for name, item in value.items()
        if tree.get(name) is not WHOLE
    }
    return {name: item for name, item in kept.items() if item not in ({}, [])}


def _compile(definition, prefix="", key_prefix=""):
    attribute = Attribute(
        name=definition["name"],
        type=definition["type"],
        multi_valued=definition["multiValued"],
        required=definition["required"],
        case_exact=definition["caseExact"],
        mutability=definition["mutability"],
        returned=definition["returned"],
        unique=definition["uniqueness"] == "server",
        canonical=tuple(definition.get("canonicalValues", ())),
        path=prefix + definition["name"],
        key=key_prefix + definition["name"],
    )
    for sub in definition.get("subAttributes", ()):
        attribute.sub[sub["name"].lower()] = _compile(sub, attribute.path + ".", attribute.key + ".")
    return attribute


def _extension(document):
    urn = document["id"]
    short = definitions.SHORT_NAMES[urn]
    attribute = Attribute(urn, "complex", path=urn, key=short, extension=True)
    for sub in document["attributes"]:
        attribute.sub[sub["name"].lower()] = _compile(sub, urn + ":", short + ":")
    return attribute


def _chains(attribute, above=()):
    chain = (*above, attribute)
    yield chain
    for sub in attribute.sub.values():
        yield from _chains(sub, chain)


def compile_type(name, endpoint, document, extensions=()) -> ResourceType:
    """Compile one resource type from its schema documents."""
    core = [_compile(definition) for definition in [*definitions.COMMON, *document["attributes"]]]
    attributes = {attribute.name.lower(): attribute for attribute in core}
    for extension in extensions:
        attributes[extension["id"].lower()] = _extension(extension)
    paths = {}
    for attribute in attributes.values():
        for chain in _chains(attribute):
            paths[chain[-1].path.lower()] = chain
            if not attribute.extension:
                paths[f"{document['id']}:{chain[-1].path}".lower()] = chain
    return ResourceType(name, endpoint, document["id"], (document, *extensions), attributes, paths)


@lru_cache(maxsize=8)
def compile_user_type(custom: tuple = ()) -> ResourceType:
    """Compile User with the administrator's attributes, `custom` = ((name, type, multi_valued), …)."""
    extensions = (definitions.ENTERPRISE_SCHEMA, definitions.custom_schema(custom))
    return compile_type("User", "/Users", definitions.USER_SCHEMA, extensions)


GROUP_TYPE = compile_type("Group", "/Groups", definitions.GROUP_SCHEMA)


def resource_type_documents(user_type: ResourceType) -> list:
    """Return the documents of /ResourceTypes, without `meta` (RFC 7643 §6)."""
    return [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": resource_type.name,
            "name": resource_type.name,
            "endpoint": resource_type.endpoint,
            "description": resource_type.documents[0]["description"],
            "schema": resource_type.urn,
            "schemaExtensions": [{"schema": a.name, "required": False} for a in resource_type.extensions],
        }
        for resource_type in (user_type, GROUP_TYPE)
    ]


def schema_documents(user_type: ResourceType) -> list:
    """Return the documents of /Schemas, without `meta` (RFC 7643 §7)."""
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:Schema"]
    return [{"schemas": schemas} | d for d in (*user_type.documents, *GROUP_TYPE.documents)]
