"""Configurations: the list, one's page, and the editor, which shows who would get it before it is saved."""

from base64 import b64decode, b64encode
from dataclasses import dataclass

from flask import abort, flash, render_template, request, url_for

from core import attributes, configurations, deliveries, directory, jobs, journal, lists, mobileconfig
from core.configurations import ConfigurationError, Readiness, Stale
from core.deliveries import Configuration
from core.lists import GroupQuery, UserQuery
from core.mobileconfig import TYPES, Kind
from database import transaction
from portal import access, bp
from portal.access import needs
from portal.frame import done, people
from portal.lists import as_number

FIELD = "field-"  # begins the names of the type's own fields in a form
FORGET = "forget-"  # and of the boxes that take a stored password away
PAIR = ("key", "type", "value")
BLANK_ROWS = 2  # of key and value pairs, below those that are filled in
OFFERED = 5  # people from whom a preview is chosen
FOUND = 20  # groups that a search shows
NEW = {"missing": "hold", "distribution": "nobody"}


@dataclass(frozen=True)
class Form:
    """What the editor shows: what was sent, what is stored, or what a new one begins with."""

    kind: Kind
    name: str
    typed: dict  # of the type's fields, as mobileconfig.checked reads them
    missing: str
    distribution: str
    groups: tuple  # ids
    stored: Configuration | None = None
    forgotten: frozenset = frozenset()  # names of the passwords that are to go

    def to_keep(self) -> dict:
        """Return what was typed, with the stored passwords in place of those that were left empty."""
        kept = {
            field.name: self.stored.fields[field.name]
            for field in self.kind.fields
            if self.keeps(field) and not self.typed[field.name] and field.name not in self.forgotten
        }
        return self.typed | kept

    def keeps(self, field) -> bool:
        """Return whether a password is stored: no page is ever told which."""
        return field.type == "password" and self.stored is not None and field.name in self.stored.fields

    def checked(self) -> tuple[dict, dict]:
        return mobileconfig.checked(self.kind, self.to_keep(), configurations.available())

    def arguments(self) -> tuple:
        """Return what core.create and core.save take between the type or version and who did it."""
        return self.name, self.to_keep(), self.missing, self.distribution, self.groups


@dataclass(frozen=True)
class Preview:
    """What a form would be for one person, as yet unsaved."""

    person: lists.UserRow
    held: dict  # {variable: why}
    lines: list  # [("+", "-" or " ", text)]
    is_changed: bool  # against what is saved
    values: dict  # {variable: text or None}


@bp.get("/configurations")
@needs("readonly")
def configurations_list():
    return render_template("configurations/list.html", rows=configurations.listing(), distributed=distributed)


def distributed(configuration) -> str:
    """Return in words to whom a configuration goes."""
    if configuration.distribution != "groups":
        return configurations.DISTRIBUTIONS[configuration.distribution]
    names = [group.name for group in configuration.groups]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "Chosen groups, all of them deleted"


def summary(ready: int, held: int, because) -> str:
    """Return how many are ready and how many held, and by which variables: "182 ready, 8 held: custAttr1"."""
    names = ", ".join(because)
    return f"{ready:,} ready, {held:,} held" + (f": {names}" if held and names else "")


def find(configuration_id) -> Configuration:
    """Return a configuration, or answer 404."""
    found = configurations.find(configuration_id) if configuration_id < 2**63 else None
    if found is None:
        abort(404, "This configuration is not here: it was deleted. Configurations lists those that are.")
    return found


@bp.get("/configurations/<int:configuration_id>")
@needs("readonly")
def configuration(configuration_id):
    """What it is, to whom it goes, and who is held, by a variable or by any."""
    found = find(configuration_id)
    by_variable = configurations.held_by(found.id)
    variable = request.args.get("held", "")
    variable = variable if variable in by_variable else ""
    after = request.args.get("after", "")
    held, older = configurations.held_because(found.id, variable, as_number(after) or 0)
    ready, held_count = configurations.counts(found.id)
    return render_template(
        "configurations/page.html",
        configuration=found,
        described=described(found.kind, found.fields),
        ready=ready,
        held_count=held_count,
        by_variable=by_variable,
        variable=variable,
        held=held,
        is_first=not after,
        following=older,
        job=jobs.last_delivery(found.id),
        missing=configurations.MISSING,
        distributions=configurations.DISTRIBUTIONS,
    )


def described(kind, fields) -> list[tuple]:
    """Return [(label, [text])] of the stored fields; a password is only said to be there."""
    return [(field.label, _texts(field, fields[field.name])) for field in kind.fields if field.name in fields]


def _texts(field, value):
    match field.type:
        case "password":
            return ["•••"]
        case "boolean":
            return ["Yes" if value else "No"]
        case "choice":
            return [next(choice.label for choice in field.choices if choice.value == value)]
        case "data":
            return [f"A picture of {len(b64decode(value)):,} bytes"]
        case "lines":
            return value
        case "pairs":
            return [f"{pair['key']} = {pair['value']} ({pair['type']})" for pair in value]
    return [str(value)]


@bp.get("/configurations/new")
@needs("administrator")
def new_configuration():
    """The form for a new one of the type that the address names; without one, the types."""
    kind = asked_kind()
    if kind is None:
        return render_template("configurations/types.html", kinds=TYPES.values())
    return editor(Form(kind, "", mobileconfig.as_typed(kind), **NEW, groups=()))


def asked_kind() -> Kind | None:
    return TYPES.get(request.values.get("type", ""))


@bp.post("/configurations/new")
@needs("administrator")
def create_configuration():
    kind = asked_kind()
    if kind is None:
        return done(url_for("portal.new_configuration"))
    form = sent_form(kind)
    try:
        with transaction():
            outcome = configurations.create(kind, *form.arguments(), access.actor())
    except ConfigurationError as error:
        return editor(form, error)
    return saved(outcome)


def saved(outcome):
    """Say how many are ready and held now, or that a job is on its way to them; show the configuration."""
    kept = outcome.configuration
    if outcome.job_id:
        flash("Saved. It is on its way to its people.")
    elif kept.distribution == "nobody":
        flash("Saved. It goes to nobody yet.")
    else:
        flash(f"Saved. {summary(*configurations.counts(kept.id), configurations.held_by(kept.id))}.")
    return done(url_for("portal.configuration", configuration_id=kept.id))


@bp.get("/configurations/<int:configuration_id>/edit")
@needs("administrator")
def edit_configuration(configuration_id):
    return editor(stored_form(find(configuration_id)))


def stored_form(stored) -> Form:
    return Form(
        stored.kind,
        stored.name,
        mobileconfig.as_typed(stored.kind, stored.fields),
        stored.missing,
        stored.distribution,
        tuple(group.id for group in stored.groups),
        stored,
    )


@bp.post("/configurations/<int:configuration_id>/edit")
@needs("administrator")
def save_configuration(configuration_id):
    """Keep what was typed, unless the form is older than what is stored."""
    form, version = None, request.form.get("version", type=int, default=0)
    try:
        with transaction():
            form = sent_form_of(configuration_id)
            outcome = configurations.save(configuration_id, version, *form.arguments(), access.actor())
    except ConfigurationError as error:
        return editor(form, error)
    except Stale:
        return editor(form, is_stale=True)
    if outcome.configuration.version == version:
        flash("Nothing was changed: all is as it was.")
        return done(url_for("portal.configuration", configuration_id=configuration_id))
    return saved(outcome)


def sent_form_of(configuration_id) -> Form:
    """Return the form that was sent; what was deleted meanwhile is known by the type that the form carries."""
    stored = configurations.find(configuration_id) if configuration_id < 2**63 else None
    kind = stored.kind if stored else asked_kind()
    if kind is None:
        find(configuration_id)
    return sent_form(kind, stored)


def sent_form(kind, stored=None) -> Form:
    return Form(
        kind,
        request.form.get("name", ""),
        sent_fields(kind),
        request.form.get("missing", ""),
        request.form.get("distribution", ""),
        tuple(dict.fromkeys(request.form.getlist("group"))),
        stored,
        frozenset(field.name for field in kind.fields if FORGET + field.name in request.form),
    )


def sent_fields(kind) -> dict:
    """Return what was typed into the fields of a type; a picture may come as a file as well."""
    sent: dict = {}
    for field in kind.fields:
        name = FIELD + field.name
        if field.type == "pairs":
            sent |= {f"{field.name}.{part}": request.form.getlist(f"{name}.{part}") for part in PAIR}
            continue
        sent[field.name] = request.form.get(name, "")
        if field.type == "data" and (file := request.files.get(f"{name}-file")):
            sent[field.name] = b64encode(file.read()).decode() or sent[field.name]
    return sent


@bp.post("/configurations/new/preview")
@needs("administrator")
def preview_new_configuration():
    """Answer the editor with what was typed and what would become of it; nothing is kept."""
    kind = asked_kind()
    return editor(sent_form(kind), is_check=True) if kind else done(url_for("portal.new_configuration"))


@bp.post("/configurations/<int:configuration_id>/preview")
@needs("administrator")
def preview_configuration(configuration_id):
    return editor(sent_form_of(configuration_id), is_check=True)


@bp.get("/configurations/new/preview")
@bp.get("/configurations/<int:configuration_id>/preview")
@bp.get("/configurations/<int:configuration_id>/copy")
@bp.get("/configurations/<int:configuration_id>/deliver")
@needs("readonly")
def configuration_form(configuration_id=None):
    """Lead back from the address that a browser shows once a form was looked at."""
    if configuration_id is None:
        return done(url_for("portal.configurations_list"))
    return done(url_for("portal.configuration", configuration_id=find(configuration_id).id))


def editor(form, error=None, is_stale=False, is_check=False):
    """Answer the form, with what is wrong with it, who would get it, and what it would be for somebody.

    A look at a form that is not sent to be kept is answered with 200, whatever is wrong in it.
    """
    fields, wrong = form.checked()
    found, chosen = to_preview_as()
    page = render_template(
        "configurations/form.html",
        form=form,
        used={field.name for field in form.kind.fields if mobileconfig.shown(field, fields)},
        conditions=conditions(form.kind),
        errors=_errors(error, wrong if is_check else {}),
        wrong=wrong if is_check else {},
        is_complete=not wrong,
        readiness=None if wrong else readiness(form, fields),
        people=found,
        preview=preview(form, None if wrong else fields, chosen) if chosen else None,
        groups=offered_groups(form),
        differs=differing(form) if is_stale and form.stored else {},
        is_stale=is_stale,
        is_check=is_check,
        save=address("save_configuration", "create_configuration", form),
        look=address("preview_configuration", "preview_new_configuration", form),
        field_prefix=FIELD,
        forget_prefix=FORGET,
        blank_rows=BLANK_ROWS,
        variables=configurations.available(),
        missing=configurations.MISSING,
        distributions=configurations.DISTRIBUTIONS,
        pair_types=mobileconfig.PAIR_TYPES,
        summary=summary,
    )
    return page, 409 if is_stale else 422 if error else 200


def address(of_stored, of_new, form) -> str:
    """Return where a form is sent, by the names of two views."""
    if form.stored:
        return url_for(f"portal.{of_stored}", configuration_id=form.stored.id)
    return url_for(f"portal.{of_new}", type=form.kind.name)


def conditions(kind) -> dict:
    """Return {field: (the input that decides, JSON of the values with which it is used, the same in words)}."""
    by_name, found = {field.name: field for field in kind.fields}, {}
    for field in kind.fields:
        if field.when:
            other, values = by_name[field.when[0]], field.when[1]
            texts = [("on" if value else "off") if isinstance(value, bool) else value for value in values]
            labels = {choice.value: choice.label for choice in other.choices}
            words = f"Used when {other.label} is {', or '.join(labels.get(text, text) for text in texts)}."
            found[field.name] = FIELD + other.name, journal.as_json(texts), words
    return found


def _errors(error, wrong) -> dict:
    """Return {id of an input: sentence}."""
    own, of_fields = (error.errors, error.fields) if error else ({}, wrong)
    return own | {FIELD + name: sentence for name, sentence in of_fields.items()}


def readiness(form, fields) -> Readiness | None:
    """Return who would get it; what cannot be saved goes to nobody."""
    known = form.missing in configurations.MISSING and form.distribution in configurations.DISTRIBUTIONS
    if not known or form.distribution == "nobody":
        return None
    return configurations.readiness(form.kind, fields, form.missing, form.distribution, form.groups)


def to_preview_as() -> tuple:
    """Return (the people to choose from, the one who is chosen, or None where there is nobody)."""
    found = lists.users(UserQuery(text=request.values.get("person_q", "").strip()), count=OFFERED).rows
    chosen = lists.user(request.values.get("person", "")) or next(iter(found), None)
    if chosen and chosen.id not in [row.id for row in found]:
        found = [chosen, *found]
    return found, chosen


def preview(form, fields, person) -> Preview:
    """Return what fields would be for a person, beside what is saved; None for fields that cannot be."""
    document = directory.find(attributes.user_type(), person.id).document
    values = configurations.values_of(document)
    if fields is None:
        return Preview(person, {}, [], False, values)
    rendering = configurations.preview(form.kind, fields, form.missing, document)
    if not rendering.ready:
        return Preview(person, rendering.held, [], False, values)
    if form.stored is None:
        texts = configurations.lines(form.kind, rendering.fields)
        return Preview(person, {}, [(" ", text) for text in texts], False, values)
    old = configurations.preview(form.kind, form.stored.fields, form.stored.missing, document)
    lines = configurations.differences(form.kind, old.fields, rendering.fields)
    return Preview(person, {}, lines, any(sign != " " for sign, _ in lines), values)


def offered_groups(form) -> list:
    """Return the groups that are chosen, then those that a search finds: rows of lists.groups."""
    chosen = [row for row in map(lists.group, form.groups) if row]
    found = lists.groups(GroupQuery(text=request.values.get("group_q", "").strip()), count=FOUND).rows
    return chosen + [row for row in found if row.id not in form.groups]


def differing(form) -> dict:
    """Return {name of an input: what is stored} of whatever a form has otherwise; of no password."""
    stored = stored_form(form.stored)
    differs = {
        name: words.get(getattr(stored, name), getattr(stored, name))
        for name, words in (
            ("name", {}),
            ("missing", configurations.MISSING),
            ("distribution", configurations.DISTRIBUTIONS),
        )
        if getattr(stored, name) != getattr(form, name)
    }
    if set(stored.groups) != set(form.groups):
        differs["groups"] = ", ".join(group.name for group in form.stored.groups) or "none"
    texts = dict(described(form.kind, form.stored.fields))
    for field in form.kind.fields:
        names = [f"{field.name}.{part}" for part in PAIR] if field.type == "pairs" else [field.name]
        if field.type != "password" and any(_plain(stored, name) != _plain(form, name) for name in names):
            differs[FIELD + field.name] = ", ".join(texts.get(field.label, [])) or "nothing"
    return differs


def _plain(form, name):
    value = form.typed[name]
    if isinstance(value, list):
        return [text.strip() for text in value if text.strip()]
    return value.replace("\r\n", "\n").strip()


@bp.post("/configurations/<int:configuration_id>/copy")
@needs("administrator")
def copy_configuration(configuration_id):
    """Make a copy, which goes to nobody until somebody says to whom, and open it."""
    with transaction():
        made = configurations.copy(find(configuration_id).id, access.actor())
    flash(f"Made {made.name}. It goes to nobody yet.")
    return done(url_for("portal.edit_configuration", configuration_id=made.id))


@bp.post("/configurations/<int:configuration_id>/deliver")
@needs("administrator")
def deliver_configuration(configuration_id):
    """Bring it to everybody whom it concerns once more, after a job that did not come to its end."""
    with transaction():
        deliveries.distribute_anew(find(configuration_id), access.actor())
    return done(url_for("portal.configuration", configuration_id=configuration_id))


@bp.get("/configurations/<int:configuration_id>/delete")
@needs("administrator")
def confirm_configuration_removal(configuration_id):
    return removal_form(find(configuration_id))


@bp.post("/configurations/<int:configuration_id>/delete")
@needs("administrator")
def delete_configuration(configuration_id):
    found = find(configuration_id)
    errors = access.password_errors()
    if request.form.get("typed", "").strip() != found.name:
        errors["typed"] = f"Type {found.name} to say that you mean it."
    if errors:
        return removal_form(found, errors), 422
    with transaction():
        configurations.remove(find(configuration_id).id, access.actor())
    flash(f"Deleted {found.name}. Nobody gets it any more.")
    return done(url_for("portal.configurations_list"))


def removal_form(found, errors=None):
    ready, _held = configurations.counts(found.id)
    return render_template(
        "configurations/delete.html", configuration=found, whom=people(ready), ready=ready, errors=errors or {}
    )
