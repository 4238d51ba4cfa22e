"""An index that a studio's and a person's sessions are counted from."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go forward."""
    op.create_index("ix_sessions_counted", "sessions", ["studio_id", "state", "owned_by"])
