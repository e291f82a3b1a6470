"""Words in a table of their own; the conditions of partial indexes in words that both engines know

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25 00:50:00.000000

"""

import orjson
import sqlalchemy as sa
from alembic import op

from core import words

# revision identifiers, used by Alembic.
revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

DISABLED = ("display_key", "user_name_key", "last_modified")  # the orders of who is disabled
PORTION = 1_000  # users
CACHE = 256_000  # KiB for the time of the upgrade: the rows of one user go all over the table


def upgrade():
    op.create_table(
        "user_words",
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("user_pk", INTEGER, nullable=False),
        sa.Column("initial", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user_pk"], ["users.pk"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("word", "user_pk"),
        sqlite_with_rowid=False,
    )
    fill(op.get_bind())
    with op.batch_alter_table("user_words", schema=None) as batch_op:
        batch_op.create_index("ix_user_words_user", ["user_pk", "word"], unique=False)
        batch_op.create_index(
            "ix_user_words_initial",
            ["initial", "name", "user_pk"],
            unique=False,
            sqlite_where=sa.text("initial IS NOT NULL"),
            postgresql_where=sa.text("initial IS NOT NULL"),
        )

    index_disabled("active IS NOT TRUE")
    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.create_index(
            "ix_groups_local",
            ["source"],
            unique=False,
            sqlite_where=sa.text("source = 'local'"),
            postgresql_where=sa.text("source = 'local'"),
        )

    with op.batch_alter_table("provisioning_log", schema=None) as batch_op:
        batch_op.create_index(
            "ix_provisioning_log_ignored",
            ["id"],
            unique=False,
            sqlite_where=sa.text("ignored IS NOT NULL"),
            postgresql_where=sa.text("ignored IS NOT NULL"),
        )


def index_disabled(condition):
    """Make the indexes of who is disabled again, of users that satisfy a condition."""
    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL has had the newer words from the first
        for column in DISABLED:
            op.drop_index(f"ix_users_disabled_{column}", "users")
            op.create_index(f"ix_users_disabled_{column}", "users", [column], sqlite_where=sa.text(condition))


def fill(connection):
    """Add the words of all users who are there, and take those away that stood among the values before."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        usual = connection.exec_driver_sql("PRAGMA cache_size").scalar()
        connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE}")
    connection.execute(sa.text("DELETE FROM user_values WHERE attribute = '*'"))
    some = sa.text("SELECT pk, document FROM users WHERE pk > :last ORDER BY pk LIMIT :most")
    last = 0
    while users := connection.execute(some, {"last": last, "most": PORTION}).all():
        last = users[-1][0]
        connection.execute(
            sa.text("INSERT INTO user_words (word, user_pk, initial, name) VALUES (:word, :pk, :initial, :name)"),
            [
                {"word": word, "pk": pk, "initial": initial, "name": name}
                for pk, document in users
                for word, initial, name in words.rows(orjson.loads(document))
            ],
        )
    if is_sqlite:
        connection.exec_driver_sql(f"PRAGMA cache_size = {usual}")


def downgrade():
    # what was searched before were words that begin no value; more of them do no harm
    op.execute("INSERT INTO user_values SELECT '*', word, user_pk, 0 FROM user_words")
    with op.batch_alter_table("provisioning_log", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_provisioning_log_ignored",
            sqlite_where=sa.text("ignored IS NOT NULL"),
            postgresql_where=sa.text("ignored IS NOT NULL"),
        )

    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_groups_local",
            sqlite_where=sa.text("source = 'local'"),
            postgresql_where=sa.text("source = 'local'"),
        )

    index_disabled("active IS NOT 1")
    op.drop_table("user_words")
