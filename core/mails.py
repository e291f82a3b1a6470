"""Builds the mails: text and HTML of an invitation, of a link for a new password, and of what was done. No HTTP.

    message = build("invitation", sender, "ada@example.com", message_id, facts)     # an EmailMessage
    subject, text, html = preview("Hello ${userDisplayName}", "Register at ${activationUrl}", example())

What a person's document says goes into subjects, bodies and one display name, never into an address; line ends and
encoded words in it are taken apart first. Text and HTML are made of the same parts; markup is in templates/mail/.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import groupby
from typing import NamedTuple

from flask import current_app

from core import settings, variables
from core.variables import Text
from database import from_now, now

PATHS = {"invitation": "/invitation/", "password": "/password/"}  # where a link leads, before its secret
LONGEST_NAME = 200  # characters of a name in a header
LONGEST_VALUE = 1_000  # characters of a value in a body
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
EXAMPLE = {
    "userName": "ada@example.com",
    "displayName": "Ada Lovelace",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"value": "ada@example.com", "primary": True}],
    "locale": "en-GB",
}
EXAMPLE_SECRET = "this-is-only-an-example"
# the texts that nobody edits
TEXTS = {
    "registered": (
        "You are registered",
        """\
Hello ${userDisplayName},

you have registered your account ${userUID}. Sign in with it, and with the password that you chose, at

${signInUrl}

That was not you? Then tell your administrator at once.
""",
    ),
    "password": (
        "Choose a new password",
        """\
Hello ${userDisplayName},

somebody, probably you, has forgotten the password of your account ${userUID}. Open this link, and choose another:

${passwordUrl}

The link works once, until ${expires}.

That was not you? Then leave the link alone: your password stays as it is.
""",
    ),
}


class Piece(NamedTuple):
    """A part of a line; of a link, HTML makes one."""

    text: str
    is_link: bool = False


@dataclass(frozen=True)
class Facts:
    """What a mail tells of: whom it is to, as {variable: value}, and where its link leads until when."""

    name: str  # of the recipient, "" for none
    values: dict
    secret: str | None = None
    expires: str | None = None  # as now() writes it


def check_template(subject: str, text: str):
    """Raise SettingError, with `field` and a sentence, for a template that cannot be used."""
    settings.CHECKS["invitation_subject"](subject)
    settings.CHECKS["invitation_text"](text)


def facts_of_user(document: dict, display: str, secret=None, expires=None) -> Facts:
    """Return what a mail to a person tells; every variable of the person has a value if there is any."""
    values = variables.system_values(document) | {"userDisplayName": display}
    return Facts(display, values, secret, expires)


def facts_of_account(email: str, secret=None, expires=None) -> Facts:
    """Return what a mail to an administrator tells."""
    return Facts("", {"userDisplayName": email, "userUID": email}, secret, expires)


def example(document: dict | None = None, display: str = "") -> Facts:
    """Return the facts of an invitation of a person, or of nobody in particular, with a link that leads nowhere."""
    document = document or EXAMPLE
    display = display or document.get("displayName") or document["userName"]
    expires = from_now(timedelta(days=settings.get("invitation_days")))
    return facts_of_user(document, display, EXAMPLE_SECRET, expires)


def preview(subject: str, text: str, facts: Facts) -> tuple[str, str, str]:
    """Return (subject, text, HTML) of an invitation. Raise SettingError for a template that cannot be used."""
    check_template(subject, text)
    return _render("invitation", subject, text, facts)


def build(purpose: str, sender: str, recipient: str, message_id: str, facts: Facts, template=None) -> EmailMessage:
    """Return a mail that is ready to be sent. `template` is (subject, text) of a test.

    Raise ValueError for what cannot be a mail, such as a recipient that is no address.
    """
    if not variables.MAILBOX.fullmatch(recipient):
        raise ValueError(f"{recipient!r} is no e-mail address")
    subject, text, html = _render(purpose, *(template or template_of(purpose)), facts)
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = subject
    message["From"] = sender
    message["To"] = _address(recipient, facts.name)
    message["Date"] = format_datetime(datetime.fromisoformat(now()))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # no answers by machines (RFC 3834)
    # quoted-printable has short lines of ASCII, whatever the servers on the way can do
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if not _is_as_meant(message, recipient):
        del message["To"]
        message["To"] = recipient
        if not _is_as_meant(message, recipient):
            raise ValueError("its headers would not say what they should")
    return message


def _is_as_meant(message, recipient):
    """Return whether who reads a mail finds the headers that were written, and one recipient.

    Python's own folding of headers has let line ends and commas out of quotes before (CVE-2024-6923).
    """
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    to = [address.addr_spec for header in read.get_all("To", []) for address in header.addresses]
    subjects = ["".join(found["Subject"].split()) for found in (read, message)]  # spaces may double where it folds
    return read.keys() == message.keys() and to == [recipient] and subjects[0] == subjects[1]


def _address(recipient, name):
    name = _line(name, LONGEST_NAME)
    if not name or "@" in name:  # a name that looks like an address would be taken for one
        return recipient
    local, _, domain = recipient.rpartition("@")
    return Address(name, local, domain)


def template_of(purpose: str) -> tuple[str, str]:
    """Return (subject, text) of a purpose, as it is set at this moment."""
    if purpose in TEXTS:
        return TEXTS[purpose]
    return settings.get("invitation_subject"), settings.get("invitation_text")


def _render(purpose, subject, text, facts):
    """Return (subject, text, HTML)."""
    values = {name: _line(value, LONGEST_VALUE) for name, value in facts.values.items() if value}
    values |= {name: Piece(url, is_link=True) for name, url in _urls(purpose, facts).items()}
    values["expires"] = _until(facts.expires) if facts.expires else ""
    lines = _lines(variables.parse(text), values)
    paragraphs = [list(group) for is_blank, group in groupby(lines, _is_blank) if not is_blank]
    subject = _line(variables.substitute(subject, _texts(values)), LONGEST_NAME)
    template = current_app.jinja_env.get_template("mail/message.html")
    html = template.render(subject=subject, paragraphs=paragraphs)
    plain = "\n".join("".join(part.text for part in line).rstrip() for line in lines)
    return subject, plain.strip("\n") + "\n", html


def _texts(values):
    return {name: value.text if isinstance(value, Piece) else value for name, value in values.items()}


def _urls(purpose, facts):
    """Return {variable: address} of the links in a mail."""
    base = settings.public_url() or "https://rollcall.invalid"  # of a preview; no mail goes out without one
    urls = {"signInUrl": base + "/device/sign-in"}
    if facts.secret:
        name = "passwordUrl" if purpose == "password" else "activationUrl"
        urls[name] = base + PATHS.get(purpose, PATHS["invitation"]) + facts.secret
    return urls


def _lines(parts, values):
    """Return a text as lines, which are lists of Piece: no value begins a line, or becomes a link."""
    lines: list = [[]]
    for part in parts:
        if isinstance(part, Text):
            first, *others = part.text.split("\n")
            lines[-1].append(Piece(first))
            lines += [[Piece(line)] for line in others]
        elif isinstance(value := values.get(part.name), Piece):
            lines[-1].append(value)
        else:
            lines[-1].append(Piece(variables.value_of(part, values)))
    return [[part for part in line if part.text] for line in lines]


def _is_blank(line):
    return not any(part.text.strip() for part in line)


def _line(text, longest):
    """Return what a person's document says as one harmless line: no control characters, no encoded words."""
    text = str(text).encode(errors="replace").decode()
    text = " ".join(UNWRITABLE.sub(" ", text).split())
    text = text.replace("=?", "= ?")  # encoded words are decoded in headers, with all that they hide (RFC 2047)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _until(moment):
    """Return a time of the database as people write it."""
    return f"{datetime.fromisoformat(moment):%d %B %Y, %H:%M} UTC".lstrip("0")
