"""Groups through the front door: members are a set of users."""

import pytest

from tests.scim.test_users import assert_refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def path(group):
    return f"/Groups/{group['id']}"


def members(scim, group):
    return {member["value"] for member in scim.get(path(group)).json.get("members", [])}


def filled(value, people):
    """Return `value` with {0}, {1} and {2} replaced by the ids of the people."""
    if isinstance(value, str):
        for i, person in enumerate(people):
            value = value.replace(f"{{{i}}}", person["id"])
    elif isinstance(value, dict):
        return {name: filled(part, people) for name, part in value.items()}
    elif isinstance(value, list):
        return [filled(part, people) for part in value]
    return value


@pytest.fixture
def people(make_user):
    return [make_user(name) for name in ("ada", "bob", "cleo")]


@pytest.fixture
def guides(make_group, people):
    return make_group("Guides", *people[:2])


def test_a_group_shows_its_members(scim, people, guides):
    assert guides["schemas"] == [GROUP] and guides["displayName"] == "Guides"
    assert guides["members"] == [
        {"value": p["id"], "$ref": f"http://localhost/scim/v2/Users/{p['id']}", "type": "User"} for p in people[:2]
    ]
    assert scim.get(path(guides)).json == guides


@pytest.mark.parametrize("name", ["guides", "GUIDES", "Guides"])
def test_a_name_is_taken_without_regard_to_case(scim, guides, name):
    assert_refused(scim.post("/Groups", {"displayName": name}), 409, "uniqueness")
    assert scim.get("/Groups").json["totalResults"] == 1


def test_its_own_name_is_no_conflict(scim, guides, people):
    same = {"displayName": "guides", "members": [{"value": people[2]["id"]}]}
    assert scim.put(path(guides), same).json["displayName"] == "guides"
    assert members(scim, guides) == {people[2]["id"]}
    renamed = scim.patch(path(guides), {"op": "replace", "value": {"id": guides["id"], "displayName": "Guides"}})
    assert renamed.status_code == 200 and members(scim, guides) == {people[2]["id"]}


@pytest.mark.parametrize(
    "operations, expected",
    [
        ([{"op": "add", "path": "members", "value": [{"value": "{2}"}]}], "012"),
        ([{"op": "Add", "path": "members", "value": {"value": "{2}"}}], "012"),
        ([{"op": "add", "value": {"members": [{"value": "{2}", "display": "c"}]}}], "012"),
        ([{"op": "add", "path": "members", "value": [{"value": "{0}"}]}], "01"),
        ([{"op": "remove", "path": 'members[value eq "{0}"]'}], "1"),
        ([{"op": "remove", "path": 'members[value eq "{2}"]'}], "01"),
        ([{"op": "remove", "path": 'members[value eq "{0}" or value eq "{1}"]'}], ""),
        ([{"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "{1}"}]}], "0"),
        ([{"op": "remove", "path": "members", "value": {"members": [{"value": "{1}"}]}}], "0"),
        ([{"op": "remove", "path": "members", "value": [{"value": "nobody"}]}], "01"),
        ([{"op": "remove", "path": "members"}], ""),
        ([{"op": "remove", "path": "members", "value": []}], "01"),
        ([{"op": "replace", "path": "members", "value": [{"value": "{2}"}, {"value": "{1}"}]}], "12"),
        ([{"op": "replace", "path": "members", "value": []}], ""),
        ([{"op": "replace", "value": {"members": [], "id": "x", "displayName": "Guides"}}], ""),
        ([{"op": "replace", "value": {"members": [{"value": "{2}"}]}}], "2"),
        ([{"op": "replace", "path": 'members[value eq "{0}"]', "value": {"value": "{2}"}}], "12"),
        (
            [
                {"op": "remove", "path": 'members[value eq "{0}"]'},
                {"op": "remove", "path": 'members[value eq "{1}"]'},
                {"op": "add", "path": "members", "value": [{"value": "{2}"}, {"value": "{0}"}]},
            ],
            "02",
        ),
    ],
)
def test_members_change_as_a_set(scim, people, guides, operations, expected):
    answer = scim.patch(path(guides), *filled(operations, people))
    assert answer.status_code == 200, answer.json
    assert members(scim, guides) == {people[int(i)]["id"] for i in expected}
    assert {m["value"] for m in answer.json.get("members", [])} == members(scim, guides)


@pytest.mark.parametrize(
    "operation, scim_type",
    [
        ({"op": "add", "path": "members", "value": [{"value": "{2}"}, {"value": "nobody"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [{"value": "{2}", "type": "Group"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [{"display": "cleo"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": ["{2}"]}, "invalidValue"),
        *(
            ({"op": op, "path": "members", "value": nothing}, "invalidValue")
            for op in ("remove", "replace", "add")
            for nothing in ([None], [""], [{}], [{"display": "cleo"}], [{"value": None}])
        ),
        ({"op": "replace", "path": 'members[value eq "nobody"]', "value": {"value": "{2}"}}, "noTarget"),
        ({"op": "replace", "path": 'members[value eq "{0}"].value', "value": "{2}"}, "mutability"),
        ({"op": "remove", "path": "displayName"}, "mutability"),
        ({"op": "remove", "path": 'members[shoeSize eq "1"]'}, "invalidFilter"),
        ({"op": "replace", "path": "shoeSize", "value": 1}, "invalidPath"),
    ],
)
def test_a_refused_change_changes_nothing(scim, people, guides, operation, scim_type):
    rename = {"op": "replace", "path": "displayName", "value": "Renamed"}
    assert_refused(scim.patch(path(guides), rename, filled(operation, people)), 400, scim_type)
    assert scim.get(path(guides)).json == guides


def test_an_unknown_member_is_named(scim, guides):
    answer = scim.patch(path(guides), {"op": "add", "path": "members", "value": [{"value": "nobody"}]})
    assert "'nobody'" in answer.json["detail"]
    assert_refused(
        scim.post("/Groups", {"displayName": "New", "members": [{"value": "nobody"}]}), 400, "invalidValue"
    )
    assert scim.get("/Groups").json["totalResults"] == 1


def test_the_version_counts_changes_of_members(scim, people, guides):
    again = scim.patch(path(guides), {"op": "add", "path": "members", "value": [{"value": people[0]["id"]}]})
    assert again.json == guides
    more = scim.patch(path(guides), {"op": "add", "path": "members", "value": [{"value": people[2]["id"]}]})
    assert more.json["meta"]["version"] == 'W/"2"'


def test_a_large_group_answers_204_unless_attributes_are_asked_for(scim, make_user, make_group):
    crowd = [make_user(f"user{i}") for i in range(101)]
    group = make_group("Crowd", *crowd)
    change = {"Operations": [{"op": "remove", "path": f'members[value eq "{crowd[0]["id"]}"]'}]}
    small = scim.call("PATCH", path(group), change)
    assert small.status_code == 200 and len(small.json["members"]) == 100
    change = {"Operations": [{"op": "add", "path": "members", "value": [{"value": crowd[0]["id"]}]}]}
    large = scim.call("PATCH", path(group), change)
    assert large.status_code == 204 and not large.data and large.headers["ETag"] == 'W/"3"'
    asked = scim.call("PATCH", f"{path(group)}?attributes=displayName", change)
    assert asked.status_code == 200 and "members" not in asked.json
    assert len(members(scim, group)) == 101


def test_deleting_a_group_touches_no_user(scim, people, guides):
    assert scim.delete(path(guides)).status_code == 204
    assert_refused(scim.get(path(guides)), 404)
    assert scim.get(f"/Users/{people[0]['id']}").json == people[0]
    assert scim.post("/Groups", {"displayName": "Guides"}).status_code == 201


def test_a_disabled_member_is_still_listed(scim, people, guides):
    scim.patch(f"/Users/{people[0]['id']}", {"op": "replace", "value": {"active": False}})
    assert people[0]["id"] in members(scim, guides)


def test_members_are_left_out_where_they_are_excluded(scim, guides):
    shown = scim.get(f"{path(guides)}?excludedAttributes=members").json
    assert "members" not in shown and shown["displayName"] == "Guides"
    listed = scim.get('/Groups?excludedAttributes=members&filter=displayName%20eq%20"GUIDES"').json
    assert listed["totalResults"] == 1 and "members" not in listed["Resources"][0]
    assert scim.get("/Groups").json["Resources"][0]["members"]
