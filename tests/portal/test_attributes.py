"""Admin > System > Attributes, and defining what Okta sends already."""

import pytest
from sqlalchemy import select

import database
from core import attributes, variables
from models import AuditLine
from protocol.definitions import CUSTOM
from tests.portal.conftest import words

PAGE = "/admin/system/attributes"
DEFINE = f"{PAGE}/define"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def defined(app):
    def defined():
        with app.app_context():
            return [(row.name, row.type, row.multi_valued) for row in attributes.listing()]

    return defined


def test_every_system_attribute_is_listed_with_where_it_comes_from(alan):
    page = alan.get(PAGE).text
    for name, variable in variables.SYSTEM.items():
        assert f"<code>{name}</code>" in page and f"<code>{variable.path}</code>" in page
        assert f'data-copy="${{{name}}}"' in page
    assert page.count('data-label="Type">System</td>') == len(variables.SYSTEM)


def test_without_custom_attributes_the_next_step_is_named(ada, alan):
    assert "No custom attributes yet" in ada.says(PAGE) and "Add Custom Attribute" in ada.says(PAGE)
    assert "Add Custom Attribute" not in alan.says(PAGE)


def test_custom_attributes_are_listed(ada, define, make_user):
    define("custAttr1")
    define("floors", "integer", True)
    make_user("ada@example.com", **{CUSTOM: {"custAttr1": "Berlin"}})
    page = ada.get(PAGE).text
    row = words(page.split('<tr id="attribute-custAttr1">')[1].split("</tr>")[0])
    assert row == "custAttr1 IDP string 1 0 just now ${custAttr1} Copy"
    row = words(page.split('<tr id="attribute-floors">')[1].split("</tr>")[0])
    assert row.startswith("floors IDP integer, several values 0 ")


@pytest.mark.parametrize("page", [PAGE, "/admin/identity/user-provisioning/settings"])
def test_a_value_that_many_have_is_not_counted(ada, define, make_user, monkeypatch, page):
    define("custAttr1")
    for name in ("ada", "bob", "eve"):
        make_user(name, **{CUSTOM: {"custAttr1": "Berlin"}})
    assert 'data-label="Users with a value" class="number">3<' in ada.get(page).text
    monkeypatch.setattr(attributes, "MOST_COUNTED", 2)
    assert 'data-label="Users with a value" class="number">more than 2<' in ada.get(page).text


def test_what_okta_sends_is_defined_in_one_click(app, ada, defined):
    answer = ada.post(DEFINE, {"name": "badgeNumber", "next": "/admin/provisioning-log/7"})
    assert (answer.status_code, answer.location) == (303, "/admin/provisioning-log/7")
    assert defined() == [("badgeNumber", "string", False)]
    assert "The custom attribute badgeNumber is defined, as a string." in ada.says(PAGE)
    with app.app_context():
        line = database.execute(select(AuditLine.__table__).order_by(AuditLine.__table__.c.id.desc())).first()
    assert (line.actor, line.action, line.name) == ("ada@example.com", "created", "badgeNumber")


def test_without_a_place_to_return_to_it_is_the_list(ada):
    assert ada.post(DEFINE, {"name": "badgeNumber"}).location == PAGE


@pytest.mark.parametrize("target", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com"])
def test_one_never_returns_to_another_site(ada, target):
    assert ada.post(DEFINE, {"name": "badgeNumber", "next": target}).location == "/"
    page = ada.post(DEFINE, {"name": "badgeNumber", "next": target})  # refused, with a link back
    assert page.status_code == 422 and "evil" not in page.text


@pytest.mark.parametrize("name", ["", "1st", "userUID", "CUSTATTR1", SCRIPT])
def test_what_cannot_be_defined_is_refused_with_a_way_back(ada, define, defined, name):
    define("custAttr1")
    page = ada.post(DEFINE, {"name": name, "next": "/admin/provisioning-log/7"})
    assert page.status_code == 422 and 'role="alert"' in page.text
    assert 'href="/admin/provisioning-log/7"' in page.text and SCRIPT not in page.text
    assert len(defined()) == 1


def test_only_an_administrator_defines_attributes(grace, alan, defined):
    for browser in (grace, alan):
        assert browser.post(DEFINE, {"name": "badgeNumber"}).status_code == 403
    assert defined() == []


def test_the_address_of_the_form_leads_back_to_the_list(alan):
    answer = alan.get(DEFINE)
    assert (answer.status_code, answer.location) == (303, PAGE)


@pytest.mark.parametrize("path", [PAGE, DEFINE])
def test_strangers_are_asked_to_sign_in(stranger, path):
    assert stranger.get(path).location.startswith("/sign-in")
