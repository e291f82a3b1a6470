"""Admin > Provisioning log: every SCIM request, what it was about, and what to do where it failed."""

import orjson
from flask import abort, redirect, render_template, request, url_for

from core import explain, history, settings, tokens
from core.history import LogQuery
from portal import access, bp
from portal.access import needs
from portal.frame import here
from portal.lists import chips, is_untidy, whole_number
from protocol import definitions

OUTCOMES = {
    "": "All",
    "ok": "Accepted",
    "refused": "Refused",
    "changes": "Changes",
    "ignored": "With ignored attributes",
}


@bp.get("/admin/provisioning-log")
@needs("readonly")
def log():
    """The list; with `since`, only if something newer is in it: so that looking again and again costs nothing."""
    if is_untidy():
        return redirect(here())
    query, before, since = _query(), whole_number("before"), whole_number("since")
    newest = history.newest_log_id()
    if since is not None and not history.log_since(query, since, 1):
        return "", 204
    rows, older = history.log_page(query, before)
    names = {token.id: f"{token.name} …{token.last_four}" for token in tokens.listing(all=True)}
    return render_template(
        "log/list.html",
        rows=rows,
        older=older,
        before=before,
        newest=newest,
        since=newest if since is None else since,
        is_live=before is None and request.args.get("live") != "off",
        query=query,
        chips=_chips(query, names),
        outcomes=OUTCOMES.items(),
        tokens=names,
        days=settings.get("log_days"),
        base_url=access.base_url(),
        base_path=definitions.BASE_PATH,
    )


def _query():
    outcome = request.args.get("outcome", "")
    if outcome not in OUTCOMES:
        abort(400, "The log has no such filter. Open it again from the menu.")
    args = request.args
    return LogQuery(outcome, args.get("person", ""), whole_number("token"), args.get("text", "").strip())


def _chips(query, names):
    """Return [(words, address without it)] of the filters that are on."""
    person = history.names_of({query.person}).get(query.person, query.person) if query.person else ""
    return chips(
        ("outcome", query.outcome and OUTCOMES[query.outcome]),
        ("person", person and f"About {person}"),
        ("token", query.token is not None and f"Token {names.get(query.token, query.token)}"),
        ("text", query.text and f"“{query.text}”"),
    )


@bp.get("/admin/provisioning-log/<int:entry_id>")
@needs("readonly")
def log_entry(entry_id):
    entry = history.log_entry(entry_id) if entry_id < 2**63 else None
    if entry is None:
        days = settings.get("log_days")
        abort(404, f"The log has no such request (any more): it keeps the last {days} days.")
    return render_template(
        "log/entry.html",
        entry=entry,
        explanation=explain.explain(entry),
        curl=explain.as_curl(entry, access.base_url()),
        ignored=_ignored(entry.ignored),
        bodies=[(name, *pretty(text)) for name, text in (("Request", entry.request), ("Answer", entry.answer))],
        back=url_for("portal.log_entry", entry_id=entry_id),
    )


def _ignored(paths):
    """Return [(path of an attribute, the name by which it can be defined, or None)]."""
    names, custom = history.definable(paths), f"{definitions.CUSTOM}:".lower()
    return [(path, next((name for name in names if path.lower() == custom + name.lower()), None)) for path in paths]


def pretty(body: str | None) -> tuple[str | None, bool]:
    """Return (a body of the log with line breaks, whether it is whole JSON): one that was cut stays as it is."""
    try:
        return body and orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode(), True
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # what is read may be nested too deep to be written
        return body, False
