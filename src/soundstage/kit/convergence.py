"""What a worker is: load, decide and act, apply.

Each noun's `reconcile.py` is one; `reconciler.loop` claims its rows and takes each one step on: it
loads all of them, has each acted on in a thread, and writes what was decided. No transaction is
open while a worker acts on the outside world, and what it decided is written only if the row is
still held and unchanged.
"""

from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec
from sqlalchemy import Connection, Table

from soundstage.kit import lease
from soundstage.kit.lease import Lease

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


class Step(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One row on its way: held, then loaded, then decided."""

    worker: Worker[Any, Any]
    lease: Lease
    loaded: Any = None
    """None as long as nothing was read, and where there is nothing to do."""
    outcome: Any = None

    @property
    def is_decision(self) -> bool:
        """Reports whether what will be written must be on the disk."""
        return self.loaded is not None and self.worker.is_decision(self.outcome)

    def load(self, transaction: Connection, now: datetime) -> "Step":
        """Read what is needed to decide."""
        loaded = self.worker.load(transaction, self.lease.id, now)
        return msgspec.structs.replace(self, loaded=loaded)

    def act(self, now: datetime) -> "Step":
        """Decide and act outside, if there is something to do."""
        if self.loaded is None:
            return self
        return msgspec.structs.replace(self, outcome=self.worker.act(self.loaded, now))

    def write(self, transaction: Connection, now: datetime) -> bool:
        """Give the row back and write what was decided; reports whether it could be written."""
        table = self.worker.table
        if self.loaded is None:
            return lease.release(transaction, table, self.lease, due_at=None)
        due_at = self.worker.due_at(self.outcome)
        if not lease.release(transaction, table, self.lease, due_at=due_at):
            return False
        self.worker.apply(transaction, self.loaded, self.outcome, now)
        return True
