"""Filters and paths as text: what parses, what is refused and whom a filter matches (RFC 7644 §3.4.2.2)."""

import pytest

from protocol import filters
from protocol.errors import ScimError
from protocol.schema import GROUP_TYPE, compile_user_type

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
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
        ("visits", "dateTime", True),
        ("votes", "boolean", True),
    )
)

BARBARA = {
    "schemas": [CORE, ENTERPRISE, CUSTOM],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "externalId": "Okta-00u1",
    "userName": "BJensen@example.com",
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "displayName": "Babs Jensen",
    "nickName": "Bébé",
    "profileUrl": "https://example.com/Babs",
    "title": '100%_sure\\ "It\'s"',
    "active": True,
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "addresses": [{"locality": "Hollywood", "type": "work"}, {"locality": "Reno", "type": "home"}],
    "x509Certificates": [{"value": "QUJD"}],
    "groups": [{"value": "e9e30dba", "display": "Tour Guides", "type": "direct"}],
    "meta": {
        "resourceType": "User",
        "created": "2026-01-31T12:00:00.000000Z",
        "lastModified": "2026-02-01T12:00:00.000000Z",
    },
    ENTERPRISE: {"department": "Tours", "manager": {"value": "26118915", "displayName": "John Smith"}},
    CUSTOM: {
        "badge": "B-17",
        "vip": False,
        "shoeSize": 41,
        "height": -1.5,
        "hired": "2026-01-31T13:00:00+01:00",
        "tags": ["Red", "green"],
        "scores": [1, 2.5],
        "visits": ["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"],
        "votes": [True, False],
    },
}

NOBODY = {"schemas": [CORE], "id": "0", "userName": "nobody"}


def short(text):
    """Return a readable test id for a filter."""
    text = text.replace(CUSTOM, "custom").replace(ENTERPRISE, "enterprise").replace(CORE, "core")
    return ascii(text[:70] + ("…" if len(text) > 70 else ""))[1:-1]


def matches(text, document=BARBARA, of_type=USERS):
    return filters.match(filters.parse(text, of_type), document)


def refusal(text, of_type=USERS):
    with pytest.raises(ScimError) as error:
        filters.parse(text, of_type)
    assert error.value.status == 400
    return error.value.scim_type


# operator → literals that hold, and literals that do not, an attribute of each type
OPERATORS = {
    "title": {  # strings, in any letter case
        "eq": (['"100%_SURE\\\\ \\"it\'s\\""'], ['"100%_sure"', '"100x_sure\\\\ \\"It\'s\\""', '"%"', '""']),
        "ne": (['"100%_sure"', '"%"'], ['"100%_sure\\\\ \\"IT\'S\\""']),
        "co": (['"%_S"', '"\\\\"', '"\'"', '"\\""', '""', '" "'], ['"%%"', '"0_"', '"0%s"']),
        "sw": (['"100"', '"100%_S"', '""'], ['"%"', '"00"', '"100%_sure\\\\ \\"It\'s\\"x"']),
        "ew": (['"\'S\\""', '"\\""', '""'], ['"s"', '"100"', '"%"']),
        "gt": (['"100"', '""'], ['"200"', '"100%_sure\\\\ \\"it\'s\\""']),
        "ge": (['"100%_sure\\\\ \\"it\'s\\""', '"1"'], ['"2"']),
        "lt": (['"2"'], ['"100%_sure\\\\ \\"it\'s\\""', '"1"']),
        "le": (['"100%_sure\\\\ \\"it\'s\\""'], ['"1"']),
    },
    "externalId": {  # caseExact
        "eq": (['"Okta-00u1"'], ['"okta-00u1"', '"Okta-00U1"']),
        "ne": (['"okta-00u1"'], ['"Okta-00u1"']),
        "co": (['"ta-0"'], ['"TA-0"']),
        "sw": (['"Okta"'], ['"okta"']),
        "ew": (['"u1"'], ['"U1"']),
        "gt": (['"OKTA"'], ['"okta"']),
        "ge": (['"Okta-00u1"'], ['"a"']),
        "lt": (['"a"'], ['"OKTA"']),
        "le": (['"Okta-00u1"'], ['"O"']),
    },
    "nickName": {  # beyond ASCII: case, and one form for é
        "eq": (['"bébé"', '"BÉBÉ"', '"Be\\u0301be\\u0301"', '"B\\u00c9b\\u00e9"'], ['"bebe"']),
        "sw": (['"BÉ"'], ['"be"']),
        "co": (['"ÉB"'], ['"e"']),
        "ew": (['"É"'], ['"b"']),
        "gt": (['"bez"'], ['"ÉA"']),
    },
    "profileUrl": {  # a reference
        "eq": (['"https://example.com/Babs"'], ['"https://example.com/babs"']),
        "sw": (['"https://"'], ['"HTTPS://"']),
    },
    "active": {
        "eq": (["true", "TRUE", '"True"'], ["false", '"False"']),
        "ne": (["false"], ["true"]),
    },
    f"{CUSTOM}:vip": {"eq": (["false"], ["true"]), "ne": (["true"], ["false"])},
    f"{CUSTOM}:shoeSize": {
        "eq": (["41", "41.0", "4.1e1"], ["42", "-41", "41.5", "4"]),
        "ne": (["42"], ["41", "41.0"]),
        "gt": (["40", "9", "-50", "40.99"], ["41", "100"]),
        "ge": (["41", "9"], ["42", "100"]),
        "lt": (["42", "100", "41.01"], ["41", "9", "-9"]),
        "le": (["41", "100"], ["40", "9"]),
    },
    f"{CUSTOM}:height": {
        "eq": (["-1.5", "-1.50", "-15e-1"], ["1.5", "-1.51", "-2"]),
        "ne": (["-1"], ["-1.5"]),
        "gt": (["-2", "-1.51", "-10"], ["-1.5", "0", "-1"]),
        "ge": (["-1.5", "-2"], ["-1", "0"]),
        "lt": (["0", "-1", "-1.4999"], ["-1.5", "-2"]),
        "le": (["-1.5", "0"], ["-2", "-1.6"]),
    },
    f"{CUSTOM}:hired": {  # the moment counts, not how it is written
        "eq": (['"2026-01-31T12:00:00Z"', '"2026-01-31T12:00:00.000Z"', '"2026-01-31T07:00:00-05:00"'], []),
        "ne": (['"2026-01-31T13:00:00Z"'], ['"2026-01-31T12:00:00Z"']),
        "gt": (['"2026-01-31T12:30:00+01:00"'], ['"2026-01-31T12:00:00Z"']),
        "ge": (['"2026-01-31T12:00:00Z"'], ['"2026-01-31T12:00:00.001Z"']),
        "lt": (['"2026-01-31T12:00:00.000001Z"'], ['"2026-01-31T12:00:00Z"']),
        "le": (['"2026-01-31T12:00:00Z"'], ['"2026-01-31T11:59:59Z"']),
    },
    "x509Certificates.value": {"eq": (['"QUJD"'], ['"qujd"']), "ne": (['"qujd"'], ['"QUJD"'])},
    # of a multi-valued attribute, any value will do; ne wants that none is equal
    f"{CUSTOM}:tags": {
        "eq": (['"red"', '"GREEN"'], ['"re"']),
        "ne": (['"blue"'], ['"red"', '"green"']),
        "co": (['"ree"'], ['"dg"']),
        "sw": (['"GR"'], ['"een"']),
        "ew": (['"ED"'], ['"re"']),
        "gt": (['"h"'], ['"s"']),
        "lt": (['"h"'], ['"g"']),
    },
    f"{CUSTOM}:scores": {
        "eq": (["1", "2.5"], ["2"]),
        "ne": (["2"], ["1", "2.5"]),
        "gt": (["2"], ["2.5"]),
        "lt": (["1.5"], ["1"]),
    },
    f"{CUSTOM}:visits": {
        "eq": (['"2026-01-01T01:00:00+01:00"'], ['"2026-03-01T00:00:00Z"']),
        "gt": (['"2026-03-01T00:00:00Z"'], ['"2026-06-01T00:00:00Z"']),
    },
    f"{CUSTOM}:votes": {"eq": (["true", "false"], []), "ne": ([], ["true", "false"])},
    "emails": {  # a complex attribute compares by its value
        "eq": (['"BABS@jensen.org"'], ['"work"']),
        "ne": (['"x@example.com"'], ['"babs@jensen.org"']),
        "co": (['"@JENSEN"'], ['"home"']),
        "sw": (['"babs"'], ['"jensen"']),
        "ew": (['".ORG"'], ['".de"']),
    },
    f"{ENTERPRISE}:manager": {"eq": (['"26118915"'], ['"John Smith"'])},
    "id": {"eq": ([f'"{BARBARA["id"]}"'], [f'"{BARBARA["id"].upper()}"']), "sw": (['"2819"'], ['"819"'])},
    "schemas": {"eq": ([f'"{ENTERPRISE}"'], ['"urn:x"']), "co": (['"enterprise"'], ['"ENTERPRISE"'])},
    "meta.resourceType": {"eq": (['"User"'], ['"user"', '"Group"'])},
    "meta.lastModified": {
        "gt": (['"2026-01-31T23:00:00Z"'], ['"2026-02-01T12:00:00Z"']),
        "le": (['"2026-02-01T13:00:00+01:00"'], ['"2026-02-01T12:59:59+01:00"']),
    },
}
OPERATOR_CASES = [
    (f"{attribute} {op} {literal}", holds)
    for attribute, of_attribute in OPERATORS.items()
    for op, (right, wrong) in of_attribute.items()
    for holds, literals in ((True, right), (False, wrong))
    for literal in literals
]


@pytest.mark.parametrize(("text", "holds"), OPERATOR_CASES, ids=[short(text) for text, _ in OPERATOR_CASES])
def test_each_operator_on_each_type(text, holds):
    assert matches(text) is holds


ABSENT = [
    f"{attribute} {op} {right[0]}"
    for attribute, of_attribute in OPERATORS.items()
    for op, (right, _) in of_attribute.items()
    if op != "ne" and right and attribute not in ("id", "schemas")
]


@pytest.mark.parametrize("text", ABSENT, ids=short)
def test_a_comparison_does_not_hold_where_there_is_no_value(text):
    assert matches(text) and not matches(text, NOBODY)


@pytest.mark.parametrize(
    "text",
    ['title ne "x"', f"{CUSTOM}:vip ne true", f"{CUSTOM}:scores ne 1", 'emails.type ne "work"', "title eq null"],
    ids=short,
)
def test_ne_and_null_hold_where_there_is_no_value(text):
    assert matches(text, NOBODY)


PRESENCE = [
    ("userName pr", True, True),
    ("title pr", True, False),
    ("name pr", True, False),
    ("name.givenName pr", True, False),
    ("name.middleName pr", False, False),
    ("active pr", True, False),
    ("emails pr", True, False),
    ("emails.primary pr", True, False),
    ("emails.display pr", False, False),
    ("emails[display pr]", False, False),
    ("phoneNumbers pr", False, False),
    ("groups pr", True, False),
    ("meta pr", True, False),
    ("schemas pr", True, True),
    (f"{ENTERPRISE} pr", True, False),
    (f"{ENTERPRISE}:manager pr", True, False),
    (f"{ENTERPRISE}:costCenter pr", False, False),
    (f"{CUSTOM}:vip pr", True, False),
    (f"{CUSTOM}:tags pr", True, False),
    ("TITLE PR", True, False),
    # null is no value: eq null is "not pr"
    ("title eq null", False, True),
    ("title ne NULL", True, False),
    ("name eq null", False, True),
    ("emails ne null", True, False),
    (f"{ENTERPRISE}:manager.displayName eq null", False, True),
]


@pytest.mark.parametrize(("text", "barbara", "nobody"), PRESENCE, ids=[short(case[0]) for case in PRESENCE])
def test_presence(text, barbara, nobody):
    assert (matches(text), matches(text, NOBODY)) == (barbara, nobody)


@pytest.mark.parametrize("empty", [None, "", [], {}], ids=repr)
def test_what_is_empty_is_not_present(empty):
    assert not matches("name pr", NOBODY | {"name": empty})


def test_false_and_zero_are_present():
    assert matches("active pr", NOBODY | {"active": False})
    assert matches(f"{CUSTOM}:shoeSize pr", NOBODY | {CUSTOM: {"shoeSize": 0}})


LOGIC = [
    ("title pr and active eq true", True),
    ("title pr and active eq false", False),
    ("nickName eq null or active eq true", True),
    ("not (active eq false)", True),
    ("not (not (active eq false))", False),
    ("not(active eq true)", False),
    # and binds more tightly than or
    ("active eq true or active eq false and active eq false", True),
    ("active eq false and active eq false or active eq true", True),
    ("(active eq true or active eq false) and active eq false", False),
    ("active eq false and (active eq false or active eq true)", False),
    # not binds more tightly than and
    ("not (active eq false) and active eq false", False),
    ("not (active eq false and active eq false)", True),
    ("not (active eq true) or active eq true", True),
    ("active eq true and not (title eq null)", True),
    ("((((active eq true))))", True),
    ("( active eq true )and( title pr )", True),
    ("active eq false or active eq false or title pr", True),
    ("title pr and active eq true and nickName eq null", False),
    ('(title sw "1" or title sw "2") and not (emails[type eq "fax"])', True),
    # names and operators in any letter case
    ("ACTIVE EQ TRUE AND NOT (Title EQ Null) Or userNAME pR", True),
    ('EMAILS[TYPE Eq "WORK" aNd Value Co "JENSEN"]', True),
    ('Name.FamilyName SW "jen"', True),
    ("\tactive\n eq\r\ntrue ", True),
]


@pytest.mark.parametrize(("text", "holds"), LOGIC, ids=[short(text) for text, _ in LOGIC])
def test_grouping_precedence_and_not(text, holds):
    assert matches(text) is holds


VALUE_PATHS = [
    ('emails[type eq "work"]', True),
    ('emails[type eq "fax"]', False),
    ('emails[type eq "work" and value co "@example.com"]', True),
    ('emails[type eq "work" and value co "jensen.org"]', False),  # one and the same value
    ('emails.type eq "work" and emails.value co "jensen.org"', True),  # any two
    ('emails[type eq "work" or value co "jensen.org"]', True),
    ('emails[not (type eq "work")]', True),
    ('emails[not (type eq "work" or type eq "home")]', False),
    ('emails[type ne "work" and value sw "babs"]', True),
    ('emails[type ne "work" and value sw "bjensen"]', False),
    ('emails[(type eq "work" or type eq "home") and not (primary eq true)]', True),
    ("emails[primary eq true]", True),
    ('emails[primary eq true and type eq "home"]', False),
    ("emails[primary eq null]", True),
    ("emails[value eq null]", False),
    ("emails[primary pr]", True),
    ('not (emails[type eq "fax"])', True),
    ('addresses[type eq "home" and locality eq "reno"]', True),
    ('addresses[type eq "home" and locality eq "hollywood"]', False),
    ('groups[display eq "tour guides"]', True),
    ('groups.value eq "e9e30dba"', True),
    (f'{CUSTOM}:tags[value eq "red"]', True),
    (f'{CUSTOM}:tags[value sw "r" and value ew "d"]', True),
    (f'{CUSTOM}:tags[value sw "r" and value ew "n"]', False),
    (f'{CUSTOM}:tags[not (value eq "red")]', True),
    (f"{CUSTOM}:scores[value gt 1 and value lt 3]", True),
    (f"{CUSTOM}:scores[value gt 1 and value lt 2]", False),
    (f'schemas[value eq "{CORE}"]', True),
    # Entra, which RFC 7644 has no grammar for
    ('emails[type eq "work"].value eq "BJENSEN@example.com"', True),
    ('emails[type eq "home"].value eq "bjensen@example.com"', False),
    ('emails[type eq "work"].value ne "bjensen@example.com"', False),
    ('emails[type eq "work"].value ne "babs@jensen.org"', True),
    ('emails[type eq "fax"].value ne "babs@jensen.org"', True),
    ('emails[type eq "work"].value sw "bj" and active eq true', True),
    ('emails[type eq "work"].primary pr', True),
    ('emails[type eq "home"].primary pr', False),
    ('emails[type eq "work"].VALUE co "jensen" or active eq false', True),
    ('emails[primary eq "True"].type eq "work"', True),
]


@pytest.mark.parametrize(("text", "holds"), VALUE_PATHS, ids=[short(text) for text, _ in VALUE_PATHS])
def test_value_paths(text, holds):
    assert matches(text) is holds


NAMES = [
    f'{CORE}:userName eq "bjensen@example.com"',
    f'{CORE.upper()}:USERNAME eq "bjensen@example.com"',
    f'{CORE}:name.familyName eq "jensen"',
    f'{CORE}:emails.value eq "babs@jensen.org"',
    f'{CORE}:emails[type eq "work"]',
    f'{ENTERPRISE}:department eq "tours"',
    f'{ENTERPRISE.lower()}:DEPARTMENT eq "tours"',
    f'{ENTERPRISE}:manager.value eq "26118915"',
    f'{ENTERPRISE}:manager.displayName sw "john"',
    f'{CUSTOM}:badge eq "b-17"',
    f"{CUSTOM.lower()}:SHOESIZE eq 41",
    'meta.resourceType eq "User"',
    f'{CORE}:externalId eq "Okta-00u1"',
]


@pytest.mark.parametrize("text", NAMES, ids=short)
def test_qualified_and_dotted_names(text):
    assert matches(text) and not matches(text, NOBODY)


BROKEN = [
    "",
    " ",
    "userName",
    "userName eq",
    'eq "x"',
    '"x"',
    'userName "x"',
    'userName equals "x"',
    'userName = "x"',
    'userName == "x"',
    "userName eq x",
    "userName eq 'x'",
    'userName eq "x',
    'userName eq x"',
    'userName eq "x" "y"',
    'userName eq "x" title pr',
    'userName eq "x" and',
    'userName eq "x" or',
    'and userName eq "x"',
    'userName eq "x" and and title pr',
    'userName eq "x" xor title pr',
    'userName eq "x" && title pr',
    'userName eq "x";',
    'userName eq "x" --',
    '(userName eq "x"',
    'userName eq "x")',
    "()",
    "not",
    "not ()",
    'not userName eq "x"',
    'not not (userName eq "x")',
    '!(userName eq "x")',
    "userName pr pr",
    'userName pr "x"',
    'userName not pr "x"',
    'emails[type eq "work"',
    'emails type eq "work"]',
    "emails[]",
    "emails[",
    'emails[type eq "work"]]',
    'emails[[type eq "work"]]',
    'emails[type eq "work")',
    'emails[type eq "work"].value',
    'emails[type eq "work"].',
    'emails[type eq "work"].value.value eq "x"',
    'emails[type eq "work"]value eq "x"',
    'emails[emails[type eq "work"]]',
    'emails[type[value eq "work"]]',
    'emails[urn:x:type eq "work"]',
    'emails[emails.type eq "work"]',
    'emails[userName eq "x"]',
    'name[givenName eq "x"]',
    'title[value eq "x"]',
    f'{ENTERPRISE}[department eq "x"]',
    'foo eq "x"',
    "foo pr",
    'name.foo eq "x"',
    'emails.foo eq "x"',
    'emails[foo eq "x"]',
    'emails[type eq "work"].foo eq "x"',
    'emails.value.foo eq "x"',
    'userName.value eq "x"',
    'urn:nobody:knows:userName eq "x"',
    'urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x"',
    f'{ENTERPRISE}:foo eq "x"',
    f'{ENTERPRISE}:userName eq "x"',
    'department eq "x"',
    'shoeSize eq "x"',
    f'{CUSTOM}.badge eq "x"',
    '__class__ eq "x"',
    "userName.__class__ pr",
    'name eq "x"',
    'addresses eq "x"',
    "userName eq true",
    "userName eq 5",
    "userName co 5",
    "active eq 1",
    'active eq "yes"',
    "active gt true",
    "active lt false",
    'active co "t"',
    "active sw true",
    f'{CUSTOM}:shoeSize eq "41"',
    f"{CUSTOM}:shoeSize eq true",
    f'{CUSTOM}:shoeSize co "4"',
    f"{CUSTOM}:shoeSize sw 4",
    f"{CUSTOM}:shoeSize eq 041",
    f"{CUSTOM}:shoeSize eq +41",
    f"{CUSTOM}:shoeSize eq 4_1",
    f"{CUSTOM}:shoeSize eq 0x29",
    f"{CUSTOM}:shoeSize eq 41.",
    f"{CUSTOM}:shoeSize eq 9223372036854775808",
    f"{CUSTOM}:shoeSize eq -1e19",
    f"{CUSTOM}:shoeSize eq 1e400",
    f"{CUSTOM}:shoeSize eq NaN",
    f"{CUSTOM}:shoeSize eq Infinity",
    f"{CUSTOM}:shoeSize eq " + "9" * 5000,
    f"{CUSTOM}:hired eq 2026",
    f'{CUSTOM}:hired eq "2026-01-31"',
    f'{CUSTOM}:hired eq "2026-02-30T00:00:00Z"',
    f'{CUSTOM}:hired gt "yesterday"',
    f'{CUSTOM}:hired sw "2026-01-31T12:00:00Z"',
    'meta.created co "2026"',
    'x509Certificates.value gt "QUJD"',
    "userName gt null",
    "userName co null",
    "emails[type sw null]",
    "userName eq undefined",
    'userName eq ["x"]',
    'userName eq {"a": 1}',
    'userName eq "\x00"',
    'userName eq "\\u0000"',
    'userName eq "a\nb"',
    'userName eq "\\x41"',
    'userName eq "\\u12"',
    'userName eq "\\ud800"',
    'userName in ("x")',
    'userName like "%"',
    "userName eq “x”",
    "userName\u00a0pr",
    "пользователь pr",
    "%",
    "*",
    "1 eq 1",
    "true",
    'password eq "x"',
    "password pr",
    'password sw "a"',
    "password ne null",
    f"{CORE}:password pr",
]


@pytest.mark.parametrize("text", BROKEN, ids=short)
def test_a_broken_filter_is_refused(text):
    assert refusal(text) == "invalidFilter"


LIMITS = [
    ("the longest", 'title eq "' + "x" * (filters.MAX_LENGTH - 11) + '"', True),
    ("one character longer", 'title eq "' + "x" * (filters.MAX_LENGTH - 10) + '"', False),
    ("the most terms", " or ".join(["title pr"] * filters.MAX_TERMS), True),
    ("one term more", " or ".join(["title pr"] * (filters.MAX_TERMS + 1)), False),
    ("terms within brackets count", "emails[" + " or ".join(["type pr"] * filters.MAX_TERMS) + "]", False),
    ("the deepest", "(" * filters.MAX_DEPTH + "title pr" + ")" * filters.MAX_DEPTH, True),
    ("one deeper", "(" * (filters.MAX_DEPTH + 1) + "title pr" + ")" * (filters.MAX_DEPTH + 1), False),
    ("nots count", "not (" * (filters.MAX_DEPTH + 1) + "title pr" + ")" * (filters.MAX_DEPTH + 1), False),
    (
        "brackets count",
        "(" * filters.MAX_DEPTH + "emails[type pr]" + ")" * filters.MAX_DEPTH,
        False,
    ),
    ("an unclosed abyss", "(" * 9_999, False),
    ("side by side is not deep", " and ".join(["(title pr)"] * filters.MAX_TERMS), True),
]


@pytest.mark.parametrize(("text", "allowed"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
def test_limits(text, allowed):
    if allowed:
        assert filters.parse(text, USERS)
    else:
        assert refusal(text) == "invalidFilter"


GROUP = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "id": "e9e30dba",
    "displayName": "Tour Guides",
    "members": [{"value": "2819C223", "type": "User"}],
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('displayName eq "tour guides"', True),
        ('members.value eq "2819C223"', True),
        ('members.value eq "2819c223"', False),
        ('members eq "2819C223"', True),
        ('members[value eq "2819C223" and type eq "user"]', True),
        ('members[type eq "group"]', False),
        ("externalId pr", False),
        ('urn:ietf:params:scim:schemas:core:2.0:Group:displayName sw "tour"', True),
    ],
)
def test_filters_on_groups(text, holds):
    assert matches(text, GROUP, GROUP_TYPE) is holds


FOREIGN = [
    ('userName eq "x"', False),
    ('userName ne "x"', True),
    ("not (userName pr)", True),
    ("userName eq null", True),
    ('emails[type eq "work"]', False),
    ('displayName eq "tour guides" or userName pr', True),
    ('displayName eq "tour guides" and userName pr', False),
    (f'{ENTERPRISE}:department eq "x"', False),
]


@pytest.mark.parametrize(("text", "holds"), FOREIGN, ids=[short(text) for text, _ in FOREIGN])
def test_an_attribute_of_another_type_has_no_value(text, holds):
    tree = filters.parse(text, GROUP_TYPE, (USERS,))
    assert filters.match(tree, GROUP) is holds


def test_an_attribute_of_no_type_is_unknown_in_a_search_over_all():
    with pytest.raises(ScimError) as error:
        filters.parse('foo eq "x"', GROUP_TYPE, (USERS,))
    assert error.value.scim_type == "invalidFilter"


def test_a_secret_of_another_type_cannot_be_filtered_on():
    with pytest.raises(ScimError) as error:
        filters.parse("password pr", GROUP_TYPE, (USERS,))
    assert error.value.scim_type == "invalidFilter"


PATHS = [
    ("userName", ["userName"], False, None),
    ("USERNAME", ["userName"], False, None),
    ("name.givenName", ["name", "givenName"], False, None),
    (f"{CORE}:name.givenName", ["name", "givenName"], False, None),
    ("emails", ["emails"], False, None),
    ("emails.value", ["emails"], False, "value"),
    ('emails[type eq "work"]', ["emails"], True, None),
    ('emails[type eq "work"].value', ["emails"], True, "value"),
    ('EMAILS[TYPE EQ "work" and primary eq true].VALUE', ["emails"], True, "value"),
    (f'{CORE}:emails[type eq "a].b"].value', ["emails"], True, "value"),
    (ENTERPRISE, [ENTERPRISE], False, None),
    (f"{ENTERPRISE}:department", [ENTERPRISE, "department"], False, None),
    (f"{ENTERPRISE}:manager.value", [ENTERPRISE, "manager", "value"], False, None),
    (f"{CUSTOM}:tags", [CUSTOM, "tags"], False, None),
    (f'{CUSTOM}:tags[value eq "red"]', [CUSTOM, "tags"], True, None),
]


@pytest.mark.parametrize(("text", "chain", "where", "sub"), PATHS, ids=[short(case[0]) for case in PATHS])
def test_paths(text, chain, where, sub):
    target = filters.parse_path(text, USERS)
    assert [attribute.name for attribute in target.chain] == chain
    assert (target.where is not None) is where
    assert (target.sub and target.sub.name) == sub


BROKEN_PATHS = [
    ("", "invalidPath"),
    ("foo", "invalidPath"),
    ("name.foo", "invalidPath"),
    ("name.givenName.foo", "invalidPath"),
    ("emails.", "invalidPath"),
    (".value", "invalidPath"),
    ("emails/value", "invalidPath"),
    ("/userName", "invalidPath"),
    ("$.userName", "invalidPath"),
    ("__proto__", "invalidPath"),
    ("name.__class__", "invalidPath"),
    ("department", "invalidPath"),
    ("urn:nobody:knows:userName", "invalidPath"),
    (f"{ENTERPRISE}:foo", "invalidPath"),
    ('name[givenName eq "x"]', "invalidPath"),
    ('title[value eq "x"]', "invalidPath"),
    ('emails[type eq "work"].foo', "invalidPath"),
    ('emails[type eq "work"].value.foo', "invalidPath"),
    ('emails[type eq "work"]value', "invalidPath"),
    ('emails[type eq "work"] and title pr', "invalidPath"),
    ('[type eq "work"]', "invalidPath"),
    ("x" * (filters.MAX_LENGTH + 1), "invalidPath"),
    ("emails[]", "invalidFilter"),
    ("emails[type]", "invalidFilter"),
    ('emails[type eq "work"', "invalidFilter"),
    ('emails[foo eq "work"]', "invalidFilter"),
    ('emails[primary eq "yes"]', "invalidFilter"),
    ("emails[primary gt true]", "invalidFilter"),
    ("emails[" + " or ".join(["type pr"] * (filters.MAX_TERMS + 1)) + "]", "invalidFilter"),
    ("emails[" + "(" * 5_000 + "]", "invalidFilter"),
]


@pytest.mark.parametrize(("text", "scim_type"), BROKEN_PATHS, ids=[short(case[0]) for case in BROKEN_PATHS])
def test_a_broken_path_is_refused(text, scim_type):
    with pytest.raises(ScimError) as error:
        filters.parse_path(text, USERS)
    assert (error.value.status, error.value.scim_type) == (400, scim_type)
