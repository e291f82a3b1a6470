"""Bulk requests (RFC 7644 §3.7): what is asked for, in which order, and the references by bulkId. No HTTP.

request = parse(body)
for operation in request.operations: ...   # each after those it refers to
    operation.data = resolved(operation.data, {"qwerty": "2819c223-…"})
"""

import re
from dataclasses import dataclass
from uuid import uuid4

from protocol.errors import ScimError, invalid_syntax, invalid_value

BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
METHODS = ("POST", "PUT", "PATCH", "DELETE")
MAX_OPERATIONS = 1_000
PREFIX = "bulkId:"
REFERENCE = re.compile(r'bulkId:([^"\]/]+)')


@dataclass
class BulkOperation:
    """One operation; `index` is its place in the request. `problem` is set where it is malformed."""

    index: int
    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: object
    problem: ScimError | None = None

    def references(self) -> set:
        found: set = set()
        _collect(self.data, found)
        _collect(self.path.rpartition("/")[2], found)
        return found


@dataclass
class BulkRequest:
    operations: list[BulkOperation]
    fail_on_errors: int | None

    def ids(self) -> dict:
        """Return an id for each resource to be made, so that two may refer to one another (§3.7.1)."""
        return {o.bulk_id: str(uuid4()) for o in self.operations if o.method == "POST" and not o.problem}


def parse(body) -> BulkRequest:
    """Return the request, each operation after those whose bulkId it refers to.

    Raise invalidSyntax for what is no bulk request, invalidValue for failOnErrors, 413 above MAX_OPERATIONS.
    """
    if not isinstance(body, dict):
        raise invalid_syntax("The body of a bulk request must be a JSON object.")
    body = {name.lower(): value for name, value in body.items()}
    schemas, listed, fail_on = body.get("schemas"), body.get("operations"), body.get("failonerrors")
    if schemas is not None and (not isinstance(schemas, list) or BULK_SCHEMA not in schemas):
        raise invalid_syntax(f"'schemas' of a bulk request must be [\"{BULK_SCHEMA}\"].")
    if not isinstance(listed, list) or not all(isinstance(o, dict) for o in listed):
        raise invalid_syntax("A bulk request needs 'Operations', a list of objects.")
    if len(listed) > MAX_OPERATIONS:
        raise ScimError(
            413, None, f"The bulk request has {len(listed)} operations; maxOperations is {MAX_OPERATIONS}."
        )
    if fail_on is not None and (isinstance(fail_on, bool) or not isinstance(fail_on, int) or fail_on < 1):
        raise invalid_value("'failOnErrors' must be a whole number of 1 or more.", "failOnErrors")
    operations = [_operation(index, operation) for index, operation in enumerate(listed)]
    _refuse_repeated_ids(operations)
    return BulkRequest(_in_order(operations), fail_on)


def _operation(index, given):
    given = {name.lower(): value for name, value in given.items()}
    method, path, bulk_id = given.get("method"), given.get("path"), given.get("bulkid")
    version = given.get("version")
    operation = BulkOperation(index, str(method or "").upper(), str(path), None, None, given.get("data"))
    if operation.method not in METHODS:
        operation.problem = invalid_syntax(f"'method' must be one of {', '.join(METHODS)}, not {method!r}.")
    elif not isinstance(path, str) or not path.startswith("/"):
        operation.problem = invalid_syntax("'path' must be a path such as /Users or /Users/2819c223.")
    elif operation.method == "POST" and not (isinstance(bulk_id, str) and bulk_id):
        operation.problem = invalid_syntax("A POST within a bulk request needs a 'bulkId'.")
    elif operation.method != "DELETE" and not isinstance(operation.data, dict):
        operation.problem = invalid_syntax(f"A {operation.method} within a bulk request needs 'data'.")
    elif version is not None and not isinstance(version, str):
        operation.problem = invalid_value("'version' must be an ETag, which is a string.", "version")
    operation.bulk_id = bulk_id if isinstance(bulk_id, str) else None
    operation.version = version
    return operation


def _refuse_repeated_ids(operations):
    seen = set()
    for operation in [o for o in operations if o.method == "POST" and not o.problem]:
        if operation.bulk_id in seen:
            operation.problem = invalid_value(f"The bulkId {operation.bulk_id!r} is used more than once.")
        seen.add(operation.bulk_id)


def _in_order(operations):
    """Put each operation behind those it refers to; within a circle, the order of the request stays."""
    made_by = {o.bulk_id: o for o in operations if o.method == "POST" and not o.problem}
    ordered: dict = {}  # index → operation, in the order of execution
    on_the_way: set = set()

    def needed(operation):
        return iter([made_by[r] for r in sorted(operation.references()) if r in made_by])

    for first in operations:
        stack = [(first, needed(first))] if first.index not in on_the_way else []
        on_the_way.add(first.index)
        while stack:
            operation, rest = stack[-1]
            following = next((n for n in rest if n.index not in on_the_way), None)
            if following is None:
                ordered[operation.index] = operation
                stack.pop()
            else:
                on_the_way.add(following.index)
                stack.append((following, needed(following)))
    return list(ordered.values())


def _collect(value, found, name="value"):
    """Collect the bulkIds that a value refers to: they stand where an id would, or within a PATCH path."""
    if isinstance(value, str):
        if name == "path":
            found.update(REFERENCE.findall(value))
        elif _is_of_id(name) and value.startswith(PREFIX):
            found.add(value.removeprefix(PREFIX))
    elif isinstance(value, dict):
        for key, part in value.items():
            _collect(part, found, key.lower())
    elif isinstance(value, list):
        for part in value:
            _collect(part, found, name)


def resolved(value, ids: dict, name: str = "value"):
    """Return `value` with each bulkId:… replaced by the id it stands for. Raise invalidValue for an unknown one."""
    if isinstance(value, str):
        if name == "path":
            return REFERENCE.sub(lambda match: _id_of(match[1], ids), value)
        is_reference = _is_of_id(name) and value.startswith(PREFIX)
        return _id_of(value.removeprefix(PREFIX), ids) if is_reference else value
    if isinstance(value, dict):
        return {key: resolved(part, ids, key.lower()) for key, part in value.items()}
    if isinstance(value, list):
        return [resolved(part, ids, name) for part in value]
    return value


def _is_of_id(name):
    """Return whether an id stands under a name, which may be a path; a manager may be a bare one."""
    return re.split("[:.]", name)[-1] in ("value", "manager")


def _id_of(bulk_id, ids):
    if bulk_id not in ids:
        raise invalid_value(f"'bulkId:{bulk_id}' names no resource that this bulk request makes.")
    return ids[bulk_id]
