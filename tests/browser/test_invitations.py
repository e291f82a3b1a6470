"""From the invitation to My device, as people go: two browsers, and a mail server that keeps what it gets."""

import re
import time
from contextlib import closing
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import expect

from tests.browser.conftest import EMAIL, PASSWORD
from tests.conftest import free_port
from tests.databases import open_database

PUBLIC_URL = "https://rollcall.example.com"
OWN_PASSWORD = "quilt-harbor-seven-moth"
GRACE = {"userName": "grace@example.com", "displayName": "Grace Höpper"}
STRANGERS = ["/sign-in", "/forgotten", "/device/sign-in", "/device/forgotten", "/invitation/new"]


class Inbox:
    """Keeps every mail, as a mail client reads it."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"

    def wait_for(self, number):
        """Return the newest mail once there are that many."""
        for _ in range(100):
            if len(self.mails) >= number:
                return self.mails[-1]
            time.sleep(0.1)
        raise AssertionError(f"{len(self.mails)} mails of {number} came")


def link_of(mail):
    """Return the path that the link in a mail leads to, the same in both parts."""
    found = [
        re.search(rf"{PUBLIC_URL}(/(?:invitation|password)/[\w-]+)", mail.get_body([kind]).get_content())[1]
        for kind in ("plain", "html")
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.fixture
def inbox():
    inbox = Inbox()
    inbox.port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    yield inbox
    controller.stop()


@pytest.fixture
def ada(make_desk, inbox):
    """Ada's desk, on a server that sends mail."""
    desk = make_desk(
        ROLLCALL_SMTP_URL=f"smtp+plain://127.0.0.1:{inbox.port}",
        ROLLCALL_MAIL_FROM="Rollcall <rollcall@example.com>",
        ROLLCALL_PUBLIC_URL=PUBLIC_URL,
    )
    desk.flask("admin", "create", EMAIL, "--password-stdin", text=PASSWORD)
    desk.sign_in()
    return desk


@pytest.fixture
def grace(make_desk, ada):
    """Another browser, on the same server, in which nobody has signed in."""
    desk = make_desk(ada.server)
    desk.expected.append("the server responded with a status of (404|410|422)")
    return desk


def provision(desk, **others):
    answer = desk.server.session().post(f"{desk.server.base_url}/Users", json=GRACE | others)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def copy_link(desk, user_id):
    """Make a new link for a person and return the path that it leads to."""
    page = desk.open(f"/users/{user_id}/invitation/link")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Make the link").click()
    return page.locator(".copy code").inner_text().removeprefix(PUBLIC_URL)


def expire_links(server):
    """Let all links have ended a while ago: nobody waits for days."""
    with closing(open_database(server.instance)) as database, database:
        database.execute("UPDATE links SET expires = '2026-01-01T00:00:00.000000Z'")


def register(desk, path, password=OWN_PASSWORD):
    page = desk.open(path)
    choose(page, password)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="My device")).to_be_visible()
    return page


def choose(page, password):
    """Type a new password, and wait until it is judged: that would be refused once the form is sent."""
    page.get_by_label("Password").fill(password)
    expect(page.get_by_role("meter")).to_be_visible()


def sign_in(desk, name=GRACE["userName"], password=OWN_PASSWORD):
    page = desk.open("/device/sign-in")
    page.get_by_label("User name or e-mail address").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_from_the_list_to_my_device_and_out_again(ada, grace, inbox):
    user_id = provision(ada)
    page = ada.open("/users")
    page.get_by_label("Tick Grace Höpper").check()
    page.get_by_role("button", name="Send Invite").click()
    expect(page.get_by_role("heading", name="Send Invite to Grace Höpper")).to_be_visible()
    ada.check()
    page.get_by_role("button", name="Send Invite to Grace Höpper").click()
    expect(page.get_by_text("Invited Grace Höpper.")).to_be_visible()
    expect(page.get_by_role("cell", name="Pending")).to_be_visible()

    recipients, mail = inbox.wait_for(1)
    assert recipients == ["grace@example.com"] and "Grace Höpper" in str(mail["To"])
    link = link_of(mail)

    invited = grace.open(link)
    expect(invited.get_by_text("Invited by")).to_be_visible()
    expect(invited.get_by_text("Grace Höpper")).to_be_visible()
    grace.check()
    invited.get_by_label("Password").press_sequentially("password1234")
    expect(invited.get_by_text("Easily guessed.")).to_be_visible()
    grace.check()
    invited.get_by_role("button", name="Register").click()
    expect(invited.get_by_text("This password is easily guessed")).to_be_visible()
    grace.check()
    invited.get_by_label("Password").press_sequentially(OWN_PASSWORD)
    expect(invited.get_by_text("Very good.")).to_be_visible()
    invited.get_by_role("button", name="Register").click()
    expect(invited.get_by_role("heading", name="My device")).to_be_visible()
    expect(invited.get_by_role("link", name="Users")).to_have_count(0)
    grace.check()
    assert inbox.wait_for(2)[1]["Subject"] == "You are registered"

    invited.get_by_role("button", name="Sign out").click()
    expect(invited.get_by_role("heading", name="Sign in")).to_be_visible()
    grace.check()
    sign_in(grace)
    expect(invited.get_by_role("heading", name="My device")).to_be_visible()

    page = ada.open(f"/users/{user_id}")
    expect(page.get_by_text("Completed")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Disable Grace Höpper").click()
    expect(page.get_by_text("Disabled Grace Höpper.")).to_be_visible()
    grace.open("/device")
    expect(invited.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(grace)
    expect(invited.get_by_text("The name or the password is wrong.")).to_be_visible()
    grace.check()


def test_a_link_is_copied_and_the_old_one_is_refused(ada, grace, inbox):
    user_id = provision(ada)
    page = ada.open(f"/users/{user_id}")
    page.get_by_role("button", name="Send Invite").click()
    page.get_by_role("button", name="Send Invite to").click()
    old = link_of(inbox.wait_for(1)[1])
    page.get_by_role("link", name="Copy link").click()
    ada.check()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("The old link is dead")).to_be_visible()
    ada.check()
    page.get_by_role("button", name="Copy the link").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{PUBLIC_URL}/invitation/")
    refused = grace.open(old)
    expect(refused.get_by_role("heading", name="This invitation does not hold any more")).to_be_visible()
    grace.check()
    grace.open(copied.removeprefix(PUBLIC_URL))
    expect(refused.get_by_role("heading", name="You are invited")).to_be_visible()

    page.get_by_role("link", name="Back to Grace Höpper").click()
    page.get_by_role("link", name="Revoke").click()
    ada.check()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("is revoked")).to_be_visible()
    expect(page.get_by_text("Not Invited")).to_be_visible()
    ada.check()


def test_each_refusal_has_its_page(ada, grace, inbox):
    """The link that was replaced has its test above."""
    user_id = provision(ada)
    page = ada.open(f"/users/{user_id}")
    page.get_by_role("button", name="Send Invite").click()
    page.get_by_role("button", name="Send Invite to").click()
    link = link_of(inbox.wait_for(1)[1])
    session, url = ada.server.session(), f"{ada.server.base_url}/Users/{user_id}"
    session.patch(url, json={"Operations": [{"op": "replace", "value": {"active": False}}]})
    refused = grace.open(link)
    expect(refused.get_by_role("heading", name="Your account is disabled")).to_be_visible()
    grace.check()
    grace.open(f"{link[:-6]}nothing")
    expect(refused.get_by_role("heading", name="There is no such invitation")).to_be_visible()
    grace.check()
    session.patch(url, json={"Operations": [{"op": "replace", "value": {"active": True}}]})
    path = copy_link(ada, user_id)
    expire_links(ada.server)
    grace.open(path)
    expect(refused.get_by_role("heading", name="This invitation has expired")).to_be_visible()
    grace.check()
    refused.get_by_role("link", name="Request a new link").click()
    refused.get_by_label("E-mail address").fill("grace@example.com")
    refused.get_by_role("button", name="Request a new link").click()
    expect(refused.get_by_text("If somebody is invited at this address")).to_be_visible()
    grace.check()
    path = copy_link(ada, user_id)
    register(grace, path)
    grace.open(path)
    expect(refused.get_by_role("heading", name="This invitation was used already")).to_be_visible()
    grace.check()


def test_a_forgotten_password_is_replaced_by_mail(ada, grace, inbox):
    user_id = provision(ada)
    register(grace, copy_link(ada, user_id))
    inbox.wait_for(1)
    own = grace.open("/device/forgotten")
    own.get_by_label("User name or e-mail address").fill("grace@example.com")
    own.get_by_role("button", name="Send the link").click()
    expect(own.get_by_text("a link is on its way")).to_be_visible()
    grace.check()
    link = link_of(inbox.wait_for(2)[1])
    grace.open(link)
    grace.check()
    choose(own, "meadow-tractor-lamp-9")
    own.get_by_role("button", name="Set the password").click()
    expect(own.get_by_text("Your password is changed.")).to_be_visible()
    sign_in(grace, password="meadow-tractor-lamp-9")
    expect(own.get_by_role("heading", name="My device")).to_be_visible()
    grace.open(link)
    expect(own.get_by_role("heading", name="This link was used already")).to_be_visible()
    grace.check()


def test_pages_of_strangers_have_no_violation(grace):
    for path in [*STRANGERS, "/password/nonsense", "/invitation/nonsense"]:
        grace.open(path)
        grace.check()


def test_the_text_is_previewed_tested_and_changed(ada, inbox):
    ada.expected.append("the server responded with a status of 422")
    page = ada.open("/admin/mail/invitation")
    ada.check()
    page.get_by_label("Subject").fill("Come in, ${userFirstName}")
    page.get_by_role("button", name="Preview and test").click()
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.get_by_text("Come in, Ada", exact=True)).to_be_visible()
    shown = page.frame_locator("iframe")
    expect(shown.get_by_text("Hello Ada Lovelace,")).to_be_visible()
    ada.check()
    recipients, mail = inbox.wait_for(1)
    assert recipients == [EMAIL] and mail["Subject"] == "Come in, Ada"
    page.get_by_label("Text", exact=True).fill("${activationUr}")
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_text("did you mean ${activationUrl}?")).to_be_visible()
    ada.check()
    page.get_by_label("Text", exact=True).fill("${activationUrl}")
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Revert to default").click()
    expect(page.get_by_label("Subject")).to_have_value("Your invitation to Rollcall")
    page.get_by_role("link", name="Mail").first.click()
    expect(page.get_by_role("cell", name="Test", exact=True)).to_be_visible()
    ada.check()


def test_without_a_mail_server_the_mail_shows_its_link(desk):
    user_id = provision(desk)
    page = desk.open("/admin/identity/user-provisioning/settings")
    page.get_by_label("Automatically invite users imported from Okta").check()
    page.get_by_role("button", name="Save Changes").click()
    page.get_by_role("button", name="Invite the 1 not invited").click()
    page.get_by_role("button", name="Send Invite to").click()
    expect(page.get_by_text("Invited Grace Höpper.")).to_be_visible()
    desk.check()
    desk.open("/admin/mail")
    expect(page.get_by_text("ROLLCALL_SMTP_URL is not set")).to_be_visible()
    desk.check()
    page.get_by_role("button", name="Copy the link for").click()
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    expect(page.get_by_text(f"You are signed in as {EMAIL}")).to_be_visible()
    desk.check()
    desk.open(f"/users/{user_id}")
    desk.check()
    desk.open("/")
    expect(page.get_by_text("1 mail waits")).to_be_visible()
    desk.check()
