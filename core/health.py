"""Whether provisioning works: what an administrator sees before anything else. Read from the log; no HTTP.

    health = provisioning_health()
    health.state, health.since       # "failing", "2026-11-24T10:02:11.123456Z"

A failure counts until a later success shows that it is over, and for a day at most. Which success does so depends
on what failed: the token, the server, one person, one group, or none of these.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import bindparam, case, func, literal, or_, select, union_all

from core import history, journal, tokens
from core.history import ENTRIES, IS_WRITE, REFUSED, SUCCEEDED, WRITES, LogRow
from core.search import GROUPS, USERS
from database import Prepared, execute, from_now, now
from engines import is_one_of
from protocol import definitions
from protocol.schema import fold, user_name_key

FAILURE_HOURS = 24
SILENT_HOURS = 24
LOOKED_AT = 200  # refusals, the newest
SUCCESSES = 1_000  # the newest, among which one of the same request is looked for
LISTED = 20  # unresolved failures
SLACK = 5_000  # ids: under load, a refusal is written later than what came after it
GRACE = timedelta(minutes=10)  # of a day's last entries, until they are written
IGNORED_DAYS, IGNORED_REQUESTS = 7, 1_000
EXPIRY_DAYS = 30, 7  # before a token expires: warn, and warn aloud
READS = ("GET", "HEAD")
KEYS = {"User": user_name_key, "Group": fold}  # how names of that kind compare
HOLDERS = Prepared(
    union_all(
        select(literal("User"), USERS.c.user_name_key, USERS.c.id).where(is_one_of(USERS.c.user_name_key, "users")),
        select(literal("Group"), GROUPS.c.display_name_key, GROUPS.c.id).where(
            is_one_of(GROUPS.c.display_name_key, "groups")
        ),
    )
)
LAST_WRITES = Prepared(
    select(ENTRIES.c.resource_id, func.max(ENTRIES.c.id), func.max(ENTRIES.c.time))
    .where(is_one_of(ENTRIES.c.resource_id, "ids"), ENTRIES.c.id > bindparam("floor"), SUCCEEDED, IS_WRITE)
    .group_by(ENTRIES.c.resource_id)
)
DELETED = Prepared(
    select(ENTRIES.c.resource_id)
    .distinct()
    .where(is_one_of(ENTRIES.c.resource_id, "ids"), SUCCEEDED, ENTRIES.c.method == "DELETE")
)


@dataclass(frozen=True)
class Health:
    """How provisioning stands, in one word, and why."""

    state: str  # "never contacted", "failing", "silent" or "healthy"
    last_contact: str | None  # when a request last carried a live token
    since: str | None  # failing: when the oldest unresolved failure was; silent: the last contact
    failures: list[LogRow] = field(default_factory=list)  # unresolved: the newest about each thing, newest first


class Day(NamedTuple):
    """How many requests there were on one day, UTC. A POST to .search counts as a change."""

    date: str
    reads: int
    changes: int
    refused: int


@dataclass(frozen=True)
class Attention:
    """Something that an administrator should look at.

    kind and what: "failures" {count, since}; "no token" {ever: whether there was one}; "token expired" and
    "token expires" {id, name, expires}, the latter with {days: whole ones that are left}; "ignored attribute"
    {name, requests, last: when}.
    """

    kind: str
    severity: str  # "serious", "warning" or "notice"
    what: dict


class Success(NamedTuple):
    """The newest of some successes: by id, and by time, which differ where the clock was set, or under load."""

    id: int
    time: str

    def resolves(self, failure: LogRow) -> bool:
        return self.id > failure.id or self.time > failure.time


NEVER = Success(0, "")


def provisioning_health() -> Health:
    """Return how provisioning stands now."""
    contact, failures = _last_contact(), _unresolved(_failures())
    if failures:
        newest = {}
        for failure in failures:  # newest first
            newest.setdefault(_thing(failure), failure)
        return Health("failing", contact, min(f.time for f in failures), list(newest.values())[:LISTED])
    if contact is None:
        return Health("never contacted", None, None)
    if contact < from_now(timedelta(hours=-SILENT_HOURS)):
        return Health("silent", contact, contact)
    return Health("healthy", contact, None)


def _last_contact():
    """Return when a request last carried a live token: tokens know the minute, the newest entries more."""
    noted = execute(select(func.max(history.TOKENS.c.last_used))).scalar()
    recent = ENTRIES.c.id > history.newest_log_id() - SUCCESSES
    query = select(ENTRIES.c.time).where(recent, ENTRIES.c.token_id.isnot(None)).order_by(ENTRIES.c.id.desc())
    return max(filter(None, (noted, execute(query.limit(1)).scalar())), default=None)


def _failures():
    """Return the newest refusals of the last day that an administrator has to know of, newest first."""
    query = select(*history.COLUMNS).where(REFUSED).order_by(ENTRIES.c.id.desc()).limit(LOOKED_AT)
    oldest = from_now(timedelta(hours=-FAILURE_HOURS))
    return [row for row in history.log_rows(execute(query).all()) if row.time >= oldest and _is_failure(row)]


def _is_failure(row):
    """Return whether a refusal is one: it is none to ask for what is not here, or for another version."""
    if row.status == 404:
        return row.method not in (*READS, "DELETE") or _is_lost(row)
    return row.status != 412


def _is_lost(row):
    """Return whether the path leads nowhere, as with a wrong base URL."""
    return row.status == 404 and (row.error or "").startswith("Nothing is at")


def _thing(row):
    """Return (the kind of success that resolves a failure, what failed); repeated failures of one thing are one."""
    if row.status == 401:
        return "any", row.error
    if row.status in (429, 503) or _is_lost(row):
        return "any", row.status
    if row.status == 507:
        return "write", row.status
    if row.method in WRITES and row.method != "POST" and row.resource_id:
        return "id", row.resource_id
    if row.method == "POST" and row.resource_type in KEYS and row.subject:
        return row.resource_type, KEYS[row.resource_type](row.subject)
    return "request", (row.method, row.path.partition("?")[0], row.scim_type)


def _unresolved(failures):
    """Return the failures that no later success resolves. As many statements for one as for all."""
    if not failures:
        return []
    things, floor = [_thing(failure) for failure in failures], failures[-1].id - SLACK
    found = _of_requests(set(things), floor)
    names = {thing for thing in things if thing[0] in KEYS}
    holders = _holders(names)
    unheld = [f.time for f, thing in zip(failures, things, strict=True) if thing in names - holders.keys()]
    found |= _of_removed(min(unheld)) if unheld else {}
    writes = _of_ids({*(key for kind, key in things if kind == "id"), *holders.values()}, floor)
    found |= {("id", key): success for key, success in writes.items()}
    found |= {name: writes.get(identifier, NEVER) for name, identifier in holders.items()}
    # what Okta deleted itself, it still may name once more
    gone = _deleted(
        {key for f, (kind, key) in zip(failures, things, strict=True) if f.status == 404 and kind == "id"}
    )
    return [
        failure
        for failure, thing in zip(failures, things, strict=True)
        if thing not in gone and not found.get(thing, NEVER).resolves(failure)
    ]


def _of_requests(things, floor):
    """Return {thing: the last success of any kind, of a write, or of the same request}, among the newest ones."""
    query = select(ENTRIES.c.id, ENTRIES.c.time, ENTRIES.c.method, ENTRIES.c.path, IS_WRITE.label("is_write"))
    query = query.where(SUCCEEDED, ENTRIES.c.id > floor).order_by(ENTRIES.c.id.desc()).limit(SUCCESSES)
    last: dict = {}
    for row in execute(query):
        keys = ["any", "write"] if row.is_write else ["any"]
        for key in (*keys, (row.method, row.path.partition("?")[0])):
            last[key] = _later(last.get(key, NEVER), row.id, row.time)
    return {
        (kind, key): last.get(key[:2] if kind == "request" else kind, NEVER)
        for kind, key in things
        if kind in ("any", "write", "request")
    }


def _later(success, identifier, time):
    return Success(max(success.id, identifier), max(success.time, time))


def _holders(names):
    """Return {(type, key): id of the user or group that has the name now}."""
    if not names:
        return {}
    keys = {kind: journal.as_json([key for of, key in names if of == kind]) for kind in KEYS}
    rows = HOLDERS.rows(users=keys["User"], groups=keys["Group"])
    return {(kind, key): identifier for kind, key, identifier in rows}


def _of_ids(ids, floor):
    """Return {id: the last successful write to that user or group}."""
    rows = LAST_WRITES.rows(ids=journal.as_json(sorted(ids)), floor=floor) if ids else []
    return {identifier: Success(*last) for identifier, *last in rows}


def _of_removed(since):
    """Return {(type, key): when a user or group of that name was deleted over SCIM}: then the name is free."""
    query = select(ENTRIES.c.resource_type, ENTRIES.c.subject, ENTRIES.c.id, ENTRIES.c.time).where(
        ENTRIES.c.time >= since, ENTRIES.c.status == 204, ENTRIES.c.method == "DELETE"
    )
    last: dict = {}
    for kind, name, *success in execute(query.order_by(ENTRIES.c.time.desc()).limit(SUCCESSES)):
        if kind in KEYS and name:
            thing = kind, KEYS[kind](name)
            last[thing] = _later(last.get(thing, NEVER), *success)
    return last


def _deleted(ids):
    """Return the things that are gone because the client deleted them."""
    rows = DELETED.rows(ids=journal.as_json(sorted(ids))) if ids else []
    return {("id", identifier) for (identifier,) in rows}


def activity(days: int = 14) -> list[Day]:
    """Return the last `days` days, UTC, oldest first and today last, whether there were requests or not.

    Each process counts an entry once: days that are over stay as they are, to the others come the entries that are
    newer than those that were counted. So what was counted stays when the log is pruned, too.
    """
    ended = from_now(-GRACE)[:10]  # days before this one are complete
    last, newest = date.fromisoformat(now()[:10]), history.newest_log_id()
    kept = current_app.extensions.get("activity", {})  # day: its counts, and the newest entry then; None: complete
    counted = {}
    for number in reversed(range(days)):
        day = (last - timedelta(days=number)).isoformat()
        counts, until = kept.get(day, (None, None))
        is_over = day < ended
        if counts is None or (until is None and not is_over):  # a clock that was set back reopens days
            counts = _counts(day, OF_DAY, following=(date.fromisoformat(day) + timedelta(days=1)).isoformat())
        elif until is not None:
            counts = [old + new for old, new in zip(counts, _counts(day, OF_DAY_SINCE, since=until), strict=True)]
        counted[day] = counts, None if is_over else newest
    current_app.extensions["activity"] = kept | counted
    return [Day(day, *counts) for day, (counts, _until) in counted.items()]


def _sums(*conditions):
    succeeded, is_read = ENTRIES.c.status < 400, or_(*(ENTRIES.c.method == method for method in READS))
    kinds = (succeeded & is_read, succeeded & ~is_read, ~succeeded)
    return Prepared(select(*(func.sum(case((kind, 1), else_=0)) for kind in kinds)).where(*conditions))


OF_DAY = _sums(ENTRIES.c.time >= bindparam("day"), ENTRIES.c.time < bindparam("following"))
# the few that are new are found by their ids: not by the index of times, which has the whole day
OF_DAY_SINCE = _sums(ENTRIES.c.id > bindparam("since"), func.substr(ENTRIES.c.time, 1, 10) == bindparam("day"))


def _counts(day, statement, **others):
    """Return how many reads, changes and refusals there were."""
    return [number or 0 for number in statement.first(day=day, **others)]


def attention(health: Health | None = None) -> list[Attention]:
    """Return what an administrator should look at, the most serious first. `health` spares looking it up again."""
    health = health or provisioning_health()
    found = [*_of_tokens(tokens.listing(all=True)), *_of_ignored()]
    if health.failures:
        what = {"count": len(health.failures), "since": health.since}
        found.append(Attention("failures", "serious", what))
    order = ("serious", "warning", "notice")
    return sorted(found, key=lambda attention: order.index(attention.severity))


def _of_tokens(rows):
    live = [token for token in rows if tokens.is_live(token)]
    if not live:
        yield Attention("no token", "serious" if rows else "notice", {"ever": bool(rows)})
    used = max((token for token in rows if token.last_used), key=lambda token: token.last_used, default=None)
    if used and used.revoked is None and used.expires and used.expires <= now():
        yield Attention("token expired", "serious", _shown(used))
    warn, aloud = (from_now(timedelta(days=days)) for days in EXPIRY_DAYS)
    for token in sorted(live, key=lambda token: token.expires or ""):
        if token.expires and token.expires <= warn and not _is_replaced(token, live):
            what = _shown(token) | {"days": _days_until(token.expires)}
            yield Attention("token expires", "serious" if token.expires <= aloud else "warning", what)


def _shown(token):
    return {"id": token.id, "name": token.name, "expires": token.expires}


def _is_replaced(token, live):
    """Return whether Okta uses a newer token already."""
    return any(other.id > token.id and (other.last_used or "") > (token.last_used or "") for other in live)


def _days_until(moment):
    return (datetime.fromisoformat(moment) - datetime.fromisoformat(now())).days


def _of_ignored():
    """Yield the custom attributes that Okta sends and nobody defined, of the newest entries of the last days."""
    query = select(ENTRIES.c.ignored, ENTRIES.c.time).where(
        ENTRIES.c.ignored.isnot(None),
        ENTRIES.c.id > history.newest_log_id() - history.SCANNED,
        ENTRIES.c.time >= from_now(timedelta(days=-IGNORED_DAYS)),
    )
    requests, last, paths = Counter(), {}, []
    for text, time in execute(query.order_by(ENTRIES.c.id.desc()).limit(IGNORED_REQUESTS)):
        own = history.ignored_paths(text)
        paths += own
        for path in {path.lower() for path in own}:
            requests[path] += 1
            last.setdefault(path, time)
    for name in history.definable(paths):
        path = f"{definitions.CUSTOM}:{name}".lower()
        yield Attention(
            "ignored attribute", "notice", {"name": name, "requests": requests[path], "last": last[path]}
        )
