"""Types of configurations: what their forms accept, and that what they make is what Apple says, for any value."""

import json
import plistlib
from base64 import b64encode
from itertools import product
from uuid import UUID
from xml.parsers.expat import ExpatError

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from core import mobileconfig
from core.mobileconfig import TYPES, Check, Choice, Field, Kind, as_typed, checked, needed, profile, rendered
from tests.core.apple_payloads import COMMON, PAYLOADS, TOP_LEVEL

UUID_1, UUID_2 = "3f2c7a52-6a3e-4f0e-9a51-0c9f0a3d7a11", "9b8d6c1e-1d1f-4c55-8b52-5a4f7f1f2b22"
ADA, GRACE = "0d6f4f4e-4f0e-4f7e-8f43-2b8a3f1c9a01", "0d6f4f4e-4f0e-4f7e-8f43-2b8a3f1c9a02"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
ALLOWED = ["userUID", "userEmailAddress", "userDisplayName", "custAttr1", "custAttr2"]
VALUES = {"userUID": "ada", "userEmailAddress": "ada@example.com", "userDisplayName": "Ada", "custAttr1": "Berlin"}
SAMPLES = {"host": "mail.example.com", "url": "https://example.com/${custAttr1}", "address": "${userEmailAddress}"}
SAMPLES |= {"incoming_host": "imap.example.com", "outgoing_host": "smtp.example.com", "bundle": "com.example.app"}
ROWS_OF_EACH_TYPE = {
    "pairs.key": ["a", "b", "c", "d"],
    "pairs.type": ["boolean", "integer", "real", "string"],
    "pairs.value": ["true", "7", "1.5", "Office ${custAttr1}"],
}
CLIP = {"label": "Office ${custAttr1}", "url": "https://example.com"}
EVERY_KIND = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def sample(field):
    """Return what somebody may type into a field that has no choices."""
    texts = {
        "integer": "993",
        "password": "secret123",
        "data": b64encode(PNG).decode(),
        "lines": "a.example.com\n*.b",
    }
    texts["string"] = "Office ${custAttr1}" if field.variables else "Office"
    return SAMPLES.get(field.name) or texts.get(field.type, "")


def options(field):
    """Return what a form may send for a choice or a switch."""
    return ["", "on"] if field.type == "boolean" else [choice.value for choice in field.choices]


def filled_in(kind):
    """Yield the forms of a kind: whatever is shown, with every choice and switch, in full and in brief."""
    deciding = {field.when[0] for field in kind.fields if field.when}
    decisions = [field for field in kind.fields if field.name in deciding]
    others = [field for field in kind.fields if options(field) and field.name not in deciding]
    for decided in product(*map(options, decisions)):
        for turn in range(max(len(options(field)) for field in [*others, *decisions, kind.fields[0]]) or 1):
            typed = dict(zip([field.name for field in decisions], decided, strict=True)) | ROWS_OF_EACH_TYPE
            typed |= {field.name: options(field)[turn % len(options(field))] for field in others}
            for brief in (True, False):
                texts = [field for field in kind.fields if not options(field) and (field.required or not brief)]
                yield typed | {field.name: sample(field) for field in texts}


def clip(**typed):
    """Return the fields of a web clip."""
    fields, errors = checked(TYPES["webclip"], CLIP | typed, ALLOWED)
    assert not errors
    return fields


def app(*rows):
    """Return (fields, errors) of a managed app with these rows of (key, type, value)."""
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    parts = {f"pairs.{part}": list(column) for part, column in zip(("key", "type", "value"), columns, strict=True)}
    return checked(TYPES["app"], {"bundle": "com.example.app"} | parts, ALLOWED)


def made(kind, fields, values=VALUES, missing="hold", user=ADA):
    """Return the parsed profile of a rendering that has to be ready."""
    rendering = rendered(kind, fields, values, missing)
    assert rendering.held == {}
    return plistlib.loads(profile(kind, rendering, "Berlin <&> office", UUID_1, user))


def flat(content, prefix=""):
    """Yield (dotted key, value) of a payload, dictionaries before what they hold."""
    for key, value in content.items():
        yield prefix + key, value
        if isinstance(value, dict) and prefix + key != "Configuration":
            yield from flat(value, f"{prefix}{key}.")


def assert_facts(content, facts):
    found = dict(flat(content))
    for key, value in found.items():
        fact = facts[key]
        assert type(value) is fact.type, key
        for each in value if fact.type is list else [value]:
            assert not fact.allowed or each in fact.allowed, key
            assert fact.element is None or type(each) is fact.element, key
    for key, fact in facts.items():
        parent = key.rpartition(".")[0]
        if fact.required and (not parent or parent in found):
            assert key in found


@EVERY_KIND
def test_every_form_makes_what_apple_describes(kind):
    used = set()
    for typed in filled_in(kind):
        fields, errors = checked(kind, typed, ALLOWED)
        assert errors == {}
        content = mobileconfig.payload(kind, rendered(kind, fields, VALUES).fields)
        assert_facts(content, PAYLOADS[kind.payload_type])
        used |= {key for key, _ in flat(content)}
        if kind.payload_type:
            outer = made(kind, fields)
            (inner,) = outer["PayloadContent"]
            assert_facts(outer, TOP_LEVEL)
            assert_facts({k: v for k, v in inner.items() if k.startswith("Payload")}, COMMON)
            assert inner["PayloadType"] == kind.payload_type
            assert {k: v for k, v in inner.items() if not k.startswith("Payload")} == content
        else:
            assert made(kind, fields) == content["Configuration"]
    assert {field.key for field in kind.fields} <= used


@EVERY_KIND
def test_a_form_shows_what_is_kept(kind):
    for typed in filled_in(kind):
        fields, _errors = checked(kind, typed, ALLOWED)
        assert checked(kind, as_typed(kind, fields), ALLOWED) == (fields, {})
        assert json.loads(json.dumps(fields)) == fields


@EVERY_KIND
def test_a_new_form_asks_for_what_is_needed_and_no_more(kind):
    _fields, errors = checked(kind, as_typed(kind), ALLOWED)
    always = [field for field in kind.fields if field.required and not field.default and not field.when]
    assert errors == {field.name: f"{field.label} is needed: fill it in." for field in always}


@EVERY_KIND
def test_declarations_hold_together(kind):
    names = [field.name for field in kind.fields]
    assert len(set(names)) == len(names)
    for field in kind.fields:
        assert field.type in mobileconfig.READERS
        assert not field.variables or field.type in ("string", "lines", "pairs")
        assert not field.choices or field.default in [choice.value for choice in field.choices]
        assert field.when is None or field.when[0] in names[: names.index(field.name)]


def payload_of(name, **typed):
    kind = TYPES[name]
    fields, errors = checked(kind, as_typed(kind) | typed, ALLOWED)
    assert errors == {}
    return mobileconfig.payload(kind, rendered(kind, fields, VALUES).fields)


def test_wifi_by_its_security():
    common = {"SSID_STR": "Corp", "HIDDEN_NETWORK": False, "AutoJoin": True}
    secret = {"ssid": "Corp", "password": "p$${a}ss<&>", "user_password": "${userUID}"}
    assert payload_of("wifi", security="open", **secret) == common | {"EncryptionType": "None"}
    for security, encryption in ("wpa2", "WPA2"), ("wpa3", "WPA3"):
        expected = common | {"EncryptionType": encryption, "Password": "p$${a}ss<&>"}
        assert payload_of("wifi", security=security, **secret) == expected
    eap = {"AcceptEAPTypes": [21], "TTLSInnerAuthentication": "PAP", "UserName": "ada@corp"}
    eap |= {"UserPassword": "${userUID}", "OuterIdentity": "anonymous", "TLSTrustedServerNames": ["a.b", "*.c"]}
    typed = secret | {"security": "enterprise", "method": "EAP-TTLS", "inner": "PAP", "user": "${userUID}@corp"}
    expected = common | {"EncryptionType": "WPA2", "EAPClientConfiguration": eap}
    assert payload_of("wifi", **typed, outer="anonymous", servers="a.b\r\n\r\n *.c ") == expected
    tls = payload_of("wifi", **typed | {"method": "EAP-TLS"})["EAPClientConfiguration"]
    assert tls == {"AcceptEAPTypes": [13], "UserName": "ada@corp"}


def test_vpn_with_a_person_or_a_shared_secret():
    typed = {"label": "VPN", "host": "vpn.example.com", "remote": "vpn.example.com", "secret": "s", "pfs": "on"}
    by_person = payload_of("vpn", **typed)["IKEv2"]
    assert (by_person["AuthenticationMethod"], by_person["ExtendedAuthEnabled"]) == ("None", 1)
    assert (by_person["AuthName"], by_person["EnablePFS"], by_person["IncludeAllNetworks"]) == ("ada", 1, 0)
    by_secret = payload_of("vpn", **typed, authentication="secret")["IKEv2"]
    assert (by_secret["AuthenticationMethod"], by_secret["SharedSecret"]) == ("SharedSecret", "s")
    assert not {"ExtendedAuthEnabled", "AuthName"} & set(by_secret)


REFUSED = [
    ("webclip", {"label": ""}, "label", "Label is needed: fill it in."),
    ("webclip", {"label": "  "}, "label", "Label is needed: fill it in."),
    ("webclip", {"label": "${custAtr1}"}, "label", "There is no variable custAtr1: did you mean custAttr1?"),
    ("webclip", {"label": "${CUSTATTR1}"}, "label", "There is no variable CUSTATTR1: did you mean custAttr1?"),
    ("webclip", {"label": "${zzz}"}, "label", "There is no variable zzz: choose one from the list."),
    ("webclip", {"label": "x" * 1001}, "label", "Label is longer than 1,000 characters: shorten it."),
    ("webclip", {"label": "a\x07"}, "label",
     "Label holds the character U+0007, which a profile cannot hold: take it out."),
    ("webclip", {"label": "\ud800"}, "label",
     "Label holds the character U+D800, which a profile cannot hold: take it out."),
    ("webclip", {"url": "javascript:alert(1)"}, "url", f"Address (URL) {mobileconfig.URL.wrong}"),
    ("webclip", {"url": "https://a b"}, "url", f"Address (URL) {mobileconfig.URL.wrong}"),
    ("webclip", {"url": "$${userUID}"}, "url", f"Address (URL) {mobileconfig.URL.wrong}"),
    ("webclip", {"icon": "häh?"}, "icon", "Icon is no Base64 text: paste what `base64 icon.png` prints."),
    ("webclip", {"icon": "R0lGODlh"}, "icon", f"Icon {mobileconfig.PNG.wrong}"),
    ("webclip", {"icon": b64encode(PNG + bytes(10**6)).decode()}, "icon", f"Icon {mobileconfig.PNG.wrong}"),
    ("webclip", {"full_screen": "maybe"}, "full_screen", "Full screen is true or false: 'maybe' is neither."),
    ("wifi", {"ssid": "n" * 33}, "ssid", f"Network name (SSID) {mobileconfig.SSID.wrong}"),
    ("wifi", {"ssid": "é" * 17}, "ssid", f"Network name (SSID) {mobileconfig.SSID.wrong}"),
    ("wifi", {"password": "short"}, "password", f"Password {mobileconfig.PASSPHRASE.wrong}"),
    ("wifi", {"password": "x" * 64}, "password", f"Password {mobileconfig.PASSPHRASE.wrong}"),
    ("wifi", {"security": "enterprise", "user": "${userUID"}, "user", None),
    ("wifi", {"security": "enterprise", "user": "${}"}, "user", None),
    ("wifi", {"security": "enterprise", "servers": "${userUID}"}, "servers",
     "List of trusted servers takes no variables: write the text itself."),
    ("wifi", {"security": "enterprise", "servers": "a\n" * 101}, "servers",
     "List of trusted servers has more than 100 lines: take some away."),
    ("wifi", {"security": "WEP"}, "security",
     "Security cannot be 'WEP': choose one of "
     "Open, WPA2 or WPA3 Personal, WPA3 Personal, WPA2 or WPA3 Enterprise."),
    ("exchange", {"host": "https://mail.example.com/"}, "host", f"Server {mobileconfig.HOST.wrong}"),
    ("exchange", {"address": "ada"}, "address", f"E-mail address {mobileconfig.EMAIL.wrong}"),
    ("email", {"incoming_port": "0"}, "incoming_port",
     "Incoming port is a whole number from 1 to 65535: '0' is none."),
    ("email", {"incoming_port": "65536"}, "incoming_port",
     "Incoming port is a whole number from 1 to 65535: '65536' is none."),
    ("email", {"incoming_port": "${userUID}"}, "incoming_port",
     "Incoming port is a whole number from 1 to 65535: '${userUID}' is none."),
    ("email", {"incoming_port": "٣"}, "incoming_port",
     "Incoming port is a whole number from 1 to 65535: '٣' is none."),
    ("email", {"outgoing_port": "9" * 5000}, "outgoing_port", None),
    ("vpn", {"authentication": "secret", "secret": ""}, "secret", "Shared secret is needed: fill it in."),
    ("vpn", {"authentication": "secret", "secret": "a\x00"}, "secret",
     "Shared secret holds the character U+0000, which a profile cannot hold: take it out."),
    ("app", {"bundle": "com example"}, "bundle", f"Bundle id {mobileconfig.BUNDLE.wrong}"),
    ("app", {"bundle": "${userUID}"}, "bundle", "Bundle id takes no variables: write the text itself."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "typed", "field", "sentence"), REFUSED)
def test_what_a_form_refuses(name, typed, field, sentence):
    kind = TYPES[name]
    right = {f.name: sample(f) for f in kind.fields if f.type == "string" and not f.default}
    right |= {"pairs.key": ["a"], "pairs.type": ["string"], "pairs.value": [""]}
    fields, errors = checked(kind, as_typed(kind) | right | typed, ALLOWED)
    assert list(errors) == [field]
    assert field not in fields
    assert sentence is None or errors[field] == sentence
    assert errors[field].endswith((".", "?"))


INTEGER = "The value of k is a whole number from -9223372036854775808 to 9223372036854775807"
REAL = "The value of k is a number such as 1.5"
ROWS = [
    ([], "App configuration is needed: fill it in."),
    ([("", "string", "x")], "The value 'x' has no key: fill it in or empty the row."),
    ([("k", "string", "a"), (" k ", "string", "b")], "The key k is there twice: take one away."),
    ([("${userUID}", "string", "a")], "The key ${userUID} takes no variables: write the text itself."),
    ([("k\x01", "string", "a")], "A key holds the character U+0001, which a profile cannot hold: take it out."),
    ([("k" * 201, "string", "a")], "A key is longer than 200 characters: shorten it."),
    ([("k", "string", "${custAtr1}")], "There is no variable custAtr1: did you mean custAttr1?"),
    ([("k", "string", "x" * 1001)], "The value of k is longer than 1,000 characters: shorten it."),
    ([("k", "integer", "${userUID}")], f"{INTEGER}: '${{userUID}}' is none."),
    ([("k", "integer", "")], f"{INTEGER}: '' is none."),
    ([("k", "integer", str(2**63))], f"{INTEGER}: '9223372036854775808' is none."),
    ([("k", "real", "nan")], f"{REAL}: 'nan' is none."),
    ([("k", "real", "1e999")], f"{REAL}: '1e999' is none."),
    ([("k", "real", "1,5")], f"{REAL}: '1,5' is none."),
    ([("k", "real", "9" * 5000)], f"{REAL}: '{'9' * 40}' is none."),
    ([("k", "real", "1" * 400 + "x")], f"{REAL}: '{'1' * 40}' is none."),
    ([("k", "boolean", "${userUID}")], "The value of k is true or false: '${userUID}' is neither."),
    ([("k", "date", "x")], "The value of k has no type 'date': choose one of string, integer, real, boolean."),
    ([(f"k{n}", "string", "") for n in range(101)], "App configuration has more than 100 rows: take some away."),
]


@pytest.mark.parametrize(("rows", "sentence"), ROWS)
def test_rows_that_are_refused(rows, sentence):
    fields, errors = app(*rows)
    assert errors == {"pairs": sentence}
    assert "pairs" not in fields


def test_rows_keep_their_types():
    rows = [("s", "string", "a\r\nb"), ("i", "integer", " -7 "), ("r", "real", "2"), ("b", "boolean", "False")]
    rows += [("big", "integer", str(2**63 - 1)), ("a.b", "", ""), ("", "string", " ")]
    fields, errors = app(*rows)
    assert errors == {}
    content = made(TYPES["app"], json.loads(json.dumps(fields)))
    assert content == {"s": "a\nb", "i": -7, "r": 2.0, "b": False, "big": 2**63 - 1, "a.b": ""}
    assert [type(content[key]) for key in "sirb"] == [str, int, float, bool]


def test_a_form_may_be_a_multidict():
    typed = MultiDict([("bundle", "com.example.app")])
    for key, value in ("a", "${custAttr1}"), ("b", "2"):
        typed.add("pairs.key", key)
        typed.add("pairs.type", "string")
        typed.add("pairs.value", value)
    fields, errors = checked(TYPES["app"], typed, ALLOWED)
    assert errors == {}
    assert made(TYPES["app"], fields) == {"a": "Berlin", "b": "2"}
    switch = MultiDict([*CLIP.items(), ("full_screen", ""), ("full_screen", "on")])
    assert checked(TYPES["webclip"], switch, ALLOWED)[0]["full_screen"] is True


def test_several_errors_come_together():
    _fields, errors = checked(TYPES["webclip"], {"label": "${x} ${custAtr1}", "url": "x"}, ALLOWED)
    assert list(errors) == ["label", "url"]
    assert errors["label"].count("There is no variable") == 2


def test_variables_and_those_without_a_default():
    kind = TYPES["webclip"]
    fields = clip(
        label="${custAttr2:-x} ${custAttr1} $${userUID}", url="https://e.com/${custAttr2}?${custAttr1:-y}"
    )
    assert mobileconfig.names(kind, fields) == ["custAttr2", "custAttr1"]
    assert needed(kind, fields) == ["custAttr1", "custAttr2"]
    assert needed(kind, clip(label="${custAttr1:-x}")) == []
    pairs, _errors = app(("a", "string", "${custAttr1}"), ("b", "integer", "7"))
    assert mobileconfig.names(TYPES["app"], pairs) == ["custAttr1"]


@pytest.mark.parametrize("lacking", [{}, {"custAttr1": None}, {"custAttr1": ""}])
def test_a_missing_value_holds_or_is_empty(lacking):
    kind = TYPES["webclip"]
    held = rendered(kind, clip(), lacking)
    assert (held.ready, held.fields) == (False, None)
    assert held.held == {"custAttr1": "custAttr1 has no value: fill it in Okta."}
    with pytest.raises(ValueError):
        profile(kind, held, "Office", UUID_1, ADA)
    assert rendered(kind, clip(), lacking, "empty").fields["label"] == "Office "
    assert rendered(kind, clip(label="${custAttr1:-Paris}"), lacking).fields["label"] == "Paris"
    assert rendered(kind, clip(label="${custAttr1:-Paris}"), lacking, "empty").fields["label"] == "Paris"


def test_what_becomes_empty_is_left_to_the_device_but_a_needed_address_is_held():
    kind = TYPES["wifi"]
    fields, _errors = checked(kind, {"ssid": "Corp", "security": "enterprise", "user": "${custAttr2}"}, ALLOWED)
    assert "UserName" not in made(kind, fields, missing="empty")["PayloadContent"][0]["EAPClientConfiguration"]
    held = rendered(TYPES["webclip"], clip(url="${custAttr2}"), VALUES, "empty").held
    assert held == {"custAttr2": f"With the value of custAttr2, Address (URL) {mobileconfig.URL.wrong}"}


UNFIT = [("\x00", "U+0000"), ("a\x1b", "U+001B"), ("\r", "U+000D"), ("\ud800", "U+D800"), ("\uffff", "U+FFFF")]


@pytest.mark.parametrize(("value", "character"), UNFIT)
@pytest.mark.parametrize("missing", ["hold", "empty"])
def test_a_value_that_xml_cannot_hold(value, character, missing):
    held = rendered(TYPES["webclip"], clip(), {"custAttr1": value}, missing).held
    sentence = f"The value of custAttr1 holds {character}, which a profile cannot hold: take it out in Okta."
    assert held == {"custAttr1": sentence}


def test_a_value_that_the_field_cannot_have():
    held = rendered(TYPES["webclip"], clip(url="${custAttr1}"), {"custAttr1": "javascript:alert(1)"}).held
    assert held == {"custAttr1": f"With the value of custAttr1, Address (URL) {mobileconfig.URL.wrong}"}
    long = rendered(TYPES["webclip"], clip(), {"custAttr1": "x" * 10_000}).held
    assert long == {"custAttr1": "With the value of custAttr1, Label is longer than 10,000 characters."}


def test_every_reason_is_told():
    fields = clip(label="${custAttr1} ${custAttr2}")
    assert list(rendered(TYPES["webclip"], fields, {"custAttr1": "\x01"}).held) == ["custAttr1", "custAttr2"]


def test_a_value_is_never_expanded_again():
    for value in "${userUID}", "$${userUID}", "${custAttr1:-x}", "{{7*7}}", "{% x %}", "%s", "&lt;</string>", "]]>":
        content = made(TYPES["webclip"], clip(), {"custAttr1": value, "userUID": "ada"})["PayloadContent"][0]
        assert content["Label"] == f"Office {value}"


def test_identifiers_are_the_persons_and_the_configurations():
    kind, rendering = TYPES["webclip"], rendered(TYPES["webclip"], clip(), VALUES)
    first = profile(kind, rendering, "Office", UUID_1, ADA)
    assert profile(kind, rendering, "Office", UUID_1, ADA) == first
    keys = ("PayloadIdentifier", "PayloadUUID")

    def identifiers(values=VALUES, name="Office", configuration=UUID_1, user=ADA):
        made = plistlib.loads(profile(kind, rendered(kind, clip(), values), name, configuration, user))
        return [made[key] for key in keys] + [made["PayloadContent"][0][key] for key in keys]

    same = identifiers()
    assert same == identifiers({"custAttr1": "Paris"}) == identifiers(name="Desk")
    assert not set(same) & set(identifiers(user=GRACE))
    assert not set(same) & set(identifiers(configuration=UUID_2))
    assert same[2].startswith(same[0] + ".")
    assert len({str(UUID(same[1])), str(UUID(same[3]))}) == 2


def test_a_fingerprint_changes_with_what_is_used_and_with_nothing_else():
    kind = TYPES["webclip"]

    def fingerprint(values=VALUES, name="Office", **typed):
        return mobileconfig.fingerprint(kind, rendered(kind, clip(**typed), values), name)

    first = fingerprint()
    assert first == fingerprint(VALUES | {"userUID": "grace"}) == fingerprint(label="Office Berlin")
    others = [fingerprint({"custAttr1": "Paris"}), fingerprint(name="Desk"), fingerprint(full_screen="on")]
    assert len({first, *others}) == 4
    assert len(first) == 64


@pytest.mark.parametrize("name", ["a\x07", "\ud800", "\ufffe"])
def test_a_name_that_xml_cannot_hold(name):
    with pytest.raises(ValueError):
        profile(TYPES["webclip"], rendered(TYPES["webclip"], clip(), VALUES), name, UUID_1, ADA)


NAMES = [
    ("Büro Wi-Fi", "Buro Wi-Fi.mobileconfig", "Büro Wi-Fi.mobileconfig"),
    ("東京", "webclip.mobileconfig", "東京.mobileconfig"),
    ('../a"b\r\nc;d', "a b c d.mobileconfig", "a b c d.mobileconfig"),
    ("\u202egnp.exe", "gnp.exe.mobileconfig", "gnp.exe.mobileconfig"),
    ("  ...  ", "webclip.mobileconfig", "webclip.mobileconfig"),
    ("x" * 300, "x" * 80 + ".mobileconfig", "x" * 80 + ".mobileconfig"),
]


@pytest.mark.parametrize(("name", "ascii", "real"), NAMES)
def test_names_of_downloads(name, ascii, real):
    assert mobileconfig.file_names(TYPES["webclip"], name) == (ascii, real)


def test_a_managed_app_is_a_property_list():
    assert mobileconfig.file_names(TYPES["app"], "App") == ("App.plist", "App.plist")
    assert mobileconfig.media_type(TYPES["app"]) == "application/x-plist"
    assert mobileconfig.media_type(TYPES["wifi"]) == "application/x-apple-aspen-config"


def test_another_type_is_one_declaration():
    colour = (Choice("red", "Red", 1), Choice("blue", "Blue", 2, (("Deep.Sea", True),)))
    lamp = Kind(
        "lamp",
        "Lamp",
        "com.example.lamp",
        (
            Field("room", "Room", "Deep.Room", required=True, variables=True),
            Field("colour", "Colour", "Colour", "choice", choices=colour, default="red"),
            Field("level", "Level", "Level", "integer", within=range(1, 11), when=("colour", ("blue",))),
            Field("notes", "Notes", "Notes", "lines", variables=True, check=Check(str.isascii, "is no ASCII.")),
            Field("dim", "Dim", "Dim", "boolean", as_integer=True),
        ),
        (("Version", 3),),
    )
    assert as_typed(lamp) == {"room": "", "colour": "red", "level": "", "notes": "", "dim": ""}
    assert checked(lamp, {"colour": "blue", "level": "11"}, ALLOWED)[1] == {
        "room": "Room is needed: fill it in.",
        "level": "Level is a whole number from 1 to 10: '11' is none.",
    }
    typed = {
        "room": "${custAttr1}",
        "colour": "blue",
        "level": "7",
        "notes": "a ${custAttr2}\n${userUID}",
        "dim": "on",
    }
    fields, errors = checked(lamp, typed, ALLOWED)
    assert errors == {}
    assert needed(lamp, fields) == ["custAttr1", "custAttr2", "userUID"]
    assert list(rendered(lamp, fields, {"custAttr2": "é"}, "empty").held) == ["custAttr2"]
    content = made(lamp, fields, missing="empty")["PayloadContent"][0]
    expected = {"Version": 3, "Deep": {"Room": "Berlin", "Sea": True}, "Colour": 2, "Level": 7, "Dim": 1}
    assert content.items() >= (expected | {"Notes": ["a ", "ada"], "PayloadType": "com.example.lamp"}).items()


ANY = st.text(st.characters(exclude_categories=()), max_size=12)
TRAPS = [
    "${userUID}",
    "$${x}",
    "<&>\"'",
    "]]>",
    "</string>",
    "\x00",
    "\r\n",
    "\ud800",
    "\ufffe",
    "👩‍💻",
    "\u202eאב",
    "",
    "{{7*7}}",
]
VALUE = st.one_of(ANY, st.sampled_from(TRAPS), st.builds("".join, st.lists(st.sampled_from(TRAPS), max_size=3)))
REFERRED = st.sampled_from(ALLOWED)
PART = st.one_of(
    st.tuples(st.just("text"), VALUE.map(lambda text: text.translate(dict.fromkeys(map(ord, "{$"))))),
    st.tuples(st.just("text"), st.just("${")),
    st.tuples(st.just("name"), REFERRED),
    st.tuples(st.just("default"), REFERRED, ANY.map(lambda text: text.translate(dict.fromkeys(map(ord, "{}$"))))),
)


def holds(text):
    """Whether a property list gives the text back."""
    try:
        return plistlib.loads(plistlib.dumps([text])) == [text]
    except (ValueError, ExpatError):
        return False


def template(parts):
    """Return what somebody types for the parts to stand there."""
    written = {"text": lambda text: text.replace("${", "$${"), "name": lambda name: f"${{{name}}}"}
    written["default"] = lambda name, default: f"${{{name}:-{default}}}"
    return "".join(written[kind](*rest) for kind, *rest in parts)


def becomes(parts, values):
    return "".join(
        part[1] if part[0] == "text" else values.get(part[1]) or (part[2] if part[0] == "default" else "")
        for part in parts
    )


@settings(max_examples=2000, derandomize=True, deadline=None, database=None)
@given(
    parts=st.lists(PART, max_size=6),
    values=st.dictionaries(REFERRED, st.none() | VALUE),
    missing=st.sampled_from(["hold", "empty"]),
    name=VALUE,
)
@example([("name", "custAttr1")], {"custAttr1": "${userUID}", "userUID": "no"}, "hold", "n")
@example([("text", "${"), ("text", "userUID}"), ("default", "custAttr1", "<é>")], {"userUID": "no"}, "hold", "n")
def test_any_value_in_any_template_is_held_or_stands_in_the_profile(parts, values, missing, name):
    text = template(parts)
    fields, errors = app(("key", "string", text))
    assert bool(errors) == (not holds(text.replace("\r\n", "\n")))
    if errors:
        assert "which a profile cannot hold" in errors["pairs"]
        return
    used = {part[1] for part in parts if part[0] != "text"}
    lacking = (
        {part[1] for part in parts if part[0] == "name" and not values.get(part[1])} if missing == "hold" else set()
    )
    unfit = {variable for variable in used if not holds(values.get(variable) or "")}
    expected = becomes(parts, values).replace("\r\n", "\n")
    rendering = rendered(TYPES["app"], fields, values, missing)
    assert set(rendering.held) == lacking | unfit
    if rendering.ready:
        assert plistlib.loads(
            profile(TYPES["app"], rendering, name="n", configuration_uuid=UUID_1, user_id=ADA)
        ) == {"key": expected}
    clip_fields, _ = checked(TYPES["webclip"], {"label": f"<{text}>", "url": "https://example.com"}, ALLOWED)
    rendering = rendered(TYPES["webclip"], clip_fields, values, missing)
    assert set(rendering.held) == lacking | unfit
    if rendering.ready and holds(name):
        made = plistlib.loads(profile(TYPES["webclip"], rendering, name, UUID_1, ADA))
        assert made["PayloadDisplayName"] == name
        assert made["PayloadContent"][0]["Label"] == f"<{expected}>"


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(password=VALUE)
@example("${userUID}")
@example("$${")
def test_a_password_stays_as_it_was_typed(password):
    typed = {
        "label": "VPN",
        "host": "h",
        "remote": "r",
        "local": "l",
        "authentication": "secret",
        "secret": password,
    }
    fields, errors = checked(TYPES["vpn"], typed, ALLOWED)
    typed_text = password.replace("\r\n", "\n")
    assert bool(errors) == (not typed_text or not holds(typed_text))
    if not errors:
        assert made(TYPES["vpn"], fields)["PayloadContent"][0]["IKEv2"]["SharedSecret"] == typed_text
        assert mobileconfig.names(TYPES["vpn"], fields) == []
