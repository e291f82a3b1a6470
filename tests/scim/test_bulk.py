"""Bulk: several operations in one request, which may refer to one another."""

import itertools
from types import SimpleNamespace

import pytest

import scim as door
from tests.scim.test_users import ENTERPRISE, assert_refused

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def post(bulk_id, path="/Users", **data):
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


@pytest.fixture
def bulk(scim):
    def bulk(*operations, **others):
        answer = scim.post("/Bulk", {"schemas": [BULK], "Operations": list(operations)} | others)
        assert answer.status_code == 200, answer.json
        assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
        return answer.json["Operations"]

    return bulk


def test_a_group_may_name_users_that_are_made_with_it(scim, bulk):
    group, ada, bob = bulk(
        post("g", "/Groups", displayName="Guides", members=[{"value": "bulkId:a"}, {"value": "bulkId:b"}]),
        post("a", userName="ada"),
        post("b", userName="bob"),
    )
    assert [r["status"] for r in (group, ada, bob)] == ["201"] * 3
    assert (group["method"], group["bulkId"], group["version"]) == ("POST", "g", 'W/"1"')
    made = scim.get("/Groups").json["Resources"][0]
    assert group["location"] == made["meta"]["location"]
    assert [m["$ref"] for m in made["members"]] == [ada["location"], bob["location"]]


@pytest.mark.parametrize("manager", [{"value": "bulkId:b"}, "bulkId:b"])
def test_two_may_refer_to_one_another(scim, bulk, manager):
    bulk(
        post("a", userName="ada", **{ENTERPRISE: {"manager": manager}}),
        post("b", userName="bob", **{ENTERPRISE: {"manager": {"value": "bulkId:a"}}}),
    )
    ada, bob = scim.get("/Users?sortBy=userName").json["Resources"]
    assert ada[ENTERPRISE]["manager"]["value"] == bob["id"]
    assert bob[ENTERPRISE]["manager"]["value"] == ada["id"]


def test_every_method_works_and_a_path_may_refer(scim, bulk, barbara):
    results = bulk(
        {
            "method": "PATCH",
            "path": "/Users/bulkId:a",
            "data": {"Operations": [{"op": "add", "path": "title", "value": "x"}]},
        },
        post("a", userName="ada"),
        {"method": "PUT", "path": f"/Users/{barbara['id']}", "data": {"userName": "babs"}, "version": 'W/"1"'},
        {"method": "delete", "path": f"/Users/{barbara['id']}", "version": 'W/"2"'},
    )
    assert [r["status"] for r in results] == ["200", "201", "200", "204"]
    assert [r.get("version") for r in results] == ['W/"2"', 'W/"1"', 'W/"2"', None]
    assert [u["title"] for u in scim.get("/Users").json["Resources"]] == ["x"]


def test_a_refusal_undoes_only_its_operation(scim, bulk, barbara):
    taken, bob, stale, member = bulk(
        post("a", userName="BJENSEN@example.com"),
        post("b", userName="bob"),
        {"method": "DELETE", "path": f"/Users/{barbara['id']}", "version": 'W/"9"'},
        post("g", "/Groups", displayName="G", members=[{"value": "bulkId:a"}]),
    )
    assert [r["status"] for r in (taken, bob, stale, member)] == ["409", "201", "412", "400"]
    assert taken["response"]["scimType"] == "uniqueness" and taken["response"]["status"] == "409"
    assert "location" not in taken and stale["location"].endswith(barbara["id"])
    assert member["response"]["scimType"] == "invalidValue"
    assert scim.get("/Users").json["totalResults"] == 2 and scim.get("/Groups").json["totalResults"] == 0


def test_a_repeated_bulk_id_leaves_the_first_one_usable(scim, bulk):
    first, again, group = bulk(
        post("a", userName="ada"),
        post("a", userName="bob"),
        post("g", "/Groups", displayName="bulkId:hello", members=[{"value": "bulkId:a"}]),
    )
    assert [first["status"], again["status"], group["status"]] == ["201", "400", "201"]
    ada = scim.get("/Users").json["Resources"][0]
    assert first["version"] == ada["meta"]["version"] and ada["groups"][0]["display"] == "bulkId:hello"


def test_a_path_of_a_patch_may_refer(scim, bulk, barbara, make_group):
    group = make_group("Guides", barbara)
    removal = {"op": "remove", "path": 'members[value eq "bulkId:a"]'}
    results = bulk(
        {"method": "PATCH", "path": f"/Groups/{group['id']}", "data": {"Operations": [removal]}},
        post("a", userName="ada"),
    )
    assert [r["status"] for r in results] == ["200", "201"]


def test_it_stops_after_so_many_errors(scim, bulk, barbara):
    results = bulk(
        post("a", userName="one"),
        post("b", userName="bjensen@example.com"),
        post("c", userName="bjensen@example.com"),
        post("d", userName="two"),
        failOnErrors=2,
    )
    assert [r["status"] for r in results] == ["201", "409", "409"]
    assert scim.find("Users", 'userName eq "two"') == []


@pytest.mark.parametrize(
    "operation, status",
    [
        ({"method": "POST", "path": "/Users", "data": {"userName": "x"}}, "400"),
        ({"method": "FETCH", "path": "/Users"}, "400"),
        ({"method": "PATCH", "path": "/Users/nobody", "data": {"Operations": []}}, "404"),
        ({"method": "POST", "path": "/Nope", "bulkId": "x", "data": {}}, "404"),
        ({"method": "PUT", "path": "/Users/nobody"}, "400"),
        ({"method": "DELETE", "path": "/Users/bulkId:nobody"}, "400"),
        ({"path": "/Users"}, "400"),
        ({"method": "DELETE", "path": 5}, "400"),
        ({"method": "DELETE", "path": "/Users"}, "404"),
        ({"method": "DELETE", "path": "/Users/x", "version": 5}, "400"),
        ({}, "400"),
    ],
)
def test_a_malformed_operation_is_refused_by_itself(bulk, operation, status):
    refused, fine = bulk(operation, post("fine", userName="fine"))
    assert refused["status"] == refused["response"]["status"] == status
    assert fine["status"] == "201"


@pytest.mark.parametrize(
    "body, scim_type",
    [
        ([], "invalidSyntax"),
        ({}, "invalidSyntax"),
        ({"Operations": ["x"]}, "invalidSyntax"),
        ({"schemas": ["urn:nope"], "Operations": []}, "invalidSyntax"),
        ({"Operations": [], "failOnErrors": 0}, "invalidValue"),
        ({"Operations": [], "failOnErrors": True}, "invalidValue"),
    ],
)
def test_what_is_no_bulk_request_is_refused(scim, body, scim_type):
    assert_refused(scim.post("/Bulk", body), 400, scim_type)


def test_too_many_operations_are_refused_whole(scim):
    answer = scim.post("/Bulk", {"Operations": [post(str(i), userName=str(i)) for i in range(1001)]})
    assert_refused(answer, 413)
    assert "1000" in answer.json["detail"] and scim.get("/Users").json["totalResults"] == 0


def test_what_takes_too_long_is_left_for_another_request(scim, bulk, monkeypatch):
    seconds = itertools.count()  # each look at the clock takes one
    monkeypatch.setattr(door, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    results = bulk(*(post(f"b{n}", userName=f"user{n}") for n in range(10)))
    assert [result["status"] for result in results] == ["201"] * 8 + ["413"] * 2
    assert "in another bulk request" in results[-1]["response"]["detail"]
    assert scim.get("/Users").json["totalResults"] == 8
