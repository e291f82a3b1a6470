"""A mail server in the test process, which speaks SMTP: it keeps what it takes, and can be told to misbehave.

with MailServer() as server:
    server.answers["eve@example.com"] = "550 No such mailbox"
    server.mails[0].to, server.mails[0].message["Subject"]
"""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller

from tests.conftest import free_port

LINK = re.compile(r"https?://\S+/(?:invitation|password)/([\w-]{43})\b")
SENDER = "rollcall@example.com"


@dataclass
class Received:
    """A mail as its reader finds it, and the envelope that it came in."""

    sender: str
    to: list
    message: EmailMessage

    def part(self, kind):
        return self.message.get_body((kind,)).get_content().replace("\r\n", "\n")

    @property
    def text(self):
        return self.part("plain")

    @property
    def html(self):
        return self.part("html")

    @property
    def secret(self):
        """The secret of the one link in it, which both parts have."""
        [secret] = set(LINK.findall(self.text)) | set(LINK.findall(self.html))
        return secret


class MailServer:
    """`answers` is what is said to RCPT, by address; `data` what is said to DATA, or "die" or "hang" after it.

    `scripted` goes before `data`, one answer after another.
    """

    def __init__(self, port=None, **options):
        self.port, self.options = port or free_port(), options
        self.mails, self.answers, self.data, self.scripted = [], {}, "250 OK", []
        self.controller = None

    def start(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **self.options)
        self.controller.start()
        return self

    def stop(self):
        if self.controller:
            self.controller.stop(no_assert=True)
            self.controller = None

    __enter__ = start

    def __exit__(self, *_error):
        self.stop()

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        answer = self.scripted.pop(0) if self.scripted else self.data
        if answer == "hang":
            await asyncio.sleep(3600)
        if answer.startswith("250") or answer == "die":
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.mails.append(Received(envelope.mail_from, envelope.rcpt_tos, message))
        if answer == "die":
            server.transport.abort()
            return "250 OK"
        return answer

    def to(self) -> Counter:
        """Return {address: how many mails it got}."""
        return Counter(address for mail in self.mails for address in mail.to)

    def settings(self) -> dict:
        """Return what an application needs in its configuration to send its mail here."""
        return {
            "SMTP_URL": f"smtp+plain://127.0.0.1:{self.port}",
            "MAIL_FROM": f"Rollcall <{SENDER}>",
            "PUBLIC_URL": "https://rollcall.example.com",
        }

    def environment(self) -> dict:
        return {f"ROLLCALL_{name}": value for name, value in self.settings().items()}
