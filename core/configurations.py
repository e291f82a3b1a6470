"""Configurations: made, edited, copied and deleted, and what people have of them. No HTTP.

    outcome = create(TYPES["webclip"], "Desk", typed, "hold", "everyone", [], actor)   # within a transaction
    [(configuration, delivered)] = of_user(user_pk)
    profile = profile_for(outcome.configuration.id, user_pk)                            # what the device reads

What a person has is computed when something changes, in core/deliveries.py, and not when it is asked for.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import uuid4

import orjson
from sqlalchemy import and_, bindparam, case, delete, exists, false, func, not_, or_, select, true, update

from core import deliveries, journal, mobileconfig, queue, variables
from core.deliveries import (
    DELIVERIES,
    IN_GROUPS,
    IS_ENABLED,
    IS_SHOWN,
    TABLE,
    TARGETS,
    Configuration,
    D,
    some,
    value_of,
)
from core.journal import Actor
from core.mobileconfig import Kind, Rendering
from core.search import GROUPS, MEMBERS, USERS, VALUES
from database import Prepared, execute, now, transaction
from engines import is_one_of
from models import CustomAttribute
from protocol.definitions import CUSTOM, SHORT_NAMES
from protocol.schema import fold

MISSING = {"hold": "Hold the configuration back", "empty": "Leave it empty"}
DISTRIBUTIONS = {"nobody": "Nobody yet", "everyone": "Everyone", "groups": "Chosen groups"}
LONGEST_NAME = 100
RENDERED = 5_000  # people for whom `readiness` renders; of more, SQL says who lacks a value
SAMPLE = 5  # people whom it names
ATTRIBUTES, JOBS = CustomAttribute.__table__, queue.JOBS


class ConfigurationError(Exception):
    """A configuration that cannot be kept so. The message is a sentence.

    `errors` are of name, missing, distribution and groups, `fields` of the fields of the type: {name: sentence}.
    """

    def __init__(self, errors: dict, fields: dict | None = None):
        self.errors, self.fields = errors, fields or {}
        super().__init__(" ".join([*errors.values(), *self.fields.values()]))


class Stale(Exception):
    """A form that is older than what is stored, which is `current`, or None where it was deleted."""

    def __init__(self, current: "Configuration | None"):
        self.current = current
        super().__init__(
            "The configuration was changed since you opened it: look at what it is now, then save again."
            if current
            else "The configuration was deleted since you opened it."
        )


@dataclass(frozen=True)
class Delivered:
    """What a person has of a configuration."""

    state: str  # ready or held
    held: dict  # {variable: why}
    revision: int  # of the newest content that was ready; 0 if none ever was
    changed: str  # since when it is so

    @property
    def is_ready(self) -> bool:
        return self.state == "ready"


@dataclass(frozen=True)
class Listed:
    configuration: Configuration
    ready: int
    held: int


@dataclass(frozen=True)
class Outcome:
    """What became of a configuration that was saved. With a job, its people get it in the next seconds."""

    configuration: Configuration
    revisions: int  # people who have a new revision now
    job_id: int | None = None


@dataclass(frozen=True)
class Held:
    """Somebody who does not get a configuration, and why."""

    pk: int
    id: str
    display: str
    why: dict  # {variable: sentence}


@dataclass(frozen=True)
class Readiness:
    """Who would get what is not saved yet."""

    people: int  # enabled, and in the distribution
    ready: int
    variables: dict  # {variable: how many are held by it}, most first; somebody may be held by several
    sample: list[Held]  # the first of those who are held
    is_exact: bool  # otherwise only those who lack a value are counted, not whose value the field cannot have

    @property
    def held(self) -> int:
        return self.people - self.ready


@dataclass(frozen=True)
class Profile:
    """A download."""

    content: bytes
    media_type: str
    names: tuple[str, str]  # in ASCII, and the real one
    revision: int
    changed: str


GROUP_PKS = Prepared(select(GROUPS.c.pk).where(is_one_of(GROUPS.c.id, "ids")))
ADD_TARGET = Prepared(TARGETS.insert(), ("configuration_id", "group_pk"))
NAMES = Prepared(
    select(ATTRIBUTES.c.name)
    .where(
        ATTRIBUTES.c.name.not_in(  # nothing may use an attribute that is on its way out
            select(JOBS.c.subject).where(JOBS.c.kind == queue.REMOVE_ATTRIBUTE, JOBS.c.finished.is_(None))
        )
    )
    .order_by(ATTRIBUTES.c.id)
)
OF_USER = Prepared(
    select(D.configuration_id, D.state, D.missing, D.revision, D.changed).where(
        D.user_pk == bindparam("user_pk"), IS_SHOWN
    )
)


def _number_of(state):
    return func.count(case((D.state == state, 1)))


COUNT = Prepared(
    select(_number_of("ready"), _number_of("held")).where(
        D.configuration_id == bindparam("configuration_id"), IS_SHOWN
    )
)
OF_GROUP = Prepared(
    select(TARGETS.c.configuration_id, _number_of("ready"), _number_of("held"))
    .select_from(TARGETS)
    .outerjoin(MEMBERS, MEMBERS.c.group_pk == TARGETS.c.group_pk)
    .outerjoin(DELIVERIES, and_(D.configuration_id == TARGETS.c.configuration_id, D.user_pk == MEMBERS.c.user_pk))
    .where(TARGETS.c.group_pk == bindparam("group_pk"))
    .group_by(TARGETS.c.configuration_id)
)
REASON = func.json_each(D.missing).table_valued("key", "value")
HELD_BY = Prepared(
    select(REASON.c.key, func.count())
    .select_from(DELIVERIES.join(REASON, true()))
    .where(D.configuration_id == bindparam("configuration_id"), D.state == "held")
    .group_by(REASON.c.key)
    .order_by(func.count().desc(), REASON.c.key)
)
HELD_BECAUSE = Prepared(
    select(D.user_pk, USERS.c.id, USERS.c.display, D.missing)
    .join(USERS, USERS.c.pk == D.user_pk)
    .where(
        D.configuration_id == bindparam("configuration_id"),
        D.state == "held",
        D.user_pk > bindparam("after"),
        or_(bindparam("variable") == "", bindparam("variable").in_(select(REASON.c.key))),
    )
    .order_by(D.user_pk)
    .limit(bindparam("count"))
)


def listing() -> list[Listed]:
    """Return every configuration in the order of their names, with how many have it ready and how many held."""
    return [Listed(configuration, *counts(configuration.id)) for configuration in deliveries.everything()]


def find(configuration_id: int) -> Configuration | None:
    """Return the configuration with that id."""
    return next(iter(some([configuration_id])), None)


def available() -> list[str]:
    """Return the names of all variables that a configuration may use: the system's, then the custom attributes."""
    return [*variables.SYSTEM, *(name for (name,) in NAMES.rows())]


def values_of(document: dict) -> dict:
    """Return {name: text or None} of every variable that is `available`, for one person."""
    return {name: value_of(name, document) for name in available()}


def uses() -> dict[str, list[Configuration]]:
    """Return {variable: the configurations that use it}, whether or not anybody gets them yet."""
    found: dict = {}
    for configuration in deliveries.everything():
        for name in configuration.names:
            found.setdefault(name, []).append(configuration)
    return found


def uses_of(attribute: str) -> list[Configuration]:
    """Return the configurations that use a variable, in the order of their names."""
    return uses().get(attribute, [])


def counts(configuration_id: int) -> tuple[int, int]:
    """Return (how many people have it ready, how many are held)."""
    return COUNT.first(configuration_id=configuration_id)


def held_by(configuration_id: int) -> dict[str, int]:
    """Return {variable: how many it holds}, most first; somebody may be held by several."""
    return dict(HELD_BY.rows(configuration_id=configuration_id))


def held_because(configuration_id: int, variable: str = "", after: int = 0, count: int = 50) -> tuple:
    """Return (people whom a variable, or any, holds; the `after` of the next page, or None): a list of Held."""
    asked = {"configuration_id": configuration_id, "variable": variable}
    rows = HELD_BECAUSE.rows(**asked, after=after, count=count + 1)
    people = [Held(pk, identifier, display, orjson.loads(why)) for pk, identifier, display, why in rows[:count]]
    return people, people[-1].pk if len(rows) > count else None


def of_user(user_pk: int) -> list[tuple[Configuration, Delivered]]:
    """Return what a person has, ready or held, in the order of the names. Who is disabled has nothing."""
    found = {}
    for configuration_id, state, missing, revision, changed in OF_USER.rows(user_pk=user_pk):
        found[configuration_id] = Delivered(state, orjson.loads(missing or "{}"), revision, changed)
    return [(configuration, found[configuration.id]) for configuration in some(found)]


def of_group(group_pk: int) -> list[Listed]:
    """Return the configurations that go to a group, with how many of its members have them ready and held."""
    found = {configuration_id: numbers for configuration_id, *numbers in OF_GROUP.rows(group_pk=group_pk)}
    return [Listed(configuration, *found[configuration.id]) for configuration in some(found)]


def profile_for(configuration_id: int, user_pk: int) -> Profile | None:
    """Return what a person's device reads, or None: for who is disabled, held or not in the distribution, too.

    Where a job has not come to this person yet, it is delivered now: that opens a transaction.
    """
    profile, is_current = _profile(configuration_id, user_pk)
    if not is_current:
        with transaction():
            deliveries.deliver([configuration_id], [user_pk])
        profile, _ = _profile(configuration_id, user_pk)
    return profile


def _profile(configuration_id, user_pk) -> tuple[Profile | None, bool]:
    """Return (the profile or None, whether that is how it should be)."""
    configuration = find(configuration_id)
    if configuration is None:
        return None, True
    person, kept, is_current = deliveries.look(configuration, user_pk)
    state, _missing, _fingerprint, revision, changed = kept
    if not is_current or state != "ready":
        return None, is_current
    kind, rendering = configuration.kind, configuration.rendering(person.document)
    content = mobileconfig.profile(kind, rendering, configuration.name, configuration.uuid, person.id)
    names = mobileconfig.file_names(kind, configuration.name)
    return Profile(content, mobileconfig.media_type(kind), names, revision, changed), True


def preview(kind: Kind, fields: dict, missing: str, document: dict) -> Rendering:
    """Return what fields that are not saved would be for the person with that document."""
    values = {name: value_of(name, document) for name in mobileconfig.names(kind, fields)}
    return mobileconfig.rendered(kind, fields, values, missing)


def lines(kind: Kind, fields: dict) -> list[str]:
    """Return the payload of substituted fields for people: a line for each key. Nobody reads a password in it."""
    return [f"{key} = {text}" for key, text in _dump(kind, fields).items()]


def differences(kind: Kind, old: dict | None, new: dict | None) -> list[tuple[str, str]]:
    """Return [("+", "-" or " ", line)] of two payloads by their substituted fields; None is for none."""
    before, after = _dump(kind, old), _dump(kind, new)
    for name in _secret_keys(kind) & before.keys() & after.keys():
        if _flat(mobileconfig.payload(kind, old))[name] != _flat(mobileconfig.payload(kind, new))[name]:
            before[name], after[name] = "(the old one, secret)", "(a new one, secret)"
    texts = [[f"{key} = {text}" for key, text in dump.items()] for dump in (before, after)]
    return [(line[0], line[2:]) for line in difflib.Differ().compare(*texts) if line[0] != "?"]


def _dump(kind, fields):
    if fields is None:
        return {}
    flat, secret = _flat(mobileconfig.payload(kind, fields)), _secret_keys(kind)
    return {key: "(secret)" if key in secret else _shown(value) for key, value in sorted(flat.items())}


def _flat(content, prefix=""):
    flat = {}
    for key, value in content.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _secret_keys(kind):
    return {field.key for field in kind.fields if field.type == "password"}


def _shown(value):
    if isinstance(value, bytes):
        return f"(a picture of {len(value):,} bytes, {hashlib.sha256(value).hexdigest()[:8]})"
    return value if isinstance(value, str) and value.isprintable() else orjson.dumps(value).decode()


def create(
    kind: Kind, name: str, typed: Mapping, missing: str, distribution: str, groups: Iterable[str], actor: Actor
) -> Outcome:
    """Keep a new configuration of what a form sent, and deliver it. `groups` are ids. Raise ConfigurationError."""
    row, targets = _checked(kind, name, typed, missing, distribution, groups)
    return _insert(kind, row, targets, actor)


def _insert(kind, row, targets, actor):
    moment = now()
    row |= {"uuid": str(uuid4()), "type": kind.name, "version": 1, "created": moment, "last_modified": moment}
    configuration_id = execute(TABLE.insert(), row).inserted_primary_key[0]
    _set_targets(configuration_id, targets)
    configuration = find(configuration_id)
    return _delivered(configuration, "created", None, _noted(configuration), actor)


def save(
    configuration_id: int,
    version: int,
    name: str,
    typed: Mapping,
    missing: str,
    distribution: str,
    groups: Iterable[str],
    actor: Actor,
) -> Outcome:
    """Keep what a form sent that was opened at `version`, and deliver it. Raise ConfigurationError, Stale.

    What is so already changes nothing.
    """
    before = _current(configuration_id, version)
    row, targets = _checked(before.kind, name, typed, missing, distribution, groups, before)
    known = {"name": before.name, "missing": before.missing, "distribution": before.distribution}
    is_same = before.fields == orjson.loads(row["fields"]) and known == {key: row[key] for key in known}
    if is_same and {target.pk for target in before.groups} == set(targets):
        return Outcome(before, 0)
    changed = row | {"version": before.version + 1, "last_modified": max(now(), before.last_modified)}
    execute(update(TABLE).where(TABLE.c.id == before.id), changed)
    _set_targets(before.id, targets)
    after = find(before.id)
    return _delivered(after, "changed", *_noted_change(before, after), actor)


def _current(configuration_id, version):
    current = find(configuration_id)
    if current is None or current.version != version:
        raise Stale(current)
    return current


def copy(configuration_id: int, actor: Actor) -> Configuration:
    """Keep a copy under a name of its own, which goes to nobody yet. Raise Stale if there is nothing to copy."""
    original = find(configuration_id)
    if original is None:
        raise Stale(None)
    taken = {fold(configuration.name) for configuration in deliveries.everything()}
    number, name = 1, _copy_name(original.name)
    while fold(name) in taken:
        number += 1
        name = _copy_name(original.name, f" {number}")
    row = {
        "name": name,
        "name_key": fold(name),
        "fields": _json_of(original.fields),
        "missing": original.missing,
        "distribution": "nobody",
    }
    return _insert(original.kind, row, [], actor).configuration


def _copy_name(name, number=""):
    return f"Copy{number} of {name}"[:LONGEST_NAME].strip()


def remove(configuration_id: int, actor: Actor):
    """Delete a configuration; its people lose it. Raise Stale if it is gone."""
    configuration = find(configuration_id)
    if configuration is None:
        raise Stale(None)
    execute(delete(TABLE).where(TABLE.c.id == configuration_id))
    deliveries.forget()
    journal.note(actor, "deleted", "Configuration", configuration_id, configuration.name, _noted(configuration))


def _delivered(configuration, action, before, after, actor):
    """Deliver a configuration, or have a job do so, and write its audit line."""
    revisions, job_id = deliveries.distribute(configuration, actor)
    told = {"delivery": "by a job"} if job_id else {"newRevisions": revisions}
    journal.note(actor, action, "Configuration", configuration.id, configuration.name, before, after | told)
    return Outcome(configuration, revisions, job_id)


def _checked(kind, name, typed, missing, distribution, groups, before=None):
    """Return (what to store, the pks of the groups) of what was typed. Raise ConfigurationError."""
    name, errors = name.strip(), {}
    if problem := _name_problem(name, before):
        errors["name"] = problem
    if missing not in MISSING:
        errors["missing"] = f"{missing!r} is no way with a missing value: choose one of {', '.join(MISSING)}."
    if distribution not in DISTRIBUTIONS:
        errors["distribution"] = f"{distribution!r} is no distribution: choose one of {', '.join(DISTRIBUTIONS)}."
    wanted = set(groups) if distribution == "groups" else set()
    found = [pk for (pk,) in GROUP_PKS.rows(ids=journal.as_json(sorted(wanted)))]
    if distribution == "groups" and not wanted:
        errors["groups"] = "No group is chosen: choose one, or nobody yet."
    elif len(found) < len(wanted):
        errors["groups"] = "A chosen group is gone: choose among those that are there."
    fields, of_fields = mobileconfig.checked(kind, typed, available())
    if errors or of_fields:
        raise ConfigurationError(errors, of_fields)
    row = {"name": name, "name_key": fold(name), "fields": _json_of(fields), "missing": missing}
    return row | {"distribution": distribution}, found


def _json_of(fields):
    return orjson.dumps(fields).decode()


def _name_problem(name, before):
    if not name:
        return "A configuration needs a name: it stands on the device, too."
    if len(name) > LONGEST_NAME or not name.isprintable():
        return f"A name is one line of at most {LONGEST_NAME} characters."
    row = execute(select(TABLE.c.id).where(TABLE.c.name_key == fold(name))).first()
    if row and not (before and row.id == before.id):
        return f"There is a configuration {name!r} already; letter case does not count."
    return None


def _set_targets(configuration_id, pks):
    execute(delete(TARGETS).where(TARGETS.c.configuration_id == configuration_id))
    ADD_TARGET.run_many([{"configuration_id": configuration_id, "group_pk": pk} for pk in pks])
    deliveries.forget()


def _noted(configuration, marked=""):
    """Return a configuration for the audit trail: no password, and no picture, is written there."""
    fields = dict(configuration.fields)
    for field_ in configuration.kind.fields:
        if field_.name in fields and field_.type in ("password", "data"):
            fields[field_.name] = f"[{marked}{'secret' if field_.type == 'password' else 'picture'}]"
    return {
        "name": configuration.name,
        "type": configuration.type,
        "missing": configuration.missing,
        "distribution": configuration.distribution,
        "groups": [group.name for group in configuration.groups],
        "fields": fields,
    }


def _noted_change(before, after):
    """Return (before, after) with what differs alone."""
    old, new = _noted(before), _noted(after)
    changed = [name for name in old if old[name] != new[name] and name != "fields"]
    names = before.fields.keys() | after.fields.keys()
    differing = [name for name in sorted(names) if before.fields.get(name) != after.fields.get(name)]
    marked = _noted(after, "another ")["fields"]
    parts = []
    for noted, fields in ((old, old["fields"]), (new, marked)):
        part = {name: noted[name] for name in changed}
        kept = {name: fields[name] for name in differing if name in fields}
        parts.append(part | ({"fields": kept} if differing else {}))
    return parts


SPACES = "".join(filter(str.isspace, map(chr, range(0x3001))))  # what \s matches
USER_NAME = func.member(USERS.c.document, "userName")
IS_ADDRESS = and_(  # variables.ADDRESS, in SQL
    func.length(USER_NAME) - func.length(func.replace(USER_NAME, "@", "")) == 1,
    func.instr(USER_NAME, "@") > 1,
    not_(func.ends_with(USER_NAME, "@")),
    not_(func.has_one_of(USER_NAME, SPACES)),
)
OF_EMAILS = and_(VALUES.c.user_pk == USERS.c.pk, VALUES.c.attribute == "emails.value")
FIRST_EMAIL = select(VALUES.c.value_key).where(OF_EMAILS).order_by(VALUES.c.element).limit(1).scalar_subquery()
EMAIL = func.coalesce(FIRST_EMAIL, case((IS_ADDRESS, USER_NAME)))


def _has_local_part(address):
    is_bare_domain = and_(func.substr(address, 1, 1) == "@", func.instr(func.substr(address, 2), "@") == 0)
    return and_(address.is_not(None), not_(is_bare_domain))


def _has_domain(address):
    return and_(func.instr(address, "@") > 0, not_(func.ends_with(address, "@")))


HAS = {
    "userUID": true(),
    "userUPN": true(),
    "userUIDLocalPart": _has_local_part(USER_NAME),
    "userUIDDomain": _has_domain(USER_NAME),
    "userEmailAddress": or_(exists().where(OF_EMAILS), IS_ADDRESS),
    "userEmailAddressLocalPart": _has_local_part(EMAIL),
    "userEmailAddressDomain": func.coalesce(_has_domain(EMAIL), false()),
}


def _has(name):
    """Return the condition that a user has a value of a variable."""
    if name in HAS:
        return HAS[name]
    if name in variables.SYSTEM:
        urn, _, path = variables.SYSTEM[name].path.rpartition(":")
        key = f"{SHORT_NAMES[urn]}:{path}" if urn else path
    else:
        key = f"{SHORT_NAMES[CUSTOM]}:{name}"
    return exists().where(VALUES.c.user_pk == USERS.c.pk, VALUES.c.attribute == key)


def readiness(kind: Kind, fields: dict, missing: str, distribution: str, groups: Iterable[str] = ()) -> Readiness:
    """Return who would get these fields, before they are saved; `groups` are ids.

    Up to RENDERED people it is rendered for each; of more, SQL says who lacks a value.
    """
    if distribution == "nobody":
        return Readiness(0, 0, {}, [], True)
    pks = None
    if distribution == "groups":
        pks = journal.as_json([pk for (pk,) in GROUP_PKS.rows(ids=journal.as_json(list(groups)))])
    is_many = len(_first_people(pks is not None).rows(groups=pks, most=RENDERED + 1)) > RENDERED
    return (_by_counting if is_many else _by_rendering)(kind, fields, missing, pks)


@lru_cache
def _first_people(in_groups):
    chosen = select(USERS.c.pk).where(IS_ENABLED, *([IN_GROUPS] if in_groups else []))
    return Prepared(chosen.limit(bindparam("most")))


@lru_cache
def _documents(in_groups):
    chosen = select(USERS.c.pk, USERS.c.id, USERS.c.display, USERS.c.document)
    return Prepared(chosen.where(IS_ENABLED, *([IN_GROUPS] if in_groups else [])).order_by(USERS.c.pk))


def _by_rendering(kind, fields, missing, pks):
    by_variable, sample, people, held = Counter(), [], 0, 0
    names, known = mobileconfig.names(kind, fields), {}
    for pk, identifier, display, document in _documents(pks is not None).run(groups=pks):
        document = orjson.loads(document)
        values = tuple([value_of(name, document) for name in names])
        if values not in known:
            given = dict(zip(names, values, strict=True))
            known[values] = mobileconfig.rendered(kind, fields, given, missing).held
        people += 1
        if why := known[values]:
            held += 1
            by_variable.update(why.keys())
            if len(sample) < SAMPLE:
                sample.append(Held(pk, identifier, display, why))
    return Readiness(people, people - held, dict(by_variable.most_common()), sample, True)


def _by_counting(kind, fields, missing, pks):
    needed = mobileconfig.needed(kind, fields) if missing == "hold" else []
    totals, first = _counting(tuple(needed), pks is not None)
    people, ready, *lacking = totals.first(groups=pks)
    by_variable = Counter({name: number for name, number in zip(needed, lacking, strict=True) if number})
    sample = [
        Held(pk, identifier, display, preview(kind, fields, missing, orjson.loads(document)).held)
        for pk, identifier, display, document in (first.rows(groups=pks) if ready < people else ())
    ]
    return Readiness(people, ready, dict(by_variable.most_common()), sample, False)


@lru_cache(100)
def _counting(needed, in_groups):
    """Return the statements that count people and who lacks what, and that find the first who lack something."""
    chosen = [IS_ENABLED, *([IN_GROUPS] if in_groups else [])]
    all_there = and_(true(), *map(_has, needed))
    lacking = [func.count(case((not_(_has(name)), 1))) for name in needed]
    totals = select(func.count(), func.count(case((all_there, 1))), *lacking).select_from(USERS).where(*chosen)
    first = select(USERS.c.pk, USERS.c.id, USERS.c.display, USERS.c.document).where(*chosen, not_(all_there))
    return Prepared(totals), Prepared(first.order_by(USERS.c.pk).limit(SAMPLE))
