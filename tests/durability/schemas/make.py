"""Write what a Rollcall of some schema keeps, as SQL: the rows are made by the code that had that schema.

    git worktree add ../then COMMIT && cd ../then      # README.md beside this file names the commits
    PYTHONPATH=. python …/tests/durability/schemas/make.py 0002 > …/tests/durability/schemas/0002.sql

Anything that the code of then does not have is left out.
"""

import importlib
import sqlite3
import sys
import tempfile

from alembic import command

import database
import models
from app import create_app
from core import attributes
from core.journal import Actor
from database import db, transaction

PASSWORD = "violet-anchor-plum-7"
HERE = Actor("Command line")
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
PEOPLE = [
    {
        "userName": "Ada.Lovelace@example.com",
        "externalId": "00u1",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "displayName": "Ada Lovelace",
        "title": "Countess",
        "emails": [
            {"value": "ada@example.com", "type": "work", "primary": True},
            {"value": "ada@lovelace.org", "type": "home"},
        ],
        "active": True,
        CUSTOM: {"custAttr1": "Berlin"},
    },
    {"userName": "josé@example.com", "displayName": "José Łukasz 李", "active": True},
    {"userName": "mallory", "active": False, "title": 'it\'s "quoted"; -- & <b>'},
    {"userName": "noactive@example.com", "emails": [{"value": "no@example.com"}]},
    {"userName": "gone@example.com", "active": True},
]


def module(name):
    """Return a module of the core, or None if the code of then has none."""
    try:
        return importlib.import_module(f"core.{name}")
    except ModuleNotFoundError:
        return None


def run(app, *arguments):
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fill(app, token):
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}

    def call(method, path, body=None, status=(200, 201, 204)):
        answer = client.open(f"/scim/v2{path}", method=method, json=body, headers=headers)
        assert answer.status_code in status, answer.text
        return answer.json

    ids = [call("POST", "/Users", doc)["id"] for doc in PEOPLE]
    staff = call("POST", "/Groups", {"displayName": "Staff", "members": [{"value": i} for i in ids]})
    call("POST", "/Groups", {"displayName": "Empty", "externalId": "g2"})
    patch = {"Operations": [{"op": "replace", "path": "title", "value": "Mathematician"}]}
    call("PATCH", f"/Users/{ids[0]}", patch)
    call("PATCH", f"/Groups/{staff['id']}", {"Operations": [{"op": "replace", "value": {"displayName": "Crew"}}]})
    call("DELETE", f"/Users/{ids[4]}")
    call("POST", "/Users", PEOPLE[0], (409,))
    call("GET", f"/Users/{ids[0]}")
    with app.app_context(), transaction():
        importlib.import_module("core.journal").flush()


def fill_portal(app):
    accounts, settings, directory, jobs = map(module, ("accounts", "settings", "directory", "jobs"))
    if accounts is None:
        return
    sessions = models.BrowserSession.__table__
    with app.app_context(), transaction():
        accounts.create("admin@example.com", PASSWORD, "administrator", HERE)
        accounts.create("desk@example.com", PASSWORD, "helpdesk", HERE)
        settings.change("log_days", 90, HERE)
        local = {"userName": "local@example.com", "displayName": "Local Person", "active": True}
        user = directory.create(attributes.user_type(), local, HERE, [])
        database.execute(
            sessions.insert(),
            {
                "digest": "d" * 64,
                "administrator_id": 1,
                "data": "{}",
                "created": database.now(),
                "last_seen": database.now(),
            },
        )
        database.execute(
            models.FailedSignIn.__table__.insert(), {"key": "account a@example.com", "time": database.now()}
        )
        job = jobs.start("disable", [user.pk], HERE)
    with app.app_context():
        while jobs.work(job):
            pass


def fill_invitations(app):
    invitations, directory = module("invitations"), module("directory")
    if invitations is None:
        return
    with app.app_context():
        users = models.User.__table__
        ids = dict(database.execute(db.select(users.c.user_name_key, users.c.id)).all())
        ada, waits = (
            directory.find(attributes.user_type(), ids[name])
            for name in ("ada.lovelace@example.com", "noactive@example.com")
        )
        with transaction():
            link = invitations.copy_link(ada, HERE)
            invitations.invite(waits, HERE)
        with transaction():
            invitations.register(link, PASSWORD)


def fill_configurations(app):
    configurations, mobileconfig = map(module, ("configurations", "mobileconfig"))
    if configurations is None:
        return
    with app.app_context(), transaction():
        typed = {"label": "Office ${custAttr1}", "url": "https://intranet.example.com/${custAttr1}"}
        kind = mobileconfig.TYPES["webclip"]
        configurations.create(kind, "Intranet", typed, "hold", "everyone", [], HERE)


def main(schema):
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"INSTANCE_PATH": folder, "PUBLIC_URL": "https://rollcall.example.com"})
        token = run(app, "token", "create", "Okta").strip()
        run(app, "token", "create", "Old")
        run(app, "token", "revoke", "Old")
        run(app, "attribute", "add", "custAttr1")
        fill(app, token)
        fill_portal(app)
        fill_invitations(app)
        if schema >= "0004":
            fill_configurations(app)
        with app.app_context():
            db.engine.dispose()
            command.downgrade(app.extensions["migrate"].migrate.get_config(), schema)
            db.engine.dispose()
        sql = sqlite3.connect(f"{folder}/rollcall.db")
        assert sql.execute("SELECT version_num FROM alembic_version").fetchone() == (schema,)
        print(f"-- token: {token}")
        for line in sql.iterdump():
            print(line)


if __name__ == "__main__":
    main(sys.argv[1])
