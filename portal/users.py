"""Users: the list, a person's pages, and what can be done to them."""

from dataclasses import dataclass, replace

from flask import abort, flash, redirect, render_template, request, url_for

from core import attributes, configurations, directory, history, lists, variables
from core.history import AuditQuery
from core.lists import UserQuery, UserRow
from database import now, transaction
from portal import access, bp, downloads, people_forms
from portal.access import needs
from portal.csv_export import csv_response
from portal.frame import done, here, people
from portal.jobs import AT_ONCE, carry_out
from portal.lists import (
    INVITES,
    NAMED,
    SOURCES,
    STATUSES,
    as_number,
    chips,
    first_row,
    is_untidy,
    kept_choice,
    nobody,
    shown,
    since_shown,
    ticked,
    tidy_address,
    user_query,
    way_back,
)
from protocol.errors import ScimError

MOST_BEHIND = 50  # versions that a form may be older than what is stored, for the changes to be told
EXPORTED = (
    "Name",
    "User name",
    "E-mail",
    "Source",
    "Status",
    "Invite",
    "Groups",
    "Created",
    "Last changed",
    "Id",
)


@dataclass(frozen=True)
class Change:
    """What can be done to many: in words, and to whom it applies."""

    verb: str
    participle: str
    name: str  # of the condition in a UserQuery
    value: str
    others: str  # what is said of those to whom it does not apply

    def suits(self, row: UserRow) -> bool:
        state = {"status": "enabled" if row.enabled else "disabled", "source": row.source}
        return state[self.name] == self.value

    def narrowed(self, query: UserQuery) -> UserQuery | None:
        """Return the query for those to whom it applies, or None where it can be nobody."""
        asked = getattr(query, self.name)
        return replace(query, **{self.name: self.value}) if asked in ("", self.value) else None


CHANGES = {
    "disable": Change("Disable", "Disabled", "status", "enabled", "disabled already"),
    "enable": Change("Enable", "Enabled", "status", "disabled", "enabled already"),
    "delete": Change("Delete", "Deleted", "source", "local", "managed by Okta, and can only be removed there"),
}


@bp.get("/users")
@needs("readonly")
def users():
    """The list. Its search, filters, order and place are in the address: a view can be bookmarked."""
    if is_untidy() and "HX-Request" not in request.headers:
        return redirect(here())
    query = user_query(request.args)
    group = lists.group(query.group) if query.group else None
    if query.group and group is None:
        abort(404, "This group is not here: it was deleted. Open Users to see everybody.")
    page = lists.users(query, request.args.get("after", ""), request.args.get("before", ""))
    html = render_template(
        "users/list.html",
        query=query,
        page=page,
        first=first_row(page),
        chips=chips(
            ("q", query.text and f"“{query.text}”"),
            ("source", SOURCES.get(query.source, query.source)),
            ("status", STATUSES.get(query.status, query.status)),
            ("invite", INVITES.get(query.invite, query.invite)),
            ("group", group and f"In {group.name}"),
        ),
        is_empty=not page.rows and not any(lists.user_totals().values()),
        base_url=access.base_url(),
        sources=SOURCES,
        statuses=STATUSES,
        invites=INVITES,
    )
    return html, tidy_address()


@bp.get("/users/export.csv")
@needs("readonly")
def export_users():
    return exported(lists.user_batches(user_query(request.args)))


@bp.post("/users/export.csv")
@needs("readonly")
def export_chosen():
    """Export whom the form chose; all that match where nobody is ticked."""
    if request.form.get("all") or not request.form.getlist("user"):
        return exported(lists.user_batches(user_query(request.form)))
    return exported([ticked()])


def exported(batches):
    """Answer with a CSV file of the people in `batches`, which are lists of UserRows."""
    return csv_response(f"users-{now()[:10]}.csv", EXPORTED, (map(cells, rows) for rows in batches))


def cells(row: UserRow) -> tuple:
    return (
        row.display,
        row.user_name,
        row.email,
        SOURCES[row.source],
        STATUSES["enabled" if row.enabled else "disabled"],
        INVITES.get(row.invite, row.invite),
        "; ".join(name for _id, name in row.groups),
        row.created,
        row.last_modified,
        row.id,
    )


@bp.get("/users/<any(disable, enable, delete):kind>")
@needs("helpdesk")
def ask_whom(kind):
    """Lead who loads a confirmation's address anew back to the list: whom it was about is not in it."""
    return redirect(url_for("portal.users"))


@bp.post("/users/<any(disable, enable, delete):kind>")
@needs("helpdesk")
def change_users(kind):
    """Ask for confirmation; do it once the form repeats whom that was shown for, and the password."""
    change = CHANGES[kind]
    pks, others = chosen(change)
    if not pks:
        flash(nobody("changed", f"they are {change.others}" if others else ""), "error")
        return done(way_back())
    if "shown" not in request.form:
        return confirmation(kind, pks, others)
    errors = refusals(kind, pks)
    if errors:
        return confirmation(kind, pks, others, errors), 422
    rows = lists.users_of_pks(pks) if len(pks) == 1 else []
    with transaction():
        pks, others = chosen(change)
        is_as_shown = request.form["shown"] == shown(pks)
        changed, job_id = carry_out(kind, pks) if is_as_shown else (None, None)
    if not is_as_shown:
        problem = f"{since_shown(pks)} Nothing was changed: look again."
        return confirmation(kind, pks, others, {"form": problem}), 409
    if job_id:
        return done(url_for("portal.job", job_id=job_id))
    flash(f"{change.participle} {rows[0].name if rows else people(changed)}.")
    return done(way_back())


def chosen(change: Change) -> tuple:
    """Return (pks of those whom the form chose and to whom it applies, how many others it chose)."""
    if not request.form.get("all"):
        rows = ticked()
        pks = [row.pk for row in rows if change.suits(row)]
        return pks, len(rows) - len(pks)
    query = user_query(request.form)
    narrowed = change.narrowed(query)
    pks = lists.matching_pks(narrowed) if narrowed else []
    return pks, lists.count_users(query) - len(pks)


def refusals(kind, pks) -> dict:
    """Return {field: what is wrong} of a confirmation."""
    errors = access.password_errors()
    if kind == "delete" and request.form.get("typed", "").strip().replace(",", "") != to_type(pks).replace(",", ""):
        errors["typed"] = f"Type {to_type(pks)} to say that you mean it."
    return errors


def to_type(pks) -> str:
    """Return what must be typed before people are deleted: the user name of one, the number of many."""
    return lists.users_of_pks(pks)[0].user_name if len(pks) == 1 else f"{len(pks):,}"


def confirmation(kind, pks, others, errors=None):
    rows = lists.users_of_pks(pks[:NAMED])
    return render_template(
        "users/confirm.html",
        kind=kind,
        change=CHANGES[kind],
        whom=rows[0].name if len(pks) == 1 and rows else people(len(pks)),
        rows=rows,
        more=len(pks) - len(rows),
        others=others,
        is_of_okta=kind != "delete" and is_any_of_okta(pks),
        to_type=to_type(pks) if kind == "delete" else None,
        shown=shown(pks),
        kept=kept_choice(),
        back=way_back(),
        errors=errors or {},
    )


def is_any_of_okta(pks) -> bool:
    """Return whether Okta manages any of them, or may: of many, nobody looks."""
    return len(pks) > AT_ONCE or any(row.source == "scim" for row in lists.users_of_pks(pks))


@bp.get("/users/<user_id>")
@needs("readonly")
def user(user_id):
    found = find(user_id)
    return person_page(
        "overview", found, facts=people_forms.facts(found), external_id=found.document.get("externalId")
    )


@bp.get("/users/<user_id>/attributes")
@needs("readonly")
def user_attributes(user_id):
    found = find(user_id)
    defined = attributes.defined()
    received = history.received(found)
    return person_page(
        "attributes",
        found,
        system=system_attributes(found, received),
        custom=custom_attributes(found, defined, received),
    )


@bp.get("/users/<user_id>/groups")
@needs("readonly")
def user_groups(user_id):
    return person_page("groups", find(user_id))


@bp.get("/users/<user_id>/configurations")
@needs("readonly")
def user_configurations(user_id):
    found = find(user_id)
    return person_page("configurations", found, delivered=configurations.of_user(found.pk))


@bp.get("/users/<user_id>/configurations/<int:configuration_id>")
@needs("readonly")
def user_configuration(user_id, configuration_id):
    """What a person gets of a configuration, without its passwords: for people, not for a device."""
    found = find(user_id)
    for configuration, delivered in configurations.of_user(found.pk):
        if configuration.id == configuration_id:
            rendering = configuration.rendering(found.document)
            lines = configurations.lines(configuration.kind, rendering.fields) if rendering.ready else []
            return person_page(
                "configuration", found, configuration=configuration, delivered=delivered, lines=lines
            )
    abort(404, "This person does not get such a configuration.")


@bp.get("/users/<user_id>/configurations/<int:configuration_id>/download")
@needs("administrator")
def download_configuration(user_id, configuration_id):
    """What the person's device reads: passwords stand in it."""
    return downloads.profile(configuration_id, find(user_id).pk)


@bp.get("/users/<user_id>/activity")
@needs("readonly")
def user_activity(user_id):
    before = as_number(request.args.get("before", ""))
    lines, older = history.audit_page(AuditQuery(resource_id=user_id), before)
    changes = [(line, history.changes(line)) for line in lines]
    return person_page("activity", find(user_id), changes=changes, older=older, is_newest=before is None)


def find(user_id):
    """Return the directory.Resource of a user, or raise 404."""
    return directory.find(attributes.user_type(), user_id)


def person_page(tab, user, **others):
    row, address = lists.user(user.id), variables.mailbox(user.document)
    return render_template(f"users/{tab}.html", user=user, row=row, address=address, tab=tab, **others)


@dataclass(frozen=True)
class AttributeRow:
    """An attribute of a person, as the page shows it."""

    name: str
    value: str | None
    received: str | None  # when Okta last sent it
    is_of_okta: bool  # whether Okta did


def system_attributes(user, received) -> list[AttributeRow]:
    values = variables.system_values(user.document)
    keys = {name: key_of(user, variable.path) for name, variable in variables.SYSTEM.items()}
    return [attribute_row(user, name, value, keys[name], received) for name, value in values.items()]


def key_of(user, path):
    """Return the key by which history.received knows what a system variable comes from."""
    if path == "emails.value" and not user.document.get("emails"):
        path = "userName"  # it stands in for an e-mail address
    chain = user.type.paths[path.lower()]
    return chain[0].key if chain[0].multi_valued else chain[-1].key


def custom_attributes(user, defined, received) -> list[AttributeRow]:
    values = variables.custom_values(user.document, defined)
    return [attribute_row(user, name, values.get(name), f"ivanti:{name}", received) for name, *_ in defined]


def attribute_row(user, name, value, key, received) -> AttributeRow:
    return AttributeRow(name, value, received.get(key), key in received or user.source == "scim")


@bp.get("/users/new")
@needs("helpdesk")
def new_user():
    return user_form(people_forms.fields_of(attributes.defined()))


@bp.post("/users/new")
@needs("helpdesk")
def create_user():
    fields = people_forms.fields_of(attributes.defined())
    document = people_forms.laid_over({}, fields, request.form)
    try:
        with transaction():
            made = directory.create(attributes.user_type(), document, access.actor(), ignored=[])
    except ScimError as error:
        return user_form(fields, error=error)
    flash(f"Added {made.name}.")
    return done(url_for("portal.user", user_id=made.id))


@bp.get("/users/<user_id>/edit")
@needs("helpdesk")
def edit_user(user_id):
    found = find(user_id)
    if found.source != "local":
        return managed(found)
    return user_form(people_forms.fields_of(attributes.defined()), found)


@bp.post("/users/<user_id>/edit")
@needs("helpdesk")
def save_user(user_id):
    """Lay the form over the person's newest document; refuse a form that is older than that."""
    fields = people_forms.fields_of(attributes.defined())
    found = None
    try:
        with transaction():
            found = find(user_id)
            is_ours = found.source == "local"
            is_current = str(found.version) == request.form.get("version")
            if is_ours and is_current:
                document = people_forms.laid_over(found.document, fields, request.form)
                directory.save(found, found.type.normalise(document, []), access.actor())
    except ScimError as error:
        if found is None:
            raise
        return user_form(fields, found, error)
    if not is_ours:
        return managed(found)
    if not is_current:
        return user_form(fields, found, is_stale=True)
    flash(f"Saved {lists.user(user_id).name}.")
    return done(url_for("portal.user", user_id=user_id))


def managed(user):
    """Answer that only Okta changes this person."""
    return render_template("users/managed.html", user=user, row=lists.user(user.id)), 409


def user_form(fields, user=None, error=None, is_stale=False):
    """Return the form with what was typed, what is wrong with it, and what was changed meanwhile."""
    stored = people_forms.shown(user.document if user else {}, fields)
    typed = {field.name: request.form.get(field.name, stored[field.name]) for field in fields}
    since = changes_since(user, request.form.get("version", "")) if is_stale else []
    differs = brought_up_to_date(typed, stored, fields, user, since) if is_stale else set()
    page = render_template(
        "users/form.html",
        user=user,
        row=lists.user(user.id) if user else None,
        fields=fields,
        typed=typed,
        stored=stored,
        errors=form_errors(error, fields),
        is_stale=is_stale,
        differs=differs,
        since=[(line, history.changes(line)) for line in since],
    )
    return page, 409 if is_stale or (error and error.status == 409) else 422 if error else 200


def brought_up_to_date(typed, stored, fields, user, since) -> set:
    """Show the stored values in the fields that nobody had typed in; return the names of the others that differ."""
    opened = people_forms.shown(people_forms.before(user.document, since), fields)
    differs = set()
    for field in fields:
        name = field.name
        if since and people_forms.is_same(field, typed[name], opened[name]):
            typed[name] = stored[name]
        elif not people_forms.is_same(field, typed[name], stored[name]):
            differs.add(name)
    return differs


def form_errors(error, fields) -> dict:
    if error is None:
        return {}
    if error.status == 409:
        return {"user_name": "This user name is taken already; letter case does not count. Choose another."}
    if error.path == "userName" and not request.form.get("user_name", "").strip():
        return {"user_name": "A person needs a user name."}
    return people_forms.refusal(error, fields)


def changes_since(user, version) -> list:
    """Return the audit lines since a version, newest first: each one that came after it has a line."""
    shown = as_number(version)
    behind = 0 if shown is None else user.version - shown
    if not 0 < behind <= MOST_BEHIND:
        return []
    return history.audit_page(AuditQuery(kind="User", resource_id=user.id), count=behind)[0]
