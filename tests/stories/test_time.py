"""The rules of time, through the front door, with the clock moved by hand."""

from datetime import datetime, timedelta
from typing import Any

import anyio
import pytest

from soundstage.kit import journal
from soundstage.testing.walks import Studio

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ON, OFF = {"sessionPersistenceMode": "ACTIVATED"}, {"sessionPersistenceMode": "DEACTIVATED"}
ENDS = {**ON, "automaticTerminationMode": "ACTIVATED"}
SHORT = {"maxSessionLengthInMinutes": 60}


def launch(studio: Studio, **rules: Any) -> dict[str, Any]:
    profile = studio.world.profile(studio.id, name="Other", **rules)
    return studio.world.session(studio.id, profile["launchProfileId"])


def moves(studio: Studio, session: dict[str, Any]) -> list[str]:
    """What was noted of a session, without its beginning."""
    with studio.world.service.database.transaction(write=False) as transaction:
        subject = f"streaming-session/{session['sessionId']}"
        entries = journal.read(transaction, subject=subject)
    kinds = [entry.kind.partition(".")[2] for entry in entries if entry.kind.startswith("sess")]
    return [kind for kind in kinds if kind != "ANNOUNCED"][2:]


STOPS = ["STOP_IN_PROGRESS", "STOPPED"]
DIES = ["DELETE_IN_PROGRESS", "DELETED"]


@pytest.mark.parametrize(
    ("rules", "moved"),
    [
        (OFF, DIES),
        (ON, STOPS),
        (ENDS, DIES),
        ({**ENDS, "maxStoppedSessionLengthInMinutes": 120}, STOPS + DIES),
        ({**ON, "idleStopInMinutes": 30}, STOPS),
        ({**OFF, "idleStopInMinutes": 30}, DIES),
    ],
)
@pytest.mark.parametrize("way", ["slowly", "by restarts", "in one leap", "there and back"])
def test_each_row_of_the_matrix_happens_once(
    studio: Studio, rules: dict[str, Any], moved: list[str], way: str
) -> None:
    session = launch(studio, **SHORT, **rules)
    world = studio.world
    match way:
        case "slowly":
            world.advance(5 * HOUR)
        case "by restarts":
            for _ in range(10):
                world.clock.advance(30 * MINUTE)
                world.restart()
                world.settle()
        case "in one leap":
            # Months at once: the stop comes, and what follows it is counted from the stop.
            world.clock.advance(timedelta(days=95))
            world.advance(timedelta(seconds=20))
            assert world.see(session)["state"] == moved[1]
            world.advance(5 * HOUR)
        case _:
            # Set back by days, as when a clock was wrong: it runs for its time from then on.
            world.clock.set(world.clock() - timedelta(days=40))
            world.advance(20 * MINUTE)
            assert world.see(session)["state"] == "READY"
            world.advance(5 * HOUR)
    assert moves(studio, session) == moved


def test_many_that_are_due_at_once_all_stop_once(studio: Studio) -> None:
    profile = studio.world.profile(studio.id, name="Other", **SHORT, **ON)
    made = [
        studio.world.operator.call(
            "CreateStreamingSession",
            studioId=studio.id,
            launchProfileId=profile["launchProfileId"],
        )["session"]
        for _ in range(10)
    ]
    studio.world.advance(10 * MINUTE)
    studio.world.clock.advance(HOUR)
    studio.world.advance(MINUTE)
    assert [moves(studio, session) for session in made] == [STOPS] * 10


def announced(studio: Studio, session: dict[str, Any]) -> list[str]:
    return [message.title for message in studio.world.engine.shown(session["sessionId"])]


def test_people_are_told_in_time_and_once_whatever_restarts(studio: Studio) -> None:
    session = launch(studio, **SHORT, **ON)
    told: list[list[str]] = []
    studio.world.advance(44 * MINUTE)
    for _ in range(15):
        studio.world.restart()
        studio.world.advance(MINUTE)
        if studio.world.see(session)["state"] == "READY":
            told.append(announced(studio, session))
    words = "This workstation stops in"
    assert told[-1] == [f"{words} 15 minutes", f"{words} 5 minutes", f"{words} 1 minute"]


def test_what_was_missed_is_told_late_with_what_is_left(studio: Studio) -> None:
    session = launch(studio, **SHORT, **ON)
    end = datetime.fromisoformat(session["stopAt"])
    studio.world.clock.set(end - 3 * MINUTE)
    studio.world.advance(timedelta(seconds=5))
    assert announced(studio, session) == ["This workstation stops in 3 minutes"]


def test_work_keeps_an_idle_stop_away_and_the_page_knows(studio: Studio) -> None:
    session = launch(studio, **ON, idleStopInMinutes=30, maxSessionLengthInMinutes=43200)
    world, ref = studio.world, session["sessionId"]
    stream = studio.stream(session)
    # A renderer at work.
    for _ in range(35):
        world.engine.work(ref, 30)
        world.advance(MINUTE)
    assert world.see(session)["state"] == "READY"
    assert "programs were last at work" in world.see(session)["nextAction"]["message"]
    # Somebody who moves the pointer now and then.
    for _ in range(2):
        anyio.run(world.service.upstreams.report_input, {stream["streamId"]})
        world.advance(20 * MINUTE)
    coming = world.see(session)["nextAction"]
    assert (coming["action"], coming["rule"]) == ("STOP", "IDLE")
    assert "pointer or a key was last used" in coming["message"]
    shown = anyio.run(world.service.upstreams.countdown, stream["streamId"])
    assert shown is not None
    assert 9 * 60 < shown.seconds_left <= 10 * 60
    assert shown.warn_before == [900, 300, 60]
    # An open page alone, and the little that a desktop does by itself.
    for _ in range(9):
        world.engine.work(ref, 5)
        anyio.run(world.service.upstreams.report_activity, {stream["streamId"]})
        world.advance(MINUTE)
    assert world.see(session)["state"] == "READY"
    world.advance(2 * MINUTE)
    assert moves(studio, session) == STOPS


def test_a_service_that_was_away_does_not_take_that_for_idleness(studio: Studio) -> None:
    session = launch(studio, **ON, idleStopInMinutes=30, maxSessionLengthInMinutes=43200)
    studio.world.clock.advance(10 * HOUR)
    studio.world.restart()
    studio.world.advance(20 * MINUTE)
    seen = studio.world.see(session)
    assert seen["state"] == "READY"
    assert "when the service came back" in seen["nextAction"]["message"]
    studio.world.advance(11 * MINUTE)
    assert studio.world.see(session)["state"] == "STOPPED"
