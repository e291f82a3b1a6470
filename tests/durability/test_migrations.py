"""The database comes to the newest schema by itself: from nothing, again, at once, and never backwards."""

import os
import sqlite3
import subprocess
import sys

import orjson
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import database
from app import create_app
from configuration import kept_secret
from core import words
from core.search import IN_COLUMNS
from database import db
from protocol.schema import compile_user_type, fold, index_rows
from tests.conftest import ROOT, free_port
from tests.databases import open_database
from tests.durability.helpers import together

pytestmark = pytest.mark.usefixtures("sqlite")


def schema(path):
    sql = sqlite3.connect(path)
    rows = sql.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    sql.close()
    return rows


def test_the_migrations_make_what_the_models_say(app):
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, db.metadata) == []


def test_the_migrations_make_tables_exactly_as_the_models_would(app, instance, tmp_path):
    """What Alembic does not compare: autoincrement, tables without rowid, what a deletion takes along."""
    fresh = create_app({"INSTANCE_PATH": tmp_path / "fresh"})
    with fresh.app_context():
        db.create_all()
        db.engine.dispose()
    wanted, found = tables(tmp_path / "fresh" / "rollcall.db"), tables(instance / "rollcall.db")
    del found["alembic_version"]
    assert found == wanted


def tables(path):
    """Return what SQLite says of each table: columns, in no order, keys, indexes, numbering of rows."""
    sql, found = sqlite3.connect(path), {}
    for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
        [text] = sql.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        indexes = sql.execute(f'PRAGMA index_list("{name}")').fetchall()
        found[name] = (
            sorted((row[1:] for row in sql.execute(f'PRAGMA table_info("{name}")')), key=lambda row: row[0]),
            sorted(row[2:] for row in sql.execute(f'PRAGMA foreign_key_list("{name}")')),
            sorted((row[2:], index_columns(sql, row[1])) for row in indexes),
            "AUTOINCREMENT" in text,
            "WITHOUT ROWID" in text,
        )
    sql.close()
    return found


def index_columns(sql, index):
    return tuple(name for _number, _column, name in sql.execute(f'PRAGMA index_info("{index}")'))


def test_an_upgrade_that_is_repeated_changes_nothing(app, scim, barbara, instance):
    before = schema(instance / "rollcall.db")
    with app.app_context():
        database.upgrade_database()
        database.upgrade_database()
    assert schema(instance / "rollcall.db") == before
    assert scim.get(f"/Users/{barbara['id']}").json == barbara


def test_foreign_keys_hold_after_an_upgrade(app):
    with app.app_context():
        database.upgrade_database()
        assert db.session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_starts_at_once_make_one_secret_key(tmp_path):
    for number in range(20):
        path = tmp_path / f"secret{number}"
        [first, *others] = together(8, lambda _, path=path: kept_secret(path))
        assert len(first) >= 32
        assert set(others) == {first}


@pytest.fixture
def newer(instance):
    """An instance whose database a newer Rollcall has upgraded."""
    sql = open_database(instance)
    sql.execute("UPDATE alembic_version SET version_num = '9999'")
    sql.commit()
    sql.close()
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


@pytest.fixture
def first_schema(tmp_path):
    """An app whose database has the first schema, with three users and two groups; its path."""
    app = create_app({"INSTANCE_PATH": tmp_path / "first"})
    path = tmp_path / "first" / "rollcall.db"
    with app.app_context():
        command.upgrade(app.extensions["migrate"].migrate.get_config(), "0001")
        db.engine.dispose()
    documents = [
        {"userName": "Ada.Lovelace@example.com", "displayName": "Ada Lovelace", "active": True},
        {"userName": "eve", "active": False},
        {"userName": "MALLORY@example.com", "emails": [{"value": "m@mallory.org"}]},
    ]
    sql = sqlite3.connect(path)
    moment = "2026-01-01T00:00:00.000000Z"
    for pk, document in enumerate(documents, 1):
        name = document["userName"]
        display = document.get("displayName", name)
        columns = (
            pk,
            f"id{pk}",
            fold(name),
            display,
            fold(display),
            document.get("active"),
            orjson.dumps(document),
        )
        values = f"(?, ?, ?, ?, ?, ?, 'scim', CAST(? AS TEXT), 1, '{moment}', '{moment}')"
        named = (
            "pk, id, user_name_key, display, display_key, active, source, document, version, created, last_modified"
        )
        sql.execute(f"INSERT INTO users ({named}) VALUES {values}", columns)
        rows = index_rows(compile_user_type(), document, IN_COLUMNS)
        sql.executemany(f"INSERT INTO user_values VALUES (?, ?, {pk}, ?)", rows)
    for pk, name in ((1, "all"), (2, "none")):
        sql.execute(
            "INSERT INTO groups VALUES (?, ?, ?, ?, NULL, 'scim', json_object('displayName', ?), 7, ?, ?)",
            (pk, f"id{pk}", name, name, name, moment, moment),
        )
    sql.execute("INSERT INTO group_members SELECT 1, pk FROM users")
    sql.commit()
    yield app, sql
    sql.close()


def test_an_upgrade_counts_who_is_there_and_how_they_are_found(first_schema):
    app, sql = first_schema
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    counts = sql.execute("SELECT * FROM user_counts ORDER BY enabled").fetchall()
    assert counts == [("scim", 0, "not invited", 2), ("scim", 1, "not invited", 1)]
    groups = sql.execute("SELECT display_name, member_count, disabled_count, version FROM groups ORDER BY pk")
    assert groups.fetchall() == [("all", 3, 2, 7), ("none", 0, 0, 7)]
    for pk, document in sql.execute("SELECT pk, document FROM users").fetchall():
        document = orjson.loads(document)
        rows = sql.execute("SELECT attribute, value_key, element FROM user_values WHERE user_pk = ?", (pk,))
        assert set(rows) == index_rows(compile_user_type(), document, IN_COLUMNS)
        rows = sql.execute("SELECT word, initial, name FROM user_words WHERE user_pk = ?", (pk,))
        assert set(rows) == words.rows(document)


def test_an_upgrade_keeps_every_row(first_schema):
    app, sql = first_schema

    def rows():
        tables = {
            "users": "pk, id, user_name_key, display, display_key, active, source, document, version, created",
            "groups": "pk, id, display_name, document, version, last_modified",
            "group_members": "group_pk, user_pk",
        }
        found = {name: sql.execute(f"SELECT {columns} FROM {name}").fetchall() for name, columns in tables.items()}
        return found | {"user_values": set(sql.execute("SELECT * FROM user_values"))}

    before = rows()
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    assert rows() == before
    assert [len(rows) for rows in before.values()][:3] == [3, 2, 3]


def test_an_upgrade_of_many_users_misses_none(first_schema):
    app, sql = first_schema
    sql.execute(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO users
            (id, user_name_key, display, display_key, active, source, document, version, created, last_modified)
        SELECT 'x' || i, 'many-' || i, '-', '-', 1, 'local', json_object('userName', 'many-' || i), 1, '', '' FROM n
        """
    )
    sql.commit()
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    found = sql.execute("SELECT count(DISTINCT user_pk) FROM user_words WHERE word GLOB 'many-*'")
    assert found.fetchone() == (2500,)
    assert ("local", 1, "not invited", 2500) in sql.execute("SELECT * FROM user_counts").fetchall()


def move_to(app, revision, way=command.upgrade):
    with app.app_context():
        way(app.extensions["migrate"].migrate.get_config(), revision)
        db.engine.dispose()


def test_words_leave_the_values_they_stood_among_and_come_back_with_a_downgrade(first_schema):
    app, sql = first_schema
    move_to(app, "0004")
    sql.execute("INSERT INTO user_values VALUES ('*', 'lovelace@example.com', 1, 0)")
    sql.commit()
    old = "SELECT value_key FROM user_values WHERE attribute = '*' AND user_pk = 1"
    for _ in range(2):
        move_to(app, "0005")
        assert sql.execute(old).fetchall() == []
        assert ("lovelace@example.com", 1) in sql.execute("SELECT word, user_pk FROM user_words").fetchall()
        move_to(app, "0004", command.downgrade)
        assert ("lovelace@example.com",) in sql.execute(old).fetchall()
