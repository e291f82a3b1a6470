"""Attribute tables: what a document may hold, compares as and shows (RFC 7643)."""

from copy import deepcopy
from random import Random

import pytest

from protocol.errors import ScimError
from protocol.schema import (
    GROUP_TYPE,
    MAX_NAME,
    MAX_STRING,
    MAX_VALUES,
    Projection,
    comparable,
    compile_user_type,
    fold,
    index_rows,
    moment,
    number_key,
    resource_type_documents,
    schema_documents,
    user_name_key,
)

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"

USERS = compile_user_type(
    (
        ("badge", "string", False),
        ("vip", "boolean", False),
        ("shoeSize", "integer", False),
        ("height", "decimal", False),
        ("hired", "dateTime", False),
        ("tags", "string", True),
        ("scores", "decimal", True),
    )
)


def normalise(of_type=USERS, **body):
    ignored = []
    document = of_type.normalise({"userName": "ada"} | body if of_type is USERS else body, ignored)
    return document, ignored


def refusal(body, of_type=USERS):
    with pytest.raises(ScimError) as error:
        of_type.normalise(body, [])
    assert error.value.status == 400
    return error.value


STRINGS = ["displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone"]
PLURALS = ["emails", "phoneNumbers", "ims", "photos", "entitlements", "roles"]
NO_STRING = [5, 1.5, True, False, [], ["x"], {}, {"value": "x"}, "nul \x00"]
NO_LIST = [5, True, "x", ["x"], [5], [["x"]], [{"value": 5}], [{"value": "x", "primary": "yes"}], [{"type": []}]]

# 22 attributes of the core schema and 6 of the enterprise one, each with what is no value of it
WRONG = {name: NO_STRING for name in ["externalId", "userName", *STRINGS]}
WRONG |= {
    "name": [5, True, "Ada", ["x"], [{"givenName": "Ada"}], {"givenName": 5}, {"givenName": ["x"]}],
    "active": [1, 0, "yes", "1", "on", [True], {"value": True}],
    "password": [5, True, ["x"], {"value": "x"}, "nul \x00"],
    "addresses": [5, True, "x", ["x"], [{"locality": 5}], [{"primary": 1}], [[{"locality": "x"}]]],
    "x509Certificates": [
        5,
        "QUJD",
        [{"value": "not base64!"}],
        [{"value": "QUI"}],
        [{"value": "é"}],
        [{"value": 5}],
    ],
    "schemas": [5, CORE, [5], [None], {"value": CORE}],
}
WRONG |= {name: NO_LIST for name in PLURALS}
WRONG |= {name: [value for value in NO_LIST if value != ["x"]] for name in ("roles", "entitlements")}
WRONG |= {
    f"{ENTERPRISE}:{name}": NO_STRING
    for name in ["employeeNumber", "costCenter", "organization", "division", "department"]
}
WRONG |= {
    f"{ENTERPRISE}:manager": [
        5,
        True,
        ["x"],
        [{"value": "x"}],
        {"value": 5},
        {"value": ["x"]},
        {"displayName": True},
    ],
    f"{CUSTOM}:badge": NO_STRING,
    f"{CUSTOM}:vip": [1, "yes", "0", [True], {}],
    f"{CUSTOM}:shoeSize": [1.5, 1.0, "41", True, [41], {}, 2**63, -(2**63) - 1],
    f"{CUSTOM}:height": ["1.5", True, [1.5], {}, 1e19, 2**63],
    f"{CUSTOM}:hired": [2026, True, "2026-01-31", "yesterday", "2026-02-30T00:00:00Z", ["2026-01-31T00:00:00Z"]],
    f"{CUSTOM}:tags": [5, "x", {"value": "x"}, [5], [["x"]], [{"value": "x"}], [True], ["nul \x00"]],
    f"{CUSTOM}:scores": [5, ["1"], [True], [1e19], {"value": 1}],
}
WRONG_CASES = [(path, value) for path, values in WRONG.items() for value in values]


def body_with(path, value):
    urn, _, name = path.rpartition(":")
    return {"userName": "ada"} | ({urn: {name: value}} if urn else {path: value})


@pytest.mark.parametrize(
    ("path", "value"), WRONG_CASES, ids=[f"{path.split(':')[-1]}={value!a}"[:60] for path, value in WRONG_CASES]
)
def test_a_wrong_value_is_never_stored(path, value):
    error = refusal(body_with(path, value))
    assert error.scim_type == "invalidValue"
    assert error.path.split(":")[-1].split(".")[0] == path.split(":")[-1]


@pytest.mark.parametrize("urn", [ENTERPRISE, CUSTOM])
@pytest.mark.parametrize("value", [5, True, "x", ["x"], [{"department": "x"}]], ids=repr)
def test_an_extension_is_an_object(urn, value):
    assert refusal({"userName": "ada", urn: value}).scim_type == "invalidValue"


RIGHT = [(name, ["x", "Ünïcödé 𝒳", " ", "%_\\'\"", "x" * MAX_STRING]) for name in ["externalId", *STRINGS]]
RIGHT += [
    ("userName", ["x", "Ada Lovelace", "ada@exämple.com", "x" * MAX_NAME]),
    ("name", [{"formatted": "A"}, {"givenName": "Ada", "familyName": "Lovelace"}]),
    ("active", [True, False]),
    ("addresses", [[{"streetAddress": "1 Main St\nDoor 2", "primary": True}], [{"country": "DE"}, {"type": "x"}]]),
    ("x509Certificates", [[{"value": "QUJD"}], [{"value": "QUI=", "display": "x"}], [{"value": "-_-_"}]]),
    ("photos", [[{"value": "https://example.com/" + "x" * MAX_STRING}]]),
    (
        "roles",
        [
            [{"value": "x"}, {"value": "x", "type": "y"}],
            [{"value": str(i)} for i in range(MAX_VALUES)],
            [{"primary": False}],
        ],
    ),
    ("emails", [[{"value": "a", "type": "anything", "primary": True}, {"value": "b", "primary": False}]]),
    (f"{ENTERPRISE}:department", ["x"]),
    (f"{ENTERPRISE}:manager", [{"value": "x", "$ref": "../Users/x", "displayName": "X"}]),
    (f"{CUSTOM}:vip", [True, False]),
    (f"{CUSTOM}:shoeSize", [0, -1, 2**63 - 1, -(2**63)]),
    (f"{CUSTOM}:height", [0, 1, -1.5, 1e-300, 9.2e18]),
    (f"{CUSTOM}:hired", ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00.123456789+14:00"]),
    (f"{CUSTOM}:tags", [["x"], ["x", "y"]]),
    (f"{CUSTOM}:scores", [[1, 2.5, -3]]),
]
RIGHT_CASES = [(path, value) for path, values in RIGHT for value in values]


@pytest.mark.parametrize(
    ("path", "value"), RIGHT_CASES, ids=[f"{path.split(':')[-1]}={value!a}"[:60] for path, value in RIGHT_CASES]
)
def test_a_right_value_is_stored_as_it_is(path, value):
    document, ignored = normalise(**body_with(path, value))
    urn, _, name = path.rpartition(":")
    stored = document[urn][name] if urn else document[name]
    assert (stored, type(stored), ignored) == (value, type(value), [])
    assert document["schemas"] == [CORE, *([urn] if urn else [])]


LENIENCIES = [
    ("active", "False", False),
    ("active", "TRUE", True),
    ("emails", [{"value": "a", "primary": "true"}], [{"value": "a", "primary": True}]),
    ("emails", {"value": "a"}, [{"value": "a"}]),
    (f"{ENTERPRISE}:manager", "26118915", {"value": "26118915"}),
    ("roles", ["admin"], [{"value": "admin"}]),
    ("entitlements", ["a", {"value": "b"}], [{"value": "a"}, {"value": "b"}]),
    (f"{CUSTOM}:vip", "true", True),
]


@pytest.mark.parametrize(("path", "given", "stored"), LENIENCIES, ids=lambda value: str(value).split(":")[-1][:40])
def test_what_clients_send_instead_is_understood(path, given, stored):
    document, _ = normalise(**body_with(path, given))
    urn, _, name = path.rpartition(":")
    assert (document[urn] if urn else document)[name] == stored


DOUBLES = [
    (f"{CUSTOM}:tags", ["x", "Y", "X"], ["X", "Y"]),
    (f"{CUSTOM}:scores", [1, 2, 1.0], [1.0, 2]),
    ("roles", [{"value": "x"}, {"value": "X"}], [{"value": "X"}]),
    ("roles", [{"value": "x", "type": "y"}, {"value": "x"}], [{"value": "x", "type": "y"}, {"value": "x"}]),
    (
        "emails",
        [{"value": "a", "display": "A"}, {"value": "a", "primary": True}],
        [{"value": "a", "display": "A", "primary": True}],
    ),
    (
        "photos",
        [{"value": "https://x/a"}, {"value": "https://x/A"}],
        [{"value": "https://x/a"}, {"value": "https://x/A"}],
    ),
    (
        "addresses",
        [{"locality": "x"}, {"locality": "x"}, {"locality": "y"}],
        [{"locality": "x"}, {"locality": "y"}],
    ),
]


@pytest.mark.parametrize(("path", "given", "stored"), DOUBLES, ids=lambda value: str(value).split(":")[-1][:40])
def test_a_value_given_twice_is_one_value(path, given, stored):
    document, _ = normalise(**body_with(path, given))
    urn, _, name = path.rpartition(":")
    assert (document[urn] if urn else document)[name] == stored


UNSET = [
    *((name, value) for name in ["title", "externalId", "active", "name", "emails"] for value in (None, "")),
    ("name", {}),
    ("name", {"givenName": None, "familyName": ""}),
    ("emails", []),
    ("emails", [None, ""]),
    ("emails", [{}]),
    ("emails", [{"value": ""}]),
    (ENTERPRISE, None),
    (ENTERPRISE, {}),
    (ENTERPRISE, {"department": "", "manager": {"value": ""}}),
    (CUSTOM, {"vip": "", "tags": [], "scores": [None]}),
    ("password", "secret"),
]


@pytest.mark.parametrize(("name", "value"), [c for c in UNSET if c != ("emails", "")], ids=repr)
def test_what_is_unset_is_left_out(name, value):
    document, ignored = normalise(**{name: value})
    assert (document, ignored) == ({"schemas": [CORE], "userName": "ada"}, [])


@pytest.mark.parametrize(
    "body",
    [{}, {"userName": None}, {"userName": ""}, {"userName": " \t"}, {"displayName": "ada"}, {"schemas": [CORE]}],
    ids=repr,
)
def test_a_user_needs_a_user_name(body):
    assert refusal(body).path == "userName"


def test_a_group_needs_a_display_name():
    assert refusal({"members": []}, GROUP_TYPE).path == "displayName"


UNKNOWN = [
    ({"shoe": 5}, ["shoe"]),
    ({"name": {"givenName": "Ada", "nick": "x"}}, ["name.nick"]),
    ({"emails": [{"value": "a", "verified": True}]}, ["emails.verified"]),
    ({ENTERPRISE: {"floor": 3}}, [f"{ENTERPRISE}:floor"]),
    ({ENTERPRISE: {"manager": {"value": "x", "mail": "y"}}}, [f"{ENTERPRISE}:manager.mail"]),
    ({CUSTOM: {"unheard": 1}}, [f"{CUSTOM}:unheard"]),
    ({"urn:nobody:knows": {"a": 1}}, ["urn:nobody:knows"]),
    ({"__class__": {}, "a.b": 1, "": 2}, ["__class__", "a.b", ""]),
]


@pytest.mark.parametrize(("body", "names"), UNKNOWN, ids=[names[0] for _, names in UNKNOWN])
def test_unknown_attributes_are_ignored_and_remembered(body, names):
    document, ignored = normalise(**body)
    assert ignored == names
    assert not set(names) & set(document)


def test_what_the_server_assigns_is_ignored_in_silence():
    forged = {"id": "1", "groups": [{"value": "admins"}], "meta": {"version": "x", "created": 5}}
    assert normalise(**forged) == ({"schemas": [CORE], "userName": "ada"}, [])


def test_names_are_canonical_whatever_their_case():
    body = {"USERNAME": "ada", "Name": {"GIVENNAME": "Ada"}, "eMails": [{"VALUE": "a", "Primary": True}]}
    body |= {ENTERPRISE.upper(): {"DEPARTMENT": "x"}, CUSTOM.lower(): {"SHOESIZE": 41}, "SCHEMAS": [CORE.upper()]}
    assert USERS.normalise(body, []) == {
        "schemas": [CORE, ENTERPRISE, CUSTOM],
        "userName": "ada",
        "name": {"givenName": "Ada"},
        "emails": [{"value": "a", "primary": True}],
        ENTERPRISE: {"department": "x"},
        CUSTOM: {"shoeSize": 41},
    }


TWICE = [
    {"userName": "ada", "username": "eve"},
    {"userName": "ada", "title": "x", "TITLE": "x"},
    {"userName": "ada", "name": {"givenName": "x", "GivenName": "y"}},
    {"userName": "ada", "emails": [{"value": "x", "Value": "y"}]},
    {"userName": "ada", ENTERPRISE: {"department": "x"}, ENTERPRISE.upper(): {"department": "y"}},
]


@pytest.mark.parametrize("body", TWICE, ids=repr)
def test_an_attribute_given_twice_in_different_letter_case_is_refused(body):
    assert refusal(body).scim_type == "invalidSyntax"


@pytest.mark.parametrize("name", [*PLURALS, "addresses", "x509Certificates"])
def test_only_one_value_may_be_primary(name):
    error = refusal({"userName": "ada", name: [{"type": "work", "primary": True}, {"primary": True}]})
    assert (error.scim_type, error.path) == ("invalidValue", name)


LIMITS = [
    ("title", "x" * (MAX_STRING + 1)),
    ("userName", "x" * (MAX_NAME + 1)),
    ("roles", [{"value": str(i)} for i in range(MAX_VALUES + 1)]),
    (f"{CUSTOM}:tags", [str(i) for i in range(MAX_VALUES + 1)]),
]


@pytest.mark.parametrize(("path", "value"), LIMITS, ids=[path.split(":")[-1] for path, _ in LIMITS])
def test_limits(path, value):
    assert refusal(body_with(path, value)).scim_type == "invalidValue"


def test_a_group_may_have_more_members_than_a_user_has_values():
    members = [{"value": str(i)} for i in range(MAX_VALUES + 1)]
    assert GROUP_TYPE.normalise({"displayName": "g", "members": members}, [])["members"] == members


INVISIBLE = ["\n", "\t", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2028", "\u2066", "\ufeff"]


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_a_name_has_no_invisible_characters(character):
    assert refusal({"userName": f"a{character}b"}).scim_type == "invalidValue"
    assert refusal({"displayName": f"a{character}b"}, GROUP_TYPE).scim_type == "invalidValue"
    assert normalise(title=f"a{character}b")[0]["title"] == f"a{character}b"


@pytest.mark.parametrize("body", [None, [], "x", 5, True], ids=repr)
def test_a_resource_is_an_object(body):
    assert refusal(body).scim_type == "invalidSyntax"


SCHEMAS = [
    (None, None),
    ([CORE], None),
    ([CORE.lower()], None),
    ([CORE, ENTERPRISE, "urn:scim:schemas:core:1.0"], None),
    ([], "invalidSyntax"),
    ([ENTERPRISE], "invalidSyntax"),
    ([GROUP], "invalidSyntax"),
]


@pytest.mark.parametrize(("given", "scim_type"), SCHEMAS, ids=[str(given) for given, _ in SCHEMAS])
def test_schemas(given, scim_type):
    if scim_type:
        assert refusal({"userName": "ada", "schemas": given}).scim_type == scim_type
    else:
        assert normalise(schemas=given)[0]["schemas"] == [CORE]


def test_normalising_changes_nothing_given_and_is_idempotent():
    body = {"userName": "ada", "emails": {"value": "a", "primary": "true"}, "shoe": 5, ENTERPRISE: {"manager": "x"}}
    given = deepcopy(body)
    document = USERS.normalise(body, [])
    assert body == given
    assert USERS.normalise(document, []) == document


NUMBERS = [
    *(-(2**63), -(2**63) + 1, -1e18, -12345678901.5, -100, -10, -9, -2, -1.5, -1.4999999999999998, -1),
    *(-0.9999999999999999, -0.5, -1e-5, -1.2345678901234567e-15, -1e-27, -1e-30, -1e-300, -5e-324),
    *(0, 5e-324, 1e-300, 1e-30, 1e-5, 0.1, 0.10000000000000002, 0.5, 1, 1.0000000000000002, 9, 9.5, 10, 100),
    *(2**53 - 1, 2**53, 2**53 + 1, 1e18, 2**63 - 1024, 2**63 - 1),
]


def test_number_keys_are_in_the_order_of_the_numbers():
    keys = [number_key(number) for number in NUMBERS]
    assert keys == sorted(keys)


@pytest.mark.parametrize(("less", "more"), list(zip(NUMBERS, NUMBERS[1:], strict=False)), ids=repr)
def test_different_numbers_have_different_keys(less, more):
    assert number_key(less) < number_key(more)


@pytest.mark.parametrize(
    "equal",
    [(1, 1.0), (0, -0.0, 0.0), (-41, -41.0), (10, 1e1), (2**53, 2.0**53), (2**60, 2.0**60), (-(2**63), -(2.0**63))],
    ids=repr,
)
def test_equal_numbers_have_one_key(equal):
    assert len({number_key(number) for number in equal}) == 1


def test_random_numbers_sort_by_their_keys():
    random = Random(1)
    numbers = [random.choice([-1, 1]) * random.random() * 10 ** random.randint(-40, 18) for _ in range(3_000)]
    numbers += [random.randint(-(2**63), 2**63 - 1) for _ in range(1_000)]
    assert sorted(numbers, key=number_key) == sorted(numbers)


MOMENTS = [
    ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500000Z"),
    ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z"),
    ("2026-01-31T01:30:00+02:00", "2026-01-30T23:30:00.000000Z"),
    ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00.000000Z"),
    ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    *((text, None) for text in ["", "x", "2026", "2026-01-31", "12:00:00Z", "2026-01-31 12:00:00Z"]),
    *((text, None) for text in ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z"]),
    *((text, None) for text in ["2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "0000-01-01T00:00:00Z"]),
    *((text, None) for text in ["2026-01-01T00:00:00z", "2026-01-01T00:00Z", "2026-W01-1T00:00:00Z"]),
    *((text, None) for text in ["2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00.Z", " 2026-01-01T00:00:00Z"]),
    *((text, None) for text in ["2026-01-01T00:00:00Z\n", "２026-01-01T00:00:00Z", "20260101T000000Z"]),
    *((text, None) for text in ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]),
]


@pytest.mark.parametrize(("text", "utc"), MOMENTS, ids=[ascii(text) for text, _ in MOMENTS])
def test_moments(text, utc):
    assert moment(text) == utc


SAME_NAME = [
    ("BJensen@Example.com", "bjensen@example.com"),
    ("ÉLODIE", "élodie"),
    ("e\u0301lodie", "élodie"),
    ("ａｄａ", "ada"),
    ("ＡＤＡ@example.com", "ada@example.com"),
    ("ЮЛИЯ", "юлия"),
    ("ÉLODIE DUPONT", "élodie dupont"),
    ("e\u0301lodie dupont", "élodie dupont"),
    ("ＡＤＡ\u3000Ｌ", "ada l"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
]
OTHER_NAME = [
    ("pаypal", "paypal"),  # the first а is Cyrillic
    ("admın", "admin"),
    ("elodie", "élodie"),
    ("ada", "ada "),
    ("Ａda1", "ada2"),
    ("ο", "o"),
    ("1", "l"),
    ("straße", "strase"),
]


@pytest.mark.parametrize(("one", "other"), SAME_NAME, ids=ascii)
def test_user_names_are_equal_but_for_case_form_and_width(one, other):
    assert user_name_key(one) == user_name_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER_NAME, ids=ascii)
def test_look_alikes_stay_apart(one, other):
    assert user_name_key(one) != user_name_key(other)


@pytest.mark.parametrize("name", [name for pair in SAME_NAME + OTHER_NAME for name in pair], ids=ascii)
def test_a_key_is_the_key_of_itself(name):
    assert user_name_key(user_name_key(name)) == user_name_key(name)
    assert fold(fold(name)) == fold(name)


def attribute(path):
    return USERS.paths[path.lower()][-1]


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("userName", "ＡＤＡ", "ada"),
        ("title", "ÉCOLE", "école"),
        ("externalId", "Okta-É", "Okta-É"),
        ("active", True, "true"),
        (f"{CUSTOM}:vip", False, "false"),
        (f"{CUSTOM}:hired", "2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00.000000Z"),
        (f"{CUSTOM}:shoeSize", 41, number_key(41)),
        ("emails.value", "Ada@Example.com", "ada@example.com"),
        ("photos.value", "https://example.com/A", "https://example.com/A"),
    ],
)
def test_what_a_value_compares_as(path, value, key):
    assert comparable(attribute(path), value) == key


def test_index_rows_put_the_primary_value_first():
    document = {
        "schemas": [CORE],
        "userName": "Ada",
        "active": True,
        "name": {"givenName": "Ada"},
        "emails": [{"value": "A@home", "type": "home"}, {"value": "A@work", "primary": True}],
        ENTERPRISE: {"manager": {"value": "X"}},
        CUSTOM: {"tags": ["b", "A"]},
    }
    assert index_rows(USERS, document, {"userName", "active"}) == {
        ("name.givenName", "ada", 0),
        ("emails.value", "a@work", 0),
        ("emails.primary", "true", 0),
        ("emails.value", "a@home", 1),
        ("emails.type", "home", 1),
        ("enterprise:manager.value", "X", 0),
        ("ivanti:tags", "b", 0),
        ("ivanti:tags", "a", 1),
    }


RESOURCE = {
    "schemas": [CORE, ENTERPRISE],
    "id": "2819c223",
    "userName": "ada",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"value": "a@work", "type": "work"}, {"value": "a@home"}, {"type": "other"}],
    "groups": [{"value": "g", "display": "G"}],
    "meta": {"resourceType": "User", "version": 'W/"1"'},
    ENTERPRISE: {"department": "x", "manager": {"value": "m", "displayName": "M"}},
}
ALWAYS = {"schemas": [CORE, ENTERPRISE], "id": "2819c223"}
NAME, EMAILS, MORE = RESOURCE["name"], RESOURCE["emails"], RESOURCE[ENTERPRISE]


def without(*names):
    return {name: value for name, value in RESOURCE.items() if name not in names}


SHOWN = [
    (["userName"], {"userName": "ada"}),
    (["USERNAME", " name "], {"userName": "ada", "name": NAME}),
    (["name.givenName"], {"name": {"givenName": "Ada"}}),
    (["name.givenName", "NAME.FAMILYNAME"], {"name": NAME}),
    (["name", "name.givenName"], {"name": NAME}),
    (["name.givenName", "name"], {"name": NAME}),
    (["emails.value"], {"emails": [{"value": "a@work"}, {"value": "a@home"}]}),
    (["emails.display"], {}),
    ([f"{CORE}:userName"], {"userName": "ada"}),
    ([f"{CORE.lower()}:name.givenname"], {"name": {"givenName": "Ada"}}),
    ([ENTERPRISE], {ENTERPRISE: MORE}),
    ([ENTERPRISE.upper()], {ENTERPRISE: MORE}),
    ([f"{ENTERPRISE}:department"], {ENTERPRISE: {"department": "x"}}),
    ([f"{ENTERPRISE}:manager.displayName"], {ENTERPRISE: {"manager": {"displayName": "M"}}}),
    (["meta"], {"meta": RESOURCE["meta"]}),
    (["meta.version"], {"meta": {"version": 'W/"1"'}}),
    (["groups.display"], {"groups": [{"display": "G"}]}),
    (["id"], {}),
    (["title"], {}),
    (["password"], {}),
    (["nobodyKnows"], {}),
    (["userName", "nobodyKnows", "a.b", "urn:x:y"], {"userName": "ada"}),
]
LEFT = [
    (["userName"], without("userName")),
    (["USERNAME", "Name"], without("userName", "name")),
    (["name.givenName"], RESOURCE | {"name": {"familyName": "Lovelace"}}),
    (["name.givenName", "name.familyName"], without("name")),
    (["name.givenName", "name"], without("name")),
    (["name", "name.givenName"], without("name")),
    (["emails.value"], RESOURCE | {"emails": [{"type": "work"}, {"type": "other"}]}),
    (["emails.type", "emails.value"], without("emails")),
    ([f"{CORE}:emails"], without("emails")),
    ([ENTERPRISE], without(ENTERPRISE)),
    ([f"{ENTERPRISE.lower()}:DEPARTMENT"], RESOURCE | {ENTERPRISE: {"manager": MORE["manager"]}}),
    ([f"{ENTERPRISE}:manager.value"], RESOURCE | {ENTERPRISE: MORE | {"manager": {"displayName": "M"}}}),
    (["meta.version"], RESOURCE | {"meta": {"resourceType": "User"}}),
    (["meta", "groups"], without("meta", "groups")),
    (["id", "schemas"], RESOURCE),  # returned always
    (["nobodyKnows", "title"], RESOURCE),
]


@pytest.mark.parametrize(("names", "shown"), SHOWN, ids=lambda value: str(value)[:70] * isinstance(value, list))
def test_attributes_select(names, shown):
    resource = deepcopy(RESOURCE)
    assert Projection(USERS, names, []).apply(resource) == ALWAYS | shown
    assert resource == RESOURCE


@pytest.mark.parametrize(("names", "left"), LEFT, ids=lambda value: str(value)[:70] * isinstance(value, list))
def test_excluded_attributes_are_left_out(names, left):
    resource = deepcopy(RESOURCE)
    assert Projection(USERS, [], names).apply(resource) == left
    assert resource == RESOURCE


def test_attributes_and_excluded_attributes_exclude_one_another():
    with pytest.raises(ScimError) as error:
        Projection(USERS, ["userName"], ["name"])
    assert error.value.scim_type == "invalidValue"


@pytest.mark.parametrize(
    ("attributes", "excluded", "shows"),
    [
        (["displayName"], [], False),
        (["members"], [], True),
        (["MEMBERS.value"], [], True),
        ([], ["displayName"], True),
        ([], ["members"], False),
        ([], ["members.display"], True),
    ],
)
def test_members_that_are_not_shown_need_not_be_loaded(attributes, excluded, shows):
    assert Projection(GROUP_TYPE, attributes, excluded).shows("members") is shows


def test_schema_documents_describe_what_is_compiled():
    documents = {document["id"]: document for document in schema_documents(USERS)}
    assert list(documents) == [CORE, ENTERPRISE, CUSTOM, GROUP]
    custom = {a["name"]: (a["type"], a["multiValued"]) for a in documents[CUSTOM]["attributes"]}
    assert custom["tags"] == ("string", True) and custom["hired"] == ("dateTime", False)
    for document in documents.values():
        for definition in document["attributes"]:
            path = (
                definition["name"] if document["id"] in (CORE, GROUP) else f"{document['id']}:{definition['name']}"
            )
            of_type = GROUP_TYPE if document["id"] == GROUP else USERS
            compiled = of_type.paths[path.lower()][-1]
            assert (compiled.type, compiled.multi_valued) == (definition["type"], definition["multiValued"])


def test_resource_types_name_their_schemas():
    user, group = resource_type_documents(USERS)
    assert (user["schema"], user["endpoint"]) == (CORE, "/Users")
    assert [extension["schema"] for extension in user["schemaExtensions"]] == [ENTERPRISE, CUSTOM]
    assert (group["schema"], group["endpoint"], group["schemaExtensions"]) == (GROUP, "/Groups", [])
