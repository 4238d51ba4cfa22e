"""How a backup moves from state to state, and what to do next with one. No I/O."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from soundstage.engines.interface import BackupPhase, ObservedBackup
from soundstage.kit.machine import READABLE_FOR, Machine
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState

_S = StreamingSessionState

MACHINE = Machine(
    "streaming session backup",
    [
        ([_S.CREATE_IN_PROGRESS], "kept", _S.READY),
        ([_S.CREATE_IN_PROGRESS], "failed", _S.CREATE_FAILED),
        ([_S.READY, _S.CREATE_FAILED, _S.DELETE_FAILED], "delete", _S.DELETE_IN_PROGRESS),
        ([_S.DELETE_IN_PROGRESS], "gone", _S.DELETED),
        ([_S.DELETE_IN_PROGRESS], "failed", _S.DELETE_FAILED),
    ],
    {
        # A full disk of the largest size at 50 MB a second.
        _S.CREATE_IN_PROGRESS: timedelta(hours=90),
        _S.DELETE_IN_PROGRESS: timedelta(hours=6),
    },
    initial=_S.CREATE_IN_PROGRESS,
)


TRY_FOR = timedelta(minutes=5)
"""How long a store that does not answer is waited for; the session can't be started meanwhile."""
TRY_AGAIN = timedelta(seconds=15)
REMOVE_AGAIN = timedelta(hours=1)


class Act(StrEnum):
    """What to ask of the engine."""

    NOTHING = "nothing"
    COPY = "copy"
    REMOVE = "remove"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a backup now."""

    act: Act = Act.NOTHING
    event: str | None = None
    """The transition to make; `purge` removes the row."""
    message: str = ""
    size_bytes: int | None = None
    again_at: datetime | None = None


def next_step(backup: StreamingSessionBackup, observed: ObservedBackup, now: datetime) -> Step:
    """Decide from what is stored, what is seen, and what time it is."""
    since = now - backup.state_since
    match backup.state:
        case _S.CREATE_IN_PROGRESS:
            return _make(backup, observed, now)
        case _S.DELETE_IN_PROGRESS:
            return _remove(backup, observed, now)
        case _S.DELETE_FAILED if since >= REMOVE_AGAIN:
            return Step(event="delete", message="It is tried again.", again_at=now)
        case _S.DELETE_FAILED:
            return Step(again_at=backup.state_since + REMOVE_AGAIN)
        case _S.DELETED if since >= READABLE_FOR:
            return Step(event="purge")
        case _S.DELETED:
            return Step(again_at=backup.state_since + READABLE_FOR)
        case _ if backup.purge_at is not None and now >= backup.purge_at:
            return Step(event="delete", message="Its session is gone.", again_at=now)
        case _:
            return Step(again_at=backup.purge_at)


def _make(backup: StreamingSessionBackup, observed: ObservedBackup, now: datetime) -> Step:
    since = now - backup.state_since
    if observed.phase is BackupPhase.COMPLETE:
        return Step(
            event="kept",
            message="The backup is complete.",
            size_bytes=observed.size_bytes,
            again_at=backup.purge_at,
        )
    if observed.phase is BackupPhase.FAILED and observed.may_pass and since < TRY_FOR:
        return Step(act=Act.COPY, message=observed.detail, again_at=now + TRY_AGAIN)
    if observed.phase is BackupPhase.FAILED:
        return Step(event="failed", message=observed.detail or "The copy failed.")
    if since > MACHINE.limits[backup.state]:
        return Step(event="failed", message="The copy took too long and was given up.")
    return Step(act=Act.COPY, message=observed.detail, again_at=_soon(backup, now))


def _remove(backup: StreamingSessionBackup, observed: ObservedBackup, now: datetime) -> Step:
    if observed.phase is BackupPhase.ABSENT:
        return Step(event="gone", message="The backup was removed.", again_at=now + READABLE_FOR)
    if now - backup.state_since > MACHINE.limits[backup.state]:
        return Step(
            event="failed",
            message=observed.detail or "It could not be removed.",
            again_at=now + REMOVE_AGAIN,
        )
    return Step(act=Act.REMOVE, again_at=_soon(backup, now))


def _soon(backup: StreamingSessionBackup, now: datetime) -> datetime:
    return now + max(timedelta(milliseconds=100), (now - backup.state_since) / 20)
