"""Wires Rollcall: settings, database, doors, errors, headers. `python app.py` serves."""

from functools import partial
from importlib import import_module

from flask import Flask, request
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import cli
import configuration
import database
import engines
import operations
import portal
import scim
import server
from configuration import ConfigurationError
from core.throttle import Throttled
from gate import Gate
from logs import LOG, shown
from portal import access, frame
from protocol.errors import ScimError

PAGES = (
    "account administrators attributes audit configurations dashboard device groups invitations jobs log mail "
    "provisioning users"
).split()
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
SOON = {"Retry-After": "5"}  # seconds
DISK_FULL = "The disk of the server is full, or cannot be written to. Nothing was changed."


class Overloaded(Exception):
    """The gate had no place for a request in time."""


class Rollcall(Flask):
    """Flask, without its look at each function of each request whether it is a coroutine: none is."""

    def ensure_sync(self, func):
        return func


def create_app(overrides: dict | None = None) -> Flask:
    """Return the application, set up from the ROLLCALL_ environment and `overrides`. Raise ConfigurationError."""
    cli.refuse_run()
    overrides = overrides or {}
    app = Rollcall(__name__, instance_path=configuration.instance_path(overrides))
    configuration.load(app, overrides)
    if cli.is_asked_for("check"):
        return cli.only_check(app, partial(configuration.refusal_of, app))
    configuration.prepare(app)
    try:
        database.init_app(app)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigurationError(configuration.NO_ADDRESS) from error
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
    app.wsgi_app = app.extensions["gate"] = Gate(app.wsgi_app, app.config["MAX_CONTENT_LENGTH"])
    operations.init_app(app)
    return app


def add_errors(app):
    """Render every refusal in one place: as SCIM under its prefix, as a page elsewhere.

    A blueprint does not see the 404 and 405 of paths under its prefix, so the path decides.
    """
    app.before_request(refuse)
    app.log_exception = log_exception  # Flask's own would repeat the secret of a link
    for kind, handler in {
        ScimError: answer,
        Overloaded: overloaded,
        Throttled: throttled,
        database.Busy: busy,
        database.Away: away,
        OperationalError: database_failed,
        DatabaseError: database_refused,
        BadHost: host_refused,
        HTTPException: http_refused,
        Exception: failed,
    }.items():
        app.register_error_handler(kind, handler)


def answer(error, headers=None):
    """Answer with a ScimError, in the words of the door that was knocked at."""
    if scim.is_ours(request.path):
        return scim.error_reply(error, headers)
    return frame.error_page(error.status, error.detail), error.status, headers or {}


def refuse():
    """Refuse what was found wanting before Flask had it."""
    if failure := request.environ.get("rollcall.failure"):
        raise failure
    if request.environ.get("rollcall.overloaded"):
        raise Overloaded
    if request.environ.get("rollcall.disk_full"):
        LOG.error("The disk took no more: the body of a request to %r could not be kept", shown_path())
        raise ScimError(507, None, DISK_FULL)


def overloaded(error):
    status = 429 if scim.is_ours(request.path) else 503  # Okta repeats nothing else by itself
    detail = "Rollcall is busy with other requests. Nothing was changed; it is to be tried again."
    return answer(ScimError(status, None, detail), SOON)


def throttled(error):
    return frame.error_page(429, str(error)), 429, {"Retry-After": str(error.seconds)}


def busy(error):
    detail = "Rollcall is busy with other writes. Nothing was changed; it is to be tried again."
    return answer(ScimError(503, None, detail), SOON)


def away(error):
    LOG.error("The database cannot be reached: %s", error)
    database.forget_connections()
    detail = "The database of Rollcall cannot be reached just now; it is to be tried again."
    return answer(ScimError(503, None, detail), SOON)


def database_failed(error):
    """Answer to a failure of the database's work: its server, the disk or the lock may be the cause."""
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


def database_refused(error):
    if not engines.is_damaged(error):
        return failed(error)
    LOG.error("The database is damaged: %s. %s", error.orig, database.RESTORE)
    return answer(ScimError(500, None, "The database of Rollcall is damaged: its operator has to restore it."))


def host_refused(error):
    if scim.is_ours(request.path):
        return http_refused(error)
    # no page: without a host there are no addresses to lead on to
    return "The Host header of the request is no name of a host.\n", 400, {"Content-Type": "text/plain"}


def http_refused(error):
    allow = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else None
    if scim.is_ours(request.path):
        return scim.error_reply(scim.from_http(error), allow)
    return frame.error_page(error.code, frame.detail(error)), error.code, allow or {}


def failed(error):
    LOG.exception("A request to %s %r failed", request.method, shown_path())
    return answer(ScimError(500, None, "Rollcall made a mistake. Nothing was changed; its log says more."))


def log_exception(exc_info):
    LOG.error("A request to %s %r failed", request.method, shown_path(), exc_info=exc_info)


def shown_path() -> str:
    """Return the path of the request as logs may hold it: without the secret of a link."""
    return shown(request.path)


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
    """Return the application for the server's worker."""
    return server.work(create_app)


if __name__ == "__main__":
    server.serve(create_app, "app:serving")
