"""What HTTP asks of the door: methods, media types, conditions, and refusals as SCIM errors."""

import pytest

from tests.scim.test_users import assert_refused, path


@pytest.mark.parametrize(
    "header, value, status",
    [
        ("If-Match", 'W/"1"', 200),
        ("If-Match", '"1"', 200),
        ("If-Match", '"9", W/"1"', 200),
        ("If-Match", "*", 200),
        ("If-Match", 'W/"2"', 412),
        ("If-Match", "nonsense", 412),
        ("If-None-Match", 'W/"1"', 412),
        ("If-None-Match", "*", 412),
        ("If-None-Match", 'W/"2"', 200),
    ],
)
def test_a_write_can_name_the_version_it_is_for(scim, barbara, header, value, status):
    change = {"op": "replace", "path": "title", "value": "Boss"}
    for write in (
        lambda: scim.patch(path(barbara), change, headers={header: value}),
        lambda: scim.put(path(barbara), barbara | {"title": "Boss"}, {header: value}),
    ):
        if status == 412:
            assert_refused(write(), 412)
            assert scim.get(path(barbara)).json == barbara
    if status == 200:
        assert scim.patch(path(barbara), change, headers={header: value}).status_code == 200
    else:
        assert_refused(scim.delete(path(barbara), {header: value}), 412)


@pytest.mark.parametrize("value, status", [('W/"1"', 304), ('"1"', 304), ("*", 304), ('W/"2"', 200), ("x", 200)])
def test_a_get_can_ask_for_news_only(scim, barbara, value, status):
    answer = scim.get(path(barbara), {"If-None-Match": value})
    assert answer.status_code == status and answer.headers["ETag"] == 'W/"1"'
    assert bool(answer.data) == (status == 200)


def test_a_get_for_another_version_is_refused(scim, barbara):
    assert_refused(scim.get(path(barbara), {"If-Match": 'W/"9"'}), 412)


@pytest.mark.parametrize("content_type", ["application/scim+json; charset=utf-8", "application/json", ""])
def test_media_types_that_clients_send(scim, content_type):
    answer = scim.open("POST", "/Users", b'{"userName":"x"}', {"Content-Type": content_type})
    assert answer.status_code == 201 and answer.content_type == "application/scim+json"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_media_types_are_refused(scim, content_type):
    assert_refused(scim.open("POST", "/Users", b'{"userName":"x"}', {"Content-Type": content_type}), 415)
    assert scim.get("/Users").json["totalResults"] == 0


@pytest.mark.parametrize("accept", ["application/scim+json", "application/json", "*/*", "text/html"])
def test_whatever_a_client_accepts_it_gets_scim(scim, barbara, accept):
    assert scim.get(path(barbara), {"Accept": accept}).content_type == "application/scim+json"


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b"\xff", b'{"userName": NaN}', b'"\\ud800"', b"[" * 100_000])
def test_what_is_no_json_is_refused(scim, body):
    assert_refused(scim.open("POST", "/Users", body, {"Content-Type": "application/json"}), 400, "invalidSyntax")


def test_a_body_over_the_limit_is_refused(scim, app):
    limit = app.config["MAX_CONTENT_LENGTH"]
    assert scim.get("/ServiceProviderConfig").json["bulk"]["maxPayloadSize"] == limit
    answer = scim.open("POST", "/Users", b" " * (limit + 1), {"Content-Type": "application/json"})
    assert_refused(answer, 413)
    assert str(limit) in answer.json["detail"]


@pytest.mark.parametrize("url", ["/Nope", "/Users/x/y", "/v2", "/.searching", "/users"])
def test_an_unknown_path_is_a_scim_404(scim, url):
    assert_refused(scim.get(url), 404)


@pytest.mark.parametrize(
    "method, url, allowed",
    [
        ("DELETE", "/Users", {"GET", "HEAD", "POST"}),
        ("PUT", "/Groups", {"GET", "HEAD", "POST"}),
        ("POST", "/Users/1", {"DELETE", "GET", "HEAD", "PATCH", "PUT"}),
        ("POST", "/Schemas", {"GET", "HEAD"}),
        ("OPTIONS", "/Users", {"GET", "HEAD", "POST"}),
        ("GET", "/Bulk", {"POST"}),
        ("GET", "/Users/.search", {"POST"}),
        ("PATCH", "/Groups/.search", {"POST"}),
    ],
)
def test_a_method_that_is_not_allowed_is_a_scim_405(scim, method, url, allowed):
    answer = scim.call(method, url, {})
    assert_refused(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_not_implemented(scim, method):
    assert_refused(scim.call(method, "/Me", {}), 501)


def test_a_head_has_the_headers_of_a_get(scim, barbara):
    answer = scim.open("HEAD", path(barbara))
    assert answer.status_code == 200 and not answer.data and answer.headers["ETag"] == 'W/"1"'


def test_answers_are_not_cached(scim, barbara):
    answer = scim.get(path(barbara))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_outside_of_scim_is_html(app):
    client = app.test_client()
    assert client.get("/sign-in").mimetype == "text/html"
    missing = client.get("/nope")
    assert missing.status_code == 404 and missing.mimetype == "text/html"


def test_health_needs_no_token(app):
    assert app.test_client().get("/healthz").json == {"status": "ok"}
