"""Users who are added here: the form, and what it must not undo."""

import re

import pytest

from tests.portal.conftest import words

CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FORM = {
    "user_name": "ada@example.com",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "display_name": "Ada Lovelace",
    "email": "ada@example.com",
    "title": "Countess",
    "department": "Engines",
    "locale": "en-GB",
}


def add(browser, **others):
    """Add a user through the form and return the id."""
    answer = browser.post("/users/new", FORM | others)
    assert answer.status_code == 303, answer.text
    return answer.location.rpartition("/")[2]


def form_of(browser, user_id):
    """Return what a browser would send back of the edit form."""
    page = browser.get(f"/users/{user_id}/edit").text
    inputs = re.findall(r'<input [^>]*?name="([^"]+)"[^>]*?value="([^"]*)"', page)
    selects = re.findall(r'<select [^>]*?name="([^"]+)".*?</select>', page, re.DOTALL)
    chosen = {name: option(page, name) for name in selects}
    areas = dict(re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL))
    return {name: value for name, value in inputs if name != "csrf_token"} | chosen | areas


def option(page, name):
    select = re.search(rf'<select [^>]*?name="{name}".*?</select>', page, re.DOTALL)[0]
    return re.search(r'<option value="([^"]*)" selected', select)[1]


def edit(browser, user_id, **typed):
    return browser.post(f"/users/{user_id}/edit", form_of(browser, user_id) | typed)


def test_the_helpdesk_adds_a_user(grace, scim):
    user = scim.get(f"/Users/{add(grace)}").json
    assert user["userName"] == "ada@example.com" and user["active"] is True
    assert user["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
    assert user["emails"] == [{"value": "ada@example.com", "type": "work", "primary": True}]
    assert user["title"] == "Countess" and user["locale"] == "en-GB" and user["displayName"] == "Ada Lovelace"
    assert user[ENTERPRISE] == {"department": "Engines"}


def test_the_new_user_is_local_and_the_notice_says_it_is_done(grace):
    text = grace.says(f"/users/{add(grace)}")
    assert "Added ada@example.com." in text
    assert "Source Local" in text


def test_the_audit_trail_names_who_added_the_user(grace):
    assert "grace@example.com created" in grace.says(f"/users/{add(grace)}/activity")


def test_a_user_name_is_enough(grace, scim):
    answer = grace.post("/users/new", {"user_name": "  bare@example.com "})
    user = scim.get(f"/Users/{answer.location.rpartition('/')[2]}").json
    assert user["userName"] == "bare@example.com" and "emails" not in user and "name" not in user


def test_custom_attributes_are_typed(grace, scim, define):
    for name, kind in (("text", "string"), ("whole", "integer"), ("part", "decimal"), ("flag", "boolean")):
        define(name, kind)
    define("moment", "dateTime")
    define("tags", "string", multi_valued=True)
    typed = {
        "custom.text": "Berlin",
        "custom.whole": "12",
        "custom.part": "1.5",
        "custom.flag": "false",
        "custom.moment": "2026-01-31T12:00:00Z",
        "custom.tags": "red\r\n\r\n green \r\n",
    }
    user_id = add(grace, **typed)
    assert scim.get(f"/Users/{user_id}").json[CUSTOM] == {
        "text": "Berlin",
        "whole": 12,
        "part": 1.5,
        "flag": False,
        "moment": "2026-01-31T12:00:00Z",
        "tags": ["red", "green"],
    }
    version = scim.get(f"/Users/{user_id}").json["meta"]["version"]
    assert edit(grace, user_id).status_code == 303
    assert scim.get(f"/Users/{user_id}").json["meta"]["version"] == version  # an untouched form changes nothing


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "twelve"),
        ("integer", "1.5"),
        ("integer", "9" * 40),
        ("decimal", "nan"),
        ("dateTime", "tomorrow"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_beside_its_field(grace, scim, define, kind, text):
    define("attr", kind)
    answer = grace.post("/users/new", FORM | {"custom.attr": text})
    assert answer.status_code == 422
    assert 'id="custom.attr-problem"' in answer.text
    assert "attr must" in answer.text and "urn:" not in answer.text
    assert f'value="{text}"' in answer.text and 'value="Countess"' in answer.text  # nothing typed is lost
    assert scim.get("/Users").json["totalResults"] == 0


def test_an_empty_form_makes_nobody(grace, scim):
    answer = grace.post("/users/new")
    assert answer.status_code == 422
    assert "A person needs a user name." in answer.text
    assert scim.get("/Users").json["totalResults"] == 0


def test_a_user_name_that_is_taken_is_refused_beside_it(grace, scim, barbara):
    answer = grace.post("/users/new", FORM | {"user_name": "BJensen@example.com"})
    assert answer.status_code == 409
    assert 'id="user_name-problem"' in answer.text and "taken already" in answer.text
    assert 'value="BJensen@example.com"' in answer.text
    assert scim.get("/Users").json["totalResults"] == 1


def test_an_edit_changes_what_was_typed(grace, scim):
    user_id = add(grace)
    answer = edit(grace, user_id, title="Programmer", department="", email="ada@lovelace.org")
    assert (answer.status_code, answer.location) == (303, f"/users/{user_id}")
    user = scim.get(f"/Users/{user_id}").json
    assert user["title"] == "Programmer" and ENTERPRISE not in user
    assert user["emails"] == [{"value": "ada@lovelace.org", "type": "work", "primary": True}]
    assert "grace@example.com changed" in grace.says(f"/users/{user_id}/activity")


def test_an_emptied_address_goes(grace, scim):
    user_id = add(grace)
    edit(grace, user_id, email="")
    assert "emails" not in scim.get(f"/Users/{user_id}").json


def test_what_the_form_does_not_show_stays(app, grace, scim):
    """A local user may have come with more than the form shows."""
    from core import attributes, directory
    from core.journal import Actor
    from database import transaction

    body = {
        "userName": "more@example.com",
        "nickName": "Mo",
        "name": {"givenName": "M", "middleName": "X."},
        "emails": [{"value": "home@x.org", "type": "home"}, {"value": "w@x.org", "type": "work", "primary": True}],
        ENTERPRISE: {"costCenter": "4711", "department": "D"},
    }
    with app.app_context(), transaction():
        user_id = directory.create(attributes.user_type(), body, Actor("Command line"), []).id
    edit(grace, user_id, given_name="Mary", email="new@x.org", department="E")
    user = scim.get(f"/Users/{user_id}").json
    assert user["nickName"] == "Mo" and user["name"] == {"givenName": "Mary", "middleName": "X."}
    assert user[ENTERPRISE] == {"costCenter": "4711", "department": "E"}
    assert user["emails"] == [
        {"value": "home@x.org", "type": "home"},
        {"value": "new@x.org", "type": "work", "primary": True},
    ]


def test_a_field_that_is_not_sent_stays(grace, scim, define):
    """The attribute was defined, and given a value, while the form was open."""
    user_id = add(grace)
    answer = grace.post(f"/users/{user_id}/edit", {"version": "1", "title": "Programmer"})
    assert answer.status_code == 303
    user = scim.get(f"/Users/{user_id}").json
    assert user["userName"] == "ada@example.com" and user["title"] == "Programmer"


def test_an_old_form_does_not_undo_what_was_saved_since(ada, grace, scim):
    user_id = add(grace)
    old = form_of(grace, user_id)
    edit(ada, user_id, title="Programmer")
    answer = grace.post(f"/users/{user_id}/edit", old | {"locale": "fr-FR"})
    assert answer.status_code == 409
    assert scim.get(f"/Users/{user_id}").json["locale"] == "en-GB"
    assert "ada@example.com changed title Countess → Programmer" in words(answer.text)
    assert 'value="fr-FR"' in answer.text  # what was typed
    assert "Stored now: en-GB" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert 'value="Programmer"' in answer.text and "Stored now: Programmer" not in answer.text


def test_an_old_form_shows_what_is_typed_where_both_typed(ada, grace, define):
    define("tags", "string", multi_valued=True)
    user_id = add(grace, **{"custom.tags": "red\r\ngreen"})
    old = form_of(grace, user_id)
    edit(ada, user_id, title="Programmer", department="", **{"custom.tags": "blue"})
    edit(ada, user_id, nothing="", title="Pioneer")
    answer = grace.post(f"/users/{user_id}/edit", old | {"title": "Mine", "custom.tags": "red\r\ngreen"})
    text = words(answer.text)
    assert 'value="Mine"' in answer.text and "Stored now: Pioneer" in text
    assert 'value="Engines"' not in answer.text  # cleared by the other one
    assert "Stored now: red" not in text and "blue" in text


def test_an_old_form_can_be_sent_anew(ada, grace, scim):
    user_id = add(grace)
    old = form_of(grace, user_id)
    edit(ada, user_id, title="Programmer")
    answer = grace.post(f"/users/{user_id}/edit", old | {"version": "2", "locale": "fr-FR"})
    assert answer.status_code == 303
    assert scim.get(f"/Users/{user_id}").json["locale"] == "fr-FR"


@pytest.mark.parametrize("version", ["", "x", "99", "9" * 5000])
def test_a_form_of_no_version_changes_nothing(grace, scim, version):
    user_id = add(grace)
    assert grace.post(f"/users/{user_id}/edit", FORM | {"version": version, "title": "X"}).status_code == 409
    assert scim.get(f"/Users/{user_id}").json["title"] == "Countess"


def test_a_refused_edit_changes_nothing(grace, scim, barbara):
    user_id = add(grace)
    for typed, status in ({"user_name": "bjensen@example.com"}, 409), ({"user_name": ""}, 422):
        answer = edit(grace, user_id, title="X", **typed)
        assert answer.status_code == status and 'id="user_name-problem"' in answer.text
        assert scim.get(f"/Users/{user_id}").json["title"] == "Countess"


def test_users_of_okta_are_read_only_here(grace, scim, barbara):
    path = f"/users/{barbara['id']}/edit"
    for answer in (grace.get(path), grace.post(path, {"version": "1", "title": "X"})):
        assert answer.status_code == 409
        assert "Managed by Okta" in answer.text
    assert scim.get(f"/Users/{barbara['id']}").json["title"] == "Tour Guide"


def test_who_may_only_read_adds_and_edits_nobody(alan, grace, scim):
    user_id = add(grace)
    for path in ("/users/new", f"/users/{user_id}/edit"):
        assert alan.get(path).status_code == 403
        assert alan.post(path, FORM | {"version": "1", "title": "X"}).status_code == 403
    assert scim.get(f"/Users/{user_id}").json["title"] == "Countess"
    assert scim.get("/Users").json["totalResults"] == 1


def test_markup_that_was_typed_comes_back_as_text(grace, define):
    define("tags", "string", multi_valued=True)
    text = '"><script>alert(1)</script></textarea>'
    answer = grace.post("/users/new", {"title": text, "custom.tags": text})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
