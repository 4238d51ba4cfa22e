"""What happened: one table of events, written in the same transaction as the change itself.

Services and reconcilers append; the audit trail, the event stream, webhooks and metrics read.
Append-only: nothing changes an event, and only `kit.chain` removes those that are too old. The
database itself refuses all else (see the migration), and `kit.chain` finds what was done past it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table

from soundstage.kit import occasion
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import PreparedChange

journal = Table(
    "events",
    metadata,
    # SQLite counts up by itself only in a column of exactly this type.
    Column(
        "sequence",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("at", Moment, nullable=False),
    Column("studio_id", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("actor", String(256), nullable=False),
    Column("owned_by", String(256)),
    Column("operation", String(64)),
    Column("request_id", String(36)),
    Column("source_address", String(64)),
    Column("detail", Document(dict[str, Any]), nullable=False),
    Index("ix_events_studio_id_at", "studio_id", "at", "sequence"),
    Index("ix_events_studio_id_kind_at", "studio_id", "kind", "at", "sequence"),
    Index("ix_events_studio_id_owned_by_at", "studio_id", "owned_by", "at", "sequence"),
    Index("ix_events_subject_at", "subject", "studio_id", "at", "sequence"),
    Index("ix_events_actor_at", "actor", "studio_id", "at", "sequence"),
    sqlite_autoincrement=True,
)

_APPEND = PreparedChange(
    journal.insert().inline(), [column.name for column in journal.c if column.name != "sequence"]
)
_AT_ONCE = 1000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    sequence: int
    """Counts up in the order of the commits: sorted by it, events are sorted by time."""
    at: datetime
    studio_id: str
    """Empty: it concerns the whole installation."""
    kind: str
    """Noun and what became of it, or what it did: `sessions.READY`."""
    subject: str
    """The resource: its kind and its id, as an ARN ends."""
    actor: str
    """The principal that caused it."""
    owned_by: str | None
    """Whose session it is about, if it is about one."""
    operation: str | None
    """The operation of the API that it came from; None: the service did it by itself."""
    request_id: str | None
    source_address: str | None
    detail: dict[str, Any]
    """Of a change of state: `oldState`, `state`, `statusCode`, `statusMessage`. Never a secret."""


def append(
    transaction: Connection,
    *,
    at: datetime,
    kind: str,
    subject: str,
    actor: str,
    studio_id: str = "",
    owned_by: str | None = None,
    detail: dict[str, Any] | None = None,
    source_address: str | None = None,
) -> None:
    """Note that something happened, and on what occasion."""
    asked = occasion.of(transaction)
    told = {name: value for name, value in (detail or {}).items() if value is not None}
    if asked.members:
        told["members"] = list(asked.members)
    _APPEND.run(
        transaction,
        {
            "at": at,
            "studio_id": studio_id,
            "kind": kind,
            "subject": subject,
            "actor": actor,
            "owned_by": owned_by,
            "operation": asked.operation,
            "request_id": asked.request_id,
            "source_address": source_address or asked.source_address,
            "detail": told,
        },
    )
    occasion.note(transaction)


def latest(transaction: Connection) -> int:
    """Give the number of the newest event to be seen: another one after everything that happens."""
    newest = sqlalchemy.select(sqlalchemy.func.max(journal.c.sequence))
    return transaction.execute(newest).scalar() or 0


def newest(
    transaction: Connection, subjects: Collection[str], *, limit: int
) -> list[tuple[str, str, datetime]]:
    """Read the last so many things that happened to any of these, in order: subject, kind, when."""
    columns = journal.c
    statement = (
        sqlalchemy.select(columns.subject, columns.kind, columns.at)
        .where(columns.subject.in_(sorted(subjects)))
        .order_by(columns.sequence.desc())
        .limit(limit)
    )
    return [(subject, kind, at) for subject, kind, at in transaction.execute(statement)][::-1]


def read(
    transaction: Connection,
    *,
    subject: str | None = None,
    after: int = 0,
    limit: int = _AT_ONCE,
) -> list[Entry]:
    """Read up to 1,000 entries in order, after a sequence number."""
    where = [journal.c.sequence > after]
    if subject is not None:
        where.append(journal.c.subject == subject)
    order = [journal.c.sequence]
    return find(transaction, *where, order=order, limit=limit)


def find(
    transaction: Connection,
    *where: sqlalchemy.ColumnElement[bool],
    order: list[Any],
    limit: int,
) -> list[Entry]:
    """Read the events that fit, in some order."""
    statement = journal.select().where(*where).order_by(*order).limit(limit)
    return [entry_of(row) for row in transaction.execute(statement)]


def entry_of(row: Any) -> Entry:
    """Read a row of the whole table."""
    return msgspec.convert(dict(zip(Entry.__struct_fields__, row, strict=True)), Entry)


def last(transaction: Connection) -> int:
    """Give the sequence number behind which nothing new will appear any more; 0 when there is none.

    On PostgreSQL numbers are given before the commit, so one that is lower may appear later: there
    this waits for whoever is writing events now. Ask in a transaction of its own.
    """
    if transaction.dialect.name == "postgresql":
        transaction.exec_driver_sql("LOCK TABLE events IN SHARE MODE")
    return latest(transaction)
