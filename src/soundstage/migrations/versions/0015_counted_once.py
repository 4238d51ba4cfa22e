"""A studio's and a person's sessions are counted as they come and go, and not at each order.

The database counts by itself, so that nothing that changes a session can forget to. Safe beside the
previous release, which goes on counting the sessions, only without an index of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_COUNTED_SO_FAR = (
    (
        "INSERT INTO session_counts (studio_id, owned_by, living) "
        "SELECT studio_id, owned_by, count(*) FROM sessions "
        "WHERE state <> 'DELETED' GROUP BY studio_id, owned_by"
    ),
    (
        "INSERT INTO session_counts (studio_id, owned_by, living) "
        "SELECT studio_id, '', count(*) FROM sessions WHERE state <> 'DELETED' GROUP BY studio_id"
    ),
)
_ONE_MORE = (
    "INSERT INTO session_counts (studio_id, owned_by, living) VALUES (NEW.studio_id, {whose}, 1) "
    "ON CONFLICT (studio_id, owned_by) DO UPDATE SET living = session_counts.living + 1;"
)
_ONE_LESS = (
    "UPDATE session_counts SET living = living - 1 "
    "WHERE studio_id = OLD.studio_id AND owned_by = {whose}; "
    "DELETE FROM session_counts "
    "WHERE studio_id = OLD.studio_id AND owned_by = {whose} AND living = 0;"
)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "session_counts",
        sa.Column("studio_id", sa.String(64), nullable=False),
        sa.Column("owned_by", sa.String(256), nullable=False),
        sa.Column("living", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("studio_id", "owned_by", name="pk_session_counts"),
    )
    for statement in _COUNTED_SO_FAR:
        op.execute(statement)
    op.drop_index("ix_sessions_counted", "sessions")
    for statement in _counting(op.get_bind().dialect.name):
        op.execute(statement)


def _counting(dialect: str) -> list[str]:
    # The whole studio first: two that wait for each other's rows would wait for ever.
    more = " ".join(_ONE_MORE.format(whose=whose) for whose in ("''", "NEW.owned_by"))
    less = " ".join(_ONE_LESS.format(whose=whose) for whose in ("''", "OLD.owned_by"))
    if dialect == "sqlite":
        was, is_now = "OLD.state <> 'DELETED'", "NEW.state <> 'DELETED'"
        moments = {
            "come": ("INSERT", is_now, more),
            "return": ("UPDATE OF state", f"NOT ({was}) AND {is_now}", more),
            "end": ("UPDATE OF state", f"{was} AND NOT ({is_now})", less),
            "vanish": ("DELETE", was, less),
        }
        return [
            f"CREATE TRIGGER sessions_that_{name} AFTER {moment} ON sessions WHEN {condition} "
            f"BEGIN {act} END"
            for name, (moment, condition, act) in moments.items()
        ]
    return [
        (
            # There is no OLD row when one comes, and no NEW one when one vanishes.
            "CREATE FUNCTION sessions_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF coalesce(OLD.state, 'DELETED') = coalesce(NEW.state, 'DELETED') THEN "
            "RETURN NULL; END IF; "
            f"IF coalesce(OLD.state, 'DELETED') = 'DELETED' THEN {more} END IF; "
            f"IF coalesce(NEW.state, 'DELETED') = 'DELETED' THEN {less} END IF; "
            "RETURN NULL; END $$"
        ),
        (
            "CREATE TRIGGER sessions_counted AFTER INSERT OR DELETE OR UPDATE OF state "
            "ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_counted()"
        ),
    ]
