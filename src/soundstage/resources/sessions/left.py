"""The table of workstations that sessions left on hosts that were lost.

`moving` writes a row when a session is brought up elsewhere, and `fencing` works it off.
"""

from sqlalchemy import Column, Connection, String, Table, select

from soundstage.kit import lease
from soundstage.kit.database import Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources.sessions.model import LeftWorkstation

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


def known_refs(transaction: Connection, refs: set[str]) -> set[str]:
    """Say which of these were left somewhere, and are looked after."""
    there = set(transaction.execute(select(table.c.id)).scalars())
    return there & refs
