"""What a studio may have, where it is not what the installation's settings say."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Go forward."""
    op.add_column("studios", sa.Column("quotas", sa.JSON(none_as_null=True), nullable=True))
