"""Every form of PATCH, on documents alone (RFC 7644 §3.5.2)."""

from copy import deepcopy

import pytest

from protocol import patch
from protocol.errors import ScimError
from protocol.schema import GROUP_TYPE, compile_user_type

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"

USERS = compile_user_type(
    (
        ("badge", "string", False),
        ("shoeSize", "integer", False),
        ("tags", "string", True),
        ("scores", "integer", True),
    )
)

WORK = {"value": "a@work", "type": "work", "primary": True}
HOME = {"value": "a@home", "type": "home"}
OTHER = {"value": "a@other", "type": "other"}


def ada(**others):
    """Return the document of a user."""
    document = {"userName": "ada", "active": True} | others
    return {"schemas": [CORE, *(urn for urn in (ENTERPRISE, CUSTOM) if urn in others)]} | document


def op(op, path=None, value=None):
    operation = {"op": op, "path": path, "value": value}
    return {name: part for name, part in operation.items() if part is not None}


def patched(document, *operations, ignored=None):
    """Return the document after a PATCH, as it would be stored."""
    given = deepcopy((document, operations))
    ignored = [] if ignored is None else ignored
    steps = patch.operations({"Operations": list(operations)}, USERS, ignored)
    result = USERS.normalise(patch.apply(document, steps), [])
    assert (document, operations) == given, "what was given has changed"
    return result


def refusal(document, *operations, of_type=USERS, body=None):
    """Return the error that a PATCH ends with; the document stays as it was."""
    given = deepcopy(document)
    with pytest.raises(ScimError) as error:
        steps = patch.operations(body or {"Operations": list(operations)}, of_type, [])
        of_type.normalise(patch.apply(document, steps), [])
    assert document == given
    return error.value


def table(cases):
    """Return the parameters and ids of cases, which are (name, before, operations, after)."""
    return {
        "argnames": ("before", "operations", "after"),
        "argvalues": [
            (before, steps if isinstance(steps, list) else [steps], after) for _, before, steps, after in cases
        ],
        "ids": [name for name, *_ in cases],
    }


ADD = [
    ("a value where there is none", {}, op("add", "title", "x"), {"title": "x"}),
    ("a value in place of another", {"title": "x"}, op("add", "title", "y"), {"title": "y"}),
    ("false", {}, op("add", "active", False), {"active": False}),
    ("a sub-attribute of nothing", {}, op("add", "name.givenName", "A"), {"name": {"givenName": "A"}}),
    (
        "a sub-attribute beside another",
        {"name": {"familyName": "L"}},
        op("add", "name.givenName", "A"),
        {"name": {"familyName": "L", "givenName": "A"}},
    ),
    (
        "to a complex attribute",
        {"name": {"familyName": "L", "givenName": "B"}},
        op("add", "name", {"givenName": "A"}),
        {"name": {"familyName": "L", "givenName": "A"}},
    ),
    ("a list of values", {}, op("add", "emails", [WORK, HOME]), {"emails": [WORK, HOME]}),
    ("values to values", {"emails": [WORK]}, op("add", "emails", [HOME]), {"emails": [WORK, HOME]}),
    ("one value, not in a list", {"emails": [WORK]}, op("add", "emails", HOME), {"emails": [WORK, HOME]}),
    ("a value that is there", {"emails": [WORK, HOME]}, op("add", "emails", [HOME]), {"emails": [WORK, HOME]}),
    (
        "a value that is there, with more to it",
        {"emails": [WORK, HOME]},
        op("add", "emails", [{"value": "A@HOME", "type": "HOME", "display": "x"}]),
        {"emails": [WORK, {"value": "A@HOME", "type": "HOME", "display": "x"}]},
    ),
    (
        "a value that is there, of another type",
        {"emails": [HOME]},
        op("add", "emails", [HOME | {"type": "other"}]),
        {"emails": [HOME, HOME | {"type": "other"}]},
    ),
    ("no values", {"emails": [WORK]}, op("add", "emails", []), {"emails": [WORK]}),
    (
        "to the values that a filter selects",
        {"emails": [WORK, HOME]},
        op("add", 'emails[type eq "work"]', {"display": "x"}),
        {"emails": [WORK | {"display": "x"}, HOME]},
    ),
    (
        "a sub-attribute to the values that a filter selects",
        {"emails": [WORK, HOME]},
        op("add", 'emails[type eq "home"].display', "x"),
        {"emails": [WORK, HOME | {"display": "x"}]},
    ),
    (
        "a sub-attribute to every value",
        {"emails": [WORK, HOME]},
        op("add", "emails.display", "x"),
        {"emails": [WORK | {"display": "x"}, HOME | {"display": "x"}]},
    ),
    ("to an extension", {}, op("add", f"{ENTERPRISE}:department", "x"), {ENTERPRISE: {"department": "x"}}),
    (
        "an extension",
        {ENTERPRISE: {"division": "y"}},
        op("add", ENTERPRISE, {"department": "x"}),
        {ENTERPRISE: {"division": "y", "department": "x"}},
    ),
    (
        "below an extension",
        {},
        op("add", f"{ENTERPRISE}:manager.value", "m"),
        {ENTERPRISE: {"manager": {"value": "m"}}},
    ),
    (
        "simple values",
        {CUSTOM: {"tags": ["a"]}},
        op("add", f"{CUSTOM}:tags", ["b", "a"]),
        {CUSTOM: {"tags": ["a", "b"]}},
    ),
    ("one simple value", {}, op("add", f"{CUSTOM}:scores", 5), {CUSTOM: {"scores": [5]}}),
    ("without a path", {}, op("add", None, {"title": "x", "nickName": "y"}), {"title": "x", "nickName": "y"}),
    (
        "without a path, to values",
        {"emails": [WORK], "name": {"familyName": "L"}},
        op("add", None, {"emails": [HOME], "name": {"givenName": "A"}}),
        {"emails": [WORK, HOME], "name": {"familyName": "L", "givenName": "A"}},
    ),
    (
        "without a path, to an extension",
        {ENTERPRISE: {"division": "y"}},
        op("add", None, {ENTERPRISE: {"department": "x"}}),
        {ENTERPRISE: {"division": "y", "department": "x"}},
    ),
    ("an empty path", {}, op("add", "", {"title": "x"}), {"title": "x"}),
    ("to the core schema, named as a path", {}, op("add", CORE, {"title": "x"}), {"title": "x"}),
    ("a qualified core path", {}, op("add", f"{CORE}:name.givenName", "A"), {"name": {"givenName": "A"}}),
    ("a path in another letter case", {}, op("add", "NAME.givenname", "A"), {"name": {"givenName": "A"}}),
]

REPLACE = [
    ("a value", {"title": "x"}, op("replace", "title", "y"), {"title": "y"}),
    ("a value that is not there, which adds it", {}, op("replace", "title", "y"), {"title": "y"}),
    ("by the same value", {"title": "x"}, op("replace", "title", "x"), {"title": "x"}),
    ("the user name", {}, op("replace", "userName", "eve"), {"userName": "eve"}),
    (
        "sub-attributes; others stay",
        {"name": {"familyName": "L", "givenName": "B"}},
        op("replace", "name", {"givenName": "A"}),
        {"name": {"familyName": "L", "givenName": "A"}},
    ),
    (
        "a sub-attribute",
        {"name": {"givenName": "B"}},
        op("replace", "name.givenName", "A"),
        {"name": {"givenName": "A"}},
    ),
    ("all values", {"emails": [WORK, HOME]}, op("replace", "emails", [OTHER]), {"emails": [OTHER]}),
    ("all values by one", {"emails": [WORK, HOME]}, op("replace", "emails", OTHER), {"emails": [OTHER]}),
    ("all values by none", {"emails": [WORK, HOME]}, op("replace", "emails", []), {}),
    (
        "what a filter selects, wholly",
        {"emails": [WORK, HOME | {"display": "x"}]},
        op("replace", 'emails[type eq "home"]', {"value": "b"}),
        {"emails": [WORK, {"value": "b"}]},
    ),
    (
        "a sub-attribute of what a filter selects",
        {"emails": [WORK, HOME]},
        op("replace", 'emails[type eq "work"].value', "b"),
        {"emails": [WORK | {"value": "b"}, HOME]},
    ),
    (
        "a sub-attribute of all that a filter selects",
        {"roles": [{"value": "a", "type": "x"}, {"value": "b", "type": "x"}, {"value": "c"}]},
        op("replace", 'roles[type eq "x"].display', "d"),
        {
            "roles": [
                {"value": "a", "type": "x", "display": "d"},
                {"value": "b", "type": "x", "display": "d"},
                {"value": "c"},
            ]
        },
    ),
    (
        "a sub-attribute of every value",
        {"emails": [WORK, HOME]},
        op("replace", "emails.type", "other"),
        {"emails": [WORK | {"type": "other"}, HOME | {"type": "other"}]},
    ),
    (
        "what a longer filter selects",
        {"emails": [WORK, HOME, OTHER]},
        op("replace", 'emails[not (type eq "work") and value ew "home"].value', "b"),
        {"emails": [WORK, HOME | {"value": "b"}, OTHER]},
    ),
    (
        "a simple value that a filter selects",
        {CUSTOM: {"tags": ["a", "b"]}},
        op("replace", f'{CUSTOM}:tags[value eq "A"]', "c"),
        {CUSTOM: {"tags": ["c", "b"]}},
    ),
    (
        "in an extension",
        {ENTERPRISE: {"department": "x", "division": "y"}},
        op("replace", f"{ENTERPRISE}:department", "z"),
        {ENTERPRISE: {"department": "z", "division": "y"}},
    ),
    (
        "the manager, by sub-attributes",
        {ENTERPRISE: {"manager": {"value": "m", "displayName": "M"}}},
        op("replace", f"{ENTERPRISE}:manager", {"value": "n"}),
        {ENTERPRISE: {"manager": {"value": "n", "displayName": "M"}}},
    ),
    ("without a path", {"title": "x"}, op("replace", None, {"active": False}), {"title": "x", "active": False}),
    (
        "without a path, values",
        {"emails": [WORK, HOME]},
        op("replace", None, {"emails": [OTHER]}),
        {"emails": [OTHER]},
    ),
    ("by an empty string, which unsets", {"title": "x"}, op("replace", "title", ""), {}),
    ("a custom number", {}, op("replace", f"{CUSTOM}:shoeSize", 41), {CUSTOM: {"shoeSize": 41}}),
]

REMOVE = [
    ("a value", {"title": "x"}, op("remove", "title"), {}),
    ("a value that is not there", {}, op("remove", "title"), {}),
    ("all values", {"emails": [WORK, HOME]}, op("remove", "emails"), {}),
    ("values that are not there", {}, op("remove", "emails"), {}),
    ("a complex attribute", {"name": {"givenName": "A"}}, op("remove", "name"), {}),
    (
        "a sub-attribute",
        {"name": {"givenName": "A", "familyName": "L"}},
        op("remove", "name.givenName"),
        {"name": {"familyName": "L"}},
    ),
    ("the last sub-attribute", {"name": {"givenName": "A"}}, op("remove", "name.givenName"), {}),
    ("a sub-attribute of nothing", {}, op("remove", "name.givenName"), {}),
    ("what a filter selects", {"emails": [WORK, HOME]}, op("remove", 'emails[type eq "work"]'), {"emails": [HOME]}),
    ("the last value", {"emails": [WORK]}, op("remove", 'emails[type eq "work"]'), {}),
    ("what a filter does not find", {"emails": [WORK]}, op("remove", 'emails[type eq "fax"]'), {"emails": [WORK]}),
    ("a filter on nothing", {}, op("remove", 'emails[type eq "fax"]'), {}),
    (
        "a sub-attribute of what a filter selects",
        {"emails": [WORK, HOME]},
        op("remove", 'emails[type eq "home"].value'),
        {"emails": [WORK, {"type": "home"}]},
    ),
    (
        "a sub-attribute of every value",
        {"emails": [HOME]},
        op("remove", "emails.type"),
        {"emails": [{"value": "a@home"}]},
    ),
    (
        "the only sub-attribute of a value",
        {"emails": [{"value": "x"}, HOME]},
        op("remove", 'emails[value eq "x"].value'),
        {"emails": [HOME]},
    ),
    (
        "of an extension",
        {ENTERPRISE: {"department": "x", "division": "y"}},
        op("remove", f"{ENTERPRISE}:department"),
        {ENTERPRISE: {"division": "y"}},
    ),
    ("the last of an extension", {ENTERPRISE: {"department": "x"}}, op("remove", f"{ENTERPRISE}:department"), {}),
    ("an extension", {ENTERPRISE: {"department": "x"}}, op("remove", ENTERPRISE), {}),
    (
        "below an extension",
        {ENTERPRISE: {"manager": {"value": "m"}}},
        op("remove", f"{ENTERPRISE}:manager.value"),
        {},
    ),
    (
        "a simple value that a filter selects",
        {CUSTOM: {"tags": ["a", "b"]}},
        op("remove", f'{CUSTOM}:tags[value eq "A"]'),
        {CUSTOM: {"tags": ["b"]}},
    ),
]

PRIMARY = [
    (
        "added",
        {"emails": [WORK]},
        op("add", "emails", [HOME | {"primary": True}]),
        {"emails": [WORK | {"primary": False}, HOME | {"primary": True}]},
    ),
    (
        "set by a path",
        {"emails": [WORK, HOME]},
        op("replace", 'emails[type eq "home"].primary', True),
        {"emails": [WORK | {"primary": False}, HOME | {"primary": True}]},
    ),
    (
        "set within a value",
        {"emails": [WORK, HOME]},
        op("add", 'emails[type eq "home"]', {"primary": True}),
        {"emails": [WORK | {"primary": False}, HOME | {"primary": True}]},
    ),
    (
        "in a new value",
        {"emails": [WORK]},
        op("replace", 'emails[type eq "home" and primary eq true].value', "b"),
        {"emails": [WORK | {"primary": False}, {"value": "b", "type": "home", "primary": True}]},
    ),
    (
        "false leaves the others",
        {"emails": [WORK, HOME]},
        op("add", 'emails[type eq "home"].primary', False),
        {"emails": [WORK, HOME | {"primary": False}]},
    ),
    (
        "not changed by other changes",
        {"emails": [WORK, HOME]},
        op("replace", 'emails[type eq "home"].value', "b"),
        {"emails": [WORK, HOME | {"value": "b"}]},
    ),
    (
        "one after the other",
        {"emails": [WORK, HOME]},
        [
            op("replace", 'emails[type eq "home"].primary', True),
            op("replace", 'emails[type eq "work"].primary', True),
        ],
        {"emails": [WORK, HOME | {"primary": False}]},
    ),
]

LENIENT = [
    (
        "op in any letter case",
        {},
        [op("Add", "title", "x"), op("REPLACE", "nickName", "y"), op("Remove", "title")],
        {"nickName": "y"},
    ),
    ("a boolean as text", {}, op("replace", "active", "False"), {"active": False}),
    (
        "a dotted key",
        {"name": {"familyName": "L"}},
        op("replace", None, {"name.givenName": "A"}),
        {"name": {"familyName": "L", "givenName": "A"}},
    ),
    ("a qualified key", {}, op("add", None, {f"{ENTERPRISE}:department": "x"}), {ENTERPRISE: {"department": "x"}}),
    (
        "a qualified dotted key",
        {},
        op("add", None, {f"{ENTERPRISE}:manager.displayName": "M"}),
        {ENTERPRISE: {"manager": {"displayName": "M"}}},
    ),
    ("a qualified core key", {}, op("add", None, {f"{CORE}:title": "x"}), {"title": "x"}),
    (
        "a key with a filter",
        {"emails": [WORK, HOME]},
        op("replace", None, {'emails[type eq "work"].value': "b"}),
        {"emails": [WORK | {"value": "b"}, HOME]},
    ),
    (
        "read-only keys",
        {},
        op(
            "replace",
            None,
            {"id": "1", "meta": {"version": "x"}, "schemas": [CORE], "groups": [{"value": "g"}], "title": "x"},
        ),
        {"title": "x"},
    ),
    (
        "read-only qualified and dotted keys",
        {},
        op("replace", None, {"meta.version": "x", f"{CORE}:id": "1", "groups.value": "g"}),
        {},
    ),
    (
        "keys in another letter case",
        {},
        op("add", None, {"TITLE": "x", "Name": {"GIVENNAME": "A"}}),
        {"title": "x", "name": {"givenName": "A"}},
    ),
    (
        "null keys, which unset",
        {"title": "x", "name": {"givenName": "A"}},
        op("replace", None, {"title": None, "name": None}),
        {},
    ),
    (
        "a manager as text",
        {},
        op("replace", f"{ENTERPRISE}:manager", "m"),
        {ENTERPRISE: {"manager": {"value": "m"}}},
    ),
    (
        "a manager as text in an extension",
        {},
        op("add", None, {ENTERPRISE: {"manager": "m"}}),
        {ENTERPRISE: {"manager": {"value": "m"}}},
    ),
    (
        "no manager as text",
        {ENTERPRISE: {"manager": {"value": "m"}}},
        op("replace", f"{ENTERPRISE}:manager", ""),
        {},
    ),
    ("a role as text", {}, op("add", "roles", "admin"), {"roles": [{"value": "admin"}]}),
    (
        "a value that a filter names and none is",
        {},
        op("add", 'emails[type eq "work"].value', "a"),
        {"emails": [{"type": "work", "value": "a"}]},
    ),
    (
        "a value beside others",
        {"emails": [HOME]},
        op("replace", 'emails[type eq "work"].value', "a"),
        {"emails": [HOME, {"type": "work", "value": "a"}]},
    ),
    (
        "a value by two conditions",
        {},
        op("add", 'addresses[type eq "WORK" and primary eq true].locality', "x"),
        {"addresses": [{"type": "work", "primary": True, "locality": "x"}]},
    ),
    (
        "a primary role",
        {},
        op("add", 'roles[primary eq "True"].value', "a"),
        {"roles": [{"primary": True, "value": "a"}]},
    ),
    (
        "a whole value that a filter names",
        {},
        op("add", 'phoneNumbers[type eq "mobile"]', {"value": "1"}),
        {"phoneNumbers": [{"type": "mobile", "value": "1"}]},
    ),
    (
        "a whole value that a filter names, in place of none",
        {},
        op("replace", 'phoneNumbers[type eq "mobile"]', {"value": "1"}),
        {"phoneNumbers": [{"type": "mobile", "value": "1"}]},
    ),
    (
        "the same value, step by step",
        {},
        [
            op("add", 'addresses[type eq "work"].locality', "x"),
            op("add", 'addresses[type eq "work"].country', "DE"),
        ],
        {"addresses": [{"type": "work", "locality": "x", "country": "DE"}]},
    ),
    (
        "remove by a list of values",
        {"emails": [WORK, HOME]},
        op("remove", "emails", [{"value": "A@HOME"}]),
        {"emails": [WORK]},
    ),
    (
        "remove by one value",
        {"emails": [WORK, HOME]},
        op("remove", "emails", {"value": "a@home"}),
        {"emails": [WORK]},
    ),
    (
        "remove values that are not there",
        {"emails": [WORK]},
        op("remove", "emails", [{"value": "x"}]),
        {"emails": [WORK]},
    ),
    (
        "remove by a named list",
        {"emails": [WORK, HOME]},
        op("remove", "emails", {"emails": [{"value": "a@work"}]}),
        {"emails": [HOME]},
    ),
    (
        "remove simple values",
        {CUSTOM: {"tags": ["a", "b", "c"]}},
        op("remove", f"{CUSTOM}:tags", ["A", "c"]),
        {CUSTOM: {"tags": ["b"]}},
    ),
    (
        "remove addresses, which have no value",
        {"addresses": [{"locality": "x"}, {"locality": "y"}]},
        op("remove", "addresses", [{"locality": "x"}]),
        {"addresses": [{"locality": "y"}]},
    ),
    (
        "remove with an empty list, which is nothing",
        {"emails": [WORK]},
        op("remove", "emails", []),
        {"emails": [WORK]},
    ),
    ("a password, which is discarded", {}, op("replace", "password", "secret"), {}),
    ("a password without a path", {}, op("replace", None, {"password": "secret", "title": "x"}), {"title": "x"}),
]

SEVERAL = [
    (
        "one after another",
        {},
        [op("add", "title", "x"), op("replace", "title", "y"), op("add", "nickName", "z")],
        {"title": "y", "nickName": "z"},
    ),
    ("there and gone", {}, [op("add", "emails", [WORK]), op("remove", 'emails[type eq "work"]')], {}),
    (
        "gone and there",
        {"emails": [HOME]},
        [op("remove", "emails"), op("add", "emails", [WORK])],
        {"emails": [WORK]},
    ),
    (
        "a filter sees what came before",
        {"emails": [HOME]},
        [op("replace", 'emails[type eq "home"].type', "other"), op("remove", 'emails[type eq "home"]')],
        {"emails": [HOME | {"type": "other"}]},
    ),
    (
        "a manager as text, then in parts",
        {},
        [op("add", f"{ENTERPRISE}:manager", "m"), op("add", f"{ENTERPRISE}:manager.displayName", "M")],
        {ENTERPRISE: {"manager": {"value": "m", "displayName": "M"}}},
    ),
]


@pytest.mark.parametrize(**table(ADD))
def test_add(before, operations, after):
    assert patched(ada(**before), *operations) == ada(**after)


@pytest.mark.parametrize(**table(REPLACE))
def test_replace(before, operations, after):
    assert patched(ada(**before), *operations) == ada(**after)


@pytest.mark.parametrize(**table(REMOVE))
def test_remove(before, operations, after):
    assert patched(ada(**before), *operations) == ada(**after)


@pytest.mark.parametrize(**table(PRIMARY))
def test_a_value_that_becomes_primary_takes_it_from_the_others(before, operations, after):
    assert patched(ada(**before), *operations) == ada(**after)


@pytest.mark.parametrize(**table(LENIENT))
def test_what_clients_send_beyond_the_rfc(before, operations, after):
    assert patched(ada(**before), *operations) == ada(**after)


@pytest.mark.parametrize(**table(SEVERAL))
def test_operations_in_order(before, operations, after):
    assert patched(ada(**before), *operations) == ada(**after)


def test_schemas_of_the_message_may_be_missing_or_right():
    for schemas in ({}, {"schemas": [patch.PATCH_SCHEMA]}, {"SCHEMAS": [patch.PATCH_SCHEMA, "urn:x"]}):
        [step] = patch.operations(
            schemas | {"operations": [{"OP": "add", "PATH": "title", "Value": "x"}]}, USERS, []
        )
        assert (step.op, step.attribute.name, step.value) == ("add", "title", "x")


IGNORED = [
    ("a key", op("add", None, {"shoe": 5, "title": "x"}), ["shoe"]),
    ("a key below", op("add", None, {"name": {"nick": "y"}, "title": "x"}), ["name.nick"]),
    ("a dotted key", op("add", None, {"name.nick": "y", "title": "x"}), ["name.nick"]),
    ("a key of an extension", op("add", None, {ENTERPRISE: {"floor": 3}, "title": "x"}), [f"{ENTERPRISE}:floor"]),
    ("a key of a foreign extension", op("add", None, {"urn:x:y:User": {"a": 1}, "title": "x"}), ["urn:x:y:User"]),
    ("a path of an extension", op("add", f"{CUSTOM}:unheard", "y"), [f"{CUSTOM}:unheard"]),
    ("a path of a foreign extension", op("replace", "urn:x:y:User:a", "y"), ["urn:x:y:User:a"]),
    ("a sub-attribute of a value", op("add", "emails", [{"value": "a", "verified": True}]), ["emails.verified"]),
]


@pytest.mark.parametrize(("operation", "names"), [case[1:] for case in IGNORED], ids=[case[0] for case in IGNORED])
def test_what_nobody_defined_is_ignored_and_remembered(operation, names):
    ignored = []
    result = patched(ada(), operation, op("add", "title", "x"), ignored=ignored)
    assert ignored == names
    assert result["title"] == "x"
    assert not set(names) & set(result)


REFUSED = [
    # noTarget
    ("remove without a path", op("remove"), "noTarget"),
    ("remove without a path, with a value", op("remove", None, {"title": "x"}), "noTarget"),
    ("remove with an empty path", op("remove", ""), "noTarget"),
    ("replace what a filter does not find", op("replace", 'emails[value eq "nobody"].type', "home"), "noTarget"),
    ("replace a value of no known type", op("replace", 'emails[type eq "fax"].value', "x"), "noTarget"),
    (
        "add where a filter says more than a type",
        op("add", 'emails[type eq "other" and value eq "x"].display', "x"),
        "noTarget",
    ),
    ("replace by an or", op("replace", 'phoneNumbers[type eq "work" or type eq "home"].value', "x"), "noTarget"),
    ("replace by a not", op("replace", 'phoneNumbers[not (type eq "work")].value', "x"), "noTarget"),
    ("replace by a prefix", op("replace", 'phoneNumbers[type sw "work"].value', "x"), "noTarget"),
    ("replace a simple value that is not there", op("replace", f'{CUSTOM}:tags[value eq "x"]', "y"), "noTarget"),
    # invalidPath
    ("an unknown path", op("replace", "foo", "x"), "invalidPath"),
    ("an unknown sub-attribute", op("replace", "name.foo", "x"), "invalidPath"),
    ("an unknown sub-attribute of values", op("replace", 'emails[type eq "work"].foo', "x"), "invalidPath"),
    ("remove an unknown path", op("remove", "foo"), "invalidPath"),
    ("an unknown core path", op("replace", f"{CORE}:foo", "x"), "invalidPath"),
    ("a path that is no string", op("replace", 5, "x"), "invalidPath"),
    ("a path that is a list", op("replace", ["title"], "x"), "invalidPath"),
    ("a filter on one value", op("replace", 'name[givenName eq "A"].givenName', "x"), "invalidPath"),
    ("JSON Patch", op("replace", "/title", "x"), "invalidPath"),
    ("insides", op("replace", "title.__class__", "x"), "invalidPath"),
    ("a prototype", op("add", "__proto__.x", "x"), "invalidPath"),
    # invalidFilter
    ("a broken filter", op("replace", 'emails[type eq "work].value', "x"), "invalidFilter"),
    ("an unknown attribute in a filter", op("remove", 'emails[foo eq "x"]'), "invalidFilter"),
    ("a wrong comparison in a filter", op("remove", "emails[primary gt true]"), "invalidFilter"),
    ("a broken filter in a key", op("replace", None, {'emails[type eq "work].value': "x"}), "invalidFilter"),
    # mutability
    ("the id", op("replace", "id", "x"), "mutability"),
    ("meta", op("replace", "meta", {"version": "x"}), "mutability"),
    ("a part of meta", op("replace", "meta.lastModified", "2026-01-01T00:00:00Z"), "mutability"),
    ("the groups", op("add", "groups", [{"value": "g"}]), "mutability"),
    ("the groups by a filter", op("remove", 'groups[value eq "g"]'), "mutability"),
    ("remove the id", op("remove", "id"), "mutability"),
    ("remove the user name", op("remove", "userName"), "mutability"),
    ("remove the qualified user name", op("remove", f"{CORE}:username"), "mutability"),
    # invalidValue
    ("a wrong type", op("replace", "title", 5), "invalidValue"),
    ("an object for a string", op("replace", "title", {"value": "x"}), "invalidValue"),
    ("a string for a boolean", op("replace", "active", "yes"), "invalidValue"),
    ("a string for an object", op("replace", "name", "Ada"), "invalidValue"),
    ("a list for an object", op("replace", "name", [{"givenName": "A"}]), "invalidValue"),
    ("a string for an extension", op("replace", ENTERPRISE, "x"), "invalidValue"),
    ("a string for a number", op("replace", f"{CUSTOM}:shoeSize", "41"), "invalidValue"),
    ("a wrong value in a list", op("add", "emails", [WORK, 5]), "invalidValue"),
    ("a wrong sub-attribute", op("add", "emails", [{"value": 5}]), "invalidValue"),
    ("a wrong sub-attribute by a path", op("replace", 'emails[type eq "work"].primary', "yes"), "invalidValue"),
    ("a wrong key", op("replace", None, {"title": 5}), "invalidValue"),
    ("a wrong dotted key", op("replace", None, {"name.givenName": 5}), "invalidValue"),
    ("no object without a path", op("replace", None, "x"), "invalidValue"),
    ("a list without a path", op("add", None, [{"title": "x"}]), "invalidValue"),
    ("add without a value", op("add", "title"), "invalidValue"),
    ("replace without a value", op("replace", "title"), "invalidValue"),
    ("replace without anything", op("replace"), "invalidValue"),
    ("an empty user name", op("replace", "userName", ""), "invalidValue"),
    ("a blank user name", op("replace", "userName", "  "), "invalidValue"),
    (
        "two primary values",
        op("add", "emails", [HOME | {"primary": True}, OTHER | {"primary": True}]),
        "invalidValue",
    ),
    ("every value primary", op("replace", "emails.primary", True), "invalidValue"),
    ("remove what names nothing", op("remove", "emails", [{}]), "invalidValue"),
    ("remove what is no value", op("remove", "emails", [5]), "invalidValue"),
    ("a NUL", op("replace", "title", "a\x00b"), "invalidValue"),
    # invalidSyntax
    ("no op", {"path": "title", "value": "x"}, "invalidSyntax"),
    ("an unknown op", op("move", "title", "x"), "invalidSyntax"),
    ("an op that is no string", op(5, "title", "x"), "invalidSyntax"),
    ("an operation that is no object", "replace", "invalidSyntax"),
]


@pytest.mark.parametrize(("operation", "scim_type"), [c[1:] for c in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_refused_operation_undoes_those_before_it(operation, scim_type):
    document = ada(emails=[WORK, HOME])
    error = refusal(
        document, op("replace", "title", "x"), op("remove", "emails"), op("add", "emails", [WORK, HOME]), operation
    )
    assert (error.status, error.scim_type) == (400, scim_type)


BODIES = [
    ("null", None),
    ("a list", []),
    ("a string", "x"),
    ("nothing", {}),
    ("no operations", {"schemas": [patch.PATCH_SCHEMA]}),
    ("an empty list", {"Operations": []}),
    ("one operation, not in a list", {"Operations": op("add", "title", "x")}),
    ("another message", {"schemas": [CORE], "Operations": [op("add", "title", "x")]}),
    ("schemas as a string", {"schemas": patch.PATCH_SCHEMA, "Operations": [op("add", "title", "x")]}),
    ("a user", {"userName": "ada"}),
]


@pytest.mark.parametrize("body", [body for _, body in BODIES], ids=[name for name, _ in BODIES])
def test_a_body_that_is_no_patch_is_refused(body):
    with pytest.raises(ScimError) as error:
        patch.operations(body, USERS, [])
    assert (error.value.status, error.value.scim_type) == (400, "invalidSyntax")


def test_too_many_operations_are_refused():
    operations = [op("add", "title", "x")] * (patch.MAX_OPERATIONS + 1)
    with pytest.raises(ScimError) as error:
        patch.operations({"Operations": operations}, USERS, [])
    assert error.value.status == 413
    assert str(patch.MAX_OPERATIONS) in error.value.detail


def test_applying_leaves_the_steps_as_they_are():
    body = {
        "Operations": [op("add", f"{ENTERPRISE}:manager", "m"), op("add", f"{ENTERPRISE}:manager.displayName", "M")]
    }
    steps = patch.operations(body, USERS, [])
    assert patch.apply(ada(), steps) == patch.apply(ada(), steps)
    assert steps[0].value == {"value": "m"}


def test_a_document_shares_nothing_with_the_one_it_came_from():
    before = ada(emails=[WORK], name={"givenName": "A"})
    after = patch.apply(before, patch.operations({"Operations": [op("add", "title", "x")]}, USERS, []))
    after["emails"][0]["value"] = after["name"]["givenName"] = "changed"
    assert before == ada(emails=[WORK], name={"givenName": "A"})


GROUP_STEPS = [
    ("add members", op("add", "members", [{"value": "1"}]), ("add", [{"value": "1"}], False)),
    ("add one member", op("Add", "members", {"value": "1"}), ("add", [{"value": "1"}], False)),
    ("replace members", op("replace", "members", [{"value": "1"}]), ("replace", [{"value": "1"}], False)),
    ("clear members", op("replace", "members", []), ("replace", None, False)),
    ("remove members", op("remove", "members"), ("remove", None, False)),
    ("remove one member", op("remove", 'members[value eq "1"]'), ("remove", None, True)),
    ("remove listed members", op("remove", "members", [{"value": "1"}]), ("remove", [{"value": "1"}], False)),
    ("without a path", op("add", None, {"members": [{"value": "1"}]}), ("add", [{"value": "1"}], False)),
]


@pytest.mark.parametrize(("operation", "expected"), [c[1:] for c in GROUP_STEPS], ids=[c[0] for c in GROUP_STEPS])
def test_steps_on_members(operation, expected):
    [step] = patch.operations({"Operations": [operation]}, GROUP_TYPE, [])
    assert step.attribute.name == "members"
    assert (step.op, step.value, step.target.where is not None) == expected


GROUP_REFUSED = [
    ("a member's id", op("replace", 'members[value eq "1"].value', "2"), "mutability"),
    ("every member's id", op("replace", "members.value", "2"), "mutability"),
    ("the name", op("remove", "displayName"), "mutability"),
    ("the id", op("replace", "id", "1"), "mutability"),
    ("a member that is no object", op("add", "members", ["1"]), "invalidValue"),
    ("an attribute of users", op("replace", "userName", "x"), "invalidPath"),
]


@pytest.mark.parametrize(
    ("operation", "scim_type"), [c[1:] for c in GROUP_REFUSED], ids=[c[0] for c in GROUP_REFUSED]
)
def test_what_a_group_refuses(operation, scim_type):
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "g"}
    assert refusal(group, operation, of_type=GROUP_TYPE).scim_type == scim_type
