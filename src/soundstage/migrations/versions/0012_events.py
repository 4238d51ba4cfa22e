"""The journal becomes the one trail of events: of which studio, whose, on what occasion, linked by
hashes. The database itself refuses to change an event, and to remove one that is not too old.

Not safe beside the previous release, which writes into the journal under its old name: end it
first.
"""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Go forward."""
    counted = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "events",
        sa.Column("sequence", counted, autoincrement=True, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("studio_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("actor", sa.String(256), nullable=False),
        sa.Column("owned_by", sa.String(256)),
        sa.Column("operation", sa.String(64)),
        sa.Column("request_id", sa.String(36)),
        sa.Column("source_address", sa.String(64)),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_events"),
        # A number is not given again when the newest event is removed.
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO events (studio_id, at, kind, subject, actor, detail) "
        "SELECT '', at, kind, subject, actor, detail FROM journal ORDER BY sequence"
    )
    op.drop_table("journal")
    for name, columns in {
        "studio_id": ["studio_id"],
        "studio_id_kind": ["studio_id", "kind"],
        "studio_id_owned_by": ["studio_id", "owned_by"],
        "subject": ["subject", "studio_id"],
        "actor": ["actor", "studio_id"],
    }.items():
        op.create_index(f"ix_events_{name}_at", "events", [*columns, "at", "sequence"])
    op.create_table(
        "event_links",
        sa.Column("sequence", counted, autoincrement=False, nullable=False),
        sa.Column("link", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_event_links"),
    )
    for statement in _guards(op.get_bind().dialect.name):
        op.execute(statement)


def _guards(dialect: str) -> list[str]:
    """Refuse what is not adding; what `kit.chain` prunes is not above the first link any more."""
    first_link = "coalesce((SELECT min(sequence) FROM event_links), 0)"
    changed = "events are append-only"
    removed = "events are removed by their age alone"
    if dialect == "sqlite":
        return [
            (
                "CREATE TRIGGER events_stay BEFORE UPDATE ON events "
                f"BEGIN SELECT RAISE(ABORT, '{changed}'); END"
            ),
            (
                "CREATE TRIGGER events_are_kept BEFORE DELETE ON events "
                f"WHEN OLD.sequence > {first_link} "
                f"BEGIN SELECT RAISE(ABORT, '{removed}'); END"
            ),
        ]
    return [
        (
            "CREATE FUNCTION events_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP <> 'DELETE' THEN RAISE EXCEPTION '{changed}'; END IF; "
            f"IF OLD.sequence > {first_link} THEN RAISE EXCEPTION '{removed}'; END IF; "
            "RETURN OLD; END $$"
        ),
        (
            "CREATE TRIGGER events_are_kept BEFORE UPDATE OR DELETE ON events "
            "FOR EACH ROW EXECUTE FUNCTION events_guard()"
        ),
    ]
