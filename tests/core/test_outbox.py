"""The outbox over real SMTP: what is sent, when it is tried again, when it stops, and what a page shows of it."""

import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy
from aiosmtpd.smtp import AuthResult
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import database
from core import attributes, directory, invitations, journal, outbox, people, settings, smtp
from core.journal import Actor
from core.outbox import MAILS, MailQuery, OutboxError
from database import execute, from_now, transaction
from tests.conftest import free_port
from tests.durability.helpers import together
from tests.mailserver import SENDER, MailServer

OKTA, ADA = Actor("SCIM Okta (Token)", 1), Actor("ada@example.com")
MINUTES = [1, 2, 5, 15, 30, 60, 60]


@pytest.fixture(autouse=True)
def context(app):
    with app.app_context():
        yield


@pytest.fixture
def mailserver(app):
    with MailServer() as server:
        app.config.update(server.settings())
        yield server


@pytest.fixture
def later(monkeypatch):
    """Return a function that moves the clock; it starts anew from the true time at each call."""
    real = database.datetime

    def later(**delta):
        moved = classmethod(lambda cls, tz: real.now(tz) + timedelta(**delta))
        monkeypatch.setattr(database, "datetime", type("later", (real,), {"now": moved}))

    return later


def invite(*names, **others):
    """Create a user for each name, and invite them all."""
    with transaction():
        for name in names:
            user = directory.create(attributes.user_type(), {"userName": name} | others, OKTA, [])
            invitations.invite(user, ADA)
    return user


def change(user, **others):
    user = directory.find(user.type, user.id)
    with transaction():
        directory.save(user, user.document | others, OKTA)


def deliver():
    """Deliver what is due; return (what became of it, the server's trouble)."""
    return outbox.deliver_all()


def rows(*columns):
    return execute(select(*(MAILS.c[name] for name in columns)).order_by(MAILS.c.id)).all()


def row():
    [found] = execute(select(MAILS)).all()
    return found


# sending


def test_a_mail_goes_to_its_recipient_once(mailserver):
    invite("grace@example.com", displayName="Grace Hopper")
    assert deliver() == ({"sent": 1}, None)
    assert deliver() == ({}, None)
    [mail] = mailserver.mails
    assert (mail.sender, mail.to) == (SENDER, ["grace@example.com"])
    assert mail.message["To"] == "Grace Hopper <grace@example.com>"
    assert mail.message["From"] == f"Rollcall <{SENDER}>"
    assert mail.message["Message-ID"].endswith("@example.com>")
    assert invitations.check(mail.secret).state == "open"
    sent = row()
    assert (sent.state, sent.tries, sent.secret, sent.claim, sent.claimed_until, sent.last_error) == (
        "sent",
        1,
        None,
        None,
        None,
        None,
    )
    assert sent.created <= sent.sent


def test_many_go_over_one_connection_in_the_order_in_which_they_came(mailserver, monkeypatch):
    opened, real = [], smtp.Mailer._open
    monkeypatch.setattr(smtp.Mailer, "_open", lambda self: opened.append(1) or real(self))
    names = [f"user{n}@example.com" for n in range(20)]
    invite(*names)
    assert deliver() == ({"sent": 20}, None)
    assert [mail.to for mail in mailserver.mails] == [[name] for name in names]
    assert len(opened) == 1
    assert len({mail.message["Message-ID"] for mail in mailserver.mails}) == 20
    assert len({mail.secret for mail in mailserver.mails}) == 20


def test_a_connection_that_was_lost_between_two_mails_is_opened_anew(mailserver, monkeypatch):
    invite("a@example.com", "b@example.com")
    real = smtp.Mailer.send

    def send(self, *arguments):
        if self.connection:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        return real(self, *arguments)

    monkeypatch.setattr(smtp.Mailer, "send", send)
    assert deliver() == ({"sent": 2}, None)
    assert mailserver.to() == {"a@example.com": 1, "b@example.com": 1}


@pytest.mark.parametrize("name", ["Zoë, Ünal", "Ada\r\nBcc: eve@example.org", 'x" <eve@example.org>, "', "李小龙"])
def test_the_envelope_has_the_stored_address_alone(mailserver, name):
    with transaction():
        settings.change("invitation_subject", "For ${userDisplayName}", ADA)
        user = directory.create(attributes.user_type(), {"userName": "grace@example.com"}, OKTA, [])
        database.connection().execute(
            sqlalchemy.text("UPDATE users SET display = :name"), {"name": name}
        )  # whatever SCIM lets through
        invitations.invite(user, ADA)
    deliver()
    [mail] = mailserver.mails
    assert mail.to == ["grace@example.com"]
    assert [a.addr_spec for a in mail.message["To"].addresses] == ["grace@example.com"]
    assert mail.message["Bcc"] is None
    assert mail.message["Subject"] == "For " + " ".join(name.split())


def test_a_non_ascii_address_needs_a_server_that_knows_them(app):
    invite("grâce@example.com")
    with MailServer(enable_SMTPUTF8=False) as server:
        app.config.update(server.settings())
        assert deliver() == ({"failed": 1}, None)
    assert "SMTPUTF8" in row().last_error and server.mails == []
    with MailServer(enable_SMTPUTF8=True) as server:
        app.config.update(server.settings())
        with transaction():
            outbox.send_again(row().id, ADA)
        assert deliver() == ({"sent": 1}, None)
    assert server.to() == {"grâce@example.com": 1}


def test_the_confirmation_and_the_password_go_out_too(mailserver, later):
    invite("grace@example.com")
    deliver()
    with transaction():
        invitations.register(mailserver.mails[0].secret, "violet-anchor-plum-7")
    deliver()
    later(minutes=2)
    with transaction():
        invitations.request_password("person", "grace@example.com")
    deliver()
    subjects = [mail.message["Subject"] for mail in mailserver.mails]
    assert subjects == ["Your invitation to Rollcall", "You are registered", "Choose a new password"]
    with transaction():
        assert invitations.reset(mailserver.mails[2].secret, "crimson-ladder-fig-9") == "person"


def test_the_template_of_the_moment_is_sent_and_a_test_is_what_was_tested(mailserver):
    invite("grace@example.com")
    with transaction():
        settings.change("invitation_subject", "Later", ADA)
        account = people.accounts.create("ada@example.com", "violet-anchor-plum-7", "administrator", ADA)
        outbox.queue(
            "test",
            account.email,
            administrator_id=account.id,
            content=("Try", "Hi ${userFirstName} ${activationUrl}"),
        )
    deliver()
    assert [mail.message["Subject"] for mail in mailserver.mails] == ["Later", "Try"]
    assert mailserver.mails[1].text == "Hi Ada https://rollcall.example.com/invitation/this-is-only-an-example\n"


# tried again, or not


def test_a_temporary_refusal_is_tried_again_with_growing_pauses_and_stops_after_eight(mailserver, later):
    mailserver.answers["grace@example.com"] = "451 Try again later"
    invite("grace@example.com")
    clock = 0.0
    for number, pause in enumerate(MINUTES, 1):
        assert deliver() == ({"postponed": 1}, None)
        found = row()
        assert (found.state, found.tries, found.last_error) == ("waiting", number, "451 Try again later")
        assert from_now(timedelta(minutes=pause, seconds=-5)) < found.next_try <= from_now(timedelta(minutes=pause))
        later(minutes=clock + pause - 0.2)
        assert deliver() == ({}, None)
        clock += pause + 0.1
        later(minutes=clock)
    assert deliver() == ({"failed": 1}, None)
    assert (row().state, row().tries) == ("failed", 8)
    later(days=1)
    assert deliver() == ({}, None)
    mailserver.answers.clear()
    with transaction():
        outbox.send_again(row().id, ADA)
    assert (row().state, row().tries) == ("waiting", 0)
    assert deliver() == ({"sent": 1}, None)
    assert invitations.check(mailserver.mails[0].secret).state == "open"


@pytest.mark.parametrize("code", [550, 551, 552, 553, 554])
def test_a_permanent_refusal_stops_at_once_and_says_why(mailserver, code):
    mailserver.answers["eve@example.com"] = f"{code} 5.1.1 No such mailbox here"
    invite("eve@example.com", "grace@example.com")
    assert deliver() == ({"failed": 1, "sent": 1}, None)
    assert rows("state", "last_error") == [("failed", f"{code} 5.1.1 No such mailbox here"), ("sent", None)]
    assert mailserver.to() == {"grace@example.com": 1}


@pytest.mark.parametrize("answer, outcome", [("452 Disk full", "postponed"), ("554 Spam", "failed")])
def test_a_refusal_of_the_data_is_told_apart_too(mailserver, answer, outcome):
    mailserver.data = answer
    invite("grace@example.com")
    assert deliver() == ({outcome: 1}, None)
    assert row().last_error == answer


def test_a_server_that_dies_after_the_data_gets_the_mail_again_under_the_same_id(mailserver, later):
    mailserver.scripted = ["die"]
    invite("grace@example.com", "alan@example.com")
    assert deliver() == ({"postponed": 1, "sent": 1}, None)
    later(minutes=1.1)
    assert deliver() == ({"sent": 1}, None)
    assert mailserver.to() == {"grace@example.com": 2, "alan@example.com": 1}
    first, second = (mail for mail in mailserver.mails if mail.to == ["grace@example.com"])
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.secret == second.secret


def test_a_server_that_hangs_in_the_middle_is_left_after_the_timeout(mailserver, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT", 1)
    mailserver.scripted = ["hang"]
    invite("grace@example.com", "alan@example.com")
    began = time.monotonic()
    assert deliver() == ({"postponed": 1, "sent": 1}, None)
    assert 1 <= time.monotonic() - began < 5
    assert "timed out" in rows("last_error")[0][0]


def silent_server():
    """Return a socket that takes connections and never says a word."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def nothing_listens(app):
    app.config["SMTP_URL"] = f"smtp+plain://127.0.0.1:{free_port()}"


def host_unknown(app):
    app.config["SMTP_URL"] = "smtp://mail.invalid"


def sign_in_refused(app):
    app.config["SMTP_URL"] = app.config["SMTP_URL"].replace("//", "//user:wrong@")


@pytest.mark.parametrize("trouble", [nothing_listens, host_unknown, sign_in_refused])
def test_a_server_that_cannot_be_used_is_no_try(app, mailserver, later, trouble):
    working = app.config["SMTP_URL"]
    invite("grace@example.com", "alan@example.com")
    trouble(app)
    for minute in range(0, 60, 5):
        later(minutes=minute)
        done, problem = deliver()
        assert done == {} and " cannot be used: " in problem
    assert [(state, tries) for state, tries in rows("state", "tries")] == [("waiting", 0)] * 2
    assert any(error == problem for (error,) in rows("last_error"))
    app.config["SMTP_URL"] = working
    later(minutes=61)  # whenever it is back, everything goes out within a minute
    assert deliver() == ({"sent": 2}, None)
    assert mailserver.to() == {"grace@example.com": 1, "alan@example.com": 1}


def test_a_server_that_never_says_a_word_is_left_after_the_timeout(app, mailserver, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT", 1)
    invite("grace@example.com")
    with silent_server() as silent:
        app.config["SMTP_URL"] = f"smtp+plain://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        assert "timed out" in deliver()[1]
        assert time.monotonic() - began < 5


def test_a_mistake_of_ours_holds_up_nobody_and_is_logged(mailserver, monkeypatch, caplog):
    invite("grace@example.com", "alan@example.com")
    real = outbox.mails.build

    def build(purpose, sender, recipient, *others):
        if recipient == "grace@example.com":
            raise RuntimeError("a secret of the machine")
        return real(purpose, sender, recipient, *others)

    monkeypatch.setattr(outbox.mails, "build", build)
    assert deliver() == ({"postponed": 1, "sent": 1}, None)
    assert "a secret of the machine" in caplog.text
    assert rows("last_error")[0][0] == "Rollcall made a mistake; its own log says more."


def test_what_cannot_be_a_mail_fails_and_says_so(mailserver):
    with transaction():
        user = directory.create(attributes.user_type(), {"userName": "grace"}, OKTA, [])
        outbox.queue("registered", "no address", user_pk=user.pk)
    assert deliver() == ({"failed": 1}, None)
    assert row().last_error == "No mail can be made of it: 'no address' is no e-mail address."


# what happens meanwhile


def leaver(user):
    change(user, active=False)


def mover(user):
    change(user, emails=[{"value": "new@example.com"}])


def taken_back(user):
    with transaction():
        invitations.revoke(user, ADA)


def deleted(user):
    with transaction():
        directory.remove(directory.find(user.type, user.id), OKTA)


@pytest.mark.parametrize("event", [leaver, mover, taken_back, deleted])
@pytest.mark.parametrize("is_failed", [False, True])
def test_a_mail_whose_link_died_is_not_sent(mailserver, event, is_failed):
    user = invite("grace@example.com")
    if is_failed:
        mailserver.answers["grace@example.com"] = "550 No"
        deliver()
        mailserver.answers.clear()
    event(user)
    for identifier in [mail.id for mail in outbox.page(MailQuery())[0]]:
        with pytest.raises(OutboxError), transaction():
            outbox.send_again(identifier, ADA)
    assert deliver() == ({}, None)
    assert mailserver.mails == []
    assert [secret for (secret,) in rows("secret") if secret] == []


@pytest.mark.parametrize("event", [leaver, mover, taken_back, deleted])
def test_even_if_it_died_after_a_worker_that_died_had_claimed_the_mail(mailserver, later, event):
    user = invite("grace@example.com")
    with transaction():
        assert outbox._claim(outbox._next())
    event(user)
    later(minutes=6)
    assert deliver()[0] in ({"cancelled": 1}, {})
    assert mailserver.mails == []
    assert outbox.counts()["sending"] == 0


def test_a_link_that_expires_while_its_mail_waits_is_not_sent(mailserver, later):
    invite("grace@example.com")
    later(days=7)
    assert deliver() == ({"cancelled": 1}, None)
    assert row().last_error == "Its link is expired."


def test_what_was_sealed_under_another_key_says_so(app, mailserver):
    invite("grace@example.com")
    app.config["SECRET_KEY"] = "another key, as long as it has to be"
    assert deliver() == ({"failed": 1}, None)
    assert "ROLLCALL_SECRET_KEY" in row().last_error
    assert outbox.page(MailQuery())[0][0].secret is None


def test_one_address_gets_a_mail_a_minute_however_often_it_is_invited(mailserver, later):
    user = invite("grace@example.com")
    for second in range(100):
        later(seconds=second / 2)  # a hundred clicks on Resend in 50 seconds
        deliver()
        with transaction():
            invitations.invite(user, ADA)
    assert len(mailserver.mails) == 1
    later(seconds=62)
    deliver()
    assert len(mailserver.mails) == 2
    assert invitations.check(mailserver.mails[1].secret).state == "open"
    assert rows("tries")[-1] == (1,)


def test_even_if_the_user_is_created_and_deleted_in_a_loop(mailserver):
    for _ in range(20):
        user = invite("grace@example.com")
        deliver()
        deleted(user)
    assert len(mailserver.mails) == 1


def test_a_clock_that_was_set_back_keeps_no_mail(mailserver, later):
    later(days=400)
    invite("grace@example.com", "alan@example.com", "eve@example.com")
    with transaction():
        outbox._claim(outbox._next())  # whose worker then died
    later(days=0)
    with transaction():  # the links are as old as the mails
        database.connection().execute(
            sqlalchemy.text("UPDATE links SET expires = :then"), {"then": from_now(timedelta(days=7))}
        )
    assert deliver() == ({"sent": 3}, None)
    assert len(mailserver.mails) == 3


# who claims


def test_a_mail_that_is_claimed_is_nobody_else_s_until_the_worker_has_died(mailserver, later):
    invite("grace@example.com")
    with transaction():
        identifier = outbox._next()
        mine = outbox._claim(identifier)
    with transaction():
        assert outbox._claim(identifier) is None
    later(minutes=4.9)
    assert deliver() == ({}, None)
    later(minutes=5.1)
    assert deliver() == ({"sent": 1}, None)
    assert mailserver.mails[0].message["Message-ID"] == mine.message_id


def test_a_worker_that_was_only_slow_changes_nothing_of_what_another_did(mailserver, later):
    invite("grace@example.com")
    with transaction():
        slow = outbox._claim(outbox._next())
    later(minutes=6)
    deliver()
    outbox._refuse(slow, "451 Try again", False)
    assert (row().state, row().last_error) == ("sent", None)


def test_a_mail_that_stops_each_worker_is_given_up(mailserver, later):
    invite("grace@example.com")
    for number in range(8):
        later(minutes=6 * number)
        with transaction():
            assert outbox._claim(outbox._next())
    later(minutes=60)
    assert deliver() == ({"failed": 1}, None)
    assert "stopped" in row().last_error


def test_four_workers_at_once_send_each_mail_once(app, mailserver):
    names = [f"user{n}@example.com" for n in range(40)]
    invite(*names)

    def work(_):
        with app.app_context():
            return outbox.deliver_all()[0]

    done = sum(together(4, work), Counter())
    assert done["sent"] == 40
    assert mailserver.to() == Counter(names)


def test_a_lock_that_is_not_had_does_not_send_twice(mailserver, monkeypatch):
    invite("grace@example.com")
    real, busy = outbox.transaction, []

    def transaction():
        if mailserver.mails and len(busy) < 3:
            busy.append(1)
            raise database.Busy
        return real()

    monkeypatch.setattr(outbox, "transaction", transaction)
    assert deliver() == ({"sent": 1}, None)
    assert deliver() == ({}, None)
    assert (len(busy), len(mailserver.mails), row().state) == (3, 1, "sent")


def test_a_full_disk_does_not_send_twice(mailserver, later, monkeypatch):
    """The server took the mail, and the database did not take the note of it."""
    invite("grace@example.com")
    real, full = outbox.transaction, [True]

    def transaction():
        if mailserver.mails and full:
            raise OperationalError("UPDATE", None, sqlite3.OperationalError("database or disk is full"))
        return real()

    monkeypatch.setattr(outbox, "transaction", transaction)
    with pytest.raises(OperationalError):
        deliver()
    assert row().state == "sending"
    full.clear()
    later(minutes=6)
    assert deliver() == ({"sent": 1}, None)
    assert (len(mailserver.mails), row().state, row().secret) == (1, "sent", None)


# TLS and sign-in


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost, and its key, that nobody vouches for but itself."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "cert"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def tls(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    return context


class Authenticator:
    def __init__(self):
        self.seen = []

    def __call__(self, server, session, envelope, mechanism, data):
        self.seen.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.seen[-1] == ("rollcall", "p@ss/word"), handled=False)


def url(server, scheme, user=""):
    return f"{scheme}://{user}localhost:{server.port}"


USER = "rollcall:p%40ss%2Fword@"


def test_starttls_is_used_with_a_password_and_the_certificate_must_hold(app, certificate, monkeypatch):
    authenticator = Authenticator()
    options = {"tls_context": tls(certificate), "authenticator": authenticator, "auth_required": True}
    invite("grace@example.com")
    with MailServer(**options) as server:
        app.config.update(server.settings() | {"SMTP_URL": url(server, "smtp", USER)})
        done, problem = deliver()
        assert done == {} and "certificate does not hold" in problem
        assert authenticator.seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert"))
        with transaction():
            outbox.send_again(row().id, ADA)
        assert deliver() == ({"sent": 1}, None)
    assert set(authenticator.seen) == {("rollcall", "p@ss/word")}
    assert server.to() == {"grace@example.com": 1}


def test_a_wrong_password_is_said_and_not_repeated(app, certificate, monkeypatch, caplog):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert"))
    options = {"tls_context": tls(certificate), "authenticator": Authenticator(), "auth_required": True}
    invite("grace@example.com")
    with MailServer(**options) as server:
        app.config.update(server.settings() | {"SMTP_URL": url(server, "smtp", "rollcall:secret-one@")})
        done, problem = deliver()
    assert done == {} and "535" in problem
    assert "secret-one" not in problem + str(rows("last_error")) + caplog.text


def test_a_password_is_not_sent_without_tls(app):
    invite("grace@example.com")
    authenticator = Authenticator()
    with MailServer(authenticator=authenticator, auth_require_tls=False) as server:
        app.config.update(server.settings() | {"SMTP_URL": url(server, "smtp", USER)})
        done, problem = deliver()
        assert done == {} and "offers no STARTTLS" in problem and authenticator.seen == []
        app.config["SMTP_URL"] = url(server, "smtp+plain", USER)  # unless it stays on this machine
        with transaction():
            outbox.send_again(row().id, ADA)
        assert deliver() == ({"sent": 1}, None)


def test_without_a_password_tls_is_taken_as_it_comes(app, certificate):
    invite("grace@example.com")
    with MailServer(tls_context=tls(certificate), require_starttls=True) as server:
        app.config.update(server.settings() | {"SMTP_URL": url(server, "smtp")})
        assert deliver() == ({"sent": 1}, None)


def test_tls_from_the_first_byte(app, certificate, monkeypatch):
    invite("grace@example.com")
    with MailServer(ssl_context=tls(certificate)) as server:
        app.config.update(server.settings() | {"SMTP_URL": url(server, "smtps")})
        assert "certificate does not hold" in deliver()[1]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert"))
        with transaction():
            outbox.send_again(row().id, ADA)
        assert deliver() == ({"sent": 1}, None)


URLS = {
    "": "it must begin with",
    "mail.example.com": "it must begin with",
    "http://mail.example.com": "it must begin with",
    "smtp://": "it names no host",
    "smtp://mail.example.com:x": "no number",
    "smtp://mail.example.com:99999": "no number",
    "smtp://user@mail.example.com": "go together",
    "smtp://u:p/word@mail.example.com": "no number",
    "smtp://u:p?word@mail.example.com": "no number",
    "smtp://mail.example.com/inbox": "nothing may follow",
    "smtp+plain://user:secret-one@mail.example.com": "use smtp://",
}


@pytest.mark.parametrize("address", URLS)
def test_an_address_that_is_none_is_refused_without_its_password(address):
    with pytest.raises(ValueError, match=URLS[address]) as refusal:
        smtp.parse(address)
    assert "secret-one" not in str(refusal.value) and "word" not in str(refusal.value).replace("password", "")


def test_a_server_is_not_shown_with_its_password():
    assert "secret-one" not in repr(smtp.parse("smtps://u:secret-one@mail.example.com"))


# what people see


def test_the_page_shows_the_newest_first_in_pages(mailserver):
    for name in ("a@example.com", "b@example.org", "c@example.com"):
        invite(name)
    found, older = outbox.page(MailQuery(), count=2)
    assert [mail.recipient for mail in found] == ["c@example.com", "b@example.org"]
    assert [mail.recipient for mail in outbox.page(MailQuery(), older, 2)[0]] == ["a@example.com"]
    assert outbox.page(MailQuery(), older, 2)[1] is None
    mailserver.answers["a@example.com"] = "550 No"
    deliver()
    assert [m.recipient for m in outbox.page(MailQuery(state="failed"))[0]] == ["a@example.com"]
    assert [m.recipient for m in outbox.page(MailQuery(text="EXAMPLE.org"))[0]] == ["b@example.org"]
    assert outbox.page(MailQuery(state="nonsense")) == ([], None)
    assert outbox.page(MailQuery(), before=2**70)[0] and outbox.page(MailQuery(), before=0)[0] == []
    assert outbox.counts() == {"waiting": 0, "sending": 0, "sent": 2, "failed": 1, "cancelled": 0}


def test_the_link_is_shown_while_its_mail_waits(mailserver):
    user = invite("grace@example.com", displayName="Grace")
    [mail] = outbox.page(MailQuery())[0]
    assert invitations.check(mail.secret).state == "open"
    assert (mail.user_id, mail.user_name, mail.purpose) == (user.id, "Grace", "invitation")
    assert mail.next_try
    deliver()
    [mail] = outbox.page(MailQuery())[0]
    assert (mail.secret, mail.next_try, mail.state) == (None, None, "sent")


def test_the_link_of_an_administrator_is_shown_to_nobody():
    with transaction():
        people.accounts.create("ada@example.com", "violet-anchor-plum-7", "administrator", ADA)
        invitations.request_password("administrator", "ada@example.com")
    assert outbox.page(MailQuery())[0][0].secret is None


def test_send_again_is_for_mails_that_can_be(mailserver):
    invite("grace@example.com")
    deliver()
    for identifier, sentence in ((row().id, "is sent"), (10**6, "not here"), (2**70, "not here")):
        with pytest.raises(OutboxError, match=sentence), transaction():
            outbox.send_again(identifier, ADA)
    assert deliver() == ({}, None)


def test_send_again_has_a_line(mailserver):
    mailserver.answers["grace@example.com"] = "550 No"
    invite("grace@example.com")
    deliver()
    with transaction():
        outbox.send_again(row().id, ADA)
    [line] = execute(select(journal.LINES).where(journal.LINES.c.action == "sent again")).all()
    assert (line.actor, line.resource_type, line.name) == (ADA.name, "Mail", "grace@example.com")


def test_it_says_which_setting_is_missing(app):
    config = app.config
    assert outbox.smtp_problem(config).startswith("ROLLCALL_SMTP_URL is not set")
    config["SMTP_URL"] = "smtp://mail.example.com"
    assert outbox.smtp_problem(config).startswith("ROLLCALL_MAIL_FROM is not set")
    config["MAIL_FROM"] = SENDER
    assert "ROLLCALL_PUBLIC_URL" in outbox.smtp_problem(config)
    with transaction():
        settings.change("public_url", "https://brave-owl.ngrok.app", ADA)
    assert outbox.smtp_problem(config) is None


def test_links_begin_with_the_address_of_the_moment(app, mailserver, later):
    app.config["PUBLIC_URL"] = ""
    for address in ("https://first.ngrok.app", "https://second.ngrok.app"):
        with transaction():
            settings.change("public_url", address, ADA)
        invite(f"{address[8:13].strip('.')}@example.com")
        deliver()
        assert f"{address}/invitation/{mailserver.mails[-1].secret}" in mailserver.mails[-1].text


def test_nothing_of_a_secret_stays(app, mailserver, instance, caplog):
    caplog.set_level("DEBUG")
    invite("grace@example.com")
    deliver()
    secret = mailserver.mails[0].secret
    with transaction():
        invitations.register(secret, "violet-anchor-plum-7")
    deliver()
    for text in (secret, "violet-anchor-plum-7"):
        assert [path.name for path in instance.iterdir() if text.encode() in path.read_bytes()] == []
        assert text not in caplog.text


# the thread of the server


@pytest.fixture
def worker(app, monkeypatch):
    """Return a function that starts the thread which delivers, and returns what stops it, and the thread."""
    monkeypatch.setattr(outbox, "LOOK", 0.05)
    stop, threads = threading.Event(), []

    def work():
        threads.append(threading.Thread(target=outbox.keep_delivering, args=(app, stop)))
        threads[0].start()
        return stop, threads[0]

    yield work
    stop.set()
    outbox._state(app).woken.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def wait_for(claim, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        database.close_connection()
        if claim():
            return True
        time.sleep(0.02)
    return False


def test_the_thread_is_woken_by_a_new_mail(monkeypatch, mailserver, worker):
    monkeypatch.setattr(outbox, "LOOK", 60)
    worker()
    time.sleep(0.2)  # until it sleeps
    invite("grace@example.com")
    assert wait_for(lambda: mailserver.mails)


def test_a_mail_that_was_undone_is_not_sent(mailserver, worker):
    worker()
    with pytest.raises(ZeroDivisionError), transaction():
        user = directory.create(attributes.user_type(), {"userName": "grace@example.com"}, OKTA, [])
        invitations.invite(user, ADA)
        raise ZeroDivisionError
    time.sleep(0.3)
    assert mailserver.mails == []


def test_without_the_settings_mails_wait_and_are_not_tried(app, mailserver, worker):
    url = app.config["SMTP_URL"]
    app.config["SMTP_URL"] = ""
    worker()
    invite("grace@example.com")
    time.sleep(0.3)
    assert (row().state, row().tries, row().last_error) == ("waiting", 0, None)
    app.config["SMTP_URL"] = url
    assert wait_for(lambda: mailserver.mails)


def test_while_the_server_is_away_the_thread_asks_rarely_and_send_again_asks_at_once(app, worker, monkeypatch):
    asked, real = [], smtp.Mailer._open
    monkeypatch.setattr(smtp.Mailer, "_open", lambda self: asked.append(1) or real(self))
    server = MailServer()
    app.config.update(server.settings())
    worker()
    for number in range(20):
        invite(f"user{number}@example.com")
    assert wait_for(lambda: asked)
    time.sleep(0.5)
    assert len(asked) == 1
    with server:
        with transaction():
            outbox.send_again(rows("id")[0].id, ADA)
        assert wait_for(lambda: len(server.mails) == 20)
    assert set(server.to().values()) == {1}


def test_when_the_server_is_back_everything_goes_out_by_itself(app, worker, monkeypatch):
    monkeypatch.setattr(outbox, "RECOVERY", timedelta(seconds=0.5))
    server = MailServer()
    app.config.update(server.settings())
    worker()
    names = [f"user{number}@example.com" for number in range(50)]
    for name in names:
        invite(name)
    time.sleep(1)
    with server:
        assert wait_for(lambda: len(server.mails) == 50)
        time.sleep(0.3)
    assert server.to() == Counter(names)


def test_the_thread_survives_a_failure(monkeypatch, mailserver, worker, caplog):
    monkeypatch.setattr(outbox, "RECOVERY", timedelta(seconds=0.1))
    real, broken = outbox.deliver_all, [True]
    monkeypatch.setattr(outbox, "deliver_all", lambda stop=None: 1 / 0 if broken else real(stop))
    worker()
    invite("grace@example.com")
    assert wait_for(lambda: "division by zero" in caplog.text)
    broken.clear()
    assert wait_for(lambda: mailserver.mails)


def test_it_stops_between_two_mails(monkeypatch, mailserver, worker):
    invite(*(f"user{number}@example.com" for number in range(200)))
    stop, thread = worker()
    assert wait_for(lambda: mailserver.mails)
    stop.set()
    thread.join(10)
    sent = len(mailserver.mails)
    assert sent < 200 and outbox.counts() == {
        "waiting": 200 - sent,
        "sending": 0,
        "sent": sent,
        "failed": 0,
        "cancelled": 0,
    }


def test_a_create_does_not_wait_for_a_server_that_hangs(app, scim, worker, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT", 3)
    with transaction():
        settings.change("invite_automatically", True, ADA)
    with silent_server() as silent:
        app.config.update(
            MailServer().settings() | {"SMTP_URL": f"smtp+plain://127.0.0.1:{silent.getsockname()[1]}"}
        )
        worker()
        taken = []
        for number in range(50):
            began = time.monotonic()
            assert scim.post("/Users", {"userName": f"user{number}@example.com"}).status_code == 201
            taken.append(time.monotonic() - began)
    assert sorted(taken)[48] < 2
    assert len(rows("id")) == 50
