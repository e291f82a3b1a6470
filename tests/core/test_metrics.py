"""What Prometheus reads: figures that agree with the database, and nothing about anybody."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

import database
from core import metrics, outbox
from database import execute, transaction


@pytest.fixture
def read(app):
    """Return a function that returns {(name, labels …): value} of a scrape."""

    def read():
        with app.app_context():
            exposition = metrics.exposition().decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
        }

    return read


def test_users_and_groups_are_those_that_there_are(scim, make_user, make_group, read):
    ada = make_user("ada", active=True)
    make_user("bob", active=False)
    make_user("eve", active=True)
    make_group("Guides", ada)
    found = read()
    assert found["rollcall_users", "scim", "enabled"] == 2
    assert found["rollcall_users", "scim", "disabled"] == 1
    assert found["rollcall_users", "local", "enabled"] == 0
    assert found["rollcall_users_by_invite", "not_invited"] == 3
    assert (found["rollcall_groups", "scim"], found["rollcall_groups", "local"]) == (1, 0)


def test_every_state_is_told_of_when_nobody_is_in_it(read):
    found = read()
    users = {key: value for key, value in found.items() if key[0].startswith(("rollcall_users", "rollcall_groups"))}
    assert len(users) == 4 + 4 + 2 and set(users.values()) == {0}


def test_mails_are_told_of_by_state(app, read):
    with app.app_context(), transaction():
        outbox.queue("test", "ada@example.com", content=("Hello", "you"))
    found = read()
    assert found["rollcall_outbox_mails", "waiting"] == 1
    assert {state: found["rollcall_outbox_mails", state] for state in outbox.STATES}.keys() == set(outbox.STATES)


def test_the_log_is_as_long_as_it_is(app, scim, make_user, read):
    for name in ("ada", "bob", "eve"):
        make_user(name)
    scim.get("/Users")
    found = read()
    assert (found["rollcall_log_entries",], found["rollcall_log_entries_waiting",]) == (3, 1)
    with app.app_context(), transaction():
        execute(text("DELETE FROM provisioning_log WHERE id = 1"))  # as the oldest are
    assert read()["rollcall_log_entries",] == 2


def test_sizes_are_those_of_the_files(sqlite, instance, make_user, read):
    make_user("ada")
    found = read()
    assert found["rollcall_database_bytes", "database"] == (instance / "rollcall.db").stat().st_size
    assert found["rollcall_database_bytes", "wal"] == (instance / "rollcall.db-wal").stat().st_size > 0


def test_the_schema_is_named(app, read):
    with app.app_context():
        newest = database.newest_schema()
    [labels] = [key[1:] for key in read() if key[0] == "rollcall_info"]
    assert newest in labels


def test_the_process_is_told_of(read):
    found = read()
    assert found["process_resident_memory_bytes",] > 2**20 and found["process_open_fds",] > 0


def test_a_request_falls_in_the_bucket_of_its_time(app, read):
    before = read()
    metrics.count(app, "portal", 503, 0.04)
    after = read()
    changed = {
        key: after[key] - before[key]
        for key in after
        if key[0].startswith("rollcall_request") and after[key] != before[key]
    }
    assert changed["rollcall_requests_total", "portal", "5xx"] == 1
    assert changed["rollcall_request_seconds_bucket", "portal", "0.05"] == 1
    assert ("rollcall_request_seconds_bucket", "portal", "0.025") not in changed


def test_nobody_is_named(scim, make_user, make_group, read, token):
    ada = make_user("ada@example.com", displayName="Ada Lovelace", active=True)
    make_group("Secret project", ada)
    said = repr(read())
    assert not [word for word in ("ada", "Ada", "Secret", ada["id"], token) if word in said]


def test_a_scrape_counts_nobody_one_by_one(sqlite, app, make_user, read):
    """Totals are kept; a million users must not be read at each scrape."""
    make_user("ada")
    statements = []
    with app.app_context():
        database.connection().connection.driver_connection.set_trace_callback(statements.append)
        metrics.exposition()
        database.connection().connection.driver_connection.set_trace_callback(None)
    assert len(statements) > 3
    assert not [
        s for s in statements if "FROM users" in s or "FROM user_values" in s or "count(*) FROM provisioning" in s
    ]
