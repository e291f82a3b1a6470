"""The cast of the portal: `ada` is an administrator, `grace` of the helpdesk, `alan` may only read."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher

from core import accounts, attributes, directory, invitations, passwords
from core.journal import Actor
from database import transaction

PASSWORD = "violet-anchor-plum-7"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CSRF = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


class Text(HTMLParser):
    """Collects what a page says."""

    def __init__(self):
        super().__init__()
        self.parts = []

    def handle_data(self, data):
        self.parts.append(data)


class Browser:
    """A browser without JavaScript: keeps cookies, sends the forms' CSRF token along."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path, **headers):
        return self.client.get(path, headers=headers)

    def csrf(self, path="/account"):
        return CSRF.search(self.get(path).text)[1]

    def post(self, path, data=None, headers=None, token=None):
        data = {"csrf_token": token or self.csrf()} | (data or {})
        return self.client.post(path, data=data, headers=headers or {})

    def sign_in(self, email, password=PASSWORD):
        return self.post("/sign-in", {"email": email, "password": password}, token=self.csrf("/sign-in"))

    def sign_in_as_person(self, name, password=PASSWORD):
        form = {"name": name, "password": password}
        return self.post("/device/sign-in", form, token=self.csrf("/device/sign-in"))

    def says(self, path) -> str:
        """Return the text of a page, with single spaces; fail unless it is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return words(answer.text)


def words(html) -> str:
    """Return what a page says, without its markup, with single spaces."""
    parser = Text()
    parser.feed(html)
    return " ".join(" ".join(parser.parts).split())


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch):
    """Hashing takes 30 ms and more, and most of these tests begin with a sign-in."""
    monkeypatch.setattr(passwords, "HASHER", QUICK)
    passwords._no_hash.cache_clear()
    yield
    passwords._no_hash.cache_clear()


@pytest.fixture(scope="session")
def password_hash():
    return QUICK.hash(PASSWORD)


@pytest.fixture
def work_on_passwords(monkeypatch):
    """Return a function that signs somebody in with a wrong password, and returns what that had to compute.

    Hashes that begin alike take equally long: they say how often and with how much memory they are made.
    """

    def work_on_passwords(sign_in, name):
        done = []

        def verify(kept, password):
            done.append(kept.rpartition("$")[0].rpartition("$")[0])
            return QUICK.verify(kept, password)

        passwords._no_hash()  # it is made once
        with monkeypatch.context() as patch:
            patch.setattr(passwords, "HASHER", SimpleNamespace(verify=verify))
            assert sign_in(name, "wrong", "192.0.2.1") is None
        return done

    return work_on_passwords


@pytest.fixture
def make_account(app, password_hash, monkeypatch):
    def make_account(email, role="administrator"):
        with app.app_context(), transaction(), monkeypatch.context() as patch:
            patch.setattr(accounts, "hashed", lambda password, email: password_hash)
            return accounts.create(email, PASSWORD, role, Actor("Command line"))

    return make_account


@pytest.fixture
def make_browser(app, make_account):
    """Return a function that signs in with a new account of a role."""

    def make_browser(role, email):
        make_account(email, role)
        browser = Browser(app)
        assert browser.sign_in(email).status_code == 303
        return browser

    return make_browser


@pytest.fixture
def ada(make_browser):
    return make_browser("administrator", "ada@example.com")


@pytest.fixture
def grace(make_browser):
    return make_browser("helpdesk", "grace@example.com")


@pytest.fixture
def alan(make_browser):
    return make_browser("readonly", "alan@example.com")


@pytest.fixture
def stranger(app):
    return Browser(app)


@pytest.fixture
def invite(app):
    """Return a function that makes a new invitation of a user and returns the secret of its link."""

    def invite(user_id):
        with app.app_context(), transaction():
            user = directory.find(attributes.user_type(), user_id)
            return invitations.copy_link(user, Actor("ada@example.com"))

    return invite


@pytest.fixture
def register(app, invite, password_hash, monkeypatch):
    """Return a function by which a user registers, with PASSWORD; it returns a browser that has signed in."""

    def register(user):
        secret = invite(user["id"])
        with app.app_context(), transaction(), monkeypatch.context() as patch:
            patch.setattr(passwords, "hashed", lambda *_: password_hash)
            invitations.register(secret, PASSWORD)
        browser = Browser(app)
        assert browser.sign_in_as_person(user["userName"]).status_code == 303
        return browser

    return register


@pytest.fixture
def registered(register, make_user):
    """The browser of Carol, who was invited, has registered and signed in."""
    emails = [{"value": "carol@example.com", "primary": True}]
    return register(make_user("carol@example.com", displayName="Carol Shaw", emails=emails))
