"""The provisioning log and the audit trail, as people read them: newest first, in pages, and never all at once."""

import re

import orjson
import pytest
from sqlalchemy import event

import database
from core import directory, history, journal
from core.history import AuditQuery, AuditRow, LogQuery, audit_page, log_page
from core.journal import Actor
from database import db, transaction
from protocol.definitions import CUSTOM, ENTERPRISE
from protocol.schema import GROUP_TYPE

PASTE = {"op": "replace", "path": "title", "value": "Guide"}


@pytest.fixture
def context(app):
    with app.app_context():
        yield


@pytest.fixture
def read(app):
    """Return a function that writes what waits and calls another with a fresh view of the database."""

    def read(function, *args, **named):
        with app.app_context():
            while journal.is_waiting():
                with transaction():
                    journal.flush()
            return function(*args, **named)

    return read


@pytest.fixture
def page(read):
    """Return a function that reads the first page of the log."""

    def page(count=50, **query):
        rows, _ = read(log_page, LogQuery(**query), count=count)
        return rows

    return page


@pytest.fixture
def plan(app, sqlite):
    """Return a function that calls another and returns SQLite's plans of what it read, a list of steps each."""

    def plan(function, *args, **named):
        statements = []
        with app.app_context():
            engine = db.engine
            event.listen(engine, "checkout", lambda raw, *_: raw.set_trace_callback(statements.append))
            result = function(*args, **named)
            if hasattr(result, "__next__"):
                list(result)
            database.close_connection()
            raw = engine.raw_connection()
            raw.set_trace_callback(None)
            selects = [s for s in statements if s.startswith("SELECT")]
            plans = [[row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {s}")] for s in selects]
            raw.close()
        assert plans, "nothing was read"
        return plans

    return plan


@pytest.fixture
def write_entries(app):
    """Return a function that writes many entries at once, straight into the table."""

    def write_entries(count, **values):
        blank = {column.name: None for column in journal.ENTRIES.c if column.name != "id"}
        entry = blank | {"time": database.now(), "method": "GET", "path": "/scim/v2/Users", "status": 200}
        with app.app_context(), transaction():
            journal.INSERT_ENTRY.run_many([entry | {"milliseconds": 1.0} | values] * count)

    return write_entries


def paths(rows):
    return [row.path.removeprefix("/scim/v2") for row in rows]


# what the log notes about whom a request was about


def test_a_refused_creation_is_about_the_name_in_its_body(scim, barbara, page):
    scim.post("/Users", {"USERNAME": "BJensen@example.com", "displayName": "Babs"})
    scim.post("/Users", {"displayName": "Nameless"})
    scim.post("/Groups", {"displayName": "Guides", "members": [{"value": "nobody"}]})
    scim.post("/Users", {"userName": 5})
    scim.post("/Users", ["no object"])
    assert [row.subject for row in page()][:5] == [None, None, "Guides", "Nameless", "BJensen@example.com"]


def test_a_refused_replacement_is_about_the_name_that_was_wanted(scim, barbara, make_user, page):
    make_user("ada")
    scim.put(f"/Users/{barbara['id']}", {"userName": "Ada"})
    [row] = page(outcome="refused")
    assert (row.status, row.subject, row.resource_id) == (409, "Ada", barbara["id"])


def test_a_refused_change_is_about_whom_it_would_have_changed(scim, barbara, page):
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "nothing", "value": "x"})
    [row] = page(outcome="refused")
    assert (row.subject, row.resource_id, row.exists) == ("bjensen@example.com", barbara["id"], True)


def test_a_refused_change_is_not_about_the_values_that_it_sends(scim, barbara, page):
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "value": {"displayName": "B", "active": "perhaps"}})
    [row] = page(outcome="refused")
    assert row.subject == "bjensen@example.com"


def test_a_change_of_what_is_gone_is_about_the_name_that_it_sends(scim, page):
    scim.patch("/Groups/gone", {"op": "replace", "value": {"id": "gone", "displayName": "Guides"}})
    [row] = page(outcome="refused")
    assert (row.subject, row.resource_type, row.resource_id, row.exists) == ("Guides", "Group", "gone", False)


def test_a_deletion_is_about_what_is_gone_by_then(scim, barbara, page):
    scim.delete(f"/Users/{barbara['id']}")
    [row] = page(1)
    assert (row.subject, row.exists) == ("bjensen@example.com", False)


def test_a_request_that_succeeds_notes_no_name(app, scim, barbara, make_group, read):
    scim.put(f"/Users/{barbara['id']}", {"userName": "babs"})
    make_group("Guides")
    with app.app_context():
        assert database.execute(history.ENTRIES.select().where(history.ENTRIES.c.subject.isnot(None))).all() == []


def test_a_secret_in_a_name_is_not_kept(scim, barbara, page):
    scim.post("/Users", {"userName": "rc_" + "x" * 49, "active": "perhaps"})
    [row] = page(outcome="refused")
    assert row.subject == "rc_[redacted]"


# a page of the log


def test_a_page_is_newest_first_and_says_where_to_go_on(scim, read):
    for n in range(5):
        scim.get(f"/Users?count={n}")
    rows, older = read(log_page, LogQuery(), count=3)
    assert paths(rows) == ["/Users?count=4", "/Users?count=3", "/Users?count=2"]
    rows, older = read(log_page, LogQuery(), older, count=3)
    assert paths(rows) == ["/Users?count=1", "/Users?count=0"]
    assert older is None


def test_a_page_that_ends_with_the_log_is_the_last(scim, read):
    for n in range(3):
        scim.get(f"/Users?count={n}")
    assert read(log_page, LogQuery(), count=3)[1] is None


def test_an_empty_log_has_an_empty_page(read):
    assert read(log_page, LogQuery()) == ([], None)
    assert read(history.newest_log_id) == 0
    assert read(history.log_entry, 1) is None


def test_a_row_tells_who_asked_what_and_how_it_went(scim, barbara, page):
    scim.put(f"/Users/{barbara['id']}", {"userName": "babs", "shoeSize": 41})
    [row] = page(1)
    assert (row.method, row.path, row.status) == ("PUT", f"/scim/v2/Users/{barbara['id']}", 200)
    assert (row.token_name, row.address, row.resource_type) == ("Okta", "127.0.0.1", "User")
    assert (row.subject, row.ignored, row.exists, row.is_refused) == ("babs", ["shoeSize"], True, False)
    assert (row.request, row.answer) == (None, None)


def test_an_entry_has_its_bodies(scim, barbara, page, read):
    row = read(history.log_entry, page(1)[0].id)
    assert orjson.loads(row.request)["userName"] == orjson.loads(row.answer)["userName"] == "bjensen@example.com"


def test_a_look_up_is_about_whom_it_looks_up(scim, page):
    scim.get('/Users?filter=userName%20eq%20"a\\"da"&count=100')
    scim.get('/Groups?filter=DISPLAYNAME+EQ+"Guides"')
    scim.get('/Users?filter=title%20eq%20"x"')
    scim.get("/Users?filter=userName%20eq%20broken")
    assert [row.subject for row in page()] == [None, None, "Guides", 'a"da']


@pytest.mark.parametrize(
    "path, place",
    [
        ("/Users/abc?attributes=id", ("User", "abc")),
        ("/Groups/abc", ("Group", "abc")),
        ("/Users?filter=/Groups/abc", ("User", None)),
        ("/Users/.search", ("User", None)),
        ("/Schemas", (None, None)),
    ],
)
def test_the_path_tells_what_a_request_was_about(scim, page, path, place):
    scim.get(path)
    [row] = page()
    assert (row.resource_type, row.resource_id) == place


def test_names_of_tokens_and_resources_are_looked_up_once_a_page(plan, scim, make_user):
    for n in range(20):
        make_user(f"user{n}")
    assert len(plan(log_page, LogQuery())) == 4  # the newest id, the entries, the tokens, the names


def test_what_was_ignored_is_named_as_far_as_the_log_kept_it(scim, page):
    scim.post("/Users", {"userName": "ada"} | {f"{n:03}" + "x" * 90: 1 for n in range(50)})
    [row] = page()
    assert 10 < len(row.ignored) < 50
    assert row.ignored[0] == "000" + "x" * 90


# what is asked for


def test_outcomes(scim, barbara, page):
    user = f"/Users/{barbara['id']}"
    scim.get(user)
    scim.get("/Users/nobody")
    scim.post("/Users/.search", {"count": 1})
    scim.put(user, {"userName": "babs", "shoeSize": 41})
    scim.delete(user)
    everything = [user, user, "/Users/.search", "/Users/nobody", user, "/Users"]
    assert paths(page()) == everything
    assert paths(page(outcome="ok")) == [user, user, "/Users/.search", user, "/Users"]
    assert paths(page(outcome="refused")) == ["/Users/nobody"]
    assert [row.method for row in page(outcome="ignored")] == ["PUT"]
    assert [row.method for row in page(outcome="changes")] == ["DELETE", "PUT", "POST"]


def test_one_token_is_asked_for(app, scim, page):
    app.test_client().get("/scim/v2/Users")
    scim.get("/Users")
    assert [row.status for row in page(token=1)] == [200]
    assert page(token=2) == []


def test_a_person_has_what_names_them_by_id_or_name(scim, barbara, make_user, make_group, page):
    user, other = f"/Users/{barbara['id']}", make_user("ada")
    scim.get(user)
    scim.get(f"/Users/{other['id']}")
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    scim.post("/Users", {"userName": "ADA"})
    scim.patch(user, {"op": "replace", "path": "nothing", "value": "x"})
    scim.call("PUT", user, None)
    scim.post("/Groups", {"displayName": "bjensen@example.com", "members": [{"value": "nobody"}]})
    found = [(row.method, row.status) for row in page(person=barbara["id"])]
    assert found == [("PUT", 400), ("PATCH", 400), ("POST", 409), ("GET", 200), ("POST", 201)]
    assert [row.status for row in page(person=barbara["id"], outcome="refused")] == [400, 400, 409]
    assert [row.method for row in page(person=barbara["id"], outcome="changes")] == ["POST"]


def test_a_group_has_what_names_it(scim, make_group, page):
    group = make_group("Tour Guides")
    scim.post("/Groups", {"displayName": "tour guides"})
    scim.post("/Users", {"userName": "Tour Guides", "active": "perhaps"})
    assert [row.status for row in page(person=group["id"])] == [409, 201]


def test_pages_of_a_person_join_both_kinds_in_order(scim, barbara, read):
    for _ in range(3):
        scim.get(f"/Users/{barbara['id']}")
        scim.post("/Users", {"userName": "bjensen@example.com"})
    found, before = [], None
    for _ in range(4):
        rows, before = read(log_page, LogQuery(person=barbara["id"]), before, count=2)
        found += [(row.id, row.status) for row in rows]
    assert before is None
    assert [status for _, status in found] == [409, 200, 409, 200, 409, 200, 201]
    assert sorted(found, reverse=True) == found


def test_nobody_has_nothing(scim, barbara, page):
    assert page(person="nobody") == []


@pytest.mark.parametrize("text", ["TOUR", "bjensen", "/users", "409", "taken already", "Zo\u00eb"])
def test_text_is_found_wherever_it_stands(scim, make_user, page, text):
    make_user("bjensen", title="Tour Guide", displayName="Zo\u00eb")
    scim.post("/Users", {"userName": "bjensen"})
    assert page(text=text)


@pytest.mark.parametrize("text", ["b_ensen", "bj%n", "b\\jensen", "/jensen"])
def test_wildcards_mean_themselves(scim, make_user, page, text):
    make_user("bjensen")
    assert page(text=text) == []


def test_a_wildcard_is_found(scim, make_user, page):
    make_user("100%_sure")
    assert len(page(text="100%_")) == 1


def test_text_of_any_length_may_be_asked_for(scim, barbara, page):
    assert page(text="x" * 100_000) == []


def test_what_has_come_since_is_read(scim, read):
    scim.get("/Users?count=0")
    known = read(history.newest_log_id)
    for n in range(1, 4):
        scim.get(f"/Users?count={n}")
    assert paths(read(history.log_since, LogQuery(), known)) == [f"/Users?count={n}" for n in (3, 2, 1)]
    assert paths(read(history.log_since, LogQuery(), known, count=2)) == ["/Users?count=3", "/Users?count=2"]
    assert read(history.log_since, LogQuery(outcome="refused"), known) == []


# how far one call looks


@pytest.fixture
def look_at_ten(monkeypatch):
    monkeypatch.setattr(history, "SCANNED", 10)


@pytest.mark.parametrize("query", [{"text": "needle"}, {"outcome": "ignored"}, {"token": 7}])
def test_a_rare_entry_is_looked_for_in_steps(look_at_ten, write_entries, read, query):
    write_entries(1, path="/needle", ignored="[]", token_id=7)
    write_entries(25)
    steps, before = [], None
    for _ in range(3):
        rows, before = read(log_page, LogQuery(**query), before)
        steps.append((len(rows), before))
    assert steps == [(0, 17), (0, 7), (1, None)]


def test_refusals_are_looked_through_further_back(look_at_ten, write_entries, read):
    write_entries(1, status=400, path="/needle")
    write_entries(50)
    write_entries(12, status=400)
    rows, older = read(log_page, LogQuery("refused", text="needle"))
    assert (rows, older) == ([], 54)
    rows, older = read(log_page, LogQuery("refused", text="needle"), older)
    assert (paths(rows), older) == (["/needle"], None)


def test_the_entries_of_a_person_are_looked_through_further_back(look_at_ten, write_entries, read):
    write_entries(1, resource_id="ada", path="/needle")
    write_entries(50)
    write_entries(12, resource_id="ada")
    rows, older = read(log_page, LogQuery(person="ada", text="needle"))
    assert (rows, older) == ([], 54)
    rows, older = read(log_page, LogQuery(person="ada", text="needle"), older)
    assert (paths(rows), older) == (["/needle"], None)


def test_what_is_found_further_back_waits_for_its_turn(look_at_ten, barbara, write_entries, read):
    write_entries(1, status=400, subject="bjensen@example.com", error="needle")
    write_entries(12, resource_id=barbara["id"])
    query, found, before = LogQuery(person=barbara["id"], text="needle"), [], None
    for _ in range(2):
        rows, before = read(log_page, query, before)
        found.append([row.error for row in rows])
    assert (found, before) == ([[], ["needle"]], None)


def test_what_is_found_and_not_shown_comes_on_the_next_page(look_at_ten, write_entries, read):
    write_entries(25, path="/needle")
    ids, before = [], None
    while True:
        rows, before = read(log_page, LogQuery(text="needle"), before, count=4)
        ids += [row.id for row in rows]
        if before is None:
            break
    assert ids == list(range(25, 0, -1))


def test_a_pruned_log_ends_where_it_begins(app, look_at_ten, write_entries, read):
    write_entries(100)
    with app.app_context(), transaction():
        database.execute(journal.ENTRIES.delete().where(journal.ENTRIES.c.id <= 95))
    assert read(log_page, LogQuery(text="needle")) == ([], None)


QUERIES = [
    {},
    {"outcome": "refused"},
    {"outcome": "refused", "text": "x", "token": 1},
    {"outcome": "changes"},
    {"outcome": "ok", "text": "x"},
    {"outcome": "ignored"},
    {"text": "x"},
    {"token": 1},
    {"person": "x"},
    {"person": "x", "text": "x", "outcome": "refused"},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
@pytest.mark.parametrize("before", [None, 500])
def test_no_page_reads_or_sorts_the_whole_log(plan, barbara, query, before):
    if "person" in query:
        query = query | {"person": barbara["id"]}
    steps = [step for plan in plan(log_page, LogQuery(**query), before) for step in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step]
    assert not [step for step in steps if re.match("SCAN provisioning_log$", step)], steps


@pytest.mark.parametrize("query", [{"outcome": "refused"}, {"outcome": "refused", "text": "x"}], ids=str)
def test_refusals_have_an_index(app, sqlite, query):
    """With parameters as they are sent: where they are written into the statement, the plan may be another."""
    steps = []

    def explain(connection, cursor, statement, parameters, *_):
        if "status >= " in statement:
            raw = connection.connection.driver_connection
            steps.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", explain)
        log_page(LogQuery(**query))
    assert len(steps) == (2 if "text" in query else 1)
    assert all("ix_provisioning_log_failures" in step for step in steps)


def test_a_person_is_found_by_an_index(plan, barbara):
    steps = [step for plan in plan(log_page, LogQuery(person=barbara["id"])) for step in plan]
    assert "SEARCH provisioning_log USING INDEX ix_provisioning_log_resource_id (resource_id=? AND rowid<?)" in [
        re.sub(r"rowid>\? AND ", "", step) for step in steps
    ]
    assert any("ix_provisioning_log_failures" in step for step in steps)


# the audit trail


@pytest.fixture
def audit(read):
    def audit(**query):
        rows, _ = read(audit_page, AuditQuery(**query))
        return rows

    return audit


@pytest.fixture
def administrator_notes(app):
    def administrator_notes(action, kind, identifier, name, before=None, after=None):
        with app.app_context(), transaction():
            journal.note(Actor("grace@example.com"), action, kind, identifier, name, before, after)

    return administrator_notes


def test_a_line_tells_what_changed(scim, barbara, audit):
    scim.patch(f"/Users/{barbara['id']}", PASTE)
    row = audit()[0]
    assert (row.action, row.kind, row.resource_id, row.name) == (
        "changed",
        "User",
        barbara["id"],
        "bjensen@example.com",
    )
    assert (row.actor, row.before, row.after) == ("SCIM Okta (Okta)", {"title": "Tour Guide"}, {"title": "Guide"})


def test_lines_are_asked_for_by_what_they_say(scim, barbara, make_group, administrator_notes, audit):
    group = make_group("Tour Guides", barbara)
    scim.patch(f"/Users/{barbara['id']}", PASTE)
    administrator_notes("changed", "Setting", "log_days", "log_days", {"log_days": 30}, {"log_days": 90})

    def found(**query):
        return [(row.kind, row.action) for row in audit(**query) if row.kind != "Token"]

    setting, change = ("Setting", "changed"), ("User", "changed")
    made, grouped = ("User", "created"), ("Group", "created")
    assert found() == [setting, change, grouped, made]
    assert found(kind="User") == [change, made]
    assert found(action="created") == [grouped, made]
    assert found(actor="grace@example.com") == [setting]
    assert found(actor=history.EVERY_TOKEN) == [change, grouped, made]
    assert found(resource_id=group["id"]) == [grouped]
    assert found(resource_id=barbara["id"], action="changed") == [change]
    assert found(text="TOUR guide") == [change, grouped, made]
    assert found(text="grace") == [setting]
    assert found(text="g%") == []


def test_lines_come_in_pages(scim, make_user, read):
    for n in range(5):
        make_user(f"user{n}")
    query = AuditQuery(kind="User")
    rows, older = read(audit_page, query, count=3)
    assert [row.name for row in rows] == ["user4", "user3", "user2"]
    rows, older = read(audit_page, query, older, count=3)
    assert ([row.name for row in rows], older) == (["user1", "user0"], None)


def test_a_rare_line_is_looked_for_in_steps(look_at_ten, make_user, read):
    for n in range(25):
        make_user(f"user{n}")
    rows, older = read(audit_page, AuditQuery(text="user3"))
    assert rows == [] and older
    rows, older = read(audit_page, AuditQuery(text="user3"), older)
    rows, older = read(audit_page, AuditQuery(text="user3"), older)
    assert [row.name for row in rows] == ["user3"]


def test_batches_hold_every_line_and_no_transaction(app, make_user):
    for n in range(7):
        make_user(f"user{n}")
    names, free = [], []
    with app.app_context():
        for rows in history.audit_batches(AuditQuery(kind="User"), size=3):
            names += [row.name for row in rows]
            free.append(db.engine.pool.checkedout() == 0)
    assert names == [f"user{n}" for n in reversed(range(7))]
    assert free and all(free)


def test_a_page_ends_early_behind_long_lines(app, make_user, read, monkeypatch):
    monkeypatch.setattr(history, "MOST_TEXT", 1_000)
    for n in range(7):
        make_user(f"user{n}", title="x" * 500)
    rows, older = read(audit_page, AuditQuery(kind="User"))
    assert [row.name for row in rows] == ["user6", "user5"] and older
    with app.app_context():
        batches = list(history.audit_batches(AuditQuery(kind="User")))
    assert [row.name for rows in batches for row in rows] == [f"user{n}" for n in reversed(range(7))]
    assert [len(rows) for rows in batches] == [2, 2, 2, 1]


AUDIT_QUERIES = [{}, {"kind": "User"}, {"resource_id": "x", "text": "x"}, {"text": "x", "actor": "SCIM Okta"}]


@pytest.mark.parametrize("query", AUDIT_QUERIES, ids=str)
@pytest.mark.parametrize("function", [audit_page, history.audit_batches])
def test_no_page_reads_or_sorts_the_whole_trail(plan, barbara, query, function):
    steps = [step for plan in plan(function, AuditQuery(**query)) for step in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step or step == "SCAN audit"]
    if "resource_id" in query:
        assert all("ix_audit_resource_id" in step for step in steps if "rowid<" in step)


def change(before, after):
    return AuditRow(1, "", "", None, "changed", "User", "x", "x", before, after)


CHANGES = [
    ({"title": "A"}, {"title": "B"}, [("title", "A", "B")]),
    (None, {"title": "B"}, [("title", None, "B")]),
    ({"title": "A"}, None, [("title", "A", None)]),
    ({"active": True}, {"active": False}, [("active", "true", "false")]),
    (
        {"name": {"givenName": "Ada", "familyName": "King"}},
        {"name": {"givenName": "Ada", "familyName": "Lovelace"}},
        [("name.familyName", "King", "Lovelace")],
    ),
    ({CUSTOM: {"badge": 7}}, {CUSTOM: {"badge": 8, "vip": True}}, [("badge", "7", "8"), ("vip", None, "true")]),
    ({}, {CUSTOM: {"tags": ["a", "b"]}}, [("tags", None, "a, b")]),
    (
        {ENTERPRISE: {"department": "A", "manager": {"displayName": "Grace"}}},
        {ENTERPRISE: {"department": "B"}},
        [("department", "A", "B"), ("manager.displayName", "Grace", None)],
    ),
    (
        {CUSTOM: {"costCenter": "1"}, ENTERPRISE: {"costCenter": "2"}},
        {CUSTOM: {"costCenter": "1"}, ENTERPRISE: {"costCenter": "3"}},
        [("costCenter", "2", "3")],
    ),
    (
        {},
        {"emails": [{"value": "a@x", "type": "work", "primary": True}, {"value": "b@x"}]},
        [("emails", None, "a@x (work, primary), b@x")],
    ),
    ({"schemas": ["a"]}, {"schemas": ["a", "b"]}, []),
    ({"members": ["1"]}, {"members": ["2", "3"]}, [("members", "1 removed: 1", "2 added: 2, 3")]),
    ({"log_days": 30}, {"log_days": 90}, [("log_days", "30", "90")]),
]


@pytest.mark.parametrize("before, after, expected", CHANGES)
def test_a_change_in_words(before, after, expected):
    assert history.changes(change(before, after)) == expected


def test_of_a_long_value_the_beginning_is_shown():
    [(_name, before, after)] = history.changes(change({"title": "x" * 5_000}, {"title": "y" * 1_000}))
    assert (before, after) == ("x" * 1_000 + "…", "y" * 1_000)


def test_of_many_members_the_first_are_named():
    [(name, before, after)] = history.changes(change(None, {"members": [f"id{n}" for n in range(1_000)]}))
    assert after.startswith("1000 added: id0, id1, ") and after.endswith("id19 …")


def test_whatever_okta_changes_has_words(app, scim, barbara, make_group, define, audit):
    define("tags", multi_valued=True)
    make_group("Tour Guides", barbara)
    scim.put(
        f"/Users/{barbara['id']}", {"userName": "babs", CUSTOM: {"tags": ["a"]}, "addresses": [{"type": "work"}]}
    )
    for row in audit():
        for name, before, after in history.changes(row):
            assert name and (before or after)


# when an attribute was received


@pytest.fixture
def received(read, app):
    """Return a function that tells when the attributes of a user were received."""

    def received(user):
        return read(lambda: history.received(directory.find(history.attributes.user_type(), user["id"])))

    return received


@pytest.fixture
def times(read):
    """Return a function that tells when the requests were that changed something, oldest first."""

    def times():
        rows, _ = read(log_page, LogQuery(outcome="changes"))
        return [row.time for row in reversed(rows)]

    return times


def test_a_creation_carries_what_is_in_its_body(barbara, received, times):
    [created] = times()
    keys = {"userName", "externalId", "name", "name.givenName", "name.familyName", "displayName", "title", "emails"}
    assert {key for key, time in received(barbara).items() if time == created} == keys


def test_a_replacement_carries_what_is_in_its_body(scim, define, barbara, received, times):
    define("badge")
    extensions = {CUSTOM.upper(): {"BADGE": "B-17"}, ENTERPRISE: {"department": "Tours", "manager": {"value": "x"}}}
    scim.put(f"/Users/{barbara['id']}", {"USERNAME": "babs", "groups": [], "shoeSize": 1} | extensions)
    created, replaced = times()
    found = received(barbara)
    keys = {"userName", "enterprise:department", "enterprise:manager", "ivanti:badge"}
    assert {key for key, time in found.items() if time == replaced} == keys
    assert found["title"] == created


OPERATIONS = [
    ({"op": "replace", "path": "title", "value": "x"}, {"title"}),
    ({"op": "Replace", "PATH": "TITLE", "Value": "x"}, {"title"}),
    ({"op": "remove", "path": "title"}, {"title"}),
    ({"op": "replace", "path": "name.givenName", "value": "x"}, {"name", "name.givenName"}),
    ({"op": "replace", "path": "name", "value": {"GIVENNAME": "x"}}, {"name", "name.givenName"}),
    ({"op": "replace", "value": {"name.givenName": "x", "active": True}}, {"name", "name.givenName", "active"}),
    ({"op": "replace", "path": 'emails[type eq "work"].value', "value": "b@x"}, {"emails"}),
    ({"op": "replace", "value": {'emails[type eq "work"].value': "b@x"}}, {"emails"}),
    ({"op": "add", "path": f"{CUSTOM}:badge", "value": "x"}, {"ivanti:badge"}),
    ({"op": "add", "path": CUSTOM, "value": {"badge": "x"}}, {"ivanti:badge"}),
    ({"op": "add", "value": {f"{CUSTOM}:badge": "x"}}, {"ivanti:badge"}),
    ({"op": "add", "value": {CUSTOM: {"badge": "x", "nothing": 1}}}, {"ivanti:badge"}),
    ({"op": "add", "path": f"{ENTERPRISE}:manager.displayName", "value": "x"}, {"enterprise:manager"}),
    ({"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "x"}, {"title"}),
    ({"op": "add", "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"title": "x"}}}, {"title"}),
]


@pytest.mark.parametrize("operation, keys", OPERATIONS, ids=[str(operation)[:70] for operation, _ in OPERATIONS])
def test_an_operation_carries_what_it_names(scim, define, barbara, received, times, operation, keys):
    define("badge")
    answer = scim.patch(f"/Users/{barbara['id']}", operation)
    assert answer.status_code == 200, answer.json
    patched = times()[-1]
    assert {key for key, time in received(barbara).items() if time == patched} == keys


def test_what_is_sent_unchanged_was_received_again(scim, barbara, received, times):
    scim.put(f"/Users/{barbara['id']}", barbara)
    assert received(barbara)["title"] == times()[-1]


def test_a_refused_request_brings_nothing(scim, barbara, received, times):
    [created] = times()
    scim.put(f"/Users/{barbara['id']}", {"userName": 5, "title": "x"})
    assert received(barbara)["title"] == created


def test_the_audit_trail_knows_what_the_log_lost(app, scim, barbara, received):
    scim.patch(f"/Users/{barbara['id']}", PASTE)
    with app.app_context(), transaction():
        database.execute(journal.ENTRIES.delete())
    with app.app_context():
        lines, _ = audit_page(AuditQuery(resource_id=barbara["id"]))
    found = received(barbara)
    assert found["title"] == lines[0].time
    assert found["userName"] == lines[1].time


def test_what_an_administrator_enters_was_not_received(app, received):
    with app.app_context(), transaction():
        actor = Actor("grace@example.com")
        user = directory.create(history.attributes.user_type(), {"userName": "local"}, actor, [])
    assert received({"id": user.id}) == {}


def test_bodies_that_were_cut_are_no_obstacle(make_user, received):
    user = make_user("ada", title="x" * 20_000)
    assert received(user)["title"]


# what could be defined


def test_custom_attributes_that_nobody_defined_can_be(define, context):
    define("badge")
    names = ["costCentre", "BADGE", "userName", "department", "no name", "x" * 65, "costCENTRE", "vip.more"]
    paths = [f"{CUSTOM}:{name}" for name in names] + ["shoeSize", f"{ENTERPRISE}:floor", f"{CUSTOM.lower()}:desk"]
    assert history.definable(paths) == ["costCentre", "desk"]


def test_what_okta_sent_in_any_form_can_be_defined(scim, barbara, page, context):
    user = f"/Users/{barbara['id']}"
    scim.put(user, {"userName": "babs", CUSTOM: {"one": 1}})
    scim.patch(user, {"op": "add", "path": f"{CUSTOM}:two", "value": 1})
    scim.patch(user, {"op": "add", "value": {f"{CUSTOM}:three": 1}})
    scim.patch(user, {"op": "add", "value": {CUSTOM: {"four": 1}}})
    found = [history.definable(row.ignored) for row in page(outcome="ignored")]
    assert found == [["four"], ["three"], ["two"], ["one"]]


def test_groups_have_names_too(make_group, context):
    group = make_group("Tour Guides")
    assert history.names_of([group["id"], "nobody"]) == {group["id"]: "Tour Guides"}
    assert directory.find(GROUP_TYPE, group["id"]).name == "Tour Guides"
