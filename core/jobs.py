"""Long work on many users, in portions: disable, enable, delete, invite, deliver, remove an attribute. No request.

job_id = start("disable", pks, actor)    # within a transaction
while work(job_id):                      # each portion is a transaction of its own
    …

Where a job stands is kept in the transaction of each portion: a crash neither forgets a user nor does one twice.
"""

import logging
import threading
import time
from array import array

import orjson
from flask import Flask
from sqlalchemy import select, update

from core import attributes, deliveries, directory, invitations, queue, search
from core.attributes import DefinitionError
from core.directory import Resource
from core.journal import Actor
from core.queue import REMOVE_ATTRIBUTE
from core.search import USERS
from database import Busy, Complaint, Prepared, after_commit, execute, now, transaction
from engines import is_one_of, is_unwritable, json_list
from models import Job
from protocol import definitions
from protocol.errors import ScimError

PORTION = 200  # users: what Okta may have to wait for
DELIVERIES = 1_000  # computed in one portion
PAUSE = 0.02  # seconds between portions, in which others get the write lock
LOOKED_AT = 100  # deliveries, for the newest of one configuration
INTERRUPTED = "The work on many users was interrupted; it is tried again each second"
LOOK = 1  # seconds after which work that another process left is seen
JOBS = Job.__table__
SHOWN = [column for column in JOBS.c if column.name != "pks"]  # pks may be megabytes
OLDEST = Prepared(select(JOBS.c.id).where(JOBS.c.finished.is_(None)).order_by(JOBS.c.id).limit(1))
USERS_OF_PKS = Prepared(search.resources(USERS).where(is_one_of(USERS.c.pk, "pks")).order_by(USERS.c.pk))
LOG = logging.getLogger("rollcall")


def start(kind: str, pks: list, actor: Actor, subject: str | None = None) -> int:
    """Note work to be done and return the job's id; it begins once the caller's transaction is committed.

    `kind` is disable, enable, delete (which passes over users who are not local), invite (which passes over those
    who cannot be), deliver (the configurations whose ids are the `subject`) or "remove attribute": then `subject`
    is its name, the users are those who have a value, and one that is being removed keeps its job. Raise
    DefinitionError if there is no such attribute, or a configuration uses it; KeyError for an unknown kind.
    """
    pks = list(dict.fromkeys(pks))
    total = len(pks)
    if kind == REMOVE_ATTRIBUTE:
        subject = attributes.find_unused(subject).name
        total = attributes.count_holders(subject)
        for job in unfinished():
            if (job.kind, job.subject) == (kind, subject):
                return job.id
    elif kind not in KINDS:
        raise KeyError(kind)
    return queue.add(kind, pks, actor, subject, total)


def run(kind: str, pks: list, actor: Actor, subject: str | None = None) -> int:
    """Do it at once, for few users, in the caller's transaction; return how many of them changed."""
    if kind != REMOVE_ATTRIBUTE:
        return KINDS[kind](list(dict.fromkeys(pks)), actor, subject)
    changed, more = 0, True
    while more:
        done, more = _clear(subject, actor)
        changed += done
    return changed


def work(job_id: int | None = None, seconds: float | None = None) -> bool:
    """Do one portion of that job, or of the oldest one; return whether more is left of it, or of any.

    With `seconds`, go on with portions for that long. Opens the transactions itself. Raise Busy if the write lock
    is not had, and what the engine says of a disk that takes no more: the portion is done next time. Any other
    failure ends the job, with a sentence in its `error`.
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
        if is_unwritable(error):
            raise
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
        pks = _pks(job.id)[job.done : job.done + _size(job)]
        changed, done = KINDS[job.kind](pks, actor, job.subject), job.done + len(pks)
        more = done < job.total
    values = {"done": done, "changed": job.changed + changed, "total": max(job.total, done)}
    if not more:
        values |= {"finished": now(), "pks": "[]", "total": done}
        after_commit(lambda: queue.state().pks.pop(job.id, None))
        if job.kind == deliveries.DELIVER:
            deliveries.note_delivered(job.subject, values["changed"], actor)
    execute(update(JOBS).where(JOBS.c.id == job.id), values)


def _size(job):
    """Return how many users the next portion is of: a delivery takes less time than a change of a user."""
    if job.kind != deliveries.DELIVER:
        return PORTION
    return max(DELIVERIES // len(deliveries.ids_of(job.subject)), 1)


def _pks(job_id):
    known = queue.state().pks
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
    queue.state().pks.pop(job_id, None)


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
    started, failing = queue.state(app).started, Complaint(INTERRUPTED)
    while not stop.is_set():
        started.clear()
        if _work_safely(app, failing):
            stop.wait(PAUSE)
        else:
            started.wait(LOOK)


def _work_safely(app, failing):
    try:
        with app.app_context():
            more = work()
        failing.end()
        return more
    except Busy:
        return True
    except Exception as error:
        failing.log(error)
        return False


def _users(pks):
    """Return the users with these pks: those who are still there."""
    kind = attributes.user_type()
    return [Resource(kind, *row) for row in USERS_OF_PKS.rows(pks=json_list(pks))]


def last_delivery(configuration_id: int):
    """Return the newest job, as `find` does, that delivered a configuration, delivers it or will, or None."""
    newest = select(*SHOWN).where(JOBS.c.kind == deliveries.DELIVER).order_by(JOBS.c.id.desc()).limit(LOOKED_AT)
    return next((job for job in execute(newest) if configuration_id in deliveries.ids_of(job.subject)), None)


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


def _invite(pks, actor):
    """Invite those of the users who can be; return how many were."""
    able = set(invitations.sort_out(list(pks))[0])
    users = [user for user in _users(pks) if user.pk in able]
    for user in users:
        invitations.invite(user, actor)
    return len(users)


def _clear(name, actor):
    """Take the attribute's value from the next PORTION users; return (how many there were, may there be more).

    The definition goes with the last of the values: Okta may have sent new ones since the job began.
    """
    attributes.find_unused(name)
    pks = attributes.holders(name, PORTION)
    for user in _users(pks):
        document = user.document
        document[definitions.CUSTOM].pop(name)
        directory.save(user, user.type.normalise(document, []), actor)
    if len(pks) < PORTION:
        attributes.undefine(name, actor)
    return len(pks), len(pks) == PORTION


KINDS = {
    "disable": lambda pks, actor, _subject: _set_active(pks, actor, active=False),
    "enable": lambda pks, actor, _subject: _set_active(pks, actor, active=True),
    "delete": lambda pks, actor, _subject: _delete(pks, actor),
    "invite": lambda pks, actor, _subject: _invite(pks, actor),
    deliveries.DELIVER: lambda pks, _actor, subject: deliveries.deliver(deliveries.ids_of(subject), pks),
}
