"""Users through the front door: what comes back, what is refused, what stays."""

import pytest

from core import directory

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"


def path(resource):
    return f"/Users/{resource['id']}"


@pytest.mark.parametrize("host", ["rollcall_app:5000", "rollcall_app"])
def test_a_host_that_stands_in_no_address_leaves_a_path(scim, host):
    answer = scim.post("/Users", {"userName": "ada"}, {"Host": host})
    path = f"/scim/v2/Users/{answer.json['id']}"
    assert (answer.status_code, answer.headers["Location"], answer.json["meta"]["location"]) == (201, path, path)


def assert_refused(answer, status, scim_type=None):
    assert answer.status_code == status, answer.json
    assert answer.content_type == "application/scim+json"
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json["status"] == str(status)
    assert answer.json.get("scimType") == scim_type
    assert answer.json["detail"]


def test_a_post_answers_201_with_location_etag_and_the_whole_user(scim):
    answer = scim.post("/Users", {"schemas": [USER], "userName": "Ada", "password": "s3cret", "groups": []})
    user = answer.json
    assert answer.status_code == 201
    assert answer.headers["Location"] == user["meta"]["location"] == f"http://localhost/scim/v2{path(user)}"
    assert answer.headers["ETag"] == user["meta"]["version"] == 'W/"1"'
    assert user["schemas"] == [USER]
    assert user["userName"] == "Ada" and user["active"] is True
    assert user["meta"]["resourceType"] == "User"
    assert user["meta"]["created"] == user["meta"]["lastModified"]
    assert "password" not in user and "groups" not in user


def test_what_a_post_answers_is_what_a_get_reads(scim, barbara):
    answer = scim.get(path(barbara))
    assert answer.status_code == 200 and answer.json == barbara
    assert answer.headers["ETag"] == barbara["meta"]["version"]


@pytest.mark.parametrize("user_name", ["bjensen@example.com", "BJENSEN@Example.com", "bjensen@example.com"])
def test_a_name_is_taken_without_regard_to_case_and_width(scim, barbara, user_name):
    answer = scim.post("/Users", {"userName": user_name})
    assert_refused(answer, 409, "uniqueness")
    assert user_name in answer.json["detail"]
    assert scim.get("/Users").json["totalResults"] == 1


def test_a_client_chooses_no_id_no_meta_and_no_groups(scim, barbara):
    forged = {"id": "1", "meta": {"created": "1999-01-01T00:00:00Z"}, "groups": [{"value": "x"}], "pk": 1}
    user = scim.post("/Users", forged | {"userName": "mallory"}).json
    assert user["id"] != "1" and user["meta"]["created"] > "2020" and "groups" not in user
    changed = scim.put(path(barbara), forged | {"userName": "bjensen@example.com"}).json
    assert changed["id"] == barbara["id"] and changed["meta"]["created"] == barbara["meta"]["created"]
    assert_refused(scim.get("/Users/1"), 404)


def test_a_numeric_external_id_is_only_an_attribute(scim, barbara):
    assert scim.post("/Users", {"userName": "eve", "externalId": "1"}).status_code == 201
    assert_refused(scim.get("/Users/1"), 404)


def test_a_put_clears_what_it_leaves_out_but_not_active(scim, barbara):
    scim.patch(path(barbara), {"op": "replace", "value": {"active": False}})
    user = scim.put(path(barbara), {"userName": "bjensen@example.com", "nickName": "Babs"}).json
    assert user["nickName"] == "Babs" and "title" not in user and "emails" not in user
    assert user["active"] is False
    assert scim.get(path(barbara)).json == user


def test_a_put_takes_back_whatever_a_get_gave(scim, barbara):
    whole = scim.get(path(barbara)).json
    answer = scim.put(path(barbara), whole | {"password": "x", "groups": [], "nickName": None, "title": ""})
    assert answer.status_code == 200
    assert "title" not in answer.json
    assert {k: v for k, v in answer.json.items() if k != "meta"} == {
        k: v for k, v in whole.items() if k not in ("meta", "title")
    }


def test_a_user_can_be_renamed_and_its_old_name_is_free(scim, barbara):
    assert scim.put(path(barbara), {"userName": "babs"}).json["id"] == barbara["id"]
    assert scim.post("/Users", {"userName": "bjensen@example.com"}).status_code == 201


def test_a_rename_to_a_taken_name_changes_nothing(scim, barbara, make_user):
    other = make_user("other")
    assert_refused(scim.put(path(other), {"userName": "BJensen@example.com", "title": "x"}), 409, "uniqueness")
    assert scim.get(path(other)).json == other


def test_nothing_new_keeps_the_version_and_the_time(scim, barbara):
    same = scim.patch(path(barbara), {"op": "replace", "path": "title", "value": "Tour Guide"})
    assert same.status_code == 200 and same.json == barbara
    assert scim.put(path(barbara), barbara).json == barbara


def test_a_change_counts_the_version_up(scim, barbara):
    changed = scim.patch(path(barbara), {"op": "replace", "path": "title", "value": "Boss"}).json
    assert changed["meta"]["version"] == 'W/"2"'
    assert changed["meta"]["lastModified"] > barbara["meta"]["lastModified"]
    assert changed["meta"]["created"] == barbara["meta"]["created"]


def test_a_deactivated_user_stays_readable_under_its_id(scim, barbara):
    answer = scim.patch(path(barbara), {"op": "replace", "value": {"active": False}})
    assert answer.status_code == 200 and answer.json["active"] is False
    assert scim.get(path(barbara)).json["active"] is False
    assert [u["id"] for u in scim.find("Users", 'userName eq "bjensen@example.com"')] == [barbara["id"]]


def test_a_patch_is_whole_or_absent(scim, barbara):
    answer = scim.patch(
        path(barbara),
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "nope", "value": 1},
    )
    assert_refused(answer, 400, "invalidPath")
    assert scim.get(path(barbara)).json == barbara


def test_what_is_there_is_not_added_again(scim, barbara):
    again = {"value": "BABS@jensen.org", "type": "home", "primary": True}
    twice = [{"value": "new@x"}, {"value": "new@x"}]
    emails = scim.patch(path(barbara), {"op": "add", "path": "emails", "value": [again, *twice]}).json["emails"]
    assert emails == [
        {"value": "bjensen@example.com", "type": "work", "primary": False},
        {"value": "BABS@jensen.org", "type": "home", "primary": True},
        {"value": "new@x"},
    ]


@pytest.mark.parametrize("nothing", [[{"nope": "x"}], [{"value": None}], [None], {}])
def test_a_remove_that_names_nothing_removes_nothing(scim, barbara, nothing):
    answer = scim.patch(path(barbara), {"op": "remove", "path": "emails", "value": nothing})
    assert_refused(answer, 400, "invalidValue")
    assert scim.get(path(barbara)).json == barbara


def test_a_removed_active_counts_as_disabled_until_it_is_set(scim, barbara):
    assert "active" not in scim.patch(path(barbara), {"op": "remove", "path": "active"}).json
    assert scim.find("Users", "active eq true") == scim.find("Users", "active pr") == []
    assert "active" not in scim.put(path(barbara), barbara | {"active": None}).json


@pytest.mark.parametrize(
    "operation, scim_type",
    [
        ({"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members", "value": []}, "invalidPath"),
        ({"op": "add", "path": f'{ENTERPRISE}:manager[value eq "x"]', "value": "x"}, "invalidPath"),
        ({"op": "add", "path": 'emails[type eq "work"].value.x', "value": "x"}, "invalidPath"),
        ({"op": "add", "path": f"{ENTERPRISE}:shoeSize.left", "value": "x"}, None),
    ],
)
def test_a_path_is_obeyed_or_refused_but_for_unknown_extension_attributes(scim, barbara, operation, scim_type):
    answer = scim.patch(path(barbara), operation)
    assert answer.status_code == (400 if scim_type else 200) and answer.json.get("scimType") == scim_type
    assert scim.get(path(barbara)).json == barbara


def test_the_urn_of_the_core_schema_stands_for_the_user(scim, barbara):
    for change in ({"path": USER, "value": {"title": "a"}}, {"value": {USER: {"title": "b"}}}):
        answer = scim.patch(path(barbara), {"op": "replace"} | change)
        assert answer.json["title"] in "ab"


def test_a_delete_is_complete(scim, barbara, make_group):
    group = make_group("Guides", barbara)
    answer = scim.delete(path(barbara))
    assert answer.status_code == 204 and not answer.data
    assert_refused(scim.get(path(barbara)), 404)
    assert_refused(scim.delete(path(barbara)), 404)
    assert_refused(scim.put(path(barbara), {"userName": "x"}), 404)
    assert_refused(scim.patch(path(barbara), {"op": "replace", "value": {"active": True}}), 404)
    assert scim.get("/Users").json["totalResults"] == 0
    left = scim.get(f"/Groups/{group['id']}").json
    assert "members" not in left and left["meta"]["version"] != group["meta"]["version"]
    assert scim.post("/Users", {"userName": "bjensen@example.com"}).json["id"] != barbara["id"]


def test_groups_of_a_user_follow_the_groups(scim, barbara, make_group):
    group = make_group("Guides", barbara)
    user = scim.get(path(barbara)).json
    location = f"http://localhost/scim/v2/Groups/{group['id']}"
    assert user["groups"] == [{"value": group["id"], "$ref": location, "display": "Guides", "type": "direct"}]
    assert user["meta"]["version"] != barbara["meta"]["version"]
    assert_refused(scim.patch(path(barbara), {"op": "remove", "path": "groups"}), 400, "mutability")
    assert scim.put(path(barbara), barbara | {"groups": []}).json["groups"] == user["groups"]


@pytest.mark.parametrize("where", ["attributes=password", "attributes=userName,password", ""])
def test_a_password_is_never_read(scim, barbara, where):
    assert scim.patch(path(barbara), {"op": "replace", "value": {"password": "s3cret"}}).status_code == 200
    assert scim.patch(path(barbara), {"op": "add", "path": "password", "value": "t0p"}).status_code == 200
    assert "password" not in scim.get(f"{path(barbara)}?{where}").json


@pytest.mark.parametrize("filter", ['password eq "s3cret"', "password pr", 'not (password sw "s")'])
def test_a_password_is_never_filtered_on(scim, barbara, filter):
    assert_refused(scim.post("/Users/.search", {"filter": filter}), 400, "invalidFilter")


@pytest.mark.parametrize("method", ["post", "put", "patch", "get", "search", "list"])
def test_attributes_choose_what_is_shown_by_every_verb(scim, barbara, method):
    query = "?attributes=userName,name.familyName,emails.value"
    answers = {
        "post": lambda: scim.post(f"/Users{query}", barbara | {"userName": "twin"}).json,
        "put": lambda: scim.put(path(barbara) + query, barbara).json,
        "patch": lambda: (
            scim.call(
                "PATCH", path(barbara) + query, {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
            ).json
        ),
        "get": lambda: scim.get(path(barbara) + query).json,
        "list": lambda: scim.get(f"/Users{query}").json["Resources"][0],
        "search": lambda: scim.post(
            "/Users/.search", {"attributes": ["userName", "name.familyName", "emails.value"]}
        ).json["Resources"][0],
    }
    shown = answers[method]()
    assert shown.keys() == {"schemas", "id", "userName", "name", "emails"}
    assert shown["name"] == {"familyName": "Jensen"}
    assert shown["emails"] == [{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}]


def test_excluded_attributes_are_left_out_but_never_the_id(scim, barbara):
    shown = scim.get(f"{path(barbara)}?excludedAttributes=id,schemas,name.givenName,emails,meta").json
    assert shown["id"] == barbara["id"] and shown["schemas"] == [USER]
    assert shown["name"] == {"familyName": "Jensen"}
    assert "emails" not in shown and "meta" not in shown and shown["title"] == "Tour Guide"


def test_both_ways_to_choose_are_refused(scim, barbara):
    answer = scim.get(f"{path(barbara)}?attributes=userName&excludedAttributes=title")
    assert_refused(answer, 400, "invalidValue")


def test_a_custom_attribute_is_there_at_once(scim, define, barbara):
    unknown = scim.patch(path(barbara), {"op": "replace", "value": {CUSTOM: {"custAttr1": "Berlin"}}})
    assert unknown.status_code == 200 and CUSTOM not in unknown.json
    define("custAttr1")
    schema = scim.get(f"/Schemas/{CUSTOM}").json
    assert [(a["name"], a["type"]) for a in schema["attributes"]] == [("custAttr1", "string")]
    user = scim.patch(path(barbara), {"op": "replace", "value": {CUSTOM: {"custAttr1": "Zürich"}}}).json
    assert user[CUSTOM] == {"custAttr1": "Zürich"} and user["schemas"] == [USER, CUSTOM]
    assert [u["id"] for u in scim.find("Users", f'{CUSTOM}:custAttr1 eq "ZÜRICH"')] == [barbara["id"]]
    assert scim.get(f"{path(barbara)}?attributes={CUSTOM}:custAttr1").json[CUSTOM] == user[CUSTOM]
    cleared = scim.patch(path(barbara), {"op": "remove", "path": f"{CUSTOM}:custAttr1"}).json
    assert CUSTOM not in cleared and cleared["schemas"] == [USER]


@pytest.mark.parametrize(
    "kind, good, bad",
    [
        ("string", "x", 5),
        ("boolean", True, "maybe"),
        ("integer", 4711, 4.5),
        ("decimal", 2.5, "2.5"),
        ("dateTime", "2026-01-31T08:30:00+01:00", "yesterday"),
    ],
)
def test_custom_attributes_have_types(scim, define, barbara, kind, good, bad):
    define("one", kind)
    define("many", kind, multi_valued=True)
    user = scim.put(path(barbara), barbara | {CUSTOM: {"one": good, "many": [good]}}).json
    assert user[CUSTOM] == {"one": good, "many": [good]}
    assert type(user[CUSTOM]["one"]) is type(good)
    for refused in ({"one": bad}, {"one": [good]}, {"many": [bad]}, {"many": "x"}):
        assert_refused(scim.put(path(barbara), barbara | {CUSTOM: refused}), 400, "invalidValue")
    assert scim.get(path(barbara)).json == user


def test_the_schemas_list_what_the_user_has(scim, barbara):
    user = scim.put(path(barbara), barbara | {ENTERPRISE: {"department": "Tours", "shoeSize": 41}}).json
    assert user["schemas"] == [USER, ENTERPRISE] and user[ENTERPRISE] == {"department": "Tours"}


@pytest.mark.parametrize(
    "body, scim_type",
    [
        ({}, "invalidValue"),
        ({"userName": ""}, "invalidValue"),
        ({"userName": "  "}, "invalidValue"),
        ({"userName": None}, "invalidValue"),
        ({"userName": 5}, "invalidValue"),
        ({"userName": "a\u0000b"}, "invalidValue"),
        ({"userName": "x", "USERNAME": "y"}, "invalidSyntax"),
        ({"userName": "x", "schemas": ["urn:nope"]}, "invalidSyntax"),
        ([], "invalidSyntax"),
        ("x", "invalidSyntax"),
    ],
)
def test_what_is_no_user_is_refused(scim, body, scim_type):
    assert_refused(scim.post("/Users", body), 400, scim_type)
    assert scim.get("/Users").json["totalResults"] == 0


def certificates(size):
    """Return an attribute of so many bytes, of values that the indexes of PostgreSQL take, too."""
    return {"x509Certificates": [{"value": f"{n:A>1988}"} for n in range(size // 2_000)]}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_user_may_be_large_and_no_larger(scim, barbara, method):
    def send(size):
        if method == "PATCH":
            return scim.patch(path(barbara), {"op": "replace", "value": certificates(size)})
        user = {"userName": barbara["userName"] if method == "PUT" else "ada"} | certificates(size)
        return scim.call(method, "/Users" if method == "POST" else path(barbara), user)

    before = scim.get("/Users").json["Resources"]
    refused = send(directory.MAX_DOCUMENT + 2_000)
    assert_refused(refused, 400, "invalidValue")
    assert "shorten x509Certificates" in refused.json["detail"]
    assert scim.get("/Users").json["Resources"] == before
    assert send(directory.MAX_DOCUMENT - 4_000).status_code in (200, 201)


def test_a_user_that_is_too_large_already_may_shrink_be_disabled_and_deleted(scim, barbara, monkeypatch):
    monkeypatch.setattr(directory, "MAX_DOCUMENT", 100)

    def patch(**value):
        return scim.patch(path(barbara), {"op": "replace", "value": value})

    assert_refused(patch(nickName="Babs, as nobody calls her but us"), 400, "invalidValue")
    disabled = patch(active=False)
    assert disabled.status_code == 200 and disabled.json["active"] is False
    assert patch(emails=[], displayName="").status_code == 200
    assert scim.get(path(barbara)).json["userName"] == barbara["userName"]
    assert scim.delete(path(barbara)).status_code == 204
