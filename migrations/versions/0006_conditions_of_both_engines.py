"""The conditions of partial indexes, in words that both engines know

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25 00:40:00

"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
COLUMNS = ("display_key", "user_name_key", "last_modified")


def upgrade():
    make_again("active IS NOT TRUE")


def downgrade():
    make_again("active IS NOT 1")


def make_again(condition):
    if op.get_bind().dialect.name != "sqlite":
        return
    for column in COLUMNS:
        op.drop_index(f"ix_users_disabled_{column}", "users")
        op.create_index(f"ix_users_disabled_{column}", "users", [column], sqlite_where=sa.text(condition))
