"""A server whose clock is set a day back and a year ahead while it runs, and across the change to winter time."""

import os
import shutil
from pathlib import Path

import pytest
import requests

from app import create_app
from core import accounts, attributes, directory, invitations, tokens
from database import db, transaction
from tests.conftest import ACTOR, wait_for
from tests.databases import open_database
from tests.durability.helpers import new_server, patch_body
from tests.durability.test_outbox import states, switch_on
from tests.mailserver import MailServer
from tests.portal.conftest import CSRF, PASSWORD

EMAIL = "ada@example.com"
LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")
# libfaketime does not know how Python sleeps (clock_nanosleep until a moment)
PATCH = "import threading, time\ntime.sleep = lambda seconds: threading.Event().wait(seconds)\n"


def find_faketime():
    return next((str(path) for name in LIBRARIES for path in Path("/").glob(name[1:])), None)


class Story:
    """One server, and what it answers before and after its clock is set."""

    def __init__(self, server, clock, mailserver):
        self.server, self.clock, self.mailserver, self.session = server, clock, mailserver, server.session()
        self.seen = {}

    def set_clock(self, to):
        self.clock.write_text(to)

    def change(self, title):
        """Change Grace and her group; return what they then look like."""
        body = patch_body({"op": "replace", "path": "title", "value": title})
        user = self.session.patch(self.user, json=body).json()
        name = {"op": "replace", "path": "displayName", "value": f"Staff {title}"}
        self.session.patch(self.group, json=patch_body(name))
        return user, self.session.get(self.group).json()

    def look(self, moment):
        """Note what works at a moment."""
        server = self.server
        self.seen[moment] = {
            "health": requests.get(f"{server.url}/healthz").status_code,
            "token": self.session.get(f"{server.base_url}/Users").status_code,
            "token that expires": requests.get(
                f"{server.base_url}/Users", headers={"Authorization": f"Bearer {self.expiring}"}
            ).status_code,
            "session": self.browser.get(f"{server.url}/account", allow_redirects=False).status_code,
            "link": requests.get(f"{server.url}/invitation/{self.link}").status_code,
        }


@pytest.fixture(scope="module")
def story(empty_instance, tmp_path_factory):
    library, folder = find_faketime(), tmp_path_factory.mktemp("clock")
    if library is None and "ROLLCALL_TEST_ALL" in os.environ:
        pytest.fail("There is no libfaketime, and nothing may be skipped here.")
    if library is None:
        pytest.skip("there is no libfaketime on this machine")
    (folder / "sitecustomize.py").write_text(PATCH)
    clock = folder / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": f"{folder}{os.pathsep}.",
        "TZ": "Europe/Berlin",
    }
    with MailServer() as mailserver:
        yield from tell(empty_instance, folder, clock, mailserver, faked)


def tell(empty_instance, folder, clock, mailserver, faked):
    server = new_server(shutil.copytree(empty_instance, folder / "instance"), **faked, **mailserver.environment())
    app = create_app({"INSTANCE_PATH": server.instance})
    story = Story(server, clock, mailserver)
    with app.app_context():
        with transaction():
            accounts.create(EMAIL, PASSWORD, "administrator", ACTOR)
            story.expiring = tokens.create("Expires", ACTOR, expires_days=30)
            user = directory.create(attributes.user_type(), {"userName": "linked@example.com"}, ACTOR, [])
            story.link = invitations.copy_link(user, ACTOR)
        db.engine.dispose()
    switch_on(server.instance)
    mailserver.data = "451 Later"
    server.start()
    try:
        play(story)
        yield story
    finally:
        server.stop()


def play(story):
    server = story.server
    story.browser = requests.Session()
    page = story.browser.get(f"{server.url}/sign-in")
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": CSRF.search(page.text)[1]}
    assert story.browser.post(f"{server.url}/sign-in", form, allow_redirects=False).status_code == 303
    created = story.session.post(f"{server.base_url}/Users", json={"userName": "grace@example.com"}).json()
    story.user = f"{server.base_url}/Users/{created['id']}"
    group = story.session.post(f"{server.base_url}/Groups", json={"displayName": "Staff"}).json()
    story.group = f"{server.base_url}/Groups/{group['id']}"
    story.versions = [(created, group), story.change("before")]
    story.look("before")
    assert wait_for(lambda: refused(server), 10)  # the mail server wants the mail later
    story.mailserver.data = "250 OK"
    for moment, clock in (("a day back", "-1d"), ("a year ahead", "+365d"), ("set right", "+0")):
        story.set_clock(clock)
        story.versions.append(story.change(moment.split()[-1]))
        story.look(moment)
        if moment == "a day back":
            story.went_out = wait_for(lambda: states(server.instance).get("sent"), 10)
    for moment, clock in (("summer time", "@2026-10-25 02:59:58"), ("winter time", "@2026-10-25 02:00:01")):
        story.set_clock(clock)
        story.versions.append(story.change(moment))
    story.set_clock("+0")


def refused(server):
    database = open_database(server.instance)
    [(tries,)] = database.execute("SELECT sum(tries) FROM outbox WHERE last_error IS NOT NULL").fetchall()
    database.close()
    return tries


def test_a_clock_that_is_set_fails_no_request(story):
    assert {seen["health"] for seen in story.seen.values()} == {200}
    assert len(story.versions) == 7


def test_each_version_has_an_etag_of_its_own_whatever_the_clock_says(story):
    for versions in zip(*story.versions, strict=True):
        tags = [resource["meta"]["version"] for resource in versions]
        assert len(set(tags)) == len(tags)


def test_no_time_of_a_resource_runs_backwards(story):
    for versions in zip(*story.versions, strict=True):
        times = [resource["meta"]["lastModified"] for resource in versions]
        assert times == sorted(times)
        assert all(resource["meta"]["lastModified"] >= resource["meta"]["created"] for resource in versions)


def test_the_clock_really_was_ahead(story):
    years = [user["meta"]["lastModified"][:4] for user, _group in story.versions]
    assert int(years[3]) == int(years[1]) + 1


def test_a_token_without_a_term_lives_through_every_jump(story):
    assert {seen["token"] for seen in story.seen.values()} == {200}


def test_a_token_with_a_term_is_refused_while_the_clock_is_beyond_it(story):
    found = {moment: seen["token that expires"] for moment, seen in story.seen.items()}
    assert found == {"before": 200, "a day back": 200, "a year ahead": 401, "set right": 200}


def test_sessions_and_links_are_refused_while_the_clock_is_beyond_them(story):
    sessions = {moment: seen["session"] for moment, seen in story.seen.items()}
    links = {moment: seen["link"] for moment, seen in story.seen.items()}
    assert sessions["a day back"] == 200 and sessions["a year ahead"] == 303
    assert links["a day back"] == 200 and links["a year ahead"] == 410


def test_a_mail_that_waits_goes_out_though_the_clock_is_set_back(story):
    assert story.went_out
    assert story.mailserver.to() == {"grace@example.com": 1}
