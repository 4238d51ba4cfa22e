"""How a session moves from state to state, and what to do next with one. No I/O.

`next_step` is a pure function of what is stored, what the engine sees, and the time; the worker in
`reconcile` carries its answer out. Services ask `MACHINE` whether an operation is possible.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from soundstage.engines.interface import Observed, Phase, Reason, Use
from soundstage.kit.machine import READABLE_FOR, Machine
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.launch_profiles.model import AutomaticTerminationMode
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions.absence import (
    MISSED,
    MOVED,
    Absence,
    farewell,
    has_moved,
    lost_since,
    moves_at,
    told,
)
from soundstage.resources.sessions.countdown import (
    ActionKind,
    Announcement,
    NextAction,
    TimeRules,
    due_announcement,
    idle,
    next_announcement_at,
    planned,
)
from soundstage.resources.sessions.model import (
    Activity,
    Rule,
    StreamingSession,
    VolumeRetentionMode,
)
from soundstage.resources.warm_workstations.model import FIRST_ATTEMPT

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
        # Its host was lost, or is taken out: it is started on another, from its last backup.
        ([_S.READY, _S.START_IN_PROGRESS, _S.STOPPED], "move", _S.START_IN_PROGRESS),
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
"""How often a READY workstation is looked at, without a word to the database if it is well."""
SETTLED_EVERY = timedelta(minutes=5)
"""How often it is looked at as if that were not done."""
USE_EVERY = timedelta(minutes=1)
"""How often its processor time is read, if it is to be stopped when idle."""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""A moment of the past that lies so far ahead was written before the clock was set back."""
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
    Reason.SCRIPT: _C.INITIALIZATION_SCRIPT_ERROR,
    Reason.DIRECTORY: _C.ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR,
    Reason.MOUNT: _C.NETWORK_CONNECTION_ERROR,
}


_LONGEST_WAIT = timedelta(seconds=2)
_NOTICED_WAIT = timedelta(seconds=1)
"""Between two looks at what is on its way."""
_AT_REST = frozenset({Phase.STOPPED, Phase.FAILED, Phase.ABSENT})
_SETTLED = frozenset({_S.READY, _S.STOPPED})


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
    """A transition of MACHINE, or one of `BESIDE`, which change the row and not its state."""
    code: StreamingSessionStatusCode | None = None
    message: str = ""
    because: str | None = None
    """The rule that ends it, with `stop`, as a sentence ends."""
    rule: Rule | None = None
    """The same rule, as a word."""
    announcement: Announcement | None = None
    """What to show in the desktop, with `announce`."""
    again_at: datetime | None = None


BESIDE = frozenset(
    {
        "heal",
        "healed",
        "begin backup",
        "purge",
        "announce",
        "measured",
        "count anew",
        "make room",
        "begin anew",
        "lost",
        "found",
        "placed",
    }
)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know besides the rows and the workstation."""

    rules: TimeRules = TimeRules()
    use: Use | None = None
    """What the workstation has used by now, if that `is_use_wanted`."""
    missed: timedelta = timedelta(0)
    """How long ago the row was to be looked at: after an outage, and when the clock leaps."""
    patience: timedelta = timedelta(0)
    """How much longer a start or a heal may take, for its scripts and mounts."""
    may_make_room: bool = False
    """Whether the engine refused this start for want of room that prepared workstations have."""


_USUAL = Situation()


def next_step(
    session: StreamingSession,
    backup: StreamingSessionBackup | None,
    observed: Observed,
    now: datetime,
    situation: Situation = _USUAL,
) -> Step:
    """Decide what to do. `backup` is the one of the session's last stop, if it was begun."""
    if counted_anew(session, situation.missed, now, situation.patience):
        return Step(event="count anew", again_at=now)
    if situation.may_make_room and not _is_over(session, now, situation.patience):
        return _make_room(now)
    if session.unreachable_since is not None:
        is_missed = session.state in MISSED
        message = "The workstation can be reached again." if is_missed else ""
        return Step(event="found", message=message, again_at=now)
    if session.state in _SETTLED and observed.host not in {None, session.host}:
        return Step(event="placed", again_at=now)
    match session.state:
        case _S.CREATE_IN_PROGRESS | _S.START_IN_PROGRESS:
            return _bring_up(session, observed, now, situation.patience)
        case _S.READY:
            return _keep_up(session, observed, now, situation)
        case _S.STOP_IN_PROGRESS:
            return _bring_down(session, backup, observed, now)
        case _S.STOPPED:
            end = _end_of_time(planned(session), now) or _go_on_elsewhere(session, backup, now)
            return end or _settle(observed, now, later=session.terminate_at)
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
    patience: timedelta = timedelta(0),
    absence: Absence | None = None,
) -> Step:
    """Decide while the engine can't say what is there: only what time alone decides. `absence`
    is given where that is because its host does not answer.
    """
    if session.state in _SETTLED:
        end = _end_of_time(planned(session), now)
        if end is not None:
            return end
    if session.state is _S.STOPPED:
        # Its host may be switched off by now.
        leaving = _go_on_elsewhere(session, backup, now)
        if leaving is not None:
            return leaving
    if absence is not None and session.state in MISSED and not _is_over(session, now, patience):
        return _miss(session, absence, why, now, again_at)
    if session.state in _SETTLED:
        return Step(again_at=again_at)
    # A stop whose backup was begun has its workstation down; it waits for the backup alone.
    is_waiting = session.state is _S.STOP_IN_PROGRESS and backup is not None
    if _is_over(session, now, patience) and not is_waiting:
        return Step(
            event="failed",
            code=_C.INTERNAL_ERROR,
            message=f"The engine did not answer in time. {why}",
            again_at=now + HEALTH_EVERY,
        )
    return Step(again_at=again_at)


def _is_over(session: StreamingSession, now: datetime, patience: timedelta) -> bool:
    return session.state in MACHINE.limits and _is_late(session, now, patience)


def _miss(
    session: StreamingSession, absence: Absence, why: str, now: datetime, again_at: datetime
) -> Step:
    """Its host does not answer: wait for that, or have it brought up elsewhere."""
    since = lost_since(session, absence, now)
    message = told(session, absence, why, since)
    if since != session.unreachable_since:
        return Step(event="lost", message=message, again_at=again_at)
    coming = moves_at(session, absence, since)
    if coming is None or now < coming:
        return Step(message=message, again_at=min(again_at, coming or again_at))
    return Step(
        event="move",
        code=_C.STREAMING_SESSION_START_IN_PROGRESS,
        message=farewell(absence, why, now - since),
        again_at=now,
    )


def _bring_up(
    session: StreamingSession, observed: Observed, now: datetime, patience: timedelta
) -> Step:
    is_this_attempt = observed.attempt == session.attempt
    if is_this_attempt and observed.phase is Phase.RUNNING:
        is_first = session.state is _S.CREATE_IN_PROGRESS
        how = MOVED if has_moved(session) else "The workstation is ready."
        return Step(
            event="ran",
            code=_C.STREAMING_SESSION_READY if is_first else _C.STREAMING_SESSION_STARTED,
            message=f"{how} {_as_sentence(observed.shortfall)}".rstrip(),
            again_at=now + HEALTH_EVERY,
        )
    if is_this_attempt and _has_died_prepared(session, observed):
        message = "The prepared workstation was gone; another is started."
        return Step(event="begin anew", message=message, again_at=now)
    if is_this_attempt and observed.phase in {Phase.FAILED, Phase.STOPPED}:
        # One that rests in its own attempt had run before anybody saw it.
        return Step(
            event="failed",
            code=_REASONS[observed.reason],
            message=observed.detail or "The workstation did not start.",
        )
    if _is_late(session, now, patience):
        return Step(
            act=Act.STOP,
            event="failed",
            code=_C.INTERNAL_ERROR,
            message="The workstation did not answer in time. " + observed.detail,
            again_at=now + HEALTH_EVERY,
        )
    act = Act.STOP if _is_left_over(session, observed) else Act.RUN
    return Step(act=act, message=observed.detail, again_at=_soon(session, observed, now))


def _has_died_prepared(session: StreamingSession, observed: Observed) -> bool:
    """Reports whether what it was handed was dead by then; a script that failed is its own."""
    is_handed_over = session.was_prepared and session.attempt == FIRST_ATTEMPT
    is_at_rest = observed.phase in {Phase.FAILED, Phase.STOPPED}
    return is_handed_over and is_at_rest and observed.reason is Reason.INTERNAL


def _make_room(now: datetime) -> Step:
    return Step(
        event="make room",
        message="Making room: a prepared workstation is given up.",
        again_at=now + timedelta(milliseconds=500),
    )


def _as_sentence(words: str) -> str:
    return words and f"{words.rstrip('.')}."


def _keep_up(
    session: StreamingSession, observed: Observed, now: datetime, situation: Situation
) -> Step:
    end = _end_of_time(planned(session), now)
    if end is not None:
        return end
    is_this_attempt = observed.attempt == session.attempt
    is_healing = session.running_attempt != session.attempt
    if is_this_attempt and observed.phase is Phase.RUNNING:
        if is_healing:
            return Step(event="healed", again_at=now)
        return _watch_over(session, situation, now)
    has_died = observed.phase in _AT_REST
    if has_died and (is_this_attempt or not is_healing):
        return _heal(session, observed, now)
    if is_healing and now - session.heals[-1] > HEAL_LIMIT + situation.patience:
        return _heal(session, observed, now)
    # One that waits, for whatever reason, would wait for ever: somebody has it by now.
    if is_healing or observed.phase is Phase.PREPARED:
        act = Act.STOP if _is_left_over(session, observed) else Act.RUN
        return Step(act=act, again_at=now + timedelta(milliseconds=200))
    return Step(again_at=now + timedelta(seconds=1))


def _is_left_over(session: StreamingSession, observed: Observed) -> bool:
    """Reports whether a start that was given up is still on its way: no engine starts over it."""
    is_older = observed.attempt is not None and observed.attempt < session.attempt
    return is_older and observed.phase in {Phase.STARTING, Phase.PREPARED, Phase.RUNNING}


def _stopped_by(rule: str) -> str:
    return f"The workstation was stopped because {rule}."


def _end_of_time(coming: NextAction | None, now: datetime) -> Step | None:
    if coming is None or now < coming.at:
        return None
    is_stop = coming.action is ActionKind.STOP
    return Step(
        event="stop" if is_stop else "delete",
        message=_stopped_by(coming.reason)
        if is_stop
        else f"The workstation was ended because {coming.reason}.",
        because=coming.reason,
        rule=coming.rule,
        again_at=now,
    )


def _watch_over(session: StreamingSession, situation: Situation, now: datetime) -> Step:
    """It runs well: see whether anybody works in it, and announce what is coming."""
    if situation.use is not None:
        return Step(event="measured", again_at=now)
    if not is_use_wanted(session, now):
        end = _end_of_time(idle(session), now)
        if end is not None:
            return end
    announcement = due_announcement(session, situation.rules, now)
    if announcement is not None:
        return Step(event="announce", announcement=announcement, again_at=now)
    return Step(again_at=_next_look(session, situation.rules, now))


def is_use_wanted(session: StreamingSession, now: datetime) -> bool:
    """Reports whether its processor time must be read before anything is decided by idleness."""
    unused = idle(session)
    if unused is None or session.running_attempt != session.attempt:
        return False
    if session.use_at is None or now - session.use_at >= USE_EVERY:
        return True
    # What it did since the last reading may have kept it awake.
    return session.use_at < unused.at <= now


def is_busy(session: StreamingSession, use: Use, rules: TimeRules, now: datetime) -> bool:
    """Reports whether its programs were at work since the last reading; the first tells nothing."""
    if session.use_at is None or session.use_seconds is None or now <= session.use_at:
        return False
    # A desktop that was started anew counts from nought again.
    before = session.use_seconds if use.cpu_seconds >= session.use_seconds else 0.0
    elapsed = (now - session.use_at).total_seconds()
    return (use.cpu_seconds - before) / elapsed >= rules.busy_cores


def counted_anew(
    session: StreamingSession,
    missed: timedelta,
    now: datetime,
    patience: timedelta = timedelta(0),
) -> dict[str, Any]:
    """Say which of its moments can't be right any more and what they become; mostly none.

    After an outage, or a clock that leapt ahead, a limit must not have run out before anything was
    tried. After a clock that was set back, moments ahead would hold everything up until then.
    """
    changes: dict[str, Any] = {}
    limit = MACHINE.limits.get(session.state)
    if limit is not None and missed > limit / 2 and _is_late(session, now, patience):
        changes["state_since"] = now
    unused = idle(session)
    if unused is not None and now >= unused.at and missed > unused.allowed / 2:
        changes |= {"active_at": now, "active_by": Activity.SERVICE}
    latest = now + CLOCK_TOLERANCE
    for name in ("state_since", "active_at", "use_at"):
        if (getattr(session, name) or now) > latest:
            changes[name] = now
    if any(moment > latest for moment in session.heals):
        changes["heals"] = [min(moment, now) for moment in session.heals]
    coming = planned(session)
    if coming is not None and coming.at > latest + coming.allowed:
        name = "stop_at" if coming.action is ActionKind.STOP else "terminate_at"
        changes[name] = now + coming.allowed
    return changes


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
        return Step(act=Act.STOP, again_at=_soon(session, observed, now))
    has_volume = observed.volume_generation is not None
    if session.makes_backups and backup is None and has_volume:
        return Step(event="begin backup", again_at=now + timedelta(seconds=1))
    if backup is not None and backup.state is _S.CREATE_IN_PROGRESS:
        return Step(again_at=_soon(session, observed, now))
    message = _stopped(session, backup)
    wants_no_volume = session.volume_retention_mode is VolumeRetentionMode.DELETE
    if backup is not None and backup.state is not _S.READY:
        message += f" Its backup failed, so its disk is kept: {backup.status_message}"
    elif backup is not None and wants_no_volume and has_volume:
        if now - backup.state_since <= MACHINE.limits[session.state]:
            return Step(act=Act.REMOVE_VOLUME, again_at=_soon(session, observed, now))
        message += " Its disk could not be removed in time and is kept."
    return Step(
        event="rested",
        code=_C.STREAMING_SESSION_STOPPED,
        message=message,
        # The service sets the exact moment when it knows `terminate_at`.
        again_at=now,
    )


def is_evacuated(session: StreamingSession, backup: StreamingSessionBackup | None) -> bool:
    """Reports whether it was stopped to leave its host, and is to go on from the backup of that."""
    wishes = session.state is _S.STOPPED and session.vacating is not None
    wishes = wishes and session.moves_when_evacuated
    return wishes and backup is not None and backup.state is _S.READY


def _go_on_elsewhere(
    session: StreamingSession, backup: StreamingSessionBackup | None, now: datetime
) -> Step | None:
    if not is_evacuated(session, backup):
        return None
    return Step(
        event="move",
        code=_C.STREAMING_SESSION_START_IN_PROGRESS,
        message="The workstation is being started on another host from its backup, because "
        f"{session.leaves_because}.",
        again_at=now,
    )


def _stopped(session: StreamingSession, backup: StreamingSessionBackup | None) -> str:
    """Say to people that it is stopped, and why where it did so by itself; of one that leaves its
    host also what can be done.

    What becomes of its backup is said beside it.
    """
    if session.vacating is None:
        # Who comes back in the morning wants to know which of several rules it was.
        why = session.stopped_because
        return "The workstation is stopped." if why is None else _stopped_by(why)
    message = f"The workstation is stopped because {session.leaves_because}."
    if backup is None or backup.state is not _S.READY:
        return f"{message} It can be started again when the host is back."
    if session.moves_when_evacuated:
        return f"{message} It goes on elsewhere from its backup."
    return f"{message} Start it to go on elsewhere from its backup, or when the host is back."


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
    return Step(act=Act.REMOVE, again_at=_soon(session, observed, now))


def _settle(observed: Observed, now: datetime, *, later: datetime | None = None) -> Step:
    """Nothing of a failed or a collapsed session may go on running unseen."""
    if observed.phase in _AT_REST:
        return Step(again_at=later)
    return Step(act=Act.STOP, again_at=now + HEALTH_EVERY)


def _is_late(session: StreamingSession, now: datetime, patience: timedelta = timedelta(0)) -> bool:
    # A first start from a backup restores a disk too.
    is_restored = session.state is _S.CREATE_IN_PROGRESS and session.volume_backup_id is not None
    limited = _S.START_IN_PROGRESS if is_restored else session.state
    return now - session.state_since > MACHINE.limits[limited] + patience


def _soon(session: StreamingSession, observed: Observed, now: datetime) -> datetime:
    # A start takes a second, a restore minutes: look often at first, and ever less. An engine that
    # gives notice of the end, or knows when it will be, makes most of these looks needless; each
    # takes from the cores on which the workstation is to come up.
    waited = now - session.state_since
    least = _NOTICED_WAIT if observed.is_noticed else timedelta(milliseconds=150)
    soon = now + min(max(least, waited / 10), _LONGEST_WAIT)
    return soon if observed.until is None else max(soon, min(observed.until, now + _LONGEST_WAIT))


def _next_look(session: StreamingSession, rules: TimeRules, now: datetime) -> datetime:
    coming, unused = planned(session), idle(session)
    moments = [now + SETTLED_EVERY, next_announcement_at(session, rules, now)]
    if coming is not None:
        moments.append(coming.at)
    if unused is not None:
        # Soon, but not at once, when its use could not be read just now.
        soon = now + timedelta(seconds=1)
        moments += [max(unused.at, soon), max((session.use_at or now) + USE_EVERY, soon)]
    return min(moment for moment in moments if moment is not None)


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
                **_fresh(now),
                "host": observed.host or session.host,
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
                # It left nothing that it could go on from elsewhere.
                "vacating": None,
                "stop_at": None,
                "stopped_at": now,
                "stopped_by": SERVICE_PRINCIPAL,
                "stopped_because": None,
                "stopped_by_rule": None,
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


def _fresh(now: datetime) -> dict[str, Any]:
    """Nothing of the run before says anything about this one."""
    return {
        "active_at": now,
        "active_by": Activity.START,
        "use_at": None,
        "use_seconds": None,
        "warned_end": None,
        "warned_before": None,
    }


def _terminate_at(session: StreamingSession, now: datetime) -> datetime | None:
    if session.automatic_termination_mode is AutomaticTerminationMode.DEACTIVATED:
        return None
    return now + timedelta(minutes=session.max_stopped_session_length_in_minutes)
