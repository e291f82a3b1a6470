"""Replay what identity providers send, step by step, each conversation on an empty database.

Knows JSON files and HTTP, nothing of the server's insides. README.md explains the files:

    {"note": "Okta looks the person up [REF]", "request": "GET /Users?filter=…", "expect": {"status": 200}}
"""

import json
import re
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("*.json"))
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
TYPES = {"string": str, "integer": int, "boolean": bool}
ABSENT = ()  # JSON never holds a tuple

each_conversation = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def has(wanted, actual):
    if isinstance(actual, str):
        return wanted in actual
    return any(not list(differences(wanted, item)) for item in actual or ())


OPERATORS = {
    "$absent": lambda _, actual: actual is ABSENT,
    "$type": lambda name, actual: type(actual) is TYPES[name],
    "$length": lambda number, actual: len(actual or ()) == number,  # what is absent holds nothing
    "$contains": has,
}


def differences(expected, actual, at=""):
    """Yield a line for each place where `actual` does not show what is `expected`."""
    operator = next(iter(expected), None) if isinstance(expected, dict) else None
    if operator in OPERATORS:
        same = OPERATORS[operator](expected[operator], actual)
    elif isinstance(expected, dict) and isinstance(actual, dict | list):
        actual = actual if isinstance(actual, dict) else {str(i): item for i, item in enumerate(actual)}
        for key, value in expected.items():
            yield from differences(value, actual.get(key, ABSENT), f"{at} > {key}")
        return
    elif isinstance(expected, list) and isinstance(actual, list):
        same = len(expected) == len(actual) and all(has(item, actual) for item in expected)
    else:
        same = type(expected) is type(actual) and expected == actual
    if not same:
        yield f"{at}: expected {expected!r}, got {'nothing' if actual is ABSENT else repr(actual)}"


def bad_manners(answer, document):
    """Yield what no identity provider should get, whatever it asked for."""
    if answer.status_code == 204 and answer.text:
        yield "a body with 204"
    if answer.status_code != 204 and answer.mimetype != "application/scim+json":
        yield f"the media type is {answer.mimetype}"
    if '"password":' in answer.text:
        yield "the answer shows a password"
    if answer.status_code >= 400:
        error = {"schemas": [ERROR], "status": str(answer.status_code), "detail": {"$contains": " "}}
        yield from differences(error, document, "error")


def fill(value, saved):
    """Put saved values in the place of `{{name}}`, innermost first. Raise KeyError for an unknown name."""
    text = json.dumps(value, ensure_ascii=False)
    while PLACEHOLDER.search(text):
        text = PLACEHOLDER.sub(lambda match: json.dumps(saved[match[1]])[1:-1], text)
    return json.loads(text)


def pick(document, path):
    """Return what lies at a dotted path, or the whole document for "."."""
    for key in filter(None, path.split(".")):
        document = (document or {}).get(key)
    return document


def play(step, scim, usual_headers, saved):
    """Send one step, keep what it saves, and return what is wrong with the answer: "" if nothing is."""
    method, path = fill(step["request"], saved).split(" ", 1)
    body = fill({**saved[step["onto"]], **step["body"]} if "onto" in step else step.get("body"), saved)
    headers = {name: value for name, value in usual_headers.items() if body or name != "Content-Type"}
    headers |= step.get("headers", {})
    sent = json.dumps(body, ensure_ascii=False) if body else ""
    answer = scim.open(method, path, data=sent.encode(), headers=headers)
    document = answer.get_json(force=True, silent=True)
    saved |= {fill(name, saved): pick(document, path) for name, path in step.get("save", {}).items()}
    heard = {"status": answer.status_code, "headers": dict(answer.headers), "body": document}
    problems = [*differences(fill(step["expect"], saved), heard, "answer"), *bad_manners(answer, document)]
    talk = [f"{method} {path}", f"{headers}", sent, f"\n{answer.status}", f"{answer.headers}{answer.text}"]
    return "\n".join([*problems, "", *talk]) if problems else ""


@each_conversation
def test_the_conversation_goes_as_recorded(file, scim, define):
    conversation, saved = json.loads(file.read_text("utf-8")), {}
    for attribute in conversation.get("attributes", []):
        define(**attribute)
    for number, step in enumerate(conversation["steps"], start=1):
        for saved["n"] in map(str, range(1, step.get("repeat", 1) + 1)):
            if problem := play(step, scim, conversation["headers"], saved):
                pytest.fail(f"{file.name}, step {number}: {step['note']}\n{problem}", pytrace=False)


@each_conversation
def test_every_step_is_complete_and_every_write_is_read_back(file):
    steps, names = json.loads(file.read_text("utf-8"))["steps"], {}
    for step, following in zip(steps, [*steps[1:], {"request": "nothing"}], strict=True):
        assert step["note"] and step["expect"]["status"], step
        for names["n"] in map(str, range(1, step.get("repeat", 1) + 1)):
            fill([step["request"], step.get("body"), names[step.get("onto", "n")]], names)
            names |= {fill(name, names): name for name in step.get("save", {})}
            fill(step["expect"], names)
        assert step["request"].startswith("GET ") or following["request"].startswith("GET "), step
