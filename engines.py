"""What SQLite and PostgreSQL say differently: connections, the write lock, errors, and the functions of queries.

On both, one transaction writes at a time, and takes the lock for it before it reads anything: what is true of
concurrent writes on one engine is true on the other. Readers never wait, and see one moment.
"""

import errno
import hashlib
import hmac
import os
import re
import sqlite3
import time
from contextlib import contextmanager

import orjson
from sqlalchemy import URL, BigInteger, Integer, String, bindparam, event, func, make_url, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

BUSY_SECONDS = 5  # how long a write waits for another process that holds the lock, such as a backup
WAL_BYTES = 8 * 2**20  # SQLite's write-ahead log is folded back into the database beyond this size
NAME = "rollcall"  # of connections, as PostgreSQL lists them
WRITE_LOCK = 0x526F6C6C  # the number of PostgreSQL's advisory lock
INTEGER = BigInteger().with_variant(Integer(), "sqlite")  # of 64 bits, as each of SQLite's is
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# how SQLite tells that a file took no more: a quota or a limit shows as a write that failed
UNWRITABLE = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE)
SESSION = {  # of PostgreSQL
    "lock_timeout": f"{BUSY_SECONDS}s",
    "idle_in_transaction_session_timeout": "60s",
    "random_page_cost": "1.1",  # what is looked up lies in memory or on an SSD: indexes are as cheap as they are
    "jit": "off",  # to compile a statement takes longer than any of ours
}
IMMEDIATE = "BEGIN IMMEDIATE"
SNAPSHOT = {"begin": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
# each statement sees what is committed then: a snapshot taken before the lock was had would be an old one
LOCKED = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({WRITE_LOCK})"
# PostgreSQL's SQLSTATEs
LOCK_NOT_AVAILABLE = "55P03"
DISK_FULL, READ_ONLY = "53100", "25006"
PROGRAM_LIMIT = "54000"
CANCELED = "57014"
STEPS = 1_000_000  # of SQLite's machine, some hundredths of a second, between two looks at the clock
NO_CONNECTION = ("08", "57P", "25P03", "53300")  # how those of a server that is gone, going or full begin
INDEXED_BY = re.compile(r" INDEXED BY \w+")  # PostgreSQL chooses by its statistics
JSON_LIST = re.compile(r"json_each\((%\(\w+\)s)\)")  # of numbers


def is_sqlite(engine) -> bool:
    return engine.dialect.name == "sqlite"


def file_of(url: URL) -> str | None:
    """Return the file of a SQLite database, as its address names it; None of another engine, and in memory."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return url.database if is_file else None


def located(address: str, folder) -> str:
    """Return the address of a database; of SQLite's, with the file that its path in `folder` leads to in the end.

    SQLite keeps its log beside that file, whichever link led there: so what is ours has to lie there, too.
    Raise ArgumentError for what is no address.
    """
    url = make_url(address)
    file = file_of(url)
    if not file:
        return address
    return url.set(database=os.path.realpath(os.path.join(folder, file))).render_as_string(hide_password=False)


def options(url: str, secret_key: str = "") -> dict:
    """Return what create_engine is told beside the address."""
    if url.startswith("sqlite"):
        return {}
    # a server that is gone is noticed within seconds, not when the kernel gives up
    own = {
        "client_encoding": "utf8",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "tcp_user_timeout": 15_000,
        "application_name": _name(secret_key),
    }
    return {"pool_size": 10, "max_overflow": 20, "connect_args": own}


def _name(secret_key):
    """Return under which name PostgreSQL lists connections: it differs between servers whose keys differ."""
    return f"{NAME} {hmac.digest(secret_key.encode(), NAME.encode(), hashlib.sha256).hex()[:8]}"


def is_other_key_in_use(connection, secret_key: str) -> bool:
    """Return whether somebody is connected to the same database of PostgreSQL who has another secret key."""
    if is_sqlite(connection.engine):
        return False
    others = text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND starts_with(application_name, :beginning) AND application_name <> :own LIMIT 1"
    )
    return connection.execute(others, {"beginning": f"{NAME} ", "own": _name(secret_key)}).first() is not None


def configure(engine):
    """Set up the connections of an engine. BEGIN is said here, not by the driver: see the option `begin`."""
    (_configure_sqlite if is_sqlite(engine) else _configure_postgresql)(engine)

    @event.listens_for(engine, "begin")
    def begin(conn):
        statement = conn.get_execution_options().get("begin", "BEGIN")
        try:
            conn.connection.driver_connection.execute(statement)
        except engine.dialect.loaded_dbapi.Error as error:
            if not is_sqlite(engine):
                conn.invalidate()  # the server may be gone, or the lock not have been had: another one is made
            raise wrapped(error, statement, engine.dialect) from error


def _configure_sqlite(engine):
    @event.listens_for(engine, "connect")
    def connect(raw, _record):
        raw.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_SECONDS * 1000}",  # first: the next one may have to wait
            "journal_mode = WAL",
            "synchronous = FULL",  # what was acknowledged survives a power cut
            "foreign_keys = ON",
            "wal_autocheckpoint = 0",
            f"journal_size_limit = {WAL_BYTES}",
            "temp_store = MEMORY",
            "cache_size = -4096",
        ):
            raw.execute(f"PRAGMA {pragma}")


def _configure_postgresql(engine):
    from psycopg.types.numeric import IntLoader  # only where PostgreSQL is used
    from psycopg.types.string import StrDumperUnknown

    class WithoutNul(StrDumperUnknown):
        """PostgreSQL has no U+0000 in text; documents have none either, so what asks for one finds nothing."""

        def dump(self, value):
            return super().dump(value.replace("\0", "\ufffd"))

    @event.listens_for(engine, "connect")
    def connect(raw, _record):
        raw.autocommit = True
        raw.adapters.register_dumper(str, WithoutNul)
        raw.adapters.register_loader("numeric", IntLoader)  # of 64-bit numbers, PostgreSQL's sum is one
        raw.execute("; ".join(f"SET {name} = '{value}'" for name, value in SESSION.items()))


def begin_reading(engine):
    """Return a connection: all that it reads is of one moment."""
    begun = engine.connect()
    return _begun(begun if is_sqlite(engine) else begun.execution_options(**SNAPSHOT))


def begin_writing(engine):
    """Return a connection that holds the write lock. Raise OperationalError if it is not had in time."""
    return _begun(engine.connect().execution_options(begin=IMMEDIATE if is_sqlite(engine) else LOCKED))


def end(connection):
    """End the transaction at hand, if there is one; what was not committed is undone.

    psycopg forgets with each ROLLBACK which statements PostgreSQL has prepared: so reading ends by COMMIT.
    """
    raw = connection.connection.driver_connection
    if connection.get_execution_options().get("begin") == SNAPSHOT["begin"]:
        raw.commit()
    else:
        raw.rollback()


def _begun(connection):
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


def execution(engine, varies: bool) -> dict:
    """Return how a cursor executes a statement; one that varies, PostgreSQL is to plan each time."""
    return {"prepare": False} if varies and not is_sqlite(engine) else {}


def load(connection, table, rows):
    """Insert many rows, which have all columns in their order; PostgreSQL takes a third of the time by COPY."""
    if is_sqlite(connection.engine):
        connection.execute(table.insert(), [row._asdict() for row in rows])
        return
    quote = connection.dialect.identifier_preparer
    columns = ", ".join(map(quote.format_column, table.columns))
    statement = f"COPY {quote.format_table(table)} ({columns}) FROM STDIN"
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise wrapped(error, statement, connection.dialect) from error


def gather_statistics(connection):
    """Let PostgreSQL look at what it holds: until then, a minute later, it plans as if it were nothing.

    SQLite's plans do not depend on it.
    """
    if not is_sqlite(connection.engine):
        connection.exec_driver_sql("ANALYZE")


def version(connection) -> str:
    """Return the name and number of the engine."""
    if is_sqlite(connection.engine):
        return f"SQLite {sqlite3.sqlite_version}"
    return "PostgreSQL " + connection.exec_driver_sql("SHOW server_version").scalar()


def refusal(connection) -> str | None:
    """Return why a database cannot be used, as a sentence with its cure; None if it can."""
    if is_sqlite(connection.engine):
        return None
    encoding, collation = connection.exec_driver_sql(
        "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
    ).one()
    if encoding == "UTF8" and collation in ("C", "POSIX", "C.UTF-8", "C.utf8"):
        return None
    return (
        f"The database sorts text by the rules of {collation} in {encoding}, and Rollcall needs the order of C in "
        f"UTF8: make one with `createdb --template template0 --encoding UTF8 --locale C NAME`."
    )


def wrapped(error: Exception, statement: str, dialect) -> DBAPIError:
    """Return a driver's error as SQLAlchemy raises it, without the parameters: they are nothing for a log."""
    return DBAPIError.instance(statement, None, error, dialect.loaded_dbapi.Error, dialect=dialect)


def sqlite_code(error) -> int:
    """Return which of SQLite's errors it is, as its header names them; 0 for what is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says where it happened


def is_busy(error: OperationalError) -> bool:
    """Return whether an error says that another transaction holds the lock."""
    locked = sqlite_code(error.orig) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return locked or getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE


def is_unwritable(error: Exception) -> bool:
    """Return whether an error says that the disk takes nothing more: it is full, or can only be read."""
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorcode", 0)
    refused = sqlite_code(cause) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY) or code in UNWRITABLE
    is_file = getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
    return refused or is_file or getattr(cause, "sqlstate", None) in (DISK_FULL, READ_ONLY)


def is_damaged(error: Exception) -> bool:
    """Return whether SQLite says that a file is damaged, or no database."""
    return sqlite_code(getattr(error, "orig", error)) in DAMAGED


def is_away(error: OperationalError) -> bool:
    """Return whether an error says that the server of the database cannot be reached, or goes or comes just now."""
    if not type(error.orig).__module__.startswith("psycopg"):
        return False
    state = error.orig.sqlstate
    return state is None or state.startswith(NO_CONNECTION)


def is_too_long(error: Exception) -> bool:
    """Return whether a value is longer than PostgreSQL's indexes take: 2,704 bytes, compressed."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) == PROGRAM_LIMIT


@contextmanager
def time_limit(connection, seconds: int):
    """Raise TimeoutError if what is read inside takes longer; on PostgreSQL, if one statement does."""
    raw = connection.connection.driver_connection
    try:
        if is_sqlite(connection.engine):
            end = time.monotonic() + seconds
            raw.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        else:
            raw.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
        yield
    except (DBAPIError, connection.dialect.loaded_dbapi.Error) as error:
        cause = getattr(error, "orig", error)
        if sqlite_code(cause) == sqlite3.SQLITE_INTERRUPT or getattr(cause, "sqlstate", None) == CANCELED:
            raise TimeoutError from error
        raise
    finally:
        if is_sqlite(connection.engine):
            raw.set_progress_handler(None, 0)


def last_number(connection, table, key) -> int:
    """Return the highest number that a table ever gave to a row, as far as the engine knows."""
    if is_sqlite(connection.engine):
        query = text("SELECT max(seq) FROM sqlite_sequence WHERE name = :name")
        return connection.execute(query, {"name": table.name}).scalar() or 0
    names = {"table": connection.dialect.identifier_preparer.format_table(table), "key": key.name}
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :key)"), names).scalar()
    return connection.execute(
        text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
    ).scalar()


def continue_numbers(connection, table, key, last: int):
    """Let the numbers of a table's rows go on behind the last one."""
    if not is_sqlite(connection.engine):
        name = connection.dialect.identifier_preparer.format_table(table)
        go_on = text("SELECT setval(pg_get_serial_sequence(:table, :key), :last)")
        connection.execute(go_on, {"table": name, "key": key.name, "last": last})
    elif table.dialect_options["sqlite"].get("autoincrement"):
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        go_on = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
        connection.execute(go_on, {"name": table.name, "last": last})


def spoken(engine, sql: str) -> str:
    """Return SQL that was written for SQLite as the engine understands it."""
    if is_sqlite(engine):
        return sql
    numbers = r"(SELECT CAST(json_array_elements_text(CAST(\1 AS json)) AS bigint) AS value)"
    return (
        INDEXED_BY.sub("", JSON_LIST.sub(numbers, sql))
        .replace(" instr(", " strpos(")
        .replace("group_concat(", "string_agg(")
    )


def insert_new(table):
    """Return an insert that passes over rows that are there already."""
    return insert(table).on_conflict_do_nothing()  # PostgreSQL's insert: SQLite says it in the same words


def insert_or_change(table, key: tuple, changes):
    """Return an insert that changes the row with that key if there is one: `changes` maps the new row to values."""
    new = insert(table)
    return new.on_conflict_do_update(index_elements=key, set_=changes(new.excluded))


def has_part(column, part: str):
    """Return the condition that a text is part of a column's, which may be null; the case of A to Z does not count.

    Ten times as fast as instr(lower(column), lower(part)).
    """
    return func.like(column, "%" + re.sub("[/%_]", r"/\g<0>", part) + "%")


def is_one_of(column, name: str):
    """Return the condition that a column is one of the values in a JSON list, which is bound as `name`.

    One parameter, however many values there are.
    """
    return func.one_of(column, bindparam(name))


def json_list(values) -> str:
    """Return values as the JSON list that a query takes for a parameter, such as is_one_of."""
    return orjson.dumps(list(values)).decode()


def _arguments(element, compiler, kw):
    return [compiler.process(clause, **kw) for clause in element.clauses]


class instr(GenericFunction):  # noqa: N801, as SQL calls it
    """instr(text, part): where the part begins, from 1 on; 0 if it is not in it."""

    type = Integer()
    inherit_cache = True


@compiles(instr, "postgresql")
def _strpos(element, compiler, **kw):
    return "strpos({}, {})".format(*_arguments(element, compiler, kw))


class ends_with(GenericFunction):  # noqa: N801
    """ends_with(text, part), of a part that is not empty.

    Conditions have no type: SQLite has no booleans, and SQLAlchemy would compare one to 1, past every index.
    """

    inherit_cache = True


@compiles(ends_with, "sqlite")
def _substr(element, compiler, **kw):
    return "substr({0}, -length({1})) = {1}".format(*_arguments(element, compiler, kw))


@compiles(ends_with, "postgresql")
def _right(element, compiler, **kw):
    return "right({0}, length({1})) = {1}".format(*_arguments(element, compiler, kw))


class has_one_of(GenericFunction):  # noqa: N801
    """has_one_of(text, characters): whether there is one of the characters in it; none of them means anything."""

    inherit_cache = True


@compiles(has_one_of, "sqlite")
def _glob(element, compiler, **kw):
    return "{} GLOB '*[' || {} || ']*'".format(*_arguments(element, compiler, kw))


@compiles(has_one_of, "postgresql")
def _matches(element, compiler, **kw):
    return "{} ~ ('[' || {} || ']')".format(*_arguments(element, compiler, kw))


class like(GenericFunction):  # noqa: N801
    """like(text, pattern): as LIKE ESCAPE '/' has it; the case of A to Z does not count. See `has_part`."""

    inherit_cache = True


@compiles(like, "sqlite")
def _like(element, compiler, **kw):
    return "{} LIKE {} ESCAPE '/'".format(*_arguments(element, compiler, kw))


@compiles(like, "postgresql")
def _ilike(element, compiler, **kw):
    return "{} ILIKE {} ESCAPE '/'".format(*_arguments(element, compiler, kw))


class one_of(GenericFunction):  # noqa: N801
    """one_of(column, list): whether a column is one of the values in a JSON list, however many there are."""

    inherit_cache = True


@compiles(one_of, "sqlite")
def _in(element, compiler, **kw):
    return "{} IN (SELECT value FROM json_each({}))".format(*_arguments(element, compiler, kw))


@compiles(one_of, "postgresql")
def _any(element, compiler, **kw):
    column = element.clauses.clauses[0]
    kind = "bigint" if isinstance(column.type, Integer) else "text"
    values = "SELECT CAST(json_array_elements_text(CAST({1} AS json)) AS " + kind + ")"
    return ("{0} = ANY(ARRAY(" + values + "))").format(*_arguments(element, compiler, kw))


class member(GenericFunction):  # noqa: N801
    """member(object, name): the string that a JSON object has under a name."""

    type = String()
    inherit_cache = True


@compiles(member, "sqlite")
def _extract(element, compiler, **kw):
    return "json_extract({}, '$.' || {})".format(*_arguments(element, compiler, kw))


@compiles(member, "postgresql")
def _arrow(element, compiler, **kw):
    return "(CAST({} AS json) ->> {})".format(*_arguments(element, compiler, kw))


class json_each(GenericFunction):  # noqa: N801
    """json_each(object): rows with the keys and values of a JSON object of strings."""

    inherit_cache = True


@compiles(json_each, "postgresql")
def _each_text(element, compiler, **kw):
    return "json_each_text(CAST({} AS json))".format(*_arguments(element, compiler, kw))
