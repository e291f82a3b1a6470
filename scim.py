"""The SCIM door, /scim/v2: routes, bearer guard, parameters, If-Match, media types (RFC 7644). HTTP only.

A view parses, opens the transaction, calls the core and answers. A write's log entry is part of its transaction.
"""

import dataclasses
import hashlib
import itertools
import re
import time
import zlib
from dataclasses import dataclass

import orjson
from flask import Blueprint, Response, current_app, g, request
from flask_httpauth import HTTPTokenAuth
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from core import attributes, directory, journal, search, settings, tokens
from core.journal import Actor
from database import after_commit, now, savepoint, transaction
from protocol import bulk, filters, schema
from protocol.definitions import BASE_PATH, QUERY_PARAMETERS
from protocol.errors import ScimError, invalid_syntax, invalid_value, not_found
from protocol.schema import GROUP_TYPE, Projection

MEDIA_TYPE = "application/scim+json"
ACCEPTED_TYPES = ("", MEDIA_TYPE, "application/json")
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DEFAULT_COUNT, MAX_COUNT = 100, 1_000
MOST_PARTS = 500_000  # lists and objects of a body: each may take thirty times its length in memory
MAX_DEPTH = 64  # levels of lists and objects in a body; SCIM needs eight
PIECE = 2**20  # characters of a list that are sent at once; what is longer is written while it is sent
BULK_SECONDS = 8  # behind which no further operation is begun: other writes wait meanwhile, but not for ever
LARGE_GROUP = 100  # members; a PATCH of a larger one answers 204
SEARCH_NAMES = {name.lower(): name for name in QUERY_PARAMETERS}  # what else comes in a query is not logged

bp = Blueprint("scim", __name__, url_prefix=BASE_PATH)
auth = HTTPTokenAuth(scheme="Bearer", realm="Rollcall")


def is_ours(path: str) -> bool:
    """Return whether this door answers for a path, known or not."""
    return path == "/scim" or path.startswith("/scim/")


@bp.before_app_request
def guard():
    """Refuse whatever comes without a live token: unknown paths and methods too."""
    if request.blueprint != bp.name and not is_ours(request.path):
        return None
    g.started, g.ignored, g.token, g.resource = time.perf_counter(), [], None, None
    g.token = auth.authenticate(auth.get_auth(), None)  # login_required would let OPTIONS through
    return None if g.token else auth.auth_error_callback(401)


@auth.verify_token
def verify_token(secret):
    return tokens.verify(secret) if secret else None


@auth.error_handler
def unauthorized(status):
    """Answer 401; the challenge names an error only if there was a token (RFC 6750 §3.1)."""
    authorization = auth.get_auth()
    secret = authorization.token if authorization else None
    challenge = 'Bearer realm="Rollcall"' + (', error="invalid_token"' if secret else "")
    error = ScimError(401, None, tokens.problem(secret))
    return error_reply(error, {"WWW-Authenticate": challenge})


def actor() -> Actor:
    return Actor(f"SCIM Okta ({g.token.name})", g.token.id)


def resource_type(endpoint: str):
    return GROUP_TYPE if endpoint == "Groups" else attributes.user_type()


def json_body():
    """Return the parsed body. Raise 415 for another media type, invalidSyntax for what is no JSON."""
    if request.mimetype not in ACCEPTED_TYPES:
        raise ScimError(415, None, f"Send JSON as {MEDIA_TYPE}, not {request.mimetype}.")
    if request.content_encoding not in (None, "", "identity"):
        detail = f"Send JSON as it is: the Content-Encoding {request.content_encoding} is not read."
        raise ScimError(415, None, detail)
    data = g.body = request.get_data()
    if not data:
        raise invalid_syntax("The request has no body: a JSON object was expected.")
    parts = data.count(b"[") + data.count(b"{")
    if parts > MOST_PARTS:
        raise ScimError(413, None, f"The JSON has more than {MOST_PARTS:,} lists and objects: send less at once.")
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise invalid_syntax(f"The body is no valid JSON: {error}.") from None
    if parts > MAX_DEPTH and is_deeper(body, MAX_DEPTH):
        raise invalid_syntax(f"The JSON is nested more than {MAX_DEPTH} levels deep.")
    g.sent = body
    return body


def is_deeper(value, levels: int) -> bool:
    """Return whether lists and objects are nested more than so many levels deep."""
    level = [value]
    for _ in range(levels + 1):
        nested = [part for part in level if isinstance(part, dict | list)]
        if not nested:
            return False
        level = [inner for part in nested for inner in (part.values() if isinstance(part, dict) else part)]
    return True


@dataclass
class Query:
    """The parameters of a list (RFC 7644 §3.4.2, RFC 9865), from a query string or a .search body."""

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start: int = 1
    count: int = DEFAULT_COUNT
    cursor: str | None = None
    attributes: list | None = None
    excluded: list | None = None


def query_of(given: dict) -> Query:
    """Return the parameters of a list. Raise invalidValue for those that cannot be; unknown ones are ignored."""
    order = _text(given, "sortOrder") or "ascending"
    if order.lower() not in ("ascending", "descending"):
        raise invalid_value("sortOrder must be ascending or descending.", "sortOrder")
    query = Query(
        filter=_text(given, "filter"),
        sort_by=_text(given, "sortBy"),
        descending=order.lower() == "descending",
        start=max(_integer(given, "startIndex", 1), 1),
        count=min(max(_integer(given, "count", DEFAULT_COUNT), 0), MAX_COUNT),
        cursor=_text(given, "cursor"),
        attributes=_names(given, "attributes"),
        excluded=_names(given, "excludedAttributes"),
    )
    if query.cursor is not None and query.count == 0:
        raise ScimError(400, "invalidCount", "With a cursor, count must be at least 1 (RFC 9865).")
    return query


def query_string() -> dict:
    """Return the parameters of the query string; a filter in other letter case is no filter to be dropped."""
    given = {}
    for name, value in request.args.items(multi=True):
        name = SEARCH_NAMES.get(name.lower(), name)
        if name == "filter" and name in given:
            raise invalid_value("filter is given more than once.", "filter")
        given.setdefault(name, value)
    return given


def _text(given, name):
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_value(f"{name} must be a string.", name)
    return value


def _integer(given, name, default):
    value = given.get(name)
    if value in (None, ""):
        return default
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,4000}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_value(f"{name} must be a whole number, not {value!r}.", name)
    return max(min(value, 2**53), -(2**53))


def _names(given, name):
    value = given.get(name) or []
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise invalid_value(f"{name} must be a list of attribute names.", name)
    return [n.strip() for n in names if n.strip()]


def projection(of_type, attributes, excluded):
    """Return the Projection that parameters ask for, or None to show everything."""
    return Projection(of_type, attributes, excluded) if attributes or excluded else None


def asked_projection(of_type):
    """Return the Projection that the query string asks for, or None."""
    if not request.query_string:
        return None
    given = query_string()
    return projection(of_type, _names(given, "attributes"), _names(given, "excludedAttributes"))


def base_url() -> str:
    """Return where clients find this door: what is configured, what an administrator chose, or what they called.

    A host that is no name, such as one with an underscore, can stand in no address: then it is a path alone.
    """
    called = f"{'https' if request.is_secure else 'http'}://{request.host}" if request.host else ""
    return (settings.public_url() or called + request.root_path) + BASE_PATH


def scim_response(body, status=200, headers=None):
    return Response(body, status, headers, content_type=MEDIA_TYPE)


def empty_response(status, tag=None):
    response = Response(status=status, headers={"ETag": tag} if tag else None)
    del response.headers["Content-Type"]
    return response


def error_reply(error: ScimError, headers=None):
    """Answer with an error. Its detail ends in the request's id: strict clients refuse a member of its own."""
    g.error, body = error, error.body()
    body["detail"] += f" (request {request.environ['rollcall.request_id']})"
    return scim_response(orjson.dumps(body), error.status, headers)


def from_http(error: HTTPException) -> ScimError:
    """Return Werkzeug's own refusals as SCIM errors."""
    details = {
        404: f"Nothing is at {request.path}.",
        405: f"{request.method} is not possible at {request.path}.",
        413: f"The request is larger than {current_app.config['MAX_CONTENT_LENGTH']} bytes.",
    }
    detail = details.get(error.code, error.description or error.name)
    return ScimError(error.code, "invalidSyntax" if error.code == 400 else None, detail)


def etag(resource, related) -> str:
    """Return the weak ETag. A user's tells when the groups that it shows have changed, too."""
    return f'W/"{_revision(resource, related)}"'


def _revision(resource, related):
    if resource.type is GROUP_TYPE or not related:
        return str(resource.version)
    return f"{resource.version}-{zlib.crc32(repr(related).encode()):08x}"


def texts(resources: list, shown: Projection | None):
    """Yield (JSON text, ETag) of each resource, all of one type, as `shown` leaves it; all is looked up before."""
    if not resources:
        return iter(())
    base, of_type, pks = base_url(), resources[0].type, [resource.pk for resource in resources]
    if of_type is not GROUP_TYPE:
        related = directory.groups_of(pks)
    else:
        related = directory.members_of(pks) if shown is None or shown.shows("members") else {}
    return (_text_of(resource, related.get(resource.pk), base, shown) for resource in resources)


def _text_of(resource, related, base, shown):
    """Return (JSON text, ETag): what is stored, with what is added when serving around it.

    Whatever stands in quotes here needs no escaping, the base URL neither: it is checked, or a host name.
    """
    of_type, revision = resource.type, _revision(resource, related)
    parts = [f'{{"id":"{resource.id}",{resource.text[1:-1]}']
    if related:
        parts.append(_members_text(base, related) if of_type is GROUP_TYPE else _groups_text(base, related))
    parts.append(
        f'"meta":{{"resourceType":"{of_type.name}","created":"{resource.created}",'
        f'"lastModified":"{resource.last_modified}","location":"{base}{of_type.endpoint}/{resource.id}",'
        f'"version":"W/\\"{revision}\\""}}}}'
    )
    text = ",".join(parts)
    if shown is not None:
        text = orjson.dumps(shown.apply(orjson.loads(text))).decode()
    return text, f'W/"{revision}"'


def _members_text(base, ids):
    """Return the members of a group; ids need no escaping, and there may be 100,000 of them."""
    members = [f'{{"value":"{i}","$ref":"{base}/Users/{i}","type":"User"}}' for i in ids.split(",")]
    return f'"members":[{",".join(members)}]'


def _groups_text(base, groups):
    listed = [{"value": i, "$ref": f"{base}/Groups/{i}", "display": name, "type": "direct"} for i, name in groups]
    return f'"groups":{orjson.dumps(listed).decode()}'


def reply(resource, status=200):
    """Answer with one resource, as the parameters want to see it."""
    g.resource = resource
    [(text, tag)] = texts([resource], asked_projection(resource.type))
    headers = {"ETag": tag}
    if status == 201:
        headers["Location"] = f"{base_url()}{resource.type.endpoint}/{resource.id}"
    return scim_response(text.encode(), status, headers)


def list_reply(total, size, items, **paging):
    """Answer a list of `size` JSON texts, in pieces if it is long."""
    head = orjson.dumps({"schemas": [LIST_SCHEMA], "totalResults": total, "itemsPerPage": size} | paging)
    pieces = _pieces(head[:-1].decode() + ',"Resources":[', items)
    first, second = next(pieces), next(pieces, None)
    if second is None:
        return scim_response(first)
    g.beginning = first
    return scim_response(itertools.chain([first, second], pieces))


def _pieces(head, items):
    """Yield the bytes of a list: PIECE characters, or as many more as the last item has."""
    parts, size, separator = [head], 0, ""
    for item in items:
        parts += separator, item
        size, separator = size + len(item), ","
        if size > PIECE:
            yield "".join(parts).encode()
            parts, size = [], 0
    parts.append("]}")
    yield "".join(parts).encode()


def current_etag(resource) -> str:
    return etag(resource, directory.groups_of([resource.pk]).get(resource.pk))


def check_version(resource, wanted=None):
    """Raise 412 if the request, or a bulk operation, is for another version of the resource (RFC 7644 §3.14)."""
    headers = request.headers
    if wanted is None and "If-Match" not in headers and "If-None-Match" not in headers:
        return
    tag = current_etag(resource)
    if wanted is not None:
        matches = wanted == "*" or _opaque(wanted) == _opaque(tag)
    else:
        matches = is_wanted(tag) and not request.if_none_match.contains_weak(_opaque(tag))
    if not matches:
        raise changed_since(resource)


def is_wanted(tag) -> bool:
    """Return whether If-Match lets an ETag pass; a header that cannot be read matches nothing."""
    return "If-Match" not in request.headers or request.if_match.contains_weak(_opaque(tag))


def changed_since(resource):
    return ScimError(412, None, f"The {resource.type.name} has changed since: read it again, then retry.")


def _opaque(tag):
    return tag.removeprefix("W/").strip('"')


def entry(response) -> dict:
    """Return what the log keeps of this request; nothing secret."""
    error, resource = g.get("error"), g.get("resource")
    query = logged_query() if request.query_string else ""
    return {
        "time": now(),
        "token_id": g.token.id if g.token else None,
        "address": request.remote_addr,
        "method": request.method,
        "path": journal.clean(request.path + query),
        "resource_type": resource.type.name if resource else None,
        "resource_id": resource.id if resource else None,
        "subject": journal.clean(subject(response.status_code)),
        "status": response.status_code,
        "scim_type": error.scim_type if error else None,
        "error": journal.clean(error.detail) if error else None,
        "milliseconds": round((time.perf_counter() - g.started) * 1000, 2),
        "ignored": journal.clean(journal.as_json(g.ignored or None)),
        "request": journal.readable(g.get("body", b"")),
        "answer": journal.readable((g.get("beginning") or response.get_data())[: journal.LARGEST_BODY + 1]),
    }


def subject(status) -> str | None:
    """Return the name in the body of a refused request, or of what a DELETE is about: later, nothing may tell."""
    if request.method == "DELETE":
        return g.resource.name if g.get("resource") else None
    if status < 400 or not isinstance(g.get("sent"), dict):
        return None
    if request.method != "PATCH":
        return named_in(g.sent)
    if g.resource is not None:
        return None  # its name is looked up when the log is read
    operations = next((part for key, part in g.sent.items() if key.lower() == "operations"), None)
    values = [o.get("value") for o in operations if isinstance(o, dict)] if isinstance(operations, list) else []
    return next(filter(None, map(named_in, values)), None)


def named_in(body) -> str | None:
    """Return the userName, or else the displayName, in a JSON object."""
    names = {key.lower(): value for key, value in body.items()} if isinstance(body, dict) else {}
    found = (names.get(key) for key in ("username", "displayname"))
    return next((name for name in found if isinstance(name, str) and name), None)


def logged_query() -> str:
    """Return the query string without parameters that are not SCIM's: they may be secrets."""
    named = [(name, value) for name, value in request.args.items(multi=True) if name.lower() in SEARCH_NAMES]
    return "?" + "&".join(f"{name}={value}" for name, value in named) if named else ""


def logged(response):
    """Write the log entry of a write as part of its transaction, and return the answer."""
    journal.flush(entry(response))
    after_commit(lambda: g.setdefault("is_logged", True))
    return response


@bp.after_app_request
def log(response):
    """Collect the entry of a read or a refusal; those of writes are written already."""
    if "started" in g and not g.get("is_logged"):
        journal.collect(entry(response))
    return response


@bp.post("/<any(Users, Groups):endpoint>")
def create(endpoint):
    body = json_body()
    with transaction():
        resource = directory.create(resource_type(endpoint), body, actor(), g.ignored)
        return logged(reply(resource, 201))


@bp.get("/<any(Users, Groups):endpoint>/<resource_id>")
def get(endpoint, resource_id):
    resource = directory.find(resource_type(endpoint), resource_id)
    response = reply(resource)
    tag = response.headers["ETag"]
    if not is_wanted(tag):
        raise changed_since(resource)
    if request.if_none_match.contains_weak(_opaque(tag)):
        return empty_response(304, tag)
    return response


@bp.put("/<any(Users, Groups):endpoint>/<resource_id>")
def replace(endpoint, resource_id):
    body = json_body()
    with transaction():
        resource = g.resource = directory.find(resource_type(endpoint), resource_id)
        check_version(resource)
        return logged(reply(directory.replace_with(resource, body, actor(), g.ignored)))


@bp.patch("/<any(Users, Groups):endpoint>/<resource_id>")
def patch(endpoint, resource_id):
    body = json_body()
    with transaction():
        resource = g.resource = directory.find(resource_type(endpoint), resource_id)
        check_version(resource)
        resource = directory.patch_with(resource, body, actor(), g.ignored)
        return logged(patch_reply(resource))


def patch_reply(resource):
    """Answer 200 with the resource; 204 for a large group, whose members nobody wants back."""
    large = resource.type is GROUP_TYPE and directory.count_members(resource, LARGE_GROUP + 1) > LARGE_GROUP
    if large and not asked_projection(resource.type):
        g.resource = resource
        return empty_response(204, etag(resource, None))
    return reply(resource)


@bp.delete("/<any(Users, Groups):endpoint>/<resource_id>")
def delete(endpoint, resource_id):
    with transaction():
        resource = g.resource = directory.find(resource_type(endpoint), resource_id)
        check_version(resource)
        directory.remove(resource, actor())
        return logged(empty_response(204))


@bp.get("/<any(Users, Groups):endpoint>")
def list_resources(endpoint):
    return search_reply([resource_type(endpoint)], query_string())


@bp.post("/<any(Users, Groups):endpoint>/.search")
def search_resources(endpoint):
    return search_reply([resource_type(endpoint)], search_body())


@bp.route("/<any(Users, Groups):endpoint>/.search", methods=["GET", "PUT", "PATCH", "DELETE"])
def search_is_a_post(endpoint):
    """Without this, .search would be taken for an id."""
    raise MethodNotAllowed(["POST"])


@bp.get("")
def list_everything():
    return search_reply([attributes.user_type(), GROUP_TYPE], query_string())


@bp.post("/.search")
def search_everything():
    return search_reply([attributes.user_type(), GROUP_TYPE], search_body())


def search_body():
    body = json_body()
    if not isinstance(body, dict):
        raise invalid_syntax("The body of a search must be a JSON object.")
    schemas = next((value for name, value in body.items() if name.lower() == "schemas"), None)
    if schemas is not None and (not isinstance(schemas, list) or SEARCH_SCHEMA not in schemas):
        raise invalid_syntax(f"'schemas' of a search must be [\"{SEARCH_SCHEMA}\"].")
    return {SEARCH_NAMES.get(name.lower(), name): value for name, value in body.items()}


def search_reply(types, given):
    """Answer a list over one type, or over all of them (RFC 7644 §3.4.2.1)."""
    query = query_of(given)
    trees = [parse_filter(query.filter, of_type, types) for of_type in types]
    orders = orders_of(types, query)
    position = {"start": query.start} if query.cursor is None else open_cursor(query)
    count = query.count if query.cursor is None else query.count + 1  # one more tells whether a page follows
    if len(types) == 1:
        total, found, is_cut = directory.page(types[0], trees[0], orders[0], count=count, **position)
    else:
        total, found, is_cut = directory.page_over(types, trees, orders, position["start"], count)
    is_last, found = len(found) <= query.count and not is_cut, found[: query.count]
    if query.cursor is None:
        paging = {"startIndex": query.start}
    else:
        paging = {} if is_last else {"nextCursor": next_cursor(query, position, found)}
    return list_reply(total, len(found), list_items(types, found, query), **paging)


def list_items(types, resources, query):
    """Yield resources as JSON text, in their order; those of a type are looked up together, and before."""
    of_types = {}
    for of_type in types:
        own = [resource for resource in resources if resource.type is of_type]
        of_types[of_type] = texts(own, projection(of_type, query.attributes, query.excluded))
    return (next(of_types[resource.type])[0] for resource in resources)


def parse_filter(text, of_type, types):
    if text is None:
        return None
    return filters.parse(text, of_type, tuple(other for other in types if other is not of_type))


def orders_of(types, query):
    """Return an Order a type. Over several types, one without the attribute sorts as without a value."""
    if len(types) == 1:
        return [search.order(types[0], query.sort_by, query.descending)]
    known = [not query.sort_by or query.sort_by.lower() in of_type.paths for of_type in types]
    return [
        search.order(of_type, query.sort_by if knows or not any(known) else None, query.descending)
        for of_type, knows in zip(types, known, strict=True)
    ]


def _cursors():
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="cursor")


def _fingerprint(query):
    asked = [request.path, query.filter, query.sort_by, query.descending]
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()[:16]


def next_cursor(query, position, found) -> str:
    if "after" in position:
        position = {"after": found[-1].pk}
    else:
        position = {"start": position["start"] + len(found)}
    return _cursors().dumps([_fingerprint(query), query.count, position])


def open_cursor(query) -> dict:
    """Return the position that a cursor holds. Raise invalidCursor, or invalidCount if count has changed."""
    if query.cursor == "":
        by_pk = not query.sort_by and request.path.startswith((f"{BASE_PATH}/Users", f"{BASE_PATH}/Groups"))
        return {"after": 0} if by_pk else {"start": 1}
    try:
        fingerprint, count, position = _cursors().loads(query.cursor)
    except BadSignature:
        raise ScimError(400, "invalidCursor", "The cursor is not one of ours: begin with an empty one.") from None
    if fingerprint != _fingerprint(query):
        raise ScimError(400, "invalidCursor", "The cursor belongs to another query: filter and order must stay.")
    if count != query.count:
        raise ScimError(400, "invalidCount", f"The cursor was made for count={count}: it must stay.")
    return position


@bp.post("/Bulk")
def run_bulk():
    """Carry a bulk request out in one transaction; each operation is whole or absent (RFC 7644 §3.7)."""
    asked = bulk.parse(json_body())
    with transaction():
        ids, results, resources, errors = asked.ids(), {}, {}, 0
        end = time.perf_counter() + BULK_SECONDS
        for operation in asked.operations:
            if time.perf_counter() > end:
                operation.problem = bulk_too_long()
            results[operation.index], resource = bulk_result(operation, ids)
            errors += resource is None
            # without its text: a thousand large documents would fill the memory
            resources[operation.index] = resource and dataclasses.replace(resource, text="")
            if asked.fail_on_errors and errors >= asked.fail_on_errors:
                break
        for index, resource in resources.items():
            if resource is not None and results[index]["status"] != "204":
                results[index]["version"] = current_etag(resource)  # later operations may have changed its groups
        schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
        body = {"schemas": schemas, "Operations": [results[i] for i in sorted(results)]}
        return logged(scim_response(orjson.dumps(body)))


def bulk_too_long():
    detail = f"The operations before this one took {BULK_SECONDS} seconds: send this one in another bulk request."
    return ScimError(413, None, detail)


def bulk_result(operation, ids):
    """Carry one operation out; return its part of the answer, and the resource or None.

    A refusal undoes only this operation.
    """
    result = {"method": operation.method} if operation.method else {}
    if operation.bulk_id:
        result["bulkId"] = operation.bulk_id
    try:
        if operation.problem:
            raise operation.problem
        with savepoint():
            status, resource = bulk_operation(operation, ids)
    except ScimError as error:
        if operation.method == "POST" and operation.problem is None:
            del ids[operation.bulk_id]
        location = operation.method != "POST" and bulk_location(operation, ids)
        located = {"location": location} if location else {}
        return result | located | {"status": str(error.status), "response": error.body()}, None
    result["location"] = f"{base_url()}{resource.type.endpoint}/{resource.id}"
    return result | {"status": str(status)}, resource


def bulk_location(operation, ids):
    try:
        return base_url() + "/" + "/".join(_bulk_target(operation, ids))
    except ScimError:
        return None


def _bulk_target(operation, ids):
    """Return (endpoint, id or "") of an operation's path."""
    endpoint, *rest = operation.path.strip("/").split("/")
    creates = operation.method == "POST"
    if endpoint not in ("Users", "Groups") or len(rest) != (0 if creates else 1):
        raise not_found("Bulk path", operation.path)
    return (endpoint, *(bulk.resolved(part, ids) for part in rest))


def bulk_operation(operation, ids):
    """Return (status, resource) of one operation."""
    endpoint, *rest = _bulk_target(operation, ids)
    of_type = resource_type(endpoint)
    data = bulk.resolved(operation.data, ids)
    if operation.method == "POST":
        return 201, directory.create(of_type, data, actor(), g.ignored, ids[operation.bulk_id])
    resource = directory.find(of_type, rest[0])
    check_version(resource, operation.version or "*")
    if operation.method == "DELETE":
        directory.remove(resource, actor())
        return 204, resource
    change = directory.replace_with if operation.method == "PUT" else directory.patch_with
    return 200, change(resource, data, actor(), g.ignored)


@bp.get("/ServiceProviderConfig")
def service_provider_config():
    refuse_filter()
    return scim_response(orjson.dumps(_config_document()))


def _config_document():
    size = current_app.config["MAX_CONTENT_LENGTH"]
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": bulk.MAX_OPERATIONS, "maxPayloadSize": size},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_COUNT,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that an administrator of Rollcall made, in the Authorization header.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base_url()}/ServiceProviderConfig",
        },
    }


@bp.get("/ResourceTypes")
@bp.get("/ResourceTypes/<name>")
def resource_types(name=None):
    return definitions_reply("ResourceType", schema.resource_type_documents(attributes.user_type()), name)


@bp.get("/Schemas")
@bp.get("/Schemas/<name>")
def schemas(name=None):
    return definitions_reply("Schema", schema.schema_documents(attributes.user_type()), name)


def definitions_reply(kind, documents, name):
    """Answer with one definition by id, or with all of them; they cannot be filtered (RFC 7644 §4)."""
    refuse_filter()
    found = [d | {"meta": _definition_meta(kind, d["id"])} for d in documents]
    if name is None:
        items = [orjson.dumps(d).decode() for d in found]
        return list_reply(len(found), len(found), items, startIndex=1)
    for document in found:
        if document["id"].lower() == name.lower():
            return scim_response(orjson.dumps(document))
    raise not_found(kind, name)


def _definition_meta(kind, identifier):
    return {"resourceType": kind, "location": f"{base_url()}/{kind}s/{identifier}"}


def refuse_filter():
    if "filter" in request.args:
        raise ScimError(403, None, "What the service offers is listed whole: it cannot be filtered.")


@bp.route("/Me", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def me():
    raise ScimError(501, None, "/Me is not supported: a token stands for no person (RFC 7644 §3.11).")
