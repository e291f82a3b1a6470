"""The disk is full: writes are refused in SCIM's words, everything else goes on, and room is all that is needed."""

import sqlite3
import time

import pytest
import requests

from app import create_app
from core import accounts
from database import db, transaction
from tests.conftest import ACTOR, SCIM_JSON, free_port, wait_for
from tests.databases import unsound
from tests.durability.disks import LimitedDisk, MountedDisk, can_mount, server_on, start_in_vain
from tests.durability.helpers import BULK, copy_database, create_users, patch_body, read_all, torn_rows
from tests.durability.test_locks import large_user
from tests.durability.test_outbox import deliver, let_leases_end, states, switch_on
from tests.mailserver import MailServer
from tests.portal.conftest import CSRF, PASSWORD

pytestmark = pytest.mark.usefixtures("sqlite")

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PAGES = ("/", "/users", "/users/groups", "/admin/provisioning-log", "/admin/audit", "/admin/mail")
KINDS = {"mounted": MountedDisk, "limited": LimitedDisk}
EMAIL = "ada@example.com"


@pytest.fixture(scope="module", params=KINDS)
def disk(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("disks")
    if request.param == "mounted" and not can_mount(folder / "probe"):
        # the other kind shows the same: that writes are refused by the kernel
        pytest.skip("no file system may be mounted here: it takes root outside of a container that forbids it")
    disk = KINDS[request.param](folder / "disk")
    yield disk
    disk.remove()


def sign_in(server):
    """Return a browser's session of an administrator, who looked at a page a minute ago."""
    app = create_app({"INSTANCE_PATH": server.instance})
    with app.app_context():
        with transaction():
            accounts.create(EMAIL, PASSWORD, "administrator", ACTOR)
        db.engine.dispose()
    browser = requests.Session()
    page = browser.get(f"{server.url}/sign-in")
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": CSRF.search(page.text)[1]}
    assert browser.post(f"{server.url}/sign-in", form, allow_redirects=False).status_code == 303
    database = sqlite3.connect(server.instance / "rollcall.db", timeout=20)
    database.execute("UPDATE sessions SET last_seen = substr(last_seen, 1, 14) || '00' || substr(last_seen, 17)")
    database.commit()
    database.close()
    return browser


class Story:
    """What a server answered while its disk was full, and afterwards."""

    def __init__(self, disk, server, mailserver):
        self.disk, self.server, self.mailserver = disk, server, mailserver
        self.session = server.session()
        self.titles = {}  # userName → the title that the server has acknowledged, or None for one who is deleted
        self.answers, self.pages = {}, {}
        self.ids = dict(zip(names := [f"user{n}" for n in range(30)], self.make(names), strict=True))
        body = {"displayName": "Staff", "members": [{"value": self.ids["user0"]}]}
        self.group = self.session.post(f"{server.base_url}/Groups", json=body).json()["id"]

    def make(self, names):
        self.titles |= dict.fromkeys(names, "before")
        return create_users(self.session, self.server.base_url, names, title="before")

    def write(self, kind, method, path, body=None):
        """Send a write and keep its answer; return whether it was done."""
        answer = self.session.request(method, self.server.base_url + path, json=body, timeout=30)
        self.answers.setdefault(kind, []).append(answer)
        return answer.ok

    def write_everything(self):
        """Write until a small write is refused, and then in every way, so large that no leftover is enough."""
        for number in range(2000):
            if not self.write("post", "POST", "/Users", {"userName": f"small{number}", "title": "small"}):
                break
            self.titles[f"small{number}"] = "small"
        user, group = f"/Users/{self.ids['user1']}", f"/Groups/{self.group}"
        large, every = large_user("user1", 1), [{"value": identifier} for identifier in self.ids.values()]
        self.write("put", "PUT", user, large)
        self.write("patch", "PATCH", user, patch_body({"op": "replace", "value": {"emails": large["emails"]}}))
        self.write("create", "POST", "/Users", large_user("large", 1))
        self.write("group", "POST", "/Groups", {"displayName": "x" * 200, "members": every * 1})
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{n}", "data": large_user(f"bulk{n}", n)}
            for n in range(3)
        ]
        self.write("bulk", "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        if self.write("members", "PATCH", group, patch_body({"op": "add", "path": "members", "value": every})):
            self.members = set(self.ids.values())
        else:
            self.members = {self.ids["user0"]}
        if self.write("delete", "DELETE", f"/Users/{self.ids['user2']}"):
            self.titles["user2"] = None

    def read_everything(self, browser):
        self.listed = {user["userName"]: user for user in read_all(self.session, self.server.base_url, "Users")}
        self.found = self.session.get(f"{self.server.base_url}/Users", params={"filter": 'title eq "before"'})
        self.health = requests.get(f"{self.server.url}/healthz", timeout=10)
        for page in PAGES:
            self.pages[page] = browser.get(self.server.url + page, timeout=10, allow_redirects=False)

    def differences(self):
        """Return in what the server's users differ from what was acknowledged."""
        found = {
            user["userName"]: user.get("title") for user in read_all(self.session, self.server.base_url, "Users")
        }
        wanted = {name: title for name, title in self.titles.items() if title}
        return {
            name: found.get(name) for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)
        }


@pytest.fixture(scope="module")
def story(disk, empty_instance):
    with MailServer() as mailserver:
        server = server_on(disk, empty_instance, **mailserver.environment()).start()
        try:
            yield tell(Story(disk, server, mailserver))
        finally:
            server.stop()


def tell(story):
    """Fill the disk, write and read, and make room again."""
    server, browser = story.server, sign_in(story.server)
    story.disk.fill(server)
    story.write_everything()
    story.read_everything(browser)
    story.sign_in = browser.post(f"{server.url}/sign-in", {"email": EMAIL}, timeout=10)
    time.sleep(2.5)  # for what is done every second
    story.was_alive = server.process.poll() is None
    story.differences_when_full = story.differences()
    story.disk.make_room(server)
    story.after = story.session.post(f"{server.base_url}/Users", json={"userName": "after", "title": "after"})
    story.titles["after"] = "after"
    return story


def test_a_write_that_the_disk_cannot_take_is_answered_507(story):
    refused = {kind: [a for a in answers if not a.ok] for kind, answers in story.answers.items()}
    assert {kind: {a.status_code for a in answers} for kind, answers in refused.items() if answers} == {
        kind: {507} for kind, answers in refused.items() if answers
    }
    assert {"post", "put", "patch", "create", "bulk"} <= {kind for kind, answers in refused.items() if answers}


def test_the_refusal_is_a_scim_error_that_says_why(story):
    for answer in (a for answers in story.answers.values() for a in answers if not a.ok):
        assert answer.headers["Content-Type"] == SCIM_JSON
        assert (answer.json()["schemas"], answer.json()["status"]) == ([ERROR], "507")
        assert "disk" in answer.json()["detail"] and "Nothing was changed" in answer.json()["detail"]


def test_nothing_is_half_written_and_nothing_acknowledged_is_lost(story):
    assert story.differences_when_full == {}


def test_reads_go_on_while_the_disk_is_full(story):
    assert len(story.listed) >= 29
    assert story.found.json()["totalResults"] >= 29
    assert story.health.json() == {"status": "ok"}


def test_pages_go_on_while_the_disk_is_full(story):
    assert {page: answer.status_code for page, answer in story.pages.items()} == dict.fromkeys(PAGES, 200)


def test_the_server_lives_through_a_full_disk(story):
    assert story.was_alive


def test_a_write_succeeds_as_soon_as_there_is_room(story):
    assert story.after.status_code == 201
    assert story.differences() == {}
    group = story.session.get(f"{story.server.base_url}/Groups/{story.group}").json()
    assert {member["value"] for member in group["members"]} == story.members - (
        {story.ids["user2"]} if story.titles["user2"] is None else set()
    )


def test_the_log_has_what_happened_while_the_disk_was_full(story):
    def refusals():
        database = sqlite3.connect(story.server.instance / "rollcall.db", timeout=20)
        [number] = database.execute("SELECT count(*) FROM provisioning_log WHERE status = 507").fetchone()
        database.close()
        return number

    wanted = sum(not a.ok for answers in story.answers.values() for a in answers)
    assert wait_for(lambda: refusals() == wanted, 10)


def test_the_database_is_sound_after_a_full_disk(story, tmp_path):
    story.server.stop()
    copy = copy_database(story.server.instance, tmp_path / "copy")
    assert (unsound(copy), torn_rows(copy)) == ([], [])
    story.server.start()
    assert story.differences() == {}


# at the start


def test_a_first_start_on_a_full_disk_is_refused_with_a_sentence(disk):
    folder = disk.folder / "first"
    folder.mkdir()
    try:
        code, said = start_in_vain(disk, folder, free_port())
    finally:
        disk.make_room()
    assert code == 1
    assert "Rollcall does not start" in said and "disk" in said and "Traceback" not in said
    create_app({"INSTANCE_PATH": folder})  # nothing is left that a start could stumble over


def test_a_start_on_a_full_disk_is_refused_with_a_sentence_and_loses_nothing(disk, empty_instance):
    server = server_on(disk, empty_instance).start()
    create_users(server.session(), server.base_url, ["before"])
    server.kill()
    try:
        code, said = start_in_vain(disk, server.instance, server.port)
    finally:
        disk.make_room()
    assert code == 1
    assert "The database cannot be used" in said and "must have room" in said and "Traceback" not in said
    server.start()
    try:
        assert [user["userName"] for user in read_all(server.session(), server.base_url, "Users")] == ["before"]
    finally:
        server.stop()


# and the mails


def test_mails_wait_for_room_and_one_at_most_goes_out_twice(disk, empty_instance):
    with MailServer() as mailserver:
        server = server_on(disk, empty_instance, **mailserver.environment())
        switch_on(server.instance)
        mailserver.data = "451 Later"
        server.start()
        names = [f"user{n}@example.com" for n in range(10)]
        try:
            create_users(server.session(), server.base_url, names)
            disk.fill(server)
            while server.session().post(f"{server.base_url}/Users", json=large_user("large", 1)).ok:
                pass
            mailserver.data = "250 OK"
            time.sleep(2.5)
            disk.make_room(server)
            let_leases_end(server.instance)
            assert deliver(server.instance, mailserver)[0] == 0
            assert wait_for(lambda: states(server.instance) == {"sent": len(names)})
            # one that was sent while the disk filled up could not be noted as sent, and another process repeats it
            assert set(mailserver.to()) == set(names) and len(mailserver.mails) <= len(names) + 1
            assert len({mail.message["Message-ID"] for mail in mailserver.mails}) == len(names)
        finally:
            server.stop()
