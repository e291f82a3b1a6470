"""The database comes to the newest schema by itself: from nothing, again, at once, and never backwards."""

import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import models
from app import create_app, kept_secret
from tests.conftest import ROOT, Server, free_port
from tests.durability.helpers import together, unsound


def schema(path):
    database = sqlite3.connect(path)
    rows = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    database.close()
    return rows


def test_the_migrations_make_what_the_models_say(app):
    with app.app_context(), models.db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, models.db.metadata) == []


def test_the_migrations_make_tables_exactly_as_the_models_would(app, instance, tmp_path):
    """What Alembic does not compare: autoincrement, tables without rowid, what a deletion takes along."""
    fresh = create_app({"INSTANCE_PATH": tmp_path / "fresh"})
    with fresh.app_context():
        models.db.create_all()
        models.db.engine.dispose()
    wanted, found = tables(tmp_path / "fresh" / "rollcall.db"), tables(instance / "rollcall.db")
    del found["alembic_version"]
    assert found == wanted


def tables(path):
    """Return what SQLite says of each table: columns, in no order, keys, indexes, numbering of rows."""
    database, found = sqlite3.connect(path), {}
    for (name,) in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ):
        [text] = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        indexes = database.execute(f'PRAGMA index_list("{name}")').fetchall()
        found[name] = (
            sorted((row[1:] for row in database.execute(f'PRAGMA table_info("{name}")')), key=lambda row: row[0]),
            sorted(row[2:] for row in database.execute(f'PRAGMA foreign_key_list("{name}")')),
            sorted((row[2:], index_columns(database, row[1])) for row in indexes),
            "AUTOINCREMENT" in text,
            "WITHOUT ROWID" in text,
        )
    database.close()
    return found


def index_columns(database, index):
    return tuple(name for _number, _column, name in database.execute(f'PRAGMA index_info("{index}")'))


def test_an_upgrade_that_is_repeated_changes_nothing(app, scim, barbara, instance):
    before = schema(instance / "rollcall.db")
    with app.app_context():
        models.upgrade_database()
        models.upgrade_database()
    assert schema(instance / "rollcall.db") == before
    assert scim.get(f"/Users/{barbara['id']}").json == barbara


def test_foreign_keys_hold_after_an_upgrade(app):
    with app.app_context():
        models.upgrade_database()
        assert models.db.session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_two_servers_that_start_at_once_on_an_empty_folder_both_serve(tmp_path):
    servers = [Server(tmp_path, free_port(), token="") for _ in range(2)]
    starts = [threading.Thread(target=server.start) for server in servers]
    try:
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        assert [server.process.poll() for server in servers] == [None, None], (tmp_path / "log").read_text()
    finally:
        for server in servers:
            server.stop()
    assert unsound(tmp_path / "rollcall.db") == []


def test_starts_at_once_make_one_secret_key(tmp_path):
    for number in range(20):
        path = tmp_path / f"secret{number}"
        [first, *others] = together(8, lambda _, path=path: kept_secret(path))
        assert len(first) >= 32
        assert set(others) == {first}


@pytest.fixture
def newer(instance):
    """An instance whose database a newer Rollcall has upgraded."""
    database = sqlite3.connect(instance / "rollcall.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    return instance


def run_server(instance):
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance), "PORT": str(free_port())}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20)


def test_a_newer_database_is_refused_and_left_alone(newer):
    before = schema(newer / "rollcall.db")
    assert run_server(newer).returncode != 0
    assert schema(newer / "rollcall.db") == before


def test_the_refusal_of_a_newer_database_is_a_sentence(newer):
    said = run_server(newer).stderr
    assert "Traceback" not in said
    assert "newer" in said
