"""One server a SQLite database: what serves it, or replaces it, holds a lock on a file beside it. No HTTP.

    lock = serverlock.take(path)      # alone: nobody serves, nobody restores
    lock.share()                      # from now on the server's workers may join, and nobody else may take it

The operating system gives the lock back when its holder ends, however that happens.
"""

import fcntl
import os
import time
from pathlib import Path

PATIENCE = 0.5  # seconds for a server that was killed a moment ago to be gone
PAUSE = 0.05
SUFFIX = ".serving"  # of the file beside the database


class Taken(Exception):
    """Somebody serves or restores this database; the message says so, and what to do."""


class ServerLock:
    """The lock of one database, as long as this object lives."""

    def __init__(self, database: str | Path):
        self.path = Path(f"{database}{SUFFIX}")
        # not emptied: it names the holder
        self.file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")

    def lock(self, kind, patience):
        end = time.monotonic() + patience
        while True:
            try:
                return fcntl.flock(self.file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    holder = self.file.read(100).strip() or "another process"
                    self.close()
                    database = self.path.with_suffix("")
                    raise Taken(f"The database {database} is in use by {holder}.") from None
            time.sleep(PAUSE)

    def note(self, holder: str):
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"{holder} (process {os.getpid()})\n")
        self.file.flush()

    def share(self):
        """Let the workers of this server in, which hold the lock as well: they may outlive it for a moment."""
        self.lock(fcntl.LOCK_SH, 0)

    def close(self):
        self.file.close()


def take(database: str | Path, holder: str, patience: float = PATIENCE) -> ServerLock:
    """Hold the lock alone. Raise Taken, which names the holder, if it is not free within `patience` seconds."""
    lock = ServerLock(database)
    lock.lock(fcntl.LOCK_EX, patience)
    lock.note(holder)
    return lock


def why_unusable(error: OSError, database: str | Path) -> str:
    """Return in a sentence why the lock of a database cannot be had, and what to do."""
    return (
        f"{database}{SUFFIX} cannot be written: {error.strerror}. Use the user that Rollcall runs as, or give the"
        " file to that one; its disk must have room."
    )


def join(database: str | Path) -> ServerLock:
    """Hold the lock as one worker of the server that shares it. Raise Taken while somebody holds it alone."""
    lock = ServerLock(database)
    lock.lock(fcntl.LOCK_SH, PATIENCE)
    return lock
