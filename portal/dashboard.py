"""The dashboard: is provisioning healthy, who is here, what needs attention. Reads counters, never all users."""

from collections import Counter

from flask import current_app, render_template

from core import configurations, health, lists, outbox
from core.outbox import MailQuery
from database import now
from portal import access, bp
from portal.access import needs
from portal.lists import INVITES


@bp.get("/")
@needs("readonly")
def dashboard():
    state = health.provisioning_health()
    days = health.activity()
    mails = outbox.counts()
    return render_template(
        "dashboard/page.html",
        health=state,
        attention=health.attention(state),
        mails=mails,
        mail_problem=mail_problem() if mails["waiting"] else None,
        users=user_counts(lists.user_totals()),
        groups=lists.group_totals(),
        distributed=[row for row in configurations.listing() if row.ready or row.held],
        days=days,
        most=max(day.reads + day.changes + day.refused for day in days),
        today=now()[:10],
        base_url=access.base_url(),
    )


def mail_problem() -> str | None:
    """Return why mails wait: what is not set, or what the mail server said of one of the newest; or None."""
    waiting, _older = outbox.page(MailQuery(state="waiting"))
    return outbox.smtp_problem(current_app.config) or next((m.last_error for m in waiting if m.last_error), None)


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
