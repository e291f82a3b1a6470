"""Admin > System > Attributes: what is known of a person, and who sends it."""

from flask import flash, render_template, request, url_for

from core import attributes as core
from core import variables
from core.attributes import DefinitionError
from models import transaction
from portal import access, bp
from portal.access import needs
from portal.frame import done


@bp.get("/admin/system/attributes")
@needs("readonly")
def attributes():
    return _page()


def _page(problem=None):
    page = render_template(
        "attributes/list.html",
        system=variables.SYSTEM,
        custom=core.listing(),
        problem=problem,
        back=request.form.get("next") and access.local_path(request.form["next"]),
    )
    return page, 422 if problem else 200


@bp.post("/admin/system/attributes/define")
@needs("administrator")
def define_attribute():
    """Define what Okta sends already and nobody has defined: *Define it* in the provisioning log."""
    name = request.form.get("name", "")
    try:
        with transaction():
            core.add(name, "string", False, access.actor())
    except DefinitionError as error:
        return _page(str(error))
    flash(f"The custom attribute {name} is defined, as a string. Okta's next update of a person fills it.")
    target = request.form.get("next")
    return done(access.local_path(target) if target else url_for("portal.attributes"))


@bp.get("/admin/system/attributes/define")
@needs("readonly")
def attribute_form():
    """Lead back from the address that a browser shows once a definition was refused."""
    return done(url_for("portal.attributes"))
