"""From an address to an open desktop, and who is shown out when."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.gateway.upstreams import Refusal, Refused
from soundstage.testing.walks import Studio

SECOND = timedelta(seconds=1)


@pytest.fixture
def session(studio: Studio) -> dict[str, Any]:
    return studio.launch()


def test_a_stream_opens_once(either_studio: Studio) -> None:
    studio = either_studio
    session = studio.launch()
    stream = studio.stream(session)
    assert (stream["state"], stream["statusCode"]) == ("READY", "STREAM_READY")
    address = f"http://localhost:8080/streams/{stream['streamId']}/?ticket="
    assert stream["url"].startswith(address)
    ticket = studio.ticket(stream)
    upstream = studio.redeem(ticket)
    assert upstream.stream_id == stream["streamId"]
    assert session["sessionId"] in str(upstream.place)
    with pytest.raises(Refused) as caught:
        studio.redeem(ticket)
    assert caught.value.reason == Refusal.USED
    # Nothing is left to open, and what is open stays open.
    assert "url" not in studio.see_stream(session, stream)
    studio.world.advance(timedelta(hours=3))
    assert not studio.is_cut(stream)
    assert studio.see_stream(session, stream)["state"] == "READY"


def test_an_address_that_nobody_opens_expires(studio: Studio, session: dict[str, Any]) -> None:
    stream = studio.stream(session)
    ticket = studio.ticket(stream)
    studio.world.advance(timedelta(seconds=119))
    assert "url" in studio.see_stream(session, stream)
    studio.world.advance(SECOND)
    ended = studio.see_stream(session, stream)
    assert ended["state"] == "DELETED"
    assert "url" not in ended
    with pytest.raises(Refused) as caught:
        studio.redeem(ticket)
    assert caught.value.reason == Refusal.ENDED


@pytest.mark.parametrize(("asked", "seconds"), [(None, 120), (0, 120), (60, 60), (3600, 3600)])
def test_the_address_lives_as_long_as_asked(
    studio: Studio, session: dict[str, Any], asked: int | None, seconds: int
) -> None:
    stream = studio.stream(session, expirationInSeconds=asked)
    assert studio.ticket(stream).expires == int(studio.world.clock().timestamp()) + seconds


@pytest.mark.parametrize("asked", [-1, 59, 3601])
def test_other_times_are_refused(studio: Studio, session: dict[str, Any], asked: int) -> None:
    with pytest.raises(CallError, match="expirationInSeconds") as caught:
        studio.call("CreateStreamingSessionStream", session, expirationInSeconds=asked)
    assert caught.value.name == "ValidationException"


@pytest.mark.parametrize("wish", ["StopStreamingSession", "DeleteStreamingSession"])
def test_a_session_that_ends_cuts_its_streams_at_once(
    studio: Studio, session: dict[str, Any], wish: str
) -> None:
    stream = studio.stream(session)
    studio.redeem(studio.ticket(stream))
    assert not studio.is_cut(stream)
    studio.call(wish, session)
    assert studio.is_cut(stream)
    studio.world.advance(SECOND)
    assert studio.see_stream(session, stream)["state"] == "DELETED"
    with pytest.raises(Refused):
        studio.redeem(studio.ticket(stream))


def test_who_is_taken_out_of_the_profile_is_shown_out(studio: Studio) -> None:
    ann = studio.world.client("ann")
    ann_id = studio.world.principal_id("ann")
    membership = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    studio.world.operator.call(
        "PutLaunchProfileMembers",
        **membership,
        identityStoreId="d-soundstage",
        members=[{"principalId": ann_id, "persona": "USER"}],
    )
    session = ann.call("CreateStreamingSession", **membership)["session"]
    session = studio.later(session)
    assert (session["state"], session["ownedBy"]) == ("READY", ann_id)
    stream = studio.stream(session)
    studio.redeem(studio.ticket(stream))
    studio.world.advance(timedelta(minutes=1))
    assert not studio.is_cut(stream)
    studio.world.operator.call("DeleteLaunchProfileMember", **membership, principalId=ann_id)
    studio.world.advance(SECOND)
    assert studio.is_cut(stream)
    with pytest.raises(CallError) as caught:
        ann.call("CreateStreamingSessionStream", studioId=studio.id, sessionId=session["sessionId"])
    assert caught.value.name == "AccessDeniedException"
    # The workstation itself lives on until its time is up.
    assert studio.world.see(session)["state"] == "READY"


def test_a_healed_workstation_is_found_again_by_its_open_stream(
    studio: Studio, session: dict[str, Any]
) -> None:
    stream = studio.stream(session)
    ticket = studio.ticket(stream)
    studio.world.engine.crash(session["sessionId"])
    with pytest.raises(Refused) as caught:
        studio.redeem(ticket)
    assert caught.value.reason == Refusal.UNAVAILABLE
    studio.world.advance(timedelta(seconds=10))
    # The ticket was not used up by the try that found nobody at home.
    assert studio.redeem(ticket).stream_id == stream["streamId"]
    assert not studio.is_cut(stream)


def test_a_stream_to_a_desktop_that_does_not_answer_fails_within_a_minute(
    studio: Studio, session: dict[str, Any]
) -> None:
    studio.world.engine.start_seconds = 90
    studio.world.engine.crash(session["sessionId"])
    studio.world.advance(timedelta(seconds=10))
    made = studio.call("CreateStreamingSessionStream", session)["stream"]
    assert (made["state"], "url" in made) == ("CREATE_IN_PROGRESS", False)
    studio.world.advance(timedelta(seconds=62))
    failed = studio.see_stream(session, made)
    assert (failed["state"], failed["statusCode"]) == ("CREATE_FAILED", "NETWORK_CONNECTION_ERROR")


def test_a_stream_to_a_desktop_that_answers_is_ready_at_once(
    studio: Studio, session: dict[str, Any]
) -> None:
    made = studio.call("CreateStreamingSessionStream", session)["stream"]
    assert (made["state"], made["statusCode"]) == ("READY", "STREAM_READY")
    assert "url" in made


def test_streams_outlive_a_restart_of_the_service(studio: Studio, session: dict[str, Any]) -> None:
    stream = studio.stream(session)
    ticket = studio.ticket(stream)
    studio.world.restart()
    assert studio.redeem(ticket).stream_id == stream["streamId"]
    studio.world.restart()
    assert not studio.is_cut(stream)


def test_an_ended_stream_is_read_for_a_day(studio: Studio, session: dict[str, Any]) -> None:
    stream = studio.stream(session)
    studio.world.advance(timedelta(hours=1))
    assert studio.see_stream(session, stream)["state"] == "DELETED"
    studio.world.advance(timedelta(hours=24))
    with pytest.raises(CallError) as caught:
        studio.see_stream(session, stream)
    assert caught.value.name == "ResourceNotFoundException"
