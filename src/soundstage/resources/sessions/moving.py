"""Writes down that a session's host is lost or back, and has sessions brought up elsewhere.

The worker of sessions calls it with what `lifecycle` decided.
"""

from datetime import datetime

from sqlalchemy import Connection

from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import left, service, store
from soundstage.resources.sessions.lifecycle import Step, is_evacuated
from soundstage.resources.sessions.model import StreamingSession

_WHAT = {"lost": "OUT_OF_REACH", "found": "REACHED"}


def source(
    transaction: Connection, session: StreamingSession, of_stop: StreamingSessionBackup | None
) -> StreamingSessionBackup | None:
    """Read the backup that it would be brought up from; None where it is to wait for its host.
    `of_stop` is that of its last stop.
    """
    if is_evacuated(session, of_stop):
        return of_stop
    if not session.lost_host_move_in_minutes:
        return None
    is_restored = session.volume_generation != session.previous_volume_generation
    if session.state is StreamingSessionState.START_IN_PROGRESS and is_restored:
        # Somebody asked for this one.
        asked = backups.look_up(transaction, session.volume_backup_id or "")
        if asked is not None and asked.state is StreamingSessionState.READY:
            return asked
    return backups.newest_ready(transaction, session.id, session.ref)


def note_reach(
    transaction: Connection, session: StreamingSession, step: Step, now: datetime
) -> None:
    """Note that its host does not answer, or does again."""
    is_lost = step.event == "lost"
    changes: dict[str, object] = {"unreachable_since": now if is_lost else None}
    if step.message:
        changes |= {"status_message": step.message, "updated_at": now}
    store.sessions.update(transaction, session.id, changes)
    what = _WHAT[step.event or ""]
    message = step.message or session.status_message
    service.note(transaction, session, what, actor=SERVICE_PRINCIPAL, now=now, message=message)


def begin(
    transaction: Connection,
    session: StreamingSession,
    backup: StreamingSessionBackup,
    step: Step,
    now: datetime,
) -> None:
    """Have it started as a workstation of another name, and the old one looked after: that ends
    as soon as its host answers and, after an evacuation, when the new one runs.
    """
    changes = left.leave(transaction, session, backup, now, is_whole=is_evacuated(session, backup))
    service.move(
        transaction,
        session,
        "move",
        now=now,
        actor=SERVICE_PRINCIPAL,
        code=step.code or StreamingSessionStatusCode.STREAMING_SESSION_START_IN_PROGRESS,
        message=step.message,
        changes={
            **changes,
            "started_by": SERVICE_PRINCIPAL,
            "started_from_backup_id": backup.id,
        },
    )
