"""How the last start of a session goes, step by step."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Go forward."""
    op.add_column("sessions", sa.Column("course", sa.JSON()))
