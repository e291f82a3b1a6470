"""Whatever Okta sends is text: every attribute holds markup, every page is opened, and nothing runs."""

import re
from urllib.parse import urldefrag, urlsplit

import pytest

from core import configurations
from core.mobileconfig import TYPES
from tests.browser.conftest import ACTOR, inside

PAYLOADS = [
    "<script>window.hacked=1</script>",
    '"><img src=x onerror=window.hacked=1>',
    "'><svg onload=window.hacked=1>",
    "<div hx-get=/sign-in hx-trigger=load>x</div>",
    "javascript:window.hacked=1",
    "{{7*7}}{% raw %}${7*7}",
]
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
STRINGS = "displayName nickName title userType preferredLanguage timezone externalId".split()
MOST_ALIKE = 12  # pages of one shape that are opened: more than there are payloads
LISTS = "emails phoneNumbers ims entitlements roles".split()


def hostile_user(number, payload):
    values = [{"value": f"{payload}", "type": payload, "display": payload, "primary": True}]
    return {
        "userName": f"{payload}{number}",
        "name": dict.fromkeys("formatted familyName givenName middleName honorificPrefix".split(), payload),
        **dict.fromkeys(STRINGS, payload),
        **dict.fromkeys(LISTS, values),
        "addresses": [dict.fromkeys("formatted streetAddress locality region postalCode".split(), payload)],
        ENTERPRISE: dict.fromkeys("employeeNumber costCenter organization division department".split(), payload),
        CUSTOM: {"custAttr1": payload, "undefined<script>": payload},
    }


@pytest.fixture
def hostile(desk):
    """A server on which everything that can hold text holds markup, refusals included."""
    desk.flask("attribute", "add", "custAttr1")
    session, base = desk.server.session(), desk.server.base_url
    ids = []
    for number, payload in enumerate(PAYLOADS):
        answer = session.post(f"{base}/Users", json=hostile_user(number, payload))
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
        group = {"displayName": payload, "externalId": payload, "members": [{"value": i} for i in ids]}
        assert session.post(f"{base}/Groups", json=group).status_code == 201
        session.post(f"{base}/Users", json=hostile_user(number, payload))
        session.get(f"{base}/Users", params={"filter": f'userName eq "{payload}"'})
        session.get(f"{base}/Users", params={"filter": payload})
        session.patch(f"{base}/Users/{ids[0]}", json={"Operations": [{"op": payload, "path": payload}]})
        change = {"op": "replace", "path": "displayName", "value": f"{payload}!"}
        session.patch(f"{base}/Users/{ids[number]}", json={"Operations": [change]})
    with inside(desk.server):
        typed = {"bundle": "com.example.app", "pairs.key": ["office"], "pairs.type": ["string"]}
        typed["pairs.value"] = [PAYLOADS[0] + "${custAttr1}"]
        configurations.create(TYPES["app"], PAYLOADS[1], typed, "hold", "everyone", [], ACTOR)
    return desk


def shape(path):
    """Return a path without ids and query: what it has in common with others of the same page."""
    return re.sub(r"[0-9a-f-]{36}|[0-9]+", "*", path.split("?")[0])


def links(page):
    """Return the paths of this server that a page leads to, without those of other pages of a list."""
    found = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    paths = [urlsplit(urldefrag(url)[0]) for url in found if url.startswith(page.url[: page.url.index("/", 8)])]
    files = (".csv", "/download")
    return [p.path + (f"?{p.query}" if p.query else "") for p in paths if not p.path.endswith(files)]


def test_no_page_runs_what_came_over_scim(hostile):
    page, waiting, seen, payloads = hostile.page, ["/"], set(), 0
    hostile.page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    while waiting and len(seen) < 150:
        path = waiting.pop(0)
        if path in seen or sum(shape(s) == shape(path) for s in seen) > MOST_ALIKE:
            continue
        seen.add(path)
        hostile.open(path)
        assert page.evaluate("window.hacked") is None, path
        assert page.locator("main script, main img[src=x], main [onerror], main [onload]").count() == 0, path
        assert page.locator("[hx-get='/sign-in']").count() == 0, path
        assert page.locator("a[href^='javascript:' i]").count() == 0, path
        assert "49${49}" not in page.content() and "{{7*7}}" not in page.title().replace(PAYLOADS[-1], "")
        payloads += "onerror=window.hacked=1" in page.inner_text("body")
        waiting += links(page)
    assert len(seen) > 20 and payloads > 10
