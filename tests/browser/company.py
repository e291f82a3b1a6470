"""A company on a Rollcall: people, groups and two weeks of provisioning, for pictures and for tests of every page.

company = fill(app)    # on an empty database, in this process: before a server serves it
company.ids["failed"]  # of the log entry that shows a refusal
"""

import random
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock

import database
from core import accounts, attributes, configurations, directory, jobs, journal, tokens
from core.journal import Actor
from core.mobileconfig import TYPES, as_typed
from database import db, transaction
from protocol import definitions
from protocol.schema import GROUP_TYPE

ADA, GRACE, ALAN = (f"{name}@example.com" for name in ("ada", "grace", "alan"))
PASSWORD = "violet-anchor-plum-7"
OKTA_ADDRESS = "203.0.113.24"
ENTERPRISE = definitions.ENTERPRISE
CUSTOM = definitions.CUSTOM
DAYS = 14
COMMAND_LINE = Actor("Command line")
ATTRIBUTES = (("custAttr1", "string", False), ("badgeNumber", "integer", False), ("floors", "string", True))
CITIES = "Berlin Zürich Lisbon Gdańsk Kyoto".split()
DEPARTMENTS = "Engineering Design Sales Support Finance".split()
GIVEN = """Ada Amir Astrid Beatriz Bruno Chidi Clara Daisuke Dolores Elif Emil Fatima Felix Giulia Grace
Hana Henrik Ines Ivan Jana Joanna Kofi Kurt Leila Linus Łukasz Magda Mateo Mei Nadia Niels Noor Olga
Omar Pedro Priya Quinn Rafael Rosa Ruth Samir Sofia Tariq Tove Uma Viktor Wanda Xavier Yuki Zoë""".split()
FAMILY = """Abe Almeida Baker Berg Castillo Chen Díaz Eriksen Fischer Fontaine Gallo Haddad Hopper Ito
Jansen Kaya Keller Kim Kowalska Larsen Lopes Lovelace Mensah Moreau Müller Nakamura Novák Núñez Okafor
Olsen Park Petrov Quist Rossi Sato Schmidt Silva Tanaka Ueda Vogel Wójcik Yilmaz Żak Zimmer""".split()


@dataclass
class Company:
    """What was made: `ids` by the words of pages.py, and the token that Okta has."""

    ids: dict
    token: str


@contextmanager
def clock(moment):
    """Let the app believe that it is `moment`."""
    frozen = type("frozen", (datetime,), {"now": classmethod(lambda cls, tz: moment.astimezone(tz))})
    with mock.patch.object(database, "datetime", frozen):
        yield


@dataclass
class Okta:
    """Sends in this process what Okta sends over the wire."""

    app: object
    token: str

    def send(self, method, path, body=None, token=None):
        return self.app.test_client().open(
            f"/scim/v2{path}",
            method=method,
            json=body,
            headers={"Authorization": f"Bearer {token or self.token}", "User-Agent": "Okta SCIM Client 1.0.0"},
            environ_overrides={"REMOTE_ADDR": OKTA_ADDRESS},
        )

    def look_up(self, endpoint, name, value):
        return self.send("GET", f'/{endpoint}?filter={name} eq "{value}"&startIndex=1&count=100')

    def assign(self, profile):
        self.look_up("Users", "userName", profile["userName"])
        return self.send("POST", "/Users", profile | {"groups": [], "active": True}).json["id"]

    def push(self, name, members):
        self.look_up("Groups", "displayName", name)
        group = self.send("POST", "/Groups", {"displayName": name, "members": []}).json["id"]
        self.patch(f"/Groups/{group}", op="replace", value={"id": group, "displayName": name})
        self.patch(f"/Groups/{group}", op="add", path="members", value=[{"value": m} for m in members])
        return group

    def change(self, person, **values):
        """Send the profile as every update goes: GET, then PUT."""
        current = self.send("GET", f"/Users/{person}").json
        return self.send("PUT", f"/Users/{person}", current | values)

    def patch(self, resource, **operation):
        return self.send("PATCH", resource, {"Operations": [operation]})


def profiles():
    """Return the people as Okta knows them; the same ones every time."""
    chance = random.Random(7)
    people = []
    for number, given in enumerate(GIVEN):
        family = FAMILY[(number * 17 + 21) % len(FAMILY)]
        plain = f"{given}.{family}".lower().translate(str.maketrans("öëüźżółłńňáíúé", "oeuzzollnnaiue"))
        name = f"{plain}@example.com"
        people.append(
            {
                "userName": name,
                "externalId": f"00u{chance.getrandbits(64):016x}"[:20],
                "name": {"givenName": given, "familyName": family},
                "displayName": f"{given} {family}",
                "emails": [{"primary": True, "value": name, "type": "work"}],
                "locale": "en-US",
                ENTERPRISE: {"department": DEPARTMENTS[number % 5]},
                CUSTOM: {
                    "custAttr1": CITIES[number * 3 % 5],
                    "badgeNumber": 4000 + number,
                    "floors": ["2", "4"] if number % 3 else ["1"],
                },
            }
        )
    return people


def fill(app, most=None) -> Company:
    """Let two weeks pass: people arrive, at most so many, and something changes on each day."""
    today = datetime.now(UTC)
    start = today - timedelta(days=DAYS - 1, hours=3)
    ids, people = {}, []
    with app.app_context(), clock(start):
        with transaction():
            ids["account"] = accounts.create(ADA, PASSWORD, "administrator", COMMAND_LINE).id
            accounts.create(GRACE, PASSWORD, "helpdesk", Actor(ADA))
            ids["other account"] = accounts.create(ALAN, PASSWORD, "readonly", Actor(ADA)).id
            token = tokens.create("Okta", Actor(ADA), 180)
            for name, kind, many in ATTRIBUTES:
                attributes.add(name, kind, many, Actor(ADA))
    okta = Okta(app, token)
    with clock(start + timedelta(minutes=1)):
        okta.send("GET", "/Users?startIndex=1&count=2", token="mistyped")
        okta.send("GET", "/Users?startIndex=1&count=2")
    everybody = profiles()[:most]
    for day in range(DAYS):
        with clock(start + timedelta(days=day, minutes=2)):
            people += [okta.assign(profile) for profile in everybody[len(people) : 14 + day * 3]]
            if day == 0:
                ids |= groups(okta, people)
            for person in people[day % 5 :: (3, 5, 9, 4, 12, 30, 30)[day % 7]]:
                okta.change(person, title=("Engineer", "Lead", "Analyst")[day % 3])
            if day in (4, 9):
                okta.patch(f"/Users/{people[day]}", op="replace", value={"active": False})
    return finish(app, okta, today, ids, people)


def groups(okta, people):
    for department, name in enumerate(DEPARTMENTS):
        made = okta.push(name, people[department::5])
    everybody = okta.push("All staff", people)
    okta.push("Contractors", [])
    return {"okta group": everybody, "small group": made}


def finish(app, okta, today, ids, people):
    """The last hour: an administrator's own work, two refusals that came right, and what Okta did just now."""
    ada = Actor(ADA)
    with app.app_context(), clock(today - timedelta(minutes=50)):
        with transaction():
            local = directory.create(attributes.user_type(), local_user(), ada, ignored=[])
            group = directory.create(GROUP_TYPE, {"displayName": "Visitors"}, ada, ignored=[])
            body = {"Operations": [{"op": "add", "path": "members", "value": [{"value": local.id}]}]}
            directory.patch_with(group, body, ada, ignored=[])
            ids |= {"local": local.id, "local group": group.id}
            ids["job"] = jobs.start("disable", pks_of(people[10:13]), ada)
        jobs.work(ids["job"])
        with transaction():
            ids["configuration"] = configure(ids, ada)
    with clock(today - timedelta(minutes=40)):
        taken = profiles()[7] | {"externalId": "00u000000000000000a1"}
        okta.send("POST", "/Users", taken | {"userName": taken["userName"].upper()})
    with clock(today - timedelta(minutes=38)):
        okta.change(people[7], externalId=taken["externalId"])
    with clock(today - timedelta(minutes=12)):
        okta.change(people[5], **{CUSTOM: {"custAttr1": "Berlin", "costCentre": "4711"}})
        okta.patch(f"/Users/{people[0]}", op="replace", value={"active": False})
        okta.patch(f"/Users/{people[0]}", op="replace", value={"active": True})
    with clock(today - timedelta(minutes=2)):
        okta.change(people[0], title="Analyst")
    with app.app_context():
        while journal.is_waiting():
            with transaction():
                journal.flush()
        rows = database.connection().exec_driver_sql
        ids["failed"] = rows("SELECT max(id) FROM provisioning_log WHERE status = 409").scalar()
        ids["ignored"] = rows("SELECT max(id) FROM provisioning_log WHERE ignored LIKE '%costCentre%'").scalar()
        ids["token"] = rows("SELECT max(id) FROM tokens").scalar()
        database.close_connection()
        db.engine.dispose()
    ids["person"] = people[0]
    return Company(ids, okta.token)


def configure(ids, ada):
    """Give everybody the office's network, and one department a mailbox; return the network's id."""
    network = as_typed(TYPES["wifi"]) | {"ssid": "Office ${custAttr1}", "password": "correct-horse-battery"}
    made = configurations.create(TYPES["wifi"], "Office network", network, "hold", "everyone", [], ada)
    clip = as_typed(TYPES["webclip"]) | {
        "label": "Intranet",
        "url": "https://intranet.example.com/${userUIDLocalPart}",
    }
    configurations.create(TYPES["webclip"], "Intranet", clip, "hold", "groups", [ids["small group"]], ada)
    return made.configuration.id


def nobody_yet(app) -> Company:
    """Let there be Ada, and nothing else."""
    with app.app_context():
        with transaction():
            accounts.create(ADA, PASSWORD, "administrator", COMMAND_LINE)
        db.engine.dispose()
    return Company({}, "")


def ready(app) -> Company:
    """Let there be Ada, and a token that nobody has used."""
    nobody_yet(app)
    with app.app_context():
        with transaction():
            token = tokens.create("Okta", Actor(ADA))
        db.engine.dispose()
    return Company({}, token)


def local_user():
    return {
        "userName": "reception@example.com",
        "displayName": "Front desk",
        "name": {"givenName": "Front", "familyName": "Desk"},
        "emails": [{"value": "reception@example.com", "primary": True}],
        CUSTOM: {"custAttr1": "Zürich"},
        "active": True,
    }


def pks_of(people):
    rows = database.connection().exec_driver_sql
    return [rows("SELECT pk FROM users WHERE id = ?", (person,)).scalar() for person in people]
