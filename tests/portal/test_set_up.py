"""The first administrator is made by a link that works once."""

import pytest

from core import accounts
from database import transaction
from tests.portal.conftest import PASSWORD, Browser, words


@pytest.fixture
def link(app):
    with app.app_context(), transaction():
        return f"/set-up/{accounts.new_set_up_secret()}"


FORM = {"email": "ada@example.com", "password": PASSWORD}


def test_the_link_makes_the_first_administrator(app, link, stranger):
    assert "You become its first administrator" in stranger.says(link)
    assert stranger.post(link, FORM, token=stranger.csrf(link)).status_code == 303
    assert "ada@example.com · Administrator" in stranger.says("/account")
    assert Browser(app).sign_in("ada@example.com").status_code == 303


def test_looking_does_not_use_it_up(link, stranger):
    for _ in range(3):
        stranger.client.head(link)
        assert stranger.get(link).status_code == 200


def test_the_link_works_once(app, link, stranger):
    token = stranger.csrf(link)
    stranger.post(link, FORM, token=token)
    other = Browser(app)
    assert "Rollcall is set up already" in words(other.get(link).text)
    answer = other.post(link, FORM | {"email": "eve@example.com"}, token=other.csrf("/sign-in"))
    assert answer.status_code == 410
    with app.app_context():
        assert [a.email for a in accounts.listing()] == ["ada@example.com"]


def test_a_newer_link_voids_the_one_before(app, link, stranger):
    with app.app_context(), transaction():
        accounts.new_set_up_secret()
    answer = stranger.get(link)
    assert answer.status_code == 410
    assert "A newer link was printed since" in words(answer.text)


@pytest.mark.parametrize("field, value", [("email", "nobody"), ("email", ""), ("password", "password1234")])
def test_a_form_that_is_refused_keeps_what_was_typed(app, link, stranger, field, value):
    answer = stranger.post(link, FORM | {field: value}, token=stranger.csrf(link))
    assert answer.status_code == 422
    assert (FORM | {field: value})["email"] in answer.text
    assert f'id="{field}-problem"' in answer.text
    with app.app_context():
        assert not accounts.exist()
    assert stranger.post(link, FORM, token=stranger.csrf(link)).status_code == 303


def test_without_an_administrator_the_sign_in_page_says_what_to_do(stranger):
    assert "flask admin create" in stranger.says("/sign-in")


def test_the_database_holds_no_secret_of_the_link(app, link):
    from database import execute
    from models import Setting

    with app.app_context():
        assert link.split("/")[-1] not in repr(execute(Setting.__table__.select()).all())
