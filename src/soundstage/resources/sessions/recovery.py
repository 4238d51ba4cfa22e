"""Makes a database that was kept elsewhere fit for a machine that has none of its workstations.

Called once by `soundstage backups recover`, before any service runs on it. Every state is set as a
stop would have left it: what was in progress on the lost machine has no other end.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import BackupCheck
from soundstage.kit import lease
from soundstage.resources.backups import safekeeping
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.launch_profiles.model import AutomaticTerminationMode
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import service, store
from soundstage.resources.sessions.model import StreamingSession

_S = StreamingSessionState
_C = StreamingSessionStatusCode
_GONE = (_S.DELETED, _S.DELETE_IN_PROGRESS)


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    with_backup: int
    without_backup: list[str]
    """Sessions whose work is lost."""
    adopted: int
    """Backups that were made after the database was kept."""
    missing: int
    """Backups that the database names and the store does not hold."""


def settle(
    transaction: Connection, check: BackupCheck, now: datetime, *, keep_backups_for: timedelta
) -> Recovered:
    """Let every session rest without a disk, and know the backups that there are."""
    sessions = store.sessions.find(transaction)
    patterns = {session.id: _pattern(session, None, now) for session in sessions}
    moved = [session for session in sessions if session.workstation is not None]
    patterns |= {each.ref: _pattern(each, each.workstation, now) for each in moved}
    adopted = safekeeping.adopted(transaction, check, patterns)
    lost = safekeeping.lost(transaction, check)
    for backup in lost:
        backups.move(
            transaction,
            backup,
            "delete",
            now=now,
            message="It was not in the store when the studio was recovered.",
            changes=lease.touch(backups.TABLE, now),
        )
    # Nobody could begin anything with them while the machine was gone.
    backups.keep_longer(transaction, now + keep_backups_for, now)
    without = []
    living = [session for session in sessions if session.state not in _GONE]
    for session in living:
        newest = backups.newest_ready(transaction, session.id, session.ref)
        _lay_down(transaction, session, newest, now)
        if newest is None:
            without.append(session.id)
    return Recovered(
        with_backup=len(living) - len(without),
        without_backup=without,
        adopted=len(adopted),
        missing=len(lost),
    )


def _lay_down(
    transaction: Connection,
    session: StreamingSession,
    newest: StreamingSessionBackup | None,
    now: datetime,
) -> None:
    if newest is None:
        message = (
            "Its disk was lost with the machine, and there is no backup of it: its next start "
            "begins with an empty disk."
        )
    else:
        made = f"{newest.created_at:%Y-%m-%d %H:%M} UTC"
        message = (
            f"Its disk was lost with the machine. The next start restores the backup of {made}."
        )
    # Without a backup a start makes an empty disk, not one of a backup that is gone as well.
    anew = {"volume_generation": 0, "volume_backup_id": None, "volume_backup_of": None}
    ends = session.automatic_termination_mode is AutomaticTerminationMode.ACTIVATED
    rest = timedelta(minutes=session.max_stopped_session_length_in_minutes)
    may_rest = session.may_be_stopped
    store.sessions.update(
        transaction,
        session.id,
        {
            "state": _S.STOPPED if may_rest else _S.STOP_FAILED,
            "state_since": now,
            "status_code": _C.STREAMING_SESSION_STOPPED if may_rest else _C.INTERNAL_ERROR,
            "status_message": message,
            "is_volume_deleted": True,
            "running_attempt": None,
            "stop_at": None,
            "terminate_at": now + rest if ends and may_rest else None,
            "updated_at": now,
            "updated_by": SERVICE_PRINCIPAL,
            **(anew if newest is None else {}),
            **lease.touch(store.table, now),
        },
    )
    service.note(
        transaction, session, "RECOVERED", actor=SERVICE_PRINCIPAL, now=now, message=message
    )


def _pattern(
    session: StreamingSession, workstation: str | None, now: datetime
) -> StreamingSessionBackup:
    """What a backup of this session is, apart from its id and size."""
    return StreamingSessionBackup(
        id="",
        studio_id=session.studio_id,
        session_id=session.id,
        stop_number=None,
        launch_profile_id=session.launch_profile_id,
        owned_by=session.owned_by,
        tags=session.tags,
        state=_S.READY,
        state_since=now,
        status_code=_C.STREAMING_SESSION_READY,
        status_message="It was found when the studio was recovered.",
        size_bytes=None,
        purge_at=None,
        created_at=now,
        updated_at=now,
        workstation=workstation,
    )
