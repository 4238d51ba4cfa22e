"""Why a session stopped by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Go forward."""
    op.add_column("sessions", sa.Column("stopped_because", sa.String()))
