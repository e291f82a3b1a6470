"""Long work on many users: in portions, each whole or not at all, and to its end whatever comes between."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import database
import engines
from core import attributes, directory, jobs, journal, queue
from core.attributes import DefinitionError
from core.journal import Actor
from core.search import USERS
from database import transaction
from protocol.definitions import CUSTOM
from tests import databases
from tests.conftest import ROOT

ADA = Actor("ada@example.com")
OKTA = Actor("SCIM Okta", 1)


@pytest.fixture(autouse=True)
def context(app):
    with app.app_context():
        yield


@pytest.fixture(autouse=True)
def portion(monkeypatch):
    monkeypatch.setattr(jobs, "PORTION", 3)
    monkeypatch.setattr(jobs, "PAUSE", 0)


def people(number, actor=OKTA, start=0, **others):
    """Create users and return their pks."""
    with transaction():
        kind = attributes.user_type()
        documents = [{"userName": f"user{start + n}"} | others for n in range(number)]
        return [directory.create(kind, document, actor, []).pk for document in documents]


def start(kind, pks, subject=None):
    with transaction():
        return jobs.start(kind, pks, ADA, subject)


def finish(job_id):
    """Work on a job to its end and return it."""
    while jobs.work(job_id):
        pass
    return jobs.find(job_id)


def active():
    return list(database.execute(select(USERS.c.active).order_by(USERS.c.pk)).scalars())


def lines(action="changed", kind="User"):
    table = journal.LINES
    wanted = table.select().where(table.c.action == action, table.c.resource_type == kind).order_by(table.c.id)
    return database.execute(wanted).all()


def numbers(job):
    return job.done, job.changed, job.total


# disable, enable, delete


def test_each_call_does_one_portion_and_says_whether_there_is_more():
    job_id = start("disable", people(7))
    assert active() == [True] * 7
    steps = []
    for _ in range(3):
        more = jobs.work()
        steps.append((more, *numbers(jobs.find(job_id)), active().count(False)))
    assert steps == [(True, 3, 3, 7, 3), (True, 6, 6, 7, 6), (False, 7, 7, 7, 7)]
    job = jobs.find(job_id)
    assert (job.error, job.actor) == (None, ADA.name) and job.created <= job.finished
    assert jobs.work() is jobs.work(job_id) is False


@pytest.mark.parametrize("number", [0, 1, 3, 6])
def test_a_job_of_any_size_ends(number):
    job = finish(start("disable", people(number)))
    assert numbers(job) == (number, number, number) and job.finished


def test_who_is_so_already_is_not_changed():
    pks = people(2) + people(2, start=2, active=False)
    assert numbers(finish(start("disable", pks))) == (4, 2, 4)
    assert [line.name for line in lines()] == ["user0", "user1"]
    assert numbers(finish(start("enable", pks))) == (4, 4, 4)
    assert active() == [True] * 4


def test_a_person_without_a_status_counts_as_disabled():
    [pk] = people(1)
    user = jobs._users([pk])[0]
    with transaction():
        directory.save(user, {n: v for n, v in user.document.items() if n != "active"}, OKTA)
    assert jobs.find(start("enable", [pk])).total == 1
    assert finish(1).changed == 1
    assert active() == [True]


def test_each_change_has_the_line_the_version_and_the_source_of_any_other(scim):
    pks = people(1)
    finish(start("disable", pks))
    [line] = lines()
    assert (line.actor, line.token_id, line.name) == (ADA.name, None, "user0")
    assert (line.before, line.after) == ('{"active":true}', '{"active":false}')
    [user] = scim.find("Users", 'userName eq "user0"')
    assert (user["active"], user["meta"]["version"]) == (False, 'W/"2"')
    assert jobs._users(pks)[0].source == "scim"


def test_only_local_users_are_deleted():
    pks = people(4) + people(4, ADA, start=4)
    assert numbers(finish(start("delete", pks))) == (8, 4, 8)
    assert [line.name for line in lines("deleted")] == [f"user{n}" for n in range(4, 8)]
    assert len(active()) == 4


def test_who_is_named_twice_is_done_once_and_who_is_gone_is_passed_over():
    first, second = people(2)
    with transaction():
        directory.remove(jobs._users([second])[0], ADA)
    job_id = start("disable", [first, second, first, 2**62])
    assert numbers(finish(job_id)) == (3, 1, 3)


def test_only_those_who_were_confirmed_are_touched():
    pks = people(2)
    job_id = start("disable", pks)
    people(1, start=2)
    finish(job_id)
    assert active() == [False, False, True]


def test_jobs_are_done_in_order_and_one_of_them_by_its_id():
    pks = people(4)
    first, second = start("disable", pks), start("enable", pks)
    assert [job.id for job in jobs.unfinished()] == [first, second]
    assert jobs.work(second) is True
    assert numbers(jobs.find(second)) == (3, 0, 4)
    assert jobs.work(second) is False
    assert [job.id for job in jobs.unfinished()] == [first]
    assert (jobs.work(), jobs.work(), jobs.is_waiting()) == (True, False, False)
    assert active() == [False] * 4


def test_with_some_seconds_a_short_job_is_done_in_one_call():
    assert jobs.work(start("disable", people(10)), seconds=30) is False
    assert active() == [False] * 10


def test_with_no_seconds_left_one_portion_is_done():
    assert jobs.work(start("disable", people(10)), seconds=0) is True
    assert active().count(False) == 3


def test_a_job_begins_with_the_transaction_that_starts_it():
    with pytest.raises(ZeroDivisionError), transaction():
        jobs.start("disable", [1], ADA)
        raise ZeroDivisionError
    assert (jobs.unfinished(), jobs.is_waiting(), jobs.work()) == ([], False, False)


@pytest.mark.parametrize("action", [jobs.start, jobs.run])
def test_an_unknown_kind_is_an_error(action):
    with pytest.raises(KeyError), transaction():
        action("praise", [1], ADA)
    assert jobs.unfinished() == []


def test_a_finished_job_keeps_no_list():
    finish(start("disable", people(4)))
    assert database.execute(select(jobs.JOBS.c.pks)).scalars().all() == ["[]"]
    assert queue.state().pks == {}


@pytest.mark.parametrize("job_id", [0, 1, 2**70])
def test_a_job_that_never_was_is_not_found(job_id):
    assert jobs.find(job_id) is None


def test_few_are_done_at_once_in_the_transaction_at_hand():
    pks = people(5)
    with transaction():
        assert jobs.run("disable", pks + pks, ADA) == 5
        assert jobs.run("disable", pks, ADA) == 0
    assert (active(), jobs.unfinished()) == ([False] * 5, [])
    with pytest.raises(ZeroDivisionError), transaction():
        jobs.run("enable", pks, ADA)
        raise ZeroDivisionError
    assert active() == [False] * 5


# an attribute is removed


@pytest.fixture
def badges(define):
    """Seven people with a badge, the last with another attribute, too; one without."""
    define("badge")
    define("floor")
    people(6, **{CUSTOM: {"badge": "x"}})
    people(1, start=6, **{CUSTOM: {"badge": "x", "floor": "3"}})
    people(1, start=7)


def custom():
    return [user.document.get(CUSTOM) for user in jobs._users(range(100))]


def test_an_attribute_goes_with_its_values(badges):
    job = finish(start("remove attribute", [], "BADGE"))
    assert (job.subject, *numbers(job)) == ("badge", 7, 7, 7)
    assert [row.name for row in attributes.listing()] == ["floor"]
    assert custom() == [None] * 6 + [{"floor": "3"}, None]
    assert len(lines()) == 7
    assert [(line.actor, line.name) for line in lines("removed", "Attribute")] == [(ADA.name, "badge")]


def test_values_that_arrive_meanwhile_go_too(badges):
    job_id = start("remove attribute", [], "badge")
    jobs.work()
    people(5, start=8, **{CUSTOM: {"badge": "new"}})
    while jobs.work():
        assert jobs.find(job_id).done <= jobs.find(job_id).total
    assert numbers(jobs.find(job_id)) == (12, 12, 12)
    assert attributes.holders("badge", 10) == []
    assert [row.name for row in attributes.listing()] == ["floor"]


@pytest.mark.parametrize("holders", [0, 3, 6])
def test_the_definition_goes_last_however_many_have_a_value(define, holders):
    define("badge")
    people(holders, **{CUSTOM: {"badge": "x"}})
    job_id = start("remove attribute", [], "badge")
    while attributes.count_holders("badge"):
        assert [row.name for row in attributes.listing()] == ["badge"]
        jobs.work(job_id)
    assert numbers(finish(job_id)) == (holders, holders, holders)
    assert attributes.listing() == []


def test_an_attribute_that_is_being_removed_keeps_its_job(badges):
    job_id = start("remove attribute", [], "badge")
    assert start("remove attribute", [], "Badge") == job_id
    assert start("remove attribute", [], "floor") != job_id


@pytest.mark.parametrize("action", [jobs.start, jobs.run])
def test_an_attribute_that_is_not_there_is_refused(action):
    with pytest.raises(DefinitionError), transaction():
        action("remove attribute", [], ADA, "nothing")
    assert jobs.unfinished() == []


def test_an_attribute_is_removed_at_once_in_the_transaction_at_hand(badges):
    with transaction():
        assert jobs.run("remove attribute", [], ADA, "badge") == 7
    assert [row.name for row in attributes.listing()] == ["floor"]


# what comes between


def fail_at(monkeypatch, name):
    save = directory.save

    def failing(user, *arguments):
        if user.name == name:
            raise RuntimeError("a secret of the machine")
        return save(user, *arguments)

    monkeypatch.setattr(directory, "save", failing)


def test_a_failure_undoes_its_portion_and_ends_the_job_with_a_sentence(monkeypatch, caplog):
    pks = people(7)
    first, second = start("disable", pks), start("delete", pks)
    fail_at(monkeypatch, "user4")
    assert jobs.work(first) is True
    assert jobs.work(first) is False
    job = jobs.find(first)
    assert job.error == "It stopped after 3 of 7 users. Rollcall's own log says why."
    assert job.finished and numbers(job) == (3, 3, 7)
    assert active() == [False] * 3 + [True] * 4
    assert "a secret of the machine" in caplog.text
    assert [job.id for job in jobs.unfinished()] == [second]


def test_the_next_job_goes_on_after_one_that_failed(monkeypatch):
    pks = people(2)
    start("disable", pks[:1])
    second = start("disable", pks[1:])
    fail_at(monkeypatch, "user0")
    assert jobs.work() is True
    assert jobs.work() is False
    assert numbers(jobs.find(second)) == (1, 1, 1)
    assert active() == [True, False]


def test_a_job_whose_attribute_is_gone_says_so(badges):
    job_id = start("remove attribute", [], "badge")
    with transaction():
        jobs.run("remove attribute", [], ADA, "badge")
    assert "There is no attribute 'badge'" in finish(job_id).error


def test_a_lock_that_is_not_had_fails_nothing(monkeypatch):
    job_id = start("disable", people(2))
    busy = iter([database.Busy])

    def transaction():
        for error in busy:
            raise error
        return database.transaction()

    monkeypatch.setattr(jobs, "transaction", transaction)
    with pytest.raises(database.Busy):
        jobs.work()
    assert jobs.find(job_id).finished is None
    assert numbers(finish(job_id)) == (2, 2, 2)


@pytest.mark.usefixtures("sqlite")
def test_a_full_disk_ends_no_job(monkeypatch):
    monkeypatch.setattr(jobs, "PORTION", 100)
    job_id = start("disable", people(100))

    def begin_on_full_disk(engine, begin=engines.begin_writing):
        connection = begin(engine)
        raw = connection.connection.driver_connection
        raw.execute(f"PRAGMA max_page_count = {raw.execute('PRAGMA page_count').fetchone()[0]}")
        return connection

    with monkeypatch.context() as full:
        full.setattr(engines, "begin_writing", begin_on_full_disk)
        with pytest.raises(OperationalError, match="disk is full"):
            jobs.work()
        database.db.engine.dispose()
    assert (jobs.find(job_id).done, jobs.find(job_id).finished) == (0, None)
    assert numbers(finish(job_id)) == (100, 100, 100)


def test_two_workers_on_one_job_do_each_user_once(app):
    job_id = start("disable", people(30))

    def worker():
        with app.app_context():
            finish(job_id)

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(jobs.find(job_id)) == (30, 30, 30)
    assert len(lines()) == 30


WORK = """
from app import create_app
from core import jobs
jobs.PORTION = 3
with create_app().app_context():
    while jobs.work():
        print("portion", flush=True)
        input()  # else it could be through before it is killed
"""


@pytest.mark.parametrize("kind", ["disable", "remove attribute"])
def test_a_killed_job_goes_on_where_it_was(instance, define, kind):
    define("badge")
    pks = people(150, **{CUSTOM: {"badge": "x"}})
    job_id = start(kind, pks, "badge" if kind == "remove attribute" else None)
    environment = os.environ | databases.environment(instance)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    worker = subprocess.Popen([sys.executable, "-c", WORK], cwd=ROOT, env=environment, bufsize=0, **pipes)
    for _ in range(5):
        worker.stdout.readline()
        worker.stdin.write(b"\n")
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    stopped = jobs.find(job_id)
    assert 15 <= stopped.done < 150 and stopped.finished is None
    assert len(lines()) == stopped.done == stopped.changed
    assert numbers(finish(job_id)) == (150, 150, 150)
    assert sorted(line.name for line in lines()) == sorted(f"user{n}" for n in range(150))


# the thread of the server


@pytest.fixture
def worker(app):
    """Return a function that starts the thread which works on jobs, and yields how it is told to stop."""
    stop, threads = threading.Event(), []

    def work():
        threads.append(threading.Thread(target=jobs.keep_working, args=(app, stop)))
        threads[0].start()
        return stop

    yield work
    stop.set()
    queue.state(app).started.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def wait_for(claim):
    """Return whether a claim comes true within five seconds."""
    for _ in range(500):
        database.close_connection()
        if claim():
            return True
        time.sleep(0.01)
    return False


def test_the_thread_is_woken_by_a_new_job(monkeypatch, worker):
    monkeypatch.setattr(jobs, "LOOK", 60)
    worker()
    time.sleep(0.2)  # until it sleeps
    start("disable", people(7))
    assert wait_for(lambda: active() == [False] * 7)


def test_the_thread_finishes_what_was_left_and_what_another_process_started(monkeypatch, worker):
    monkeypatch.setattr(jobs, "LOOK", 0.05)
    first = start("disable", people(7))
    worker()
    assert wait_for(lambda: jobs.find(first).finished)
    row = {"kind": "enable", "pks": "[1,2]", "actor": "x", "total": 2, "created": database.now()}
    with transaction():
        database.execute(jobs.JOBS.insert(), row)
    assert wait_for(lambda: active().count(True) == 2)


def test_the_thread_survives_a_failure_that_it_cannot_note(monkeypatch, worker, caplog):
    monkeypatch.setattr(jobs, "LOOK", 0.05)
    real, broken = jobs._work, [True]
    monkeypatch.setattr(jobs, "_work", lambda job_id: 1 / 0 if broken else real(job_id))
    worker()
    assert wait_for(lambda: "division by zero" in caplog.text)
    start("disable", people(1))
    broken.clear()
    assert wait_for(lambda: active() == [False])


def test_a_failure_that_stays_is_logged_once_until_it_works_again(monkeypatch, worker, caplog):
    monkeypatch.setattr(jobs, "LOOK", 0.01)
    tries, broken = [], [True]

    def _work(job_id):
        tries.append(job_id)
        return 1 / 0 if broken else False

    def complaints():
        return [record for record in caplog.records if record.getMessage() == jobs.INTERRUPTED]

    monkeypatch.setattr(jobs, "_work", _work)
    worker()
    assert wait_for(lambda: len(tries) > 5) and len(complaints()) == 1
    broken.clear()
    so_far = len(tries)
    assert wait_for(lambda: len(tries) > so_far + 1)
    broken.append(True)
    assert wait_for(lambda: len(complaints()) == 2)


def test_others_get_the_write_lock_between_portions(monkeypatch, worker):
    monkeypatch.setattr(jobs, "PAUSE", 0.02)
    start("disable", people(600))
    worker()
    waited = []
    for number in range(5):
        began = time.monotonic()
        people(1, start=1000 + number)
        waited.append(time.monotonic() - began)
    assert jobs.is_waiting(), "the job was over too soon to tell"
    assert max(waited) < 1
