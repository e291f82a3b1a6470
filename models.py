"""Every table, the engine's settings, `transaction()` and `now()`. No SCIM, no HTTP.

with transaction():                      # takes SQLite's write lock before anything is read
    execute(User.__table__.insert(), {...})
"""

import logging
import os
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask, current_app, g
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Index, Text, bindparam, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

import engines
from engines import WAL_BYTES

LOG = logging.getLogger("rollcall")
LOCK_SECONDS = 10  # how long a write waits for the others of this process, before 503
BLOCK_BITS = 12


class Base(DeclarativeBase):
    registry = registry(type_annotation_map={int: engines.INTEGER})


db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, directory=os.path.join(os.path.dirname(__file__), "migrations"))
write_lock = threading.Lock()


class Busy(Exception):
    """The write lock was not had in time; nothing was changed."""


class Away(Busy):
    """The database went away during a transaction; unless it was told to commit, nothing was changed."""


def some(name, *columns, condition) -> Index:
    """Return an index of only those rows that satisfy a condition."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class User(db.Model):
    """A person: the SCIM document, and what is looked up or sorted by."""

    __tablename__ = "users"
    pk: Mapped[int] = mapped_column(primary_key=True)  # creation order
    id: Mapped[str] = mapped_column(unique=True)
    user_name_key: Mapped[str] = mapped_column(unique=True)  # schema.user_name_key(userName)
    display: Mapped[str]  # what groups show for the person: displayName, or else userName
    display_key: Mapped[str] = mapped_column(index=True)  # schema.fold(display)
    active: Mapped[bool | None] = mapped_column(index=True)  # only true is enabled
    source: Mapped[str]  # "scim" or "local"
    invite: Mapped[str] = mapped_column(server_default="not invited")  # or pending, completed, expired
    document: Mapped[str] = mapped_column(Text)  # JSON, without id, meta, groups and password
    version: Mapped[int]
    created: Mapped[str] = mapped_column(index=True)  # as now() writes it
    last_modified: Mapped[str] = mapped_column(index=True)
    __table_args__ = (
        # lists of the few who are disabled or local are read in the order that is asked for
        *(
            some(f"ix_users_{name}_{column}", column, condition=condition)
            for name, condition in (("disabled", "active IS NOT TRUE"), ("local", "source = 'local'"))
            for column in ("display_key", "user_name_key", "last_modified")
        ),
        # of those who were ever invited, each state is read in the order that is asked for
        *(
            some(f"ix_users_invited_{column}", "invite", column, condition="invite <> 'not invited'")
            for column in ("display_key", "user_name_key", "last_modified")
        ),
        {"sqlite_autoincrement": True},  # a deleted user's pk is never given again
    )


class UserCount(db.Model):
    """How many users there are in one state, so that nobody counts a million of them."""

    __tablename__ = "user_counts"
    source: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(primary_key=True)
    invite: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    __table_args__ = {"sqlite_with_rowid": False}


class UserValue(db.Model):
    """One filterable value of a user's document, as schema.index_rows writes it."""

    __tablename__ = "user_values"
    attribute: Mapped[str] = mapped_column(primary_key=True)
    value_key: Mapped[str] = mapped_column(primary_key=True)
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    element: Mapped[int] = mapped_column(primary_key=True)
    __table_args__ = (
        Index("ix_user_values_user", "user_pk", "attribute", "element"),
        {"sqlite_with_rowid": False},
    )


class UserWord(db.Model):
    """A word that a user is searched by, as words.rows writes it: one row of each initial has it, and the name."""

    __tablename__ = "user_words"
    word: Mapped[str] = mapped_column(primary_key=True)
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    initial: Mapped[str | None]
    name: Mapped[str | None]  # the beginning of the user's display_key
    __table_args__ = (
        Index("ix_user_words_user", "user_pk", "word"),
        some("ix_user_words_initial", "initial", "name", "user_pk", condition="initial IS NOT NULL"),
        {"sqlite_with_rowid": False},
    )


class Group(db.Model):
    __tablename__ = "groups"
    __table_args__ = (
        some("ix_groups_local", "source", condition="source = 'local'"),  # counted on the dashboard
        {"sqlite_autoincrement": True},
    )
    pk: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    display_name_key: Mapped[str] = mapped_column(unique=True)  # schema.fold(displayName)
    external_id: Mapped[str | None] = mapped_column(index=True)
    source: Mapped[str]
    member_count: Mapped[int] = mapped_column(server_default="0")
    disabled_count: Mapped[int] = mapped_column(server_default="0")  # of the members
    document: Mapped[str] = mapped_column(Text)  # JSON, without id, meta and members
    version: Mapped[int]
    created: Mapped[str]
    last_modified: Mapped[str] = mapped_column(index=True)


class GroupMember(db.Model):
    __tablename__ = "group_members"
    group_pk: Mapped[int] = mapped_column(ForeignKey("groups.pk", ondelete="CASCADE"), primary_key=True)
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    __table_args__ = (
        Index("ix_group_members_user", "user_pk", "group_pk"),
        {"sqlite_with_rowid": False},
    )


class Block(db.Model):
    """How many rows of a table have a pk from block << BLOCK_BITS on: totals and deep pages without counting."""

    __tablename__ = "blocks"
    table: Mapped[str] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    __table_args__ = {"sqlite_with_rowid": False}


class Token(db.Model):
    """A bearer token: only its digest, never the token."""

    __tablename__ = "tokens"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)  # SHA-256, hexadecimal
    last_four: Mapped[str]
    created: Mapped[str]
    expires: Mapped[str | None]
    inactive: Mapped[str | None]  # since when; it can be set active again
    revoked: Mapped[str | None]  # since when; for good
    last_used: Mapped[str | None]
    last_address: Mapped[str | None]


class CustomAttribute(db.Model):
    __tablename__ = "custom_attributes"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)  # lower case
    type: Mapped[str]
    multi_valued: Mapped[bool]
    created: Mapped[str]


class LogEntry(db.Model):
    """One SCIM request in the provisioning log, secrets redacted and sizes capped."""

    __tablename__ = "provisioning_log"
    __table_args__ = (
        Index("ix_provisioning_log_time", "time", "status", "method"),  # activity by day is read from it alone
        some("ix_provisioning_log_failures", "id", condition="status >= 400"),
        some("ix_provisioning_log_ignored", "id", condition="ignored IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[str]
    token_id: Mapped[int | None]
    address: Mapped[str | None]
    method: Mapped[str]
    path: Mapped[str]
    resource_type: Mapped[str | None]
    resource_id: Mapped[str | None] = mapped_column(index=True)
    subject: Mapped[str | None]  # whom a refused or deleting request was about: a userName or displayName
    status: Mapped[int]
    scim_type: Mapped[str | None]
    error: Mapped[str | None]
    milliseconds: Mapped[float]
    ignored: Mapped[str | None] = mapped_column(Text)  # JSON list of attribute paths
    request: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)


class AuditLine(db.Model):
    """One change of a user, a group or a setting: append-only."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]  # "SCIM Okta (Production)", or an administrator
    token_id: Mapped[int | None]
    action: Mapped[str]  # created, changed, deleted, taken over, invited, signed in …
    resource_type: Mapped[str]
    resource_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    before: Mapped[str | None] = mapped_column(Text)  # JSON: only what changed
    after: Mapped[str | None] = mapped_column(Text)


class Administrator(db.Model):
    """An account of the portal. Nothing that arrives over SCIM reaches it."""

    __tablename__ = "administrators"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)  # schema.fold(email)
    role: Mapped[str]  # administrator, helpdesk or readonly
    password_hash: Mapped[str]  # argon2id
    disabled: Mapped[str | None]  # since when
    created: Mapped[str]
    last_sign_in: Mapped[str | None]


class BrowserSession(db.Model):
    """What the server remembers of a browser: only the cookie's digest, never the cookie."""

    __tablename__ = "sessions"
    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256, hexadecimal
    administrator_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrators.id", ondelete="CASCADE"), index=True
    )
    data: Mapped[str] = mapped_column(Text)  # JSON
    created: Mapped[str]
    last_seen: Mapped[str] = mapped_column(index=True)
    user_pk: Mapped[int | None] = mapped_column(
        ForeignKey("users.pk", name="fk_sessions_user_pk", ondelete="CASCADE"), index=True
    )


class FailedSignIn(db.Model):
    """What is throttled: a password that was tried, a link that was asked for, a mail that was sent."""

    __tablename__ = "failed_sign_ins"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]  # what kind of thing, and whose: an e-mail address or a network address
    time: Mapped[str]
    __table_args__ = (Index("ix_failed_sign_ins_key", "key", "time"),)


class Person(db.Model):
    """The sign-in of a user who has registered. No administrator has one, and nothing over SCIM makes one."""

    __tablename__ = "people"
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str]  # argon2id
    registered: Mapped[str]


class Link(db.Model):
    """A link that was mailed: only the digest of its secret, never the secret."""

    __tablename__ = "links"
    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256, hexadecimal
    purpose: Mapped[str]  # invitation or password
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), index=True)
    administrator_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrators.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str]  # the address that it goes to
    invited_by: Mapped[str]  # as the person reads it
    created: Mapped[str]
    expires: Mapped[str] = mapped_column(index=True)
    used: Mapped[str | None]  # since when; then it is dead, as one that is revoked
    revoked: Mapped[str | None]


class Mail(db.Model):
    """One mail of the outbox, written in the transaction that it tells of."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str]  # invitation, registered, password or test
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), index=True)
    administrator_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrators.id", ondelete="CASCADE"), index=True
    )
    recipient: Mapped[str]  # the one address that it goes to
    secret: Mapped[str | None]  # of its link, sealed: see core/outbox.py. Only until it is delivered
    link_digest: Mapped[str | None] = mapped_column(index=True)
    content: Mapped[str | None] = mapped_column(Text)  # JSON: subject and text of a test
    message_id: Mapped[str] = mapped_column(unique=True)  # the same at each try
    state: Mapped[str]  # waiting, sending, sent, failed or cancelled
    tries: Mapped[int] = mapped_column(server_default="0")
    next_try: Mapped[str]  # when it is due; of one that is done with, since when
    claimed_until: Mapped[str | None]  # a worker that is silent for longer has died
    claim: Mapped[str | None]  # which worker sends it
    last_error: Mapped[str | None]
    created: Mapped[str]
    sent: Mapped[str | None]
    __table_args__ = (Index("ix_outbox_due", "state", "next_try"), {"sqlite_autoincrement": True})


class Configuration(db.Model):
    """What a device gets: the fields of a type of core/mobileconfig.py, and to whom it goes."""

    __tablename__ = "configurations"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(unique=True)  # what the identifiers of its profiles are made from
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)  # schema.fold(name)
    type: Mapped[str]
    fields: Mapped[str] = mapped_column(Text)  # JSON, as mobileconfig.checked returns it
    missing: Mapped[str]  # what a variable without a value does: hold or empty
    distribution: Mapped[str]  # nobody, everyone or groups
    version: Mapped[int]
    created: Mapped[str]
    last_modified: Mapped[str]


class ConfigurationGroup(db.Model):
    __tablename__ = "configuration_groups"
    configuration_id: Mapped[int] = mapped_column(
        ForeignKey("configurations.id", ondelete="CASCADE"), primary_key=True
    )
    group_pk: Mapped[int] = mapped_column(ForeignKey("groups.pk", ondelete="CASCADE"), primary_key=True)
    __table_args__ = (
        Index("ix_configuration_groups_group", "group_pk", "configuration_id"),
        {"sqlite_with_rowid": False},
    )


class Delivery(db.Model):
    """What a person has of a configuration, or had: a device never sees a revision that is lower than before."""

    __tablename__ = "deliveries"
    configuration_id: Mapped[int] = mapped_column(
        ForeignKey("configurations.id", ondelete="CASCADE"), primary_key=True
    )
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str]  # ready, held, or withdrawn from who is disabled or no longer in the distribution
    missing: Mapped[str | None] = mapped_column(Text)  # JSON: {variable: why it is held}
    fingerprint: Mapped[str | None]  # of the last content that was ready
    revision: Mapped[int]  # of that content; 0 if there was none
    changed: Mapped[str]
    __table_args__ = (
        Index("ix_deliveries_user", "user_pk", "configuration_id"),
        Index("ix_deliveries_state", "configuration_id", "state", "user_pk"),
        {"sqlite_with_rowid": False},
    )


class Setting(db.Model):
    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(Text)  # JSON


class Job(db.Model):
    """Work on many users, done in portions; where it stands survives a restart."""

    __tablename__ = "jobs"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]  # disable, enable, delete, invite, remove attribute, deliver
    subject: Mapped[str | None]  # the attribute's name, or the ids of the configurations
    pks: Mapped[str] = mapped_column(Text)  # JSON list: the users who were confirmed
    actor: Mapped[str]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(server_default="0")  # of pks
    changed: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    created: Mapped[str]
    finished: Mapped[str | None] = mapped_column(index=True)


def now() -> str:
    """Return this moment in UTC, as the database keeps it: text order is time order."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_now(delta: timedelta) -> str:
    """Return the moment that lies `delta` ahead, or behind, as now() writes it."""
    moment = datetime.fromisoformat(now()) + delta
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


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
            base = db.engine.dialect.loaded_dbapi.Error
            raise DBAPIError.instance(self.sql, None, error, base, dialect=db.engine.dialect) from error

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


def is_one_of(column, name: str):
    """Return the condition that a column is one of the values in a JSON list, which is bound as `name`.

    One parameter, however many values there are.
    """
    return func.one_of(column, bindparam(name))


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
    """Log a failure with its traceback; where the database cannot be reached, that alone says all."""
    if isinstance(error, Away) or (isinstance(error, OperationalError) and engines.is_away(error)):
        LOG.error(f"{message}: the database cannot be reached: %s", *names, getattr(error, "orig", error))
    else:
        LOG.exception(message, *names)


def why_unusable(error: OperationalError | OSError) -> str:
    """Return in a sentence why the database cannot be used, and what to do."""
    cure = (
        "Its disk must have room, and be writable for the user that Rollcall runs as."
        if engines.is_unwritable(error)
        else ""
    )
    return f"The database cannot be used: {getattr(error, 'orig', error)}. {cure}".strip()


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


def insert_new(table):
    """Return an insert that passes over rows that are there already."""
    return insert(table).on_conflict_do_nothing()  # PostgreSQL's insert: SQLite says it in the same words


def insert_or_change(table, key: tuple, changes):
    """Return an insert that changes the row with that key if there is one: `changes` maps the new row to values."""
    new = insert(table)
    return new.on_conflict_do_update(index_elements=key, set_=changes(new.excluded))


COUNT_IN_BLOCK = Prepared(
    insert_or_change(Block, ("table", "block"), lambda new: {"count": Block.count + new.count}),
    ("table", "block", "count"),
)


def count_in_block(table, pk, by):
    """Keep the totals by block of 2**BLOCK_BITS pks: `by` is 1 for a new resource and -1 for a deleted one."""
    COUNT_IN_BLOCK.run(table=table.name, block=pk >> BLOCK_BITS, count=by)


COUNT_USER = Prepared(
    text(
        "INSERT INTO user_counts (source, enabled, invite, count)"
        " SELECT :source, :enabled, invite, :by FROM users WHERE pk = :pk"
        " ON CONFLICT (source, enabled, invite) DO UPDATE SET count = user_counts.count + excluded.count"
    )
)


def count_user(pk, source, enabled, by):
    """Keep the totals by state: `by` is 1 for a user who comes into it and -1 for one who leaves it."""
    COUNT_USER.run(pk=pk, source=source, enabled=enabled, by=by)


def init_app(app: Flask):
    """Bind the database to `app` and set its engine up."""
    own = engines.options(app.config["SQLALCHEMY_DATABASE_URI"])
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
    found = schema_revision()
    close_connection()
    if found != newest_revision():
        sys.exit(
            f"The database has the schema {found or 'of nothing yet'}, and Rollcall needs {newest_revision()}: "
            f"run `flask db upgrade`, or the Rollcall that belongs to it."
        )


def database_file() -> Path | None:
    """Return the file of a SQLite database; None of another engine, or of one that is in memory."""
    url = db.engine.url
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database) if is_file else None


def application_on(url: str, folder) -> Flask:
    """Return an application that has nothing but another database: a copy, or one to move to."""
    app = Flask("rollcall", instance_path=str(folder))
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    init_app(app)
    return app


def newest_migrations() -> list[tuple[str, str]]:
    """Return (revision, the day on which it was made) of each schema that this Rollcall knows, the newest first."""
    scripts = ScriptDirectory(os.path.join(os.path.dirname(__file__), "migrations"))
    return [
        (script.revision, script.longdoc.partition("Create Date: ")[2][:10]) for script in scripts.walk_revisions()
    ]


def schemas() -> list[str]:
    """Return the revisions of the schema that this Rollcall knows, the newest first."""
    return [revision for revision, _day in newest_migrations()]


def upgrade_database():
    """Bring the database to the newest schema; harmless to repeat, and to interrupt."""
    config = current_app.extensions["migrate"].migrate.get_config()
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        sys.exit(f"The database is of a newer Rollcall than this one ({error}): start that, or restore a backup.")
    except OperationalError as error:
        sys.exit(why_unusable(error))


def schema_revision() -> str | None:
    """Return the schema that the database has, as the migrations name it."""
    return MigrationContext.configure(connection()).get_current_revision()


def newest_revision() -> str:
    """Return the schema that this program needs."""
    known = current_app.extensions
    if "newest_revision" not in known:
        config = known["migrate"].migrate.get_config()
        known["newest_revision"] = ScriptDirectory.from_config(config).get_current_head()
    return known["newest_revision"]


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
