"""Play Okta's whole life cycle against a SCIM base URL, and say where Okta would stumble.

A client and nothing else: it knows HTTP, SCIM and what Okta sends, but nothing of the server behind
the URL, so that any service provider can be rehearsed, one in use too: whatever it makes bears the
random id of the run in its name and is deleted at the end, and nothing else is touched.

    result = rehearse("https://scim.example.com/scim/v2", token, report=print)
    sys.exit(not result.passed)

The order of the requests, their headers and bodies are those of Okta's "SCIM 2.0 Test App", and where
it differs those of an app of its App Integration Wizard, which sends PUT for everything.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

import requests

USERS, GROUPS = "/Users", "/Groups"
LOOKED_UP_BY = {USERS: "userName", GROUPS: "displayName"}

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
EXTENSION = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

OKTA_HEADERS = {
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
    "Connection": "Keep-Alive",
    "Accept-Encoding": "gzip,deflate",
}
BODY_TYPE = {"Content-Type": "application/scim+json; charset=utf-8"}

TIMEOUT = 60  # seconds; then Okta closes the socket
TRIES = 10  # how often Okta sends a request that is answered with 429
LONGEST_PAUSE = 60  # seconds; Okta would wait longer, an administrator at the screen would not
CONNECTIONS = 4  # Okta's assignments come in bursts, over several connections
PAGE = 100

FEWEST_USERS, FEWEST_GROUPS = 3, 2
NAMES = (("Ada", "Lindqvist"), ("Zoë", "Núñez"), ("Łukasz", "Żak"), ("美咲", "田中"), ("Seán", "O'Hara"))

# two values a type: a multi-valued attribute gets both
SAMPLES: dict[str, list[Any]] = {
    "string": ["Zürich {n}", "Genève {n}"],
    "boolean": [True, False],
    "integer": [4711, -1],
    "decimal": [2.5, -0.25],
    "dateTime": ["2026-01-31T08:30:00Z", "2026-02-28T17:00:00Z"],
}


class Unmet(Exception):
    """Something that Okta relies on is not so. The message is a sentence for the administrator."""


class Unreachable(Unmet):
    """No answer came at all."""


@dataclass
class Step:
    """One step. Reported as it begins (`ok` is None), goes on (`done` of `total`) and ends."""

    name: str
    purpose: str
    ok: bool | None = None
    requests: int = 0
    milliseconds: int = 0
    failure: str | None = None
    notes: list[str] = field(default_factory=list)
    done: int = 0
    total: int = 0


@dataclass
class Result:
    """What the rehearsal found. `run` stands in the name of all that it made."""

    run: str
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    @property
    def requests(self) -> int:
        return sum(step.requests for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values, ready for `json.dumps`."""
        totals = {"passed": self.passed, "requests": self.requests, "seconds": round(self.seconds, 3)}
        return {"run": self.run, **totals, "steps": [asdict(step) for step in self.steps]}


def rehearse(
    base_url: str,
    token: str,
    *,
    users: int = 25,
    groups: int = 2,
    custom_attributes: Mapping[str, Any] | None = None,
    report: Callable[[Step], None] | None = None,
) -> Result:
    """Play the life cycle with `users` people and `groups` groups, up to the first step that fails.

    `custom_attributes` maps names in the extension's namespace to values, in which `{n}` stands for
    the person's number; without it, they are read from GET /Schemas. `report` is called, always in
    the caller's thread, with each Step. What was made is deleted in any case.
    Raise ValueError for fewer than 3 users or 2 groups: the steps need them.
    """
    if users < FEWEST_USERS or groups < FEWEST_GROUPS:
        raise ValueError(f"A rehearsal needs at least {FEWEST_USERS} users and {FEWEST_GROUPS} groups.")
    play = Play(Client(base_url, token), custom_attributes, report or (lambda step: None))
    play.cast(users, groups)
    result = Result(play.run)
    started = time.monotonic()
    try:
        for name, purpose, action in STEPS:
            result.steps.append(Step(name, purpose))
            if not perform(play, result.steps[-1], action):
                break
    finally:
        if play.attempted:
            result.steps.append(Step("clean up", "Nothing of the rehearsal stays behind"))
            perform(play, result.steps[-1], clean_up)
        result.seconds = time.monotonic() - started
    return result


def perform(play: "Play", step: Step, action: Callable[["Play"], None]) -> bool:
    """Play one step and report it. Return whether it is as Okta needs it."""
    play.step = step
    play.report(step)
    started, sent = time.monotonic(), play.client.requests
    try:
        action(play)
        step.ok = True
    except Unmet as unmet:
        step.ok = False
        step.failure = play.client.redact(str(unmet))
    finally:
        step.milliseconds = round(1000 * (time.monotonic() - started))
        step.requests = play.client.requests - sent
    play.report(step)
    return step.ok


@dataclass
class Person:
    """Someone as Okta last pushed them: what the server must show."""

    number: int
    user_name: str
    given: str
    family: str
    external_id: str | None
    active: bool = True
    custom: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def path(self) -> str:
        return f"{USERS}/{quote(self.id, safe='')}"


@dataclass
class Group:
    """A group as Okta last pushed it."""

    display_name: str
    members: list[Person] = field(default_factory=list)
    id: str = ""

    @property
    def path(self) -> str:
        return f"{GROUPS}/{quote(self.id, safe='')}"


@dataclass
class Play:
    """The run: its people and groups, and what must be cleaned up."""

    client: "Client"
    custom_attributes: Mapping[str, Any] | None
    report: Callable[[Step], None]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    people: list[Person] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    attempted: list[tuple[str, str]] = field(default_factory=list)  # (endpoint, name)
    made: list[tuple[str, str]] = field(default_factory=list)  # (endpoint, id)
    step: Step = field(default_factory=lambda: Step("", ""))

    @property
    def prefix(self) -> str:
        """What every name begins with. The capital shows whether a server keeps names as sent."""
        return f"Rehearsal-{self.run}-"

    def cast(self, users: int, groups: int) -> None:
        for _ in range(users):
            self.newcomer()
        self.groups = [Group(f"{self.prefix}group-{number}") for number in range(1, groups + 1)]

    def newcomer(self) -> Person:
        """Add one more person, whom the server does not know yet."""
        number = len(self.people) + 1
        given, family = NAMES[number % len(NAMES)]
        user_name = f"{self.prefix}{number:04}@example.com"
        self.people.append(Person(number, user_name, given, family, f"00u{self.run}{number:09}"))
        return self.people[-1]

    def is_ours(self, doc: Any, endpoint: str) -> bool:
        name = value_at(doc, LOOKED_UP_BY[endpoint])
        return isinstance(name, str) and name.casefold().startswith(self.prefix.casefold())

    def note(self, remark: str) -> None:
        """Keep a remark on what Okta tolerates but an administrator should know."""
        if remark not in self.step.notes:
            self.step.notes.append(remark)

    def progress(self, done: int, total: int) -> None:
        self.step.done, self.step.total = done, total
        self.report(self.step)

    def each(self, items: list[Any]) -> Iterator[Any]:
        """Yield the items and report how many are done."""
        for done, item in enumerate(items, 1):
            yield item
            self.progress(done, len(items))


@dataclass(frozen=True)
class Answer:
    """An answer, or one resource of it, and the request that it answers, worded for a sentence."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: Any

    def after(self, earlier: str) -> "Answer":
        """Name the request whose effect this answer is to show."""
        return replace(self, request=f"{earlier}, then {self.request}") if earlier else self

    def showing(self, doc: dict[str, Any]) -> "Answer":
        """Look at one resource of a list only."""
        return replace(self, body=doc)


class Client:
    """Send requests with Okta's headers. Refuse answers that Okta could not read."""

    def __init__(self, base_url: str, token: str):
        self.base_url = base_url.strip().rstrip("/")
        self.token = token.strip()
        self.secret = secrets.token_hex(8)  # part of every password, to notice one that comes back
        self.requests = 0
        self._counting = threading.Lock()
        self._session = requests.Session()
        self._session.headers.update(OKTA_HEADERS)

    def send(self, method: str, path: str, body: dict | None = None, *, token: str | None = None) -> Answer:
        """Return the answer: a JSON object, or nothing. A 429 is tried again later, as Okta does.

        Raise Unreachable if no answer comes, Unmet for one that Okta could not read.
        """
        request = describe(method, path, body)
        sign = bearer(self.token if token is None else token)
        for _ in range(TRIES):
            response = self._exchange(request, method, path, body, sign)
            if response.status_code != 429:
                return self._read(request, response)
            time.sleep(pause(request, response.headers.get("Retry-After")))
        raise Unmet(f"{request}: status 429 at {TRIES} tries in a row, after which Okta gives up.")

    def redact(self, text: str) -> str:
        """Return `text` fit to be shown: without the token and passwords that servers echo, and printable."""
        for secret in filter(None, (self.token, self.secret)):
            text = text.replace(secret, "[secret]")
        return text.encode(errors="replace").decode()

    def _exchange(self, request: str, method: str, path: str, body: dict | None, sign) -> requests.Response:
        with self._counting:
            self.requests += 1
        try:
            return self._session.request(
                method,
                self.base_url + path,
                data=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
                headers=None if body is None else BODY_TYPE,
                auth=sign,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(f"{request}: {explain(error)} (base URL {self.base_url}).") from error

    def _read(self, request: str, response: requests.Response) -> Answer:
        if response.is_redirect:
            raise Unmet(f"{request}: expected an answer, got a redirect to {response.headers['Location']}.")
        if self.secret.encode() in response.content:
            raise Unmet(f"{request}: expected an answer without the password, got the one that was sent.")
        body = decode(request, response) if response.content.strip() else None
        return Answer(request, response.status_code, response.headers, body)


def bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return what signs a request with `token`. No password of a .netrc takes its place."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return sign


def describe(method: str, path: str, body: dict | None) -> str:
    """Return the request as it stands in a sentence, of a PATCH with its operations."""
    operations = f" {show(body['Operations'])}" if body and "Operations" in body else ""
    return f"{method} {unquote(path)}{operations}"


def decode(request: str, response: requests.Response) -> dict[str, Any]:
    kind = response.headers.get("Content-Type", "untyped").partition(";")[0].strip().lower()
    try:
        body = response.json() if kind != "text/html" else None
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        came = f"status {response.status_code} with {kind} text that begins {show(response.text[:80])}"
        raise Unmet(f"{request}: expected a JSON object, got {came}. Okta says “Invalid JSON” to this.")
    return body


def pause(request: str, retry_after: str | None) -> int:
    """Return how many seconds to wait after a 429. Okta reads whole seconds only, no date."""
    if re.fullmatch(r"\d{1,6}", retry_after or "") and int(retry_after or "") <= LONGEST_PAUSE:
        return int(retry_after or "")
    wanted = f"status 429 to have a Retry-After in whole seconds, at most {LONGEST_PAUSE}"
    raise Unmet(f"{request}: expected {wanted}, got {show(retry_after)}.")


def explain(error: requests.RequestException) -> str:
    """Say in plain words why there was no answer."""
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT} seconds, after which Okta gives up"
    if isinstance(error, requests.exceptions.SSLError):
        return f"the server's certificate was not accepted: {first_cause(error)}"
    if isinstance(error, requests.ConnectionError):
        return f"the connection failed: {first_cause(error)}"
    if isinstance(error, ValueError):
        return "this is no URL that can be called"
    return f"the answer could not be read: {first_cause(error)}"


def first_cause(error: BaseException) -> str:
    """Return what the operating system or the TLS library said, below the libraries' wrappings."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def expect(met: bool, answer: Answer, expected: str, came: str) -> None:
    if not met:
        raise Unmet(f"{answer.request}: expected {expected}, got {came}.")


def show(value: Any) -> str:
    """Return a value as JSON, cut to what fits in a sentence."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"


def value_at(doc: Any, path: str) -> Any:
    """Return the value at `name.givenName`, or None where the document has no such place."""
    for name in path.split("."):
        doc = doc.get(name) if isinstance(doc, dict) else None
    return doc


def list_at(doc: Any, path: str) -> list[Any]:
    """Return the list at a place, or an empty one where there is none."""
    found = value_at(doc, path)
    return found if isinstance(found, list) else []


def same(sent: Any, came: Any) -> bool:
    """Compare as JSON, where 1, 1.0, "1" and true are four things. Lists keep no order (RFC 7643 §2.4)."""
    if isinstance(sent, list) and isinstance(came, list):
        return len(sent) == len(came) and all(map(same, sorted(sent, key=str), sorted(came, key=str)))
    return json.dumps(sent, sort_keys=True) == json.dumps(came, sort_keys=True) or same_moment(sent, came)


def same_moment(sent: Any, came: Any) -> bool:
    """Compare as dateTime, which may be written in several ways."""
    try:
        return datetime.fromisoformat(sent) == datetime.fromisoformat(came)
    except (TypeError, ValueError):
        return False


def is_empty(value: Any) -> bool:
    """Tell whether a value counts as unset (RFC 7643 §2.5), or is the "" that Okta may send for it."""
    return value is None or value in ("", [], {})


def expect_status(answer: Answer, *wanted: int) -> None:
    detail = value_at(answer.body, "detail")
    came = f"status {answer.status}" + (f" ({detail})" if detail else "")
    expect(answer.status in wanted, answer, f"status {' or '.join(map(str, wanted))}", came)


def expect_value(answer: Answer, path: str, wanted: Any) -> None:
    came = value_at(answer.body, path)
    expect(same(wanted, came), answer, f"{path} to be {show(wanted)}", show(came))


def expect_schema(answer: Answer, urn: str) -> None:
    schemas = value_at(answer.body, "schemas")
    expect(isinstance(schemas, list) and urn in schemas, answer, f"schemas to hold {urn}", show(schemas))


def expect_id(answer: Answer, known: str = "") -> None:
    """Check that the id is usable, and the `known` one if there is one: Okta keys everything by it."""
    came = value_at(answer.body, "id")
    expect(isinstance(came, str) and came != "", answer, "an id that is a string and not empty", show(came))
    expect(not known or came == known, answer, f"the id to stay {show(known)}", show(came))


def expect_error(answer: Answer, status: int, scim_type: str | None = None) -> None:
    """Check a refusal: Okta shows its `detail` to the administrator, so there must be one."""
    expect_status(answer, status)
    expect(answer.body is not None, answer, "a SCIM error body", f"status {status} with an empty body")
    expect_schema(answer, ERROR)
    expect_value(answer, "status", str(status))
    detail = answer.body.get("detail")
    expect(isinstance(detail, str) and detail.strip() != "", answer, "a detail that says why", show(detail))
    if scim_type:
        expect_value(answer, "scimType", scim_type)


def resources(answer: Answer) -> list[dict[str, Any]]:
    """Return what a ListResponse lists, after a look at its counters: Okta fails at "1" for 1."""
    expect_status(answer, 200)
    expect_schema(answer, LIST)
    for counter in ("totalResults", "startIndex", "itemsPerPage"):
        value = answer.body.get(counter)
        expect(type(value) is int, answer, f"{counter} to be an integer", show(value))
    found = answer.body.get("Resources") or []
    listed = isinstance(found, list) and all(isinstance(doc, dict) for doc in found)
    expect(listed, answer, "Resources to be a list of objects", show(found))
    return found


def check_user(answer: Answer, person: Person) -> None:
    """Check that the answer shows `person` as Okta last pushed them."""
    expect_schema(answer, USER)
    expect_id(answer, person.id)
    expect("password" not in answer.body, answer, "no password (RFC 7643: returned never)", "one")
    expect_value(answer, "userName", person.user_name)
    expect_value(answer, "name.givenName", person.given)
    expect_value(answer, "name.familyName", person.family)
    expect_value(answer, "active", person.active)
    if person.external_id:
        expect_value(answer, "externalId", person.external_id)
    if "displayName" in answer.body:  # a server may do without it, but not show an old one
        expect_value(answer, "displayName", f"{person.given} {person.family}")
    check_email(answer, person.user_name)
    check_custom(answer, person.custom)


def check_email(answer: Answer, address: str) -> None:
    found = [email for email in list_at(answer.body, "emails") if value_at(email, "value") == address]
    expect(bool(found), answer, f"emails to hold {show(address)}", show(answer.body.get("emails")))
    primary = found[0].get("primary", True)
    expect(primary is True, answer, "the email's primary to be true", show(primary))


def check_custom(answer: Answer, values: dict[str, Any]) -> None:
    extension = answer.body.get(EXTENSION)
    for name, wanted in values.items():
        came = value_at(extension, name)
        met = is_empty(came) if is_empty(wanted) else same(wanted, came)
        expect(met, answer, f"{EXTENSION}:{name} to be {show(wanted)}", show(came))
    if not is_empty(extension):
        expect_schema(answer, EXTENSION)


def check_group(answer: Answer, group: Group) -> None:
    """Check that the answer shows the name and exactly the members that Okta last pushed."""
    expect_schema(answer, GROUP)
    expect_id(answer, group.id)
    expect_value(answer, "displayName", group.display_name)
    members = answer.body.get("members") or []
    listed = isinstance(members, list) and all(isinstance(value_at(one, "value"), str) for one in members)
    expect(listed, answer, "members to be a list of objects with a value", show(members))

    came = [member["value"] for member in members]
    wanted = {person.id: person.user_name for person in group.members}
    wrong = {
        "missing": [wanted[member] for member in sorted(wanted.keys() - set(came))],
        "too many": sorted(set(came) - wanted.keys()),
        "listed twice": sorted(set(came)) if len(set(came)) < len(came) else [],
    }
    faults = "; ".join(f"{what}: {show(who)}" for what, who in wrong.items() if who)
    expect(not faults, answer, f"{len(wanted)} members", f"{len(came)} ({faults})")


def profile(person: Person) -> dict[str, Any]:
    """Return the attributes that Okta maps: it always pushes them all."""
    mapped: dict[str, Any] = {
        "userName": person.user_name,
        "name": {"givenName": person.given, "familyName": person.family},
        "emails": [{"primary": True, "value": person.user_name, "type": "work"}],
        "displayName": f"{person.given} {person.family}",
        "locale": "en-US",
        "active": person.active,
    }
    if person.external_id:
        mapped["externalId"] = person.external_id
    if person.custom:
        mapped[EXTENSION] = person.custom
    return mapped


def new_user(play: Play, person: Person) -> dict[str, Any]:
    """Return the body of the POST: `groups` and a password are always in it."""
    schemas = [USER, EXTENSION] if person.custom else [USER]
    password = f"Pw1-{play.client.secret}-{person.number}"
    return {"schemas": schemas, **profile(person), "groups": [], "password": password}


def merged(current: dict[str, Any], person: Person) -> dict[str, Any]:
    """Return the body of Okta's PUT: what GET answered, `id` and `meta` too, with the profile laid over."""
    body = {**current, **profile(person), "groups": []}
    body["name"] = {**current["name"], **body["name"]}
    body["emails"][0]["display"] = person.user_name
    return body


def create(play: Play, endpoint: str, body: dict[str, Any]) -> Answer:
    """POST, and remember what the clean-up has to look for."""
    play.attempted.append((endpoint, body[LOOKED_UP_BY[endpoint]]))
    answer = play.client.send("POST", endpoint, body)
    made = value_at(answer.body, "id")
    if play.is_ours(answer.body, endpoint) and isinstance(made, str) and made:
        play.made.append((endpoint, made))
    return answer


def created_id(answer: Answer) -> str:
    """Return the id that the server gave to what was created."""
    expect_status(answer, 201)
    expect(answer.body is not None, answer, "the created resource", "an empty body")
    expect_id(answer)
    location = answer.headers.get("Location", "")
    ends = unquote(location).endswith(f"/{answer.body['id']}")
    expect(ends, answer, "a Location header that ends in the id", show(location))
    return answer.body["id"]


def look_up(play: Play, endpoint: str, name: str, space: str = "%20") -> Answer:
    """Ask for a name. Okta writes the blanks of the filter as %20, formerly as +."""
    condition = quote(f'{LOOKED_UP_BY[endpoint]} eq "{name}"', safe="").replace("%20", space)
    return play.client.send("GET", f"{endpoint}?filter={condition}&startIndex=1&count={PAGE}")


def expect_found(play: Play, endpoint: str, name: str, known: str, space: str = "%20") -> Answer:
    """Check that a name leads to the one resource that has it. Return the answer showing that one."""
    answer = look_up(play, endpoint, name, space)
    found = resources(answer)
    ids = [doc.get("id") for doc in found]
    expect(ids == [known], answer, f"exactly one, with id {show(known)}", f"{len(ids)}: {show(ids)}")
    expect_value(answer, "totalResults", 1)
    return answer.showing(found[0])


def expect_missing(play: Play, endpoint: str, name: str) -> None:
    answer = look_up(play, endpoint, name)
    found = resources(answer)
    expect(not found, answer, "an empty list", f"{len(found)} resources")
    expect_value(answer, "totalResults", 0)


def assign(play: Play, person: Person) -> None:
    """Look the person up, create them, and read them back by id and by look-up."""
    expect_missing(play, USERS, person.user_name)
    answer = create(play, USERS, new_user(play, person))
    person.id = created_id(answer)
    check_user(answer, person)
    read_user(play, person, after=answer.request)
    check_user(expect_found(play, USERS, person.user_name, person.id), person)


def read_user(play: Play, person: Person, after: str = "") -> dict[str, Any]:
    """GET a user, who must be as Okta last pushed them."""
    answer = play.client.send("GET", person.path).after(after)
    expect_status(answer, 200)
    check_user(answer, person)
    return answer.body


def push_profile(play: Play, person: Person) -> dict[str, Any]:
    """Send the profile as every update goes: GET, merge, PUT. Return the user as read again."""
    answer = play.client.send("GET", person.path)
    expect_status(answer, 200)
    expect_schema(answer, USER)
    expect_id(answer, person.id)
    name = answer.body.get("name")
    expect(isinstance(name, dict), answer, "a name with its parts", show(name))
    return replace_user(play, person, merged(answer.body, person))


def replace_user(play: Play, person: Person, body: dict[str, Any]) -> dict[str, Any]:
    """PUT a user. Okta needs the updated user in the answer, so 204 will not do."""
    answer = play.client.send("PUT", person.path, body)
    expect_status(answer, 200)
    check_user(answer, person)
    return read_user(play, person, after=answer.request)


def send_patch(play: Play, thing: Person | Group, *operations: dict[str, Any]) -> Answer:
    return play.client.send("PATCH", thing.path, {"schemas": [PATCH_OP], "Operations": list(operations)})


def patch_user(play: Play, person: Person, **values: Any) -> None:
    """PATCH as the Test App does: no path, the values in an object. Okta takes 200 with the user, and 204."""
    answer = send_patch(play, person, {"op": "replace", "value": values})
    expect_status(answer, 200, 204)
    if answer.body is not None:
        check_user(answer, person)
    read_user(play, person, after=answer.request)


def patch_group(play: Play, group: Group, *operations: dict[str, Any]) -> None:
    """PATCH a group, which must then be as `group` says. The answer may leave the members out."""
    answer = send_patch(play, group, *operations)
    expect_status(answer, 200, 204)
    if answer.body is not None:
        expect_id(answer, group.id)
    read_group(play, group, after=answer.request)


def create_group(play: Play, group: Group) -> None:
    """Look the group up, create it, and read it back by id and by look-up."""
    expect_missing(play, GROUPS, group.display_name)
    members = as_members(group.members)
    body = {"schemas": [GROUP], "displayName": group.display_name, "members": members}
    answer = create(play, GROUPS, body)
    group.id = created_id(answer)
    read_group(play, group, after=answer.request)
    expect_found(play, GROUPS, group.display_name, group.id)


def read_group(play: Play, group: Group, after: str = "") -> dict[str, Any]:
    """GET a group, which must be as Okta last pushed it."""
    answer = play.client.send("GET", group.path).after(after)
    expect_status(answer, 200)
    check_group(answer, group)
    return answer.body


def as_members(people: Iterable[Person]) -> list[dict[str, str]]:
    return [{"value": person.id, "display": person.user_name} for person in people]


def renaming(group: Group) -> dict[str, Any]:
    """Return what Okta sends right after the creation and with each change: no path, the id inside."""
    return {"op": "replace", "value": {"id": group.id, "displayName": group.display_name}}


def adding(*people: Person) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": as_members(people)}


def removing(person: Person) -> dict[str, Any]:
    return {"op": "remove", "path": f'members[value eq "{person.id}"]'}


def replacing(people: Iterable[Person]) -> dict[str, Any]:
    return {"op": "replace", "path": "members", "value": as_members(people)}


def delete(play: Play, endpoint: str, known: str) -> None:
    """DELETE, and check that it is gone."""
    path = f"{endpoint}/{quote(known, safe='')}"
    answer = play.client.send("DELETE", path)
    expect_status(answer, 204)
    expect_error(play.client.send("GET", path).after(answer.request), 404)
    play.made = [made for made in play.made if made != (endpoint, known)]


def read_all(play: Play, endpoint: str, count: int) -> tuple[Answer, list[dict[str, Any]]]:
    """Return the last page of a list, and what is ours in all of it, in its order.

    Where others write meanwhile, the pages shift: read again, three times at most.
    """
    for _ in range(3):
        answer, totals, ours = read_pages(play, endpoint, count)
        if len(totals) == 1:
            return answer, ours
    came = f"{' and '.join(map(str, totals))}, in three passes"
    raise Unmet(f"{answer.request}: expected totalResults to be the same on every page, got {came}.")


def read_pages(play: Play, endpoint: str, count: int) -> tuple[Answer, set[int], list[dict[str, Any]]]:
    """Page as Okta does: startIndex grows by `count`, however many came, until totalResults is reached."""
    start = 1
    totals: set[int] = set()
    ours: list[dict[str, Any]] = []
    while not totals or (len(totals) == 1 and start <= min(totals)):
        answer = play.client.send("GET", f"{endpoint}?startIndex={start}&count={count}")
        page, total = resources(answer), answer.body["totalResults"]
        full = max(0, min(count, total - start + 1))
        expect(len(page) == full, answer, f"{full} resources, as totalResults is {total}", str(len(page)))
        expect_value(answer, "startIndex", start)
        totals.add(total)
        ours += [doc for doc in page if play.is_ours(doc, endpoint)]
        start += count
        play.progress(min(start - 1, total), total)
    return answer, totals, ours


def connect(play: Play) -> None:
    if not re.fullmatch(r"[!-~]+", play.client.token):
        raise Unmet("The token is empty, or holds a blank or a character that no token has: copy it again.")
    answer = play.client.send("GET", f"{USERS}?startIndex=1&count=2")
    found = resources(answer)
    expect(len(found) <= 2, answer, "at most the 2 users asked for", str(len(found)))
    resources(play.client.send("GET", f"{GROUPS}?startIndex=1&count={PAGE}"))
    for token, kind in (("a-wrong-token", "with a wrong token"), ("", "without a token")):
        refusal = play.client.send("GET", f"{USERS}?startIndex=1&count=2", token=token)
        expect_error(replace(refusal, request=f"{refusal.request} {kind}"), 401)


def assign_people(play: Play) -> None:
    first, *others = play.people
    assign(play, first)
    expect_found(play, USERS, first.user_name.swapcase(), first.id, space="+")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done, _ in enumerate(pool.map(partial(assign, play), others), 2):
            play.progress(done, len(play.people))


def assign_someone_who_exists(play: Play) -> None:
    """Okta meets the conflict, and links the account that was there before: same id, no second one."""
    person = play.newcomer()
    external_id, person.external_id = person.external_id, None
    assign(play, person)
    for name in (person.user_name, person.user_name.swapcase()):
        rival = replace(person, user_name=name, external_id=external_id, given="Somebody", family="Else")
        answer = create(play, USERS, new_user(play, rival))
        expect_error(answer, 409, "uniqueness")
        read_user(play, person, after=answer.request)
        expect_found(play, USERS, person.user_name, person.id)

    person.external_id = external_id
    push_profile(play, person)
    expect_found(play, USERS, person.user_name, person.id)


def update_profiles(play: Play) -> None:
    for person in play.each(play.people):
        person.given, person.family = f"{person.given} Another", f"{person.family}-Berg"
        push_profile(play, person)


def rename_a_user(play: Play) -> None:
    person, other = play.people[:2]
    first_name, second_name = person.user_name, person.user_name.replace("@", "+married@")
    for old, new in ((first_name, second_name), (second_name, first_name)):
        play.attempted.append((USERS, new))
        person.user_name = new
        push_profile(play, person)
        expect_found(play, USERS, new, person.id)
        expect_missing(play, USERS, old)

    taken = merged(read_user(play, person), replace(person, user_name=other.user_name))
    answer = play.client.send("PUT", person.path, taken)
    expect_error(answer, 409, "uniqueness")
    read_user(play, person, after=answer.request)
    expect_found(play, USERS, other.user_name, other.id)


def send_custom_attributes(play: Play) -> None:
    wanted = declared_attributes(play) if play.custom_attributes is None else play.custom_attributes
    if wanted:
        keep_custom_attributes(play, dict(wanted))
    else:
        play.note(f"{EXTENSION} is not declared here: must be ignored.")
    ignore_unknown_attribute(play, play.people[0])


def keep_custom_attributes(play: Play, templates: dict[str, Any]) -> None:
    """Send values with POST and PUT, read them back with their JSON types, and clear them again."""
    newcomer = play.newcomer()
    newcomer.custom = filled(templates, newcomer.number)
    assign(play, newcomer)
    for person in play.each(play.people):
        person.custom = filled(templates, person.number)
        push_profile(play, person)
    first, second = play.people[:2]
    first.custom = dict.fromkeys(templates)
    second.custom = {name: emptied(value) for name, value in templates.items()}
    push_profile(play, first)
    push_profile(play, second)


def ignore_unknown_attribute(play: Play, person: Person) -> None:
    """An attribute that Okta maps and the server does not know must not stop the rest of the profile."""
    body = merged(read_user(play, person), person)
    body[EXTENSION] = {**(body.get(EXTENSION) or {}), "rehearsalUnknown": "ignore me"}
    replace_user(play, person, body)


def declared_attributes(play: Play) -> dict[str, Any]:
    """Return a sample value for each attribute of the extension in GET /Schemas. Okta itself does not ask."""
    schemas = list_at(play.client.send("GET", "/Schemas").body, "Resources")
    extension = next((schema for schema in schemas if value_at(schema, "id") == EXTENSION), None)
    declared = {}
    for attribute in list_at(extension, "attributes"):
        samples = SAMPLES.get(str(value_at(attribute, "type")))
        if samples and attribute.get("mutability") != "readOnly":
            several = attribute.get("multiValued")
            declared[str(attribute.get("name"))] = samples if several else samples[0]
    return declared


def filled(templates: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the values of one person: `{n}` in a template becomes their number."""
    return json.loads(json.dumps(templates).replace("{n}", str(number)))


def emptied(value: Any) -> Any:
    """Return "" for text and [] for a list. Numbers, booleans and moments have no empty value but null."""
    text_or_list = isinstance(value, str | list) and not same_moment(value, value)
    return type(value)() if text_or_list else None


def push_a_group(play: Play) -> None:
    group, leaver, joiner = play.groups[0], play.people[0], play.people[-1]
    create_group(play, group)
    patch_group(play, group, renaming(group))
    group.members = play.people[:-1]
    patch_group(play, group, adding(*group.members))
    check_own_groups(play, group, leaver)

    patch_group(play, group, renaming(group))
    group.members = play.people[1:]
    patch_group(play, group, removing(leaver), adding(joiner))
    check_own_groups(play, group, leaver)
    patch_group(play, group, adding(joiner))
    patch_group(play, group, removing(leaver))

    group.display_name = f"{group.display_name}-renamed"
    play.attempted.append((GROUPS, group.display_name))
    patch_group(play, group, renaming(group))
    expect_found(play, GROUPS, group.display_name, group.id)
    for further in play.each(play.groups[2:]):
        create_group(play, further)
        further.members = list(play.people)
        patch_group(play, further, adding(*further.members))


def check_own_groups(play: Play, group: Group, person: Person) -> None:
    """Check the user's own `groups`, where the server shows them: Okta does not need them."""
    answer = play.client.send("GET", person.path)
    ids = [value_at(entry, "value") for entry in list_at(answer.body, "groups")]
    if person not in group.members:
        expect(group.id not in ids, answer, "groups without the one that the user left", show(ids))
    elif ids:
        expect(group.id in ids, answer, f"groups to hold {show(group.id)}", show(ids))
    else:
        play.note("Users do not show their groups here. Okta does without.")


def push_now(play: Play) -> None:
    group = play.groups[0]
    group.members = play.people[:2]
    patch_group(play, group, replacing(group.members))
    group.members = []
    patch_group(play, group, replacing([]))
    group.members = list(play.people)
    whole = {"id": group.id, "displayName": group.display_name, "members": as_members(group.members)}
    patch_group(play, group, {"op": "replace", "value": whole})


def push_a_group_by_put(play: Play) -> None:
    """Apps of the wizard create the group with its members, and PUT them all at each change."""
    group = play.groups[1]
    group.members = play.people[:2]
    create_group(play, group)
    current = read_group(play, group)
    group.members = play.people[1:]
    answer = play.client.send("PUT", group.path, {**current, "members": as_members(group.members)})
    expect_status(answer, 200)
    read_group(play, group, after=answer.request)

    member = group.members[0]
    push_profile(play, member)  # holds "groups": [], which must not throw anyone out
    read_group(play, group, after=f'PUT {member.path} with "groups": []')


def name_an_unknown_member(play: Play) -> None:
    """A change that names someone unknown is refused as a whole, or else taken: Okta copes with both."""
    group, nobody = play.groups[0], Person(0, "nobody@example.com", "", "", None, id=secrets.token_hex(16))
    answer = send_patch(play, group, removing(group.members[0]), adding(nobody))
    if answer.status in (200, 204):
        play.note("Members that do not exist are accepted here: Okta's administrator would not learn of it.")
        patch_group(play, group, replacing(group.members))
    else:
        expect(400 <= answer.status < 500, answer, "a refusal of status 4xx", f"status {answer.status}")
        expect_error(answer, answer.status)
        read_group(play, group, after=answer.request)


def deactivate(play: Play) -> None:
    person = play.people[0]
    person.active = False
    patch_user(play, person, active=False)
    check_user(expect_found(play, USERS, person.user_name, person.id), person)


def import_users(play: Play) -> None:
    """Okta passes over the inactive, but they are still in the list."""
    people = {person.id: person for person in play.people}
    names = {person.id: person.user_name + ("" if person.active else " (inactive)") for person in play.people}
    for shown in import_all(play, USERS, names):
        check_user(shown, people[shown.body["id"]])


def import_groups(play: Play) -> None:
    groups = {group.id: group for group in play.groups}
    names = {group.id: group.display_name for group in play.groups}
    for shown in import_all(play, GROUPS, names):
        if "members" in shown.body:
            check_group(shown, groups[shown.body["id"]])
        else:
            play.note("A group in the list shows no members: Okta may import it without them.")


def import_all(play: Play, endpoint: str, names: dict[str, str]) -> list[Answer]:
    """Read the list in pages of 100 and again in smaller ones: all of ours once, in the same order."""
    answer, listed = read_all(play, endpoint, PAGE)
    ids = [doc.get("id") for doc in listed]
    lost = [name for known, name in names.items() if known not in ids]
    expect(not lost, answer, "all that was pushed in the list", f"a list without {show(lost)}")
    expect(len(ids) == len(names), answer, f"{len(names)} of ours, each once", f"{len(ids)}")

    again, relisted = read_all(play, endpoint, min(PAGE, -(-answer.body["totalResults"] // 3)))
    order = [doc.get("id") for doc in relisted]
    expect(order == ids, again, "the same order as in pages of 100", "another order or other resources")
    return [answer.showing(doc) for doc in listed]


def reactivate(play: Play) -> None:
    """Assigned again: the same account, under the same id."""
    person = play.people[0]
    expect_found(play, USERS, person.user_name, person.id)
    person.active = True
    patch_user(play, person, active=True)
    push_profile(play, person)


def deactivate_by_put(play: Play) -> None:
    person = play.people[1]
    for active in (False, True):
        person.active = active
        push_profile(play, person)
        expect_found(play, USERS, person.user_name, person.id)


def sync_the_password(play: Play) -> None:
    person = play.people[0]
    patch_user(play, person, password=f"N3w-{play.client.secret}")
    check_user(expect_found(play, USERS, person.user_name, person.id), person)


def clear_values(play: Play) -> None:
    person = play.people[0]
    phones = [{"value": "+1 555 0100", "type": "work"}]
    values = {"title": "Engineer", "nickName": "Ace", "phoneNumbers": phones}
    current = replace_user(play, person, {**merged(read_user(play, person), person), **values})
    dropped = [name for name in values if is_empty(current.get(name))]
    if dropped:
        play.note(f"Not kept here: {', '.join(dropped)}.")

    empty: dict[str, Any] = {"title": None, "nickName": "", "phoneNumbers": []}
    cleared = replace_user(play, person, {**merged(current, person), **empty})
    kept = {name: cleared[name] for name in empty if not is_empty(cleared.get(name))}
    if kept:
        raise Unmet(f"PUT {person.path} with {show(empty)}: expected the values gone, got {show(kept)}.")


def unlink_groups(play: Play) -> None:
    for group in play.each(play.groups):
        delete(play, GROUPS, group.id)
        expect_missing(play, GROUPS, group.display_name)
        expect_error(send_patch(play, group, renaming(group)), 404)
    for person in play.people:
        read_user(play, person)


def clean_up(play: Play) -> None:
    """Delete what was made, and what still turns up under our names. Go on past what fails."""
    chores = [partial(delete, play, *made) for made in reversed(play.made)]
    chores += [partial(sweep, play, *attempted) for attempted in dict.fromkeys(play.attempted)]
    problems = []
    for chore in play.each(chores):
        try:
            chore()
        except Unmet as unmet:
            problems.append(str(unmet))
            if isinstance(unmet, Unreachable):
                break
    if problems:
        more = f" And {len(problems) - 1} more like it." if len(problems) > 1 else ""
        raise Unmet(f"{problems[0]}{more} What begins with {play.prefix} may have to be deleted by hand.")


def sweep(play: Play, endpoint: str, name: str) -> None:
    """Delete what a look-up still finds of ours, such as a duplicate whose id never came."""
    for doc in list_at(look_up(play, endpoint, name).body, "Resources"):
        if play.is_ours(doc, endpoint) and isinstance(doc.get("id"), str):
            delete(play, endpoint, doc["id"])


STEPS = (
    ("connect", "Test API Credentials: the token is accepted, another is not", connect),
    ("assign people", "Whoever is assigned to the app is looked up and created", assign_people),
    ("assign someone who exists", "No second account: the existing one is linked", assign_someone_who_exists),
    ("update profiles", "Changes and Force Sync send the whole profile", update_profiles),
    ("rename a user", "A new userName keeps the id and frees the old name", rename_a_user),
    ("custom attributes", "What the Profile Editor maps arrives with its type", send_custom_attributes),
    ("push a group", "A group and its changes arrive by PATCH", push_a_group),
    ("push now", "The members are overwritten by Okta's, even by none", push_now),
    ("push a group by PUT", "A group arrives as apps of the wizard send it", push_a_group_by_put),
    ("name an unknown member", "A change is done as a whole or refused as a whole", name_an_unknown_member),
    ("deactivate", "Whoever is unassigned is switched off, but stays", deactivate),
    ("import users", "Import pages through everyone, each once", import_users),
    ("import groups", "Import pages through the groups, each once", import_groups),
    ("reactivate", "Assigned again, the same account is switched on", reactivate),
    ("deactivate by PUT", "Apps of the wizard switch off and on by PUT", deactivate_by_put),
    ("sync the password", "Sync Password: taken, and never shown", sync_the_password),
    ("clear values", "Push Empty Values: what is emptied in Okta goes", clear_values),
    ("unlink groups", "Unlinked groups are deleted, their members are not", unlink_groups),
)
