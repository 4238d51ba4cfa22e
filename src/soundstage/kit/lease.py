"""Claiming rows that are due, so that one worker at a time acts on each.

`reconciler.loop` claims and renews, `kit.convergence` applies. A row is due when `due_at` has come
and free when nobody holds it or its holder's time ran out. Whoever writes without the row's token
changes nothing.

A service that changes a row while a worker acts on it raises `revision` (see `touch`): the worker's
late decision then changes nothing either, and the row is looked at again at once.
"""

import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import Column, Connection, Index, Integer, String, Table, and_, bindparam, or_
from sqlalchemy.schema import SchemaItem

from soundstage.kit.database import Moment
from soundstage.kit.prepared import Prepared, PreparedChange


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to act on one row until a moment."""

    id: str
    token: str
    revision: int


def columns() -> list[SchemaItem]:
    """Make what a table needs for its rows to be claimed: columns, and the index of held rows."""
    is_held = sqlalchemy.text("lease_until IS NOT NULL")
    return [
        Column("due_at", Moment, index=True),
        Column("lease_token", String(32)),
        Column("lease_until", Moment),
        Column("revision", Integer, nullable=False, server_default="0"),
        # Only of the few that are held: an index of all would have SQLite look for free rows in it,
        # which are nearly all, and sort them.
        Index(None, "lease_until", sqlite_where=is_held, postgresql_where=is_held),
    ]


def touch(table: Table, due_at: datetime) -> dict[str, Any]:
    """Make the changes that a service adds to its own: look at this row anew, from `due_at` on."""
    return {"due_at": due_at, "revision": _one_more(table)}


@lru_cache
def _one_more(table: Table) -> sqlalchemy.ColumnElement[int]:
    """Always the same for a table, so that statements with it are made once."""
    return table.c.revision + 1


def claim(
    transaction: Connection, table: Table, *, now: datetime, until: datetime, limit: int
) -> list[Lease]:
    """Take up to `limit` due and free rows.

    The outer WHERE repeats every condition of the inner one: on PostgreSQL a row can change
    between the two, and without the repetition rows were claimed twice. SKIP LOCKED, the one
    difference between the databases, saves the wait for rows that another worker is claiming.
    """
    if limit <= 0:
        return []
    token = secrets.token_hex(16)
    given = {
        "claimed_at": now,
        # Nobody holds a row for so long: the clock was set back over a dead one's lease.
        "no_lease_after": now + 10 * LEASE_FOR,
        "new_token": token,
        "new_until": until,
        "at_most": limit,
    }
    skips = transaction.dialect.name == "postgresql"
    rows = _claiming(table, skips_locked=skips).returned(transaction, given)
    return [Lease(id=row_id, token=token, revision=revision) for row_id, revision in rows]


@lru_cache
def _claiming(table: Table, *, skips_locked: bool) -> PreparedChange:
    moment = table.c.due_at.type
    now = bindparam("claimed_at", type_=moment)
    is_free = or_(
        table.c.lease_until.is_(None),
        table.c.lease_until <= now,
        table.c.lease_until > bindparam("no_lease_after", type_=moment),
    )
    is_claimable = and_(table.c.due_at <= now, is_free)
    due = sqlalchemy.select(table.c.id).where(is_claimable).order_by(table.c.due_at)
    due = due.limit(bindparam("at_most", type_=Integer()))
    if skips_locked:
        due = due.with_for_update(skip_locked=True)
    claiming = (
        table.update()
        .where(table.c.id.in_(due.scalar_subquery()), is_claimable)
        .values(lease_token=bindparam("new_token"), lease_until=bindparam("new_until"))
        .returning(table.c.id, table.c.revision)
    )
    return PreparedChange(claiming)


def next_due_at(transaction: Connection, *tables: Table) -> list[datetime | None]:
    """Say when each table's next row can be claimed: when a free one is due, or a lease runs out.

    It is asked all the time and of all tables, hence in one statement.
    """
    found = _next_due_at(tables).first(transaction)
    assert found is not None  # noqa: S101 - it has no FROM, so it gives one row
    frees, helds = found[::2], found[1::2]
    return [
        min((moment for moment in pair if moment is not None), default=None)
        for pair in zip(frees, helds, strict=True)
    ]


def next_due(*tables: Table) -> sqlalchemy.Select[Any]:
    """Make the statement of `next_due_at`: for each table the first free row's, the first end."""
    moments = []
    for table in tables:
        free = (
            sqlalchemy.select(table.c.due_at)
            .where(table.c.due_at.is_not(None), table.c.lease_until.is_(None))
            .order_by(table.c.due_at)
            .limit(1)
        )
        held = sqlalchemy.select(sqlalchemy.func.min(table.c.lease_until)).where(
            table.c.lease_until.is_not(None)
        )
        moments += [free.scalar_subquery(), held.scalar_subquery()]
    return sqlalchemy.select(*moments)


@lru_cache
def _next_due_at(tables: tuple[Table, ...]) -> Prepared:
    return Prepared(next_due(*tables))


def renew(transaction: Connection, table: Table, lease: Lease, until: datetime) -> bool:
    """Hold on for longer; reports whether the lease was still ours."""
    return (
        transaction.execute(
            table.update().where(_held(table, lease)).values(lease_until=until)
        ).rowcount
        == 1
    )


def release(
    transaction: Connection, table: Table, lease: Lease, *, due_at: datetime | None
) -> bool:
    """Give the row back, to be looked at again at `due_at` (None: not before it is touched).

    Reports whether the lease was ours and the row unchanged: only then may the caller write what
    it decided. A row changed meanwhile is given back as it is, due at the moment its changer set.
    """
    given = {
        "row_id": lease.id,
        "token": lease.token,
        "was_revision": lease.revision,
        "looked_at_again": due_at,
    }
    if _releasing(table).run(transaction, given) == 1:
        return True
    transaction.execute(
        table.update().where(_held(table, lease)).values(lease_token=None, lease_until=None)
    )
    return False


@lru_cache
def _releasing(table: Table) -> PreparedChange:
    columns = table.c
    is_ours = and_(
        columns.id == bindparam("row_id"),
        columns.lease_token == bindparam("token"),
        columns.revision == bindparam("was_revision"),
    )
    given_back: dict[str, Any] = {
        "lease_token": None,
        "lease_until": None,
        "due_at": bindparam("looked_at_again"),
    }
    return PreparedChange(table.update().where(is_ours).values(given_back))


def forget(transaction: Connection, table: Table) -> None:
    """Drop every lease; only for a service that knows it is alone, when it starts.

    Without it the rows that a killed service held would wait until their leases run out.
    """
    transaction.execute(
        table.update()
        .where(table.c.lease_token.is_not(None))
        .values(lease_token=None, lease_until=None)
    )


def look_again(transaction: Connection, table: Table, now: datetime) -> None:
    """Make due now whatever is due later; for when the clock was set back, and its moments with it
    mean nothing any more. Each is looked at once, and put off anew.
    """
    transaction.execute(table.update().where(table.c.due_at > now).values(due_at=now))


def wake(
    transaction: Connection, table: Table, now: datetime, *where: sqlalchemy.ColumnElement[bool]
) -> None:
    """Make rows due now that would be due later.

    One that is held is touched: its holder may have looked before what it is woken for happened,
    and would put it off again.
    """
    transaction.execute(waking(table, *where), {"waking_at": now})


def wake_row(transaction: Connection, table: Table, row_id: str, now: datetime) -> None:
    """Wake one row; what nearly every change of a row does."""
    _waking_row(table).run(transaction, {"waking_at": now, "row_id": row_id})


def waking(table: Table, *where: sqlalchemy.ColumnElement[bool]) -> sqlalchemy.Update:
    """Make the statement of `wake`, for who runs it often; `waking_at` is its parameter."""
    now = bindparam("waking_at", type_=table.c.due_at.type)
    is_later = or_(table.c.due_at.is_(None), table.c.due_at > now)
    is_held = table.c.lease_token.is_not(None)
    changes = {"due_at": now, "revision": table.c.revision + 1}
    return table.update().where(*where, or_(is_later, is_held)).values(changes)


@lru_cache
def _waking_row(table: Table) -> PreparedChange:
    return PreparedChange(waking(table, table.c.id == bindparam("row_id")))


LEASE_FOR = timedelta(seconds=30)
"""How long a claim lasts; the loop renews it at a third of this."""


def _held(table: Table, lease: Lease) -> sqlalchemy.ColumnElement[bool]:
    return and_(table.c.id == lease.id, table.c.lease_token == lease.token)
