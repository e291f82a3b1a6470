"""Deliveries: whatever happens to users and groups, each person has what a computation from scratch says."""

import os
import plistlib
import random
import signal
import subprocess
import sys
import time

import orjson
import pytest
from sqlalchemy import select

import database
import models
from core import attributes, configurations, deliveries, directory, history, jobs, mobileconfig, variables
from core.deliveries import DELIVERIES, TABLE
from core.history import AuditQuery
from core.journal import Actor
from core.mobileconfig import TYPES
from database import transaction
from protocol.definitions import CUSTOM
from tests import databases
from tests.conftest import ROOT

ADA = Actor("ada@example.com")
CLIP = TYPES["webclip"]
URL = "https://example.com"


class Company:
    """An application with configurations, whose people come through Okta's door."""

    def __init__(self, app, scim):
        self.app, self.scim = app, scim

    def inside(self, act, *arguments, **others):
        with self.app.app_context():
            return act(*arguments, **others)

    def write(self, act, *arguments, **others):
        with self.app.app_context(), transaction():
            return act(*arguments, **others)

    def create(self, name, label, distribution="everyone", groups=(), missing="hold", **typed):
        typed = {"label": label, "url": URL} | typed
        ids = [group["id"] for group in groups]
        outcome = self.write(configurations.create, CLIP, name, typed, missing, distribution, ids, ADA)
        return outcome.configuration

    def save(self, configuration, **others):
        kept = {
            "name": configuration.name,
            "typed": mobileconfig.as_typed(CLIP, configuration.fields) | others.pop("typed", {}),
            "missing": configuration.missing,
            "distribution": configuration.distribution,
            "groups": [group.id for group in configuration.groups],
        }
        now = self.inside(configurations.find, configuration.id)
        outcome = self.write(configurations.save, now.id, now.version, **kept | others, actor=ADA)
        return outcome

    def pk(self, user):
        find = select(directory.USERS.c.pk).where(directory.USERS.c.id == user["id"])
        return self.inside(lambda: database.execute(find).scalar())

    def has(self, user):
        """Return {configuration: its revision, or why it is held} of a user as Okta's door showed it."""
        found = self.inside(configurations.of_user, self.pk(user))
        return {c.name: has.revision if has.is_ready else sorted(has.held) for c, has in found}

    def profile(self, configuration, user):
        return self.inside(configurations.profile_for, configuration.id, self.pk(user))

    def lines(self, user):
        """Return (action, what it says) of the audit lines about what a person has, the oldest first."""
        query = AuditQuery(kind="Configuration", resource_id=user["id"])
        rows, _older = self.inside(history.audit_page, query)
        assert all(row.name == user["userName"] and row.before is None for row in rows)
        return [(row.action, row.after) for row in rows[::-1]]

    def set(self, user, path, value):
        change = {"op": "replace", "path": path, "value": value}
        assert self.scim.patch(f"/Users/{user['id']}", change).status_code == 200

    def office(self, user, value):
        self.set(user, f"{CUSTOM}:custAttr1", value)

    def members(self, group, op, *users, **others):
        change = {"op": op, "path": "members", "value": [{"value": user["id"]} for user in users]} | others
        assert self.scim.patch(f"/Groups/{group['id']}", change).status_code in (200, 204)


@pytest.fixture
def company(app, scim, define):
    define("custAttr1")
    define("custAttr2")
    return Company(app, scim)


def office(value):
    return {CUSTOM: {"custAttr1": value}}


# what a change of a person does


def test_a_changed_value_gives_a_new_revision_to_that_person_and_the_configurations_that_use_it(company, make_user):
    ada, bob = make_user("ada", **office("Berlin")), make_user("bob", **office("Berlin"))
    desk, name = company.create("Desk", "Office ${custAttr1}"), company.create("Name", "Of ${userUID}")
    before = [company.profile(c, user) for c in (desk, name) for user in (ada, bob)]
    company.office(ada, "Paris")
    assert (company.has(ada), company.has(bob)) == ({"Desk": 2, "Name": 1}, {"Desk": 1, "Name": 1})
    after = [company.profile(c, user) for c in (desk, name) for user in (ada, bob)]
    assert [x != y for x, y in zip(before, after, strict=True)] == [True, False, False, False]
    assert plistlib.loads(after[0].content)["PayloadContent"][0]["Label"] == "Office Paris"
    assert company.lines(ada)[-1] == ("new revision", {"configurations": {"Desk": 2}, "because": ["custAttr1"]})
    assert company.lines(bob) == []


def test_the_line_about_a_revision_is_of_who_made_the_change_and_follows_it(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    company.create("Desk", "Office ${custAttr1}")
    company.office(ada, "Paris")
    [cause, effect] = company.inside(history.audit_page, AuditQuery(resource_id=ada["id"]))[0][1::-1]
    assert (cause.kind, cause.after[CUSTOM]) == ("User", {"custAttr1": "Paris"})
    assert (effect.kind, effect.actor, effect.token_id) == ("Configuration", cause.actor, cause.token_id)


def test_the_case_of_a_letter_is_a_change(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    company.create("Desk", "Office ${custAttr1}")
    company.office(ada, "BERLIN")
    assert company.has(ada) == {"Desk": 2}


def test_the_same_content_keeps_its_revision_and_is_the_same_to_the_byte(company, make_user):
    ada = make_user("ada", title="x", **office("Berlin"))
    desk = company.create("Desk", "Office ${custAttr1}")
    first = company.profile(desk, ada)
    company.set(ada, "title", "y")
    company.office(ada, "Berlin")
    company.set(ada, f"{CUSTOM}:custAttr2", "z")
    assert company.profile(desk, ada) == first
    assert company.lines(ada) == []


def test_the_identity_stays_with_a_new_revision(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    desk = company.create("Desk", "Office ${custAttr1}")
    identities = []
    for value in ("Berlin", "Paris"):
        company.office(ada, value)
        outer = plistlib.loads(company.profile(desk, ada).content)
        inner = outer["PayloadContent"][0]
        identities.append([part[key] for part in (outer, inner) for key in ("PayloadUUID", "PayloadIdentifier")])
    assert identities[0] == identities[1]


def test_an_emptied_value_holds_and_the_revision_goes_on_from_where_it_was(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    desk = company.create("Desk", "Office ${custAttr1}")
    company.office(ada, "")
    assert (company.has(ada), company.profile(desk, ada)) == ({"Desk": ["custAttr1"]}, None)
    assert company.lines(ada) == [("held", {"held": {"Desk": ["custAttr1"]}, "because": ["custAttr1"]})]
    company.office(ada, "Berlin")
    assert (company.has(ada), company.lines(ada)[-1][0]) == ({"Desk": 1}, "ready again")
    company.office(ada, None)
    company.office(ada, "Paris")
    assert company.has(ada) == {"Desk": 2}
    assert company.profile(desk, ada).revision == 2


def test_a_default_and_an_empty_value_are_contents_like_others(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    company.create("Default", "Office ${custAttr1:-unknown}")
    company.create("Empty", "Office ${custAttr1}", missing="empty")
    company.office(ada, "")
    assert company.has(ada) == {"Default": 2, "Empty": 2}


def test_what_xml_cannot_hold_is_held(company, make_user):
    ada = make_user("ada", **office("bell\u0007"))
    desk = company.create("Desk", "Office ${custAttr1}")
    assert (company.has(ada), company.profile(desk, ada)) == ({"Desk": ["custAttr1"]}, None)
    assert "U+0007" in company.inside(configurations.held_because, desk.id)[0][0].why["custAttr1"]


def test_a_leaver_has_nothing_and_comes_back_to_a_revision_that_did_not_go_back(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    desk = company.create("Desk", "Office ${custAttr1}")
    company.office(ada, "Paris")
    company.set(ada, "active", False)
    assert (company.has(ada), company.profile(desk, ada)) == ({}, None)
    assert company.inside(configurations.counts, desk.id) == (0, 0)
    assert company.lines(ada)[-1] == ("withdrawn", {"withdrawn": ["Desk"], "because": ["active"]})
    company.set(ada, "active", True)
    assert (company.has(ada), company.profile(desk, ada).revision) == ({"Desk": 2}, 2)
    company.set(ada, "active", False)
    company.office(ada, "Rome")
    assert company.has(ada) == {}
    company.set(ada, "active", True)
    assert company.has(ada) == {"Desk": 3}


def test_a_new_person_gets_what_goes_to_everyone_and_nothing_else(company, make_user, make_group):
    group = make_group("Red")
    company.create("Desk", "Office ${custAttr1}")
    company.create("Red", "x", "groups", [group])
    company.create("Draft", "x", "nobody")
    ada, bob = make_user("ada", **office("Berlin")), make_user("bob")
    assert (company.has(ada), company.has(bob)) == ({"Desk": 1}, {"Desk": ["custAttr1"]})
    assert company.has(make_user("eve", active=False, **office("Berlin"))) == {}
    assert company.lines(ada) == [("new revision", {"configurations": {"Desk": 1}, "because": ["created"]})]


def test_a_put_a_bulk_and_a_form_of_the_portal_are_changes_too(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    company.create("Desk", "Office ${custAttr1}")
    company.scim.put(f"/Users/{ada['id']}", {"userName": "ada", **office("Paris")})
    assert company.has(ada) == {"Desk": 2}
    change = [{"op": "replace", "path": f"{CUSTOM}:custAttr1", "value": "Rome"}]
    bulk = [
        {"method": "PATCH", "path": f"/Users/{ada['id']}", "data": {"Operations": change}},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "bob", **office("Oslo")}},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "G"}},
    ]
    answer = company.scim.post("/Bulk", {"Operations": bulk})
    assert [o["status"] for o in answer.json["Operations"]] == ["200", "201", "201"]
    assert company.has(ada) == {"Desk": 3}
    assert company.has(company.scim.find("Users", 'userName eq "bob"')[0]) == {"Desk": 1}

    def edit():
        user = directory.find(attributes.user_type(), ada["id"])
        directory.save(user, user.document | {CUSTOM: {"custAttr1": "Bonn"}}, ADA)

    company.write(edit)
    assert company.has(ada) == {"Desk": 4}
    company.scim.put(f"/Users/{ada['id']}", {"userName": "ada"})
    assert company.has(ada) == {"Desk": ["custAttr1"]}


def test_a_local_user_who_is_taken_over_has_what_okta_sent(company):
    company.create("Desk", "Office ${custAttr1}")
    body = {"userName": "ada", **office("Berlin")}
    ada = company.write(lambda: directory.create(attributes.user_type(), body, ADA, []))
    shown = {"id": ada.id, "userName": "ada"}
    company.scim.put(f"/Users/{ada.id}", body)
    assert company.has(shown) == {"Desk": 1}
    company.scim.put(f"/Users/{ada.id}", body | office("Paris"))
    assert company.has(shown) == {"Desk": 2}


def test_who_is_deleted_leaves_nothing_behind(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    desk = company.create("Desk", "Office ${custAttr1}")
    company.scim.delete(f"/Users/{ada['id']}")
    assert company.inside(lambda: database.execute(DELIVERIES.select()).all()) == []
    again = make_user("ada", **office("Berlin"))
    assert company.profile(desk, again).revision == 1


@pytest.mark.parametrize(
    "change, because",
    [
        ({"userName": "ada@b.org"}, ["userName"]),
        ({"emails": [{"value": "ada@b.org"}]}, ["emails.value"]),
        ({"displayName": "Ada"}, ["displayName"]),
        ({"displayName": "Ada", "active": False}, ["active", "displayName"]),
    ],
)
def test_the_attributes_that_were_the_cause_are_named(company, make_user, change, because):
    ada = make_user("ada@a.org", displayName="A")
    company.create("Mail", "${userEmailAddress} ${userDisplayName}")
    company.scim.put(f"/Users/{ada['id']}", {"userName": "ada@a.org", "displayName": "A"} | change)
    [(_action, told)] = company.lines(ada | {"userName": change.get("userName", "ada@a.org")})
    assert told["because"] == because


def test_one_change_of_many_configurations_is_one_line(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    company.create("One", "${custAttr1}")
    company.create("Two", "${custAttr1} ${custAttr2:-x}")
    company.create("Three", "${custAttr1}", url="https://${custAttr1}")
    company.office(ada, "a b")
    told = {"configurations": {"One": 2, "Two": 2}, "held": {"Three": ["custAttr1"]}, "because": ["custAttr1"]}
    assert company.lines(ada) == [("new revision", told)]


# what a change of a group does


def test_members_have_what_goes_to_their_group_as_long_as_they_are_in_it(company, make_user, make_group):
    ada, bob = make_user("ada", **office("Berlin")), make_user("bob")
    red = make_group("Red", ada)
    desk = company.create("Desk", "Office ${custAttr1}", "groups", [red])
    assert (company.has(ada), company.has(bob)) == ({"Desk": 1}, {})
    company.members(red, "add", bob)
    assert company.has(bob) == {"Desk": ["custAttr1"]}
    assert company.lines(bob) == [("held", {"held": {"Desk": ["custAttr1"]}, "because": ["groups"]})]
    company.members(red, "remove", ada)
    assert (company.has(ada), company.profile(desk, ada)) == ({}, None)
    assert company.lines(ada) == [("withdrawn", {"withdrawn": ["Desk"], "because": ["groups"]})]
    company.members(red, "replace", ada)
    assert (company.has(ada), company.has(bob)) == ({"Desk": 1}, {})
    company.scim.put(f"/Groups/{red['id']}", {"displayName": "Red", "members": [{"value": bob["id"]}]})
    assert (company.has(ada), company.has(bob)) == ({}, {"Desk": ["custAttr1"]})


def test_who_is_in_two_groups_leaves_both_before_it_is_withdrawn(company, make_user, make_group):
    ada = make_user("ada", **office("Berlin"))
    red, blue = make_group("Red", ada), make_group("Blue", ada)
    company.create("Desk", "Office ${custAttr1}", "groups", [red, blue])
    company.members(red, "remove", ada)
    assert company.has(ada) == {"Desk": 1}
    company.scim.delete(f"/Groups/{blue['id']}")
    assert company.has(ada) == {}


def test_a_group_that_is_deleted_takes_with_it_what_went_to_it(company, make_user, make_group):
    ada = make_user("ada", **office("Berlin"))
    red, blue = make_group("Red", ada), make_group("Blue")
    desk = company.create("Desk", "Office ${custAttr1}", "groups", [red, blue])
    company.scim.delete(f"/Groups/{red['id']}")
    after = company.inside(configurations.find, desk.id)
    assert (company.has(ada), [group.name for group in after.groups]) == ({}, ["Blue"])
    assert after.version == desk.version + 1
    [line] = company.inside(history.audit_page, AuditQuery(kind="Configuration", resource_id=str(desk.id)))[0][:1]
    assert (line.before, line.after) == ({"groups": ["Blue", "Red"]}, {"groups": ["Blue"]})


def test_a_member_who_is_disabled_gets_nothing_from_the_group(company, make_user, make_group):
    ada = make_user("ada", active=False, **office("Berlin"))
    red = make_group("Red")
    company.create("Desk", "Office ${custAttr1}", "groups", [red])
    company.members(red, "add", ada)
    assert company.has(ada) == {}
    company.set(ada, "active", True)
    assert company.has(ada) == {"Desk": 1}


# what a change of a configuration does


def test_other_fields_are_a_new_revision_for_those_whose_profile_is_another_one(company, make_user):
    ada, bob = make_user("ada", **office("Berlin")), make_user("bob")
    desk = company.create("Desk", "Office ${custAttr1:-Berlin}")
    assert company.save(desk, typed={"label": "Office ${custAttr1:-Paris}"}).revisions == 1
    assert (company.has(ada), company.has(bob)) == ({"Desk": 1}, {"Desk": 2})
    assert company.save(desk, name="Table", typed={"label": "Office ${custAttr1:-Paris}"}).revisions == 2
    assert company.has(ada) == {"Table": 2}
    assert company.lines(ada) == []


def test_a_password_and_a_picture_are_a_part_of_the_content(company, make_user):
    ada = make_user("ada")
    kind = TYPES["wifi"]
    typed = {"ssid": "Office", "security": "wpa2", "password": "correct horse"}
    made = company.write(configurations.create, kind, "Wi-Fi", typed, "hold", "everyone", [], ADA).configuration
    company.write(
        configurations.save,
        made.id,
        1,
        "Wi-Fi",
        typed | {"password": "battery staple"},
        "hold",
        "everyone",
        [],
        ADA,
    )
    assert company.has(ada) == {"Wi-Fi": 2}
    assert b"battery staple" in company.profile(made, ada).content


def test_another_distribution_gives_and_withdraws(company, make_user, make_group):
    ada, bob = make_user("ada", **office("Berlin")), make_user("bob", **office("Berlin"))
    red = make_group("Red", ada)
    desk = company.create("Desk", "Office ${custAttr1}")
    company.save(desk, distribution="groups", groups=[red["id"]])
    assert (company.has(ada), company.has(bob)) == ({"Desk": 1}, {})
    company.save(desk, distribution="nobody")
    assert (company.has(ada), company.profile(desk, ada)) == ({}, None)
    company.office(ada, "Paris")
    company.save(desk, distribution="everyone")
    assert (company.has(ada), company.has(bob)) == ({"Desk": 2}, {"Desk": 1})


def test_a_configuration_of_the_transaction_that_failed_is_not_in_force(company, make_user):
    ada = make_user("ada", **office("Berlin"))
    with pytest.raises(ZeroDivisionError), company.app.app_context(), transaction():
        configurations.create(CLIP, "Desk", {"label": "${custAttr1}", "url": URL}, "hold", "everyone", [], ADA)
        raise ZeroDivisionError
    company.office(ada, "Paris")
    assert (company.has(ada), company.lines(ada)) == ({}, [])


def test_what_another_process_made_is_in_force_a_second_later(sqlite, company, make_user, monkeypatch):
    clock = [time.monotonic()]
    monkeypatch.setattr(deliveries.time, "monotonic", lambda: clock[0])
    ada = make_user("ada", **office("Berlin"))
    desk = company.create("Desk", "Office ${custAttr1}", "nobody")
    company.office(ada, "Paris")  # now the configurations in force are known
    change = TABLE.update().values(distribution="everyone", version=2)
    company.write(database.execute, change)
    company.write(deliveries.deliver, [desk.id], [company.pk(ada)])
    company.office(ada, "Rome")
    assert company.has(ada) == {"Desk": 1}  # it is not known here yet
    clock[0] += deliveries.SECONDS + 0.1
    company.office(ada, "Oslo")
    assert company.has(ada) == {"Desk": 2}


# many people


@pytest.fixture
def small(monkeypatch):
    """A company in which four deliveries are many."""
    monkeypatch.setattr(deliveries, "AT_ONCE", 3)
    monkeypatch.setattr(jobs, "DELIVERIES", 3)
    monkeypatch.setattr(jobs, "PAUSE", 0)


def test_many_people_get_it_by_a_job(company, make_user, small):
    users = [make_user(f"user{n}", **office("Berlin")) for n in range(6)] + [make_user("bob")]
    desk = company.create("Desk", "Office ${custAttr1}")
    [line] = company.inside(history.audit_page, AuditQuery(kind="Configuration"))[0]
    assert (line.action, line.after["delivery"]) == ("created", "by a job")
    job = company.inside(jobs.last_delivery, desk.id)
    assert (job.kind, job.subject, job.total, job.actor) == ("deliver", str(desk.id), 7, ADA.name)
    assert company.has(users[0]) == {}
    assert company.inside(jobs.work) is True
    assert company.inside(configurations.counts, desk.id) == (3, 0)
    while company.inside(jobs.work):
        pass
    assert company.inside(configurations.counts, desk.id) == (6, 1)
    job = company.inside(jobs.last_delivery, desk.id)
    assert (job.done, job.changed, job.error) == (7, 6, None) and job.finished
    [line] = company.inside(history.audit_page, AuditQuery(action="delivered"))[0]
    assert (line.actor, line.name, line.after) == (ADA.name, "Desk", {"newRevisions": 6})


def test_what_a_job_has_not_come_to_yet_is_served_as_it_is_now(company, make_user, small):
    users = [make_user(f"user{n}", **office("Berlin")) for n in range(4)]
    desk = company.create("Desk", "Office ${custAttr1}")
    assert company.profile(desk, users[3]).revision == 1
    while company.inside(jobs.work):
        pass
    company.save(desk, typed={"label": "Desk in ${custAttr1}"})
    profile = company.profile(desk, users[3])
    assert (profile.revision, plistlib.loads(profile.content)["PayloadContent"][0]["Label"]) == (
        2,
        "Desk in Berlin",
    )
    company.save(desk, typed={"label": "Desk in ${custAttr1}"}, distribution="nobody")
    assert company.profile(desk, users[3]) is None
    while company.inside(jobs.work):
        pass
    assert [company.has(user) for user in users] == [{}] * 4


def test_a_person_who_changes_while_the_job_waits_has_what_is_right(company, make_user, small):
    users = [make_user(f"user{n}", **office("Berlin")) for n in range(4)]
    desk = company.create("Desk", "Office ${custAttr1}")
    company.office(users[0], "Paris")
    company.set(users[1], "active", False)
    company.scim.delete(f"/Users/{users[2]['id']}")
    while company.inside(jobs.work):
        pass
    assert [company.has(users[n]) for n in (0, 1, 3)] == [{"Desk": 1}, {}, {"Desk": 1}]
    assert company.inside(jobs.find, 1).error is None
    assert b"Paris" in company.profile(desk, users[0]).content


def test_a_job_for_a_configuration_that_was_deleted_ends(company, make_user, small):
    for n in range(7):
        make_user(f"user{n}")
    desk = company.create("Desk", "x")
    company.inside(jobs.work)
    company.write(configurations.remove, desk.id, ADA)
    while company.inside(jobs.work):
        pass
    assert company.inside(jobs.find, 1).error is None
    assert company.inside(lambda: database.execute(DELIVERIES.select()).all()) == []


def test_one_person_is_never_left_to_a_job(company, make_user, make_group, monkeypatch):
    ada, red = make_user("ada"), make_group("Red")
    for name in ("One", "Two"):
        company.create(name, "x", "groups", [red])
    monkeypatch.setattr(deliveries, "AT_ONCE", 1)
    company.members(red, "add", ada)
    assert company.has(ada) == {"One": 1, "Two": 1}


def test_a_group_of_many_is_brought_up_to_date_by_a_job(company, make_user, make_group, small):
    users = [make_user(f"user{n}", **office("Berlin")) for n in range(3)]
    red = make_group("Red")
    for name in ("One", "Two"):
        company.create(name, "Office ${custAttr1}", "groups", [red])
    company.members(red, "add", users[0])
    assert company.has(users[0]) == {"One": 1, "Two": 1}
    company.members(red, "add", *users)
    [job] = company.inside(jobs.unfinished)
    assert (job.kind, job.total, job.subject) == ("deliver", 2, "1,2")
    while company.inside(jobs.work):
        pass
    assert [company.has(user) for user in users] == [{"One": 1, "Two": 1}] * 3
    company.scim.delete(f"/Groups/{red['id']}")
    while company.inside(jobs.work):
        pass
    assert [company.has(user) for user in users] == [{}] * 3


WORK = """
from app import create_app
from core import jobs
jobs.DELIVERIES = 3
with create_app().app_context():
    while jobs.work():
        print("portion", flush=True)
"""


def test_a_killed_job_goes_on_where_it_was(company, instance, small):
    documents = [{"userName": f"user{n}", **office("Berlin")} for n in range(150)]
    okta = Actor("SCIM Okta", 1)
    company.write(lambda: [directory.create(attributes.user_type(), d, okta, []) for d in documents])
    desk = company.create("Desk", "Office ${custAttr1}")
    environment = os.environ | databases.environment(instance)
    worker = subprocess.Popen([sys.executable, "-c", WORK], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    for _ in range(5):
        worker.stdout.readline()
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    stopped = company.inside(jobs.find, 1)
    assert 15 <= stopped.done < 150 and stopped.finished is None
    assert company.inside(configurations.counts, desk.id) == (stopped.done, 0)
    while company.inside(jobs.work):
        pass
    assert company.inside(configurations.counts, desk.id) == (150, 0)
    assert company.inside(lambda: set(database.execute(DELIVERIES.select()).scalars("revision"))) == {1}
    assert company.inside(jobs.find, 1).changed == 150


# whatever happens


LABELS = ["${custAttr1}", "${userUID} ${custAttr2:-none}", "${userEmailAddress}", "${userDisplayName}", "fixed"]


class Chance:
    """What Okta and administrators may do, at random."""

    def __init__(self, company, seed):
        self.company, self.scim, self.rng = company, company.scim, random.Random(seed)
        self.users, self.groups, self.configurations, self.numbers = [], [], [], iter(range(10**6))

    def person(self, name=None):
        body = {"userName": name or f"user{next(self.numbers)}{self.rng.choice(['', '@example.com'])}"}
        body["active"] = self.rng.random() < 0.8
        custom = {
            n: self.rng.choice(["a", "A", "b"]) for n in ("custAttr1", "custAttr2") if self.rng.random() < 0.7
        }
        some = {CUSTOM: custom, "displayName": self.rng.choice(["Ada", "Bob"]), "emails": [{"value": "a@b.c"}]}
        return body | {key: value for key, value in some.items() if value and self.rng.random() < 0.7}

    def some(self):
        return [
            {"value": user} for user in self.rng.sample(self.users, min(len(self.users), self.rng.randrange(5)))
        ]

    def post(self):
        self.users.append(self.scim.post("/Users", self.person()).json["id"])

    def put(self):
        self.scim.put(f"/Users/{self.rng.choice(self.users)}", self.person())

    def patch(self):
        path = self.rng.choice([f"{CUSTOM}:custAttr1", f"{CUSTOM}:custAttr2", "displayName", "title", "active"])
        value = self.rng.random() < 0.6 if path == "active" else self.rng.choice(["a", "A", "b", "", None])
        op = {"op": "replace", "path": path, "value": value}
        self.scim.patch(f"/Users/{self.rng.choice(self.users)}", op)

    def delete(self):
        if len(self.users) > 8:
            self.scim.delete(f"/Users/{self.users.pop(self.rng.randrange(len(self.users)))}")

    def post_group(self):
        body = {"displayName": f"group{next(self.numbers)}", "members": self.some()}
        self.groups.append(self.scim.post("/Groups", body).json["id"])

    def patch_group(self):
        op = {"op": self.rng.choice(["add", "remove", "replace"]), "path": "members", "value": self.some()}
        self.scim.patch(f"/Groups/{self.rng.choice(self.groups)}", op)

    def put_group(self):
        body = {"displayName": f"group{next(self.numbers)}", "members": self.some()}
        self.scim.put(f"/Groups/{self.rng.choice(self.groups)}", body)

    def delete_group(self):
        if len(self.groups) > 2:
            self.scim.delete(f"/Groups/{self.groups.pop(self.rng.randrange(len(self.groups)))}")

    def form(self):
        """Return what may be typed: a name, fields, what is done about missing values, and a distribution."""
        typed = {"label": self.rng.choice(LABELS), "url": self.rng.choice([URL, "https://${custAttr1}/"])}
        distribution = self.rng.choice(["everyone", "groups", "groups", "nobody"])
        chosen = self.rng.sample(self.groups, min(2, len(self.groups)))
        name = f"configuration{next(self.numbers)}"
        return name, typed, self.rng.choice(["hold", "empty"]), distribution, chosen

    def configure(self):
        made = self.company.write(configurations.create, CLIP, *self.form(), ADA)
        self.configurations.append(made.configuration.id)

    def reconfigure(self):
        stored = self.company.inside(configurations.find, self.rng.choice(self.configurations))
        self.company.write(configurations.save, stored.id, stored.version, *self.form(), ADA)

    def unconfigure(self):
        if len(self.configurations) > 3:
            chosen = self.configurations.pop(self.rng.randrange(len(self.configurations)))
            self.company.write(configurations.remove, chosen, ADA)

    def bulk(self):
        body = {"op": "replace", "path": "displayName", "value": self.rng.choice(["Ada", "Bob"])}
        chosen = self.rng.sample(self.users, 3)
        some = [{"method": "PATCH", "path": f"/Users/{u}", "data": {"Operations": [body]}} for u in chosen]
        self.scim.post("/Bulk", {"Operations": some})

    def job(self):
        self.company.inside(jobs.work)


WEIGHTS = {"post": 5, "put": 10, "patch": 30, "delete": 2, "post_group": 1, "patch_group": 12, "put_group": 4}
WEIGHTS |= {"delete_group": 1, "configure": 2, "reconfigure": 4, "unconfigure": 1, "bulk": 3, "job": 12}


def kept():
    """Return {(configuration, user): (state, revision, fingerprint)}."""
    columns = DELIVERIES.c
    rows = database.execute(
        select(columns.configuration_id, columns.user_pk, columns.state, columns.revision, columns.fingerprint)
    )
    return {(configuration, user): tuple(rest) for configuration, user, *rest in rows}


def from_scratch():
    """Return {(configuration, user): (state, what is in it)} of all who are to have something, ready or held."""
    members = set(map(tuple, database.execute(select(models.GroupMember.__table__))))
    found = {}
    for pk, active, text in database.execute(select(*(directory.USERS.c[n] for n in ("pk", "active", "document")))):
        document = orjson.loads(text)
        values = variables.system_values(document)
        values |= variables.custom_values(document, [("custAttr1",), ("custAttr2",)])
        for configuration in deliveries.everything() if active else ():
            groups = {(group.pk, pk) for group in configuration.groups}
            if configuration.distribution == "everyone" or (groups & members):
                rendering = mobileconfig.rendered(CLIP, configuration.fields, values, configuration.missing)
                content = rendering.ready and [configuration.name, sorted(rendering.fields.items())]
                found[configuration.id, pk] = ("ready", str(content)) if content else ("held", None)
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("many", [3, 1_000], ids=["by jobs", "at once"])
def test_whatever_happens_everybody_has_what_is_right_and_no_revision_goes_back(company, monkeypatch, seed, many):
    monkeypatch.setattr(deliveries, "AT_ONCE", many)
    monkeypatch.setattr(jobs, "DELIVERIES", 4)
    monkeypatch.setattr(jobs, "PAUSE", 0)
    chance = Chance(company, seed)
    for first in ("post",) * 10 + ("post_group",) * 3 + ("configure",) * 5:
        getattr(chance, first)()
    contents, revisions, checks = {}, {}, 0
    for number in range(300):
        [name] = chance.rng.choices(list(WEIGHTS), WEIGHTS.values())
        getattr(chance, name)()
        for key, (_state, revision, _fingerprint) in company.inside(kept).items():
            assert revision >= revisions.get(key, 0), (number, name)
            revisions[key] = revision
        if number % 10 == 9:
            while company.inside(jobs.work):
                pass
        if company.inside(jobs.is_waiting):
            continue
        expected, stored = company.inside(from_scratch), company.inside(kept)
        shown = {key: state for key, (state, *_rest) in stored.items() if state != "withdrawn"}
        assert shown == {key: state for key, (state, _content) in expected.items()}, (number, name)
        for key, (state, content) in expected.items():
            if state == "ready":  # one revision is one content, and one content that follows itself one revision
                _state, revision, fingerprint = stored[key]
                assert contents.setdefault((key, revision), (content, fingerprint)) == (content, fingerprint)
                before = contents.get((key, revision - 1))
                assert before is None or before[0] != content, (number, name)
                checks += 1
    assert checks > 1_000 and max(revisions.values()) > 5
