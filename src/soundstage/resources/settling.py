"""The worker of a noun that is only made, changed and deleted: look at it once, and settle it.

Studios, components, images and launch profiles pass their `settle` function, which says what became
of a resource that is in progress; their services call `begin` to put one in progress. What it needs
is in the database, so nothing acts outside. What is over stays readable for a day, then it goes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection

from soundstage.kit import hints, journal, lease
from soundstage.kit.machine import READABLE_FOR, Machine
from soundstage.kit.records import Records
from soundstage.resources.request import SERVICE_PRINCIPAL, Request
from soundstage.wire.arn import ArnKind
from soundstage.wire.faults import ConflictError

_PURGE_AGAIN_AFTER = timedelta(hours=1)
"""When to try again to purge a row that others still refer to."""
_OVER = frozenset({"DELETED", "CREATE_FAILED"})

Settle = Callable[[Connection, Any, datetime], None]
"""Called with a record in progress; writes what became of it."""


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """A reason of a noun above why a resource can't be deleted now; `reconcilers` makes them."""

    status_code: StrEnum
    what: str
    """What is in the way, in the plural."""
    is_there: Callable[[Connection, str], bool]
    """Asked with the id of what is to be deleted."""


def require(machine: Machine[Any], record: Any, event: str) -> None:
    """Raise ConflictError when the record's state does not allow the event."""
    if not machine.allows(record.state, event):
        raise ConflictError.of_state(
            machine.name,
            record.id,
            record.state,
            to=f"{event} it",
            possible=machine.sources(event),
        )


def note_made(request: Request, records: Records[Any], record: Any, kind: ArnKind) -> None:
    """Note that a resource was made, and wake its worker."""
    _note(
        request.transaction,
        records,
        record,
        kind=kind,
        state=record.state,
        status_code=record.status_code,
        status_message=record.status_message,
        now=request.now,
        actor=request.caller.principal_id,
        old_state=None,
    )
    hints.hint(request.transaction, records.table.name, record.id)


def begin(
    request: Request,
    records: Records[Any],
    machine: Machine[Any],
    record: Any,
    event: str,
    *,
    status_code: StrEnum,
    status_message: str,
    kind: ArnKind,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Enter the state in progress that the event leads to. Raises ConflictError."""
    require(machine, record, event)
    state = machine.target(record.state, event)
    columns = records.table.c
    by = {"updated_by": request.caller.principal_id} if "updated_by" in columns else {}
    records.update(
        request.transaction,
        record.id,
        {
            "state": state,
            "status_code": status_code,
            "status_message": status_message,
            "updated_at": request.now,
            **by,
            **lease.touch(records.table, request.now),
            **(changes or {}),
        },
    )
    _note(
        request.transaction,
        records,
        record,
        kind=kind,
        state=state,
        status_code=status_code,
        status_message=status_message,
        now=request.now,
        actor=request.caller.principal_id,
        old_state=record.state,
    )
    hints.hint(request.transaction, records.table.name, record.id)


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
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write the state that a resource came to, and note it in the journal."""
    purge = {"due_at": now + READABLE_FOR} if state in _OVER else {}
    records.update(
        transaction,
        record.id,
        {
            "state": state,
            "status_code": status_code,
            "status_message": status_message,
            "updated_at": now,
            **purge,
            **(changes or {}),
        },
    )
    _note(
        transaction,
        records,
        record,
        kind=kind,
        state=state,
        status_code=status_code,
        status_message=status_message,
        now=now,
        actor=SERVICE_PRINCIPAL,
        old_state=record.state,
    )


def _note(
    transaction: Connection,
    records: Records[Any],
    record: Any,
    *,
    kind: ArnKind,
    state: str,
    status_code: str,
    status_message: str,
    now: datetime,
    actor: str,
    old_state: str | None,
) -> None:
    # A studio is its own.
    studio_id = record.id if kind is ArnKind.STUDIO else record.studio_id
    journal.append(
        transaction,
        at=now,
        kind=f"{records.table.name}.{state}",
        subject=f"{kind}/{record.id}",
        actor=actor,
        studio_id=studio_id,
        detail={
            "oldState": old_state,
            "state": state,
            "statusCode": status_code,
            "statusMessage": status_message,
        },
    )


def given_members(change: msgspec.Struct) -> dict[str, Any]:
    """Take from a change what it asks for."""
    asked = {name: getattr(change, name) for name in change.__struct_fields__}
    return {name: value for name, value in asked.items() if value is not None}


def count_living(transaction: Connection, records: Records[Any], studio_id: str) -> int:
    """Count what a studio has of a noun that is not over."""
    columns = records.table.c
    is_living = columns.state.not_in(sorted(_OVER))
    return records.count(transaction, columns.studio_id == studio_id, is_living)


def first_blocker(
    transaction: Connection, record_id: str, blockers: Sequence[Blocker]
) -> Blocker | None:
    """Find what is in the way of a deletion."""
    return next((each for each in blockers if each.is_there(transaction, record_id)), None)


class SettlingWorker:
    """A worker whose whole work is one write, and later the removal of what is over."""

    def __init__(self, name: str, records: Records[Any], settle: Settle) -> None:
        self.name = name
        self.table = records.table
        self._records = records
        self._settle = settle

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Any:
        """Read the resource if it is in progress or over."""
        del now
        record = self._records.get(transaction, row_id)
        if record is None:
            return None
        return record if _is_in_progress(record) or record.state in _OVER else None

    def act(self, loaded: Any, now: datetime) -> datetime | None:
        """Nothing outside takes part; say when what is over may go, if that is later."""
        purge_at: datetime = loaded.updated_at + READABLE_FOR
        return purge_at if loaded.state in _OVER and purge_at > now else None

    def due_at(self, outcome: datetime | None) -> datetime | None:
        """A settled resource is due again when somebody changes it, or when it goes."""
        return outcome

    def is_decision(self, outcome: datetime | None) -> bool:
        """There is nothing but decisions."""
        del outcome
        return True

    def apply(
        self, transaction: Connection, loaded: Any, outcome: datetime | None, now: datetime
    ) -> None:
        """Settle it, or purge it unless something still refers to it."""
        if _is_in_progress(loaded):
            self._settle(transaction, loaded, now)
        elif outcome is None and not self._records.delete_unreferred(transaction, loaded.id):
            self._records.update(transaction, loaded.id, {"due_at": now + _PURGE_AGAIN_AFTER})

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed resource now."""
        lease.wake_row(transaction, self.table, changed, now)


def _is_in_progress(record: Any) -> bool:
    return bool(record.state.endswith("_IN_PROGRESS"))
