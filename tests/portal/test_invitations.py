"""Invitations: whom they are sent to, the page that a link leads to, every refusal, and asking for a new link."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

import database
from core import attributes, directory, history, invitations, lists, outbox, passwords, settings
from core import jobs as core_jobs
from core.history import AuditQuery
from core.journal import Actor
from core.outbox import MailQuery
from database import execute, transaction
from models import Link, Mail
from portal import jobs as portal_jobs
from tests.durability.helpers import together
from tests.portal.conftest import CSRF, PASSWORD, Browser, words
from tests.portal.test_bulk import kept

STRONG = "quilt-harbor-seven-moth"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def people(make_user):
    """Two who can be invited, one without an address, one who is disabled."""
    return [
        make_user("p0@example.com", displayName="Person 0"),
        make_user("p1@example.com", displayName="Person 1"),
        make_user("nomail", displayName="No Mail"),
        make_user("off@example.com", displayName="Off Duty", active=False),
    ]


@pytest.fixture
def mails(app):
    """Return a function that lists the outbox, newest first."""

    def mails():
        with app.app_context():
            return outbox.page(MailQuery())[0]

    return mails


@pytest.fixture
def state(app):
    """Return a function that says how a user is invited."""

    def state(user):
        with app.app_context():
            return lists.user(user["id"]).invite

    return state


@pytest.fixture
def link(app):
    """Return a function that changes the links of everybody."""

    def link(**values):
        with app.app_context(), transaction():
            execute(update(Link.__table__), values)

    return link


def send_invite(browser, **form):
    """Tick, look at the preview, send."""
    preview = browser.post("/users/invite", form)
    assert preview.status_code == 200, preview.text
    return browser.post("/users/invite", kept(preview))


def ids(people):
    return [user["id"] for user in people]


def minutes_ago(app, minutes):
    with app.app_context():
        return database.from_now(timedelta(minutes=-minutes))


# whom they are sent to


def test_the_preview_says_who_gets_one_and_who_does_not_and_why(grace, people, register, make_user, mails, state):
    register(make_user("done@example.com"))
    before = mails()
    answer = grace.post("/users/invite", {"all": "1"})
    said = words(answer.text)
    assert answer.status_code == 200
    assert "Send Invite to 2 people" in said and "Person 0 p0@example.com" in said and "Person 1" in said
    assert "1 has no e-mail address" in said and "1 is disabled" in said and "1 has registered already" in said
    assert "Off Duty" not in said and "for 7 days" in said
    assert mails() == before and state(people[0]) == "not invited"


def test_it_says_why_the_mails_wait(app, grace, people):
    assert "ROLLCALL_SMTP_URL is not set" in words(grace.post("/users/invite", {"user": ids(people)}).text)
    app.config.update(
        SMTP_URL="smtp://localhost", MAIL_FROM="it@example.com", PUBLIC_URL="https://rollcall.example.com"
    )
    assert "Mails wait" not in grace.post("/users/invite", {"user": ids(people)}).text


def test_the_ticked_are_invited(grace, people, mails, state):
    answer = send_invite(grace, user=ids(people)[:1], back="/users?invite=pending")
    assert (answer.status_code, answer.location) == (303, "/users?invite=pending")
    assert [mail.recipient for mail in mails()] == ["p0@example.com"]
    assert [state(user) for user in people] == ["pending"] + ["not invited"] * 3
    assert "Invited Person 0." in grace.says("/users")
    assert "grace@example.com invited" in grace.says(f"/users/{people[0]['id']}/activity")


def test_all_that_match_are_invited_and_nobody_else(grace, people, mails):
    send_invite(grace, all="1", q="p1", user=ids(people))
    assert [mail.recipient for mail in mails()] == ["p1@example.com"]


def test_the_number_that_was_shown_is_the_one_that_is_invited(grace, people, make_user, mails):
    preview = grace.post("/users/invite", {"all": "1"})
    make_user("late@example.com")
    answer = grace.post("/users/invite", kept(preview))
    assert answer.status_code == 409
    assert "have become 3 people since this was shown. Nobody was invited" in words(answer.text)
    assert mails() == []
    assert grace.post("/users/invite", kept(answer)).status_code == 303
    assert len(mails()) == 3


def test_as_many_others_are_not_invited_in_the_place_of_those_who_were_shown(grace, scim, people, make_user, mails):
    preview = grace.post("/users/invite", {"all": "1"})
    make_user("late@example.com")
    scim.delete(f"/Users/{people[0]['id']}")
    answer = grace.post("/users/invite", kept(preview))
    assert answer.status_code == 409 and "in the place of another. Nobody was invited" in words(answer.text)
    assert mails() == []


@pytest.mark.parametrize(
    "form, said",
    [
        ({}, "Nobody is ticked."),
        ({"user": "gone"}, "Nobody was invited: 1 was deleted meanwhile."),
        ({"user": ["gone", "too"]}, "Nobody was invited: 2 were deleted meanwhile."),
        ({"all": "1", "q": "nobody is called so"}, "Nobody matches any more."),
        ({"all": "1", "status": "disabled"}, "Nobody was invited: 1 is disabled."),
        ({"all": "1", "q": "No Mail"}, "Nobody was invited: 1 has no e-mail address."),
    ],
    ids=str,
)
def test_where_nobody_can_be_invited_it_says_why(grace, people, mails, form, said):
    assert grace.post("/users/invite", form | {"shown": "0"}).status_code == 303
    assert said in grace.says("/users")
    assert mails() == []


def test_many_are_invited_by_a_job(app, grace, people, mails, monkeypatch):
    monkeypatch.setattr(portal_jobs, "AT_ONCE", 1)
    answer = send_invite(grace, all="1")
    assert (answer.status_code, answer.location) == (303, "/admin/jobs/1")
    assert "Invite 2 people" in grace.says("/admin/jobs/1") and mails() == []
    with app.app_context():
        core_jobs.work()
    assert "Invited 2 people." in grace.says("/admin/jobs/1") and len(mails()) == 2


def test_a_job_passes_over_who_cannot_be_invited_any_more(app, grace, people, scim, mails, monkeypatch):
    monkeypatch.setattr(portal_jobs, "AT_ONCE", 1)
    send_invite(grace, all="1")
    scim.patch(f"/Users/{people[0]['id']}", {"op": "replace", "value": {"active": False}})
    with app.app_context():
        core_jobs.work()
    assert "1 was passed over: disabled, registered or without an e-mail" in grace.says("/admin/jobs/1")
    assert [mail.recipient for mail in mails()] == ["p1@example.com"]


def test_who_may_only_read_invites_nobody(alan, people, mails, state, invite):
    invite(people[1]["id"])
    path = f"/users/{people[1]['id']}/invitation"
    for url, form in (
        ("/users/invite", {"user": ids(people), "shown": "2"}),
        (f"{path}/link", {"password": PASSWORD}),
        (f"{path}/revoke", {}),
    ):
        assert alan.post(url, form).status_code == 403
    assert alan.get(f"{path}/link").status_code == 403
    assert mails() == [] and [state(user) for user in people[:2]] == ["not invited", "pending"]
    page = alan.get(f"/users/{people[1]['id']}").text
    assert "Resend" not in page and "Copy link" not in page and "Revoke" not in page


def test_the_address_of_the_preview_leads_back_to_the_list(grace):
    assert grace.get("/users/invite").location == "/users"


# on the person's page


def test_the_persons_page_offers_what_can_be_done(grace, people, state, link, app):
    def offered(user):
        main = grace.get(f"/users/{user['id']}").text.split("<main", 1)[1]
        return [word for word in ("Send Invite", "Resend", "Copy link", "Revoke") if f">{word}<" in main]

    assert offered(people[0]) == ["Send Invite", "Copy link"]
    assert offered(people[2]) == offered(people[3]) == []
    assert "there is no e-mail address" in grace.says(f"/users/{people[2]['id']}")
    send_invite(grace, user=people[0]["id"])
    assert offered(people[0]) == ["Resend", "Copy link", "Revoke"]
    link(expires=minutes_ago(app, 1))
    with app.app_context():
        invitations.expire()
    assert offered(people[0]) == ["Resend", "Copy link"]
    assert "Invite Expired" in grace.says(f"/users/{people[0]['id']}")


def test_who_has_registered_is_invited_no_more(grace, registered):
    page = grace.get("/users?q=carol")
    assert "Completed" in words(page.text)
    path = re.search(r'class="whole" href="(/users/[^"]+)"', page.text)[1]
    assert "Copy link" not in grace.get(path).text
    answer = grace.post(f"{path}/invitation/link", {"password": PASSWORD})
    assert answer.status_code == 422 and "has registered already" in words(answer.text)


def test_an_address_that_lacks_is_added_where_the_person_is_from(grace, people):
    local = grace.post("/users/new", {"user_name": "reception"}).location
    for page, where in (
        (f"/users/{people[2]['id']}", "add one in Okta."),
        (local, "add one here, with Edit on the person's page."),
    ):
        answer = grace.post(f"{page}/invitation/link", {"password": PASSWORD})
        assert answer.status_code == 422 and where in words(answer.text)


def test_a_new_link_is_shown_once_and_the_old_one_is_dead(grace, people, invite, mails, stranger):
    old = invite(people[0]["id"])
    path = f"/users/{people[0]['id']}/invitation/link"
    assert "The old link dies" in grace.says(path)
    answer = grace.post(path, {"password": PASSWORD})
    assert answer.status_code == 200 and "The old link is dead" in words(answer.text)
    copied = re.search(r'data-copy="http://localhost(/invitation/[\w-]{43})"', answer.text)[1]
    assert stranger.get(copied).status_code == 200
    assert stranger.get(f"/invitation/{old}").status_code == 410
    assert copied not in grace.get(path).text + grace.get(f"/users/{people[0]['id']}").text


def test_copying_a_link_takes_back_the_mail_that_waits(grace, people, mails):
    send_invite(grace, user=people[0]["id"])
    grace.post(f"/users/{people[0]['id']}/invitation/link", {"password": PASSWORD})
    assert [mail.state for mail in mails()] == ["cancelled"]


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_link_is_shown_to_nobody_without_the_password(grace, people, invite, stranger, password):
    old = invite(people[0]["id"])
    answer = grace.post(f"/users/{people[0]['id']}/invitation/link", {"password": password})
    assert answer.status_code == 422 and "This is not your password." in answer.text
    assert "data-copy" not in answer.text
    assert stranger.get(f"/invitation/{old}").status_code == 200


def test_an_invitation_is_revoked(grace, people, mails, state, stranger):
    send_invite(grace, user=people[0]["id"])
    secret = mails()[0].secret
    path = f"/users/{people[0]['id']}"
    answer = grace.post(f"{path}/invitation/revoke")
    assert (answer.status_code, answer.location) == (303, path)
    assert state(people[0]) == "not invited" and [mail.state for mail in mails()] == ["cancelled"]
    assert stranger.get(f"/invitation/{secret}").status_code == 410
    answer = grace.post(f"{path}/invitation/revoke")
    assert answer.status_code == 422 and "has no open invitation" in words(answer.text)


# the link


def test_the_page_says_who_invites_for_whom_and_until_when(app, people, invite, stranger):
    secret = invite(people[0]["id"])
    said = stranger.says(f"/invitation/{secret}")
    assert (
        "You are invited" in said and "For Person 0 p0@example.com" in said and "Invited by ada@example.com" in said
    )
    with app.app_context():
        until = database.from_now(timedelta(days=7))
    assert f"Valid until {until[:10]}" in said
    assert "At least 12 characters" in said


def test_looking_at_a_link_does_not_use_it_up(people, invite, stranger, state):
    path = f"/invitation/{invite(people[0]['id'])}"
    for _ in range(3):
        assert stranger.get(path).status_code == 200 and stranger.client.head(path).status_code == 200
    assert state(people[0]) == "pending"
    token = stranger.csrf(path)
    assert stranger.post(path, {"password": STRONG}, token=token).status_code == 303


def test_its_address_goes_to_nobody(people, invite, stranger):
    secret = invite(people[0]["id"])
    for path in (f"/invitation/{secret}", "/invitation/nonsense", "/password/nonsense", "/set-up/nonsense"):
        headers = stranger.get(path).headers
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store"), path


def test_a_browser_that_tells_no_origin_may_register_but_not_without_the_token(people, invite, stranger, state):
    """Without a referrer it says so, where it does not say Sec-Fetch-Site: on plain http."""
    path = f"/invitation/{invite(people[0]['id'])}"
    form, token = {"password": STRONG}, stranger.csrf(path)
    assert stranger.post(path, form, {"Origin": "null"}, token="0" * 64).status_code == 403
    assert stranger.post(path, form, {"Origin": "https://evil.example"}, token).status_code == 403
    assert state(people[0]) == "pending"
    assert stranger.post(path, form, {"Origin": "null"}, token).status_code == 303


def test_a_person_registers_and_is_signed_in(app, people, invite, stranger, state, mails, alan):
    path = f"/invitation/{invite(people[0]['id'])}"
    before = stranger.client.get_cookie("rollcall")
    answer = stranger.post(path, {"password": STRONG}, token=stranger.csrf(path))
    assert (answer.status_code, answer.location) == (303, "/device")
    assert stranger.client.get_cookie("rollcall") != before
    said = stranger.says("/device")
    assert "You are registered, and signed in." in said and "Person 0" in said
    assert state(people[0]) == "completed"
    assert [(mail.purpose, mail.recipient) for mail in mails()] == [("registered", "p0@example.com")]
    assert "Person p0@example.com registered" in alan.says(f"/users/{people[0]['id']}/activity")
    assert Browser(app).sign_in_as_person("p0@example.com", STRONG).status_code == 303


@pytest.mark.parametrize(
    "password, said",
    [
        ("", "at least 12 characters"),
        ("short", "at least 12 characters"),
        ("password1234", "easily guessed"),
        ("p0@example.com", "easily guessed"),
        ("x" * 257, "at most 256 characters"),
    ],
)
def test_a_password_that_is_refused_uses_nothing_up(people, invite, stranger, state, mails, password, said):
    path = f"/invitation/{invite(people[0]['id'])}"
    answer = stranger.post(path, {"password": password}, token=stranger.csrf(path))
    assert answer.status_code == 422
    assert said in words(answer.text) and 'id="password-problem" role="alert"' in answer.text
    assert state(people[0]) == "pending" and mails() == []
    assert stranger.get(path).status_code == 200


@pytest.mark.parametrize(
    "password, said, score",
    [
        ("short", "5 of at least 12 characters.", 0),
        ("password1234", "Easily guessed.", 1),
        (STRONG, "Very good.", 4),
    ],
)
def test_the_strength_is_judged_while_it_is_typed(people, invite, stranger, state, password, said, score):
    path = f"/invitation/{invite(people[0]['id'])}"
    answer = stranger.post(f"{path}/strength", {"password": password}, token=stranger.csrf(path))
    assert answer.status_code == 200
    assert said in words(answer.text) and f'value="{score}" aria-label="Strength' in answer.text
    assert password not in answer.text and state(people[0]) == "pending"


def test_strangers_cannot_have_passwords_judged(stranger, monkeypatch):
    monkeypatch.setattr(passwords, "strength", lambda *_: pytest.fail("it was judged"))
    for kind in ("invitation", "password"):
        answer = stranger.post(
            f"/{kind}/nonsense/strength", {"password": STRONG}, token=stranger.csrf("/device/sign-in")
        )
        assert answer.status_code == 404


def test_of_many_who_use_a_link_at_once_one_succeeds(app, people, invite, mails, password_hash, monkeypatch):
    path = f"/invitation/{invite(people[0]['id'])}"
    browsers = [Browser(app) for _ in range(32)]
    for browser in browsers:
        browser.token = browser.csrf(path)
    monkeypatch.setattr(passwords, "hashed", lambda *_: password_hash)
    statuses = together(
        32, lambda n: browsers[n].post(path, {"password": STRONG}, token=browsers[n].token).status_code
    )
    assert sorted(statuses) == [303] + [410] * 31
    assert [mail.purpose for mail in mails()] == ["registered"]
    assert [browser.get("/device").status_code for browser in browsers].count(200) == 1


def test_an_administrator_who_registers_somebody_is_signed_out(ada, people, invite):
    path = f"/invitation/{invite(people[0]['id'])}"
    assert "You are signed in as ada@example.com" in ada.says(path)
    old = ada.client.get_cookie("rollcall").value
    assert ada.post(path, {"password": STRONG}).location == "/device"
    assert ada.get("/account").status_code == 303
    ada.client.set_cookie("rollcall", old)
    assert ada.get("/account").status_code == 303


# refusals


@pytest.mark.parametrize(
    "case, status, heading, next_step",
    [
        ("used", 410, "This invitation was used already", "/device/sign-in"),
        ("expired", 410, "This invitation has expired", "/invitation/new"),
        ("revoked", 410, "This invitation does not hold any more", "/invitation/new"),
        ("newer", 410, "This invitation does not hold any more", "/invitation/new"),
        ("disabled", 410, "Your account is disabled", None),
        ("deleted", 404, "There is no such invitation", "/invitation/new"),
        ("unknown", 404, "There is no such invitation", "/invitation/new"),
    ],
)
def test_every_refusal_has_a_page_and_a_next_step(
    app, scim, people, invite, stranger, link, state, case, status, heading, next_step
):
    user = people[0]
    path, token = f"/invitation/{invite(user['id'])}", stranger.csrf("/device/sign-in")
    match case:
        case "used":
            other = Browser(app)
            assert other.post(path, {"password": STRONG}, token=other.csrf(path)).status_code == 303
        case "expired":
            link(expires=minutes_ago(app, 1))
        case "revoked":
            with app.app_context(), transaction():
                found = directory.find(attributes.user_type(), user["id"])
                invitations.revoke(found, Actor("ada@example.com"))
        case "newer":
            invite(user["id"])
        case "disabled":
            scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
        case "deleted":
            scim.delete(f"/Users/{user['id']}")
        case "unknown":
            path = path[:-1] + ("A" if path[-1] != "A" else "B")
    page = stranger.get(path)
    assert page.status_code == status and f"<h1>{heading}</h1>" in page.text
    assert "<form" not in page.text.split("<main", 1)[1]
    assert (next_step in page.text) if next_step else ("/invitation/new" not in page.text)
    with app.app_context():
        before = history.audit_page(AuditQuery())
    for url in (path, f"{path}/strength"):
        answer = stranger.post(url, {"password": STRONG}, token=token)
        assert answer.status_code == status and f"<h1>{heading}</h1>" in answer.text
    with app.app_context():
        assert history.audit_page(AuditQuery()) == before
    assert stranger.get("/device").status_code == 303


# a new link


def ask(browser, email):
    return browser.post("/invitation/new", {"email": email}, token=browser.csrf("/invitation/new"))


def answered(answer, browser):
    """Return what a browser sees after asking, without what differs for every browser."""
    page = browser.get(answer.location).text
    return answer.status_code, answer.location, CSRF.sub("", page)


def test_asking_for_a_link_answers_the_same_to_everybody(app, people, invite, register, make_user, link, mails):
    invite(people[0]["id"])
    register(make_user("done@example.com"))
    link(created=minutes_ago(app, 10))
    said = set()
    for email in (
        "p0@example.com",
        "P0@Example.com",
        "p1@example.com",
        "done@example.com",
        "eve@example.com",
        SCRIPT,
    ):
        browser = Browser(app)
        said.add(answered(ask(browser, email), browser))
    assert len(said) == 1
    assert "If somebody is invited at this address" in words(said.pop()[2])
    invited = [mail.recipient for mail in mails() if mail.purpose == "invitation"]
    assert invited == ["p0@example.com"]


def test_the_new_link_works_and_the_old_one_does_not(app, people, invite, stranger, link, mails):
    old = invite(people[0]["id"])
    link(created=minutes_ago(app, 10), expires=minutes_ago(app, 1))
    ask(stranger, "p0@example.com")
    assert stranger.get(f"/invitation/{mails()[0].secret}").status_code == 200
    assert stranger.get(f"/invitation/{old}").status_code == 410


def test_asking_again_and_again_sends_no_more(app, people, invite, stranger, link, mails):
    invite(people[0]["id"])
    link(created=minutes_ago(app, 10))
    for _ in range(20):
        assert ask(stranger, "p0@example.com").status_code == 303
    assert len(mails()) == 1


def test_who_asks_for_many_is_told_to_wait(app, people, stranger):
    statuses = [ask(stranger, f"eve{n}@example.com").status_code for n in range(invitations.ASKED_FROM + 1)]
    assert statuses == [303] * invitations.ASKED_FROM + [429]


@pytest.mark.parametrize("email", ["", " "])
def test_asking_for_nobody_is_refused(stranger, email):
    answer = ask(stranger, email)
    assert answer.status_code == 422 and "Type the e-mail address" in words(answer.text)


# nothing is executed


def test_markup_in_a_name_is_text(grace, make_user, invite, stranger):
    user = make_user(f"{SCRIPT}@example.com", displayName=SCRIPT, emails=[{"value": "x@example.com"}])
    preview = grace.post("/users/invite", {"user": user["id"], "q": SCRIPT})
    pages = [preview, grace.post("/users/invite", kept(preview)), grace.get("/users"), grace.get("/admin/mail")]
    path = f"/users/{user['id']}/invitation/link"
    pages += [grace.get(path), grace.post(path, {"password": PASSWORD})]
    pages.append(stranger.get(f"/invitation/{invite(user['id'])}"))
    assert all("<script>alert" not in page.text for page in pages)


def test_nothing_that_waits_holds_the_link_readable(app, grace, people, mails):
    send_invite(grace, user=people[0]["id"])
    secret = mails()[0].secret
    with app.app_context():
        stored = repr(execute(select(Mail.__table__)).all()) + repr(execute(select(Link.__table__)).all())
    assert secret not in stored


# the settings

SETTINGS = "/admin/identity/user-provisioning/settings"


def save(browser, **fields):
    page = browser.get(SETTINGS).text
    before = ("invited_before", "invitation_days_before", "log_days_before")
    shown = {name: re.search(rf'name="{name}" value="(\w*)"', page)[1] for name in before}
    days = {name: shown[f"{name}_before"] for name in ("invitation_days", "log_days")}
    return browser.post(SETTINGS, shown | days | fields)


@pytest.fixture
def setting(app):
    def setting(name):
        with app.app_context():
            return settings.get(name)

    return setting


def test_with_the_switch_on_who_is_imported_is_invited_and_who_is_here_is_offered(ada, people, make_user, mails):
    assert "not invited" not in ada.says(SETTINGS)
    save(ada, invite_automatically="1")
    assert mails() == []
    make_user("new@example.com")
    assert [mail.recipient for mail in mails()] == ["new@example.com"]
    assert "Invite the 2 not invited" in ada.says(SETTINGS)
    answer = send_invite(ada, all="1", invite="not invited", back=SETTINGS)
    assert (answer.status_code, answer.location) == (303, SETTINGS)
    assert sorted(mail.recipient for mail in mails()) == ["new@example.com", "p0@example.com", "p1@example.com"]
    assert "not invited" not in ada.says(SETTINGS)


def test_the_offers_form_invites_those_who_were_not(ada, people, mails):
    save(ada, invite_automatically="1")
    form = ada.get(SETTINGS).text.split('<form id="invite-uninvited"')[1]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    assert "Send Invite to 2 people" in words(ada.post("/users/invite", fields).text)


def test_who_may_only_read_is_offered_nothing(alan, ada, people):
    save(ada, invite_automatically="1")
    assert "Invite the" not in alan.says(SETTINGS) and "The link is valid for 7 days" in alan.says(SETTINGS)


def test_the_days_are_changed(app, ada, setting, people, invite, stranger):
    answer = save(ada, invitation_days="3")
    assert answer.status_code == 303 and setting("invitation_days") == 3
    assert "valid for 3 days." in ada.says(SETTINGS)
    with app.app_context():
        until = database.from_now(timedelta(days=3))
    assert f"Valid until {until[:10]}" in stranger.says(f"/invitation/{invite(people[0]['id'])}")


@pytest.mark.parametrize("days", ["0", "31", "", "x", "-1", "1.5", "٣", "9" * 40])
def test_days_that_cannot_be_are_refused_and_nothing_is_saved(ada, setting, days):
    answer = save(ada, invitation_days=days, invite_automatically="1", name="custAttr1")
    assert answer.status_code == 422 and 'id="invitation_days-problem"' in answer.text
    assert f'value="{days}"' in answer.text
    assert setting("invitation_days") == 7 and setting("invite_automatically") is False


def test_the_log_is_kept_as_long_as_an_administrator_says(ada, alan, setting):
    assert "stays in the log for 30 days" in alan.says(SETTINGS)
    answer = save(ada, log_days="90")
    assert answer.status_code == 303 and (setting("log_days"), setting("invitation_days")) == (90, 7)
    assert "The provisioning log is kept for 90 days." in ada.says(SETTINGS)
    assert "Kept for 90 days" in alan.says("/admin/provisioning-log")


@pytest.mark.parametrize("days", ["0", "366", "", "x", "1.5"])
def test_a_log_cannot_be_kept_for_such_days(ada, setting, days):
    answer = save(ada, log_days=days)
    assert answer.status_code == 422 and 'id="log_days-problem"' in answer.text and setting("log_days") == 30


def test_an_old_form_changes_no_days(ada, setting):
    save(ada, invitation_days="3")
    ada.post(SETTINGS, {"invited_before": "0", "invitation_days_before": "7", "invitation_days": "7"})
    ada.post(SETTINGS, {"invited_before": "0", "invitation_days": "7"})
    assert setting("invitation_days") == 3
