"""Measure Rollcall beside a bare Flask route and scim2-flask, in small slices turn and turn about.

python -m bench.run --quick
python -m bench.run --users 1000,100000 --scenario "GET by id" --rounds 9
python -m bench.run --scenario portal
python -m bench.run --engine postgresql
"""

import argparse
import shutil
import signal
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import pages, postgresql, seed, servers
from bench.people import SPARES
from bench.report import Figures, render
from bench.scenarios import SCENARIOS, Scenario, get, page

BARE = {
    "scim": Scenario("bare", lambda server, number: get("/Users/1")),
    "portal": pages.Page("bare page", lambda server, number: pages.visit("/users")),
}


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are stopped all the same
    with ExitStack() as stack:
        running = []
        seed.DATA.mkdir(exist_ok=True)
        stack.callback(shutil.rmtree, seed.COPIES, ignore_errors=True)
        for start in (
            servers.bare,
            servers.peer,
            *(partial(servers.rollcall, size) for size in options.users),
            *(partial(servers.rollcall_on_postgresql, stack, size) for size in options.postgresql_users),
        ):
            running.append(start())
            stack.callback(running[-1].stop)
        results = measure(running, options)
        memory = {server.name: walk(server) for server in running}
    report = render(list(memory), options.scenarios, results, memory, options.rounds)
    print(report)
    if not (options.quick or options.scenario or options.engine != "all"):
        write(report, Path(__file__).with_name("README.md"))


def read_options():
    """Return the options; a quick run waits for no work that a server has left when it has answered."""
    parser = argparse.ArgumentParser("bench.run", description=__doc__.splitlines()[0])
    parser.add_argument("--users", default="1000,100000,1000000", help="sizes of the SQLite databases")
    parser.add_argument("--postgresql-users", default="100000", help="sizes of the PostgreSQL databases")
    parser.add_argument(
        "--engine", choices=("sqlite", "postgresql", "all"), default="all", help="one alone; nothing kept"
    )
    parser.add_argument("--quick", action="store_true", help="1,000 users, short slices, nothing kept")
    parser.add_argument("--scenario", default="", help="only those whose door and name contain this; nothing kept")
    parser.add_argument("--rounds", type=int, help="slices a scenario and server (default 7; quick 3)")
    options = parser.parse_args()
    options.users = sizes(options.users, options, "sqlite")
    options.postgresql_users = sizes(options.postgresql_users, options, "postgresql")
    if options.postgresql_users and not postgresql.is_installed():
        if options.engine == "postgresql":
            parser.error("PostgreSQL is not installed.")
        options.postgresql_users = []
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds, options.least, options.linger = (0.1, 2, 0) if options.quick else (0.25, 8, 1.2)
    options.scenarios = [
        each
        for each in (*SCENARIOS, *pages.SCENARIOS)
        if options.scenario.lower() in f"{each.door}: {each.name}".lower()
    ]
    return options


def sizes(given: str, options, engine: str) -> list[int]:
    """Return how many users the databases of an engine have; none if it is not measured."""
    if options.engine not in (engine, "all"):
        return []
    return [1_000] if options.quick else [int(size) for size in given.split(",")]


def measure(running, options) -> dict:
    """Return {(scenario, server): Figures}. A round runs all scenarios, a scenario all servers.

    The first round finds out how many requests make a slice of so many seconds; it does not count.
    """
    results, slices, sent, unfinished = defaultdict(Figures), {}, defaultdict(int), {}
    for turn in range(options.rounds + 1):
        for scenario in options.scenarios:
            for server in running:
                is_large = server.name == "bare" or server.size >= scenario.users
                if not is_large or scenario.door not in server.clients:
                    continue
                unfinished.pop(server, int)()
                key = scenario.name, server.name
                numbers = range(sent[key], sent[key] + slices.get(key, options.least))
                figures = results[key] if turn else Figures()
                made = BARE[scenario.door] if server.name == "bare" else scenario
                wall, unfinished[server] = one_slice(server, made, numbers, figures, options.linger)
                sent[key] = numbers.stop
                if not turn:
                    most = SPARES if scenario.before or scenario.after else 500
                    slices[key] = max(options.least, min(most, int(len(numbers) * options.seconds / wall)))
    for finish in unfinished.values():
        finish()
    return results


def one_slice(server, scenario, numbers, figures, linger) -> tuple:
    """Send a request for each number; return (seconds in all, what is to be called before the next slice).

    A server may have work left when it has answered, such as a log to write. So what it has used is read
    `linger` seconds later, while the other servers have their turn.
    """
    client = server.clients[scenario.door]
    if scenario.before:
        client.send(scenario.before(server, number) for number in numbers)
    began, database_began = server.cpu_seconds(), server.database_seconds()
    answers, wall = client.send(scenario.request(server, number) for number in numbers)
    ended = time.monotonic()
    check(server, scenario, answers)

    def finish():
        time.sleep(max(0, ended + linger - time.monotonic()))
        of_database = server.database_seconds() - database_began
        figures.add(server.cpu_seconds() - began + of_database, wall, answers, of_database)
        if scenario.after:
            client.send(map(scenario.after, [server] * len(answers), numbers, answers))

    return wall, finish


def check(server, scenario, answers):
    """Stop where a server did something else than what is to be measured."""
    expected = scenario.expected(server)
    for answer in answers:
        is_right = answer.status in scenario.statuses
        if is_right and expected is not None:
            found = answer.rows if scenario.door == "portal" else len(answer.doc.get("Resources", ()))
            is_right = found == expected
        if not is_right:
            raise SystemExit(f"{server.name}, {scenario.name}: {answer.status} {answer.body[:500]!r}")


def walk(server) -> float:
    """Import all users once, page by page; return the MiB of memory that the server then holds."""
    pages = (server.size + SPARES) // 100 if server.size else 0
    for first in range(0, pages, 100):
        server.client.send(page(1 + 100 * number) for number in range(first, min(first + 100, pages)))
    return server.resident()


def write(report: str, readme: Path):
    """Put the report between the marks of the README."""
    begin, end = "<!-- bench:begin -->", "<!-- bench:end -->"
    text = readme.read_text()
    before, after = text.partition(begin)[0], text.partition(end)[2]
    readme.write_text(f"{before}{begin}\n{report}\n{end}{after}")


if __name__ == "__main__":
    main()
