"""The ground: connections, `transaction()`, statements, the schema, and `now()`. No tables, no SCIM, no HTTP.

with transaction():                      # takes SQLite's write lock before anything is read
    execute(User.__table__.insert(), {...})
"""

import logging
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask, current_app, g
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, registry

import engines
from engines import WAL_BYTES

LOG = logging.getLogger("rollcall")
LOCK_SECONDS = 10  # how long a write waits for the others of this process, before 503
RESTORE = "Stop the server and restore the newest backup that is sound: `flask restore FILE`, docs/backups.md."
SILENCE = 600  # seconds until a failure that stays is logged again


class Base(DeclarativeBase):
    registry = registry(type_annotation_map={int: engines.INTEGER})


db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, directory=os.path.join(os.path.dirname(__file__), "migrations"))
write_lock = threading.Lock()


class Busy(Exception):
    """The write lock was not had in time; nothing was changed."""


class Away(Busy):
    """The database went away during a transaction; unless it was told to commit, nothing was changed."""


def now() -> str:
    """Return this moment in UTC, as the database keeps it: text order is time order."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_now(delta: timedelta) -> str:
    """Return the moment that lies `delta` ahead, or behind, as now() writes it."""
    return later(now(), delta)


def later(moment: str, delta: timedelta) -> str:
    """Return the moment that lies `delta` behind another one."""
    return (datetime.fromisoformat(moment) + delta).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def connection():
    """Return the connection of the current request: all that it reads is of one moment."""
    if "connection" not in g:
        g.connection = engines.begin_reading(db.engine)
    return g.connection


def close_connection(_error=None):
    """Give the connection back; what was not committed is undone."""
    used = g.pop("connection", None)
    if used is None:
        return
    try:
        if not used.invalidated:  # SQLAlchemy has noticed that the server is away, and would refuse
            engines.end(used)  # SQLAlchemy leaves a transaction open whose COMMIT failed
    except db.engine.dialect.loaded_dbapi.Error:
        used.invalidate()
    used.close()


def disconnect():
    """Close every connection of this process to SQLite, before another one is forked from it.

    SQLite takes what a fork carries over for its own, and so holds no lock on the file: whoever closes the file
    last elsewhere then deletes the write-ahead log under it (https://sqlite.org/howtocorrupt.html §2.6).

    One to PostgreSQL stays open, unused: another server that starts sees by it which secret key is in use.
    """
    close_connection()
    if engines.is_sqlite(db.engine):
        db.engine.dispose()


def forget_connections():
    """Connect anew from now on: the server of the database was away, and none of the old connections works."""
    db.engine.dispose()


def execute(statement, parameters=None):
    """Run one SQLAlchemy Core statement on the current request's connection."""
    return connection().execute(statement, parameters)


class Prepared:
    """A statement that SQLAlchemy composes once and the driver runs, for the hot paths.

    SQLAlchemy needs five times as long for a statement as SQLite does. Rows are tuples, values what the driver
    makes of them; errors are SQLAlchemy's. `columns` are those that an INSERT or UPDATE sets. If a statement
    `varies`, one way does not suit all values: PostgreSQL then plans it each time.
    """

    def __init__(self, statement, columns=None, varies=False):
        self.statement, self.columns, self.varies = statement, columns, varies
        self.sql = None

    def _compose(self):
        compiled = self.statement.compile(dialect=db.engine.dialect, column_keys=self.columns)
        self.defaults, self.names = compiled.params, compiled.positiontup
        self.options = engines.execution(db.engine, self.varies)
        self.sql = engines.spoken(db.engine, compiled.string)

    def _bound(self, given):
        """Return parameters as the driver takes them: in their order, or by their names."""
        return given if self.names is None else [given[name] for name in self.names]

    def _run(self, method, parameters, **options):
        cursor = connection().connection.driver_connection.cursor()
        try:
            return getattr(cursor, method)(self.sql, parameters, **options)
        except db.engine.dialect.loaded_dbapi.Error as error:
            raise engines.wrapped(error, self.sql, db.engine.dialect) from error

    def run(self, **parameters):
        """Run it and return the driver's cursor."""
        if self.sql is None:
            self._compose()
        return self._run("execute", self._bound(self.defaults | parameters), **self.options)

    def run_many(self, rows: list):
        """Run it for each of several rows, which are dicts."""
        if self.sql is None:
            self._compose()
        self._run("executemany", [self._bound(row) for row in rows])

    def rows(self, **parameters) -> list:
        return self.run(**parameters).fetchall()

    def first(self, **parameters):
        return self.run(**parameters).fetchone()

    def scalar(self, **parameters):
        row = self.run(**parameters).fetchone()
        return row[0] if row else None


@contextmanager
def transaction():
    """Commit what happens inside, or nothing of it. Takes the write lock before anything is read.

    What is read inside cannot change before it is written: no update is lost, no name is taken twice. The threads
    of a process wait for one another here, processes in the database. Raise Busy if the lock is not had in time.
    """
    close_connection()
    if not write_lock.acquire(timeout=LOCK_SECONDS):
        raise Busy
    try:
        g.connection, g.after_commit = _begin_writing(), []
        yield
        g.connection.commit()
        close_connection()
        for note in g.after_commit:
            note()
        _keep_wal_small()
    except OperationalError as error:
        if engines.is_away(error):
            raise Away(str(error.orig)) from error
        raise
    finally:
        try:
            close_connection()
        finally:
            write_lock.release()


def _begin_writing():
    try:
        return engines.begin_writing(db.engine)
    except OperationalError as error:
        if engines.is_busy(error):
            raise Busy from error
        raise


def log_failure(error: Exception, message: str, *names):
    """Log a failure with its traceback; of a database that is away, or of a full disk, that alone says all."""
    reason = getattr(error, "orig", error)
    if isinstance(error, Away) or (isinstance(error, OperationalError) and engines.is_away(error)):
        LOG.error(f"{message}: the database cannot be reached: %s", *names, reason)
    elif engines.is_unwritable(error):
        LOG.error(f"{message}: the disk took no more: %s", *names, reason)
    else:
        LOG.exception(message, *names)


class Complaint:
    """What a thread that tries again says of its failures: one that stays is logged again after ten minutes only.

    The log may be on the disk that is full.
    """

    def __init__(self, message: str):
        self.message = message
        self.end()

    def log(self, error: Exception):
        if str(error) != self.reason or time.monotonic() >= self.silent_until:
            self.reason, self.silent_until = str(error), time.monotonic() + SILENCE
            log_failure(error, self.message)

    def end(self):
        """Take note that it works again."""
        self.reason, self.silent_until = None, 0.0


def is_unusable(error: Exception) -> bool:
    """Return whether an error is the database's or its disk's; others are mistakes in a statement."""
    return isinstance(error, (OperationalError, OSError)) or engines.is_damaged(error)


def why_unusable(error: DatabaseError | OSError) -> str:
    """Return in a sentence why the database cannot be used, and what to do."""
    cure = ""
    if engines.is_unwritable(error):
        cure = "Its disk must have room, and be writable for the user that Rollcall runs as."
    elif engines.is_damaged(error):
        cure = RESTORE
    reason = " ".join(str(getattr(error, "orig", error)).split()).rstrip(".?")  # PostgreSQL's has several lines
    return f"The database cannot be used: {reason}. {cure}".strip()


def after_commit(note):
    """Call `note` once the transaction at hand is committed; not at all if it fails."""
    g.after_commit.append(note)


@contextmanager
def savepoint():
    """Undo only what happened inside if it fails, within a transaction."""
    with connection().begin_nested():
        yield


def _keep_wal_small():
    """Checkpoint when the write-ahead log has grown; again later if a reader was in the way.

    The transaction is committed: whatever fails here is no failure of it. PostgreSQL looks after its own.
    """
    if not engines.is_sqlite(db.engine):
        return
    limits = current_app.extensions
    try:
        size = os.stat(db.engine.url.database + "-wal").st_size
        if size > limits.setdefault("wal_limit", WAL_BYTES):
            limits["wal_limit"] = WAL_BYTES if checkpoint() else size + WAL_BYTES
    except FileNotFoundError:
        return
    except (OSError, SQLAlchemyError, db.engine.dialect.loaded_dbapi.Error):
        LOG.exception("The write-ahead log could not be folded back; the next write tries again")


def checkpoint() -> bool:
    """Fold the write-ahead log into the database; return whether all of it is. Only under `write_lock`.

    SQLite before 3.51.3 can lose commits when a checkpoint meets a commit (docs/decisions.md): so no
    connection checkpoints by itself, and here SQLite's own write lock is held meanwhile, against other processes.
    A passive checkpoint waits for no reader; the next write begins the log anew and cuts it to WAL_BYTES.
    """
    holder, raw = _begin_writing(), db.engine.raw_connection()
    try:
        _busy, frames, folded = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return frames == folded
    finally:
        raw.close()
        holder.close()


def init_app(app: Flask):
    """Bind the database to `app` and set its engine up."""
    own = engines.options(app.config["SQLALCHEMY_DATABASE_URI"], app.config["SECRET_KEY"] or "")
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = own | app.config.get("SQLALCHEMY_ENGINE_OPTIONS", {})
    db.init_app(app)
    migrate.init_app(app)
    app.teardown_appcontext(close_connection)
    with app.app_context():
        engines.configure(db.engine)


def prepare_database():
    """See to it that the database has the newest schema: SQLite gets it, PostgreSQL has to have it.

    Other processes may be at work there: who upgrades it decides when.
    """
    if engines.is_sqlite(db.engine):
        return upgrade_database()
    found = stored_schema()
    close_connection()
    if found != newest_schema():
        sys.exit(
            f"The database has the schema {found or 'of nothing yet'}, and Rollcall needs {newest_schema()}: "
            f"run `flask db upgrade`, or the Rollcall that belongs to it."
        )


def database_file() -> Path | None:
    """Return the file of a SQLite database; None of another engine, or of one that is in memory."""
    file = engines.file_of(db.engine.url)
    return Path(file) if file else None


def application_on(url: str, folder) -> Flask:
    """Return an application that has nothing but another database: a copy, or one to move to."""
    app = Flask("rollcall", instance_path=str(folder))
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    init_app(app)
    return app


@cache
def schemas() -> dict[str, str]:
    """Return {schema: the day on which it was made} of all that this Rollcall knows, the newest first."""
    scripts = ScriptDirectory(migrate.directory).walk_revisions()
    return {script.revision: script.longdoc.partition("Create Date: ")[2][:10] for script in scripts}


def newest_schema() -> str:
    """Return the schema that this program needs."""
    return next(iter(schemas()))


def stored_schema() -> str | None:
    """Return the schema that the database has; None if it is empty."""
    return MigrationContext.configure(connection()).get_current_revision()


def upgrade_database():
    """Bring the database to the newest schema; harmless to repeat, and to interrupt."""
    config = current_app.extensions["migrate"].migrate.get_config()
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        sys.exit(f"The database is of a newer Rollcall than this one ({error}): start that, or restore a backup.")


def disk_folder() -> str:
    """Return the folder whose disk the database needs room on."""
    if engines.is_sqlite(db.engine):
        return os.path.dirname(os.path.abspath(db.engine.url.database))
    return current_app.instance_path


def sizes() -> dict[str, int]:
    """Return {"database": bytes} on the disk; of SQLite, "wal" too."""
    if not engines.is_sqlite(db.engine):
        size = connection().exec_driver_sql("SELECT pg_database_size(current_database())").scalar()
        return {"database": size}
    found = {}
    for name, suffix in (("database", ""), ("wal", "-wal")):
        with suppress(FileNotFoundError):
            found[name] = os.stat(db.engine.url.database + suffix).st_size
    return found
