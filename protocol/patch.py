"""Apply PATCH operations to a document (RFC 7644 §3.5.2). No database, no HTTP.

    steps = operations({"Operations": [{"op": "replace", "value": {"active": False}}]}, users, ignored=[])
    document = apply(document, steps)

What clients send beyond the RFC is tolerated here, by name: `op` in any letter case; no `schemas`; a value
without a path, whose keys may be dotted or carry a URN or a filter, and may name read-only attributes (they
are ignored); a `remove` with a list of values, which removes only these; a value added to
`emails[type eq "work"].value` where there is no such e-mail yet, which makes one.
"""

from dataclasses import dataclass, replace

import orjson

from protocol.errors import ScimError, invalid_path, invalid_syntax, invalid_value, mutability, no_target
from protocol.filters import And, Compare, Not, Or, Target, match, parse_path
from protocol.schema import Attribute, ResourceType, comparable, identity, merged, normalise_value, refuse_too_many

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 20_000
MAX_LOOKS = 1_000_000  # comparisons of a path's filter with a value, and values that are laid over


@dataclass(frozen=True)
class Operation:
    """One step on one attribute. `value` is checked and canonical; None on add or replace means unset."""

    op: str  # add, remove or replace
    target: Target
    value: object = None

    @property
    def attribute(self) -> Attribute:
        return self.target.chain[0]


def operations(body: dict, resource_type: ResourceType, ignored: list) -> list[Operation]:
    """Return the steps that a PATCH body asks for. Values without a path become a step an attribute.

    Raise invalidSyntax, invalidPath, invalidValue, invalidFilter, mutability or noTarget. What names an
    attribute that nobody defined is left out and appended to `ignored`, unless a path names it outright.
    """
    steps: list[Operation] = []
    for op, path, value in _requests(body):
        if path is not None and path.lower() != resource_type.urn.lower():
            steps += _with_path(op, path, value, resource_type, ignored)
        elif op == "remove":
            raise no_target("A remove needs a path that says what to remove.")
        else:
            steps += _members(op, value, resource_type, ignored)
    return steps


def _members(op, value, resource_type, ignored):
    """Return the steps for a value without a path; the URN of the core schema stands for the resource itself."""
    if not isinstance(value, dict):
        raise invalid_value(f"The value of {op} without a path must be an object of attributes.")
    steps = []
    for name, part in value.items():
        if name.lower() == resource_type.urn.lower():
            steps += _members(op, part, resource_type, ignored)
        else:
            steps += _member(op, name, part, resource_type, ignored)
    return steps


def _requests(body):
    """Yield (op, path or None, value) of each operation; names in any letter case."""
    if not isinstance(body, dict):
        raise invalid_syntax("The body of a PATCH must be a JSON object.")
    body = {name.lower(): value for name, value in body.items()}
    schemas, listed = body.get("schemas"), body.get("operations")
    if schemas is not None and (not isinstance(schemas, list) or PATCH_SCHEMA not in schemas):
        raise invalid_syntax(f"'schemas' of a PATCH must be [\"{PATCH_SCHEMA}\"].")
    if not isinstance(listed, list) or not listed:
        raise invalid_syntax("A PATCH needs 'Operations', a list of at least one operation.")
    if len(listed) > MAX_OPERATIONS:
        raise ScimError(413, None, f"A PATCH may have at most {MAX_OPERATIONS} operations.")
    for operation in listed:
        if not isinstance(operation, dict):
            raise invalid_syntax("Each of 'Operations' must be a JSON object.")
        operation = {name.lower(): value for name, value in operation.items()}
        op = operation.get("op")
        if not isinstance(op, str) or op.lower() not in ("add", "remove", "replace"):
            raise invalid_syntax(f"'op' must be add, remove or replace, not {op!r}.")
        if op.lower() != "remove" and "value" not in operation:
            raise invalid_value(f"{op} needs a value.")
        path = operation.get("path")
        if path is not None and not isinstance(path, str):
            raise invalid_path("'path' must be a string.")
        yield op.lower(), path or None, operation.get("value")


def _with_path(op, path, value, resource_type, ignored):
    try:
        target = parse_path(path, resource_type)
    except ScimError as error:
        if error.scim_type == "invalidPath" and _in_extension(path, resource_type):
            ignored.append(path)  # an attribute that Okta maps and nobody defined here stops nothing
            return []
        raise
    named = [*target.chain, *([target.sub] if target.sub else [])]
    for attribute in named:
        if attribute.read_only or attribute.name == "schemas":
            raise mutability(f"{attribute.path} is read-only.")
    if len(named) > 1 and named[-1].mutability == "immutable":
        raise mutability(f"{named[-1].path} cannot be changed: remove the value and add another.")
    if op == "remove":
        if named[-1].required:
            raise mutability(f"{named[-1].path} is required and cannot be removed.")
        return [_removal(target, value, ignored)]
    return _assign(op, target, value, ignored)


def _in_extension(path, resource_type):
    """Return whether a path names an attribute of an extension that nobody defined, and not a known one wrongly."""
    head = path.partition("[")[0].lower()
    return head.startswith("urn:") and ":core:" not in head and head not in resource_type.paths


def _member(op, name, value, resource_type, ignored):
    """Return the steps for one key of a value without a path: read-only and unknown ones are left out."""
    try:
        target = parse_path(name, resource_type)
    except ScimError as error:
        if error.scim_type != "invalidPath":
            raise
        ignored.append(name)
        return []
    named = [*target.chain, *([target.sub] if target.sub else [])]
    if any(attribute.read_only for attribute in named) or target.chain[0].name == "schemas":
        return []
    return _assign(op, target, value, ignored)


def _assign(op, target, value, ignored):
    """Return the steps that add or replace; an object for a complex attribute is a step a sub-attribute."""
    attribute = target.sub or target.chain[-1]
    single = not attribute.multi_valued and target.where is None
    if single and attribute.type == "complex" and isinstance(value, dict):
        steps = []
        for name, part in value.items():
            sub = attribute.sub.get(name.lower())
            if sub is None:
                ignored.append(attribute.path + (":" if attribute.extension else ".") + name)
            elif not sub.read_only:
                steps += _assign(op, replace(target, chain=(*target.chain, sub)), part, ignored)
        return steps
    if target.where is not None and isinstance(value, list) and len(value) == 1:
        value = value[0]
    if attribute.multi_valued and (target.where is not None or not isinstance(value, list)):
        value = [value] if value not in (None, "") else None  # one value of it
    value = normalise_value(attribute, value, ignored)
    if attribute.returned == "never":
        return []
    return [Operation(op, target, value)]


def _removal(target, value, ignored):
    """Return a remove step; one with a list of values removes only these (Entra, JumpCloud, Salesforce).

    A list that is empty removes nothing, and one that names nothing is refused: neither must empty a group.
    """
    attribute = target.chain[-1]
    if value in (None, "") or not attribute.multi_valued or target.where or target.sub:
        return Operation("remove", target)
    if isinstance(value, dict) and attribute.name in value:
        value = value[attribute.name]
    values = normalise_value(attribute, value, ignored)
    if values is None and value != []:
        raise invalid_value(f"The value of the remove names nothing in {attribute.path}.", attribute.path)
    return Operation("remove", target, values or [])


def apply(document: dict, steps: list[Operation]) -> dict:
    """Return a new document with every step applied, in order. Raise noTarget; `document` stays as it is."""
    document = orjson.loads(orjson.dumps(document))
    looks = 0
    for step in steps:
        looks += _looks(document, step)
        if looks > MAX_LOOKS:
            raise ScimError(
                413, None, "The PATCH has too many operations on attributes with many values: split it."
            )
        _apply(document, step)
    return document


def _looks(document, step):
    """Return how many comparisons a step may take."""
    values = document.get(step.target.chain[0].name) if step.attribute.multi_valued else None
    return len(values) * (1 + _terms(step.target.where)) if values else 0


def _terms(tree):
    if isinstance(tree, And | Or):
        return sum(map(_terms, tree.terms))
    return 0 if tree is None else 1 if not isinstance(tree, Not) else _terms(tree.term)


def _apply(document, step):
    *above, attribute = step.target.chain
    parents = [document]
    for parent in above:
        parents.append(parents[-1].setdefault(parent.name, {}))
    container = parents[-1]
    if attribute.multi_valued:
        values = _apply_to_values(container.get(attribute.name, []), step)
        refuse_too_many(attribute, values)  # at each step: what the next one costs grows with them
        container[attribute.name] = values
    elif step.op == "remove" or step.value is None:
        container.pop(attribute.name, None)
    else:
        container[attribute.name] = dict(step.value) if isinstance(step.value, dict) else step.value
    for parent, child in zip([*above, attribute][::-1], parents[::-1], strict=True):
        if child.get(parent.name) in ({}, []):
            del child[parent.name]


def _apply_to_values(values, step):
    """Return the values of a multi-valued attribute after one step."""
    target, attribute = step.target, step.target.chain[-1]
    if target.where is None and target.sub is None:
        return _apply_to_all(values, attribute, step)
    chosen = [v for v in values if target.where is None or match(target.where, v)]
    if step.op == "remove" or step.value is None:
        return _remove_from(values, chosen, target.sub)
    is_new = not chosen
    if is_new:
        chosen = [_new_value(target)]
        values = values + chosen
    if target.sub:
        changed = [value | {target.sub.name: step.value} for value in chosen]
    elif attribute.type == "complex" and (is_new or step.op == "add"):
        changed = [value | step.value[0] for value in chosen]
    else:
        changed = [step.value[0] for _ in chosen]
    replaced = {id(old): new for old, new in zip(chosen, changed, strict=True)}
    values = [replaced.get(id(value), value) for value in values]
    return _one_primary(values, changed)


def _apply_to_all(values, attribute, step):
    if step.op == "remove":
        return [] if step.value is None else _without(values, attribute, step.value)
    return _add(values, attribute, step.value or []) if step.op == "add" else step.value or []


def _add(values, attribute, added):
    """Return the values with others added; one that is there is laid over, so that nothing doubles (§3.5.2.1)."""
    values = merged(attribute, [*values, *added])
    preferred = {identity(attribute, v) for v in added if isinstance(v, dict) and v.get("primary") is True}
    return _one_primary(values, [v for v in values if preferred and identity(attribute, v) in preferred])


def _without(values, attribute, unwanted):
    """Return the values that a remove list does not name: by their `value` and `type`, or else by all of them."""
    if attribute.type != "complex":
        gone = {identity(attribute, wanted) for wanted in unwanted}
        return [value for value in values if identity(attribute, value) not in gone]
    keys: dict = {}  # {names of sub-attributes: what they are compared by}
    wholes = set()
    for wanted in unwanted:
        names = frozenset(name for name in ("value", "type") if name in wanted and name in attribute.sub)
        if names:
            keys.setdefault(names, set()).add(_key(attribute, names, wanted))
        else:
            wholes.add(orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS))
    return [
        value
        for value in values
        if not any(names <= value.keys() and _key(attribute, names, value) in of for names, of in keys.items())
        and not (wholes and orjson.dumps(value, option=orjson.OPT_SORT_KEYS) in wholes)
    ]


def _key(attribute, names, value):
    return tuple(comparable(attribute.sub[name], value[name]) for name in sorted(names))


def _remove_from(values, chosen, sub):
    gone = {id(value) for value in chosen}
    if sub is None:
        return [value for value in values if id(value) not in gone]
    kept = [
        {name: part for name, part in value.items() if name != sub.name} if id(value) in gone else value
        for value in values
    ]
    return [value for value in kept if value]


def _new_value(target):
    """Return the start of the value that a path asks for and does not find, or raise noTarget.

    RFC 7644 §3.5.2.3 wants noTarget. Entra wants emails[type eq "work"].value to be made: so it is, where the
    filter says no more than which of the schema's own types, or the primary one, is meant.
    """
    attribute = target.chain[-1]
    if target.where is None:
        return {}
    start = {}
    for term in target.where.terms if isinstance(target.where, And) else (target.where,):
        sub = term.chain[-1] if isinstance(term, Compare) and term.op == "eq" else None
        if sub is not None and sub.name == "type" and term.key in sub.canonical:
            start["type"] = term.key
        elif sub is not None and sub.name == "primary":
            start["primary"] = term.key == "true"
        else:
            raise no_target(f"No value of {attribute.path} matches the filter in the path.")
    return start


def _one_primary(values, changed):
    """A value that becomes primary takes it from the others (RFC 7644 §3.5.2)."""
    if not any(isinstance(value, dict) and value.get("primary") is True for value in changed):
        return values
    new = [id(value) for value in changed]
    return [
        value | {"primary": False} if value.get("primary") is True and id(value) not in new else value
        for value in values
    ]
