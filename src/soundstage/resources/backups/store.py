"""The table of backups."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    select,
)
from sqlalchemy import UniqueConstraint as Unique

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import Prepared
from soundstage.kit.records import Records, asked_at_once, listed_by
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState

table = Table(
    "backups",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    # No foreign key: backups outlive the row of a deleted session.
    Column("session_id", String(22), nullable=False),
    Column("stop_number", Integer),
    Column("keep_newest", Integer),
    Column("launch_profile_id", String(22), nullable=False),
    Column("owned_by", String(256), nullable=False),
    Column("tags", Document(dict[str, str]), nullable=False),
    Column("state", String(32), nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    Column("size_bytes", BigInteger),
    Column("purge_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("workstation", String(22)),
    *lease.columns(),
    listed_by("studio_id"),
    listed_by("studio_id", "owned_by"),
    Index(None, "owned_by"),
    # A crash between stop and backup can't make two. Those without a number are not compared.
    Unique("session_id", "stop_number"),
)
backups = Records(table, StreamingSessionBackup)


def looks_of(transaction: Connection, owners: Iterable[str]) -> dict[str, list[str]]:
    """Give, by owner, what a person would see change of their backups."""
    columns = table.c
    seen = columns.owned_by, columns.id, columns.state, columns.updated_at
    where = columns.owned_by.in_(list(owners))
    looks: dict[str, list[str]] = {}
    for owner, *rest in transaction.execute(select(*seen).where(where).order_by(columns.id)):
        looks.setdefault(owner, []).append(repr(rest))
    return looks


def of_session(
    transaction: Connection, session_id: str, state: StreamingSessionState | None = None
) -> list[StreamingSessionBackup]:
    """Read a session's backups, oldest first."""
    where = [table.c.session_id == session_id]
    if state is not None:
        where.append(table.c.state == state)
    return backups.find(transaction, *where)


def being_made(transaction: Connection, session_ids: set[str]) -> set[str]:
    """Say of which of these sessions a backup is on its way."""
    is_on_its_way = table.c.state == StreamingSessionState.CREATE_IN_PROGRESS
    found: set[str] = set()
    for some in asked_at_once(session_ids):
        where = table.c.session_id.in_(some), is_on_its_way
        found.update(transaction.execute(select(table.c.session_id).where(*where)).scalars())
    return found


def of_stop(
    transaction: Connection, session_id: str, stop_number: int
) -> StreamingSessionBackup | None:
    """Read the backup of one stop; stops are counted from 1."""
    if not stop_number:
        return None
    found = _OF_STOP.first(transaction, of_session=session_id, of_number=stop_number)
    return None if found is None else backups.get(transaction, found[0])


_OF_STOP = Prepared(
    select(table.c.id).where(
        table.c.session_id == bindparam("of_session"),
        table.c.stop_number == bindparam("of_number"),
    )
)
