"""`flask migrate-data`: every row arrives, which is proved by counting and checksums, or none does."""

import hashlib
import sqlite3
import struct
from decimal import Decimal

import pytest

import database
from app import create_app
from core import serverlock, transfer
from core.transfer import TransferError
from database import db
from tests.conftest import Scim
from tests.databases import unsound
from tests.durability.test_upgrades import DUMPS

pytestmark = pytest.mark.usefixtures("sqlite")


@pytest.fixture
def source(app, instance):
    """The application, with rows in every table that a Rollcall had."""
    (instance / "rollcall.db").unlink()
    sql = sqlite3.connect(instance / "rollcall.db")
    sql.executescript(DUMPS[-1].read_text())
    sql.close()
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
        yield instance / "rollcall.db"
        db.engine.dispose()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "target.db"


def move(target, **others):
    return transfer.transfer(f"sqlite:///{target}", **others)


def rows(path):
    sql = sqlite3.connect(path)
    tables = [row[0] for row in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: sorted(map(repr, sql.execute(f'SELECT * FROM "{name}"'))) for name in sorted(tables)}
    sql.close()
    return found


def change(path, *statements):
    sql = sqlite3.connect(path)
    for statement in statements:
        sql.execute(statement)
    sql.commit()
    sql.close()


def test_every_row_arrives(source, target):
    move(target)
    assert rows(target) == rows(source)
    assert unsound(target) == []


def test_what_was_moved_is_told_by_table(source, target):
    moved = {table.table: table for table in move(target)}
    assert moved.keys() == db.metadata.tables.keys()
    for name, found in rows(source).items():
        if name in moved:
            assert moved[name].rows == len(found)
            assert (moved[name].checksum == f"{0:064x}") == (not found)


def test_the_moved_database_serves(source, target, tmp_path):
    token = DUMPS[-1].read_text().partition("-- token: ")[2].split()[0]
    move(target)
    app = create_app({"INSTANCE_PATH": tmp_path, "DATABASE_URL": f"sqlite:///{target}"})
    scim = Scim(app, token)
    [ada] = scim.find("Users", 'userName eq "ada.lovelace@example.com"')
    assert scim.patch(f"/Users/{ada['id']}", {"op": "replace", "path": "title", "value": "x"}).status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_numbers_go_on_where_they_were(source, target):
    """The number of a user who was deleted is never given again."""
    change(source, "UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'users'")
    move(target)
    sql = sqlite3.connect(target)
    assert sql.execute("SELECT seq FROM sqlite_sequence WHERE name = 'users'").fetchone() == (1000,)
    sql.close()


def test_the_source_is_left_as_it_was(source, target):
    before = rows(source)
    move(target)
    assert rows(source) == before


def test_a_new_file_is_private(source, target):
    move(target)
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_row_that_is_not_the_same_is_found_and_nothing_moved(source, target, monkeypatch):
    """As if the target had changed a value while storing it."""
    checksum = transfer._checksum

    def spoiled(connection, table):
        if table.name == "audit" and connection.engine.url.database == str(target):
            connection.exec_driver_sql("UPDATE audit SET name = 'x' WHERE id = 1")
        return checksum(connection, table)

    monkeypatch.setattr(transfer, "_checksum", spoiled)
    with pytest.raises(TransferError, match="audit is not the same"):
        move(target)
    assert not any(found for name, found in rows(target).items() if name not in ("alembic_version",))


def test_a_row_that_is_lost_is_found(source, target, monkeypatch):
    checksum = transfer._checksum

    def spoiled(connection, table):
        if table.name == "group_members" and connection.engine.url.database == str(target):
            connection.exec_driver_sql("DELETE FROM group_members WHERE user_pk = 1")
        return checksum(connection, table)

    monkeypatch.setattr(transfer, "_checksum", spoiled)
    with pytest.raises(TransferError, match="group_members is not the same"):
        move(target)


# refusals


def test_a_target_with_rows_is_refused(source, target):
    move(target)
    before = rows(target)
    with pytest.raises(TransferError, match="has rows in"):
        move(target)
    assert rows(target) == before


def test_a_target_of_another_program_is_refused(source, target):
    change(target, "CREATE TABLE invoices (id)")
    with pytest.raises(TransferError, match="'invoices'"):
        move(target)
    assert list(rows(target)) == ["invoices"]


def test_the_own_database_is_refused(source):
    with pytest.raises(TransferError, match="is the database that Rollcall has now"):
        move(source)


@pytest.mark.parametrize("url", ["nonsense", "", "mysql2+nothing://x", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_none_is_refused(source, url):
    with pytest.raises(TransferError):
        transfer.transfer(url)


def test_a_folder_that_is_not_there_is_refused(source, tmp_path):
    with pytest.raises(TransferError, match="cannot be opened"):
        move(tmp_path / "no/such/target.db")


def test_a_database_that_is_served_is_not_moved(source, target):
    lock = serverlock.take(source, "a server")
    with pytest.raises(TransferError, match=r"a server \(process \d+\). Stop that first"):
        move(target)
    lock.close()
    assert not target.exists() or not target.stat().st_size


def test_an_older_schema_is_not_moved(source, target):
    change(source, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(TransferError, match="has schema 0001"):
        move(target)


# checksums


def digest_of(*values):
    return transfer._digest(values)


@pytest.mark.parametrize("one, other", [(True, 1), (False, 0), (5, 5.0), (Decimal("1.5"), 1.5), (0.0, -0.0)])
def test_what_engines_write_differently_has_one_checksum(one, other):
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize(
    "one, other",
    [((None,), ("",)), ((1,), ("1",)), (("ab", "c"), ("a", "bc")), ((None, 1), (1, None)), ((0,), (None,))]
    + [(("é",), ("e\u0301",)), (("a",), ("A",)), (("a",), ("a ",)), ((b"a",), ("a",)), ((0.1,), (0.10000001,))],
)
def test_what_differs_has_two_checksums(one, other):
    assert digest_of(*one) != digest_of(*other)


def test_a_checksum_is_what_it_is_documented_to_be(source):
    """SHA-256 of each row, added up: anybody can compute it without this program."""
    total = 0
    sql = sqlite3.connect(source)
    for row in sql.execute("SELECT group_pk, user_pk FROM group_members"):
        fields = b"".join(struct.pack(">q", len(data)) + data for data in (b"n%d" % value for value in row))
        total += int.from_bytes(hashlib.sha256(fields).digest(), "big")
    sql.close()
    with db.engine.connect() as connection:
        table = db.metadata.tables["group_members"]
        assert transfer._checksum(connection, table)[1] == f"{total % 2**256:064x}"


# the command


def test_the_command_prints_the_table_of_checksums(source, target, app):
    done = app.test_cli_runner().invoke(args=["migrate-data", f"sqlite:///{target}"])
    assert done.exit_code == 0, done.output
    for name in db.metadata.tables:
        assert f"\n{name} " in f"\n{done.stdout}"
    assert "ROLLCALL_DATABASE_URL" in done.stdout


def test_the_command_refuses_in_a_sentence(source, app):
    done = app.test_cli_runner().invoke(args=["migrate-data", "nonsense"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The target is no address")
