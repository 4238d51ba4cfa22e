"""Webhooks, and the events that are on their way to them."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("studio_id", sa.String(64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", Moment),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        *_lease(),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studios.id"], "fk_webhooks_studio_id_studios", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("webhook_id", sa.String(22), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        *_lease(),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            "fk_webhook_deliveries_webhook_id_webhooks",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    listed = ["created_at", "id"]
    for table, *names in (
        ("webhooks", "studio_id"),
        ("webhook_deliveries", "webhook_id"),
        ("webhook_deliveries", "webhook_id", "state"),
    ):
        columns = [*names, *listed]
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    is_held = sa.text("lease_until IS NOT NULL")
    for table in ("webhooks", "webhook_deliveries"):
        op.create_index(f"ix_{table}_due_at", table, ["due_at"])
        op.create_index(
            f"ix_{table}_lease_until",
            table,
            ["lease_until"],
            sqlite_where=is_held,
            postgresql_where=is_held,
        )


def _lease() -> list[sa.Column[object]]:
    return [
        sa.Column("due_at", Moment),
        sa.Column("lease_token", sa.String(32)),
        sa.Column("lease_until", Moment),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
    ]
