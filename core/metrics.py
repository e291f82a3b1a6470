"""What is counted for Prometheus, and what it reads when it asks. No HTTP.

metrics.count(app, "scim read", 200, 0.004)      # with each request
metrics.exposition()                              # for a scrape: bytes in Prometheus' text format
"""

from threading import Lock

from flask import Flask, current_app
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

import database
import engines
from core import journal, lists, outbox
from core.journal import ENTRIES
from database import Prepared

KINDS = ("scim_read", "scim_write", "portal", "static", "health")
OUTCOMES = ("1xx", "2xx", "3xx", "4xx", "5xx")
SOURCES = ("scim", "local")
INVITE_STATES = ("not invited", "pending", "completed", "expired")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
FIRST_AND_LAST = Prepared(select(func.min(ENTRIES.c.id), func.max(ENTRIES.c.id)))
MAKING = Lock()


class State:
    """What an application's process counts."""

    def __init__(self):
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(Stored())
        requests = Counter("rollcall_requests", "Requests", ["kind", "outcome"], registry=self.registry)
        seconds = Histogram(
            "rollcall_request_seconds", "Time of a request", ["kind"], buckets=SECONDS, registry=self.registry
        )
        # looked up once: a child costs a tenth of what `labels` does
        self.requests = {(kind, outcome): requests.labels(kind, outcome) for kind in KINDS for outcome in OUTCOMES}
        self.seconds = {kind: seconds.labels(kind) for kind in KINDS}


def _state(app: Flask) -> State:
    if "metrics" not in app.extensions:
        with MAKING:
            if "metrics" not in app.extensions:
                app.extensions["metrics"] = State()
    return app.extensions["metrics"]


def count(app: Flask, kind: str, status: int, seconds: float):
    """Count a request; `kind` is one of KINDS."""
    state = _state(app)
    state.requests[kind, OUTCOMES[status // 100 - 1]].inc()
    state.seconds[kind].observe(seconds)


def exposition() -> bytes:
    """Return all that is counted, with what the database says at this moment, as Prometheus reads it."""
    return generate_latest(_state(current_app).registry)


class Stored(Collector):
    """What is read when it is asked for: from totals that are kept, never by counting users."""

    def describe(self):
        return []  # so that nothing is read when it is registered

    def collect(self):
        yield from (*_users(), _groups(), _outbox(), *_log(), _sizes(), _info())


def _users():
    """Each source and state is told of, even if nobody is in it: a series that comes and goes raises alarms."""
    totals = dict.fromkeys(((source, enabled) for source in SOURCES for enabled in (True, False)), 0)
    invited = dict.fromkeys(INVITE_STATES, 0)
    for (source, enabled, invite), number in lists.user_totals().items():
        totals[source, enabled] += number
        invited[invite] = invited.get(invite, 0) + number
    family = GaugeMetricFamily("rollcall_users", "Users", labels=["source", "state"])
    for (source, enabled), number in totals.items():
        family.add_metric([source, "enabled" if enabled else "disabled"], number)
    yield family
    family = GaugeMetricFamily(
        "rollcall_users_by_invite", "Users by the state of their invitation", labels=["invite"]
    )
    for invite, number in invited.items():
        family.add_metric([invite.replace(" ", "_")], number)
    yield family


def _groups():
    family = GaugeMetricFamily("rollcall_groups", "Groups", labels=["source"])
    totals = lists.group_totals()
    for source in SOURCES:
        family.add_metric([source], totals.get(source, 0))
    return family


def _outbox():
    family = GaugeMetricFamily("rollcall_outbox_mails", "Mails of the outbox", labels=["state"])
    for state, number in outbox.counts().items():
        family.add_metric([state], number)
    return family


def _log():
    first, last = FIRST_AND_LAST.first()
    # ids are given in turn and the oldest entries go first, so that nobody has to count
    kept = last - first + 1 if first is not None else 0
    yield GaugeMetricFamily("rollcall_log_entries", "Entries of the provisioning log", value=kept)
    waiting = journal.count_waiting()
    yield GaugeMetricFamily("rollcall_log_entries_waiting", "Entries that are not written yet", value=waiting)


def _sizes():
    family = GaugeMetricFamily("rollcall_database_bytes", "Size on the disk", labels=["file"])
    for name, size in database.sizes().items():
        family.add_metric([name], size)
    return family


def _info():
    facts = {"schema": database.stored_schema() or "none", "engine": engines.version(database.connection())}
    return InfoMetricFamily("rollcall", "Schema of the database, and its engine", value=facts)
