"""By which rule a session stopped by itself, as a word."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Go forward."""
    op.add_column("sessions", sa.Column("stopped_by_rule", sa.String(32)))
