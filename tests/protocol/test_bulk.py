"""Bulk requests: what is asked for, in which order, and the references by bulkId (RFC 7644 §3.7)."""

import pytest

from protocol import bulk
from protocol.errors import ScimError


def post(bulk_id, *names, path="/Users"):
    """Return a POST whose data refers to other operations."""
    members = [{"value": f"bulkId:{name}"} for name in names]
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": {"displayName": bulk_id, "members": members}}


def parse(*operations, **others):
    return bulk.parse({"schemas": [bulk.BULK_SCHEMA], "Operations": list(operations)} | others)


def order(*operations):
    return [operation.index for operation in parse(*operations).operations]


def refusal(body):
    with pytest.raises(ScimError) as error:
        bulk.parse(body)
    return error.value


def test_operations_keep_what_was_asked_for():
    request = parse(
        {"method": "post", "path": "/Users", "bulkId": "a", "data": {"userName": "ada"}},
        {"method": "PUT", "path": "/Users/1", "version": 'W/"3"', "data": {"userName": "eve"}},
        {"method": "DELETE", "path": "/Users/2"},
        failOnErrors=2,
    )
    found = [(o.index, o.method, o.path, o.bulk_id, o.version, o.data, o.problem) for o in request.operations]
    assert found == [
        (0, "POST", "/Users", "a", None, {"userName": "ada"}, None),
        (1, "PUT", "/Users/1", None, 'W/"3"', {"userName": "eve"}, None),
        (2, "DELETE", "/Users/2", None, None, None, None),
    ]
    assert request.fail_on_errors == 2


NO_REQUEST = [
    ("null", None),
    ("a list", []),
    ("a string", "x"),
    ("nothing", {}),
    ("another message", {"schemas": ["urn:x"], "Operations": []}),
    ("schemas as a string", {"schemas": bulk.BULK_SCHEMA, "Operations": []}),
    ("one operation, not in a list", {"Operations": post("a")}),
    ("operations that are no objects", {"Operations": [post("a"), "x"]}),
]


@pytest.mark.parametrize("body", [body for _, body in NO_REQUEST], ids=[name for name, _ in NO_REQUEST])
def test_a_body_that_is_no_bulk_request_is_refused(body):
    error = refusal(body)
    assert (error.status, error.scim_type) == (400, "invalidSyntax")


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "1", []], ids=repr)
def test_fail_on_errors_is_a_positive_whole_number(value):
    error = refusal({"Operations": [], "failOnErrors": value})
    assert (error.status, error.scim_type, error.path) == (400, "invalidValue", "failOnErrors")


def test_more_operations_than_the_limit_are_refused_by_name():
    delete = {"method": "DELETE", "path": "/Users/1"}
    assert len(parse(*[delete] * bulk.MAX_OPERATIONS).operations) == bulk.MAX_OPERATIONS
    error = refusal({"Operations": [delete] * (bulk.MAX_OPERATIONS + 1)})
    assert error.status == 413
    assert "maxOperations" in error.detail and str(bulk.MAX_OPERATIONS) in error.detail


MALFORMED = [
    ("no method", {"path": "/Users", "bulkId": "b", "data": {}}),
    ("an unknown method", {"method": "GET", "path": "/Users/1"}),
    ("a method that is no string", {"method": 5, "path": "/Users"}),
    ("no path", {"method": "DELETE"}),
    ("a path that is no string", {"method": "DELETE", "path": 5}),
    ("a path that is no path", {"method": "DELETE", "path": "Users/1"}),
    ("an address", {"method": "DELETE", "path": "https://example.com/Users/1"}),
    ("a POST without a bulkId", {"method": "POST", "path": "/Users", "data": {"userName": "x"}}),
    ("a POST with an empty bulkId", {"method": "POST", "path": "/Users", "bulkId": "", "data": {}}),
    ("a POST with a number for a bulkId", {"method": "POST", "path": "/Users", "bulkId": 5, "data": {}}),
    ("a POST without data", {"method": "POST", "path": "/Users", "bulkId": "b"}),
    ("a PUT without data", {"method": "PUT", "path": "/Users/1"}),
    ("a PATCH with a list as data", {"method": "PATCH", "path": "/Users/1", "data": []}),
]


@pytest.mark.parametrize("operation", [o for _, o in MALFORMED], ids=[name for name, _ in MALFORMED])
def test_a_malformed_operation_stops_only_itself(operation):
    request = parse(post("a"), operation, operation)
    assert [(o.index, o.problem and o.problem.scim_type) for o in request.operations] == [
        (0, None),
        (1, "invalidSyntax"),
        (2, "invalidSyntax"),
    ]
    assert set(request.ids()) == {"a"}


def test_a_bulk_id_is_used_once():
    request = parse(post("a"), post("b"), post("a"))
    assert [o.problem and o.problem.scim_type for o in request.operations] == [None, None, "invalidValue"]
    assert set(request.ids()) == {"a", "b"}


def test_each_resource_to_be_made_gets_an_id_of_its_own():
    request = parse(post("a"), post("b"), {"method": "DELETE", "path": "/Users/1"})
    ids = request.ids()
    assert set(ids) == {"a", "b"} and len(set(ids.values())) == 2
    assert ids != request.ids()


ORDERS = [
    ("as it came", [post("a"), post("b"), post("c")], [0, 1, 2]),
    ("what is referred to comes first", [post("a", "b"), post("b")], [1, 0]),
    ("what is referred to is there", [post("b"), post("a", "b")], [0, 1]),
    ("a chain", [post("a", "b"), post("b", "c"), post("c")], [2, 1, 0]),
    ("a group of several", [post("g", "c", "a"), post("a"), post("b"), post("c")], [1, 3, 0, 2]),
    ("a diamond", [post("a", "b", "c"), post("b", "d"), post("c", "d"), post("d")], [3, 1, 2, 0]),
    ("two that refer to one another", [post("a", "b"), post("b", "a")], [1, 0]),
    ("a circle of three", [post("a", "b"), post("b", "c"), post("c", "a")], [2, 1, 0]),
    ("one that refers to itself", [post("a", "a"), post("b")], [0, 1]),
    ("one that refers to nothing there is", [post("a", "nobody"), post("b")], [0, 1]),
    ("one that refers to the later of a repeated id", [post("a", "b"), post("b"), post("b")], [1, 0, 2]),
    (
        "a reference in a path",
        [{"method": "PATCH", "path": "/Groups/bulkId:a", "data": {"Operations": []}}, post("a")],
        [1, 0],
    ),
    ("a reference in the path of a DELETE", [{"method": "DELETE", "path": "/Users/bulkId:a"}, post("a")], [1, 0]),
    (
        "a reference deep inside",
        [{"method": "PUT", "path": "/Users/1", "data": {"urn:x": {"manager": {"value": "bulkId:a"}}}}, post("a")],
        [1, 0],
    ),
    (
        "a reference that is no string of its own",
        [{"method": "PUT", "path": "/Users/1", "data": {"title": "see bulkId:b"}}, post("b")],
        [0, 1],
    ),
]


@pytest.mark.parametrize(("operations", "expected"), [c[1:] for c in ORDERS], ids=[name for name, *_ in ORDERS])
def test_operations_come_after_those_they_refer_to(operations, expected):
    assert order(*operations) == expected


def test_every_operation_is_carried_out_once_however_they_refer_to_one_another():
    names = [str(number) for number in range(60)]
    everything = [post(name, *names) for name in names]
    assert sorted(order(*everything)) == list(range(60))


def test_a_long_chain_is_put_in_order():
    count = bulk.MAX_OPERATIONS
    chain = [post(str(number), str(number + 1)) for number in range(count)]
    assert order(*chain) == list(reversed(range(count)))


IDS = {"a": "2819c223", "b": "902c246b"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bulkId:a", "2819c223"),
        ("a", "a"),
        ("see bulkId:a", "see bulkId:a"),
        (5, 5),
        (None, None),
        (True, True),
        ([], []),
        (
            {"members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}, {"value": "x"}]},
            {"members": [{"value": "2819c223"}, {"value": "902c246b"}, {"value": "x"}]},
        ),
        ({"bulkId:a": "x"}, {"bulkId:a": "x"}),
    ],
    ids=repr,
)
def test_references_become_ids(value, expected):
    given = repr(value)
    assert bulk.resolved(value, IDS) == expected
    assert repr(value) == given


@pytest.mark.parametrize(
    "value", ["bulkId:c", {"members": [{"value": "bulkId:c"}]}, ["bulkId:"], "bulkId:A"], ids=repr
)
def test_a_reference_to_nothing_is_refused(value):
    with pytest.raises(ScimError) as error:
        bulk.resolved(value, IDS)
    assert (error.value.status, error.value.scim_type) == (400, "invalidValue")
