"""Copy the SQLite database while it is served, and put a copy in its place. No HTTP.

    made = backup("monday.db")                              # what is in it: users, groups, schema, size, SHA-256
    restore("monday.db", confirm=lambda copy, now: True)    # only while no server runs

A copy is made by SQLite's backup API within one read transaction: of one moment, page by page, and no writer waits.
It never checkpoints. Opens its own connections; needs an application context, which says where the database is.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from flask import current_app
from sqlalchemy import URL

import database
import engines
import models
from core import serverlock
from database import application_on, database_file, db, now, upgrade_database

PORTION = 2_000  # pages between two reports
BUSY_SECONDS = 5  # that a statement waits for another process's lock
STEPS = 1_000_000  # of SQLite's machine between two reports
PATIENCE = 10  # seconds without a page copied, because another process holds the lock
MARK = b"SQLite format 3\0"
OURS = {"alembic_version", "users", "groups", "tokens", "audit"}  # tables of every schema
COMPANIONS = ("-wal", "-shm", "-journal")
NOTE, RESTORING, KEEPING = ".last-backup", ".restoring", ".keeping"  # beside the database
BESIDE = (NOTE, RESTORING, KEEPING, serverlock.SUFFIX)
UNFINISHED = ".{}.rollcall-unfinished"  # a name that nobody else gives to a file: what is there is overwritten
Report = Callable[[str, int, int], None]  # what is done now, how much of how much; 0 of 0 if nobody knows


class BackupError(Exception):
    """A copy that cannot be made or put in place; the message says why and what to do.

    Nothing was changed, unless the message says what was.
    """


class Cancelled(BackupError):
    """Who was asked said no."""


@dataclass(frozen=True)
class Contents:
    """What is in a file."""

    path: Path
    users: int
    groups: int
    tokens: list[str]  # the live ones: name and last four characters
    schema: str
    size: int  # bytes
    sha256: str


def silent(_what, _done, _total):
    """Report to nobody."""


def backup(target: str | Path, force: bool = False, report: Report = silent) -> Contents:
    """Write a copy of the database to `target` and return what is in it. Raise BackupError.

    A file of that name is replaced only with `force`, and only by a copy that is whole and was checked.
    """
    source, target = _database("backup", target), Path(target).absolute()
    _refuse_target(target, source, force)
    with _in_words(target), _claimed(target.with_name(UNFINISHED.format(target.name))) as unfinished:
        with _in_words(source, target):
            _copy(source, unfinished, report)
        made = _examined(unfinished, "The copy", report)
        _refuse_existing(target, force)
        _put(unfinished, target)
    with suppress(OSError):  # `flask check` tells when the last one was made
        note_of(source).touch(0o600)
        note_of(source).write_text(f"{now()} {made.sha256} {target}\n")
    return Contents(**(vars(made) | {"path": target}))


def restore(source: str | Path, confirm: Callable, report: Report = silent) -> tuple[Contents, Path | None]:
    """Put a copy in the database's place; return what is there now, and where that is which was there before.

    `confirm(copy, current)` is asked once the copy is known to be good; `current` is None if nothing is there, or
    damaged. Raise BackupError while a server runs and for a file that is not a sound copy. A kill at any moment
    leaves the old database or the new one: it is replaced in one transaction of SQLite. An interrupt before
    that changes nothing; a later one is a BackupError that says so.
    """
    path, source = _database("restore", source), Path(source).absolute()
    try:
        lock = serverlock.take(path, "flask restore")
    except serverlock.Taken as error:
        raise BackupError(f"{error} Stop that first, then restore.") from None
    except OSError as error:
        raise BackupError(serverlock.why_unusable(error, path)) from None
    is_begun, kept = False, None
    try:
        with closing(lock), _in_words(path), _claimed(path.with_name(path.name + RESTORING)) as unfinished:
            _refuse_source(source, path)
            _refuse_full_disk(source, path)
            with _in_words(source, path):
                _copy(source, unfinished, report)
            found = _examined(unfinished, str(source), report, schemas=database.schemas())
            _prepare(unfinished, found.schema, report)
            if not confirm(Contents(**(vars(found) | {"path": source})), _current(path)):
                raise Cancelled("Nothing was changed.")
            kept = _keep(path, report)
            is_begun = True
            _replace(path, unfinished, report)
        with _in_words(path):
            return _examined(path, str(path), report), kept
    except (BackupError, KeyboardInterrupt) as error:
        if not is_begun:
            raise
        reason = str(error)
        if isinstance(error, KeyboardInterrupt):
            reason = (
                f"The restore was interrupted after it had begun to write: {path} is the old database or the new"
                " one, whole. Restore once more to be sure."
            )
        before = f" What was there before is {kept}." if kept else ""
        raise BackupError(f"{reason}{before}") from error


def note_of(path: Path) -> Path:
    """Return the file in which the last backup is noted."""
    return path.with_name(path.name + NOTE)


def _database(command, file):
    """Return the path of the database. Raise BackupError where it is none that is copied here."""
    url = db.engine.url
    if url.get_backend_name() == "postgresql":
        raise BackupError(f"The database is PostgreSQL, which has tools of its own: {_foreign(command, file, url)}")
    path = database_file()
    if path is None:
        raise BackupError("The database is in memory, and gone with this command: there is nothing to copy.")
    return path


def _foreign(command, file, url):
    """Return what does the same for PostgreSQL, without the password."""
    options = {"host": url.host, "port": url.port, "username": url.username, "dbname": url.database}
    shown = [f"--{name}={value}" for name, value in options.items() if value]
    if command == "backup":
        return shlex.join(["pg_dump", "--format=custom", f"--file={file}", *shown]) + " while Rollcall serves."
    # tables of a newer schema, which the dump does not know, would be in its way, or in that of the next upgrade
    empty = shlex.join(["psql", *shown, "--command=DROP OWNED BY CURRENT_USER"])
    fill = shlex.join(["pg_restore", "--single-transaction", "--exit-on-error", *shown, str(file)])
    return f"stop every server, then empty the database with {empty}, then {fill}, then start them."


def _refuse_target(target, source, force):
    database_files = [source, *(Path(f"{source}{end}") for end in COMPANIONS)]
    if any(_is_named(target, one) for one in database_files) or _is_same(target, source):
        raise BackupError(f"{target} is the database itself, or a part of it: choose another file.")
    others = [Path(f"{source}{end}") for end in BESIDE] + [Path(current_app.instance_path, "secret_key")]
    if any(_is_named(target, one) or _is_same(target, one) for one in others):
        raise BackupError(f"{target} is a file that Rollcall needs: choose another one.")
    if not source.exists() or not source.stat().st_size:
        raise BackupError(f"There is no database at {source} yet: nothing is there to copy.")
    if target.is_dir():
        raise BackupError(f"{target} is a folder: name a file in it, such as {target / 'rollcall.backup.db'}.")
    if target.exists() and not target.is_file():  # a copy would take the place of a pipe or of a device
        raise BackupError(f"{target} is no regular file: choose another name.")
    _refuse_existing(target, force)


def _refuse_existing(target, force):
    if not force and os.path.lexists(target):
        raise BackupError(f"{target} exists already: choose another name, or add --force to replace it.")


def _refuse_source(source, path):
    if not source.exists():
        raise BackupError(f"There is no file {source}.")
    if source.is_dir():
        raise BackupError(f"{source} is a folder: name the file in it that `flask backup` wrote.")
    if _is_same(source, path):
        raise BackupError(f"{source} is the database itself: there is nothing to restore.")
    _refuse_other_format(source, source)
    log = Path(f"{source}-wal")
    if log.exists() and log.stat().st_size:
        raise BackupError(
            f"{source} is no copy that `flask backup` wrote: {log.name} beside it holds a part of it."
            " Put both into a folder of their own, named rollcall.db and rollcall.db-wal, and run `flask backup`"
            " with ROLLCALL_INSTANCE_PATH set to that folder."
        )


def _refuse_other_format(path, name):
    with open(path, "rb") as file:
        if file.read(len(MARK)) != MARK:
            raise BackupError(f"{name} is no SQLite database: name a file that `flask backup` wrote.")


def _refuse_full_disk(source, path):
    """The copy, what is kept, and the write-ahead log of the exchange need their places at once."""
    size = source.stat().st_size
    needed = 2 * size + (path.stat().st_size if path.exists() else 0) + 2**20
    if shutil.disk_usage(path.parent).free < needed:
        raise BackupError(f"The disk of {path.parent} has too little room: {needed // 2**20 + 1} MB must be free.")


def _is_named(path, other):
    """Return whether both are the same name in the same folder, of a file that may not be there."""
    return path.name == other.name and path.parent.resolve() == other.parent.resolve()


def _is_same(one, other):
    return one.exists() and other.exists() and one.samefile(other)


@contextmanager
def _in_words(*paths):
    """Turn what the system and SQLite say into a BackupError; the last of the paths is the one that is written."""
    try:
        yield
    except sqlite3.Error as error:
        code = engines.sqlite_code(error)
        if engines.is_damaged(error):
            reason = f"{paths[0]} is damaged, or no database ({error}): use an older copy."
        elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            reason = (
                f"The disk of {paths[-1].parent} is full or failing ({error}): make room, or choose another one."
            )
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = f"{paths[0]} is locked by another process: try again when it has ended."
        else:
            reason = f"{paths[0]} cannot be opened ({error}): look at its permissions, and at those of its folder."
        raise BackupError(reason) from error
    except OSError as error:
        raise BackupError(f"{error.filename or paths[-1]} cannot be written: {error.strerror}.") from error


@contextmanager
def _claimed(path):
    """Yield `path` as an empty, private file that nobody else writes at the same time; nothing is left of it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file), os.stat(path)):
                raise FileNotFoundError  # the other one has just finished and renamed it
        except (BlockingIOError, FileNotFoundError):
            raise BackupError(f"{path} is being written by another process: wait until it has ended.") from None
        os.ftruncate(file, 0)  # what an interrupted one left
        os.fchmod(file, 0o600)
        _remove_companions(path)
        try:
            yield path
        finally:
            if _is_open(file, path):
                path.unlink()
            _remove_companions(path)
    finally:
        os.close(file)


def _is_open(file, path):
    """Return whether the path still leads to the file that was claimed, not to one that it became."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _remove_companions(path):
    for end in COMPANIONS:
        Path(f"{path}{end}").unlink(missing_ok=True)


def reader(path):
    """Open a database so that nothing is written to it, and it is not checkpointed."""
    raw = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    raw.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return raw


def _copy(source, target, report):
    """Write the database as it is at this moment to an empty file, which needs no companion afterwards."""
    with closing(reader(source)) as old, closing(sqlite3.connect(target, isolation_level=None)) as new:
        new.execute("PRAGMA journal_mode = OFF")  # who dies leaves a file that nobody looks at
        new.execute("PRAGMA synchronous = OFF")  # it is written through once, at the end
        # without a transaction around it, the copy would begin anew with each write of another process
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.backup(new, pages=PORTION, progress=_watched("copied", report), sleep=0.05)
        new.execute("PRAGMA journal_mode = DELETE")  # else reading it would need files beside it


def _watched(what, report):
    """Return a function that SQLite calls after each portion: it reports, and gives up where nothing moves."""
    last = [0, time.monotonic()]

    def progress(_status, remaining, total):
        if total - remaining != last[0]:
            last[:] = total - remaining, time.monotonic()
        elif remaining and time.monotonic() - last[1] > PATIENCE:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        report(what, total - remaining, total)

    return progress


def _examined(path, name, report, schemas=()) -> Contents:
    """Return what is in a file. Raise BackupError unless it is a sound database of Rollcall, of a known schema."""
    _refuse_other_format(path, name)
    with closing(reader(path)) as raw:
        tables = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not OURS <= tables:
            raise BackupError(f"{name} is no database of Rollcall's: name a file that `flask backup` wrote.")
        [schema] = raw.execute("SELECT version_num FROM alembic_version").fetchone() or [""]
        if schemas and schema not in schemas:
            raise BackupError(
                f"{name} is of a newer Rollcall: its schema is {schema!r}, and this one knows those up to "
                f"{database.newest_schema()}. Restore it with that Rollcall, or use an older copy."
            )
        _refuse_unsound(raw, name, report)
        live = "SELECT name, last_four FROM tokens WHERE revoked IS NULL AND coalesce(expires, '~') > ? ORDER BY id"
        [users], [groups] = (raw.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("users", "groups"))
        live_tokens = [f"{name} (…{last_four})" for name, last_four in raw.execute(live, (now(),))]
    with open(
        path, "rb"
    ) as file:  # not before SQLite has closed it: closing a file ends the locks of a process on it
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Contents(path, users, groups, live_tokens, schema, path.stat().st_size, sha256)


def _refuse_unsound(raw, name, report=silent):
    with _watched_statements(raw, report):
        found = [row[0] for row in raw.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
        found += [
            f"{table} refers to {parent}" for table, _row, parent, _key in raw.execute("PRAGMA foreign_key_check")
        ]
    if found:
        raise BackupError(f"{name} is damaged ({'; '.join(found[:3])}): use an older copy.")


@contextmanager
def _watched_statements(raw, report):
    """Report while statements run, and raise what ends them: sqlite3 would say of it only that it interrupted."""
    met = []

    def tell():  # returns nothing: else SQLite would stop
        try:
            report("being checked", 0, 0)
        except BaseException as error:
            met.append(error)
            raise

    raw.set_progress_handler(tell, STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if engines.sqlite_code(error) != sqlite3.SQLITE_INTERRUPT:
            raise
        # mostly Ctrl-C comes while SQLite works: then Python raises it before the first line of `tell`
        raise (met[0] if met else KeyboardInterrupt) from None
    finally:
        raw.set_progress_handler(None, 0)


def _put(unfinished, target):
    """Give a file its name once all of it is on the disk."""
    with open(unfinished, "rb") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _prepare(path, schema, report):
    """Bring a copy to the newest schema, and end the sessions in it: some were ended since it was made."""
    report("upgraded", 0, 0)
    app = application_on(str(URL.create("sqlite", database=str(path))), current_app.instance_path)
    with app.app_context():
        if schema != database.newest_schema():
            upgrade_database()
        with database.transaction():
            database.execute(models.BrowserSession.__table__.delete())
        db.engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    with closing(reader(path)) as raw:
        _refuse_unsound(raw, "The copy, upgraded,")


def _current(path):
    """Return what is in the database now, or None if nothing is, or it is damaged."""
    with suppress(BackupError, sqlite3.Error, OSError):
        return _examined(path, str(path), silent)


def _keep(path, report):
    """Copy what is there, sound or not, to a name that says when; return it, or None if nothing is there."""
    if not path.exists() or not path.stat().st_size:
        return None
    moment = now().replace(":", "").replace("-", "")[:15]
    kept = path.with_name(f"{path.name}.before-restore-{moment}")
    while kept.exists():
        kept = kept.with_name(kept.name + "a")
    with _claimed(path.with_name(path.name + KEEPING)) as unfinished:  # which the next restore clears away
        try:
            _copy(path, unfinished, report)
        except sqlite3.DatabaseError as error:
            if not engines.is_damaged(error):
                raise
            _remove_companions(unfinished)
            shutil.copyfile(path, unfinished)
            with suppress(FileNotFoundError):
                shutil.copy(f"{path}-wal", f"{kept}-wal")
        _put(unfinished, kept)
    return kept


def _replace(path, copy, report):
    """Write a copy over the database in one transaction; where SQLite cannot open that, exchange the files."""
    if not path.exists():
        return _put(copy, path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as new, closing(reader(copy)) as old:
            new.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            new.execute("PRAGMA synchronous = FULL")
            new.execute("PRAGMA wal_autocheckpoint = 0")
            old.backup(new, pages=PORTION, progress=_watched("restored", report), sleep=0.05)
    except sqlite3.DatabaseError as error:
        # SQLITE_READONLY: pages of another size cannot be written to a write-ahead log
        if not (engines.is_damaged(error) or engines.sqlite_code(error) == sqlite3.SQLITE_READONLY):
            raise
        _remove_companions(path)  # else they would be taken for the new file's; they are kept with the old one
        _put(copy, path)
