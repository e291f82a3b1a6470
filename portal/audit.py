"""Admin > Audit trail: what changed, before and after, by whom."""

import re

from flask import abort, redirect, render_template, request

import database
from core import accounts, history, journal, tokens
from core.history import AuditQuery
from portal import bp
from portal.access import needs
from portal.csv_export import csv_response
from portal.frame import address, here
from portal.lists import chips, is_untidy, whole_number

KINDS = ("User", "Group", "Token", "Attribute", "Administrator", "Setting", "Mail", "Configuration")
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEADER = ("Time", "By", "Action", "Kind", "Name", "Id", "What changed", "Before", "After")


@bp.get("/admin/audit")
@needs("readonly")
def audit():
    if is_untidy():
        return redirect(here())
    query, before = _query(), whole_number("before")
    rows, older = history.audit_page(query, before)
    changes = [history.changes(row) for row in rows]
    ids = {row.resource_id for row in rows if row.kind in ("User", "Group")}
    names = history.names_of(ids | _members(changes) | {query.resource_id} - {""})
    changes = [_with_names(change, names) for change in changes]
    return render_template(
        "audit/list.html",
        lines=[(row, c, _is_long(c), row.resource_id in names) for row, c in zip(rows, changes, strict=True)],
        older=older,
        before=before,
        query=query,
        chips=_chips(query, names),
        kinds=[("", "All"), *((kind, kind) for kind in KINDS)],
        actors=[("", "Everybody"), *((actor, actor) for actor in _actors(query))],
        export=address(_without_page(), "portal.export_audit"),
    )


def _members(changes):
    """Return the ids of members that the changes tell of."""
    texts = [text for change in changes for name, *texts in change if name == "members" for text in texts]
    return {identifier for text in texts for identifier in ID.findall(text or "")}


def _with_names(change, names):
    """Return a change with the names of members in place of their ids, where they are here."""

    def named(text):
        return text and ID.sub(lambda found: names.get(found[0], found[0]), text)

    return [(name, *map(named, texts)) if name == "members" else (name, *texts) for name, *texts in change]


def _is_long(changes):
    """Return whether a change is folded, so that the list can be looked over."""
    return len(changes) > 3 or sum(len(before or "") + len(after or "") for _, before, after in changes) > 300


@bp.get("/admin/audit/export.csv")
@needs("readonly")
def export_audit():
    """The same lines as a CSV file: all of them, not a page."""
    batches = history.audit_batches(_query())
    return csv_response(f"audit-{database.now()[:10]}.csv", HEADER, (map(_cells, rows) for rows in batches))


def _cells(row):
    """Return one line: what changed in words, then before and after whole, as JSON."""
    words = "; ".join(f"{name}: {before or '–'} → {after or '–'}" for name, before, after in history.changes(row))
    whole = journal.as_json(row.before), journal.as_json(row.after)
    return row.time, row.actor, row.action, row.kind, row.name, row.resource_id, words, *whole


def _query():
    args = request.args
    if args.get("kind", "") not in ("", *KINDS):
        abort(400, "The audit trail has no such filter. Open it again from the menu.")
    return AuditQuery(
        kind=args.get("kind", ""),
        actor=args.get("actor", ""),
        resource_id=args.get("resource", ""),
        text=args.get("text", "").strip(),
    )


def _without_page():
    return {name: value for name, value in request.args.items() if name != "before"}


def _chips(query, names):
    """Return [(words, address without it)] of the filters that are on."""
    about = names.get(query.resource_id, query.resource_id)
    return chips(
        ("kind", query.kind),
        ("actor", query.actor and f"By {query.actor}"),
        ("resource", about and f"About {about}"),
        ("text", query.text and f"“{query.text}”"),
    )


def _actors(query):
    """Return who is offered as an actor: accounts and tokens of now, and whoever is asked for."""
    okta = [history.EVERY_TOKEN, *dict.fromkeys(f"SCIM Okta ({token.name})" for token in tokens.listing())]
    known = [*okta, *(account.email for account in accounts.listing()), "Command line"]
    return known if query.actor in ("", *known) else [query.actor, *known]
