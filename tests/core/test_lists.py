"""The portal's lists: search, filters, order and pages, against lists made by plain Python."""

import base64
import random
import re
from itertools import product

import orjson
import pytest
import sqlalchemy
from flask import g

from core import attributes, directory, lists, user_search, words
from core.journal import Actor
from core.lists import GroupQuery, UserQuery
from database import connection, transaction
from protocol.schema import GROUP_TYPE, fold

SEED = 20
SORTS = ("name", "user_name", "changed")
GIVEN = ("Ada", "Grace", "Zoë", "Jean-Luc", "José María", "李")
FAMILY = ("Lovelace", "Hopper", "O'Neil", "van der Berg", "Smith")
DOMAINS = ("example.com", "mail.example.com", "navy.mil")


@pytest.fixture(autouse=True)
def in_app(app):
    with app.app_context():
        yield


@pytest.fixture
def make_local():
    """Return a function that creates a user as the portal does."""

    def make_local(user_name, **others):
        with transaction():
            user_type = attributes.user_type()
            return directory.create(user_type, {"userName": user_name} | others, Actor("Ada"), [])

    return make_local


def names(page):
    return [row.user_name for row in page.rows]


def found(text, **others):
    return sorted(names(lists.users(UserQuery(text=text, **others))))


@pytest.fixture
def ada(make_user):
    return make_user(
        "ALovelace",
        displayName="Countess Ada King-Noel",
        name={"givenName": "Augusta Ada", "familyName": "Lovelace"},
        emails=[
            {"value": "ada.byron@mail.example.com", "type": "home"},
            {"value": "Ada_L+scim@example.org", "type": "work", "primary": True},
        ],
    )


FINDS = [
    *("a", "alove", "ALOVELACE", "countess", "Ada", "king-noel", "noel", "augusta", "lovelace"),
    *("ada.byron", "byron", "byron@mail", "mail.example.com", "example.com", "ada_l", "l+scim", "scim@exa"),
    *("ada lovelace", "LOVELACE ada", "  ada \t king ", "noel countess byron", "ada ada", "ada adA a"),
]


@pytest.mark.parametrize("text", FINDS)
def test_a_word_is_found_at_its_beginning(ada, make_user, text):
    make_user("bystander@elsewhere.net", displayName="Be Y. Stander")
    assert found(text) == ["ALovelace"]


@pytest.mark.parametrize(
    "text", ["lace", "yron", "ada nobody", "org", "com", "ada%", "a_a", "%", "_", "*", "ada.b_ron"]
)
def test_nothing_else_is_found(ada, text):
    assert found(text) == []


def test_wildcards_match_themselves(make_user):
    make_user("100%@example.com")
    make_user("a_b@example.com")
    make_user("axb@example.com")
    assert found("100%") == ["100%@example.com"]
    assert found("a_b") == ["a_b@example.com"]


def test_words_beyond_the_fifth_are_not_looked_for(ada):
    assert found("ada king noel byron scim nobody") == ["ALovelace"]


def test_a_search_that_is_no_text_finds_nobody(ada):
    for text in ("\udcff", "\0", "'; DROP TABLE users --", "a" * 100_000, "\U0010ffff"):
        lists.users(UserQuery(text=text))
    assert found("ada") == ["ALovelace"]


def test_letters_with_marks_are_found_however_they_are_written(make_user):
    make_user("zoe", displayName="ZOË Strauß")
    assert found("zoe\u0308") == found("strauss") == found("zoë STRAUSS") == ["zoe"]


def test_a_word_that_is_no_longer_a_users_finds_nobody(scim, ada):
    path = f"/Users/{ada['id']}"
    scim.patch(path, {"op": "replace", "path": "emails", "value": [{"value": "ada@new.org"}]})
    assert (found("byron"), found("new.org")) == ([], ["ALovelace"])
    scim.delete(path)
    assert found("new.org") == []


def test_a_row_says_what_a_list_shows(ada, make_group, make_local):
    later, earlier = make_group("Zeppelins", ada), make_group("airships", ada)
    [row] = lists.users(UserQuery(text="byron")).rows
    assert (row.id, row.user_name, row.display) == (ada["id"], "ALovelace", "Countess Ada King-Noel")
    assert (row.email, row.source, row.enabled, row.invite) == (
        "Ada_L+scim@example.org",
        "scim",
        True,
        "not invited",
    )
    assert row.groups == ((earlier["id"], "airships"), (later["id"], "Zeppelins"))
    assert (row.version, row.created[:19]) == (1, ada["meta"]["created"][:19])
    make_local("bare", active=False)
    [row] = lists.users(UserQuery(text="bare")).rows
    assert (row.email, row.source, row.enabled, row.groups) == (None, "local", False, ())


def test_one_row_is_had_by_its_id(ada, make_group):
    group = make_group("Poets", ada)
    assert lists.user(ada["id"]).user_name == "ALovelace"
    assert lists.group(group["id"]).member_count == 1
    assert lists.user(group["id"]) is None
    assert lists.group("x") is None


@pytest.fixture
def town(app, scim, make_user, make_group):
    """Many people, with equal names among them, and three groups; return their rows as a list knows them."""
    rng = random.Random(SEED)
    people = []
    for number in range(300):
        given, family = rng.choice(GIVEN), rng.choice(FAMILY)
        email = f"{fold(given[:1])}.{fold(family).replace(' ', '')}{number}@{rng.choice(DOMAINS)}"
        body = {
            "userName": email if rng.random() < 0.7 else f"u{number:03}",
            "name": {"givenName": given, "familyName": family},
            "emails": [{"value": email}],
            "active": rng.random() < 0.8,
        }
        if rng.random() < 0.8:
            body["displayName"] = f"{given} {family}"
        people.append(body)
    with transaction():
        user_type = attributes.user_type()
        made = []
        for body in people:
            actor = Actor("Okta", token_id=1) if rng.random() < 0.7 else Actor("Ada")
            made.append(directory.create(user_type, body, actor, []))
        okta = Actor("Okta", token_id=1)
        for name, size in (("Few", 20), ("Many", 200), ("Nobody", 0)):
            members = [{"value": user.id} for user in rng.sample(made, size)]
            directory.create(GROUP_TYPE, {"displayName": name, "members": members}, okta, [])
        states = ["not invited", "pending", "completed", "expired"]
        for user in rng.sample(made, 90):
            connection().execute(
                sqlalchemy.text("UPDATE users SET invite = :invite, last_modified = :day WHERE pk = :pk"),
                {"invite": rng.choice(states), "day": f"2026-01-{rng.randrange(1, 9):02}", "pk": user.pk},
            )
        connection().exec_driver_sql("DELETE FROM user_counts")
        connection().exec_driver_sql(
            "INSERT INTO user_counts SELECT source, active IS TRUE, invite, count(*) FROM users GROUP BY 1, 2, 3"
        )
    return lists.users_of_pks([user.pk for user in made])


def words_of(row):
    """Return all that a search may find a row by: texts, and what begins in them behind a separator."""
    document = orjson.loads(
        connection().execute(sqlalchemy.text("SELECT document FROM users WHERE pk = :pk"), {"pk": row.pk}).scalar()
    )
    texts = [document["userName"], document.get("displayName", ""), *document["name"].values()]
    texts = [fold(text) for text in [*texts, *(email["value"] for email in document["emails"])]]
    words = {part for text in texts for part in [text, *text.split()]}
    for text in list(words):
        words |= {text[match.end() :] for match in re.finditer("[@._+-]", text)}
    return {word for word in words if word not in ("com", "mil")}


def expected(town, query):
    """Return the pks that a query should find, in its order."""
    with_words = {row.pk: words_of(row) for row in town} if query.text else {}

    def is_one(row):
        return (
            query.source in ("", row.source)
            and query.status in ("", "enabled" if row.enabled else "disabled")
            and query.invite in ("", row.invite)
            and (not query.group or query.group in {identifier for identifier, _name in row.groups})
            and all(any(w.startswith(fold(word)) for w in with_words[row.pk]) for word in query.text.split()[:5])
        )

    keys = {
        "name": lambda row: (fold(row.display), row.pk),
        "user_name": lambda row: (fold(row.user_name), row.pk),
        "changed": lambda row: (row.last_modified, row.pk),
    }
    return [row.pk for row in sorted(filter(is_one, town), key=keys[query.sort], reverse=query.descending)]


def read_forwards(read, query, count=7):
    rows, page = [], read(query, count=count)
    assert page.previous == ""
    rows += page.rows
    while page.next:
        page = read(query, after=page.next, count=count)
        assert page.previous
        rows += page.rows
        assert len(rows) < 2000
    return [row.pk for row in rows]


def read_backwards(read, query, count=7):
    rows, page = [], read(query, before="end", count=count)
    assert page.next == ""
    rows = page.rows
    while page.previous:
        page = read(query, before=page.previous, count=count)
        assert page.next
        rows = page.rows + rows
        assert len(rows) < 2000
    return [row.pk for row in rows]


WAYS = {  # limits, so that each way to a page is taken
    "few candidates": {},
    "those who have a word": {"GATHER": 10},
    "a glance, then those who have a word": {"GATHER": 10, "GLANCE": 3},
    "a walk": {"GATHER": 10, "LOOK": 0},
    "a short walk, then all": {"GATHER": 10, "LOOK": 20, "WALK": 10},
    "a short walk, then along the order": {"GATHER": 10, "LOOK": 20, "WALK": 10, "SORT": 0},
    "candidates that are checked": {"SAMPLE": 5, "GATHER": 60},
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request, monkeypatch):
    for name, value in request.param.items():
        monkeypatch.setattr(user_search, name, value)


def queries(town):
    """Yield queries of all kinds: conditions drawn at random, and each alone."""
    rng = random.Random(SEED)
    group_ids = {name: identifier for row in town for identifier, name in row.groups}
    choices = {
        "text": [
            "",
            "",
            "ada",
            "van example",
            "o",
            "navy",
            "lovelace@mail",
            "zoë",
            "u1",
            "grace hopper",
            "nobody",
            "l",
            "e n",
        ],
        "source": ["", "", "scim", "local"],
        "status": ["", "", "enabled", "disabled"],
        "invite": ["", "", "", "pending", "not invited", "unknown"],
        "group": ["", "", group_ids["Few"], group_ids["Many"]],
    }
    for name, values in choices.items():
        yield from (UserQuery(**{name: value}) for value in dict.fromkeys(values))
    for _ in range(60):
        drawn = {name: rng.choice(values) for name, values in choices.items()}
        yield UserQuery(**drawn, sort=rng.choice(SORTS), descending=rng.random() < 0.5)


def test_queries_find_whom_they_describe_on_every_way(town, way):
    for query in queries(town):
        wanted = expected(town, query)
        assert read_forwards(lists.users, query, 20) == wanted, query
        assert lists.count_users(query) == len(wanted), query
        assert lists.matching_pks(query) == wanted, query
        page = lists.users(query, count=20)
        assert (page.total < len(wanted)) if page.is_capped else (page.total == len(wanted)), query


@pytest.mark.parametrize("sort, descending", [*product(SORTS, (False, True))])
def test_pages_show_everybody_once_in_both_directions(town, way, sort, descending):
    states = ({"status": "disabled"}, {"source": "local", "status": "disabled"})
    for others in ({}, {"text": "example"}, {"text": "l"}, {"text": "l", "status": "enabled"}, *states):
        query = UserQuery(sort=sort, descending=descending, **others)
        wanted = expected(town, query)
        assert len(wanted) > 10
        assert read_forwards(lists.users, query) == wanted
        assert read_backwards(lists.users, query) == wanted


def test_the_page_before_one_is_the_page_that_was_left(town):
    first = lists.users(UserQuery(), count=10)
    second = lists.users(UserQuery(), after=first.next, count=10)
    assert lists.users(UserQuery(), before=second.previous, count=10).rows == first.rows


def test_the_last_page_is_full(town):
    page = lists.users(UserQuery(), before="end", count=10)
    assert [row.pk for row in page.rows] == expected(town, UserQuery())[-10:]
    assert (page.total, page.next) == (300, "")


def test_everybody_is_on_one_page_that_is_long_enough(town, way):
    page = lists.users(UserQuery(text="example"), count=1000)
    assert page.total == len(page.rows) == lists.count_users(UserQuery(text="example"))
    assert (page.is_capped, page.previous, page.next) == (False, "", "")


@pytest.mark.parametrize("other", [{}, {"text": "nobody"}, {"status": "unknown"}, {"source": "x"}, {"group": "x"}])
def test_nobody_is_no_page(other):
    assert lists.users(UserQuery(**other)) == lists.Page([], 0, False, "", "")
    assert lists.users(UserQuery(**other), before="end").rows == []
    assert lists.count_users(UserQuery(**other)) == 0
    assert lists.matching_pks(UserQuery(**other)) == list(lists.user_batches(UserQuery(**other))) == []


def test_an_unknown_order_is_that_of_names(town):
    assert lists.users(UserQuery(sort="; DROP")).rows == lists.users(UserQuery()).rows


def cursor(value):
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


MALFORMED = [
    *("x", "é", "=", "end", "W10", "\udcff", "a" * 5000),
    *map(
        cursor, ([], {}, None, 1, "x", ["a"], [1, 1], ["a", "b"], ["a", 1.5], ["a", True], ["a", 1, 2], [None, 1])
    ),
    *map(cursor, (["a", 2**63], [2**63], [-(2**63)], [999_999])),
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_a_cursor_that_is_none_leads_to_the_first_page(town, text):
    first = lists.users(UserQuery(), count=10)
    assert lists.users(UserQuery(), after=text, count=10) == first
    if text != "end":
        assert lists.users(UserQuery(), before=text, count=10) == first
    assert lists.groups(GroupQuery(), after=text).rows == lists.groups(GroupQuery()).rows
    assert lists.groups(GroupQuery(sort="members"), after=text).rows


def test_a_place_behind_the_last_shows_the_last_page_and_one_before_the_first_the_first(town):
    behind, ahead = cursor(["\U0010ffff", 1]), cursor(["", 1])
    assert lists.users(UserQuery(), after=behind, count=9) == lists.users(UserQuery(), before="end", count=9)
    assert lists.users(UserQuery(), before=ahead, count=9) == lists.users(UserQuery(), count=9)


def test_pages_go_on_where_they_were_when_people_come_and_go(scim, make_user):
    for letter in "bdfh":
        make_user(letter)
    page = lists.users(UserQuery(), count=2)
    [_, last] = page.rows
    lists.close_connection()
    scim.delete(f"/Users/{last.id}")
    make_user("a")
    assert names(lists.users(UserQuery(), after=page.next, count=2)) == ["f", "h"]


def test_cursors_stay_short_for_names_that_are_long(make_user):
    for letter in "abc":
        make_user(letter, displayName="x" * 5000 + letter)
    page = lists.users(UserQuery(), count=1)
    assert len(page.next) < 100
    assert read_forwards(lists.users, UserQuery(), 1) == [row.pk for row in lists.users(UserQuery()).rows]


@pytest.fixture
def namesakes(app):
    """People with names that are equal, that begin alike, or that are longer than what a word's rows hold."""
    rng = random.Random(SEED)
    long = ["x" * words.LONGEST_NAME, "x" * (words.LONGEST_NAME - 1), "an " + "y" * 2 * words.LONGEST_NAME]
    begin = ["an", "ann", "anna", "ann anna", "anna banner", "b ann", "Ännchen", "a", *long]
    with app.app_context(), transaction():
        for number in range(250):
            name = rng.choice(begin) + rng.choice(["", "", " b", "z", " ann", f" {rng.randrange(5)}"])
            body = {"userName": f"{rng.choice(['ann', 'ban', 'a-b', 'n'])}{number}", "displayName": name}
            directory.create(attributes.user_type(), body | {"active": number % 3 > 0}, Actor("Ada"), [])
    return lists.users_of_pks(list(range(1, 251)))


@pytest.mark.parametrize("fetched, most", [(1, 64), (3, 64), (3, 2)], ids=["one by one", "by three", "too many"])
@pytest.mark.parametrize("text", ["a", "an", "ann", "anna", "x", "b", "ann b", "an ann1", "n"])
def test_people_of_like_names_come_once_and_in_the_order_of_their_names(
    namesakes, monkeypatch, fetched, most, text
):
    monkeypatch.setattr(user_search, "GATHER", 0)
    monkeypatch.setattr(words, "FETCHED", fetched)
    monkeypatch.setattr(words, "MOST_INITIALS", most)
    documents = dict(connection().exec_driver_sql("SELECT pk, document FROM users").all())
    of_users = {pk: words.words(orjson.loads(document)) for pk, document in documents.items()}
    for status, descending in product(("", "enabled"), (False, True)):
        wanted = [
            row.pk
            for row in sorted(namesakes, key=lambda row: (fold(row.display), row.pk), reverse=descending)
            if (row.enabled or not status)
            and all(any(word.startswith(typed) for word in of_users[row.pk]) for typed in text.split())
        ]
        assert len(wanted) > 3
        query = UserQuery(text=text, status=status, descending=descending)
        assert read_forwards(lists.users, query) == wanted
        assert read_backwards(lists.users, query) == wanted


def test_who_has_a_word_is_read_in_the_order_of_names_however_rare_the_beginning_of_it_is(town, monkeypatch):
    monkeypatch.setattr(user_search, "GATHER", 0)
    monkeypatch.setattr(user_search.UserSearch, "_walk", None)  # which would fail if it were called
    for text in ("l", "lo", "lovelace", "grace h"):
        query = UserQuery(text=text)
        assert read_forwards(lists.users, query) == expected(town, query)


def test_a_word_that_many_have_is_not_counted(town, monkeypatch):
    monkeypatch.setattr(user_search, "GATHER", 50)
    monkeypatch.setattr(user_search, "ESTIMATE", 60)
    page = lists.users(UserQuery(text="example"), count=10)
    assert (page.total, page.is_capped) == (50, True)
    page = lists.users(UserQuery(text="example", status="enabled"), count=10)
    assert page.is_capped
    assert 10 <= page.total < lists.count_users(UserQuery(text="example", status="enabled"))


def test_batches_are_everybody_in_order(town):
    query = UserQuery(status="enabled", sort="user_name", descending=True)
    batches = list(lists.user_batches(query, 50))
    assert [row.pk for batch in batches for row in batch] == expected(town, query)
    assert {len(batch) for batch in batches[:-1]} == {50}


def test_nothing_stays_open_between_batches(app, town, scim):
    batches = lists.user_batches(UserQuery(), 100)
    first = next(batches)
    assert "connection" not in g
    scim.patch(f"/Users/{first[0].id}", {"op": "replace", "path": "title", "value": "x"})
    with app.app_context(), transaction():
        connection().execute(sqlalchemy.text("DELETE FROM users WHERE pk = :pk"), {"pk": town[-1].pk})
    assert [row.pk for row in [*first, *(row for batch in batches for row in batch)]] == [r.pk for r in town[:-1]]


def test_users_of_pks_come_in_the_order_of_their_names(town):
    pks = [row.pk for row in town[::-3]]
    assert [row.pk for row in lists.users_of_pks([*pks, 10**9])] == [row.pk for row in town[::-3]][::-1]


def test_totals_are_by_state(town, scim):
    totals = lists.user_totals()
    assert sum(totals.values()) == 300
    assert totals["local", False, "not invited"] == len(
        [row for row in town if (row.source, row.enabled, row.invite) == ("local", False, "not invited")]
    )
    assert lists.group_totals() == {"scim": 3}


@pytest.fixture
def circles(make_user, make_group):
    """Groups of several sizes, some alike."""
    people = [make_user(f"u{number}", active=number < 3) for number in range(5)]
    for number, name in enumerate(["Zeta", "alpha", "Beta 100%", "beta_2", "Gamma", "Beta x2"]):
        make_group(name, *people[: number % 3 * 2])
    with transaction():
        directory.create(GROUP_TYPE, {"displayName": "Local"}, Actor("Ada"), [])


def group_names(query, **others):
    return [row.name for row in lists.groups(query, **others).rows]


def test_groups_are_found_by_a_part_of_their_name(circles):
    assert group_names(GroupQuery("BETA")) == ["Beta 100%", "Beta x2", "beta_2"]
    assert group_names(GroupQuery(" eta ")) == ["Beta 100%", "Beta x2", "beta_2", "Zeta"]
    assert group_names(GroupQuery("0%")) == ["Beta 100%"]
    assert group_names(GroupQuery("_2")) == ["beta_2"]
    assert group_names(GroupQuery("nothing")) == []


def test_groups_are_chosen_by_their_source(circles):
    assert group_names(GroupQuery(source="local")) == ["Local"]
    assert lists.groups(GroupQuery(source="scim", text="a")).total == 6
    assert lists.group_totals() == {"scim": 6, "local": 1}


def test_a_row_of_a_group_counts_its_members(circles):
    [row] = lists.groups(GroupQuery("x2")).rows
    assert (row.name, row.source, row.member_count, row.disabled_count, row.version) == ("Beta x2", "scim", 4, 1, 1)


@pytest.mark.parametrize("sort, descending", [*product(("name", "members", "changed"), (False, True))])
@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_pages_show_every_group_once_in_both_directions(circles, sort, descending, count):
    query = GroupQuery(sort=sort, descending=descending)
    keys = {
        "name": lambda row: (fold(row.name), row.pk),
        "members": lambda row: (row.member_count, row.pk),
        "changed": lambda row: (row.last_modified, row.pk),
    }
    rows = lists.groups(GroupQuery(), count=50).rows
    wanted = [row.pk for row in sorted(rows, key=keys[sort], reverse=descending)]
    assert len(wanted) == 7
    assert read_forwards(lists.groups, query, count) == wanted
    assert read_backwards(lists.groups, query, count) == wanted
