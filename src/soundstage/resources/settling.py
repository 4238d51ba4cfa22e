"""The worker of a noun that is only made, changed and deleted: look at it once, and settle it.

Studios, components, images and launch profiles pass their `settle` function, which says what became
of a resource that is in progress. What it needs is in the database, so nothing acts outside.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from soundstage.kit import journal, lease
from soundstage.kit.records import Records
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.wire.arn import ArnKind

Settle = Callable[[Connection, Any, datetime], None]
"""Called with a record in progress; writes what became of it."""


def settle(
    transaction: Connection,
    records: Records[Any],
    record: Any,
    *,
    state: StrEnum,
    status_code: StrEnum,
    status_message: str,
    now: datetime,
    kind: ArnKind,
) -> None:
    """Write the state that a resource came to, and note it in the journal."""
    records.update(
        transaction,
        record.id,
        {
            "state": state,
            "status_code": status_code,
            "status_message": status_message,
            "updated_at": now,
        },
    )
    journal.append(
        transaction,
        at=now,
        kind=f"{records.table.name}.{state}",
        subject=f"{kind}/{record.id}",
        actor=SERVICE_PRINCIPAL,
        detail={"statusCode": status_code},
    )


class SettlingWorker:
    """A worker whose whole work is one write."""

    def __init__(self, name: str, records: Records[Any], settle: Settle) -> None:
        self.name = name
        self.table = records.table
        self._records = records
        self._settle = settle

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Any:
        """Read the resource if it is in progress."""
        del now
        record = self._records.get(transaction, row_id)
        is_passing = record is not None and record.state.endswith("_IN_PROGRESS")
        return record if is_passing else None

    def act(self, loaded: Any, now: datetime) -> None:
        """Nothing outside takes part."""

    def due_at(self, outcome: None) -> datetime | None:
        """A settled resource is due again when somebody changes it."""

    def apply(self, transaction: Connection, loaded: Any, outcome: None, now: datetime) -> None:
        """Settle it."""
        del outcome
        self._settle(transaction, loaded, now)

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed resource now."""
        lease.wake(transaction, self.table, now, self.table.c.id == changed)
