"""What can be done with backups; called by their operations, their worker, and by sessions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from soundstage.kit import hints, ids, journal, lease
from soundstage.resources import listing
from soundstage.resources.backups import store
from soundstage.resources.backups.lifecycle import MACHINE
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.request import SERVICE_PRINCIPAL, Request
from soundstage.resources.studios import service as studios
from soundstage.resources.tags.service import Tagged
from soundstage.wire.arn import ArnKind
from soundstage.wire.faults import NotFoundError

TABLE = store.table
"""For leases that nouns above take."""
TAGGED = Tagged(store.backups)
"""For the operations on tags."""
KIND = "streaming session backup"
"""What faults call one."""

_STATUS_CODES = {
    StreamingSessionState.READY: StreamingSessionStatusCode.STREAMING_SESSION_READY,
    StreamingSessionState.DELETED: StreamingSessionStatusCode.STREAMING_SESSION_DELETED,
    StreamingSessionState.DELETE_IN_PROGRESS: (
        StreamingSessionStatusCode.STREAMING_SESSION_DELETE_IN_PROGRESS
    ),
}


def get(request: Request, studio_id: str, backup_id: str) -> StreamingSessionBackup:
    """Read one backup of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    return find(request.transaction, studio_id, backup_id)


def find(transaction: Connection, studio_id: str, backup_id: str) -> StreamingSessionBackup:
    """Read one backup, for nouns above. Raises NotFoundError."""
    backup = store.backups.get(transaction, backup_id)
    if backup is None or backup.studio_id != studio_id:
        raise NotFoundError(KIND, backup_id)
    return backup


def list_page(
    request: Request, studio_id: str, *, owned_by: str | None, next_token: str | None
) -> tuple[list[StreamingSessionBackup], str | None]:
    """List a studio's backups, those of one owner if asked for."""
    studios.find(request.transaction, studio_id)
    return listing.page(
        request,
        store.backups,
        equal={"studio_id": studio_id, **({} if owned_by is None else {"owned_by": owned_by})},
        operation="ListStreamingSessionBackups",
        filters={"studioId": studio_id, "ownedBy": owned_by},
        next_token=next_token,
    )


def of_stop(
    transaction: Connection, session_id: str, stop_number: int
) -> StreamingSessionBackup | None:
    """Read the backup that belongs to one stop of a session."""
    return store.of_stop(transaction, session_id, stop_number)


def newest_ready(
    transaction: Connection, session_id: str, ref: str | None = None
) -> StreamingSessionBackup | None:
    """Read the newest backup that a session can start from: one of the workstation that it has
    now, if `ref` names that and there is one, for what others held is older work.
    """
    ready = store.of_session(transaction, session_id, StreamingSessionState.READY)
    own = [backup for backup in ready if backup.ref == ref]
    return next(reversed(own or ready), None)


def look_up(transaction: Connection, backup_id: str) -> StreamingSessionBackup | None:
    """Read one backup by its id alone, for nouns above."""
    return store.backups.get(transaction, backup_id)


def being_made(transaction: Connection, session_ids: set[str]) -> set[str]:
    """Say of which of these sessions a backup is being made now."""
    return store.being_made(transaction, session_ids)


def is_one_begun(transaction: Connection, session_id: str) -> bool:
    """Reports whether a backup of the session is being made now."""
    return bool(store.of_session(transaction, session_id, StreamingSessionState.CREATE_IN_PROGRESS))


def begin(
    transaction: Connection,
    *,
    studio_id: str,
    session_id: str,
    stop_number: int | None,
    launch_profile_id: str,
    owned_by: str,
    tags: dict[str, str],
    now: datetime,
    keep_newest: int | None = None,
    workstation: str | None = None,
) -> StreamingSessionBackup:
    """Begin the backup of one stop, or one beside; that of a stop which was begun is answered."""
    begun = None if stop_number is None else store.of_stop(transaction, session_id, stop_number)
    if begun is not None:
        return begun
    backup = StreamingSessionBackup(
        id=ids.new_id(),
        studio_id=studio_id,
        session_id=session_id,
        stop_number=stop_number,
        keep_newest=keep_newest,
        launch_profile_id=launch_profile_id,
        owned_by=owned_by,
        tags=tags,
        state=StreamingSessionState.CREATE_IN_PROGRESS,
        state_since=now,
        status_code=StreamingSessionStatusCode.STREAMING_SESSION_CREATE_IN_PROGRESS,
        status_message="The session's disk is being copied.",
        size_bytes=None,
        purge_at=None,
        created_at=now,
        updated_at=now,
        workstation=workstation,
    )
    store.backups.insert(transaction, backup, due_at=now)
    _note(transaction, backup, {"state": backup.state, "statusCode": backup.status_code}, now)
    hints.hint(transaction, "backups", backup.id)
    return backup


def rotate(transaction: Connection, session_id: str, keep: int, now: datetime) -> None:
    """Begin to remove a session's oldest backups beyond the newest `keep`."""
    ready = store.of_session(transaction, session_id, StreamingSessionState.READY)
    for backup in ready[: max(0, len(ready) - keep)]:
        move(
            transaction,
            backup,
            "delete",
            now=now,
            message=f"Rotation keeps the newest {keep} backups of a session.",
            changes=lease.touch(store.table, now),
        )


def keep_until(transaction: Connection, session_id: str, moment: datetime, now: datetime) -> None:
    """Set when the backups of a deleted session go."""
    for backup in store.of_session(transaction, session_id):
        if backup.purge_at is None and backup.state is not StreamingSessionState.DELETED:
            store.backups.update(
                transaction,
                backup.id,
                {"purge_at": moment, **lease.touch(store.table, now)},
            )


def keep_longer(transaction: Connection, moment: datetime, now: datetime) -> None:
    """Let no backup of a deleted session go before a moment."""
    columns = store.table.c
    for backup in store.backups.find(transaction, columns.purge_at < moment):
        store.backups.update(
            transaction, backup.id, {"purge_at": moment, **lease.touch(store.table, now)}
        )


def move(
    transaction: Connection,
    backup: StreamingSessionBackup,
    event: str,
    *,
    now: datetime,
    message: str,
    changes: dict[str, Any] | None = None,
) -> None:
    """Make a transition: the one door through which a backup's state changes."""
    state = MACHINE.target(backup.state, event)
    code = _STATUS_CODES.get(state, StreamingSessionStatusCode.INTERNAL_ERROR)
    store.backups.update(
        transaction,
        backup.id,
        {
            "state": state,
            "state_since": now,
            "status_code": code,
            "status_message": message,
            "updated_at": now,
            **(changes or {}),
        },
    )
    change = {
        "oldState": backup.state,
        "state": state,
        "statusCode": code,
        "statusMessage": message,
        "afterSeconds": round((now - backup.state_since).total_seconds(), 3),
        "sizeInBytes": (changes or {}).get("size_bytes"),
    }
    _note(transaction, backup, change, now)
    hints.hint(transaction, "backups", backup.id)
    hints.hint(transaction, "sessions", backup.session_id)


def _note(
    transaction: Connection, backup: StreamingSessionBackup, change: dict[str, Any], now: datetime
) -> None:
    journal.append(
        transaction,
        at=now,
        kind=f"backups.{change['state']}",
        subject=f"{ArnKind.STREAMING_SESSION_BACKUP}/{backup.id}",
        actor=SERVICE_PRINCIPAL,
        studio_id=backup.studio_id,
        owned_by=backup.owned_by,
        detail={"sessionId": backup.session_id, **change},
    )


def looks_of(transaction: Connection, owners: Iterable[str]) -> dict[str, list[str]]:
    """Give, by owner, what people would see change of their backups."""
    return store.looks_of(transaction, owners)
