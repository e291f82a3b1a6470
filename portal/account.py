"""Signing in and out, the first administrator's set-up, and one's own password."""

from flask import flash, render_template, request, session, url_for

from core import accounts
from core.accounts import AccountError
from models import transaction
from portal import access, bp
from portal.access import needs, public
from portal.frame import done


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
        shortest=accounts.SHORTEST_PASSWORD,
    )
    return page, 410 if not works else 422 if error else 200


@bp.get("/account")
@needs("readonly")
def account():
    return render_template("account/password.html", errors={}, shortest=accounts.SHORTEST_PASSWORD)


@bp.post("/account/password")
@needs("readonly")
def change_password():
    """Change one's own password; all other sessions end."""
    wrong = access.confirmed()
    errors = {"current": wrong} if wrong else {}
    if not errors:
        try:
            with transaction():
                accounts.change_password(
                    session.account, request.form.get("new_password", ""), access.actor(), keep=session.secret
                )
        except AccountError as error:
            errors = {error.field: str(error)}
    if errors:
        page = render_template("account/password.html", errors=errors, shortest=accounts.SHORTEST_PASSWORD)
        return page, 422
    flash("Your password is changed. You are signed out everywhere else.")
    return done(url_for("portal.account"))
