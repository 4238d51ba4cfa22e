"""What a worker is: load, decide and act, apply.

Each noun's `reconcile.py` is one; `reconciler.loop` claims its rows and calls `converge` in a
thread. The database is closed while a worker acts on the outside world, and what it decided is
written only if the row is still held and unchanged.
"""

from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from sqlalchemy import Connection, Table

from soundstage.kit import lease
from soundstage.kit.clock import Clock
from soundstage.kit.database import Database

Loaded = TypeVar("Loaded")
Outcome = TypeVar("Outcome")


class Worker(Protocol, Generic[Loaded, Outcome]):
    """Makes the wishes stored in one table true. Every step may be repeated."""

    name: str
    """The noun, as hints name it."""
    table: Table

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read what is needed to decide; None when there is nothing to do."""
        ...

    def act(self, loaded: Loaded, now: datetime) -> Outcome:
        """Look outside, decide, and do the next thing there. No transaction is open."""
        ...

    def due_at(self, outcome: Outcome) -> datetime | None:
        """Say when to look at the row again; None: not before somebody changes it."""
        ...

    def is_decision(self, outcome: Outcome) -> bool:
        """Reports whether `apply` writes what the next act may build on: that must be on the disk
        first. All else is found anew by the next look.
        """
        ...

    def apply(
        self, transaction: Connection, loaded: Loaded, outcome: Outcome, now: datetime
    ) -> None:
        """Write what was decided. Called only when the row is unchanged since it was loaded."""
        ...

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Make the rows due that the change of `changed` concerns."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A worker that also looks after rows that are not due, as often and as cheaply as it can:
    without their leases and without a word to the database while all is well.
    """

    watch_every: timedelta

    def watched(self, transaction: Connection) -> list[Any]:
        """Read what to look at."""
        ...

    def has_changed(self, watched: Any) -> str | None:
        """Look outside; the id of the row that must be taken in hand, if any. Changes nothing."""
        ...


def converge(
    database: Database, worker: Worker[Loaded, Outcome], held: lease.Lease, clock: Clock
) -> bool:
    """Take one row one step on; reports whether what was decided could be written."""
    with database.transaction(write=False) as transaction:
        loaded = worker.load(transaction, held.id, clock())
    if loaded is None:
        with database.transaction(note=True) as transaction:
            return lease.release(transaction, worker.table, held, due_at=None)
    outcome = worker.act(loaded, clock())
    with database.transaction(note=not worker.is_decision(outcome)) as transaction:
        if not lease.release(transaction, worker.table, held, due_at=worker.due_at(outcome)):
            return False
        worker.apply(transaction, loaded, outcome, clock())
        return True
