"""Clients that change the same thing at the same moment, on a real server."""

import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

import orjson
import pytest

from tests.durability.helpers import create_users, patch_body, together

THREADS = 32


@pytest.fixture
def sessions(shared):
    return [shared.session() for _ in range(THREADS)]


def url_of(shared, resource):
    return resource["meta"]["location"]


def create(shared, endpoint, **body):
    answer = shared.session().post(f"{shared.base_url}/{endpoint}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def search(shared, endpoint, filter):
    answer = shared.session().get(f"{shared.base_url}/{endpoint}", params={"filter": filter})
    assert answer.status_code == 200, answer.text
    return answer.json()["Resources"]


def statuses(answers):
    return sorted(answer.status_code for answer in answers)


def in_mixed_case(text, number):
    """Return one of many ways to write a name: the bits of `number` say which letters are capitals."""
    return "".join(c.upper() if number >> i & 1 else c for i, c in enumerate(text))


@pytest.mark.parametrize("round", range(5))
def test_one_of_many_creates_of_a_user_name_wins(shared, sessions, round):
    name = f"winner{round}@example.com"

    def post(number):
        body = {"userName": in_mixed_case(name, number)}
        return sessions[number].post(f"{shared.base_url}/Users", json=body)

    answers = together(THREADS, post)
    assert statuses(answers) == [201] + [409] * (THREADS - 1)
    refusals = [answer.json() for answer in answers if answer.status_code == 409]
    assert {refusal["scimType"] for refusal in refusals} == {"uniqueness"}
    assert len(search(shared, "Users", f'userName eq "{name}"')) == 1


def test_one_of_many_creates_of_a_group_name_wins(shared, sessions):
    def post(number):
        body = {"displayName": in_mixed_case("winning team", number)}
        return sessions[number].post(f"{shared.base_url}/Groups", json=body)

    assert statuses(together(THREADS, post)) == [201] + [409] * (THREADS - 1)
    assert len(search(shared, "Groups", 'displayName eq "winning team"')) == 1


def test_one_of_many_renames_to_a_user_name_wins(shared, sessions):
    ids = create_users(sessions[0], shared.base_url, [f"renamed{n}" for n in range(8)])

    def rename(number):
        operation = {"op": "replace", "path": "userName", "value": in_mixed_case("the-name", number)}
        return sessions[number].patch(f"{shared.base_url}/Users/{ids[number]}", json=patch_body(operation))

    answers = together(8, rename)
    assert statuses(answers) == [200] + [409] * 7
    [winner] = search(shared, "Users", 'userName eq "the-name"')
    assert winner["id"] == next(a.json()["id"] for a in answers if a.status_code == 200)
    assert len(search(shared, "Users", 'userName sw "renamed"')) == 7


def test_members_that_many_add_and_remove_are_neither_lost_nor_doubled(shared, sessions):
    names = [f"member{n}" for n in range(THREADS * 8)]
    ids = create_users(sessions[0], shared.base_url, names)
    group = create(shared, "Groups", displayName="Race 0")

    def patch(number, *operations):
        answer = sessions[number].patch(url_of(shared, group), json=patch_body(*operations), timeout=60)
        assert answer.status_code in (200, 204), answer.text

    def work(number):
        mine = ids[number * 8 : number * 8 + 8]
        for index, identifier in enumerate(mine):
            value = [{"value": identifier}]
            if index % 2:
                patch(number, {"op": "add", "path": "members", "value": value})
            else:
                patch(number, {"op": "add", "value": {"members": value}})
        patch(number, {"op": "replace", "path": "displayName", "value": f"Race {number + 1}"})
        for identifier in mine[:2]:
            patch(number, {"op": "remove", "path": f'members[value eq "{identifier}"]'})
        for identifier in mine[2:4]:
            patch(number, {"op": "remove", "path": "members", "value": [{"value": identifier}]})

    together(THREADS, work)
    now = sessions[0].get(url_of(shared, group)).json()
    found = [member["value"] for member in now["members"]]
    assert sorted(found) == sorted(i for number in range(THREADS) for i in ids[number * 8 + 4 : number * 8 + 8])
    assert now["meta"]["version"] == f'W/"{1 + THREADS * (8 + 1 + 4)}"'


ATTRIBUTES = {
    "displayName": "a",
    "nickName": "b",
    "title": "c",
    "profileUrl": "https://example.com/d",
    "userType": "e",
    "preferredLanguage": "en-GB",
    "locale": "en-GB",
    "timezone": "Europe/Paris",
    "externalId": "i",
    "active": False,
    "name.givenName": "k",
    "name.familyName": "l",
    "name.middleName": "m",
    "name.honorificPrefix": "n",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "o",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "p",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division": "q",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter": "r",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization": "s",
}


def test_changes_of_different_attributes_at_once_are_all_kept(shared, sessions):
    user, paths = create(shared, "Users", userName="many-attributes"), list(ATTRIBUTES)

    def patch(number):
        operation = {"op": "replace", "path": paths[number], "value": ATTRIBUTES[paths[number]]}
        return sessions[number].patch(url_of(shared, user), json=patch_body(operation))

    assert statuses(together(19, patch)) == [200] * 19
    now = sessions[0].get(url_of(shared, user)).json()
    assert {path: value_at(now, path) for path in paths} == ATTRIBUTES
    assert now["meta"]["version"] == 'W/"20"'


def value_at(resource, path):
    if path.startswith("urn:"):
        urn, _, name = path.rpartition(":")
        return resource.get(urn, {}).get(name)
    head, _, tail = path.partition(".")
    return resource.get(head, {}).get(tail) if tail else resource.get(head)


@pytest.mark.parametrize("endpoint", ["Users", "Groups"])
def test_one_of_many_with_the_same_etag_wins(shared, sessions, endpoint):
    name = {"Users": "userName", "Groups": "displayName"}[endpoint]
    url = url_of(shared, create(shared, endpoint, **{name: f"etag-{endpoint}"}))
    for round in range(4):
        tag = sessions[0].get(url).headers["ETag"]

        def patch(number, round=round, tag=tag):
            operation = {"op": "replace", "path": "externalId", "value": f"{round}-{number}"}
            return sessions[number].patch(url, json=patch_body(operation), headers={"If-Match": tag})

        answers = together(THREADS, patch)
        assert statuses(answers) == [200] + [412] * (THREADS - 1)
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert sessions[0].get(url).json() == won


def send(shared, method, path, body, cut=None):
    """Send a request whose answer nobody waits for; `cut` says how much of the body, without it, all."""
    address = urlsplit(shared.url)
    data = orjson.dumps(body)
    head = (
        f"{method} /scim/v2{path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {shared.token}\r\n"
        f"Content-Type: application/scim+json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode() + data[:cut])


def test_a_create_that_is_repeated_after_a_lost_answer_makes_one_user(shared, sessions):
    def lose_and_repeat(number):
        body = {"userName": f"repeated{number}", "title": "v1"}
        send(shared, "POST", "/Users", body)
        return sessions[number].post(f"{shared.base_url}/Users", json=body)

    answers = together(THREADS, lose_and_repeat)
    assert set(statuses(answers)) <= {201, 409}
    users = search(shared, "Users", 'userName sw "repeated"')
    assert sorted(user["userName"] for user in users) == sorted(f"repeated{n}" for n in range(THREADS))
    assert all(user["title"] == "v1" for user in users)


def test_a_member_that_is_added_again_after_a_lost_answer_is_there_once(shared, sessions):
    ids = create_users(sessions[0], shared.base_url, [f"again{n}" for n in range(8)])
    group = create(shared, "Groups", displayName="Again")

    def lose_and_repeat(number):
        body = patch_body({"op": "add", "path": "members", "value": [{"value": ids[number]}]})
        send(shared, "PATCH", f"/Groups/{group['id']}", body)
        return sessions[number].patch(url_of(shared, group), json=body)

    assert statuses(together(8, lose_and_repeat)) == [200] * 8
    found = [member["value"] for member in sessions[0].get(url_of(shared, group)).json()["members"]]
    assert sorted(found) == sorted(ids)


def test_a_delete_that_is_repeated_after_a_lost_answer_is_done(shared, sessions):
    [identifier] = create_users(sessions[0], shared.base_url, ["leaves"])
    send(shared, "DELETE", f"/Users/{identifier}", {})
    answer = sessions[0].delete(f"{shared.base_url}/Users/{identifier}")
    assert answer.status_code in (204, 404)
    assert search(shared, "Users", 'userName eq "leaves"') == []


def test_a_body_that_breaks_off_creates_nothing(shared, sessions):
    body = {"userName": "half", "title": "x" * 300}
    for cut in (0, 1, 100, -1):
        send(shared, "POST", "/Users", body, cut)
    create(shared, "Users", userName="after-half")
    assert search(shared, "Users", 'userName sw "half"') == []


def test_a_body_that_breaks_off_creates_nothing_though_it_could_be_read(shared):
    """JSON that is complete, and shorter than was announced: the client was cut off, or is broken."""
    text = orjson.dumps({"userName": "too-short"})
    head = f"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {shared.token}\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=2) as connection:
        connection.sendall(f"{head}Content-Length: {len(text) + 50}\r\n\r\n".encode() + text)
        connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            connection.recv(1000)  # whatever the server makes of it, it has made it now
    time.sleep(0.5)
    assert search(shared, "Users", 'userName eq "too-short"') == []


def test_the_first_requests_after_a_start_may_come_at_once(server):
    """What a server prepares at first use, it prepares once, or as often as it likes, but not by halves."""
    sessions = [server.session() for _ in range(THREADS)]

    def work(number):
        url, name = f"{server.base_url}/Users", f"first{number}"
        created = sessions[number].post(url, json={"userName": name, "title": "v1"})
        found = sessions[number].get(url, params={"filter": f'userName eq "{name}"', "sortBy": "title"})
        return created.status_code, found.status_code

    assert together(THREADS, work) == [(201, 200)] * THREADS
