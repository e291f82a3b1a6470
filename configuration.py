"""The settings that Rollcall starts with: their defaults, their checks, and the files that it keeps. No HTTP.

configuration.load(app, {"PUBLIC_URL": "https://rollcall.example.com"})   # over ROLLCALL_… and the defaults
configuration.prepare(app)                                                # raises ConfigurationError
"""

import logging
import os
import re
import secrets
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

import click
from flask import Flask
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

import engines
import logs
from core import smtp, variables
from core.checks import SHORTEST_SECRET
from protocol.definitions import BASE_PATH

PUBLIC_URL = re.compile(
    r"https?://[\w.-]+(:\d+)?(/[\w./~-]*)?|https?://\[[0-9a-f:]+\](:\d+)?", re.ASCII | re.IGNORECASE
)
NO_ADDRESS = "ROLLCALL_DATABASE_URL is no address of a database that Rollcall knows."
METRICS_TOKEN = re.compile(r"[!-~]{16,}")  # what a header can carry, and nobody guesses
PREFIX = "ROLLCALL_"  # of the variables
MAX_BODY = 16 * 2**20  # bytes: a push of a group of 100,000 members fits
DEFAULTS = {
    "SECRET_KEY": None,
    "PUBLIC_URL": "",
    "TRUSTED_PROXIES": 0,
    "NGROK_API": "http://127.0.0.1:4040/api/tunnels",
    "SMTP_URL": "",
    "MAIL_FROM": "",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "",
    "METRICS_TOKEN": "",
    "MAX_CONTENT_LENGTH": MAX_BODY,
    "PROVIDE_AUTOMATIC_OPTIONS": False,
}


class ConfigurationError(click.ClickException):
    """A setting that Rollcall refuses to start with; the message names it, and commands print it."""


def instance_path(overrides: dict) -> str:
    """Return the folder of the database and the secret key; an empty setting is none."""
    folder = Path(os.environ.get("ROLLCALL_INSTANCE_PATH") or "instance").absolute()
    return str(overrides.get("INSTANCE_PATH", folder))


def load(app: Flask, overrides: dict):
    """Set the defaults, over them what the ROLLCALL_ environment says, and `overrides` over that.

    A variable that is empty says nothing: environment files leave such ones.
    """
    own = URL.create("sqlite", database=f"{app.instance_path}/rollcall.db")
    app.config.update(DEFAULTS, DATABASE_URL=own.render_as_string())
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    app.config.update({name.removeprefix(PREFIX): value for name, value in given.items()})
    app.config.update(overrides)


def prepare(app: Flask):
    """Make the instance folder, complete the settings, and make the database's file. Raise ConfigurationError."""
    with usable(app.instance_path):
        Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)
    configure(app)
    create_private(app.config["SQLALCHEMY_DATABASE_URI"])


def configure(app):
    """Check the settings and complete them. Raise ConfigurationError for one that is unsafe or wrong."""
    config = app.config
    try:
        config["SQLALCHEMY_DATABASE_URI"] = engines.located(config["DATABASE_URL"], app.instance_path)
    except ArgumentError as error:
        raise ConfigurationError(NO_ADDRESS) from error
    with usable(app.instance_path):
        config["SECRET_KEY"] = config["SECRET_KEY"] or kept_secret(Path(app.instance_path, "secret_key"))
    if len(config["SECRET_KEY"]) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"ROLLCALL_SECRET_KEY is shorter than {SHORTEST_SECRET} characters; leave it out to have one made."
        )
    config["PUBLIC_URL"] = config["PUBLIC_URL"].rstrip("/")
    if config["PUBLIC_URL"] and not is_public_url(config["PUBLIC_URL"]):
        raise ConfigurationError(
            "ROLLCALL_PUBLIC_URL must be an address such as https://rollcall.example.com, without /scim/v2."
        )
    if not str(config["TRUSTED_PROXIES"]).isdecimal():
        raise ConfigurationError("ROLLCALL_TRUSTED_PROXIES must be the number of proxies in front of Rollcall.")
    config["TRUSTED_PROXIES"] = int(config["TRUSTED_PROXIES"])
    configure_mail(config)
    level = str(config["LOG_LEVEL"]).upper()
    if level not in logging.getLevelNamesMapping():
        raise ConfigurationError("ROLLCALL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    logs.LOG.setLevel(level)
    configure_operations(config)


def is_public_url(address: str) -> bool:
    """Return whether an address is one that others can be added to: /scim/v2, and the pages of the portal."""
    if not PUBLIC_URL.fullmatch(address) or BASE_PATH in address.lower():
        return False
    try:
        return urlsplit(address).port != 0
    except ValueError:  # beyond 65535
        return False


def configure_mail(config):
    """Check what mail needs. Raise ConfigurationError; the message does not repeat a password."""
    if config["SMTP_URL"]:
        try:
            smtp.parse(config["SMTP_URL"])
        except ValueError as error:
            raise ConfigurationError(
                f"ROLLCALL_SMTP_URL is no address such as smtp://user:password@mail.example.com: {error}."
            ) from None
    sender = config["MAIL_FROM"]
    if sender and not (sender.isprintable() and variables.MAILBOX.fullmatch(parseaddr(sender)[1])):
        raise ConfigurationError("ROLLCALL_MAIL_FROM must be an address such as Rollcall <rollcall@example.com>.")


def configure_operations(config):
    """Check what the log and the metrics need. Raise ConfigurationError; the message does not repeat a token."""
    config["LOG_FORMAT"] = str(config["LOG_FORMAT"]).lower()
    if config["LOG_FORMAT"] not in logs.FORMATS:
        raise ConfigurationError("ROLLCALL_LOG_FORMAT must be json or text; left out, it is text at a terminal.")
    if config["METRICS_TOKEN"] and not METRICS_TOKEN.fullmatch(config["METRICS_TOKEN"]):
        raise ConfigurationError(
            "ROLLCALL_METRICS_TOKEN must be 16 characters or more, of letters, digits and signs without blanks."
        )
    # what a statement was about, such as a name, is nothing for a log
    config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True} | config.get("SQLALCHEMY_ENGINE_OPTIONS", {})


def refusal_of(app) -> str | None:
    """Return why Rollcall refuses to start with these settings, or None. Makes no file."""
    kept, file = dict(app.config), Path(app.instance_path, "secret_key")
    try:
        app.config["SECRET_KEY"] = (
            kept["SECRET_KEY"] or (file.exists() and read_secret(file)) or "-" * SHORTEST_SECRET
        )
        configure(app)
        return None
    except (ConfigurationError, OSError) as error:
        return getattr(error, "message", str(error))
    finally:
        app.config.update(kept)


@contextmanager
def usable(folder):
    """Turn what the system says of the instance folder into a ConfigurationError: full, read-only, another's."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be used: {error.strerror}. Its disk must have room, and be writable for "
            "the user that Rollcall runs as; ROLLCALL_INSTANCE_PATH names another folder."
        ) from error


def kept_secret(path: Path) -> str:
    """Return the secret key of this instance, made once and readable by its owner only.

    It is written whole under another name first: a crash leaves none, and of several starts at once one wins.
    """
    if path.exists() and not path.stat().st_size:
        path.unlink(missing_ok=True)  # a disk that was full kept none of it
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, prefix="secret_key.") as file:  # mode 0600
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, path)
    return read_secret(path)


def read_secret(path: Path) -> str:
    """Return the secret key in a file. Raise ConfigurationError if it holds something else."""
    try:
        return path.read_text().strip()
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path} holds no secret key: put the one that was kept apart back there, or remove the file to have"
            " another one made."
        ) from None


def create_private(database_url):
    """Make a SQLite file readable by its owner only; SQLite gives its companions the same mode."""
    if path := engines.file_of(make_url(database_url)):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            os.chmod(path, 0o600)
        except OSError as error:
            raise ConfigurationError(f"The database {path} cannot be opened: {error.strerror}.") from error
