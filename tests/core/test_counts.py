"""The totals and the words to search by are those of what is stored, whatever has happened to it."""

import random
from collections import Counter

import orjson
import pytest

from core import attributes, directory, words
from core.journal import Actor
from core.search import IN_COLUMNS
from database import transaction
from protocol.schema import GROUP_TYPE, compile_user_type, fold, index_rows
from tests.databases import open_database

SEED = 20
OPERATIONS = 400


def recount(instance):
    """Return what is stored of totals and words, and what it should be."""
    database = open_database(instance)
    kept, true = {}, {}
    columns = "source, enabled, invite, count"
    kept["users"] = {tuple(k): n for *k, n in database.execute(f"SELECT {columns} FROM user_counts") if n}
    states = "SELECT source, coalesce(active, FALSE), invite FROM users"
    true["users"] = dict(Counter(database.execute(states)))
    sizes = "SELECT pk, member_count, disabled_count FROM groups"
    kept["groups"] = {pk: tuple(sizes) for pk, *sizes in database.execute(sizes)}
    counted = (
        "SELECT g.pk, count(u.pk), count(CASE WHEN u.active IS NOT TRUE THEN u.pk END) FROM groups AS g"
        " LEFT JOIN group_members AS m ON m.group_pk = g.pk LEFT JOIN users AS u ON u.pk = m.user_pk GROUP BY g.pk"
    )
    true["groups"] = {pk: tuple(sizes) for pk, *sizes in database.execute(counted)}
    kept["values"] = Counter(database.execute("SELECT user_pk, attribute, value_key, element FROM user_values"))
    kept["words"] = Counter(database.execute("SELECT user_pk, word, initial, name FROM user_words"))
    true["values"], true["words"] = Counter(), Counter()
    for pk, document in database.execute("SELECT pk, document FROM users"):
        document = orjson.loads(document)
        true["values"].update((pk, *row) for row in index_rows(compile_user_type(), document, IN_COLUMNS))
        true["words"].update((pk, *row) for row in words.rows(document))
    database.close()
    return kept, true


class Directory:
    """A directory to which something is done at random, by Okta through its door and by an administrator."""

    def __init__(self, app, scim):
        self.app, self.scim, self.rng = app, scim, random.Random(SEED)
        self.names, self.users, self.groups = iter(range(10**6)), [], []
        self.statuses = Counter()

    def sent(self, answer):
        self.statuses[answer.status_code] += 1
        return answer

    def person(self):
        number = next(self.names)
        name = self.rng.choice(["Ada Lovelace", "Zoë van der Berg", "李 小龙", "Jean-Luc", f"Family {number}"])
        body = {"userName": self.rng.choice([f"user{number}@example.com", f"U.{number}", f"Ｕser{number}"])}
        if self.rng.random() < 0.7:
            body["displayName"] = name
        if self.rng.random() < 0.7:
            body["emails"] = [{"value": f"{fold(name).replace(' ', '.')}{number}@mail.example.com"}]
        if self.rng.random() < 0.8:
            body["active"] = self.rng.random() < 0.6
        return body

    def some(self, most=5):
        return [{"value": user} for user in self.rng.sample(self.users, min(len(self.users), most))]

    def create(self):
        self.users.append(self.sent(self.scim.post("/Users", self.person())).json["id"])

    def create_local(self):
        with self.app.app_context(), transaction():
            made = directory.create(attributes.user_type(), self.person(), Actor("Ada"), [])
        self.users.append(made.id)

    def put(self):
        self.sent(self.scim.put(f"/Users/{self.rng.choice(self.users)}", self.person()))

    def switch(self):
        value = self.rng.choice([True, False, "False"])
        operation = {"op": "replace", "path": "active", "value": value}
        self.sent(self.scim.patch(f"/Users/{self.rng.choice(self.users)}", operation))

    def forget_active(self):
        self.sent(self.scim.patch(f"/Users/{self.rng.choice(self.users)}", {"op": "remove", "path": "active"}))

    def switch_locally(self):
        with self.app.app_context(), transaction():
            user = directory.find(attributes.user_type(), self.rng.choice(self.users))
            directory.save(user, user.document | {"active": self.rng.random() < 0.5}, Actor("Ada"))

    def delete(self):
        user = self.users.pop(self.rng.randrange(len(self.users)))
        self.sent(self.scim.delete(f"/Users/{user}"))

    def create_group(self):
        body = {"displayName": f"Group {next(self.names)}", "members": self.some()}
        self.groups.append(self.sent(self.scim.post("/Groups", body)).json["id"])

    def create_local_group(self):
        body = {"displayName": f"Group {next(self.names)}", "members": self.some()}
        with self.app.app_context(), transaction():
            self.groups.append(directory.create(GROUP_TYPE, body, Actor("Ada"), []).id)

    def delete_group(self):
        group = self.groups.pop(self.rng.randrange(len(self.groups)))
        self.sent(self.scim.delete(f"/Groups/{group}"))

    def put_group(self):
        body = {"displayName": f"Group {next(self.names)}", "members": self.some()}
        self.sent(self.scim.put(f"/Groups/{self.rng.choice(self.groups)}", body))

    def patch_group(self):
        kinds = [
            lambda: {"op": "add", "path": "members", "value": self.some()},
            lambda: {"op": "replace", "path": "members", "value": self.some()},
            lambda: {"op": "remove", "path": "members", "value": self.some()},
            lambda: {"op": "remove", "path": "members"},
            lambda: {"op": "remove", "path": f'members[value eq "{self.rng.choice(self.users)}"]'},
            lambda: {
                "op": "replace",
                "path": f'members[value eq "{self.rng.choice(self.users)}" or value sw "1"]',
                "value": self.some(2),
            },
            lambda: {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
        ]
        weights = (6, 2, 4, 1, 4, 2, 1)
        chosen = self.rng.choices(kinds, weights, k=self.rng.choice((1, 1, 2, 3)))
        self.sent(self.scim.patch(f"/Groups/{self.rng.choice(self.groups)}", *(kind() for kind in chosen)))

    def run(self, operations):
        for _ in range(20):
            self.create()
        for _ in range(3):
            self.create_group()
            self.create_local_group()
        weights = {
            **{self.create: 3, self.create_local: 3, self.put: 6, self.switch: 8, self.forget_active: 2},
            **{self.switch_locally: 4, self.delete: 3, self.create_group: 1, self.create_local_group: 1},
            **{self.delete_group: 1, self.put_group: 4, self.patch_group: 15},
        }
        for act in self.rng.choices(list(weights), list(weights.values()), k=operations):
            act()


def test_totals_and_words_are_those_of_what_is_stored(app, scim, instance):
    world = Directory(app, scim)
    world.run(OPERATIONS)
    kept, true = recount(instance)
    assert kept == true
    assert len(true["users"]) >= 3 and any(disabled for _members, disabled in true["groups"].values())
    assert {200, 201, 204, 400} <= world.statuses.keys() and world.statuses[500] == 0


@pytest.fixture
def counts(instance):
    """Return a function that reads the totals: of users by (source, enabled), and of groups."""

    def counts():
        database = open_database(instance)
        users = "SELECT source, enabled, count FROM user_counts WHERE count > 0"
        users = {(source, bool(enabled)): count for source, enabled, count in database.execute(users)}
        groups = "SELECT member_count, disabled_count FROM groups ORDER BY pk"
        groups = database.execute(groups).fetchall()
        database.close()
        return users, groups

    return counts


def test_a_user_who_is_disabled_is_counted_so_in_every_group(scim, barbara, make_user, make_group, counts):
    make_group("Staff", barbara, make_user("mallory"))
    make_group("Guides", barbara)
    make_group("Others")
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "active", "value": False})
    assert counts() == ({("scim", True): 1, ("scim", False): 1}, [(2, 1), (1, 1), (0, 0)])
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "active", "value": True})
    assert counts() == ({("scim", True): 2}, [(2, 0), (1, 0), (0, 0)])


def test_counting_is_no_change_of_a_group(scim, barbara, make_group):
    group = make_group("Staff", barbara)
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "active", "value": False})
    assert scim.get(f"/Groups/{group['id']}").json == group


def test_a_local_user_who_is_taken_over_is_counted_as_okta_s(app, scim, counts):
    with app.app_context(), transaction():
        local = directory.create(attributes.user_type(), {"userName": "eve"}, Actor("Ada"), [])
    assert counts() == ({("local", True): 1}, [])
    scim.put(f"/Users/{local.id}", {"userName": "eve"})
    assert counts() == ({("scim", True): 1}, [])


def test_a_refused_write_counts_nothing(scim, barbara, make_group, counts):
    group = make_group("Staff", barbara)
    before = counts()
    assert scim.post("/Users", {"userName": barbara["userName"]}).status_code == 409
    remove = {"op": "remove", "path": "members"}
    bad = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}
    assert scim.patch(f"/Groups/{group['id']}", remove, bad).status_code == 400
    assert counts() == before
