"""Who may see a page, and whether a form is ours: sessions, roles, CSRF. Every route of the portal passes here.

    @bp.post("/users/<user_id>/disable")
    @needs("helpdesk")
    def disable(user_id): ...

A route with neither `needs` nor `public` is refused to everybody. Administrators and the people who have registered
are strangers to each other's pages: `needs("person")` lets in the latter, and no administrator.
"""

import hashlib
import hmac
import logging
import re
from contextlib import suppress
from urllib.parse import urlsplit

from flask import abort, current_app, redirect, request, session, url_for
from flask.sessions import NullSession, SessionInterface, SessionMixin
from sqlalchemy.exc import DatabaseError, OperationalError
from werkzeug.datastructures import CallbackDict

import database
from core import accounts, people, sessions, settings
from core.journal import Actor
from database import transaction
from portal import bp
from protocol.definitions import BASE_PATH

SAFE = ("GET", "HEAD")
LARGEST_FORM = 512 * 1024  # bytes, a stored picture and a new one; the gate reads no more without a token
WITHOUT_SESSION = ("/scim/", "/static/", "/healthz", "/readyz", "/metrics")
SECRET = re.compile(r"[\w-]{43}", re.ASCII)
NOT_HELD = ("csrf_token", "password", "current", "new_password")  # of a refused form: these are asked for anew
SIGNED_OUT = (
    "Nothing was changed, and what you typed is kept on this page: sign in in another tab, then send it once more."
)
SIGNED_IN_ANEW = "You have signed in anew since this form was opened. Nothing was changed: send it once more."
LOG = logging.getLogger("rollcall")


class Session(CallbackDict, SessionMixin):
    """Flask's `session`, kept on the server. It is of an account, or of a person, or of nobody yet."""

    def __init__(self, secret: str, data=None, last_seen="", account=None, person=None):
        def changed(self):
            self.modified = True

        super().__init__(data, changed)
        self.secret, self.last_seen, self.account, self.person = secret, last_seen, account, person
        self.modified = False

    @property
    def is_signed_in(self) -> bool:
        return self.account is not None or self.person is not None


class NoSession(NullSession):
    """Where there are none, an error page may still ask whose it is."""

    account = person = None


class ServerSessions(SessionInterface):
    """Loads and stores sessions. The cookie holds a secret, the database its digest.

    A browser that has not signed in has a secret, too, for its forms; only what has to be remembered is stored.
    """

    null_session_class = NoSession

    def open_session(self, app, request):
        if request.path.startswith(WITHOUT_SESSION):
            return self.make_null_session(app)
        try:
            secret = request.cookies.get(cookie_name(), "")
            if not SECRET.fullmatch(secret):
                return Session(sessions.new_secret())
            found = sessions.find(secret)
        except DatabaseError as error:  # Flask renders no error so early: the application raises it again
            request.environ["rollcall.failure"] = error
            return self.make_null_session(app)
        return Session(secret, *found) if found else Session(secret)

    def save_session(self, app, session, response):
        if not isinstance(session, Session):
            return
        if request.cookies.get(cookie_name()) != session.secret:
            lifetime = int(sessions.LONGEST.total_seconds())
            response.set_cookie(
                cookie_name(), session.secret, lifetime, secure=is_https(), httponly=True, samesite="Lax"
            )
        is_poll = "HX-Request" in request.headers  # a page that is only open is no use of it
        is_newer = session.last_seen[:16] != database.now()[:16]  # noted once a minute
        if session.modified or (session.is_signed_in and is_newer and not is_poll):
            try:
                with transaction():
                    sessions.keep(session.secret, dict(session))
            except database.Busy:
                LOG.warning("A session was not stored: the database is locked by another process")
            except OperationalError as error:  # the page is there all the same, on a full disk, too
                LOG.warning("A session was not stored: %s", error.orig)


def cookie_name() -> str:
    """Return the cookie's name; behind https its prefix keeps other hosts from setting it."""
    return "__Host-rollcall" if is_https() else "rollcall"


def is_https() -> bool:
    """Return whether the browser speaks https, as the request says or as the public address says of its host."""
    public = urlsplit(settings.public_url())
    return request.is_secure or (public.scheme == "https" and public.netloc == request.host)


def address() -> str:
    """Return where this Rollcall is: as configured, or else as this browser calls it."""
    return (settings.public_url() or request.url_root).rstrip("/")


def base_url() -> str:
    """Return what is pasted in Okta."""
    return address() + BASE_PATH


def sign_in(account):
    """Begin a session of the account under a new secret; needs a transaction."""
    accounts.signed_in(account)
    _begin(sessions.begin(account.id), account=account)


def sign_in_person(person):
    """Begin a session of somebody who has registered; whoever was signed in here before is so no more."""
    people.signed_in(person)
    _begin(sessions.begin(user_pk=person.pk), person=person)


def sign_out():
    """End the session; needs a transaction."""
    _begin(sessions.new_secret())


def _begin(secret, account=None, person=None):
    """Go on under another secret, with nothing of what was before."""
    sessions.end(session.secret)
    session.clear()
    session.secret, session.account, session.person = secret, account, person
    session.last_seen = database.now() if session.is_signed_in else ""


def actor() -> Actor:
    """Return who changes something, for the audit trail."""
    return Actor(session.account.email)


def needs(role: str):
    """Declare the least role that a route needs: readonly, helpdesk or administrator; or "person"."""

    def declare(view):
        view.role = role
        return view

    return declare


def public(view):
    """Declare that a route needs no sign-in."""
    view.role = None
    return view


@bp.before_request
def guard():
    """Refuse who may not, and forms that are not ours; send those who have not signed in to do so."""
    request.max_content_length = LARGEST_FORM
    view = current_app.view_functions[request.endpoint]
    role = getattr(view, "role", "nobody")
    if role == "person":
        if session.person is None:
            return to_sign_in("portal.person_sign_in")
    elif role is not None:
        if session.account is None:
            if is_held():
                abort(401, SIGNED_OUT)
            return to_sign_in("portal.sign_in")
        if role == "nobody" or not accounts.may(session.account, role):
            abort(403, f"This needs the role {accounts.ROLES.get(role, role)}; ask an administrator.")
    if request.method not in SAFE:
        check_form()
    return None


@bp.after_app_request
def keep_address(response):
    """Let nobody learn the address of a page that holds a secret from the pages that it leads to."""
    if has_secret():
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


def has_secret() -> bool:
    """Return whether the page's address is a link that was sent to somebody."""
    return "secret" in (request.view_args or {})


def to_sign_in(endpoint):
    """Send a browser to a sign-in page; htmx is told to load it whole."""
    target = (
        request.full_path.rstrip("?") if request.method in SAFE and "HX-Request" not in request.headers else None
    )
    url = url_for(endpoint, next=target if target != "/" else None)
    if "HX-Request" in request.headers:
        return "", 401, {"HX-Redirect": url}
    return redirect(url, 303)


def csrf_token() -> str:
    """Return what every form of this browser must carry."""
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.new(key, b"csrf " + session.secret.encode(), hashlib.sha256).hexdigest()


def check_form():
    """Refuse a form that another site made, or that is older than the session."""
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    is_old = not hmac.compare_digest(given.encode(), csrf_token().encode())
    if is_old and is_held():
        abort(403, SIGNED_IN_ANEW)
    if is_from_elsewhere() or is_old:
        abort(
            403,
            "This form came from another site, or you have signed in anew since it was opened. "
            "Nothing was changed: open the page again, then send it once more.",
        )


def is_held() -> bool:
    """Return whether a form that is refused may be sent once more: the browser says that a page of ours sent it."""
    is_said = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    is_of_account = current_app.view_functions[request.endpoint].role in accounts.ROLES
    return request.method == "POST" and is_of_account and is_said and not is_from_elsewhere()


def held() -> list[tuple]:
    """Return (name, value) of what was typed in the form, for a page that refuses it to send it once more."""
    return [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_HELD]


def is_from_elsewhere() -> bool:
    """Return whether the browser says that another site sent the form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin == "null" and has_secret():
        return False  # so says a browser that keeps the address of the page to itself; the token must be right
    ours = {request.host, urlsplit(settings.public_url()).netloc} - {""}
    return origin is not None and _netloc(origin) not in ours


def _netloc(origin):
    """Return the host and port in an Origin header; None if it is no address."""
    with suppress(ValueError):
        return urlsplit(origin).netloc
    return None


def password_errors(field: str = "password") -> dict:
    """Return {field: what is wrong} of the password that a form must repeat, or {}. Raise Throttled."""
    account = session.account
    if accounts.sign_in(account.email, request.form.get("password", ""), request.remote_addr or ""):
        return {}
    return {field: "This is not your password. Nothing was changed."}


def local_path(target: str | None) -> str:
    """Return a path of ours to go on to, whatever was asked for: never another site."""
    is_path = target and target.startswith("/") and not re.match(r"/[/\\]", target) and target.isprintable()
    return target if is_path and "\\" not in target and not urlsplit(target).netloc else url_for("portal.dashboard")
