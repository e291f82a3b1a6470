"""Runs migrations on the application's own engine, whole or not at all."""

import sys

from alembic import context
from flask import current_app
from sqlalchemy.exc import DatabaseError

import database
import engines
from models import db  # once its tables are known

engine = db.engine
is_sqlite = engines.is_sqlite(engine)

try:
    with engine.connect() as connection:
        if why_not := engines.refusal(connection):
            sys.exit(why_not)
        connection.rollback()  # the transaction that the look began
        raw = connection.connection.driver_connection
        if is_sqlite:
            # batch mode rebuilds tables, and dropping the old one would delete the children of its rows
            raw.execute("PRAGMA foreign_keys = OFF")
            # two starts at once: the second waits for the lock, and finds nothing to do
            connection = connection.execution_options(begin="BEGIN IMMEDIATE")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transactional_ddl=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            if not is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({engines.WRITE_LOCK})")
            context.run_migrations()
        if is_sqlite:
            raw.execute("PRAGMA foreign_keys = ON")
except DatabaseError as error:
    if not database.is_unusable(error):
        raise
    sys.exit(database.why_unusable(error))
