"""People can be disabled, and have a name to show and an address."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "people", sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.add_column("people", sa.Column("display_name", sa.String(length=256), nullable=True))
    op.add_column("people", sa.Column("email", sa.String(length=254), nullable=True))
