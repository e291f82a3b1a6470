"""Deliveries: what each person has of the configurations in force, kept so with every change. No HTTP.

    deliver([3], pks)                        # within a transaction: three statements, however many people
    saved(user, before, document, actor)     # what core/directory.py tells; so do created, regrouped and ungrouped

A hook looks first at the configurations in force, which are kept in memory: only those that use what changed are
computed, and what concerns more than AT_ONCE deliveries is left to a job. A revision counts up only when the
content of a profile that is ready is another one; it goes on where it was for who was held, disabled or away.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import orjson
from flask import current_app
from sqlalchemy import bindparam, delete, func, or_, select, true, update

import engines
import models
from core import journal, mobileconfig, queue, variables
from core.journal import Actor
from core.mobileconfig import TYPES, Kind, Rendering
from core.search import GROUPS, MEMBERS, USERS
from database import Prepared, after_commit, db, execute, now
from engines import insert_or_change, is_one_of, json_list
from models import ConfigurationGroup, Delivery
from protocol.definitions import CUSTOM

AT_ONCE = 1_000  # deliveries that one request computes
SECONDS = 1  # after which what another process changed is seen
DELIVER = "deliver"  # the kind of job
TABLE = models.Configuration.__table__
TARGETS, DELIVERIES = ConfigurationGroup.__table__, Delivery.__table__
NONE = (None, None, None, 0, None)  # what is kept of who never had it
VALUE_OF = {name: variable.value for name, variable in variables.SYSTEM.items()}


@dataclass(frozen=True)
class Target:
    """A group to which a configuration is distributed."""

    pk: int
    id: str
    name: str


@dataclass(frozen=True)
class Configuration:
    """A stored configuration. `fields` is what mobileconfig.checked returned."""

    id: int
    uuid: str
    name: str
    type: str
    fields: dict
    missing: str  # hold or empty
    distribution: str  # nobody, everyone or groups
    version: int
    created: str
    last_modified: str
    groups: tuple[Target, ...] = ()  # in the order of their names

    @property
    def kind(self) -> Kind:
        return TYPES[self.type]

    @cached_property
    def names(self) -> tuple:
        """The variables that are used."""
        return tuple(mobileconfig.names(self.kind, self.fields))

    @cached_property
    def _varied(self):
        return [field.name for field in self.kind.fields if field.variables]

    @cached_property
    def _fixed(self):
        """What stands for the name and the fields that are the same for everybody: a picture is hashed but once."""
        fields = {name: value for name, value in self.fields.items() if name not in self._varied}
        return hashlib.sha256(orjson.dumps([self.name, fields], option=orjson.OPT_SORT_KEYS)).hexdigest()

    def rendering(self, document: dict) -> Rendering:
        """Return what it is for the person with that document."""
        return self._rendered({name: value_of(name, document) for name in self.names})

    def _rendered(self, values):
        return mobileconfig.rendered(self.kind, self.fields, values, self.missing)

    def outcome(self, document: dict, known: dict) -> tuple:
        """Return (why it is held, as JSON, or None; the fingerprint or None). `known` are those of equal values."""
        values = tuple([value_of(name, document) for name in self.names])
        if values not in known:
            rendering = self._rendered(dict(zip(self.names, values, strict=True)))
            held = journal.as_json(rendering.held) if rendering.held else None
            known[values] = (held, None if held else self._fingerprint(rendering))
        return known[values]

    def _fingerprint(self, rendering):
        varied = {name: rendering.fields[name] for name in self._varied if name in rendering.fields}
        return mobileconfig.fingerprint(self.kind, Rendering(varied, {}), self._fixed)[:32]


@dataclass(frozen=True)
class Person:
    """Whom a configuration is computed for."""

    pk: int
    id: str
    is_enabled: bool
    document: dict


@dataclass(frozen=True)
class Change:
    """How a delivery is not what it was."""

    configuration: Configuration
    state: str
    missing: str | None
    fingerprint: str | None
    revision: int
    is_new: bool  # the revision

    def row(self, user_pk, moment) -> dict:
        """Return what is stored."""
        values = {name: getattr(self, name) for name in ("state", "missing", "fingerprint", "revision")}
        return values | {"configuration_id": self.configuration.id, "user_pk": user_pk, "changed": moment}


STORED = [column for column in TABLE.c if column.name != "name_key"]
ALL = Prepared(select(*STORED).order_by(TABLE.c.name_key, TABLE.c.id))
SOME = Prepared(select(*STORED).where(is_one_of(TABLE.c.id, "ids")).order_by(TABLE.c.name_key, TABLE.c.id))
TARGETS_OF = Prepared(
    select(TARGETS.c.configuration_id, GROUPS.c.pk, GROUPS.c.id, GROUPS.c.display_name)
    .join(GROUPS, GROUPS.c.pk == TARGETS.c.group_pk)
    .where(is_one_of(TARGETS.c.configuration_id, "ids"))
    .order_by(TARGETS.c.configuration_id, GROUPS.c.display_name_key, GROUPS.c.pk)
)
# it changes with every change of a configuration: new ones have higher ids
MARK = select(func.count(), func.max(TABLE.c.id), func.sum(TABLE.c.version))
PEOPLE = Prepared(
    select(USERS.c.pk, USERS.c.id, USERS.c.active, USERS.c.document)
    .where(is_one_of(USERS.c.pk, "pks"))
    .order_by(USERS.c.pk)
)
IS_MEMBER = Prepared(
    select(TARGETS.c.configuration_id, MEMBERS.c.user_pk)
    .join(MEMBERS, MEMBERS.c.group_pk == TARGETS.c.group_pk)
    .where(is_one_of(TARGETS.c.configuration_id, "ids"), is_one_of(MEMBERS.c.user_pk, "pks"))
)
MEMBERS_OF = Prepared(select(MEMBERS.c.user_pk).where(MEMBERS.c.group_pk == bindparam("group_pk")))
D = DELIVERIES.c
DELIVERIES_OF = Prepared(
    select(D.configuration_id, D.user_pk, D.state, D.missing, D.fingerprint, D.revision, D.changed).where(
        is_one_of(D.configuration_id, "ids"), is_one_of(D.user_pk, "pks")
    )
)
IS_SHOWN = or_(D.state == "ready", D.state == "held")
HOLDERS = Prepared(select(D.user_pk).where(D.configuration_id == bindparam("configuration_id"), IS_SHOWN))
CHANGED = ("state", "missing", "fingerprint", "revision", "changed")
KEEP = Prepared(
    insert_or_change(
        DELIVERIES, ("configuration_id", "user_pk"), lambda new: {name: new[name] for name in CHANGED}
    ),
    ("configuration_id", "user_pk", *CHANGED),
)
IS_ENABLED = USERS.c.active == true()
IN_GROUPS = USERS.c.pk.in_(select(MEMBERS.c.user_pk).where(is_one_of(MEMBERS.c.group_pk, "groups")))
EVERYBODY, ENABLED_MEMBERS = (
    Prepared(select(USERS.c.pk).where(IS_ENABLED).order_by(USERS.c.pk)),
    Prepared(select(USERS.c.pk).where(IS_ENABLED, IN_GROUPS).order_by(USERS.c.pk)),
)


def value_of(name: str, document: dict) -> str | None:
    """Return what a variable is for the person with that document, or None where there is no value."""
    if name in VALUE_OF:
        return VALUE_OF[name](document) or None
    value = document.get(CUSTOM, {}).get(name)
    return None if value is None else variables.as_text(value) or None


def everything() -> list[Configuration]:
    """Return every configuration, in the order of their names."""
    return _read(ALL.rows())


def some(ids: Iterable[int]) -> list[Configuration]:
    """Return the configurations with these ids, in the order of their names."""
    return _read(SOME.rows(ids=json_list(ids)))


def _read(rows, targets=TARGETS_OF.rows):
    ids = json_list(row[0] for row in rows)
    groups = _by((configuration_id, Target(*group)) for configuration_id, *group in targets(ids=ids))
    names = [column.name for column in STORED]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [
        Configuration(**row | {"fields": orjson.loads(row["fields"])}, groups=tuple(groups.get(row["id"], ())))
        for row in found
    ]


def _recipients(configuration) -> list[int]:
    """Return the pks of all who are to have it, or to be held."""
    if configuration.distribution == "nobody":
        return []
    if configuration.distribution == "everyone":
        return [pk for (pk,) in EVERYBODY.rows()]
    return [pk for (pk,) in ENABLED_MEMBERS.rows(groups=json_list(group.pk for group in configuration.groups))]


def distribute(configuration: Configuration, actor: Actor) -> tuple[int, int | None]:
    """Deliver to all whom it concerns; return (people with a new revision, None), or (0, the job's id)."""
    pks = _concerned(configuration)
    if len(pks) > AT_ONCE:
        return 0, queue.add(DELIVER, pks, actor, str(configuration.id))
    return deliver([configuration.id], pks), None


def distribute_anew(configuration: Configuration, actor: Actor) -> int:
    """Have a job deliver to all whom it concerns; return its id."""
    return queue.add(DELIVER, _concerned(configuration), actor, str(configuration.id))


def _concerned(configuration) -> list[int]:
    """Return the pks of those who are to have it, and of those who have it."""
    holders = [pk for (pk,) in HOLDERS.rows(configuration_id=configuration.id)]
    return sorted({*holders, *_recipients(configuration)})


def deliver(ids: Iterable[int], pks: Iterable[int]) -> int:
    """Compute what people have of configurations, as both are stored now; return how many have a new revision."""
    configurations = some(ids)  # not those in memory: another process may have changed them
    changes = _recompute(configurations, _people(pks)) if configurations else {}
    return sum(any(change.is_new for change in theirs) for theirs in changes.values())


def ids_of(subject: str) -> list[int]:
    """Return the ids of the configurations that a job is about, by its subject."""
    return [int(number) for number in subject.split(",")]


def note_delivered(subject: str, revisions: int, actor: Actor):
    """Write the audit line of a job that is done."""
    if names := [configuration.name for configuration in some(ids_of(subject))]:
        told = {"newRevisions": revisions}
        journal.note(actor, "delivered", "Configuration", subject, ", ".join(names), None, told)


def _people(pks) -> list[Person]:
    rows = PEOPLE.rows(pks=json_list(pks))
    return [Person(pk, identifier, active == 1, orjson.loads(text)) for pk, identifier, active, text in rows]


def _recompute(configurations, people) -> dict[int, list[Change]]:
    """Make the deliveries of people what they should be; return {pk: what changed}. Writes only what differs.

    The statements are as many for a thousand people as for one.
    """
    pks = json_list(person.pk for person in people)
    ids = json_list(configuration.id for configuration in configurations)
    rows = DELIVERIES_OF.rows(ids=ids, pks=pks)
    kept = {(configuration_id, pk): rest for configuration_id, pk, *rest in rows}
    members = _members(configurations, pks)
    changes: dict = {}
    for configuration in configurations:
        known: dict = {}
        for person in people:
            key = (configuration.id, person.pk)
            gets = configuration.distribution == "everyone" or key in members
            change = _change(configuration, person, gets, kept.get(key), known)
            if change:
                changes.setdefault(person.pk, []).append(change)
    moment = now()
    KEEP.run_many([change.row(pk, moment) for pk, theirs in changes.items() for change in theirs])
    return changes


def _members(configurations, pks):
    """Return {(configuration id, pk)} of who gets a configuration by a group."""
    ids = [configuration.id for configuration in configurations if configuration.distribution == "groups"]
    return set(IS_MEMBER.rows(ids=json_list(ids), pks=pks)) if ids else set()


def _change(configuration, person, gets, kept, known) -> Change | None:
    """Return how a delivery has to change, or None. Revision and fingerprint stay where nothing is ready."""
    state, missing, fingerprint, revision, _changed = kept or NONE
    if not (gets and person.is_enabled):
        is_so = state in (None, "withdrawn")
        return None if is_so else Change(configuration, "withdrawn", None, fingerprint, revision, False)
    held, newest = configuration.outcome(person.document, known)
    if held:
        is_so = (state, missing) == ("held", held)
        return None if is_so else Change(configuration, "held", held, fingerprint, revision, False)
    is_new = newest != fingerprint
    if state == "ready" and not is_new:
        return None
    return Change(configuration, "ready", None, newest, revision + is_new, is_new)


def look(configuration: Configuration, user_pk: int) -> tuple[Person | None, tuple, bool]:
    """Return (the person, what is kept as (state, missing, fingerprint, revision, changed), whether it is current).

    It is not where a job has not come to the person yet.
    """
    people = _people([user_pk])
    if not people:
        return None, NONE, True
    ids, pks = json_list([configuration.id]), json_list([user_pk])
    kept = next((tuple(rest) for _id, _pk, *rest in DELIVERIES_OF.rows(ids=ids, pks=pks)), NONE)
    gets = configuration.distribution == "everyone" or (configuration.id, user_pk) in _members([configuration], pks)
    return people[0], kept, _change(configuration, people[0], gets, kept, {}) is None


@dataclass
class Force:
    """The configurations that go to somebody, as they were committed when they were read."""

    all: list = field(default_factory=list)
    by_variable: dict = field(default_factory=dict)
    by_group: dict = field(default_factory=dict)  # pk → those that go to it
    everyone: list = field(default_factory=list)
    mark: object = None
    until: float = 0.0


def _in_force() -> Force:
    """Return the configurations in force: of SQLite, what another process changed holds within SECONDS."""
    extensions = current_app._get_current_object().extensions  # as in core/settings.py
    force = extensions.get("configurations") or _forget()
    if force.until < time.monotonic():
        _look_again(force)
    return force


def forget():
    """Read the configurations in force anew once the transaction at hand, which changes one, is committed."""
    after_commit(_forget)


def _forget() -> Force:
    force = current_app.extensions["configurations"] = Force()
    return force


def _look_again(force):
    """Read what is committed, on a connection of its own, if anything has changed."""
    with db.engine.connect() as connection:
        mark = tuple(connection.execute(MARK).one())
        if mark != force.mark:
            rows = connection.execute(ALL.statement.where(TABLE.c.distribution != "nobody")).all()
            force.all = _read(rows, lambda ids: connection.execute(TARGETS_OF.statement, {"ids": ids}))
            force.everyone = [c for c in force.all if c.distribution == "everyone"]
            force.by_variable = _by((name, c) for c in force.all for name in c.names)
            force.by_group = _by((group.pk, c) for c in force.all for group in c.groups)
            force.mark = mark
    # several servers on PostgreSQL: what another one has changed holds for the next write here
    force.until = time.monotonic() + SECONDS if engines.is_sqlite(db.engine) else 0


def _by(pairs):
    """Return {key: [value, …]} of pairs."""
    found: dict = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def created(user, document: dict, actor: Actor):
    """Give a new user what goes to everyone. `user` has pk and id, as a directory.Resource."""
    concerned = _in_force().everyone
    if concerned and document.get("active") is True:
        _refresh_one(concerned, user, document, actor, ["created"])


def saved(user, before: dict, document: dict, actor: Actor):
    """Bring what a user has up to date: only the configurations that use what changed are looked at."""
    force = _in_force()
    if not force.all:
        return
    was_enabled, is_enabled = before.get("active") is True, document.get("active") is True
    if not (was_enabled or is_enabled):
        return
    changed = [name for name in force.by_variable if value_of(name, before) != value_of(name, document)]
    because = [_attribute_of(name, before, document) for name in changed]
    if was_enabled != is_enabled:
        concerned, because = force.all, ["active", *because]
    else:
        found = {c.id: c for name in changed for c in force.by_variable[name]}
        concerned = [found[configuration_id] for configuration_id in sorted(found)]
    if concerned:
        _refresh_one(concerned, user, document, actor, because)


def _attribute_of(name, before, document):
    """Return the name of the attribute by which a variable changed, as people know it."""
    if name not in variables.SYSTEM:
        return name
    path = variables.SYSTEM[name].path
    is_name = path == "emails.value" and before.get("emails") == document.get("emails")
    return "userName" if is_name else path.rpartition(":")[2]


def _refresh_one(configurations, user, document, actor, because):
    person = Person(user.pk, user.id, document.get("active") is True, document)
    for changes in _recompute(configurations, [person]).values():
        _note(person, changes, actor, because)


def regrouped(group_pk: int, pks: Iterable[int], actor: Actor):
    """Bring up to date what those have who came into a group or left it."""
    concerned = _in_force().by_group.get(group_pk)
    if concerned:
        _refresh(concerned, sorted(pks), actor)


def ungrouped(group_pk: int, actor: Actor):
    """Take from the members of a group what they have by it alone: it is about to be deleted."""
    targets = execute(select(TARGETS.c.configuration_id).where(TARGETS.c.group_pk == group_pk)).scalars().all()
    if not targets:
        return
    before = some(targets)
    execute(delete(TARGETS).where(TARGETS.c.group_pk == group_pk))
    execute(update(TABLE).where(TABLE.c.id.in_(targets)).values(version=TABLE.c.version + 1, last_modified=now()))
    forget()
    for old, new in zip(before, some(targets), strict=True):
        names = [{"groups": [group.name for group in each.groups]} for each in (old, new)]
        journal.note(actor, "changed", "Configuration", old.id, old.name, *names)
    _refresh(some(targets), [pk for (pk,) in MEMBERS_OF.rows(group_pk=group_pk)], actor)


def _refresh(configurations, pks, actor):
    """Compute what people have of configurations, each with an audit line, or leave that to a job."""
    if len(pks) > 1 and len(pks) * len(configurations) > AT_ONCE:
        queue.add(DELIVER, pks, actor, ",".join(str(configuration.id) for configuration in configurations))
        return
    people = {person.pk: person for person in _people(pks)}
    for pk, changes in _recompute(configurations, list(people.values())).items():
        _note(people[pk], changes, actor, ["groups"])


def _note(person, changes, actor, because):
    """Write the one line that says what a person has now, and which attributes were the cause."""
    ready = {change.configuration.name: change.revision for change in changes if change.state == "ready"}
    held = {c.configuration.name: sorted(orjson.loads(c.missing)) for c in changes if c.state == "held"}
    withdrawn = [change.configuration.name for change in changes if change.state == "withdrawn"]
    is_new = any(change.is_new for change in changes)
    action = "new revision" if is_new else "ready again" if ready else "held" if held else "withdrawn"
    after = {"configurations": ready, "held": held, "withdrawn": withdrawn, "because": list(dict.fromkeys(because))}
    told = {key: value for key, value in after.items() if value}
    journal.note(actor, action, "Configuration", person.id, person.document["userName"], None, told)
