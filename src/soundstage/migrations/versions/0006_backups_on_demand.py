"""Backups that somebody asked for, and sessions that begin with another's backup."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("backups", schema=None) as batch_op:
        batch_op.alter_column("stop_number", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("keep_newest", sa.Integer(), nullable=True))
    op.add_column("sessions", sa.Column("volume_backup_of", sa.String(length=22), nullable=True))
