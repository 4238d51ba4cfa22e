"""What is to be done with a session, row by row: its state, what is seen, what time it is."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from soundstage.engines.interface import Observed, Phase, Reason, Use
from soundstage.kit.machine import READABLE_FOR
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    SessionBackupMode,
    SessionPersistenceMode,
)
from soundstage.resources.sessions.absence import Absence
from soundstage.resources.sessions.lifecycle import (
    BESIDE,
    HEALTH_EVERY,
    MACHINE,
    SETTLED_EVERY,
    USE_EVERY,
    Act,
    Situation,
    Step,
    blind_step,
    changes_of,
    counted_anew,
    is_busy,
    is_use_wanted,
    next_step,
)
from soundstage.resources.sessions.model import (
    Activity,
    StreamingSession,
    Vacating,
    VolumeRetentionMode,
)
from soundstage.testing import rows

S, C, P = StreamingSessionState, StreamingSessionStatusCode, Phase
NOW = rows.NOW
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def a_session(
    state: StreamingSessionState, age: timedelta = SECOND, **facts: Any
) -> StreamingSession:
    """Make a persistent session on its second attempt that entered its state `age` ago."""
    plain = {
        "state_since": NOW - age,
        "session_persistence_mode": SessionPersistenceMode.ACTIVATED,
        "attempt": 2,
        "running_attempt": 2,
        "stop_number": 1,
        "host": "n1",
    }
    return rows.session(state=state, **(plain | facts))


def a_backup(state: StreamingSessionState, age: timedelta = SECOND) -> StreamingSessionBackup:
    return rows.backup(
        state=state,
        state_since=NOW - age,
        status_code=C.INTERNAL_ERROR,
        status_message="The store is full.",
    )


def test_a_start_without_room_has_prepared_ones_given_up_for_as_long_as_it_may_take() -> None:
    refused = seen(P.FAILED, detail="There is no room.", reason=Reason.CAPACITY)
    situation = Situation(may_make_room=True)
    for state in (S.CREATE_IN_PROGRESS, S.START_IN_PROGRESS):
        step = next_step(a_session(state), None, refused, NOW, situation)
        assert (step.act, step.event) == (Act.NOTHING, "make room")
        assert step.again_at is not None
        assert NOW < step.again_at < NOW + SECOND
        late = a_session(state, timedelta(hours=13))
        assert next_step(late, None, refused, NOW, situation).event == "failed"
    healing = a_session(S.READY, attempt=3, heals=[NOW - SECOND])
    assert next_step(healing, None, refused, NOW, situation).event == "make room"
    none = next_step(a_session(S.CREATE_IN_PROGRESS), None, refused, NOW)
    assert (none.event, none.code) == ("failed", C.INSUFFICIENT_CAPACITY)


@pytest.mark.parametrize(
    ("was_prepared", "attempt", "phase", "reason", "event"),
    [
        (True, 1, P.STOPPED, Reason.INTERNAL, "begin anew"),
        (True, 1, P.FAILED, Reason.INTERNAL, "begin anew"),
        # A script of the person's own has failed: so it would again.
        (True, 1, P.FAILED, Reason.SCRIPT, "failed"),
        (True, 2, P.FAILED, Reason.INTERNAL, "failed"),
        (False, 1, P.FAILED, Reason.INTERNAL, "failed"),
        (True, 1, P.RUNNING, Reason.INTERNAL, "ran"),
    ],
)
def test_what_was_dead_when_it_was_handed_over_is_nobodys_failure(
    was_prepared: bool, attempt: int, phase: Phase, reason: Reason, event: str
) -> None:
    session = a_session(S.CREATE_IN_PROGRESS, attempt=attempt, was_prepared=was_prepared)
    observed = seen(phase, attempt=attempt, reason=reason)
    assert next_step(session, None, observed, NOW).event == event


def test_one_that_waits_is_had_go_on() -> None:
    session = a_session(S.CREATE_IN_PROGRESS, attempt=1, was_prepared=True)
    assert next_step(session, None, seen(P.PREPARED, attempt=1), NOW).act is Act.RUN
    # What is left of an older attempt is in the way.
    older = a_session(S.START_IN_PROGRESS)
    assert next_step(older, None, seen(P.PREPARED, attempt=1), NOW).act is Act.STOP


def seen(phase: Phase, attempt: int | None = 2, volume: int | None = 0, **facts: Any) -> Observed:
    return Observed(phase=phase, attempt=attempt, volume_generation=volume, **facts)


def step(
    session: StreamingSession,
    observed: Observed,
    backup: StreamingSessionBackup | None = None,
    **situation: Any,
) -> Step:
    return next_step(session, backup, observed, NOW, Situation(**situation))


AT_REST = (P.STOPPED, P.FAILED, P.ABSENT)
MOVING = (P.STARTING, P.RUNNING, P.STOPPING)
LATE_CREATE = 10 * MINUTE + SECOND
LATE_START = timedelta(hours=12, seconds=1)
LATE_STOP = 2 * MINUTE + SECOND


@pytest.mark.parametrize(
    ("state", "age", "phase", "attempt", "act", "event"),
    [
        # What this attempt came to counts, also after the deadline.
        (S.CREATE_IN_PROGRESS, SECOND, P.RUNNING, 2, Act.NOTHING, "ran"),
        (S.CREATE_IN_PROGRESS, LATE_CREATE, P.RUNNING, 2, Act.NOTHING, "ran"),
        (S.CREATE_IN_PROGRESS, SECOND, P.FAILED, 2, Act.NOTHING, "failed"),
        (S.START_IN_PROGRESS, SECOND, P.RUNNING, 2, Act.NOTHING, "ran"),
        (S.START_IN_PROGRESS, SECOND, P.FAILED, 2, Act.NOTHING, "failed"),
        # An earlier attempt says nothing about this one.
        (S.START_IN_PROGRESS, SECOND, P.FAILED, 1, Act.RUN, None),
        (S.START_IN_PROGRESS, SECOND, P.STOPPING, 1, Act.RUN, None),
        # One that was given up and still is on its way stands in the way of this one.
        (S.START_IN_PROGRESS, SECOND, P.RUNNING, 1, Act.STOP, None),
        (S.START_IN_PROGRESS, SECOND, P.STARTING, 1, Act.STOP, None),
        (S.CREATE_IN_PROGRESS, SECOND, P.ABSENT, None, Act.RUN, None),
        (S.START_IN_PROGRESS, SECOND, P.STOPPED, 1, Act.RUN, None),
        # It had ended before anybody saw it run.
        (S.CREATE_IN_PROGRESS, SECOND, P.STOPPED, 2, Act.NOTHING, "failed"),
        # On its way.
        (S.CREATE_IN_PROGRESS, SECOND, P.STARTING, 2, Act.RUN, None),
        (S.CREATE_IN_PROGRESS, 10 * MINUTE, P.STARTING, 2, Act.RUN, None),
        # Too late.
        (S.CREATE_IN_PROGRESS, LATE_CREATE, P.STARTING, 2, Act.STOP, "failed"),
        (S.CREATE_IN_PROGRESS, LATE_CREATE, P.ABSENT, None, Act.STOP, "failed"),
        (S.START_IN_PROGRESS, LATE_CREATE, P.STARTING, 2, Act.RUN, None),
        (S.START_IN_PROGRESS, LATE_START, P.STARTING, 2, Act.STOP, "failed"),
        (S.START_IN_PROGRESS, LATE_START, P.FAILED, 1, Act.STOP, "failed"),
    ],
)
def test_bringing_up(
    *,
    state: StreamingSessionState,
    age: timedelta,
    phase: Phase,
    attempt: int | None,
    act: Act,
    event: str | None,
) -> None:
    decided = step(a_session(state, age), seen(phase, attempt))
    assert (decided.act, decided.event) == (act, event)
    assert decided.again_at is None or decided.again_at > NOW


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.CAPACITY, C.INSUFFICIENT_CAPACITY),
        (Reason.IMAGE, C.AMI_VALIDATION_ERROR),
        (Reason.BACKUP, C.INTERNAL_ERROR),
        (Reason.SCRIPT, C.INITIALIZATION_SCRIPT_ERROR),
        (Reason.DIRECTORY, C.ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR),
        (Reason.MOUNT, C.NETWORK_CONNECTION_ERROR),
        (Reason.INTERNAL, C.INTERNAL_ERROR),
    ],
)
def test_a_failure_says_which_way_and_why(reason: Reason, code: StreamingSessionStatusCode) -> None:
    decided = step(
        a_session(S.CREATE_IN_PROGRESS), seen(P.FAILED, reason=reason, detail="Because.")
    )
    assert (decided.event, decided.code, decided.message) == ("failed", code, "Because.")


def test_the_first_run_and_a_later_one_have_their_own_codes() -> None:
    first = step(a_session(S.CREATE_IN_PROGRESS), seen(P.RUNNING))
    later = step(a_session(S.START_IN_PROGRESS), seen(P.RUNNING))
    assert (first.code, later.code) == (C.STREAMING_SESSION_READY, C.STREAMING_SESSION_STARTED)


def test_looks_grow_rare_while_it_takes_long() -> None:
    def pause(age: timedelta) -> timedelta:
        again_at = step(a_session(S.START_IN_PROGRESS, age), seen(P.STARTING)).again_at
        assert again_at is not None
        return again_at - NOW

    pauses = [pause(timedelta(seconds=seconds)) for seconds in (0, 2, 20, 4000)]
    assert pauses[0] == timedelta(milliseconds=150)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("known", "pause"),
    [(-1, 0.15), (0.1, 0.15), (0.8, 0.8), (1.9, 1.9), (60, 2)],
    ids=str,
)
def test_an_engine_that_knows_when_is_asked_then(known: float, pause: float) -> None:
    observed = msgspec.structs.replace(seen(P.STARTING), until=NOW + timedelta(seconds=known))
    again_at = step(a_session(S.START_IN_PROGRESS), observed).again_at
    assert again_at == NOW + timedelta(seconds=pause)


@pytest.mark.parametrize(("waited", "pause"), [(0, 1), (5, 1), (15, 1.5), (600, 2)])
def test_an_engine_that_gives_notice_is_left_alone(waited: int, pause: float) -> None:
    observed = msgspec.structs.replace(seen(P.STARTING), is_noticed=True)
    session = a_session(S.START_IN_PROGRESS, state_since=NOW - waited * SECOND)
    assert step(session, observed).again_at == NOW + pause * SECOND


PAST, FUTURE = NOW, NOW + SECOND


@pytest.mark.parametrize(
    ("facts", "phase", "attempt", "act", "event"),
    [
        # All is well.
        ({}, P.RUNNING, 2, Act.NOTHING, None),
        ({"stop_at": NOW + 16 * MINUTE}, P.RUNNING, 2, Act.NOTHING, None),
        ({"stop_at": FUTURE}, P.RUNNING, 2, Act.NOTHING, "announce"),
        # Its time is up, whatever is seen.
        ({"stop_at": PAST}, P.RUNNING, 2, Act.NOTHING, "stop"),
        ({"stop_at": PAST}, P.STOPPED, 2, Act.NOTHING, "stop"),
        ({"terminate_at": PAST}, P.RUNNING, 2, Act.NOTHING, "delete"),
        # It died.
        ({}, P.STOPPED, 2, Act.NOTHING, "heal"),
        ({}, P.FAILED, 2, Act.NOTHING, "heal"),
        ({}, P.ABSENT, None, Act.NOTHING, "heal"),
        # It is being started again: what is seen of the attempt before is old news.
        ({"attempt": 3, "heals": [NOW]}, P.STOPPED, 2, Act.RUN, None),
        ({"attempt": 3, "heals": [NOW]}, P.FAILED, 2, Act.RUN, None),
        ({"attempt": 3, "heals": [NOW]}, P.ABSENT, None, Act.RUN, None),
        ({"attempt": 3, "heals": [NOW]}, P.STARTING, 3, Act.RUN, None),
        # A heal that took too long stands in the way of the next.
        ({"attempt": 3, "heals": [NOW]}, P.STARTING, 2, Act.STOP, None),
        ({"attempt": 3, "heals": [NOW]}, P.RUNNING, 3, Act.NOTHING, "healed"),
        # That failed too, or takes too long.
        ({"attempt": 3, "heals": [NOW]}, P.FAILED, 3, Act.NOTHING, "heal"),
        ({"attempt": 3, "heals": [NOW - 2 * MINUTE]}, P.STARTING, 3, Act.RUN, None),
        ({"attempt": 3, "heals": [NOW - 3 * MINUTE]}, P.STARTING, 3, Act.NOTHING, "heal"),
        # Two heals in ten minutes are borne, three are not, unless they are long ago.
        ({"heals": [NOW - 9 * MINUTE] * 2}, P.STOPPED, 2, Act.NOTHING, "heal"),
        ({"heals": [NOW - 9 * MINUTE] * 3}, P.STOPPED, 2, Act.STOP, "collapsed"),
        ({"heals": [NOW - 10 * MINUTE] * 3}, P.STOPPED, 2, Act.NOTHING, "heal"),
        # An engine in between two answers is asked again.
        ({}, P.STARTING, 2, Act.NOTHING, None),
    ],
)
def test_keeping_up(
    facts: dict[str, Any], phase: Phase, attempt: int | None, act: Act, event: str | None
) -> None:
    decided = step(a_session(S.READY, **facts), seen(phase, attempt))
    assert (decided.act, decided.event) == (act, event)
    assert decided.again_at is not None
    is_well = phase is P.RUNNING and event is None
    assert decided.again_at <= NOW + (SETTLED_EVERY if is_well else HEALTH_EVERY)


def test_one_that_may_not_be_stopped_collapses_for_good() -> None:
    session = a_session(
        S.READY,
        heals=[NOW] * 3,
        session_persistence_mode=SessionPersistenceMode.DEACTIVATED,
    )
    decided = step(session, seen(P.STOPPED))
    assert (decided.event, decided.code) == ("collapsed for good", C.INTERNAL_ERROR)
    assert "died 4 times" in decided.message


def test_a_heal_says_what_happened_and_when() -> None:
    decided = step(a_session(S.READY), seen(P.STOPPED))
    assert "2030-01-01 09:00:00 UTC" in decided.message


def test_the_next_look_is_not_after_the_planned_end() -> None:
    given: dict[str, Any] = {"warned_end": FUTURE, "warned_before": 60}
    decided = step(a_session(S.READY, stop_at=FUTURE, **given), seen(P.RUNNING))
    assert decided.again_at == FUTURE


BACKED: dict[str, Any] = {"backup_mode": SessionBackupMode.AUTOMATIC, "max_backups_to_retain": 2}
GOING: dict[str, Any] = {**BACKED, "volume_retention_mode": VolumeRetentionMode.DELETE}
COPYING, KEPT, LOST = S.CREATE_IN_PROGRESS, S.READY, S.CREATE_FAILED


@pytest.mark.parametrize(
    ("age", "phase", "volume", "rules", "backup", "act", "event"),
    [
        # Down first.
        (SECOND, P.RUNNING, 0, {}, None, Act.STOP, None),
        (SECOND, P.STARTING, 0, {}, None, Act.STOP, None),
        (LATE_STOP - SECOND, P.STOPPING, 0, {}, None, Act.STOP, None),
        (LATE_STOP, P.STOPPING, 0, {}, None, Act.STOP, "failed"),
        # Down, and no backup is wanted.
        (SECOND, P.STOPPED, 0, {}, None, Act.NOTHING, "rested"),
        (LATE_STOP, P.STOPPED, 0, {}, None, Act.NOTHING, "rested"),
        (SECOND, P.FAILED, 0, {}, None, Act.NOTHING, "rested"),
        (SECOND, P.STOPPED, 0, BACKED | {"max_backups_to_retain": 0}, None, Act.NOTHING, "rested"),
        # A backup: begun, waited for however long it takes, done.
        (SECOND, P.STOPPED, 0, BACKED, None, Act.NOTHING, "begin backup"),
        (SECOND, P.STOPPED, 0, BACKED, COPYING, Act.NOTHING, None),
        (60 * MINUTE, P.STOPPED, 0, BACKED, COPYING, Act.NOTHING, None),
        (SECOND, P.STOPPED, 0, BACKED, KEPT, Act.NOTHING, "rested"),
        (SECOND, P.STOPPED, 0, BACKED, LOST, Act.NOTHING, "rested"),
        # Nothing there that could be copied.
        (SECOND, P.ABSENT, None, BACKED, None, Act.NOTHING, "rested"),
        # The disk goes only when its backup is READY.
        (SECOND, P.STOPPED, 0, GOING, None, Act.NOTHING, "begin backup"),
        (SECOND, P.STOPPED, 0, GOING, COPYING, Act.NOTHING, None),
        (60 * MINUTE, P.STOPPED, 0, GOING, KEPT, Act.REMOVE_VOLUME, None),
        (SECOND, P.STOPPED, None, GOING, KEPT, Act.NOTHING, "rested"),
        (SECOND, P.STOPPED, 0, GOING, LOST, Act.NOTHING, "rested"),
    ],
)
def test_bringing_down(
    *,
    age: timedelta,
    phase: Phase,
    volume: int | None,
    rules: dict[str, Any],
    backup: StreamingSessionState | None,
    act: Act,
    event: str | None,
) -> None:
    session = a_session(S.STOP_IN_PROGRESS, age, **rules)
    made = None if backup is None else a_backup(backup)
    decided = step(session, seen(phase, volume=volume), made)
    assert (decided.act, decided.event) == (act, event)


def test_what_stopped_by_itself_says_for_good_why() -> None:
    rule = "its launch profile lets it run for 8 hours"
    told = f"The workstation was stopped because {rule}."
    for because, kept in ((rule, told), (None, "The workstation is stopped.")):
        # Whatever was told on the way.
        session = a_session(S.STOP_IN_PROGRESS, stopped_because=because, status_message="Waiting.")
        assert step(session, seen(P.STOPPED)).message == kept


def test_a_failed_backup_is_told_and_the_disk_kept() -> None:
    decided = step(a_session(S.STOP_IN_PROGRESS, **GOING), seen(P.STOPPED), a_backup(LOST))
    assert decided.message.endswith("Its backup failed, so its disk is kept: The store is full.")


def test_a_disk_that_can_not_be_removed_is_kept_at_last() -> None:
    session = a_session(S.STOP_IN_PROGRESS, 60 * MINUTE, **GOING)
    decided = step(session, seen(P.STOPPED), a_backup(KEPT, LATE_STOP))
    assert (decided.act, decided.event) == (Act.NOTHING, "rested")
    assert "could not be removed" in decided.message


@pytest.mark.parametrize("phase", Phase)
def test_a_stopped_session_is_terminated_when_its_time_is_up(phase: Phase) -> None:
    decided = step(a_session(S.STOPPED, terminate_at=PAST), seen(phase))
    assert decided.event == "delete"


@pytest.mark.parametrize("terminate_at", [None, FUTURE])
def test_a_stopped_session_is_left_alone(terminate_at: datetime | None) -> None:
    for phase in AT_REST:
        assert step(a_session(S.STOPPED, terminate_at=terminate_at), seen(phase)) == Step(
            again_at=terminate_at
        )


@pytest.mark.parametrize(
    "state", [S.STOPPED, S.CREATE_FAILED, S.START_FAILED, S.STOP_FAILED, S.DELETE_FAILED]
)
def test_nothing_goes_on_running_unseen(state: StreamingSessionState) -> None:
    for phase in MOVING:
        decided = step(a_session(state, 99 * MINUTE), seen(phase))
        assert (decided.act, decided.event) == (Act.STOP, None)
        assert decided.again_at == NOW + HEALTH_EVERY
    for phase in AT_REST:
        assert step(a_session(state, 99 * MINUTE), seen(phase)) == Step()


@pytest.mark.parametrize(
    ("age", "phase", "act", "event"),
    [
        (SECOND, P.RUNNING, Act.REMOVE, None),
        (SECOND, P.STOPPED, Act.REMOVE, None),
        (SECOND, P.FAILED, Act.REMOVE, None),
        (SECOND, P.ABSENT, Act.NOTHING, "gone"),
        (11 * MINUTE, P.ABSENT, Act.NOTHING, "gone"),
        (11 * MINUTE, P.STOPPING, Act.NOTHING, "failed"),
    ],
)
def test_removing(age: timedelta, phase: Phase, act: Act, event: str | None) -> None:
    decided = step(a_session(S.DELETE_IN_PROGRESS, age), seen(phase))
    assert (decided.act, decided.event) == (act, event)


def test_a_deleted_session_is_read_for_a_day_and_then_purged() -> None:
    young = a_session(S.DELETED, READABLE_FOR - SECOND)
    assert step(young, seen(P.ABSENT)) == Step(again_at=NOW + SECOND)
    assert step(a_session(S.DELETED, READABLE_FOR), seen(P.ABSENT)) == Step(event="purge")


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("state", S)
def test_only_what_the_table_allows_is_decided(state: StreamingSessionState, phase: Phase) -> None:
    beside = {None, *BESIDE}
    for age in (SECOND, timedelta(days=2)):
        for attempt in (1, 2):
            for backup in (None, a_backup(COPYING), a_backup(KEPT), a_backup(LOST)):
                facts = {**GOING, "stop_at": PAST} if attempt == 1 else {**BACKED}
                session = a_session(state, age, **facts)
                decided = step(session, seen(phase, attempt), backup)
                assert decided.event in beside or MACHINE.allows(state, decided.event or "")
                is_passing = state in MACHINE.limits
                # What is in progress is always looked at again, or has come to its end.
                assert not is_passing or decided.again_at or decided.event == "failed"


@pytest.mark.parametrize(
    ("state", "age", "backup", "facts", "event"),
    [
        (S.CREATE_IN_PROGRESS, SECOND, None, {}, None),
        (S.CREATE_IN_PROGRESS, LATE_CREATE, None, {}, "failed"),
        (S.START_IN_PROGRESS, LATE_START, None, {}, "failed"),
        (S.STOP_IN_PROGRESS, LATE_STOP, None, {}, "failed"),
        # The workstation was seen down before the backup was begun.
        (S.STOP_IN_PROGRESS, LATE_STOP, COPYING, {}, None),
        (S.DELETE_IN_PROGRESS, 11 * MINUTE, None, {}, "failed"),
        # Not answering is not dying.
        (S.READY, 99 * MINUTE, None, {}, None),
        (S.READY, SECOND, None, {"attempt": 3, "heals": [NOW - 99 * MINUTE]}, None),
        (S.READY, SECOND, None, {"stop_at": PAST}, "stop"),
        (S.READY, SECOND, None, {"terminate_at": PAST}, "delete"),
        (S.STOPPED, 99 * MINUTE, None, {}, None),
    ],
)
def test_an_engine_that_can_not_say_leaves_it_to_time(
    state: StreamingSessionState,
    age: timedelta,
    backup: StreamingSessionState | None,
    facts: dict[str, Any],
    event: str | None,
) -> None:
    made = None if backup is None else a_backup(backup)
    again_at = NOW + 5 * SECOND
    decided = blind_step(
        a_session(state, age, **facts), made, why="No answer.", again_at=again_at, now=NOW
    )
    assert (decided.act, decided.event) == (Act.NOTHING, event)
    if event is None:
        assert decided.again_at == again_at


def unreached(state: StreamingSessionState) -> Step:
    why = "The host n2 does not answer."
    return blind_step(a_session(state), None, why=why, again_at=NOW, now=NOW, absence=Absence())


def test_a_session_says_that_its_host_does_not_answer_and_when_it_does_again() -> None:
    assert unreached(S.STOPPED) == Step(again_at=NOW)
    decided = unreached(S.READY)
    told = "Out of reach. The host n2 does not answer."
    assert decided == Step(event="lost", again_at=NOW, message=told)
    away = a_session(S.READY, unreachable_since=NOW)
    again = step(away, seen(P.RUNNING))
    assert (again.event, again.message) == ("found", "The workstation can be reached again.")
    # Of one that was stopped meanwhile that says nothing.
    again = step(a_session(S.STOP_FAILED, unreachable_since=NOW), seen(P.STOPPED))
    assert (again.event, again.message) == ("found", "")


ENDLESS: dict[str, Any] = {}
ENDING: dict[str, Any] = {
    "automatic_termination_mode": AutomaticTerminationMode.ACTIVATED,
    "max_stopped_session_length_in_minutes": 60,
}
ONCE: dict[str, Any] = {"session_persistence_mode": SessionPersistenceMode.DEACTIVATED}
RAN = {
    "running_attempt": 2,
    "previous_volume_generation": 0,
    "is_volume_deleted": False,
    "active_at": NOW,
    "active_by": Activity.START,
    "use_at": None,
    "use_seconds": None,
    "warned_end": None,
    "warned_before": None,
    "host": "n1",
}
SESSION_S_END, HOUR_S_END = NOW + 690 * MINUTE, NOW + 60 * MINUTE
COLLAPSED = {
    "vacating": None,
    "stop_at": None,
    "stopped_at": NOW,
    "stopped_by": "soundstage",
    "stopped_because": None,
    "stopped_by_rule": None,
}


@pytest.mark.parametrize(
    ("state", "event", "rules", "volume", "changes"),
    [
        # It stops when its time is up, or ends where it may not be stopped.
        (S.CREATE_IN_PROGRESS, "ran", ENDLESS, 0, RAN | {"stop_at": SESSION_S_END}),
        (S.CREATE_IN_PROGRESS, "ran", ONCE, 0, RAN | {"terminate_at": SESSION_S_END}),
        # The generation that it runs on is the one to go back to from now on.
        (
            S.START_IN_PROGRESS,
            "ran",
            {"volume_generation": 2, "is_volume_deleted": True},
            2,
            RAN | {"stop_at": SESSION_S_END, "previous_volume_generation": 2},
        ),
        (
            S.STOP_IN_PROGRESS,
            "rested",
            ENDLESS,
            0,
            {"is_volume_deleted": False, "terminate_at": None},
        ),
        (
            S.STOP_IN_PROGRESS,
            "rested",
            ENDING,
            None,
            {"is_volume_deleted": True, "terminate_at": HOUR_S_END},
        ),
        (S.READY, "collapsed", ENDLESS, 0, COLLAPSED | {"terminate_at": None}),
        (S.READY, "collapsed", ENDING, 0, COLLAPSED | {"terminate_at": HOUR_S_END}),
        (S.READY, "collapsed for good", ONCE, 0, {"stop_at": None, "terminate_at": None}),
        # A failed restore leaves what was there before, if anything.
        (
            S.START_IN_PROGRESS,
            "failed",
            {"volume_generation": 2, "previous_volume_generation": 1},
            1,
            {"volume_generation": 1},
        ),
        (
            S.START_IN_PROGRESS,
            "failed",
            {"volume_generation": 2, "previous_volume_generation": 1},
            None,
            {"volume_generation": 1},
        ),
        (S.START_IN_PROGRESS, "failed", {"volume_generation": 2}, 2, {"volume_generation": 2}),
        (S.CREATE_IN_PROGRESS, "failed", {}, None, {}),
        (S.STOP_IN_PROGRESS, "failed", {}, 0, {}),
        (S.DELETE_IN_PROGRESS, "gone", {}, None, {}),
    ],
)
def test_what_changes_with_a_transition(
    *,
    state: StreamingSessionState,
    event: str,
    rules: dict[str, Any],
    volume: int | None,
    changes: dict[str, Any],
) -> None:
    assert MACHINE.allows(state, event)
    session = a_session(state, **rules)
    assert changes_of(session, event, seen(P.STOPPED, volume=volume), NOW) == changes


AWAKE: dict[str, Any] = {
    "idle_stop_in_minutes": 60,
    "active_at": NOW - 30 * MINUTE,
    "active_by": Activity.INPUT,
    "use_at": NOW - 30 * SECOND,
    "use_seconds": 10.0,
}
ASLEEP = AWAKE | {"active_at": NOW - 60 * MINUTE, "use_at": NOW}


@pytest.mark.parametrize(
    ("facts", "event"),
    [
        (AWAKE, None),
        (ASLEEP, "stop"),
        (ASLEEP | ONCE, "delete"),
        (ASLEEP | {"idle_stop_in_minutes": 0}, None),
        (ASLEEP | {"idle_stop_in_minutes": 61}, "announce"),
        # What it did up to its end may have kept it awake, so it is measured first.
        (ASLEEP | {"use_at": NOW - SECOND}, None),
        # The earlier of two ends comes, and comes alone.
        (ASLEEP | {"stop_at": NOW + SECOND}, "stop"),
        (ASLEEP | {"stop_at": NOW}, "stop"),
    ],
)
def test_nobody_s_workstation_is_stopped(facts: dict[str, Any], event: str | None) -> None:
    decided = step(a_session(S.READY, **facts), seen(P.RUNNING))
    assert decided.event == event
    assert decided.again_at is not None
    if event is None:
        assert NOW < decided.again_at <= NOW + max(USE_EVERY, SETTLED_EVERY)


def test_a_stop_for_idleness_says_since_when_and_how_that_is_known() -> None:
    decided = step(a_session(S.READY, **ASLEEP), seen(P.RUNNING))
    assert decided.message == (
        "The workstation was stopped because it has been idle since 2030-01-01 08:00 UTC (when a "
        "pointer or a key was last used) and its launch profile allows 1 hour of that."
    )
    assert decided.message == f"The workstation was stopped because {decided.because}."


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({}, False),
        (AWAKE, False),
        (AWAKE | {"use_at": None}, True),
        (AWAKE | {"use_at": NOW - USE_EVERY}, True),
        (AWAKE | {"running_attempt": 1}, False),
        (ASLEEP, False),
        (ASLEEP | {"use_at": NOW - SECOND}, True),
    ],
)
def test_use_is_read_seldom_and_before_an_end(facts: dict[str, Any], *, wanted: bool) -> None:
    assert is_use_wanted(a_session(S.READY, **facts), NOW) is wanted
    if wanted:
        decided = step(a_session(S.READY, **facts), seen(P.RUNNING), use=Use(cpu_seconds=1))
        assert (decided.event, decided.again_at) == ("measured", NOW)


@pytest.mark.parametrize(
    ("facts", "used", "busy"),
    [
        ({}, 17.4, False),
        ({}, 17.5, True),
        # The first reading tells nothing, a restart counts from nought.
        ({"use_at": None, "use_seconds": None}, 1000.0, False),
        ({}, 7.4, False),
        ({}, 7.5, True),
        ({"use_at": NOW}, 1000.0, False),
    ],
)
def test_programs_at_work_are_no_idleness(
    facts: dict[str, Any], used: float, *, busy: bool
) -> None:
    session = a_session(S.READY, **AWAKE | facts)
    assert is_busy(session, Use(cpu_seconds=used), Situation().rules, NOW) is busy


HOUR, MONTH = timedelta(hours=1), timedelta(days=31)


@pytest.mark.parametrize(
    ("state", "facts", "missed", "changes"),
    [
        # On time, or late by itself: nothing is counted anew.
        (S.STOP_IN_PROGRESS, {"age": 3 * MINUTE}, SECOND, {}),
        (S.READY, {"age": HOUR} | ASLEEP, SECOND, {}),
        (S.READY, {"stop_at": NOW - MONTH}, MONTH, {}),
        (S.STOPPED, {"terminate_at": NOW - MONTH}, MONTH, {}),
        # The service was away, or time leapt: nothing has failed before it was tried.
        (S.CREATE_IN_PROGRESS, {"age": MONTH}, MONTH, {"state_since": NOW}),
        (S.STOP_IN_PROGRESS, {"age": 3 * MINUTE}, 2 * MINUTE, {"state_since": NOW}),
        (S.STOP_IN_PROGRESS, {"age": MINUTE}, MINUTE, {}),
        (S.READY, ASLEEP, HOUR, {"active_at": NOW, "active_by": Activity.SERVICE}),
        # The clock was set back by hours: moments that lie ahead are nobody's plan.
        (S.STOP_IN_PROGRESS, {"age": -HOUR}, SECOND, {"state_since": NOW}),
        (S.STOP_IN_PROGRESS, {"age": -SECOND}, SECOND, {}),
        (S.READY, AWAKE | {"active_at": NOW + HOUR}, SECOND, {"active_at": NOW}),
        (S.READY, AWAKE | {"use_at": NOW + HOUR}, SECOND, {"use_at": NOW}),
        (S.READY, {"heals": [NOW - HOUR, NOW + HOUR]}, SECOND, {"heals": [NOW - HOUR, NOW]}),
        (S.READY, {"stop_at": NOW + MONTH}, SECOND, {"stop_at": NOW + 690 * MINUTE}),
        (S.READY, {"stop_at": NOW + 690 * MINUTE}, SECOND, {}),
        (S.READY, ONCE | {"terminate_at": NOW + MONTH}, SECOND, {"terminate_at": SESSION_S_END}),
        (S.STOPPED, ENDING | {"terminate_at": NOW + MONTH}, SECOND, {"terminate_at": HOUR_S_END}),
    ],
)
def test_after_an_outage_or_a_leap_of_the_clock_some_is_counted_anew(
    state: StreamingSessionState,
    facts: dict[str, Any],
    missed: timedelta,
    changes: dict[str, Any],
) -> None:
    known = dict(facts)
    session = a_session(state, known.pop("age", SECOND), **known)
    assert counted_anew(session, missed, NOW) == changes
    decided = step(session, seen(P.RUNNING), missed=missed)
    assert (decided.event == "count anew") is bool(changes)
    # Once is enough.
    assert counted_anew(msgspec.structs.replace(session, **changes), timedelta(0), NOW) == {}


def test_an_announcement_is_made_where_somebody_can_see_it() -> None:
    coming = a_session(S.READY, stop_at=NOW + 5 * MINUTE)
    decided = step(coming, seen(P.RUNNING))
    assert decided.event == "announce"
    assert decided.announcement is not None
    healing = msgspec.structs.replace(coming, attempt=3, heals=[NOW])
    assert step(healing, seen(P.STARTING, 3)).event is None


@pytest.mark.parametrize("state", [S.CREATE_IN_PROGRESS, S.START_IN_PROGRESS])
def test_a_start_waits_as_long_as_its_scripts_may_take(state: StreamingSessionState) -> None:
    limit = LATE_CREATE if state is S.CREATE_IN_PROGRESS else LATE_START
    scripts = timedelta(minutes=30)
    late = a_session(state, limit + timedelta(minutes=29))
    assert step(late, seen(P.STARTING)).event == "failed"
    assert step(late, seen(P.STARTING), patience=scripts).event is None
    later = a_session(state, limit + timedelta(minutes=31))
    assert step(later, seen(P.STARTING), patience=scripts).event == "failed"
    for patience, event in ((timedelta(0), "failed"), (scripts, None)):
        unseen = blind_step(late, None, why="x", again_at=NOW + SECOND, now=NOW, patience=patience)
        assert unseen.event == event


def test_a_heal_waits_as_long_as_its_scripts_may_take() -> None:
    began = [NOW - timedelta(minutes=5)]
    healing = a_session(S.READY, running_attempt=1, heals=began)
    assert step(healing, seen(P.STARTING)).event == "heal"
    assert step(healing, seen(P.STARTING), patience=timedelta(minutes=10)).event is None


ORDER = Vacating(at=NOW, since=NOW - 30 * MINUTE, reason="new disks")
LEAVING: dict[str, Any] = {
    "vacating": ORDER,
    "backup_mode": SessionBackupMode.AUTOMATIC,
    "max_backups_to_retain": 2,
}
WHY = "because the host n1 is taken out for maintenance (new disks)"


@pytest.mark.parametrize(
    ("moves", "backup", "said"),
    [
        (False, S.READY, "Start it to go on elsewhere from its backup, or when the host is back."),
        (True, S.READY, "It goes on elsewhere from its backup."),
        (True, S.CREATE_FAILED, "It can be started again when the host is back. Its backup failed"),
    ],
)
def test_one_that_left_its_host_says_why_and_what_can_be_done(
    *, moves: bool, backup: StreamingSessionState, said: str
) -> None:
    session = a_session(S.STOP_IN_PROGRESS, moves_when_evacuated=moves, **LEAVING)
    step = next_step(session, a_backup(backup), seen(P.STOPPED), NOW)
    assert step.event == "rested"
    assert step.message.startswith(f"The workstation is stopped {WHY}. {said}")


@pytest.mark.parametrize(
    ("state", "facts", "backup", "moves"),
    [
        (S.STOPPED, {}, S.READY, True),
        # Nothing is lost of what it did, or it stays where that is.
        (S.STOPPED, {}, S.CREATE_FAILED, False),
        (S.STOPPED, {}, None, False),
        # Somebody stopped it, or the host is open again.
        (S.STOPPED, {"vacating": None}, S.READY, False),
        (S.STOPPED, {"moves_when_evacuated": False}, S.READY, False),
        # It runs: that is for the worker of hosts to end.
        (S.READY, {}, S.READY, False),
    ],
)
def test_it_goes_on_elsewhere_from_the_backup_of_its_stop_alone(
    *,
    state: StreamingSessionState,
    facts: dict[str, Any],
    backup: StreamingSessionState | None,
    moves: bool,
) -> None:
    session = a_session(state, **{**LEAVING, "moves_when_evacuated": True, **facts})
    made = None if backup is None else a_backup(backup)
    phase = P.RUNNING if state is S.READY else P.STOPPED
    step = next_step(session, made, seen(phase), NOW)
    assert (step.event == "move") is moves
    # Its host may be off by then.
    blind = blind_step(session, made, why="It is off.", again_at=NOW, now=NOW)
    assert (blind.event == "move") is moves


def test_the_host_that_is_seen_is_written_down_once() -> None:
    session = a_session(S.READY, host=None)
    observed = msgspec.structs.replace(seen(P.RUNNING), host="n2")
    assert next_step(session, None, observed, NOW) == Step(event="placed", again_at=NOW)
    known = msgspec.structs.replace(session, host="n2")
    assert next_step(known, None, observed, NOW).event is None
