"""Hosts that are taken out for maintenance, and what sessions must know of theirs."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "hosts",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_since", Moment, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("due_at", Moment),
        sa.Column("lease_token", sa.String(32)),
        sa.Column("lease_until", Moment),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_hosts"),
    )
    is_held = sa.text("lease_until IS NOT NULL")
    op.create_index("ix_hosts_due_at", "hosts", ["due_at"])
    op.create_index(
        "ix_hosts_lease_until",
        "hosts",
        ["lease_until"],
        sqlite_where=is_held,
        postgresql_where=is_held,
    )
    op.add_column(
        "sessions",
        sa.Column("moves_when_evacuated", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("sessions", sa.Column("host", sa.String(128)))
    op.add_column("sessions", sa.Column("vacating", sa.JSON()))
    op.create_index("ix_sessions_host", "sessions", ["host"])
    op.add_column("warm_workstations", sa.Column("host", sa.String(128)))
