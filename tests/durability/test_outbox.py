"""Mails that go out once, whatever happens to the server, to its workers and to the mail server meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import orjson
import pytest
import requests
from flask import Flask

import rehearsal
from app import create_app
from core import attributes, directory, invitations, settings
from core.invitations import InvitationError
from core.journal import Actor
from database import db, transaction
from server import MAIL_SECONDS, STOP_SECONDS
from tests import databases
from tests.conftest import ROOT, SCIM_JSON, wait_for
from tests.databases import open_database
from tests.mailserver import LINK, MailServer

OKTA, ADA = Actor("SCIM Okta (Token)", 1), Actor("ada@example.com")
PASSWORD = "violet-anchor-plum-7"
SOON = 5  # seconds: whoever waited for a mail server would wait longer
FLASK = [sys.executable, "-m", "flask", "--app", "app"]


@pytest.fixture
def mailserver():
    with MailServer() as server:
        yield server


def open_app(folder, **overrides) -> Flask:
    return create_app({"INSTANCE_PATH": folder, **overrides})


def switch_on(folder):
    app = open_app(folder)
    with app.app_context():
        with transaction():
            settings.change("invite_automatically", True, ADA)
        db.engine.dispose()


def query(folder, statement, *parameters):
    database = open_database(folder)
    try:
        cursor = database.execute(statement, parameters)
        found = cursor.fetchall() if cursor.description else []
        database.commit()
        return found
    finally:
        database.close()


def states(folder):
    return dict(query(folder, "SELECT state, count(*) FROM outbox GROUP BY state"))


def let_leases_end(folder):
    """Do what five minutes would: whoever claimed a mail and is silent has died; all that waits is due."""
    moment = "2020-01-01T00:00:00.000000Z"
    query(folder, "UPDATE outbox SET claimed_until = ? WHERE state = 'sending'", moment)
    query(folder, "UPDATE outbox SET next_try = ? WHERE state = 'waiting'", moment)


def command(folder, mailserver, *arguments):
    environment = os.environ | mailserver.environment() | databases.environment(folder)
    return subprocess.Popen(
        [*FLASK, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def deliver(folder, mailserver):
    worker = command(folder, mailserver, "outbox", "deliver")
    out, err = worker.communicate(timeout=60)
    return worker.returncode, out.strip(), err.strip()


def post_users(server, names):
    """Create a user for each name; return how long each took."""
    session, taken = server.session(), []
    for name in names:
        began = time.monotonic()
        answer = session.post(f"{server.base_url}/Users", json={"userName": name})
        taken.append(time.monotonic() - began)
        assert answer.status_code == 201, answer.text
    return taken


def invite(folder, names):
    app = open_app(folder)
    with app.app_context():
        with transaction():
            for name in names:
                user = directory.create(attributes.user_type(), {"userName": name}, OKTA, [])
                invitations.invite(user, ADA)
        db.engine.dispose()


def people(number):
    return [f"user{n}@example.com" for n in range(number)]


# a whole import


def invitations_in(mailserver):
    return [mail for mail in mailserver.mails if LINK.search(mail.text)]


def to(mails):
    return Counter(address for mail in mails for address in mail.to)


def works_once(folder, mails):
    """Check that the link in each mail registers the person that it was sent to, once."""
    app = open_app(folder)
    with app.app_context():
        for mail in mails:
            with transaction():
                person = invitations.register(mail.secret, PASSWORD)
            assert [invitations.check(mail.secret).user.email] == mail.to
            assert invitations.check(mail.secret).user.pk == person.pk
            with pytest.raises(InvitationError, match="used already"), transaction():
                invitations.register(mail.secret, PASSWORD)
        db.engine.dispose()


def test_a_rehearsal_of_25_users_sends_25_mails_and_each_link_works_once(make_server, mailserver):
    server = make_server(**mailserver.environment())
    switch_on(server.instance)
    time.sleep(1.2)  # until the server sees the switch
    assigned = []

    def report(step):
        if step.ok and step.name == "assign people" and not assigned:  # everybody is there, and nobody is gone yet
            assert wait_for(lambda: len(mailserver.mails) >= 25)
            assigned.extend(invitations_in(mailserver))
            works_once(server.instance, assigned)

    assert rehearsal.rehearse(server.base_url, server.token, users=25, report=report).passed
    made = [orjson.loads(after) for (after,) in query(server.instance, CREATED)]
    created = [user["emails"][0]["value"] if "emails" in user else user["userName"] for user in made]
    assert len(assigned) == 25 and set(to(assigned).values()) == {1}
    assert {address for mail in assigned for address in mail.to} < {address for address in created}
    assert wait_for(lambda: not {"waiting", "sending"} & states(server.instance).keys())
    # of all that the rehearsal made, updated, disabled, enabled and deleted, nobody was mailed twice
    assert set(to(invitations_in(mailserver)).values()) == {1}
    assert to(invitations_in(mailserver)).keys() <= set(created)


CREATED = "SELECT after FROM audit WHERE action = 'created' AND resource_type = 'User'"


def test_25_users_are_25_mails_and_nothing_of_a_secret_stays(make_server, mailserver):
    server = make_server(**mailserver.environment())
    switch_on(server.instance)
    time.sleep(1.2)
    post_users(server, people(25))
    assert wait_for(lambda: len(mailserver.mails) == 25, 10)
    session = server.session()
    for name in people(25):  # another push of everybody, which changes something
        found = session.get(f"{server.base_url}/Users", params={"filter": f'userName eq "{name}"'})
        [user] = found.json()["Resources"]
        session.put(f"{server.base_url}/Users/{user['id']}", json={"userName": name, "title": "x"})
    time.sleep(1.5)
    mails = invitations_in(mailserver)
    assert to(mails) == Counter(people(25))
    works_once(server.instance, mails)
    assert wait_for(lambda: len(mailserver.mails) == 50)  # each registration is confirmed
    files = [path for path in server.instance.iterdir() if path.is_file()]  # the log of the server among them
    for text in [PASSWORD, *(mail.secret for mail in mails)]:
        assert [path.name for path in files if text.encode() in path.read_bytes()] == []


def test_a_mail_server_that_is_away_during_the_import_costs_no_mail_and_doubles_none(make_server):
    away = MailServer()
    server = make_server(**away.environment())
    switch_on(server.instance)
    time.sleep(1.2)
    taken = post_users(server, people(60))
    assert sorted(taken)[58] < SOON
    assert wait_for(lambda: query(server.instance, "SELECT 1 FROM outbox WHERE last_error LIKE '%cannot be used%'"))
    assert states(server.instance) == {"waiting": 60}
    with away:
        let_leases_end(server.instance)
        workers = [command(server.instance, away, "outbox", "deliver") for _ in range(4)]
        said = [worker.communicate(timeout=60)[0] for worker in workers]
        assert wait_for(lambda: states(server.instance) == {"sent": 60})
        time.sleep(1)
    assert away.to() == Counter(people(60))
    assert sum(int(text.split()[1].rstrip(",")) for text in said) == 60


def test_a_create_waits_for_no_mail_server(make_server, mailserver):
    mailserver.data = "hang"
    server = make_server(**mailserver.environment())
    switch_on(server.instance)
    time.sleep(1.2)
    taken = sorted(post_users(server, people(100)))
    assert taken[98] < SOON
    assert states(server.instance) == {"waiting": 99, "sending": 1}
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 18


# workers that die


WORKER = """
import sys, time
from app import create_app
from core import outbox, smtp
from tests.databases import open_database

def stop(*arguments):
    print("here", flush=True)
    time.sleep(600)

target, name = {"claimed": (smtp.Mailer, "send"), "sent": (outbox, "_mark_sent")}[sys.argv[1]]
setattr(target, name, stop)
with create_app().app_context():
    outbox.deliver_all()
"""


def kill_a_worker(folder, mailserver, where):
    """Start a worker, and kill it with -9 once it has claimed a mail, or has sent it and not said so yet."""
    environment = os.environ | mailserver.environment() | databases.environment(folder)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, where], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout.readline() == "here\n"
    worker.send_signal(signal.SIGKILL)
    worker.communicate()


@pytest.mark.parametrize("where, times", [("claimed", 1), ("sent", 2)])
def test_a_mail_whose_worker_was_killed_is_sent_by_the_next(instance, mailserver, where, times):
    invite(instance, ["grace@example.com", "alan@example.com"])
    kill_a_worker(instance, mailserver, where)
    assert states(instance) == {"sending": 1, "waiting": 1}
    assert deliver(instance, mailserver) == (0, "Sent 1, to be tried again 0, failed 0.", "")
    assert states(instance) == {"sending": 1, "sent": 1}  # whoever claimed it may be alive
    let_leases_end(instance)
    assert deliver(instance, mailserver) == (0, "Sent 1, to be tried again 0, failed 0.", "")
    assert deliver(instance, mailserver) == (0, "Sent 0, to be tried again 0, failed 0.", "")
    assert mailserver.to() == {"grace@example.com": times, "alan@example.com": 1}
    ids = {mail.message["Message-ID"] for mail in mailserver.mails if mail.to == ["grace@example.com"]}
    assert len(ids) == 1


def test_a_server_that_is_killed_while_it_delivers_sends_the_rest_after_its_restart(make_server, mailserver):
    server = make_server(**mailserver.environment())
    switch_on(server.instance)
    time.sleep(1.2)
    names = people(150)
    posting = threading.Thread(target=lambda: post_some(server, names))
    posting.start()
    assert wait_for(lambda: len(mailserver.mails) > 20)
    server.kill()
    posting.join()
    let_leases_end(server.instance)
    server.start()
    stored = {name for (name,) in query(server.instance, "SELECT display FROM users")}
    assert wait_for(lambda: states(server.instance) == {"sent": len(stored)})
    assert mailserver.to().keys() == stored
    doubled = [address for address, times in mailserver.to().items() if times > 1]
    assert len(doubled) <= 1
    assert len({mail.message["Message-ID"] for mail in mailserver.mails}) == len(stored)


def post_some(server, names):
    session = server.session()
    for name in names:
        try:
            session.post(f"{server.base_url}/Users", json={"userName": name}, headers={"Content-Type": SCIM_JSON})
        except requests.RequestException:
            return


def test_four_workers_at_once_send_each_mail_once(instance, mailserver):
    invite(instance, people(80))
    workers = [command(instance, mailserver, "outbox", "deliver") for _ in range(4)]
    for worker in workers:
        _out, err = worker.communicate(timeout=60)
        assert worker.returncode == 0, err
    assert mailserver.to() == Counter(people(80))
    assert states(instance) == {"sent": 80}


# the command


def test_the_command_says_what_became_of_the_mails(instance, mailserver):
    mailserver.answers = {"eve@example.com": "550 No", "alan@example.com": "451 Later"}
    invite(instance, ["grace@example.com", "eve@example.com", "alan@example.com"])
    assert deliver(instance, mailserver) == (0, "Sent 1, to be tried again 1, failed 1.", "")


def test_the_command_says_which_setting_is_missing(instance):
    class Nothing:
        def environment(self):
            return {"ROLLCALL_SMTP_URL": ""}

    code, out, err = deliver(instance, Nothing())
    assert (code, out) == (1, "")
    assert err == (
        "Error: Mails wait: ROLLCALL_SMTP_URL is not set: it says which server sends mail, such as "
        "smtp://user:password@mail.example.com."
    )


def test_the_command_says_that_the_server_cannot_be_used(instance):
    invite(instance, ["grace@example.com"])
    away = MailServer()
    code, _out, err = deliver(instance, away)
    assert code == 1
    assert f"The others wait: 127.0.0.1:{away.port} cannot be used: Connection refused" in err
    assert states(instance) == {"waiting": 1}


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("ROLLCALL_SMTP_URL", "mail.example.com", "ROLLCALL_SMTP_URL is no address"),
        ("ROLLCALL_SMTP_URL", "smtp+plain://u:secret-one@mail.example.com", "use smtp://"),
        ("ROLLCALL_MAIL_FROM", "Rollcall", "ROLLCALL_MAIL_FROM must be an address"),
        ("ROLLCALL_MAIL_FROM", "a@example.com\r\nBcc: b@example.com", "ROLLCALL_MAIL_FROM must be an address"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_with_a_sentence(instance, name, value, sentence):
    environment = os.environ | databases.environment(instance) | {name: value}
    run = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20
    )
    assert run.returncode != 0
    assert sentence in run.stderr and "Traceback" not in run.stderr and "secret-one" not in run.stderr


# a server that is told to stop


class SlowMailServer(MailServer):
    """Takes its time after each mail; `reached` is set when the first one has arrived."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.reached = seconds, threading.Event()

    async def handle_DATA(self, server, session, envelope):
        self.reached.set()
        await asyncio.sleep(self.seconds)
        return await super().handle_DATA(server, session, envelope)


def stop(server):
    """Tell a server to stop, and return how many seconds it takes."""
    began = time.monotonic()
    server.process.terminate()
    server.process.wait(20)
    return time.monotonic() - began


def test_a_stop_finishes_the_mail_that_is_being_sent_and_begins_no_other(make_server):
    with SlowMailServer(seconds=2) as slow:
        server = make_server(**slow.environment())
        switch_on(server.instance)
        time.sleep(1.2)
        post_users(server, people(5))
        assert slow.reached.wait(10)
        assert stop(server) < STOP_SECONDS
        assert len(slow.mails) == 1
        assert states(server.instance) == {"sent": 1, "waiting": 4}


def test_a_stop_gives_back_the_mail_that_takes_too_long_and_it_goes_out_at_the_next_start(make_server):
    with SlowMailServer(seconds=60) as slow:
        server = make_server(**slow.environment())
        switch_on(server.instance)
        time.sleep(1.2)
        post_users(server, people(2))
        assert slow.reached.wait(10)
        assert MAIL_SECONDS < stop(server) < 20
        assert states(server.instance) == {"waiting": 2}
        assert query(server.instance, "SELECT DISTINCT tries, claim, claimed_until FROM outbox") == [
            (0, None, None)
        ]
        slow.seconds = 0
        slow.mails.clear()
        server.start()
        assert wait_for(lambda: states(server.instance) == {"sent": 2})
        assert to(slow.mails) == Counter(people(2))


def test_a_stop_with_mails_that_wait_takes_no_time(make_server):
    server = make_server(ROLLCALL_SMTP_URL="smtp+plain://127.0.0.1:1", ROLLCALL_MAIL_FROM="rollcall@example.com")
    switch_on(server.instance)
    time.sleep(1.2)
    post_users(server, people(3))
    assert stop(server) < MAIL_SECONDS
    assert states(server.instance) == {"waiting": 3}
