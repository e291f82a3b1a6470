"""Apple's configuration profiles, made from declared fields. Pure: no database, no Flask, no clock.

A type is a Kind: form, validation and payload come from its fields. Another type is one more Kind in TYPES.

kind = TYPES["webclip"]
fields, errors = checked(kind, {"label": "Office ${custAttr1}", "url": "https://example.com"}, {"custAttr1"})
profile(kind, rendered(kind, fields, {"custAttr1": "Berlin"}), "Desks", configuration_uuid, user_id)  # bytes
"""

import hashlib
import json
import math
import plistlib
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple
from uuid import UUID, uuid5

from core import variables

# What XML 1.0 cannot hold (§2.2), and the carriage return, which comes back as a line feed (§2.11).
UNFIT = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LONGEST = 1000  # characters of a template; of what it becomes, ten times as many
MOST_ROWS = 100  # lines, or key and value pairs, of one field
ICON_BYTES = 180_000  # a form carries it as Base64, and another one beside it
INTEGERS = range(-(2**63), 2**63)
REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
ON, OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")
PAIR_TYPES = ("string", "integer", "real", "boolean")


class Check(NamedTuple):
    """Whether a value fits, and the rest of the sentence that begins with the field's label when it does not."""

    fits: Callable
    wrong: str


@dataclass(frozen=True)
class Choice:
    """One value of a field: `value` is kept, `apple` stands in the payload, and with it what is `also`."""

    value: str
    label: str
    apple: object
    also: tuple = ()  # (key, value)


@dataclass(frozen=True)
class Field:
    """One input of the form and one key of the payload, dotted where it lies in dictionaries ("": in none).

    `type` is string, password, integer, boolean, choice, lines, data (a picture as Base64) or pairs, which a form
    sends as `name.key`, `name.type` and `name.value`, each as often as there are rows. `when` names a field before
    it and the values of that with which this one is shown and used. Only string, lines and pairs take variables.
    """

    name: str
    label: str
    key: str = ""
    type: str = "string"
    required: bool = False
    variables: bool = False
    help: str = ""
    default: str = ""  # as the form sends it
    choices: tuple[Choice, ...] = ()
    when: tuple[str, tuple] | None = None
    check: Check | None = None
    within: range = INTEGERS
    as_integer: bool = False  # a boolean that Apple writes as 0 or 1


@dataclass(frozen=True)
class Kind:
    """A type of configuration. Without a payload type it is no profile: a person gets its Configuration alone."""

    name: str
    label: str
    payload_type: str | None
    fields: tuple[Field, ...]
    constants: tuple = ()  # (key, value)


@dataclass(frozen=True)
class Rendering:
    """A configuration for one person: `fields` after substitution, or {variable: why it is held}."""

    fields: dict | None
    held: dict

    @property
    def ready(self) -> bool:
        return not self.held


class Refused(Exception):
    """What was typed cannot be; the message says why."""


def unfit(text: str) -> str | None:
    """Return the first character that a profile cannot hold, as U+0007, or None."""
    found = UNFIT.search(text)
    return found and f"U+{ord(found[0]):04X}"


def shown(field: Field, fields: Mapping) -> bool:
    """Whether the field is used, by the values of those before it."""
    return field.when is None or fields.get(field.when[0]) in field.when[1]


def checked(kind: Kind, typed: Mapping, allowed: Collection) -> tuple[dict, dict]:
    """Return (what to keep, as JSON can hold it; {field name: sentence}) of what a form sent.

    `typed` has a text or a list of texts for a name. `allowed` are the variables that there are.
    """
    fields, errors = {}, {}
    for field in kind.fields:
        if not shown(field, fields):
            continue
        try:
            sent = _rows(field, typed) if field.type == "pairs" else _one(field, typed)
            value = READERS[field.type](field, sent, allowed)
            if value not in ("", None, []):
                fields[field.name] = value
            elif field.required:
                raise Refused(f"{field.label} is needed: fill it in.")
        except Refused as error:
            errors[field.name] = str(error)
    return fields, errors


def as_typed(kind: Kind, fields: Mapping | None = None) -> dict:
    """Return what a form would send for `checked` to return these fields, or the defaults where there are none."""
    typed = {}
    for field in kind.fields:
        new = fields is None or not shown(field, fields)
        value = field.default if new else fields.get(field.name, "")
        if field.type == "pairs":
            for part in ("key", "type", "value"):
                typed[f"{field.name}.{part}"] = [_as_text(pair[part]) for pair in value or ()]
        elif field.type == "lines" and not new:
            typed[field.name] = "\n".join(value)
        else:
            typed[field.name] = ("on" if value else "") if isinstance(value, bool) else str(value)
    return typed


def _as_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sent(typed, name):
    value = typed.getlist(name) if hasattr(typed, "getlist") else typed.get(name, [])
    return [text.replace("\r\n", "\n") for text in ([value] if isinstance(value, str) else value)]


def _one(field, typed):
    return (_sent(typed, field.name) or [""])[-1]


def _rows(field, typed):
    columns = [_sent(typed, f"{field.name}.{part}") for part in ("key", "type", "value")]
    return [row for row in zip_longest(*columns, fillvalue="") if row[0].strip() or row[2].strip()]


def _vetted(what, text, allowed, longest=LONGEST):
    """Return a text whose characters, length and variables are in order; `allowed` is None where there are none."""
    if found := unfit(text):
        raise Refused(f"{what} holds the character {found}, which a profile cannot hold: take it out.")
    if len(text) > longest:
        raise Refused(f"{what} is longer than {longest:,} characters: shorten it.")
    if allowed is None:
        return text
    try:
        unknown = variables.unknown(text, allowed)
    except variables.VariableError as error:
        raise Refused(f"{what}: {error}") from None
    if unknown:
        raise Refused(" ".join(_no_variable(name, guess) for name, guess in unknown))
    return text


def _no_variable(name, guess):
    return f"There is no variable {name}: " + (f"did you mean {guess}?" if guess else "choose one from the list.")


def _lines(field, text, allowed):
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) > MOST_ROWS:
        raise Refused(f"{field.label} has more than {MOST_ROWS} lines: take some away.")
    return [_string(field, line, allowed) for line in lines]


def _string(field, text, allowed):
    text = text.strip()
    if not field.variables and "${" in text:
        raise Refused(f"{field.label} takes no variables: write the text itself.")
    _vetted(field.label, text, allowed if field.variables else None)
    if field.check and text and not (field.variables and variables.names(text)):
        _fit(field, variables.substitute(text, {}) if field.variables else text)
    return text


def _fit(field, value):
    if field.check and not field.check.fits(value):
        raise Refused(f"{field.label} {field.check.wrong}")
    return value


def _password(field, text, allowed):
    """Return it literally, blanks and all: what looks like a variable is a part of the password."""
    return text and _fit(field, _vetted(field.label, text, None))


def _integer(field, text, allowed):
    return _whole(field.label, text.strip(), field.within) if text.strip() else None


def _whole(what, text, within):
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII) or int(text) not in within:
        raise Refused(f"{what} is a whole number from {within[0]} to {within[-1]}: {text[:40]!r} is none.")
    return int(text)


def _real(what, text):
    if len(text) > 400 or not REAL.fullmatch(text) or not math.isfinite(float(text)):
        raise Refused(f"{what} is a number such as 1.5: {text[:40]!r} is none.")
    return float(text)


def _boolean(field, text, allowed):
    return _truth(field.label, text or "off")


def _truth(what, text):
    if text.lower() not in ON + OFF:
        raise Refused(f"{what} is true or false: {text[:40]!r} is neither.")
    return text.lower() in ON


def _choice(field, text, allowed):
    text = text or field.default
    if text and text not in [choice.value for choice in field.choices]:
        labels = ", ".join(choice.label for choice in field.choices)
        raise Refused(f"{field.label} cannot be {text[:40]!r}: choose one of {labels}.")
    return text


def _data(field, text, allowed):
    try:
        data = b64decode("".join(text.split()).removeprefix("data:image/png;base64,"), validate=True)
    except ValueError:
        raise Refused(f"{field.label} is no Base64 text: paste what `base64 icon.png` prints.") from None
    return b64encode(_fit(field, data)).decode() if data else ""


def _pairs(field, rows, allowed):
    if len(rows) > MOST_ROWS:
        raise Refused(f"{field.label} has more than {MOST_ROWS} rows: take some away.")
    pairs = {}
    for key, type, text in rows:
        key = _vetted("A key", key.strip(), None, 200)
        if not key:
            raise Refused(f"The value {text[:40]!r} has no key: fill it in or empty the row.")
        if "${" in key:
            raise Refused(f"The key {key} takes no variables: write the text itself.")
        if key in pairs:
            raise Refused(f"The key {key} is there twice: take one away.")
        type = type or "string"
        pairs[key] = {"key": key, "type": type, "value": _pair_value(f"The value of {key}", type, text, allowed)}
    return list(pairs.values())


def _pair_value(what, type, text, allowed):
    match type:
        case "string":
            return _vetted(what, text, allowed)
        case "integer":
            return _whole(what, text.strip(), INTEGERS)
        case "real":
            return _real(what, text.strip())
        case "boolean":
            return _truth(what, text.strip())
    raise Refused(f"{what} has no type {type[:40]!r}: choose one of {', '.join(PAIR_TYPES)}.")


READERS = {
    "string": _string,
    "password": _password,
    "integer": _integer,
    "boolean": _boolean,
    "choice": _choice,
    "lines": _lines,
    "data": _data,
    "pairs": _pairs,
}


def _mapped(kind, fields, change):
    """Return the fields with change(field, text) in place of every text that takes variables, and of no other."""
    mapped = dict(fields)
    for field in kind.fields:
        if not field.variables or field.name not in fields:
            continue
        value = fields[field.name]
        if field.type == "string":
            mapped[field.name] = change(field, value)
        elif field.type == "lines":
            mapped[field.name] = [line for line in (change(field, line) for line in value) if line]
        elif field.type == "pairs":
            texts = [change(field, p["value"]) if p["type"] == "string" else p["value"] for p in value]
            mapped[field.name] = [pair | {"value": text} for pair, text in zip(value, texts, strict=True)]
    return mapped


def _references(kind, fields):
    texts = []
    _mapped(kind, fields, lambda field, text: texts.append(text) or text)
    parts = (part for text in texts for part in variables.parse(text))
    return [part for part in parts if isinstance(part, variables.Reference)]


def names(kind: Kind, fields: Mapping) -> list[str]:
    """Return every variable that is used, each once, in the order of its first use."""
    return list(dict.fromkeys(part.name for part in _references(kind, fields)))


def needed(kind: Kind, fields: Mapping) -> list[str]:
    """Return the variables that stand somewhere without a default."""
    return list(dict.fromkeys(part.name for part in _references(kind, fields) if part.default is None))


def rendered(kind: Kind, fields: Mapping, values: Mapping, missing: str = "hold") -> Rendering:
    """Substitute a person's values; `missing` says what one that lacks does: "hold" or "empty".

    It is held, too, where a profile cannot hold a value, or the field cannot have what the value makes of it.
    """
    held = {}
    references = _references(kind, fields)
    given = {part.name: values.get(part.name) or "" for part in references}
    for name, default in references:
        if missing == "hold" and default is None and not given[name]:
            held[name] = f"{name} has no value: fill it in Okta."
        elif found := unfit(given[name]):
            held[name] = f"The value of {name} holds {found}, which a profile cannot hold: take it out in Okta."
    if held:
        return Rendering(None, held)

    def filled(field, template):
        if "$" not in template:
            return template
        text = variables.substitute(template, given)
        wrong = f"is longer than {10 * LONGEST:,} characters." if len(text) > 10 * LONGEST else None
        if field.check and (text or field.required) and not field.check.fits(text):
            wrong = field.check.wrong
        if wrong:
            for name in variables.names(template):
                held[name] = f"With the value of {name}, {field.label} {wrong}"
        return text

    substituted = _mapped(kind, fields, filled)
    required = {field.name for field in kind.fields if field.required}
    kept = {name: value for name, value in substituted.items() if value not in ("", []) or name in required}
    return Rendering(None if held else kept, held)


def fingerprint(kind: Kind, rendering: Rendering, name: str) -> str:
    """Return what stays the same as long as the profile does: of the type, the name and the substituted fields."""
    return hashlib.sha256(json.dumps([kind.name, name, rendering.fields], sort_keys=True).encode()).hexdigest()


def payload(kind: Kind, fields: Mapping) -> dict:
    """Return Apple's keys and values of substituted fields."""
    content = {}
    for key, value in kind.constants:
        _put(content, key, value)
    for field in kind.fields:
        if field.name not in fields:
            continue
        value = fields[field.name]
        if field.type == "pairs":
            value = {pair["key"]: pair["value"] for pair in value}
        elif field.type == "choice":
            choice = next(choice for choice in field.choices if choice.value == value)
            value = choice.apple
            for key, other in choice.also:
                _put(content, key, other)
        elif field.type == "data":
            value = b64decode(value)
        elif field.as_integer:
            value = int(value)
        if field.key:
            _put(content, field.key, value)
    return content


def _put(content, key, value):
    *outer, last = key.split(".")
    for name in outer:
        content = content.setdefault(name, {})
    content[last] = value


def profile(
    kind: Kind,
    rendering: Rendering,
    name: str,
    configuration_uuid: str,
    user_id: str,
    organization: str = "Rollcall",
) -> bytes:
    """Return the profile of a ready rendering, as the device reads it; a managed app's is its dictionary.

    The identifiers depend on the configuration and the person alone, so that a new revision replaces the old one.
    Raise ValueError for a rendering that is held and for a name that XML cannot hold.
    """
    if not rendering.ready or unfit(name + organization):
        raise ValueError("this cannot be made into a profile")
    content = payload(kind, rendering.fields)
    if kind.payload_type is None:
        return plistlib.dumps(content["Configuration"])
    identifier = f"rollcall.{configuration_uuid}.{user_id}"
    uuid = uuid5(UUID(configuration_uuid), user_id)
    inner = content | {
        "PayloadType": kind.payload_type,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.{kind.name}",
        "PayloadUUID": str(uuid5(uuid, kind.name)),
        "PayloadDisplayName": kind.label,
    }
    outer = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid),
        "PayloadDisplayName": name,
        "PayloadOrganization": organization,
        "PayloadScope": "User",  # a Mac installs it for the person; Mail and web clips can be for nobody else
        "PayloadContent": [inner],
    }
    return plistlib.dumps(outer)


def media_type(kind: Kind) -> str:
    """Return the media type by which a device knows a profile."""
    return "application/x-plist" if kind.payload_type is None else "application/x-apple-aspen-config"


def file_names(kind: Kind, name: str) -> tuple[str, str]:
    """Return (an ASCII name, the real name) for a download: no control, no path, nothing that turns the text."""
    shown = [" " if c in '/\\:*?"<>|;%' or c.isspace() else c for c in name]
    real = "".join(c for c in shown if unicodedata.category(c)[0] != "C")  # control, bidirectional, surrogate
    real = " ".join(real.split())[:80].strip(". ") or kind.name
    ascii = " ".join(unicodedata.normalize("NFKD", real).encode("ascii", "ignore").decode().split()).strip(". ")
    ending = ".plist" if kind.payload_type is None else ".mobileconfig"
    return (ascii or kind.name) + ending, real + ending


HOST = Check(re.compile(r"[^\s/@]+").fullmatch, "is no host name: write it alone, such as mail.example.com.")
URL = Check(
    re.compile(r"https?://[^\s/?#]\S*", re.I).fullmatch, "is no web address: begin with https:// or http://."
)
EMAIL = Check(variables.ADDRESS.fullmatch, "is no e-mail address: write it as ada@example.com.")
SSID = Check(
    lambda text: len(text.encode()) <= 32, "is longer than 32 bytes, which no network's name is: shorten it."
)
PASSPHRASE = Check(
    re.compile(r"[ -~]{8,63}|[0-9A-Fa-f]{64}").fullmatch,
    "is no WPA password: it has 8 to 63 letters, digits and signs of ASCII.",
)
BUNDLE = Check(re.compile(r"[A-Za-z0-9.-]+").fullmatch, "is no bundle id: write it as com.example.app.")
PNG = Check(
    lambda data: data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) <= ICON_BYTES,
    "is no PNG picture of at most 180 kB: choose a square one of at most 400 × 400 pixels.",
)


def _select(name, label, key, choices, default, when=None, help=""):
    """Return a field whose choices are {what is kept and shown: what stands in the payload}, or are both."""
    found = choices if isinstance(choices, dict) else dict(zip(choices, choices, strict=True))
    options = tuple(Choice(value, value, apple) for value, apple in found.items())
    return Field(name, label, key, "choice", help=help, default=default, choices=options, when=when)


PORTS = range(1, 65536)
SHARED = "The same for everyone. Left empty, the device asks the person."
EAP = "EAPClientConfiguration"
METHODS = {"PEAP": [25], "EAP-TTLS": [21], "EAP-TLS": [13]}
INNER = ("PAP", "EAP", "CHAP", "MSCHAP", "MSCHAPv2")
PERSONAL, ENTERPRISE = ("security", ("wpa2", "wpa3")), ("security", ("enterprise",))
TUNNEL, TTLS = ("method", ("PEAP", "EAP-TTLS")), ("method", ("EAP-TTLS",))
TLS = "With EAP-TLS the person's certificate must be on the device already."
OUTER = "What the network sees in place of the user name, such as anonymous."
SERVERS = "Names in the servers' certificates, one a line, such as *.radius.example.com."
SECURITY = (
    Choice("open", "Open", "None"),
    Choice("wpa2", "WPA2 or WPA3 Personal", "WPA2"),
    Choice("wpa3", "WPA3 Personal", "WPA3"),
    Choice("enterprise", "WPA2 or WPA3 Enterprise", "WPA2"),
)
WIFI = (
    Field("ssid", "Network name (SSID)", "SSID_STR", required=True, variables=True, check=SSID),
    Field("hidden", "Hidden network", "HIDDEN_NETWORK", "boolean"),
    Field("auto_join", "Join automatically", "AutoJoin", "boolean", default="on"),
    Field("security", "Security", "EncryptionType", "choice", choices=SECURITY, default="wpa2"),
    Field("password", "Password", "Password", "password", help=SHARED, when=PERSONAL, check=PASSPHRASE),
    _select("method", "Method", f"{EAP}.AcceptEAPTypes", METHODS, "PEAP", ENTERPRISE, TLS),
    _select("inner", "Inner authentication", f"{EAP}.TTLSInnerAuthentication", INNER, "MSCHAPv2", TTLS),
    Field("user", "User name", f"{EAP}.UserName", variables=True, default="${userUID}", when=ENTERPRISE),
    Field("user_password", "User password", f"{EAP}.UserPassword", "password", help=SHARED, when=TUNNEL),
    Field("outer", "Outer identity", f"{EAP}.OuterIdentity", variables=True, help=OUTER, when=TUNNEL),
    Field(
        "servers", "List of trusted servers", f"{EAP}.TLSTrustedServerNames", "lines", help=SERVERS, when=ENTERPRISE
    ),
)
DAYS = {"No limit": 0, "1": 1, "3": 3, "7": 7, "14": 14, "31": 31}
MAILBOX = {"variables": True, "default": "${userEmailAddress}", "check": EMAIL}
EXCHANGE = (
    Field("address", "E-mail address", "EmailAddress", required=True, **MAILBOX),
    Field("host", "Server", "Host", required=True, variables=True, check=HOST),
    Field("user", "User name", "UserName", variables=True, default="${userUID}"),
    Field("oauth", "Sign in with OAuth", "OAuth", "boolean", default="on"),
    Field("password", "Password", "Password", "password", help=SHARED, when=("oauth", (False,))),
    Field("ssl", "Use SSL", "SSL", "boolean", default="on"),
    _select("days", "Days of mail to sync", "MailNumberOfPastDaysToSync", DAYS, "7"),
    Field("prevent_move", "Keep messages in this account", "PreventMove", "boolean"),
)
PROTOCOLS = {"IMAP": "EmailTypeIMAP", "POP": "EmailTypePOP"}
SIGN_IN = {
    "None": "EmailAuthNone",
    "Password": "EmailAuthPassword",
    "MD5 challenge": "EmailAuthCRAMMD5",
    "NTLM": "EmailAuthNTLM",
    "HTTP MD5 digest": "EmailAuthHTTPMD5",
}


def _mail_server(name, label):
    server, when = f"{label}MailServer", (f"{name}_sign_in", tuple(SIGN_IN)[1:])
    user = {"variables": True, "default": "${userEmailAddress}", "when": when}
    return (
        Field(f"{name}_host", f"{label} server", f"{server}HostName", required=True, variables=True, check=HOST),
        Field(f"{name}_port", f"{label} port", f"{server}PortNumber", "integer", within=PORTS),
        Field(f"{name}_ssl", f"{label} server uses SSL", f"{server}UseSSL", "boolean", default="on"),
        _select(f"{name}_sign_in", f"{label} sign-in", f"{server}Authentication", SIGN_IN, "Password"),
        Field(f"{name}_user", f"{label} user name", f"{server}Username", **user),
        Field(f"{name}_password", f"{label} password", f"{label}Password", "password", help=SHARED, when=when),
    )


MAIL = (
    _select("protocol", "Protocol", "EmailAccountType", PROTOCOLS, "IMAP"),
    Field("description", "Description", "EmailAccountDescription", variables=True),
    Field("name", "Sender's name", "EmailAccountName", variables=True, default="${userDisplayName}"),
    Field("address", "E-mail address", "EmailAddress", **MAILBOX),
    *_mail_server("incoming", "Incoming"),
    *_mail_server("outgoing", "Outgoing"),
    Field("prevent_move", "Keep messages in this account", "PreventMove", "boolean"),
)
SA = "IKEv2.IKESecurityAssociationParameters"
ENCRYPTION = ("AES-128", "AES-256", "AES-128-GCM", "AES-256-GCM", "ChaCha20Poly1305")
INTEGRITY = ("SHA2-256", "SHA2-384", "SHA2-512")
GROUPS = {str(number): number for number in (14, 15, 16, 17, 18, 19, 20, 21, 31, 32)}
RATES = ("None", "Low", "Medium", "High")
BY_USER, BY_SECRET = ("authentication", ("eap",)), ("authentication", ("secret",))
AUTHENTICATION = (
    Choice("eap", "User name and password (EAP)", "None", (("IKEv2.ExtendedAuthEnabled", 1),)),
    Choice("secret", "Shared secret", "SharedSecret"),
)
VPN_METHOD = {"choices": AUTHENTICATION, "default": "eap"}
PERSON = {"required": True, "variables": True, "default": "${userUID}"}
VPN = (
    Field("label", "Connection's name", "UserDefinedName", required=True, variables=True),
    Field("host", "Server", "IKEv2.RemoteAddress", required=True, variables=True, check=HOST),
    Field("remote", "Remote identifier", "IKEv2.RemoteIdentifier", required=True, variables=True),
    Field("local", "Local identifier", "IKEv2.LocalIdentifier", **PERSON),
    Field("authentication", "Sign-in", "IKEv2.AuthenticationMethod", "choice", **VPN_METHOD),
    Field("secret", "Shared secret", "IKEv2.SharedSecret", "password", required=True, when=BY_SECRET),
    Field("user", "User name", "IKEv2.AuthName", **PERSON, when=BY_USER),
    Field("password", "Password", "IKEv2.AuthPassword", "password", help=SHARED, when=BY_USER),
    Field("certificate", "Name in the server's certificate", "IKEv2.ServerCertificateCommonName", when=BY_USER),
    Field("issuer", "Its issuer's name", "IKEv2.ServerCertificateIssuerCommonName", when=BY_USER),
    _select("encryption", "Encryption", f"{SA}.EncryptionAlgorithm", ENCRYPTION, "AES-256"),
    _select("integrity", "Integrity", f"{SA}.IntegrityAlgorithm", INTEGRITY, "SHA2-256"),
    _select("group", "Diffie-Hellman group", f"{SA}.DiffieHellmanGroup", GROUPS, "14"),
    _select("detection", "Dead peer detection", "IKEv2.DeadPeerDetectionRate", RATES, "Medium"),
    Field("pfs", "Perfect forward secrecy", "IKEv2.EnablePFS", "boolean", as_integer=True),
    Field("all", "All traffic through the VPN", "IKEv2.IncludeAllNetworks", "boolean", as_integer=True),
)
SQUARE = "A square PNG picture of at most 400 × 400 pixels, as Base64."
WEB_CLIP = (
    Field("label", "Label", "Label", required=True, variables=True),
    Field("url", "Address (URL)", "URL", required=True, variables=True, check=URL),
    Field("icon", "Icon", "Icon", "data", help=SQUARE, check=PNG),
    Field("removable", "May be removed", "IsRemovable", "boolean", default="on"),
    Field("full_screen", "Full screen", "FullScreen", "boolean"),
    Field("precomposed", "Icon without shine", "Precomposed", "boolean"),
)
APP = (
    Field("bundle", "Bundle id", "Identifier", required=True, help="Such as com.example.app.", check=BUNDLE),
    Field("pairs", "App configuration", "Configuration", "pairs", required=True, variables=True),
)
KINDS = (
    Kind("wifi", "Wi-Fi", "com.apple.wifi.managed", WIFI),
    Kind("exchange", "Exchange", "com.apple.eas.account", EXCHANGE),
    Kind("email", "Email", "com.apple.mail.managed", MAIL),
    Kind("vpn", "VPN", "com.apple.vpn.managed", VPN, (("VPNType", "IKEv2"),)),
    Kind("webclip", "Web clip", "com.apple.webClip.managed", WEB_CLIP),
    Kind("app", "Managed app", None, APP),
)
TYPES = {kind.name: kind for kind in KINDS}
