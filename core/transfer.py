"""Move everything from this installation's database to an empty one, of any engine, and prove that it is the same.

    moved = transfer("postgresql+psycopg://rollcall@db/rollcall")      # [Moved("users", 103, "5f3c…"), …]

The source is read in one transaction, the target is written in one: a failure leaves it without a row. Needs an
application context, whose database is the source. No HTTP.
"""

import hashlib
import os
import struct
from contextlib import closing, nullcontext
from dataclasses import dataclass
from decimal import Decimal

from flask import current_app
from sqlalchemy import Engine, Integer, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

import database
import engines
from core import serverlock
from core.backup import Report, silent
from database import application_on, database_file, db, upgrade_database

PORTION = 1_000  # rows
SUM = 2**256


class TransferError(Exception):
    """What cannot be moved; the message says why and what to do. The target has no row of it."""


@dataclass(frozen=True)
class Moved:
    """A table that was moved: how many rows, and the checksum of them all, which both databases have."""

    table: str
    rows: int
    checksum: str


def transfer(target: str, report: Report = silent) -> list[Moved]:
    """Copy every table to the database at the address `target`; return what was moved. Raise TransferError.

    What is written to the source meanwhile is not moved, so no server may run on it.
    """
    source = db.engine
    app = _application(target)
    try:
        lock = serverlock.take(database_file(), "flask migrate-data") if database_file() else None
    except serverlock.Taken as error:
        raise TransferError(f"{error} Stop that first: what it writes would not be moved.") from None
    except OSError as error:
        raise TransferError(serverlock.why_unusable(error, database_file())) from None
    with closing(lock) if lock else nullcontext(), app.app_context():
        engine = db.engine
        try:
            _refuse_same(source, engine)
            with engine.connect() as connection:
                _refuse_rows(connection)
            upgrade_database()
            with closing(engines.begin_reading(source)) as old, closing(engines.begin_writing(engine)) as new:
                _refuse_older(old)
                moved = _move(old, new, report)
                new.commit()
                return moved
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise TransferError(f"{_shown(engine)} refuses: {reason}. Nothing was moved.") from error
        finally:
            engine.dispose()


def _application(target):
    try:
        url = make_url(target)
        if file := engines.file_of(url):
            os.close(os.open(os.path.join(current_app.instance_path, file), os.O_RDWR | os.O_CREAT, 0o600))
        elif url.get_backend_name() == "sqlite":
            raise TransferError("A database in memory is gone with this command: name a file, or a server.")
        return application_on(target, current_app.instance_path)
    except OSError as error:
        raise TransferError(f"{error.filename} cannot be opened: {error.strerror}.") from error
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise TransferError(
            "The target is no address of a database that Rollcall knows, such as"
            f" postgresql+psycopg://rollcall@localhost/rollcall ({type(error).__name__})."
        ) from None


def _shown(engine: Engine):
    """Return the address of a database, without its password."""
    return engine.url.render_as_string(hide_password=True)


def _refuse_same(source, target):
    if source.url == target.url:
        raise TransferError(f"{_shown(target)} is the database that Rollcall has now: name another one.")


def _refuse_rows(connection):
    """Refuse a target that is in use, by Rollcall or by another program."""
    names = inspect(connection).get_table_names()
    others = set(names) - set(db.metadata.tables) - {"alembic_version"}
    if others:
        raise TransferError(
            f"{_shown(connection.engine)} has tables of another program, such as {min(others)!r}: make an empty"
            " database."
        )
    for table in db.metadata.sorted_tables:
        if table.name in names and connection.execute(select(text("1")).select_from(table).limit(1)).first():
            raise TransferError(
                f"{_shown(connection.engine)} has rows in {table.name} already: make an empty database. "
                "Nothing was changed."
            )


def _refuse_older(connection):
    schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if schema != database.newest_schema():
        raise TransferError(
            f"The database of now has schema {schema}, not {database.newest_schema()}: start Rollcall once, which"
            " upgrades it, stop it, and try again."
        )


def _move(old, new, report) -> list[Moved]:
    tables = db.metadata.sorted_tables  # parents before those who refer to them
    totals = {table.name: _count(old, table) for table in tables}
    total, done, moved = 2 * sum(totals.values()), 0, []
    for table in tables:
        sent = 0
        for portion in _portions(old, table):
            engines.load(new, table, portion)
            sent += len(portion)
            done += len(portion)
            report(table.name, done, total)
        _continue_numbers(old, new, table)
        if sent != totals[table.name]:
            raise TransferError(f"{table.name}: {sent} of {totals[table.name]} rows were read. Nothing was moved.")
    for table in tables:
        sides = [_checksum(connection, table) for connection in (old, new)]
        done += sides[1][0]
        report(f"{table.name}, compared", done, total)
        if sides[0] != sides[1]:
            there, here = (f"{number} rows with checksum {checksum[:16]}" for number, checksum in sides)
            raise TransferError(
                f"{table.name} is not the same in both databases: {there} in the old one, {here} in the new one."
                " Nothing was moved."
            )
        moved.append(Moved(table.name, *sides[1]))
    engines.gather_statistics(new)
    return moved


def _count(connection, table):
    return connection.execute(select(func.count()).select_from(table)).scalar()


def _portions(connection, table):
    """Yield the rows of a table, PORTION at a time, without holding more of them in memory."""
    result = connection.execute(select(table), execution_options={"yield_per": PORTION})
    yield from result.partitions()


def _checksum(connection, table) -> tuple[int, str]:
    """Return how many rows there are, and a checksum of them all that does not depend on their order.

    Each row is hashed; the hashes are added up. Engines order text differently, and this needs no order.
    """
    number, total = 0, 0
    for portion in _portions(connection, table):
        for row in portion:
            number += 1
            total = (total + int.from_bytes(_digest(row), "big")) % SUM
    return number, f"{total:064x}"


def _digest(row) -> bytes:
    digest = hashlib.sha256()
    for value in row:
        data = _plain(value)
        digest.update(struct.pack(">q", len(data)) + data)
    return digest.digest()


def _plain(value) -> bytes:
    """Return a value as it is whatever the engine makes of it: true is 1, 5 and 5.0 are the same."""
    if value is None:
        return b"-"
    if isinstance(value, bytes):
        return b"b" + value
    if isinstance(value, bool | int):
        return b"n%d" % value
    if isinstance(value, float | Decimal):
        return _plain(int(value)) if value == int(value) else b"n" + repr(float(value)).encode()
    return b"s" + str(value).encode()


def _continue_numbers(old, new, table):
    """Let numbers go on where they were: the number of a row that was deleted is never given again."""
    [key, *others] = table.primary_key.columns
    if others or not isinstance(key.type, Integer) or key.foreign_keys:
        return
    last = max(new.execute(select(func.max(key))).scalar() or 0, engines.last_number(old, table, key))
    if last:
        engines.continue_numbers(new, table, key, last)
