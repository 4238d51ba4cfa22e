"""Which files may go through a session's stream."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Go forward."""
    for name in ("upload_to", "download_from"):
        op.add_column("sessions", sa.Column(name, sa.String(length=128), nullable=True))
