"""Whom OpenID Connect providers know people as, and which logins began there."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "identities",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("principal_id", sa.String(256), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["people.id"], "fk_identities_principal_id_people"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
    )
    op.create_index("ix_identities_principal_id", "identities", ["principal_id"])
    op.add_column("logins", sa.Column("issuer", sa.String(512), nullable=True))
