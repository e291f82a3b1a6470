"""Filters and paths: text → tree (RFC 7644 §3.4.2.2), and match(tree, document). No database, no HTTP.

tree = parse('emails[type eq "work"] and not (title pr)', users)
match(tree, {"userName": "ada", "emails": [{"type": "work", "value": "ada@example.com"}]})
"""

import operator
import re
from dataclasses import dataclass

import orjson

from protocol.errors import invalid_filter, invalid_path
from protocol.schema import Attribute, ResourceType, comparable, moment, user_name_parts

MAX_LENGTH = 10_000  # characters of a filter
MAX_TERMS = 100  # comparisons in a filter
MAX_DEPTH = 30  # parentheses, brackets and nots within one another

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<word>[A-Za-z$][\w$:.\-]*)
      | (?P<sub>\.[A-Za-z$][\w$\-]*)
      | (?P<mark>[()\[\]])
    )""",
    re.VERBOSE | re.ASCII,
)

OPERATORS = {
    "eq": operator.eq,
    "co": lambda key, wanted: wanted in key,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
TEXT_OPERATORS = ("co", "sw", "ew")
ORDER_OPERATORS = ("gt", "ge", "lt", "le")


@dataclass(frozen=True)
class Compare:
    """`op` is a key of OPERATORS; `ne` is Not(eq), so that it holds where no value is equal."""

    chain: tuple[Attribute, ...]
    op: str
    key: str


@dataclass(frozen=True)
class Present:
    chain: tuple[Attribute, ...]


@dataclass(frozen=True)
class Not:
    term: object


@dataclass(frozen=True)
class And:
    terms: tuple


@dataclass(frozen=True)
class Or:
    terms: tuple


@dataclass(frozen=True)
class ValuePath:
    """One and the same value of `chain` satisfies `term`, whose chains start below it."""

    chain: tuple[Attribute, ...]
    term: object


@dataclass(frozen=True)
class Never:
    """A condition on an attribute that only another resource type has (RFC 7644 §3.4.2.1)."""


@dataclass(frozen=True)
class Target:
    """What a PATCH path names: `chain`, its values that satisfy `where`, and of them the attribute `sub`."""

    chain: tuple[Attribute, ...]
    where: object = None
    sub: Attribute | None = None


def parse(text: str, resource_type: ResourceType, others: tuple[ResourceType, ...] = ()):
    """Return the tree of a filter. Raise invalidFilter if it does not parse or names an unknown attribute.

    An attribute that one of `others` has is no error, and has no value here.
    """
    if len(text) > MAX_LENGTH:
        raise invalid_filter(f"The filter is longer than {MAX_LENGTH} characters.")
    parser = Parser(text, resource_type.paths, tuple(other.paths for other in others))
    tree = parser.disjunction()
    parser.end()
    return tree


def parse_path(text: str, resource_type: ResourceType) -> Target:
    """Return what a PATCH path names (RFC 7644 §3.5.2). Raise invalidPath, or invalidFilter within [ ]."""
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise invalid_path(f"A path must be a string of at most {MAX_LENGTH} characters.")
    head, bracket, _ = text.partition("[")
    chain = resource_type.paths.get(head.strip().lower())
    if chain is None:
        raise invalid_path(f"Unknown attribute {head.strip()!r} in the path {text!r}.")
    if not bracket:
        return _split(chain)
    if not chain[-1].multi_valued:
        raise invalid_path(f"{chain[-1].path} has one value only: [ ] cannot select from it.")
    parser = Parser(text[len(head) :], resource_type.paths)
    where = parser.brackets(chain)
    sub = parser.sub_attribute(chain, invalid_path)
    if parser.kind != "end":
        raise invalid_path(f"Nothing was expected at {parser.token!r} in the path {text[:200]!r}.")
    return Target(chain, where, sub)


def _split(chain):
    """A sub-attribute of a multi-valued attribute is one of each of its values."""
    if len(chain) > 1 and chain[-2].multi_valued:
        return Target(chain[:-1], None, chain[-1])
    return Target(chain)


class Parser:
    """A recursive descent over the tokens: or binds less than and, and less than not."""

    def __init__(self, text, paths, other_paths=()):
        self.text, self.paths, self.other_paths = text, paths, other_paths
        self.terms = self.depth = self.position = 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self):
        match = TOKEN.match(self.text, self.position)
        if match and match.lastgroup:
            self.kind, self.token = match.lastgroup, match.group(match.lastgroup)
            self.position = match.end()
        elif self.text[self.position :].strip():
            self.fail(f"at {self.text[self.position :].strip()[:20]!r}")
        else:
            self.kind, self.token = "end", "the end"

    def fail(self, what):
        raise invalid_filter(f"The filter {self.text[:200]!r} does not parse {what}.")

    def take(self, token):
        if self.token != token:
            self.fail(f"at {self.token!r}: {token!r} was expected")
        self.advance()

    def end(self):
        if self.kind != "end":
            self.fail(f"at {self.token!r}: nothing was expected here")

    def is_word(self, word):
        return self.kind == "word" and self.token.lower() == word

    def disjunction(self):
        return self.joined("or", Or, lambda: self.joined("and", And, self.negation))

    def joined(self, word, node, operand):
        terms = [operand()]
        while self.is_word(word):
            self.advance()
            terms.append(operand())
        return terms[0] if len(terms) == 1 else node(tuple(terms))

    def negation(self):
        if self.is_word("not"):
            self.advance()
            if self.token != "(":
                self.fail("at 'not': it is written not (…)")
            return Not(self.parentheses())
        return self.parentheses() if self.token == "(" and self.kind == "mark" else self.expression()

    def deeper(self):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise invalid_filter(f"The filter is nested more than {MAX_DEPTH} deep.")

    def parentheses(self):
        self.deeper()
        self.take("(")
        tree = self.disjunction()
        self.take(")")
        self.depth -= 1
        return tree

    def expression(self):
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise invalid_filter(f"The filter has more than {MAX_TERMS} comparisons.")
        if self.kind != "word":
            self.fail(f"at {self.token!r}: an attribute was expected")
        name = self.token
        chain = self.paths.get(name.lower())
        if chain is None:
            return self.foreign(name)
        self.advance()
        if self.token == "[" and self.kind == "mark":
            return self.value_path(chain)
        return self.comparison(chain)

    def foreign(self, name):
        """Read a condition on an attribute that only another type has; it holds as one without a value."""
        for paths in self.other_paths:
            if name.lower() in paths:
                mine, self.paths = self.paths, paths
                tree = self.expression()
                self.paths = mine
                return without_values(tree)
        raise invalid_filter(f"Unknown attribute {name!r} in the filter.")

    def value_path(self, chain):
        if not chain[-1].multi_valued:
            raise invalid_filter(f"{chain[-1].path} has one value only: [ ] cannot select from it.")
        where = self.brackets(chain)
        if self.kind != "sub":
            return ValuePath(chain, where)
        # leniency: Entra asks emails[type eq "work"].value eq "x", which RFC 7644 has no grammar for
        sub = self.sub_attribute(chain, invalid_filter)
        condition = self.comparison((sub,))
        if isinstance(condition, Not):  # ne: of the selected values, none is equal
            return Not(ValuePath(chain, And((where, condition.term))))
        return ValuePath(chain, And((where, condition)))

    def brackets(self, chain):
        self.deeper()
        outer = self.paths, self.other_paths
        self.paths, self.other_paths = _paths_below(chain[-1]), ()
        self.take("[")
        tree = self.disjunction()
        self.take("]")
        self.paths, self.other_paths = outer
        self.depth -= 1
        return tree

    def sub_attribute(self, chain, refusal):
        if self.kind != "sub":
            return None
        sub = chain[-1].sub.get(self.token[1:].lower())
        if sub is None:
            raise refusal(f"Unknown attribute {chain[-1].path + self.token!r}.")
        self.advance()
        return sub

    def comparison(self, chain):
        op = self.token.lower() if self.kind == "word" else ""
        if op == "pr":
            self.advance()
            _refuse_secret(chain)
            return Present(chain)
        if op not in OPERATORS and op != "ne":
            self.fail(f"at {self.token!r}: an operator was expected after {chain[-1].path}")
        self.advance()
        literal = self.literal()
        return compare(chain, op, literal)

    def literal(self):
        if self.kind in ("string", "number"):
            try:
                literal = orjson.loads(self.token)
            except orjson.JSONDecodeError:
                self.fail(f"at {self.token[:40]}: it is no valid {self.kind}")
            if isinstance(literal, str) and "\x00" in literal:
                self.fail("at a NUL character")
        elif self.kind == "word" and self.token.lower() in ("true", "false", "null"):
            literal = {"true": True, "false": False, "null": None}[self.token.lower()]
        else:
            self.fail(f'at {self.token!r}: a value was expected, such as "text", 5, true or null')
        self.advance()
        return literal


def _paths_below(attribute):
    if attribute.type != "complex":
        return {"value": (attribute,)}
    return {name: (sub,) for name, sub in attribute.sub.items()}


def _refuse_secret(chain):
    if any(attribute.returned == "never" for attribute in chain):
        raise invalid_filter(f"This attribute cannot be filtered on: {chain[-1].path}.")


def compare(chain, op, literal):
    """Return the condition `chain op literal`. Raise invalidFilter if the attribute cannot be compared so."""
    _refuse_secret(chain)
    if literal is None:
        if op not in ("eq", "ne"):
            raise invalid_filter(f"null can only be compared with eq and ne, not {op}.")
        return Not(Present(chain)) if op == "eq" else Present(chain)
    attribute = chain[-1].value
    if attribute is None:
        raise invalid_filter(f"{chain[-1].path} has no value of its own to compare: name a sub-attribute.")
    if attribute is not chain[-1]:
        chain = (*chain, attribute)
    key = _literal_key(attribute, op, literal)
    if attribute.path == "userName" and op in TEXT_OPERATORS:
        keys = user_name_parts(literal)
        return Compare(chain, op, key) if len(keys) == 1 else Or(tuple(Compare(chain, op, part) for part in keys))
    return Not(Compare(chain, "eq", key)) if op == "ne" else Compare(chain, op, key)


def _literal_key(attribute, op, literal):
    kind = attribute.type
    if kind == "boolean" and isinstance(literal, str) and literal.lower() in ("true", "false"):
        literal = literal.lower() == "true"  # leniency: Entra asks roles[primary eq "True"]
    fits = {
        "boolean": isinstance(literal, bool),
        "integer": isinstance(literal, int | float) and not isinstance(literal, bool),
        "decimal": isinstance(literal, int | float) and not isinstance(literal, bool),
        "dateTime": isinstance(literal, str) and moment(literal) is not None,
    }
    if not fits.get(kind, isinstance(literal, str)):
        raise invalid_filter(f"{attribute.path} is a {kind}: it cannot be compared with {literal!r}.")
    if op in TEXT_OPERATORS and kind in fits or op in ORDER_OPERATORS and kind in ("boolean", "binary"):
        raise invalid_filter(f"{attribute.path} is a {kind}: it cannot be compared with {op}.")
    if kind in ("integer", "decimal") and not -(2**63) <= literal < 2**63:
        raise invalid_filter(f"{literal!r} does not fit in 64 bits.")
    return comparable(attribute, literal)


def without_values(tree):
    """Return what a tree comes to where none of its attributes has a value."""
    return Not(Never()) if isinstance(tree, Not) else Never()


def match(tree, document: dict) -> bool:
    """Return whether a document, or one value of a multi-valued attribute, satisfies a tree."""
    if isinstance(tree, Compare):
        holds = OPERATORS[tree.op]
        return any(holds(comparable(tree.chain[-1], v), tree.key) for v in values(tree.chain, document))
    if isinstance(tree, Present):
        return any(value not in ("", [], {}) for value in values(tree.chain, document))
    if isinstance(tree, Not):
        return not match(tree.term, document)
    if isinstance(tree, And):
        return all(match(term, document) for term in tree.terms)
    if isinstance(tree, Or):
        return any(match(term, document) for term in tree.terms)
    if isinstance(tree, ValuePath):
        return any(match(tree.term, value) for value in values(tree.chain, document))
    return False


def values(chain, document):
    """Yield every value that a chain of attributes leads to, through all values of multi-valued ones."""
    if not isinstance(document, dict):
        yield document  # a simple value of a multi-valued attribute, selected by [value eq …]
        return
    found = document.get(chain[0].name)
    for value in found if isinstance(found, list) else [found]:
        if value is not None:
            if len(chain) == 1:
                yield value
            else:
                yield from values(chain[1:], value)
