"""What keeps a session going: people who work in it, and more time for it.

Called by the operations, and by streams, which hear from the gateway.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from soundstage.kit import lease
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.request import Request
from soundstage.resources.sessions import service, store
from soundstage.resources.sessions.countdown import ActionKind, duration, moment, planned
from soundstage.resources.sessions.model import Activity, StreamingSession
from soundstage.wire.faults import ConflictError


def note_input(transaction: Connection, session_ids: set[str], now: datetime) -> None:
    """Note that somebody uses the pointer or the keys in these sessions."""
    store.note_input(transaction, session_ids, now)


def extend(
    request: Request, studio_id: str, session_id: str, minutes: int | None
) -> StreamingSession:
    """Put the end of a READY session off, by so many minutes or as far as may be.

    It never ends later than a session would that became READY now, and never earlier than before.
    """
    transaction, now = request.transaction, request.now
    session = service.get(request, studio_id, session_id)
    coming = planned(session)
    if session.state is not StreamingSessionState.READY or coming is None:
        raise ConflictError.of_state(service.KIND, session.id, session.state, to="extend it")
    latest = now + coming.allowed
    wished = latest if minutes is None else coming.at + timedelta(minutes=minutes)
    end = max(coming.at, min(wished, latest))
    store.sessions.update(
        transaction,
        session.id,
        {
            "stop_at" if coming.action is ActionKind.STOP else "terminate_at": end,
            "active_at": now,
            "active_by": Activity.EXTENSION,
            "updated_at": now,
            "updated_by": request.caller.principal_id,
            **lease.touch(store.table, now),
        },
    )
    message = f"It ends at {moment(end)}, {duration(end - coming.at)} later than before."
    service.note(
        transaction,
        session,
        "EXTENDED",
        actor=request.caller.principal_id,
        now=now,
        message=message,
    )
    return service.get(request, studio_id, session_id)
