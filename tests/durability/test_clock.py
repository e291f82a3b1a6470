"""The clock stands still, goes back or jumps ahead: versions differ all the same, and no time runs backwards."""

from datetime import datetime, timedelta

import pytest

import database
from core import tokens
from tests.conftest import ACTOR

DAY = timedelta(days=1)


class Clock:
    """Stands where a test puts it. Replaces `datetime` in database.py, which knows it only for now()."""

    def __init__(self):
        self.moment = datetime(2026, 6, 1, 12)

    def now(self, zone=None):
        return self.moment.replace(tzinfo=zone)


@pytest.fixture
def clock(app, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(database, "datetime", clock)
    return clock


JUMPS = {"still": timedelta(0), "a day back": -DAY, "an hour back": -timedelta(hours=1), "a year ahead": 365 * DAY}
USER_CHANGES = {
    "patch": lambda scim, url: scim.patch(url, {"op": "replace", "path": "title", "value": "Manager"}),
    "put": lambda scim, url: scim.put(url, {"userName": "bjensen@example.com", "title": "Manager"}),
}
each_jump = pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)


@each_jump
@pytest.mark.parametrize("change", USER_CHANGES.values(), ids=USER_CHANGES)
def test_a_changed_user_has_another_etag_and_no_earlier_time(clock, scim, barbara, change, jump):
    clock.moment += jump
    changed = change(scim, f"/Users/{barbara['id']}").json
    assert changed["meta"]["version"] != barbara["meta"]["version"]
    assert changed["meta"]["lastModified"] >= barbara["meta"]["lastModified"]
    assert changed["meta"]["lastModified"] >= changed["meta"]["created"]


GROUP_CHANGES = {
    "rename": lambda scim, url, member, other: scim.patch(
        url, {"op": "replace", "path": "displayName", "value": "Crew"}
    ),
    "add a member": lambda scim, url, member, other: scim.patch(
        url, {"op": "add", "path": "members", "value": [{"value": other}]}
    ),
    "remove a member": lambda scim, url, member, other: scim.patch(
        url, {"op": "remove", "path": f'members[value eq "{member}"]'}
    ),
    "put": lambda scim, url, member, other: scim.put(url, {"displayName": "Staff", "members": [{"value": other}]}),
    "delete a member": lambda scim, url, member, other: scim.delete(f"/Users/{member}"),
}


@each_jump
@pytest.mark.parametrize("change", GROUP_CHANGES.values(), ids=GROUP_CHANGES)
def test_a_changed_group_has_another_etag_and_no_earlier_time(
    clock, scim, barbara, make_user, make_group, change, jump
):
    other, group = make_user("other"), make_group("Staff", barbara)
    clock.moment += jump
    assert change(scim, f"/Groups/{group['id']}", barbara["id"], other["id"]).status_code in (200, 204)
    changed = scim.get(f"/Groups/{group['id']}").json
    assert changed["meta"]["version"] != group["meta"]["version"]
    assert changed["meta"]["lastModified"] >= group["meta"]["lastModified"]
    assert changed["meta"]["lastModified"] >= changed["meta"]["created"]


def test_an_old_etag_is_refused_though_the_clock_stands_still(clock, scim, barbara):
    url, old = f"/Users/{barbara['id']}", barbara["meta"]["version"]
    scim.patch(url, {"op": "replace", "path": "title", "value": "Manager"})
    answer = scim.put(url, {"userName": "old-form"}, headers={"If-Match": old})
    assert answer.status_code == 412
    assert scim.get(url).json["title"] == "Manager"


def test_lists_keep_the_order_of_creation_though_the_clock_goes_back(clock, scim, make_user):
    for number in range(5):
        make_user(f"user{number}")
        clock.moment -= DAY
    listed = scim.get("/Users").json["Resources"]
    assert [user["userName"] for user in listed] == [f"user{n}" for n in range(5)]


def test_a_cursor_works_though_the_clock_goes_back(clock, scim, make_user):
    ids = [make_user(f"user{number}")["id"] for number in range(6)]
    first = scim.get("/Users?count=3&cursor=").json
    clock.moment -= DAY
    second = scim.get(f"/Users?count=3&cursor={first['nextCursor']}").json
    assert [user["id"] for user in first["Resources"] + second["Resources"]] == ids


def test_a_revoked_token_stays_dead_though_the_clock_goes_back(app, clock, scim):
    with app.app_context(), database.transaction():
        tokens.revoke("Okta", ACTOR)
    clock.moment -= 365 * DAY
    assert scim.get("/Users").status_code == 401


def test_a_token_without_an_end_lives_though_the_clock_jumps(clock, scim):
    for jump in (-DAY, 365 * DAY, -730 * DAY):
        clock.moment += jump
        assert scim.get("/Users").status_code == 200
