"""What becomes of a session whose host does not answer, and of what it left on one. No I/O.

`lifecycle` asks about sessions, `fencing` about what was left. The host may be dead, or only cut
off with the desktop at work: nobody here can tell. So a session leaves it only where its launch
profile says so and there is a backup, and what comes back is stopped, kept as a backup, and
removed.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from soundstage.engines.interface import Observed, Phase
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions.model import LeftWorkstation, StreamingSession

_S = StreamingSessionState

MISSED = frozenset({_S.READY, _S.START_IN_PROGRESS})
"""Of one that rests nobody wants to reach anything."""
_AT_REST = frozenset({Phase.STOPPED, Phase.FAILED})
MOVED = (
    "The workstation runs on another host, from its last backup, because its host was lost. What "
    "was done since that backup is kept as another backup when the lost host is back."
)
"""What people are told once it runs again."""
_LOOK_EVERY = timedelta(seconds=1)
_BACKUP_EVERY = timedelta(seconds=2)
_TRY_AGAIN = timedelta(hours=1)


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of a session whose host does not answer."""

    source: StreamingSessionBackup | None = None
    """The backup that it would be brought up from."""
    missed: timedelta = timedelta(0)
    """How long ago the row was to be looked at: after an outage of the service."""


def lost_since(session: StreamingSession, absence: Absence, now: datetime) -> datetime:
    """Say when its host was lost, as far as we know: a service that was away saw nothing."""
    since = session.unreachable_since
    was_away = absence.missed > timedelta(minutes=session.lost_host_move_in_minutes) / 2
    if since is None or since > now or (session.lost_host_move_in_minutes and was_away):
        return now
    return since


def moves_at(session: StreamingSession, absence: Absence, since: datetime) -> datetime | None:
    """Say when it is brought up elsewhere; None: it waits for its host."""
    if not session.lost_host_move_in_minutes or absence.source is None:
        return None
    return since + timedelta(minutes=session.lost_host_move_in_minutes)


def told(session: StreamingSession, absence: Absence, why: str, since: datetime) -> str:
    """Say to people what is wrong and what will be done about it."""
    message = f"Out of reach. {why}"
    coming = moves_at(session, absence, since)
    if coming is not None and absence.source is not None:
        return (
            f"{message} If that is still so at {coming:%Y-%m-%d %H:%M:%S} UTC, it is brought up "
            f"elsewhere from its backup of {absence.source.created_at:%Y-%m-%d %H:%M} UTC."
        )
    if session.lost_host_move_in_minutes:
        return f"{message} There is no backup to bring it up elsewhere from, so it waits."
    return message


def farewell(absence: Absence, why: str, waited: timedelta) -> str:
    """Say to people that it is brought up elsewhere, and what that costs them."""
    made = absence.source.created_at if absence.source else None
    return (
        f"{why} After {waited.total_seconds() / 60:.0f} minutes of waiting it is brought up "
        f"elsewhere from its backup of {made:%Y-%m-%d %H:%M} UTC. What was done since then is kept "
        "as another backup when its host is back."
    )


def has_moved(session: StreamingSession) -> bool:
    """Reports whether its present start was one elsewhere: the service alone asks for those."""
    return session.workstation is not None and session.started_by == SERVICE_PRINCIPAL


class Aftermath(StrEnum):
    """What to do with a workstation that was left on a lost host."""

    STOP = "stop"
    BACK_UP = "back up"
    WAIT = "wait"
    REMOVE = "remove"
    FORGET = "forget"


class After(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and when to look again."""

    what: Aftermath
    again_at: datetime


def after(
    left: LeftWorkstation,
    session: StreamingSession | None,
    backup: StreamingSessionBackup | None,
    observed: Observed,
    now: datetime,
) -> After:
    """Decide about one whose host answers again. `backup` is what was made of it, if it was."""
    if observed.phase is Phase.ABSENT:
        return After(what=Aftermath.FORGET, again_at=now)
    if observed.phase not in _AT_REST:
        return After(what=Aftermath.STOP, again_at=now + _LOOK_EVERY)
    is_gone = session is None or session.state in {_S.DELETE_IN_PROGRESS, _S.DELETED}
    if is_gone or observed.volume_generation is None:
        return After(what=Aftermath.REMOVE, again_at=now + _LOOK_EVERY)
    if left.backup_id is None:
        return After(what=Aftermath.BACK_UP, again_at=now + _BACKUP_EVERY)
    state = _S.DELETED if backup is None else backup.state
    if state is _S.CREATE_IN_PROGRESS:
        return After(what=Aftermath.WAIT, again_at=now + _BACKUP_EVERY)
    if state is _S.CREATE_FAILED and backup is not None:
        # No failure removes a disk.
        if now - backup.state_since >= _TRY_AGAIN:
            return After(what=Aftermath.BACK_UP, again_at=now + _BACKUP_EVERY)
        return After(what=Aftermath.WAIT, again_at=backup.state_since + _TRY_AGAIN)
    if _is_being_made_of(session, left.backup_id):
        # Until that has gone well, this is the one disk that has everything.
        return After(what=Aftermath.WAIT, again_at=now + _BACKUP_EVERY)
    # It is kept, or was and made way for newer ones.
    return After(what=Aftermath.REMOVE, again_at=now + _LOOK_EVERY)


def _is_being_made_of(session: StreamingSession | None, backup_id: str) -> bool:
    is_coming = session is not None and session.state in {_S.START_IN_PROGRESS, _S.START_FAILED}
    return is_coming and session is not None and session.volume_backup_id == backup_id
