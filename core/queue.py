"""Where work on many users waits until core/jobs.py does it, a portion at a time. No request.

    add("deliver", pks, actor, subject="3")    # within a transaction

It is a module of its own so that the rules in core/directory.py can leave work behind: jobs.py stands above them.
"""

import threading
from dataclasses import dataclass, field

import orjson
from flask import current_app

from core.journal import Actor
from database import after_commit, execute, now
from models import Job

REMOVE_ATTRIBUTE = "remove attribute"  # a kind of work, of which core/configurations.py has to know
JOBS = Job.__table__


@dataclass
class State:
    """What an application's process keeps in memory."""

    started: threading.Event = field(default_factory=threading.Event)
    pks: dict = field(default_factory=dict)  # job id → array of pks: they are parsed once, not for each portion


def state(app=current_app) -> State:
    return app.extensions.setdefault("jobs", State())


def add(kind: str, pks: list, actor: Actor, subject: str | None = None, total: int | None = None) -> int:
    """Note work to be done and return the job's id; it begins once the caller's transaction is committed."""
    row = {
        "kind": kind,
        "subject": subject,
        "pks": orjson.dumps(pks).decode(),
        "actor": actor.name,
        "total": len(pks) if total is None else total,
        "created": now(),
    }
    after_commit(state().started.set)
    return execute(JOBS.insert(), row).inserted_primary_key[0]
