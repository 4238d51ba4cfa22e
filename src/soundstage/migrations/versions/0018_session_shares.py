"""Links by which others look on at a session, and whether its profile allowed them."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Go forward."""
    for name in ("share_minutes", "share_viewers"):
        op.add_column("sessions", sa.Column(name, sa.Integer(), nullable=True))
    op.create_table(
        "session_shares",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("studio_id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(22), nullable=False),
        sa.Column("owned_by", sa.String(256), nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
        sa.Column("max_viewers", sa.Integer(), nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("viewers", sa.Integer(), nullable=False),
        sa.Column("viewers_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studios.id"], "fk_session_shares_studio_id_studios"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            "fk_session_shares_session_id_sessions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_session_shares"),
    )
    op.create_index("ix_session_shares_session_id", "session_shares", ["session_id"])
