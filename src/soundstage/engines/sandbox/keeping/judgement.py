"""Says what phase a workstation is in, from all that is known of it; no I/O.

Called by `engine.py` with what it read. The rules in order: what is being removed is STOPPING;
what has a process is judged by it; what has none by the last word of its supervisor, if that was
about the attempt asked for last; else by its volume.
"""

from datetime import UTC, datetime

import msgspec

from soundstage.engines.interface import Address, Mark, Observed, Phase, Reason, Stage
from soundstage.engines.keeping import KeptMark
from soundstage.engines.sandbox.keeping.process import Life
from soundstage.engines.sandbox.keeping.records import Record, Status
from soundstage.engines.sandbox.keeping.volumes import Phase as VolumePhase
from soundstage.engines.sandbox.keeping.volumes import VolumeState


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one workstation at one moment."""

    record: Record | None
    status: Status | None
    life: Life
    volume: VolumeState
    address: Address | None = None
    """Where its desktop answered just now; None when it did not."""

    @property
    def own_status(self) -> Status | None:
        """The supervisor's word, if it is about the attempt asked for last."""
        if self.record is None or self.status is None:
            return None
        return self.status if self.status.attempt == self.record.spec.attempt else None


def judge(known: Known) -> Observed:
    record, status = known.record, known.own_status
    if record is None:
        is_nothing = known.volume.phase is VolumePhase.ABSENT
        phase = Phase.ABSENT if is_nothing else Phase.STOPPED
        return Observed(phase=phase, volume_generation=known.volume.generation)
    phase, detail = _phase(known, record)
    since = status.since if status is not None else record.asked_at
    return Observed(
        phase=phase,
        detail=detail,
        address=known.address if phase is Phase.RUNNING else None,
        attempt=record.spec.attempt,
        volume_generation=known.volume.generation,
        since=datetime.fromtimestamp(since, UTC),
        marks=_marks(record, status),
        reason=_reason(status, phase),
    )


def _marks(record: Record, status: Status | None) -> list[Mark]:
    """The disk comes first, and is done when there is a supervisor to say what comes then."""
    disk = KeptMark(stage=Stage.DISK, at=record.asked_at)
    return [each.mark() for each in (disk, *([] if status is None else status.marks))]


def _reason(status: Status | None, phase: Phase) -> Reason:
    if phase is not Phase.FAILED:
        return Reason.INTERNAL
    # Without a supervisor's word it was the volume.
    return Reason.BACKUP if status is None else status.reason


def _phase(known: Known, record: Record) -> tuple[Phase, str]:
    status = known.own_status
    if record.wanted == "absent":
        return Phase.STOPPING, "removing the workstation"
    if known.life is Life.DYING:
        return Phase.STOPPING, "its last processes are ending"
    if known.life is Life.ALIVE:
        return _of_the_living(known, record)
    if status is not None:
        return _of_the_ended(status, known.life, is_wanted=record.wanted == "running")
    if known.volume.phase is VolumePhase.PREPARING:
        word = Phase.STARTING if record.wanted == "running" else Phase.STOPPING
        return word, known.volume.detail or "preparing the disk"
    if record.wanted == "stopped":
        return Phase.STOPPED, "it was stopped before it ran"
    if known.volume.phase is VolumePhase.FAILED:
        return Phase.FAILED, known.volume.detail
    return Phase.STARTING, "about to start"


def _of_the_living(known: Known, record: Record) -> tuple[Phase, str]:
    status = known.own_status
    if record.wanted == "stopped" or (status is not None and status.phase == "stopping"):
        return Phase.STOPPING, "closing the desktop"
    if status is None:
        return Phase.STARTING, "making the sandbox"
    if status.phase == "ended":
        return Phase.STOPPING, "its last processes are ending"
    if status.phase == "prepared" and record.spec.waits:
        return Phase.PREPARED, status.detail
    if not status.ready or known.address is None:
        return Phase.STARTING, status.detail
    return Phase.RUNNING, status.detail


def _of_the_ended(status: Status, life: Life, *, is_wanted: bool) -> tuple[Phase, str]:
    if life is Life.LOST:
        why = "it was killed, or the machine was restarted"
        if status.ready or status.stopped or not is_wanted:
            return Phase.STOPPED, why
        return Phase.FAILED, f"{why}, during the start"
    if status.stopped or not is_wanted:
        return Phase.STOPPED, "closed"
    if status.ready:
        return Phase.STOPPED, f"the desktop ended by itself: {status.detail}"
    if status.reason is not Reason.INTERNAL:
        return Phase.FAILED, status.detail
    return Phase.FAILED, f"the desktop did not start: {status.detail}"
