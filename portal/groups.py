"""User groups: the list, a group's page, and what can be done to groups that were made here."""

from flask import abort, flash, redirect, render_template, request, url_for

from core import configurations, directory, lists
from core.lists import GroupQuery, UserQuery
from database import transaction
from portal import access, bp, people_forms
from portal.access import needs
from portal.frame import done, here, people
from portal.lists import (
    SOURCES,
    chips,
    first_row,
    gone,
    is_untidy,
    nobody,
    some,
    ticked,
    tidy_address,
    user_query,
    way_back,
)
from protocol.errors import ScimError
from protocol.schema import GROUP_TYPE

NAME = people_forms.Field("name", "Name", "displayName")
FOUND = 20  # people whom the search for new members shows
MANAGED = (
    "Managed by Okta: its next push would undo what is changed here. Nothing was changed: "
    "change the group in Okta, and it arrives by itself."
)
# what is said of those who were, and of one or several who were in or out already
MEMBER_CHANGES = {
    "add": ("added", "is in the group already", "are in the group already"),
    "remove": ("removed", "is not in the group any more", "are not in the group any more"),
}


@bp.get("/users/groups")
@needs("readonly")
def groups():
    if is_untidy() and "HX-Request" not in request.headers:
        return redirect(here())
    query = group_query(request.args)
    page = lists.groups(query, request.args.get("after", ""), request.args.get("before", ""))
    html = render_template(
        "groups/list.html",
        query=query,
        page=page,
        first=first_row(page),
        chips=chips(("q", query.text and f"“{query.text}”"), ("source", SOURCES.get(query.source, query.source))),
        is_empty=not page.rows and not lists.group_totals(),
        sources=SOURCES,
    )
    return html, tidy_address()


def group_query(values) -> GroupQuery:
    return GroupQuery(
        text=values.get("q", "").strip(),
        source=values.get("source", ""),
        sort=values.get("sort") if values.get("sort") in lists.GROUP_COLUMNS else "name",
        descending=values.get("order") == "descending",
    )


@bp.get("/users/groups/<group_id>")
@needs("readonly")
def group(group_id):
    """A group and its members: a list of users like any other."""
    found = find(group_id)
    if is_untidy() and "HX-Request" not in request.headers:
        return redirect(here())
    query = members_query(found)
    page = lists.users(query, request.args.get("after", ""), request.args.get("before", ""))
    html = render_template(
        "groups/page.html",
        group=lists.group(group_id),
        query=query,
        page=page,
        first=first_row(page),
        distributed=configurations.of_group(found.pk),
    )
    return html, tidy_address()


def members_query(group) -> UserQuery:
    """Return the search among a group's members that the address carries."""
    asked = user_query(request.args)
    return UserQuery(text=asked.text, group=group.id, sort=asked.sort, descending=asked.descending)


def find(group_id):
    """Return the directory.Resource of a group, or raise 404."""
    return directory.find(GROUP_TYPE, group_id)


def find_local(group_id):
    """Return a group that was made here, or answer 404, or 409 for one of Okta's."""
    found = find(group_id)
    if found.source != "local":
        abort(409, MANAGED)
    return found


@bp.get("/users/groups/new")
@needs("helpdesk")
def new_group():
    return name_form()


@bp.post("/users/groups/new")
@needs("helpdesk")
def create_group():
    try:
        with transaction():
            made = directory.create(GROUP_TYPE, {"displayName": typed_name()}, access.actor(), ignored=[])
    except ScimError as error:
        return name_form(error=error)
    flash(f"Added the group {made.name}. Nobody is in it yet.")
    return done(url_for("portal.group", group_id=made.id))


@bp.get("/users/groups/<group_id>/edit")
@needs("helpdesk")
def edit_group(group_id):
    return name_form(find_local(group_id))


@bp.post("/users/groups/<group_id>/edit")
@needs("helpdesk")
def rename_group(group_id):
    """Rename a group, unless somebody else did since the form was opened."""
    found = None
    try:
        with transaction():
            found = find_local(group_id)
            is_current = found.name == request.form.get("shown")
            if is_current:
                document = GROUP_TYPE.normalise(found.document | {"displayName": typed_name()}, [])
                directory.save(found, document, access.actor())
    except ScimError as error:
        if found is None:
            raise
        return name_form(found, error)
    if not is_current:
        return name_form(found, is_stale=True)
    flash(f"The group is called {document['displayName']}.")
    return done(url_for("portal.group", group_id=group_id))


def typed_name() -> str:
    return request.form.get("name", "").strip()


def name_form(group=None, error=None, is_stale=False):
    """Return the form for a group's name, with what was typed and what is wrong with it."""
    page = render_template(
        "groups/form.html",
        group=group,
        name=request.form.get("name", group.name if group else ""),
        errors=name_errors(error),
        is_stale=is_stale,
    )
    return page, 409 if is_stale or (error and error.status == 409) else 422 if error else 200


def name_errors(error) -> dict:
    if error is None:
        return {}
    if error.status == 409:
        return {"name": "There is a group of this name already; letter case does not count. Choose another."}
    return people_forms.refusal(error, [NAME]) if typed_name() else {"name": "A group needs a name."}


@bp.get("/users/groups/<group_id>/add")
@needs("helpdesk")
def find_members(group_id):
    """Search for people to add."""
    return members_form(find_local(group_id))


@bp.post("/users/groups/<group_id>/add")
@needs("helpdesk")
def add_members(group_id):
    return change_members(group_id, "add")


@bp.post("/users/groups/<group_id>/remove")
@needs("helpdesk")
def remove_members(group_id):
    return change_members(group_id, "remove")


@bp.get("/users/groups/<group_id>/remove")
@needs("readonly")
def group_form(group_id):
    """Lead back from the address that a browser shows once the form was refused."""
    return done(url_for("portal.group", group_id=group_id))


def change_members(group_id, op):
    """Add or remove those whom the form ticked; whoever is gone meanwhile, or in or out already, is told of."""
    participle, *already = MEMBER_CHANGES[op]
    with transaction():
        found = find_local(group_id)
        ids = [row.id for row in ticked()]
        before = lists.group(group_id).member_count
        if ids:
            members = [{"value": identifier} for identifier in ids]
            body = {"Operations": [{"op": op, "path": "members", "value": members}]}
            directory.patch_with(found, body, access.actor(), ignored=[])
        changed = abs(lists.group(group_id).member_count - before)
    unchanged = some(len(ids) - changed, *already)
    if changed:
        said = [f"{participle.capitalize()} {people(changed)}", unchanged, gone()]
        flash(" ".join(f"{sentence}." for sentence in said if sentence))
    else:
        flash(nobody(participle, unchanged), "error")
    return done(way_back("portal.group", group_id=group_id))


def members_form(group):
    text = request.args.get("q", "").strip()
    page = lists.users(UserQuery(text=text), count=FOUND) if text else None
    html = render_template("groups/add.html", group=lists.group(group.id), text=text, page=page)
    return html, tidy_address()


@bp.get("/users/groups/<group_id>/delete")
@needs("helpdesk")
def confirm_group_removal(group_id):
    find_local(group_id)
    return removal_form(group_id)


@bp.post("/users/groups/<group_id>/delete")
@needs("helpdesk")
def delete_group(group_id):
    """Delete a group; its members stay, and stay enabled."""
    found = find_local(group_id)
    errors = access.password_errors()
    if request.form.get("typed", "").strip() != found.name.strip():
        errors["typed"] = f"Type {found.name} to say that you mean it."
    if errors:
        return removal_form(group_id, errors), 422
    with transaction():
        directory.remove(find_local(group_id), access.actor())
    flash(f"Deleted the group {found.name}. Its members stay as they are.")
    return done(url_for("portal.groups"))


def removal_form(group_id, errors=None):
    return render_template("groups/delete.html", group=lists.group(group_id), errors=errors or {})
