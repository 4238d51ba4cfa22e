"""What happened, written in the same transaction as the change itself.

Services and reconcilers append; the audit trail and the event stream read. Append-only: nothing
changes or removes an entry.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, func, select

from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import PreparedChange

journal = Table(
    "journal",
    metadata,
    # SQLite counts up by itself only in a column of exactly this type.
    Column(
        "sequence",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("at", Moment, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(256), nullable=False, index=True),
    Column("actor", String(256), nullable=False),
    Column("detail", Document(dict[str, Any]), nullable=False),
)

_APPEND = PreparedChange(journal.insert().inline(), ["at", "kind", "subject", "actor", "detail"])


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    sequence: int
    at: datetime
    kind: str
    """Noun and what it did: `streaming-session.READY`."""
    subject: str
    """The resource: its kind and its id, as an ARN ends."""
    actor: str
    """The principal that caused it."""
    detail: dict[str, Any]


def append(
    transaction: Connection,
    *,
    at: datetime,
    kind: str,
    subject: str,
    actor: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Note that something happened."""
    entry = {"at": at, "kind": kind, "subject": subject, "actor": actor, "detail": detail or {}}
    _APPEND.run(transaction, entry)


def last(transaction: Connection) -> int:
    """Give the number of the last entry: another one after everything that happens."""
    return transaction.execute(select(func.max(journal.c.sequence))).scalar() or 0


def newest(
    transaction: Connection, subjects: Collection[str], *, limit: int
) -> list[tuple[str, str, datetime]]:
    """Read the last so many things that happened to any of these, in order: subject, kind, when."""
    columns = journal.c
    statement = (
        select(columns.subject, columns.kind, columns.at)
        .where(columns.subject.in_(sorted(subjects)))
        .order_by(columns.sequence.desc())
        .limit(limit)
    )
    return [(subject, kind, at) for subject, kind, at in transaction.execute(statement)][::-1]


def read(transaction: Connection, *, subject: str | None = None, after: int = 0) -> list[Entry]:
    """Read up to 1,000 entries in order, after a sequence number."""
    statement = journal.select().where(journal.c.sequence > after)
    if subject is not None:
        statement = statement.where(journal.c.subject == subject)
    rows = transaction.execute(statement.order_by(journal.c.sequence).limit(1000))
    fields = Entry.__struct_fields__
    return [msgspec.convert(dict(zip(fields, row, strict=True)), Entry) for row in rows]
