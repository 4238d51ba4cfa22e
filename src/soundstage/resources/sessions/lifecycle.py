"""How a session moves from state to state, and what to do next with one. No I/O.

`next_step` is a pure function of what is stored, what the engine sees, and the time; the worker in
`reconcile` carries its answer out. Services ask `MACHINE` whether an operation is possible.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from soundstage.engines.interface import Observed, Phase, Reason
from soundstage.kit.machine import READABLE_FOR, Machine
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.launch_profiles.model import AutomaticTerminationMode
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions.model import StreamingSession, VolumeRetentionMode

_S = StreamingSessionState
_C = StreamingSessionStatusCode
_FAILED = [_S.CREATE_FAILED, _S.START_FAILED, _S.STOP_FAILED, _S.DELETE_FAILED]

MACHINE = Machine(
    "streaming session",
    [
        ([_S.CREATE_IN_PROGRESS, _S.START_IN_PROGRESS], "ran", _S.READY),
        ([_S.CREATE_IN_PROGRESS], "failed", _S.CREATE_FAILED),
        ([_S.READY, _S.STOP_FAILED], "stop", _S.STOP_IN_PROGRESS),
        ([_S.STOP_IN_PROGRESS], "rested", _S.STOPPED),
        ([_S.STOP_IN_PROGRESS], "failed", _S.STOP_FAILED),
        ([_S.STOPPED, _S.START_FAILED], "start", _S.START_IN_PROGRESS),
        ([_S.START_IN_PROGRESS], "failed", _S.START_FAILED),
        # It kept dying; nothing of its disk is lost.
        ([_S.READY], "collapsed", _S.STOPPED),
        ([_S.READY], "collapsed for good", _S.STOP_FAILED),
        (
            [_S.READY, _S.STOPPED, *_FAILED, _S.CREATE_IN_PROGRESS],
            "delete",
            _S.DELETE_IN_PROGRESS,
        ),
        ([_S.DELETE_IN_PROGRESS], "gone", _S.DELETED),
        ([_S.DELETE_IN_PROGRESS], "failed", _S.DELETE_FAILED),
    ],
    {
        _S.CREATE_IN_PROGRESS: timedelta(minutes=10),
        # A start may restore a large disk first.
        _S.START_IN_PROGRESS: timedelta(hours=12),
        # Counted until the machine is down; its backup has a limit of its own.
        _S.STOP_IN_PROGRESS: timedelta(minutes=2),
        _S.DELETE_IN_PROGRESS: timedelta(minutes=10),
    },
    initial=_S.CREATE_IN_PROGRESS,
)

HEALTH_EVERY = timedelta(seconds=3)
"""How often a READY workstation is looked at."""
HEAL_LIMIT = timedelta(minutes=2)
"""How long one heal may take."""
HEALS_WITHIN = timedelta(minutes=10)
MOST_HEALS = 3
"""This many heals within that time, and the session is given up."""

_REASONS = {
    Reason.INTERNAL: _C.INTERNAL_ERROR,
    Reason.CAPACITY: _C.INSUFFICIENT_CAPACITY,
    Reason.IMAGE: _C.AMI_VALIDATION_ERROR,
    Reason.BACKUP: _C.INTERNAL_ERROR,
}


_AT_REST = frozenset({Phase.STOPPED, Phase.FAILED, Phase.ABSENT})


class Act(StrEnum):
    """What to ask of the engine."""

    NOTHING = "nothing"
    RUN = "run"
    STOP = "stop"
    REMOVE = "remove"
    REMOVE_VOLUME = "remove volume"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a session now."""

    act: Act = Act.NOTHING
    event: str | None = None
    """A transition of MACHINE, or one of `heal`, `healed`, `begin backup`, `purge`, which change
    the row and not its state."""
    code: StreamingSessionStatusCode | None = None
    message: str = ""
    again_at: datetime | None = None


def next_step(
    session: StreamingSession,
    backup: StreamingSessionBackup | None,
    observed: Observed,
    now: datetime,
) -> Step:
    """Decide what to do. `backup` is the one of the session's last stop, if it was begun."""
    match session.state:
        case _S.CREATE_IN_PROGRESS | _S.START_IN_PROGRESS:
            return _bring_up(session, observed, now)
        case _S.READY:
            return _keep_up(session, observed, now)
        case _S.STOP_IN_PROGRESS:
            return _bring_down(session, backup, observed, now)
        case _S.STOPPED if session.terminate_at is not None and now >= session.terminate_at:
            return Step(
                event="delete",
                message="It was stopped for as long as its launch profile allows.",
                again_at=now,
            )
        case _S.STOPPED:
            return _settle(observed, now, later=session.terminate_at)
        case _S.DELETE_IN_PROGRESS:
            return _remove(session, observed, now)
        case _S.DELETED if now - session.state_since >= READABLE_FOR:
            return Step(event="purge")
        case _S.DELETED:
            return Step(again_at=session.state_since + READABLE_FOR)
        case _:
            return _settle(observed, now)


def blind_step(
    session: StreamingSession,
    backup: StreamingSessionBackup | None,
    *,
    why: str,
    again_at: datetime,
    now: datetime,
) -> Step:
    """Decide while the engine can't say what is there: only what time alone decides."""
    if session.state is _S.READY:
        return _end_of_time(session, now) or Step(again_at=again_at)
    # A stop whose backup was begun has its workstation down; it waits for the backup alone.
    is_waiting = session.state is _S.STOP_IN_PROGRESS and backup is not None
    if session.state in MACHINE.limits and _is_late(session, now) and not is_waiting:
        return Step(
            event="failed",
            code=_C.INTERNAL_ERROR,
            message=f"The engine did not answer in time. {why}",
            again_at=now + HEALTH_EVERY,
        )
    return Step(again_at=again_at)


def _bring_up(session: StreamingSession, observed: Observed, now: datetime) -> Step:
    is_this_attempt = observed.attempt == session.attempt
    if is_this_attempt and observed.phase is Phase.RUNNING:
        is_first = session.state is _S.CREATE_IN_PROGRESS
        return Step(
            event="ran",
            code=_C.STREAMING_SESSION_READY if is_first else _C.STREAMING_SESSION_STARTED,
            message="The workstation is ready.",
            again_at=now + HEALTH_EVERY,
        )
    if is_this_attempt and observed.phase is Phase.FAILED:
        return Step(
            event="failed",
            code=_REASONS[observed.reason],
            message=observed.detail or "The workstation did not start.",
        )
    if _is_late(session, now):
        return Step(
            act=Act.STOP,
            event="failed",
            code=_C.INTERNAL_ERROR,
            message="The workstation did not answer in time. " + observed.detail,
            again_at=now + HEALTH_EVERY,
        )
    return Step(act=Act.RUN, message=observed.detail, again_at=_soon(session, now))


def _keep_up(session: StreamingSession, observed: Observed, now: datetime) -> Step:
    end = _end_of_time(session, now)
    if end is not None:
        return end
    is_this_attempt = observed.attempt == session.attempt
    is_healing = session.running_attempt != session.attempt
    if is_this_attempt and observed.phase is Phase.RUNNING:
        event = "healed" if is_healing else None
        return Step(event=event, again_at=_next_look(session, now))
    has_died = observed.phase in _AT_REST
    if has_died and (is_this_attempt or not is_healing):
        return _heal(session, observed, now)
    if is_healing and now - session.heals[-1] > HEAL_LIMIT:
        return _heal(session, observed, now)
    if is_healing:
        return Step(act=Act.RUN, again_at=now + timedelta(milliseconds=200))
    return Step(again_at=now + timedelta(seconds=1))


def _end_of_time(session: StreamingSession, now: datetime) -> Step | None:
    message = "It ran for as long as its launch profile allows."
    if session.stop_at is not None and now >= session.stop_at:
        return Step(event="stop", message=message, again_at=now)
    if session.terminate_at is not None and now >= session.terminate_at:
        return Step(event="delete", message=message, again_at=now)
    return None


def _heal(session: StreamingSession, observed: Observed, now: datetime) -> Step:
    recent = [moment for moment in session.heals if now - moment < HEALS_WITHIN]
    if len(recent) < MOST_HEALS:
        return Step(
            event="heal",
            message=f"The workstation was found gone at {now:%Y-%m-%d %H:%M:%S} UTC and is started "
            "again on the same disk.",
            again_at=now,
        )
    why = f"The workstation died {len(recent) + 1} times within ten minutes. {observed.detail}"
    if session.may_be_stopped:
        return Step(
            act=Act.STOP,
            event="collapsed",
            code=_C.STREAMING_SESSION_STOPPED,
            message=f"{why} It was stopped; its disk is kept.",
            again_at=now + HEALTH_EVERY,
        )
    return Step(
        act=Act.STOP,
        event="collapsed for good",
        code=_C.INTERNAL_ERROR,
        message=f"{why} Its disk is kept.",
        again_at=now + HEALTH_EVERY,
    )


def _bring_down(
    session: StreamingSession,
    backup: StreamingSessionBackup | None,
    observed: Observed,
    now: datetime,
) -> Step:
    if observed.phase not in _AT_REST:
        if _is_late(session, now):
            return Step(
                act=Act.STOP,
                event="failed",
                code=_C.INTERNAL_ERROR,
                message="The workstation did not stop in time. " + observed.detail,
                again_at=now + HEALTH_EVERY,
            )
        return Step(act=Act.STOP, again_at=_soon(session, now))
    has_volume = observed.volume_generation is not None
    if session.makes_backups and backup is None and has_volume:
        return Step(event="begin backup", again_at=now + timedelta(seconds=1))
    if backup is not None and backup.state is _S.CREATE_IN_PROGRESS:
        return Step(again_at=now + timedelta(seconds=1))
    message = "The workstation is stopped."
    wants_no_volume = session.volume_retention_mode is VolumeRetentionMode.DELETE
    if backup is not None and backup.state is not _S.READY:
        message += f" Its backup failed, so its disk is kept: {backup.status_message}"
    elif backup is not None and wants_no_volume and has_volume:
        if now - backup.state_since <= MACHINE.limits[session.state]:
            return Step(act=Act.REMOVE_VOLUME, again_at=_soon(session, now))
        message += " Its disk could not be removed in time and is kept."
    return Step(
        event="rested",
        code=_C.STREAMING_SESSION_STOPPED,
        message=message,
        # The service sets the exact moment when it knows `terminate_at`.
        again_at=now,
    )


def _remove(session: StreamingSession, observed: Observed, now: datetime) -> Step:
    if observed.phase is Phase.ABSENT:
        return Step(
            event="gone",
            code=_C.STREAMING_SESSION_DELETED,
            message="The workstation and its disk were removed.",
            again_at=now + READABLE_FOR,
        )
    if _is_late(session, now):
        return Step(
            event="failed",
            code=_C.INTERNAL_ERROR,
            message="The workstation could not be removed in time. " + observed.detail,
        )
    return Step(act=Act.REMOVE, again_at=_soon(session, now))


def _settle(observed: Observed, now: datetime, *, later: datetime | None = None) -> Step:
    """Nothing of a failed or a collapsed session may go on running unseen."""
    if observed.phase in _AT_REST:
        return Step(again_at=later)
    return Step(act=Act.STOP, again_at=now + HEALTH_EVERY)


def _is_late(session: StreamingSession, now: datetime) -> bool:
    return now - session.state_since > MACHINE.limits[session.state]


def _soon(session: StreamingSession, now: datetime) -> datetime:
    # A start takes a second, a restore minutes: look often at first, and ever less. An engine that
    # gives notice of the end makes most of these looks needless.
    waited = now - session.state_since
    return now + min(max(timedelta(milliseconds=150), waited / 10), timedelta(seconds=2))


def _next_look(session: StreamingSession, now: datetime) -> datetime:
    planned = [moment for moment in (session.stop_at, session.terminate_at) if moment is not None]
    return min([now + HEALTH_EVERY, *planned])


def changes_of(
    session: StreamingSession, event: str, observed: Observed, now: datetime
) -> dict[str, Any]:
    """Say what else changes with a transition that the worker makes, by the columns' names."""
    match event:
        case "ran":
            ends_at = now + timedelta(minutes=session.max_session_length_in_minutes)
            key = "stop_at" if session.may_be_stopped else "terminate_at"
            return {
                key: ends_at,
                "running_attempt": session.attempt,
                "previous_volume_generation": session.volume_generation,
                "is_volume_deleted": False,
            }
        case "rested":
            return {
                "is_volume_deleted": observed.volume_generation is None,
                "terminate_at": _terminate_at(session, now),
            }
        case "collapsed":
            return {
                "stop_at": None,
                "stopped_at": now,
                "stopped_by": SERVICE_PRINCIPAL,
                "terminate_at": _terminate_at(session, now),
            }
        case "collapsed for good":
            return {"stop_at": None, "terminate_at": None}
        case "failed" if session.state is _S.START_IN_PROGRESS:
            # What the engine has is the truth: a failed restore leaves the old volume in place.
            kept = observed.volume_generation
            return {
                "volume_generation": session.previous_volume_generation if kept is None else kept
            }
        case _:
            return {}


def _terminate_at(session: StreamingSession, now: datetime) -> datetime | None:
    if session.automatic_termination_mode is AutomaticTerminationMode.DEACTIVATED:
        return None
    return now + timedelta(minutes=session.max_stopped_session_length_in_minutes)
