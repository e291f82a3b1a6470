"""The databases of the tests: a SQLite file in each instance folder, or one on a PostgreSQL server.

    ROLLCALL_TEST_POSTGRESQL=postgresql+psycopg://postgres@127.0.0.1/postgres pytest …

Whoever is named there may make databases: each folder gets one of its own.
"""

import atexit
import hashlib
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from database import db

SERVER = os.environ.get("ROLLCALL_TEST_POSTGRESQL")
RUN = f"rollcall_test_{os.getpid()}"
TEMPLATE = f"{RUN}_empty"
made: set = set()


def url_of(folder) -> str:
    """Return the address of a folder's database, which is made if need be."""
    name = f"{RUN}_{hashlib.sha256(str(Path(folder).resolve()).encode()).hexdigest()[:12]}"
    if name not in made:
        create(name, TEMPLATE if TEMPLATE in made else "template0")
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


def environment(folder) -> dict:
    """Return what a process of its own must know to work on a folder's database."""
    return {"ROLLCALL_INSTANCE_PATH": str(folder)} | ({"ROLLCALL_DATABASE_URL": url_of(folder)} if SERVER else {})


def keep_as_template(folder):
    """Make the database of a folder, which nobody uses any more, the one that new ones begin as."""
    create(TEMPLATE, make_url(url_of(folder)).database)


def create(name, template):
    if not made:
        atexit.register(drop_all)
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' LOCALE 'C'")
    made.add(name)


def drop_all():
    for name in made:
        with suppress(psycopg.Error):
            run_on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run_on_server(statement):
    with closing(connect(SERVER, autocommit=True)) as connection:
        connection.execute(statement)


def connect(url, **options):
    parts = make_url(url)
    return psycopg.connect(
        host=parts.host,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        dbname=parts.database,
        **options,
    )


def empty(folder):
    """Take everything out of a folder's database, and begin its numbers anew."""
    filled = " ".join(
        f"IF EXISTS (SELECT 1 FROM {table}) THEN TRUNCATE {table} RESTART IDENTITY CASCADE; END IF;"
        for table in db.metadata.tables
    )
    sequences = " ".join(f"ALTER SEQUENCE {table}_{column}_seq RESTART;" for table, column in numbered())
    with closing(connect(url_of(folder), autocommit=True)) as connection:
        connection.execute(f"DO $$ BEGIN {filled} {sequences} END $$")


def numbered():
    """Yield (table, column) of each primary key that the database counts up."""
    for table in db.metadata.tables.values():
        if table.autoincrement_column is not None:
            yield table.name, table.autoincrement_column.name


def open_database(folder):
    """Return a connection to a folder's database beside Rollcall's; on both engines, `execute` takes `?`.

    It may be a SQLite file instead of a folder.
    """
    if Path(folder).is_file():
        return sqlite3.connect(folder)
    if SERVER:
        return Postgresql(connect(url_of(folder)))
    return sqlite3.connect(Path(folder, "rollcall.db"), timeout=20)


def unsound(place) -> list:
    """Return what SQLite finds wrong with a folder's database, or with a file; PostgreSQL looks after its own."""
    if SERVER and not Path(place).is_file():
        return []
    with closing(open_database(place)) as sql:
        found = [row[0] for row in sql.execute("PRAGMA integrity_check") if row[0] != "ok"]
        return found + [f"foreign key: {row}" for row in sql.execute("PRAGMA foreign_key_check")]


class Postgresql:
    """A PostgreSQL connection that is used as one of sqlite3."""

    def __init__(self, connection):
        self.connection = connection
        self.commit, self.rollback, self.close = connection.commit, connection.rollback, connection.close

    def execute(self, statement, parameters=()):
        return self.connection.execute(statement.replace("?", "%s"), parameters or None)

    def executemany(self, statement, rows):
        self.connection.cursor().executemany(statement.replace("?", "%s"), rows)

    def iterdump(self):
        for table in db.metadata.tables:
            for row in self.execute(f"SELECT * FROM {table}"):
                yield f"{table}: {row}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.rollback() if kind else self.commit()
