"""The table of hosts that are taken out, or are out."""

from sqlalchemy import Column, Connection, Integer, String, Table, select

from soundstage.kit import lease
from soundstage.kit.database import Moment, metadata
from soundstage.kit.prepared import Prepared
from soundstage.kit.records import Records
from soundstage.resources.hosts.model import Evacuation

table = Table(
    "hosts",
    metadata,
    # The host's name.
    Column("id", String(128), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", String(256), nullable=False),
    Column("remaining", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String(256), nullable=False),
    *lease.columns(),
)
evacuations = Records(table, Evacuation)

_NAMES = Prepared(select(table.c.id))


def names(transaction: Connection) -> list[str]:
    """Name all of them."""
    return sorted(name for (name,) in _NAMES.rows(transaction))


def find(transaction: Connection) -> list[Evacuation]:
    """Read all of them."""
    return evacuations.find(transaction)
