"""Admin > System > Mail: what is sent and what is not, and the text of the invitation."""

from flask import current_app, flash, render_template, request, session, url_for

from core import mails, outbox, settings
from core.digests import digest
from core.mails import PATHS
from core.outbox import MailQuery, OutboxError
from core.settings import SettingError
from database import transaction
from portal import access, bp
from portal.access import needs
from portal.frame import done, may
from portal.lists import as_number, way_back

PAGE = "/admin/mail"
TEMPLATE = ("invitation_subject", "invitation_text")  # settings, and the names of the form's fields
PURPOSES = {
    "invitation": "Invitation",
    "registered": "Confirmation",
    "password": "Forgotten password",
    "test": "Test",
}
STATES = {
    "waiting": "Waiting",
    "sending": "Sending",
    "sent": "Sent",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
# the least role that may see a link: one for a new password would let in as somebody who has registered
SEE_LINK = {"invitation": "helpdesk", "password": "administrator"}


@bp.get(PAGE)
@needs("readonly")
def mail():
    """The list, newest first. What is sought, and how far back, is in the address."""
    query = MailQuery(request.args.get("state", ""), request.args.get("q", "").strip())
    before = as_number(request.args.get("before", ""))
    rows, older = outbox.page(query, before)
    counts = outbox.counts()
    return render_template(
        "mails/list.html",
        rows=rows,
        older=older,
        before=before,
        query=query,
        counts=counts,
        is_busy=before is None and (counts["waiting"] or counts["sending"]),
        problem=outbox.smtp_problem(current_app.config),
        purposes=PURPOSES,
        states=STATES,
        link=link,
    )


def link(row) -> str | None:
    """Return the link of a mail that has not arrived, for who may give it to the person in another way."""
    if row.secret is None or not may(SEE_LINK[row.purpose]):
        return None
    return access.address() + PATHS[row.purpose] + row.secret


@bp.post(f"{PAGE}/<int:mail_id>/send-again")
@needs("administrator")
def send_again(mail_id):
    try:
        with transaction():
            outbox.send_again(mail_id, access.actor())
        flash("It is tried again at once.")
    except OutboxError as error:
        flash(str(error), "error")
    return done(way_back("portal.mail"))


@bp.get(f"{PAGE}/<int:mail_id>/send-again")
@needs("readonly")
def send_again_form(mail_id):
    """Lead back from the address that a browser shows once the form was refused."""
    return done(url_for("portal.mail"))


@bp.get(f"{PAGE}/invitation/default")
@bp.get(f"{PAGE}/invitation/test")
@needs("administrator")
def invitation_mail_form():
    """Lead back from the address that a browser shows once the text was looked at, or refused."""
    return done(url_for("portal.invitation_mail"))


@bp.get(f"{PAGE}/invitation")
@needs("administrator")
def invitation_mail():
    return template_page({name: settings.get(name) for name in TEMPLATE})


class Stale(Exception):
    """Somebody else has changed what a form is about since it was opened."""


@bp.post(f"{PAGE}/invitation")
@needs("administrator")
def save_invitation_mail():
    typed = typed_template()
    try:
        with transaction():
            for name, text in typed.items():
                settings.change(name, text, access.actor())
            if request.form.get("version") != version():
                raise Stale
    except SettingError as error:
        return template_page(typed, {error.field: str(error)})
    except Stale:
        return template_page(typed, is_stale=True)
    flash("Saved. Every invitation that goes out from now on says this, those that wait included.")
    return done(url_for("portal.invitation_mail"))


@bp.post(f"{PAGE}/invitation/default")
@needs("administrator")
def revert_invitation_mail():
    with transaction():
        for name in TEMPLATE:
            settings.change(name, settings.DEFAULTS[name], access.actor())
    flash("The invitation says again what it said at first.")
    return done(url_for("portal.invitation_mail"))


@bp.post(f"{PAGE}/invitation/test")
@needs("administrator")
def test_invitation_mail():
    """Show what was typed as somebody would get it, and send it to oneself; nothing is saved."""
    typed = typed_template()
    try:
        preview = mails.preview(*typed.values(), mails.example())
        with transaction():
            account = session.account
            outbox.queue("test", account.email, administrator_id=account.id, content=tuple(typed.values()))
    except SettingError as error:
        return template_page(typed, {error.field: str(error)})
    return template_page(typed, preview=preview)


def version() -> str:
    """Return which text a form was opened with: the one that is committed."""
    return digest("\0".join(map(settings.get, TEMPLATE)))


def typed_template() -> dict:
    return {name: request.form.get(name, "") for name in TEMPLATE}


def template_page(typed, errors=None, preview=None, is_stale=False):
    """Answer the form. A stale one shows what the invitation says now, and then replaces it."""
    current = version()
    page = render_template(
        "mails/invitation.html",
        typed=typed,
        version=current if is_stale else request.form.get("version", current),
        stored={name: settings.get(name) for name in TEMPLATE} if is_stale else None,
        is_default=all(settings.get(name) == typed[name] == settings.DEFAULTS[name] for name in TEMPLATE),
        variables=settings.INVITATION_VARIABLES,
        preview=preview,
        problem=outbox.smtp_problem(current_app.config),
        errors=errors or {},
    )
    return page, 422 if errors else 409 if is_stale else 200
