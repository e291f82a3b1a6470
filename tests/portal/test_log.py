"""The provisioning log: every request, what it was about, why it failed and what to do."""

import re

import pytest

from core import journal
from database import transaction
from protocol.definitions import CUSTOM
from tests.conftest import SCIM_JSON
from tests.portal.conftest import words

LOG = "/admin/provisioning-log"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def log(app, alan):
    """Return a function that writes what waits and answers with the log, as one who only reads sees it."""

    def log(query=""):
        with app.app_context(), transaction():
            journal.flush()
        return alan.get(LOG + query)

    return log


@pytest.fixture
def newest(log):
    """Return a function that tells the id of the newest entry."""
    return lambda: int(re.search(r'id="request-(\d+)"', log().text)[1])


def listed(answer):
    """Return [(method, status)] of the rows, newest first."""
    rows = re.findall(r'<tr id="request-.*?</tr>', answer.text, re.DOTALL)
    return [(re.search(r"<code>([A-Z]+) ", row)[1], int(re.search(r">(\d{3})</span>", row)[1])) for row in rows]


def fresh(answer):
    """Return the ids of the rows that are marked as new."""
    return [int(i) for i in re.findall(r'id="request-(\d+)" class="target new"', answer.text)]


def test_requests_are_listed_newest_first(log, scim, barbara):
    scim.get(f"/Users/{barbara['id']}")
    scim.get("/Users/nobody")
    answer = log()
    assert answer.status_code == 200
    assert listed(answer) == [("GET", 404), ("GET", 200), ("POST", 201)]
    assert "bjensen@example.com" in words(answer.text) and "Okta" in words(answer.text)


def test_a_row_leads_to_the_entry_and_to_whom_it_is_about(log, barbara, make_group):
    guides = make_group("Guides")
    page = log().text
    assert re.search(rf'href="{LOG}/\d+"', page)
    assert f'href="/users/{barbara["id"]}"' in page and f'href="/users/groups/{guides["id"]}"' in page


def test_who_is_deleted_is_named_without_a_link(log, scim, barbara):
    scim.delete(f"/Users/{barbara['id']}")
    page = log().text
    assert "bjensen@example.com" in words(page)
    assert f'href="/users/{barbara["id"]}"' not in page


def test_a_refusal_says_why(log, scim, barbara):
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    assert "already" in words(log("?outcome=refused").text)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("ok", [("GET", 200), ("POST", 201)]),
        ("refused", [("GET", 404)]),
        ("changes", [("POST", 201)]),
        ("ignored", []),
    ],
)
def test_outcomes_are_filters(log, scim, barbara, outcome, expected):
    scim.get("/Users/nobody")
    scim.get("/Users")
    assert listed(log(f"?outcome={outcome}")) == expected


def test_filters_are_taken_off_one_by_one(log, scim, barbara):
    page = log(f"?outcome=changes&person={barbara['id']}&token=1&text=jensen").text
    assert [words(chip) for chip in re.findall(r'<a class="chip".*?</a>', page, re.DOTALL)] == [
        "Changes × : take this filter off",
        "About bjensen@example.com × : take this filter off",
        "Token Okta …" + re.search(r"Token Okta …(....)", page)[1] + " × : take this filter off",
        "“jensen” × : take this filter off",
    ]
    assert f'href="{LOG}?outcome=changes&amp;person={barbara["id"]}&amp;token=1"' in page


def test_one_persons_requests(log, scim, barbara, make_user):
    make_user("other@example.com")
    scim.get(f"/Users/{barbara['id']}")
    assert listed(log(f"?person={barbara['id']}")) == [("GET", 200), ("POST", 201)]


def test_one_tokens_requests(log, scim, barbara):
    scim.token = "wrong"
    scim.get("/Users")
    assert listed(log("?token=1")) == [("POST", 201)]
    assert listed(log("?token=2")) == []


def test_text_is_looked_for_in_what_was_sent(log, scim, barbara):
    scim.get("/Users")
    assert listed(log("?text=Tour+Guide&outcome=changes")) == [("POST", 201)]
    assert "No request is like this" in words(log("?text=nothing+like+it").text)


def test_what_a_form_leaves_empty_is_left_out_of_the_address(log, barbara):
    answer = log("?outcome=refused&token=&text=")
    assert answer.status_code == 302
    assert answer.location == f"{LOG}?outcome=refused"


@pytest.mark.parametrize("query", ["outcome=odd", "before=x", "before=-1", f"since={10**30}", "token=%D9%A3"])
def test_a_mistyped_address_is_refused(log, query):
    assert log(f"?{query}").status_code == 400


def test_older_requests_are_on_pages_of_their_own(log, scim):
    for _ in range(60):
        scim.get("/Users/nobody")
    first = log("?outcome=refused")
    older = re.search(r'href="([^"]+)" rel="next"', first.text)[1].replace("&amp;", "&")
    assert len(listed(first)) == 50 and "outcome=refused" in older
    second = log(older.removeprefix(LOG))
    assert len(listed(second)) == 10
    assert "every 3s" not in second.text and 'rel="next"' not in second.text
    assert f'href="{LOG}?outcome=refused"' in second.text


def test_the_list_asks_for_what_is_newer(log, newest, barbara):
    assert f'hx-get="{LOG}?outcome=ok&amp;since={newest()}" hx-trigger="every 3s"' in log("?outcome=ok").text


def test_it_can_be_paused(log, barbara):
    assert f'href="{LOG}?outcome=ok&amp;live=off"' in log("?outcome=ok").text
    page = log("?outcome=ok&live=off").text
    assert "every 3s" not in page and f'href="{LOG}?outcome=ok"' in page


def test_nothing_newer_is_answered_with_nothing(log, newest, barbara):
    answer = log(f"?since={newest()}")
    assert answer.status_code == 204 and not answer.data


def test_what_is_newer_is_marked(log, newest, scim, barbara):
    since = newest()
    scim.get("/Users/nobody")
    answer = log(f"?since={since}")
    assert fresh(answer) == [since + 1] and len(listed(answer)) == 2
    assert f"since={since + 1}" in answer.text
    assert not fresh(log())


def test_what_is_newer_and_filtered_out_is_no_news(log, newest, scim, barbara):
    since = newest()
    scim.get("/Users/nobody")
    assert log(f"?outcome=ok&since={since}").status_code == 204
    assert log(f"?outcome=refused&since={since}").status_code == 200


def test_before_the_first_request_it_says_what_will_be_here(log):
    page = log().text
    said = words(page)
    assert "Never contacted" in said and "http://localhost/scim/v2" in said and "make rehearse" in said
    assert 'href="/admin/identity/user-provisioning/guide"' in page
    assert "since=0" in page
    assert log("?since=0").status_code == 204


def test_names_are_no_markup(log, alan, newest, make_user, make_group):
    make_group(SCRIPT, make_user(SCRIPT, displayName=SCRIPT))
    for page in (log().text, log(f"?text={SCRIPT}").text, alan.get(f"{LOG}/{newest()}").text):
        assert SCRIPT not in page and "&lt;script&gt;" in page


def test_an_entry_explains_a_refusal_first(log, newest, scim, alan, barbara):
    scim.post("/Users", {"userName": "bjensen@example.com", "password": "hunter2"})
    log()
    answer = alan.get(f"{LOG}/{newest()}")
    said = words(answer.text)
    assert answer.status_code == 200
    assert "Okta could not create bjensen@example.com." in words(re.search("<h1>.*?</h1>", answer.text)[0])
    assert "Dashboard > Tasks" in said and "409" in said and "uniqueness" in said


def test_an_entry_shows_bodies_without_secrets(log, newest, scim, alan):
    scim.post("/Users", {"userName": "ada@example.com", "password": "hunter2"})
    page = alan.get(f"{LOG}/{newest()}").text
    assert "hunter2" not in page and "[redacted]" in page
    assert "{\n  &#34;userName&#34;: &#34;ada@example.com&#34;," in page


def test_an_entry_as_a_command_holds_no_token(log, newest, scim, token, alan, barbara):
    page = alan.get(f"{LOG}/{newest()}").text
    command = re.search(r'data-copy="(curl[^"]*)"', page)[1]
    assert "http://localhost/scim/v2/Users" in command and "$ROLLCALL_TOKEN" in command
    assert token not in page


def test_an_entry_leads_to_whom_it_changed_and_their_other_requests(newest, alan, barbara):
    page = alan.get(f"{LOG}/{newest()}").text
    assert f'href="/users/{barbara["id"]}"' in page and f'href="{LOG}?person={barbara["id"]}"' in page


def test_an_ignored_attribute_is_defined_in_one_click(newest, scim, ada, alan, make_user):
    make_user("ada@example.com", **{CUSTOM: {"badge": "12"}})
    path = f"{LOG}/{newest()}"
    page = ada.get(path).text
    assert 'action="/admin/system/attributes/define"' in page and f'name="next" value="{path}"' in page
    answer = ada.post("/admin/system/attributes/define", {"name": "badge", "next": path})
    assert (answer.status_code, answer.location) == (303, path)
    assert "Define it" not in words(ada.get(path).text)


def test_who_only_reads_is_not_offered_to_define(newest, alan, make_user):
    make_user("ada@example.com", **{CUSTOM: {"badge": "12"}})
    page = alan.get(f"{LOG}/{newest()}").text
    assert "/attributes/define" not in page and "An administrator can define it." in words(page)


def test_what_nobody_can_define_is_not_offered(newest, ada, make_user):
    make_user("ada@example.com", **{"nonsense": 1, CUSTOM: {"9 lives": "12"}})
    page = ada.get(f"{LOG}/{newest()}").text
    assert "nonsense" in page and "/attributes/define" not in page


@pytest.mark.parametrize("identifier", [4711, 10**30])
def test_an_entry_that_is_gone_says_so(alan, identifier):
    answer = alan.get(f"{LOG}/{identifier}")
    assert answer.status_code == 404
    assert "it keeps the last 30 days" in words(answer.text)


def test_a_body_that_was_cut_is_shown_as_it_is(newest, scim, alan):
    scim.post("/Users", {"userName": "ada@example.com", "title": "x" * 9000})
    assert "Cut where it was too long" in words(alan.get(f"{LOG}/{newest()}").text)


def test_a_body_that_was_nested_too_deep_is_shown_as_it_is(newest, scim, alan):
    assert scim.open("POST", "/Users", "[" * 400 + "]" * 400, {"Content-Type": SCIM_JSON}).status_code == 400
    page = alan.get(f"{LOG}/{newest()}")
    assert page.status_code == 200 and "[" * 400 in page.text
