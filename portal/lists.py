"""What lists share: the search and the place in the address, filters that are on, and whom a form chose.

query = user_query(request.args)          # of an address or of a form
chips(("q", "“ada”"), ("source", ""))     # [("“ada”", address without it)]
"""

import re
import zlib

from flask import abort, request, url_for

from core import lists
from core.lists import UserQuery, UserRow
from core.user_search import COLUMNS
from portal import access
from portal.frame import here, people

SOURCES = {"scim": "SCIM Okta", "local": "Local"}
STATUSES = {"enabled": "Enabled", "disabled": "Disabled"}
INVITES = {"not invited": "Not Invited", "pending": "Pending", "completed": "Completed", "expired": "Expired"}
KEPT = ("user", "all", "q", "source", "status", "invite", "group", "back")  # what a confirmation sends again
NAMED = 10  # people whom a confirmation names
NUMBER = re.compile(r"[0-9]{1,18}")  # an id: the databases' integers are not larger


def user_query(values) -> UserQuery:
    """Return the search that an address or a form carries. A condition that cannot hold finds nobody."""
    return UserQuery(
        text=values.get("q", "").strip(),
        source=values.get("source", ""),
        status=values.get("status", ""),
        invite=values.get("invite", ""),
        group=values.get("group", ""),
        sort=values.get("sort") if values.get("sort") in COLUMNS else "name",
        descending=values.get("order") == "descending",
    )


def chips(*filters) -> list[tuple]:
    """Return [(words, address without it)] of the filters that are on, of (parameter, words or nothing)."""
    return [(words, here(**{name: None})) for name, words in filters if words]


def is_untidy() -> bool:
    """Return whether the address has empty parameters: forms send all their fields."""
    return "" in request.args.values()


def tidy_address() -> dict:
    """Return the header by which htmx shows an address without empty parameters: typing makes no history."""
    is_typing = request.headers.get("HX-Source", "").startswith("input")
    return {"HX-Replace-Url" if is_typing else "HX-Push-Url": here()} if is_untidy() else {}


def as_number(text: str) -> int | None:
    """Return the number that a parameter is, or None for anything else."""
    return int(text) if NUMBER.fullmatch(text) else None


def whole_number(name: str) -> int | None:
    """Return a parameter of the address that is an id. Answer 400 if it is anything else."""
    text = request.args.get(name)
    if text is not None and as_number(text) is None:
        abort(400, f"{name}={text} is no number. Open the page again from the menu.")
    return None if text is None else as_number(text)


def first_row(page) -> int:
    """Return the number of a page's first row, counted from 1; the address tells it, for nobody counts so far."""
    if not page.previous:
        return 1
    if request.args.get("before") == lists.END:
        return max(page.total - len(page.rows) + 1, 1)
    return max(as_number(request.args.get("from", "")) or 1, 1)


def ticked() -> list[UserRow]:
    """Return the rows of those whom the form ticked and who are still here."""
    ids = dict.fromkeys(request.form.getlist("user"))
    return [row for row in map(lists.user, ids) if row]


def some(count: int, one: str, more: str) -> str:
    """Return of how many people something is so, as `one` or `more` say it; nothing of nobody."""
    return f"{count:,} {one if count == 1 else more}" if count else ""


def gone() -> str:
    """Return in words how many of those whom the form ticked are not here any more."""
    count = 0 if request.form.get("all") else len(set(request.form.getlist("user"))) - len(ticked())
    return some(count, "was deleted meanwhile", "were deleted meanwhile")


def nobody(participle: str, *reasons: str) -> str:
    """Return why a form changed nobody: for these reasons, because they are gone, or because it chose nobody."""
    because = [reason for reason in (*reasons, gone()) if reason]
    if because:
        return f"Nobody was {participle}: {'; '.join(because)}."
    return "Nobody matches any more." if request.form.get("all") else "Nobody is ticked."


def kept_choice() -> list[tuple]:
    """Return (name, value) of what a form carried to say whom it is about: the confirmation sends it again."""
    return [(name, value) for name, value in request.form.items(multi=True) if name in KEPT]


def shown(pks) -> str:
    """Return for whom a confirmation is shown, as its form repeats it: how many, and a checksum of who."""
    return f"{len(pks)}-{zlib.crc32(repr(sorted(pks)).encode()):08x}"


def since_shown(pks) -> str:
    """Return in words how those whom a confirmation is for have changed since it was shown."""
    if request.form["shown"].partition("-")[0] == str(len(pks)):
        return "Since this was shown, somebody has come in the place of another."
    return f"They have become {people(len(pks))} since this was shown."


def way_back(endpoint: str = "portal.users", **values) -> str:
    """Return the page that the form was on, or else that of the endpoint."""
    return access.local_path(request.form.get("back") or url_for(endpoint, **values))
