"""Forgotten passwords, of administrators and of people: by mail, the same answer to everybody."""

import statistics
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update

import database
from core import accounts, outbox
from core.invitations import ASKED_FROM
from core.journal import Actor
from core.outbox import MailQuery
from database import execute, transaction
from models import Link, Mail
from tests.portal.conftest import CSRF, PASSWORD, Browser, words

STRONG = "quilt-harbor-seven-moth"
CAROL = "carol@example.com"
PAGES = {"administrator": "/forgotten", "person": "/device/forgotten"}
KINDS = pytest.mark.parametrize("kind", PAGES)


def ask(browser, kind, email):
    return browser.post(PAGES[kind], {"email": email}, token=browser.csrf(PAGES[kind]))


@pytest.fixture
def whose(request, make_account, registered):
    """Return {kind: the address of one of each}; both exist."""
    make_account("ada@example.com")
    return {"administrator": "ada@example.com", "person": CAROL}


@pytest.fixture
def secrets(app):
    """Return a function that lists the secrets of links for new passwords that wait in the outbox, newest first."""

    def secrets():
        with app.app_context():
            table = Mail.__table__
            rows = execute(select(table).where(table.c.purpose == "password").order_by(table.c.id.desc()))
            return [outbox._unsealed(outbox.Mail(*row)) for row in rows]

    return secrets


@pytest.fixture
def link(app):
    """Return a function that changes the links of everybody."""

    def link(**values):
        with app.app_context(), transaction():
            execute(update(Link.__table__), values)

    return link


def enters(app, kind, name, password):
    browser = Browser(app)
    answer = (
        browser.sign_in(name, password) if kind == "administrator" else browser.sign_in_as_person(name, password)
    )
    return answer.status_code == 303


@KINDS
def test_the_sign_in_page_leads_to_it(whose, stranger, kind):
    sign_in = "/sign-in" if kind == "administrator" else "/device/sign-in"
    assert f'href="{PAGES[kind]}">Forgotten password' in stranger.get(sign_in).text


@KINDS
def test_a_new_password_is_chosen_by_the_link_and_sessions_end(app, whose, registered, stranger, secrets, kind):
    signed_in = Browser(app)
    if kind == "administrator":
        signed_in.sign_in(whose[kind])
    else:
        signed_in = registered
    own = "/account" if kind == "administrator" else "/device"
    assert signed_in.get(own).status_code == 200
    ask(stranger, kind, whose[kind])
    path = f"/password/{secrets()[0]}"
    for _ in range(2):
        assert f"For {whose[kind]}." in stranger.says(path)
    stranger.client.head(path)
    answer = stranger.post(path, {"password": STRONG}, token=stranger.csrf(path))
    sign_in = "/sign-in" if kind == "administrator" else "/device/sign-in"
    assert (answer.status_code, answer.location) == (303, sign_in)
    assert "Your password is changed." in stranger.says(sign_in)
    assert signed_in.get(own).status_code == 303 and stranger.get(own).status_code == 303
    assert enters(app, kind, whose[kind], STRONG) and not enters(app, kind, whose[kind], PASSWORD)


@KINDS
def test_asking_answers_the_same_to_everybody(app, whose, kind):
    other = {"administrator": "person", "person": "administrator"}[kind]
    said = set()
    for email in (whose[kind], whose[kind].upper(), whose[other], "eve@example.com", "<script>alert(1)</script>"):
        browser = Browser(app)
        answer = ask(browser, kind, email)
        said.add((answer.status_code, answer.location, CSRF.sub("", browser.get(answer.location).text)))
    assert len(said) == 1
    with app.app_context():
        asked = [mail.recipient for mail in outbox.page(MailQuery())[0] if mail.purpose == "password"]
    assert asked == [whose[kind]]


@KINDS
def test_asking_again_and_again_sends_no_more(app, whose, stranger, secrets, kind):
    for _ in range(10):
        assert ask(stranger, kind, whose[kind]).status_code == 303
    assert len(secrets()) == 1


@KINDS
def test_who_asks_for_many_is_told_to_wait(whose, stranger, kind):
    statuses = [ask(stranger, kind, f"eve{n}@example.com").status_code for n in range(ASKED_FROM + 1)]
    assert statuses == [303] * ASKED_FROM + [429]


@KINDS
@pytest.mark.parametrize("password", ["", "short", "password1234"])
def test_a_password_that_is_refused_uses_nothing_up(app, whose, stranger, secrets, kind, password):
    ask(stranger, kind, whose[kind])
    path = f"/password/{secrets()[0]}"
    answer = stranger.post(path, {"password": password}, token=stranger.csrf(path))
    assert answer.status_code == 422 and 'id="password-problem" role="alert"' in answer.text
    assert stranger.get(path).status_code == 200 and enters(app, kind, whose[kind], PASSWORD)


def test_the_strength_is_judged_while_it_is_typed(whose, stranger, secrets):
    ask(stranger, "person", CAROL)
    path = f"/password/{secrets()[0]}"
    answer = stranger.post(f"{path}/strength", {"password": "password1234"}, token=stranger.csrf(path))
    assert answer.status_code == 200 and "Easily guessed." in words(answer.text)
    assert stranger.get(path).status_code == 200


@KINDS
@pytest.mark.parametrize(
    "case, status, heading",
    [
        ("used", 410, "This link was used already"),
        ("expired", 410, "This link has expired"),
        ("newer", 410, "This link does not work any more"),
        ("disabled", 410, "Your account is disabled"),
        ("unknown", 404, "This link does not work any more"),
    ],
)
def test_every_refusal_has_a_page(app, scim, whose, stranger, secrets, link, kind, case, status, heading):
    ask(stranger, kind, whose[kind])
    path = f"/password/{secrets()[0]}"
    token = stranger.csrf(path)
    with app.app_context():
        moment = database.from_now(timedelta(minutes=-10))
    match case:
        case "used":
            assert stranger.post(path, {"password": STRONG}, token=token).status_code == 303
            token = stranger.csrf("/sign-in")
        case "expired":
            link(expires=moment)
        case "newer":
            link(created=moment)
            ask(stranger, kind, whose[kind])
        case "disabled" if kind == "person":
            [user] = scim.find("Users", f'userName eq "{CAROL}"')
            scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
        case "disabled":
            with app.app_context(), transaction():
                accounts.create("other@example.com", STRONG, "administrator", Actor("Test"))
                accounts.disable(accounts.find_by_email(whose[kind]), Actor("Test"))
        case "unknown":
            path = "/password/" + "A" * 43
    for answer in (stranger.get(path), stranger.post(path, {"password": "meadow-tractor-lamp-9"}, token=token)):
        assert answer.status_code == status and f"<h1>{heading}</h1>" in answer.text
        assert "<form" not in answer.text.split("<main", 1)[1]
    assert not enters(app, kind, whose[kind], "meadow-tractor-lamp-9")


def test_a_link_of_one_kind_does_nothing_as_another(whose, stranger, secrets, invite, make_user, link):
    ask(stranger, "person", CAROL)
    assert stranger.get(f"/invitation/{secrets()[0]}").status_code == 404
    secret = invite(make_user("new@example.com")["id"])
    assert stranger.get(f"/password/{secret}").status_code == 404


def test_nobody_is_shown_a_link_that_lets_in_as_an_administrator(whose, stranger, ada_too, secrets):
    ask(stranger, "administrator", "ada@example.com")
    assert secrets()[0] not in ada_too.get("/admin/mail").text


@pytest.fixture
def ada_too(make_browser, whose):
    return make_browser("administrator", "augusta@example.com")


@KINDS
@pytest.mark.parametrize("email", ["", "  "])
def test_asking_for_nobody_is_refused(whose, stranger, kind, email):
    answer = ask(stranger, kind, email)
    assert answer.status_code == 422 and "Say whose password it is." in words(answer.text)


@KINDS
def test_an_unknown_address_takes_as_long(app, whose, kind):
    times = {"eve@example.com": [], whose[kind]: []}
    for _ in range(5):
        for email, taken in times.items():
            browser = Browser(app)
            token = browser.csrf(PAGES[kind])
            begun = time.process_time()
            assert browser.post(PAGES[kind], {"email": email}, token=token).status_code == 303
            taken.append(time.process_time() - begun)
    unknown, known = (statistics.median(taken) for taken in times.values())
    assert abs(known - unknown) < 0.05
