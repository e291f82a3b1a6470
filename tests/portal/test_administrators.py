"""Accounts of the portal: made, changed and deleted by administrators only, with their own password once more."""

import re

import pytest

from core import accounts
from tests.portal.conftest import PASSWORD, Browser, words

LIST = "/admin/administrators"
OTHER = "meadow-tractor-lamp-9"  # the password of somebody else
FORM = {"email": "mary@example.com", "role": "helpdesk", "new_password": OTHER, "password": PASSWORD}


@pytest.fixture
def find(app):
    """Return a function that finds an account by its address."""

    def find(email):
        with app.app_context():
            return accounts.find_by_email(email)

    return find


@pytest.fixture
def page_of(find):
    return lambda email: f"{LIST}/{find(email).id}"


def errors(answer):
    """Return the messages beside the fields of a refused form, by field."""
    assert answer.status_code == 422, answer.text
    return dict(re.findall(r'<p class="problem" id="(\w+)-problem" role="alert">([^<]*)</p>', answer.text))


def test_accounts_are_listed_with_role_and_state(ada, grace, alan):
    said = ada.says(LIST)
    assert "ada@example.com you Administrator Enabled" in said
    assert "grace@example.com Helpdesk Enabled" in said and "alan@example.com Read only Enabled" in said


@pytest.mark.parametrize("who", ["grace", "alan"])
def test_only_administrators_see_them(request, who):
    browser = request.getfixturevalue(who)
    assert browser.get(LIST).status_code == browser.get(f"{LIST}/1").status_code == 403


def test_an_account_is_made_and_signs_in(app, ada, find):
    answer = ada.post(f"{LIST}/new", FORM)
    assert answer.status_code == 303 and answer.location == f"{LIST}/{find('mary@example.com').id}"
    assert "mary@example.com can sign in now" in ada.says(answer.location)
    mary = Browser(app)
    assert mary.sign_in("mary@example.com", OTHER).status_code == 303
    assert mary.get("/users").status_code == 200 and mary.get(LIST).status_code == 403


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"email": "ADA@example.com"}, "email", "There is an account"),
        ({"email": "nobody"}, "email", "is no e-mail address"),
        ({"role": "king"}, "role", "is no role"),
        ({"role": ""}, "role", "is no role"),
        ({"new_password": "short"}, "new_password", "at least 12 characters"),
        ({"new_password": "mary@example.com"}, "new_password", "easily guessed"),
        ({"password": "wrong"}, "password", "This is not your password."),
        ({"password": ""}, "password", "This is not your password."),
    ],
)
def test_an_account_that_cannot_be_is_refused_beside_its_field(app, ada, change, field, message):
    answer = ada.post(f"{LIST}/new", FORM | change)
    found = errors(answer)
    assert list(found) == [field] and message in found[field]
    kept = (FORM | change)["email"]
    assert f'value="{kept}"' in answer.text and OTHER not in answer.text and PASSWORD not in answer.text
    with app.app_context():
        assert len(accounts.listing()) == 1


def test_an_account_page_names_what_can_be_done(ada, grace, page_of):
    said = ada.says(page_of("grace@example.com"))
    assert "Role Helpdesk" in said and "Change role Set a new password Disable Delete" in said
    own = ada.says(page_of("ada@example.com"))
    assert "This is your own account." in own and "Change your password" in own


def test_a_role_is_changed_at_once(ada, grace, page_of):
    answer = ada.post(f"{page_of('grace@example.com')}/role", {"role": "administrator", "password": PASSWORD})
    assert answer.status_code == 303
    assert "The role of grace@example.com is Administrator now." in ada.says(answer.location)
    assert grace.get(LIST).status_code == 200


def test_who_is_disabled_is_signed_out_and_stays_so_until_enabled(app, ada, grace, page_of):
    page = page_of("grace@example.com")
    assert ada.post(f"{page}/disable", {"password": PASSWORD}).status_code == 303
    assert grace.get("/users").status_code == 303
    assert Browser(app).sign_in("grace@example.com").status_code == 422
    assert "Enable" in ada.says(page)
    assert ada.post(f"{page}/enable", {"password": PASSWORD}).status_code == 303
    assert Browser(app).sign_in("grace@example.com").status_code == 303


def test_who_is_deleted_is_gone(ada, grace, find, page_of):
    page = page_of("grace@example.com")
    answer = ada.post(f"{page}/delete", {"password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, LIST)
    assert "The account grace@example.com is deleted." in ada.says(LIST)
    assert find("grace@example.com") is None and grace.get("/users").status_code == 303
    assert ada.get(page).status_code == ada.get(f"{page}/role").status_code == 404


def test_a_new_password_ends_their_sessions(app, ada, grace, page_of):
    page = f"{page_of('grace@example.com')}/password"
    assert ada.post(page, {"new_password": OTHER, "password": PASSWORD}).status_code == 303
    assert "grace@example.com has a new password, and is signed out everywhere." in ada.says(LIST)
    assert grace.get("/users").status_code == 303
    assert Browser(app).sign_in("grace@example.com").status_code == 422
    assert Browser(app).sign_in("grace@example.com", OTHER).status_code == 303


def test_a_weak_new_password_is_refused(app, ada, grace, page_of):
    answer = ada.post(f"{page_of('grace@example.com')}/password", {"new_password": "short", "password": PASSWORD})
    assert "at least 12 characters" in errors(answer)["new_password"]
    assert grace.get("/users").status_code == 200


@pytest.mark.parametrize("change", ["role", "password", "disable", "delete"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_nothing_changes_without_ones_own_password(ada, grace, find, page_of, change, password):
    before = find("grace@example.com")
    form = {"role": "administrator", "new_password": OTHER, "password": password}
    answer = ada.post(f"{page_of('grace@example.com')}/{change}", form)
    assert errors(answer) == {"password": "This is not your password. Nothing was changed."}
    assert find("grace@example.com") == before


@pytest.mark.parametrize("change", ["role", "disable", "delete"])
def test_the_last_administrator_stays(ada, grace, find, page_of, change):
    answer = ada.post(f"{page_of('ada@example.com')}/{change}", {"role": "readonly", "password": PASSWORD})
    assert "is the last administrator who can sign in" in errors(answer)["account"]
    assert (find("ada@example.com").role, find("ada@example.com").disabled) == ("administrator", None)
    assert ada.get(LIST).status_code == 200


def test_who_demotes_themselves_is_led_to_where_they_may_be(ada, make_account, page_of):
    make_account("mary@example.com")
    assert "You may not be able to change it back." in ada.says(f"{page_of('ada@example.com')}/role")
    answer = ada.post(f"{page_of('ada@example.com')}/role", {"role": "readonly", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "The role of ada@example.com is Read only now." in ada.says("/")
    assert ada.get(LIST).status_code == 403


@pytest.mark.parametrize("change", ["disable", "delete"])
def test_who_ends_their_own_account_is_signed_out(ada, make_account, page_of, change):
    make_account("mary@example.com")
    page = page_of("ada@example.com")
    assert "You are signed out at once" in ada.says(f"{page}/{change}")
    answer = ada.post(f"{page}/{change}", {"password": PASSWORD})
    assert answer.status_code == 303
    assert ada.get(LIST).status_code == 303


def test_setting_ones_own_password_there_keeps_one_signed_in(ada, page_of):
    page = f"{page_of('ada@example.com')}/password"
    assert ada.post(page, {"new_password": OTHER, "password": PASSWORD}).status_code == 303
    assert "ada@example.com has a new password, and is signed out everywhere else." in ada.says(LIST)


def test_wrong_passwords_are_slowed_down(ada, grace, page_of):
    page = f"{page_of('grace@example.com')}/disable"
    statuses = [ada.post(page, {"password": "wrong"}).status_code for _ in range(11)]
    assert set(statuses[:-1]) == {422} and statuses[-1] == 429


def test_an_unknown_change_or_account_is_no_page(ada):
    for path in (f"{LIST}/1/promote", f"{LIST}/999", f"{LIST}/999/role", f"{LIST}/{10**30}"):
        assert ada.get(path).status_code == 404
    assert ada.post(f"{LIST}/999/delete", {"password": PASSWORD}).status_code == 404


def test_changes_are_in_the_audit_trail(ada, grace, page_of):
    ada.post(f"{page_of('grace@example.com')}/role", {"role": "administrator", "password": PASSWORD})
    said = ada.says("/admin/audit?kind=Administrator&text=role")
    assert "ada@example.com Administrator changed grace@example.com role from helpdesk → to administrator" in said


def test_what_is_typed_is_no_markup(ada):
    script = '"><script>alert(1)</script>'
    answer = ada.post(f"{LIST}/new", FORM | {"email": script, "role": script})
    assert answer.status_code == 422 and "<script>alert" not in answer.text
    assert "alert(1)" in words(answer.text)
