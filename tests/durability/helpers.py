"""Writers that remember what the server acknowledged, and checks of what a database then holds.

load = Load(server, seed=1)
load.run(2, server.kill)       # eight writers; the server is killed after two seconds
server.start()
lost, torn = load.differences()
"""

import random
import re
import shutil
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import orjson
import requests

import database
from app import create_app
from core import tokens, words
from core.search import IN_COLUMNS
from database import db, transaction
from models import BLOCK_BITS
from protocol.schema import compile_user_type, fold, index_rows, user_name_key
from tests import databases
from tests.conftest import ACTOR, Server, free_port
from tests.databases import open_database

WRITERS = 8
ABSENT = None


def together(number, function):
    """Call function(0) … function(number - 1) in as many threads at the same moment; return the results."""
    barrier = threading.Barrier(number)

    def call(index):
        barrier.wait()
        return function(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, range(number)))


def new_server(folder, **environment):
    """Return a server for an instance folder with a database, not started yet."""
    app = create_app({"INSTANCE_PATH": folder})
    with app.app_context():
        database.upgrade_database()
        with transaction():
            token = tokens.create("Okta", ACTOR)
        db.engine.dispose()
    return Server(folder, free_port(), token, environment)


def create_users(session, base_url, names, **others):
    """Create a user for each name by bulk requests; return the ids in the same order."""
    ids = []
    for start in range(0, len(names), 100):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name} | others}
            for name in names[start : start + 100]
        ]
        answer = session.post(f"{base_url}/Bulk", json={"schemas": [BULK], "Operations": operations})
        assert [o["status"] for o in answer.json()["Operations"]] == ["201"] * len(operations), answer.text
        ids += [o["location"].rpartition("/")[2] for o in answer.json()["Operations"]]
    return ids


def read_all(session, base_url, endpoint):
    """Return every resource of an endpoint, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        answer = session.get(f"{base_url}/{endpoint}", params={"count": 1000, "cursor": cursor}, timeout=60)
        assert answer.status_code == 200, answer.text
        found += answer.json()["Resources"]
        cursor = answer.json().get("nextCursor")
    return found


def patch_body(*operations):
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def document(user_name, k):
    """Return the body of version k of a user: every attribute says which version it belongs to."""
    return {
        "userName": user_name,
        "displayName": f"{user_name} v{k}",
        "title": f"v{k}",
        "nickName": f"v{k}",
        "name": {"givenName": user_name, "familyName": f"v{k}"},
        "emails": [{"value": f"v{k}@{user_name}", "type": "work", "primary": True}],
        "active": k % 2 == 0,
    }


@dataclass
class Write:
    """One request, and the facts that it makes true: a dict for each operation of a bulk request, else one."""

    method: str
    path: str
    body: dict | None
    facts: list


@dataclass
class Writer:
    """One client. What it was told is `known`; the write under way, of which it was told nothing, is `pending`.

    Facts: ("user", userName) → version, ("group", name) → version, ("member", group, userName) → bool.
    """

    name: str
    session: requests.Session
    random: random.Random
    groups: dict  # name → id: a group of its own, and the one that all writers share
    known: dict = field(default_factory=dict)
    ids: dict = field(default_factory=dict)  # userName → id
    pending: Write | None = None
    count: int = 0
    acknowledged: int = 0

    def users(self):
        return [key[1] for key, version in self.known.items() if key[0] == "user" and version is not ABSENT]

    def some_users(self, most=3):
        users = [name for name in self.users() if name in self.ids]
        return self.random.sample(users, min(len(users), self.random.randint(1, most)))

    def next_write(self) -> Write:
        users = self.some_users(1)
        if not users or self.random.random() < 0.25:
            return self.create()
        kinds = [self.patch, self.put, self.add, self.take_out, self.rename, self.put_group, self.bulk, self.delete]
        return self.random.choices(kinds, [20, 10, 15, 8, 6, 3, 5, 8])[0](users[0])

    def create(self, _user=None):
        self.count += 1
        name = f"{self.name}-{self.count}"
        return Write("POST", "/Users", document(name, 1), [{("user", name): 1}])

    def patch(self, user):
        k = self.known["user", user] + 1
        new = document(user, k)
        if self.random.random() < 0.5:
            operations = [{"op": "replace", "value": new}]
        else:
            paths = {"displayName", "title", "nickName", "active", "emails"}
            operations = [{"op": "replace", "path": path, "value": new[path]} for path in sorted(paths)]
            operations.append({"op": "replace", "path": "name.familyName", "value": f"v{k}"})
        return Write("PATCH", f"/Users/{self.ids[user]}", patch_body(*operations), [{("user", user): k}])

    def put(self, user):
        k = self.known["user", user] + 1
        return Write("PUT", f"/Users/{self.ids[user]}", document(user, k), [{("user", user): k}])

    def delete(self, user):
        facts = {("user", user): ABSENT} | {("member", group, user): False for group in self.groups}
        return Write("DELETE", f"/Users/{self.ids[user]}", None, [facts])

    def add(self, _user):
        group, users = self.random.choice(list(self.groups)), self.some_users()
        operation = {"op": "add", "path": "members", "value": self.values(users)}
        if self.random.random() < 0.5:
            operation = {"op": "add", "value": {"members": self.values(users)}}
        facts = {("member", group, user): True for user in users}
        return Write("PATCH", f"/Groups/{self.groups[group]}", patch_body(operation), [facts])

    def take_out(self, _user):
        group, users = self.random.choice(list(self.groups)), self.some_users()
        operations = [{"op": "remove", "path": "members", "value": self.values(users)}]
        if self.random.random() < 0.5:
            operations = [{"op": "remove", "path": f'members[value eq "{self.ids[u]}"]'} for u in users]
        facts = {("member", group, user): False for user in users}
        return Write("PATCH", f"/Groups/{self.groups[group]}", patch_body(*operations), [facts])

    def rename(self, user):
        """Change the document and the members of a group in one request."""
        k = self.known["group", self.name] + 1
        body = patch_body(
            {"op": "replace", "value": self.group_document(k)},
            {"op": "add", "path": "members", "value": self.values([user])},
        )
        facts = {("group", self.name): k, ("member", self.name, user): True}
        return Write("PATCH", f"/Groups/{self.groups[self.name]}", body, [facts])

    def put_group(self, _user):
        k, users = self.known["group", self.name] + 1, self.some_users()
        body = self.group_document(k) | {"members": self.values(users)}
        facts = {("member", self.name, user): user in users for user in self.users()}
        facts["group", self.name] = k
        return Write("PUT", f"/Groups/{self.groups[self.name]}", body, [facts])

    def bulk(self, user):
        writes = [self.create(), self.patch(user), self.create(), self.add(user), self.create()]
        operations = [
            {"method": write.method, "path": write.path, "bulkId": f"b{index}", "data": write.body}
            for index, write in enumerate(writes)
        ]
        body = {"schemas": [BULK], "Operations": operations}
        return Write("POST", "/Bulk", body, [write.facts[0] for write in writes])

    def values(self, users):
        return [{"value": self.ids[user]} for user in users]

    def group_document(self, k):
        return {"displayName": f"Team {self.name} v{k}", "externalId": f"v{k}"}

    def learn(self, write, answer):
        """Remember what an answer acknowledges."""
        self.acknowledged += 1
        for facts in write.facts:
            self.known.update(facts)
        if write.path == "/Users":
            self.ids[write.body["userName"]] = answer.json()["id"]
        elif write.path == "/Bulk":
            for asked, done in zip(write.body["Operations"], answer.json()["Operations"], strict=True):
                if asked["path"] == "/Users":
                    self.ids[asked["data"]["userName"]] = done["location"].rpartition("/")[2]


class Load:
    """Eight writers at work on a server."""

    def __init__(self, server, seed):
        self.server = server
        self.strange: list = []  # answers that no write should get
        self.unanswered = 0  # writes that got no answer
        self.unheard = 0  # those of them that were carried out all the same
        session = server.session()
        shared = self._create_group(session, "Everyone")
        self.writers = []
        for number in range(WRITERS):
            name = f"w{number}"
            own = self._create_group(session, f"Team {name} v1", externalId="v1")
            groups = {name: own, "Everyone": shared}
            writer = Writer(name, server.session(), random.Random(seed * 100 + number), groups)
            writer.known["group", name] = 1
            self.writers.append(writer)

    def _create_group(self, session, name, **others):
        answer = session.post(f"{self.server.base_url}/Groups", json={"displayName": name} | others)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    @property
    def acknowledged(self):
        """How many writes were acknowledged, the groups at the start included."""
        return sum(writer.acknowledged for writer in self.writers) + len(self.writers) + 1

    def run(self, seconds, end=None):
        """Let the writers work, and call `end` under way after `seconds`; without it, let them finish."""
        self.over = False
        threads = [threading.Thread(target=self._work, args=(writer,)) for writer in self.writers]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        if end is None:
            self.over = True
        else:
            end()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        self.over = True

    def _work(self, writer):
        while not self.over:
            write = writer.pending = writer.next_write()
            try:
                url = self.server.base_url + write.path
                answer = writer.session.request(write.method, url, json=write.body, timeout=30)
            except requests.RequestException:
                return
            refused = '"response"' in answer.text  # an operation of a bulk request
            if answer.status_code not in (200, 201, 204) or refused:
                self.strange.append(f"{write.method} {write.path}: {answer.status_code} {answer.text[:300]}")
                return
            writer.learn(write, answer)
            writer.pending = None

    def differences(self):
        """Compare the server with what it acknowledged: return (what is lost, what is torn).

        What was under way may be there, but whole. From now on it counts as known, as far as it is there.
        """
        actual, ids, torn = self._read()
        lost = []
        for writer in self.writers:
            operations = writer.pending.facts if writer.pending else []
            self.unanswered += writer.pending is not None
            heard = True
            for facts in operations:
                changed = {key: new for key, new in facts.items() if new != self._known(writer, key)}
                done = [key for key, new in changed.items() if actual.get(key, self._nothing(key)) == new]
                if len(done) not in (0, len(changed)):
                    torn.append(f"Only {done} of {changed}")
                heard = heard and not done
                writer.known.update({key: facts[key] for key in done})
            self.unheard += not heard
            for key, value in writer.known.items():
                if actual.get(key, self._nothing(key)) != value:
                    lost.append(f"{key} is {actual.get(key)!r} instead of {value!r}")
            writer.pending = None
            writer.ids.update({name: ids[name] for name in writer.users() if name in ids})
        promised = {key for writer in self.writers for key, value in writer.known.items() if value is not ABSENT}
        torn += [f"{key}: nobody wrote it" for key, value in actual.items() if value and key not in promised]
        return lost, torn

    def _known(self, writer, key):
        return writer.known.get(key, self._nothing(key))

    @staticmethod
    def _nothing(key):
        return False if key[0] == "member" else ABSENT

    def _read(self):
        """Return (facts, userName → id, torn documents) as the server tells them."""
        session, actual, torn = self.server.session(), {}, []
        users = read_all(session, self.server.base_url, "Users")
        names = {user["id"]: user["userName"] for user in users}
        for user in users:
            name, k = user["userName"], int(user["title"].removeprefix("v"))
            actual["user", name] = k
            shown = {key: value for key, value in user.items() if key not in ("id", "meta", "groups", "schemas")}
            if shown != document(name, k):
                torn.append(f"{shown} is not one version of {name}")
        for group in read_all(session, self.server.base_url, "Groups"):
            match = re.fullmatch(r"Team (w\d) v(\d+)", group["displayName"])
            name = match[1] if match else group["displayName"]
            if match:
                actual["group", name] = int(match[2])
                if group["externalId"] != f"v{match[2]}":
                    torn.append(f"{group['displayName']} has externalId {group['externalId']}")
            for member in group.get("members", []):
                actual["member", name, names[member["value"]]] = True
        return actual, {name: identifier for identifier, name in names.items()}, torn


def copy_database(instance, folder):
    """Copy a database that nobody has open, with its write-ahead log; return the folder to look at.

    A PostgreSQL server goes on when ours is killed: what it has is looked at where it is.
    """
    folder.mkdir(parents=True)
    if databases.SERVER:
        return instance
    for file in instance.glob("rollcall.db*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, folder)
    return folder


def torn_rows(folder):
    """Return where the rows of a database do not belong together: documents, look-ups, totals, audit lines."""
    sql = open_database(folder)
    found = [*_torn_users(sql), *_torn_groups(sql), *_torn_totals(sql)]
    sql.close()
    return found


def _torn_users(sql):
    of_type, rows = compile_user_type(), {}
    for look_ups in ("attribute, value_key, element FROM user_values", "word, initial, name FROM user_words"):
        for pk, *row in sql.execute(f"SELECT user_pk, {look_ups}"):
            rows.setdefault(pk, set()).add(tuple(row))
    lines = dict(
        sql.execute(
            "SELECT resource_id, count(*) FROM audit WHERE action IN ('created', 'changed') GROUP BY resource_id"
        )
    )
    columns = "pk, id, user_name_key, display, display_key, active, version, document"
    for pk, identifier, *found, text in sql.execute(f"SELECT {columns} FROM users"):
        doc = orjson.loads(text)
        name, display = doc["userName"], doc.get("displayName") or doc["userName"]
        version = lines.get(identifier)
        if found != [user_name_key(name), display, fold(display), doc["active"], version]:
            yield f"{name}: columns {found}, {version} audit lines"
        if rows.pop(pk, set()) != index_rows(of_type, doc, IN_COLUMNS) | words.rows(doc):
            yield f"{name}: look-ups that are not those of the document"
    if rows:
        yield f"look-ups of users {sorted(rows)}, who are gone"


def _torn_groups(sql):
    columns = "id, display_name, display_name_key, external_id, version, document"
    for identifier, name, key, external_id, version, text in sql.execute(f"SELECT {columns} FROM groups"):
        doc = orjson.loads(text)
        if (name, key, external_id) != (doc["displayName"], fold(name), doc.get("externalId")):
            yield f"{name}: columns that are not those of the document {doc}"
        lines = "SELECT count(*) FROM audit WHERE resource_id = ?"  # a member's deletion has a line elsewhere
        if version < sql.execute(lines, (identifier,)).fetchone()[0]:
            yield f"{name}: version {version}, fewer than audit lines"


def _torn_totals(sql):
    for table in ("users", "groups"):
        kept = dict(sql.execute('SELECT block, count FROM blocks WHERE count <> 0 AND "table" = ?', (table,)))
        true = Counter(pk >> BLOCK_BITS for (pk,) in sql.execute(f"SELECT pk FROM {table}"))
        if kept != true:
            yield f"{table}: totals {kept} instead of {dict(true)}"


def logged_writes(folder):
    """Return how many writes the provisioning log says were carried out."""
    sql = open_database(folder)
    count = "SELECT count(*) FROM provisioning_log WHERE method <> 'GET' AND status < 300"
    [number] = sql.execute(count).fetchone()
    sql.close()
    return number
