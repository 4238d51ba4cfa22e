"""Says what phase a workstation is in, from all that is known of it; no I/O.

Called by `engine.py` with what it read. The rules in order: what is being removed is STOPPING; what
runs is judged by its keeper's last word; what does not by the last word that was kept, if that was
about the attempt asked for last; what was never handed over is still on its way.
"""

from datetime import UTC, datetime

import msgspec

from soundstage.engines.incus.records import Workstation
from soundstage.engines.interface import Address, Mark, Observed, Phase, Reason, Stage
from soundstage.engines.keeping import KeptMark


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one workstation at one moment."""

    workstation: Workstation | None
    home: int | None = None
    """The generation that is there where no instance is."""
    address: Address | None = None
    """Where its desktop answered just now; None when it did not."""
    noted: list[KeptMark] = []
    """What its start came to that is not kept yet."""


def judge(known: Known) -> Observed:
    workstation = known.workstation
    if workstation is None:
        phase = Phase.ABSENT if known.home is None else Phase.STOPPED
        return Observed(phase=phase, volume_generation=known.home)
    phase, detail = _phase(known, workstation)
    return Observed(
        phase=phase,
        detail=detail,
        address=known.address if phase is Phase.RUNNING else None,
        attempt=workstation.attempt,
        volume_generation=workstation.generation,
        since=datetime.fromtimestamp(_since(workstation), UTC),
        marks=_marks(workstation, known.noted),
        reason=_reason(workstation, phase),
    )


def _marks(workstation: Workstation, noted: list[KeptMark]) -> list[Mark]:
    """The instance comes first, from the moment at which it was asked for."""
    asked = KeptMark(stage=Stage.MACHINE, at=workstation.record.asked_at)
    status = workstation.own_status
    said = [] if status is None else status.marks
    # What is on its way knows more than what is kept of it.
    return [each.mark() for each in (asked, *(noted or workstation.own_marks), *said)]


def _since(workstation: Workstation) -> float:
    if workstation.own_failure is not None:
        return workstation.own_failure.at
    status = workstation.own_status
    return workstation.record.asked_at if status is None else status.since


def _reason(workstation: Workstation, phase: Phase) -> Reason:
    if phase is not Phase.FAILED:
        return Reason.INTERNAL
    if workstation.own_failure is not None:
        return workstation.own_failure.reason
    status = workstation.own_status
    return Reason.INTERNAL if status is None else status.reason


def _phase(known: Known, workstation: Workstation) -> tuple[Phase, str]:
    if workstation.record.wanted == "absent":
        return Phase.STOPPING, "removing the workstation"
    if workstation.is_running:
        return _of_the_running(known, workstation)
    status, wanted = workstation.own_status, workstation.record.wanted
    if workstation.own_failure is not None:
        return Phase.FAILED, workstation.own_failure.detail
    if wanted == "stopped":
        return Phase.STOPPED, "closed"
    if status is not None and status.ready:
        why = status.detail if status.phase == "ended" else "it was killed, or its host restarted"
        return Phase.STOPPED, f"the desktop ended by itself: {why}"
    if status is not None and status.reason is not Reason.INTERNAL:
        return Phase.FAILED, status.detail
    if status is not None:
        return Phase.FAILED, f"the desktop did not start: {status.detail}"
    if workstation.begun == workstation.attempt:
        return Phase.FAILED, "it was killed, or its host restarted, during the start"
    where = "" if workstation.seat is None else f" {workstation.seat.why}"
    return Phase.STARTING, f"making the instance{where}"


def _of_the_running(known: Known, workstation: Workstation) -> tuple[Phase, str]:
    status = workstation.own_status
    if workstation.record.wanted == "stopped":
        return Phase.STOPPING, "closing the desktop"
    if workstation.own_failure is not None or (status is not None and status.phase == "ended"):
        return Phase.STOPPING, "its last processes are ending"
    if status is None:
        return Phase.STARTING, "starting the instance"
    if status.phase == "prepared" and workstation.record.spec.waits:
        return Phase.PREPARED, status.detail
    if not status.ready or known.address is None:
        return Phase.STARTING, status.detail
    return Phase.RUNNING, status.detail
