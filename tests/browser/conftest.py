"""A real browser on a real server. `desk` is Ada's: an administrator who has signed in."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

import rehearsal
from app import create_app
from core import accounts
from database import db, transaction
from tests import databases
from tests.browser import company
from tests.conftest import ACTOR, ROOT, Server, free_port

EMAIL, PASSWORD = company.ADA, company.PASSWORD
AXE = Axe().axe_script
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium; where there is none its tests are skipped, except in CI."""
    if find_chromium() is None and "ROLLCALL_TEST_ALL" in os.environ:
        pytest.fail("There is no Chromium, and nothing may be skipped here.")
    if find_chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


def find_chromium():
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright):
    return playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)


@dataclass
class Desk:
    """One browser window on one server, and what it complained of."""

    server: Server
    page: Page
    complaints: list = field(default_factory=list)
    expected: list = field(default_factory=list)  # parts of complaints that belong to the test

    def listen(self):
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("console", self._hear)
        self.page.on("requestfailed", self._failed)

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # a poll that a click cut off
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def open(self, path):
        self.page.goto(self.server.url + path)
        return self.page

    def sign_in(self, email=EMAIL, password=PASSWORD):
        self.open("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def rehearse(self, users=rehearsal.FEWEST_USERS):
        """Play Okta's whole life cycle against the server."""
        return rehearsal.rehearse(self.server.base_url, self.server.token, users=users)

    def flask(self, *arguments, text=None):
        """Run one of the app's commands on the server's database."""
        environment = os.environ | databases.environment(self.server.instance)
        command = [sys.executable, "-m", "flask", "--app", "app", *arguments]
        run = subprocess.run(command, env=environment, cwd=ROOT, input=text, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def check(self):
        """Fail if axe finds a violation on the page as it is, in light and, as to its colours, in dark."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        for scheme, only in (("light", ""), ("dark", ", runOnly: ['color-contrast']")):
            self.page.emulate_media(color_scheme=scheme)
            found = AxeResults(self.page.evaluate(f"axe.run({{resultTypes: ['violations']{only}}})"))
            assert found.violations_count == 0, f"{self.page.url}, {scheme}\n{found.generate_report()}"
        self.page.emulate_media(color_scheme="light")

    def okta(self, token=None):
        """Return what the steps of the rehearsal take: Okta's side of this server."""
        client = rehearsal.Client(self.server.base_url, token or self.server.token)
        return rehearsal.Play(client, None, lambda step: None)

    def mark(self):
        """Leave a mark on the page, which any reload would wipe away."""
        self.page.evaluate("window.mark = 1")

    def is_marked(self):
        return self.page.evaluate("window.mark") == 1

    def unexpected(self):
        return [c for c in self.complaints if not any(re.search(part, c) for part in self.expected)]


@pytest.fixture
def make_desk(chromium, make_server):
    """Return a function that opens a window on a server of its own; no window may have complained at the end."""
    desks = []

    def make_desk(server=None, width=1280, options=None, **environment):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **(options or {}))
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(10_000)
        desk = Desk(server or make_server(**environment), context.new_page())
        desk.listen()
        desks.append(desk)
        return desk

    yield make_desk
    for desk in desks:
        desk.page.context.close()
    assert [c for desk in desks for c in desk.unexpected()] == []


@contextmanager
def inside(server):
    """The core on a server's database, in a transaction: for what no page and no client can do."""
    app = create_app({"INSTANCE_PATH": server.instance})
    with app.app_context():
        with transaction():
            yield
        db.engine.dispose()


def add_ada(server):
    with inside(server):
        accounts.create(EMAIL, PASSWORD, "administrator", ACTOR)


@pytest.fixture
def desk(make_desk):
    """Ada's desk: her account exists, and she has signed in."""
    desk = make_desk()
    add_ada(desk.server)
    desk.sign_in()
    return desk


@dataclass
class Office:
    """A server that the tests of a module share, with Ada's cookies; `ids` are those of company.Company."""

    server: Server
    state: dict
    ids: dict


@pytest.fixture(scope="module")
def make_office(chromium, empty_instance, tmp_path_factory):
    """Return a function that starts a server on a database which `fill`, given the app, has filled."""
    servers = []

    def make_office(fill):
        folder = shutil.copytree(empty_instance, tmp_path_factory.mktemp("office") / "instance")
        made = fill(create_app({"INSTANCE_PATH": folder}))
        servers.append(Server(folder, free_port(), made.token).start())
        context = chromium.new_context()
        Desk(servers[-1], context.new_page()).sign_in()
        state = context.storage_state()
        context.close()
        return Office(servers[-1], state, made.ids)

    yield make_office
    for server in servers:
        server.end()
