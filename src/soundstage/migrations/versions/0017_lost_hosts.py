"""Sessions that leave a host which is lost, and what they leave there."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "sessions",
        sa.Column("lost_host_move_in_minutes", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("sessions", sa.Column("unreachable_since", Moment(), nullable=True))
    op.add_column("sessions", sa.Column("workstation", sa.String(length=22), nullable=True))
    op.create_index("ix_sessions_workstation", "sessions", ["workstation"])
    op.add_column("backups", sa.Column("workstation", sa.String(length=22), nullable=True))
    op.create_table(
        "left_workstations",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("session_id", sa.String(length=22), nullable=False),
        sa.Column("left_at", Moment(), nullable=False),
        sa.Column("backup_id", sa.String(length=22), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_left_workstations"),
    )
    is_held = sa.text("lease_until IS NOT NULL")
    op.create_index("ix_left_workstations_due_at", "left_workstations", ["due_at"])
    op.create_index(
        "ix_left_workstations_lease_until",
        "left_workstations",
        ["lease_until"],
        sqlite_where=is_held,
        postgresql_where=is_held,
    )
