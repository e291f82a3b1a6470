"""Speaks SMTP to the operator's server, as ROLLCALL_SMTP_URL describes it. No database, no HTTP.

server = parse("smtps://rollcall:secret@mail.example.com")
with Mailer(server) as mailer:
    mailer.send(message, "rollcall@example.com", "ada@example.com")

smtp://       STARTTLS where it is offered; it must be where there is a password, and then the certificate, too
smtps://      TLS from the first byte, with a certificate that holds
smtp+plain:// no TLS; with a password only to this machine
"""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

TIMEOUT = 15  # seconds that the server may be silent
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
LONGEST_ANSWER = 500  # characters of what the server says that are kept


class Unavailable(Exception):
    """The server cannot be used at all at the moment, whichever mail it is for; the message says why."""


class Refused(Exception):
    """The server did not take this mail. `is_final` if it said that it never will."""

    def __init__(self, message: str, is_final: bool):
        super().__init__(message)
        self.is_final = is_final


@dataclass(frozen=True)
class Server:
    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def parse(url: str) -> Server:
    """Return what a URL describes. Raise ValueError with a sentence that does not repeat the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("its port is no number from 0 to 65535") from None
    if parts.scheme not in PORTS:
        raise ValueError(f"it must begin with {'://, '.join(PORTS)}://")
    if not parts.hostname:
        raise ValueError("it names no host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("nothing may follow the port; write / ? # and @ within a password as %2F %3F %23 and %40")
    server = Server(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
    if bool(server.user) != bool(server.password):
        raise ValueError("a user and a password go together")
    if server.password and server.scheme == "smtp+plain" and server.host not in THIS_MACHINE:
        raise ValueError("smtp+plain:// would send the password readable by everybody on the way: use smtp://")
    return server


class Mailer:
    """Sends mails one after another over one connection, which it opens for the first and closes at the end."""

    def __init__(self, server: Server):
        self.server = server
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def send(self, message: EmailMessage, sender: str, recipient: str):
        """Send a mail to one address. Raise Unavailable or Refused."""
        self._connect()
        try:
            self.connection.send_message(message, sender, [recipient])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self.connection.close()  # whatever it would say now belongs to a mail that is given up
            self.connection = None
            raise _refusal(error, self.server) from error

    def _connect(self):
        if self.connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self.connection.rset()[0] == 250:
                    return  # it is still there
            self.close()
        try:
            self.connection = self._open()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Unavailable(f"{self.server.name} cannot be used: {_words(error)}") from error

    def _open(self):
        """Return a connection that is ready for mails."""
        server = self.server
        # the name is given: smtplib would look it up, and wait for a name server that does not answer
        options = {"local_hostname": socket.gethostname(), "timeout": TIMEOUT}
        if server.scheme == "smtps":
            context = ssl.create_default_context()
            connection = smtplib.SMTP_SSL(server.host, server.port, context=context, **options)
        else:
            connection = smtplib.SMTP(server.host, server.port, **options)
        try:
            connection.ehlo_or_helo_if_needed()
            if server.scheme == "smtp":
                self._start_tls(connection)
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _start_tls(self, connection):
        if connection.has_extn("starttls"):
            context = ssl.create_default_context()
            if not self.server.password:
                # without TLS the mail would go, too: a certificate that nobody vouches for is no worse (RFC 7435)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.starttls(context=context)
            connection.ehlo()
        elif self.server.password:
            raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and the password is not sent without.")


def _refusal(error, server):
    """Return the Refused that a failure in the middle of a mail is."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, words)] = error.recipients.values()
        return Refused(_said(code, words), code >= 500)
    if isinstance(error, smtplib.SMTPResponseException):
        return Refused(_said(error.smtp_code, error.smtp_error), error.smtp_code >= 500)
    # an address that needs SMTPUTF8, or one that no mail can be written to: it will not change
    return Refused(f"{server.name}: {_words(error)}", isinstance(error, smtplib.SMTPNotSupportedError | ValueError))


def _said(code, words):
    words = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return f"{code} {' '.join(words.split())}"[:LONGEST_ANSWER]


def _words(error):
    """Return in words why a connection cannot be used."""
    if isinstance(error, TimeoutError):
        return f"it did not answer within {TIMEOUT} seconds."
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({error.verify_message})."
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())[:LONGEST_ANSWER]
