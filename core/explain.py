"""An entry of the provisioning log in plain words, for whoever runs Okta; and as a command that repeats it. Pure.

    explain(row).what    # "Okta could not create ada@example.com."
    explain(row).why     # "That user name is taken …"
    explain(row).cure    # "If it is the same person, open … in Okta"
    as_curl(row, "https://rollcall.example.com/scim/v2")

It says more of rows that have their bodies (history.log_entry) than of those without.
"""

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from core import journal
from core.history import LogRow
from protocol import definitions

INTEGRATION = "Applications > the app > Provisioning > Integration > Edit"
ASSIGNMENTS = "Applications > the app > Assignments"
PERSON = f"{ASSIGNMENTS}, the pencil beside the person"
PUSH_GROUPS = "Applications > the app > Push Groups"
PROFILE_EDITOR = "Directory > Profile Editor > the app's profile"
FORCE_SYNC = "Applications > the app > Provisioning > To App > Force Sync"
TASKS = "Dashboard > Tasks"
TOKENS = "Admin > Identity > User Provisioning"  # in Rollcall
RETRY = f"Then press Retry in Okta: {TASKS}."
NEXT_PARAMETER = re.compile(rf"[?&](?=(?:{'|'.join(definitions.QUERY_PARAMETERS)})=)", re.IGNORECASE)
TOKEN_NAME = re.compile(r"The bearer token ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\") ")
ATTRIBUTE = re.compile(r"(?:At most one value of )?([\w:.$-]+) (?:must|may|is|cannot|contains)\b")
NEEDED = re.compile(r"(?:A \w+|Each of [\w:.$-]+) needs a ([\w:.$-]+?)[.:]( |$)")
NOTHING_KEPT = re.compile(r"\[\d+ bytes that (?:are no JSON|may hold a secret)\]")


@dataclass(frozen=True)
class Explanation:
    """What happened, why, and what to do about it: sentences, or "" where there is nothing to say."""

    what: str
    why: str = ""
    cure: str = ""


def explain(row: LogRow) -> Explanation:
    """Return what an entry means to an administrator of Okta."""
    if not row.is_refused:
        return Explanation(_success(row), *_of_ignored(row.ignored))
    if row.status == 401:
        return _of_token(row)
    explainer = BY_TYPE.get(row.scim_type) or BY_STATUS.get(row.status) or _of_anything
    return Explanation(_attempt(row), *explainer(row))


def _success(row):
    who = _named(row)
    if "/.search" in row.path:
        return "Okta searched."
    if row.status == 304:
        return f"Okta asked whether {who} has changed: it has not."
    if row.method in ("GET", "HEAD"):
        return _reading(row, who)
    if row.resource_type is None:
        return (
            "Okta sent several changes at once." if row.path.endswith("/Bulk") else f"{row.method} was carried out."
        )
    if row.method == "POST":
        return f"Okta created {who}."
    if row.method == "DELETE":
        return f"Okta deleted {who}."
    return _changing(row, who)


def _reading(row, who):
    if row.resource_id:
        return f"Okta read {who}."
    if row.resource_type is None:
        return "Okta asked what Rollcall offers."
    if row.subject:
        total = _json(row.answer).get("totalResults")
        outcome = "" if total is None else ": it does not." if total == 0 else ": it does."
        return f"Okta asked whether {who} exists{outcome or '.'}"
    if row.path.endswith("/Users?startIndex=1&count=2"):
        return "Okta tested the API credentials: they are accepted."
    return f"Okta read the list of {row.resource_type.lower()}s."


def _changing(row, who):
    """Return what a PUT or a PATCH did, as far as its body tells."""
    body = _json(row.request)
    if row.method == "PUT":
        if row.resource_type == "Group":
            members = body.get("members")
            listed = f", with {_count(len(members), 'member')}" if isinstance(members, list) else ""
            return f"Okta replaced {who}{listed}."
        return f"Okta sent the whole profile of {who}{', who is disabled' if body.get('active') is False else ''}."
    parts = _parts(body)
    if row.resource_type == "Group":
        return _membership(parts, who)
    values = {path.lower(): value for _, path, value in parts}
    active = str(values.get("active")).lower()
    if len(values) == 1 and active in ("true", "false"):
        return f"Okta {'enabled' if active == 'true' else 'disabled'} {who}."
    if list(values) == ["password"]:
        return f"Okta sent a password for {who}. Rollcall keeps none."
    listed = ", ".join(dict.fromkeys(_short(path) for _, path, _ in parts))
    return f"Okta changed {who}{': ' + listed if listed else ''}."


def _membership(parts, who):
    """Return what a PATCH did to a group. Okta sends the name with every change of the members."""
    counts: Counter = Counter()
    for op, path, value in parts:
        if path.lower().startswith("members"):
            named = value if isinstance(value, list) else [value] if value else []
            counts[op] += len(named) if named or op != "remove" else 1
    done = []
    if "replace" in counts:
        done.append(f"made {_count(counts['replace'], 'person', 'people')} the members")
    if counts["remove"]:
        done.append(f"removed {_count(counts['remove'], 'member')}")
    if counts["add"]:
        done.append(f"added {_count(counts['add'], 'member')}")
    if done:
        return f"Okta changed {who}: {' and '.join(done)}."
    if any(path.lower() == "displayname" for _, path, _ in parts):
        return f"Okta sent the name of {who}."
    return f"Okta changed {who}."


def _parts(body):
    """Return [(op, path, value)] of a PATCH body, a value without a path taken apart."""
    parts = []
    listed = _lower(body).get("operations")
    for operation in listed if isinstance(listed, list) else []:
        operation = _lower(operation)
        op, path, value = str(operation.get("op")).lower(), operation.get("path"), operation.get("value")
        if isinstance(path, str) and path:
            parts.append((op, path, value))
        elif isinstance(value, dict):
            parts += [(op, name, part) for name, part in value.items() if name.lower() not in ("id", "schemas")]
    return parts


def _of_ignored(paths):
    """Return (why, cure) where attributes were ignored."""
    paths = list(dict.fromkeys(paths))
    if not paths:
        return "", ""
    prefix = definitions.CUSTOM.lower() + ":"
    own = [_short(path) for path in paths if path.lower().startswith(prefix)]
    others = [path for path in paths if not path.lower().startswith(prefix)]
    cures = []
    if own:
        add = f"{TOKENS} > Edit Settings > Add Custom Attribute"
        cures.append(f"Define {_list(own)} here ({add}), and push the profile again: {FORCE_SYNC}.")
    if others:
        mappings = f"{PROFILE_EDITOR} > Mappings"
        cures.append(f"Rollcall has no place for {_list(others)}: leave it so, or unmap it in Okta ({mappings}).")
    return f"What came with it and is not known here was ignored: {_list(paths)}.", " ".join(cures)


def _attempt(row):
    who = _named(row)
    if _is_read(row):
        return f"Okta could not read {who}." if row.resource_id or row.subject else "Okta could not read a list."
    if row.resource_type is None:
        return f"Okta's request ({row.method} {_cut(row.path)}) was refused."
    verb = {"POST": "create", "DELETE": "delete"}.get(row.method, "change")
    return f"Okta could not {verb} {who}."


def _of_token(row):
    """Explain a 401: the sentence in the log says which of the reasons it was (tokens.problem)."""
    error, paste = row.error or "", f"paste it in Okta: {INTEGRATION} > API Token"
    found = TOKEN_NAME.match(error)
    token = f"The token {found[1]}" if found else "The token"
    ended = error[found.end() :] if found else error
    if "carries no bearer token" in error:
        return Explanation(
            "A request came without a token.",
            f"It came from {row.address}. If that is not Okta, nothing needs to be done.",
            f"If it is, generate a token here ({TOKENS}) and {paste}.",
        )
    what = "A request came with a token that is refused."
    if "mistyped or cut off" in error:
        why = "The token is mistyped or was not copied whole."
        return Explanation(
            what, why, f"Copy the token again and {paste}. If it is lost, generate another ({TOKENS})."
        )
    if "unknown here" in error:
        why = "Rollcall has no such token: it was made by another Rollcall, or before a backup was restored."
    elif "inactive" in ended:
        why = f"{token} was set to inactive."
        return Explanation(
            what,
            why,
            f"Set it to active here ({TOKENS}). Or use another one, and {paste}. Nothing else has to change.",
        )
    elif "expired" in ended:
        why = f"{token} has expired."
    else:
        why = f"{token} was removed here."
    return Explanation(what, why, f"Generate a token here ({TOKENS}) and {paste}. Then press Test API Credentials.")


def _of_taken_name(row):
    if row.resource_type == "Group":
        return (
            "There is a group of that name already; letter case does not count.",
            f"In Okta, open {PUSH_GROUPS} and link the group to the existing one instead of creating it. Or rename "
            f"one of the two.",
        )
    if row.method == "POST":
        return (
            "Someone with that user name is here already; letter case does not count.",
            f"If it is the same person, press Retry in Okta ({TASKS}): Okta finds who is here and takes them over. "
            f"If it is somebody else, change the user name of one of them: {PERSON}.",
        )
    return (
        "Somebody else has that user name already; letter case does not count.",
        f"Change the user name of one of them in Okta: {PERSON}. {RETRY}",
    )


def _of_value(row):
    error = row.error or ""
    if error.startswith("No user has the id"):
        return (
            f"{_why(row)} Nothing of the request was carried out.",
            f"In Okta, assign these people to the app first ({ASSIGNMENTS}), best through another group than the "
            f"one that is pushed. Then push the group again: {PUSH_GROUPS} > the group > Push now.",
        )
    if "nested groups" in error:
        return (
            "A group is a member of this group. Rollcall takes people only.",
            f"Take the inner group out of this one, and push it by itself: {PUSH_GROUPS}.",
        )
    needed, named = NEEDED.match(error), ATTRIBUTE.match(error)
    attribute = needed[1] if needed else _short(named[1]) if named else None
    if attribute is None or row.resource_type is None or _is_read(row):
        return _of_anything(row)
    if needed:
        return (
            _why(row),
            f"Give {attribute} a value in Okta ({PERSON}), or map one to it: {PROFILE_EDITOR} > Mappings. {RETRY}",
        )
    return (
        _why(row),
        f"Correct the value of {attribute} in Okta ({PERSON}), or its data type and what is mapped to it: "
        f"{PROFILE_EDITOR}. {RETRY}",
    )


def _of_filter(row):
    return (
        _why(row),
        f"In Okta, set Unique identifier field for users to userName: {INTEGRATION}. {RETRY}",
    )


def _of_path(row):
    return (
        _why(row),
        f"Compare External name and External namespace of the attribute with those that Rollcall shows: "
        f"{PROFILE_EDITOR}. {RETRY}",
    )


def _of_syntax(row):
    return (
        _why(row),
        "Okta itself sends nothing like it. Look at what stands between Okta and Rollcall, such as a proxy that "
        "changes bodies; or at the client, if it is another one.",
    )


def _of_no_target(row):
    where = f"{PUSH_GROUPS} > the group > Push now" if row.resource_type == "Group" else f"{FORCE_SYNC}"
    return (
        f"{_why(row)} The change is about a value that is not here.",
        f"Send everything anew from Okta: {where}.",
    )


def _of_mutability(row):
    named = ATTRIBUTE.match(row.error or "")
    attribute = _short(named[1]) if named else "the attribute"
    return _why(row), f"Take the mapping of {attribute} away in Okta: {PROFILE_EDITOR} > Mappings."


def _of_missing(row):
    if row.resource_id is None and not _why(row).startswith("Nothing is at"):
        return _of_anything(row)
    if row.resource_id is None:
        return (
            _why(row),
            f"Compare the Base URL in Okta ({INTEGRATION}) with the one that Rollcall shows ({TOKENS}): it ends in "
            f"{definitions.BASE_PATH}.",
        )
    if row.method == "DELETE":
        return "It was deleted before.", "Nothing needs to be done."
    if row.resource_type == "Group":
        return (
            "Okta's link leads to a group that is not here: it was deleted, or belongs to another Rollcall.",
            f"In Okta, unlink the pushed group and push it again: {PUSH_GROUPS}.",
        )
    return (
        "Okta's link leads to a user who is not here: they were deleted, or belong to another Rollcall.",
        f"In Okta, take the assignment away and assign the person again: {ASSIGNMENTS}. Okta then looks the user "
        f"name up, and creates whoever is missing.",
    )


def _of_version(row):
    return (
        "It was changed by somebody else in the meantime.",
        "Nothing needs to be done: the client reads it again.",
    )


def _of_size(row):
    cure = (
        f"Push large groups one after another: {PUSH_GROUPS}. A proxy in front of Rollcall may have a limit, too."
    )
    return _why(row), cure


def _of_media_type(row):
    return (
        _why(row),
        "Okta sends the right type. Look at what stands between Okta and Rollcall, or at the client if it is "
        "another.",
    )


def _of_busy(row):
    retries = "Okta tries again by itself." if row.status == 429 else RETRY.replace("Then press", "Press")
    return (
        "Rollcall had too much to do at that moment. Nothing was changed.",
        f"{retries} If it happens often, look for what holds the database, such as a backup.",
    )


def _of_mistake(row):
    return (
        "Rollcall made a mistake. Nothing was changed.",
        f"The server's log says more, at {row.time}: please report it. {RETRY}",
    )


def _of_full_disk(row):
    return "The disk of the server is full. Nothing was changed.", f"Make room on the server. {RETRY}"


def _of_anything(row):
    return _why(row), "Okta itself sends nothing like it: look at the client that sent this request."


BY_TYPE = {
    "uniqueness": _of_taken_name,
    "invalidValue": _of_value,
    "invalidFilter": _of_filter,
    "invalidPath": _of_path,
    "invalidSyntax": _of_syntax,
    "noTarget": _of_no_target,
    "mutability": _of_mutability,
}
BY_STATUS = {
    404: _of_missing,
    412: _of_version,
    413: _of_size,
    415: _of_media_type,
    429: _of_busy,
    500: _of_mistake,
    503: _of_busy,
    507: _of_full_disk,
}


def _is_read(row):
    return row.method in ("GET", "HEAD") or "/.search" in row.path


def _named(row):
    kind = {"User": "a user", "Group": "a group"}.get(row.resource_type, "something")
    if not row.subject:
        return kind
    return f"the group {row.subject}" if row.resource_type == "Group" else row.subject


def _short(path):
    """Return the path of an attribute without the URN of its schema."""
    return path.rpartition(":")[2] if path.lower().startswith("urn:") else path


def _list(names):
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _count(number, one, many=None):
    return f"{number} {one if number == 1 else many or one + 's'}"


def _cut(text):
    return text if len(text) <= 100 else text[:100] + "…"


def _why(row):
    return row.error or "The log does not say why."


def _json(text) -> dict:
    """Return a body that the log kept; {} where it has none, was cut, or is no object."""
    try:
        body = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _lower(value):
    return {key.lower(): part for key, part in value.items()} if isinstance(value, dict) else {}


def as_curl(row: LogRow, base_url: str) -> str:
    """Return shell commands that repeat a request; the token is taken from $ROLLCALL_TOKEN.

    Comments say what the log did not keep.
    """
    lines, notes = [f"curl -i {_method(row.method)}{shlex.quote(_address(row.path, base_url))}"], []
    lines.append('-H "Authorization: Bearer $ROLLCALL_TOKEN"')
    if len(row.path) > journal.LONGEST_LINE:
        notes.append("# The log kept only the beginning of the address.")
    if row.request is not None:
        lines.append("-H 'Content-Type: application/scim+json'")
        is_cut = len(row.request) > journal.LARGEST_BODY
        if is_cut or NOTHING_KEPT.fullmatch(row.request):
            kept = "only the beginning of the body" if is_cut else "nothing of the body"
            notes.append(f"# The log kept {kept}: put the whole of it into body.json.")
            lines.append("--data-binary @body.json")
        else:
            lines.append(f"--data-raw {shlex.quote(row.request)}")
    if "[redacted]" in f"{row.path} {row.request}":
        notes.append("# Secrets were taken out: put them back where it says [redacted].")
    return "\n".join([*notes, " \\\n  ".join(lines)])


def _method(method):
    if method == "GET":
        return ""
    return "--head " if method == "HEAD" else f"-X {shlex.quote(method)} "


def _address(path, base_url):
    """Return where a path of the log leads, encoded again: the log has it decoded, with SCIM's parameters only."""
    path, *parameters = NEXT_PARAMETER.split(path)
    address = base_url.removesuffix(definitions.BASE_PATH) + quote(path, safe="/:@!$&'()*+,;=~")
    pairs = (parameter.partition("=") for parameter in parameters)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, _, value in pairs)
    return f"{address}?{query}" if query else address
