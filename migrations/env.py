"""Runs migrations on the application's own engine, whole or not at all."""

from alembic import context
from flask import current_app

from models import db

engine = db.engine
is_sqlite = engine.dialect.name == "sqlite"

with engine.connect() as connection:
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
        context.run_migrations()
    if is_sqlite:
        raw.execute("PRAGMA foreign_keys = ON")
