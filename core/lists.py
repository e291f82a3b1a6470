"""The portal's lists of users and groups: searched, filtered, sorted, in pages. No HTTP, no HTML.

    page = users(UserQuery(text="ada lov", status="enabled"), count=50)
    page = users(query, after=page.next)

A page begins behind a row, not at a number: whatever comes and goes before it, nobody is shown twice or left out.
"""

from array import array
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, func, select, text

from core import directory
from core.search import BLOCKS, GROUPS, STATEMENTS, USERS
from core.user_search import UserQuery, UserSearch, text_of, where
from core.variables import main_email
from database import Prepared, close_connection
from engines import is_one_of, json_list
from models import UserCount
from protocol.schema import fold

LONGEST_KEY = 200  # characters of a name that a cursor carries
END = "end"  # the cursor before which the last page lies
GROUP_COLUMNS = {"name": "display_name_key", "members": "member_count", "changed": "last_modified"}


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

    @property
    def name(self) -> str:
        """Return what pages call the person: a display name may be nothing but spaces."""
        return self.display if self.display.strip() else self.user_name


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
    found = _search(query)
    turn = _turn(found, after, before, max(count, 1))
    total, is_capped = (len(turn.pks), False) if turn.is_whole else found.total()
    return Page(_user_rows(turn.pks), max(total, len(turn.pks)), is_capped, turn.previous, turn.next)


def groups(query: GroupQuery, after: str = "", before: str = "", count: int = 50) -> Page:
    """Return a page of groups; as `users` does."""
    found = _Groups(query)
    turn = _turn(found, after, before, max(count, 1))
    total = len(turn.pks) if turn.is_whole else found.total()
    return Page(_in_order(GroupRow, GROUP_ROWS, turn.pks), total, False, turn.previous, turn.next)


def _search(query):
    return UserSearch(query, user_totals())


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
    return _search(query).count()


def matching_pks(query: UserQuery) -> list[int]:
    """Return the pks of all users, in the order of the query."""
    return list(_search(query).everybody())


def user_batches(query: UserQuery, size: int = 1000) -> Iterator[list[UserRow]]:
    """Yield all users in lists of up to `size`, in the order of the query.

    Who they are is read first, at eight bytes each, so that nobody comes twice if people change meanwhile. No
    connection is kept between the lists: they may go to a slow reader.
    """
    pks = array("q", _search(query).everybody())
    close_connection()
    for start in range(0, len(pks), size):
        rows = _user_rows(pks[start : start + size].tolist())
        close_connection()
        yield rows


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
KEYS_OF_GROUPS = {
    name: Prepared(select(GROUPS.c[name]).where(GROUPS.c.pk == bindparam("pk"))) for name in GROUP_COLUMNS.values()
}


def _in_order(make, statement, pks):
    """Return rows in the order of their pks, leaving out whoever is gone."""
    found = statement.run(pks=json_list(pks))  # one after another: a row may have a document of a megabyte
    rows = {row[0]: make(*row) for row in found}
    return [rows[pk] for pk in pks if pk in rows]


def _user_rows(pks):
    of_users = directory.groups_of(pks)

    def make(pk, identifier, display, source, active, invite, document, *others):
        document, theirs = orjson.loads(document), of_users.get(pk, ())
        if len(theirs) > 1:
            theirs = sorted(theirs, key=lambda group: (fold(group[1]), group[0]))
        name, email, is_enabled = document["userName"], main_email(document), active == 1
        return UserRow(pk, identifier, display, name, email, source, is_enabled, invite, tuple(theirs), *others)

    return _in_order(make, USER_ROWS, pks)


@dataclass(frozen=True)
class _Turn:
    """The pks of a page and the cursors beside it. `is_whole` if the list has no other page."""

    pks: list
    previous: str
    next: str
    is_whole: bool


def _turn(found, after, before, count) -> _Turn:
    """Turn to a page of `found`, a UserSearch or _Groups."""
    place = _place(after, found)
    backwards = place is None and bool(before)
    if backwards and before != END:
        place = _place(before, found)
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


def _place(cursor: str, found):
    """Return (sort key, pk) of a cursor in the order of `found`, or None if it is none."""
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        return None
    if not isinstance(parts, list) or not parts or type(parts[-1]) is not int or abs(parts[-1]) >= 2**63:
        return None
    if len(parts) == 1:
        key = found.key_of.scalar(pk=parts[0])
        return None if key is None else (key, parts[0])
    is_place = len(parts) == 2 and type(parts[0]) is found.kind and (found.kind is str or abs(parts[0]) < 2**63)
    return tuple(parts) if is_place else None


class _Groups:
    """One search for groups. There are some thousands of them at most: what no index sorts, SQLite does."""

    def __init__(self, query: GroupQuery):
        self.column = GROUP_COLUMNS.get(query.sort, "display_name_key")
        self.descending = query.descending
        self.kind, self.key_of = int if self.column == "member_count" else str, KEYS_OF_GROUPS[self.column]
        self.values = {"text": text_of(query.text.strip()), "source": query.source}
        self.conditions = tuple(name for name, value in self.values.items() if value)

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
    chosen = where([*place, *(GROUP_CONDITIONS[name] for name in conditions)])
    way = "DESC" if descending else "ASC"
    order = f"ORDER BY {column} {way}, pk {way}"
    return Prepared(text(f"SELECT {column}, pk FROM groups{chosen} {order} LIMIT :count"))


@lru_cache(STATEMENTS)
def _count_groups(conditions):
    chosen = where([GROUP_CONDITIONS[name] for name in conditions])
    return Prepared(text(f"SELECT count(*) FROM groups{chosen}"))
