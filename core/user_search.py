"""The search for users: who matches a query, and the shortest way to a page of them. No HTTP, no HTML.

    found = UserSearch(UserQuery(text="ada lov", status="enabled"), totals)
    found.keys(place=None, backwards=False, count=50)      # [(sort key, pk), …]; core/lists.py makes a page of them

No index serves every combination of conditions, so there are four ways, and the first that is short is taken: few
candidates, which an index finds, are read and sorted; who has a word is read in the order of names (core/words.py)
and checked for the rest; the index of the order is walked, and each user checked; where that finds too little, all
who match are gathered first.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from sqlalchemy import bindparam, select, text

import engines
from core import words
from core.search import GROUPS, STATEMENTS, USERS
from database import Prepared, db
from engines import json_list
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
COLUMNS = {"name": "display_key", "user_name": "user_name_key", "changed": "last_modified"}
SIZES_OF_GROUP = Prepared(
    select(GROUPS.c.pk, GROUPS.c.member_count, GROUPS.c.disabled_count).where(GROUPS.c.id == bindparam("id"))
)
MEMBERS = "SELECT user_pk FROM group_members WHERE group_pk = :group_pk"
# the conditions of partial indexes; the one of the invited begins with the state, which is written out for it, too
PARTIAL = {
    "disabled": "u.active IS NOT TRUE",
    "local": "u.source = 'local'",
    "invited": "u.invite <> 'not invited' AND u.invite = :invite",
}


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


def text_of(typed: str) -> str:
    """Return what was typed, in the form that keys have."""
    return fold(typed[:LONGEST_TEXT].encode(errors="ignore").decode())


def _words(typed: str) -> list:
    """Return the words of a search, the long ones first, as few people have them.

    One that begins another is left out: who has that one has both.
    """
    found = list(dict.fromkeys(word[: words.LONGEST_WORD] for word in text_of(typed).split()))
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


class UserSearch:
    """One search for users: what is known of it, and the ways to a page."""

    def __init__(self, query: UserQuery, totals: dict):
        """`totals` are {(source, enabled, invite): how many users}: see lists.user_totals."""
        column = COLUMNS.get(query.sort, "display_key")
        self.query, self.words = query, _words(query.text)
        self.values = {"source": query.source, "invite": query.invite}
        for number, word in enumerate(self.words):
            self.values |= {f"word{number}": word, f"behind{number}": word + words.BEHIND}
        self.group = SIZES_OF_GROUP.first(id=query.group) if query.group else None
        if self.group:
            self.values["group_pk"] = self.group[0]
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
        self.kind, self.key_of = str, KEYS[column]  # of the sort key, and of a user's

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

    def count(self) -> int:
        """Return how many there are, exactly: of a large database, that may take a second."""
        if self.is_empty:
            return 0
        return self.known_total if self.known_total is not None else _count(self.shape).scalar(**self.values)

    def everybody(self) -> Iterator[int]:
        """Yield the pks of all, in the order of the query."""
        if not self.is_empty:
            cursor = _in_whole(self.shape, self.query.descending).run(**self.values)
            yield from (pk for (pk,) in cursor)


def _round(found):
    """Return a round number below `found`, to say that there are more."""
    return next((n * 10**p for p in (4, 3, 2, 1, 0) for n in (5, 2, 1) if n * 10**p < found), 0)


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


def where(conditions) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _ordered(shape, others=()) -> str:
    """Return the FROM, WHERE and ORDER BY that read users along the index of an order, from a place on."""
    index = f" INDEXED BY {shape.index}" if shape.index else ""
    place = f"(u.{shape.column}, u.pk) {'<' if shape.descending else '>'} (:key, :pk)"
    conditions = [*filter(None, [shape.drives]), *([place] if shape.is_placed else []), *others]
    way = "DESC" if shape.descending else "ASC"
    return f"users AS u{index}{where(conditions)} ORDER BY u.{shape.column} {way}, u.pk {way}"


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
    return _varying(f"SELECT u.key, u.pk FROM ({some}) AS u{where(checks)}{order} LIMIT :count")


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
    return _varying(f"SELECT u.{shape.column}, u.pk FROM {chosen}{where(_checks(shape))}")


@lru_cache(STATEMENTS)
def _match(shape):
    """Select the pk of those of `pks` who match; their rows are read where it is about columns of theirs."""
    users = " JOIN users AS u ON u.pk = c.value" if shape.state else ""
    return _varying(f"SELECT c.value FROM json_each(:pks) AS c{users}{where(_checks(shape, 'c.value'))}")


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
    return f"users AS u{where([*among, *shape.state])}"


@lru_cache(STATEMENTS)
def _count(shape):
    return _varying(f"SELECT count(*) FROM {_all(shape)}")


@lru_cache(STATEMENTS)
def _in_whole(shape, descending):
    way = "DESC" if descending else "ASC"
    return _varying(f"SELECT u.pk FROM {_all(shape)} ORDER BY u.{shape.column} {way}, u.pk {way}")


PKS_OF_GROUP, SOME_OF_GROUP = Prepared(text(MEMBERS)), Prepared(text(f"{MEMBERS} LIMIT :most"))
SOME_OF_WORD = Prepared(text(f"{_pks_of((0,), False)} LIMIT :most"))
KEYS = {name: Prepared(select(USERS.c[name]).where(USERS.c.pk == bindparam("pk"))) for name in COLUMNS.values()}
