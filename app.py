"""Wires Rollcall: configuration, database, doors, errors, headers. `python app.py` serves."""

import ctypes
import logging
import multiprocessing
import os
import re
import secrets
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
from flask import Flask, request
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import cli
import engines
import logs
import models
import operations
import portal
import scim
from core import (
    accounts,
    invitations,
    jobs,
    journal,
    outbox,
    serverlock,
    sessions,
    settings,
    smtp,
    throttle,
    variables,
)
from gate import Gate
from portal import access, frame
from protocol.errors import ScimError

PUBLIC_URL = re.compile(
    r"https?://[\w.-]+(:\d+)?(/[\w./~-]*)?|https?://\[[0-9a-f:]+\](:\d+)?", re.ASCII | re.IGNORECASE
)
METRICS_TOKEN = re.compile(r"[!-~]{16,}")  # what a header can carry, and nobody guesses
MAX_BODY = 16 * 2**20  # bytes: a push of a group of 100,000 members fits
SERVER_THREADS = 512  # how many slow senders there may be before others wait
CONNECTIONS = 1024  # that are served at once; as many more wait in the kernel
LARGEST_HEAD = 65_536  # bytes of a request's line and headers together
HEAD_SECONDS = 30  # that they may take, and that a connection may be idle
STOP_SECONDS = 10  # how long requests under way may take once the server is told to stop
MAIL_SECONDS = 7  # how long the mail that is being sent may take then, before another worker may have it
PRUNE_SECONDS = 600
M_ARENA_MAX = -8  # of <malloc.h>
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
DISK_FULL = "The disk of the server is full, or cannot be written to. Nothing was changed."
LOG = logs.LOG


class ConfigurationError(click.ClickException):
    """A setting that Rollcall refuses to start with; the message names it, and commands print it."""


class Rollcall(Flask):
    """Flask, without its look at each function of each request whether it is a coroutine: none is."""

    def ensure_sync(self, func):
        return func


PAGES = (
    "account administrators attributes audit configurations dashboard device groups invitations jobs log mail "
    "provisioning users"
).split()


def create_app(overrides: dict | None = None) -> Flask:
    """Return the application, set up from the ROLLCALL_ environment and `overrides`. Raise ConfigurationError."""
    instance = Path(os.environ.get("ROLLCALL_INSTANCE_PATH", "instance")).absolute()
    app = Rollcall(__name__, instance_path=str((overrides or {}).get("INSTANCE_PATH", instance)))
    app.config.update(
        DATABASE_URL=f"sqlite:///{app.instance_path}/rollcall.db",
        SECRET_KEY=None,
        PUBLIC_URL="",
        TRUSTED_PROXIES=0,
        NGROK_API="http://127.0.0.1:4040/api/tunnels",
        SMTP_URL="",
        MAIL_FROM="",
        LOG_LEVEL="INFO",
        LOG_FORMAT="",
        METRICS_TOKEN="",
        MAX_CONTENT_LENGTH=MAX_BODY,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.config.from_prefixed_env("ROLLCALL", loads=str)
    app.config.update(overrides or {})
    if cli.is_asked_for("check"):
        return cli.only_check(app, partial(refusal_of, app))
    with usable(app.instance_path):
        Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)
    configure(app)
    create_private(app.config["DATABASE_URL"], app.instance_path)
    try:
        models.init_app(app)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigurationError(
            "ROLLCALL_DATABASE_URL is no address of a database that Rollcall knows."
        ) from error
    app.session_interface = access.ServerSessions()
    app.url_map.merge_slashes = False  # the gate does, without a redirect that a client may not follow
    app.register_blueprint(scim.bp)
    for noun in PAGES:
        import_module(f"portal.{noun}")  # adds its routes to the blueprint
    app.register_blueprint(portal.bp)
    frame.init_app(app)
    cli.init_app(app)
    add_errors(app)
    add_headers(app)
    if app.config["TRUSTED_PROXIES"]:
        trusted = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted)
    app.wsgi_app = Gate(app.wsgi_app, app.config["MAX_CONTENT_LENGTH"])
    operations.init_app(app)
    return app


def configure(app):
    """Check the settings and complete them. Raise ConfigurationError for one that is unsafe or wrong."""
    config = app.config
    config["SQLALCHEMY_DATABASE_URI"] = config["DATABASE_URL"]
    with usable(app.instance_path):
        config["SECRET_KEY"] = config["SECRET_KEY"] or kept_secret(Path(app.instance_path, "secret_key"))
    if len(config["SECRET_KEY"]) < 32:
        raise ConfigurationError(
            "ROLLCALL_SECRET_KEY is shorter than 32 characters; leave it out to have one made."
        )
    config["PUBLIC_URL"] = config["PUBLIC_URL"].rstrip("/")
    if config["PUBLIC_URL"] and not PUBLIC_URL.fullmatch(config["PUBLIC_URL"]):
        raise ConfigurationError("ROLLCALL_PUBLIC_URL must be an address such as https://rollcall.example.com.")
    if not str(config["TRUSTED_PROXIES"]).isdecimal():
        raise ConfigurationError("ROLLCALL_TRUSTED_PROXIES must be the number of proxies in front of Rollcall.")
    config["TRUSTED_PROXIES"] = int(config["TRUSTED_PROXIES"])
    configure_mail(config)
    level = str(config["LOG_LEVEL"]).upper()
    if level not in logging.getLevelNamesMapping():
        raise ConfigurationError("ROLLCALL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    LOG.setLevel(level)
    configure_operations(config)


def refusal_of(app) -> str | None:
    """Return why Rollcall refuses to start with these settings, or None. Makes no file."""
    kept, file = dict(app.config), Path(app.instance_path, "secret_key")
    try:
        app.config["SECRET_KEY"] = kept["SECRET_KEY"] or (file.exists() and file.read_text().strip()) or "-" * 32
        configure(app)
        return None
    except (ConfigurationError, OSError) as error:
        return getattr(error, "message", str(error))
    finally:
        app.config.update(kept)


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
    return path.read_text().strip()


def create_private(database_url, folder):
    """Make a SQLite file readable by its owner only; SQLite gives its companions the same mode.

    A relative path is within `folder`, as Flask-SQLAlchemy has it.
    """
    if database_url.startswith("sqlite:///"):
        path = os.path.join(folder, database_url.removeprefix("sqlite:///"))
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            os.chmod(path, 0o600)
        except OSError as error:
            raise ConfigurationError(f"The database {path} cannot be opened: {error.strerror}.") from error


def shown_path() -> str:
    """Return the path of the request as logs may hold it: without the secret of a link."""
    return logs.shown(request.path)


def add_errors(app):
    """Render every refusal in one place: as SCIM under its prefix, as a page elsewhere.

    A blueprint does not see the 404 and 405 of paths under its prefix, so the path decides.
    """

    @app.before_request
    def refuse_overload():
        if request.environ.get("rollcall.overloaded"):
            raise models.Busy
        if request.environ.get("rollcall.disk_full"):
            LOG.error("The disk took no more: the body of a request to %r could not be kept", shown_path())
            raise ScimError(507, None, DISK_FULL)

    @app.errorhandler(ScimError)
    def refused(error):
        return answer(error)

    @app.errorhandler(models.Busy)
    def busy(error):
        detail = "Rollcall is busy with other writes. Nothing was changed; Okta may try again."
        return answer(ScimError(503, None, detail), {"Retry-After": "5"})

    @app.errorhandler(models.Away)
    def away(error):
        LOG.error("The database cannot be reached: %s", error)
        models.forget_connections()
        detail = "The database of Rollcall cannot be reached just now. Okta may try again."
        return answer(ScimError(503, None, detail), {"Retry-After": "5"})

    @app.errorhandler(OperationalError)
    def database_failed(error):
        if engines.is_busy(error):
            return busy(error)
        if engines.is_unwritable(error):
            LOG.error("The disk took no more: %s, in a request to %r", error.orig, shown_path())
            return answer(ScimError(507, None, DISK_FULL))
        if engines.is_too_long(error):
            detail = "A value is too long for the indexes of PostgreSQL, which take 2.6 kB: shorten it in Okta."
            return answer(ScimError(400, "invalidValue", detail))
        if engines.is_away(error):
            return away(error.orig)
        return failed(error)

    @app.errorhandler(HTTPException)
    def http_refused(error):
        allow = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else None
        if scim.is_ours(request.path):
            return scim.error_reply(scim.from_http(error), allow)
        return frame.error_page(error.code, frame.detail(error)), error.code, allow or {}

    @app.errorhandler(Exception)
    def failed(error):
        LOG.exception("A request to %s %r failed", request.method, shown_path())
        return answer(ScimError(500, None, "Rollcall made a mistake. Nothing was changed; its log says more."))

    def answer(error, headers=None):
        if scim.is_ours(request.path):
            return scim.error_reply(error, headers)
        return frame.error_page(error.status, error.detail), error.status, headers or {}

    def log_exception(exc_info):
        LOG.error("A request to %s %r failed", request.method, shown_path(), exc_info=exc_info)

    app.log_exception = log_exception  # Flask's own would repeat the secret of a link

    @app.errorhandler(accounts.Throttled)
    def throttled(error):
        return frame.error_page(429, str(error)), 429, {"Retry-After": str(error.seconds)}


def add_headers(app):
    @app.after_request
    def headers(response):
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.endpoint == "static" and "v" in request.args and response.status_code < 400:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        if response.mimetype == "text/html":
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Content-Security-Policy"] = POLICY
        return response


def serving() -> Flask:
    """Return the application for the server's worker, with its housekeeping started."""
    share_memory()
    app = create_app()
    logs.set_up(app.config["LOG_FORMAT"])
    with app.app_context():
        if database := models.database_file():
            app.extensions["serverlock"] = serverlock.join(database)  # as long as this process lives
    stop = app.extensions["stop"] = threading.Event()
    threading.Thread(target=listen_for_stop, args=(app, stop, heard_signals()), daemon=True, name="stop").start()
    threading.Thread(target=keep_house, args=(app, stop), name="housekeeping").start()
    threading.Thread(target=jobs.keep_working, args=(app, stop), name="jobs").start()
    threading.Thread(target=outbox.keep_delivering, args=(app, stop), name="outbox").start()
    threading.Thread(target=end_with_parent, daemon=True, name="end-with-parent").start()
    return app


def share_memory():
    """Let the threads share two of glibc's arenas: one for each keeps 50 MB of what was freed."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def keep_house(app, stop):
    """Write waiting log entries and lines every second, prune old ones now and then; set `stop` at the end."""
    pruned, can_write = time.monotonic(), True
    while threading.main_thread().is_alive():
        time.sleep(1)
        logs.flush()
        try:
            with app.app_context():
                while journal.is_waiting():
                    with models.transaction():
                        journal.flush()
                if time.monotonic() - pruned > PRUNE_SECONDS:
                    pruned = time.monotonic()
                    with models.transaction():
                        journal.prune(settings.get("log_days"))
                        sessions.prune()
                        throttle.prune()
                    invitations.expire()
            can_write = True
        except Exception as error:
            if not engines.is_unwritable(error):
                models.log_failure(error, "Housekeeping failed; it goes on in a second")
            elif can_write:  # said once: the log may be on the same disk
                can_write = False
                LOG.error("The disk took no more: %s. Log entries wait in memory until it does", error.orig)
    stop.set()
    logs.flush()


def heard_signals() -> socket.socket:
    """Return a socket from which the numbers of signals can be read, beside whatever handles them."""
    heard, written = socket.socketpair()
    written.setblocking(False)
    signal.set_wakeup_fd(written.detach(), warn_on_full_buffer=False)
    return heard


def listen_for_stop(app, stop, heard):
    """Set `stop` as soon as a signal says so: the main thread goes on until the requests under way are answered."""
    while heard.recv(1)[0] not in (signal.SIGINT, signal.SIGTERM):
        pass
    stop.set()
    time.sleep(MAIL_SECONDS)
    outbox.give_back(app)


def end_with_parent():
    """End at once when the supervising process is killed: nobody would know of this one."""
    multiprocessing.parent_process().join()
    os._exit(1)


def refuse_taken_port(host, port):
    """Exit if something listens there: the server's sockets share a port, and connections would go to either."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"Rollcall does not start: HOST {host} and PORT {port} cannot be served on ({error.strerror})."
            )


def hold_alone(database):
    """Return the lock of a SQLite file that nobody else serves; exit if somebody does. None for other engines.

    A second one is a mistake, and `flask restore` has to know that there is none.
    """
    try:
        return database and serverlock.take(database, "a server")
    except serverlock.Taken as error:
        sys.exit(
            f"Rollcall does not start: {error} Stop that first, or give this server a folder of its own in"
            " ROLLCALL_INSTANCE_PATH."
        )


def set_up_link(url) -> str | None:
    """Return a new link by which the first administrator is made, or None if there is one."""
    if accounts.exist():
        return None
    with models.transaction():
        return f"{url}/set-up/{accounts.new_set_up_secret()}"


def serve():
    """Bring the database up to date and serve until a signal ends it."""
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "5000")
    try:
        app = create_app()
    except ConfigurationError as error:
        sys.exit(f"Rollcall does not start: {error.message}")
    if not port.isdecimal():
        sys.exit(f"Rollcall does not start: PORT must be a number, not {port!r}.")
    refuse_taken_port(host, int(port))
    logs.set_up(app.config["LOG_FORMAT"])
    url = app.config["PUBLIC_URL"] or f"http://{host}:{port}"
    try:
        with app.app_context():
            lock = hold_alone(models.database_file())
            models.prepare_database()
            version, address = engines.version(models.connection()), models.db.engine.url
            set_up = set_up_link(url)
            models.db.engine.dispose()
    except (OperationalError, OSError) as error:
        sys.exit(f"Rollcall does not start: {models.why_unusable(error)}")
    print(f"Rollcall serves {url}/  ({version}, {address})")  # without its password
    print(f"SCIM base URL for Okta: {url}{scim.PREFIX}")
    if set_up:
        print(f"No administrator yet. Open this link, once, to become the first: {set_up}")
    sys.stdout.flush()
    if lock:
        lock.share()
    Granian(
        "app:serving",
        factory=True,
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        blocking_threads=SERVER_THREADS,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=LARGEST_HEAD),
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        log_level="error",
        log_dictconfig=logs.GRANIAN,
    ).serve()


if __name__ == "__main__":
    serve()
