"""Indexes in the order of the lists, for what is asked before something may be deleted, and of
those rows alone that somebody holds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_IN_ORDER = ("created_at", "id")
_NEW = (
    ("studios", _IN_ORDER),
    ("studios", ("studio_name",)),
    ("components", ("studio_id", *_IN_ORDER)),
    ("images", ("studio_id", *_IN_ORDER)),
    ("launch_profiles", ("studio_id", *_IN_ORDER)),
    ("backups", ("studio_id", *_IN_ORDER)),
    ("backups", ("studio_id", "owned_by", *_IN_ORDER)),
    ("sessions", ("studio_id", *_IN_ORDER)),
    ("sessions", ("studio_id", "owned_by", *_IN_ORDER)),
    ("sessions", ("studio_id", "created_by", *_IN_ORDER)),
    ("sessions", ("launch_profile_id",)),
    ("streams", ("owned_by",)),
)
_OLD = (
    ("components", "studio_id"),
    ("images", "studio_id"),
    ("launch_profiles", "studio_id"),
    ("backups", "studio_id"),
    ("backups", "owned_by"),
    ("sessions", "studio_id"),
    ("sessions", "owned_by"),
)
"""Each is the beginning of a new one, or was never searched by itself."""

_LEASED = ("studios", "components", "images", "launch_profiles", "backups", "sessions", "streams")


def upgrade() -> None:
    """Go forward."""
    is_held = sa.text("lease_until IS NOT NULL")
    for table in _LEASED:
        name = op.f(f"ix_{table}_lease_until")
        op.drop_index(name, table_name=table)
        op.create_index(
            name, table, ["lease_until"], sqlite_where=is_held, postgresql_where=is_held
        )
    for table, columns in _NEW:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
    for table, column in _OLD:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
