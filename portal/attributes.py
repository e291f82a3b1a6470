"""Admin > System > Attributes: what is known of a person, who sends it, and which configurations use it."""

from dataclasses import dataclass

from flask import abort, flash, render_template, request, url_for

from core import attributes as core
from core import configurations, mobileconfig, variables
from core.attributes import DefinitionError
from core.deliveries import Configuration
from database import transaction
from portal import access, bp
from portal.access import needs
from portal.frame import done
from portal.provisioning import okta_type
from protocol import definitions


@dataclass(frozen=True)
class Use:
    """A configuration that uses an attribute."""

    configuration: Configuration
    places: list  # labels of the fields in which it stands
    held: int  # people whom the lack of it holds


@bp.get("/admin/system/attributes")
@needs("readonly")
def attributes():
    return _page()


def _page(problem=None):
    page = render_template(
        "attributes/list.html",
        system=variables.SYSTEM,
        custom=core.listing(core.MOST_COUNTED),
        most_counted=core.MOST_COUNTED,
        uses={name: len(found) for name, found in configurations.uses().items()},
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
    """Lead back from the address that a browser shows once a definition was refused.

    An attribute may have this name as well: then this is its page.
    """
    return attribute("define") if _custom("define") else done(url_for("portal.attributes"))


@bp.get("/admin/system/attributes/<name>")
@needs("readonly")
def attribute(name):
    """An attribute of the system or a custom one: what to paste, where it is used, and who lacks it."""
    custom = _custom(name)
    if custom is None and name not in variables.SYSTEM:
        abort(404, "There is no attribute of this name; letter case counts. It may have been removed.")
    return render_template(
        "attributes/page.html",
        name=name,
        custom=custom,
        path=variables.SYSTEM[name].path if custom is None else None,
        users=core.count_holders(name) if custom else None,
        uses=[use(configuration, name) for configuration in configurations.uses_of(name)],
        namespace=definitions.CUSTOM,
        okta_type=okta_type,
    )


def _custom(name):
    """Return the definition of the custom attribute of exactly this name, or None."""
    try:
        found = core.find(name)
    except DefinitionError:
        return None
    return found if found.name == name else None


def use(configuration, name) -> Use:
    places = places_of(configuration, name)
    return Use(configuration, places, configurations.held_by(configuration.id).get(name, 0))


def places_of(configuration, name) -> list[str]:
    """Return the labels of the fields of a configuration in which a variable stands."""
    kind, fields = configuration.kind, configuration.fields
    return [
        field.label
        for field in kind.fields
        if field.name in fields and name in mobileconfig.names(kind, {field.name: fields[field.name]})
    ]
