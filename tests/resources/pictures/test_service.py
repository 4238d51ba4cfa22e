"""When there is a picture of a desktop, and what is said when there is none."""

from typing import Any

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def test_only_a_workstation_that_runs_is_seen(studio: Studio, refused: Any) -> None:
    session = studio.launch()
    studio.stop(session)
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    name, message = refused("GetStreamingSessionPicture", **asked)
    assert name == "ConflictException"
    assert message.endswith("is STOPPED; to be seen, it must be READY.")
    name, _ = refused("GetStreamingSessionPicture", **{**asked, "sessionId": "A" * 22})
    assert name == "ResourceNotFoundException"


def test_a_desktop_that_gives_none_is_no_failure_of_ours(
    world: World, studio: Studio, refused: Any
) -> None:
    session = studio.launch()
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    world.engine.misbehave(Misbehaviour.RETRYABLE, ref=session["sessionId"])
    name, message = refused("GetStreamingSessionPicture", **asked)
    assert name == "ConflictException"
    assert message.startswith(f"There is no picture of the session {session['sessionId']}")
    assert studio.call("GetStreamingSessionPicture", session)["picture"]
