"""A filter tree → SQL, sorting and pages. Keeps the same rows as `protocol.filters.match`.

    total, rows = page(users, filters.parse('title co "eng"', users), Order(), start=1, count=100)

A condition on a value is a look-up in `user_values`, which its primary key indexes by attribute and value. Within
an `and`, the first `eq` drives (a list of pks from the index) and the others are checked one person at a time.
Statements are composed once for each shape of filter: the values it compares with are parameters.
"""

import itertools
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from sqlalchemy import and_, bindparam, exists, false, func, literal, not_, or_, select, text, true

import engines
from database import Prepared, connection
from models import BLOCK_BITS, Block, Group, GroupMember, User, UserValue
from protocol.errors import ScimError, invalid_filter, invalid_path
from protocol.filters import OPERATORS, And, Compare, Not, Or, Present, ValuePath, match
from protocol.schema import Attribute, ResourceType, fold

USERS, VALUES, GROUPS, MEMBERS, BLOCKS = (m.__table__ for m in (User, UserValue, Group, GroupMember, Block))
TABLES = {"User": USERS, "Group": GROUPS}
MOST_KEPT = 10  # comparisons of a filter whose statement is kept
STATEMENTS = 500  # shapes of filters and orders that are kept
FILTER_SECONDS = 10  # that a filter may take
# Okta goes on behind as many as it asked for, which are 100, not behind as many as came
FULL_PAGE = 100  # rows that no page ends before
MOST_TEXT = 64 * 2**20  # characters of documents behind which a larger page ends

# attributes that are columns; every other one of a user has its rows in user_values
COLUMNS = {
    "User": {
        "id": USERS.c.id,
        "userName": USERS.c.user_name_key,
        "active": USERS.c.active,
        "meta.created": USERS.c.created,
        "meta.lastModified": USERS.c.last_modified,
    },
    "Group": {
        "id": GROUPS.c.id,
        "displayName": GROUPS.c.display_name_key,
        "externalId": GROUPS.c.external_id,
        "meta.created": GROUPS.c.created,
        "meta.lastModified": GROUPS.c.last_modified,
    },
}
NAMES = ("id", "userName")  # there is one of each: it is looked up in one way
IN_COLUMNS = frozenset({"userName", "active"})  # top-level attributes of a user without rows in user_values
DECIDED_HERE = ("active", "schemas", "meta.resourceType")  # their few values shape the statement


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: no chain means creation order."""

    chain: tuple[Attribute, ...] = ()
    descending: bool = False


@dataclass(frozen=True)
class Source:
    """Rows that hold one attribute's values: whose they are, of which element, and the key they compare by."""

    owner: object
    element: object
    key: object
    condition: object


def parametrised(tree):
    """Return the tree with names in place of what it compares with, and {name: key}."""
    keys: dict = {}

    def named(node):
        if isinstance(node, Compare):
            if not node.key or node.chain[-1].path in DECIDED_HERE:
                return node
            name = f"key{len(keys)}"
            keys[name] = node.key
            return replace(node, key=name)
        if isinstance(node, And | Or):
            return type(node)(tuple(named(term) for term in node.terms))
        if isinstance(node, Not | ValuePath):
            return replace(node, term=named(node.term))
        return node

    return named(tree), keys


def where(resource_type: ResourceType, tree):
    """Return the SQL condition that keeps the rows which match(tree, …) keeps, for a parametrised tree."""
    return _Where(resource_type).condition(tree)


def matching_members(tree):
    """Return (statement, keys): it selects pk, id and active of the members of `group_pk` that satisfy a filter."""
    tree, keys = parametrised(tree)
    make = _members_statement if len(keys) <= MOST_KEPT else _members_statement.__wrapped__
    return make(tree), keys


@lru_cache(STATEMENTS)
def _members_statement(tree):
    members = select(USERS.c.pk, USERS.c.id, USERS.c.active).join(MEMBERS, MEMBERS.c.user_pk == USERS.c.pk)
    chosen = members.where(MEMBERS.c.group_pk == bindparam("group_pk"), _member_condition(tree))
    return Prepared(chosen, varies=True)


def _member_condition(tree):
    keys = {"value": USERS.c.id, "type": literal(fold("User"))}
    if isinstance(tree, Not):
        return not_(_member_condition(tree.term))
    if isinstance(tree, And | Or):
        return (and_ if isinstance(tree, And) else or_)(*map(_member_condition, tree.terms))
    if tree.chain[-1].name not in keys:
        raise invalid_filter(f"{tree.chain[-1].path} cannot be filtered on.")
    return true() if isinstance(tree, Present) else _predicate(keys[tree.chain[-1].name], tree.op, tree.key)


@cache
def _alias(table, number):
    """Return the n-th alias of a table: making one anew costs more than the query that it stands in."""
    return table.alias(f"{table.name}_{number}")


class _Where:
    def __init__(self, resource_type):
        self.resource_type = resource_type
        self.table = TABLES[resource_type.name]
        self.columns = COLUMNS[resource_type.name]
        self.numbers = itertools.count()  # of the aliases in use

    def alias(self, table):
        return _alias(table, next(self.numbers))

    def condition(self, tree, drives=True):
        if isinstance(tree, Compare):
            return self.comparison(tree, drives)
        if isinstance(tree, Present):
            return self.presence(tree.chain)
        if isinstance(tree, Not):
            return self.condition(tree.term, drives=False).is_not(true())
        if isinstance(tree, And):
            driver = next((term for term in tree.terms if _selective(term)), None)
            return and_(*(self.condition(term, drives and term is driver) for term in tree.terms))
        if isinstance(tree, Or):
            return or_(*(self.condition(term, drives) for term in tree.terms))
        if isinstance(tree, ValuePath):
            return self.value_path(tree, drives)
        return false()

    def comparison(self, tree, drives):
        attribute = tree.chain[-1]
        if attribute.path == "active":
            return USERS.c.active == (tree.key == "true")
        if attribute.path in self.columns:
            return _predicate(self.columns[attribute.path], tree.op, tree.key)
        if attribute.path == "meta.resourceType":
            return true() if OPERATORS[tree.op](self.resource_type.name, tree.key) else false()
        if attribute.path == "schemas":
            return self.schemas(tree)
        source = self.source(attribute)
        return self.owned(source, _predicate(source.key, tree.op, tree.key), drives)

    def owned(self, source, predicate, drives):
        """Return the condition that a resource owns a row of `source` for which `predicate` holds."""
        if drives:
            return self.table.c.pk.in_(select(source.owner).where(source.condition, predicate))
        return exists().where(source.owner == self.table.c.pk, source.condition, predicate)

    def schemas(self, term):
        """A resource names its core schema, and the extensions that it has a value of; one satisfies the term."""
        found = [self.presence((e,)) for e in self.resource_type.extensions if match(term, e.name)]
        return or_(true() if match(term, self.resource_type.urn) else false(), *found)

    def presence(self, chain):
        attribute = chain[-1]
        if attribute.path in self.columns:
            return self.columns[attribute.path].is_not(None)
        if attribute.path in ("schemas", "meta") or attribute.path.startswith("meta."):
            return true()
        if attribute.path in ("members", "groups"):
            attribute = attribute.sub["value"]
        source = self.elements(attribute) if attribute.type == "complex" else self.source(attribute)
        return self.owned(source, true(), drives=False)

    def value_path(self, tree, drives):
        """One element of a multi-valued attribute satisfies the whole term."""
        if tree.chain[-1].path == "schemas":
            return self.schemas(tree.term)
        terms = tree.term.terms if isinstance(tree.term, And) else (tree.term,)
        driver = next((term for term in terms if isinstance(term, Compare) and _selective(term)), None)
        if driver is not None:
            source = self.source(driver.chain[-1])
            predicate = _predicate(source.key, driver.op, driver.key)
        else:
            source, predicate = self.elements(tree.chain[-1]), true()
        rest = [self.of_element(term, source) for term in terms if term is not driver]
        return self.owned(source, and_(predicate, *rest), drives and driver is not None)

    def elements(self, attribute):
        """Return a source with a row, or several, for each element of a complex or multi-valued attribute."""
        if attribute.path in ("members", "groups"):
            return self.source(attribute.sub["value"])
        return _values(self.alias(VALUES), [leaf.key for leaf in _leaves(attribute)])

    def of_element(self, tree, outer):
        """Return the condition that the element at hand in `outer` satisfies `tree`."""
        if isinstance(tree, Compare | Present):
            source = self.source(tree.chain[-1])
            same = and_(source.owner == outer.owner, source.element == outer.element, source.condition)
            holds = true() if isinstance(tree, Present) else _predicate(source.key, tree.op, tree.key)
            return exists().where(same, holds)
        if isinstance(tree, Not):
            return not_(self.of_element(tree.term, outer))
        join = and_ if isinstance(tree, And) else or_
        return join(*(self.of_element(term, outer) for term in tree.terms))

    def source(self, attribute):
        """Return the rows that hold an attribute's values. Raise invalidFilter if nothing holds them."""
        head, _, tail = attribute.path.partition(".")
        if head == "members" and self.table is GROUPS:
            return _membership(self.alias(MEMBERS), self.alias(USERS), "group_pk", "user_pk", tail)
        if head == "groups" and self.table is USERS:
            return _membership(self.alias(MEMBERS), self.alias(GROUPS), "user_pk", "group_pk", tail)
        if head == "meta" or self.table is GROUPS:
            raise invalid_filter(f"{attribute.path} cannot be filtered on.")
        return _values(self.alias(VALUES), [attribute.key])


def _values(values, keys):
    condition = values.c.attribute == keys[0] if len(keys) == 1 else values.c.attribute.in_(map(literal, keys))
    return Source(values.c.user_pk, values.c.element, values.c.value_key, condition)


def _membership(members, others, owner, element, sub_attribute):
    """Return memberships as rows of `members` or `groups`: what they show is looked up at the other end."""
    keys = {"value": others.c.id, "type": literal(fold("User" if element == "user_pk" else "direct"))}
    if "display_name_key" in others.c:
        keys["display"] = others.c.display_name_key
    if sub_attribute not in keys:
        raise invalid_filter(f"{sub_attribute} of a membership cannot be filtered on.")
    return Source(members.c[owner], members.c[element], keys[sub_attribute], others.c.pk == members.c[element])


def _leaves(attribute):
    if attribute.type != "complex":
        yield attribute
    for sub in attribute.sub.values():
        yield from _leaves(sub)


def _selective(term):
    """Return whether an index look-up of the term finds few: an eq on something that tells people apart."""
    if isinstance(term, ValuePath):
        inner = term.term.terms if isinstance(term.term, And) else (term.term,)
        return any(isinstance(t, Compare) and _selective(t) for t in inner)
    if isinstance(term, Or):
        return all(map(_selective, term.terms))
    if not isinstance(term, Compare) or term.op != "eq":
        return False
    attribute = term.chain[-1]
    return attribute.type != "boolean" and attribute.name != "type" and attribute.path not in DECIDED_HERE


def _predicate(column, op, name):
    """Return `column op :name`. Text matches itself: there are no wildcards. Without a name, the key is ""."""
    if op in ("co", "sw", "ew") and not name:
        return column.is_not(None)
    key = bindparam(name) if name else literal("")
    if op == "co":
        return func.instr(column, key) > 0
    if op == "sw":
        # the range finds the rows in the index, the comparison is exact
        exact = func.substr(column, 1, func.length(key)) == key
        return and_(column >= key, column <= key.concat("\U0010ffff"), exact)
    if op == "ew":
        return func.ends_with(column, key)
    return OPERATORS[op](column, key)


def order(resource_type: ResourceType, path: str | None, descending: bool) -> Order:
    """Return the Order that sortBy and sortOrder ask for. Raise invalidPath if there is no such order."""
    if not path:
        return Order()
    chain = resource_type.paths.get(path.lower())
    attribute = chain[-1].value if chain else None
    if attribute is None:
        raise invalid_path(f"sortBy {path!r} is no attribute of a {resource_type.name} that has an order.")
    if attribute is not chain[-1]:
        chain = (*chain, attribute)
    sortable = chain[0].name not in ("schemas", "members", "groups", "password")
    if not sortable or attribute.path in ("meta.location", "meta.version"):
        raise invalid_path(f"Lists cannot be sorted by {attribute.path}.")
    return Order(() if attribute.path == "meta.resourceType" else chain, descending)


def page(resource_type, tree, by: Order, start=1, count=100, after=None):
    """Return (total, rows, whether they end early). `start` counts from 1; `after` is a pk to go on behind instead.

    Rows have what `directory.Resource` holds. The order is total: the pk breaks ties. A page ends early behind
    MOST_TEXT; then there are more. Raise tooMany for a filter that takes longer than FILTER_SECONDS.
    """
    template, keys = parametrised(tree) if tree is not None else (None, {})
    make = _plan if len(keys) <= MOST_KEPT else _plan.__wrapped__
    plan = make(resource_type, template, by)
    if not plan.total.varies:
        return _page(plan, tree, keys, start, count, after)
    try:
        with engines.time_limit(connection(), FILTER_SECONDS):
            return _page(plan, tree, keys, start, count, after)
    except TimeoutError:
        detail = f"The filter takes longer than {FILTER_SECONDS} seconds: ask for whole values (eq), or less."
        raise ScimError(400, "tooMany", detail) from None


def _page(plan, tree, keys, start, count, after):
    rows, is_cut = _rows(plan, keys, start, count, after) if count else ([], False)
    if tree is not None and after is None and not is_cut and len(rows) < count and (rows or start == 1):
        return start - 1 + len(rows), rows, False  # the page holds the last of them: no need to count
    return plan.total.scalar(**keys), rows, is_cut


@dataclass(frozen=True)
class Plan:
    """The statements of one shape of list. A list in a value's order has two parts: with a value, and without."""

    parts: tuple[Prepared, ...]  # with :skip and :count, and in creation order with :first, the lowest pk
    sizes: tuple[Prepared, ...]  # how many rows each part has; none where there is one part
    total: Prepared
    by_pk: bool
    blocks: str | None = None  # the table whose blocks know where a page begins


@lru_cache(STATEMENTS)
def _plan(resource_type, tree, by: Order) -> Plan:
    table = TABLES[resource_type.name]
    condition = where(resource_type, tree) if tree is not None else true()
    chosen = resources(table).where(condition) if tree is not None else resources(table)
    if tree is None:
        total = Prepared(select(func.coalesce(func.sum(BLOCKS.c.count), 0)).where(BLOCKS.c.table == table.name))
    else:
        total = _found(select(func.count()).select_from(table).where(condition), tree)
    if not by.chain and tree is None:
        # what is skipped is skipped in the index: PostgreSQL would read the row of each
        behind = select(table.c.pk).where(table.c.pk >= bindparam("first")).order_by(table.c.pk)
        first = behind.limit(1).offset(bindparam("skip")).scalar_subquery()
        part = chosen.where(table.c.pk >= first).order_by(table.c.pk).limit(bindparam("count"))
        return Plan((Prepared(part),), (), total, True, table.name)
    if not by.chain:
        part = chosen.where(table.c.pk >= bindparam("first")).order_by(table.c.pk)
        return Plan((_paged(part, tree),), (), total, True)
    column = COLUMNS[resource_type.name].get(by.chain[-1].path)
    if column is not None:
        keys = column.desc().nulls_first() if by.descending else column.asc().nulls_last()
        return Plan((_paged(chosen.order_by(keys, table.c.pk), tree),), (), total, False)
    parts = _with_and_without(table, chosen, by)
    sizes = tuple(_found(select(func.count()).select_from(p.order_by(None).subquery()), tree) for p in parts)
    return Plan(tuple(_paged(part, tree) for part in parts), sizes, total, False)


def _with_and_without(table, chosen, by):
    """Return those with a value in its order, from the index, and those without: last, or first if descending."""
    values = _alias(VALUES, "order")
    first = and_(values.c.attribute == by.chain[-1].key, values.c.element == 0)
    key = values.c.value_key.desc() if by.descending else values.c.value_key
    keyed = chosen.join(values, values.c.user_pk == table.c.pk).where(first).order_by(key, values.c.user_pk)
    unkeyed = chosen.where(~exists().where(first, values.c.user_pk == table.c.pk)).order_by(table.c.pk)
    return (unkeyed, keyed) if by.descending else (keyed, unkeyed)


DOCUMENT = 3  # its place in what `resources` selects


def resources(table):
    """Select what directory.Resource holds, in its order."""
    c = table.c
    return select(c.pk, c.id, c.source, c.document, c.version, c.created, c.last_modified)


def _paged(query, tree):
    return _found(query.limit(bindparam("count")).offset(bindparam("skip")), tree)


def _found(query, tree):
    """Return the statement of a list, whose best way depends on the values that a filter asks for."""
    is_look_up = isinstance(tree, Compare) and tree.op == "eq" and tree.chain[-1].path in NAMES
    return Prepared(query, varies=tree is not None and not is_look_up)


def _rows(plan, keys, start, count, after):
    """Return (rows of the page, whether they end early)."""
    skip = start - 1
    if plan.by_pk:
        first = 0 if after is None else after + 1
        if plan.blocks and skip and after is None:
            first, before = _block_of(plan.blocks, start)
            skip -= before
        return _first(plan.parts[0], count, **keys, first=first, skip=skip)
    rows: list = []
    for part, size in itertools.zip_longest(plan.parts, plan.sizes):
        found, is_cut = _first(part, count - len(rows), **keys, skip=skip)
        rows += found
        if is_cut or len(rows) == count or size is None:
            break
        skip = 0 if found else skip - size.scalar(**keys)
    return rows, is_cut


def _first(statement, count, **parameters):
    """Return (up to `count` rows, whether they end early)."""
    cursor = statement.run(**parameters, count=count)
    rows = found = cursor.fetchmany(FULL_PAGE)
    while len(found) == FULL_PAGE and len(rows) < count:
        if sum(len(row[DOCUMENT]) for row in rows) > MOST_TEXT:
            cursor.close()
            return rows, True
        found = cursor.fetchmany(FULL_PAGE)
        rows += found
    return rows, False


def _block_of(table_name, start):
    """Return (the first pk of the block that holds the start-th row, how many rows come before the block)."""
    found = BLOCK_OF.first(table=table_name, start=start)
    return (found[0] << BLOCK_BITS, found[1]) if found else (2**62, start - 1)


BLOCK_OF = Prepared(
    text(
        "SELECT block, before FROM ("
        ' SELECT block, sum(count) OVER (ORDER BY block) - count AS before FROM blocks WHERE "table" = :table'
        ") AS b WHERE before < :start ORDER BY block DESC LIMIT 1"
    )
)
