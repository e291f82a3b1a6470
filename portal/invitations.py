"""Invitations: whom they are sent to, and the pages that a link leads to. Looking at a link never uses it up."""

from flask import current_app, flash, redirect, render_template, request, url_for

from core import invitations, lists, outbox, settings
from core.invitations import COMPLETED, DISABLED, NO_EMAIL, InvitationError
from core.passwords import SHORTEST_PASSWORD, PasswordError
from database import transaction
from portal import access, bp
from portal.access import needs, public
from portal.account import judged
from portal.frame import done, people
from portal.jobs import carry_out
from portal.lists import NAMED, kept_choice, nobody, shown, since_shown, ticked, user_query, way_back
from portal.users import find

# why somebody gets no invitation, as a preview says it of one and of several
WHY = {
    NO_EMAIL: ("has no e-mail address", "have no e-mail address"),
    DISABLED: ("is disabled", "are disabled"),
    COMPLETED: ("has registered already", "have registered already"),
}


@bp.get("/users/invite")
@needs("helpdesk")
def ask_whom_to_invite():
    """Lead who loads a preview's address anew back to the list: whom it was about is not in it."""
    return redirect(url_for("portal.users"))


@bp.post("/users/invite")
@needs("helpdesk")
def invite_users():
    """Show who gets an invitation and who does not; send them once the form repeats whom that was shown for."""
    pks, skipped = sorted_out()
    if not pks:
        flash(nobody("invited", *said(skipped)), "error")
        return done(way_back())
    if "shown" not in request.form:
        return preview(pks, skipped)
    with transaction():
        pks, skipped = sorted_out()
        is_as_shown = request.form["shown"] == shown(pks)
        changed, job_id = carry_out("invite", pks) if is_as_shown else (None, None)
    if not is_as_shown:
        return preview(pks, skipped, {"form": f"{since_shown(pks)} Nobody was invited: look again."})
    if job_id:
        return done(url_for("portal.job", job_id=job_id))
    rows = lists.users_of_pks(pks) if len(pks) == 1 else []
    flash(f"Invited {rows[0].name if rows else people(changed)}.")
    return done(way_back())


def sorted_out() -> tuple:
    """Return (pks of those whom the form chose and who can be invited, {why not: how many of the others})."""
    if not request.form.get("all"):
        return invitations.sort_out([row.pk for row in ticked()])
    return invitations.sort_out(lists.matching_pks(user_query(request.form)))


def said(skipped) -> list[str]:
    """Return in words why how many people get no invitation."""
    return [f"{number:,} {WHY[reason][number != 1]}" for reason, number in skipped.items() if number]


def preview(pks, skipped, errors=None):
    rows = lists.users_of_pks(pks[:NAMED])
    page = render_template(
        "invitations/preview.html",
        whom=rows[0].name if len(pks) == 1 and rows else people(len(pks)),
        rows=rows,
        more=len(pks) - len(rows),
        skipped=said(skipped),
        days=settings.get("invitation_days"),
        problem=outbox.smtp_problem(current_app.config),
        shown=shown(pks),
        kept=kept_choice(),
        back=way_back(),
        errors=errors or {},
    )
    return page, 409 if errors else 200


@bp.get("/users/<user_id>/invitation/<any(link, revoke):kind>")
@needs("helpdesk")
def change_invitation(user_id, kind):
    return invitation_form(find(user_id), kind)


@bp.post("/users/<user_id>/invitation/link")
@needs("helpdesk")
def copy_link(user_id):
    """Make a new link and show it, once. Whoever has it can register as the person: the password is asked for."""
    user = find(user_id)
    if errors := access.password_errors():
        return invitation_form(user, "link", errors)
    try:
        with transaction():
            secret = invitations.copy_link(find(user_id), access.actor())
    except InvitationError as error:
        return invitation_form(user, "link", {"form": str(error)})
    link = f"{access.address()}{url_for('portal.invitation', secret=secret)}"
    return render_template("invitations/link.html", row=lists.user(user_id), kind="link", link=link, errors={})


@bp.post("/users/<user_id>/invitation/revoke")
@needs("helpdesk")
def revoke_invitation(user_id):
    try:
        with transaction():
            user = find(user_id)
            invitations.revoke(user, access.actor())
    except InvitationError as error:
        return invitation_form(user, "revoke", {"form": str(error)})
    flash(f"The invitation of {lists.user(user_id).name} is revoked: the link does not work any more.")
    return done(url_for("portal.user", user_id=user_id))


def invitation_form(user, kind, errors=None):
    page = render_template(
        "invitations/link.html", row=lists.user(user.id), kind=kind, link=None, errors=errors or {}
    )
    return page, 422 if errors else 200


@bp.get("/invitation/<secret>")
@public
def invitation(secret):
    return invitation_page(secret)


@bp.post("/invitation/<secret>")
@public
def register(secret):
    """Choose the password, once; then the person is signed in."""
    try:
        with transaction():
            person = invitations.register(secret, request.form.get("password", ""))
            access.sign_in_person(person)
    except (InvitationError, PasswordError) as error:
        return invitation_page(secret, {"password": str(error)})
    flash("Welcome. You are registered, and signed in.")
    return done(url_for("portal.device"))


@bp.post("/invitation/<secret>/strength")
@public
def invitation_strength(secret):
    """Answer the page with how strong the password is that is being typed."""
    return invitation_page(secret, is_judged=True)


def invitation_page(secret, errors=None, is_judged=False):
    found = invitations.check(secret)
    if found.state != "open":
        page = render_template("invitations/refused.html", state=found.state, expires=found.expires)
        return page, 404 if found.state == "unknown" else 410
    user = found.user
    page = render_template(
        "invitations/register.html",
        invitation=found,
        secret=secret,
        shortest=SHORTEST_PASSWORD,
        strength=judged(user.user_name, user.email, user.display) if is_judged else None,
        errors=errors or {},
    )
    return page, 422 if errors else 200


@bp.get("/invitation/new")
@public
def new_link():
    return new_link_page()


@bp.post("/invitation/new")
@public
def send_new_link():
    """Answer the same whether or not somebody is invited at this address."""
    email = request.form.get("email", "").strip()
    if not email:
        return new_link_page({"email": "Type the e-mail address at which you were invited."})
    with transaction():
        invitations.request_new(email, request.remote_addr or "")
    flash("If somebody is invited at this address, a new link is on its way to it, and the old one is dead.")
    return done(url_for("portal.new_link"))


def new_link_page(errors=None):
    page = render_template("invitations/new_link.html", email=request.form.get("email", ""), errors=errors or {})
    return page, 422 if errors else 200
