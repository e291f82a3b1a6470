"""The vendor's page "User Provisioning for Okta IdP", followed literally by visible labels: a heading a test."""

import re

import pytest
from playwright.sync_api import expect

import rehearsal
from core import attributes
from rehearsal import Group, Person
from tests.browser import company
from tests.browser.conftest import PASSWORD, inside
from tests.conftest import ACTOR

SWITCH = "Automatically invite users imported from Okta"


@pytest.fixture(scope="module")
def office(make_office):
    return make_office(company.ready)


@pytest.fixture
def desk(make_desk, office):
    desk = make_desk(office.server, options={"storage_state": office.state})
    desk.open("/")
    return desk


def follow(page, *labels):
    """Go where the vendor's page says: a label is a link, a tab or, as Identity is, a heading over the next one."""
    for label in labels:
        link = page.get_by_role("link", name=label, exact=True).first
        heading = page.get_by_role("heading", name=label, exact=True)
        expect(link.or_(heading).first).to_be_visible()
        if link.is_visible():
            link.click()


def okta_settings(page):
    follow(page, "Admin", "Identity", "User Provisioning")
    expect(page.get_by_role("heading", name="Okta", exact=True)).to_be_visible()
    follow(page, "Edit Settings")
    expect(page.get_by_role("heading", name="Edit Settings", level=1)).to_be_visible()


def assign(desk, user_name, given, family, **custom):
    person = Person(1, user_name, given, family, "00u1vendor0000000001", custom=custom)
    rehearsal.assign(desk.okta(), person)
    return person


def test_generating_the_token_for_okta(desk):
    page = desk.page
    follow(page, "Admin", "Identity", "User Provisioning")
    expect(page.get_by_role("heading", name="Okta", exact=True)).to_be_visible()
    card = page.locator(".card", has=page.get_by_role("heading", name="Base URL"))
    expect(card.get_by_text(desk.server.base_url, exact=True)).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Okta IdP")
    page.get_by_label("Expires after").select_option("1 year")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("heading", name="Copy your new token now")).to_be_visible()
    token = page.locator(".secret code").inner_text()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_role("button", name="Copy the token")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == token
    desk.check()
    answer = desk.okta(token).client.send("GET", "/Users?startIndex=1&count=2")
    assert answer.status == 200


def test_the_steps_in_okta_are_named_where_the_values_are(desk):
    with inside(desk.server):
        attributes.add("building", "string", False, ACTOR)
    page = desk.page
    follow(page, "Admin", "Identity", "User Provisioning", "Step-by-step guide")
    for words in (
        "SCIM 2.0 Test App (OAuth Bearer Token)",
        "Test API Credentials",
        "Create Users",
        "Update User Attributes",
        "Deactivate Users",
        "Go to Profile Editor",
        "Push Groups",
    ):
        expect(page.locator("main").get_by_text(words).first).to_be_visible()
    expect(page.locator("main code", has_text=desk.server.base_url).first).to_be_visible()
    desk.check()


def test_inviting_users_automatically(desk):
    page = desk.page
    okta_settings(page)
    page.get_by_role("switch", name=SWITCH).check()
    page.get_by_role("button", name="Save Changes", exact=True).click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    follow(page, "Admin", "Identity", "User Provisioning", "Edit Settings")
    switch = page.get_by_role("switch", name=SWITCH)
    expect(switch).to_be_checked()
    switch.uncheck()
    page.get_by_role("button", name="Save Changes", exact=True).click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    desk.check()


def test_adding_a_custom_attribute(desk):
    page = desk.page
    okta_settings(page)
    expect(page.get_by_role("heading", name="Custom Attributes", exact=True)).to_be_visible()
    page.get_by_label("Attribute Name").fill("custAttr1")
    page.get_by_role("button", name="Add Custom Attribute", exact=True).click()
    table = page.get_by_role("table")
    for column in ("Attribute Name", "Attribute Type"):
        expect(table.get_by_role("columnheader", name=column, exact=True)).to_be_visible()
    row = table.get_by_role("row", name="custAttr1").first
    expect(row.get_by_role("cell", name="IDP", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save Changes", exact=True).click()
    expect(row).to_be_visible()
    desk.check()
    follow(page, "Admin", "System", "Attributes")
    expect(page.get_by_role("row", name="custAttr1")).to_contain_text("IDP")
    desk.check()


def test_deleting_a_custom_attribute(desk):
    with inside(desk.server):
        attributes.add("shortLived", "string", False, ACTOR)
    page = desk.page
    okta_settings(page)
    follow(page, "Remove shortLived")
    page.get_by_label("Type shortLived to confirm").fill("shortLived")
    page.get_by_label("Your password").fill(PASSWORD)
    desk.check()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("The custom attribute shortLived is removed.")).to_be_visible()
    expect(page.get_by_role("row", name="shortLived")).to_have_count(0)


def test_viewing_the_users_from_okta(desk):
    assign(desk, "barbara.jensen@example.com", "Barbara", "Jensen")
    page = desk.page
    follow(page, "Users")
    row = page.get_by_role("row", name="Barbara Jensen")
    for words in ("SCIM Okta", "Enabled", "Not Invited"):
        expect(row.get_by_text(words, exact=True)).to_be_visible()
    page.get_by_label("Source").select_option("SCIM Okta")
    expect(page).to_have_url(re.compile("source=scim"))
    expect(page.get_by_role("row", name="Barbara Jensen")).to_be_visible()
    desk.check()


def test_viewing_the_attributes_of_a_user(desk):
    with inside(desk.server):
        attributes.add("costCentre", "string", False, ACTOR)
    assign(desk, "katherine.johnson@example.com", "Katherine", "Johnson", costCentre="4711")
    page = desk.page
    follow(page, "Users", "Katherine Johnson", "Attributes")
    sections = [
        page.locator("section", has=page.get_by_role("heading", name=name, exact=True))
        for name in ("System attributes", "User attributes")
    ]
    expect(sections[0].get_by_role("row", name="userUID", exact=False).first).to_contain_text("System")
    row = sections[1].get_by_role("row", name="costCentre")
    expect(row).to_contain_text("4711")
    expect(row).to_contain_text("IDP")
    desk.check()


def test_viewing_the_groups_from_okta(desk):
    person = assign(desk, "mary.jackson@example.com", "Mary", "Jackson")
    rehearsal.create_group(desk.okta(), Group("Engineers", [person]))
    page = desk.page
    follow(page, "Users", "User groups")
    expect(page.get_by_role("row", name="Engineers")).to_contain_text("SCIM Okta")
    follow(page, "Engineers")
    expect(page.get_by_role("row", name="Mary Jackson")).to_be_visible()
    desk.check()


def test_deactivating_a_user_in_okta(desk):
    person = assign(desk, "dorothy.vaughan@example.com", "Dorothy", "Vaughan")
    person.active = False
    rehearsal.patch_user(desk.okta(), person, active=False)
    page = desk.page
    follow(page, "Users")
    expect(page.get_by_role("row", name="Dorothy Vaughan").get_by_text("Disabled", exact=True)).to_be_visible()


def test_setting_the_token_to_inactive(desk):
    page = desk.page
    follow(page, "Admin", "Identity", "User Provisioning", "Set to Inactive Okta")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set to Inactive", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Okta", exact=True))
    expect(row.get_by_text("Inactive", exact=True)).to_be_visible()
    follow(page, "Set to Active Okta")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set to Active", exact=True).click()
    expect(row.get_by_text("Active", exact=True)).to_be_visible()
    desk.check()
