"""A PostgreSQL server with what a SQLite database of the bench holds, made from it once.

It is as durable as SQLite is here: a commit is on the disk before it is acknowledged.

with copy_of(100_000) as (server, token): …
"""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import seed
from core import transfer
from database import application_on
from tests import postgresql

DURABLE = {"listen_addresses": "127.0.0.1", "fsync": "on", "synchronous_commit": "on"}
TICKS = 100  # a second, in /proc (proc(5))


def is_installed() -> bool:
    return postgresql.program("initdb") is not None


class Postgresql(postgresql.Postgresql):
    """A running server, and what it uses. It writes all it has when it ends, so that its data can be copied."""

    end = "fast"

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes so far; of those that are gone, in ticks."""
        first, living = self.pid, 0.0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
                if int(path.parent.name) == first:
                    gone = (int(fields[13]) + int(fields[14])) / TICKS
                elif int(fields[1]) != first:
                    continue
                living += time.clock_gettime(~int(path.parent.name) << 3 | 2)  # see servers.Server.cpu_seconds
            except (FileNotFoundError, ProcessLookupError, OSError):
                continue
        return living + gone


@contextmanager
def copy_of(users: int) -> Iterator[tuple[Postgresql, str]]:
    """Run a server on a fresh copy of the database of a size; yield it and the token. Fill one first if need be."""
    source, token = seed.kept(users)
    kept = seed.DATA / f"{users}-{seed.fingerprint()}.postgresql"
    if not kept.exists():
        print(f"moving {users:,} users to PostgreSQL, once …", file=sys.stderr)
        fill(source, kept)
    with folder() as place:
        shutil.copytree(kept, Path(place, "data"))
        with Postgresql(Path(place), DURABLE) as server:
            yield server, token


def folder():
    """Return a folder that lives as long as the `with`, on the disk that SQLite's files are on."""
    return TemporaryDirectory(dir=seed.COPIES, prefix="postgresql", ignore_cleanup_errors=True)


def fill(source: Path, kept: Path):
    """Move a SQLite database to a new PostgreSQL server, and keep the folder of its data."""
    with folder() as place:
        copy = shutil.copyfile(source, Path(place, "rollcall.db"))
        with Postgresql(Path(place)) as server, application_on(f"sqlite:///{copy}", seed.DATA).app_context():
            transfer.transfer(server.url)
        shutil.move(Path(place, "data"), kept)
