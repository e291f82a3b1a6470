"""The rehearsal passes against a good server, and finds each single thing that is wrong with a bad one.

The good server is scim2-server, in memory. A bad one is the same behind a fault: a function that takes
an Exchange, one request on its way to the good server, and returns what the client gets instead.
"""

import io
import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import pytest
import requests
from scim2_models import Schema, SchemaExtension, ScimPolicy, ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

import rehearsal
from rehearsal import EXTENSION, rehearse

TOKEN = "a-token-that-nobody-may-see"
RESIDENTS = ["barbara", "carlos", "dagny"]
CUSTOM = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
    "id": EXTENSION,
    "name": "Custom",
    "attributes": [
        {"name": "custAttr1", "type": "string", "multiValued": False},
        {"name": "badgeNumber", "type": "integer", "multiValued": False},
        {"name": "vip", "type": "boolean", "multiValued": False},
        {"name": "share", "type": "decimal", "multiValued": False},
        {"name": "since", "type": "dateTime", "multiValued": False},
        {"name": "rooms", "type": "string", "multiValued": True},
    ],
}


@cache
def describe(custom, unknown):
    schemas, types = load_default_schemas(), load_default_resource_types()
    if custom:
        schemas[EXTENSION] = Schema.model_validate(CUSTOM)
        types["User"].schema_extensions.append(SchemaExtension(schema_=EXTENSION, required=False))
    config, policy = load_default_service_provider_config(), ScimPolicy(unknown=unknown)
    return ScimProvider.from_discovery(schemas.values(), types.values(), config=config, policy=policy)


def good_server(custom=True, unknown=ScimPolicy.Unknown.ignore):
    """Return a scim2-server in memory that three people live in already."""
    provider = describe(custom, unknown)
    app = BearerTokenApplication(InMemoryStorage(), provider, bearer_tokens=[TOKEN])
    user_type = app.service.get_resource_type("User")
    for name in RESIDENTS:
        app.storage.create(user_type, provider.model_for(user_type)(user_name=name, active=True))
    return app


@contextmanager
def serving(app):
    """Serve a WSGI application and give its SCIM base URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/v2"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rehearse_against(app, **options):
    with serving(app) as base_url:
        return rehearse(base_url, TOKEN, **{"users": 3, **options})


class InProcess(requests.adapters.BaseAdapter):
    """Carry requests to a WSGI application without a socket: for the many faults, in half the time."""

    def __init__(self, app):
        super().__init__()
        self.app = app

    def send(self, request, **options):
        path, _, query = request.path_url.partition("?")
        builder = EnvironBuilder(path, method=request.method, query_string=query, data=request.body)
        builder.headers.extend(dict(request.headers))
        came = Response.from_app(self.app, builder.get_environ())
        answer = requests.Response()
        answer.status_code, answer.raw = came.status_code, io.BytesIO(came.data)
        answer.headers.update(came.headers)
        answer.request = request
        return answer

    def close(self):
        pass


def names_in(app):
    return sorted(
        getattr(resource, "user_name", None) or resource.display_name for resource in app.storage.resources
    )


def failed_steps(result):
    return [step.name for step in result.steps if not step.ok]


def notes(result):
    return " ".join(note for step in result.steps for note in step.notes)


class Exchange:
    """One request on its way to the good server: change it, serve it, change the answer."""

    def __init__(self, app, environ, memory):
        request = Request(environ)
        self.app, self.memory = app, memory  # the memory lasts as long as the server
        self.method, self.path, self.query = request.method, request.path, request.args.to_dict()
        self.body = request.get_json(force=True, silent=True) or {}
        self.token = request.headers.get("Authorization", "")
        self.base_url = app.get_base_url(environ)

    def asks(self, method, endpoint, one=False):
        """Tell whether this is, say, GET /Users, or with `one` GET /Users/id."""
        parts = self.path.split("/")
        return self.method == method and parts[2] == endpoint and (len(parts) > 3) == one

    def looks_up(self, endpoint):
        return self.asks("GET", endpoint) and "filter" in self.query

    def lists(self, endpoint):
        return self.asks("GET", endpoint) and "filter" not in self.query

    @property
    def operations(self):
        return self.body.get("Operations", [])

    def changes_members(self, op):
        return [one for one in self.operations if one["op"] == op and one.get("path", "").startswith("members")]

    def serve(self):
        return self.ask(self.method, self.path, self.body or None, self.query)

    def ask(self, method, path, body=None, query=None):
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": self.token}
        request = ScimRequest(method, self.base_url, path.removeprefix("/v2"), query or {}, headers, data)
        answer = self.app.serve(request)
        return Response(json.dumps(answer.body) if answer.body else b"", answer.status, answer.headers)

    def current(self):
        """The resource that the path leads to, as it is."""
        return self.ask("GET", self.path).json


def documents(answer):
    """Return the users or groups that an answer shows."""
    return documents_in(answer.get_json(silent=True) or {})


def documents_in(body):
    return body.get("Resources", [body] if "id" in body else [])


def shown(answer, change):
    """Return the answer after `change` was applied to each user or group that it shows."""
    body = answer.get_json(silent=True) or {}
    for doc in documents_in(body):
        change(doc)
    answer.set_data(json.dumps(body) if body else b"")
    return answer


def with_values(answer, **values):
    """Return the answer with other values at the top of its body."""
    answer.set_data(json.dumps({**answer.json, **values}))
    return answer


def listing(answer, found):
    return with_values(answer, Resources=found, itemsPerPage=len(found), totalResults=len(found))


def refusal(status, detail="refused"):
    body = {"schemas": [rehearsal.ERROR], "status": str(status), "detail": detail}
    return Response(json.dumps(body), status, content_type="application/scim+json")


def behind(fault, app):
    """Put a fault before the good server."""
    memory = {}
    return lambda environ, start_response: fault(Exchange(app, environ, memory))(environ, start_response)


FAULTS = []


def breaks(step, *words):
    """Register a fault with the step that must fail of it and what the message must say."""

    def register(fault):
        FAULTS.append(pytest.param(fault, step, words, id=fault.__name__))
        return fault

    return register


@breaks("connect", "totalResults to be an integer", '"3"')
def counters_are_strings(exchange):
    answer = exchange.serve()
    return with_values(answer, totalResults=str(answer.json["totalResults"])) if exchange.lists("Users") else answer


@breaks("connect", "with a wrong token", "expected status 401, got status 200")
def any_token_is_accepted(exchange):
    exchange.token = f"Bearer {TOKEN}"
    return exchange.serve()


@breaks("connect", 'status to be "401", got 401')
def error_status_is_a_number(exchange):
    answer = exchange.serve()
    return with_values(answer, status=401) if answer.status_code == 401 else answer


@breaks("connect", "a detail that says why")
def error_without_detail(exchange):
    answer = exchange.serve()
    return with_values(answer, detail="") if answer.status_code == 401 else answer


@breaks("connect", "expected a JSON object", "status 502", "text/html", "Bad Gateway")
def html_error_page(exchange):
    return Response("<html><h1>Bad Gateway</h1></html>", 502, content_type="text/html")


@breaks("connect", "expected a JSON object", "status 200")
def json_that_is_no_object(exchange):
    return Response("[]", 200, content_type="application/scim+json")


@breaks("connect", "a redirect to https://elsewhere.example/Users")
def redirect(exchange):
    return Response(status=301, headers={"Location": "https://elsewhere.example/Users"})


@breaks("connect", "Retry-After in whole seconds", "Wed, 21 Oct 2026")
def retry_after_is_a_date(exchange):
    return Response(status=429, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})


@breaks("connect", "status 406", "cannot make that")
def okta_media_type_refused(exchange):
    return refusal(406, "cannot make that")


@breaks("assign people", "filter=userName eq", "expected status 200, got status 404")
def look_up_of_a_missing_user_is_404(exchange):
    answer = exchange.serve()
    return refusal(404) if exchange.looks_up("Users") and not documents(answer) else answer


@breaks("assign people", "an empty list, got 3 resources")
def look_up_finds_everybody(exchange):
    exchange.query.pop("filter", None)
    return exchange.serve()


@breaks("assign people", "exactly one, with id", "got 0")
def look_up_heeds_case(exchange):
    answer = exchange.serve()
    if exchange.looks_up("Users"):
        return listing(answer, [doc for doc in documents(answer) if doc["userName"] in exchange.query["filter"]])
    return answer


@breaks("assign people", "POST /Users", "expected status 201, got status 200")
def post_answers_200(exchange):
    answer = exchange.serve()
    if exchange.method == "POST":
        answer.status_code = 200
    return answer


@breaks("assign people", "an id that is a string and not empty, got null")
def post_answers_without_id(exchange):
    answer = exchange.serve()
    return shown(answer, lambda doc: doc.pop("id")) if exchange.method == "POST" else answer


@breaks("assign people", "the created resource, got an empty body")
def post_answers_with_nothing(exchange):
    answer = exchange.serve()
    if exchange.method == "POST":
        answer.set_data(b"")
    return answer


@breaks("assign people", "a Location header that ends in the id")
def post_answers_without_location(exchange):
    answer = exchange.serve()
    answer.headers.pop("Location")
    return answer


@breaks("assign people", "without the password")
def password_is_echoed(exchange):
    answer = exchange.serve()
    password = exchange.body.get("password")
    return shown(answer, lambda doc: doc.update(password=password)) if password else answer


@breaks("assign people", "GET /Users/", "no password (RFC 7643: returned never)")
def password_hash_is_shown(exchange):
    answer = exchange.serve()
    hashed = {"password": "$2b$12$abc"}
    return shown(answer, lambda doc: doc.update(hashed)) if exchange.asks("GET", "Users", one=True) else answer


@breaks("assign people", 'userName to be "Rehearsal-', 'got "rehearsal-')
def user_name_in_lower_case(exchange):
    return shown(exchange.serve(), lambda doc: "userName" in doc and doc.update(userName=doc["userName"].lower()))


@breaks("assign people", "externalId to be", "got null")
def external_id_is_lost(exchange):
    exchange.body.pop("externalId", None)
    return exchange.serve()


@breaks("assign people", 'active to be true, got "true"')
def booleans_are_strings(exchange):
    return shown(exchange.serve(), lambda doc: doc.update(active=str(doc.get("active")).lower()))


@breaks("assign people", "status 500", "database is locked")
def one_of_two_posts_at_the_same_time_fails(exchange):
    in_the_burst = exchange.asks("POST", "Users") and "-0001@" not in exchange.body["userName"]
    if in_the_burst and exchange.memory.setdefault("both", threading.Barrier(2, timeout=10)).wait() == 0:
        return refusal(500, "database is locked")
    return exchange.serve()


@breaks("assign someone who exists", "POST /Users", "expected status 409, got status 201")
def duplicate_is_accepted(exchange):
    answer = exchange.serve()
    if answer.status_code != 409:
        return answer
    name = exchange.body["userName"]
    answer = exchange.ask("POST", exchange.path, {**exchange.body, "userName": f"second {name}"})
    return shown(answer, lambda doc: doc.update(userName=name))


@breaks("assign someone who exists", "POST /Users", "expected status 409, got status 201")
def duplicate_in_other_letters_is_accepted(exchange):
    answer = exchange.serve()
    swapped = exchange.body.get("userName", "").startswith("rEHEARSAL")
    return duplicate_is_accepted(exchange) if swapped and answer.status_code == 409 else answer


@breaks("assign someone who exists", "a SCIM error body, got status 409 with an empty body")
def conflict_without_body(exchange):
    answer = exchange.serve()
    return Response(status=409) if answer.status_code == 409 else answer


@breaks("assign someone who exists", 'scimType to be "uniqueness"')
def conflict_without_scim_type(exchange):
    answer = exchange.serve()
    return refusal(409, "exists") if answer.status_code == 409 else answer


@breaks("assign someone who exists", "POST /Users, then GET /Users/", 'got "Somebody"')
def conflict_overwrites_the_user(exchange):
    answer = exchange.serve()
    if answer.status_code == 409:
        query = {"filter": f'userName eq "{exchange.body["userName"]}"'}
        user = documents(exchange.ask("GET", exchange.path, query=query))[0]
        exchange.ask("PUT", f"{exchange.path}/{user['id']}", {**user, "name": exchange.body["name"]})
    return answer


@breaks("assign someone who exists", "PUT /Users/", "externalId to be", "got null")
def put_is_ignored(exchange):
    return exchange.ask("GET", exchange.path) if exchange.asks("PUT", "Users", one=True) else exchange.serve()


@breaks("assign someone who exists", "PUT /Users/", "expected status 200, got status 204")
def put_answers_204(exchange):
    answer = exchange.serve()
    return Response(status=204) if exchange.asks("PUT", "Users", one=True) else answer


@breaks("update profiles", ", then GET /Users/", "name.givenName to be")
def put_answers_the_new_but_keeps_the_old(exchange):
    if not exchange.asks("PUT", "Users", one=True):
        return exchange.serve()
    old = exchange.current()
    answer = exchange.serve()
    exchange.ask("PUT", exchange.path, {**old, "externalId": exchange.body["externalId"]})
    return answer


@breaks("rename a user", "the id to stay")
def renaming_changes_the_id(exchange):
    renamed = (
        exchange.asks("PUT", "Users", one=True) and exchange.current()["userName"] != exchange.body["userName"]
    )
    answer = exchange.serve()
    return shown(answer, lambda doc: doc.update(id="another")) if renamed else answer


@breaks("rename a user", "+married", "expected exactly one", "got 0")
def plus_sign_is_decoded_twice(exchange):
    if "filter" in exchange.query:
        exchange.query["filter"] = exchange.query["filter"].replace("+", " ")
    return exchange.serve()


@breaks("rename a user", "PUT /Users/", "expected status 409, got status 200")
def renaming_to_a_taken_name_is_shrugged_off(exchange):
    answer = exchange.serve()
    taken = exchange.method == "PUT" and answer.status_code == 409
    return exchange.ask("GET", exchange.path) if taken else answer


@breaks("custom attributes", "badgeNumber to be 4711", 'got "4711"')
def custom_numbers_become_strings(exchange):
    def stringify(doc):
        if "badgeNumber" in doc.get(EXTENSION, {}):
            doc[EXTENSION]["badgeNumber"] = str(doc[EXTENSION]["badgeNumber"])

    return shown(exchange.serve(), stringify)


@breaks("custom attributes", "vip to be true", "got 1")
def custom_booleans_become_numbers(exchange):
    return shown(exchange.serve(), lambda doc: doc.get(EXTENSION, {}).get("vip") and doc[EXTENSION].update(vip=1))


@breaks("custom attributes", "PUT /Users/", "custAttr1 to be", "got null")
def custom_attributes_are_ignored_by_put(exchange):
    if exchange.method == "PUT":
        exchange.body.pop(EXTENSION, None)
    return exchange.serve()


@breaks("custom attributes", "custAttr1 to be null", 'got "Zürich 1"')
def custom_attribute_set_to_null_stays(exchange):
    if exchange.method == "PUT" and EXTENSION in exchange.body:
        old = exchange.current().get(EXTENSION, {})
        new = exchange.body[EXTENSION]
        exchange.body[EXTENSION] = {**new, **{name: old[name] for name in old if new.get(name) is None}}
    return exchange.serve()


@breaks("custom attributes", "schemas to hold urn:ietf:params:scim:schemas:extension:ivanti")
def extension_is_not_listed_in_schemas(exchange):
    return shown(exchange.serve(), lambda doc: doc.update(schemas=doc["schemas"][:1]))


@breaks("push a group", "POST /Groups", "status 405")
def groups_cannot_be_made(exchange):
    return refusal(405) if exchange.asks("POST", "Groups") else exchange.serve()


@breaks("push a group", "PATCH /Groups/", "status 400 (id is readOnly)")
def id_inside_a_renaming_is_refused(exchange):
    pathless = any("id" in one["value"] for one in exchange.operations if "path" not in one)
    return refusal(400, "id is readOnly") if pathless else exchange.serve()


@breaks("push a group", "PATCH /Groups/", "status 501")
def patch_is_not_supported(exchange):
    return refusal(501) if exchange.method == "PATCH" else exchange.serve()


@breaks("push a group", '"op": "add"', 'missing: ["Rehearsal-')
def patch_answers_200_and_does_nothing(exchange):
    return exchange.ask("GET", exchange.path) if exchange.method == "PATCH" else exchange.serve()


@breaks("push a group", '"op": "remove"', "too many")
def removing_a_member_is_ignored(exchange):
    for operation in exchange.changes_members("remove"):
        exchange.operations.remove(operation)
    return exchange.serve() if exchange.operations or exchange.method != "PATCH" else Response(status=204)


@breaks("push a group", '"op": "add"', "missing")
def adding_replaces_the_members(exchange):
    for operation in exchange.changes_members("add"):
        operation["op"] = "replace"
    return exchange.serve()


@breaks("push a group", '"op": "add"', "listed twice")
def adding_a_member_doubles_them(exchange):
    present = (
        [one["value"] for one in exchange.current().get("members", [])] if exchange.changes_members("add") else []
    )
    if any(one["value"] in present for operation in exchange.changes_members("add") for one in operation["value"]):
        exchange.memory["doubled"] = True
    doubled = exchange.memory.get("doubled") and exchange.asks("GET", "Groups", one=True)
    return shown(exchange.serve(), lambda doc: doubled and doc.update(members=doc["members"] * 2))


@breaks("push a group", '"op": "remove"', "status 400 (no such member)")
def removing_an_absent_member_is_an_error(exchange):
    present = str(exchange.current().get("members")) if exchange.changes_members("remove") else ""
    absent = [one for one in exchange.changes_members("remove") if one["path"].split('"')[1] not in present]
    return refusal(400, "no such member") if absent else exchange.serve()


@breaks("push a group", "displayName to be", "-renamed")
def renaming_a_group_is_ignored(exchange):
    for operation in exchange.operations:
        if "path" not in operation:
            operation["value"].pop("displayName", None)
    return exchange.serve()


def with_own_groups(answer, groups):
    """Return the answer with the `groups` of each user in it."""

    def show_groups(doc):
        if "userName" in doc:
            doc["groups"] = [{"value": group["id"]} for group in groups if doc["id"] in str(group.get("members"))]

    return shown(answer, show_groups)


@breaks("push a group", "groups without the one that the user left")
def a_user_who_left_still_shows_the_group(exchange):
    seen = exchange.memory.setdefault("groups", {})
    if exchange.changes_members("add") and exchange.path not in seen:
        answer = exchange.serve()
        seen[exchange.path] = exchange.current()
        return answer
    return with_own_groups(exchange.serve(), seen.values())


@breaks("push now", '"value": []', "expected 0 members", "too many")
def replacing_by_nobody_is_ignored(exchange):
    emptied = any(one["value"] == [] for one in exchange.changes_members("replace"))
    return Response(status=204) if emptied else exchange.serve()


@breaks("push now", "status 400 (value is empty)")
def replacing_by_nobody_is_refused(exchange):
    emptied = any(one["value"] == [] for one in exchange.changes_members("replace"))
    return refusal(400, "value is empty") if emptied else exchange.serve()


@breaks("push now", "too many")
def replacing_only_adds(exchange):
    for operation in exchange.changes_members("replace"):
        operation["op"] = "add"
    return exchange.serve()


@breaks("push a group by PUT", "expected 2 members, got 0", "missing")
def members_in_a_post_are_ignored(exchange):
    if exchange.asks("POST", "Groups"):
        exchange.body["members"] = []
    return exchange.serve()


@breaks("push a group by PUT", "PUT /Groups/", "status 409")
def own_name_of_a_group_is_a_conflict(exchange):
    return refusal(409, "name is taken") if exchange.asks("PUT", "Groups", one=True) else exchange.serve()


@breaks("push a group by PUT", '"groups": []', "missing")
def empty_groups_of_a_user_are_obeyed(exchange):
    answer = exchange.serve()
    if exchange.asks("PUT", "Users", one=True) and exchange.body.get("groups") == []:
        removal = {"op": "remove", "path": f'members[value eq "{exchange.body["id"]}"]'}
        for group in documents(exchange.ask("GET", "/v2/Groups")):
            patch = {"schemas": [rehearsal.PATCH_OP], "Operations": [removal]}
            exchange.ask("PATCH", f"/v2/Groups/{group['id']}", patch)
    return answer


def names_nobody(exchange):
    return "nobody@example.com" in json.dumps(exchange.operations)


@breaks("name an unknown member", "missing")
def refused_change_is_half_applied(exchange):
    if not names_nobody(exchange):
        return exchange.serve()
    exchange.body["Operations"] = exchange.changes_members("remove")
    exchange.serve()
    return refusal(400, "unknown member")


@breaks("name an unknown member", "a refusal of status 4xx, got status 500")
def unknown_member_is_a_crash(exchange):
    return refusal(500) if names_nobody(exchange) else exchange.serve()


@breaks("deactivate", '"active": false', ", then GET /Users/", "active to be false, got true")
def deactivation_is_ignored(exchange):
    ignored = any(one.get("value") == {"active": False} for one in exchange.operations)
    return Response(status=204) if ignored else exchange.serve()


@breaks("deactivate", ", then GET /Users/", "expected status 200, got status 404")
def inactive_users_are_404(exchange):
    answer = exchange.serve()
    gone = exchange.asks("GET", "Users", one=True) and answer.json.get("active") is False
    return refusal(404) if gone else answer


def without_inactive(answer):
    return listing(answer, [doc for doc in documents(answer) if doc.get("active", True)])


@breaks("deactivate", "filter=userName eq", "exactly one", "got 0")
def look_up_skips_the_inactive(exchange):
    return without_inactive(exchange.serve()) if exchange.looks_up("Users") else exchange.serve()


@breaks("import users", "GET /Users?startIndex=1&count=100", "a list without", "(inactive)")
def list_skips_the_inactive(exchange):
    return without_inactive(exchange.serve()) if exchange.lists("Users") else exchange.serve()


@breaks("import users", "another order")
def order_depends_on_the_page_size(exchange):
    answer = exchange.serve()
    if not exchange.lists("Users") or exchange.query["count"] == "100":
        return answer
    backwards = documents(exchange.ask("GET", exchange.path))[::-1]
    start, count = int(exchange.query["startIndex"]), int(exchange.query["count"])
    return with_values(answer, Resources=backwards[start - 1 : start - 1 + count])


@breaks("import users", "count=100: expected 8 resources", "got 5")
def pages_are_capped(exchange):
    if exchange.lists("Users"):
        exchange.query["count"] = min(5, int(exchange.query["count"]))
    return exchange.serve()


@breaks("import users", "startIndex to be 4, got 1")
def start_index_is_ignored(exchange):
    if exchange.lists("Users"):
        exchange.query["startIndex"] = 1
    return exchange.serve()


@breaks("import users", "startIndex=7&count=3: expected 2 resources", "got 3")
def start_index_is_off_by_one(exchange):
    start = int(exchange.query.get("startIndex", 1))
    if exchange.lists("Users") and start > 1:
        exchange.query["startIndex"] = start - 1
        return with_values(exchange.serve(), startIndex=start)
    return exchange.serve()


@breaks("import users", "other resources")
def total_counts_the_page(exchange):
    answer = exchange.serve()
    return listing(answer, documents(answer)) if exchange.lists("Users") else answer


@breaks("import users", "totalResults to be the same on every page")
def total_shrinks_while_paging(exchange):
    answer = exchange.serve()
    later = exchange.lists("Users") and int(exchange.query["startIndex"]) > 1
    return with_values(answer, totalResults=len(documents(answer)) + 3) if later else answer


@breaks("import groups", "2 of ours, each once", "got 3")
def a_group_is_listed_twice(exchange):
    answer = exchange.serve()
    found = documents(answer)
    return listing(answer, [*found, found[0]]) if exchange.lists("Groups") and found else answer


@breaks("import groups", "displayName to be")
def listed_groups_have_an_old_name(exchange):
    old = exchange.memory.setdefault("names", {})
    answer = exchange.serve()
    if exchange.asks("POST", "Groups"):
        old.update({answer.json["id"]: answer.json["displayName"]})
    return shown(answer, lambda doc: doc.update(displayName=old[doc["id"]])) if exchange.lists("Groups") else answer


@breaks("reactivate", '"active": true', "active to be true, got false")
def activation_is_ignored(exchange):
    ignored = any(one.get("value") == {"active": True} for one in exchange.operations)
    return Response(status=204) if ignored else exchange.serve()


@breaks("deactivate by PUT", "PUT /Users/", "active to be false, got true")
def put_does_not_deactivate(exchange):
    if exchange.method == "PUT" and "active" in exchange.body:
        exchange.body["active"] = True
    return exchange.serve()


@breaks("sync the password", "PATCH /Users/", "status 501")
def passwords_cannot_be_changed(exchange):
    changes = any("password" in one["value"] for one in exchange.operations if "path" not in one)
    return refusal(501, "not supported") if changes else exchange.serve()


@breaks("sync the password", "PATCH /Users/", "without the password")
def changed_password_is_echoed(exchange):
    answer = exchange.serve()
    for operation in exchange.operations:
        if "path" not in operation and "password" in operation["value"]:
            return Response(json.dumps({**exchange.current(), **operation["value"]}), 200)
    return answer


@breaks("clear values", "PUT /Users/", "status 400 (null is not allowed)")
def null_is_refused(exchange):
    return refusal(400, "null is not allowed") if None in exchange.body.values() else exchange.serve()


@breaks("clear values", 'expected the values gone, got {"title": "Engineer"}')
def value_set_to_null_stays(exchange):
    if "title" in exchange.body and exchange.body["title"] is None:
        exchange.body["title"] = exchange.current()["title"]
    return exchange.serve()


@breaks("unlink groups", "DELETE /Groups/", ", then GET /Groups/", "expected status 404, got status 200")
def groups_stay_after_delete(exchange):
    if exchange.asks("DELETE", "Groups", one=True) and not exchange.memory.get(exchange.path):
        exchange.memory[exchange.path] = True
        return Response(status=204)
    return exchange.serve()


@breaks("unlink groups", "expected status 204, got status 200")
def delete_answers_200(exchange):
    answer = exchange.serve()
    return Response("{}", 200) if exchange.asks("DELETE", "Groups", one=True) else answer


@breaks("unlink groups", "GET /Users/", "expected status 200, got status 404")
def deleting_a_group_deletes_its_members(exchange):
    if exchange.asks("DELETE", "Groups", one=True):
        for member in exchange.current().get("members", []):
            exchange.ask("DELETE", f"/v2/Users/{member['value']}")
    return exchange.serve()


@breaks("clean up", "DELETE /Users/", ", then GET /Users/", "more like it", "deleted by hand")
def users_stay_after_delete(exchange):
    return Response(status=204) if exchange.asks("DELETE", "Users", one=True) else exchange.serve()


@pytest.mark.parametrize("fault, step, words", FAULTS)
def test_it_finds_the_fault_and_cleans_up(fault, step, words, monkeypatch):
    app = good_server()
    carrier = InProcess(behind(fault, app))
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: carrier)
    result = rehearse("http://in.process/v2", TOKEN, users=3)

    assert failed_steps(result)[:1] == [step]
    message = next(each.failure for each in result.steps if each.name == step)
    assert [word for word in words if word not in message] == [], message
    assert not result.passed
    assert names_in(app) == RESIDENTS or fault is users_stay_after_delete


@pytest.fixture(scope="module")
def good():
    """A rehearsal against the good server: the server, the result, and each Step as it was reported."""
    app, reported = good_server(), []
    result = rehearse_against(app, users=6, groups=3, report=lambda step: reported.append(replace(step)))
    return app, result, reported


def test_a_good_server_passes(good):
    _, result, _ = good
    assert failed_steps(result) == []
    assert result.passed
    assert [step.name for step in result.steps] == [name for name, _, _ in rehearsal.STEPS] + ["clean up"]


def test_the_server_is_left_as_it_was(good):
    app, _, _ = good
    assert names_in(app) == RESIDENTS


def test_each_step_is_reported_as_it_begins_and_ends(good):
    _, result, reported = good
    assert [step.name for step in reported if step.ok is None and not step.done] == [
        step.name for step in result.steps
    ]
    assert [step for step in reported if step.ok is not None] == result.steps


def test_progress_is_reported_up_to_the_end(good):
    _, _, reported = good
    counts = [(step.done, step.total) for step in reported if step.name == "assign people" and step.ok is None]
    assert counts == [(0, 0), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]


def test_the_result_is_plain_data(good):
    _, result, _ = good
    plain = json.loads(json.dumps(result.as_dict()))
    assert plain["passed"] is True
    assert plain["requests"] == sum(step["requests"] for step in plain["steps"]) > 100
    assert plain["steps"][0]["name"] == "connect"
    assert plain["steps"][0]["failure"] is None


def test_what_okta_tolerates_is_noted(good):
    _, result, _ = good
    assert "Users do not show their groups here" in notes(result)
    assert "Members that do not exist are accepted" in notes(result)


def test_a_server_without_the_extension_must_ignore_it():
    result = rehearse_against(good_server(custom=False))
    assert result.passed
    assert "is not declared here: must be ignored" in notes(result)


def test_a_server_that_refuses_unknown_attributes_fails():
    result = rehearse_against(good_server(custom=False, unknown=ScimPolicy.Unknown.forbid))
    assert failed_steps(result) == ["custom attributes"]
    assert "status 400" in result.steps[5].failure


def test_given_custom_attributes_are_sent_instead_of_declared_ones():
    sent = []

    def listen(exchange):
        sent.append((exchange.method, exchange.body.get(EXTENSION)))
        return exchange.serve()

    result = rehearse_against(behind(listen, good_server()), custom_attributes={"custAttr1": "Office {n}"})
    assert result.passed
    assert ("POST", {"custAttr1": "Office 5"}) in sent
    assert ("PUT", {"custAttr1": "Office 1"}) in sent


def test_given_custom_attributes_must_be_kept():
    result = rehearse_against(good_server(custom=False), custom_attributes={"custAttr1": "Berlin"})
    assert failed_steps(result) == ["custom attributes"]
    assert 'custAttr1 to be "Berlin", got null' in result.steps[5].failure


def test_a_server_that_shows_its_users_groups_passes():
    def show_groups(exchange):
        return with_own_groups(exchange.serve(), documents(exchange.ask("GET", "/v2/Groups")))

    result = rehearse_against(behind(show_groups, good_server()))
    assert result.passed
    assert "Users do not show their groups here" not in notes(result)


def test_an_unknown_member_may_be_refused():
    def refuse(exchange):
        return refusal(400, "unknown member") if names_nobody(exchange) else exchange.serve()

    result = rehearse_against(behind(refuse, good_server()))
    assert result.passed
    assert "Members that do not exist" not in notes(result)


def test_patch_may_answer_with_the_resource():
    def answer_200(exchange):
        answer = exchange.serve()
        return exchange.ask("GET", exchange.path) if answer.status_code == 204 and exchange.operations else answer

    assert rehearse_against(behind(answer_200, good_server())).passed


def test_groups_may_be_listed_without_members():
    def leave_out(exchange):
        answer = exchange.serve()
        return shown(answer, lambda doc: doc.pop("members", None)) if exchange.lists("Groups") else answer

    result = rehearse_against(behind(leave_out, good_server()))
    assert result.passed
    assert "shows no members" in notes(result)


def test_someone_else_may_write_meanwhile():
    def add_somebody(exchange):
        answer = exchange.serve()
        if exchange.lists("Users") and exchange.query["count"] == "3" and not exchange.memory:
            exchange.memory["written"] = True
            newcomer = {"schemas": [rehearsal.USER], "userName": "erika", "active": True}
            exchange.ask("POST", "/v2/Users", newcomer)
        return answer

    app = good_server()
    assert rehearse_against(behind(add_somebody, app)).passed
    assert names_in(app) == [*RESIDENTS, "erika"]


def test_it_waits_where_okta_waits():
    def busy_once(exchange):
        if exchange.memory.setdefault("served", exchange.path) != "no":
            exchange.memory["served"] = "no"
            return Response(status=429, headers={"Retry-After": "0"})
        return exchange.serve()

    assert rehearse_against(behind(busy_once, good_server())).passed


def test_it_gives_up_where_okta_gives_up():
    result = rehearse_against(
        lambda environ, start: Response(status=429, headers={"Retry-After": "0"})(environ, start)
    )
    assert "status 429 at 10 tries" in result.steps[0].failure
    assert result.requests == 10


def test_requests_look_like_oktas():
    seen = []

    def record(environ, start_response):
        seen.append(environ)
        return app(environ, start_response)

    app = good_server()
    assert rehearse_against(record).passed
    for environ in seen:
        body = environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH")
        assert environ["HTTP_USER_AGENT"] == "Okta SCIM Client 1.0.0"
        assert environ["HTTP_ACCEPT"] == "application/scim+json"
        assert environ["HTTP_ACCEPT_CHARSET"] == "utf-8"
        assert environ["HTTP_ACCEPT_ENCODING"] == "gzip,deflate"
        assert environ["HTTP_CONNECTION"] == "Keep-Alive"
        assert environ.get("CONTENT_TYPE") == ("application/scim+json; charset=utf-8" if body else None)
    assert seen[0]["QUERY_STRING"] == "startIndex=1&count=2"
    look_up = next(environ["QUERY_STRING"] for environ in seen if "filter" in environ["QUERY_STRING"])
    assert look_up.startswith("filter=userName%20eq%20%22Rehearsal-")
    assert look_up.endswith("-0001%40example.com%22&startIndex=1&count=100")


def test_the_token_is_never_shown():
    def tell(exchange):
        return refusal(400, f"you sent {exchange.token}") if exchange.operations else exchange.serve()

    reported = []
    result = rehearse_against(behind(tell, good_server()), report=lambda step: reported.append(str(step)))
    assert "you sent Bearer [secret]" in str(result)
    assert TOKEN not in str(result) + json.dumps(result.as_dict()) + "".join(reported)


def test_a_message_can_always_be_printed():
    result = rehearse_against(behind(lambda exchange: refusal(400, "half a character: \ud800"), good_server()))
    assert "half a character: ?" in result.steps[0].failure


@pytest.mark.parametrize("token", ["", "two words", "tökén"])
def test_a_token_that_no_header_can_carry_is_named(token):
    result = rehearse("http://127.0.0.1:1/scim/v2", token)
    assert "copy it again" in result.steps[0].failure
    assert result.requests == 0


def test_a_server_that_is_not_there_is_reported_in_plain_words():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = rehearse(f"http://127.0.0.1:{port}/scim/v2", TOKEN)
    assert f"Connection refused (base URL http://127.0.0.1:{port}/scim/v2)" in result.steps[0].failure
    assert [step.name for step in result.steps] == ["connect"]


@pytest.mark.parametrize("base_url", ["scim.example.com/v2", "http://", "ftp://example.com", ""])
def test_a_base_url_that_is_none_is_named(base_url):
    assert "no URL that can be called" in rehearse(base_url, TOKEN).steps[0].failure


def test_a_server_that_is_too_slow_is_reported_in_plain_words(monkeypatch):
    def sleep(exchange):
        time.sleep(0.3)
        return exchange.serve()

    monkeypatch.setattr(rehearsal, "TIMEOUT", 0.05)
    result = rehearse_against(behind(sleep, good_server()))
    assert "no answer within 0.05 seconds" in result.steps[0].failure


def test_a_server_that_goes_away_is_not_asked_for_each_thing_to_clean_up():
    app, gone = good_server(), []

    def go_away(environ, start_response):
        if gone or environ["REQUEST_METHOD"] == "PATCH":
            gone.append(True)
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return app(environ, start_response)

    result = rehearse_against(go_away)
    assert failed_steps(result) == ["push a group", "clean up"]
    assert "the connection failed" in result.steps[-1].failure
    assert f"What begins with Rehearsal-{result.run}- may have to be deleted" in result.steps[-1].failure
    assert result.steps[-1].requests == 1


def test_it_cleans_up_when_interrupted():
    def interrupt(step):
        if step.name == "push now":
            raise KeyboardInterrupt

    app = good_server()
    with pytest.raises(KeyboardInterrupt):
        rehearse_against(app, report=interrupt)
    assert names_in(app) == RESIDENTS


@pytest.mark.parametrize("size", [{"users": 2}, {"groups": 1}])
def test_too_small_a_cast_is_refused(size):
    with pytest.raises(ValueError, match="at least 3 users and 2 groups"):
        rehearse("http://127.0.0.1:1", TOKEN, **size)
