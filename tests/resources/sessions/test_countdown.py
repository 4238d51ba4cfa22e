"""The one countdown: what comes next by the conditional matrix, and when it is announced."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from soundstage.engines.interface import Observed, Phase
from soundstage.resources.backups.model import (
    StreamingSessionState,
)
from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    SessionPersistenceMode,
)
from soundstage.resources.sessions.countdown import (
    ActionKind,
    TimeRules,
    due_announcement,
    duration,
    next_action,
    next_announcement_at,
)
from soundstage.resources.sessions.lifecycle import changes_of
from soundstage.resources.sessions.model import Activity, Rule, StreamingSession, Vacating
from soundstage.testing import rows

S = StreamingSessionState
NOW = rows.NOW
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ON, OFF = SessionPersistenceMode.ACTIVATED, SessionPersistenceMode.DEACTIVATED
ENDS, STAYS = AutomaticTerminationMode.ACTIVATED, AutomaticTerminationMode.DEACTIVATED
RULES = TimeRules()


def a_session(state: StreamingSessionState, **facts: Any) -> StreamingSession:
    """Make a persistent session in this state."""
    return rows.session(**{"state": state, "session_persistence_mode": ON, **facts})


def by_matrix(
    persistence: SessionPersistenceMode, termination: AutomaticTerminationMode, stopped: int
) -> dict[str, Any]:
    return {
        "session_persistence_mode": persistence,
        "automatic_termination_mode": termination,
        "max_stopped_session_length_in_minutes": stopped,
    }


@pytest.mark.parametrize(
    ("rules", "ready", "rested"),
    [
        (by_matrix(OFF, STAYS, 0), ActionKind.TERMINATE, None),
        (by_matrix(ON, STAYS, 0), ActionKind.STOP, None),
        (by_matrix(ON, ENDS, 0), ActionKind.TERMINATE, None),
        (by_matrix(ON, ENDS, 60), ActionKind.STOP, ActionKind.TERMINATE),
    ],
)
def test_each_row_of_the_matrix(
    rules: dict[str, Any], ready: ActionKind, rested: ActionKind | None
) -> None:
    """From CREATE_IN_PROGRESS to READY, and to STOPPED where that is possible."""
    seen = Observed(phase=Phase.RUNNING, attempt=1, volume_generation=0)
    begun = a_session(S.CREATE_IN_PROGRESS, **rules)
    assert next_action(begun) is None
    running = msgspec.structs.replace(begun, state=S.READY, **changes_of(begun, "ran", seen, NOW))
    coming = next_action(running)
    assert coming is not None
    assert (coming.action, coming.rule) == (ready, Rule.MAX_SESSION_LENGTH)
    assert coming.at == NOW + 690 * MINUTE
    # One of the two, never both.
    assert (running.stop_at is None) is (ready is ActionKind.TERMINATE)
    assert (running.terminate_at is None) is (ready is ActionKind.STOP)
    assert running.may_be_stopped is (ready is ActionKind.STOP)
    if not running.may_be_stopped:
        return
    cleared = {"stop_at": None, "terminate_at": None}
    stopping = msgspec.structs.replace(running, state=S.STOP_IN_PROGRESS, **cleared)
    assert next_action(stopping) is None
    later = NOW + 700 * MINUTE
    after = changes_of(stopping, "rested", seen, later)
    stopped = msgspec.structs.replace(stopping, state=S.STOPPED, **after)
    last = next_action(stopped)
    if rested is None:
        assert last is None
    else:
        assert last is not None
        assert (last.action, last.rule) == (rested, Rule.MAX_STOPPED_SESSION_LENGTH)
        assert last.at == stopped.terminate_at == later + 60 * MINUTE


@pytest.mark.parametrize("state", [each for each in S if each not in {S.READY, S.STOPPED}])
def test_nothing_comes_by_itself_in_any_other_state(state: StreamingSessionState) -> None:
    planned = {"stop_at": NOW, "terminate_at": NOW, "active_at": NOW, "idle_stop_in_minutes": 60}
    session = a_session(state, **planned)
    assert next_action(session) is None
    assert due_announcement(session, RULES, NOW) is None
    assert next_announcement_at(session, RULES, NOW) is None


def test_the_sentence_says_what_when_and_why() -> None:
    stop = next_action(a_session(S.READY, stop_at=NOW + MINUTE))
    assert stop is not None
    assert stop.message == (
        "The workstation will be stopped at 2030-01-01 09:01 UTC, because its launch profile lets "
        "it run for 11 hours and 30 minutes."
    )
    kept = a_session(S.STOPPED, terminate_at=NOW, **by_matrix(ON, ENDS, 2 * 24 * 60))
    end = next_action(kept)
    assert end is not None
    assert end.message == (
        "The workstation will be ended and its disk removed at 2030-01-01 09:00 UTC, because its "
        "launch profile lets it stay stopped for 2 days."
    )


IDLE: dict[str, Any] = {
    "idle_stop_in_minutes": 60,
    "active_at": NOW,
    "active_by": Activity.PROCESSOR,
}


@pytest.mark.parametrize(
    ("facts", "action", "rule", "minutes"),
    [
        (IDLE, ActionKind.STOP, Rule.IDLE, 60),
        (IDLE | {"session_persistence_mode": OFF}, ActionKind.TERMINATE, Rule.IDLE, 60),
        # The nearer of two.
        (IDLE | {"stop_at": NOW + 90 * MINUTE}, ActionKind.STOP, Rule.IDLE, 60),
        (IDLE | {"stop_at": NOW + 30 * MINUTE}, ActionKind.STOP, Rule.MAX_SESSION_LENGTH, 30),
    ],
)
def test_idleness_is_one_of_the_rules(
    facts: dict[str, Any], action: ActionKind, rule: Rule, minutes: int
) -> None:
    coming = next_action(a_session(S.READY, **facts))
    assert coming is not None
    assert (coming.action, coming.rule) == (action, rule)
    assert coming.at == NOW + minutes * MINUTE
    if rule is Rule.IDLE:
        assert "idle since 2030-01-01 09:00 UTC (when programs were last at work)" in coming.message


@pytest.mark.parametrize(
    ("left", "given", "before"),
    [
        (16 * MINUTE, None, None),
        (15 * MINUTE, None, 15),
        (14 * MINUTE, 15, None),
        (5 * MINUTE, 15, 5),
        (3 * MINUTE, 5, None),
        (1 * MINUTE, 5, 1),
        (SECOND, 1, None),
        # Several were missed: only the latest is given, with the time that is really left.
        (4 * MINUTE, None, 5),
        (SECOND, 15, 1),
        (0 * SECOND, None, None),
    ],
)
def test_each_threshold_is_announced_once(
    left: timedelta, given: int | None, before: int | None
) -> None:
    end = NOW + left
    facts = {} if given is None else {"warned_end": end, "warned_before": given * 60}
    told = due_announcement(a_session(S.READY, stop_at=end, **facts), RULES, NOW)
    assert (told is None) is (before is None)
    if told is not None and before is not None:
        assert (told.end, told.before) == (end, before * MINUTE)
        assert told.title == f"This workstation stops in {duration(left)}"
        assert told.urgent is (before == 1)
        assert told.text.endswith("Save your work; its disk is kept.")


def test_an_end_that_was_put_off_is_announced_again() -> None:
    facts = {"warned_end": NOW + MINUTE, "warned_before": 60}
    told = due_announcement(a_session(S.READY, stop_at=NOW + 9 * MINUTE, **facts), RULES, NOW)
    assert told is not None
    assert told.before == 15 * MINUTE


def test_what_is_lost_is_said() -> None:
    gone = a_session(S.READY, terminate_at=NOW + MINUTE, session_persistence_mode=OFF)
    told = due_announcement(gone, RULES, NOW)
    assert told is not None
    assert told.title == "This workstation ends in 1 minute"
    assert told.text.endswith("Save your work elsewhere: its disk is removed.")
    unused = a_session(S.READY, **IDLE | {"active_at": NOW - 59 * MINUTE})
    told = due_announcement(unused, RULES, NOW)
    assert told is not None
    assert told.text.endswith(
        "Move the pointer to keep it going; once it has stopped, its disk is kept."
    )


def test_a_short_allowance_has_few_announcements() -> None:
    def heard(minutes: int) -> list[int]:
        session = a_session(
            S.READY, stop_at=NOW + minutes * MINUTE, max_session_length_in_minutes=minutes
        )
        found, now = [], NOW
        while (at := next_announcement_at(session, RULES, now)) is not None:
            found.append(int((NOW + minutes * MINUTE - at) / MINUTE))
            now = at
        return found

    assert heard(690) == [15, 5, 1]
    assert heard(20) == [5, 1]
    assert heard(5) == [1]
    assert heard(1) == []


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 seconds"),
        (SECOND, "1 second"),
        (54 * SECOND, "54 seconds"),
        (55 * SECOND, "1 minute"),
        (14 * MINUTE + 58 * SECOND, "15 minutes"),
        (60 * MINUTE, "1 hour"),
        (690 * MINUTE, "11 hours and 30 minutes"),
        (timedelta(days=30, minutes=3), "30 days and 3 minutes"),
        (timedelta(days=2, hours=1, minutes=3), "2 days and 1 hour"),
        (-MINUTE, "0 seconds"),
    ],
)
def test_lengths_are_for_people(length: timedelta, words: str) -> None:
    assert duration(length) == words


def leaving(grace: timedelta, **facts: Any) -> StreamingSession:
    order = Vacating(at=NOW + grace, since=NOW, reason="new disks")
    return a_session(S.READY, host="n2", vacating=order, **facts)


def test_a_host_that_is_taken_out_comes_before_what_is_later() -> None:
    late = NOW + 60 * MINUTE
    coming = next_action(leaving(30 * MINUTE, stop_at=late))
    assert coming is not None
    assert (coming.rule, coming.action, coming.allowed) == (
        Rule.HOST_EVACUATION,
        ActionKind.STOP,
        30 * MINUTE,
    )
    assert coming.message == (
        "The workstation will be stopped at 2030-01-01 09:30 UTC, because the host n2 is taken out "
        "for maintenance (new disks)."
    )
    # Whatever comes earlier for another reason keeps its moment.
    earlier = next_action(leaving(30 * MINUTE, stop_at=NOW + 10 * MINUTE))
    assert earlier is not None
    assert (earlier.rule, earlier.at) == (Rule.MAX_SESSION_LENGTH, NOW + 10 * MINUTE)
    once = next_action(leaving(30 * MINUTE, session_persistence_mode=OFF))
    assert once is not None
    assert once.action is ActionKind.TERMINATE


def test_it_is_said_at_once_and_then_as_any_end() -> None:
    session = leaving(20 * MINUTE)
    first = due_announcement(session, RULES, NOW)
    assert first is not None
    assert first.title == "This workstation stops in 20 minutes"
    assert first.text == (
        "The host n2 is taken out for maintenance (new disks). Save your work; its disk is kept."
    )
    told = msgspec.structs.replace(session, warned_end=first.end, warned_before=20 * 60)
    assert due_announcement(told, RULES, NOW) is None
    assert next_announcement_at(told, RULES, NOW) == NOW + 5 * MINUTE
    later = due_announcement(told, RULES, NOW + 5 * MINUTE)
    assert later is not None
    assert later.before == 15 * MINUTE
    # One that is told less than a minute before is told loudly.
    short = due_announcement(leaving(40 * SECOND), RULES, NOW)
    assert short is not None
    assert short.urgent
    moves = due_announcement(leaving(20 * MINUTE, moves_when_evacuated=True), RULES, NOW)
    assert moves is not None
    assert moves.text.endswith("Save your work; it goes on elsewhere with a copy of its disk.")


def test_only_who_runs_counts_down_to_it() -> None:
    stopped = msgspec.structs.replace(leaving(20 * MINUTE), state=S.STOPPED)
    assert next_action(stopped) is None
