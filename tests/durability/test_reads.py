"""What readers see while others write: what was acknowledged, and never half of a write."""

import itertools
import random
import threading
import time

from sqlalchemy import func, select

import database
from core import journal
from database import transaction
from models import AuditLine
from tests.conftest import ACTOR
from tests.databases import open_database
from tests.durability.helpers import BULK, Load, create_users, patch_body, read_all, together
from tests.durability.test_crashes import fill

LINES = AuditLine.__table__
SECONDS = 2  # a minute is the full run
THREADS = 8


def test_all_that_one_request_reads_is_of_one_moment(app):
    def count():
        return database.execute(select(func.count()).select_from(LINES)).scalar()

    def write():
        with app.app_context(), transaction():
            journal.note(ACTOR, "changed", "Setting", "x", "x")

    with app.app_context():
        before = count()
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert count() == before
    with app.app_context():
        assert count() == before + 1


def test_every_client_reads_what_it_has_written(shared):
    """Eight clients write, and read by id, by filters and in the group, after every answer."""
    group = create_group(shared, "Read your writes")
    sessions = [shared.session() for _ in range(THREADS)]
    end = time.monotonic() + SECONDS

    def work(number):
        session, rounds = sessions[number], 0
        [identifier] = create_users(session, shared.base_url, [f"reads-{number}"])
        member = f"{shared.base_url}/Groups/{group}"
        change(session, member, {"op": "add", "path": "members", "value": [{"value": identifier}]})
        for rounds in itertools.count(1):
            title = f"reads {number} {rounds}"
            url = f"{shared.base_url}/Users/{identifier}"
            change(session, url, {"op": "replace", "value": {"title": title, "externalId": title}})
            assert session.get(url).json()["title"] == title
            for filter in (f'title eq "{title}"', f'externalId eq "{title}"', f'userName eq "reads-{number}"'):
                found = session.get(f"{shared.base_url}/Users", params={"filter": filter}).json()["Resources"]
                assert [user["title"] for user in found] == [title], filter
            old = session.get(f"{shared.base_url}/Users", params={"filter": f'title eq "{title} old"'}).json()
            assert old["totalResults"] == 0
            change(session, member, {"op": "remove", "path": f'members[value eq "{identifier}"]'})
            assert "groups" not in session.get(url).json()
            change(session, member, {"op": "add", "value": {"members": [{"value": identifier}]}})
            assert [g["value"] for g in session.get(url).json()["groups"]] == [group]
            if time.monotonic() > end:
                return rounds

    assert min(together(THREADS, work)) >= 3


def create_group(shared, name, *ids):
    body = {"displayName": name, "members": [{"value": identifier} for identifier in ids]}
    answer = shared.session().post(f"{shared.base_url}/Groups", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def change(session, url, *operations):
    answer = session.patch(url, json=patch_body(*operations))
    assert answer.status_code in (200, 204), answer.text


def watch(write, read):
    """Let two writers write and six readers read for some seconds; return how often each kind did."""
    end, written, seen = time.monotonic() + SECONDS, [], []

    def work(number):
        for turn in itertools.count():
            if time.monotonic() > end:
                return
            if number < 2:
                write(number, turn)
                written.append(turn)
            else:
                seen.append(read(number))

    together(THREADS, work)
    assert len(written) > 10
    return seen


def test_a_reader_never_sees_half_a_change_of_a_user(shared):
    sessions = [shared.session() for _ in range(THREADS)]
    [identifier] = create_users(sessions[0], shared.base_url, ["whole"], title="0", nickName="0")
    url = f"{shared.base_url}/Users/{identifier}"

    def write(number, turn):
        value = f"{number}-{turn}"
        operations = [{"op": "replace", "path": path, "value": value} for path in ("title", "nickName")]
        change(sessions[number], url, *operations)

    def read(number):
        if number % 2:
            user = sessions[number].get(url).json()
        else:
            params = {"filter": 'userName eq "whole" and title pr'}
            [user] = sessions[number].get(f"{shared.base_url}/Users", params=params).json()["Resources"]
        assert user["title"] == user["nickName"]
        return user["title"]

    assert len(set(watch(write, read))) > 5


def test_a_reader_never_sees_half_a_set_of_members(shared):
    sessions = [shared.session() for _ in range(THREADS)]
    ids = create_users(sessions[0], shared.base_url, [f"either{n}" for n in range(20)])
    sets = [frozenset(ids[:10]), frozenset(ids[10:])]
    group = create_group(shared, "Either", *sets[0])
    url = f"{shared.base_url}/Groups/{group}"

    def write(number, turn):
        members = [{"value": identifier} for identifier in sets[turn % 2]]
        change(sessions[number], url, {"op": "replace", "path": "members", "value": members})

    def read(number):
        found = frozenset(member["value"] for member in sessions[number].get(url).json()["members"])
        assert found in sets
        return found

    assert set(watch(write, read)) == set(sets)


def test_a_reader_never_sees_a_person_between_two_groups(shared):
    """A bulk request moves people from one group to the other; a list shows both groups at one moment."""
    sessions = [shared.session() for _ in range(THREADS)]
    ids = create_users(sessions[0], shared.base_url, [f"moves{n}" for n in range(2)])
    groups = [create_group(shared, "Move A", *ids), create_group(shared, "Move B")]

    def write(number, turn):
        here, there = groups[turn % 2], groups[(turn + 1) % 2]
        leave = {"op": "remove", "path": f'members[value eq "{ids[number]}"]'}
        join = {"op": "add", "path": "members", "value": [{"value": ids[number]}]}
        operations = [
            {"method": "PATCH", "path": f"/Groups/{here}", "data": patch_body(leave)},
            {"method": "PATCH", "path": f"/Groups/{there}", "data": patch_body(join)},
        ]
        body = {"schemas": [BULK], "Operations": operations}
        answer = sessions[number].post(f"{shared.base_url}/Bulk", json=body)
        assert [o["status"] for o in answer.json()["Operations"]] == ["200", "200"], answer.text

    def read(number):
        params = {"filter": 'displayName sw "Move "'}
        listed = sessions[number].get(f"{shared.base_url}/Groups", params=params).json()["Resources"]
        members = [(m["value"], group["displayName"]) for group in listed for m in group.get("members", [])]
        assert sorted(identifier for identifier, _ in members) == sorted(ids)
        return frozenset(members)

    assert len(set(watch(write, read))) > 2


def test_pages_after_a_load_have_no_gaps_and_no_doubles(server):
    load = Load(server, seed=17)
    session, sizes = server.session(), random.Random(17)
    for _ in range(3):
        load.run(0.7)
        database = open_database(server.instance)
        wanted = [row[0] for row in database.execute("SELECT id FROM users ORDER BY pk")]
        database.close()
        count = sizes.randint(3, 40)
        assert page_through(session, server.base_url, count) == wanted
        sorted_by_title = page_through(session, server.base_url, count, sortBy="title")
        assert sorted(sorted_by_title) == sorted(wanted)
        assert [user["id"] for user in read_all(session, server.base_url, "Users")] == wanted


def page_through(session, base_url, count, **others):
    """Return the ids on all pages, and check each page's totals."""
    ids, total = [], 1
    while len(ids) < total:
        params = {"startIndex": len(ids) + 1, "count": count} | others
        page = session.get(f"{base_url}/Users", params=params).json()
        total = page["totalResults"]
        assert page["Resources"] and len(page["Resources"]) == min(count, total - len(ids))
        ids += [user["id"] for user in page["Resources"]]
    return ids


def test_cursors_lose_nobody_who_stays_while_others_come_and_go(server):
    load, session = Load(server, seed=18), server.session()
    stay = create_users(session, server.base_url, [f"stays{n}" for n in range(300)])
    found = []

    def page():
        cursor = ""
        while cursor is not None:
            answer = session.get(f"{server.base_url}/Users", params={"count": 10, "cursor": cursor})
            found.extend(user["id"] for user in answer.json()["Resources"])
            cursor = answer.json().get("nextCursor")

        load.over = True

    load.run(0.5, page)
    assert len(found) == len(set(found))
    assert set(stay) <= set(found)


def test_an_import_of_10_000_users_in_pages_of_100_takes_less_than_a_minute(sqlite, server):
    fill(server.instance / "rollcall.db", 10_000)
    session, found, began = server.session(), [], time.monotonic()
    for start in range(1, 10_000, 100):
        params = {"startIndex": start, "count": 100}
        page = session.get(f"{server.base_url}/Users", params=params).json()
        assert page["totalResults"] == 10_000
        found += [user["userName"] for user in page["Resources"]]
    assert time.monotonic() - began < 60
    assert found == [f"many-{n}" for n in range(1, 10_001)]
