"""The table of streams."""

from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, String, Table, bindparam, or_

from soundstage.kit import lease
from soundstage.kit.database import Moment, metadata
from soundstage.kit.prepared import PreparedChange
from soundstage.kit.records import Records
from soundstage.resources.streams.lifecycle import ENDED
from soundstage.resources.streams.model import StreamingSessionStream

table = Table(
    "streams",
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
    Column("owned_by", String(256), nullable=False, index=True),
    Column("created_by", String(256), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("redeemed_at", Moment),
    Column("active_at", Moment),
    Column("state", String(32), nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    *lease.columns(),
)
streams = Records(table, StreamingSessionStream)

_WAKE = PreparedChange(
    lease.waking(
        table,
        or_(table.c.session_id == bindparam("changed"), table.c.owned_by == bindparam("changed")),
        # One by one: what is compiled once can't hold a list.
        *(table.c.state != state for state in sorted(ENDED)),
    )
)


def wake(transaction: Connection, changed: str, now: datetime) -> None:
    """Make the streams of a session, or of a person, due now."""
    _WAKE.run(transaction, {"changed": changed, "waking_at": now})


def redeem(transaction: Connection, stream_id: str, now: datetime) -> bool:
    """Use the ticket up; reports whether this was the first time."""
    used = transaction.execute(
        table.update()
        .where(table.c.id == stream_id, table.c.redeemed_at.is_(None))
        .values(redeemed_at=now, active_at=now)
    )
    return used.rowcount == 1


def among(transaction: Connection, stream_ids: set[str]) -> list[StreamingSessionStream]:
    """Read the streams of these ids that there are."""
    return streams.find(transaction, table.c.id.in_(sorted(stream_ids)))


def note_activity(transaction: Connection, stream_ids: set[str], now: datetime) -> None:
    """Note that bytes passed."""
    transaction.execute(
        table.update().where(table.c.id.in_(sorted(stream_ids))).values(active_at=now)
    )
