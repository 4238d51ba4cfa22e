"""Which components a session has; those of before get what their launch profile has now."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go forward."""
    # Neither database could compare a default of JSON, and SQLite could not take one away again.
    op.add_column("sessions", sa.Column("studio_component_ids", sa.JSON(), nullable=True))
    profiles = sa.table("launch_profiles", sa.column("id"), sa.column("studio_component_ids"))
    sessions = sa.table(
        "sessions", sa.column("launch_profile_id"), sa.column("studio_component_ids")
    )
    op.execute("UPDATE sessions SET studio_component_ids = '[]'")
    # A session whose profile was purged keeps none.
    theirs = (
        sa.select(profiles.c.studio_component_ids)
        .where(profiles.c.id == sessions.c.launch_profile_id)
        .scalar_subquery()
    )
    known = sa.select(profiles.c.id)
    op.execute(
        sessions.update()
        .where(sessions.c.launch_profile_id.in_(known))
        .values(studio_component_ids=theirs)
    )
