"""From a wish to a running desktop, and what can come between."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.engines.interface import Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.testing.walks import Studio


def refused(studio: Studio, operation: str, session: dict[str, Any], **members: Any) -> CallError:
    with pytest.raises(CallError) as caught:
        studio.call(operation, session, **members)
    return caught.value


def test_a_launch_ends_in_a_desktop(either_studio: Studio) -> None:
    studio = either_studio
    made = studio.world.operator.call(
        "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
    )["session"]
    assert made["state"] == "CREATE_IN_PROGRESS"
    ready = studio.later(made, 10)
    assert (ready["state"], ready["statusCode"]) == ("READY", "STREAMING_SESSION_READY")
    assert ready["ec2InstanceType"] == "g4dn.xlarge"
    assert "stopAt" in ready
    assert "terminateAt" not in ready
    assert studio.world.engine.observe(ready["sessionId"]).phase is Phase.RUNNING


@pytest.mark.parametrize(
    ("misbehaviour", "code", "message"),
    [
        (Misbehaviour.OUT_OF_CAPACITY, "INSUFFICIENT_CAPACITY", "No room for another one."),
        (Misbehaviour.DIES_WHILE_STARTING, "INTERNAL_ERROR", "ended before it answered"),
        (Misbehaviour.NEVER_STARTS, "INTERNAL_ERROR", "did not answer in time"),
    ],
)
def test_a_launch_that_fails_says_why_and_can_be_deleted(
    studio: Studio, misbehaviour: Misbehaviour, code: str, message: str
) -> None:
    studio.world.engine.misbehave(misbehaviour)
    failed = studio.later(studio.launch(), 660)
    assert (failed["state"], failed["statusCode"]) == ("CREATE_FAILED", code)
    assert message in failed["statusMessage"]
    assert studio.delete(failed)["state"] == "DELETED"
    assert studio.world.engine.refs() == set()


def test_a_full_host_refuses_with_figures_until_somebody_stops(studio: Studio) -> None:
    studio.world.engine.most_workstations = 1
    first = studio.launch()
    failed = studio.launch()
    assert (failed["state"], failed["statusCode"]) == ("CREATE_FAILED", "INSUFFICIENT_CAPACITY")
    assert failed["statusMessage"] == (
        "There is no room for a workstation here. 1 fit, and 1 have a place. Stop one."
    )
    first = studio.stop(first)
    second = studio.launch()
    assert second["state"] == "READY"
    refused = studio.start(first)
    assert (refused["state"], refused["statusCode"]) == ("START_FAILED", "INSUFFICIENT_CAPACITY")
    assert "1 fit, and 1 have a place" in refused["statusMessage"]
    studio.stop(second)
    assert studio.start(refused)["state"] == "READY"


def test_a_heal_goes_before_a_launch(studio: Studio) -> None:
    studio.world.engine.most_workstations = 1
    first = studio.launch()
    studio.world.engine.crash(first["sessionId"])
    assert studio.launch()["statusCode"] == "INSUFFICIENT_CAPACITY"
    assert studio.later(first, 20)["state"] == "READY"
    assert studio.world.engine.observe(first["sessionId"]).phase is Phase.RUNNING


def test_what_a_workstation_gets_less_of_is_said_when_it_is_ready(studio: Studio) -> None:
    studio.world.engine.shortfall = "g4dn.xlarge is 4 vCPUs; this host gives 2"
    assert studio.launch()["statusMessage"] == (
        "The workstation is ready. g4dn.xlarge is 4 vCPUs; this host gives 2."
    )


def test_an_image_that_the_engine_does_not_have(studio: Studio) -> None:
    studio.world.engine.images = frozenset({"ami-other"})
    failed = studio.launch()
    assert (failed["state"], failed["statusCode"]) == ("CREATE_FAILED", "AMI_VALIDATION_ERROR")
    assert failed["statusMessage"] == "There is no image ami-host."


def test_a_slow_launch_is_waited_for(studio: Studio) -> None:
    studio.world.engine.misbehave(Misbehaviour.ANSWERS_LATE)
    assert studio.launch()["state"] == "READY"


def test_an_engine_that_stumbles_costs_only_time(studio: Studio) -> None:
    studio.world.engine.misbehave(Misbehaviour.RETRYABLE, times=40)
    made = studio.launch()
    assert made["state"] == "CREATE_IN_PROGRESS"
    assert studio.later(made, 60)["state"] == "READY"


def test_an_engine_that_never_answers_does_not_hold_a_launch_for_ever(studio: Studio) -> None:
    studio.world.engine.misbehave(Misbehaviour.RETRYABLE, times=100_000)
    failed = studio.later(studio.launch(), 660)
    assert failed["state"] == "CREATE_FAILED"
    assert "did not answer in time" in failed["statusMessage"]


def test_a_launch_can_be_called_off(studio: Studio) -> None:
    studio.world.engine.misbehave(Misbehaviour.NEVER_STARTS)
    starting = studio.launch()
    assert starting["state"] == "CREATE_IN_PROGRESS"
    assert studio.delete(starting)["state"] == "DELETED"
    assert studio.world.engine.refs() == set()


@pytest.mark.parametrize(
    ("state", "possible"),
    [
        ("CREATE_IN_PROGRESS", {"Delete"}),
        ("READY", {"Stop", "Delete", "Stream"}),
        ("STOP_IN_PROGRESS", set()),
        ("STOPPED", {"Start", "Delete"}),
        ("START_IN_PROGRESS", set()),
        ("CREATE_FAILED", {"Delete"}),
        ("START_FAILED", {"Start", "Delete"}),
        ("STOP_FAILED", {"Stop", "Delete"}),
        ("DELETE_IN_PROGRESS", set()),
        ("DELETED", set()),
    ],
)
def test_what_is_possible_in_which_state(studio: Studio, state: str, possible: set[str]) -> None:
    session = bring_to(studio, state)
    for wish in sorted({"Start", "Stop", "Delete", "Stream"} - possible):
        error = refused(studio, operation_of(wish), session)
        assert (error.name, error.status) == ("ConflictException", 409)
        assert session["sessionId"] in str(error)
        assert state in str(error)
    assert studio.world.see(session)["state"] == state
    for number, wish in enumerate(sorted(possible)):
        if number:
            session = bring_to(studio, state)
        assert session["state"] == state
        studio.call(operation_of(wish), session)


def operation_of(wish: str) -> str:
    return "CreateStreamingSessionStream" if wish == "Stream" else f"{wish}StreamingSession"


def bring_to(studio: Studio, state: str) -> dict[str, Any]:
    """Bring a session into a state, by ways that anybody could go."""
    engine = studio.world.engine
    match state:
        case "CREATE_IN_PROGRESS":
            engine.misbehave(Misbehaviour.NEVER_STARTS)
            return studio.launch()
        case "CREATE_FAILED":
            engine.misbehave(Misbehaviour.OUT_OF_CAPACITY)
            return studio.launch()
        case "READY":
            return studio.launch()
        case "STOPPED":
            return studio.stop(studio.launch())
        case "START_FAILED":
            session = studio.stop(studio.launch())
            engine.misbehave(Misbehaviour.OUT_OF_CAPACITY)
            return studio.start(session)
        case "STOP_FAILED":
            engine.stop_seconds = 300
            session = studio.launch()
            studio.call("StopStreamingSession", session)
            return studio.later(session, 150)
        case "DELETED":
            return studio.delete(studio.launch())
    session = studio.launch()
    operation = state.removesuffix("_IN_PROGRESS").capitalize() + "StreamingSession"
    if state == "START_IN_PROGRESS":
        session = studio.stop(session)
    studio.call(operation, session)
    return studio.world.see(session)


def test_a_crashed_workstation_is_healed_on_its_disk(studio: Studio) -> None:
    session = studio.launch()
    engine, ref = studio.world.engine, session["sessionId"]
    engine.write(ref, "work.txt", b"unsaved no more")
    engine.crash(ref)
    healed = studio.later(session)
    assert healed["state"] == "READY"
    assert "was found gone at 2030-01-01" in healed["statusMessage"]
    assert healed["healedAt"].startswith("2030-01-01")
    assert engine.observe(ref).phase is Phase.RUNNING
    assert engine.read(ref, "work.txt") == b"unsaved no more"
    studio.stop(session)
    assert "healedAt" not in studio.start(session)


def test_one_that_keeps_dying_is_stopped_with_its_disk_kept(studio: Studio) -> None:
    session = studio.launch()
    engine, ref = studio.world.engine, session["sessionId"]
    engine.write(ref, "work.txt", b"kept")
    for _ in range(3):
        engine.crash(ref)
        assert studio.later(session)["state"] == "READY"
    engine.crash(ref)
    collapsed = studio.later(session)
    assert collapsed["state"] == "STOPPED"
    assert "died 4 times within ten minutes" in collapsed["statusMessage"]
    assert studio.start(session)["state"] == "READY"
    assert engine.read(ref, "work.txt") == b"kept"


def test_deaths_that_lie_apart_are_all_healed(studio: Studio) -> None:
    session = studio.launch()
    for _ in range(6):
        studio.world.engine.crash(session["sessionId"])
        assert studio.later(session, 240)["state"] == "READY"


def test_a_deleted_session_is_read_for_a_day_and_its_backups_for_a_week(studio: Studio) -> None:
    session = studio.stop(studio.launch())
    (backup,) = studio.backups("READY")
    deleted = studio.delete(session)
    assert (deleted["state"], deleted["statusCode"]) == ("DELETED", "STREAMING_SESSION_DELETED")
    assert studio.world.engine.refs() == set()
    studio.world.advance(timedelta(hours=23))
    assert studio.world.see(session)["state"] == "DELETED"
    studio.world.advance(timedelta(hours=1))
    error = refused(studio, "GetStreamingSession", session)
    assert (error.name, error.status) == ("ResourceNotFoundException", 404)
    studio.world.advance(timedelta(days=5, hours=23))
    assert [kept["state"] for kept in studio.backups()] == ["READY"]
    assert backup["backupId"] in studio.world.engine.world.backups
    studio.world.advance(timedelta(hours=2))
    assert [gone["state"] for gone in studio.backups()] == ["DELETED"]
    assert studio.world.engine.world.backups == {}
    studio.world.advance(timedelta(hours=25))
    assert studio.backups() == []


def test_what_belongs_to_no_session_is_swept_away(studio: Studio) -> None:
    session = studio.launch()
    with studio.world.service.database.transaction() as transaction:
        for table in ("streams", "sessions"):
            transaction.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - of two names
    kept = studio.launch()
    studio.world.service.housekeeping.sweep()
    studio.world.advance(timedelta(seconds=5))
    assert studio.world.engine.refs() == {kept["sessionId"]}
    assert session["sessionId"] != kept["sessionId"]
