"""The figures of a run as Markdown. No sockets, no files."""

import datetime
import os
import platform
import sqlite3
import statistics
from dataclasses import dataclass, field

PAGE_BUDGET = 5  # times a bare page
IN_ONE = "Rollcall"  # how the names of those begin whose database works in their own process: the budget's
OURS = (IN_ONE, "on PostgreSQL")


@dataclass
class Figures:
    """What the slices of one scenario on one server came to, in milliseconds; `wall` in seconds."""

    cpu: list = field(default_factory=list)
    of_database: list = field(default_factory=list)  # what of it a database server used
    latencies: list = field(default_factory=list)
    wall: float = 0

    def add(self, cpu: float, wall: float, answers: list, of_database: float = 0):
        """Add a slice: seconds of CPU, of them those of a database server, and seconds in all."""
        self.cpu.append(cpu / len(answers) * 1000)
        self.of_database.append(of_database / len(answers) * 1000)
        self.latencies += [answer.seconds * 1000 for answer in answers]
        self.wall += wall

    @property
    def cost(self) -> float:
        return statistics.median(self.cpu)

    @property
    def shown_cost(self) -> str:
        """The cost, and in parentheses what of it a database server used."""
        of_database = statistics.median(self.of_database)
        return f"{self.cost:.2f}" + (f" ({of_database:.2f})" if of_database else "")

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.wall

    def __str__(self):
        ordered = sorted(self.latencies)
        median, tail = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
        return f"{median:.1f} / {tail:.1f}, {self.per_second:,.0f}"


def render(names, scenarios, results, memory, rounds) -> str:
    """Return the report. `results` is {(scenario, server): Figures}, `memory` {server: MiB}."""
    of_scim = [row for row in scenarios if row.door == "scim"]
    of_portal = [row for row in scenarios if row.door == "portal"]
    paces = [results[row.name, "scim2-flask"].cost / row.peer for row in of_scim if row.peer]
    pace = statistics.median(paces or [1])
    ours = [name for name in names if name.startswith(OURS)]
    seen = [line(row.name, *(results.get((row.name, name), "not run") for name in names)) for row in scenarios]
    lines = [
        f"{datetime.date.today()}, {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {rounds} rounds."
        + (
            f" What cost scim2-flask 1 ms when the budget was made cost it {pace:.2f} ms here: the pace."
            if paces
            else ""
        ),
        *section(
            "CPU milliseconds of the server per request, the median of the slices:",
            ("scenario", "bare", "scim2-flask", *ours, "÷ bare", "÷ scim2-flask", "budget", "used", "at pace"),
            [costs(row, ours, results, pace) for row in of_scim],
        ),
        *section(
            "The same for the portal's pages:",
            ("page", "bare page", *ours, "÷ bare page", "budget"),
            [page_costs(row, ours, results) for row in of_portal],
        ),
        *section(
            "Seen through 8 connections that never pause: p50 / p99 milliseconds, requests per second:",
            ("scenario", *names),
            seen,
        ),
        "",
        *table("", *names),
        line("imported users per second (at least 30,000)", *(imported(name, results) for name in names)),
        line("resident MiB after an import of all (at most 200)", *(f"{memory[name]:,.0f}" for name in names)),
    ]
    return "\n".join(lines)


def section(caption, heads, rows) -> list[str]:
    """Return a table under its caption; nothing if it has no rows."""
    return ["", caption, "", *table(*heads), *rows] if rows else []


def line(*cells) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def table(*heads) -> tuple[str, str]:
    """Return the first two lines of a table."""
    return line(*heads), line(*["---"] * len(heads))


def costs(row, ours, results, pace) -> str:
    """Return the line of one scenario: ratios of the smallest Rollcall, the budget against the worst."""
    cost = costs_of(row, ours, results)
    bare, peer = results[row.name, "bare"].cost, results.get((row.name, "scim2-flask"))
    smallest, worst = next(iter(cost.values()), 0), max(cost.values(), default=0)
    first = results.get(("page of 100, first", list(cost)[-1])) if cost else None
    if row.name == "page of 100, last" and first:
        budget, pace = 3 * first.cost, 1
    else:
        budget = (row.prototype or 0) * row.factor
    return line(
        row.name,
        f"{bare:.2f}",
        f"{peer.cost:.2f}" if peer else "not run",
        *shown_costs(row, ours, results),
        f"{smallest / bare:.1f}" if cost else "",
        f"{smallest / peer.cost:.3f}" if cost and peer else "",
        f"{budget:.2f}" if budget else "",
        f"{worst / budget:.2f}" if budget and cost else "",
        f"{worst / budget / pace:.2f}" if budget and cost else "",
    )


def page_costs(row, ours, results) -> str:
    """Return the line of one page of the portal: the dearest Rollcall against the bare page."""
    cost = costs_of(row, ours, results)
    bare = results[row.name, "bare"].cost
    return line(
        row.name,
        f"{bare:.2f}",
        *shown_costs(row, ours, results),
        f"{max(cost.values()) / bare:.1f}" if cost else "",
        PAGE_BUDGET,
    )


def costs_of(row, ours, results) -> dict[str, float]:
    """Return what a scenario costs those on SQLite, which the budgets are for; all if there are none."""
    in_one = [name for name in ours if name.startswith(IN_ONE)]
    return {name: results[row.name, name].cost for name in in_one or ours if (row.name, name) in results}


def shown_costs(row, ours, results) -> list[str]:
    """Return the cells of what a scenario costs each Rollcall."""
    return [results[row.name, name].shown_cost if (row.name, name) in results else "not run" for name in ours]


def imported(name, results) -> str:
    """Return how many users a second the pages of an import brought."""
    figures = results.get(("import, a page of 100", name))
    return f"{figures.per_second * 100:,.0f}" if figures and name != "bare" else ""
