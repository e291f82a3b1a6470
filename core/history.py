"""What the journal wrote, read for people: the provisioning log and the audit trail, newest first. No HTTP.

    rows, older = log_page(LogQuery(outcome="refused"))
    rows, older = log_page(LogQuery(outcome="refused"), before=older)

What no index finds is looked for in SCANNED entries at a time, and MOST_TEXT is read: a page may come back short,
or empty, and `older` still says where to go on. Bodies are read for one entry only: a page of them would be half a
megabyte.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
from sqlalchemy import func, literal, literal_column, or_, select, union_all

from core import attributes, journal
from core.search import GROUPS, USERS
from database import Prepared, close_connection, execute
from engines import has_part, is_one_of
from models import Token
from protocol import definitions
from protocol.schema import ResourceType

SCANNED = 20_000  # entries that one call looks through
LONGEST_TEXT = 60  # characters that are searched for: SQLite compares them at every place of a long entry
RECEIVED_FROM = 50  # requests, and as many audit lines, that `received` looks into
SHOWN_VALUES = 20  # of one attribute, in the words of `changes`
LONGEST_SHOWN = 1_000  # characters of these words
MOST_TEXT = 2**20  # characters that a page reads, and one row more: a change may be two documents
FETCHED = 10  # rows that are read at a time
EVERY_TOKEN = "SCIM Okta"  # as the actor of an AuditQuery
ENTRIES, LINES, TOKENS = journal.ENTRIES, journal.LINES, Token.__table__
WRITES = ("POST", "PUT", "PATCH", "DELETE")
KINDS = {"Users": "User", "Groups": "Group"}
# the endpoint in a path, and the id, if it has one
RESOURCE = re.compile(r"[^?]*?/(Users|Groups)(?:/(?:\.search|([^/?]+)))?(?:\?|$)")
LOOK_UP = re.compile(r'[?&]filter=\s*(?:urn:[^ ]*:)?(?:userName|displayName) eq ("(?:[^"\\]|\\.)*")', re.IGNORECASE)
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
# written out, not bound: the index of refusals is then taken at SQLite's first look at a statement
REFUSED, SUCCEEDED = literal_column("provisioning_log.status >= 400"), ENTRIES.c.status < 400
IS_WRITE = or_(*(ENTRIES.c.method == method for method in WRITES)) & (func.instr(ENTRIES.c.path, "/.search") == 0)
OUTCOMES = {
    "ok": [SUCCEEDED],
    "refused": [REFUSED],
    "ignored": [ENTRIES.c.ignored.isnot(None)],
    "changes": [SUCCEEDED, IS_WRITE],
    "": [],
}
BODIES = ("request", "answer")
COLUMNS = [column for column in ENTRIES.c if column.name not in BODIES]
NAMES = Prepared(
    union_all(
        select(USERS.c.id, func.member(USERS.c.document, "userName")).where(is_one_of(USERS.c.id, "ids")),
        select(GROUPS.c.id, GROUPS.c.display_name).where(is_one_of(GROUPS.c.id, "ids")),
    )
)


@dataclass(frozen=True)
class LogQuery:
    """Which entries of the provisioning log are asked for."""

    outcome: str = ""  # "ok", "refused", "ignored" (something was), "changes" (writes that succeeded), "" for all
    person: str = ""  # id of a user or group: its entries, and those refused that name it
    token: int | None = None  # its id
    text: str = ""  # in path, subject, error, request or answer; the case of A to Z does not count


@dataclass(frozen=True)
class LogRow:
    """One entry of the provisioning log, as people read it."""

    id: int
    time: str
    token_id: int | None
    token_name: str | None
    address: str | None
    method: str
    path: str  # decoded, with the query
    resource_type: str | None  # "User" or "Group"; where it is not known, what the path says
    resource_id: str | None  # likewise
    subject: str | None  # whom it is about: what the log noted, the resource's name now, or who was looked up
    status: int
    scim_type: str | None
    error: str | None
    milliseconds: float
    ignored: list[str] = field(default_factory=list)  # paths of attributes
    exists: bool = False  # whether the resource is here now
    request: str | None = None  # the bodies: only log_entry reads them
    answer: str | None = None

    @property
    def is_refused(self) -> bool:
        return self.status >= 400


@dataclass(frozen=True)
class AuditQuery:
    """Which lines of the audit trail are asked for."""

    kind: str = ""  # User, Group, Token, Attribute, Configuration, Administrator or Setting
    action: str = ""
    actor: str = ""  # a name, or EVERY_TOKEN
    resource_id: str = ""
    text: str = ""  # in actor, name, before or after; the case of A to Z does not count


@dataclass(frozen=True)
class AuditRow:
    """One change, as people read it; `before` and `after` hold only what changed."""

    id: int
    time: str
    actor: str
    token_id: int | None
    action: str
    kind: str
    resource_id: str
    name: str
    before: dict | None
    after: dict | None


def log_page(query: LogQuery, before: int | None = None, count: int = 50):
    """Return (rows with an id below `before`, where to go on: the next `before`, or None at the end)."""
    found, older = _page(ENTRIES, COLUMNS, _log_sources(query), before, count)
    return log_rows(found), older


def log_since(query: LogQuery, after: int, count: int = 50) -> list[LogRow]:
    """Return the newest rows with an id above `after`, at most `count`."""
    found, _ = _page(ENTRIES, COLUMNS, _log_sources(query), None, count, after)
    return log_rows(found)


def newest_log_id() -> int:
    """Return the id of the newest entry, or 0; entries of reads are a second late."""
    return _newest(ENTRIES)


def log_entry(identifier: int) -> LogRow | None:
    """Return one entry with its bodies."""
    found = execute(select(ENTRIES).where(ENTRIES.c.id == identifier)).all()
    return next(iter(log_rows(found)), None)


def log_rows(entries: list) -> list[LogRow]:
    """Return entries for people: with the names of tokens and resources, which two statements look up for all."""
    places = [_place(entry) for entry in entries]
    names = names_of({identifier for _, identifier in places if identifier})
    tokens = _token_names() if any(entry.token_id for entry in entries) else {}
    return [
        LogRow(
            **{name: value for name, value in entry._mapping.items() if name not in ("ignored", "subject")}
            | {"resource_type": kind, "resource_id": identifier},
            token_name=tokens.get(entry.token_id),
            subject=entry.subject or names.get(identifier) or _looked_up(entry.path),
            ignored=ignored_paths(entry.ignored),
            exists=identifier in names,
        )
        for entry, (kind, identifier) in zip(entries, places, strict=True)
    ]


def names_of(ids) -> dict:
    """Return {id: userName or displayName} of those that are users or groups now."""
    return dict(NAMES.rows(ids=journal.as_json(sorted(ids)))) if ids else {}


def _token_names():
    return dict(execute(select(TOKENS.c.id, TOKENS.c.name)).all())


def _place(entry):
    """Return (type, id) of the resource: of a refused request, the log may know only the path."""
    if entry.resource_id:
        return entry.resource_type, entry.resource_id
    found = RESOURCE.match(entry.path)
    return (KINDS[found[1]], found[2]) if found else (entry.resource_type, None)


def _looked_up(path):
    """Return the name in a filter such as userName eq "ada", or None."""
    found = LOOK_UP.search(path)
    try:
        return orjson.loads(found[1]) if found else None
    except orjson.JSONDecodeError:
        return None


def ignored_paths(ignored: str | None) -> list[str]:
    """Return the list of attribute paths that the log kept as JSON; of one that was cut, what is whole."""
    try:
        return orjson.loads(ignored or "[]")
    except orjson.JSONDecodeError:
        return [orjson.loads(text) for text in QUOTED.findall(ignored)]


def _page(table, columns, sources, before, count, after=0):
    """Return (rows, older) of a page that is fed by several sources: each is (conditions, whether indexed).

    A source that an index finds is read as far as the page needs; of any other, SCANNED entries are.
    """
    before = _newest(table) + 1 if before is None else before
    found, end = [], after + 1
    for conditions, is_found, others in sources:
        lowest = _lowest(table, conditions, before, is_found) if others else 0
        wanted = [*conditions, *others, table.c.id < before, table.c.id >= max(lowest, after + 1)]
        rows, is_cut = _first(select(*columns).where(*wanted).order_by(table.c.id.desc()).limit(count + 1))
        found += rows
        end = max(end, rows[-1].id if is_cut else lowest)
    found = sorted((row for row in found if row.id >= end), key=lambda row: -row.id)
    if len(found) > count:
        return found[:count], found[count - 1].id
    return found, end if end > after + 1 else None


def _first(statement):
    """Return (rows, whether these are not all): those behind MOST_TEXT characters are left unread."""
    rows, size = [], 0
    with execute(statement.execution_options(yield_per=FETCHED)) as found:
        for row in found:
            if size > MOST_TEXT:
                return rows, True
            rows.append(row)
            size += sum(len(value) for value in row if isinstance(value, str))
    return rows, False


def _newest(table):
    return execute(select(func.max(table.c.id))).scalar() or 0


def _lowest(table, conditions, before, is_found):
    """Return the lowest id that is looked at, or 0 if nothing is below it.

    An index tells where the SCANNED-th of those it finds is; without one, ids have no gaps but at the old end.
    """
    if is_found:
        nth = select(table.c.id).where(*conditions, table.c.id < before).order_by(table.c.id.desc())
        return execute(nth.limit(1).offset(SCANNED - 1)).scalar() or 0
    oldest = execute(select(func.min(table.c.id))).scalar() or 0
    return before - SCANNED if before - SCANNED > oldest else 0


def _log_sources(query):
    """Return [(conditions that an index may serve, whether one does, other conditions)] of a LogQuery."""
    others = []
    if query.token is not None:
        others.append(ENTRIES.c.token_id == query.token)
    if query.text:
        others.append(_contains(query.text, "path", "subject", "error", *BODIES, table=ENTRIES))
    outcome = OUTCOMES[query.outcome]
    if query.person:
        own = [ENTRIES.c.resource_id == query.person]
        return [(own, True, [*outcome, *others]), *_naming(query.person, [*outcome, *others])]
    if query.outcome == "refused":
        return [(outcome, True, others)]
    return [([], False, [*outcome, *others])]


def _naming(person, others):
    """Return the source of the refused requests that name a user or group without the log knowing its id."""
    [(kind, name)] = execute(
        union_all(
            select(literal("Users"), func.member(USERS.c.document, "userName")).where(USERS.c.id == person),
            select(literal("Groups"), GROUPS.c.display_name).where(GROUPS.c.id == person),
        )
    ).all() or [("", None)]
    place, is_about = func.instr(ENTRIES.c.path, f"/{kind}") > 0, func.lower(ENTRIES.c.subject) == func.lower(name)
    by_id = func.instr(ENTRIES.c.path, f"/{person}") > 0
    unknown = ENTRIES.c.resource_id.is_(None)
    return [([REFUSED], True, [unknown, or_(place & is_about, by_id) if name else by_id, *others])]


def _contains(text, *names, table):
    return or_(*(has_part(table.c[name], text[:LONGEST_TEXT]) for name in names))


def audit_page(query: AuditQuery, before: int | None = None, count: int = 50):
    """Return (rows with an id below `before`, where to go on: the next `before`, or None at the end)."""
    others = []
    if query.kind:
        others.append(LINES.c.resource_type == query.kind)
    if query.action:
        others.append(LINES.c.action == query.action)
    if query.actor:
        is_theirs = LINES.c.token_id.isnot(None) if query.actor == EVERY_TOKEN else LINES.c.actor == query.actor
        others.append(is_theirs)
    if query.text:
        others.append(_contains(query.text, "actor", "name", "before", "after", table=LINES))
    indexed = [LINES.c.resource_id == query.resource_id] if query.resource_id else []
    found, older = _page(LINES, list(LINES.c), [(indexed, bool(indexed), others)], before, count)
    return [_audit_row(line) for line in found], older


def audit_batches(query: AuditQuery, size: int = 1_000) -> Iterator[list[AuditRow]]:
    """Yield all lines in lists of up to `size`. No transaction stays open while one of them is sent."""
    before = None
    while True:
        rows, before = audit_page(query, before, size)
        close_connection()
        yield rows
        if before is None:
            return


def _audit_row(line):
    values = {name: value for name, value in line._mapping.items() if name != "resource_type"}
    before, after = (orjson.loads(text) if text else None for text in (line.before, line.after))
    return AuditRow(**values | {"before": before, "after": after}, kind=line.resource_type)


def changes(row: AuditRow) -> list[tuple]:
    """Return [(attribute, text before, text after)] of a change; None where there was or is no value.

    Attributes of an extension stand there by their own name. Of a long value, the texts have the beginning; of
    members, how many went and came, and the ids of the first. All of it is in row.before and row.after.
    """
    before, after = _flat(row.before), _flat(row.after)
    places = [*before, *(place for place in after if place not in before)]
    return [
        (name, _text(name, before.get((urn, name)), "removed"), _text(name, after.get((urn, name)), "added"))
        for urn, name in places
        if before.get((urn, name)) != after.get((urn, name))
    ]


def _flat(document, urn="", prefix=""):
    """Return {(URN of the extension or "", name): value} of what changed; `schemas` says nothing to people."""
    flat: dict = {}
    for name, value in (document or {}).items():
        if name in definitions.SHORT_NAMES:
            flat |= _flat(value, name)
        elif isinstance(value, dict):
            flat |= _flat(value, urn, f"{prefix}{name}.")
        elif name != "schemas":
            flat[urn, prefix + name] = value
    return flat


def _text(name, value, verb):
    """Return a value in words, cut to LONGEST_SHOWN, or None if there is none."""
    if value is None or value == []:
        return None
    text = _word(value) if not isinstance(value, list) else _listed(name, value, verb)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _listed(name, value, verb):
    listed = ", ".join(_word(part) for part in value[:SHOWN_VALUES]) + (" …" if len(value) > SHOWN_VALUES else "")
    return f"{len(value)} {verb}: {listed}" if name == "members" else listed


def _word(value):
    """Return one value: of a complex one, such as an e-mail, what it is and in brackets what is said about it."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return journal.as_json(value)
    parts = dict(value)
    main = parts.pop("value", None)
    about = [name if part is True else _word(part) for name, part in parts.items() if part is not False]
    if main is None:
        return ", ".join(about)
    return f"{_word(main)} ({', '.join(about)})" if about else _word(main)


def received(user) -> dict:
    """Return {attribute key: when a request last carried it} of a directory.Resource that is a user.

    Keys are "userName", "name", "name.givenName", "emails", "enterprise:department", "ivanti:custAttr1". Looked
    into are the newest RECEIVED_FROM requests that changed this user; bulk requests are not, nor bodies that the
    log cut. What they do not carry is as old as the newest audit line of a token that has it.
    """
    found: dict = {}
    sent = select(ENTRIES.c.time, ENTRIES.c.method, ENTRIES.c.request).where(
        ENTRIES.c.resource_id == user.id, ENTRIES.c.method.in_(("POST", "PUT", "PATCH")), SUCCEEDED
    )
    for time, method, text in execute(sent.order_by(ENTRIES.c.id.desc()).limit(RECEIVED_FROM)):
        for key in _keys_of_request(method, _parsed(text), user.type):
            found.setdefault(key, time)
    if _keys(user.document, user.type) - found.keys():
        lines = select(LINES.c.time, LINES.c.after).where(
            LINES.c.resource_id == user.id, LINES.c.token_id.isnot(None), LINES.c.after.isnot(None)
        )
        noted: dict = {}
        for time, text in execute(lines.order_by(LINES.c.id.desc()).limit(RECEIVED_FROM)):
            for key in _keys(orjson.loads(text), user.type):
                noted.setdefault(key, time)
        found = noted | found
    return found


def _parsed(text):
    """Return a body that the log kept, or None where it was cut or is no JSON."""
    try:
        return orjson.loads(text or "null")
    except orjson.JSONDecodeError:
        return None


def _keys_of_request(method, body, of_type):
    if method != "PATCH":
        return _keys(body, of_type)
    keys = set()
    for operation in _member(body, "operations", list):
        path = _member(operation, "path", str)
        value = _member(operation, "value", object)
        keys |= _keys_at(path, value, of_type) if path else _keys(value, of_type)
    return keys


def _member(value, name, kind):
    """Return a member of a JSON object, in whatever letter case; nothing where it is not of that kind."""
    for key, part in value.items() if isinstance(value, dict) else ():
        if key.lower() == name and isinstance(part, kind):
            return part
    return () if kind is list else None


def _keys(body, of_type: ResourceType) -> set:
    """Return the keys of the attributes that a JSON object carries; names may be paths, as in a PATCH."""
    keys: set = set()
    for name, value in body.items() if isinstance(body, dict) else ():
        keys |= _keys_at(name, value, of_type)
    return keys


def _keys_at(path, value, of_type):
    if path.lower() == of_type.urn.lower():
        return _keys(value, of_type)
    chain = of_type.paths.get(path.partition("[")[0].strip().lower())
    if chain is None or chain[0].read_only or chain[0].name == "schemas":
        return set()
    top, *below = chain
    if not top.extension and top.name != "name":
        return {top.key}
    own = set() if top.extension else {top.key}
    if below:
        return own | {below[0].key}
    subs = [top.sub.get(name.lower()) for name in value] if isinstance(value, dict) else []
    return own | {sub.key for sub in subs if sub}


def definable(paths: list[str]) -> list[str]:
    """Return the names among ignored attribute paths, as LogRow.ignored has them, that could be defined here."""
    prefix = definitions.CUSTOM.lower() + ":"
    names = [path[len(prefix) :] for path in paths if path.lower().startswith(prefix)]
    if not names:
        return []
    core = (attribute["name"] for attribute in [*definitions.COMMON, *definitions.USER_SCHEMA["attributes"]])
    defined = (name for name, *_ in attributes.DEFINED.rows())
    taken = {name.lower() for name in (*attributes.SYSTEM_NAMES, *core, *defined)}
    free = {name.lower(): name for name in reversed(names) if name.lower() not in taken}
    return [name for name in reversed(free.values()) if attributes.NAME.fullmatch(name)]
