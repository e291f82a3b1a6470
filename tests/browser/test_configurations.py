"""From what Okta sends to what the device reads, as people go: the editor, the person's page, and My device."""

import plistlib
import re

import pytest
from playwright.sync_api import expect

import rehearsal
from core import attributes, directory, invitations
from portal.access import LARGEST_FORM
from rehearsal import Group, Person
from tests.browser.conftest import PASSWORD, inside
from tests.conftest import ACTOR

SSID = "Network name (SSID)"
SIDEWAYS = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"


@pytest.fixture
def people(desk):
    """Grace, who has a custAttr1, and Alan, who has none, as Okta assigned them."""
    desk.flask("attribute", "add", "custAttr1")
    grace = Person(1, "grace@example.com", "Grace", "Hopper", "00u1hopper0000000001")
    alan = Person(2, "alan@example.com", "Alan", "Turing", "00u1turing0000000001")
    for person in (grace, alan):
        rehearsal.assign(desk.okta(), person)
    give(desk, grace, "Berlin")
    return grace, alan


def give(desk, person, value):
    """Send a person's profile with another value of custAttr1, as Okta does."""
    person.custom = {"custAttr1": value}
    rehearsal.push_profile(desk.okta(), person)


def look(desk):
    """Fail if axe finds a violation, or anything scrolls sideways on a phone."""
    desk.page.set_viewport_size({"width": 390, "height": 900})
    assert desk.page.evaluate(SIDEWAYS) <= 0, f"{desk.page.url} scrolls sideways"
    desk.page.set_viewport_size({"width": 1280, "height": 900})
    desk.check()


def add(desk, kind, name, **fields):
    """Add a configuration for everyone, field by field."""
    page = desk.open("/configurations")
    page.get_by_role("link", name="Add configuration").first.click()
    page.get_by_role("link", name=kind).click()
    page.get_by_label("Name", exact=True).fill(name)
    for label, text in fields.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("radio", name="Everyone").check()
    return page


def save(page, sentence):
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").get_by_text(sentence)).to_be_visible()


def tab(desk, person):
    return desk.open(f"/users/{person.id}/configurations")


def register(desk, make_desk, person):
    """Let a person register; return their desk, signed in to My device."""
    with inside(desk.server):
        user = directory.find(attributes.user_type(), person.id)
        invitations.register(invitations.copy_link(user, ACTOR), PASSWORD)
    own = make_desk(desk.server)
    page = own.open("/device/sign-in")
    page.get_by_label("User name or e-mail address").fill(person.user_name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My device")).to_be_visible()
    return own


def installed(page, name):
    """Return the profile that a download gives."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    with open(download.value.path(), "rb") as file:
        return plistlib.load(file)["PayloadContent"][0]


def test_5_and_6_use_an_attribute(desk, people):
    grace, alan = people
    page = desk.open("/")
    page.get_by_role("link", name="Configurations", exact=True).click()
    expect(page.get_by_text("No configurations yet")).to_be_visible()
    look(desk)
    page.get_by_role("link", name="Add configuration").first.click()
    look(desk)
    page.get_by_role("link", name="Wi-Fi").click()
    expect(page.get_by_role("heading", name="Add Wi-Fi", level=1)).to_be_visible()
    look(desk)
    page.get_by_label("Name", exact=True).fill("Office")
    field = page.get_by_label(SSID)
    field.press_sequentially("Office $")
    variables = page.get_by_role("listbox", name="Variables")
    expect(variables.get_by_role("option")).to_have_count(13)
    look(desk)
    field.press_sequentially("{CUST")
    expect(variables.get_by_role("option")).to_have_count(1)
    field.press("Enter")
    expect(field).to_have_value("Office ${custAttr1}")
    expect(variables).to_have_count(0)

    desk.mark()
    page.get_by_role("radio", name="Everyone").check()
    ready = page.locator("#ready")
    expect(ready).to_contain_text("1 ready, 1 held: custAttr1")
    expect(ready).to_contain_text(re.compile(r"Alan Turing\s+held: custAttr1 has no value"))
    page.get_by_role("searchbox", name="Preview as").press_sequentially("hopper")
    page.get_by_role("radio", name="Grace Hopper").check()
    expect(page.locator("#preview pre")).to_contain_text("SSID_STR = Office Berlin")
    page.get_by_text("All 13, with their values").click()
    expect(page.locator("#variables li", has_text="${custAttr1}")).to_contain_text("Berlin")
    look(desk)
    page.get_by_role("searchbox", name="Preview as").fill("")
    page.get_by_role("radio", name="Alan Turing").check()
    expect(page.locator("#preview")).to_contain_text("held: custAttr1 has no value")
    look(desk)

    field.fill("Office ${custAtr1}")
    page.get_by_role("button", name="Check").click()
    expect(ready).to_contain_text("did you mean custAttr1?")
    look(desk)
    assert desk.is_marked()
    desk.expected.append("422")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").get_by_text("did you mean custAttr1?")).to_be_visible()
    expect(field).to_have_value("Office ${custAtr1}")
    look(desk)
    field.fill("Office ${custAttr1}")
    save(page, "Saved. 1 ready, 1 held: custAttr1.")
    look(desk)
    desk.open("/configurations")
    look(desk)
    page.get_by_role("row", name="Office").get_by_role("link").click()
    page.get_by_role("link", name="Alan Turing").click()
    expect(page.get_by_role("row", name="Office")).to_contain_text("held: custAttr1 has no value")
    look(desk)
    tab(desk, grace)
    look(desk)
    assert installed(page, "Download Office")["SSID_STR"] == "Office Berlin"
    page.get_by_role("link", name="Preview Office").click()
    expect(page.locator("pre")).to_contain_text("SSID_STR = Office Berlin")
    look(desk)


def test_7_a_value_changes_and_8_a_leaver(desk, people, make_desk):
    grace, alan = people
    save(add(desk, "Wi-Fi", "Office", **{SSID: "Office ${custAttr1}"}), "Saved. 1 ready, 1 held: custAttr1.")
    clip = {"Label": "Desk of ${userUID}", "Address (URL)": "https://example.com"}
    save(add(desk, "Web clip", "Desk", **clip), "Saved. 2 ready, 0 held.")
    own = register(desk, make_desk, grace)
    page = own.page
    office, other = page.get_by_role("row", name="Office"), page.get_by_role("row", name="Desk")
    revision = office.get_by_role("cell").nth(1)
    expect(revision).to_have_text("1")
    look(own)
    assert installed(page, "Install Office")["SSID_STR"] == "Office Berlin"

    give(desk, grace, "Lisbon")
    own.open("/device")
    expect(revision).to_have_text("2")
    expect(other.get_by_role("cell").nth(1)).to_have_text("1")
    assert installed(page, "Install Office")["SSID_STR"] == "Office Lisbon"
    expect(tab(desk, alan).get_by_role("row", name="Office")).to_contain_text("none yet")
    desk.open(f"/users/{grace.id}/activity")
    expect(desk.page.get_by_role("row", name="new revision").first).to_contain_text("custAttr1")

    give(desk, grace, "")
    own.open("/device")
    expect(office).to_have_count(0)
    expect(other).to_have_count(1)
    expect(tab(desk, grace).get_by_role("row", name="Office")).to_contain_text("held: custAttr1 has no value")
    give(desk, grace, "Berlin")
    own.open("/device")
    expect(revision).to_have_text("3")

    grace.active = False
    rehearsal.patch_user(desk.okta(), grace, active=False)
    own.open("/device")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(tab(desk, grace).get_by_text("Disabled people get no configurations")).to_be_visible()
    look(desk)
    own.expected.append("404")
    grace.active = True
    rehearsal.patch_user(desk.okta(), grace, active=True)
    expect(tab(desk, grace).get_by_role("row", name="Office")).to_contain_text("ready")


def test_the_list_of_variables_by_keyboard_and_by_mouse(desk, people):
    page = desk.open("/configurations/new?type=wifi")
    field, options = page.get_by_label(SSID), page.locator("[role=option]")
    expect(field).to_have_attribute("aria-expanded", "false")
    field.press_sequentially("$")
    expect(field).to_have_attribute("aria-expanded", "true")
    for key, at in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("ArrowUp", 0), ("ArrowUp", 12)):
        field.press(key)
        expect(options.nth(at)).to_have_attribute("aria-selected", "true")
        expect(field).to_have_attribute("aria-activedescendant", options.nth(at).get_attribute("id"))
    field.press("Escape")
    expect(options).to_have_count(0)
    expect(field).to_have_value("$")
    field.press_sequentially("first")
    expect(options).to_have_count(1)
    options.first.click()
    expect(field).to_have_value("${userFirstName}")
    expect(field).to_be_focused()
    field.press_sequentially(" and $${")
    expect(options).to_have_count(0)
    field.fill("")
    field.press_sequentially("$")
    expect(options).to_have_count(13)
    page.get_by_label("Name", exact=True).focus()
    expect(options).to_have_count(0)
    page.locator("#field-password").press_sequentially("$")
    expect(options).to_have_count(0)


def test_what_does_not_apply_is_out_of_sight(desk, people):
    page = desk.open("/configurations/new?type=wifi")
    method, user, password = (page.locator(f"#field-{name}") for name in ("method", "user", "user_password"))
    expect(page.locator("#field-password")).to_be_visible()
    expect(method).to_be_hidden()
    page.get_by_label("Security").select_option("WPA2 or WPA3 Enterprise")
    expect(user).to_have_value("${userUID}")
    expect(user).to_be_visible()
    expect(password).to_be_visible()
    look(desk)
    method.select_option("EAP-TLS")
    expect(password).to_be_hidden()
    page.get_by_label("Security").select_option("Open")
    expect(user).to_be_hidden()
    expect(page.get_by_label("Find groups")).to_be_hidden()
    page.get_by_role("radio", name="Chosen groups").check()
    expect(page.get_by_label("Find groups")).to_be_visible()


def test_it_goes_to_chosen_groups(desk, people):
    grace, _alan = people
    for name, members in (("Analysts", [grace]), ("Cooks", [])):
        group = Group(name, members)
        rehearsal.create_group(desk.okta(), group)
        rehearsal.patch_group(desk.okta(), group, rehearsal.adding(*members)) if members else None
    page = add(desk, "Web clip", "Desk", **{"Label": "Desk", "Address (URL)": "https://example.com"})
    page.get_by_role("radio", name="Chosen groups").check()
    expect(page.locator("#ready")).to_contain_text("no group is chosen")
    page.get_by_label("Find groups").press_sequentially("anal")
    expect(page.get_by_role("checkbox", name="Cooks")).to_have_count(0)
    page.get_by_role("checkbox", name="Analysts").check()
    expect(page.locator("#ready")).to_contain_text("1 ready, 0 held")
    look(desk)
    save(page, "Saved. 1 ready, 0 held.")
    page.get_by_role("link", name="Analysts").click()
    expect(page.get_by_role("row", name="Desk")).to_contain_text("Web clip")
    look(desk)


def test_a_managed_app_has_rows_of_pairs(desk, people):
    page = add(desk, "Managed app", "Chat", **{"Bundle id": "com.example.chat"})
    page.get_by_label("Key 1").fill("office")
    page.get_by_label("Value 1").press_sequentially("$cus")
    page.get_by_label("Value 1").press("Enter")
    expect(page.get_by_label("Value 1")).to_have_value("${custAttr1}")
    page.get_by_label("Key 2").fill("seats")
    page.get_by_label("Type 2").select_option("integer")
    page.get_by_label("Value 2").fill("7")
    page.get_by_role("button", name="More rows").click()
    expect(page.get_by_label("Key 4")).to_be_visible()
    expect(page.get_by_label("Value 2")).to_have_value("7")
    page.get_by_label("Value 3").press_sequentially("$")
    expect(page.get_by_role("listbox", name="Variables")).to_be_visible()
    look(desk)
    page.get_by_label("Value 3").press("Escape")
    page.get_by_label("Value 3").fill("")
    save(page, "Saved. 1 ready, 1 held: custAttr1.")


def test_editing_shows_what_changes_and_an_old_form_is_told_so(desk, people, make_desk):
    save(add(desk, "Wi-Fi", "Office", **{SSID: "Office ${custAttr1}"}), "Saved. 1 ready")
    page = desk.page
    page.get_by_role("link", name="Edit").click()
    expect(page.locator("#preview")).to_contain_text("held: custAttr1 has no value")
    page.get_by_role("radio", name="Grace Hopper").check()
    expect(page.locator("#preview")).to_contain_text("The same as it was saved.")
    page.get_by_label(SSID).fill("Desk ${custAttr1}")
    page.get_by_label(SSID).blur()
    expect(page.locator("#preview ins")).to_contain_text("SSID_STR = Desk Berlin")
    expect(page.locator("#preview del")).to_contain_text("SSID_STR = Office Berlin")
    expect(page.get_by_role("radio", name="Grace Hopper")).to_be_checked()
    look(desk)
    other = make_desk(desk.server)
    other.sign_in()
    other.open(page.url.removeprefix(desk.server.url)).get_by_label(SSID).fill("Lobby")
    save(other.page, "Saved. 2 ready, 0 held.")
    desk.expected.append("409")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("was changed since you opened this form")
    expect(page.get_by_text("Stored now: Lobby")).to_be_visible()
    expect(page.get_by_label(SSID)).to_have_value("Desk ${custAttr1}")
    look(desk)
    page.get_by_role("button", name="Save over it").click()
    expect(page.get_by_text("Saved. 1 ready, 1 held: custAttr1.")).to_be_visible()


def test_a_form_that_is_too_large_says_so_and_stays_as_it_is(desk, people):
    page = add(desk, "Web clip", "Desk", Label="Desk", **{"Address (URL)": "https://example.com"})
    page.locator("[name=field-icon]").evaluate("(icon, text) => icon.value = text", "x" * LARGEST_FORM)
    desk.expected += ["413"]
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#notices")).to_contain_text("The form is larger than Rollcall takes. Nothing was changed.")
    expect(page.locator("#ready")).to_be_visible()
    expect(page.get_by_label("Label")).to_have_value("Desk")


def test_copying_and_deleting(desk, people):
    save(add(desk, "Wi-Fi", "Office", **{SSID: "Office"}), "Saved. 2 ready, 0 held.")
    page = desk.page
    address = page.url
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Made Copy of Office. It goes to nobody yet.")).to_be_visible()
    page.goto(address)
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("2 people have it ready")).to_be_visible()
    look(desk)
    page.get_by_label("Type Office to confirm").fill("Office")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete the configuration").click()
    expect(page.get_by_text("Deleted Office.")).to_be_visible()
    expect(page.get_by_role("row", name="Copy of Office")).to_be_visible()


def test_an_attribute_tells_where_it_is_used_and_is_not_removed(desk, people):
    save(add(desk, "Wi-Fi", "Office", **{SSID: "Office ${custAttr1}"}), "Saved. 1 ready")
    page = desk.open("/admin/system/attributes")
    look(desk)
    page.get_by_role("link", name="custAttr1").click()
    expect(page.get_by_role("row", name="Office")).to_contain_text(SSID)
    look(desk)
    page.get_by_role("link", name="1 people who lack it for Office").click()
    expect(page.get_by_role("row", name="Alan Turing")).to_be_visible()
    look(desk)
    page.go_back()
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("It cannot be removed")
    look(desk)
    page = desk.open("/")
    expect(page.get_by_role("row", name="Office")).to_contain_text("50 %")
    look(desk)


def test_it_works_without_javascript(desk, people, make_desk):
    plain = make_desk(desk.server, options={"java_script_enabled": False})
    plain.sign_in()
    page = add(plain, "Wi-Fi", "Office", **{SSID: "Office ${custAttr1}"})
    expect(page.get_by_label("Method")).to_be_visible()
    expect(page.get_by_text("Used when Security is WPA2 or WPA3 Enterprise.").first).to_be_visible()
    page.get_by_label(SSID).press("Enter")  # looks, and saves nothing
    expect(page.locator("#ready")).to_contain_text("1 ready, 1 held: custAttr1")
    expect(page.get_by_label(SSID)).to_have_value("Office ${custAttr1}")
    expect(page.get_by_role("radio", name="Everyone")).to_be_checked()
    page.get_by_role("searchbox", name="Preview as").fill("grace")
    page.get_by_role("button", name="Search people").click()
    page.get_by_role("radio", name="Grace Hopper").check()
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#preview pre")).to_contain_text("SSID_STR = Office Berlin")
    save(page, "Saved. 1 ready, 1 held: custAttr1.")
