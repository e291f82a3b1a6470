"""A request is carried out whole or not at all, and a deletion leaves nothing behind."""

import pytest

from tests.databases import open_database

USER_REFUSALS = {
    "an unknown path": {"op": "replace", "path": "shoeSize", "value": "44"},
    "a value of the wrong type": {"op": "replace", "path": "active", "value": "perhaps"},
    "a filter that finds nothing": {"op": "replace", "path": 'emails[value eq "x@y"].value', "value": "a@b"},
    "a filter that is none": {"op": "remove", "path": "emails[type eq]"},
    "a read-only attribute": {"op": "replace", "path": "id", "value": "mine"},
    "a required attribute taken away": {"op": "remove", "path": "userName"},
    "an unknown operation": {"op": "move", "path": "title", "value": "x"},
    "a name that is taken": {"op": "replace", "path": "userName", "value": "TAKEN@example.com"},
}
GROUP_REFUSALS = {
    "an unknown path": {"op": "replace", "path": "shoeSize", "value": "44"},
    "an unknown member": {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
    "a group as a member": {"op": "add", "path": "members", "value": [{"value": "x", "type": "Group"}]},
    "a filter that finds nothing": {"op": "replace", "path": 'members[value eq "x"]', "value": [{"value": "y"}]},
    "a filter that is none": {"op": "remove", "path": "members[value eq]"},
    "a read-only attribute": {"op": "replace", "path": "meta.created", "value": "2026-01-01T00:00:00Z"},
    "a required attribute taken away": {"op": "remove", "path": "displayName"},
    "an unknown operation": {"op": "move", "path": "members"},
    "a name that is taken": {"op": "replace", "path": "displayName", "value": "TAKEN"},
}


@pytest.fixture
def stored(app, instance):
    """Return a function that reads every row of what the directory holds."""

    def stored():
        database = open_database(instance)
        tables = "users user_values user_words groups group_members blocks audit".split()
        rows = {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        database.close()
        return rows

    return stored


@pytest.mark.parametrize("refusal", USER_REFUSALS.values(), ids=USER_REFUSALS)
@pytest.mark.parametrize("position", ["first", "last"])
def test_a_patch_of_a_user_with_one_bad_operation_changes_nothing(
    scim, barbara, make_user, stored, refusal, position
):
    make_user("taken@example.com")
    good = [
        {"op": "replace", "path": "title", "value": "Manager"},
        {"op": "add", "path": "emails", "value": [{"value": "new@example.com", "type": "other"}]},
        {"op": "remove", "path": "displayName"},
    ]
    before = stored()
    operations = [*good, refusal] if position == "last" else [refusal, *good]
    answer = scim.patch(f"/Users/{barbara['id']}", *operations)
    assert answer.status_code in (400, 409), answer.json
    assert scim.get(f"/Users/{barbara['id']}").json == barbara
    assert stored() == before


@pytest.mark.parametrize("refusal", GROUP_REFUSALS.values(), ids=GROUP_REFUSALS)
@pytest.mark.parametrize("position", ["first", "last"])
def test_a_patch_of_a_group_with_one_bad_operation_changes_nothing(
    scim, make_user, make_group, stored, refusal, position
):
    stays, comes, goes = (make_user(name) for name in ("stays", "comes", "goes"))
    make_group("Taken")
    group = make_group("Staff", stays, goes)
    good = [
        {"op": "replace", "path": "externalId", "value": "00g1"},
        {"op": "add", "path": "members", "value": [{"value": comes["id"]}]},
        {"op": "remove", "path": f'members[value eq "{goes["id"]}"]'},
    ]
    before = stored()
    operations = [*good, refusal] if position == "last" else [refusal, *good]
    answer = scim.patch(f"/Groups/{group['id']}", *operations)
    assert answer.status_code in (400, 404, 409), answer.json
    assert scim.get(f"/Groups/{group['id']}").json == group
    assert stored() == before


def test_a_group_with_one_unknown_member_is_not_created(scim, barbara, stored):
    before = stored()
    members = [{"value": barbara["id"]}, {"value": "nobody"}]
    assert scim.post("/Groups", {"displayName": "Staff", "members": members}).status_code == 400
    assert stored() == before


def test_a_put_of_a_group_with_one_unknown_member_changes_nothing(scim, barbara, make_user, make_group, stored):
    group = make_group("Staff", make_user("stays"))
    before = stored()
    body = {"displayName": "Crew", "members": [{"value": barbara["id"]}, {"value": "nobody"}]}
    assert scim.put(f"/Groups/{group['id']}", body).status_code == 400
    assert stored() == before


def test_a_refused_operation_of_a_bulk_request_leaves_nothing(scim, barbara, make_group, stored):
    group = make_group("Staff", barbara)
    before = stored()
    operations = [
        {
            "method": "PATCH",
            "path": f"/Groups/{group['id']}",
            "data": {
                "Operations": [
                    {"op": "remove", "path": "members"},
                    {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
                ]
            },
        },
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "staff"}},
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "bjensen@EXAMPLE.com"}},
    ]
    answer = scim.post("/Bulk", {"Operations": operations})
    assert [o["status"] for o in answer.json["Operations"]] == ["400", "409", "409"]
    assert stored() == before


@pytest.fixture
def deleted(scim, barbara, make_user, make_group):
    """Barbara, who was in a group with another one, and is deleted."""
    make_group("Staff", barbara, make_user("colleague"))
    assert scim.delete(f"/Users/{barbara['id']}").status_code == 204
    return barbara


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_deleted_user_is_not_found(scim, deleted, method):
    bodies = {"PUT": {"userName": "x"}, "PATCH": {"Operations": [{"op": "replace", "value": {"title": "x"}}]}}
    assert scim.call(method, f"/Users/{deleted['id']}", bodies.get(method)).status_code == 404


@pytest.mark.parametrize(
    "filter",
    [
        'userName eq "bjensen@example.com"',
        'externalId eq "00u1"',
        'emails.value co "jensen"',
        'title eq "Tour Guide"',
    ],
)
def test_a_deleted_user_is_not_listed(scim, deleted, filter):
    assert scim.find("Users", filter) == []
    listed = scim.get("/Users").json
    assert (listed["totalResults"], [u["userName"] for u in listed["Resources"]]) == (1, ["colleague"])


def test_a_deleted_user_is_gone_from_groups(scim, deleted):
    [group] = scim.find("Groups", 'displayName eq "Staff"')
    assert deleted["id"] not in [member["value"] for member in group["members"]]
    assert len(group["members"]) == 1
    assert scim.find("Groups", f'members.value eq "{deleted["id"]}"') == []


def test_a_deletion_changes_the_version_of_its_groups(scim, barbara, make_group):
    group = make_group("Staff", barbara)
    scim.delete(f"/Users/{barbara['id']}")
    assert scim.get(f"/Groups/{group['id']}").headers["ETag"] != group["meta"]["version"]


def test_the_name_of_a_deleted_user_is_free(scim, deleted, make_user):
    again = make_user(deleted["userName"])
    assert again["id"] != deleted["id"]
    assert scim.get(f"/Users/{again['id']}").json.get("groups") is None


def test_a_deletion_leaves_no_rows(deleted, stored):
    """But those of the other member: he is one, and found by one word."""
    rows = stored()
    assert [len(rows[table]) for table in ("users", "user_words", "group_members")] == [1, 1, 1]
    owners = {row[2] for row in rows["user_values"]} | {row[1] for row in rows["user_words"]}
    assert owners - {row[0] for row in rows["users"]} == set()


def test_a_deleted_group_is_gone_and_its_members_stay(scim, barbara, make_group, stored):
    group = make_group("Staff", barbara)
    assert scim.delete(f"/Groups/{group['id']}").status_code == 204
    assert scim.get(f"/Groups/{group['id']}").status_code == 404
    assert scim.find("Groups", 'displayName eq "Staff"') == []
    assert scim.get(f"/Users/{barbara['id']}").json == barbara
    assert stored()["group_members"] == []
    make_group("staff")
