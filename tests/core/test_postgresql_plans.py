"""On PostgreSQL, too, what is asked for often is looked up by an index, among 5,000 people: its planner says so."""

import re
from itertools import count, product

import pytest
from sqlalchemy import event

import database
from core import directory, lists
from core.journal import Actor
from core.lists import UserQuery
from protocol.schema import GROUP_TYPE, compile_user_type
from tests import databases

pytestmark = pytest.mark.skipif(not databases.SERVER, reason="about PostgreSQL alone")

PEOPLE = 5_000
LARGE = "users|user_values|user_words|group_members"


@pytest.fixture
def crowd(app, define):
    """People, a group of all, one of ten, many of two; five share a title. PostgreSQL's statistics know them."""
    define("badge")
    okta = Actor("Okta", 1)
    with app.app_context(), database.transaction():
        of_type, people = compile_user_type((("badge", "string", False),)), []
        for number in range(PEOPLE):
            name = f"user{number}@example.com"
            body = {
                "userName": name,
                "title": f"Title {number // 5}",
                "displayName": f"Given Family {number}",
                "emails": [{"value": name, "type": "work", "primary": True}],
                "active": number % 20 != 7,
            }
            by = Actor("Ada") if number % 19 == 13 else okta
            people.append(directory.create(of_type, body, by, []).id)
        for name, size in (("All", PEOPLE), ("Ten", 10), *((f"Team {number}", 2) for number in range(200))):
            members = [{"value": identifier} for identifier in people[:size]]
            directory.create(GROUP_TYPE, {"displayName": name, "members": members}, okta, [], identifier=name)
    with app.app_context():
        raw = database.db.engine.raw_connection()
        raw.execute("VACUUM ANALYZE")
        raw.close()
    return people


@pytest.fixture
def plans_of(app):
    """Return a function that does something, often enough for plans to settle, and returns PostgreSQL's plans."""

    def plans_of(act):
        plans = []
        with app.app_context():
            database.db.engine.dispose()

            def listen(raw, *_):
                raw.execute(
                    "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET client_min_messages = 'log'"
                )
                raw.add_notice_handler(lambda notice: plans.append(notice.message_primary))

            event.listen(database.db.engine, "connect", listen)
            try:
                for _ in range(12):  # five before it is prepared, five before its plan is kept
                    answer = act()
            finally:
                event.remove(database.db.engine, "connect", listen)
                database.db.engine.dispose()
        assert getattr(answer, "status_code", 200) < 300, answer.json
        assert any(re.search(rf"\b({LARGE})\b", plan) for plan in plans), "nothing was looked up"
        return plans

    return plans_of


def scans(plans):
    """Return the plans that read a whole table."""
    return [plan for plan in plans if re.search(rf"Seq Scan on ({LARGE})\b", plan)]


def patch_of(path, numbers):
    return {"op": "replace", "path": path, "value": f"x{next(numbers)}"}


def test_the_hot_look_ups_scan_no_table(plans_of, scim, crowd):
    ada, numbers = crowd[PEOPLE // 2], count()
    member = {"op": "add", "path": "members", "value": [{"value": crowd[-1]}]}
    gone = {"op": "remove", "path": f'members[value eq "{crowd[-1]}"]'}
    acts = {
        "GET by id": lambda: scim.get(f"/Users/{ada}"),
        "userName eq": lambda: scim.get('/Users?filter=userName eq "user7@example.com"'),
        "title eq": lambda: scim.get('/Users?filter=title eq "Title 7"'),
        "title eq, whoever is enabled": lambda: scim.get('/Users?filter=active eq true and title eq "Title 7"'),
        "e-mail eq": lambda: scim.get('/Users?filter=emails[type eq "work"].value eq "user7@example.com"'),
        "first page": lambda: scim.get("/Users?count=100"),
        "last page": lambda: scim.get(f"/Users?startIndex={PEOPLE - 99}&count=100"),
        "POST": lambda: scim.post("/Users", {"userName": f"new{next(numbers)}", "title": "New"}),
        "PATCH": lambda: scim.patch(f"/Users/{ada}", patch_of("title", numbers)),
        "add a member": lambda: scim.patch("/Groups/Ten", member),
        "remove a member": lambda: scim.patch("/Groups/Ten", gone),
    }
    assert {name: found for name, act in acts.items() if (found := scans(plans_of(act)))} == {}


def test_who_is_in_a_large_group_is_looked_up_one_by_one(plans_of, scim, crowd):
    member = {"op": "add", "path": "members", "value": [{"value": crowd[-1]}]}
    plans = plans_of(lambda: scim.patch("/Groups/All", member))
    looked = [plan for plan in plans if "FROM group_members AS m WHERE" in plan]
    assert looked
    for plan in looked:
        condition = re.search(r"Index Cond: (.*)", plan)[1]
        assert "group_pk = " in condition and "user_pk = " in condition


QUERIES = [
    UserQuery(),
    UserQuery(status="disabled"),
    UserQuery(source="local", status="disabled"),
    UserQuery(sort="changed", descending=True),
    UserQuery(text="given"),
    UserQuery(text="user4999@"),
    UserQuery(text="nobody"),
    UserQuery(text="given", group="Ten"),
]


def test_the_users_page_scans_no_table(app, plans_of, crowd):
    def read(query, before):
        with app.app_context():
            return lists.users(query, before=before)

    for query, before in product(QUERIES, ("", lists.END)):
        assert scans(plans_of(lambda asked=query, place=before: read(asked, place))) == [], query
