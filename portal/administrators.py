"""Admin > Administrators: the accounts of the portal and their roles."""

from flask import abort, flash, render_template, request, session, url_for

from core import accounts, passwords
from core.accounts import AccountError
from database import transaction
from portal import access, bp
from portal.access import needs
from portal.frame import done

ACCOUNT = "/admin/administrators/<int(max=999999999999):account_id>"
CHANGE = f"{ACCOUNT}/<any(role, password, disable, enable, delete):change>"


@bp.get("/admin/administrators")
@needs("administrator")
def administrators():
    return render_template("administrators/list.html", accounts=accounts.listing())


@bp.get("/admin/administrators/new")
@needs("administrator")
def new_administrator():
    return _new_page({})


@bp.post("/admin/administrators/new")
@needs("administrator")
def add_administrator():
    given = request.form.get
    account, errors = _carry_out(
        lambda: accounts.create(given("email", ""), given("new_password", ""), given("role", ""), access.actor())
    )
    if errors:
        return _new_page(errors), 422
    flash(f"{account.email} can sign in now. Hand the password over; it can be changed after signing in.")
    return done(url_for("portal.administrator", account_id=account.id))


def _new_page(errors):
    return render_template(
        "administrators/new.html",
        email=request.form.get("email", ""),
        role=request.form.get("role", "helpdesk"),
        errors=errors,
        shortest=passwords.SHORTEST_PASSWORD,
    )


@bp.get(ACCOUNT)
@needs("administrator")
def administrator(account_id):
    return render_template("administrators/account.html", account=_find(account_id))


@bp.get(CHANGE)
@needs("administrator")
def ask_change(account_id, change):
    return _change_page(account_id, change, {})


@bp.post(CHANGE)
@needs("administrator")
def change_administrator(account_id, change):
    """Carry out one change of an account, which may be one's own."""
    said, errors = _carry_out(lambda: CHANGES[change](_find(account_id)))
    if errors:
        return _change_page(account_id, change, errors), 422
    flash(said)
    if change == "delete":
        return done(url_for("portal.administrators"))
    if change == "role" and account_id == session.account.id:  # this page may be closed to them now
        return done(url_for("portal.dashboard"))
    return done(url_for("portal.administrator", account_id=account_id))


def _change_page(account_id, change, errors):
    account = _find(account_id)
    return render_template(
        "administrators/change.html",
        account=account,
        change=change,
        role=request.form.get("role", account.role),
        errors=errors,
        shortest=passwords.SHORTEST_PASSWORD,
    )


def _find(account_id):
    return accounts.find(account_id) or abort(404, "There is no such account (any more).")


def _carry_out(change):
    """Return (what `change` returns, {}), or (None, errors) if one's own password is wrong or it is refused."""
    if errors := access.password_errors():
        return None, errors
    try:
        with transaction():
            return change(), {}
    except AccountError as error:
        return None, {"new_password" if error.field == "password" else error.field: str(error)}


def _change_role(account):
    role = request.form.get("role", "")
    accounts.change_role(account, role, access.actor())
    return f"The role of {account.email} is {accounts.ROLES[role]} now."


def _change_password(account):
    own = session.secret if account.id == session.account.id else None
    accounts.change_password(account, request.form.get("new_password", ""), access.actor(), keep=own)
    return f"{account.email} has a new password, and is signed out everywhere{' else' if own else ''}."


def _disable(account):
    accounts.disable(account, access.actor())
    return f"{account.email} is disabled and signed out."


def _enable(account):
    accounts.enable(account, access.actor())
    return f"{account.email} can sign in again."


def _delete(account):
    accounts.remove(account, access.actor())
    return f"The account {account.email} is deleted."


CHANGES = {
    "role": _change_role,
    "password": _change_password,
    "disable": _disable,
    "enable": _enable,
    "delete": _delete,
}
