"""Mails as their reader's client takes them apart: both parts, the headers, the one recipient."""

import re
from email import message_from_bytes, policy

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core import mails
from core import settings as rollcall_settings
from core.settings import DEFAULTS, INVITATION_VARIABLES, SettingError

SENDER = "Rollcall <rollcall@example.com>"
SECRET = "S" * 43
URL = f"https://rollcall.example.com/invitation/{SECRET}"
UNTIL = "2026-03-07T09:05:00.000000Z"
ADA = {
    "userName": "ada@example.com",
    "displayName": "Ada Lovelace",
    "name": {"givenName": "Ada"},
    "emails": [{"value": "ada@example.com"}],
}


@pytest.fixture(autouse=True)
def context(app):
    app.config["PUBLIC_URL"] = "https://rollcall.example.com"
    with app.app_context():
        yield


def facts(display="Ada Lovelace", **others):
    return mails.facts_of_user(ADA | others, display, SECRET, UNTIL)


def read(purpose="invitation", recipient="ada@example.com", of=None, template=None):
    """Build a mail and return it as its reader finds it."""
    message = mails.build(purpose, SENDER, recipient, "<1@example.com>", of or facts(), template)
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def parts(message):
    return [message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html")]


def test_an_invitation_is_readable_as_text_and_as_html():
    message = read()
    assert message["Subject"] == "Your invitation to Rollcall"
    assert message["From"] == SENDER
    assert message["To"] == "Ada Lovelace <ada@example.com>"
    assert message["Message-ID"] == "<1@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    plain, html = parts(message)
    assert plain.startswith("Hello Ada Lovelace,\n\nyou are invited to register your account ada@example.com.")
    assert f"\n\n{URL}\n\n" in plain
    assert "until 7 March 2026, 09:05 UTC" in plain
    assert f'<p><a href="{URL}">{URL}</a></p>' in html
    assert "<p>Hello Ada Lovelace,</p>" in html
    assert "$" not in plain + html


def test_each_line_is_short_and_ascii_on_the_wire():
    text = "${activationUrl}\n" + "Grüße " * 500
    raw = mails.build("invitation", SENDER, "ada@example.com", "<1@x>", facts("Zoë"), ("Grüße", text)).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    assert not re.search(rb"[^\r]\n", raw)


NAMES = [
    "Zoë Ünal",
    "李小龙",
    "Αδα Λάβλεϊς",
    "آدا لاولیس",
    "👩‍💻 Ada",
    "O'Neil, Jean-Luc",
    'Ada "Countess" Lovelace',
    "a;b",
    "(x)",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_itself_in_the_address_the_subject_and_both_parts(name):
    template = "For ${userDisplayName}", "Dear ${userDisplayName}: ${activationUrl}"
    message = read(of=facts(name), template=template)
    [address] = message["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "ada@example.com")
    assert message["Subject"] == f"For {name}"
    plain, html = parts(message)
    assert plain == f"Dear {name}: {URL}\n"
    assert name.replace("'", "&#39;").replace('"', "&#34;") in html


HOSTILE = [
    "Ada\r\nBcc: eve@example.org",
    "Ada\nTo: eve@example.org",
    "Ada\r\n\r\nbody",
    "Ada\x0bCc: eve@example.org",
    "Ada\u2028Bcc: eve@example.org",
    "Ada\x85Bcc: eve@example.org",
    "Ada <eve@example.org>",
    "eve@example.org",
    "Ada, eve@example.org",
    'Ada" <eve@example.org>, "x',
    "Ada>, <eve@example.org",
    "=?utf-8?q?Ada=0D=0ABcc:_eve=40example.org?=",
    "=?utf-8?b?QWRhDQpCY2M6IGV2ZUBleGFtcGxlLm9yZw==?=",
    "Ada =?utf-8?q?=0ABcc:_eve=40example.org?= x",
    "A" * 3000,
    "ü, " * 300,
    "\ud800",
    "\x00\x01",
    "Ada;",
    ": x",
    "group: eve@example.org;",
    "\\",
    "'\"",
    " ",
    "‮gro.elpmaxe@eve",
]


def assert_harmless(message, expected):
    assert message.keys() == expected
    assert [a.addr_spec for header in message.get_all("To") for a in header.addresses] == ["ada@example.com"]
    assert "\n" not in message["Subject"] and "\r" not in message["Subject"]
    for kind in ("plain", "html"):
        assert URL in message.get_body((kind,)).get_content()


TEMPLATE = "For ${userDisplayName}", "${userDisplayName}\n${activationUrl}\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_adds_a_header_or_a_recipient(name):
    expected = read().keys()
    assert_harmless(read(of=facts(name), template=TEMPLATE), expected)
    assert_harmless(read(of=facts(name, locale=name)), expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.text(st.characters() | st.sampled_from("\r\n,;<>@\"'=?_:()\\ü"), max_size=120))
@example("=?utf-8?q?a?= =?utf-8?q?b?=")
def test_whatever_a_name_is_the_mail_has_its_headers_and_its_recipient(name):
    assert_harmless(read(of=facts(name), template=TEMPLATE), read().keys())


def test_markup_in_a_name_is_text():
    html = parts(read(of=facts('<script>alert(1)</script><img src=x onerror="x">&amp;{{7*7}}')))[1]
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html and "&amp;amp;{{7*7}}" in html


def test_a_link_in_a_name_is_no_link():
    html = parts(read(of=facts("https://evil.example/${activationUrl}")))[1]
    assert 'href="https://evil' not in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize(
    "recipient", ["", "ada", "ada@example.com, eve@example.org", "Ada <ada@example.com>", "a@b.org\r\nBcc: c@d.org"]
)
def test_what_is_no_address_gets_no_mail(recipient):
    with pytest.raises(ValueError):
        read(recipient=recipient)


def test_other_purposes_have_texts_of_their_own():
    plain, html = parts(read("password"))
    link = f"https://rollcall.example.com/password/{SECRET}"
    assert link in plain and f'href="{link}"' in html
    registered = read("registered", of=mails.facts_of_user(ADA, "Ada Lovelace"))
    assert "https://rollcall.example.com/device/sign-in" in parts(registered)[0]
    account = read("password", "grace@example.com", of=mails.facts_of_account("grace@example.com", SECRET, UNTIL))
    assert account["To"] == "grace@example.com"
    assert "Hello grace@example.com," in parts(account)[0]


def test_a_person_without_a_display_name_is_called_by_the_user_name():
    template = "Hi", "${userDisplayName} ${userFirstName:-friend} ${userLocale}. ${activationUrl}"
    of = mails.facts_of_user({"userName": "ada"}, "ada", SECRET, UNTIL)
    assert parts(read(of=of, template=template))[0] == f"ada friend . {URL}\n"


def test_lines_and_paragraphs_are_kept_in_html():
    text = "one\ntwo ${activationUrl} three\n\n\n\nfour\n"
    plain, html = parts(read(template=("x", text)))
    assert plain == text.replace("${activationUrl}", URL)
    assert f'<p>one<br>\ntwo <a href="{URL}">{URL}</a> three</p>\n<p>four</p>' in html


# the template that administrators edit


def test_a_preview_is_what_would_be_sent():
    subject, plain, html = mails.preview("For ${userFirstName}", "${activationUrl} $${x}", facts())
    assert (subject, plain) == ("For Ada", f"{URL} ${{x}}\n")
    assert f'<a href="{URL}">' in html
    assert mails.preview(DEFAULTS["invitation_subject"], DEFAULTS["invitation_text"], mails.example())


def test_every_variable_that_is_offered_has_a_value_in_the_example():
    text = " ".join(f"{name}=${{{name}}};" for name in INVITATION_VARIABLES)
    plain = mails.preview("x", text, mails.example())[1]
    assert [name for name in INVITATION_VARIABLES if f"{name}=;" in plain] == ["department"]


BAD_TEMPLATES = [
    ("", "${activationUrl}", "invitation_subject", "one line"),
    ("a\nBcc: eve@example.org", "${activationUrl}", "invitation_subject", "one line"),
    ("x" * 201, "${activationUrl}", "invitation_subject", "200"),
    ("${activationUrl}", "${activationUrl}", "invitation_subject", "belongs in the text"),
    ("${userFristName}", "${activationUrl}", "invitation_subject", r"did you mean \$\{userFirstName\}\?"),
    ("x", "Hello", "invitation_text", "lacks"),
    ("x", "$${activationUrl}", "invitation_text", "lacks"),
    ("x", "${activationUrl} ${userdisplayname}", "invitation_text", r"did you mean \$\{userDisplayName\}\?"),
    ("x", "${activationUrl} ${xyz}", "invitation_text", "list of variables"),
    ("x", "${activationUrl} ${user name}", "invitation_text", "is no variable: write"),
    ("x", "${activationUrl}" + "x" * 10_000, "invitation_text", "10000"),
]


@pytest.mark.parametrize("subject, text, field, sentence", BAD_TEMPLATES)
def test_a_template_that_cannot_be_used_is_refused(subject, text, field, sentence):
    for act in (mails.check_template, lambda s, t: mails.preview(s, t, facts())):
        with pytest.raises(SettingError, match=sentence) as refusal:
            act(subject, text)
        assert refusal.value.field == field


def test_the_default_is_a_template_as_it_is_kept():
    for name in ("invitation_subject", "invitation_text"):
        assert rollcall_settings.CHECKS[name](DEFAULTS[name]) == DEFAULTS[name]


def test_line_ends_of_a_browser_are_made_ours():
    assert (
        rollcall_settings.CHECKS["invitation_text"](" a\r\n\r\n${activationUrl}\r\n ") == "a\n\n${activationUrl}\n"
    )
