"""What is measured: one request each, with what it may cost. No sockets, no clock."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from bench.people import ATTRIBUTE, CUSTOM, SPARES, person

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
OFFICE = f"{CUSTOM}:{ATTRIBUTE}"
WORK_EMAIL = 'emails[type eq "work"].value'


@dataclass(frozen=True)
class Scenario:
    """`request(server, number)` makes the number-th request; `before` and `after` others, unmeasured.

    `prototype` and `peer` (scim2-flask) are the CPU milliseconds that the budget was made from, `factor` what
    it allows on the prototype's; `found` is how many resources or rows a list must hold, or a function of the
    server that tells; `users` is how large the database must be, `door` scim or portal.
    """

    name: str
    request: Callable
    prototype: float | None = None
    peer: float | None = None
    factor: float = 1.5
    found: int | Callable | None = None
    users: int = 0
    statuses: tuple = (200,)
    before: Callable | None = None
    after: Callable | None = None
    door: str = "scim"

    def expected(self, server) -> int | None:
        return self.found(server) if callable(self.found) else self.found


def get(path: str, **parameters) -> tuple[str, str, None]:
    """Return a GET, its parameters encoded as Okta encodes them (%20, never +)."""
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())
    return "GET", f"/scim/v2{path}" + (f"?{query}" if query else ""), None


def page(start: int, **parameters) -> tuple[str, str, None]:
    """Return the request for a page of 100 users."""
    return get("/Users", **parameters, startIndex=start, count=100)


def patch(resource: str, **operation) -> tuple[str, str, dict]:
    """Return a PATCH with one operation."""
    return "PATCH", f"/scim/v2{resource}", {"schemas": [PATCH], "Operations": [operation]}


def eq(attribute: str, value: Callable):
    """Return a maker of look-ups of what `value` takes from a known user."""
    return lambda server, number: page(1, filter=f'{attribute} eq "{value(server.user(number))}"')


def group(size: int, **parameters):
    """Return a maker of requests for the group of this size."""
    return lambda server, number: get(f"/Groups/{server.groups[size]}", **parameters)


def post_user(server, number):
    return "POST", "/scim/v2/Users", person(server.size + number, "new")


def delete_user(server, number, answer):
    return "DELETE", f"/scim/v2/Users/{answer.doc['id']}", None


def put_user(server, number):
    changed = person(number % SPARES, "spare") | {"displayName": f"Changed {number}"}
    return "PUT", f"/scim/v2/Users/{server.spare(number)}", changed


def patch_user(server, number):
    return patch(f"/Users/{server.spare(number)}", op="replace", value={"displayName": f"Patched {number}"})


def membership(size: int, prototype: float, peer: float | None = None):
    """Return the scenarios of adding and of removing one member; each undoes the other."""

    def add(server, number, answer=None):
        member = {"value": server.spare(number)}
        return patch(f"/Groups/{server.groups[size]}", op="add", path="members", value=[member])

    def remove(server, number, answer=None):
        path = f'members[value eq "{server.spare(number)}"]'
        return patch(f"/Groups/{server.groups[size]}", op="remove", path=path)

    limits = {"users": size, "statuses": (200, 204)}
    return (
        Scenario(f"add a member, group of {size:,}", add, prototype, peer, 2, after=remove, **limits),
        Scenario(f"remove a member, group of {size:,}", remove, prototype, peer, 2, before=add, **limits),
    )


SCENARIOS = (
    Scenario("GET by id", lambda s, n: get(f"/Users/{s.user(n)['id']}"), 0.37, 3.3),
    Scenario("userName eq, found", eq("userName", lambda doc: doc["userName"]), 0.50, 5.6, found=1),
    Scenario("userName eq, missing", eq("userName", lambda doc: "nobody"), 0.41, 1.7, found=0),
    Scenario("title eq", eq("title", lambda doc: doc["title"]), 0.71, 19.1, found=5),
    Scenario("custom attribute eq", eq(OFFICE, lambda doc: doc[CUSTOM][ATTRIBUTE]), 0.71, found=5),
    Scenario("e-mail of type work eq", eq(WORK_EMAIL, lambda doc: doc["userName"]), 0.71, found=1),
    Scenario("page of 100, first", lambda s, n: page(1), 1.2, 273, found=100),
    Scenario("page of 100, middle", lambda s, n: page(s.size // 2 + n % 100), 1.2, 273, found=100),
    Scenario("page of 100, last", lambda s, n: page(s.size + SPARES - 99), 1.2, 273, found=100),
    Scenario("page of 100, sortBy=userName", lambda s, n: page(1, sortBy="userName"), found=100),
    Scenario("import, a page of 100", lambda s, n: page(1 + 100 * (n % (s.size // 100))), 1.2, found=100),
    Scenario("GET a group of 1,000", group(1_000), 1.8, 83, 2, users=1_000),
    Scenario("… without members", group(1_000, excludedAttributes="members"), 0.37, 76, 2, users=1_000),
    Scenario("POST a user", post_user, 0.88, 6.2, 2, statuses=(201,), after=delete_user),
    Scenario("PUT a user", put_user, 0.87, 7.0, 2),
    Scenario("PATCH a user", patch_user, 0.82, 5.1, 2, statuses=(200, 204)),
    *membership(10, 0.67, 5.3),
    *membership(1_000, 0.73, 173),
    *membership(100_000, 0.73),
)
