"""The first minutes: the set-up link, signing in and out, by keyboard alone."""

import re

from playwright.sync_api import expect

import database
from tests.browser.conftest import EMAIL, PASSWORD, Desk, inside
from tests.browser.pages import PROVISIONING


def set_up_link(desk):
    return re.search(r"(/set-up/\S+)", (desk.server.instance / "log").read_text())[1]


def test_the_first_administrator_comes_by_the_printed_link(make_desk):
    desk = make_desk()
    page = desk.open(set_up_link(desk))
    desk.check()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill("password1234")
    desk.expected.append("422")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text("This password is easily guessed")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value(EMAIL)
    desk.check()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text(f"You are signed in as {EMAIL}")).to_be_visible()
    expect(page.get_by_role("heading", name="User Provisioning", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    desk.check()
    desk.sign_in()


def test_the_keyboard_reaches_everything(desk):
    page = desk.open("/account")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Current password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type("quilt-harbor-seven-moth")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    desk.check()


def end_sessions(desk):
    with inside(desk.server):
        database.connection().exec_driver_sql("DELETE FROM sessions")


def sign_in_beside(desk):
    """Sign in in another tab of the same browser."""
    other = Desk(desk.server, desk.page.context.new_page())
    other.sign_in()
    other.page.close()


def test_what_was_typed_outlasts_the_session(desk):
    page = desk.open("/users/new")
    desk.expected.append("401|403")
    page.get_by_label("User name").fill("half@example.com")
    page.get_by_label("First name").fill('Half "done"')
    end_sessions(desk)
    page.get_by_role("button", name="Add user").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    desk.check()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Sign in").first.click()
    popup.value.close()
    sign_in_beside(desk)
    page.get_by_role("button", name="Send it once more").click()
    expect(page.get_by_text("You have signed in anew")).to_be_visible()
    page.get_by_role("button", name="Send it once more").click()
    expect(page.get_by_text("Added half@example.com.")).to_be_visible()
    expect(page.get_by_text('Half "done"')).to_be_visible()


def test_a_page_that_sends_by_itself_keeps_what_was_typed_in_it(desk):
    page = desk.open(f"{PROVISIONING}/settings")
    desk.expected.append("401|403")
    page.get_by_label("Attribute Name").fill("custAttr1")
    end_sessions(desk)
    save = page.get_by_role("button", name="Save Changes")
    save.click()
    expect(page.locator("#notices")).to_contain_text("sign in in another tab")
    sign_in_beside(desk)
    save.click()
    expect(page.locator("#notices")).to_contain_text("send it once more")
    save.click()
    expect(page.locator("#notices")).to_contain_text("The custom attribute custAttr1 is defined")


def test_a_double_click_sends_a_form_once(desk):
    page = desk.open("/users/new")
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("User name").fill("twice@example.com")
    page.get_by_role("button", name="Add user").dblclick(delay=20)
    expect(page.get_by_text("Added twice@example.com.")).to_be_visible()
    assert len(posts) == 1
