"""Who is invited and when, what a link is worth, registering, and forgotten passwords."""

import random
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

import database
import models
from core import (
    accounts,
    attributes,
    digests,
    directory,
    invitations,
    jobs,
    journal,
    links,
    lists,
    outbox,
    people,
    sessions,
    settings,
)
from core.invitations import InvitationError
from core.journal import Actor
from core.lists import UserQuery
from core.passwords import HASHER, PasswordError
from core.settings import SettingError
from core.throttle import Throttled
from database import execute, from_now, transaction
from tests.databases import open_database
from tests.durability.helpers import together

PASSWORD, OTHER = "violet-anchor-plum-7", "crimson-ladder-fig-9"
OKTA, ADA = Actor("SCIM Okta (Token)", 1), Actor("ada@example.com")
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def context(app, monkeypatch):
    hashes: dict = {}
    monkeypatch.setattr(
        invitations.passwords,
        "HASHER",
        SimpleNamespace(
            hash=lambda password: hashes.setdefault(password, HASHER.hash(password)),
            verify=HASHER.verify,
            check_needs_rehash=HASHER.check_needs_rehash,
        ),
    )
    with app.app_context():
        yield


@pytest.fixture
def later(monkeypatch):
    """Return a function that moves the clock ahead."""
    real = database.datetime

    def later(**delta):
        moved = classmethod(lambda cls, tz: real.now(tz) + timedelta(**delta))
        monkeypatch.setattr(database, "datetime", type("later", (real,), {"now": moved}))

    return later


def switch(is_on=True):
    with transaction():
        settings.change("invite_automatically", is_on, ADA)


def create(user_name="grace@example.com", actor=OKTA, **others):
    with transaction():
        return directory.create(attributes.user_type(), {"userName": user_name} | others, actor, [])


def change(user, actor=OKTA, **others):
    user = directory.find(user.type, user.id)
    with transaction():
        return directory.save(user, user.document | others, actor)


def invite(user, actor=ADA):
    with transaction():
        invitations.invite(user, actor)
    return waiting()[-1].secret


def mails():
    return outbox.page(outbox.MailQuery())[0][::-1]


def waiting():
    return [mail for mail in mails() if mail.state == "waiting"]


def state(user):
    return lists.user(user.id).invite


def totals():
    found: Counter = Counter()
    for (_source, _enabled, invite), number in lists.user_totals().items():
        found[invite] += number
    return found


def lines(*actions):
    found = execute(select(journal.LINES).order_by(journal.LINES.c.id)).all()
    return [(line.actor, line.action, line.name) for line in found if line.action in actions]


def register(secret, password=PASSWORD):
    with transaction():
        return invitations.register(secret, password)


# when


def test_with_the_switch_off_nobody_is_invited():
    user = create()
    assert (mails(), state(user), totals()) == ([], "not invited", {"not invited": 1})


def test_with_the_switch_on_a_first_import_queues_one_mail_in_its_transaction():
    switch()
    user = create(emails=[{"value": "home@example.com"}, {"value": "work@example.com", "primary": True}])
    [mail] = mails()
    assert (mail.purpose, mail.recipient, mail.state, mail.user_id) == (
        "invitation",
        "work@example.com",
        "waiting",
        user.id,
    )
    assert (state(user), totals()) == ("pending", {"pending": 1})
    assert lines("invited") == [(OKTA.name, "invited", "grace@example.com")]
    with pytest.raises(ZeroDivisionError), transaction():
        directory.create(attributes.user_type(), {"userName": "alan@example.com"}, OKTA, [])
        raise ZeroDivisionError
    assert (len(mails()), totals()) == (1, {"pending": 1})


def test_through_the_door_too_and_in_bulk(scim):
    switch()
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": str(n), "data": {"userName": name}}
        for n, name in enumerate(["a@example.com", "b@example.com", "A@example.com", "no address"])
    ]
    assert scim.post("/Bulk", {"Operations": operations}).status_code == 200
    assert [mail.recipient for mail in mails()] == ["a@example.com", "b@example.com"]
    assert totals() == {"pending": 2, "not invited": 1}


def test_no_later_write_mails_again_by_itself(scim):
    user = create()
    switch()
    for active in (False, True):
        change(user, active=active)
    change(user, displayName="Grace")
    scim.put(f"/Users/{user.id}", {"userName": "grace@example.com"})
    assert (mails(), state(user)) == ([], "not invited")
    user = create("alan@example.com")
    for others in ({"active": False}, {"active": True}, {"title": "x"}):
        change(user, **others)
    assert [mail.state for mail in mails()] == ["cancelled"]
    assert state(user) == "not invited"


def test_users_made_here_are_not_invited_by_the_switch():
    switch()
    user = create(actor=ADA)
    change(user, title="x")  # Okta takes the user over
    assert (mails(), state(user)) == ([], "not invited")


@pytest.mark.parametrize(
    "others, reason",
    [
        ({"user_name": "grace"}, "no e-mail"),
        ({"user_name": "grace", "emails": [{"type": "work"}]}, "no e-mail"),
        ({"emails": [{"value": "a@example.com, b@example.com"}]}, "no e-mail"),
        ({"emails": [{"value": "a@example.com\r\nBcc: b@example.com"}]}, "no e-mail"),
        ({"active": False}, "disabled"),
    ],
)
def test_who_cannot_be_invited_is_passed_over_and_a_line_says_why(others, reason):
    switch()
    user = create(**others)
    assert (mails(), state(user)) == ([], "not invited")
    [line] = execute(select(journal.LINES).where(journal.LINES.c.action == "not invited")).all()
    assert line.after == f'{{"reason":"{reason}"}}'


@pytest.mark.parametrize(
    "others, sentence",
    [({"user_name": "grace"}, "no e-mail address"), ({"active": False}, "is disabled")],
)
def test_send_invite_says_why_it_cannot_be(others, sentence):
    user = create(**others)
    for act in (invitations.invite, invitations.copy_link):
        with pytest.raises(InvitationError, match=sentence), transaction():
            act(user, ADA)
    assert (mails(), state(user)) == ([], "not invited")


def test_a_newer_invitation_kills_the_link_before_it_and_the_mail_that_waits():
    user = create()
    first = invite(user)
    second = invite(user)
    assert [mail.state for mail in mails()] == ["cancelled", "waiting"]
    assert invitations.check(first).state == "revoked"
    assert invitations.check(second).state == "open"
    assert totals() == {"pending": 1}
    assert lines("invited") == [(ADA.name, "invited", "grace@example.com")] * 2


def test_a_copied_link_works_and_the_mailed_one_does_not():
    user = create()
    mailed = invite(user)
    with transaction():
        copied = invitations.copy_link(user, ADA)
    assert invitations.check(mailed).state == "revoked"
    assert [mail.state for mail in mails()] == ["cancelled"]
    assert register(copied).pk == user.pk


def test_an_invitation_is_taken_back():
    user = create()
    secret = invite(user)
    with transaction():
        invitations.revoke(user, ADA)
    assert (invitations.check(secret).state, state(user)) == ("revoked", "not invited")
    assert [mail.state for mail in mails()] == ["cancelled"]
    with pytest.raises(InvitationError, match="no open invitation"), transaction():
        invitations.revoke(user, ADA)


def test_who_has_registered_is_not_invited_again():
    user = create()
    register(invite(user))
    for act in (invitations.invite, invitations.copy_link):
        with pytest.raises(InvitationError, match="has registered already"), transaction():
            act(user, ADA)
    assert state(user) == "completed"


# many


@pytest.fixture
def town():
    """Two who can be invited, and one for each reason why not."""
    able = [create("a@example.com"), create("b", emails=[{"value": "b@example.com"}])]
    no_email, disabled, done = create("c"), create("d@example.com", active=False), create("e@example.com")
    register(invite(done))
    return SimpleNamespace(able=able, all=[*able, no_email, disabled, done])


def test_who_can_be_invited_and_why_the_others_cannot(town):
    reasons = {"no e-mail": 1, "disabled": 1, "completed": 1}
    pks = [user.pk for user in town.able]
    assert invitations.sort_out([*(user.pk for user in town.all), 2**40]) == (pks, reasons)
    assert invitations.count_uninvited() == (2, reasons)
    assert invitations.uninvited() == pks
    assert invitations.sort_out([]) == ([], dict.fromkeys(reasons, 0))


def test_those_who_are_ticked_are_invited_at_once(town):
    before = len(mails())
    with transaction():
        assert jobs.run("invite", [user.pk for user in town.all], ADA) == 2
    assert [mail.recipient for mail in mails()[before:]] == ["a@example.com", "b@example.com"]
    assert totals() == {"pending": 2, "completed": 1, "not invited": 2}


def test_all_that_match_are_invited_by_a_job(monkeypatch):
    monkeypatch.setattr(jobs, "PORTION", 3)
    for number in range(10):
        create(f"user{number}@example.com")
    create("nobody")
    with transaction():
        job = jobs.start("invite", lists.matching_pks(UserQuery()), ADA)
    while jobs.work(job):
        pass
    found = jobs.find(job)
    assert (found.done, found.changed, found.error) == (11, 10, None)
    assert Counter(mail.recipient for mail in mails()) == Counter(f"user{n}@example.com" for n in range(10))
    with transaction():  # a second time, each gets a new link, and the old mails do not go out
        jobs.run("invite", lists.matching_pks(UserQuery()), ADA)
    assert len(waiting()) == 10


# what a link is worth


def test_a_link_says_who_invites_for_whom_until_when():
    user = create(displayName="Grace Hopper")
    found = invitations.check(invite(user))
    assert (found.state, found.invited_by) == ("open", "ada@example.com")
    assert (found.user.id, found.user.display, found.user.user_name, found.user.email) == (
        user.id,
        "Grace Hopper",
        "grace@example.com",
        "grace@example.com",
    )
    assert from_now(WEEK - timedelta(minutes=1)) < found.expires <= from_now(WEEK)


def test_who_invites_by_the_switch_is_no_token():
    switch()
    create()
    assert invitations.check(waiting()[0].secret).invited_by == "your organization"


def test_looking_at_a_link_uses_nothing_up():
    secret = invite(create())
    for _ in range(3):
        assert invitations.check(secret).state == "open"
    register(secret)


@pytest.mark.parametrize("secret", ["", "x", "S" * 43, "ä", "\ud800", "x" * 10_000])
def test_a_link_that_never_was_is_unknown(secret):
    assert invitations.check(secret) == invitations.Invitation("unknown")
    assert invitations.check_password_link(secret).state == "unknown"
    for act in (invitations.register, invitations.reset):
        with pytest.raises(InvitationError) as refusal, transaction():
            act(secret, PASSWORD)
        assert refusal.value.state == "unknown"


def used(user, secret, later):
    register(secret)


def expired(user, secret, later):
    later(days=7)


def revoked(user, secret, later):
    with transaction():
        invitations.revoke(user, ADA)


def disabled(user, secret, later):
    change(user, active=False)


def unknown(user, secret, later):
    with transaction():
        directory.remove(directory.find(user.type, user.id), OKTA)


@pytest.mark.parametrize("end", [used, expired, revoked, disabled, unknown])
def test_a_link_that_has_ended_says_how_and_registers_nobody(end, later):
    user = create()
    secret = invite(user)
    end(user, secret, later)
    assert invitations.check(secret).state == end.__name__
    before = execute(select(models.Person.__table__)).all(), totals(), lines("registered")
    with pytest.raises(InvitationError) as refusal, transaction():
        invitations.register(secret, OTHER)
    assert refusal.value.state == end.__name__ and str(refusal.value)
    assert (execute(select(models.Person.__table__)).all(), totals(), lines("registered")) == before


def test_a_link_is_used_once_and_only_while_it_is_open(later):
    with transaction():
        first, revoked, late = (
            links.create("invitation", "x", WEEK, user_pk=create_within(name).pk) for name in ("a", "b", "c")
        )
        links.revoke(user_pk=links.find(revoked).user_pk)
        assert links.use(digests.digest(first)) is True
        assert [links.use(digests.digest(secret)) for secret in (first, revoked, "unknown")] == [False] * 3
        later(days=7)
        assert links.use(digests.digest(late)) is False


def create_within(name):
    return directory.create(attributes.user_type(), {"userName": name}, OKTA, [])


def test_a_link_of_the_other_purpose_opens_nothing():
    user = create()
    invitation = invite(user)
    assert invitations.check_password_link(invitation).state == "unknown"
    register(invitation)
    with transaction():
        invitations.request_password("person", "grace@example.com")
    secret = waiting()[-1].secret
    assert invitations.check(secret).state == "unknown"
    with pytest.raises(InvitationError), transaction():
        invitations.register(secret, OTHER)


def test_the_days_that_a_link_is_valid_are_a_setting(later):
    with transaction():
        settings.change("invitation_days", 30, ADA)
    secret = invite(create())
    later(days=29, hours=23)
    assert invitations.check(secret).state == "open"
    later(days=30)
    assert invitations.check(secret).state == "expired"


@pytest.mark.parametrize("days", [0, 31, -1, 1.5, "7", True, None])
def test_other_days_are_refused(days):
    with pytest.raises(SettingError, match="1 to 30 days") as refusal, transaction():
        settings.change("invitation_days", days, ADA)
    assert (refusal.value.field, settings.get("invitation_days")) == ("invitation_days", 7)


def test_a_secret_has_enough_bits_and_only_its_digest_is_kept(app, instance):
    secret = invite(create())
    assert len(secret) == 43  # 256 bits
    assert holds(instance, secret) == []
    register(secret)
    assert holds(instance, secret) == []
    assert holds(instance, PASSWORD) == []


def holds(instance, text):
    """Return the files of an instance in which a text stands."""
    return [path.name for path in instance.iterdir() if text.encode() in path.read_bytes()]


# registering


def test_registering_completes_and_confirms():
    user = create(displayName="Grace")
    person = register(invite(user))
    assert (person.pk, person.user_name) == (user.pk, "grace@example.com")
    assert (state(user), totals()) == ("completed", {"completed": 1})
    assert [(mail.purpose, mail.state) for mail in mails()] == [
        ("invitation", "cancelled"),
        ("registered", "waiting"),
    ]
    assert lines("registered") == [("Person grace@example.com", "registered", "grace@example.com")]
    assert people.sign_in("grace@example.com", PASSWORD, "192.0.2.1").id == user.id


@pytest.mark.parametrize("password", ["", "short", "password1234", "grace@example.com", "x" * 300])
def test_a_weak_password_uses_nothing_up(password):
    user = create()
    secret = invite(user)
    with pytest.raises(PasswordError), transaction():
        invitations.register(secret, password)
    assert (invitations.check(secret).state, state(user)) == ("open", "pending")
    register(secret)


def test_of_many_who_register_at_once_one_does(app):
    user = create()
    secret = invite(user)

    def attempt(number):
        with app.app_context():
            try:
                with transaction():
                    return invitations.register(secret, f"{PASSWORD}-{number}").pk
            except InvitationError as error:
                return error.state

    assert Counter(together(32, attempt)) == {user.pk: 1, "used": 31}
    database.close_connection()  # it shows what was before
    assert totals() == {"completed": 1}
    assert len(lines("registered")) == 1
    assert [mail.purpose for mail in waiting()] == ["registered"]


# what happens to users meanwhile


def test_disabling_takes_the_invitation_back_and_enabling_does_not_mail():
    user = create()
    secret = invite(user)
    change(user, active=False)
    assert (state(user), [mail.state for mail in mails()]) == ("not invited", ["cancelled"])
    assert mails()[0].last_error == "The person was disabled."
    change(user, active=True)
    assert (state(user), waiting()) == ("not invited", [])
    assert invitations.check(secret).state == "revoked"


def test_disabling_who_has_registered_ends_the_sessions_and_enabling_restores_sign_in():
    user = create()
    register(invite(user))
    with transaction():
        secret = sessions.begin(user_pk=user.pk)
    change(user, active=False)
    assert sessions.find(secret) is None
    assert (state(user), totals()) == ("completed", {"completed": 1})
    assert people.sign_in("grace@example.com", PASSWORD, "192.0.2.1") is None
    change(user, active=True)
    assert people.sign_in("grace@example.com", PASSWORD, "192.0.2.1").id == user.id


NEW_ADDRESSES = [
    {"emails": [{"value": "new@example.com"}]},
    {"emails": [{"value": "grace@example.com"}, {"value": "new@example.com", "primary": True}]},
    {"emails": [{"value": "not an address"}]},
]


@pytest.mark.parametrize("others", NEW_ADDRESSES)
def test_another_e_mail_address_voids_the_link_that_went_to_the_old_one(others):
    user = create(emails=[{"value": "grace@example.com"}])
    secret = invite(user)
    change(user, **others)
    assert (invitations.check(secret).state, state(user)) == ("revoked", "not invited")
    assert [mail.state for mail in mails()] == ["cancelled"]
    assert lines("revoked the link") == [(OKTA.name, "revoked the link", "grace@example.com")]


def test_another_user_name_voids_it_where_it_is_the_address():
    user = create()
    secret = invite(user)
    change(user, userName="other@example.com")
    assert invitations.check(secret).state == "revoked"


@pytest.mark.parametrize(
    "others",
    [
        {"displayName": "G"},
        {"emails": [{"value": "grace@example.com", "type": "work"}, {"value": "home@example.com"}]},
        {"userName": "other@example.com"},
    ],
)
def test_what_leaves_the_address_leaves_the_link(others):
    user = create(emails=[{"value": "grace@example.com"}])
    secret = invite(user)
    change(user, **others)
    assert (invitations.check(secret).state, state(user)) == ("open", "pending")
    assert [mail.state for mail in mails()] == ["waiting"]


def test_deleting_a_user_takes_links_and_mails_along():
    user = create()
    secret = invite(user)
    with transaction():
        directory.remove(directory.find(user.type, user.id), OKTA)
    assert (mails(), totals(), invitations.check(secret).state) == ([], {}, "unknown")
    assert execute(select(links.LINKS)).all() == []


def test_a_bulk_job_that_disables_revokes_too():
    users = [create(f"u{n}@example.com") for n in range(3)]
    secrets = [invite(user) for user in users]
    with transaction():
        jobs.run("disable", [user.pk for user in users], ADA)
    assert {invitations.check(secret).state for secret in secrets} == {"disabled"}
    assert waiting() == [] and totals() == {"not invited": 3}


# a new link


def ask(address, network="192.0.2.1"):
    with transaction():
        return invitations.request_new(address, network)


def test_a_new_link_is_mailed_to_the_stored_address(later):
    user = create(emails=[{"value": "Grace@Example.com"}])
    old = invite(user)
    later(minutes=2)
    ask(" grace@example.COM ")
    assert [mail.state for mail in mails()] == ["cancelled", "waiting"]
    [mail] = waiting()
    assert mail.recipient == "Grace@Example.com"
    assert invitations.check(old).state == "revoked"
    found = invitations.check(mail.secret)
    assert (found.state, found.invited_by) == ("open", "ada@example.com")
    assert lines("requested a new invitation") == [
        ("Not signed in", "requested a new invitation", "grace@example.com")
    ]


def test_who_has_an_expired_invitation_gets_one_and_is_pending(later):
    user = create()
    invite(user)
    later(days=8)
    invitations.expire()
    assert state(user) == "expired"
    ask("grace@example.com")
    assert state(user) == "pending" and len(waiting()) == 1


def nobody(later):
    pass


def not_invited(later):
    create()


def completed(later):
    register(invite(create()))
    with transaction():
        database.connection().exec_driver_sql("UPDATE outbox SET state = 'sent'")


def leaver(later):
    user = create()
    invite(user)
    change(user, active=False)


def another_address(later):
    invite(create(emails=[{"value": "other@example.com"}]))
    with transaction():
        database.connection().exec_driver_sql("UPDATE outbox SET state = 'sent'")


@pytest.mark.parametrize("case", [nobody, not_invited, completed, leaver, another_address])
def test_everybody_else_gets_none_and_the_same_answer(case, later):
    case(later)
    later(minutes=2)
    assert ask("grace@example.com") is None
    assert waiting() == []


def test_a_hundred_requests_are_one_mail_a_minute(later):
    invite(create())
    later(minutes=2)
    for _ in range(100):
        ask("grace@example.com", "")
    assert len(waiting()) == 1 and len(mails()) == 2


def test_one_address_gets_a_few_an_hour(later):
    invite(create())
    for minute in range(2, 50, 2):
        later(minutes=minute)
        ask("grace@example.com", f"192.0.2.{minute}")
    assert len(mails()) == 1 + invitations.ASKED


def test_one_network_address_is_throttled_and_told(later):
    for number in range(invitations.ASKED_FROM):
        ask(f"user{number}@example.com")
    with pytest.raises(Throttled, match="Too many links were asked for"):
        ask("other@example.com")
    ask("other@example.com", "192.0.2.2")


@pytest.mark.parametrize("address", ["", "@", "x" * 10_000, "%", "a@b.org\r\nBcc: eve@b.org", "\x00", "ǅ@ß"])
def test_strange_addresses_are_nobody_s(address):
    ask(address)
    with transaction():
        invitations.request_password("person", address)
        invitations.request_password("administrator", address)
    assert mails() == []


# forgotten passwords


def forgot(kind, address):
    with transaction():
        invitations.request_password(kind, address, "192.0.2.1")


def reset(secret, password=OTHER):
    with transaction():
        return invitations.reset(secret, password)


@pytest.fixture
def grace():
    user = create("grace", emails=[{"value": "grace@example.com"}])
    register(invite(user))
    return user


@pytest.fixture
def ada():
    with transaction():
        return accounts.create("ada@example.com", PASSWORD, "administrator", ADA)


@pytest.mark.parametrize("name", ["grace", "GRACE@example.com"])
def test_a_person_chooses_a_new_password(grace, name):
    with transaction():
        session = sessions.begin(user_pk=grace.pk)
    forgot("person", name)
    mail = waiting()[-1]
    assert (mail.purpose, mail.recipient) == ("password", "grace@example.com")
    found = invitations.check_password_link(mail.secret)
    assert (found.state, found.kind, found.name) == ("open", "person", "grace")
    assert found.expires <= from_now(timedelta(hours=1))
    assert reset(mail.secret) == "person"
    assert sessions.find(session) is None
    assert people.sign_in("grace", OTHER, "192.0.2.1") and not people.sign_in("grace", PASSWORD, "192.0.2.1")
    assert invitations.check_password_link(mail.secret).state == "used"
    with pytest.raises(InvitationError, match="used already"):
        reset(mail.secret, PASSWORD)
    assert state(grace) == "completed"


def secret_of(app, kind="password"):
    """Return the secret in the newest mail of a kind; the page shows none that lets in an administrator."""
    row = execute(
        select(outbox.MAILS).where(outbox.MAILS.c.purpose == kind).order_by(outbox.MAILS.c.id.desc()).limit(1)
    ).first()
    return outbox._unsealed(outbox.Mail(*row))


def test_an_administrator_chooses_a_new_password(app, ada):
    with transaction():
        session = sessions.begin(ada.id)
    forgot("administrator", " ADA@example.com")
    [mail] = waiting()
    assert (mail.purpose, mail.recipient, mail.secret) == ("password", "ada@example.com", None)
    secret = secret_of(app)
    assert invitations.check_password_link(secret).kind == "administrator"
    assert reset(secret) == "administrator"
    assert sessions.find(session) is None
    assert accounts.sign_in("ada@example.com", OTHER, "192.0.2.1")
    assert waiting() == []


@pytest.mark.parametrize(
    "kind, address",
    [
        ("person", "ada@example.com"),
        ("administrator", "grace@example.com"),
        ("person", "eve"),
        ("administrator", "eve"),
    ],
)
def test_the_other_kind_and_the_unknown_get_no_mail(ada, grace, kind, address):
    before = len(mails())
    forgot(kind, address)
    assert len(mails()) == before


def test_an_unknown_kind_is_a_mistake(grace):
    with pytest.raises(KeyError):
        forgot("token", "grace")


def test_who_has_not_registered_or_is_disabled_gets_no_mail(grace, ada):
    invite(create("alan@example.com"))
    change(grace, active=False)
    with transaction():
        accounts.create("eve@example.com", PASSWORD, "administrator", ADA)
        accounts.disable(ada, ADA)
    before = len(mails())
    for kind, address in (
        ("person", "alan@example.com"),
        ("person", "grace"),
        ("administrator", "ada@example.com"),
    ):
        forgot(kind, address)
    assert len(mails()) == before


def test_a_password_link_dies_with_an_hour(grace, later):
    forgot("person", "grace")
    secret = waiting()[-1].secret
    later(hours=1)
    assert invitations.check_password_link(secret).state == "expired"
    with pytest.raises(InvitationError, match="expired"):
        reset(secret)


def test_a_password_link_dies_when_the_person_is_disabled_or_moves(grace, later):
    forgot("person", "grace")
    first = waiting()[-1].secret
    change(grace, emails=[{"value": "new@example.com"}])
    assert invitations.check_password_link(first).state == "revoked"
    later(minutes=2)
    forgot("person", "grace")
    second = waiting()[-1].secret
    change(grace, active=False)
    assert invitations.check_password_link(second).state == "disabled"
    change(grace, active=True)
    assert invitations.check_password_link(second).state == "revoked"
    assert state(grace) == "completed"


def test_a_changed_password_kills_the_link_for_another(app, ada, grace):
    forgot("administrator", "ada@example.com")
    of_ada = secret_of(app)
    with transaction():
        accounts.change_password(ada, OTHER, ADA)
    assert invitations.check_password_link(of_ada).state == "revoked"
    forgot("person", "grace")
    of_grace = secret_of(app)
    with transaction():
        people.set_password(people.find(grace.pk), OTHER, ADA)
    assert invitations.check_password_link(of_grace).state == "revoked"


def test_a_disabled_administrator_sets_no_password(app, ada):
    with transaction():
        accounts.create("eve@example.com", PASSWORD, "administrator", ADA)
    forgot("administrator", "ada@example.com")
    with transaction():
        accounts.disable(ada, ADA)
    assert invitations.check_password_link(secret_of(app)).state == "disabled"
    with pytest.raises(InvitationError, match="disabled"):
        reset(secret_of(app))


def test_a_weak_password_leaves_the_link(grace):
    forgot("person", "grace")
    secret = waiting()[-1].secret
    with pytest.raises(PasswordError):
        reset(secret, "short")
    assert reset(secret) == "person"


def test_of_many_resets_at_once_one_is_done(app, grace):
    forgot("person", "grace")
    secret = waiting()[-1].secret

    def attempt(number):
        with app.app_context():
            try:
                return reset(secret, f"{OTHER}-{number}")
            except InvitationError as error:
                return error.state

    assert Counter(together(8, attempt)) == {"person": 1, "used": 7}


def test_requests_for_a_password_are_one_mail_a_minute_and_few_an_hour(grace, later):
    before = len(mails())
    for _ in range(20):
        with transaction():
            invitations.request_password("person", "grace")
    assert len(mails()) == before + 1
    for minute in range(70, 130, 3):
        later(minutes=minute)
        with transaction():
            invitations.request_password("person", "grace")
    assert len(mails()) == before + 1 + invitations.ASKED


# housekeeping


def test_pending_invitations_expire_and_the_totals_with_them(later):
    users = [create(f"u{n}@example.com") for n in range(4)]
    for user in users:
        invite(user)
    later(days=3)
    invite(users[1])
    register(invite(users[2]))
    change(users[3], active=False)
    later(days=8)
    invitations.expire()
    assert [state(user) for user in users] == ["expired", "pending", "completed", "not invited"]
    assert totals() == {"expired": 1, "pending": 1, "completed": 1, "not invited": 1}
    cancelled = [mail.recipient for mail in mails() if mail.last_error and "expired" in mail.last_error]
    assert cancelled == ["u0@example.com"]
    assert lines("expired") == [("Rollcall", "expired", "u0@example.com")]
    invitations.expire()
    assert len(lines("expired")) == 1


def test_an_expired_link_stays_so_though_the_clock_is_set_back(later):
    secret = invite(create())
    later(days=8)
    invitations.expire()
    later(days=0)
    assert invitations.check(secret).state == "expired"
    with pytest.raises(InvitationError, match="expired"):
        register(secret)


def test_who_has_expired_is_invited_again(later):
    user = create()
    invite(user)
    later(days=8)
    invitations.expire()
    assert register(invite(user)).pk == user.pk


def test_what_is_long_past_is_forgotten(later):
    user = create()
    register(invite(user))
    failed = create("failed@example.com")
    invite(failed)
    with transaction():
        database.connection().exec_driver_sql(
            "UPDATE outbox SET state = 'failed' WHERE substr(recipient, 1, 6) = 'failed'"
        )
        database.connection().exec_driver_sql("UPDATE outbox SET state = 'sent' WHERE state = 'waiting'")
    later(days=89)
    invitations.expire()
    assert len(execute(select(links.LINKS)).all()) == 2 and len(mails()) == 3
    later(days=98)
    invitations.expire()
    assert execute(select(links.LINKS)).all() == []
    assert [mail.state for mail in mails()] == ["failed"]
    assert state(user) == "completed"


# the totals, whatever happens


def recount(instance):
    sql = open_database(instance)
    kept = {tuple(key): n for *key, n in sql.execute("SELECT source, enabled, invite, count FROM user_counts") if n}
    stored = Counter(sql.execute("SELECT source, coalesce(active, FALSE), invite FROM users"))
    pending = {pk for (pk,) in sql.execute("SELECT pk FROM users WHERE invite = 'pending'")}
    opened = "SELECT user_pk FROM links WHERE purpose = 'invitation' AND used IS NULL AND revoked IS NULL"
    invited = [pk for (pk,) in sql.execute(opened)]
    waiting = [
        pk for (pk,) in sql.execute("SELECT user_pk FROM outbox WHERE purpose = 'invitation' AND state = 'waiting'")
    ]
    sql.close()
    return kept, dict(stored), pending, invited, waiting


ACTS = "create create invite copy_link revoke disable enable move delete register ask expire switch run".split()


@pytest.mark.parametrize("seed", range(4))
def test_after_anything_the_totals_are_a_recount_and_each_pending_user_has_one_link(instance, seed, later):
    rng, users, names, hours = random.Random(seed), [], iter(range(1000)), 0
    done = Counter()
    for _ in range(150):
        act = rng.choice(ACTS)
        user = rng.choice(users) if users else None
        try:
            if act == "create" or user is None:
                name = f"u{next(names)}{rng.choice(['', '@example.com', '@example.com'])}"
                users.append(create(name, rng.choice([OKTA, OKTA, ADA]), active=rng.random() < 0.9))
            elif act == "register":
                mail = rng.choice([mail for mail in waiting() if mail.purpose == "invitation"])
                register(mail.secret)
            elif act == "ask":
                ask(user.document["userName"], "")
            elif act == "expire":
                hours += rng.randrange(24 * 5)
                later(hours=hours)
                invitations.expire()
            elif act == "switch":
                switch(rng.random() < 0.5)
            elif act in ("disable", "enable"):
                change(user, active=act == "enable")
            elif act == "move":
                change(user, emails=[{"value": f"moved{next(names)}@example.com"}])
            elif act == "delete":
                users.remove(user)
                with transaction():
                    directory.remove(directory.find(user.type, user.id), OKTA)
            elif act == "run":
                with transaction():
                    jobs.run("invite", [u.pk for u in rng.sample(users, min(5, len(users)))], ADA)
            else:
                with transaction():
                    getattr(invitations, act)(directory.find(user.type, user.id), ADA)
            done[act] += 1
        except (InvitationError, IndexError):
            pass
        kept, stored, pending, invited, mailed = recount(instance)
        assert kept == stored, act
        assert len(set(invited)) == len(invited) and len(set(mailed)) == len(mailed), act
        assert pending <= set(invited), act
        assert set(mailed) <= set(invited), act
    assert len(done) >= 12 and min(done.values()) >= 1, done
