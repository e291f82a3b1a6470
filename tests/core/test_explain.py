"""Entries of the log in plain words, each as it comes about through the front door; and the same request again."""

import json
import shlex
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from sqlalchemy import update

from core import journal, tokens
from core.explain import as_curl, explain
from core.history import LogQuery, LogRow, log_entry, log_page
from database import execute, from_now, now, transaction
from protocol.definitions import CUSTOM

BASE = "https://rollcall.example.com/scim/v2"
JSON = {"Content-Type": "application/scim+json"}


@pytest.fixture
def newest(app):
    """Return a function that reads the newest entry of the log."""

    def newest():
        with app.app_context():
            while journal.is_waiting():
                with transaction():
                    journal.flush()
            [row], _ = log_page(LogQuery(), count=1)
            return log_entry(row.id)

    return newest


@pytest.fixture
def told(newest):
    """Return a function that explains the newest entry, with and without its bodies."""

    def told():
        row = newest()
        bare = explain(replace(row, request=None, answer=None))
        assert bare.what
        return explain(row)

    return told


def make_row(**values):
    blank = dict.fromkeys(["token_id", "token_name", "address", "resource_type", "resource_id", "subject"])
    known = {
        "id": 1,
        "time": "2026-11-24T10:02:11.000000Z",
        "method": "GET",
        "path": "/scim/v2/Users",
        "status": 200,
    }
    return LogRow(**blank | known | {"scim_type": None, "error": None, "milliseconds": 1.0} | values)


# what succeeded


def test_a_test_of_the_credentials(scim, told):
    scim.get("/Users?startIndex=1&count=2")
    assert told().what == "Okta tested the API credentials: they are accepted."


def test_a_look_up(scim, barbara, told):
    scim.get('/Users?filter=userName%20eq%20"bjensen@example.com"&startIndex=1&count=100')
    assert told().what == "Okta asked whether bjensen@example.com exists: it does."
    scim.get('/Groups?filter=displayName%20eq%20"Guides"')
    assert told().what == "Okta asked whether the group Guides exists: it does not."


def test_a_look_up_whose_answer_is_not_known():
    row = make_row(resource_type="User", subject="ada")
    assert explain(row).what == "Okta asked whether ada exists."


def test_an_import(scim, told):
    scim.get("/Groups?startIndex=1&count=100")
    assert told().what == "Okta read the list of groups."


def test_reading_one(scim, barbara, told):
    answer = scim.get(f"/Users/{barbara['id']}")
    assert told().what == "Okta read bjensen@example.com."
    scim.get(f"/Users/{barbara['id']}", {"If-None-Match": answer.headers["ETag"]})
    assert told().what == "Okta asked whether bjensen@example.com has changed: it has not."


@pytest.mark.parametrize(
    "method, path, body, words",
    [
        ("GET", "/Schemas", None, "Okta asked what Rollcall offers."),
        ("POST", "/Users/.search", {}, "Okta searched."),
        ("POST", "/Bulk", {"Operations": []}, "Okta sent several changes at once."),
    ],
)
def test_what_okta_itself_does_not_ask(scim, told, method, path, body, words):
    scim.call(method, path, body)
    assert told().what == words


def test_life_of_a_user(scim, make_user, told):
    user = make_user("ada")
    path = f"/Users/{user['id']}"
    assert told().what == "Okta created ada."
    scim.put(path, {"userName": "ada"})
    assert told().what == "Okta sent the whole profile of ada."
    scim.put(path, {"userName": "ada", "active": False})
    assert told().what == "Okta sent the whole profile of ada, who is disabled."
    scim.delete(path)
    assert told().what == "Okta deleted ada."


@pytest.mark.parametrize(
    "operation, words",
    [
        ({"op": "replace", "value": {"active": False}}, "Okta disabled ada."),
        ({"op": "Replace", "path": "active", "value": "True"}, "Okta enabled ada."),
        ({"op": "replace", "value": {"password": "x"}}, "Okta sent a password for ada. Rollcall keeps none."),
        ({"op": "replace", "path": "title", "value": "x"}, "Okta changed ada: title."),
        ({"op": "add", "value": {f"{CUSTOM}:badge": "x", "title": "x"}}, "Okta changed ada: badge, title."),
    ],
)
def test_a_changed_user(scim, define, make_user, told, operation, words):
    define("badge")
    scim.patch(f"/Users/{make_user('ada')['id']}", operation)
    assert told().what == words


def test_life_of_a_group(scim, make_user, make_group, told):
    ada, grace = make_user("ada"), make_user("grace")
    group = make_group("Guides")
    path = f"/Groups/{group['id']}"
    assert told().what == "Okta created the group Guides."
    scim.patch(path, {"op": "replace", "value": {"id": group["id"], "displayName": "Guides"}})
    assert told().what == "Okta sent the name of the group Guides."
    both = [{"value": ada["id"]}, {"value": grace["id"]}]
    scim.patch(path, {"op": "add", "path": "members", "value": both})
    assert told().what == "Okta changed the group Guides: added 2 members."
    leave = {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'}
    scim.patch(path, leave, {"op": "add", "path": "members", "value": both[1:]})
    assert told().what == "Okta changed the group Guides: removed 1 member and added 1 member."
    scim.patch(path, {"op": "replace", "path": "members", "value": both})
    assert told().what == "Okta changed the group Guides: made 2 people the members."
    scim.patch(path, {"op": "replace", "value": {"displayName": "Guides", "members": []}})
    assert told().what == "Okta changed the group Guides: made 0 people the members."
    scim.put(path, {"displayName": "Guides", "members": both[:1]})
    assert told().what == "Okta replaced the group Guides, with 1 member."
    scim.delete(path)
    assert told().what == "Okta deleted the group Guides."


def test_what_succeeds_needs_no_cure(scim, barbara, told):
    assert (told().why, told().cure) == ("", "")


def test_ignored_attributes(scim, make_user, told):
    make_user("ada", shoeSize=41, **{CUSTOM: {"costCentre": 1}})
    explained = told()
    assert explained.what == "Okta created ada."
    assert f"{CUSTOM}:costCentre" in explained.why and "shoeSize" in explained.why
    assert "Define costCentre here (Admin > Identity > User Provisioning > Edit Settings" in explained.cure
    assert "no place for shoeSize" in explained.cure and "Directory > Profile Editor" in explained.cure


# what was refused: a reason, and a screen to open


def test_a_taken_user_name(scim, barbara, make_user, told):
    scim.post("/Users", {"userName": "BJENSEN@example.com"})
    explained = told()
    assert explained.what == "Okta could not create BJENSEN@example.com."
    assert "Someone with that user name is here already" in explained.why
    assert "press Retry in Okta (Dashboard > Tasks)" in explained.cure and "takes them over" in explained.cure
    scim.put(f"/Users/{make_user('ada')['id']}", {"userName": "bjensen@example.com"})
    explained = told()
    assert explained.what == "Okta could not change bjensen@example.com."
    assert "Somebody else has that user name" in explained.why
    assert "Applications > the app > Assignments" in explained.cure


def test_a_taken_group_name(scim, make_group, told):
    make_group("Guides")
    scim.post("/Groups", {"displayName": "guides"})
    explained = told()
    assert explained.what == "Okta could not create the group guides."
    assert "a group of that name" in explained.why
    assert "Push Groups and link the group" in explained.cure


def test_an_unknown_member(scim, make_group, told):
    path = f"/Groups/{make_group('Guides')['id']}"
    scim.patch(path, {"op": "add", "path": "members", "value": [{"value": "e9e30dba"}]})
    explained = told()
    assert explained.what == "Okta could not change the group Guides."
    assert "'e9e30dba'" in explained.why and "Nothing of the request was carried out" in explained.why
    assert "Assignments" in explained.cure and "Push now" in explained.cure


def test_a_nested_group(scim, make_group, told):
    path = f"/Groups/{make_group('Guides')['id']}"
    inner = {"value": make_group("Inner")["id"], "type": "Group"}
    scim.patch(path, {"op": "add", "path": "members", "value": [inner]})
    explained = told()
    assert "people only" in explained.why
    assert "Push Groups" in explained.cure


def change_token(app, **values):
    with app.app_context(), transaction():
        execute(update(tokens.TOKENS), values)


TOKENS = {
    "expired": ("has expired", "Generate a token here"),
    "inactive": ("was set to inactive", "Set it to active here"),
    "revoked": ("was removed here", "Generate a token here"),
}


@pytest.mark.parametrize("end", TOKENS)
def test_a_token_that_came_to_an_end(app, scim, told, end):
    why, cure = TOKENS[end]
    change_token(app, **({"expires": from_now(timedelta(hours=-1))} if end == "expired" else {end: now()}))
    scim.get("/Users")
    explained = told()
    assert explained.what == "A request came with a token that is refused."
    assert explained.why == f"The token 'Okta' {why}."
    assert cure in explained.cure
    assert "Applications > the app > Provisioning > Integration > Edit > API Token" in explained.cure


@pytest.mark.parametrize("name", ["it has expired at", "o'clock", "inactive", 'say "x"'])
def test_the_name_of_a_token_says_nothing_of_its_end(app, scim, told, name):
    change_token(app, name=name, revoked=now())
    scim.get("/Users")
    assert told().why == f"The token {name!r} was removed here."


def test_tokens_that_never_were(app, scim, told):
    for secret, why in ((tokens.new_secret(), "no such token"), ("rc_abc", "mistyped")):
        type(scim)(app, secret).get("/Users")
        assert why in told().why
        assert "API Token" in told().cure


def test_no_token_at_all(app, told):
    app.test_client().get("/scim/v2/Users")
    explained = told()
    assert explained.what == "A request came without a token."
    assert "127.0.0.1" in explained.why
    assert "API Token" in explained.cure


REFUSED = [
    ("GET", "/Users?filter=title%20x", None, "Okta could not read a list.", "does not parse", "to userName"),
    ("GET", '/Users?filter=x%20eq%20"y"', None, "", "Unknown attribute", "Unique identifier"),
    (
        "PATCH",
        "/Users/{id}",
        {"op": "add", "path": "nothing", "value": 1},
        "Okta could not",
        "nothing",
        "External name",
    ),
    (
        "PUT",
        "/Users/{id}",
        {"userName": "b", "active": "x"},
        "Okta could not change b.",
        "true or false",
        "of active in",
    ),
    (
        "POST",
        "/Users",
        {"displayName": "Ada"},
        "Okta could not create Ada.",
        "needs a userName",
        "Give userName a value",
    ),
    ("PUT", "/Users/{id}", {"userName": "b", CUSTOM: {"age": "x"}}, "", "a number", "of age in"),
    (
        "PUT",
        "/Users/{id}",
        {"userName": "b", "emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        "",
        "primary",
        "of emails in",
    ),
    ("PATCH", "/Users/{id}", {"op": "remove"}, "", "needs a path", "Force Sync"),
    ("PATCH", "/Users/{id}", {"op": "replace", "path": "id", "value": "x"}, "", "read-only", "mapping of id away"),
    ("PATCH", "/Users/{id}", {"op": "remove", "path": "userName"}, "", "cannot be removed", "mapping of userName"),
    ("PATCH", "/Users/{id}", {"op": "jump", "value": "x"}, "", "'op' must be", "proxy"),
    (
        "PATCH",
        "/Users/gone",
        {"op": "replace", "value": {"userName": "eve"}},
        "eve",
        "is not here",
        "assign the person",
    ),
    (
        "PUT",
        "/Groups/gone",
        {"displayName": "Guides"},
        "the group Guides",
        "is not here",
        "unlink the pushed group",
    ),
    ("GET", "/Users/gone", None, "Okta could not read a user.", "is not here", "Assignments"),
    ("DELETE", "/Users/gone", None, "Okta could not delete a user.", "deleted before", "Nothing needs"),
    ("GET", "/User", None, "", "Nothing is at", "Compare the Base URL"),
    ("GET", "/scim/v2/Users", None, "", "Nothing is at", "Compare the Base URL"),
    ("GET", "/Schemas/x", None, "", "is not here", "look at the client"),
    ("GET", "/Users?count=x", None, "", "whole number", "look at the client"),
    ("POST", "/Users/.search", {"count": "x"}, "Okta could not read a list.", "whole number", "look at the client"),
    ("GET", "/Me", None, "", "/Me is not supported", "look at the client"),
    ("PUT", "/Users", None, "Okta could not change a user.", "not possible", "look at the client"),
]


@pytest.mark.parametrize("method, path, body, what, why, cure", REFUSED, ids=lambda value: str(value)[:40])
def test_refusals(scim, define, make_user, told, method, path, body, what, why, cure):
    define("age", "integer")
    path = path.format(id=make_user("ada")["id"])
    if method == "PATCH":
        body = {"Operations": [body]}
    assert scim.call(method, path, body).status_code >= 400
    explained = told()
    assert what in explained.what
    assert why in explained.why
    assert cure in explained.cure


def test_a_version_that_has_passed(scim, barbara, told):
    scim.put(f"/Users/{barbara['id']}", barbara, {"If-Match": 'W/"99"'})
    assert "in the meantime" in told().why


def test_another_media_type(scim, told):
    scim.open("POST", "/Users", b"<user/>", {"Content-Type": "text/xml"})
    assert "text/xml" in told().why and "between Okta and Rollcall" in told().cure


def test_a_body_that_is_no_json(scim, told):
    scim.open("POST", "/Users", b"{", JSON)
    assert "no valid JSON" in told().why


def test_a_request_that_is_too_large(app, scim, told):
    app.config["MAX_CONTENT_LENGTH"] = 10
    scim.post("/Groups", {"displayName": "Guides"})
    assert "larger than 10 bytes" in told().why
    assert "Push Groups" in told().cure


@pytest.mark.parametrize(
    "status, why, cure",
    [
        (429, "too much to do", "by itself"),
        (503, "too much to do", "Press Retry in Okta: Dashboard > Tasks"),
        (500, "made a mistake", "log says more, at 2026-11-24T10:02:11"),
        (507, "disk of the server is full", "Make room"),
    ],
)
def test_failures_of_the_server(status, why, cure):
    explained = explain(make_row(status=status, method="PUT", resource_type="User", subject="ada"))
    assert explained.what == "Okta could not change ada."
    assert why in explained.why and cure in explained.cure


def test_whatever_is_in_the_log_has_words():
    for status in range(200, 600):
        for method in ("GET", "POST", "PATCH", "BREW"):
            for kind in (None, "User", "Group"):
                for scim_type in (None, "invalidValue", "uniqueness", "tooMany"):
                    row = make_row(
                        status=status, method=method, resource_type=kind, scim_type=scim_type, request="[1]"
                    )
                    explained = explain(row)
                    assert explained.what.endswith(".")
                    assert bool(explained.why and explained.cure) == (status >= 400)


@pytest.mark.parametrize(
    "body", ["[1]", "{", '{"Operations": 5}', '{"Operations": [5, {"op": 1, "path": 2}]}', "null"]
)
def test_a_body_of_any_shape_has_words(body):
    row = make_row(method="PATCH", resource_type="Group", resource_id="x", request=body)
    assert explain(row).what == "Okta changed a group."


# the same request again


def arguments(command):
    return shlex.split(command.replace("\\\n", " "), comments=True)


def test_a_command_repeats_a_write(app, scim, barbara, newest):
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "title", "value": "it's `$HOME`\n"})
    row = newest()
    command = as_curl(row, BASE)
    assert "#" not in command
    parts = arguments(command)
    assert parts[:5] == ["curl", "-i", "-X", "PATCH", f"{BASE}/Users/{barbara['id']}"]
    assert '-H "Authorization: Bearer $ROLLCALL_TOKEN"' in command
    assert parts[parts.index("--data-raw") + 1] == row.request
    assert "Content-Type: application/scim+json" in parts


def test_a_command_repeats_a_look_up(scim, newest):
    scim.get("/Users?filter=userName%20eq%20%22a%2Bb%26count=1%22&startIndex=1")
    url = urlsplit(arguments(as_curl(newest(), BASE))[2])
    assert url.path == "/scim/v2/Users"
    assert parse_qs(url.query) == {"filter": ['userName eq "a+b'], "count": ['1"'], "startIndex": ["1"]}


@pytest.mark.parametrize("name", ["a+b@example.com", "a&b=c", "100% Zoë", "x?y#z", "O'Hara"])
def test_names_are_encoded_again(scim, newest, name):
    scim.client.get(
        "/scim/v2/Users",
        query_string={"filter": f'userName eq "{name}"', "count": "100"},
        headers={"Authorization": f"Bearer {scim.token}"},
    )
    url = urlsplit(arguments(as_curl(newest(), BASE))[2])
    assert parse_qs(url.query) == {"filter": [f'userName eq "{name}"'], "count": ["100"]}


def test_a_path_is_encoded_again(scim, newest):
    scim.get("/Users/a%20b%22%3Fc%23")
    assert arguments(as_curl(newest(), BASE))[2] == f"{BASE}/Users/a%20b%22%3Fc%23"


def test_a_path_below_another_prefix_is_kept(scim, newest):
    scim.get("/scim/v2/Users")
    assert arguments(as_curl(newest(), BASE))[2] == f"{BASE}/scim/v2/Users"


def test_a_head_is_a_head(scim, newest):
    scim.open("HEAD", "/Users")
    assert arguments(as_curl(newest(), BASE))[:3] == ["curl", "-i", "--head"]


def test_what_the_log_cut_is_said(scim, newest):
    scim.post("/Users", {"userName": "ada", "title": "x" * 20_000})
    note, *command = as_curl(newest(), BASE).splitlines()
    assert note.startswith("# The log kept only the beginning of the body")
    assert arguments("\n".join(command))[-2:] == ["--data-binary", "@body.json"]


def test_what_was_taken_out_is_said(scim, newest):
    scim.post("/Users", {"userName": "ada", "password": "S3cret"})
    note, *command = as_curl(newest(), BASE).splitlines()
    assert note.startswith("# Secrets were taken out")
    assert orjson.loads(arguments("\n".join(command))[-1])["password"] == "[redacted]"


def test_a_body_that_was_not_kept_is_said(scim, newest):
    scim.open("POST", "/Users", b'{"password": ', JSON)
    assert as_curl(newest(), BASE).startswith("# The log kept nothing of the body")


def test_a_cut_address_is_said(scim, newest):
    scim.get(f"/Users/{'x' * 5_000}")
    assert as_curl(newest(), BASE).startswith("# The log kept only the beginning of the address.")


def test_no_command_runs_what_a_client_sent():
    evil = "$(touch /tmp/x)'; rm -rf ~ #`\n"
    row = make_row(method=evil, path=f"/scim/v2/{evil}?filter={evil}", request=json.dumps(evil) + evil)
    parts = arguments(as_curl(row, BASE))
    assert len(parts) == 11
    assert parts[parts.index("-X") + 1] == evil
