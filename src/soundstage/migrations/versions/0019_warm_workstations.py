"""Pools of workstations that are prepared before anybody asks."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "warm_workstations",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("studio_id", sa.String(64), nullable=False),
        sa.Column("launch_profile_id", sa.String(22), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("state_since", Moment, nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.Column("workstation_id", sa.String(22)),
        sa.Column("draft", sa.JSON()),
        sa.Column("rests_until", Moment),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("given_up_for", sa.String(22)),
        sa.Column("due_at", Moment),
        sa.Column("lease_token", sa.String(32)),
        sa.Column("lease_until", Moment),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studios.id"], "fk_warm_workstations_studio_id_studios"
        ),
        sa.ForeignKeyConstraint(
            ["launch_profile_id"],
            ["launch_profiles.id"],
            "fk_warm_workstations_launch_profile_id_launch_profiles",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_warm_workstations"),
    )
    is_held = sa.text("lease_until IS NOT NULL")
    for columns, more in (
        (["workstation_id"], {}),
        (["studio_id", "created_at", "id"], {}),
        (["launch_profile_id", "number"], {"unique": True}),
        (["due_at"], {}),
        (["lease_until"], {"sqlite_where": is_held, "postgresql_where": is_held}),
    ):
        name = f"ix_warm_workstations_{'_'.join(columns)}"
        op.create_index(name, "warm_workstations", columns, **more)
    op.add_column(
        "sessions",
        sa.Column("was_prepared", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
