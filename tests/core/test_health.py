"""The health of provisioning: failing until a success shows that it is over, silent after a day, else healthy."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, update

import database
import rehearsal
from app import create_app
from core import health, journal, tokens
from core.health import Day, activity, attention, provisioning_health
from database import db, from_now, transaction
from protocol.definitions import CUSTOM
from tests.conftest import ACTOR

RENAME = {"op": "replace", "path": "displayName", "value": "Babs"}
WRONG = {"op": "replace", "path": "nothing", "value": "x"}


@pytest.fixture
def read(app):
    """Return a function that writes what waits and calls another with a fresh view of the database."""

    def read(function, *args):
        with app.app_context():
            while journal.is_waiting():
                with transaction():
                    journal.flush()
            return function(*args)

    return read


@pytest.fixture
def state(read):
    return lambda: read(provisioning_health).state


@pytest.fixture
def failures(read):
    """Return a function that tells (method, status) of the unresolved failures, newest first."""
    return lambda: [(row.method, row.status) for row in read(provisioning_health).failures]


@pytest.fixture
def stranger(app, scim):
    """A client with a token that nobody made."""
    return type(scim)(app, "rc_unknown")


@pytest.fixture
def shift(app, read):
    """Return a function that makes all that was logged older."""

    def shift(**delta):
        def older():
            with transaction():
                entries = database.execute(journal.ENTRIES.select()).all()
                for entry in entries:
                    moment = moved(entry.time, **delta)
                    where = journal.ENTRIES.c.id == entry.id
                    database.execute(update(journal.ENTRIES).where(where), {"time": moment})
                if entries:
                    database.execute(update(tokens.TOKENS), {"last_used": moment})

        read(older)

    return shift


def moved(moment, **delta):
    then = health.datetime.fromisoformat(moment) - timedelta(**delta)
    return then.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@pytest.fixture
def write_entry(app):
    """Return a function that writes one entry straight into the log."""

    def write_entry(**values):
        blank = {column.name: None for column in journal.ENTRIES.c if column.name != "id"}
        entry = blank | {"time": database.now(), "method": "GET", "path": "/scim/v2/Users", "status": 200}
        with app.app_context(), transaction():
            journal.INSERT_ENTRY.run_many([entry | {"milliseconds": 1.0} | values])

    return write_entry


# the states


def test_at_first_nobody_has_called(scim, read):
    found = read(provisioning_health)
    assert (found.state, found.last_contact, found.since, found.failures) == ("never contacted", None, None, [])


def test_a_first_request_makes_it_healthy(scim, read):
    before = database.now()
    scim.get("/Users?startIndex=1&count=2")
    found = read(provisioning_health)
    assert (found.state, found.since) == ("healthy", None)
    assert before <= found.last_contact <= database.now()


def test_requests_without_a_live_token_are_failures_and_no_contact(stranger, read):
    stranger.get("/Users")
    found = read(provisioning_health)
    assert (found.state, found.last_contact) == ("failing", None)


def test_a_refused_request_with_a_token_is_a_contact(scim, read):
    scim.post("/Users", {})
    found = read(provisioning_health)
    assert found.state == "failing" and found.last_contact


@pytest.mark.parametrize("hours, state", [(23, "healthy"), (25, "silent")])
def test_it_falls_silent_after_a_day(scim, barbara, shift, read, hours, state):
    shift(hours=hours)
    found = read(provisioning_health)
    assert found.state == state
    assert found.since == (found.last_contact if state == "silent" else None)


def test_the_tokens_remember_the_last_contact_longer_than_the_log(app, scim, barbara, read):
    with app.app_context(), transaction():
        database.execute(journal.ENTRIES.delete())
    assert read(provisioning_health).state == "healthy"


def test_the_last_contact_is_exact(scim, barbara, read, shift):
    shift(seconds=30)
    scim.get("/Users")
    assert read(provisioning_health).last_contact > from_now(timedelta(seconds=-20))


# failures, and what resolves them


def test_a_refused_token_is_over_when_a_request_succeeds(scim, stranger, state):
    stranger.get("/Users")
    assert state() == "failing"
    scim.get("/Users/nobody")
    assert state() == "failing"
    scim.get("/Users")
    assert state() == "healthy"


def test_a_success_before_a_failure_resolves_nothing(scim, stranger, state):
    scim.get("/Users")
    stranger.get("/Users")
    assert state() == "failing"


def test_a_refused_change_is_over_when_another_of_the_same_person_succeeds(scim, barbara, make_user, state):
    ada = make_user("ada")
    scim.patch(f"/Users/{barbara['id']}", WRONG)
    scim.patch(f"/Users/{ada['id']}", RENAME)
    assert state() == "failing"
    scim.patch(f"/Users/{barbara['id']}", RENAME)
    assert state() == "healthy"


def test_reading_someone_does_not_make_their_change_succeed(scim, barbara, state):
    scim.put(f"/Users/{barbara['id']}", {"userName": 5})
    scim.get(f"/Users/{barbara['id']}")
    assert state() == "failing"


def test_a_body_that_is_no_json_is_about_the_person_in_the_path(scim, barbara, state):
    scim.open("PUT", f"/Users/{barbara['id']}", b"{", {"Content-Type": "application/scim+json"})
    assert state() == "failing"
    scim.patch(f"/Users/{barbara['id']}", RENAME)
    assert state() == "healthy"


def test_a_taken_name_is_over_when_whoever_has_it_is_written(scim, barbara, make_user, state):
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    make_user("ada")
    scim.get('/Users?filter=userName%20eq%20"bjensen@example.com"')
    assert state() == "failing"
    scim.put(f"/Users/{barbara['id']}", barbara)
    assert state() == "healthy"


def test_a_refused_creation_is_over_when_it_succeeds(scim, make_user, state):
    scim.post("/Users", {"userName": "Zo\u00cb", "active": "perhaps"})
    scim.get('/Users?filter=userName%20eq%20"Zo\u00cb"')
    assert state() == "failing"
    make_user("zo\u00eb")
    assert state() == "healthy"


def test_a_refused_group_is_over_when_it_succeeds(scim, make_user, make_group, state):
    scim.post("/Groups", {"displayName": "Guides", "members": [{"value": "nobody"}]})
    make_user("Guides")
    assert state() == "failing"
    make_group("GUIDES")
    assert state() == "healthy"


def test_a_taken_name_is_over_when_the_client_deletes_whoever_had_it(scim, barbara, make_user, state):
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    scim.delete(f"/Users/{make_user('ada')['id']}")
    assert state() == "failing"
    scim.delete(f"/Users/{barbara['id']}")
    assert state() == "healthy"


def test_a_name_that_nobody_has_any_more_resolves_nothing(scim, barbara, state):
    scim.post("/Users", {"userName": "bjensen@example.com"})
    scim.post("/Users", {"userName": "ada", "active": "perhaps"})
    scim.put(f"/Users/{barbara['id']}", barbara | {"userName": "babs"})
    assert state() == "failing"


def test_a_change_of_what_is_gone_is_a_failure(scim, barbara, failures):
    scim.patch("/Groups/gone", RENAME)
    scim.get("/Users")
    scim.put(f"/Users/{barbara['id']}", barbara)
    assert failures() == [("PATCH", 404)]


def test_what_the_client_deleted_itself_may_be_named_once_more(scim, make_group, state):
    group = make_group("Guides")
    scim.delete(f"/Groups/{group['id']}")
    scim.patch(f"/Groups/{group['id']}", RENAME)
    assert state() == "healthy"


@pytest.mark.parametrize(
    "method, path, headers",
    [
        ("GET", "/Users/nobody", {}),
        ("HEAD", "/Groups/nobody", {}),
        ("DELETE", "/Users/nobody", {}),
        ("GET", "/Users/{id}", {"If-Match": 'W/"99"'}),
        ("DELETE", "/Users/{id}", {"If-Match": 'W/"99"'}),
    ],
)
def test_some_refusals_are_no_failures(scim, barbara, state, method, path, headers):
    answer = scim.open(method, path.format(id=barbara["id"]), headers=headers)
    assert answer.status_code in (404, 412)
    assert state() == "healthy"


def test_an_answer_that_nothing_has_changed_is_no_failure(scim, barbara, state):
    tag = scim.get(f"/Users/{barbara['id']}").headers["ETag"]
    assert scim.get(f"/Users/{barbara['id']}", {"If-None-Match": tag}).status_code == 304
    assert state() == "healthy"


def test_a_wrong_base_url_is_a_failure_until_a_request_succeeds(scim, state):
    scim.get("/scim/v2/Users")
    assert state() == "failing"
    scim.get("/Users")
    assert state() == "healthy"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_over_when_anything_succeeds(scim, barbara, write_entry, state, status):
    write_entry(status=status, method="PUT", path=f"/scim/v2/Users/{barbara['id']}", token_id=1)
    assert state() == "failing"
    scim.get("/Users")
    assert state() == "healthy"


def test_a_full_disk_is_over_when_something_is_written(scim, write_entry, make_user, state):
    write_entry(status=507, method="POST", subject="ada", token_id=1)
    scim.get("/Users")
    scim.post("/Users/.search", {"count": 1})
    assert state() == "failing"
    make_user("grace")
    assert state() == "healthy"


def test_a_mistake_of_the_server_is_about_whom_it_met(scim, barbara, write_entry, state):
    write_entry(status=500, method="PUT", path=f"/scim/v2/Users/{barbara['id']}", resource_id=None, token_id=1)
    scim.get("/Users")
    assert state() == "failing"
    scim.patch(f"/Users/{barbara['id']}", RENAME)
    assert state() == "healthy"


def test_any_other_request_is_over_when_the_same_succeeds(scim, barbara, state):
    scim.get("/Users?filter=broken")
    scim.get("/Groups")
    scim.get(f"/Users/{barbara['id']}")
    scim.post("/Users/.search", {"count": 1})
    assert state() == "failing"
    scim.get('/Users?filter=userName%20eq%20"ada"')
    assert state() == "healthy"


def test_a_failure_is_forgotten_after_a_day(scim, barbara, shift, state):
    scim.patch(f"/Users/{barbara['id']}", WRONG)
    shift(hours=25)
    scim.get("/Users")
    assert state() == "healthy"


def test_a_success_that_was_written_before_the_failure_still_came_later(write_entry, state):
    write_entry(method="POST", status=201, token_id=1, time=from_now(timedelta(seconds=-1)))
    write_entry(status=401, time=from_now(timedelta(seconds=-2)))
    assert state() == "healthy"


def test_a_clock_that_was_set_back_hides_no_success(write_entry, state):
    write_entry(status=401)
    write_entry(token_id=1, time=from_now(timedelta(hours=-1)))
    assert state() == "healthy"


# what is shown of them


def test_failures_of_one_thing_are_one(scim, barbara, make_user, read):
    ada = make_user("ada")
    for _ in range(3):
        scim.patch(f"/Users/{barbara['id']}", WRONG)
        scim.post("/Users", {"userName": "Grace", "active": "perhaps"})
        scim.post("/Users", {"userName": "GRACE", "active": "perhaps"})
    scim.put(f"/Users/{ada['id']}", {"userName": "bjensen@example.com"})
    found = read(provisioning_health)
    rows, _ = read(health.history.log_page, health.history.LogQuery("refused"))
    assert [(row.method, row.subject) for row in found.failures] == [
        ("PUT", "bjensen@example.com"),
        ("POST", "GRACE"),
        ("PATCH", "bjensen@example.com"),
    ]
    assert found.failures[1:] == [rows[1], rows[3]]
    assert found.since == rows[-1].time


def test_it_fails_since_the_oldest_failure_that_is_not_over(scim, barbara, read):
    scim.patch(f"/Users/{barbara['id']}", WRONG)
    scim.patch(f"/Users/{barbara['id']}", RENAME)
    scim.patch(f"/Users/{barbara['id']}", WRONG)
    scim.patch(f"/Users/{barbara['id']}", WRONG)
    rows, _ = read(health.history.log_page, health.history.LogQuery("refused"))
    found = read(provisioning_health)
    assert (len(found.failures), found.since) == (1, rows[1].time)


def test_of_many_failures_the_newest_are_listed(scim, read):
    for n in range(health.LISTED + 5):
        scim.post("/Users", {"userName": f"user{n}", "active": "perhaps"})
    found = read(provisioning_health).failures
    assert [row.subject for row in found] == [f"user{n}" for n in range(health.LISTED + 4, 4, -1)]


@pytest.fixture
def plan(app, sqlite):
    """Return a function that calls another and returns SQLite's plans of what it read, a list of steps each."""

    def plan(function):
        statements = []
        with app.app_context():
            engine = db.engine
            event.listen(engine, "checkout", lambda raw, *_: raw.set_trace_callback(statements.append))
            function()
            database.close_connection()
            raw = engine.raw_connection()
            raw.set_trace_callback(None)
            selects = [s for s in statements if s.startswith("SELECT")]
            plans = [[row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {s}")] for s in selects]
            raw.close()
        return plans

    return plan


def test_many_failures_need_no_more_statements_than_few(scim, barbara, make_user, read, plan):
    def fail(n):
        scim.post("/Users", {"userName": f"user{n}", "active": "perhaps"})
        scim.patch(f"/Users/{make_user(f'ada{n}')['id']}", WRONG)
        scim.patch(f"/Groups/gone{n}", RENAME)
        scim.post("/Users", {"userName": "bjensen@example.com"})
        scim.get("/Users?filter=broken")
        read(lambda: None)

    fail(0)
    few = len(plan(provisioning_health))
    for n in range(1, 15):
        fail(n)
    assert len(plan(provisioning_health)) == few <= 11


def test_health_is_read_by_indexes(scim, barbara, read, plan):
    scim.post("/Users", {"userName": "grace", "active": "perhaps"})
    scim.patch(f"/Users/{barbara['id']}", WRONG)
    scim.patch("/Groups/gone", RENAME)
    read(lambda: None)
    steps = [step for plan in plan(provisioning_health) for step in plan]
    assert any("ix_provisioning_log_failures" in step for step in steps)
    assert not [step for step in steps if re.match("SCAN (provisioning_log|users|groups)$", step)], steps
    assert not [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step]


def test_a_rehearsal_leaves_it_healthy(server):
    result = rehearsal.rehearse(server.base_url, server.token, users=8, groups=3)
    assert result.passed, result
    server.stop()
    app = create_app({"INSTANCE_PATH": server.instance})
    with app.app_context():
        rows, _ = health.history.log_page(health.history.LogQuery("refused"))
        found = provisioning_health()
        db.engine.dispose()
    assert len(rows) > 5
    assert (found.state, found.failures) == ("healthy", [])


# activity


@pytest.fixture
def at(monkeypatch):
    """Return a function that sets the clock of health."""

    def at(moment):
        def from_then(delta):
            return moved(moment, seconds=-delta.total_seconds())

        monkeypatch.setattr(health, "now", lambda: moment)
        monkeypatch.setattr(health, "from_now", from_then)

    return at


NOON = "2026-11-24T12:00:00.000000Z"


def test_a_day_is_counted_by_what_came_of_its_requests(write_entry, at, read):
    at(NOON)
    for method, status in [("GET", 200), ("HEAD", 200), ("GET", 304), ("GET", 404), ("POST", 201), ("POST", 409)]:
        write_entry(time="2026-11-24T08:00:00.000000Z", method=method, status=status)
    assert read(activity)[-1] == ("2026-11-24", 3, 1, 2)


def test_days_are_utc_and_without_gaps(write_entry, at, read):
    at(NOON)
    write_entry(time="2026-11-22T23:59:59.999999Z")
    write_entry(time="2026-11-23T00:00:00.000000Z")
    write_entry(time="2026-11-20T12:00:00.000000Z")
    dates = ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"]
    assert read(activity, 4) == [Day(date, reads, 0, 0) for date, reads in zip(dates, (0, 1, 1, 0), strict=True)]
    assert len(read(activity)) == 14


def test_days_that_are_over_are_counted_once(write_entry, at, read, plan):
    at(NOON)
    write_entry(time="2026-11-23T12:00:00.000000Z")
    write_entry(time="2026-11-24T08:00:00.000000Z")
    read(activity)
    write_entry(time="2026-11-24T08:00:00.000000Z")
    newest, [new] = plan(activity)
    assert newest == ["SEARCH provisioning_log"] and "USING INTEGER PRIMARY KEY (rowid>?)" in new
    write_entry(time="2026-11-24T08:00:00.000000Z")
    assert [day.reads for day in read(activity)][-2:] == [1, 3]


def test_what_was_counted_today_stays_when_the_log_is_pruned(app, write_entry, at, read):
    at(NOON)
    write_entry(time="2026-11-24T08:00:00.000000Z")
    read(activity)
    with app.app_context(), transaction():
        database.execute(journal.ENTRIES.delete())
    write_entry(time="2026-11-24T09:00:00.000000Z")
    assert read(activity)[-1].reads == 2


def test_what_was_counted_stays_when_the_log_is_pruned(app, write_entry, at, read):
    at(NOON)
    write_entry(time="2026-11-23T12:00:00.000000Z")
    read(activity)
    with app.app_context(), transaction():
        database.execute(journal.ENTRIES.delete())
    assert read(activity)[-2].reads == 1


def test_a_day_is_not_over_at_midnight_sharp(write_entry, at, read):
    at("2026-11-24T00:05:00.000000Z")
    read(activity)
    write_entry(time="2026-11-23T23:59:59.000000Z")
    assert read(activity)[-2].reads == 1


def test_a_clock_that_was_set_back_opens_the_days_again(write_entry, at, read):
    at("2026-11-26T12:00:00.000000Z")
    read(activity)
    at(NOON)
    write_entry(time="2026-11-24T11:00:00.000000Z")
    assert read(activity)[-1] == ("2026-11-24", 1, 0, 0)
    at("2026-11-26T12:00:00.000000Z")
    assert read(activity)[-3] == ("2026-11-24", 1, 0, 0)


def test_a_day_that_went_on_is_counted_again_when_it_is_over(write_entry, at, read):
    at(NOON)
    read(activity)
    write_entry(time="2026-11-24T13:00:00.000000Z")
    at("2026-11-25T12:00:00.000000Z")
    assert read(activity)[-2] == ("2026-11-24", 1, 0, 0)


def test_activity_is_read_from_the_index_alone(plan):
    _newest, *plans = plan(activity)
    assert len(plans) == 14
    for steps in plans:
        assert [re.sub(r" \(.*", "", step) for step in steps] == [
            "SEARCH provisioning_log USING COVERING INDEX ix_provisioning_log_time"
        ]


# what needs attention


@pytest.fixture
def found(read):
    """Return a function that tells (kind, severity) of what needs attention."""
    return lambda: [(each.kind, each.severity) for each in read(attention)]


@pytest.fixture
def set_token(app):
    """Return a function that changes the row of a token; the client's is 1."""

    def set_token(identifier, **values):
        with app.app_context(), transaction():
            database.execute(update(tokens.TOKENS).where(tokens.TOKENS.c.id == identifier), values)

    return set_token


def test_a_system_that_works_needs_no_attention(scim, barbara, found):
    assert found() == []


def test_at_first_a_token_is_missing(read):
    [each] = read(attention)
    assert (each.kind, each.severity, each.what) == ("no token", "notice", {"ever": False})


@pytest.mark.parametrize("column", ["revoked", "inactive"])
def test_without_a_live_token_nothing_works(scim, found, set_token, column):
    set_token(1, **{column: database.now()})
    assert found() == [("no token", "serious")]


@pytest.mark.parametrize("days, severity", [(29, "warning"), (8, "warning"), (6, "serious")])
def test_a_token_that_will_expire_is_named(scim, read, set_token, days, severity):
    set_token(1, expires=from_now(timedelta(days=days, hours=1)))
    [each] = read(attention)
    assert (each.kind, each.severity) == ("token expires", severity)
    assert (each.what["id"], each.what["name"], each.what["days"]) == (1, "Okta", days)


def test_a_token_that_lives_long_is_not_named(scim, found, set_token):
    set_token(1, expires=from_now(timedelta(days=31)))
    assert found() == []


def test_a_token_is_named_until_okta_uses_its_successor(app, scim, barbara, found, set_token):
    with app.app_context(), transaction():
        tokens.create("Next", ACTOR)
    set_token(1, expires=from_now(timedelta(days=1)))
    assert found() == [("token expires", "serious")]
    set_token(2, last_used=database.now())
    assert found() == []


def test_a_token_that_expired_in_use_is_named(app, scim, barbara, read, found, set_token):
    with app.app_context(), transaction():
        tokens.create("Next", ACTOR)
    set_token(1, expires=from_now(timedelta(hours=-1)))
    [each] = read(attention)
    assert (each.kind, each.severity, each.what["name"]) == ("token expired", "serious", "Okta")
    set_token(2, last_used=database.now())
    assert found() == []


def test_a_token_that_was_removed_after_it_expired_is_not_named(app, scim, barbara, found, set_token):
    with app.app_context(), transaction():
        tokens.create("Next", ACTOR)
    set_token(1, expires=from_now(timedelta(hours=-1)), revoked=database.now())
    assert found() == []


def test_failures_are_named(scim, barbara, read):
    scim.post("/Users", {"userName": "bjensen@example.com"})
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    [each] = read(attention)
    assert (each.kind, each.severity) == ("failures", "serious")
    assert each.what == {"count": 1, "since": read(provisioning_health).since}


def test_attributes_that_nobody_defined_are_named_until_someone_does(scim, make_user, define, read, found):
    ada = make_user("ada", **{CUSTOM: {"costCentre": 1, "floor": 1}, "shoeSize": 41})
    scim.put(f"/Users/{ada['id']}", {"userName": "ada", CUSTOM: {"COSTCENTRE": 1}})
    scim.get("/Users")
    newest = read(health.history.log_page, health.history.LogQuery("changes"), None, 1)[0][0]
    named = {each.what["name"]: each for each in read(attention)}
    assert {name: each.what["requests"] for name, each in named.items()} == {"COSTCENTRE": 2, "floor": 1}
    assert named["COSTCENTRE"].what["last"] == newest.time
    assert {(each.kind, each.severity) for each in named.values()} == {("ignored attribute", "notice")}
    define("costCentre")
    define("floor")
    assert found() == []


def test_attributes_that_are_no_longer_sent_are_forgotten(scim, make_user, shift, found):
    make_user("ada", **{CUSTOM: {"floor": 1}})
    shift(days=8)
    assert found() == []


def test_the_most_serious_comes_first(scim, make_user, found, set_token):
    make_user("ada", **{CUSTOM: {"floor": 1}})
    scim.post("/Users", {"userName": "ada"})
    set_token(1, expires=from_now(timedelta(days=20)))
    assert [severity for _, severity in found()] == ["serious", "warning", "notice"]


def test_attention_reads_no_whole_table(scim, barbara, plan):
    steps = [step for plan in plan(attention) for step in plan]
    assert not [step for step in steps if re.match("SCAN (provisioning_log|users)$", step)], steps
