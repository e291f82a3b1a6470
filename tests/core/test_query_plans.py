"""What is asked for often is looked up by an index, however many users there are."""

import re
from itertools import product

import pytest
from sqlalchemy import event

import database
from core import configurations, deliveries, directory, lists, user_search, words
from core.journal import Actor
from core.lists import GroupQuery, UserQuery
from core.mobileconfig import TYPES
from database import db
from protocol.schema import GROUP_TYPE, compile_user_type

pytestmark = pytest.mark.usefixtures("sqlite")

CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
LARGE = r"(users|user_values|user_words|groups|group_members|deliveries)\w*"  # tables, and their aliases


@pytest.fixture
def plan(app):
    """Return a function that does something and returns SQLite's plan: a line for each step of each statement."""
    with app.app_context():
        engine = db.engine

    def plan(act):
        statements = []  # as SQLite sees them, whoever composed them

        def listen(raw, *_):
            raw.set_trace_callback(statements.append)

        event.listen(engine, "checkout", listen)
        try:
            answer = act()
        finally:
            event.remove(engine, "checkout", listen)
        assert getattr(answer, "status_code", 200) < 300, answer.json
        raw = engine.raw_connection()
        raw.set_trace_callback(None)
        lines = []
        for statement in statements:
            if re.match("SELECT|WITH|INSERT|UPDATE|DELETE", statement):
                lines += [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
        raw.close()
        assert any(re.search(LARGE, line) for line in lines), "nothing was looked up"
        return lines

    return plan


@pytest.fixture
def eve(make_user):
    return make_user("eve@example.com", title="Spy", active=True)


def scans(lines):
    """Return the steps that visit every row of a large table, in whatever order."""
    return [line for line in lines if re.match(f"SCAN {LARGE}", line)]


def sorts(lines):
    """Return the steps that sort all rows; those of one value may have to be."""
    return [line for line in lines if line == "USE TEMP B-TREE FOR ORDER BY"]


LOOK_UPS = [
    'userName eq "eve@example.com"',
    'id eq "2819c223"',
    'externalId eq "00u1"',
    'title eq "Spy"',
    'name.familyName eq "Jensen"',
    'emails.value eq "eve@example.com"',
    'emails[type eq "work"].value eq "eve@example.com"',
    'emails[type eq "work" and value eq "eve@example.com"]',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "7"',
    f'{CUSTOM}:badge eq "B-17"',
    f"{CUSTOM}:shoeSize eq 41",
    f'{CUSTOM}:tags eq "red"',
    'groups.value eq "e9e30dba"',
    'userName sw "eve"',
    'title sw "Sp"',
    'userName eq "eve" or externalId eq "00u1"',
    'title eq "Spy" and active eq true',
]


@pytest.mark.parametrize("text", LOOK_UPS, ids=lambda text: text.rpartition(":")[2])
def test_users_are_looked_up_by_an_index(plan, scim, define, eve, text):
    define("badge")
    define("shoeSize", "integer")
    define("tags", multi_valued=True)
    body = {"filter": text}
    assert scans(plan(lambda: scim.post("/Users/.search", body))) == []


@pytest.mark.parametrize("text", ['active eq true and title eq "Spy"', 'title eq "Spy" and active eq true'])
def test_what_tells_people_apart_drives_a_conjunction(plan, scim, eve, text):
    lines = plan(lambda: scim.post("/Users/.search", {"filter": text}))
    assert any(
        re.fullmatch(r"SEARCH user_values_\d+ USING PRIMARY KEY \(attribute=\? AND value_key=\?\)", line)
        for line in lines
    )
    assert not any("CORRELATED" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        'displayName eq "Tour Guides"',
        'externalId eq "g1"',
        'id eq "e9e30dba"',
        'members.value eq "2819c223"',
        'members[value eq "2819c223"]',
    ],
)
def test_groups_are_looked_up_by_an_index(plan, scim, make_group, eve, text):
    make_group("Tour Guides", eve)
    assert scans(plan(lambda: scim.post("/Groups/.search", {"filter": text}))) == []


def test_resources_are_fetched_by_an_index(plan, scim, make_group, eve):
    group = make_group("Tour Guides", eve)
    assert scans(plan(lambda: scim.get(f"/Users/{eve['id']}"))) == []
    assert scans(plan(lambda: scim.get(f"/Groups/{group['id']}"))) == []


def test_resources_are_changed_by_an_index(plan, scim, make_group, eve):
    group = make_group("Tour Guides", eve)
    assert scans(plan(lambda: scim.post("/Users", {"userName": "new", "title": "x"}))) == []
    assert scans(plan(lambda: scim.put(f"/Users/{eve['id']}", {"userName": "eve2"}))) == []
    assert (
        scans(plan(lambda: scim.patch(f"/Users/{eve['id']}", {"op": "add", "path": "title", "value": "x"}))) == []
    )
    assert scans(plan(lambda: scim.delete(f"/Users/{eve['id']}"))) == []
    assert scans(plan(lambda: scim.delete(f"/Groups/{group['id']}"))) == []


@pytest.mark.parametrize("form", ["Okta", "Entra"])
def test_one_member_is_added_and_removed_by_an_index(plan, scim, make_group, eve, form):
    group = make_group("Tour Guides")
    member = [{"value": eve["id"]}]
    remove = {
        "Okta": {"op": "remove", "path": f'members[value eq "{eve["id"]}"]'},
        "Entra": {"op": "Remove", "path": "members", "value": member},
    }[form]
    added = plan(lambda: scim.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": member}))
    removed = plan(lambda: scim.patch(f"/Groups/{group['id']}", remove))
    assert (scans(added), scans(removed)) == ([], [])


def test_the_first_page_is_read_in_the_order_of_the_rows(plan, scim, eve):
    lines = plan(lambda: scim.get("/Users"))
    assert scans(lines) in ([], ["SCAN users"])  # which ends with the page
    assert sorts(lines) == []


def test_a_deep_page_begins_where_it_begins(plan, scim, make_user):
    for number in range(3):
        make_user(f"user{number}")
    lines = plan(lambda: scim.get("/Users?startIndex=3&count=1"))
    assert scans(lines) == []
    assert "SEARCH users USING INTEGER PRIMARY KEY (rowid>?)" in lines
    assert scans(plan(lambda: scim.get("/Users?cursor=&count=1"))) == []


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("path", ["userName", "id", "meta.lastModified"])
def test_a_sorted_page_is_read_in_the_order_of_an_index(plan, scim, eve, path, order):
    lines = plan(lambda: scim.get(f"/Users?sortBy={path}&sortOrder={order}"))
    assert [line for line in scans(lines) if "USING INDEX" not in line] == []
    assert sorts(lines) == []


@pytest.mark.parametrize("path", ["title", f"{CUSTOM}:badge"], ids=["title", "a custom attribute"])
def test_a_page_sorted_by_any_attribute_is_read_in_the_order_of_an_index(plan, scim, define, make_user, path):
    define("badge")
    for number in range(3):
        make_user(f"user{number}", **{"title": f"t{number}", CUSTOM: {"badge": f"b{number}"}})
    lines = plan(lambda: scim.get(f"/Users?sortBy={path}&count=2"))
    assert scans(lines) == []
    assert sorts(lines) == []


def test_groups_are_sorted_by_name_in_the_order_of_an_index(plan, scim, make_group):
    make_group("Tour Guides")
    lines = plan(lambda: scim.get("/Groups?sortBy=displayName"))
    assert [line for line in scans(lines) if "USING INDEX" not in line] == []
    assert sorts(lines) == []


COLUMNS = {"name": "display_key", "user_name": "user_name_key", "changed": "last_modified"}
WAYS = {
    "few candidates": {},
    "who has a word": {"GATHER": 0, "GLANCE": 0},
    "a walk": {"GATHER": 0, "LOOK": 0},
    "along the order": {"GATHER": 0, "LOOK": 0, "WALK": 0, "SORT": 0},
}
CONDITIONS = {
    "nothing": {},
    "a word": {"text": "ada"},
    "two words": {"text": "ada example"},
    "a group": {"group": "g"},
    "a word and a group": {"text": "ada", "group": "g"},
}
STATES = {
    **{
        "all": {},
        "enabled": {"status": "enabled"},
        "of Okta": {"source": "scim"},
        "an invite": {"invite": "pending"},
    },
    **{"disabled": {"status": "disabled"}, "local": {"source": "local"}},
    "local and disabled": {"source": "local", "status": "disabled"},
}


@pytest.fixture
def crowd(app, monkeypatch):
    """People of every state, and a group; a list's rows are not read, so that its plan is that of the list."""
    monkeypatch.setattr(lists, "_user_rows", lambda pks: pks)
    with app.app_context(), database.transaction():
        ids = []
        for number in range(12):
            body = {"userName": f"ada{number}@example.com", "active": number % 2 == 0}
            actor = Actor("Okta", 1) if number % 3 else Actor("Grace")
            ids.append({"value": directory.create(compile_user_type(), body, actor, []).id})
        directory.create(GROUP_TYPE, {"displayName": "Adas", "members": ids}, actor, [], identifier="g")
        database.connection().exec_driver_sql("UPDATE users SET invite = 'pending' WHERE pk > 6")
        database.connection().exec_driver_sql("DELETE FROM user_counts")
        database.connection().exec_driver_sql(
            "INSERT INTO user_counts SELECT source, active IS 1, invite, count(*) FROM users GROUP BY 1, 2, 3"
        )


@pytest.fixture
def list_plan(plan, app):
    """Return a function like `plan`, for a list of the portal."""

    def list_plan(read, *arguments, **others):
        def act():
            with app.app_context():
                return read(*arguments, **others)

        return plan(act)

    return list_plan


def indexes_read(lines):
    """Return the indexes of users along which a list is read, and the other steps that visit every row."""
    from_walk = "CO-ROUTINE u" in lines  # which is then read as a whole: it ends with the page
    read = [line for line in lines if line.startswith("SCAN") and not (from_walk and line == "SCAN u")]
    matches = [(line, re.match(r"SCAN u USING (?:COVERING )?INDEX (\w+)$", line)) for line in read]
    others = [line for line, m in matches if not m and not re.match("SCAN (c|user_counts|json_each)\\b", line)]
    return {m[1] for _line, m in matches if m}, others


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_list_is_read_in_the_order_of_its_index(app, list_plan, crowd, monkeypatch, way, condition, state):
    for name, value in way.items():
        monkeypatch.setattr(user_search, name, value)
    for sort, descending in product(COLUMNS, (False, True)):
        query = UserQuery(**condition, **state, sort=sort, descending=descending)
        with app.app_context():
            page = lists.users(query, count=1)
        assert page.rows
        lines = list_plan(lists.users, query, count=1)
        lines += list_plan(lists.users, query, after=page.next, count=1)
        lines += list_plan(lists.users, query, before="end", count=1)
        indexes, others = indexes_read(lines)
        assert others == []
        assert [line for line in lines if "TEMP B-TREE" in line] == []
        if condition and not way:
            assert indexes == set(), "candidates are read by their pks"
        elif sort == "name" and "text" in condition and "LOOK" not in way:
            if "disabled" not in state.values() and "local" not in state.values() and "invite" not in state:
                assert indexes == set(), "who has a word is read from the words, and checked by their pks"
            stream = "SEARCH user_words USING COVERING INDEX ix_user_words_initial (initial=?"
            assert [line for line in lines if line.startswith(stream)]
        elif state == {"invite": "pending"}:
            assert indexes == set(), "one state's part of the index of all who were invited"
            assert [line for line in lines if f"USING INDEX ix_users_invited_{COLUMNS[sort]} (invite=?" in line]
        elif state in ({"status": "enabled"}, {"source": "scim"}, {}):
            assert indexes == {"sqlite_autoindex_users_2" if sort == "user_name" else f"ix_users_{COLUMNS[sort]}"}
        else:
            assert len(indexes) == 1 and re.match(f"ix_users_(disabled|local)_{COLUMNS[sort]}$", indexes.pop())


@pytest.mark.parametrize("sort", ["name", "changed"])
def test_groups_are_listed_in_the_order_of_an_index(list_plan, scim, make_group, sort):
    make_group("Tour Guides")
    lines = list_plan(lists.groups, GroupQuery(sort=sort))
    assert [line for line in scans(lines) if "USING" not in line] == []
    assert sorts(lines) == []


@pytest.mark.parametrize("text", ["a", "ad", "ada"])
def test_who_has_a_word_is_read_in_the_order_of_an_index_from_a_place_on(list_plan, crowd, text):
    def read():
        for place, descending in product((None, ("ada1", 5)), (False, True)):
            list(words.of_initials(text, place, descending, 5))

    lines = list_plan(read)
    assert scans(lines) == sorts(lines) == []
    index = "SEARCH user_words USING COVERING INDEX ix_user_words_initial"
    assert {line for line in lines if "user_words" in line} <= {
        f"{index} (initial>? AND initial<?)",
        f"{index} (initial=?)",
        f"{index} (initial=? AND (name,user_pk)>(?,?))",
        f"{index} (initial=? AND (name,user_pk)<(?,?))",
    }


def test_the_words_of_one_user_are_looked_up_by_an_index(plan, scim, make_group, eve):
    change = {"op": "replace", "path": "displayName", "value": "Eve Online"}
    lines = plan(lambda: scim.patch(f"/Users/{eve['id']}", change))
    assert "SEARCH user_words USING PRIMARY KEY (word=? AND user_pk=?)" in lines and scans(lines) == []


def test_groups_are_counted_without_reading_all(list_plan, scim, make_group):
    make_group("Tour Guides")
    lines = list_plan(lists.group_totals)
    assert scans(lines) == []
    assert "SEARCH groups USING COVERING INDEX ix_groups_local (source=?)" in lines


@pytest.mark.parametrize("sort", COLUMNS)
def test_who_is_local_and_disabled_is_found_by_two_indexes(list_plan, crowd, sort):
    query = UserQuery(source="local", status="disabled", sort=sort)
    lines = list_plan(lists.users, query, count=1)
    key = COLUMNS[sort]
    assert [
        re.sub(f" ?\\({key}.*", "", line) for line in lines if " s USING" in line or "SCAN u USING" in line
    ] in (
        [
            f"SCAN u USING INDEX ix_users_{one}_{key}",
            f"SEARCH s USING INDEX ix_users_{other}_{key}",
        ]
        for one, other in (("disabled", "local"), ("local", "disabled"))
    )


def test_an_exact_count_reads_only_those_who_may_match(list_plan, crowd):
    lines = list_plan(lists.count_users, UserQuery(text="ada", group="g", status="enabled"))
    assert indexes_read(lines) == (set(), [])


def test_totals_are_kept_by_an_index(plan, scim, make_group, eve):
    make_group("Tour Guides", eve)
    off = {"op": "replace", "path": "active", "value": False}
    assert scans(plan(lambda: scim.patch(f"/Users/{eve['id']}", off))) == []


@pytest.fixture
def desks(app, define, eve, make_group):
    """Two configurations that use an attribute: one for everyone, one for a group."""
    define("badge")
    group = make_group("Tour Guides", eve)
    typed = {"label": "${badge}", "url": "https://example.com"}
    with app.app_context(), database.transaction():
        for name, *whom in (("All", "everyone", []), ("Some", "groups", [group["id"]])):
            configurations.create(TYPES["webclip"], name, typed, "hold", *whom, Actor("Ada"))
    return group


def test_what_a_change_means_for_configurations_is_looked_up_by_an_index(plan, scim, desks, eve):
    change = {"op": "replace", "path": f"{CUSTOM}:badge", "value": "B-17"}
    lines = plan(lambda: scim.patch(f"/Users/{eve['id']}", change))
    assert [line for line in lines if "deliveries" in line] and scans(lines) == []
    member = {"op": "remove", "path": f'members[value eq "{eve["id"]}"]'}
    assert scans(plan(lambda: scim.patch(f"/Groups/{desks['id']}", member))) == []
    assert scans(plan(lambda: scim.post("/Users", {"userName": "new", "active": True}))) == []
    assert scans(plan(lambda: scim.delete(f"/Groups/{desks['id']}"))) == []
    assert scans(plan(lambda: scim.delete(f"/Users/{eve['id']}"))) == []


READS = {
    "of a user": lambda: configurations.of_user(1),
    "of a group": lambda: configurations.of_group(1),
    "counts": lambda: configurations.counts(1),
    "a list": lambda: configurations.listing(),
    "who is held by what": lambda: configurations.held_by(1),
    "who is held": lambda: configurations.held_because(1, "badge", 1),
    "a profile": lambda: configurations.profile_for(2, 1),
    "a delivery": lambda: deliveries.look(configurations.find(2), 1),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_people_have_of_configurations_is_looked_up_by_an_index(list_plan, desks, read):
    assert scans(list_plan(read)) == []


def test_a_page_of_who_is_held_is_read_in_the_order_of_the_index(list_plan, desks):
    assert sorts(list_plan(configurations.held_because, 1, "badge", 1)) == []


@pytest.mark.parametrize("limit", [0, 5_000])
@pytest.mark.parametrize("whom", ["everyone", "groups"])
def test_readiness_reads_those_who_are_enabled_and_looks_their_values_up(
    list_plan, desks, monkeypatch, whom, limit
):
    monkeypatch.setattr(configurations, "RENDERED", limit)
    fields = {"label": "${badge} ${userEmailAddressDomain} ${department}", "url": "https://example.com"}
    lines = list_plan(configurations.readiness, TYPES["webclip"], fields, "hold", whom, [desks["id"]])
    assert (scans(lines), sorts(lines)) == ([], [])
