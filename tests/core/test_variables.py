"""What configurations may say of a person, by table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import attributes, variables
from core.variables import Reference, Text, VariableError
from protocol.definitions import CUSTOM, ENTERPRISE
from protocol.schema import compile_user_type

ADA = {
    "schemas": [],
    "userName": "ada.lovelace@example.com",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "displayName": "Ada, Countess of Lovelace",
    "emails": [{"value": "home@lovelace.org", "type": "home"}, {"value": "ada@work.example.com", "primary": True}],
    "locale": "en-GB",
    "active": True,
    ENTERPRISE: {"department": "Engines", "costCenter": "7"},
}


def test_every_variable_of_a_person_who_has_everything():
    assert variables.system_values(ADA) == {
        "userUID": "ada.lovelace@example.com",
        "userUIDLocalPart": "ada.lovelace",
        "userUIDDomain": "example.com",
        "userUPN": "ada.lovelace@example.com",
        "userEmailAddress": "ada@work.example.com",
        "userEmailAddressLocalPart": "ada",
        "userEmailAddressDomain": "work.example.com",
        "userFirstName": "Ada",
        "userLastName": "Lovelace",
        "userDisplayName": "Ada, Countess of Lovelace",
        "userLocale": "en-GB",
        "department": "Engines",
    }


def test_a_person_who_has_a_user_name_and_nothing_else():
    found = variables.system_values({"userName": "ada"})
    assert {name: value for name, value in found.items() if value is not None} == {
        "userUID": "ada",
        "userUIDLocalPart": "ada",
        "userUPN": "ada",
    }
    assert list(found) == list(variables.SYSTEM)


EMAILS = [
    (None, "ada@example.com", "ada@example.com"),
    (None, "ada", None),
    (None, "ada@", None),
    (None, "@example.com", None),
    (None, "ada lovelace@example.com", None),
    (None, "a@b@c", None),
    ([{"value": "first@x.org"}, {"value": "second@x.org"}], "ada", "first@x.org"),
    ([{"value": "first@x.org"}, {"value": "second@x.org", "primary": True}], "ada", "second@x.org"),
    ([{"value": "first@x.org", "primary": False}], "ada", "first@x.org"),
    ([{"type": "work", "primary": True}, {"value": "second@x.org"}], "ada", "second@x.org"),
    ([{"type": "work"}], "ada@example.com", "ada@example.com"),
]


@pytest.mark.parametrize("emails, user_name, expected", EMAILS)
def test_the_e_mail_address_is_the_primary_one_or_the_first_or_the_user_name(emails, user_name, expected):
    document = {"userName": user_name} | ({"emails": emails} if emails else {})
    found = variables.system_values(document)
    assert found["userEmailAddress"] == expected
    if expected:
        assert f"{found['userEmailAddressLocalPart']}@{found['userEmailAddressDomain']}" == expected
    else:
        assert found["userEmailAddressLocalPart"] is found["userEmailAddressDomain"] is None


@pytest.mark.parametrize(
    "user_name, local, domain",
    [("ada", "ada", None), ('"a@b"@example.com', '"a@b"', "example.com"), ("ada@", "ada", None), ("@x", None, "x")],
)
def test_the_parts_of_a_user_name(user_name, local, domain):
    found = variables.system_values({"userName": user_name})
    assert (found["userUIDLocalPart"], found["userUIDDomain"]) == (local, domain)


def test_each_path_is_one_that_the_schema_knows():
    paths = compile_user_type().paths
    assert [v.path for v in variables.SYSTEM.values() if v.path.lower() not in paths] == []


def test_no_custom_attribute_may_have_the_name_of_a_variable():
    assert set(attributes.SYSTEM_NAMES) == set(variables.SYSTEM)


TEXTS = [
    ("Berlin", "Berlin"),
    ("  two  spaces ", "  two  spaces "),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-7, "-7"),
    (2**63 - 1, "9223372036854775807"),
    (1.5, "1.5"),
    (2.0, "2"),
    (-0.0, "0"),
    (100.0, "100"),
    (0.1, "0.1"),
    (1e-7, "0.0000001"),
    (1e18, "1000000000000000000"),
    (123456789.123456789, "123456789.12345679"),
    ("2026-01-31T12:00:00+01:00", "2026-01-31T12:00:00+01:00"),
    (["a", "b"], "a, b"),
    ([True, False], "true, false"),
    ([1, 2.50], "1, 2.5"),
    (["only"], "only"),
]


@pytest.mark.parametrize("value, text", TEXTS)
def test_a_value_has_one_text(value, text):
    document = {"userName": "ada", CUSTOM: {"x": value}}
    assert variables.custom_values(document, [("x", "string", False)]) == {"x": text}


def test_only_what_is_defined_and_has_a_value_is_there():
    document = {"userName": "ada", CUSTOM: {"undefined": "x", "floor": 3}}
    assert variables.custom_values(document, [("floor", "integer", False), ("badge", "string", False)]) == {
        "floor": "3"
    }
    assert variables.custom_values({"userName": "ada"}, [("floor", "integer", False)]) == {}


def test_the_rows_of_the_listing_are_definitions(app, define, make_user):
    define("floor", "integer")
    with app.app_context():
        assert variables.custom_values({CUSTOM: {"floor": 3}}, attributes.listing()) == {"floor": "3"}


# texts with variables


def test_a_text_has_parts():
    assert variables.parse("Office ${city:-unknown}, 5 $${x} ${userUID}") == [
        Text("Office "),
        Reference("city", "unknown"),
        Text(", 5 ${"),
        Text("x} "),
        Reference("userUID", None),
    ]


VALUES = {"a": "A", "b": "${a}", "c": "", "d": None, "A": "other", "x-y_1": "named"}
SUBSTITUTED = [
    ("", ""),
    ("plain", "plain"),
    ("${a}", "A"),
    ("${a}${a}", "AA"),
    ("${A}${a}", "otherA"),
    ("${b}", "${a}"),
    ("${c:-empty}", "empty"),
    ("${d:-none}", "none"),
    ("${d}", ""),
    ("${z:-}", ""),
    ("${a:-unused}", "A"),
    ("${z:-a b:-c}", "a b:-c"),
    ("${x-y_1}", "named"),
    ("$${a}", "${a}"),
    ("$$${a}", "$${a}"),
    ("$a $ $$ {a} }", "$a $ $$ {a} }"),
    ("$${", "${"),
    ("line\n${a}\n", "line\nA\n"),
    ("{{7*7}}{% x %}", "{{7*7}}{% x %}"),
]


@pytest.mark.parametrize("text, result", SUBSTITUTED)
def test_variables_are_substituted_once(text, result):
    assert variables.substitute(text, VALUES) == result


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "${a",
        "a ${a b}",
        "${ a}",
        "${1}",
        "${a:}",
        "${a-}b${",
        "${ä}",
        "${a:-${b}}",
        "${a\n}",
        "${a:-{}}",
    ],
)
def test_what_begins_like_a_variable_and_is_none_is_refused(text):
    for read in (variables.parse, variables.names, lambda t: variables.substitute(t, {})):
        with pytest.raises(VariableError, match="is no variable: write"):
            read(text)


def test_names_are_told_once_and_in_order():
    assert variables.names("${b} ${a:-x} ${b} $${c}") == ["b", "a"]


def test_an_unknown_name_has_a_suggestion():
    allowed = ["userDisplayName", "custAttr1", "department"]
    found = variables.unknown("${custAtr1} ${userdisplayname} ${department} ${zzzzzz}", allowed)
    assert found == [("custAtr1", "custAttr1"), ("userdisplayname", "userDisplayName"), ("zzzzzz", None)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text()), max_size=6), st.text())
def test_values_are_never_expanded_again(pieces, literal):
    """Whatever the values hold, each stands where its name stood, and the text around it is untouched."""
    values = {name: value + "${a}$${" for name, value in pieces}
    literal = literal.replace("${", "$ {").replace("$", "€")
    text = literal.join(f"${{{name}}}" for name, _ in pieces)
    assert variables.substitute(text, values) == literal.join(values[name] for name, _ in pieces)


@given(st.text(alphabet="${}:-ab \n"))
def test_every_text_is_read_or_refused(text):
    try:
        parts = variables.parse(text)
    except VariableError:
        return
    written = "".join(
        part.text.replace("${", "$${")
        if isinstance(part, Text)
        else f"${{{part.name}}}"
        if part.default is None
        else f"${{{part.name}:-{part.default}}}"
        for part in parts
    )
    assert variables.substitute(written, {}) == variables.substitute(text, {})


MAILBOXES = {
    "ada@example.com": True,
    "ada+x@example.com": True,
    "jösé@exämple.com": True,
    "ada@example.com, eve@example.com": False,
    "ada@example.com eve@example.com": False,
    "ada@example.com\r\nBcc: eve@example.com": False,
    "<ada@example.com>": False,
    "Ada <ada@example.com>": False,
    '"a b"@example.com': False,
    "a@b@c": False,
    "ada@": False,
    "@example.com": False,
    "ada": False,
    "ada\u200b@example.com": False,
    "x" * 65 + "@example.com": False,
    "a;b@example.com": False,
}


@pytest.mark.parametrize("address", MAILBOXES)
def test_a_mail_goes_to_one_address(address):
    document = {"userName": "ada", "emails": [{"value": address}]}
    assert variables.mailbox(document) == (address if MAILBOXES[address] else None)
