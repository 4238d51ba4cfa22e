"""What will happen to a session by itself: what next, when, by which rule, in words. No I/O.

There is one countdown. `lifecycle` acts by it, `reconcile` announces it inside the desktop,
`operations` shows it to clients, and the stream's page gets it by way of `streams`.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions.model import Activity, Rule, StreamingSession


class ActionKind(StrEnum):
    """What a session does by itself."""

    STOP = "STOP"
    TERMINATE = "TERMINATE"
    """It ends, and its disk is removed."""


class NextAction(msgspec.Struct, frozen=True, kw_only=True):
    """The next thing that happens if nobody does anything."""

    action: ActionKind
    at: datetime
    rule: Rule
    allowed: timedelta
    """How long the rule allows; `at` was counted from a moment that lay so far before it."""
    reason: str
    """Why, as the end of a sentence."""
    active_by: Activity | None = None
    """What it was last used by, where the rule is about that."""
    host: str = ""
    """Which host is taken out, where the rule is about that."""
    host_reason: str = ""
    """Why, in the operator's words; may be empty."""
    goes_on: bool = False
    """Whether it is started again elsewhere by itself."""

    @property
    def message(self) -> str:
        """One sentence for people."""
        what = "stopped" if self.action is ActionKind.STOP else "ended and its disk removed"
        return f"The workstation will be {what} at {moment(self.at)}, because {self.reason}."

    @property
    def sentence(self) -> str:
        """The reason as a sentence of its own."""
        return f"{self.reason[0].upper()}{self.reason[1:]}."

    @property
    def advice(self) -> str:
        """What whoever works in it should do."""
        is_stop = self.action is ActionKind.STOP
        kept = "its disk is kept" if is_stop else "its disk is removed"
        if self.rule is Rule.IDLE:
            return f"Move the pointer to keep it going; once it has {self.past}, {kept}."
        if self.goes_on:
            return "Save your work; it goes on elsewhere with a copy of its disk."
        return f"Save your work; {kept}." if is_stop else f"Save your work elsewhere: {kept}."

    @property
    def past(self) -> str:
        """What will have happened."""
        return "stopped" if self.action is ActionKind.STOP else "ended"


class TimeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation decides about time, for all its sessions."""

    warnings: tuple[timedelta, ...] = tuple(timedelta(minutes=number) for number in (15, 5, 1))
    """How long before an end the people at a workstation are warned."""
    busy_cores: float = 0.25
    """A workstation that uses as many processor cores on average is not idle."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement of an end."""

    end: datetime
    before: timedelta
    """Which of the thresholds it is."""
    key: str
    title: str
    text: str
    urgent: bool


def next_action(session: StreamingSession) -> NextAction | None:
    """Say what happens next by itself; None when nothing will."""
    known = (planned(session), idle(session), vacating(session))
    found = [each for each in known if each is not None]
    return min(found, key=lambda each: each.at, default=None)


def planned(session: StreamingSession) -> NextAction | None:
    """Say what the clock alone brings, whatever goes on in the workstation."""
    if session.state is StreamingSessionState.READY:
        minutes, rule = session.max_session_length_in_minutes, Rule.MAX_SESSION_LENGTH
    elif session.state is StreamingSessionState.STOPPED:
        minutes, rule = (
            session.max_stopped_session_length_in_minutes,
            Rule.MAX_STOPPED_SESSION_LENGTH,
        )
    else:
        return None
    stopping = rule is Rule.MAX_SESSION_LENGTH and session.stop_at is not None
    at = session.stop_at if stopping else session.terminate_at
    if at is None:
        return None
    allowed = timedelta(minutes=minutes)
    state = "run" if rule is Rule.MAX_SESSION_LENGTH else "stay stopped"
    return NextAction(
        action=ActionKind.STOP if stopping else ActionKind.TERMINATE,
        at=at,
        rule=rule,
        allowed=allowed,
        reason=f"its launch profile lets it {state} for {duration(allowed)}",
    )


def vacating(session: StreamingSession) -> NextAction | None:
    """Say when it ends because its host is taken out; its turn may come a little later."""
    order = session.vacating
    if session.state is not StreamingSessionState.READY or order is None:
        return None
    return NextAction(
        action=ActionKind.STOP if session.may_be_stopped else ActionKind.TERMINATE,
        at=order.at,
        rule=Rule.HOST_EVACUATION,
        allowed=order.at - order.since,
        reason=session.leaves_because,
        host=session.host or "",
        host_reason=order.reason,
        goes_on=session.moves_when_evacuated,
    )


def idle(session: StreamingSession) -> NextAction | None:
    """Say when it ends if nobody, and no program, works in it from now on."""
    minutes = session.idle_stop_in_minutes
    if session.state is not StreamingSessionState.READY or not minutes or session.active_at is None:
        return None
    allowed = timedelta(minutes=minutes)
    active_by = session.active_by or Activity.START
    last = _ACTIVITIES[active_by]
    return NextAction(
        action=ActionKind.STOP if session.may_be_stopped else ActionKind.TERMINATE,
        at=session.active_at + allowed,
        rule=Rule.IDLE,
        allowed=allowed,
        reason=f"it has been idle since {moment(session.active_at)} ({last}) and its launch "
        f"profile allows {duration(allowed)} of that",
        active_by=active_by,
    )


_ACTIVITIES = {
    Activity.START: "when it started",
    Activity.INPUT: "when a pointer or a key was last used",
    Activity.PROCESSOR: "when programs were last at work",
    Activity.EXTENSION: "when its time was extended",
    Activity.SERVICE: "when the service came back",
}


def due_announcement(
    session: StreamingSession, rules: TimeRules, now: datetime
) -> Announcement | None:
    """Say what must be announced now: the latest of the thresholds passed, and none twice."""
    coming = next_action(session)
    if coming is None or coming.at <= now:
        return None
    passed = [each for each in thresholds(coming, rules) if coming.at - now <= each]
    if not passed:
        return None
    before = min(passed)
    was_given = session.warned_end == coming.at and session.warned_before is not None
    if was_given and timedelta(seconds=session.warned_before or 0) <= before:
        return None
    return _words(coming, before, now, is_last=before <= min(rules.warnings))


def next_announcement_at(
    session: StreamingSession, rules: TimeRules, now: datetime
) -> datetime | None:
    """Say when the next announcement is due, if nothing changes until then."""
    coming = next_action(session)
    if coming is None:
        return None
    ahead = [coming.at - each for each in thresholds(coming, rules)]
    return min((each for each in ahead if each > now), default=None)


def thresholds(coming: NextAction, rules: TimeRules) -> list[timedelta]:
    if coming.rule is Rule.HOST_EVACUATION:
        # Nobody expects that, so it is said at once.
        return [coming.allowed, *(each for each in rules.warnings if each < coming.allowed)]
    # Nobody needs to hear 15 minutes before that an allowance of 20 minutes is almost over.
    return [each for each in rules.warnings if each * 2 <= coming.allowed]


def _words(coming: NextAction, before: timedelta, now: datetime, *, is_last: bool) -> Announcement:
    verb = "stops" if coming.action is ActionKind.STOP else "ends"
    return Announcement(
        end=coming.at,
        before=before,
        key=f"{coming.action}-{int(coming.at.timestamp())}-{int(before.total_seconds())}",
        title=f"This workstation {verb} in {duration(coming.at - now)}",
        text=f"{coming.sentence} {coming.advice}",
        urgent=is_last,
    )


def moment(at: datetime) -> str:
    """Write a moment for people."""
    # Not by its format, for which C's locale and zone are looked up: that takes 25 µs.
    return f"{at.replace(tzinfo=None).isoformat(' ', 'minutes')} UTC"


def duration(length: timedelta) -> str:
    """Write a length for people: two units at the most, seconds only below a minute."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 55:
        return _count(seconds, "second")
    minutes = (seconds + 30) // 60
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    words = [_count(number, unit) for number, unit in parts if number]
    return " and ".join(words[:2])


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
