"""The table of session shares."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Integer, String, Table

from soundstage.kit.database import Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources.session_shares.model import SessionShare

table = Table(
    "session_shares",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    Column(
        "session_id",
        String(22),
        ForeignKey("sessions.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("owned_by", String(256), nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("max_viewers", Integer, nullable=False),
    Column("ended_at", Moment),
    Column("viewers", Integer, nullable=False),
    Column("viewers_at", Moment),
)
shares = Records(table, SessionShare)


def open_of(transaction: Connection, session_id: str, now: datetime) -> list[SessionShare]:
    """Read the shares of a session that are open, the oldest first."""
    found = shares.find(
        transaction,
        table.c.session_id == session_id,
        table.c.ended_at.is_(None),
        table.c.ends_at > now,
    )
    return sorted(found, key=lambda each: (each.created_at, each.id))


def among(transaction: Connection, share_ids: set[str]) -> list[SessionShare]:
    """Read the shares of these ids that there are."""
    return shares.find(transaction, table.c.id.in_(sorted(share_ids)))


def note_viewers(transaction: Connection, counts: Mapping[str, int], now: datetime) -> None:
    """Note how many look on."""
    for share_id, count in sorted(counts.items()):
        shares.update(transaction, share_id, {"viewers": count, "viewers_at": now})
