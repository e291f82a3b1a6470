"""Start and stop the servers, each a process group of its own, and read what they use. Linux only: /proc."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from bench import people, postgresql, seed
from bench.client import BROWSER, OKTA, Client
from bench.pages import visit
from bench.scenarios import get, page
from server import SERVER_THREADS

TOKEN = "bench"
ON_POSTGRESQL = "on PostgreSQL"  # beginning of a server's name
GRANIAN = f"-m granian --interface wsgi --blocking-threads {SERVER_THREADS} --log-level warning".split()


class Server:
    """A running server, what it uses, and the ids of what it holds."""

    database: postgresql.Postgresql | None = None  # a server of its own; SQLite works in ours

    def __init__(self, name: str, size: int, command: list, environment: dict, token: str = TOKEN):
        self.name, self.size = name, size
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = port = listener.getsockname()[1]
        # the WSGI server copies its environment for each request: the same few names for all
        environment |= {"PATH": os.environ["PATH"], "PORT": str(port), "GRANIAN_PORT": str(port)}
        log = seed.DATA / f"{name}.log"
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=seed.ROOT,
            env=environment | {"BENCH_TOKEN": token},
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.client = Client(port, OKTA.format(token))
        self.clients = {"scim": self.client}  # by the door that they use
        deadline = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise SystemExit(f"{name} did not start: see {log}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Return whether the server accepts connections."""
        try:
            return bool(self.client.send([get("/Users/1")]))
        except ConnectionError:
            return False

    def stop(self):
        """End the whole process group."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)

    def pids(self) -> list[str]:
        """Return the processes of the group, the fifth field of /proc/<pid>/stat (proc(5))."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(path.read_text().rpartition(")")[2].split()[2]) == self.process.pid:
                    found.append(path.parent.name)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def cpu_seconds(self) -> float:
        """Return the CPU time of all threads so far, alive or gone, in user and kernel mode.

        It is utime + stime of /proc/<pid>/stat, to the nanosecond instead of the tick: the clock's
        id is what clock_getcpuclockid(3) returns.
        """
        return sum(time.clock_gettime(~int(pid) << 3 | 2) for pid in self.pids())

    def database_seconds(self) -> float:
        """Return the CPU time of the database's processes so far, where it has processes of its own."""
        return self.database.cpu_seconds() if self.database else 0.0

    def resident(self) -> float:
        """Return the resident memory in MiB; each process has its part of what it shares (Pss, proc(5))."""
        rollups = [Path("/proc", pid, "smaps_rollup").read_text() for pid in self.pids()]
        return sum(int(re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)[1]) for text in rollups) / 1024

    def learn(self):
        """Look up ids: those of users all over the list, of the spare ones, of the groups."""
        starts = range(1, self.size, self.size // 10)
        self.users = [doc for doc in self.list(map(page, starts)) if doc["userName"].startswith("user")]
        names = [people.person(number, "spare")["userName"] for number in range(people.SPARES)]
        self.spares = self.list(page(1, filter=f'userName eq "{name}"') for name in names)
        sizes = [size for size in people.SIZES if size <= self.size]
        filters = [f'displayName eq "Group of {size}"' for size in sizes]
        found = self.list(get("/Groups", filter=wanted, excludedAttributes="members") for wanted in filters)
        self.groups = {size: doc["id"] for size, doc in zip(sizes, found, strict=True)}
        return self

    def enter(self):
        """Sign in to the portal, and look where its users page goes on."""
        self.clients["portal"] = Client(self.port, BROWSER.format(cookie_of_session(self.port)))
        (first,), _seconds = self.clients["portal"].send([visit("/users")])
        self.next = unescape(re.search(r'href="([^"]+)" rel="next"', first.body.decode())[1])
        return self

    def list(self, requests) -> list[dict]:
        """Return the resources of all the lists that are asked for."""
        return [doc for answer in self.client.send(requests)[0] for doc in answer.doc["Resources"]]

    def user(self, number: int) -> dict:
        """Return a known user, for neighbouring numbers far apart in the list."""
        return self.users[number * 7919 % len(self.users)]

    def spare(self, number: int) -> str:
        return self.spares[number % people.SPARES]["id"]


def cookie_of_session(port: int) -> str:
    """Sign in as the administrator, as a browser does, and return its cookie."""
    cookies, url = CookieJar(), f"http://127.0.0.1:{port}/sign-in"
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(cookies))
    token = re.search(r'name="csrf_token" value="(\w+)"', browser.open(url).read().decode())[1]
    browser.open(url, urlencode(people.ADMINISTRATOR | {"csrf_token": token}).encode())
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)


def bare() -> Server:
    server = Server("bare", 0, [*GRANIAN, "bench.bare:app"], {})
    server.clients["portal"] = Client(server.port, BROWSER.format("bench=none"))
    return server


def peer() -> Server:
    return Server("scim2-flask", 1_000, [*GRANIAN, "bench.peer:app"], {"BENCH_USERS": "1000"}).learn()


def rollcall(size: int) -> Server:
    """Start Rollcall on a fresh copy of the database of that size, as `make run` does."""
    database, token = seed.copy_of(size)
    urls = {"ROLLCALL_DATABASE_URL": f"sqlite:///{database}", "ROLLCALL_INSTANCE_PATH": str(database.parent)}
    return Server(f"Rollcall {size:,}", size, ["app.py"], urls, token).learn().enter()


def rollcall_on_postgresql(stack: ExitStack, size: int) -> Server:
    """Start Rollcall on a PostgreSQL server of its own, which `stack` stops."""
    database, token = stack.enter_context(postgresql.copy_of(size))
    urls = {"ROLLCALL_DATABASE_URL": database.url, "ROLLCALL_INSTANCE_PATH": str(database.folder)}
    server = Server(f"{ON_POSTGRESQL} {size:,}", size, ["app.py"], urls, token)
    server.database = database
    return server.learn().enter()
