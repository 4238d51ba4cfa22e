"""How a session's start goes, step by step: what is stored of it, and what it is told as. No I/O.

The worker notes what the engine marked; the API, the trail of events and, by that, the metrics tell
the steps that are worked out of it here.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from soundstage.engines.interface import Mark, Observed, Phase, Stage
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions.model import Course, StreamingSession
from soundstage.resources.warm_workstations.model import FIRST_ATTEMPT

STARTS = frozenset(
    {StreamingSessionState.CREATE_IN_PROGRESS, StreamingSessionState.START_IN_PROGRESS}
)

UNDONE = STARTS | {StreamingSessionState.CREATE_FAILED, StreamingSessionState.START_FAILED}
"""Of whose start people want to know more at first sight."""


class StartStep(StrEnum):
    """A step of a start."""

    CAPACITY = "CAPACITY"
    """Room is found: from the wish until the engine takes it up."""
    TAKEOVER = "TAKEOVER"
    """A prepared workstation is taken over."""
    TURN = "TURN"
    """It waits until others have started."""
    DISK = "DISK"
    """Its disk is made, or restored from a backup."""
    MACHINE = "MACHINE"
    """The sandbox, or the instance, is made."""
    SHARES = "SHARES"
    """Shared file systems are mounted."""
    SCRIPT = "SCRIPT"
    """An initialization script runs."""
    DESKTOP = "DESKTOP"
    """The desktop comes up."""
    STREAM = "STREAM"
    """Its stream is waited for until it answers."""


class Origin(StrEnum):
    """What a start begins with: starts of one kind have the same steps, and take about as long."""

    IMAGE = "IMAGE"
    """A new disk."""
    VOLUME = "VOLUME"
    """The disk that was kept."""
    BACKUP = "BACKUP"
    """A disk that is made of a backup."""
    WARM_WORKSTATION = "WARM_WORKSTATION"
    """A workstation that was prepared."""


class StepTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a start has taken, or is at."""

    step: StartStep
    began_at: datetime
    seconds: float | None
    """How long it took; None of the one that the start is at."""
    component: str = ""
    """Of a script, whose it is."""
    number: int = 0
    of: int = 0


def noted(session: StreamingSession, observed: Observed) -> Course:
    """Add to what is known of a start what the engine says of it now.

    What was known is kept: the engine, or its memory of this, may be another one by then. Of a
    workstation that was prepared, what was done before somebody asked is no part of the start.
    """
    begun_at = session.state_since
    known = session.course
    marks = list(known.marks) if known is not None and known.begun_at == begun_at else []
    if observed.attempt == session.attempt:
        is_taken_over = _is_taken_over(session)
        for mark in observed.marks:
            if is_taken_over and mark.at < begun_at:
                continue
            if mark not in marks:
                marks.append(mark)
    marks.sort(key=lambda mark: mark.at)
    return Course(begun_at=begun_at, marks=marks)


def ended(course: Course, now: datetime, observed: Observed | None = None) -> Course:
    """Close it: at the moment at which the desktop answered, where the engine knows that."""
    last = max([course.begun_at, *(mark.at for mark in course.marks)])
    is_well = observed is not None and observed.phase is Phase.RUNNING
    answered = observed.since if observed is not None and is_well else None
    return msgspec.structs.replace(course, ended_at=max(last, min(answered or now, now)))


def told(session: StreamingSession) -> list[dict[str, object]]:
    """Write a start's steps for the trail of events."""
    return [
        {
            "step": each.step,
            "seconds": each.seconds,
            **({"componentName": each.component} if each.component else {}),
        }
        for each in taken(session)
        if each.seconds is not None
    ]


def taken(session: StreamingSession) -> list[StepTaken]:
    """Tell a start step by step, in the order in which they were begun.

    A step that was come back to is told once, with all its time.
    """
    course = session.course
    if course is None:
        return []
    first = StartStep.TAKEOVER if _is_taken_over(session) else StartStep.CAPACITY
    begun = StepTaken(step=first, began_at=course.begun_at, seconds=None)
    each_begun = [begun, *map(_of, course.marks)]
    ends: Iterable[datetime | None] = [*(each.began_at for each in each_begun[1:]), course.ended_at]
    steps: dict[tuple[StartStep, int], StepTaken] = {}
    for each, end in zip(each_begun, ends, strict=True):
        key = each.step, each.number
        before = steps.get(key, each)
        took = None if end is None else max(0.0, (end - each.began_at).total_seconds())
        total = None if took is None else round((before.seconds or 0.0) + took, 3)
        steps[key] = msgspec.structs.replace(before, seconds=total)
    return list(steps.values())


def origin(session: StreamingSession) -> Origin:
    """Say what a start that goes on began with."""
    if _is_taken_over(session):
        return Origin.WARM_WORKSTATION
    if session.volume_generation != session.previous_volume_generation:
        return Origin.IMAGE if session.volume_backup_id is None else Origin.BACKUP
    return Origin.IMAGE if session.attempt == FIRST_ATTEMPT else Origin.VOLUME


def _of(mark: Mark) -> StepTaken:
    return StepTaken(
        step=_STEPS[mark.stage],
        began_at=mark.at,
        seconds=None,
        component=mark.component,
        number=mark.number,
        of=mark.of,
    )


def _is_taken_over(session: StreamingSession) -> bool:
    return session.was_prepared and session.attempt == FIRST_ATTEMPT


_STEPS = {stage: StartStep[stage.name] for stage in Stage}
