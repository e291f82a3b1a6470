"""My device: the configurations that are ready for a person, to install; nobody else's, and none once disabled."""

import plistlib

import pytest

from core import configurations
from core.journal import Actor
from core.mobileconfig import TYPES
from database import transaction
from protocol.definitions import CUSTOM
from tests.portal.conftest import Browser

ADMINISTRATOR = Actor("ada@example.com")
CLIP = {"label": "Office ${custAttr1}", "url": "https://example.com"}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def make(app):
    """Return a function that makes a web clip and returns its id."""

    def make(name="Desk", distribution="everyone", groups=(), typed=CLIP):
        with app.app_context(), transaction():
            kind = TYPES["webclip"]
            outcome = configurations.create(
                kind, name, typed, "hold", distribution, [g["id"] for g in groups], ADMINISTRATOR
            )
            return outcome.configuration.id

    return make


@pytest.fixture
def carol(define, make_user):
    define("custAttr1")
    emails = [{"value": "carol@example.com", "primary": True}]
    return make_user("carol@example.com", displayName="Carol", emails=emails, **{CUSTOM: {"custAttr1": "Berlin"}})


def change(scim, user, **values):
    assert scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": values}).status_code == 200


def install(browser, number):
    return browser.get(f"/device/configurations/{number}")


def label(answer):
    assert answer.status_code == 200
    return plistlib.loads(answer.data)["PayloadContent"][0]["Label"]


def test_without_any_it_says_that_there_will_be_some(carol, register):
    assert "No configuration is ready for you" in register(carol).says("/device")


def test_what_is_ready_is_listed_and_installed(carol, register, make):
    number, browser = make(), register(carol)
    assert "Name Type Revision Date Install Desk Web clip 1 just now Install Desk" in browser.says("/device")
    answer = install(browser, number)
    assert label(answer) == "Office Berlin"
    assert answer.content_type == "application/x-apple-aspen-config"
    assert answer.headers["Content-Disposition"] == "attachment; filename=Desk.mobileconfig"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_changed_value_is_a_new_revision_of_the_same_profile(scim, carol, register, make):
    number, browser = make(), register(carol)
    old = plistlib.loads(install(browser, number).data)
    change(scim, carol, **{f"{CUSTOM}:custAttr1": "Lisbon"})
    assert "Desk Web clip 2 just now" in browser.says("/device")
    new = plistlib.loads(install(browser, number).data)
    assert new["PayloadContent"][0]["Label"] == "Office Lisbon"
    assert (new["PayloadIdentifier"], new["PayloadUUID"]) == (old["PayloadIdentifier"], old["PayloadUUID"])


def test_what_is_held_is_neither_listed_nor_served(scim, carol, register, make):
    number, browser = make(), register(carol)
    change(scim, carol, **{f"{CUSTOM}:custAttr1": ""})
    assert "Desk" not in browser.says("/device") and install(browser, number).status_code == 404
    change(scim, carol, **{f"{CUSTOM}:custAttr1": "Berlin"})
    assert label(install(browser, number)) == "Office Berlin"


def test_nobody_reaches_what_goes_to_others(carol, register, make, make_user, make_group):
    theirs = make_user("dan@example.com", displayName="Dan", **{CUSTOM: {"custAttr1": "Rome"}})
    number = make(distribution="groups", groups=[make_group("Theirs", theirs)])
    common = make("Common")
    browser = register(carol)
    assert install(browser, number).status_code == 404 and "Desk" not in browser.says("/device")
    for query in (f"user={theirs['id']}", f"user_id={theirs['id']}", "user_pk=1"):
        assert label(browser.get(f"/device/configurations/{common}?{query}")) == "Office Berlin"
    for path in (f"/users/{theirs['id']}/configurations/{common}/download", f"/configurations/{common}"):
        assert browser.get(path).status_code == 303


@pytest.mark.parametrize("number", ["0", "7", str(2**63), "9" * 40, "x", "1/../2"])
def test_what_is_not_there_is_not_found(carol, register, make, number):
    make()
    assert install(register(carol), number).status_code == 404


def test_leaving_the_group_takes_it_away(scim, carol, register, make, make_group):
    group = make_group("Analysts", carol)
    number, browser = make(distribution="groups", groups=[group]), register(carol)
    assert install(browser, number).status_code == 200
    scim.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{carol["id"]}"]'})
    assert install(browser, number).status_code == 404
    assert "No configuration is ready for you" in browser.says("/device")


def test_a_disabled_person_gets_none(scim, carol, register, make):
    number, browser = make(), register(carol)
    change(scim, carol, active=False)
    assert install(browser, number).location.startswith("/device/sign-in")
    change(scim, carol, active=True)
    assert install(browser, number).location.startswith("/device/sign-in")  # the old session stays dead
    assert browser.sign_in_as_person("carol@example.com").status_code == 303
    assert label(install(browser, number)) == "Office Berlin"


def test_it_needs_a_sign_in_of_a_person(app, ada, carol, register, make):
    number = make()
    for browser in (Browser(app), ada):
        answer = install(browser, number)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/device/sign-in")
    answer = install(Browser(app), number)
    assert answer.location.endswith(f"next=/device/configurations/{number}")


def test_markup_in_its_name_is_text(carol, register, make):
    number, browser = make(SCRIPT), register(carol)
    page = browser.get("/device").text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "<" not in install(browser, number).headers["Content-Disposition"]
