"""What administrators come for, step by step, by the words on the screen; the steps of the rehearsal play Okta."""

import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

import rehearsal
from core import attributes, tokens
from database import execute, from_now
from models import Token
from rehearsal import Group, Person
from tests.browser import company
from tests.browser.conftest import PASSWORD, add_ada, inside
from tests.conftest import ACTOR

NAMESPACE = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
READ_ONE = "/Users?startIndex=1&count=2"  # what Test API Credentials sends


@pytest.fixture(scope="module")
def office(make_office):
    return make_office(company.ready)


@pytest.fixture
def shared(make_desk, office):
    """Ada's desk at a server that other journeys use as well."""
    return make_desk(office.server, options={"storage_state": office.state})


@pytest.fixture
def agent():
    """An ngrok agent on this machine; `agent.tunnels` is what it tells of."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"tunnels": agent.tunnels}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    agent = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    agent.tunnels = []
    threading.Thread(target=agent.serve_forever, daemon=True).start()
    yield agent
    agent.shutdown()
    agent.server_close()


def tunnel(scheme, port):
    return {"public_url": f"{scheme}://rollcall.ngrok.app", "config": {"addr": f"http://localhost:{port}"}}


def lovelace(user_name="ada.lovelace@example.com", **custom):
    return Person(1, user_name, "Ada", "Lovelace", "00u1lovelace00000001", custom=custom)


def provisioning(desk):
    desk.page.get_by_role("link", name="Admin", exact=True).click()
    desk.page.get_by_role("link", name="User Provisioning", exact=True).first.click()
    expect(desk.page.get_by_role("heading", name="User Provisioning", level=1)).to_be_visible()


def settings(desk):
    provisioning(desk)
    desk.page.get_by_role("link", name="Edit Settings").click()
    expect(desk.page.get_by_role("heading", name="Edit Settings", level=1)).to_be_visible()


def confirm(page, button):
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name=button, exact=True).click()


def generate(page, name):
    page.get_by_label("Name", exact=True).fill(name)
    confirm(page, "Generate")


def shown_token(page):
    """Return the token that the page shows, this once, by way of its Copy button."""
    expect(page.get_by_text("It is not shown again.")).to_be_visible()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_role("button", name="Copy the token")).to_have_text("Copied")
    return page.evaluate("navigator.clipboard.readText()")


def polled(page, locator, text):
    """Wait until the page's own polls have brought `text`; its clock runs ahead meanwhile."""
    for _ in range(20):
        page.clock.run_for(5_000)
        try:
            return expect(locator).to_contain_text(text, timeout=500)
        except AssertionError:
            continue
    return expect(locator).to_contain_text(text)


def test_1_connect(make_desk, agent):
    desk = make_desk(ROLLCALL_NGROK_API=f"http://127.0.0.1:{agent.server_port}/api/tunnels")
    port = desk.server.port
    with inside(desk.server):
        tokens.revoke("Okta 0", ACTOR)
    add_ada(desk.server)
    desk.sign_in()
    page, desk.expected = desk.page, ["422"]
    provisioning(desk)
    health = page.locator("#health")
    expect(page.get_by_role("heading", name="Okta", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Base URL")).to_be_visible()
    expect(page.get_by_text("Okta cannot reach this address")).to_be_visible()
    expect(health).to_contain_text("Never contacted")
    desk.check()

    desk.mark()
    find = page.get_by_role("button", name="Find my tunnel")
    for tunnels, said in (
        ([], f"The ngrok agent has no tunnel: run `ngrok http {port}`"),
        ([tunnel("https", 1)], f"leads elsewhere (http://localhost:1): run `ngrok http {port}`"),
        ([tunnel("http", port)], f"only http://rollcall.ngrok.app: end it and run `ngrok http {port}`"),
    ):
        agent.tunnels = tunnels
        find.click()
        expect(page.get_by_role("alert")).to_contain_text(said)
    desk.check()
    agent.tunnels = [tunnel("http", port), tunnel("https", port)]
    find.click()
    page.get_by_role("button", name="Use this address").click()
    expect(page.get_by_text("https://rollcall.ngrok.app/scim/v2", exact=True)).to_be_visible()
    expect(page.get_by_text("Okta cannot reach this address")).to_have_count(0)
    page.get_by_role("button", name="Copy the base URL").click()
    expect(page.get_by_role("button", name="Copy the base URL")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "https://rollcall.ngrok.app/scim/v2"

    expect(page.get_by_label("Name", exact=True)).to_have_value("Okta")
    page.get_by_label("Expires after").select_option("1 year")
    confirm(page, "Generate")
    token = shown_token(page)
    desk.check()
    row = page.get_by_role("row", name="Okta")
    expect(row).to_contain_text(token[-4:])
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text("never")
    expect(row).to_contain_text("in 365 d")

    okta = desk.okta(token)
    assert okta.client.send("GET", READ_ONE).status == 200
    expect(health).to_contain_text("Healthy")
    expect(health).to_contain_text(re.compile("The last request came (just now|. s ago)"))
    assert desk.is_marked()
    page.reload()
    expect(page.get_by_text(token)).to_have_count(0)
    expect(page.get_by_role("row", name="Okta")).to_contain_text("127.0.0.1")
    desk.check()


def test_1_connect_with_the_whole_rehearsal(desk):
    assert desk.rehearse().passed
    page = desk.open("/admin/identity/user-provisioning/guide")
    expect(page.get_by_role("heading", name="Connect Okta step by step")).to_be_visible()
    expect(page.locator("code", has_text=desk.server.base_url).first).to_be_visible()
    desk.check()
    provisioning(desk)
    expect(page.locator("#health")).to_contain_text("Healthy")
    page.get_by_role("link", name="Provisioning log").click()
    expect(page.get_by_text("New requests appear by themselves.")).to_be_visible()
    desk.check()


def test_2_provision_a_person(shared):
    page, person = shared.page, lovelace()
    rehearsal.assign(shared.okta(), person)
    shared.open("/")
    page.get_by_role("link", name="Users", exact=True).first.click()
    expect(page.get_by_role("heading", name="Users", level=1)).to_be_visible()
    row = page.get_by_role("row", name="Ada Lovelace")
    for words in ("ada.lovelace@example.com", "SCIM Okta", "Enabled", "Not Invited"):
        expect(row.get_by_text(words, exact=True).first).to_be_visible()
    shared.check()
    row.get_by_role("link", name="Ada Lovelace").click()
    expect(page.get_by_text("Managed by Okta.")).to_be_visible()
    expect(page.get_by_text(person.id)).to_be_visible()
    expect(page.get_by_text(person.external_id)).to_be_visible()
    shared.check()


def test_3_push_a_group(shared):
    page, okta = shared.page, shared.okta()
    people = [lovelace(f"member{number}@example.com") for number in range(3)]
    for person in people:
        rehearsal.assign(okta, person)
    group = Group("Analysts")
    rehearsal.create_group(okta, group)
    rehearsal.patch_group(okta, group, rehearsal.renaming(group))
    group.members = people
    rehearsal.patch_group(okta, group, rehearsal.adding(*people))
    people[0].active = False
    rehearsal.patch_user(okta, people[0], active=False)
    shared.open("/")
    page.get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_role("link", name="User groups").click()
    row = page.get_by_role("row", name="Analysts")
    expect(row).to_contain_text("SCIM Okta")
    expect(row).to_contain_text("3 (1 disabled)")
    shared.check()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Analysts", level=1)).to_be_visible()
    expect(page.get_by_text("Its name and members are read-only here")).to_be_visible()
    for person in people:
        status = "Enabled" if person.active else "Disabled"
        expect(page.get_by_role("row", name=person.user_name)).to_contain_text(status)
    page.get_by_label("Search members").fill("member2")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    shared.check()


def test_4_edit_settings_without_a_reload(shared):
    page = shared.page
    shared.open("/")
    settings(shared)
    shared.mark()
    switch = page.get_by_role("switch", name="Automatically invite users imported from Okta")
    before = switch.is_checked()
    switch.set_checked(not before)
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    expect(switch).to_be_checked(checked=not before)
    page.get_by_label("Attribute Name").fill("office")
    page.get_by_role("button", name="Add Custom Attribute").click()
    row = page.locator("#attribute-office")
    expect(page.get_by_role("columnheader", name="Attribute Type")).to_be_visible()
    expect(row.get_by_role("cell", name="IDP")).to_be_visible()
    shared.check()
    shared.expected.append("422")
    page.get_by_label("Attribute Name").fill("OFFICE")
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Attribute Name")).to_have_value("OFFICE")
    shared.check()
    page.get_by_label("Attribute Name").fill("")
    switch.set_checked(before)
    page.get_by_role("button", name="Save Changes").click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    days = page.get_by_label("Days that the link is valid")
    days.fill("9")
    days.press("Enter")
    expect(page.get_by_role("status").get_by_text("valid for 9 days")).to_be_visible()
    assert shared.is_marked()


def test_5_custom_attribute(shared):
    page, okta = shared.page, shared.okta()
    shared.open("/")
    settings(shared)
    page.get_by_label("Attribute Name").fill("custAttr1")
    page.get_by_role("button", name="Save Changes").click()
    row = page.locator("#attribute-custAttr1")
    expect(row.get_by_role("cell", name="0", exact=True)).to_be_visible()
    for label, text in (
        ("Display name", "custAttr1"),
        ("Variable name", "custAttr1"),
        ("External name", "custAttr1"),
        ("External namespace", NAMESPACE),
        ("Mutability", "Read/Write"),
    ):
        copy = row.get_by_role("button", name=f"Copy {label} of custAttr1", exact=True)
        copy.click()
        expect(copy).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text
    shared.check()

    person = lovelace("grace.hopper@example.com")
    person.given, person.family = "Grace", "Hopper"
    rehearsal.assign(okta, person)
    person.custom = {"custAttr1": "Berlin"}
    rehearsal.push_profile(okta, person)
    page.get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_role("link", name="Grace Hopper").click()
    page.get_by_role("link", name="Attributes").click()
    section = page.locator("section", has=page.get_by_role("heading", name="User attributes"))
    row = section.get_by_role("row", name="custAttr1")
    for words in ("Berlin", "IDP", "${custAttr1}", "Okta,"):
        expect(row).to_contain_text(words)
    expect(row.locator("time")).to_be_visible()
    shared.check()
    settings(shared)
    expect(page.locator("#attribute-custAttr1").get_by_role("cell", name="1", exact=True)).to_be_visible()
    page.get_by_role("link", name="Attributes").click()
    expect(page.get_by_role("row", name="custAttr1")).to_contain_text("${custAttr1}")
    shared.check()


def test_8_leaver_and_return(shared):
    with inside(shared.server):
        attributes.add("floor", "string", False, ACTOR)
    page, okta = shared.page, shared.okta()
    person = Person(1, "alan.turing@example.com", "Alan", "Turing", "00u1turing0000000001", custom={"floor": "4"})
    rehearsal.assign(okta, person)
    group = Group("Codebreakers", [person])
    rehearsal.create_group(okta, group)
    person.active = False
    rehearsal.patch_user(okta, person, active=False)

    shared.open("/users?q=turing")
    expect(page.get_by_role("row", name="Alan Turing").get_by_text("Disabled")).to_be_visible()
    page.get_by_role("link", name="Alan Turing").click()
    address = page.url
    expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    expect(page.get_by_text(person.id)).to_be_visible()
    shared.check()
    page.get_by_role("link", name="Attributes").click()
    expect(page.get_by_role("row", name="floor")).to_contain_text("4")
    page.get_by_role("link", name="Groups", exact=True).click()
    expect(page.get_by_role("link", name="Codebreakers")).to_be_visible()
    shared.check()

    rehearsal.expect_found(okta, rehearsal.USERS, person.user_name, person.id)
    person.active = True
    rehearsal.patch_user(okta, person, active=True)
    page.get_by_role("link", name="Overview").click()
    expect(page).to_have_url(address)
    expect(page.get_by_text("Enabled", exact=True)).to_be_visible()
    expect(page.get_by_text("Not Invited")).to_be_visible()
    page.get_by_role("link", name="Activity").click()
    changes = page.get_by_role("row").filter(has=page.locator("code", has_text=re.compile("^active$")))
    expect(changes.nth(0)).to_contain_text(re.compile(r"active\s*false.*true", re.DOTALL))
    expect(changes.nth(1)).to_contain_text(re.compile(r"active\s*true.*false", re.DOTALL))
    shared.check()


def test_9_rotate_without_an_outage(desk):
    with inside(desk.server):
        execute(update(Token).values(expires=from_now(timedelta(days=5, hours=1))))
    page, desk.expected = desk.page, ["422"]
    old = desk.okta()

    def is_let_in(okta):
        return okta.client.send("GET", READ_ONE).status == 200

    def row(name):
        return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))

    provisioning(desk)
    expect(page.get_by_text("The token Okta 0 ends in 5 d.")).to_be_visible()
    desk.check()
    page.get_by_role("link", name="Renew Okta 0").first.click()
    expect(page.get_by_label("Overlap in hours")).to_have_value("1")
    desk.check()
    confirm(page, "Renew")
    new = desk.okta(shown_token(page))
    expect(row("Okta 0")).to_contain_text("Active")
    expect(row("Okta 0 (until renewed)")).to_contain_text(re.compile("in (1 h|60 min)"))
    assert is_let_in(old) and is_let_in(new)
    desk.check()

    generate(page, "A third one")
    expect(page.get_by_role("alert")).to_contain_text("There are two live tokens already")
    expect(page.get_by_text("It is not shown again.")).to_have_count(0)
    desk.check()

    row("Okta 0 (until renewed)").get_by_role("link", name="Set to Inactive").click()
    desk.check()
    confirm(page, "Set to Inactive")
    expect(row("Okta 0 (until renewed)")).to_contain_text("Inactive")
    assert not is_let_in(old) and is_let_in(new)
    row("Okta 0 (until renewed)").get_by_role("link", name="Set to Active").click()
    confirm(page, "Set to Active")
    expect(row("Okta 0 (until renewed)")).to_contain_text("Active")
    assert is_let_in(old) and is_let_in(new)
    row("Okta 0 (until renewed)").get_by_role("link", name="Remove").click()
    desk.check()
    confirm(page, "Remove")
    expect(row("Okta 0")).to_be_visible()
    expect(row("Okta 0 (until renewed)")).to_have_count(0)
    assert not is_let_in(old) and is_let_in(new)
    desk.check()


def test_10_something_is_wrong(desk):
    page, okta, person = desk.page, desk.okta(), lovelace()
    page.clock.install()
    rehearsal.assign(okta, person)
    provisioning(desk)
    health = page.locator("#health")
    expect(health).to_contain_text("Healthy")
    desk.mark()

    rival = rehearsal.new_user(okta, lovelace("ADA.Lovelace@example.com"))
    rehearsal.expect_error(rehearsal.create(okta, rehearsal.USERS, rival), 409, "uniqueness")
    polled(page, health, "Failing since")
    expect(health).to_contain_text("ADA.Lovelace@example.com")
    assert desk.is_marked()
    desk.check()
    page.get_by_role("link", name="See what was refused, and what to do").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Okta could not create ADA.Lovelace@example.com.")
    expect(page.get_by_text("What to do:")).to_be_visible()
    expect(page.get_by_label("Explanation")).to_contain_text("Dashboard > Tasks")
    sent = page.locator("pre").first
    expect(sent).to_contain_text('"userName": "ADA.Lovelace@example.com"')
    expect(sent).not_to_contain_text(okta.client.secret)
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert desk.server.token not in page.evaluate("navigator.clipboard.readText()")
    desk.check()

    provisioning(desk)
    desk.mark()
    expect(health).to_contain_text("Failing since")
    rehearsal.push_profile(okta, person)  # what Retry does: the look-up finds who is here, and takes them over
    polled(page, health, "Healthy")

    with inside(desk.server):
        execute(update(Token).values(expires=from_now(timedelta(minutes=-1))))
    assert okta.client.send("GET", READ_ONE).status == 401
    polled(page, health, "Failing since")
    expect(health).to_contain_text("expired")
    assert desk.is_marked()
    page.get_by_role("link", name="See what was refused, and what to do").click()
    expect(page.get_by_label("Explanation")).to_contain_text("has expired")
    expect(page.get_by_label("Explanation")).to_contain_text("Provisioning > Integration > Edit > API Token")
    desk.check()
    provisioning(desk)
    expect(page.get_by_role("row", name="Okta 0")).to_contain_text("Expired")
    generate(page, "Okta")
    renewed = desk.okta(shown_token(page))
    expect(health).to_contain_text("Failing since")
    desk.mark()
    assert renewed.client.send("GET", READ_ONE).status == 200
    polled(page, health, "Healthy")
    assert desk.is_marked()
    desk.check()
