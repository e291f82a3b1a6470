"""My device: people sign in and out there, see what is kept of them, and what ends their sessions."""

import re

import pytest

from core import accounts, attributes, directory, people
from core.journal import Actor
from database import transaction
from protocol.definitions import CUSTOM
from tests.portal.conftest import PASSWORD, Browser, words

SCRIPT = "<script>alert(1)</script>"
CAROL = "carol@example.com"


def test_who_has_not_signed_in_is_asked_to(stranger):
    answer = stranger.get("/device")
    assert (answer.status_code, answer.location) == (303, "/device/sign-in?next=/device")
    assert "Sign in" in stranger.says("/device/sign-in")


@pytest.mark.parametrize("name", ["carol", " CAROL", "carol@mail.example.com", "Carol@Mail.Example.com "])
def test_a_person_signs_in_by_user_name_or_address(app, make_user, register, name):
    register(make_user("carol", emails=[{"value": "carol@mail.example.com"}]))
    browser = Browser(app)
    answer = browser.sign_in_as_person(name)
    assert (answer.status_code, answer.location) == (303, "/device")
    assert "My device" in browser.says("/device")
    assert browser.get("/device/sign-in").location == "/device"


def test_my_device_shows_what_is_kept_of_the_person_and_of_nobody_else(define, make_user, register, barbara):
    define("custAttr1")
    define("other")
    browser = register(
        make_user(
            CAROL,
            displayName="Carol Shaw",
            name={"givenName": "Carol", "familyName": "Shaw"},
            title="Engineer",
            **{CUSTOM: {"custAttr1": "Berlin"}},
        )
    )
    said = browser.says("/device")
    for text in ("Carol Shaw", "User name carol@example.com", "Title Engineer", "custAttr1 Berlin"):
        assert text in said
    assert "Babs" not in said and "other" not in said
    page = browser.get("/device").text
    for path in ("/users", "/admin", "/account"):
        assert f'href="{path}' not in page


def test_signing_out_ends_the_session(registered, alan):
    old = registered.client.get_cookie("rollcall").value
    answer = registered.post("/device/sign-out", token=registered.csrf("/device"))
    assert (answer.status_code, answer.location) == (303, "/device/sign-in")
    assert registered.get("/device").status_code == 303
    registered.client.set_cookie("rollcall", old)
    assert registered.get("/device").status_code == 303


def test_a_sign_in_is_in_the_audit_trail(registered, alan):
    assert "Person carol@example.com User signed in carol@example.com" in alan.says("/admin/audit")


def disable(app, scim, user):
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})


def delete(app, scim, user):
    scim.delete(f"/Users/{user['id']}")


def change_password(app, scim, user):
    with app.app_context(), transaction():
        found = directory.find(attributes.user_type(), user["id"])
        people.set_password(people.find(found.pk), "quilt-harbor-seven-moth", Actor("Test"))


@pytest.mark.parametrize("end", [disable, delete, change_password])
def test_the_session_ends_at_once(app, scim, registered, end):
    [user] = scim.find("Users", f'userName eq "{CAROL}"')
    assert registered.get("/device").status_code == 200
    end(app, scim, user)
    assert registered.get("/device").status_code == 303
    assert registered.sign_in_as_person(CAROL).status_code == 422


def test_who_is_enabled_again_signs_in_again_but_old_sessions_stay_dead(app, scim, registered):
    [user] = scim.find("Users", f'userName eq "{CAROL}"')
    disable(app, scim, user)
    assert registered.get("/device").status_code == 303
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}})
    assert registered.get("/device").status_code == 303
    assert registered.sign_in_as_person(CAROL).status_code == 303


def test_a_wrong_password_an_unknown_name_and_somebody_disabled_look_alike(app, scim, registered, make_user):
    make_user("invited@example.com")
    shown = set()
    for name, password in ((CAROL, "wrong"), ("eve@example.com", PASSWORD), ("invited@example.com", PASSWORD)):
        answer = Browser(app).sign_in_as_person(name, password)
        shown.add((answer.status_code, re.sub(r'value="[0-9a-f]{64}"', "", answer.text.replace(name, "…"))))
    [user] = scim.find("Users", f'userName eq "{CAROL}"')
    disable(app, scim, user)
    answer = Browser(app).sign_in_as_person(CAROL)
    shown.add((answer.status_code, re.sub(r'value="[0-9a-f]{64}"', "", answer.text.replace(CAROL, "…"))))
    assert len(shown) == 1 and "The name or the password is wrong." in words(shown.pop()[1])


def test_an_unknown_name_takes_as_long_as_a_wrong_password(app, registered, work_on_passwords):
    with app.app_context():
        work = [work_on_passwords(people.sign_in, name) for name in (CAROL, "eve@example.com")]
    assert len(work[0]) == 1 and work[0] == work[1]


def test_guessing_is_slowed(app, registered):
    browser = Browser(app)
    statuses = [browser.sign_in_as_person(CAROL, f"guess {n}").status_code for n in range(12)]
    assert statuses == [422] * 10 + [429] * 2


def test_the_two_kinds_of_account_do_not_know_each_other(app, register, make_user, ada):
    """Ada, the administrator, is a user of Okta's too, under the same address; neither opens the other."""
    register(make_user("ada@example.com"))
    person = Browser(app)
    assert person.sign_in_as_person("ada@example.com").status_code == 303
    assert person.get("/users").status_code == 303 and ada.get("/device").status_code == 303
    with app.app_context(), transaction():
        account = accounts.find_by_email("ada@example.com")
        accounts.change_password(account, "quilt-harbor-seven-moth", Actor("Test"))
    assert person.get("/device").status_code == 200 and ada.get("/account").status_code == 303
    assert Browser(app).sign_in_as_person("ada@example.com", "quilt-harbor-seven-moth").status_code == 422
    assert Browser(app).sign_in("ada@example.com").status_code == 422


def test_one_browser_is_one_or_the_other(ada, register, make_user):
    register(make_user(CAROL))
    assert ada.sign_in_as_person(CAROL).status_code == 303
    assert ada.get("/account").status_code == 303 and ada.get("/device").status_code == 200
    assert ada.sign_in("ada@example.com").status_code == 303
    assert ada.get("/account").status_code == 200 and ada.get("/device").status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example/device", "/users", "/device/../users"])
def test_signing_in_leads_to_ones_own_pages_alone(app, registered, target):
    browser = Browser(app)
    form = {"name": CAROL, "password": PASSWORD, "csrf_token": browser.csrf("/device/sign-in")}
    answer = browser.client.post("/device/sign-in", query_string={"next": target}, data=form)
    assert answer.status_code == 303 and answer.location.startswith("/device")


def test_a_refusal_of_a_page_leads_a_person_back(registered):
    answer = registered.get("/nothing")
    assert answer.status_code == 404 and 'href="/device"' in answer.text.split("<main", 1)[1]


def test_markup_in_what_is_kept_is_text(define, make_user, register):
    define("custAttr1")
    name = {"givenName": SCRIPT, "familyName": SCRIPT}
    user = make_user(
        "x@example.com", displayName=SCRIPT, title=SCRIPT, name=name, **{CUSTOM: {"custAttr1": SCRIPT}}
    )
    page = register(user).get("/device").text
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") >= 5
