"""What administrators set: checked, audited once it changes, and seen by every process."""

import sqlite3

import orjson
import psycopg
import pytest
from flask import current_app
from sqlalchemy.exc import OperationalError

import database
from app import create_app
from core import journal, settings
from core.journal import Actor
from core.settings import SettingError
from database import db, transaction
from tests.conftest import Scim

ADA = Actor("ada@example.com")
ADDRESS = "https://brave-owl.ngrok.app"


@pytest.fixture
def context(app):
    with app.app_context():
        yield


def change(name, value):
    with transaction():
        settings.change(name, value, ADA)


def lines():
    return database.execute(journal.LINES.select().order_by(journal.LINES.c.id)).all()


def test_a_setting_has_a_default(context):
    assert {name: settings.get(name) for name in settings.DEFAULTS} == settings.DEFAULTS


@pytest.mark.parametrize(
    "name, value", [("invite_automatically", True), ("public_url", ADDRESS), ("log_days", 1), ("log_days", 365)]
)
def test_a_change_is_seen_at_once_and_has_a_line(context, name, value):
    assert settings.get(name) == settings.DEFAULTS[name]
    change(name, value)
    assert settings.get(name) == value
    [line] = lines()
    assert (line.actor, line.action, line.resource_type, line.resource_id) == (ADA.name, "changed", "Setting", name)
    assert orjson.loads(line.before) == {name: settings.DEFAULTS[name]}
    assert orjson.loads(line.after) == {name: value}


def test_what_is_so_already_writes_nothing(context):
    change("log_days", 30)
    assert lines() == []
    change("log_days", 90)
    change("log_days", 90)
    assert len(lines()) == 1


def test_a_change_can_be_taken_back(context):
    change("public_url", ADDRESS)
    change("public_url", "")
    assert settings.get("public_url") == ""
    assert [orjson.loads(line.after) for line in lines()] == [{"public_url": ADDRESS}, {"public_url": ""}]


def test_an_address_is_kept_without_spaces_and_the_last_slash(context):
    change("public_url", f"  {ADDRESS}/ ")
    assert settings.get("public_url") == ADDRESS


@pytest.mark.parametrize(
    "name, value",
    [
        ("invite_automatically", "yes"),
        ("invite_automatically", 1),
        ("invite_automatically", None),
        ("public_url", "http://brave-owl.ngrok.app"),
        ("public_url", "brave-owl.ngrok.app"),
        ("public_url", "https://"),
        ("public_url", "https://ada@example.com"),
        ("public_url", "https://example.com?x=1"),
        ("public_url", "https://example.com/#x"),
        ("public_url", "https://exa mple.com"),
        ("public_url", "https://example.com\nX-Evil: 1"),
        ("public_url", 'https://example.com/"><script>'),
        ("public_url", "javascript:alert(1)"),
        ("public_url", None),
        ("log_days", 0),
        ("log_days", 366),
        ("log_days", -1),
        ("log_days", "30"),
        ("log_days", 30.0),
        ("log_days", True),
        ("log_days", None),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_changes_nothing(context, name, value):
    with pytest.raises(SettingError) as refusal:
        change(name, value)
    assert refusal.value.field == name and str(refusal.value).endswith(".")
    assert settings.get(name) == settings.DEFAULTS[name]
    assert lines() == []


def test_an_unknown_setting_is_an_error(context):
    with pytest.raises(KeyError):
        settings.get("log_years")
    with pytest.raises(KeyError):
        change("log_years", 1)


def test_a_change_that_is_not_committed_is_not_seen(context):
    class Refused(Exception):
        pass

    with pytest.raises(Refused), transaction():
        settings.change("log_days", 90, ADA)
        current_app.extensions.pop("settings", None)  # as if its second were over
        assert settings.get("log_days") == 30
        raise Refused
    assert settings.get("log_days") == 30


def test_a_change_by_another_process_is_seen_soon(context, instance, monkeypatch):
    other = create_app({"INSTANCE_PATH": instance})
    assert settings.get("log_days") == 30
    with other.app_context():
        change("log_days", 90)
        db.engine.dispose()
    assert settings.get("log_days") == 30
    second = settings.time.monotonic() + settings.SECONDS + 0.1
    monkeypatch.setattr(settings.time, "monotonic", lambda: second)
    assert settings.get("log_days") == 90


def test_what_a_newer_rollcall_keeps_is_passed_over(context):
    with transaction():
        database.execute(settings.SETTINGS.insert(), {"name": "theme", "value": '"dark"'})
    assert settings.get("log_days") == 30


def test_locations_name_the_address_that_was_chosen(app, scim, make_user):
    assert make_user("ada")["meta"]["location"].startswith("http://localhost/scim/v2/Users/")
    with app.app_context():
        change("public_url", ADDRESS)
    assert make_user("bob")["meta"]["location"].startswith(f"{ADDRESS}/scim/v2/Users/")


def test_the_environment_goes_before_the_address_that_was_chosen(instance, token):
    app = create_app({"INSTANCE_PATH": instance, "PUBLIC_URL": "https://rollcall.example.com"})
    with app.app_context():
        change("public_url", ADDRESS)
    made = Scim(app, token).post("/Users", {"userName": "ada"}).json
    assert made["meta"]["location"].startswith("https://rollcall.example.com/scim/v2/Users/")
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    "error, is_away", [(psycopg.OperationalError("gone"), True), (sqlite3.OperationalError(), False)]
)
def test_while_the_database_is_away_settings_are_as_they_were_read(context, monkeypatch, error, is_away):
    def fail():
        raise OperationalError("SELECT", {}, error)

    assert settings.get("log_days") == 30
    monkeypatch.setattr(settings, "_committed", fail)
    current_app.extensions["settings"].until = 0
    if is_away:
        assert settings.get("log_days") == 30
    else:
        with pytest.raises(OperationalError):
            settings.get("log_days")
    settings._forget()
    with pytest.raises(OperationalError):
        settings.get("log_days")
