"""Long work on many users, in portions: disable, enable, delete, remove an attribute. No request.

job_id = start("disable", pks, actor)    # within a transaction
while work(job_id):                      # each portion is a transaction of its own
    …

Where a job stands is kept in the transaction of each portion: a crash neither forgets a user nor does one twice.
"""

import logging
import threading
import time
from array import array
from dataclasses import dataclass, field

import orjson
from flask import Flask, current_app
from sqlalchemy import select, update

from core import attributes, directory, search
from core.attributes import DefinitionError
from core.directory import Resource
from core.journal import Actor
from core.search import USERS
from models import Busy, Job, Prepared, after_commit, execute, is_one_of, now, transaction
from protocol import definitions
from protocol.errors import ScimError

REMOVE_ATTRIBUTE = "remove attribute"
PORTION = 200  # users: what Okta may have to wait for
PAUSE = 0.02  # seconds between portions, in which others get the write lock
LOOK = 1  # seconds after which work that another process left is seen
JOBS = Job.__table__
SHOWN = [column for column in JOBS.c if column.name != "pks"]  # pks may be megabytes
OLDEST = Prepared(select(JOBS.c.id).where(JOBS.c.finished.is_(None)).order_by(JOBS.c.id).limit(1))
USERS_OF_PKS = Prepared(search.resources(USERS).where(is_one_of(USERS.c.pk, "pks")).order_by(USERS.c.pk))
LOG = logging.getLogger("rollcall")


@dataclass
class State:
    """What an application's process keeps in memory."""

    started: threading.Event = field(default_factory=threading.Event)
    pks: dict = field(default_factory=dict)  # job id → array of pks: they are parsed once, not for each portion


def _state(app=current_app) -> State:
    return app.extensions.setdefault("jobs", State())


def start(kind: str, pks: list, actor: Actor, subject: str | None = None) -> int:
    """Note work to be done and return the job's id; it begins once the caller's transaction is committed.

    `kind` is disable, enable, delete (which passes over users who are not local) or "remove attribute": then
    `subject` is its name, the users are those who have a value, and one that is being removed keeps its job. Raise
    DefinitionError if there is no such attribute, KeyError for an unknown kind.
    """
    pks = list(dict.fromkeys(pks))
    total = len(pks)
    if kind == REMOVE_ATTRIBUTE:
        subject = attributes.find(subject).name
        total = attributes.count_holders(subject)
        for job in unfinished():
            if (job.kind, job.subject) == (kind, subject):
                return job.id
    elif kind not in KINDS:
        raise KeyError(kind)
    row = {
        "kind": kind,
        "subject": subject,
        "pks": orjson.dumps(pks).decode(),
        "actor": actor.name,
        "total": total,
        "created": now(),
    }
    after_commit(_state().started.set)
    return execute(JOBS.insert(), row).inserted_primary_key[0]


def run(kind: str, pks: list, actor: Actor, subject: str | None = None) -> int:
    """Do it at once, for few users, in the caller's transaction; return how many of them changed."""
    if kind != REMOVE_ATTRIBUTE:
        return KINDS[kind](list(dict.fromkeys(pks)), actor)
    changed, more = 0, True
    while more:
        done, more = _clear(subject, actor)
        changed += done
    return changed


def work(job_id: int | None = None, seconds: float | None = None) -> bool:
    """Do one portion of that job, or of the oldest one; return whether more is left of it, or of any.

    With `seconds`, go on with portions for that long. Opens the transactions itself. Raise Busy if the write lock
    is not had: the portion is done next time. Any other failure ends the job, with a sentence in its `error`.
    """
    end = time.monotonic() + (seconds or 0)
    more = _work(job_id)
    while more and time.monotonic() < end:
        time.sleep(PAUSE)
        more = _work(job_id)
    return more


def _work(job_id):
    chosen = job_id
    if job_id is None and (chosen := OLDEST.scalar()) is None:
        return False
    try:
        with transaction():
            job = find(chosen)
            if job is None or job.finished:
                return False if job_id else is_waiting()
            _portion(job)
            return find(chosen).finished is None if job_id else is_waiting()
    except Busy:
        raise
    except Exception as error:
        LOG.exception("Job %s failed", chosen)
        _fail(chosen, error)
        return False if job_id else is_waiting()


def _portion(job):
    """Do the next PORTION users of a job and note where it stands then."""
    actor = Actor(job.actor)
    if job.kind == REMOVE_ATTRIBUTE:
        changed, more = _clear(job.subject, actor)
        done = job.done + changed
    else:
        pks = _pks(job.id)[job.done : job.done + PORTION]
        changed, done = KINDS[job.kind](pks, actor), job.done + len(pks)
        more = done < job.total
    values = {"done": done, "changed": job.changed + changed, "total": max(job.total, done)}
    if not more:
        values |= {"finished": now(), "pks": "[]", "total": done}
        after_commit(lambda: _state().pks.pop(job.id, None))
    execute(update(JOBS).where(JOBS.c.id == job.id), values)


def _pks(job_id):
    known = _state().pks
    if job_id not in known:
        text = execute(select(JOBS.c.pks).where(JOBS.c.id == job_id)).scalar()
        known[job_id] = array("q", orjson.loads(text))
    return known[job_id]


def _fail(job_id, error):
    """End a job that cannot go on; what it has done stays done."""
    reason = str(error) if isinstance(error, ScimError | DefinitionError) else "Rollcall's own log says why."
    with transaction():
        job = find(job_id)
        sentence = f"It stopped after {job.done} of {job.total} users. {reason}"
        execute(update(JOBS).where(JOBS.c.id == job_id), {"finished": now(), "error": sentence, "pks": "[]"})
    _state().pks.pop(job_id, None)


def find(job_id: int):
    """Return (id, kind, subject, actor, total, done, changed, error, created, finished) of a job, or None."""
    if job_id >= 2**63:  # SQLite cannot be asked for it
        return None
    return execute(select(*SHOWN).where(JOBS.c.id == job_id)).first()


def unfinished() -> list:
    """Return the jobs that are not finished, as `find` does, in the order in which they are worked on."""
    return execute(select(*SHOWN).where(JOBS.c.finished.is_(None)).order_by(JOBS.c.id)).all()


def is_waiting() -> bool:
    """Return whether a job is unfinished: one look-up in an index."""
    return OLDEST.scalar() is not None


def keep_working(app: Flask, stop: threading.Event):
    """Work on jobs, as they are started, until `stop` is set: the body of a thread of the server."""
    started = _state(app).started
    while not stop.is_set():
        started.clear()
        if _work_safely(app):
            stop.wait(PAUSE)
        else:
            started.wait(LOOK)


def _work_safely(app):
    try:
        with app.app_context():
            return work()
    except Busy:
        return True
    except Exception:
        LOG.exception("The work on many users was interrupted; it goes on in a second")
        return False


def _users(pks):
    """Return the users with these pks: those who are still there."""
    kind = attributes.user_type()
    return [Resource(kind, *row) for row in USERS_OF_PKS.rows(pks=orjson.dumps(list(pks)).decode())]


def _set_active(pks, actor, active):
    """Enable or disable users; return how many were not so before. Only true is enabled."""
    changed = 0
    for user in _users(pks):
        document = user.document
        if (document.get("active") is True) != active:
            directory.save(user, document | {"active": active}, actor)
            changed += 1
    return changed


def _delete(pks, actor):
    """Delete those of the users who are local; return how many were."""
    local = [user for user in _users(pks) if user.source == "local"]
    for user in local:
        directory.remove(user, actor)
    return len(local)


def _clear(name, actor):
    """Take the attribute's value from the next PORTION users; return (how many there were, may there be more).

    The definition goes with the last of the values: Okta may have sent new ones since the job began.
    """
    pks = attributes.holders(name, PORTION)
    for user in _users(pks):
        document = user.document
        document[definitions.CUSTOM].pop(name)
        directory.save(user, user.type.normalise(document, []), actor)
    if len(pks) < PORTION:
        attributes.undefine(name, actor)
    return len(pks), len(pks) == PORTION


KINDS = {
    "disable": lambda pks, actor: _set_active(pks, actor, active=False),
    "enable": lambda pks, actor: _set_active(pks, actor, active=True),
    "delete": _delete,
}
