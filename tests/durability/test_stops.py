"""Processes that stand still for a while, as on a laptop that sleeps, and a mail server that is killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import requests

from tests.conftest import ROOT, free_port, wait_for
from tests.durability.helpers import read_all, together
from tests.durability.test_outbox import (
    SOON,
    deliver,
    let_leases_end,
    people,
    post_users,
    query,
    states,
    switch_on,
)
from tests.mailserver import SENDER, MailServer

CLIENTS, PATIENCE = 8, 1  # seconds that a client waits for an answer
SEEN = 1.2  # seconds until a server sees a setting that was changed behind its back


@contextmanager
def stopped(server):
    """Stop every process of a server, and let it go on afterwards."""
    os.killpg(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.process.pid, signal.SIGCONT)


def is_timeout(error):
    """Return whether an answer did not come in time: requests calls it another error if its head did."""
    return isinstance(error, requests.Timeout) or "Read timed out" in str(error)


def test_a_server_that_stood_still_lost_nothing_and_doubled_nothing(server):
    """Clients give up meanwhile, and send the same again, as Okta does."""
    end, timeouts = time.monotonic() + 8, []

    def work(number):
        session, created = server.session(), []
        while time.monotonic() < end:
            name = f"client{number}-{len(created)}"
            try:
                answer = session.post(f"{server.base_url}/Users", json={"userName": name}, timeout=PATIENCE)
            except requests.RequestException as error:
                assert is_timeout(error)
                timeouts.append(name)
                continue
            assert answer.status_code == 201 or (answer.status_code == 409 and name in timeouts), answer.text
            created.append(name)
        return created

    def work_or_stop(number):
        if number < CLIENTS:
            return work(number)
        time.sleep(1)
        with stopped(server):
            time.sleep(4)
        return []

    created = [name for names in together(CLIENTS + 1, work_or_stop) for name in names]
    found = [user["userName"] for user in read_all(server.session(), server.base_url, "Users")]
    assert len(timeouts) >= CLIENTS
    assert len(found) == len(set(found))
    assert set(created) <= set(found) <= set(created) | set(timeouts)


def test_a_claim_that_ran_out_while_the_server_stood_still_sends_a_mail_twice_at_most(make_server):
    with MailServer() as mailserver:
        mailserver.scripted = ["hang"]
        server = make_server(**mailserver.environment())
        switch_on(server.instance)
        time.sleep(SEEN)
        post_users(server, people(5))
        assert wait_for(lambda: not mailserver.scripted and states(server.instance).get("sending") == 1)
        with stopped(server):
            let_leases_end(server.instance)
            assert deliver(server.instance, mailserver)[0] == 0
            assert states(server.instance) == {"sent": 5}
        # it finds out that the conversation is over, and that another worker has sent the mail
        mailserver.stop()
        mailserver.start()
        time.sleep(2)
        assert states(server.instance) == {"sent": 5}
        assert mailserver.to().keys() == set(people(5))
        assert len(mailserver.mails) <= 6
        assert len({mail.message["Message-ID"] for mail in mailserver.mails}) == 5


MAIL_SERVER = """
import sys, time
from tests.mailserver import MailServer

class Printed(list):
    def append(self, mail):  # before the server answers that it has the mail
        print(*mail.to, mail.message["Message-ID"], flush=True)

server = MailServer(int(sys.argv[1]))
server.mails = Printed()
with server:
    print("ready", flush=True)
    time.sleep(600)
"""


class MailProcess:
    """A mail server that can be stopped and killed; it says whom it has taken mails for."""

    def __init__(self, folder):
        self.port, self.said = free_port(), folder / "mails"
        self.start()

    def start(self):
        starts = self.said.read_text().count("ready") if self.said.exists() else 0
        with open(self.said, "ab") as said:
            command = [sys.executable, "-c", MAIL_SERVER, str(self.port)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}, stdout=said)
        assert wait_for(lambda: self.said.read_text().count("ready") > starts, 10)

    def signal(self, number):
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def mails(self):
        """Return (recipient, Message-ID) of each mail."""
        return [tuple(line.split()) for line in self.said.read_text().splitlines() if line != "ready"]

    def environment(self):
        url, sender = f"smtp+plain://127.0.0.1:{self.port}", f"Rollcall <{SENDER}>"
        settings = {"SMTP_URL": url, "MAIL_FROM": sender, "PUBLIC_URL": "https://rollcall.example.com"}
        return {f"ROLLCALL_{name}": value for name, value in settings.items()}


@pytest.fixture
def mail_process(tmp_path):
    process = MailProcess(tmp_path)
    yield process
    process.signal(signal.SIGKILL)


@pytest.fixture
def inviting(make_server, mail_process):
    """A server that invites whoever is created."""
    server = make_server(**mail_process.environment())
    switch_on(server.instance)
    time.sleep(SEEN)
    return server


def test_nobody_waits_for_a_mail_server_that_stands_still_and_each_mail_goes_out_once(inviting, mail_process):
    mail_process.signal(signal.SIGSTOP)
    try:
        taken = sorted(post_users(inviting, people(20)))
        time.sleep(2)
        assert states(inviting.instance) == {"sending": 1, "waiting": 19}
    finally:
        mail_process.signal(signal.SIGCONT)
    assert taken[18] < SOON
    assert wait_for(lambda: states(inviting.instance) == {"sent": 20})
    assert wait_for(lambda: len(mail_process.mails()) == 20, 5)
    assert {address for address, _id in mail_process.mails()} == set(people(20))


def test_a_mail_server_that_is_killed_costs_no_mail_and_doubles_one_at_most(inviting, mail_process):
    names = people(60)
    post_users(inviting, names[:30])
    mail_process.signal(signal.SIGKILL)
    post_users(inviting, names[30:])
    assert wait_for(lambda: query(inviting.instance, "SELECT 1 FROM outbox WHERE last_error IS NOT NULL"))
    mail_process.start()
    let_leases_end(inviting.instance)
    assert deliver(inviting.instance, mail_process)[0] == 0
    assert wait_for(lambda: states(inviting.instance) == {"sent": len(names)})
    assert wait_for(lambda: {address for address, _id in mail_process.mails()} == set(names), 5)
    assert len(mail_process.mails()) <= len(names) + 1
    assert len({message_id for _address, message_id in mail_process.mails()}) == len(names)
