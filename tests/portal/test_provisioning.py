"""Admin > Identity > User Provisioning: base URL, tokens, health and settings."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

import database
from core import attributes, history, jobs, journal, settings, tokens, tunnel
from core.journal import Actor
from core.tunnel import Tunnel, TunnelError
from database import db, transaction
from models import AuditLine, Job, Token
from portal import provisioning
from protocol.definitions import CUSTOM
from tests.portal.conftest import PASSWORD, words

PAGE = "/admin/identity/user-provisioning"
SECRET = re.compile(r"rc_[A-Za-z0-9]{49}")
ACTOR = Actor("Command line")
SCRIPT = "<script>alert(1)</script>"
FORMS = (
    "/tokens",
    "/tokens/1/renew",
    "/tokens/1/inactive",
    "/tokens/1/active",
    "/tokens/1/remove",
    "/tunnel",
    "/address",
    "/address/stop",
    "/settings",
    "/settings/attributes/custAttr1/remove",
)


@pytest.fixture
def rows(app):
    """Return a function that looks the tokens up, those that were removed too."""

    def rows():
        with app.app_context():
            return tokens.listing(all=True)

    return rows


@pytest.fixture
def setting(app):
    def setting(name):
        with app.app_context():
            return settings.get(name)

    return setting


@pytest.fixture
def change_token(app):
    """Return a function that changes the columns of a token."""

    def change_token(identifier, **values):
        with app.app_context(), transaction():
            database.execute(update(Token.__table__).where(Token.__table__.c.id == identifier), values)

    return change_token


@pytest.fixture
def flush(app):
    """Return a function that writes the log's waiting entries, as the server does every second."""

    def flush():
        with app.app_context(), transaction():
            journal.flush()

    return flush


def generate(browser, **fields):
    return browser.post(f"{PAGE}/tokens", {"name": "Okta", "expires": "180", "password": PASSWORD} | fields)


def renew(browser, identifier, **fields):
    fields = {"overlap": "1", "expires": "180", "password": PASSWORD} | fields
    return browser.post(f"{PAGE}/tokens/{identifier}/renew", fields)


def newest(browser, path=PAGE):
    return re.search(r'name="newest" value="(\d+)"', browser.get(path).text)[1]


def later(app, **delta):
    with app.app_context():
        return database.from_now(timedelta(**delta))


# who may


@pytest.mark.parametrize("path", ["", "/settings", "/guide"])
def test_everybody_who_signed_in_may_look(alan, path):
    assert alan.get(PAGE + path).status_code == 200


@pytest.mark.parametrize("path", FORMS)
def test_only_an_administrator_changes_anything(grace, alan, token, define, rows, setting, app, path):
    define("custAttr1")
    fields = {
        "name": "Other",
        "expires": "180",
        "overlap": "0",
        "password": PASSWORD,
        "url": "https://elsewhere.example.com",
        "invite_automatically": "1",
        "confirmation": "custAttr1",
    }
    before = rows()
    for browser in (grace, alan):
        assert browser.post(PAGE + path, fields).status_code == 403
    assert rows() == before
    assert setting("public_url") == "" and setting("invite_automatically") is False
    with app.app_context():
        assert [row.name for row in attributes.listing()] == ["custAttr1"]


@pytest.mark.parametrize("path", ["/tokens/1/renew", "/tokens/1/remove", "/settings/attributes/custAttr1/remove"])
def test_only_an_administrator_sees_what_asks_for_a_change(grace, token, define, path):
    define("custAttr1")
    assert grace.get(PAGE + path).status_code == 403


def test_who_may_not_change_anything_is_not_offered_to(alan, token, define):
    define("custAttr1")
    main = alan.get(PAGE).text.split("<main", 1)[1]
    assert "<form" not in main and "Renew" not in main and "Remove" not in main
    main = alan.get(f"{PAGE}/settings").text.split("<main", 1)[1]
    assert "<form" not in main and "Remove" not in main and "custAttr1" in main


@pytest.mark.parametrize("path", ["/tokens", "/tunnel", "/address"])
def test_the_address_of_a_form_leads_back_to_the_page(ada, path):
    answer = ada.get(PAGE + path)
    assert (answer.status_code, answer.location) == (303, PAGE)


# the base URL


def test_the_page_shows_okta_and_its_base_url(ada):
    page = ada.get(PAGE)
    assert page.status_code == 200
    assert "<h1>User Provisioning</h1>" in page.text and ">Okta</h2>" in page.text
    assert 'data-copy="http://localhost/scim/v2"' in page.text
    assert "Edit Settings" in page.text


def test_an_address_that_okta_cannot_reach_is_warned_of(ada):
    said = ada.says(PAGE)
    assert "Okta cannot reach this address" in said
    assert "ngrok http 80" in said and "reverse proxy" in said


@pytest.mark.parametrize(
    ("address", "obstacle"),
    [
        ("https://rollcall.example.com", None),
        ("https://rollcall.example.com/sub", None),
        ("https://8.8.8.8", None),
        ("http://rollcall.example.com", "insecure"),
        ("http://localhost:5000", "private"),
        ("https://127.0.0.1", "private"),
        ("https://10.1.2.3", "private"),
        ("https://[::1]:5000", "private"),
        ("https://[fd00::1]", "private"),
        ("https://rollcall", "private"),
        ("https://rollcall.local", "private"),
        ("https://my_rollcall.example.com", "underscore"),
    ],
)
def test_what_keeps_okta_from_an_address(address, obstacle):
    assert provisioning._obstacle(address) == obstacle


def test_an_address_without_https_is_warned_of(app, ada):
    app.config["PUBLIC_URL"] = "http://rollcall.example.com"
    said = ada.says(PAGE)
    assert "http://rollcall.example.com/scim/v2" in said and "by https only" in said


@pytest.mark.parametrize(
    "host", ["[", "[::1", "a b", 'x"><script>alert(1)</script>', "rollcall:99999", "", "xn--\xff"]
)
def test_whatever_host_was_called_the_page_answers(ada, host):
    page = ada.client.get(PAGE, environ_overrides={"HTTP_HOST": host})
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_a_proxy_that_nobody_told_rollcall_of_is_named(ada):
    page = ada.get(PAGE, **{"X-Forwarded-For": "192.0.2.1"})
    assert "Something in front of Rollcall passes requests on" in words(page.text)
    assert "Something in front of Rollcall" not in ada.says(PAGE)


def test_a_tunnel_is_found_and_used(app, ada, setting, monkeypatch):
    asked = []

    def find(api_url, port):
        asked.append((api_url, port))
        return Tunnel("https://ada.ngrok.app", "http://localhost:80")

    monkeypatch.setattr(tunnel, "find", find)
    app.config["NGROK_API"] = "http://127.0.0.1:4999/api/tunnels"
    page = ada.post(f"{PAGE}/tunnel")
    assert page.status_code == 200 and asked == [("http://127.0.0.1:4999/api/tunnels", 80)]
    assert "Use this address" in page.text and setting("public_url") == ""

    url = re.search(r'name="url" value="([^"]+)"', page.text)[1]
    answer = ada.post(f"{PAGE}/address", {"url": url})
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert setting("public_url") == "https://ada.ngrok.app"
    said = ada.says(PAGE)
    assert "https://ada.ngrok.app/scim/v2" in said and "cannot reach" not in said and "Stop using it" in said

    page = ada.post(f"{PAGE}/tunnel")
    assert "It is in use already" in words(page.text)
    assert ada.post(f"{PAGE}/address/stop").status_code == 303
    assert setting("public_url") == ""
    assert "http://localhost/scim/v2" in ada.says(PAGE)


def test_the_port_is_our_own_whatever_host_was_called(app, ada, monkeypatch):
    asked = []
    monkeypatch.setattr(tunnel, "find", lambda _, port: asked.append(port) or Tunnel("https://a.ngrok.app", "5000"))
    data = {"csrf_token": ada.csrf()}
    ada.client.post(f"{PAGE}/tunnel", data=data, environ_overrides={"SERVER_PORT": "5000"})
    assert asked == [5000]


def test_a_tunnel_that_is_not_found_says_what_to_type(ada, setting, monkeypatch):
    def find(api_url, port):
        raise TunnelError("The ngrok agent has no tunnel: run `ngrok http 80` on this machine, then try again.")

    monkeypatch.setattr(tunnel, "find", find)
    page = ada.post(f"{PAGE}/tunnel")
    assert page.status_code == 422
    assert "run `ngrok http 80` on this machine" in words(page.text)
    assert setting("public_url") == ""


@pytest.mark.parametrize("url", ["http://ada.ngrok.app", "javascript:alert(1)", f"https://x/{SCRIPT}", ""])
def test_what_is_no_https_address_is_refused(ada, setting, url):
    page = ada.post(f"{PAGE}/address", {"url": url})
    assert page.status_code == 422 and SCRIPT not in page.text
    assert 'role="alert"' in page.text
    assert setting("public_url") == ""


def test_the_environments_address_goes_before(app, ada, setting):
    app.config["PUBLIC_URL"] = "https://rollcall.example.com"
    said = ada.says(PAGE)
    assert "https://rollcall.example.com/scim/v2" in said and "Set by ROLLCALL_PUBLIC_URL" in said
    assert "Find my tunnel" not in said
    page = ada.post(f"{PAGE}/address", {"url": "https://ada.ngrok.app"})
    assert page.status_code == 422 and "ROLLCALL_PUBLIC_URL is set" in words(page.text)
    assert setting("public_url") == ""


# tokens


def test_a_token_is_shown_once_and_works(app, ada, scim, rows):
    answer = generate(ada, name="Production")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert "It is not shown again." in words(answer.text)
    secret = SECRET.search(answer.text)[0]
    assert f'data-copy="{secret}"' in answer.text
    assert scim.get("/Users", {"Authorization": f"Bearer {secret}"}).status_code == 200
    row = rows()[-1]
    assert (row.name, row.last_four) == ("Production", secret[-4:])
    assert later(app, days=179) < row.expires < later(app, days=181)


def test_a_token_is_kept_nowhere(app, ada):
    answer = generate(ada)
    secret = SECRET.search(answer.text)[0]
    assert not SECRET.search(ada.get(PAGE).text)
    assert secret not in str(answer.headers)
    with app.app_context():
        for table in db.metadata.tables.values():
            assert secret not in str(database.execute(select(table)).all())
        line = database.execute(select(AuditLine.__table__).order_by(AuditLine.__table__.c.id.desc())).first()
    assert (line.actor, line.action, line.resource_type, line.name) == (
        "ada@example.com",
        "created",
        "Token",
        "Okta",
    )


def test_a_form_that_is_sent_again_makes_no_other_token(ada, rows):
    known = newest(ada)
    assert generate(ada, newest=known).status_code == 200
    again = generate(ada, newest=known, name="Other")
    assert again.status_code == 422 and not SECRET.search(again.text)
    assert "A token was made since this form was opened" in words(again.text)
    assert [row.name for row in rows()] == ["Okta"]
    assert generate(ada, newest=newest(ada), name="Other").status_code == 200


@pytest.mark.parametrize(("expires", "days"), [("90", 90), ("180", 180), ("365", 365), ("never", None)])
def test_how_long_a_token_lives_is_chosen(app, ada, rows, expires, days):
    generate(ada, expires=expires)
    expiry = rows()[0].expires
    assert expiry is None if days is None else later(app, days=days - 1) < expiry <= later(app, days=days)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "wrong"}, "This is not your password."),
        ({"name": " "}, "A token needs a name of one line"),
        ({"name": "x" * 101}, "A token needs a name of one line"),
        ({"expires": "7"}, "Choose when the token expires."),
        ({"expires": ""}, "Choose when the token expires."),
    ],
)
def test_a_token_that_cannot_be_is_refused(ada, rows, fields, said):
    page = generate(ada, **({"name": "Staging"} | fields))
    assert page.status_code == 422 and not SECRET.search(page.text)
    assert said in words(page.text)
    assert f'value="{fields.get("name", "Staging")}"' in page.text  # what was typed
    assert 'value="wrong"' not in page.text
    assert rows() == []


def test_a_third_token_is_refused_with_the_reason(ada, rows):
    generate(ada, name="One")
    generate(ada, name="Two")
    page = generate(ada, name="Three")
    assert page.status_code == 422
    assert "There are two live tokens already, 'One' and 'Two'" in words(page.text)
    assert [row.name for row in rows()] == ["One", "Two"]


def test_a_name_that_is_taken_is_refused(ada, rows):
    generate(ada)
    page = generate(ada)
    assert page.status_code == 422 and "There is a token named 'Okta' already" in words(page.text)
    assert len(rows()) == 1


def test_a_tokens_name_is_text(ada):
    generate(ada, name=SCRIPT)
    for path in ("", "/guide", "/tokens/1/renew", "/tokens/1/remove"):
        page = ada.get(PAGE + path).text
        assert SCRIPT not in page and "&lt;script&gt;" in page


def test_the_table_says_what_is_known_of_a_token(ada, scim, flush):
    scim.get("/Users")
    flush()
    said = ada.says(PAGE)
    for head in ("Name", "Last four", "Created", "Expires", "Last used", "From where", "State"):
        assert head in said
    assert scim.token[-4:] in said and "127.0.0.1" in said and "Active" in said
    assert scim.token not in said


def test_renewing_lets_the_old_token_go_on(app, ada, scim, rows):
    answer = renew(ada, 1, overlap="2", newest=newest(ada, f"{PAGE}/tokens/1/renew"))
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["HX-Replace-Url"] == PAGE
    secret = SECRET.search(answer.text)[0]
    assert scim.get("/Users", {"Authorization": f"Bearer {secret}"}).status_code == 200
    assert scim.get("/Users").status_code == 200
    old, new = rows()
    assert (old.name, new.name) == ("Okta (until renewed)", "Okta")
    assert later(app, hours=1) < old.expires <= later(app, hours=2)


def test_without_an_overlap_the_old_token_ends_at_once(ada, scim):
    assert renew(ada, 1, overlap="0").status_code == 200
    assert scim.get("/Users").status_code == 401
    assert "Expired" in ada.says(PAGE)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "wrong"}, "This is not your password."),
        ({"overlap": "25"}, "The overlap must be 0 to 24 hours."),
        ({"overlap": "-1"}, "The overlap must be a whole number of hours"),
        ({"overlap": "1.5"}, "The overlap must be a whole number of hours"),
        ({"overlap": "9" * 400}, "The overlap must be a whole number of hours"),
        ({"expires": "soon"}, "Choose when the token expires."),
        ({"newest": "0"}, "A token was made since this form was opened"),
    ],
)
def test_a_renewal_that_cannot_be_is_refused(ada, token, rows, fields, said):
    before = rows()
    page = renew(ada, 1, **fields)
    assert page.status_code == 422 and said in words(page.text)
    assert rows() == before


def test_a_renewal_that_is_sent_again_makes_no_other_token(ada, token, rows):
    known = newest(ada, f"{PAGE}/tokens/1/renew")
    assert renew(ada, 1, newest=known, overlap="0").status_code == 200
    assert renew(ada, 1, newest=known, overlap="0").status_code == 422
    assert len(rows()) == 2


def change(browser, name, password=PASSWORD):
    return browser.post(f"{PAGE}/tokens/1/{name}", {"password": password})


def test_a_token_is_set_to_inactive_and_back(ada, scim):
    answer = change(ada, "inactive")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert scim.get("/Users").status_code == 401
    said = ada.says(PAGE)
    assert "The token 'Okta' is inactive" in said and "Set to Active" in said
    assert change(ada, "active").status_code == 303
    assert scim.get("/Users").status_code == 200


def test_a_third_live_token_is_not_set_to_active(ada, token, rows):
    change(ada, "inactive")
    generate(ada, name="One")
    generate(ada, name="Two")
    page = change(ada, "active")
    assert page.status_code == 422 and "There are two live tokens already" in words(page.text)
    assert rows()[0].inactive


@pytest.mark.parametrize(
    "name, label", [("inactive", "Set to Inactive"), ("active", "Set to Active"), ("remove", "Remove")]
)
def test_changing_a_token_asks_for_the_password(ada, token, rows, name, label):
    if name == "active":
        change(ada, "inactive")
    before = rows()
    assert f"{label}: Okta" in ada.says(f"{PAGE}/tokens/1/{name}")
    page = change(ada, name, "wrong")
    assert page.status_code == 422 and "This is not your password" in words(page.text)
    assert rows() == before
    assert change(ada, name).status_code == 303
    assert rows() != before


def test_removing_says_what_it_stops(ada, scim, rows):
    said = ada.says(f"{PAGE}/tokens/1/remove")
    assert scim.token[-4:] in said and "No other token is live" in said
    answer = change(ada, "remove")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert rows()[0].revoked and scim.get("/Users").status_code == 401
    assert "The token 'Okta' is removed." in ada.says(PAGE)


@pytest.mark.parametrize("change", ["renew", "inactive", "active", "remove"])
def test_a_token_that_is_not_there_is_not_found(ada, token, rows, change):
    ada.post(f"{PAGE}/tokens/1/remove", {"password": PASSWORD})
    before = rows()
    for identifier in (1, 2, 2**70):
        fields = {"password": PASSWORD, "overlap": "1", "expires": "180"}
        assert ada.post(f"{PAGE}/tokens/{identifier}/{change}", fields).status_code == 404
    assert rows() == before


def test_five_wrong_passwords_are_enough(app, ada, rows):
    statuses = {generate(ada, password="wrong").status_code for _ in range(12)}
    assert statuses == {422, 429}
    assert rows() == []


@pytest.mark.parametrize(
    ("days", "banner"), [(29.5, 'class="banner"'), (6.5, 'class="banner bad"'), (31, None), (None, None)]
)
def test_a_token_that_ends_soon_is_warned_of(app, ada, token, change_token, days, banner):
    change_token(1, expires=later(app, days=days) if days else None)
    page = ada.get(PAGE).text
    assert (f"{banner}>" in page) is bool(banner)
    assert ("The token Okta ends" in words(page)) is bool(banner)


def test_the_successor_of_a_token_is_asked_for_until_okta_uses_it(ada, scim, flush, change_token):
    scim.get("/Users")
    flush()
    secret = SECRET.search(renew(ada, 1).text)[0]
    assert "Okta has not used Okta" in ada.says(PAGE)
    scim.get("/Users", {"Authorization": f"Bearer {secret}"})
    flush()
    assert "Okta has not used Okta" not in ada.says(PAGE)


# health


def health(browser):
    return words(browser.get(PAGE).text.split('id="health"')[1].split("</section>")[0])


def test_the_health_card_looks_again_by_itself(ada):
    page = ada.get(PAGE).text
    card = page[page.index('id="health"') :].split(">")[0]
    assert f'hx-get="{PAGE}"' in card and 'hx-trigger="every 5s"' in card and 'hx-select="#health"' in card
    # an error's answer has no card, which would take the card's place
    assert 'hx-status:5xx="swap:none"' in card and 'hx-status:4xx="swap:none"' in card


def test_never_contacted_then_healthy_then_failing_then_healthy(app, ada, scim, flush):
    assert "Never contacted" in health(ada)
    scim.get("/Users?startIndex=1&count=2")
    flush()
    assert "Healthy" in health(ada) and "just now" in health(ada)
    scim.post("/Users", {"userName": "ada", "emails": 7})
    flush()
    with app.app_context():
        since, error = database.execute(select(history.ENTRIES.c.time, history.ENTRIES.c.error)).all()[-1]
    assert f"Failing since {since[11:16]}" in health(ada)
    assert error in health(ada) and "See what was refused, and what to do" in health(ada)
    scim.post("/Users", {"userName": "ada"})
    assert "Healthy" in health(ada)


def test_a_long_silence_is_said(app, ada, scim, flush, change_token):
    scim.get("/Users")
    flush()
    long_ago = later(app, days=-3, minutes=-1)
    change_token(1, last_used=long_ago)
    with app.app_context(), transaction():
        database.execute(update(history.ENTRIES), {"time": long_ago})
    assert "Silent for 3 d" in health(ada)


def test_what_was_refused_is_text(ada, scim, make_user, flush):
    make_user(f"{SCRIPT}@example.com")
    scim.post("/Users", {"userName": f"{SCRIPT}@example.com"})
    flush()
    assert "Failing since" in health(ada) and SCRIPT not in ada.get(PAGE).text


# settings


def save(browser, **fields):
    return browser.post(f"{PAGE}/settings", fields)


def test_the_settings_have_the_words_of_the_manual(ada, define):
    define("custAttr1")
    page = ada.get(f"{PAGE}/settings").text
    said = words(page)
    assert "<h1>Edit Settings</h1>" in page
    for text in (
        "Automatically invite users imported from Okta",
        "Add Custom Attribute",
        "Custom Attributes",
        "Attribute Name",
        "Attribute Type",
        "Save Changes",
    ):
        assert text in said
    assert "Days that the link is valid" in said
    assert re.search(r'data-label="Attribute Type">IDP</td>', page)


def test_the_switch_is_saved(ada, setting):
    answer = save(ada, invite_automatically="1", invited_before="0")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}/settings")
    assert setting("invite_automatically") is True
    page = ada.get(f"{PAGE}/settings").text
    assert "Users imported from Okta are invited automatically." in words(page)
    assert re.search(r'name="invite_automatically"[^>]* checked', page)
    save(ada, invited_before="1")
    assert setting("invite_automatically") is False


def test_an_old_form_does_not_turn_the_switch_back(ada, setting):
    save(ada, invite_automatically="1", invited_before="0")
    save(ada, invited_before="0", name="custAttr1")  # opened before, for the attribute
    assert setting("invite_automatically") is True


def test_saving_what_is_so_changes_nothing(app, ada):
    assert save(ada, invited_before="0").status_code == 303
    assert "Nothing was changed" in ada.says(f"{PAGE}/settings")
    with app.app_context():
        assert not database.execute(select(AuditLine).where(AuditLine.resource_type == "Setting")).all()


@pytest.mark.parametrize("button", [{}, {"do": "add"}])
def test_a_custom_attribute_is_added(app, ada, button):
    answer = save(ada, invited_before="0", name=" custAttr1 ", type="string", **button)
    assert answer.status_code == 303
    with app.app_context():
        row = attributes.listing()[0]
    assert (row.name, row.type, row.multi_valued) == ("custAttr1", "string", False)
    page = ada.get(answer.location).text
    assert re.search(r"<details open>\s*<summary>What to paste in Okta's Profile Editor", page)
    for label in ("Display name", "Variable name", "External name"):
        assert f'data-copy="custAttr1" aria-label="Copy {label} of custAttr1"' in page
    assert f'data-copy="{CUSTOM}" aria-label="Copy External namespace of custAttr1"' in page
    assert "Read/Write" in page


@pytest.mark.parametrize(
    ("type", "many", "okta"),
    [
        ("string", False, "string"),
        ("decimal", False, "number"),
        ("dateTime", False, "string"),
        ("integer", True, "integer array"),
        ("boolean", False, "boolean"),
        ("boolean", True, "string array"),
    ],
)
def test_the_data_type_is_said_in_oktas_words(ada, define, type, many, okta):
    define("custAttr1", type, many)
    page = ada.get(f"{PAGE}/settings").text
    assert f'data-copy="{okta}" aria-label="Copy Data type of custAttr1"' in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "do": "add"}, "An attribute needs a name"),
        ({"name": "1st"}, "is no attribute name"),
        ({"name": SCRIPT}, "is no attribute name"),
        ({"name": "userUID"}, "is the name of a system attribute"),
        ({"name": "CUSTATTR1"}, "There is an attribute"),
        ({"name": "floor", "type": "complex"}, "is no attribute type"),
    ],
)
def test_an_attribute_that_cannot_be_is_refused_with_all_that_was_sent(app, ada, define, setting, fields, said):
    define("custAttr1")
    page = save(ada, invite_automatically="1", invited_before="0", multi_valued="1", **fields)
    assert page.status_code == 422 and said in words(page.text) and SCRIPT not in page.text
    assert re.search(r'name="invite_automatically"[^>]* checked', page.text)
    assert re.search(r'name="multi_valued"[^>]* checked', page.text)
    assert setting("invite_automatically") is False  # both, or neither
    with app.app_context():
        assert [row.name for row in attributes.listing()] == ["custAttr1"]


def test_how_many_users_have_a_value_is_said(ada, define, make_user):
    define("custAttr1")
    make_user("ada@example.com", **{CUSTOM: {"custAttr1": "Berlin"}})
    make_user("bob@example.com")
    page = ada.get(f"{PAGE}/settings").text
    assert re.search(r'data-label="Users with a value" class="number">1</td>', page)


def remove(browser, name="custAttr1", **fields):
    fields = {"confirmation": name, "password": PASSWORD} | fields
    return browser.post(f"{PAGE}/settings/attributes/{name}/remove", fields)


def test_removing_an_attribute_says_how_many_lose_a_value(app, ada, scim, define, make_user):
    define("custAttr1")
    person = make_user("ada@example.com", **{CUSTOM: {"custAttr1": "Berlin"}})
    assert "1 user loses a value" in ada.says(f"{PAGE}/settings/attributes/custAttr1/remove")
    answer = remove(ada)
    assert (answer.status_code, answer.location) == (303, f"{PAGE}/settings")
    assert "custAttr1 is removed. 1 user lost a value." in ada.says(f"{PAGE}/settings")
    with app.app_context():
        assert attributes.listing() == []
    assert CUSTOM not in scim.get(f"/Users/{person['id']}").json


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"confirmation": "custattr"}, "This is not the attribute's name"),
        ({"confirmation": ""}, "This is not the attribute's name"),
        ({"password": "wrong"}, "This is not your password"),
    ],
)
def test_removing_an_attribute_needs_its_name_and_the_password(app, ada, define, fields, said):
    define("custAttr1")
    page = remove(ada, **fields)
    assert page.status_code == 422 and said in words(page.text)
    assert f'value="{fields.get("confirmation", "custAttr1")}"' in page.text
    with app.app_context():
        assert len(attributes.listing()) == 1


def test_an_attribute_of_many_is_removed_by_a_job(app, ada, define, make_user, monkeypatch):
    define("custAttr1")
    make_user("ada@example.com", **{CUSTOM: {"custAttr1": "Berlin"}})
    monkeypatch.setattr(jobs, "PORTION", 0)
    answer = remove(ada)
    assert (answer.status_code, answer.location) == (303, "/admin/jobs/1")
    with app.app_context():
        job = database.execute(select(Job.__table__)).one()
        assert (job.kind, job.subject, job.total, job.actor) == (
            "remove attribute",
            "custAttr1",
            1,
            "ada@example.com",
        )
    page = ada.get(f"{PAGE}/settings").text
    assert "Being removed" in page and 'href="/admin/jobs/1"' in page


@pytest.mark.parametrize("name", ["custAttr1", "x%3Cscript%3E"])
def test_an_attribute_that_is_not_there_is_not_found(ada, name):
    path = f"{PAGE}/settings/attributes/{name}/remove"
    assert ada.get(path).status_code == 404
    assert ada.post(path, {"confirmation": name, "password": PASSWORD}).status_code == 404


# the guide


def test_the_guide_has_this_installations_values(app, ada, define, token):
    app.config["PUBLIC_URL"] = "https://rollcall.example.com"
    define("custAttr1")
    page = ada.get(f"{PAGE}/guide").text
    for text in (
        "https://rollcall.example.com/scim/v2",
        "SCIM 2.0 Test App (OAuth Bearer Token)",
        "userName",
        CUSTOM,
    ):
        assert f'data-copy="{text}"' in page
    assert 'data-copy="custAttr1"' in page and token not in page
    said = words(page)
    for text in ("Test API Credentials", "Create Users", "Deactivate Users", "Assignments", "Push Groups"):
        assert text in said


def test_the_guide_works_before_anything_is_there(alan):
    said = alan.says(f"{PAGE}/guide")
    assert "There is none yet" in said and "None is defined yet" in said
