"""What every page owes: headers, refusals in the frame, nothing of the machine."""

import pytest

from portal import access
from tests.portal.conftest import Browser, words

PAGES = ["/", "/users", "/users/groups", "/admin/identity/user-provisioning", "/admin/provisioning-log", "/account"]
PAGES += ["/admin/audit", "/admin/administrators", "/admin/system/attributes", "/nothing/here"]


def directives(answer):
    policy = answer.headers["Content-Security-Policy"]
    return {part.split()[0]: part.split()[1:] for part in policy.split(";")}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_strict_policy(ada, path):
    answer = ada.get(path)
    policy = directives(answer)
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["form-action"] == ["'self'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_names_the_host_that_a_request_made_up(ada, path):
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert "evil.example" not in ada.get(path, **headers).text


@pytest.mark.parametrize("host", ["a..b", ".a", "x" * 64, "x" * 64 + ".example.com"])
@pytest.mark.parametrize(
    "path", ["/sign-in", "/", "/healthz", "/static/app.css", "/nothing/here", "/scim/v2/Users"]
)
def test_a_host_that_can_be_none_is_refused(ada, stranger, caplog, host, path):
    for browser in (ada, stranger):
        answer = browser.get(path, Host=host)
        assert answer.status_code in (400, 401), answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "name", ["endpoint", "_method", "_external", "_scheme", "_anchor", "values", "group_id", "self"]
)
def test_any_parameter_may_be_in_an_address(app, ada, make_group, name):
    group = f"/users/groups/{make_group('Sales')['id']}"
    for path in (*PAGES[:-1], group, "/admin/mail", "/configurations"):
        answer = ada.get(f"{path}?{name}=https://evil.example/&q=a&text=a")
        assert answer.status_code in (200, 302, 303), (path, answer.text)
        assert answer.headers.get("Location", "/").startswith("/"), path


def test_an_unknown_page_stands_in_the_frame_and_leads_on(ada):
    answer = ada.get("/nothing/here")
    assert answer.status_code == 404
    assert "Nothing is here" in words(answer.text) and 'href="/users"' in answer.text


def test_a_person_who_is_not_here_gets_a_page_that_says_so(ada):
    answer = ada.get("/users/groups/00000000-0000-0000-0000-000000000000")
    assert answer.status_code == 404
    assert "was deleted, or never existed" in words(answer.text)


@pytest.mark.parametrize("path", ["/console", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/admin/.."])
def test_there_is_no_debugger(ada, path):
    answer = ada.get(path)
    assert answer.status_code in (200, 404)
    assert "debugger" not in words(answer.text).lower()


def test_an_answer_that_shows_no_notices_leaves_them_for_one_that_does(grace):
    group = grace.post("/users/groups/new", {"name": "Guides"}).location
    poll = grace.get("/admin/provisioning-log", **{"HX-Request": "true", "X-Without-Notices": "true"})
    assert poll.status_code == 200 and "Added the group" not in poll.text
    assert "Added the group Guides." in grace.says(group)
    assert "Added the group" not in grace.says(group)


def test_a_mistake_of_ours_shows_nothing_of_it(app, ada, monkeypatch):
    monkeypatch.setattr(access, "local_path", None)
    answer = ada.get("/sign-in")
    assert answer.status_code == 500
    said = words(answer.text)
    assert "Something went wrong" in said and "Traceback" not in said and "NoneType" not in said


def test_a_form_that_is_too_large_is_refused(ada):
    form = {"new_password": "x" * (access.LARGEST_FORM + 1)}
    answer = ada.post("/account/password", form)
    assert answer.status_code == 413
    assert "larger than Rollcall takes" in words(answer.text)


def test_a_session_that_nobody_made_signs_nobody_in(app, ada):
    for value in ("", "x", "../../etc", "0" * 43, "é" * 43):
        browser = Browser(app)
        browser.client.set_cookie("rollcall", value)
        assert browser.get("/account").status_code == 303
