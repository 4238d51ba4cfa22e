"""The table of workstations that sessions left on hosts that were lost or are taken out.

`moving` and `service` have a row written when a session is brought up elsewhere, and `fencing`
works it off.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, String, Table, select

from soundstage.kit import hints, ids, lease
from soundstage.kit.database import Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.resources.sessions.model import LeftWorkstation, StreamingSession

table = Table(
    "left_workstations",
    metadata,
    Column("id", String(22), primary_key=True),
    # No foreign key: what a lost host holds outlives the row of a deleted session.
    Column("session_id", String(22), nullable=False),
    Column("left_at", Moment, nullable=False),
    Column("backup_id", String(22)),
    *lease.columns(),
)
left = Records(table, LeftWorkstation)


def leave(
    transaction: Connection,
    session: StreamingSession,
    source: StreamingSessionBackup | None,
    now: datetime,
    *,
    is_whole: bool = False,
) -> dict[str, Any]:
    """Write down what a session leaves, and say what changes in it: it gets a workstation of
    another name, with a disk made of `source`. `is_whole` says that this has all of the old one's.
    """
    kept_as = source.id if source is not None and is_whole else None
    row = LeftWorkstation(id=session.ref, session_id=session.id, left_at=now, backup_id=kept_as)
    left.insert(transaction, row, due_at=now)
    hints.hint(transaction, "left", row.id)
    attempt = session.attempt + 1
    return {
        "workstation": ids.new_id(),
        "host": None,
        "vacating": None,
        "unreachable_since": None,
        "attempt": attempt,
        "heals": [],
        "started_at": now,
        "stop_at": None,
        "terminate_at": None,
        "volume_generation": attempt,
        "volume_backup_id": None if source is None else source.id,
        "volume_backup_of": None if source is None else source.ref,
        "previous_volume_generation": session.volume_generation,
        # It has none until it runs: if this start fails, the next restores a backup again.
        "is_volume_deleted": True,
    }


def known_refs(transaction: Connection, refs: set[str]) -> set[str]:
    """Say which of these were left somewhere, and are looked after."""
    there = set(transaction.execute(select(table.c.id)).scalars())
    return there & refs
