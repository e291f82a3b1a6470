"""Every page, with data and without, wide and narrow, light and dark; and what is the same on all of them."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

import rehearsal
from tests.browser import company, pages
from tests.browser.conftest import PASSWORD
from tests.browser.test_hostile import links

SIDEWAYS = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
SHOW_A_CLOCK = """(place) => {
  const markup = '<time datetime="2026-11-29T20:02:00.000000Z" data-clock>2026-11-29 20:02 UTC</time>';
  place.insertAdjacentHTML("beforeend", markup);
  document.dispatchEvent(new Event("htmx:after:swap"));
}"""
WIDTHS = (1280, 390)
BETWEEN = (1160, 1000, 800, 721, 320)  # where a page becomes another, and the narrowest (WCAG 1.4.10)
PEOPLE = 18  # enough for each look that a page has; axe takes its time for each element


@pytest.fixture(scope="module")
def office(make_office):
    """A company's Rollcall, with two weeks of provisioning."""
    return make_office(lambda app: company.fill(app, PEOPLE))


@pytest.fixture(scope="module")
def new_office(make_office):
    """A Rollcall that nobody has contacted yet."""
    return make_office(company.nobody_yet)


@pytest.fixture
def at(make_desk):
    """Return a function that opens a window of Ada's in an office."""

    def at(office, **options):
        return make_desk(office.server, options={"storage_state": office.state} | options)

    return at


def look_at(desk, paths, width):
    """Open each page once and check all that is the same everywhere. Return the links that were seen."""
    page, found = desk.page, set()
    page.set_viewport_size({"width": width, "height": 900})
    desk.expected += ["404", "409", "410"]  # the statuses of pages that are refusals
    for name, path in paths.items():
        desk.open(path)
        assert page.title().endswith(" · Rollcall") and page.title() != " · Rollcall", name
        assert page.locator("h1").count() == 1, name
        assert page.evaluate(SIDEWAYS) <= 0, f"{name} scrolls sideways"
        desk.check()
        found.update(links(page))
        for other in BETWEEN if width == max(WIDTHS) else ():
            page.set_viewport_size({"width": other, "height": 900})
            assert page.evaluate(SIDEWAYS) <= 0, f"{name} scrolls sideways at {other}"
        page.set_viewport_size({"width": width, "height": 900})
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_in_order(at, office, width):
    desk = at(office)
    found = look_at(desk, pages.filled(office.ids), width)
    for path in sorted(found - set(pages.filled(office.ids).values())):
        answer = desk.page.request.get(desk.server.url + path)
        assert answer.ok or answer.status == 409, path


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_in_order_before_anybody_came(at, new_office, width):
    look_at(at(new_office), pages.EVERYWHERE, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_before_signing_in_are_in_order(make_desk, office, width):
    look_at(make_desk(office.server), pages.SIGNED_OUT, width)


def test_no_page_scrolls_sideways_for_a_long_word(desk):
    page, word, ids = desk.page, "W" * 200, {}
    desk.flask("attribute", "add", "a" * 64)

    def look(path=None):
        if path:
            desk.open(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(SIDEWAYS) <= 0, f"{page.url} scrolls sideways at {width}"

    for kind, path in (("user", "/users/new"), ("group", "/users/groups/new")):
        desk.open(path)
        for field in page.locator("form.stack input:visible").all()[:4]:
            field.fill(word)
        page.locator("form.stack button.main").click()
        page.locator("#notices").get_by_text("Added").wait_for()
        ids[kind] = page.url.rpartition("/")[2]
        look()
    for kind in ("Disable", "Delete"):
        desk.open(f"/users/{ids['user']}")
        page.get_by_role("button", name=kind).click()
        page.get_by_label("Your password").wait_for()
        look()
    for path in ("", "/edit", "/attributes", "/activity"):
        look(f"/users/{ids['user']}{path}")
    for path in ("", "/edit", "/add", "/delete"):
        look(f"/users/groups/{ids['group']}{path}")
    for path in (f"/users?q={word}", f"/users?group={ids['group']}", "/admin/system/attributes"):
        look(path)
    for path in ("/admin/system/attributes/", f"{pages.PROVISIONING}/settings/attributes/"):
        look(f"{path}{'a' * 64}{'/remove' if 'settings' in path else ''}")


def test_no_page_is_forgotten(app, office):
    """Whoever adds a page names it in pages.py, and so it is looked at here and in `make screenshots`."""
    routes = app.url_map.bind("localhost")
    paths = [*pages.filled(office.ids).values(), *pages.SIGNED_OUT.values()]
    seen = {routes.match(urlsplit(path).path)[0] for path in paths}
    asked = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("portal.")}
    asked = {e for e in asked if any("GET" in rule.methods for rule in app.url_map.iter_rules(e))}
    assert asked - {f"portal.{name}" for name in pages.NO_PAGES} == seen


def test_the_log_is_live_until_it_is_paused(at, office):
    desk = at(office)
    page = desk.open("/admin/provisioning-log")
    rows = page.locator("#log tbody tr")
    newest = rows.first.get_attribute("id")
    desk.mark()
    page.get_by_role("link", name="Pause").focus()
    rehearsal.expect_missing(desk.okta(), rehearsal.USERS, "first@example.com")
    expect(rows.first.get_by_text("first@example.com", exact=True)).to_be_visible()
    assert desk.is_marked() and rows.first.get_attribute("id") != newest
    expect(page.get_by_role("link", name="Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Paused")).to_be_visible()
    desk.check()
    polls = []
    page.on("request", lambda request: polls.append(request.url))
    page.clock.install()
    page.clock.run_for(10_000)
    assert polls == []
    page.get_by_role("link", name="Go live").click()
    expect(page.get_by_text("New requests appear by themselves.")).to_be_visible()


@pytest.mark.parametrize(
    ("now", "said"),
    [("2026-11-29T22:00:00Z", "5:02 AM"), ("2026-11-30T16:00:00Z", "Nov 30, 5:02 AM")],
    ids=["the same day there", "another day there"],
)
def test_a_clocks_time_is_of_the_readers_day_and_zone(at, new_office, now, said):
    """It is 20:02 in UTC, and 5:02 of the next day in Tokyo."""
    desk = at(new_office, timezone_id="Asia/Tokyo", locale="en-US")
    page = desk.page
    page.clock.set_fixed_time(now)
    desk.open("/account")
    page.locator(".lead").evaluate(SHOW_A_CLOCK)
    expect(page.locator("time[data-clock]")).to_have_text(said)


def test_an_open_tab_eats_no_notice_of_another(at, office):
    desk = at(office)
    page = desk.page
    page.clock.install()
    desk.open(pages.PROVISIONING)
    form = {"name": "Guides", "csrf_token": page.locator("[name=csrf_token]").first.input_value()}
    sent = page.request.post(f"{desk.server.url}/users/groups/new", form=form, max_redirects=0)
    with page.expect_response(lambda answer: answer.request.headers.get("hx-source") == "div#health"):
        page.clock.run_for(5_000)
    desk.open(sent.headers["location"])
    expect(page.get_by_text("Added the group Guides.")).to_be_visible()


def test_that_rollcall_cannot_be_reached_is_said_until_it_can_be(at, office):
    desk = at(office)
    page = desk.open("/users")
    desk.expected += ["failed:", "ERR_INTERNET_DISCONNECTED", "Failed to fetch"]
    page.context.set_offline(True)
    page.get_by_label("Search").fill("ada")
    expect(page.locator("#notices")).to_have_text("Rollcall cannot be reached just now.")
    page.context.set_offline(False)
    page.get_by_label("Search").fill("adam")
    expect(page.locator("#notices")).to_be_empty()


def test_searching_as_one_types_is_kept_in_the_address(at, office):
    desk = at(office)
    page = desk.open("/users")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(PEOPLE + 1)
    desk.mark()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("lovel")
    expect(page).to_have_url(re.compile(r"/users\?q=lovel$"))
    expect(rows).to_have_count(1)
    page.get_by_label("Status").select_option("Disabled")
    expect(page).to_have_url(re.compile(r"status=disabled"))
    expect(page.get_by_text("Nobody matches")).to_be_visible()
    expect(page.get_by_role("link", name="Disabled : take this filter off")).to_be_visible()
    desk.check()
    assert desk.is_marked()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/users\?q=lovel$"))
    expect(page.locator("#list tbody tr").first.get_by_text("Lovelace").first).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("lovel")


def test_a_row_is_reached_and_opened_by_keyboard(at, office):
    page = at(office).open("/users?q=ada.lovelace")
    page.get_by_role("checkbox", name="Tick Ada Lovelace").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ada Lovelace", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ada Lovelace", level=1)).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(r"q=ada\.lovelace"))


def test_everything_needed_works_without_javascript(make_desk, office):
    desk = make_desk(office.server, options={"java_script_enabled": False})
    desk.sign_in()
    page = desk.page
    page.get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_label("Search").fill("clara")
    page.get_by_label("Source").select_option("SCIM Okta")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"/users\?q=clara&source=scim$"))
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("checkbox").check()
    page.get_by_role("button", name="Disable").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("^Disable Clara")).click()
    expect(page.get_by_text(re.compile("^Disabled Clara"))).to_be_visible()
    expect(rows.get_by_text("Disabled")).to_be_visible()
    page.get_by_role("link", name="Admin").click()
    page.get_by_label("Name", exact=True).fill("Without JavaScript")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("It is not shown again.")).to_be_visible()
    page.get_by_role("row", name="Without JavaScript").get_by_role("link", name="Remove").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The token 'Without JavaScript' is removed.")).to_be_visible()
