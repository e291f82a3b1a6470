"""My device: where people who have registered sign in, and what they see. No administrator signs in here."""

from flask import render_template, request, session, url_for

from core import attributes, configurations, directory, people, variables
from database import transaction
from portal import access, bp, downloads, people_forms
from portal.access import needs, public
from portal.account import ask_for_link, forgotten_page
from portal.frame import done


@bp.get("/device/sign-in")
@public
def person_sign_in():
    if session.person:
        return done(url_for("portal.device"))
    return render_template("device/sign_in.html", name="", error=None)


@bp.post("/device/sign-in")
@public
def send_person_sign_in():
    name = request.form.get("name", "")
    person = people.sign_in(name, request.form.get("password", ""), request.remote_addr or "")
    if person is None:
        error = "The name or the password is wrong."
        return render_template("device/sign_in.html", name=name, error=error), 422
    with transaction():
        access.sign_in_person(person)
    target = request.args.get("next", "")
    return done(access.local_path(target) if target.startswith("/device") else url_for("portal.device"))


@bp.post("/device/sign-out")
@needs("person")
def person_sign_out():
    with transaction():
        access.sign_out()
    return done(url_for("portal.person_sign_in"))


@bp.get("/device/sign-out")
@public
def person_sign_out_form():
    """Lead on from the address that a browser shows once the form was refused; a link signs nobody out."""
    return done(url_for("portal.person_sign_in"))


@bp.get("/device")
@needs("person")
def device():
    """Show people their configurations, those that are ready, and what is kept of them.

    A custom attribute without a value is nothing of theirs.
    """
    user = directory.find(attributes.user_type(), session.person.id)
    return render_template(
        "device/page.html",
        name=session.person.display.strip() or session.person.user_name,
        facts=people_forms.facts(user),
        custom=variables.custom_values(user.document, attributes.defined()),
        ready=[(found, delivered) for found, delivered in configurations.of_user(user.pk) if delivered.is_ready],
    )


@bp.get("/device/configurations/<int:configuration_id>")
@needs("person")
def install_configuration(configuration_id):
    """Answer with one's own profile: whose it is, only the session says."""
    return downloads.profile(configuration_id, session.person.pk)


@bp.get("/device/forgotten")
@public
def device_forgotten():
    return forgotten_page("person")


@bp.post("/device/forgotten")
@public
def send_device_forgotten():
    return ask_for_link("person", url_for("portal.device_forgotten"))
