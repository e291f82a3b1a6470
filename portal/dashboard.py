"""The dashboard: is provisioning healthy, who is here, what needs attention. Reads counters, never all users."""

from collections import Counter

from flask import render_template

from core import health, lists
from models import now
from portal import access, bp
from portal.access import needs
from portal.users import INVITES


@bp.get("/")
@needs("readonly")
def dashboard():
    state = health.provisioning_health()
    days = health.activity()
    return render_template(
        "dashboard/page.html",
        health=state,
        attention=health.attention(state),
        users=user_counts(lists.user_totals()),
        groups=lists.group_totals(),
        days=days,
        most=max(day.reads + day.changes + day.refused for day in days),
        today=now()[:10],
        base_url=access.base_url(),
    )


def user_counts(totals: dict) -> dict:
    """Return {name of a filter: [(its value, how many users)]} and {"all": how many} of the states' totals."""
    sources, states, invites = Counter(), Counter(), Counter()
    for (source, enabled, invite), number in totals.items():
        sources[source] += number
        states["enabled" if enabled else "disabled"] += number
        invites[invite] += number
    return {
        "all": sum(totals.values()),
        "status": [(state, states[state]) for state in ("enabled", "disabled")],
        "source": [(source, sources[source]) for source in ("scim", "local")],
        "invite": [(invite, invites[invite]) for invite in INVITES],
    }
