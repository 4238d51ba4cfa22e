"""Browsers that people are signed in on, the links that sign them in, and what is whose."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "logins",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("principal_id", sa.String(256), nullable=False),
        sa.Column("browser", sa.String(200), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["people.id"], "fk_logins_principal_id_people"),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
        sa.UniqueConstraint("token_hash", name="uq_logins_token_hash"),
    )
    op.create_index("ix_logins_principal_id", "logins", ["principal_id"])
    op.create_table(
        "sign_in_links",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("principal_id", sa.String(256), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["people.id"], "fk_sign_in_links_principal_id_people"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_links"),
    )
    op.create_index("ix_sign_in_links_principal_id", "sign_in_links", ["principal_id"])
    for table in ("sessions", "backups"):
        op.create_index(f"ix_{table}_owned_by", table, ["owned_by"])
