"""A start told step by step: what is kept of it, and what it is told as."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.resources.sessions.test_lifecycle import NOW, S, a_session

from soundstage.engines.interface import Mark, Observed, Phase, Stage
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import journal
from soundstage.resources.sessions import steps
from soundstage.resources.sessions.model import Course, StreamingSession
from soundstage.resources.sessions.steps import Origin
from soundstage.resources.warm_workstations.model import FIRST_ATTEMPT
from soundstage.testing.walks import Studio
from soundstage.testing.world import World, world


def mark(stage: Stage, seconds: float, **facts: Any) -> Mark:
    return Mark(stage=stage, at=NOW + timedelta(seconds=seconds), **facts)


def starting(**facts: Any) -> StreamingSession:
    return a_session(S.START_IN_PROGRESS, timedelta(0), **facts)


def seen(*marks: Mark, phase: Phase = Phase.STARTING, attempt: int = 2, **facts: Any) -> Observed:
    return Observed(phase=phase, attempt=attempt, marks=list(marks), **facts)


def told(session: StreamingSession) -> list[tuple[str, float | None]]:
    return [(each.step.value, each.seconds) for each in steps.taken(session)]


DISK = mark(Stage.DISK, 1)
MACHINE = mark(Stage.MACHINE, 3)
SHARES = mark(Stage.SHARES, 4)
MACHINE_AGAIN = mark(Stage.MACHINE, 6)
TOOLS = mark(Stage.SCRIPT, 7, component="Tools", number=1, of=2)
LOOK = mark(Stage.SCRIPT, 9, component="Look", number=2, of=2)


def test_a_step_lasts_until_the_next_and_one_that_comes_again_is_told_once() -> None:
    session = starting()
    assert told(session) == []
    course = steps.noted(session, seen())
    assert told(starting(course=course)) == [("CAPACITY", None)]
    course = steps.noted(session, seen(DISK, MACHINE, SHARES, MACHINE_AGAIN, TOOLS, LOOK))
    assert told(starting(course=course)) == [
        ("CAPACITY", 1),
        ("DISK", 2),
        ("MACHINE", 2),
        ("SHARES", 2),
        ("SCRIPT", 2),
        ("SCRIPT", None),
    ]
    taken = steps.taken(starting(course=course))
    assert [(each.component, each.number, each.of) for each in taken[-2:]] == [
        ("Tools", 1, 2),
        ("Look", 2, 2),
    ]


@pytest.mark.parametrize(
    ("observed", "seconds"),
    [
        (seen(phase=Phase.RUNNING, since=NOW + timedelta(seconds=8)), 5),
        # The engine does not know, or can't be right.
        (seen(phase=Phase.RUNNING), 6),
        (seen(phase=Phase.RUNNING, since=NOW + timedelta(seconds=2)), 0),
        (seen(phase=Phase.RUNNING, since=NOW + timedelta(seconds=99)), 6),
        (seen(phase=Phase.FAILED, since=NOW + timedelta(seconds=4)), 6),
    ],
)
def test_the_last_step_ends_when_the_desktop_answered(observed: Observed, seconds: float) -> None:
    course = steps.noted(starting(), seen(DISK, MACHINE))
    closed = steps.ended(course, NOW + timedelta(seconds=9), observed)
    assert told(starting(course=closed))[-1] == ("MACHINE", seconds)


def test_what_one_service_saw_is_kept_by_another_that_sees_less() -> None:
    course = steps.noted(starting(), seen(DISK, MACHINE))
    other = steps.noted(starting(course=course), seen(DISK, SHARES))
    assert other.marks == [DISK, MACHINE, SHARES]


def test_another_start_begins_anew() -> None:
    old = Course(begun_at=NOW - timedelta(hours=1), marks=[mark(Stage.DISK, -3000)])
    course = steps.noted(starting(course=old), seen(DISK, attempt=1))
    assert course == Course(begun_at=NOW, marks=[])


def test_what_was_prepared_before_is_no_part_of_a_start() -> None:
    before = [mark(Stage.DISK, -99), mark(Stage.STREAM, -90)]
    facts: dict[str, Any] = {"was_prepared": True, "attempt": FIRST_ATTEMPT}
    course = steps.noted(starting(**facts), seen(*before, TOOLS, attempt=FIRST_ATTEMPT))
    assert told(starting(course=course, **facts)) == [("TAKEOVER", 7), ("SCRIPT", None)]


def test_clocks_that_differ_make_no_time_negative() -> None:
    course = steps.noted(starting(), seen(mark(Stage.DISK, -2), MACHINE))
    assert told(starting(course=course)) == [("CAPACITY", 0), ("DISK", 5), ("MACHINE", None)]


@pytest.mark.parametrize(
    ("facts", "origin"),
    [
        ({"attempt": FIRST_ATTEMPT}, Origin.IMAGE),
        ({"attempt": FIRST_ATTEMPT, "was_prepared": True}, Origin.WARM_WORKSTATION),
        ({"was_prepared": True}, Origin.VOLUME),
        ({}, Origin.VOLUME),
        ({"volume_generation": 2, "volume_backup_id": "b"}, Origin.BACKUP),
        ({"volume_generation": 2}, Origin.IMAGE),
        # What the disk was made of at an earlier start.
        (
            {"volume_generation": 1, "previous_volume_generation": 1, "volume_backup_id": "b"},
            Origin.VOLUME,
        ),
    ],
)
def test_starts_are_told_apart_by_what_they_begin_with(
    facts: dict[str, Any], origin: Origin
) -> None:
    assert steps.origin(starting(**facts)) is origin


def listed(made: World, studio_id: str) -> dict[str, Any]:
    (session,) = made.operator.call("ListStreamingSessions", studioId=studio_id)["sessions"]
    return dict(session)


def test_a_start_is_told_while_it_goes_on_and_after_a_restart(tmp_path: Path) -> None:
    with world(tmp_path / "home") as made:
        studio = Studio(made)
        made.engine.misbehave(Misbehaviour.ANSWERS_LATE)
        session = made.operator.call(
            "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
        )["session"]
        assert [step["step"] for step in session["startSteps"]] == ["CAPACITY"]
        made.advance(timedelta(seconds=5))
        made.restart()
        going = made.see(session)["startSteps"]
        assert [step["step"] for step in going] == ["CAPACITY", "DISK", "DESKTOP"]
        assert listed(made, studio.id)["startSteps"] == going
        assert "seconds" not in going[-1]
        made.advance(timedelta(seconds=30))
        ready = made.see(session)
        assert (ready["state"], ready["startSteps"][-1]["seconds"]) == ("READY", 20)
        # A list of many that run has no use for them.
        assert "startSteps" not in listed(made, studio.id)
        with made.service.database.transaction(write=False) as transaction:
            events = journal.read(transaction, after=0, limit=1000)
        (event,) = [each for each in events if each.kind == "sessions.READY"]
        assert event.detail["startSteps"] == [
            {"step": step["step"], "seconds": step["seconds"]} for step in ready["startSteps"]
        ]
        assert event.detail["startedFrom"] == "IMAGE"


def test_a_start_that_was_called_off_goes_on_no_more(tmp_path: Path) -> None:
    with world(tmp_path / "home") as made:
        studio = Studio(made)
        made.engine.misbehave(Misbehaviour.NEVER_STARTS)
        session = made.operator.call(
            "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
        )["session"]
        made.advance(timedelta(seconds=5))
        studio.call("DeleteStreamingSession", session)
        assert all("seconds" in step for step in made.see(session)["startSteps"])
        stored = msgspec.json.encode(made.see(session))
        assert b"DESKTOP" in stored
