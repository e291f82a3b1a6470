"""A restart changes nothing, and needs no hand."""

import shutil

import pytest

from tests.databases import open_database
from tests.durability.helpers import Load, create_users, new_server

PATHS = (
    "/Users?count=1000",
    "/Users?count=7&startIndex=3&sortBy=userName&sortOrder=descending",
    '/Users?filter=title sw "v"&attributes=userName,meta',
    "/Groups?count=1000",
    "/?count=50",
    "/Schemas",
    "/ResourceTypes",
    "/ServiceProviderConfig",
)


def everything(server):
    """Return what a client is answered: every list, and every resource with its ETag."""
    session = server.session()
    answers = {path: session.get(server.base_url + path) for path in PATHS}
    for path in ("/Users?count=1000", "/Groups?count=1000"):
        for resource in answers[path].json()["Resources"]:
            url = resource["meta"]["location"]
            answers[url] = session.get(url)
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: (answer.content, answer.headers.get("ETag")) for path, answer in answers.items()}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_changes_no_byte_of_any_answer(server, end):
    Load(server, seed=26).run(1)
    before = everything(server)
    assert len(before) > 30
    getattr(server, end)()
    server.start()
    assert everything(server) == before


@pytest.fixture(scope="module")
def restarted(empty_instance, tmp_path_factory):
    """A server that was killed and started again, the ids of its users, and what a client remembers."""
    server = new_server(shutil.copytree(empty_instance, tmp_path_factory.mktemp("restarted") / "instance"))
    server.start()
    session = server.session()
    ids = create_users(session, server.base_url, [f"user{n}" for n in range(20)])
    page = session.get(f"{server.base_url}/Users", params={"count": 10, "cursor": ""}).json()
    server.kill()
    yield server.start(), ids, page
    server.stop()


def test_a_cursor_goes_on_after_a_restart(restarted):
    server, ids, page = restarted
    params = {"count": 10, "cursor": page["nextCursor"]}
    following = server.session().get(f"{server.base_url}/Users", params=params).json()
    assert [user["id"] for user in page["Resources"] + following["Resources"]] == ids


def test_an_etag_from_before_a_restart_still_counts(restarted):
    server, _, page = restarted
    session, user = server.session(), page["Resources"][0]
    url, tag = user["meta"]["location"], user["meta"]["version"]
    assert session.get(url, headers={"If-None-Match": tag}).status_code == 304
    body = {"userName": user["userName"], "title": "x"}
    assert session.put(url, json=body, headers={"If-Match": tag}).status_code == 200
    assert session.delete(url, headers={"If-Match": tag}).status_code == 412


def test_the_provisioning_log_keeps_reads_and_refusals_over_a_clean_stop(server):
    """They wait in memory for at most a second; a stop has that second."""
    session = server.session()
    for _ in range(5):
        assert session.get(f"{server.base_url}/Users/nobody").status_code == 404
    server.stop()
    database = open_database(server.instance)
    [number] = database.execute("SELECT count(*) FROM provisioning_log WHERE status = 404").fetchone()
    database.close()
    assert number == 5
