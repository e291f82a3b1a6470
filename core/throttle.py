"""Counts what may be done only so often: guess a password, ask for a link, mail to an address. No HTTP.

tries = count({"account ada@example.com": 10}, timedelta(minutes=5))    # raises Throttled at the eleventh
forget(tries)                                                           # it was no guess
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, or_, select

from database import Prepared, execute, from_now, now
from models import FailedSignIn

KEPT = timedelta(hours=1)  # the longest window
LONGEST_KEY = 300  # characters
DONE = FailedSignIn.__table__
NEWEST = Prepared(select(func.max(DONE.c.time)).where(DONE.c.key == bindparam("key")))
NOTE = Prepared(DONE.insert().returning(DONE.c.id), ("key", "time"))


class Throttled(Exception):
    """Too much within a window; `seconds` until the next try."""

    def __init__(self, seconds: int, what: str = "Too many wrong passwords."):
        super().__init__(f"{what} Try again in {seconds} seconds.")
        self.seconds = seconds


def count(limits: dict, window: timedelta, what: str = "Too many wrong passwords.") -> list[int]:
    """Note that each key of {key: how often within the window} was used; return the notes' ids. Raise Throttled.

    Needs a transaction: many at once get no more than one after another. One that is refused is not noted.
    """
    since = from_now(-window)
    for key, most in limits.items():
        recent = (DONE.c.key == key[:LONGEST_KEY], DONE.c.time > since)
        times = execute(select(DONE.c.time).where(*recent).order_by(DONE.c.time)).scalars().all()
        if len(times) >= most:
            raise Throttled(_seconds_until(times[-most], window), what)
    prune()
    return [note(key) for key in limits]


def _seconds_until(time, window):
    """Return in how many seconds a moment leaves the window."""
    left = datetime.fromisoformat(time) + window - datetime.fromisoformat(now())
    return min(max(int(left.total_seconds()) + 1, 1), int(window.total_seconds()))


def note(key: str) -> int:
    """Note that something was done; return the note's id. Needs a transaction."""
    return NOTE.scalar(key=key[:LONGEST_KEY], time=now())


def newest(key: str) -> str | None:
    """Return when it was done last, if that is not too long ago to count."""
    return NEWEST.scalar(key=key[:LONGEST_KEY])


def is_recent(moment: str, window: timedelta) -> bool:
    """Return whether a moment lies within the window that ends now."""
    return from_now(-window) < moment <= now()


def forget(ids: list, *keys: str):
    """Take back these notes, and all with one of the keys. Needs a transaction."""
    of_keys = (DONE.c.key == key[:LONGEST_KEY] for key in keys)
    execute(delete(DONE).where(or_(DONE.c.id.in_(ids), *of_keys)))


def prune():
    """Delete what no window reaches back to. Needs a transaction."""
    execute(delete(DONE).where(DONE.c.time <= from_now(-KEPT)))
