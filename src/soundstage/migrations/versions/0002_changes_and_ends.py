"""Updates in progress, accepted EULAs, and members that go with what they are members of."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go forward."""
    for table in ("studios", "components", "launch_profiles"):
        op.add_column(table, sa.Column("wished", sa.JSON(none_as_null=True), nullable=True))

    # What failed to be made goes after a day, also what failed before this step.
    for table in ("studios", "components", "images", "launch_profiles"):
        rows = sa.table(table, sa.column("due_at"), sa.column("updated_at"), sa.column("state"))
        op.execute(
            rows.update()
            .where(rows.c.state == "CREATE_FAILED", rows.c.due_at.is_(None))
            .values(due_at=rows.c.updated_at)
        )

    for table, column, target in (
        ("studio_members", "studio_id", "studios"),
        ("launch_profile_members", "launch_profile_id", "launch_profiles"),
    ):
        name = op.f(f"fk_{table}_{column}")
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(name, type_="foreignkey")
            batch_op.create_foreign_key(name, target, [column], ["id"], ondelete="CASCADE")

    op.create_table(
        "eula_acceptances",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("eula_id", sa.String(length=22), nullable=False),
        sa.Column("accepted_by", sa.String(length=256), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["studio_id"],
            ["studios.id"],
            name=op.f("fk_eula_acceptances_studio_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eula_acceptances")),
        sa.UniqueConstraint(
            "studio_id", "eula_id", name=op.f("uq_eula_acceptances_studio_id_eula_id")
        ),
    )
