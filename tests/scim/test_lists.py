"""Lists and searches: filters, order, pages by index and by cursor, over one type and over all."""

from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import event, text

import scim as door
from core import search
from database import db, execute
from tests.scim.test_users import ENTERPRISE, assert_refused

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@pytest.fixture
def crowd(make_user):
    """Five people in creation order; two titles, one without."""
    titles = ["Cook", "baker", None, "Cook", "Abbot"]
    return [make_user(f"user{i}", **({"title": t} if t else {})) for i, t in enumerate(titles)]


def names(answer):
    assert answer.status_code == 200, answer.json
    return [user["userName"] for user in answer.json["Resources"]]


def test_an_empty_list_is_a_list(scim):
    assert scim.get("/Users?startIndex=1&count=2").json == {
        "schemas": [LIST],
        "totalResults": 0,
        "itemsPerPage": 0,
        "startIndex": 1,
        "Resources": [],
    }


@pytest.mark.parametrize(
    "query, expected, start",
    [
        ("", "01234", 1),
        ("startIndex=2&count=2", "12", 2),
        ("count=2&startIndex=5", "4", 5),
        ("startIndex=6", "", 6),
        ("startIndex=0&count=1", "0", 1),
        ("startIndex=-7&count=1", "0", 1),
        ("count=0", "", 1),
        ("count=-3", "", 1),
        ("count=99999999999999999999999", "01234", 1),
        ("startIndex=99999999999999999999999", "", 2**53),
        ("aadOptscim062020&count=1", "0", 1),
    ],
)
def test_pages_by_index(scim, crowd, query, expected, start):
    answer = scim.get(f"/Users?{query}")
    assert names(answer) == [f"user{i}" for i in expected]
    assert answer.json["totalResults"] == 5
    assert answer.json["itemsPerPage"] == len(expected) and answer.json["startIndex"] == start


@pytest.mark.parametrize("start", range(1, 6))
@pytest.mark.parametrize("count", range(5))
@pytest.mark.parametrize("order", ["", "&sortBy=title", "&sortBy=userName&sortOrder=descending"])
def test_every_page_of_a_filter_tells_the_same_total(scim, crowd, start, count, order):
    titled = quote('title pr and not (title eq "abbot")')
    answer = scim.get(f"/Users?filter={titled}&startIndex={start}&count={count}{order}")
    assert answer.json["totalResults"] == 3
    assert len(names(answer)) == max(0, min(count, 4 - start))


@pytest.mark.parametrize("name, found", [("user1", ["user1"]), ("nobody", [])])
def test_a_look_up_reads_the_users_once(app, sqlite, scim, crowd, name, found):
    statements = []

    def trace(raw, *_):
        raw.set_trace_callback(statements.append)

    with app.app_context():
        event.listen(db.engine, "checkout", trace)
        asked = quote(f'userName eq "{name}"')
        assert names(scim.get(f"/Users?filter={asked}")) == found
        event.remove(db.engine, "checkout", trace)
        db.engine.dispose()
    assert sum("FROM users" in " ".join(statement.split()) for statement in statements) == 1


@pytest.mark.parametrize(
    "query", ["startIndex=x", "count=1.5", "count=٣", "count=1_000", "sortOrder=up", "count=%205"]
)
def test_parameters_that_are_none_are_refused(scim, crowd, query):
    assert_refused(scim.get(f"/Users?{query}"), 400, "invalidValue")


def test_a_page_after_deletions_has_no_gap(scim, crowd, make_user):
    scim.delete(f"/Users/{crowd[1]['id']}")
    make_user("late")
    assert names(scim.get("/Users?startIndex=2&count=3")) == ["user2", "user3", "user4"]
    assert names(scim.get("/Users?startIndex=5&count=3")) == ["late"]
    assert scim.get("/Users?count=0").json["totalResults"] == 5


@pytest.mark.parametrize(
    "query, expected",
    [
        ("sortBy=title", "41032"),
        ("sortBy=title&sortOrder=descending", "20314"),
        ("sortBy=TITLE&sortOrder=Ascending&startIndex=2&count=3", "103"),
        ("sortBy=title&startIndex=5", "2"),
        ("sortBy=userName&sortOrder=descending&count=2", "43"),
        ("sortBy=meta.created", "01234"),
        ("sortBy=title&filter=title%20pr&startIndex=3", "03"),
        ("sortBy=urn:ietf:params:scim:schemas:core:2.0:User:title&count=1", "4"),
    ],
)
def test_lists_are_sorted_and_those_without_a_value_come_last(scim, crowd, query, expected):
    assert names(scim.get(f"/Users?{query}")) == [f"user{i}" for i in expected]


def test_a_list_is_sorted_by_the_primary_value(scim, make_user):
    make_user("a", emails=[{"value": "z@x"}, {"value": "m@x", "primary": True}])
    make_user("b", emails=[{"value": "n@x"}, {"value": "a@x"}])
    assert names(scim.get("/Users?sortBy=emails")) == ["a", "b"]
    assert names(scim.get("/Users?sortBy=emails.value&sortOrder=descending")) == ["b", "a"]


@pytest.mark.parametrize("path", ["nope", "name", "groups", "password", "meta.location", "schemas"])
def test_what_has_no_order_is_refused(scim, path):
    assert_refused(scim.get(f"/Users?sortBy={path}"), 400, "invalidPath")


@pytest.mark.parametrize(
    "filter, expected",
    [
        ('title eq "cook"', "03"),
        ('title ne "cook"', "124"),
        ('title co "OO" or title sw "B"', "013"),
        ('title ew "t" and userName pr', "4"),
        ("not (title pr)", "2"),
        ('title gt "b" and title lt "d"', "013"),
        ('userName ge "user3"', "34"),
        ("active eq true and title eq null", "2"),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "USER1"', "1"),
        ('meta.created gt "2020-01-01T00:00:00Z"', "01234"),
        ('meta.resourceType eq "User"', "01234"),
        (f'schemas eq "{ENTERPRISE}"', ""),
        (f"{ENTERPRISE} pr", ""),
        ('title eq "%" or title eq "_ook" or title co "\\\\"', ""),
    ],
)
def test_filters(scim, crowd, filter, expected):
    for answer in (scim.get(f"/Users?filter={quote(filter)}"), scim.post("/Users/.search", {"filter": filter})):
        assert names(answer) == [f"user{i}" for i in expected]
        assert answer.json["totalResults"] == len(expected)


def test_okta_encodes_in_two_ways(scim, barbara):
    for query in ("userName%20eq%20%22bjensen%40example.com%22", "userName+eq+%22bjensen%40example.com%22"):
        assert names(scim.get(f"/Users?filter={query}&startIndex=1&count=100")) == ["bjensen@example.com"]


def test_entra_asks_for_one_value(scim, barbara):
    assert names(scim.get("/Users?filter=" + quote('emails[type eq "work"].value eq "BJENSEN@example.com"')))
    assert not names(scim.get("/Users?filter=" + quote('emails[type eq "home" and value co "bjensen@"]')))


@pytest.mark.parametrize("filter", ["", "userName", 'nope eq "x"', "title eq", "((title pr)", "name eq 1"])
def test_a_broken_filter_is_never_everybody(scim, crowd, filter):
    answer = scim.get(f"/Users?filter={quote(filter)}")
    assert_refused(answer, 400, "invalidFilter")


def test_no_condition_is_dropped(scim, crowd):
    assert names(scim.get('/Users?FILTER=userName%20eq%20"user1"')) == ["user1"]
    assert names(scim.post("/Users/.search", {"Filter": 'userName eq "user1"'})) == ["user1"]
    twice = 'filter=userName%20eq%20"user1"&filter=userName%20eq%20"user2"'
    assert_refused(scim.get(f"/Users?{twice}"), 400, "invalidValue")


def test_groups_and_users_find_each_other(scim, barbara, make_user, make_group):
    other = make_user("other")
    group = make_group("Guides", barbara)
    for filter in (
        f'groups.value eq "{group["id"]}"',
        'groups[display eq "GUIDES"]',
        "groups pr",
        f'groups eq "{group["id"]}"',
    ):
        assert [u["id"] for u in scim.find("Users", filter)] == [barbara["id"]], filter
    assert [u["id"] for u in scim.find("Users", "not (groups pr)")] == [other["id"]]
    for filter in (f'members.value eq "{barbara["id"]}"', f'members[value eq "{barbara["id"]}"]', "members pr"):
        assert [g["id"] for g in scim.find("Groups", filter)] == [group["id"]], filter
    assert scim.find("Groups", f'members eq "{other["id"]}"') == []


def pages_by_cursor(scim, query):
    found, cursor = [], ""
    while cursor is not None:
        answer = scim.get(f"/Users?{query}&cursor={cursor}")
        assert "startIndex" not in answer.json and answer.json["totalResults"] == 5
        found += names(answer)
        cursor = answer.json.get("nextCursor")
    return found


@pytest.mark.parametrize(
    "query, expected",
    [
        ("count=2", "01234"),
        ("count=5", "01234"),
        ("count=1&sortBy=title", "41032"),
        ("count=2&filter=userName%20pr", "01234"),
    ],
)
def test_pages_by_cursor(scim, crowd, query, expected):
    assert pages_by_cursor(scim, query) == [f"user{i}" for i in expected]


def test_a_cursor_has_only_unreserved_characters(scim, crowd):
    cursor = scim.get("/Users?count=2&cursor").json["nextCursor"]
    assert quote(cursor, safe="") == cursor


@pytest.mark.parametrize(
    "query, scim_type",
    [
        ("count=2&cursor={}x", "invalidCursor"),
        ("count=2&cursor=nonsense", "invalidCursor"),
        ("count=2&cursor={}&filter=userName%20pr", "invalidCursor"),
        ("count=2&cursor={}&sortBy=title", "invalidCursor"),
        ("count=3&cursor={}", "invalidCount"),
        ("count=0&cursor={}", "invalidCount"),
    ],
)
def test_a_cursor_belongs_to_its_query(scim, crowd, query, scim_type):
    cursor = scim.get("/Users?count=2&cursor=").json["nextCursor"]
    assert_refused(scim.get(f"/Users?{query.format(cursor)}"), 400, scim_type)


def test_a_cursor_is_undisturbed_by_deletions(scim, crowd):
    cursor = scim.get("/Users?count=2&cursor=").json["nextCursor"]
    scim.delete(f"/Users/{crowd[0]['id']}")
    assert names(scim.get(f"/Users?count=2&cursor={cursor}")) == ["user2", "user3"]


def test_a_search_over_all_types(scim, crowd, make_group):
    make_group("Cooks", crowd[0])
    everything = scim.post("/.search", {"count": 3, "startIndex": 4}).json
    assert everything["totalResults"] == 6
    assert [r["meta"]["resourceType"] for r in everything["Resources"]] == ["User", "User", "Group"]
    only_users = scim.post("/.search", {"filter": 'userName eq "user1"'}).json
    assert only_users["totalResults"] == 1
    groups = scim.post("/.search", {"filter": 'meta.resourceType eq "Group" and displayName sw "c"'}).json
    assert [g["displayName"] for g in groups["Resources"]] == ["Cooks"]
    without = scim.post("/.search", {"filter": "not (userName pr)"}).json
    assert [g["displayName"] for g in without["Resources"]] == ["Cooks"]
    assert_refused(scim.post("/.search", {"filter": 'nope eq "x"'}), 400, "invalidFilter")
    assert scim.get("/").json["totalResults"] == 6


def test_a_sorted_search_over_all_types(scim, make_user, make_group):
    make_user("u1", displayName="Bea")
    make_user("u2")
    make_group("Abbots")
    make_group("Cooks")

    def order(**search):
        found = scim.post("/.search", {"sortBy": "displayName"} | search).json["Resources"]
        return [r.get("displayName", "-") for r in found]

    assert order() == ["Abbots", "Bea", "Cooks", "-"]
    assert order(sortOrder="descending") == ["-", "Cooks", "Bea", "Abbots"]
    assert order(startIndex=2, count=2) == ["Bea", "Cooks"]
    assert order(sortBy="meta.created") == ["Bea", "-", "Abbots", "Cooks"]
    make_user("u3", displayName="Zoe")
    assert order(sortBy="meta.created", sortOrder="descending") == ["Zoe", "Cooks", "Abbots", "-", "Bea"]


def test_a_search_body_is_checked(scim):
    assert_refused(scim.post("/Users/.search", []), 400, "invalidSyntax")
    assert_refused(scim.post("/Users/.search", {"schemas": ["urn:nope"]}), 400, "invalidSyntax")
    assert_refused(scim.post("/Users/.search", {"count": "many"}), 400, "invalidValue")
    assert_refused(scim.post("/Users/.search", {"filter": 5}), 400, "invalidValue")


@pytest.mark.parametrize("path", ["//Users", "/Users/", "//Users//", "/Users//.search"])
def test_doubled_and_trailing_slashes_work(scim, barbara, path):
    answer = scim.post(path, {}) if "search" in path else scim.get(path)
    assert names(answer) == ["bjensen@example.com"]


@pytest.mark.parametrize(
    "name", ["Straße", "Straße Müller", "ΟΔΥΣΣΕΥΣ", "Οδυσσεύς Λαερτιάδης", "Ａda Lovelace", "weiß@example.com"]
)
def test_every_part_of_a_user_name_finds_it(scim, make_user, name):
    make_user(name)
    make_user("other")
    for operator, parts in (
        ("sw", [name[:end] for end in range(1, len(name) + 1)]),
        ("ew", [name[start:] for start in range(len(name))]),
        ("co", [name[start : start + 3] for start in range(len(name) - 2)]),
    ):
        for part in parts:
            found = names(scim.get(f"/Users?filter={quote(f'userName {operator} {orjson.dumps(part).decode()}')}"))
            assert name in found, (operator, part)


@pytest.fixture
def short(monkeypatch):
    """Let a page of more than two end behind two, as if they were very large."""
    monkeypatch.setattr(search, "FULL_PAGE", 2)
    monkeypatch.setattr(search, "MOST_TEXT", 10)


EVERYTHING = ["user0", "user1", "user2", "user3", "user4", "Cooks", "Bakers", "Abbots"]


@pytest.mark.parametrize("query", ["", "&filter=meta.resourceType%20pr", "&sortBy=userName", "&sortBy=title"])
def test_a_page_of_large_people_ends_early_and_the_next_goes_on_there(scim, crowd, short, query):
    whole = names(scim.get(f"/Users?count=2{query}")) + names(scim.get(f"/Users?count=2&startIndex=3{query}"))
    answer = scim.get(f"/Users?count=5{query}")
    assert (names(answer), answer.json["itemsPerPage"], answer.json["totalResults"]) == (whole[:2], 2, 5)
    assert names(scim.get(f"/Users?count=5&startIndex=3{query}")) == whole[2:]
    assert sorted(pages_by_cursor(scim, f"count=4{query}")) == EVERYTHING[:5]


def test_a_page_over_all_types_that_ends_early_has_no_gap(scim, crowd, make_group, short):
    for name in EVERYTHING[5:]:
        make_group(name)
    found = []
    while len(found) < len(EVERYTHING):
        answer = scim.get(f"/?count=6&startIndex={len(found) + 1}")
        assert answer.json["totalResults"] == 8 and answer.json["Resources"]
        found += [r.get("userName") or r["displayName"] for r in answer.json["Resources"]]
    assert found == EVERYTHING
    assert_refused(scim.get("/?count=6&sortBy=displayName"), 400, "tooMany")


def test_a_long_list_comes_in_pieces_and_is_the_same(scim, crowd, make_group, monkeypatch):
    make_group("Cooks", *crowd)
    paths = ("/?count=100", "/Groups", "/Users?attributes=title")
    whole = [scim.get(path).json for path in paths]
    monkeypatch.setattr(door, "PIECE", 700)
    pieces = [scim.get(path) for path in paths]
    assert [answer.json for answer in pieces] == whole
    assert [answer.content_length is None for answer in pieces] == [True, True, False]


ENDLESS = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"
)


def test_a_filter_that_takes_too_long_is_refused(scim, crowd, monkeypatch):
    filter = "/Users?filter=title%20co%20%22ook%22"
    with monkeypatch.context() as patched:
        patched.setattr(search, "FILTER_SECONDS", 1)
        patched.setattr(search, "_page", lambda *_: execute(text(ENDLESS)).all())
        answer = scim.get(filter)
    assert_refused(answer, 400, "tooMany")
    assert "takes longer than 1 seconds" in answer.json["detail"]
    assert names(scim.get(filter)) == ["user0", "user3"]
