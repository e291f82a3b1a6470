"""The dashboard: health, numbers, what needs somebody, and two weeks in a picture."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from core import health, journal, tokens
from core.journal import Actor
from database import db, execute, from_now, transaction
from models import Token
from portal import dashboard
from portal.dashboard import user_counts
from protocol.definitions import CUSTOM
from tests.portal.conftest import words


@pytest.fixture
def page(app, alan):
    """Return a function that writes what waits and answers with the dashboard, as one who only reads sees it."""

    def page(browser=alan):
        with app.app_context(), transaction():
            journal.flush()
        answer = browser.get("/")
        assert answer.status_code == 200, answer.text
        return answer.text

    return page


def test_at_first_it_says_what_to_do(page):
    said = words(page())
    assert "First steps" in said and "Never contacted" in said
    assert "http://localhost/scim/v2" in said and "make rehearse" in said
    assert "There is no token yet" in said and "Provisioning in the last" not in said
    assert 'href="/admin/identity/user-provisioning/guide"' in page()


def test_a_request_makes_it_healthy(page, barbara):
    said = words(page())
    assert "Healthy" in said and "Last request" in said and "First steps" not in said
    assert "Nothing: all is as it should be." in said


def test_a_refusal_makes_it_fail_and_leads_to_the_entry(page, scim, barbara):
    scim.post("/Users", {"userName": "bjensen@example.com"})
    text = page()
    assert re.search(r"Failing since .*\d\d:\d\d UTC", words(text)) and "1 request is failing" in words(text)
    assert re.search(r'409 <a href="/admin/provisioning-log/\d+">', text)
    assert 'href="/admin/provisioning-log?outcome=refused"' in text


def test_without_javascript_the_day_and_the_clock_of_a_failure_are_utc(page, monkeypatch):
    since = "2026-01-01T20:02:00.000000Z"
    monkeypatch.setattr(health, "provisioning_health", lambda: health.Health("failing", since, since))
    assert "data-clock>2026-01-01 20:02 UTC</time>" in page()
    monkeypatch.setattr(dashboard, "now", lambda: "2026-01-01T23:00:00.000000Z")
    assert "data-clock>20:02 UTC</time>" in page()


def test_silence_is_told(page, monkeypatch):
    since = "2026-01-01T10:00:00.000000Z"
    monkeypatch.setattr(health, "provisioning_health", lambda: health.Health("silent", since, since))
    assert re.search(r"Silent for \d+ d ", words(page()))


def test_users_are_counted_by_state_with_links_to_them(page, scim, barbara, make_user):
    ada = make_user("ada@example.com")
    scim.patch(f"/Users/{ada['id']}", {"op": "replace", "path": "active", "value": False})
    text = page()
    said = words(text)
    assert "Users 2 Enabled 1 Disabled 1 SCIM Okta 2 Local 0" in said
    assert "Not Invited 2 Pending 0 Completed 0 Expired 0" in said
    for query in ("status=enabled", "status=disabled", "source=scim", "source=local", "invite=pending"):
        assert f'href="/users?{query}"' in text
    assert 'href="/users?invite=not+invited"' in text


def test_groups_are_counted_by_source(page, make_group):
    make_group("Guides")
    assert "User groups 1 SCIM Okta groups 1 Local groups 0" in words(page())


def test_totals_are_sums():
    totals = {("scim", True, "pending"): 5, ("scim", False, "pending"): 2, ("local", True, "not invited"): 1}
    assert user_counts(totals) == {
        "all": 8,
        "status": [("enabled", 6), ("disabled", 2)],
        "source": [("scim", 7), ("local", 1)],
        "invite": [("not invited", 1), ("pending", 7), ("completed", 0), ("expired", 0)],
    }


def test_an_attribute_that_nobody_defined_is_defined_in_one_click(page, ada, make_user):
    make_user("ada@example.com", **{CUSTOM: {"badge": "12"}})
    assert "Okta sends badge , which nobody defined" in words(page())
    assert "An administrator can define it." in words(page()) and "/attributes/define" not in page()
    assert 'action="/admin/system/attributes/define"' in page(ada)
    answer = ada.post("/admin/system/attributes/define", {"name": "badge", "next": "/"})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "nobody defined" not in words(page(ada))


def set_expiry(app, moment):
    with app.app_context(), transaction():
        execute(update(Token.__table__), {"expires": moment(), "last_used": moment()})


@pytest.mark.parametrize(
    ("days", "said"),
    [(20.5, "expires in 20 days"), (1.5, "expires in 1 day"), (0.5, "expires within a day"), (-1, "has expired")],
)
def test_tokens_that_end_are_told(app, page, token, days, said):
    set_expiry(app, lambda: from_now(timedelta(days=days)))
    assert f"The token Okta {said}" in words(page())


def test_that_no_token_is_live_is_told(app, page, barbara):
    with app.app_context(), transaction():
        tokens.revoke("Okta", Actor("Command line"))
    assert "No token is live" in words(page())


def test_two_weeks_are_a_picture_and_a_table(page, scim, barbara):
    scim.get("/Users")
    scim.post("/Users", {"userName": "bjensen@example.com"})
    text = page()
    label = re.search(r'<svg[^>]* role="img"\s+aria-label="([^"]+)"', text)[1]
    assert "1 reads, 1 changes, 1 refused" in label and "at most 3 on one day" in label
    svg = re.search(r"<svg class=\"chart.*?</svg>", text, re.DOTALL)[0]
    heights = [float(h) for h in re.findall(r'class="[abc]" x="\d+" y="[\d.]+" width="14" height="([\d.]+)"', svg)]
    assert len(heights) == 3 and sum(heights) == pytest.approx(94, abs=0.1)
    assert "style=" not in text
    day = re.search(r"<tr><th scope=\"row\">[\d-]+</th>.*?</tr>", text)[0]
    assert words(day)[10:].split() == ["1", "1", "1"] and text.count('<th scope="row">') == 14


def test_names_are_no_markup(app, page, scim, make_user):
    script = "<script>alert(1)</script>"
    make_user(script)
    scim.post("/Users", {"userName": script})
    assert script not in page() and "&lt;script&gt;" in page()


def test_it_counts_no_users(app, sqlite, alan, make_user):
    """A million of them are added up already."""
    make_user("ada@example.com")
    statements = []
    with app.app_context():
        event.listen(db.engine, "checkout", lambda raw, *_: raw.set_trace_callback(statements.append))
    alan.get("/")
    assert any("FROM user_counts" in s for s in statements)
    assert [s for s in statements if re.search(r"\bFROM users\b", s) and "json_each" not in s] == []
