"""Who may see and do what: every route of the portal, walked for every role. A new route is in it by itself."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core import (
    accounts,
    attributes,
    configurations,
    directory,
    history,
    invitations,
    jobs,
    journal,
    links,
    outbox,
    settings,
    tokens,
)
from core.journal import Actor
from core.mobileconfig import TYPES
from core.outbox import MailQuery
from database import db, execute, transaction
from protocol.schema import GROUP_TYPE
from tests.portal.conftest import CSRF, PASSWORD, Browser

PUBLIC = {
    f"portal.{name}"
    for name in """
    sign_in send_sign_in sign_out sign_out_form set_up send_set_up forgotten send_forgotten
    new_password send_new_password new_password_strength
    person_sign_in send_person_sign_in person_sign_out_form device_forgotten send_device_forgotten
    invitation register invitation_strength new_link send_new_link
    """.split()
}
SIGN_OUT = {"portal.sign_out", "portal.person_sign_out"}
PERSON = "person"  # whose pages these are; not a role of an administrator
# without anything to fill in: the empty form is whole
ONE_PRESS = {"portal.send_again", "portal.copy_configuration", "portal.deliver_configuration"}
# no browser shows their addresses
ASKED_BY_HTMX_ALONE = {"portal.new_password_strength", "portal.invitation_strength"}
VISITS = {"sessions", "failed_sign_ins"}  # tables that tell of visits, and of nothing else
LOCAL = Actor("Command line")
HOUR = timedelta(hours=1)


@pytest.fixture
def places(app, scim, barbara, make_account):
    """Make one of everything; return {name of a part of an address: what stands there}."""
    with app.app_context():
        with transaction():
            attributes.add("badge", "string", False, LOCAL)
            user = directory.create(attributes.user_type(), {"userName": "local@example.com"}, LOCAL, [])
            group = directory.create(
                GROUP_TYPE, {"displayName": "Local", "members": [{"value": user.id}]}, LOCAL, []
            )
            settings.change("invite_automatically", True, LOCAL)
            token_id = tokens.listing()[0].id
            job_id = jobs.start("disable", [user.pk], LOCAL)
            invited = directory.create(attributes.user_type(), {"userName": "invited@example.com"}, LOCAL, [])
            secrets = {"set-up": accounts.new_set_up_secret(), "invitation": invitations.copy_link(invited, LOCAL)}
            account = accounts.create("forgetful@example.com", PASSWORD, "readonly", LOCAL)
            secrets["password"] = links.create("password", account.email, HOUR, administrator_id=account.id)
            clip = {"label": "Desk of ${userUID}", "url": "https://example.com"}
            made = configurations.create(TYPES["webclip"], "Desk", clip, "hold", "everyone", [], LOCAL)
            outbox.queue("test", account.email, administrator_id=account.id, content=("Hello", "you"))
            journal.flush()
        return {
            "user_id": user.id,
            "group_id": group.id,
            "token_id": token_id,
            "account_id": make_account("other@example.com").id,
            "entry_id": history.newest_log_id(),
            "job_id": job_id,
            "mail_id": outbox.page(MailQuery())[0][0].id,
            "name": "badge",
            "configuration_id": made.configuration.id,
            "secret": secrets,  # by the first part of the address
        }


@pytest.fixture
def routes(app, places):
    """Return [(method, path, endpoint, its role)] of every route, with something that exists in its place."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("portal."):
            role = getattr(app.view_functions[rule.endpoint], "role", "undeclared")
            found += [
                (method, path, rule.endpoint, role)
                for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"})
                for path in paths_of(rule.rule, places)
            ]
    return sorted(found)


def paths_of(rule, places):
    """Return the paths of a rule: one for each of the words that it takes, and existing things for the rest."""
    part = re.search(r"<(?:(?P<converter>\w+)(?:\((?P<words>[^)]*)\))?:)?(?P<name>\w+)>", rule)
    if part is None:
        return [rule]
    if part["converter"] == "any":
        words = part["words"].split(", ")
    elif part["name"] == "secret":
        words = [places["secret"][rule.split("/")[1]]]
    else:
        words = [str(places[part["name"]])]
    return [path for word in words for path in paths_of(rule.replace(part[0], word, 1), places)]


def posts(routes):
    return [route for route in routes if route[0] != "GET"]


def send(browser, method, path, data=None, **headers):
    return browser.client.open(path, method=method, data=data, headers=headers)


def contents(app):
    """Return {table: its rows} of everything but visits."""
    with app.app_context():
        tables = [table for table in db.metadata.sorted_tables if table.name not in VISITS]
        return {table.name: [tuple(row) for row in execute(select(table))] for table in tables}


def test_every_page_is_of_the_portal(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {e for e in endpoints if not e.startswith(("portal.", "scim."))} == {
        "static",
        "healthz",
        "readyz",
        "show_metrics",
    }


def test_every_view_declares_who_may(routes):
    assert {endpoint for *_, endpoint, role in routes if role not in (None, PERSON, *accounts.ROLES)} == set()
    assert {endpoint for *_, endpoint, role in routes if role is None} == PUBLIC


def test_what_changes_something_needs_more_than_reading(routes):
    own = {"portal.change_password", "portal.export_chosen"}  # one's own password; and a file
    assert {e for _, _, e, role in posts(routes) if role == "readonly"} <= own
    assert {
        e for _, path, e, role in posts(routes) if path.startswith("/admin") and role != "administrator"
    } == set()


@pytest.mark.parametrize("who", ["stranger", "registered"])
def test_strangers_are_asked_to_sign_in(app, routes, request, who):
    """A person who has registered is a stranger to the pages of administrators."""
    browser = request.getfixturevalue(who)
    before = contents(app)
    token = {} if who == "stranger" else {"X-CSRF-Token": browser.csrf("/device")}
    for method, path, endpoint, role in routes:
        if endpoint not in PUBLIC and not (role == PERSON and who == "registered"):
            sign_in = "/device/sign-in" if role == PERSON else "/sign-in"
            answer = send(browser, method, path, **token)
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, sign_in), (method, path)
            answer = send(browser, method, path, **token, **{"HX-Request": "true"})
            assert (answer.status_code, answer.data) == (401, b""), (method, path)
            assert answer.headers["HX-Redirect"].partition("?")[0] == sign_in
    assert contents(app) == before


def test_the_pages_of_a_person_are_there_for_the_person(routes, registered):
    for method, path, _, role in routes:
        if method == "GET" and role == PERSON:
            assert registered.get(path).status_code == 200


@pytest.mark.parametrize("who", ["alan", "grace", "ada"])
def test_no_administrator_gets_to_the_pages_of_people(app, routes, request, who):
    browser = request.getfixturevalue(who)
    before, token = contents(app), browser.csrf()
    for method, path, _, role in routes:
        if role == PERSON:
            answer = send(browser, method, path, **{"X-CSRF-Token": token})
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/device/sign-in")
    assert contents(app) == before and browser.get("/account").status_code == 200


def test_no_address_of_a_form_is_a_dead_end(routes, ada, registered):
    """A browser shows it once the form was refused, and Enter opens it: it is a page, or leads to one."""
    for _, path, endpoint, role in posts(routes):
        if endpoint not in ASKED_BY_HTMX_ALONE:
            browser = registered if role == PERSON else ada
            status = browser.client.get(path, follow_redirects=True).status_code
            assert status == (410 if endpoint == "portal.send_set_up" else 200), path  # its link is used up


@pytest.mark.parametrize("who", ["alan", "grace", "ada"])
def test_each_role_may_what_it_says_and_no_more(app, routes, request, who):
    browser = request.getfixturevalue(who)
    role = {"alan": "readonly", "grace": "helpdesk", "ada": "administrator"}[who]
    token = browser.csrf()
    for method, path, endpoint, needed in routes:
        if endpoint in PUBLIC or needed == PERSON:
            continue
        may = accounts.RANKS[role] >= accounts.RANKS[needed]
        before = None if may else contents(app)
        answer = send(browser, method, path, **{"X-CSRF-Token": token})
        assert (answer.status_code == 403) != may, (method, path, answer.status_code)
        assert answer.status_code < 500, (method, path)
        if not may:
            assert contents(app) == before, (method, path)


def test_a_page_that_may_be_seen_is_there(routes, ada):
    gone = {"/set-up"}  # there are accounts, so that the link is used up
    for method, path, _, role in routes:
        if method == "GET" and role != PERSON:
            answer = ada.get(path)
            expected = {410} if path.startswith(tuple(gone)) else {200, 204, 302, 303}
            assert answer.status_code in expected, (path, answer.status_code)


def test_looking_changes_nothing(app, routes, ada, stranger):
    for browser in (ada, stranger):
        for method, path, _, _ in routes:
            if method == "GET":
                before = contents(app)
                browser.get(path).get_data()
                browser.client.head(path)
                assert contents(app) == before, path


def test_a_form_without_its_token_changes_nothing(app, routes, ada, registered):
    before, mallory = contents(app), Browser(app)
    form = {"email": "ada@example.com", "password": PASSWORD, "new_password": "meadow-tractor-lamp-9"}
    for method, path, endpoint, role in posts(routes):
        browser = registered if role == PERSON else mallory if endpoint in PUBLIC - SIGN_OUT else ada
        for token in (None, "", "0" * 64, "é"):
            answer = send(browser, method, path, form | ({} if token is None else {"csrf_token": token}))
            assert answer.status_code == 403, (method, path, token)
    assert contents(app) == before
    assert ada.get("/account").status_code == registered.get("/device").status_code == 200
    assert mallory.get("/account").status_code == mallory.get("/device").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
    ids=str,
)
def test_a_form_of_another_site_changes_nothing(app, routes, ada, registered, headers):
    """Even where it got hold of the token. Pages that keep their address to themselves have no origin to tell."""
    before, mallory = contents(app), Browser(app)
    tokens_of = {ada: ada.csrf(), mallory: mallory.csrf("/sign-in"), registered: registered.csrf("/device")}
    for method, path, endpoint, role in posts(routes):
        if headers == {"Origin": "null"} and path.startswith(("/set-up/", "/invitation/", "/password/")):
            continue
        browser = registered if role == PERSON else mallory if endpoint in PUBLIC - SIGN_OUT else ada
        form = {"csrf_token": tokens_of[browser], "email": "ada@example.com", "password": PASSWORD}
        assert send(browser, method, path, form, **headers).status_code == 403, (method, path)
    assert contents(app) == before
    assert ada.get("/account").status_code == registered.get("/device").status_code == 200
    assert mallory.get("/account").status_code == mallory.get("/device").status_code == 303


FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


def test_a_form_that_outlived_its_session_is_kept_to_be_sent_once_more(stranger, ada):
    form = {"user_name": "<half>", "password": PASSWORD}
    for browser, status in ((stranger, 401), (ada, 403)):
        answer = send(browser, "POST", "/users/new", form, **FROM_HERE)
        assert answer.status_code == status
        assert 'name="user_name" value="&lt;half&gt;"' in answer.text and "Send it once more" in answer.text
        assert PASSWORD not in answer.text
    assert ("Your password" in answer.text) and "<half>" not in ada.says("/users")


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}], ids=str
)
def test_a_form_that_may_be_of_another_site_is_not_kept(stranger, ada, headers):
    for browser in (stranger, ada):
        assert "planted" not in send(browser, "POST", "/users/new", {"user_name": "planted"}, **headers).text


def test_a_token_of_another_browser_is_no_token(app, routes, ada, grace):
    before, foreign = contents(app), grace.csrf()
    for method, path, endpoint, role in posts(routes):
        if endpoint not in PUBLIC and role != PERSON:
            assert send(ada, method, path, {"csrf_token": foreign}).status_code == 403, (method, path)
    assert contents(app) == before


def test_an_empty_form_changes_nothing(app, routes, ada):
    token = ada.csrf()
    for method, path, endpoint, _ in posts(routes):
        if endpoint not in SIGN_OUT | ONE_PRESS:
            before = contents(app)
            answer = send(ada, method, path, {"csrf_token": token})
            assert answer.status_code < 500, (method, path)
            assert contents(app) == before, (method, path)


def test_a_form_of_blanks_changes_nothing(app, routes, ada):
    """Every field that any page has, and nothing but blanks in it; a box that is sent is ticked, so none is."""
    fields, token = set(), ada.csrf()
    for method, path, _, _ in routes:
        if method == "GET":
            for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", ada.get(path).text):
                if "checkbox" not in tag and (name := re.search(r' name="([^"]+)"', tag)):
                    fields.add(name[1])
    assert {"email", "password", "role"} <= fields
    for method, path, endpoint, _ in posts(routes):
        if endpoint not in SIGN_OUT | ONE_PRESS:
            before = contents(app)
            answer = send(ada, method, path, dict.fromkeys(fields, " ") | {"csrf_token": token})
            assert answer.status_code < 500, (method, path)
            assert contents(app) == before, (method, path)


def test_a_role_that_was_taken_is_gone_at_once(app, routes, ada):
    with app.app_context(), transaction():
        accounts.change_role(accounts.find_by_email("ada@example.com"), "readonly", LOCAL)
    for method, path, endpoint, role in routes:
        if endpoint not in PUBLIC and role not in ("readonly", PERSON):
            assert send(ada, method, path).status_code == 403, (method, path)


def test_every_form_of_a_page_carries_its_token(routes, ada):
    for method, path, _, _ in routes:
        if method == "GET":
            forms = re.findall(r'<form[^>]*method="post".*?</form>', ada.get(path).text, re.DOTALL)
            assert all(CSRF.search(form) for form in forms), path
