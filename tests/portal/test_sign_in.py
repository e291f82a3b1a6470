"""Signing in, out, and what ends a session."""

import re
import time

import pytest

import database
import models
from core import accounts
from core.journal import Actor
from core.throttle import Throttled
from database import db, execute, transaction
from tests.portal.conftest import PASSWORD, Browser, words

OTHER_PASSWORD = "quilt-harbor-seven-moth"


def test_who_has_not_signed_in_is_asked_to(stranger):
    answer = stranger.get("/users?status=disabled")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/users?status%3Ddisabled"


def test_htmx_is_told_to_load_the_sign_in_page(stranger):
    answer = stranger.get("/users", **{"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in"
    assert answer.text == ""


def test_an_administrator_signs_in_and_goes_on_to_where_he_was_going(app, make_account):
    make_account("ada@example.com")
    browser = Browser(app)
    form = {"email": " ADA@example.com", "password": PASSWORD}
    answer = browser.post("/sign-in?next=/users?status%3Ddisabled", form, token=browser.csrf("/sign-in"))
    assert (answer.status_code, answer.location) == (303, "/users?status=disabled")
    assert "ada@example.com" in browser.says("/account")


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\tevil",
    "http:evil.example",
    "javascript:alert(1)",
    "///evil.example",
    "/%0d%0aLocation: https://evil.example\r\n",
    "https:/evil.example",
    "",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_never_leads_elsewhere(app, make_account, target):
    make_account("ada@example.com")
    browser = Browser(app)
    form = {"email": "ada@example.com", "password": PASSWORD, "csrf_token": browser.csrf("/sign-in")}
    answer = browser.client.post("/sign-in", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("page", ["/sign-in", "/device/sign-in", "/forgotten", "/device/forgotten"])
def test_many_marks_on_one_letter_are_no_work(app, make_account, page):
    """Python would normalise these for half a minute."""
    make_account("ada@example.com")
    browser = Browser(app)
    token = browser.csrf(page)
    field = "name" if page == "/device/sign-in" else "email"
    began = time.monotonic()
    answer = browser.post(page, {field: "a" + "\u0301\u0323" * 35_000}, token=token)
    assert answer.status_code in (303, 422)
    assert time.monotonic() - began < 3


def test_a_wrong_password_and_an_unknown_address_look_alike(app, make_account):
    make_account("ada@example.com")
    answers = []
    for email in ("ada@example.com", "eve@example.com"):
        answer = Browser(app).sign_in(email, "wrong")
        answers.append((answer.status_code, answer.text.replace(email, "…")))
    strip = [re.sub(r'value="[0-9a-f]{64}"', "", text) for _, text in answers]
    assert answers[0][0] == answers[1][0] == 422
    assert strip[0] == strip[1]
    assert "The e-mail address or the password is wrong." in words(answers[0][1])


def test_an_unknown_address_takes_as_long_as_a_wrong_password(app, make_account, work_on_passwords):
    make_account("ada@example.com")
    with app.app_context():
        work = [work_on_passwords(accounts.sign_in, email) for email in ("ada@example.com", "eve@example.com")]
    assert len(work[0]) == 1 and work[0] == work[1]


def test_guessing_is_slowed_and_says_for_how_long(app, make_account):
    make_account("ada@example.com")
    browser = Browser(app)
    statuses = [browser.sign_in("ada@example.com", f"guess {i}").status_code for i in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    answer = browser.sign_in("ada@example.com")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    assert "Too many wrong passwords. Try again in" in words(answer.text)


def test_another_address_in_a_header_does_not_lift_it(app, make_account):
    make_account("ada@example.com")
    browser = Browser(app)
    form = {"email": "ada@example.com", "password": "wrong"}
    for number in range(12):
        header = {"X-Forwarded-For": f"203.0.113.{number}"}
        answer = browser.post("/sign-in", form, header, browser.csrf("/sign-in"))
    assert answer.status_code == 429


def test_the_owner_gets_in_again_after_the_window(app, make_account, monkeypatch):
    make_account("ada@example.com")
    browser = Browser(app)
    for number in range(11):
        browser.sign_in("ada@example.com", f"guess {number}")
    real = database.datetime
    later = type("later", (real,), {"now": classmethod(lambda cls, tz: real.now(tz) + accounts.WINDOW)})
    monkeypatch.setattr(database, "datetime", later)
    assert browser.sign_in("ada@example.com").status_code == 303


def test_guessing_at_one_account_leaves_the_others_alone(app, make_account):
    make_account("ada@example.com")
    make_account("grace@example.com")
    browser = Browser(app)
    for number in range(11):
        browser.sign_in("ada@example.com", f"guess {number}")
    assert browser.sign_in("grace@example.com").status_code == 303


def test_many_guesses_at_once_get_no_more_tries(app, make_account):
    from tests.durability.helpers import together

    make_account("ada@example.com")

    def guess(number):
        with app.app_context():
            try:
                return accounts.sign_in("ada@example.com", f"guess {number}", "192.0.2.1")
            except Throttled:
                return "throttled"

    answers = together(16, guess)
    assert answers.count("throttled") == 6


def cookie(answer):
    return answer.headers["Set-Cookie"]


def test_the_cookie_is_for_http_alone(app, make_account):
    make_account("ada@example.com")
    plain = cookie(Browser(app).sign_in("ada@example.com"))
    assert plain.startswith("rollcall=")
    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain and "Path=/" in plain


def test_behind_https_the_cookie_is_secure(app, make_account):
    make_account("ada@example.com")
    browser = Browser(app)
    answer = browser.client.get("/sign-in", base_url="https://rollcall.example.com")
    assert cookie(answer).startswith("__Host-rollcall=")
    assert "Secure" in cookie(answer) and "HttpOnly" in cookie(answer)


def test_signing_in_changes_the_cookie(app, make_account):
    make_account("ada@example.com")
    browser = Browser(app)
    before = cookie(browser.get("/sign-in"))
    assert cookie(browser.sign_in("ada@example.com")) != before


def test_the_database_holds_no_secret_of_a_session(app, ada):
    secret = ada.client.get_cookie("rollcall").value
    with app.app_context():
        stored = repr(execute(models.BrowserSession.__table__.select()).all())
    assert stored != "[]" and secret not in stored


def sign_out(app, browser, account):
    browser.post("/sign-out")


def change_password(app, browser, account):
    """From elsewhere."""
    with app.app_context(), transaction():
        accounts.change_password(account, OTHER_PASSWORD, Actor("Command line"))


def disable(app, browser, account):
    with app.app_context(), transaction():
        accounts.create("other@example.com", OTHER_PASSWORD, "administrator", Actor("Command line"))
        accounts.disable(account, Actor("Command line"))


def remove(app, browser, account):
    with app.app_context(), transaction():
        accounts.create("other@example.com", OTHER_PASSWORD, "administrator", Actor("Command line"))
        accounts.remove(account, Actor("Command line"))


@pytest.mark.parametrize("end", [sign_out, change_password, disable, remove])
def test_what_ends_a_session_ends_its_cookie(app, make_account, end):
    account = make_account("ada@example.com")
    browser, copy = Browser(app), Browser(app)
    browser.sign_in("ada@example.com")
    copy.client.set_cookie("rollcall", browser.client.get_cookie("rollcall").value)
    assert copy.get("/account").status_code == 200
    end(app, browser, account)
    assert copy.get("/account").status_code == 303


def test_the_account_is_looked_at_with_every_request(app, ada):
    """Whoever disables it, and even if the session were left."""
    with app.app_context(), transaction():
        execute(models.Administrator.__table__.update(), {"disabled": database.now()})
    assert ada.get("/account").status_code == 303


@pytest.mark.parametrize("limit", ["IDLE", "LONGEST"])
def test_a_session_ends_by_itself(app, ada, monkeypatch, limit):
    from core import sessions

    monkeypatch.setattr(sessions, limit, -sessions.IDLE)
    assert ada.get("/account").status_code == 303


def test_sessions_survive_a_restart(app, ada, instance):
    from app import create_app

    other = Browser(create_app({"INSTANCE_PATH": instance}))
    other.client.set_cookie("rollcall", ada.client.get_cookie("rollcall").value)
    assert other.get("/account").status_code == 200
    with other.client.application.app_context():
        db.engine.dispose()


def test_a_changed_password_signs_out_everywhere_else(app, ada):
    elsewhere = Browser(app)
    elsewhere.sign_in("ada@example.com")
    answer = ada.post("/account/password", {"password": PASSWORD, "new_password": OTHER_PASSWORD})
    assert answer.status_code == 303
    assert "Your password is changed" in ada.says("/account")
    assert elsewhere.get("/account").status_code == 303
    assert Browser(app).sign_in("ada@example.com").status_code == 422
    assert Browser(app).sign_in("ada@example.com", OTHER_PASSWORD).status_code == 303


REFUSED = [
    ("wrong", OTHER_PASSWORD, "This is not your password."),
    (PASSWORD, "short", "at least 12 characters"),
    (PASSWORD, "passwordpassword", "easily guessed"),
    (PASSWORD, "ada@example.com", "easily guessed"),
    (PASSWORD, "x" * 257, "at most 256 characters"),
    (PASSWORD, "", "at least 12 characters"),
]


@pytest.mark.parametrize("current, new, said", REFUSED)
def test_a_password_is_not_changed_to_a_bad_one(app, ada, current, new, said):
    answer = ada.post("/account/password", {"password": current, "new_password": new})
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert Browser(app).sign_in("ada@example.com").status_code == 303
