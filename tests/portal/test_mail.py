"""Admin > System > Mail: the list, sending again, and the text of the invitation."""

import re

import pytest
from sqlalchemy import update

from core import attributes, directory, invitations, outbox, settings
from core.journal import Actor
from core.outbox import MailQuery
from core.smtp import Refused
from database import execute, transaction
from models import Link, Mail
from tests.portal.conftest import Browser, words

PAGE = "/admin/mail"
SCRIPT = "<script>alert(1)</script>"
SMTP = {"SMTP_URL": "smtp://localhost", "MAIL_FROM": "it@example.com", "PUBLIC_URL": "https://rollcall.example.com"}


@pytest.fixture
def invited(app, make_user):
    """Return a function that creates and invites a user."""

    def invited(user_name, **others):
        user = make_user(user_name, **others)
        with app.app_context(), transaction():
            found = directory.find(attributes.user_type(), user["id"])
            invitations.invite(found, Actor("grace@example.com"))
        return user

    return invited


@pytest.fixture
def mails(app):
    def mails():
        with app.app_context():
            return outbox.page(MailQuery())[0]

    return mails


@pytest.fixture
def deliver(app):
    """Return a function that sends one mail by a function instead of a server."""

    def deliver(send):
        with app.app_context():
            return outbox.deliver(send)

    return deliver


def refuse(message, recipient):
    raise Refused("550 No such mailbox <script>", True)


def test_without_mails_it_says_what_will_be_here(alan):
    said = alan.says(PAGE)
    assert "No mail yet" in said and "ROLLCALL_SMTP_URL is not set" in said


@pytest.mark.parametrize("missing", list(SMTP))
def test_it_says_which_setting_is_missing(app, alan, missing):
    app.config.update(SMTP | {missing: ""})
    assert f"ROLLCALL_{missing}" in alan.says(PAGE)


def test_where_all_is_set_nothing_is_missing(app, alan):
    app.config.update(SMTP)
    assert "ROLLCALL_" not in alan.says(PAGE)


def test_a_mail_that_waits_is_listed_with_its_link(grace, invited, stranger):
    invited("p0@example.com", displayName="Person 0")
    said = grace.says(PAGE)
    assert "Person 0 p0@example.com Invitation Waiting" in said and "All 1 Waiting 1" in said
    copied = re.search(r'data-copy="http://localhost(/invitation/[\w-]{43})"', grace.get(PAGE).text)[1]
    assert stranger.get(copied).status_code == 200


def test_a_link_begins_with_the_public_address(app, grace, invited):
    app.config.update(SMTP)
    invited("p0@example.com")
    assert 'data-copy="https://rollcall.example.com/invitation/' in grace.get(PAGE).text


def test_who_may_only_read_sees_no_link(alan, invited):
    invited("p0@example.com")
    page = alan.get(PAGE).text
    assert "p0@example.com" in page and "/invitation/" not in page.split("<main", 1)[1]


def test_a_link_to_a_new_password_is_shown_to_administrators_alone(app, ada, grace, registered):
    stranger = Browser(app)
    form = {"email": "carol@example.com"}
    stranger.post("/device/forgotten", form, token=stranger.csrf("/device/forgotten"))
    assert "Forgotten password" in grace.says(PAGE)
    assert (
        "/password/" not in grace.get(PAGE).text and 'data-copy="http://localhost/password/' in ada.get(PAGE).text
    )


def test_a_mail_that_was_sent_has_no_link_any_more(app, grace, invited, deliver):
    app.config.update(SMTP)
    invited("p0@example.com")
    assert deliver(lambda message, recipient: None) == "sent"
    assert "Sent just now 1" in grace.says(PAGE) and "data-copy" not in grace.get(PAGE).text.split("<main", 1)[1]


def test_a_refusal_is_shown_and_the_mail_can_be_sent_again(app, ada, grace, invited, mails, deliver):
    app.config.update(SMTP)
    invited("p0@example.com")
    assert deliver(refuse) == "failed"
    assert "Failed" in grace.says(PAGE) and "550 No such mailbox" in grace.says(PAGE)
    assert "550 No such mailbox <script>" not in grace.get(PAGE).text and "Send again" not in grace.get(PAGE).text
    assert "1 mail was not delivered" in grace.says("/")
    assert "Send again" in ada.says(f"{PAGE}?state=failed")
    answer = ada.post(f"{PAGE}/{mails()[0].id}/send-again", {"back": f"{PAGE}?state=failed"})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?state=failed")
    assert [(mail.state, mail.tries) for mail in mails()] == [("waiting", 0)]
    assert "It is tried again at once." in ada.says(PAGE)
    assert "not delivered" not in ada.says("/")


def test_a_mail_whose_link_is_dead_is_not_sent_again(app, ada, invited, mails, deliver):
    invited("p0@example.com")
    deliver(refuse)
    with app.app_context(), transaction():
        execute(update(Link.__table__), {"used": "2026-01-01T00:00:00.000000Z"})
    assert ada.post(f"{PAGE}/{mails()[0].id}/send-again").status_code == 303
    assert mails()[0].state == "failed"
    assert "does not work any more" in ada.says(PAGE)


def test_there_is_no_other_mail(ada):
    for number in (1, 10**30):
        assert ada.post(f"{PAGE}/{number}/send-again").status_code == 303
        assert "not here any more" in ada.says(PAGE)


@pytest.mark.parametrize("who", ["grace", "alan"])
def test_only_an_administrator_sends_again_or_changes_the_text(request, app, invited, mails, deliver, who):
    browser = request.getfixturevalue(who)
    invited("p0@example.com")
    deliver(refuse)
    form = {"invitation_subject": "Hello", "invitation_text": "Hi ${activationUrl}"}
    for path in (f"/{mails()[0].id}/send-again", "/invitation", "/invitation/test", "/invitation/default"):
        assert browser.post(PAGE + path, form).status_code == 403
    assert [mail.state for mail in mails()] == ["failed"]
    assert browser.get(f"{PAGE}/invitation").status_code == 403
    with app.app_context():
        assert settings.get("invitation_subject") == settings.INVITATION_SUBJECT


def test_the_list_is_filtered_and_paged(app, alan, invited):
    for number in range(3):
        invited(f"p{number}@example.com")
    with app.app_context(), transaction():
        execute(
            update(Mail.__table__).where(Mail.__table__.c.recipient == "p1@example.com"), {"state": "cancelled"}
        )
    said = alan.says(f"{PAGE}?state=cancelled")
    assert "p1@example.com" in said and "p0@example.com" not in said
    said = alan.says(f"{PAGE}?q=P2@")
    assert "p2@example.com" in said and "p0@example.com" not in said
    assert "No mail is like this" in alan.says(f"{PAGE}?q=nobody")
    for before in ("1", "0", "x", "9" * 30):
        assert alan.get(f"{PAGE}?before={before}").status_code == 200


def test_mails_that_wait_are_told_of_on_the_dashboard(app, alan, invited):
    assert "ROLLCALL_SMTP_URL" not in alan.says("/")
    invited("p0@example.com")
    said = alan.says("/")
    assert "1 mail waits" in said and "ROLLCALL_SMTP_URL is not set" in said
    app.config.update(SMTP)
    assert "1 mail waits" not in alan.says("/")


# the invitation


def template(**fields):
    return {
        "invitation_subject": "Hello ${userFirstName:-you}",
        "invitation_text": "Go to ${activationUrl}",
    } | fields


@pytest.fixture
def kept(app):
    """Return a function that says what the invitation is."""

    def kept():
        with app.app_context():
            return settings.get("invitation_subject"), settings.get("invitation_text")

    return kept


def test_the_form_lists_every_variable(ada):
    page = ada.get(f"{PAGE}/invitation").text
    for name in settings.INVITATION_VARIABLES:
        assert f'data-copy="${{{name}}}"' in page
    assert settings.INVITATION_SUBJECT in page


def test_the_text_is_changed_and_reverted(ada, kept, alan):
    before = kept()
    answer = ada.post(f"{PAGE}/invitation", template(version=version_on(ada.get(f"{PAGE}/invitation"))))
    assert (answer.status_code, answer.location) == (303, f"{PAGE}/invitation")
    assert kept() == ("Hello ${userFirstName:-you}", "Go to ${activationUrl}\n")
    assert "Saved." in ada.says(f"{PAGE}/invitation")
    assert "invitation_subject" in alan.says("/admin/audit")
    assert ada.post(f"{PAGE}/invitation/default").status_code == 303
    assert kept() == before


def version_on(page):
    return re.search(r'name="version" value="([0-9a-f]{64})"', page.text)[1]


def test_a_text_that_somebody_else_has_changed_is_not_replaced_unseen(ada, make_browser, kept):
    eve = make_browser("administrator", "eve@example.com")
    opened = version_on(ada.get(f"{PAGE}/invitation"))
    other = template(version=opened, invitation_text="Eve says ${activationUrl}")
    assert eve.post(f"{PAGE}/invitation", other).status_code == 303
    answer = ada.post(f"{PAGE}/invitation/test", template(version=opened))
    answer = ada.post(f"{PAGE}/invitation", template(version=version_on(answer)))
    assert answer.status_code == 409
    assert "Nothing was saved" in words(answer.text) and "Eve says ${activationUrl}" in answer.text
    assert ">\nGo to ${activationUrl}</textarea>" in answer.text
    assert kept()[1] == "Eve says ${activationUrl}\n"
    assert ada.post(f"{PAGE}/invitation", template(version=version_on(answer))).status_code == 303
    assert kept()[1] == "Go to ${activationUrl}\n"


@pytest.mark.parametrize("path", ["/invitation", "/invitation/test"])
@pytest.mark.parametrize(
    "fields, field, said",
    [
        ({"invitation_text": "${userDisplayNam} ${activationUrl}"}, "text", "did you mean ${userDisplayName}?"),
        ({"invitation_text": "no link"}, "text", "lacks ${activationUrl}"),
        ({"invitation_text": ""}, "text", "lacks ${activationUrl}"),
        ({"invitation_text": "${activationUrl} ${"}, "text", "is no variable"),
        ({"invitation_subject": ""}, "subject", "one line"),
        ({"invitation_subject": "a\r\nBcc: eve@example.com"}, "subject", "one line"),
        ({"invitation_subject": "${custAtr1}"}, "subject", "is no variable"),
    ],
    ids=str,
)
def test_a_text_that_cannot_be_is_refused_and_kept_in_the_form(ada, kept, mails, path, fields, field, said):
    before = kept()
    answer = ada.post(PAGE + path, template(**fields))
    assert answer.status_code == 422
    assert said in words(answer.text) and f'id="invitation_{field}-problem"' in answer.text
    typed = template(**fields)["invitation_text"]
    assert f">\n{typed}</textarea>" in answer.text
    assert kept() == before and mails() == []


def test_the_preview_shows_both_parts_and_sends_one_to_oneself(ada, kept, mails, app):
    before = kept()
    answer = ada.post(
        f"{PAGE}/invitation/test", template(invitation_text="Hi <b>${userDisplayName}</b> ${activationUrl}")
    )
    assert answer.status_code == 200
    said = words(answer.text)
    assert "Hello Ada" in said and "Hi <b>Ada Lovelace</b> https://" in said
    assert 'sandbox srcdoc="' in answer.text and "Hi &amp;lt;b&amp;gt;Ada Lovelace" in answer.text
    assert [(mail.purpose, mail.recipient) for mail in mails()] == [("test", "ada@example.com")]
    assert kept() == before
    sent = []
    with app.app_context():
        outbox.deliver(lambda message, recipient: sent.append((message["Subject"], recipient)))
    assert sent == [("Hello Ada", "ada@example.com")]


def test_markup_is_text(ada, make_user, invited):
    invited(f"{SCRIPT}x@example.com", displayName=SCRIPT, emails=[{"value": "x@example.com"}])
    pages = [ada.get(PAGE), ada.get(f"{PAGE}?q={SCRIPT}"), ada.get(f"{PAGE}?state={SCRIPT}")]
    form = template(invitation_subject=SCRIPT, invitation_text=SCRIPT + "${activationUrl}")
    pages += [
        ada.post(f"{PAGE}/invitation/test", form),
        ada.post(f"{PAGE}/invitation", form | {"invitation_text": SCRIPT}),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 422]
    assert all("<script>alert" not in page.text for page in pages)
