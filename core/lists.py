"""The portal's lists of users and groups: searched, filtered, sorted, in pages. No HTTP, no HTML.

    page = users(UserQuery(text="ada lov", status="enabled"), count=50)
    page = users(query, after=page.next)

A page begins behind a row, not at a number: whatever comes and goes before it, nobody is shown twice or left out.
No index serves every combination of conditions, so there are four ways to a page of users, and `_Users` takes the
first that is short: few candidates, which an index finds, are read and sorted; who has a word is read in the order
of names (core/words.py) and checked for the rest; the index of the order is walked, and each user checked; where
that finds too little, all who match are gathered first.
"""

import heapq
import itertools
from array import array
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, func, select, text

import engines
from core import directory, words
from core.search import BLOCKS, GROUPS, STATEMENTS, USERS
from database import Prepared, close_connection, db
from engines import is_one_of, json_list
from models import UserCount
from protocol.schema import fold

GATHER = 2_000  # how many users a word or a group may have to be few
GLANCE = 100  # how many users the walk along a partial index checks, before those who have a word are read
LOOK = 2_000  # how many of those who have a word, or one like it, are checked in the order of their names
ALL = 2**62  # for a walk that nothing ends
WALK = 1_000  # how many users the walk along an order checks, before all who match are gathered
SORT = 50_000  # how many of those are read and sorted; more are looked for along the order
SAMPLE = 1_000  # users who are so few that no other list is read, to find fewer
ESTIMATE = 300  # how many users tell whether a total that nobody counts is large
MOST_WORDS = 5  # of a search
LONGEST_TEXT = 1_000  # characters of a search
LONGEST_KEY = 200  # characters of a name that a cursor carries
END = "end"  # the cursor before which the last page lies
COLUMNS = {"name": "display_key", "user_name": "user_name_key", "changed": "last_modified"}
GROUP_COLUMNS = {"name": "display_name_key", "members": "member_count", "changed": "last_modified"}


@dataclass(frozen=True)
class UserQuery:
    """Which users, in what order. An empty condition is none; one that cannot hold finds nobody."""

    text: str = ""  # each of its words begins a word of the name, the userName or an e-mail
    source: str = ""  # scim or local
    status: str = ""  # enabled or disabled
    invite: str = ""
    group: str = ""  # a group's id
    sort: str = "name"  # name, user_name or changed
    descending: bool = False


@dataclass(frozen=True)
class GroupQuery:
    """Which groups, in what order."""

    text: str = ""  # a part of the displayName
    source: str = ""
    sort: str = "name"  # name, members or changed
    descending: bool = False


class UserRow(NamedTuple):
    pk: int
    id: str
    display: str
    user_name: str
    email: str | None  # the primary one, or else the first
    source: str
    enabled: bool
    invite: str
    groups: tuple  # (id, displayName) of each, in the order of their names
    last_modified: str
    created: str
    version: int


class GroupRow(NamedTuple):
    pk: int
    id: str
    name: str
    source: str
    member_count: int
    disabled_count: int  # of the members
    last_modified: str
    version: int


@dataclass(frozen=True)
class Page:
    """Some rows of a list. `previous` and `next` are for `before` and `after`; "" where there is no such page."""

    rows: list
    total: int
    is_capped: bool  # there are more than `total`, and nobody counted how many
    previous: str
    next: str


def users(query: UserQuery, after: str = "", before: str = "", count: int = 50) -> Page:
    """Return a page of users; `before` may be "end". A cursor that is none leads to the first page."""
    found = _Users(query)
    turn = _turn(found, after, before, max(count, 1))
    total, is_capped = (len(turn.pks), False) if turn.is_whole else found.total()
    return Page(_user_rows(turn.pks), max(total, len(turn.pks)), is_capped, turn.previous, turn.next)


def groups(query: GroupQuery, after: str = "", before: str = "", count: int = 50) -> Page:
    """Return a page of groups; as `users` does."""
    found = _Groups(query)
    turn = _turn(found, after, before, max(count, 1))
    total = len(turn.pks) if turn.is_whole else found.total()
    return Page(_in_order(GroupRow, GROUP_ROWS, turn.pks), total, False, turn.previous, turn.next)


def user(identifier: str) -> UserRow | None:
    """Return the row of the user with that id, if there is one."""
    pk = PK_OF_USER.scalar(id=identifier)
    return _user_rows([pk])[0] if pk else None


def group(identifier: str) -> GroupRow | None:
    """Return the row of the group with that id, if there is one."""
    pk = PK_OF_GROUP.scalar(id=identifier)
    return _in_order(GroupRow, GROUP_ROWS, [pk])[0] if pk else None


def count_users(query: UserQuery) -> int:
    """Return how many users there are, exactly: of a large database, that may take a second."""
    found = _Users(query)
    if found.is_empty:
        return 0
    return found.known_total if found.known_total is not None else _count(found.shape).scalar(**found.values)


def matching_pks(query: UserQuery) -> list[int]:
    """Return the pks of all users, in the order of the query."""
    return list(_everybody(query))


def user_batches(query: UserQuery, size: int = 1000) -> Iterator[list[UserRow]]:
    """Yield all users in lists of up to `size`, in the order of the query.

    Who they are is read first, at eight bytes each, so that nobody comes twice if people change meanwhile. No
    connection is kept between the lists: they may go to a slow reader.
    """
    pks = array("q", _everybody(query))
    close_connection()
    for start in range(0, len(pks), size):
        rows = _user_rows(pks[start : start + size].tolist())
        close_connection()
        yield rows


def _everybody(query):
    """Yield the pks of all users, in the order of the query."""
    found = _Users(query)
    if not found.is_empty:
        cursor = _in_whole(found.shape, query.descending).run(**found.values)
        yield from (pk for (pk,) in cursor)


def users_of_pks(pks: list[int]) -> list[UserRow]:
    """Return the rows of users, in the order of their names."""
    return sorted(_user_rows(pks), key=lambda row: (fold(row.display), row.pk))


def user_totals() -> dict[tuple[str, bool, str], int]:
    """Return {(source, enabled, invite): how many users}, of those states that anybody is in."""
    return {(source, bool(enabled), invite): number for source, enabled, invite, number in USER_COUNTS.rows()}


def group_totals() -> dict[str, int]:
    """Return {source: how many groups}, of those that have any: the local ones are counted, the rest is Okta's."""
    everything, local = GROUP_COUNTS.first(table=GROUPS.name)
    totals = {"scim": everything - local, "local": local}
    return {source: number for source, number in totals.items() if number}


COUNTS = UserCount.__table__
USER_COUNTS = Prepared(
    select(COUNTS.c.source, COUNTS.c.enabled, COUNTS.c.invite, COUNTS.c.count).where(COUNTS.c.count != 0)
)
GROUP_COUNTS = Prepared(
    select(
        select(func.coalesce(func.sum(BLOCKS.c.count), 0))
        .where(BLOCKS.c.table == bindparam("table"))
        .scalar_subquery(),
        select(func.count()).select_from(GROUPS).where(text("source = 'local'")).scalar_subquery(),
    )
)
PK_OF_USER = Prepared(select(USERS.c.pk).where(USERS.c.id == bindparam("id")))
PK_OF_GROUP = Prepared(select(GROUPS.c.pk).where(GROUPS.c.id == bindparam("id")))
SIZES_OF_GROUP = Prepared(
    select(GROUPS.c.pk, GROUPS.c.member_count, GROUPS.c.disabled_count).where(GROUPS.c.id == bindparam("id"))
)
USER_ROWS = Prepared(
    select(
        *(USERS.c[name] for name in ("pk", "id", "display", "source", "active", "invite", "document")),
        *(USERS.c[name] for name in ("last_modified", "created", "version")),
    ).where(is_one_of(USERS.c.pk, "pks"))
)
GROUP_ROWS = Prepared(
    select(
        *(GROUPS.c[name] for name in ("pk", "id", "display_name", "source", "member_count", "disabled_count")),
        *(GROUPS.c[name] for name in ("last_modified", "version")),
    ).where(is_one_of(GROUPS.c.pk, "pks"))
)


def _in_order(make, statement, pks):
    """Return rows in the order of their pks, leaving out whoever is gone."""
    rows = {row[0]: make(*row) for row in statement.rows(pks=json_list(pks))}
    return [rows[pk] for pk in pks if pk in rows]


def _user_rows(pks):
    of_users = directory.groups_of(pks)

    def make(pk, identifier, display, source, active, invite, document, *others):
        document, theirs = orjson.loads(document), of_users.get(pk, ())
        if len(theirs) > 1:
            theirs = sorted(theirs, key=lambda group: (fold(group[1]), group[0]))
        name, email, is_enabled = document["userName"], _email(document), active == 1
        return UserRow(pk, identifier, display, name, email, source, is_enabled, invite, tuple(theirs), *others)

    return _in_order(make, USER_ROWS, pks)


def _email(document):
    emails = [email for email in document.get("emails", ()) if email.get("value")]
    primary = next((email for email in emails if email.get("primary") is True), None)
    return (primary or emails[0])["value"] if emails else None


@dataclass(frozen=True)
class _Turn:
    """The pks of a page and the cursors beside it. `is_whole` if the list has no other page."""

    pks: list
    previous: str
    next: str
    is_whole: bool


def _turn(found, after, before, count) -> _Turn:
    """Turn to a page of `found`, a _Users or _Groups."""
    place = found.place(after)
    backwards = place is None and bool(before)
    if backwards and before != END:
        place = found.place(before)
        backwards = place is not None
    keys = found.keys(place, backwards, count + 1)
    if not keys and place is not None:  # all who were there are gone: show those who are nearest
        return _turn(found, "", "" if backwards else END, count)
    is_more, keys = len(keys) > count, keys[:count]
    if backwards:
        keys.reverse()
    is_first = not is_more if backwards else place is None
    is_last = place is None if backwards else not is_more
    previous = "" if is_first else _cursor(keys[0])
    return _Turn([pk for _key, pk in keys], previous, "" if is_last else _cursor(keys[-1]), is_first and is_last)


def _cursor(place) -> str:
    """Return a place in a list as text for a URL. Of a name too long for one, the pk alone says where it is."""
    key, pk = place
    is_short = not isinstance(key, str) or len(key) <= LONGEST_KEY
    return urlsafe_b64encode(orjson.dumps([key, pk] if is_short else [pk])).decode().rstrip("=")


def _place(cursor: str, kind: type, key_of: Prepared):
    """Return (sort key, pk) of a cursor, or None if it is none."""
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        return None
    if not isinstance(parts, list) or not parts or type(parts[-1]) is not int or abs(parts[-1]) >= 2**63:
        return None
    if len(parts) == 1:
        key = key_of.scalar(pk=parts[0])
        return None if key is None else (key, parts[0])
    is_place = len(parts) == 2 and type(parts[0]) is kind and (kind is str or abs(parts[0]) < 2**63)
    return tuple(parts) if is_place else None


def _text_of(typed: str) -> str:
    """Return what was typed, in the form that keys have."""
    return fold(typed[:LONGEST_TEXT].encode(errors="ignore").decode())


def _words(typed: str) -> list:
    """Return the words of a search, the long ones first, as few people have them.

    One that begins another is left out: who has that one has both.
    """
    found = list(dict.fromkeys(word[: words.LONGEST_WORD] for word in _text_of(typed).split()))
    found = [w for w in found[:MOST_WORDS] if not any(o != w and o.startswith(w) for o in found[:MOST_WORDS])]
    return sorted(found, key=len, reverse=True)


@dataclass(frozen=True)
class _Shape:
    """What a statement depends on; all else is a parameter."""

    column: str  # that it is sorted by
    index: str = ""  # of the order; the one of a unique column has no name of ours
    drives: str = ""  # what the index leaves out: the condition of a partial index
    state: tuple = ()  # conditions on columns of users
    words: tuple = ()  # the numbers of the words that are looked for
    in_group: bool = False
    descending: bool = False
    is_placed: bool = False  # whether it begins behind a place


class _Users:
    """One search for users: what is known of it, and the ways to a page."""

    def __init__(self, query: UserQuery):
        column = COLUMNS.get(query.sort, "display_key")
        self.query, self.words = query, _words(query.text)
        self.values = {"source": query.source, "invite": query.invite}
        for number, word in enumerate(self.words):
            self.values |= {f"word{number}": word, f"behind{number}": word + words.BEHIND}
        self.group = SIZES_OF_GROUP.first(id=query.group) if query.group else None
        if self.group:
            self.values["group_pk"] = self.group[0]
        totals = user_totals()
        self.size = sum(
            number
            for (source, enabled, invite), number in totals.items()
            if query.source in ("", source)
            and query.status in ("", "enabled" if enabled else "disabled")
            and query.invite in ("", invite)
        )
        self.is_empty = not self.size or bool(query.group and not self.group)
        state = _state(query)
        drives = _partial(query, totals)
        index = f"ix_users_{drives}_{column}" if drives else f"ix_users_{column}"
        self.shape = _Shape(
            column=column,
            index="" if index == "ix_users_user_name_key" else index,
            drives=PARTIAL.get(drives, ""),
            state=state,
            words=tuple(range(len(self.words))),
            in_group=self.group is not None,
        )

    def place(self, cursor):
        return _place(cursor, str, KEYS_OF_USERS[self.shape.column]) if cursor else None

    @cached_property
    def known_total(self):
        """The total, where the counters tell it."""
        if self.words or (self.group and (self.query.source or self.query.invite)):
            return None
        if not self.group:
            return self.size
        _pk, members, disabled = self.group
        return {"enabled": members - disabled, "disabled": disabled}.get(self.query.status, members)

    @cached_property
    def candidates(self):
        """The pks of those who may match, if an index finds few; None otherwise. They are checked for `rest`."""
        return self._gather(GATHER)

    def _gather(self, most):
        few: list = []
        self.rest = self.shape
        for number in self.shape.words:
            if any(len(pks) <= SAMPLE for pks in few):
                break  # so few are checked sooner than another list is read
            if _has_more(number).first(**self.values, most=most):
                continue
            few.append({pk for (pk,) in _pks_of_word(number).rows(**self.values)})
            self.rest = replace(self.rest, words=tuple(n for n in self.rest.words if n != number))
        if self.group and self.group[1] <= most and not any(len(pks) <= SAMPLE for pks in few):
            few.append({pk for (pk,) in PKS_OF_GROUP.rows(**self.values)})
            self.rest = replace(self.rest, in_group=False)
        return set.intersection(*few) if few else None

    @cached_property
    def matches(self):
        """(sort key, pk) of all candidates who match."""
        return _check(self.rest).rows(**self.values, pks=json_list(self.candidates))

    def keys(self, place, backwards, count):
        """Return up to `count` (sort key, pk) behind a place, in the order of reading."""
        if self.is_empty:
            return []
        descending = self.query.descending != backwards
        if self.candidates is not None:
            return _choose(self.matches, place, descending, count)
        if not (self.words or self.group):
            return self._walk(place, descending, count, most=ALL)
        if self.words and self.shape.column == "display_key":
            found = self._walk(place, descending, count, GLANCE) if self.shape.drives else None
            found = found or self._with_words(place, descending, count)
            if found is not None:
                return found
        found = self._walk(place, descending, count, WALK)
        if found is not None:
            return found
        self.candidates = self._gather(SORT)
        if self.candidates is not None:
            return self.keys(place, backwards, count)
        shape, values = self._placed(place, descending)
        return _sift(shape).rows(**values, count=count)

    def _placed(self, place, descending):
        """Return the shape and the values of a statement that begins behind a place."""
        shape = replace(self.shape, descending=descending, is_placed=place is not None)
        return shape, self.values | ({"key": place[0], "pk": place[1]} if place else {})

    def _walk(self, place, descending, count, most):
        """Return what `keys` does, or None where more than `most` users would have to be checked."""
        shape, values = self._placed(place, descending)
        walk = _whole_walk if most == ALL and not engines.is_sqlite(db.engine) else _walk
        found = walk(shape).rows(**values, count=count, most=most)
        is_all = most == ALL or len(found) == count or not _is_longer(shape).first(**values, most=most)
        return found if is_all else None

    def _with_words(self, place, descending, count):
        """Return what `keys` does in the order of names, or None where too many would have to be looked at."""
        found = (self._with_word(number, place, descending, count) for number in self.shape.words)
        return next((keys for keys in found if keys is not None), None)

    def _with_word(self, number, place, descending, count):
        """Read those who have a word in the order of names, in portions, and check them for all other conditions.

        A portion holds as many as the rest of the page needs, at the rate so far.
        """
        word, rest = self.words[number], self.shape
        if len(word) <= words.INITIAL:  # whoever is read has it
            rest = replace(rest, words=tuple(n for n in rest.words if n != number))
        holders = words.of_initials(word, place, descending, count)
        found, looked, size = [], 0, count
        while holders is not None and looked < LOOK:
            some = list(itertools.islice(holders, size))
            if any(len(name) >= words.LONGEST_NAME for name, _pk in (*some, *filter(None, [place]))):
                return None  # these may be in another order: only the beginnings of their names were compared
            found += self._matching(rest, some)
            if len(found) >= count or len(some) < size:
                return found[:count]
            looked += size
            needed = (count - len(found)) * looked // max(len(found), 1) * 5 // 4
            size = max(count, min(needed, looked * 4, LOOK - looked))
        return None

    def _matching(self, shape, some):
        """Return those of some (sort key, pk) who match, in their order."""
        if not (shape.words or shape.state or shape.in_group):
            return some
        pks = json_list(pk for _key, pk in some)
        matches = {pk for (pk,) in _match(shape).rows(**self.values, pks=pks)}
        return [(key, pk) for key, pk in some if pk in matches]

    def total(self):
        """Return (total, is_capped)."""
        if self.is_empty:
            return 0, False
        if self.known_total is not None:
            return self.known_total, False
        if self.candidates is not None:
            return len(self.matches), False
        if self.words:
            some = SOME_OF_WORD.rows(**self.values, most=ESTIMATE)
            rest = replace(self.shape, words=self.shape.words[1:])
        else:
            some = SOME_OF_GROUP.rows(**self.values, most=ESTIMATE)
            rest = replace(self.shape, in_group=False)
        return _round(len(self._matching(rest, dict.fromkeys(("", pk) for (pk,) in some)))), True


def _round(found):
    """Return a round number below `found`, to say that there are more."""
    return next((n * 10**p for p in (4, 3, 2, 1, 0) for n in (5, 2, 1) if n * 10**p < found), 0)


MEMBERS = "SELECT user_pk FROM group_members WHERE group_pk = :group_pk"
# the conditions of partial indexes; the one of the invited begins with the state, which is written out for it, too
PARTIAL = {
    "disabled": "u.active IS NOT TRUE",
    "local": "u.source = 'local'",
    "invited": "u.invite <> 'not invited' AND u.invite = :invite",
}


def _state(query) -> tuple:
    """Return the conditions on columns: as the partial indexes have them, and so that no other index is taken."""
    source = PARTIAL["local"] if query.source == "local" else "u.source = :source"
    status = PARTIAL["disabled"] if query.status == "disabled" else "coalesce(u.active, FALSE) = TRUE"
    conditions = ((query.source, source), (query.status, status), (query.invite, "u.invite = :invite"))
    return tuple(condition for is_asked, condition in conditions if is_asked)


def _partial(query, totals):
    """Return the partial index with the fewest users who may match: disabled, local, invited; or "" for none."""
    sizes = {}
    if query.status == "disabled":
        sizes["disabled"] = sum(number for (_, enabled, _), number in totals.items() if not enabled)
    if query.source == "local":
        sizes["local"] = sum(number for (source, _, _), number in totals.items() if source == "local")
    if query.invite not in ("", "not invited"):
        sizes["invited"] = sum(number for (_, _, invite), number in totals.items() if invite == query.invite)
    return min(sizes, key=sizes.get) if sizes else ""


def _choose(matches, place, descending, count):
    """Return the first `count` of matches behind a place."""
    if place:
        matches = [m for m in matches if (m < place if descending else m > place)]
    return (heapq.nlargest if descending else heapq.nsmallest)(count, matches)


def _word(number) -> str:
    """Return the condition that a row of user_words begins with a word."""
    return f"word BETWEEN :word{number} AND :behind{number}"


def _checks(shape, pk="u.pk") -> list:
    """Return the conditions of a shape, for one user at a time."""
    has_word = f"EXISTS (SELECT 1 FROM user_words INDEXED BY ix_user_words_user WHERE user_pk = {pk} AND %s)"
    is_member = f"EXISTS (SELECT 1 FROM group_members AS m WHERE m.group_pk = :group_pk AND m.user_pk = {pk})"
    in_group = [is_member] if shape.in_group else []
    return [*shape.state, *in_group, *(has_word % _word(number) for number in shape.words)]


def _where(conditions) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _ordered(shape, others=()) -> str:
    """Return the FROM, WHERE and ORDER BY that read users along the index of an order, from a place on."""
    index = f" INDEXED BY {shape.index}" if shape.index else ""
    place = f"(u.{shape.column}, u.pk) {'<' if shape.descending else '>'} (:key, :pk)"
    conditions = [*filter(None, [shape.drives]), *([place] if shape.is_placed else []), *others]
    way = "DESC" if shape.descending else "ASC"
    return f"users AS u{index}{_where(conditions)} ORDER BY u.{shape.column} {way}, u.pk {way}"


def _varying(sql) -> Prepared:
    """Return a statement whose best way depends on the words, the group, the place that are looked for."""
    return Prepared(text(sql), varies=True)


@lru_cache(STATEMENTS)
def _walk(shape):
    """Select from the next `most` users in the order those who match."""
    # the rows lie far apart: who is disabled, or local, too, is found by that other index of the same order
    others = [
        n for n in ("disabled", "local") if PARTIAL[n] in shape.state and shape.drives not in ("", PARTIAL[n])
    ]
    known = (shape.drives, *(PARTIAL[name] for name in others))
    rest = replace(shape, state=tuple(condition for condition in shape.state if condition not in known))
    checks = [*(_is_in(name, shape.column) for name in others), *_checks(rest)]
    # what no condition asks for is left out: the index alone has the rest
    columns = ", u.source, u.active, u.invite" if rest.state else ""
    some = f"SELECT u.{shape.column} AS key, u.pk{columns} FROM {_ordered(shape)} LIMIT :most"
    way = "DESC" if shape.descending else "ASC"
    # SQLite keeps the order of a subquery, and would sort all of it again; PostgreSQL promises none
    order = "" if engines.is_sqlite(db.engine) else f" ORDER BY u.key {way}, u.pk {way}"
    return _varying(f"SELECT u.key, u.pk FROM ({some}) AS u{_where(checks)}{order} LIMIT :count")


@lru_cache(STATEMENTS)
def _whole_walk(shape):
    """Select those who match, for PostgreSQL, which finds the way along the order by itself.

    A subquery with a LIMIT it would expect to read as a whole, and sort it.
    """
    return _varying(f"SELECT u.{shape.column}, u.pk FROM {_ordered(shape, _checks(shape))} LIMIT :count")


def _is_in(name, column) -> str:
    """Return the condition that a partial index has the user of a walk."""
    index = f"users AS s INDEXED BY ix_users_{name}_{column}"
    condition = PARTIAL[name].replace("u.", "s.")
    return f"EXISTS (SELECT 1 FROM {index} WHERE {condition} AND s.{column} = u.key AND s.pk = u.pk)"


@lru_cache(STATEMENTS)
def _is_longer(shape):
    """Select a row if there are more than `most` users in the order."""
    return _varying(f"SELECT 1 FROM {_ordered(shape)} LIMIT 1 OFFSET :most")


@lru_cache(STATEMENTS)
def _sift(shape):
    """Select those who match along the order, from all who have the first word, or else are in the group."""
    first, others = (_pks_of(shape.words[:1], False), shape.words[1:]) if shape.words else (MEMBERS, ())
    rest = replace(shape, words=others, in_group=shape.in_group and bool(shape.words))
    conditions = [f"+u.pk IN ({first})", *_checks(rest)]
    return _varying(f"SELECT u.{shape.column}, u.pk FROM {_ordered(shape, conditions)} LIMIT :count")


@lru_cache(STATEMENTS)
def _check(shape):
    """Select those of `pks` who match."""
    chosen = "json_each(:pks) AS c JOIN users AS u ON u.pk = c.value"
    return _varying(f"SELECT u.{shape.column}, u.pk FROM {chosen}{_where(_checks(shape))}")


@lru_cache(STATEMENTS)
def _match(shape):
    """Select the pk of those of `pks` who match; their rows are read where it is about columns of theirs."""
    users = " JOIN users AS u ON u.pk = c.value" if shape.state else ""
    return _varying(f"SELECT c.value FROM json_each(:pks) AS c{users}{_where(_checks(shape, 'c.value'))}")


@lru_cache(STATEMENTS)
def _pks_of_word(number):
    return _varying(_pks_of((number,), False))


@lru_cache(STATEMENTS)
def _has_more(number):
    """Select a row if a word stands in more than `most` rows; of one person, it may stand in several."""
    return _varying(f"SELECT 1 FROM user_words WHERE {_word(number)} LIMIT 1 OFFSET :most")


def _pks_of(words, in_group) -> str:
    """Return the SELECT of all who have the words and are in the group."""
    of_words = [f"SELECT user_pk FROM user_words WHERE {_word(number)}" for number in words]
    return " INTERSECT ".join([*of_words, *([MEMBERS] if in_group else [])])


def _all(shape) -> str:
    among = [f"u.pk IN ({_pks_of(shape.words, shape.in_group)})"] if shape.words or shape.in_group else []
    return f"users AS u{_where([*among, *shape.state])}"


@lru_cache(STATEMENTS)
def _count(shape):
    return _varying(f"SELECT count(*) FROM {_all(shape)}")


@lru_cache(STATEMENTS)
def _in_whole(shape, descending):
    way = "DESC" if descending else "ASC"
    return _varying(f"SELECT u.pk FROM {_all(shape)} ORDER BY u.{shape.column} {way}, u.pk {way}")


PKS_OF_GROUP, SOME_OF_GROUP = Prepared(text(MEMBERS)), Prepared(text(f"{MEMBERS} LIMIT :most"))
SOME_OF_WORD = Prepared(text(f"{_pks_of((0,), False)} LIMIT :most"))
KEYS_OF_USERS = {
    name: Prepared(select(USERS.c[name]).where(USERS.c.pk == bindparam("pk"))) for name in COLUMNS.values()
}
KEYS_OF_GROUPS = {
    name: Prepared(select(GROUPS.c[name]).where(GROUPS.c.pk == bindparam("pk"))) for name in GROUP_COLUMNS.values()
}


class _Groups:
    """One search for groups. There are some thousands of them at most: what no index sorts, SQLite does."""

    def __init__(self, query: GroupQuery):
        self.column = GROUP_COLUMNS.get(query.sort, "display_name_key")
        self.descending = query.descending
        self.values = {"text": _text_of(query.text.strip()), "source": query.source}
        self.conditions = tuple(name for name, value in self.values.items() if value)

    def place(self, cursor):
        kind = int if self.column == "member_count" else str
        return _place(cursor, kind, KEYS_OF_GROUPS[self.column]) if cursor else None

    def keys(self, place, backwards, count):
        """Return up to `count` (sort key, pk) behind a place, in the order of reading."""
        values = self.values | ({"key": place[0], "pk": place[1]} if place else {})
        descending = self.descending != backwards
        statement = _some_groups(self.column, self.conditions, descending, place is not None)
        return statement.rows(**values, count=count)

    def total(self):
        return _count_groups(self.conditions).scalar(**self.values)


GROUP_CONDITIONS = {"text": "instr(display_name_key, :text) > 0", "source": "source = :source"}


@lru_cache(STATEMENTS)
def _some_groups(column, conditions, descending, is_placed):
    place = [f"({column}, pk) {'<' if descending else '>'} (:key, :pk)"] if is_placed else []
    chosen = _where([*place, *(GROUP_CONDITIONS[name] for name in conditions)])
    way = "DESC" if descending else "ASC"
    order = f"ORDER BY {column} {way}, pk {way}"
    return Prepared(text(f"SELECT {column}, pk FROM groups{chosen} {order} LIMIT :count"))


@lru_cache(STATEMENTS)
def _count_groups(conditions):
    chosen = _where([GROUP_CONDITIONS[name] for name in conditions])
    return Prepared(text(f"SELECT count(*) FROM groups{chosen}"))
