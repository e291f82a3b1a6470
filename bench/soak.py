"""Keep a server at work as Okta, administrators, slow readers and backups do, and hold it to its promises.

SOAK_SECONDS=28800 SOAK_USERS=100000 python -m bench.soak

Each write that is acknowledged goes into a ledger; after a stop and a start, the server is compared with it. Exit
code 1 when a promise is broken.
"""

import os
import random
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from bench import people, seed, servers
from bench.people import person
from bench.report import line

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PUSHERS, SLOW_READERS = 3, 2
PAUSE = 0.02  # seconds between two requests of one client: Okta sends tens a second
TRIES = 20  # of a request that is told to come back
MOST_MEMORY = 200  # MiB, of all processes
MOST_WAL = 64  # MiB
MOST_GROWTH = 5  # per cent of memory, between the second third of the run and the last
MOST_FILES = 16  # more open files, or threads, in the last third than in the second
WARM = 120  # seconds: a shorter run tells nothing of growth, nor of one in a hundred
SLOWEST = 1_000  # milliseconds: the 99th percentile of every kind, but of what reads everything
READS_EVERYTHING = ("portal: CSV of everybody", "backup")
PAGES = {
    "portal: dashboard": "/",
    "portal: users": "/users",
    "portal: search": "/users?q={word}",
    "portal: groups": "/users/groups",
    "portal: provisioning log": "/admin/provisioning-log",
    "portal: audit trail": "/admin/audit",
}


class Broken(Exception):
    """An answer that no client should get; the message is the answer."""


@dataclass
class Run:
    """What one run has done and seen. Each client has its own part of the ledger."""

    server: servers.Server
    database: Path
    token: str
    end: float
    took: dict = field(default_factory=lambda: defaultdict(list))  # kind → milliseconds
    errors: list = field(default_factory=list)
    told_to_wait: Counter = field(default_factory=Counter)  # status → answers that say when to come back
    users: dict = field(default_factory=dict)  # userName → (title, active), or None for one who is deleted
    members: dict = field(default_factory=dict)  # id of a group → ids of its members
    samples: list = field(default_factory=list)
    copies: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.port}"

    def is_over(self):
        return time.monotonic() > self.end

    def session(self):
        session = requests.Session()
        session.trust_env = False
        session.headers.update({"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"})
        return session

    def send(self, session, kind, method, path, body=None):
        """Return the answer to a request, which is sent again where the server says when. Raise Broken."""
        for _ in range(TRIES):
            began = time.perf_counter()
            answer = session.request(method, self.url + path, json=body, timeout=60, allow_redirects=False)
            self.took[kind].append((time.perf_counter() - began) * 1000)
            if answer.status_code not in (429, 503) or "Retry-After" not in answer.headers:
                break
            self.told_to_wait[answer.status_code] += 1
            time.sleep(min(int(answer.headers["Retry-After"]), 5))
        if answer.status_code not in (200, 201, 204):
            raise Broken(f"{kind}: {method} {path}: {answer.status_code} {answer.text[:200]}")
        time.sleep(PAUSE)
        return answer


# the clients: each is a generator that yields after a request or two


def import_everybody(run):
    """Page through all users, as Okta's import does, again and again."""
    session, start = run.session(), 1
    while True:
        answer = run.send(session, "import: a page of 100", "GET", f"/scim/v2/Users?startIndex={start}&count=100")
        page = answer.json()
        if len(page["Resources"]) != min(100, max(page["totalResults"] - start + 1, 0)):
            raise Broken(f"a page at {start} of {page['totalResults']} has {len(page['Resources'])} users")
        start = start + 100 if start + 100 <= page["totalResults"] else 1
        yield


def push_users(run, name):
    """Create, replace, change, deactivate, look up and delete users of one's own."""
    session, choose, ids = run.session(), random.Random(name), {}
    for number in range(10**9):
        user = person(number, f"soak{name}-")
        user_name = user["userName"]
        found = run.send(session, "push: look-up", "GET", f'/scim/v2/Users?filter=userName eq "{user_name}"')
        if found.json()["totalResults"]:
            raise Broken(f"{user_name} is there before it is created")
        ids[user_name] = run.send(session, "push: create", "POST", "/scim/v2/Users", user).json()["id"]
        run.users[user_name] = (user["title"], True)
        yield
        for turn in range(6):
            of_name = choose.choice(list(ids))
            change_user(run, session, choose, of_name, f"/scim/v2/Users/{ids[of_name]}", f"{number}.{turn}")
            if run.users[of_name] is None:
                del ids[of_name]
            yield
            if not ids:
                break


def change_user(run, session, choose, user_name, path, title):
    _old, active = run.users[user_name]
    kind = choice = choose.choices(["put", "patch", "deactivate", "delete"], [3, 4, 3, 1])[0]
    if choice == "put":
        body = {"userName": user_name, "title": title, "active": active}
        user = run.send(session, "push: replace", "PUT", path, body).json()
        run.users[user_name] = (title, active)
    elif choice == "delete":
        run.send(session, "push: delete", "DELETE", path)
        run.users[user_name] = None
        return
    else:
        value = {"title": title} if choice == "patch" else {"active": not active}
        body = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": value}]}
        user = run.send(session, f"push: {kind}", "PATCH", path, body).json()
        run.users[user_name] = (title, active) if choice == "patch" else (_old, not active)
    if (user.get("title"), user["active"]) != run.users[user_name]:
        raise Broken(f"the answer to a {kind} shows {user.get('title')}, {user['active']}")


def push_groups(run):
    """Put people into a group of one's own and take them out."""
    session, choose = run.session(), random.Random("groups")
    body = {"displayName": f"Soak {time.time_ns()}"}
    group = run.send(session, "group: create", "POST", "/scim/v2/Groups", body).json()["id"]
    members = run.members[group] = set()
    ids = [user["id"] for user in run.server.users]
    path = f"/scim/v2/Groups/{group}"
    while True:
        some = set(choose.sample(ids, 3))
        operation = {"op": "add", "path": "members", "value": [{"value": identifier} for identifier in some]}
        if choose.random() < 0.5:
            operation["op"] = "remove"
        kind = f"group: {operation['op']} members"
        run.send(session, kind, "PATCH", path, {"schemas": [PATCH], "Operations": [operation]})
        members |= some
        if operation["op"] == "remove":
            members -= some
        shown = run.send(session, "group: read", "GET", path).json().get("members", [])
        if {member["value"] for member in shown} != members:
            raise Broken("a group does not show what was just acknowledged")
        yield


def use_portal(run):
    """Look at the pages of an administrator, search, and export everybody now and then."""
    session, choose = requests.Session(), random.Random("portal")
    session.trust_env = False
    session.headers["Cookie"] = servers.cookie_of_session(run.server.port)
    exported = time.monotonic()
    while True:
        for kind, path in PAGES.items():
            word = f"user{choose.randrange(run.server.size)}"
            run.send(session, kind, "GET", path.format(word=word))
            time.sleep(0.1)
            yield
        if time.monotonic() > exported + 30:
            file = run.send(session, READS_EVERYTHING[0], "GET", "/users/export.csv")
            if file.content.count(b"\n") < run.server.size:
                raise Broken(f"the CSV file has {len(file.content)} bytes")
            exported = time.monotonic()


def read_slowly(run):
    """Ask for a long page and read a little of it, for seconds."""
    head = f"GET /scim/v2/Users?count=1000 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {run.token}\r\n\r\n"
    while True:
        with socket.create_connection(("127.0.0.1", run.server.port), 60) as connection:
            connection.sendall(head.encode())
            for _ in range(10):
                connection.recv(2_000)
                time.sleep(0.5)
                yield


def back_up(run):
    """Run `flask backup`, which looks at its copy itself, every 20 seconds, and count who is in it."""
    target = run.database.with_name("copy.db")
    environment = os.environ | {
        "ROLLCALL_INSTANCE_PATH": str(run.database.parent),
        "ROLLCALL_DATABASE_URL": f"sqlite:///{run.database}",
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "backup", "--force", str(target)]
    while True:
        began = time.perf_counter()
        known = sum(value is not None for value in run.users.copy().values())
        made = subprocess.run(command, cwd=seed.ROOT, env=environment, capture_output=True, text=True)
        run.took["backup"].append((time.perf_counter() - began) * 1000)
        if made.returncode:
            raise Broken(f"no copy was made: {made.stdout} {made.stderr[-300:]}")
        with closing(sqlite3.connect(target)) as copy:
            [users] = copy.execute("SELECT count(*) FROM users").fetchone()
        # some may have been deleted while it was made
        if users < run.server.size + people.SPARES + known - 100:
            raise Broken(f"a copy has {users} users")
        run.copies += 1
        for _ in range(40):
            time.sleep(0.5)
            yield


# what the server uses


@dataclass
class Sample:
    seconds: float
    memory: float  # MiB of all processes
    wal: float  # MiB
    files: int
    threads: int


def sample(run, began) -> Sample:
    files = threads = 0
    for pid in run.server.pids():
        with suppress(FileNotFoundError):
            files += len(os.listdir(f"/proc/{pid}/fd"))
            threads += len(os.listdir(f"/proc/{pid}/task"))
    wal = Path(f"{run.database}-wal")
    size = wal.stat().st_size / 2**20 if wal.exists() else 0
    return Sample(time.monotonic() - began, run.server.resident(), size, files, threads)


def growth(values: list) -> tuple[float, float]:
    """Return the medians of the second third of a run and of the last: the first one warms up."""
    third = max(len(values) // 3, 1)
    return statistics.median(values[third : 2 * third] or values), statistics.median(values[-third:])


# the run


def main():
    seconds, users = int(os.environ.get("SOAK_SECONDS", 180)), int(os.environ.get("SOAK_USERS", 100_000))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed.DATA.mkdir(exist_ok=True)
    database, token = seed.copy_of(users)
    server = start(database, token, users)
    try:
        run = Run(server.learn(), database, token, time.monotonic() + seconds)
        work(run, seconds)
        began = time.monotonic()
        server.stop()
        stopped = time.monotonic() - began
        run.server = server = start(database, token, users)
        lost = differences(run)
    finally:
        with suppress(ProcessLookupError):
            server.stop()
    promises = list(judge(run, seconds, stopped, lost, unsound(database)))
    print(report(run, promises, seconds, users))
    for each in (run.errors + lost)[:20]:
        print(each)
    sys.exit(not all(is_kept for *_, is_kept in promises))


def start(database, token, users):
    urls = {"ROLLCALL_DATABASE_URL": f"sqlite:///{database}", "ROLLCALL_INSTANCE_PATH": str(database.parent)}
    urls |= {name: value for name, value in os.environ.items() if name.startswith("MALLOC_")}  # to compare
    return servers.Server("soak", users, ["app.py"], urls, token)


def work(run, seconds):
    """Let all clients work until the end, and look at the server meanwhile."""
    clients = [import_everybody(run), push_groups(run), use_portal(run), back_up(run)]
    clients += [push_users(run, number) for number in range(PUSHERS)]
    clients += [read_slowly(run) for _ in range(SLOW_READERS)]
    threads = [threading.Thread(target=follow, args=(run, client)) for client in clients]
    for thread in threads:
        thread.start()
    began = shown = time.monotonic()
    while not run.is_over():
        run.samples.append(sample(run, began))
        if time.monotonic() > shown:
            shown = time.monotonic() + max(10, seconds / 60)
            show_progress(run, seconds)
        time.sleep(max(1, seconds / 600))
    for thread in threads:
        thread.join(120)
        if thread.is_alive():
            run.errors.append("a client was not answered for two minutes")


def follow(run, client):
    """Go on with a client until the end; what it should not have met is kept, and it goes on no more."""
    try:
        for _ in client:
            if run.is_over():
                return
    except (Broken, requests.RequestException, OSError, ValueError, KeyError) as error:
        run.errors.append(f"{type(error).__name__}: {error}")


def show_progress(run, seconds):
    last, requests_sent = run.samples[-1], sum(map(len, run.took.values()))
    print(
        f"{last.seconds:6.0f} of {seconds} s  {requests_sent:8,} requests  {len(run.errors)} errors  "
        f"{last.memory:5.0f} MiB  WAL {last.wal:5.1f} MiB  {last.files} files  {last.threads} threads",
        flush=True,
    )


def differences(run) -> list[str]:
    """Return what the server holds otherwise than it acknowledged."""
    session, found, cursor = run.session(), {}, ""
    while cursor is not None:
        path = f'/scim/v2/Users?filter=userName sw "soak"&count=1000&cursor={cursor}'
        page = run.send(session, "compare", "GET", path).json()
        found |= {user["userName"]: (user.get("title"), user["active"]) for user in page["Resources"]}
        cursor = page.get("nextCursor")
    lost = compare(run.users, found)
    for group, members in run.members.items():
        shown = run.send(session, "compare", "GET", f"/scim/v2/Groups/{group}").json().get("members", [])
        if {member["value"] for member in shown} != members:
            lost.append(f"group {group}: other members than were acknowledged")
    return lost


def compare(known, found) -> list[str]:
    """Return where the users that are found differ from those that are known; None is one who was deleted."""
    names = sorted(known.keys() | found.keys())
    return [f"{n}: {found.get(n)} is not {known.get(n)}" for n in names if found.get(n) != known.get(n)]


def unsound(database) -> str:
    with sqlite3.connect(database) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
        return found if connection.execute("PRAGMA foreign_key_check").fetchone() is None else "foreign keys"


def judge(run, seconds, stopped, lost, soundness):
    """Yield (promise, limit, measured, whether it is kept)."""
    writes = sum(len(run.took[kind]) for kind in run.took if re.match("push: (?!look)|group: (?!read)", kind))
    slowest = max(percentile(took, 99) for kind, took in run.took.items() if kind not in READS_EVERYTHING)
    before, after = growth([each.memory for each in run.samples])
    peak = max(each.memory for each in run.samples)
    wal = max(each.wal for each in run.samples)
    yield "errors", "0", f"{len(run.errors)}", not run.errors
    yield "acknowledged writes lost", f"0 of {writes:,}", f"{len(lost)}", not lost
    yield "database after it", "ok", soundness, soundness == "ok"
    yield "memory, largest", f"≤ {MOST_MEMORY} MiB", f"{peak:.0f} MiB", peak <= MOST_MEMORY
    yield "write-ahead log, largest", f"≤ {MOST_WAL} MiB", f"{wal:.1f} MiB", wal <= MOST_WAL
    yield "stop", "≤ 20 s", f"{stopped:.1f} s", stopped <= 20
    if seconds < WARM:
        return
    yield "99 of 100 requests of each kind", f"≤ {SLOWEST:,} ms", f"{slowest:,.0f} ms", slowest <= SLOWEST
    percent = 100 * (after / before - 1)
    yield "memory, growth after warm-up", f"≤ {MOST_GROWTH} %", f"{percent:+.1f} %", percent <= MOST_GROWTH
    for name in ("files", "threads"):
        before, after = growth([getattr(each, name) for each in run.samples])
        is_kept = after - before <= MOST_FILES
        yield f"{name}, growth after warm-up", f"≤ {MOST_FILES}", f"{before:.0f} → {after:.0f}", is_kept


def percentile(values, percent):
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]


def report(run, promises, seconds, users) -> str:
    """Return the tables: kinds of requests, memory over time, promises."""
    kinds = [
        (kind, f"{len(took):,}", *(f"{percentile(took, p):,.0f}" for p in (50, 99)), f"{max(took):,.0f}")
        for kind, took in sorted(run.took.items())
    ]
    step = max(len(run.samples) // 8, 1)
    memory = [
        (f"{s.seconds:.0f} s", f"{s.memory:.0f}", f"{s.wal:.1f}", f"{s.files}", f"{s.threads}")
        for s in run.samples[::step]
    ]
    kept = [(name, limit, measured, "yes" if is_kept else "NO") for name, limit, measured, is_kept in promises]
    told = ", ".join(f"{number} × {status}" for status, number in run.told_to_wait.items()) or "none"
    return "\n\n".join(
        [
            f"{seconds} s, {users:,} users, {os.cpu_count()} cores, {run.copies} backups; told to wait: {told}",
            table(("request", "number", "50 % ms", "99 % ms", "slowest ms"), kinds),
            table(("after", "memory MiB", "WAL MiB", "files", "threads"), memory),
            table(("promise", "limit", "measured", "kept"), kept),
        ]
    )


def table(head, rows) -> str:
    return "\n".join([line(*head), line(*["---"] * len(head)), *(line(*row) for row in rows)])


if __name__ == "__main__":
    main()
