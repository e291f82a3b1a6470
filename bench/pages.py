"""What is measured of the portal: one page each, and how many rows its tables must have. No sockets, no clock."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from bench.scenarios import Scenario

ROWS = 50  # of a page
LARGE = 100_000  # users


@dataclass(frozen=True)
class Page(Scenario):
    """A scenario of the portal: its `found` counts rows."""

    found: int | Callable | None = ROWS
    door: str = "portal"


def visit(path: str, **parameters) -> tuple[str, str, None]:
    """Return the request for a page."""
    return "GET", f"{path}?{urlencode(parameters)}" if parameters else path, None


def users(**parameters):
    """Return a maker of requests for the users page; a parameter may be a function of server and number."""

    def request(server, number):
        made = {name: v(server, number) if callable(v) else v for name, v in parameters.items()}
        return visit("/users", **made)

    return request


def rare(server, number) -> int:
    """Return a number that nobody else's begins with: one word of one user."""
    return server.size - 1 - number % 100


def middle(server, number) -> str:
    """Return the cursor behind a user in the middle, as core.lists makes them of a name and a pk."""
    user = server.size // 2 + number % 100
    return urlsafe_b64encode(orjson.dumps([f"given family {user}", user + 1])).decode().rstrip("=")


def of_user(tab: str):
    return lambda server, number: visit(f"/users/{server.user(number)['id']}{tab}")


def of_group(size: int):
    return lambda server, number: visit(f"/users/groups/{server.groups[size]}")


def group_id(server, number) -> str:
    return server.groups[LARGE]


SCENARIOS = (
    Page("users page", users()),
    Page("sort by name, descending", users(order="descending")),
    Page("sort by user name", users(sort="user_name")),
    Page("sort by user name, descending", users(sort="user_name", order="descending")),
    Page("sort by last changed", users(sort="changed")),
    Page("sort by last changed, descending", users(sort="changed", order="descending")),
    Page("filter: enabled", users(status="enabled")),
    Page("filter: disabled", users(status="disabled")),
    Page("filter: SCIM Okta", users(source="scim")),
    Page("filter: local", users(source="local")),
    Page("filter: not invited", users(invite="not invited")),
    Page("filter: local, disabled", users(source="local", status="disabled"), users=LARGE),
    Page("filter: group of 100,000", users(group=group_id), users=LARGE),
    Page("search: a word of one", users(q=rare), found=1),
    Page("search: a user name", users(q=lambda s, n: f"user{rare(s, n)}@"), found=1),
    Page("search: a word of nobody", users(q="nobody"), found=0),
    Page("search: a word of all", users(q="given")),
    Page("search: an e-mail's domain", users(q="example.com")),
    Page("search: a word of all, by last changed", users(q="given", sort="changed", order="descending")),
    Page("search: a word of 1 %, the last in the order", users(q="99"), users=LARGE),
    Page("search: a word of 11 %, the last in the order", users(q="9")),
    Page("search: two words, of one", users(q=lambda s, n: f"family {rare(s, n)}"), found=1),
    Page("search: two words, of all", users(q="given example.com")),
    Page("search: a word of all, disabled", users(q="given", status="disabled")),
    Page("search: a word of 1 %, local", users(q="99", source="local"), users=LARGE),
    Page("search: a word of all, group of 100,000", users(q="given", group=group_id), users=LARGE),
    Page("page: next", lambda server, number: ("GET", server.next, None)),
    Page("page: in the middle", users(after=middle)),
    Page("page: last", users(before="end")),
    Page("page: last, by last changed, disabled", users(before="end", sort="changed", status="disabled")),
    Page("group's page, 1,000 members", of_group(1_000)),
    Page("group's page, 100,000 members", of_group(LARGE), users=LARGE),
    Page("person: overview", of_user(""), found=0),
    Page("person: attributes", of_user("/attributes"), found=13),
    Page("dashboard", lambda server, number: visit("/"), found=14),
    Page("add user", lambda server, number: visit("/users/new"), found=0),
    Page("provisioning log", lambda server, number: visit("/admin/provisioning-log")),
    Page(
        "groups",
        lambda server, number: visit("/users/groups"),
        found=lambda s: min(ROWS, s.size // 100 + len(s.groups)),
    ),
)
