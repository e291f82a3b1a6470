"""Without a live token there is nothing to see; a token is shown once, and ends when it is told to."""

import base64
import hashlib
import http.client
import os
import statistics
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import event

import core.tokens
import database
import scim as door
from core import journal, tokens
from database import db, transaction
from protocol.errors import ERROR_SCHEMA
from tests import databases
from tests.conftest import ACTOR
from tests.databases import open_database

ROOT = Path(__file__).parent.parent.parent
SCIM_JSON = "application/scim+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def clock(monkeypatch):
    """Return a function that moves the tokens' clock on; it stands still in between."""
    moment = datetime.now(UTC)

    def move(**delta):
        nonlocal moment
        moment += timedelta(**delta)
        stamp = moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        for module in (database, core.tokens, door):
            monkeypatch.setattr(module, "now", lambda: stamp)
        return stamp

    move()
    return move


@pytest.fixture
def change(app):
    """Return a function that changes tokens as the command line does."""

    def change(action, *arguments):
        with app.app_context(), transaction():
            return action(*arguments)

    return change


def status(client, token, path="/scim/v2/Users"):
    return client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def assert_refused(answer, method="GET"):
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="')
    assert answer.content_type == SCIM_JSON
    if method != "HEAD":
        assert (answer.json["schemas"], answer.json["status"]) == ([ERROR_SCHEMA], "401")
    assert b"bjensen" not in answer.data


# every door is shut

UNKNOWN = [
    "/scim",
    "/scim/",
    "/scim/v1",
    "/scim/v1/Users",
    "/scim/v2",
    "/scim/v2/",
    "/scim/v2/Devices",
    "/scim/v2/Users/x/y/z",
    "/scim/v2/.search/x",
    "/scim/v2/~root",
]
TRICKS = [
    "/scim/v2/../v2/Users",
    "/scim/v2/./Users",
    "/scim/v2/%2e%2e/v2/Users",
    "/scim/v2/Users/..",
    "/scim//v2//Users",
    "/scim/v2/Users//",
    "/scim/v2/Users;x=1",
    "/scim/v2/Users%2f",
    "/scim/v2/Users%00",
    "/scim/v2/Users%20",
    "/scim/v2/Users.",
    "/scim/v2/users",
    "/scim/V2/Users",
    "/scim/v2/%55sers",
    "/scim/v2/Users?token=x",
    "/scim/v2/Users#x",
    "/%73cim/v2/Users",
]
ELSEWHERE = [
    "/SCIM/v2/Users",
    "/Scim/v2/Users",
    "/scim;/v2/Users",
    "/scim%2fv2%2fUsers",
    "/../scim/v2/Users",
    "/Users",
]
ELSEWHERE += [
    "/v2/Users",
    "/scim.json",
    "/./scim/v2/Users",
    "/x/../scim/v2/Users",
    "/api/scim/v2/Users",
    "/scimx/v2/Users",
]


def routes(app, user):
    """Return the path of every rule of the SCIM door, for a user that exists."""
    values = {"endpoint": "Users", "resource_id": user["id"], "name": "User"}
    with app.test_request_context():
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("scim.")]
        built = [rule.build({name: values[name] for name in rule.arguments}) for rule in rules]
    return sorted({path for _, path in built})


def test_no_route_answers_without_a_token(app, client, barbara):
    paths = routes(app, barbara)
    assert len(paths) >= 12
    for path in paths + UNKNOWN + TRICKS:
        for method in METHODS:
            assert_refused(client.open(path, method=method, data=None if method == "GET" else b"{}"), method)


def test_no_route_answers_to_a_wrong_token(app, client, barbara):
    headers = {"Authorization": f"Bearer {tokens.new_secret()}"}
    for path in routes(app, barbara) + UNKNOWN + TRICKS:
        for method in METHODS:
            assert_refused(client.open(path, method=method, headers=headers), method)


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_no_other_spelling_of_a_path_leads_in(client, barbara, path, method):
    answer = client.open(path, method=method, data=b"{}")
    assert answer.status_code in (401, 404, 405)
    assert b"bjensen" not in answer.data


def test_no_path_trick_opens_a_real_server(server):
    server.session().post(f"{server.base_url}/Users", json={"userName": "bjensen"})
    for path in [*TRICKS, *ELSEWHERE, "//scim/v2/Users", "http://localhost/scim/v2/Users", "*", "/scim/v2\\Users"]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.putrequest("GET", path, skip_host=False)
        connection.endheaders()
        answer = connection.getresponse()
        assert 400 <= answer.status < 500, path
        assert b"bjensen" not in answer.read(), path


def test_a_refused_write_changes_nothing(scim, client, barbara):
    path = f"/scim/v2/Users/{barbara['id']}"
    for method in METHODS:
        client.open(path, method=method, data=b'{"userName": "mallory"}', headers={"Content-Type": SCIM_JSON})
    assert scim.get(f"/Users/{barbara['id']}").json == barbara


def test_the_challenge_names_an_error_only_for_a_token(client):
    without = client.get("/scim/v2/Users").headers["WWW-Authenticate"]
    wrong = client.get("/scim/v2/Users", headers={"Authorization": "Bearer x"}).headers["WWW-Authenticate"]
    assert "error" not in without
    assert 'error="invalid_token"' in wrong


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


WRONG = [
    lambda t: "",
    lambda t: " ",
    lambda t: "Bearer",
    lambda t: "Bearer ",
    lambda t: "Bearer   ",
    lambda t: "Bearer null",
    lambda t: "Bearer undefined",
    lambda t: "Bearer None",
    lambda t: "Bearer *",
    lambda t: "Bearer rc_",
    lambda t: f"Bearer {t[:-1]}",
    lambda t: f"Bearer {t}x",
    lambda t: f"Bearer {t}=",
    lambda t: f"Bearer {t}==",
    lambda t: f"Bearer {t[1:]}",
    lambda t: f"Bearer {t[3:]}",
    lambda t: f"Bearer {t[-4:]}",
    lambda t: f"Bearer {t.lower()}",
    lambda t: f"Bearer {t.upper()}",
    lambda t: f"Bearer {t.swapcase()}",
    lambda t: f"Bearer {t[::-1]}",
    lambda t: f"Bearer {t}{t}",
    lambda t: f"Bearer {t} {t}",
    lambda t: f"Bearer {t},{t}",
    lambda t: f"Bearer {t}, Bearer {t}",
    lambda t: f"Bearer x, Bearer {t}",
    lambda t: f"Bearer Bearer {t}",
    lambda t: f"Bearer '{t}'",
    lambda t: f'Bearer "{t}"',
    lambda t: f"Bearer <{t}>",
    lambda t: f"Bearer {t};",
    lambda t: f"Bearer {t}%00",
    lambda t: f"Bearer {t}\xa0",
    lambda t: f"Bearer {t}\xe9",
    lambda t: f"Bearer \xe9{t}",
    lambda t: f"Bearer token={t}",
    lambda t: f'Bearer token="{t}"',
    lambda t: f"Bearer:{t}",
    lambda t: f"Bearer={t}",
    lambda t: f"Bearer\t{t}",
    lambda t: f"Bearer{t}",
    lambda t: f"Bearers {t}",
    lambda t: f"Token {t}",
    lambda t: f"Basic {t}",
    lambda t: f"Digest {t}",
    lambda t: f"SSWS {t}",
    lambda t: f"OAuth {t}",
    lambda t: f"JWT {t}",
    lambda t: t,
    lambda t: basic(t),
    lambda t: basic(f"{t}:"),
    lambda t: basic(f":{t}"),
    lambda t: basic(f"Okta:{t}"),
    lambda t: f"Bearer {base64.b64encode(t.encode()).decode()}",
    lambda t: f"Bearer {hashlib.sha256(t.encode()).hexdigest()}",
    lambda t: f"Bearer {tokens.new_secret()}",
    lambda t: f"Bearer {t[:20]}*",
    lambda t: f"Bearer {t[:20]}%",
    lambda t: f"Bearer {t[:10]}{'A' * 100_000}",
    lambda t: "Bearer ' OR 1=1 --",
    lambda t: "Bearer 1",
    lambda t: "Bearer eyJhbGciOiJub25lIn0.e30.",
]


def test_wrong_headers_open_nothing_and_the_right_one_still_works(client, token):
    assert len(WRONG) > 60
    for wrong in WRONG:
        assert_refused(client.get("/scim/v2/Users", headers={"Authorization": wrong(token)}))
    assert status(client, token) == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_may_be_in_any_letter_case(client, token, scheme):
    assert client.get("/scim/v2/Users", headers={"Authorization": f"{scheme} {token}"}).status_code == 200


ELSEWHERE_IN_THE_REQUEST = [
    {"query_string": {"access_token": "{}"}},
    {"query_string": {"token": "{}"}},
    {"query_string": {"Authorization": "Bearer {}"}},
    {"query_string": {"bearer": "{}"}},
    {"method": "POST", "data": {"access_token": "{}"}},
    {"method": "POST", "data": b'{"access_token": "{}"}', "content_type": SCIM_JSON},
    {"headers": {"Cookie": "access_token={}"}},
    {"headers": {"Cookie": "Authorization=Bearer {}"}},
    {"headers": {"X-Authorization": "Bearer {}"}},
    {"headers": {"Proxy-Authorization": "Bearer {}"}},
    {"headers": {"X-Api-Key": "{}"}},
    {"headers": {"X-Auth-Token": "{}"}},
    {"headers": {"X-Access-Token": "{}"}},
    {"headers": {"X-Forwarded-Authorization": "Bearer {}"}},
    {"headers": {"Token": "{}"}},
]


def with_token(value, token):
    if isinstance(value, dict):
        return {name: with_token(part, token) for name, part in value.items()}
    if isinstance(value, bytes):
        return value.replace(b"{}", token.encode())
    return value.replace("{}", token)


@pytest.mark.parametrize("where", ELSEWHERE_IN_THE_REQUEST, ids=str)
def test_a_token_anywhere_but_in_the_authorization_header_is_refused_and_not_logged(
    app, client, token, where, caplog
):
    caplog.set_level("DEBUG")
    assert_refused(client.open("/scim/v2/Users", **{name: with_token(v, token) for name, v in where.items()}))
    with app.app_context(), transaction():
        journal.flush()
    with app.app_context():
        [entry] = database.execute(journal.ENTRIES.select()).all()
    assert token not in repr(entry) and token not in caplog.text


# how a token ends


def test_a_revoked_token_is_dead_at_once(client, token, change):
    assert status(client, token) == 200
    change(tokens.revoke, "Okta", ACTOR)
    answer = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
    assert_refused(answer)
    assert "removed" in answer.json["detail"]


def test_a_token_revoked_by_another_process_is_dead_at_once(server):
    session = server.session()
    assert all(session.get(f"{server.base_url}/Users").status_code == 200 for _ in range(20))
    environment = os.environ | databases.environment(server.instance)
    command = [sys.executable, "-m", "flask", "--app", "app", "token", "revoke", "Okta 0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert {session.get(f"{server.base_url}/Users").status_code for _ in range(20)} == {401}


def test_a_token_expires(client, clock, change):
    token = change(tokens.create, "Okta", ACTOR, 30)
    clock(days=29, hours=23)
    assert status(client, token) == 200
    clock(hours=1)
    answer = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
    assert_refused(answer)
    assert "expired" in answer.json["detail"]


def test_a_token_without_a_term_does_not_expire(client, clock, token):
    clock(days=3650)
    assert status(client, token) == 200


def test_a_third_live_token_is_refused_with_the_reason(change, token):
    change(tokens.create, "Second", ACTOR)
    with pytest.raises(tokens.TokenError, match="two live tokens already, 'Okta' and 'Second'"):
        change(tokens.create, "Third", ACTOR)
    change(tokens.revoke, "Okta", ACTOR)
    assert change(tokens.create, "Third", ACTOR)


def test_an_expired_token_makes_room(change, clock, token):
    change(tokens.create, "Short", ACTOR, 1)
    clock(days=1)
    assert change(tokens.create, "Third", ACTOR)


def test_two_live_tokens_have_two_names(change, token):
    with pytest.raises(tokens.TokenError, match="'Okta' already"):
        change(tokens.create, "Okta", ACTOR)


def test_a_renewed_token_and_its_successor_both_work_until_the_overlap_ends(client, clock, change, token):
    successor = change(tokens.renew, "Okta", timedelta(hours=1), ACTOR)
    clock(minutes=59)
    assert (status(client, token), status(client, successor)) == (200, 200)
    clock(minutes=1)
    assert (status(client, token), status(client, successor)) == (401, 200)


def test_without_an_overlap_the_old_token_ends_at_once(client, clock, change, token):
    successor = change(tokens.renew, "Okta", timedelta(0), ACTOR)
    assert (status(client, token), status(client, successor)) == (401, 200)


def test_an_overlap_lengthens_no_life(client, clock, change):
    token = change(tokens.create, "Okta", ACTOR, 1)
    clock(hours=23)
    change(tokens.renew, "Okta", timedelta(hours=24), ACTOR)
    clock(hours=1)
    assert status(client, token) == 401


def test_a_token_can_be_renewed_again_and_again(client, clock, change, token):
    for _ in range(5):
        token = change(tokens.renew, "Okta", timedelta(hours=1), ACTOR)
        clock(hours=2)
        assert status(client, token) == 200


def test_a_renewal_that_would_make_a_third_live_token_is_refused(client, change, token):
    second = change(tokens.create, "Second", ACTOR)
    with pytest.raises(tokens.TokenError, match="set it to inactive or remove it first"):
        change(tokens.renew, "Okta", timedelta(hours=1), ACTOR)
    assert (status(client, token), status(client, second)) == (200, 200)


def test_only_one_of_many_creates_at_once_is_the_second_token(server):
    environment = os.environ | databases.environment(server.instance)
    command = [sys.executable, "-m", "flask", "--app", "app", "token", "create"]
    racers = [
        subprocess.Popen(
            [*command, f"Racer {i}"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for i in range(4)
    ]
    made = [racer.communicate()[0].strip() for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 1, 1, 1]
    assert sum(map(bool, made)) == 1


# what is kept of it


def test_the_last_use_is_noted_with_its_address_at_most_once_a_minute(app, client, clock, token):
    def use():
        client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
        with app.app_context(), transaction():
            journal.flush()
        with app.app_context():
            [row] = tokens.listing()
        return row.last_used, row.last_address

    first = clock(seconds=60 - int(clock()[17:19]))  # a minute begins
    assert use() == (first, "127.0.0.1")
    clock(seconds=30)
    assert use() == (first, "127.0.0.1")
    later = clock(seconds=31)
    assert use() == (later, "127.0.0.1")


def test_a_refused_token_is_not_used(app, client, token):
    client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token[:-1]}"})
    with app.app_context(), transaction():
        journal.flush()
    with app.app_context():
        [row] = tokens.listing()
    assert (row.last_used, row.last_address) == (None, None)


def test_only_a_digest_and_the_last_four_are_kept(instance, token):
    with closing(open_database(instance)) as sql:
        [(digest, last_four)] = sql.execute("SELECT digest, last_four FROM tokens").fetchall()
        everything = "\n".join(sql.iterdump())
    assert digest == hashlib.sha256(token.encode()).hexdigest()
    assert last_four == token[-4:]
    assert token[:20] not in everything and token[-10:] not in everything


def test_the_secret_is_in_no_file_of_a_server_that_was_used(server):
    session, url = server.session(), server.base_url
    for number in range(5):
        session.post(f"{url}/Users", json={"userName": f"user{number}"})
        session.get(f"{url}/Users/nobody")
        session.post(f"{url}/Users", data="{")
        requests.get(f"{url}/Users", params={"access_token": server.token})
        requests.get(f"{url}/Users", headers={"Authorization": f"Bearer {server.token}x"})
        requests.get(f"{server.url}/nothing", params={"token": server.token})
    time.sleep(1.5)  # until the log is written
    server.process.terminate()
    server.process.wait(20)
    files = [path for path in server.instance.rglob("*") if path.is_file()]
    assert {"log", "secret_key", *([] if databases.SERVER else ["rollcall.db"])} <= {path.name for path in files}
    secrets = [server.token.encode(), server.token[3:-6].encode()]
    assert [path.name for path in files if any(secret in path.read_bytes() for secret in secrets)] == []


def test_a_token_is_prefixed_long_and_random():
    made = {tokens.new_secret() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(secret.startswith("rc_") and len(secret) >= 43 and secret.isascii() for secret in made)


# checksum and time


def test_a_typo_is_refused_without_a_look_up(app, sqlite, client, token):
    statements = []
    with app.app_context():
        event.listen(db.engine, "checkout", lambda raw, *_: raw.set_trace_callback(statements.append))
    for position in range(3, len(token)):
        typo = token[:position] + ("a" if token[position] != "a" else "b") + token[position + 1 :]
        assert status(client, typo) == 401
    assert statements == []
    assert status(client, tokens.new_secret()) == 401
    assert any("tokens" in statement for statement in statements)


def test_a_swapped_pair_is_a_typo(token):
    pairs = [i for i in range(3, len(token) - 1) if token[i] != token[i + 1]]
    swapped = [token[:i] + token[i + 1] + token[i] + token[i + 2 :] for i in pairs]
    assert tokens.is_well_formed(token)
    assert not any(map(tokens.is_well_formed, swapped))


def test_the_time_of_a_refusal_tells_nothing(client, token):
    near, far = token[:-7] + ("a" if token[-7] != "a" else "b"), tokens.new_secret()
    near += core.tokens._checksum(near)
    assert tokens.is_well_formed(near)

    def median(secret):
        times = []
        for _ in range(120):
            started = time.perf_counter()
            assert status(client, secret) == 401
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    rounds = [abs(median(near) - median(far)) for _ in range(3)]
    assert min(rounds) < 0.005
