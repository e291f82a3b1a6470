"""Signing in and out, the first administrator's set-up, and passwords: one's own, and forgotten ones."""

from typing import NamedTuple

from flask import flash, render_template, request, session, url_for

from core import accounts, invitations, passwords
from core.accounts import AccountError
from core.invitations import InvitationError
from core.passwords import PasswordError
from database import transaction
from portal import access, bp
from portal.access import needs, public
from portal.frame import done

SENT = "If there is such an account, a link is on its way to its address. It works once, for an hour."
# what zxcvbn's scores mean; from the fourth on, a password is accepted
STRENGTHS = ("Easily guessed.", "Easily guessed.", "A machine would guess it.", "Good.", "Very good.")


class Strength(NamedTuple):
    """What a password is worth that is being typed: 0 to 4, and in words."""

    score: int
    words: str


@bp.get("/sign-in")
@public
def sign_in():
    if session.account:
        return done(access.local_path(request.args.get("next")))
    return render_template("account/sign_in.html", has_accounts=accounts.exist(), email="", error=None)


@bp.post("/sign-in")
@public
def send_sign_in():
    email = request.form.get("email", "")
    account = accounts.sign_in(email, request.form.get("password", ""), request.remote_addr or "")
    if account is None:
        error = "The e-mail address or the password is wrong."
        page = render_template("account/sign_in.html", has_accounts=accounts.exist(), email=email, error=error)
        return page, 422
    with transaction():
        access.sign_in(account)
    return done(access.local_path(request.args.get("next")))


@bp.post("/sign-out")
@public
def sign_out():
    with transaction():
        access.sign_out()
    return done(url_for("portal.sign_in"))


@bp.get("/sign-out")
@public
def sign_out_form():
    """Lead on from the address that a browser shows once the form was refused; a link signs nobody out."""
    return done(url_for("portal.sign_in"))


@bp.get("/set-up/<secret>")
@public
def set_up(secret):
    return _set_up_page(secret)


@bp.post("/set-up/<secret>")
@public
def send_set_up(secret):
    try:
        with transaction():
            account = accounts.set_up(secret, request.form.get("email", ""), request.form.get("password", ""))
            access.sign_in(account)
    except AccountError as error:
        return _set_up_page(secret, error)
    flash(f"Welcome. You are signed in as {account.email}.")
    return done(url_for("portal.provisioning"))


def _set_up_page(secret, error=None):
    works = accounts.is_set_up_secret(secret)
    page = render_template(
        "account/set_up.html",
        works=works,
        has_accounts=accounts.exist(),
        email=request.form.get("email", ""),
        errors={error.field: str(error)} if error else {},
        shortest=passwords.SHORTEST_PASSWORD,
    )
    return page, 410 if not works else 422 if error else 200


@bp.get("/account")
@needs("readonly")
def account():
    return render_template("account/password.html", errors={}, shortest=passwords.SHORTEST_PASSWORD)


@bp.post("/account/password")
@needs("readonly")
def change_password():
    """Change one's own password; all other sessions end."""
    errors = access.password_errors("current")
    if not errors:
        try:
            with transaction():
                accounts.change_password(
                    session.account, request.form.get("new_password", ""), access.actor(), keep=session.secret
                )
        except AccountError as error:
            errors = {error.field: str(error)}
    if errors:
        page = render_template("account/password.html", errors=errors, shortest=passwords.SHORTEST_PASSWORD)
        return page, 422
    flash("Your password is changed. You are signed out everywhere else.")
    return done(url_for("portal.account"))


@bp.get("/account/password")
@needs("readonly")
def password_form():
    """Lead back from the address that a browser shows once the form was refused."""
    return done(url_for("portal.account"))


@bp.get("/forgotten")
@public
def forgotten():
    return forgotten_page("administrator")


@bp.post("/forgotten")
@public
def send_forgotten():
    return ask_for_link("administrator", url_for("portal.forgotten"))


def ask_for_link(kind, way_back):
    """Send a link for a new password, and answer the same whether or not anybody has the address."""
    name = request.form.get("email", "").strip()
    if not name:
        return forgotten_page(kind, {"email": "Say whose password it is."})
    with transaction():
        invitations.request_password(kind, name, request.remote_addr or "")
    flash(SENT)
    return done(way_back)


def forgotten_page(kind, errors=None):
    page = render_template(
        "account/forgotten.html",
        is_person=kind == "person",
        email=request.form.get("email", ""),
        errors=errors or {},
    )
    return page, 422 if errors else 200


@bp.get("/password/<secret>")
@public
def new_password(secret):
    return new_password_page(secret)


@bp.post("/password/<secret>")
@public
def send_new_password(secret):
    """Set the password, once; every session of the account or person ends."""
    try:
        with transaction():
            kind = invitations.reset(secret, request.form.get("password", ""))
            access.sign_out()
    except (InvitationError, PasswordError) as error:
        return new_password_page(secret, {"password": str(error)})
    flash("Your password is changed. Sign in with the new one.")
    return done(url_for("portal.person_sign_in" if kind == "person" else "portal.sign_in"))


@bp.post("/password/<secret>/strength")
@public
def new_password_strength(secret):
    """Answer the page with how strong the password is that is being typed; nothing is changed."""
    return new_password_page(secret, is_judged=True)


def new_password_page(secret, errors=None, is_judged=False):
    link = invitations.check_password_link(secret)
    page = render_template(
        "account/new_password.html",
        link=link,
        secret=secret,
        shortest=passwords.SHORTEST_PASSWORD,
        strength=judged(link.name) if is_judged and link.state == "open" else None,
        errors=errors or {},
    )
    if link.state != "open":
        return page, 404 if link.state == "unknown" else 410
    return page, 422 if errors else 200


def judged(*known) -> Strength:
    """Return what the typed password is worth to somebody of whom `known` is known."""
    password = request.form.get("password", "")
    if len(password) < passwords.SHORTEST_PASSWORD:
        return Strength(0, f"{len(password)} of at least {passwords.SHORTEST_PASSWORD} characters.")
    score = passwords.strength(password, *known)
    return Strength(score, STRENGTHS[score])
