"""The one way in to users and groups: find, list, create, replace, patch, delete. `save` holds the rules.

A write goes: document → (PUT body | PATCH applied to a copy) → save, which validates, checks uniqueness, refreshes
the look-ups, counts the version up, writes the audit line and notices that nothing changed. Group members are rows
and change as sets, so that a group's size does not matter. Everything here flushes; the door commits.
"""

from dataclasses import dataclass, replace
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, case, select, text, update
from sqlalchemy.exc import IntegrityError

from core import deliveries, invitations, journal, search, settings, words
from core.journal import Actor
from core.search import GROUPS, MEMBERS, TABLES, USERS, VALUES
from database import Prepared, execute, now
from engines import insert_new, is_one_of, json_list
from models import count_in_block, count_user
from protocol import patch
from protocol.errors import ScimError, invalid_value, mutability, no_target, not_found, uniqueness
from protocol.filters import Compare
from protocol.schema import GROUP_TYPE, ResourceType, fold, index_rows, user_name_key

SORT_WINDOW = 10_000  # how deep a sorted list over several types goes
MOST_LOOKS = 100  # filters on members in one PATCH: each reads all of them
MAX_DOCUMENT = 2**20  # bytes of a stored document: a person's pictures and certificates fit


@dataclass(frozen=True)
class Resource:
    """A stored user or group. `text` is its document as JSON: without id, meta, groups and members."""

    type: ResourceType
    pk: int
    id: str
    source: str
    text: str
    version: int
    created: str
    last_modified: str

    @property
    def document(self) -> dict:
        return orjson.loads(self.text)

    @property
    def name(self) -> str:
        document = self.document
        return document.get("userName") or document["displayName"]


@dataclass
class MemberChange:
    """What a write did to a group's members: pk → (id, active) of each one that came or went."""

    added: dict
    removed: dict

    def __bool__(self):
        return bool(self.added or self.removed)


FIND = {name: Prepared(search.resources(t).where(t.c.id == bindparam("id"))) for name, t in TABLES.items()}
GROUPS_OF = Prepared(
    select(MEMBERS.c.user_pk, GROUPS.c.id, GROUPS.c.display_name)
    .join(GROUPS, GROUPS.c.pk == MEMBERS.c.group_pk)
    .where(is_one_of(MEMBERS.c.user_pk, "pks"))
    .order_by(MEMBERS.c.user_pk, MEMBERS.c.group_pk)
)
# one text for each group: 100,000 members are no objects of Python's
MEMBERS_OF = Prepared(
    text(
        "SELECT g.pk, (SELECT group_concat(id, ',') FROM (SELECT u.id FROM group_members AS m"
        " JOIN users AS u ON u.pk = m.user_pk WHERE m.group_pk = g.pk ORDER BY m.user_pk) AS ids)"
        " FROM groups AS g WHERE g.pk IN (SELECT c.value FROM json_each(:pks) AS c)"
    )
)
MEMBER = select(USERS.c.pk, USERS.c.id, USERS.c.active)
MEMBERS_OF_IDS = Prepared(MEMBER.where(is_one_of(USERS.c.id, "ids")))
MEMBERS_OF_PKS = Prepared(MEMBER.where(is_one_of(USERS.c.pk, "pks")))
IN_GROUP = select(MEMBERS.c.user_pk).where(MEMBERS.c.group_pk == bindparam("group_pk"))
ALL_PRESENT = Prepared(IN_GROUP)
# a subquery is looked up for one user after another; PostgreSQL would make a join one of the whole group
SOME_PRESENT = Prepared(
    text(
        "SELECT c.value FROM json_each(:pks) AS c WHERE (SELECT m.user_pk FROM group_members AS m"
        " WHERE m.group_pk = :group_pk AND m.user_pk = c.value) IS NOT NULL"
    )
)
FIRST_PRESENT = Prepared(IN_GROUP.limit(bindparam("most")))
ADD_MEMBER = Prepared(insert_new(MEMBERS), ("group_pk", "user_pk"))
REMOVE_MEMBER = Prepared(
    MEMBERS.delete().where(MEMBERS.c.group_pk == bindparam("group_pk"), MEMBERS.c.user_pk == bindparam("user_pk"))
)
STORED = ("id", "source", "document", "version", "created", "last_modified")  # what every resource has
LOOKED_UP = {
    "User": ("user_name_key", "display", "display_key", "active"),
    "Group": ("display_name", "display_name_key", "external_id"),
}
INSERT = {name: Prepared(t.insert().returning(t.c.pk), STORED + LOOKED_UP[name]) for name, t in TABLES.items()}
UPDATE = {
    name: Prepared(t.update().where(t.c.pk == bindparam("old_pk")), STORED + LOOKED_UP[name])
    for name, t in TABLES.items()
}
DELETE = {name: Prepared(t.delete().where(t.c.pk == bindparam("pk"))) for name, t in TABLES.items()}
VALUE = ("attribute", "value_key", "user_pk", "element")
INSERT_VALUE = Prepared(VALUES.insert(), VALUE)
DELETE_VALUE = Prepared(VALUES.delete().where(*(VALUES.c[name] == bindparam(name) for name in VALUE)))
# the totals of the portal; none of them is a change of the group
COUNT_MEMBERS = Prepared(
    text(
        "UPDATE groups SET member_count = member_count + :members, disabled_count = disabled_count + :disabled"
        " WHERE pk = :pk"
    )
)
COUNT_DISABLED = Prepared(
    text(
        "UPDATE groups SET disabled_count = disabled_count + :by"
        " WHERE pk IN (SELECT group_pk FROM group_members WHERE user_pk = :pk)"
    )
)


def find(resource_type: ResourceType, identifier: str) -> Resource:
    """Return the resource with that id, or raise 404."""
    row = FIND[resource_type.name].first(id=identifier)
    if row is None:
        raise not_found(resource_type.name, identifier)
    return Resource(resource_type, *row)


def page(resource_type, tree, order, start=1, count=100, after=None):
    """Return (total, resources of one page, whether it ends early); see search.page."""
    total, rows, is_cut = search.page(resource_type, tree, order, start, count, after)
    return total, [Resource(resource_type, *row) for row in rows], is_cut


def page_over(types: list, trees: list, orders: list, start: int, count: int):
    """Return (total, resources, whether they end early) of a page over several types.

    One type comes after another, unless sorted. Raise tooMany where a sorted page lies deeper than SORT_WINDOW, or
    ends early: everything before it has to be read.
    """
    is_sorted = any(by.chain for by in orders)
    is_cut = is_sorted and start + count > SORT_WINDOW
    total, found, skip = 0, [], 0 if is_sorted else start - 1
    for of_type, tree, by in zip(types, trees, orders, strict=True):
        wanted = start - 1 + count if is_sorted else count - len(found)
        number, resources, ends = page(of_type, tree, by, skip + 1, wanted if count and not is_cut else 0)
        total, skip, is_cut = total + number, max(skip - number, 0), is_cut or ends
        found += resources
    if is_sorted and is_cut:
        raise ScimError(400, "tooMany", "A sorted search over all types ends here: search one type instead.")
    if is_sorted:
        found = _merge_sorted(found, types, orders)[start - 1 : start - 1 + count]
    return total, found, is_cut


def _merge_sorted(resources, types, orders):
    """Return resources of several types in one order; those without a value last, or first if descending."""
    chains = {of_type.name: by.chain for of_type, by in zip(types, orders, strict=True)}

    def key(resource):
        chain = chains[resource.type.name]
        found = _sort_keys(resource).get(chain[-1].key) if chain else None
        return found is None, found or ""

    return sorted(resources, key=key, reverse=any(by.descending for by in orders))


def _sort_keys(resource):
    """Return {attribute key: comparable value} of what a resource can be sorted by."""
    rows = index_rows(resource.type, resource.document)
    columns = {"id": resource.id, "meta.created": resource.created, "meta.lastModified": resource.last_modified}
    return columns | {attribute: key for attribute, key, element in rows if element == 0}


def groups_of(user_pks: list) -> dict:
    """Return {user pk: [(group id, displayName), …]} for those who are in a group."""
    gathered: dict = {}
    for pk, identifier, name in GROUPS_OF.rows(pks=json_list(user_pks)):
        gathered.setdefault(pk, []).append((identifier, name))
    return gathered


def members_of(group_pks: list) -> dict:
    """Return {group pk: the ids of its members, joined by commas} for groups that have members."""
    return {pk: ids for pk, ids in MEMBERS_OF.rows(pks=json_list(group_pks)) if ids}


def count_members(group: Resource, at_most: int) -> int:
    """Return how many members a group has, counting no further than `at_most`."""
    return len(FIRST_PRESENT.rows(group_pk=group.pk, most=at_most))


def create(resource_type: ResourceType, body: dict, actor: Actor, ignored: list, identifier=None) -> Resource:
    """Create a user or group from a POST body. Raise invalidValue, invalidSyntax or 409 uniqueness."""
    document = resource_type.normalise(body, ignored)
    if resource_type is not GROUP_TYPE:
        document.setdefault("active", True)
        return _insert_user(resource_type, document, actor, identifier or str(uuid4()))
    listed = document.pop("members", [])
    group = _insert(GROUP_TYPE, document, actor, identifier or str(uuid4()))
    members = MemberChange(_add_members(group.pk, _member_ids(listed)), {})
    _count_members(group.pk, members)
    journal.change(actor, "created", group, None, _with_members(document, members.added), group.name)
    return group


def replace_with(resource: Resource, body: dict, actor: Actor, ignored: list) -> Resource:
    """Replace a user or group by a PUT body (RFC 7644 §3.5.1): what it leaves out is cleared."""
    document = resource.type.normalise(body, ignored)
    if resource.type is not GROUP_TYPE:
        # a leaver is not let back in by a client that leaves `active` out
        current = resource.document
        if "active" not in document and "active" in current:
            document["active"] = current["active"]
        return save(resource, document, actor)
    members = _set_members(resource.pk, _member_ids(document.pop("members", [])))
    return save(resource, document, actor, members)


def patch_with(resource: Resource, body: dict, actor: Actor, ignored: list) -> Resource:
    """Apply a PATCH body, whole or not at all (RFC 7644 §3.5.2)."""
    steps = patch.operations(body, resource.type, ignored)
    of_members = [step for step in steps if step.attribute.name == "members"]
    of_document = [step for step in steps if step.attribute.name != "members"]
    document = resource.document
    if of_document:
        document = resource.type.normalise(patch.apply(document, of_document), ignored)
    return save(resource, document, actor, _patch_members(resource.pk, of_members) if of_members else None)


def save(resource: Resource, document: dict, actor: Actor, members: MemberChange | None = None) -> Resource:
    """Store a resource's new document. Nothing new: keep lastModified and the ETag (RFC 7644 §3.5.2.1).

    The first write by Okta takes a local user or group over. Raise 409 uniqueness if the name is taken.
    """
    before = resource.document
    taken_over = actor.is_scim and resource.source != "scim"
    if document == before and not members and not taken_over:
        return resource
    saved = replace(
        resource,
        text=_stored(document, resource.text),
        version=resource.version + 1,
        source="scim" if actor.is_scim else resource.source,
        last_modified=max(now(), resource.last_modified),  # a clock that was set back changes no order
    )
    columns = _columns(saved, document) | {"old_pk": resource.pk}
    _unique(document, lambda: UPDATE[resource.type.name].run(**columns))
    if resource.type is not GROUP_TYPE:
        _refresh_values(resource, before, document)
        _recount(resource, before, saved.source, document)
    elif members:
        _count_members(resource.pk, members)
    changed = {name for name in before.keys() | document.keys() if before.get(name) != document.get(name)}
    journal.change(
        actor,
        "taken over" if taken_over else "changed",
        saved,
        _with_members({n: before[n] for n in before if n in changed}, members.removed if members else {}),
        _with_members({n: document[n] for n in document if n in changed}, members.added if members else {}),
        saved.name,
    )
    if resource.type is not GROUP_TYPE:
        deliveries.saved(saved, before, document, actor)
        _take_back(saved, before, document, actor)
    elif members:
        deliveries.regrouped(resource.pk, members.added.keys() | members.removed.keys(), actor)
    return saved


def _take_back(user, before, document, actor):
    """Void what lets a user in who is disabled, or whose e-mail address is another one now."""
    if _is_enabled(before) and not _is_enabled(document):
        invitations.disabled(user, actor)
    elif any(before.get(name) != document.get(name) for name in ("emails", "userName")):
        invitations.moved(user, before, document, actor)


def remove(resource: Resource, actor: Actor):
    """Delete a user or group, with its memberships; deleting a group touches no user."""
    table = TABLES[resource.type.name]
    if table is USERS:  # the groups change, too: whoever holds an ETag of one must not be told that they did not
        theirs = select(MEMBERS.c.group_pk).where(MEMBERS.c.user_pk == resource.pk)
        moment = now()
        later = case((GROUPS.c.last_modified > moment, GROUPS.c.last_modified), else_=moment)
        is_enabled = _is_enabled(resource.document)
        changed = {
            "version": GROUPS.c.version + 1,
            "last_modified": later,
            "member_count": GROUPS.c.member_count - 1,
            "disabled_count": GROUPS.c.disabled_count - int(not is_enabled),
        }
        execute(update(GROUPS).where(GROUPS.c.pk.in_(theirs)).values(changed))
        count_user(pk=resource.pk, source=resource.source, enabled=is_enabled, by=-1)
    else:
        deliveries.ungrouped(resource.pk, actor)
    DELETE[resource.type.name].run(pk=resource.pk)
    count_in_block(table, resource.pk, -1)
    journal.change(actor, "deleted", resource, resource.document, None, resource.name)


def _insert_user(resource_type, document, actor, identifier):
    user = _insert(resource_type, document, actor, identifier)
    rows = index_rows(resource_type, document, search.IN_COLUMNS)
    INSERT_VALUE.run_many([_value_row(row, user.pk) for row in rows])
    words.write(user.pk, set(), words.rows(document))
    count_user(pk=user.pk, source=user.source, enabled=_is_enabled(document), by=1)
    journal.change(actor, "created", user, None, document, user.name)
    deliveries.created(user, document, actor)
    if actor.is_scim and settings.get("invite_automatically"):  # only now: a later write is no import
        invitations.imported(user, document, actor)
    return user


def _insert(resource_type, document, actor, identifier):
    table, moment = TABLES[resource_type.name], now()
    resource = Resource(
        type=resource_type,
        pk=0,
        id=identifier,
        source="scim" if actor.is_scim else "local",
        text=_stored(document),
        version=1,
        created=moment,
        last_modified=moment,
    )
    columns = _columns(resource, document)
    pk = _unique(document, lambda: INSERT[resource_type.name].scalar(**columns))
    count_in_block(table, pk, 1)
    return replace(resource, pk=pk)


def _stored(document, before=""):
    """Return a document as it is stored. Raise invalidValue for one of more than MAX_DOCUMENT bytes.

    One that was larger before may be changed, but not grow, unless by what disables a person.
    """
    text = orjson.dumps(document)
    if len(text) > MAX_DOCUMENT and len(text) > len(before.encode()) + len(',"active":false'):
        largest = max(document, key=lambda name: len(orjson.dumps(document[name])))
        raise invalid_value(
            f"All attributes together take {len(text)} bytes, of at most {MAX_DOCUMENT}: "
            f"shorten {largest}, or do not map it in Okta.",
            largest,
        )
    return text.decode()


def _columns(resource, document):
    """Return a resource's row: what is stored, and what is looked up or sorted by."""
    stored = {
        "id": resource.id,
        "source": resource.source,
        "document": resource.text,
        "version": resource.version,
        "created": resource.created,
        "last_modified": resource.last_modified,
    }
    if resource.type is GROUP_TYPE:
        name, external_id = document["displayName"], document.get("externalId")
        return stored | {"display_name": name, "display_name_key": fold(name), "external_id": external_id}
    display = words.display(document)
    return stored | {
        "user_name_key": user_name_key(document["userName"]),
        "display": display,
        "display_key": fold(display),
        "active": document.get("active"),
    }


def _unique(document, write):
    """Run a write that the database refuses if the name is taken: there is no moment between look and write."""
    try:
        return write()
    except IntegrityError as error:
        if "unique" not in str(error.orig).lower():
            raise
        what = "userName" if "userName" in document else "displayName"
        raise uniqueness(
            f"The {what} {document[what]!r} is taken already; letter case does not count. "
            f"Rename this one in Okta, or link it to the one that is here."
        ) from error


def _refresh_values(user, before, document):
    """Make the index rows of a user those of the new document: only what differs is written."""
    old = index_rows(user.type, before, search.IN_COLUMNS)
    new = index_rows(user.type, document, search.IN_COLUMNS)
    if old - new:
        DELETE_VALUE.run_many([_value_row(row, user.pk) for row in old - new])
    if new - old:
        INSERT_VALUE.run_many([_value_row(row, user.pk) for row in new - old])
    if any(before.get(name) != document.get(name) for name in words.SEARCHED_IN):
        words.write(user.pk, words.rows(before), words.rows(document))


def _is_enabled(document):
    return document.get("active") is True


def _recount(user, before, source, document):
    """Move a user in the totals if the new source or document is counted elsewhere."""
    was, is_now = _is_enabled(before), _is_enabled(document)
    if (user.source, was) != (source, is_now):
        count_user(pk=user.pk, source=user.source, enabled=was, by=-1)
        count_user(pk=user.pk, source=source, enabled=is_now, by=1)
    if was != is_now:
        COUNT_DISABLED.run(pk=user.pk, by=1 if was else -1)


def _count_members(group_pk, change):
    """Add what a write did to a group's members to its totals."""
    disabled = [sum(not active for _id, active in some.values()) for some in (change.added, change.removed)]
    COUNT_MEMBERS.run(
        pk=group_pk, members=len(change.added) - len(change.removed), disabled=disabled[0] - disabled[1]
    )


def _value_row(row, user_pk):
    attribute, value_key, element = row
    return {"attribute": attribute, "value_key": value_key, "user_pk": user_pk, "element": element}


def _with_members(changes, members):
    ids = sorted(identifier for identifier, _active in members.values()) if members else []
    return changes | {"members": ids} if ids else changes


def _member_ids(values):
    """Return the ids in a list of members. Raise invalidValue for what is no user."""
    ids = []
    for value in values or []:
        if value.get("type", "User").lower() != "user":
            named = f"{value['type']} {value.get('value')!r}"
            raise invalid_value(f"{named} cannot be a member: nested groups are not supported.", "members")
        ids.append(value["value"])
    return ids


def _members(ids, must_exist=True):
    """Return {pk: (id, active)} of users. Raise invalidValue naming unknown ids, if they must exist."""
    ids = list(dict.fromkeys(ids))
    found = _by_pk(MEMBERS_OF_IDS.rows(ids=json_list(ids)))
    if must_exist and len(found) < len(ids):
        unknown = sorted(set(ids) - {identifier for identifier, _active in found.values()})
        listed = ", ".join(repr(i) for i in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise invalid_value(
            f"No user has the id {listed}: assign the person to the app in Okta first, then push the group.",
            "members.value",
        )
    return found


def _by_pk(rows):
    return {pk: (identifier, active) for pk, identifier, active in rows}


def _add_members(group_pk, ids):
    """Add users to a group; return {pk: (id, active)} of those who were not in it."""
    wanted = _members(ids)
    present = {pk for (pk,) in SOME_PRESENT.rows(pks=json_list(wanted), group_pk=group_pk)}
    new = {pk: wanted[pk] for pk in wanted.keys() - present}
    if new:
        ADD_MEMBER.run_many([{"group_pk": group_pk, "user_pk": pk} for pk in new])
    return new


def _remove_members(group_pk, members):
    """Take {pk: (id, active)} out of a group; return those who were in it."""
    present = [pk for (pk,) in SOME_PRESENT.rows(pks=json_list(members), group_pk=group_pk)]
    REMOVE_MEMBER.run_many([{"group_pk": group_pk, "user_pk": pk} for pk in present])
    return {pk: members[pk] for pk in present}


def _set_members(group_pk, ids):
    """Make `ids` the members of a group: only the differences are written."""
    wanted = _members(ids)
    present = {pk for (pk,) in ALL_PRESENT.rows(group_pk=group_pk)}
    gone = _by_pk(MEMBERS_OF_PKS.rows(pks=json_list(present - wanted.keys())))
    added = _add_members(group_pk, [wanted[pk][0] for pk in wanted.keys() - present])
    return MemberChange(added, _remove_members(group_pk, gone))


def _patch_members(group_pk, steps):
    """Apply the steps of a PATCH to a group's members, in order; return what changed in all."""
    total, looks = MemberChange({}, {}), 0
    for verb, ids, tree in _runs(steps):
        looks += tree is not None
        if looks > MOST_LOOKS:
            raise ScimError(413, None, f"The PATCH has more than {MOST_LOOKS} filters on members: split it.")
        if verb == "add":
            change = MemberChange(_add_members(group_pk, ids), {})
        elif verb == "set":
            change = _set_members(group_pk, ids)
        elif tree is None:
            change = MemberChange({}, _remove_members(group_pk, _members(ids, must_exist=False)))
        else:
            change = MemberChange({}, _remove_members(group_pk, _matching(group_pk, tree)))
            if verb == "swap" and not change:
                raise no_target("No member matches the filter in the path.")
            change.added = _add_members(group_pk, ids)
        _merge(total, change)
    return total


def _runs(steps):
    """Yield (verb, ids, tree) for steps on members; neighbours that do the same to ids become one."""
    waiting: tuple = ()
    for step in steps:
        verb, ids, tree = _verb(step)
        if waiting and tree is None and waiting[0] == verb and verb in ("add", "remove") and waiting[2] is None:
            waiting[1].extend(ids)
            continue
        if waiting:
            yield waiting
        waiting = (verb, ids, tree)
    if waiting:
        yield waiting


def _verb(step):
    """Return what a step does: add, set, remove or swap; whom it names; and whom it filters for."""
    target = step.target
    if target.sub is not None:
        raise mutability(f"{target.sub.path} cannot be changed: remove the member and add another.")
    ids = _member_ids(step.value)
    if step.op == "remove" and target.where is None:
        return ("remove", ids, None) if step.value is not None else ("set", [], None)
    if target.where is None:
        return ("add" if step.op == "add" else "set", ids, None)
    if step.op == "add":
        raise no_target("Add members to the path 'members', without a filter.")
    named = target.where
    if step.op == "remove" and isinstance(named, Compare) and named.op == "eq" and named.chain[-1].name == "value":
        return "remove", [named.key], None  # what Okta sends, for one member after another
    return ("remove" if step.op == "remove" or not ids else "swap", ids, target.where)


def _matching(group_pk, tree):
    """Return {pk: (id, active)} of the members of a group that satisfy a filter on members."""
    statement, keys = search.matching_members(tree)
    return _by_pk(statement.rows(group_pk=group_pk, **keys))


def _merge(total, change):
    """Add a change to the total: who came and went again did neither."""
    for pk, member in change.removed.items():
        if total.added.pop(pk, None) is None:
            total.removed[pk] = member
    for pk, member in change.added.items():
        if total.removed.pop(pk, None) is None:
            total.added[pk] = member
