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
    soon = now + max(timedelta(milliseconds=100), (now - backup.state_since) / 20)
    is_late = now - backup.state_since > MACHINE.limits.get(backup.state, timedelta.max)
    match backup.state:
        case _S.CREATE_IN_PROGRESS if observed.phase is BackupPhase.COMPLETE:
            return Step(
                event="kept",
                message="The backup is complete.",
                size_bytes=observed.size_bytes,
                again_at=backup.purge_at,
            )
        case _S.CREATE_IN_PROGRESS if observed.phase is BackupPhase.FAILED:
            return Step(event="failed", message=observed.detail or "The copy failed.")
        case _S.CREATE_IN_PROGRESS if is_late:
            return Step(event="failed", message="The copy took too long and was given up.")
        case _S.CREATE_IN_PROGRESS:
            return Step(act=Act.COPY, message=observed.detail, again_at=soon)
        case _S.DELETE_IN_PROGRESS if observed.phase is BackupPhase.ABSENT:
            return Step(
                event="gone", message="The backup was removed.", again_at=now + READABLE_FOR
            )
        case _S.DELETE_IN_PROGRESS if is_late:
            return Step(event="failed", message=observed.detail or "It could not be removed.")
        case _S.DELETE_IN_PROGRESS:
            return Step(act=Act.REMOVE, again_at=soon)
        case _S.DELETED if now - backup.state_since >= READABLE_FOR:
            return Step(event="purge")
        case _S.DELETED:
            return Step(again_at=backup.state_since + READABLE_FOR)
        case _ if backup.purge_at is not None and now >= backup.purge_at:
            return Step(event="delete", message="Its session is gone.", again_at=now)
        case _:
            return Step(again_at=backup.purge_at)
