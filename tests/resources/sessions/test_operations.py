"""Sessions as the wire shows them, and what the wire refuses."""

import re
from typing import Any

import pytest

from soundstage.testing.walks import Studio

VOLUME = {"iops": 3000, "size": 500, "throughput": 125}


def test_a_session_from_its_making_to_its_stop(studio: Studio) -> None:
    world = studio.world
    operator = world.principal_id("operator")
    made = world.operator.call(
        "CreateStreamingSession",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        tags={"shot": "12"},
    )["session"]
    account = world.service.installation.account_id
    session_id = made["sessionId"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", session_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["createdAt"])
    # Nothing that has not happened yet is there, nor what only the engine needs.
    assert made == {
        "arn": f"arn:aws:nimble:us-west-2:{account}:streaming-session/{session_id}",
        "automaticTerminationMode": "DEACTIVATED",
        "backupMode": "AUTOMATIC",
        "createdAt": made["createdAt"],
        "createdBy": operator,
        "ec2InstanceType": "g4dn.xlarge",
        "launchProfileId": studio.profile_id,
        "maxBackupsToRetain": 2,
        "ownedBy": operator,
        "sessionId": session_id,
        "sessionPersistenceMode": "ACTIVATED",
        "startSteps": [{"beganAt": made["createdAt"], "step": "CAPACITY"}],
        "state": "CREATE_IN_PROGRESS",
        "statusCode": "STREAMING_SESSION_CREATE_IN_PROGRESS",
        "statusMessage": "The workstation is being started.",
        "streamingImageId": made["streamingImageId"],
        "tags": {"shot": "12"},
        "updatedAt": made["createdAt"],
        "updatedBy": operator,
        "volumeConfiguration": VOLUME,
    }
    ready = studio.later(made)
    assert set(ready) - set(made) == {"nextAction", "stopAt"}
    assert ready["nextAction"] == {
        "action": "STOP",
        "allowedInMinutes": 690,
        "at": ready["stopAt"],
        "message": ready["nextAction"]["message"],
        "rule": "MAX_SESSION_LENGTH",
    }
    assert studio.call("GetStreamingSession", ready)["session"] == ready
    stopped = studio.stop(ready)
    assert set(stopped) - set(made) == {"stoppedAt", "stoppedBy", "volumeRetentionMode"}
    assert (stopped["stoppedBy"], stopped["volumeRetentionMode"]) == (operator, "RETAIN")
    started = studio.start(stopped)
    since = {"nextAction", "startedAt", "startedBy", "stopAt", "stoppedAt", "stoppedBy"}
    since.add("volumeRetentionMode")
    assert set(started) - set(made) == since


def test_a_session_that_can_not_be_stopped_says_when_it_ends(studio: Studio) -> None:
    plain = studio.world.profile(studio.id, sessionPersistenceMode="DEACTIVATED")
    session = studio.world.session(studio.id, plain["launchProfileId"])
    assert "volumeConfiguration" not in session
    assert "stopAt" not in session
    assert session["terminateAt"] > session["createdAt"]
    assert (session["backupMode"], session["maxBackupsToRetain"]) == ("DEACTIVATED", 0)


@pytest.mark.parametrize(
    ("operation", "change", "message"),
    [
        ("CreateStreamingSession", {"launchProfileId": None}, "launchProfileId is required"),
        ("CreateStreamingSession", {"ec2InstanceType": "g9.huge"}, "ec2InstanceType must be one"),
        ("CreateStreamingSession", {"streamingImageId": "i" * 23}, "streamingImageId must be"),
        ("CreateStreamingSession", {"streamingImageId": "a/b"}, "streamingImageId must be"),
        ("CreateStreamingSession", {"tags": {"aws:x": "1"}}, "'aws:x' begins with 'aws:'"),
        ("CreateStreamingSession", {"tags": {"a": 1}}, "must be text"),
        ("StopStreamingSession", {"volumeRetentionMode": "KEEP"}, "volumeRetentionMode must be"),
        ("StartStreamingSession", {"backupId": 7}, "backupId must be"),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    studio: Studio, refused: Any, operation: str, change: dict[str, Any], message: str
) -> None:
    given = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    if operation != "CreateStreamingSession":
        # What there is not is told before what is wrong, so there must be one.
        made = studio.world.operator.call("CreateStreamingSession", **given)["session"]
        given = {"studioId": studio.id, "sessionId": made["sessionId"]}
    name, said = refused(operation, **{**given, **change})
    assert name == "ValidationException"
    assert message in said


def test_an_empty_image_is_the_profile_s_first(studio: Studio) -> None:
    first = studio.launch()
    assert first["streamingImageId"]
    assert studio.launch(streamingImageId="")["streamingImageId"] == first["streamingImageId"]


def test_a_client_token_makes_one_session_and_stops_it_once(studio: Studio) -> None:
    made = [studio.launch(clientToken="token")["sessionId"] for _ in range(2)]
    assert made[0] == made[1]
    session = {"sessionId": made[0]}
    first = studio.call("StopStreamingSession", session, clientToken="stop")
    studio.later(session)
    # Asked again after the stop, which without the token would be a conflict.
    assert studio.call("StopStreamingSession", session, clientToken="stop") == first


def test_several_sessions_are_asked_for_with_commas(studio: Studio) -> None:
    ids = [studio.launch()["sessionId"] for _ in range(3)]

    def listed(session_ids: str | None) -> list[str]:
        pages = studio.world.operator.pages(
            "ListStreamingSessions", studioId=studio.id, sessionIds=session_ids
        )
        return [session["sessionId"] for session in pages]

    assert listed(ids[1]) == [ids[1]]
    # In the order of their making, whatever the order asked in; unknown ones are no error.
    assert listed(f"{ids[2]},none,{ids[0]},") == [ids[0], ids[2]]
    assert listed("none") == []
    assert listed("") == listed(None) == ids


def test_no_such_session(studio: Studio, refused: Any) -> None:
    expected = ("ResourceNotFoundException", "There is no streaming session none.")
    for verb in ("Get", "Start", "Stop", "Delete"):
        operation = f"{verb}StreamingSession"
        assert refused(operation, studioId=studio.id, sessionId="none") == expected
    assert studio.world.operator.call("ListStreamingSessions", studioId=studio.id) == {
        "sessions": []
    }
