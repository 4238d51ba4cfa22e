"""What keeps a session awake, and which end of it was announced."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "sessions",
        sa.Column("idle_stop_in_minutes", sa.Integer(), nullable=False, server_default="0"),
    )
    for name, kind in (
        ("active_at", Moment()),
        ("active_by", sa.String(length=16)),
        ("use_at", Moment()),
        ("use_seconds", sa.Float()),
        ("warned_end", Moment()),
        ("warned_before", sa.Integer()),
    ):
        op.add_column("sessions", sa.Column(name, kind, nullable=True))
