"""The first minutes: the set-up link, signing in and out, by keyboard alone."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import EMAIL, PASSWORD


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
