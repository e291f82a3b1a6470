"""Bulk requests (RFC 7644 §3.7): what is asked for, in which order, and the references by bulkId. No HTTP.

request = parse(body)
for operation in request.operations: ...   # each after those it refers to
    operation.data = resolved(operation.data, {"qwerty": "2819c223-…"})
"""

from dataclasses import dataclass
from uuid import uuid4

from protocol.errors import ScimError, invalid_syntax, invalid_value

BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
METHODS = ("POST", "PUT", "PATCH", "DELETE")
MAX_OPERATIONS = 1_000


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
    schemas, listed, fail_on = body.get("schemas"), body.get("Operations"), body.get("failOnErrors")
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
    method, path, bulk_id = given.get("method"), given.get("path"), given.get("bulkId")
    operation = BulkOperation(index, str(method).upper(), str(path), None, None, given.get("data"))
    if operation.method not in METHODS:
        operation.problem = invalid_syntax(f"'method' must be one of {', '.join(METHODS)}, not {method!r}.")
    elif not isinstance(path, str) or not path.startswith("/"):
        operation.problem = invalid_syntax("'path' must be a path such as /Users or /Users/2819c223.")
    elif operation.method == "POST" and not (isinstance(bulk_id, str) and bulk_id):
        operation.problem = invalid_syntax("A POST within a bulk request needs a 'bulkId'.")
    elif operation.method != "DELETE" and not isinstance(operation.data, dict):
        operation.problem = invalid_syntax(f"A {operation.method} within a bulk request needs 'data'.")
    operation.bulk_id = bulk_id if isinstance(bulk_id, str) else None
    operation.version = given.get("version") if isinstance(given.get("version"), str) else None
    return operation


def _refuse_repeated_ids(operations):
    seen = set()
    for operation in operations:
        if operation.method == "POST" and operation.bulk_id in seen:
            operation.problem = invalid_value(f"The bulkId {operation.bulk_id!r} is used more than once.")
        if operation.method == "POST":
            seen.add(operation.bulk_id)


def _in_order(operations):
    """Put each operation behind those it refers to; within a circle, the order of the request stays."""
    made_by = {o.bulk_id: o for o in operations if o.method == "POST" and not o.problem}
    ordered: dict = {}  # index → operation, in the order of execution

    for first in operations:
        stack, on_the_way = [first], set()
        while stack:
            operation = stack[-1]
            on_the_way.add(operation.index)
            needed = [made_by[r] for r in sorted(operation.references()) if r in made_by]
            missing = [n for n in needed if n.index not in ordered and n.index not in on_the_way]
            if missing and operation.index not in ordered:
                stack.append(missing[0])
            else:
                ordered.setdefault(operation.index, operation)
                stack.pop()
    return list(ordered.values())


def _collect(value, found):
    if isinstance(value, str) and value.startswith("bulkId:"):
        found.add(value[7:])
    elif isinstance(value, dict):
        for part in value.values():
            _collect(part, found)
    elif isinstance(value, list):
        for part in value:
            _collect(part, found)


def resolved(value, ids: dict):
    """Return `value` with each bulkId:… replaced by the id it stands for. Raise invalidValue for an unknown one."""
    if isinstance(value, str) and value.startswith("bulkId:"):
        if value[7:] not in ids:
            raise invalid_value(f"{value!r} names no resource that this bulk request makes.")
        return ids[value[7:]]
    if isinstance(value, dict):
        return {name: resolved(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [resolved(part, ids) for part in value]
    return value
