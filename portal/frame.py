"""What every page shares: numbers, times and links in templates, and the answer to a form."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from flask import get_flashed_messages, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException

import database
from core import accounts
from portal import access


def init_app(app):
    """Give templates their functions and filters, and static files addresses that change with their content."""
    app.jinja_env.filters.update(ago=ago, exact=exact, names=names, number=number, up_to=up_to)
    app.jinja_env.globals.update(
        here=here,
        csrf_token=access.csrf_token,
        may=may,
        notices=notices,
        now=database.now,
        roles=accounts.ROLES,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.url_defaults
    def fingerprint(endpoint, values):
        if endpoint == "static" and "v" not in values:
            values["v"] = _fingerprint(app.static_folder, values["filename"])


@cache
def _fingerprint(folder, name):
    return hashlib.sha256(Path(folder, name).read_bytes()).hexdigest()[:10]


DETAILS = {
    400: "The request cannot be read. Nothing was changed: go back, and try again.",
    404: "No page has this address. It may have been deleted, or the address is mistyped.",
    405: "This address cannot be used like that. Nothing was changed.",
    413: "The form is larger than Rollcall takes. Nothing was changed.",
}
HEADINGS = {
    400: "That request cannot be read",
    401: "You are signed out",
    403: "Not allowed",
    404: "Nothing is here",
    405: "Not possible here",
    409: "Not as it is now",
    413: "Too much at once",
    429: "Too many tries",
    503: "Busy",
    507: "The disk is full",
}


def error_page(status: int, detail: str) -> str:
    """Return a refusal as a page in the frame: what happened, and where to go from there."""
    heading = HEADINGS.get(status, "Something went wrong" if status >= 500 else "That did not work")
    held = access.held() if detail in (access.SIGNED_OUT, access.SIGNED_IN_ANEW) else []
    heading = "Not sent yet" if held and status == 403 else heading
    return render_template("error.html", status=status, heading=heading, detail=detail, held=held)


def detail(error: HTTPException) -> str:
    """Return what to say of one of Werkzeug's refusals: what a view said, or else a sentence of ours."""
    said = error.description if error.description != type(error).description else None
    return said or DETAILS.get(error.code, "The request was refused. Nothing was changed.")


def notices():
    """Return (category, text) of what was done just now, once; an answer that shows none of it uses none up."""
    is_shown = "X-Without-Notices" not in request.headers  # app.js says so of a poll, which any tab may send
    return get_flashed_messages(with_categories=True) if session and is_shown else []


def may(role: str) -> bool:
    """Return whether who looks at the page has a role: readonly, helpdesk or administrator."""
    account = getattr(session, "account", None)
    return account is not None and accounts.may(account, role)


def here(**changes) -> str:
    """Return the address of this page with other parameters, at the list's first page; None takes one away."""
    kept = {name: value for name, value in request.args.items() if name not in ("after", "before", "from", "since")}
    values = {name: value for name, value in (kept | changes).items() if value not in (None, "")}
    return address(values, request.endpoint, **(request.view_args or {}))


def address(parameters: dict, endpoint: str, **view_args) -> str:
    """Return the address of a page with parameters: url_for would take some of a browser's names for its own."""
    query = urlencode(parameters)
    return url_for(endpoint, **view_args) + (f"?{query}" if query else "")


def done(url: str):
    """Answer a form that was carried out: 303, which htmx follows as well."""
    return redirect(url, 303)


def number(value: int) -> str:
    return f"{value:,}"


def people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def up_to(value: int, most: int) -> str:
    """Return a number that was counted no further than one more than `most`."""
    return number(value) if value <= most else f"more than {most:,}"


def exact(time: str) -> str:
    """Return a time of the database as people write it."""
    return f"{time[:10]} {time[11:19]} UTC"


def names(groups) -> str:
    """Return the names of groups that are given as (id, name)."""
    return ", ".join([name for _id, name in groups])


def ago(time: str, now: str = "") -> str:
    """Return how long ago a time of the database is, or how far ahead, in the largest unit that fits.

    A page with many of them says what time it is now.
    """
    seconds = (datetime.fromisoformat(now or database.now()) - datetime.fromisoformat(time)).total_seconds()
    size, ahead = abs(seconds), seconds < 0
    if size < 5 and not ahead:
        return "just now"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if size >= length:
            text = f"{round(size / length) if ahead else int(size // length)} {unit}"
            return f"in {text}" if ahead else f"{text} ago"
    return "now"
