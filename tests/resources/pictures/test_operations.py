"""Pictures on the wire: a JPEG for the one whose desktop it is, and for no administrator."""

import base64
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def test_an_artist_sees_their_own_desktop_and_administrators_do_not(
    world: World, studio: Studio
) -> None:
    anna, bea = world.client("anna"), world.client("bea")
    facts: dict[str, Any] = {"studioId": studio.id, "identityStoreId": IDENTITY_STORE_ID}
    for operation, persona, who, where in (
        ("PutLaunchProfileMembers", "USER", "anna", {"launchProfileId": studio.profile_id}),
        ("PutStudioMembers", "ADMINISTRATOR", "bea", {}),
    ):
        members = [{"principalId": world.principal_id(who), "persona": persona}]
        world.operator.call(operation, **facts, **where, members=members)
    session = studio.launch(ownedBy=world.principal_id("anna"))
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    told = anna.call("GetStreamingSessionPicture", **asked)
    assert list(told) == ["picture"]
    assert base64.b64decode(told["picture"]).startswith(b"\xff\xd8\xff")
    assert bea.call("GetStreamingSession", **asked)["session"]["state"] == "READY"
    for other in (bea, world.client("cleo")):
        with pytest.raises(CallError) as caught:
            other.call("GetStreamingSessionPicture", **asked)
        assert caught.value.name == "AccessDeniedException"
