"""Streams as the wire shows them, and what the wire refuses."""

import re
from datetime import datetime
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.resources.sessions import store as sessions
from soundstage.testing.walks import Studio


@pytest.fixture
def session(studio: Studio) -> dict[str, Any]:
    return studio.launch()


def test_a_stream_from_its_making_to_ready(studio: Studio, session: dict[str, Any]) -> None:
    # As after a crash: another attempt is on its way.
    with studio.world.service.database.transaction() as transaction:
        sessions.sessions.update(transaction, session["sessionId"], {"running_attempt": None})
    made = studio.call("CreateStreamingSessionStream", session)["stream"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", made["streamId"])
    # Neither a url nor what is stored besides.
    assert made == {
        "createdAt": made["createdAt"],
        "createdBy": studio.world.principal_id("operator"),
        "expiresAt": made["expiresAt"],
        "ownedBy": session["ownedBy"],
        "state": "CREATE_IN_PROGRESS",
        "statusCode": "STREAM_CREATE_IN_PROGRESS",
        "streamId": made["streamId"],
    }
    studio.world.settle()
    ready = studio.see_stream(session, made)
    assert set(ready) - set(made) == {"url"}
    assert (ready["state"], ready["statusCode"]) == ("READY", "STREAM_READY")


def lifetime(stream: dict[str, Any]) -> float:
    moments = (datetime.fromisoformat(stream[name]) for name in ("createdAt", "expiresAt"))
    created, expires = moments
    return (expires - created).total_seconds()


def test_how_long_the_address_may_be_opened(studio: Studio, session: dict[str, Any]) -> None:
    default = studio.world.service.installation.stream_expiration_seconds
    for asked, seconds in [(None, default), (0, default), (60, 60), (3600, 3600)]:
        made = studio.call("CreateStreamingSessionStream", session, expirationInSeconds=asked)
        assert lifetime(made["stream"]) == seconds, asked


def test_other_times_are_refused(studio: Studio, session: dict[str, Any], refused: Any) -> None:
    too_few = "expirationInSeconds: {} is less than the 60 seconds"
    for asked, message in [
        (-1, "expirationInSeconds must be"),
        (1, too_few.format(1)),
        (59, too_few.format(59)),
        (3601, "expirationInSeconds must be"),
        ("60", "expirationInSeconds must be"),
        (60.5, "expirationInSeconds must be"),
    ]:
        name, said = refused(
            "CreateStreamingSessionStream",
            studioId=studio.id,
            sessionId=session["sessionId"],
            expirationInSeconds=asked,
        )
        assert name == "ValidationException"
        assert message in said


def test_a_client_token_makes_one_stream(studio: Studio, session: dict[str, Any]) -> None:
    first, second, other = (
        studio.call("CreateStreamingSessionStream", session, clientToken=token)["stream"]
        for token in ("one", "one", "two")
    )
    assert first == second
    assert other["streamId"] != first["streamId"]


def test_a_stream_is_for_the_session_s_owner(studio: Studio) -> None:
    world = studio.world
    ann, ben = world.client("ann"), world.client("ben")
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        identityStoreId="d-1",
        members=[
            {"principalId": world.principal_id(name), "persona": "USER"} for name in ("ann", "ben")
        ],
    )
    session = studio.launch(ownedBy=world.principal_id("ann"))
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    stream = ann.call("CreateStreamingSessionStream", **asked)["stream"]
    assert stream["createdBy"] == stream["ownedBy"] == world.principal_id("ann")
    for operation, more in [
        ("CreateStreamingSessionStream", {}),
        ("GetStreamingSessionStream", {"streamId": stream["streamId"]}),
    ]:
        with pytest.raises(CallError) as caught:
            ben.call(operation, **asked, **more)
        assert caught.value.name == "AccessDeniedException"


def test_no_such_session(studio: Studio, refused: Any) -> None:
    asked = {"studioId": studio.id, "sessionId": "none"}
    expected = ("ResourceNotFoundException", "There is no streaming session none.")
    assert refused("CreateStreamingSessionStream", **asked) == expected
    assert refused("GetStreamingSessionStream", **asked, streamId="none") == expected
