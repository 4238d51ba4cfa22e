"""ListEvents on the wire: the whole life of a session, and who caused what."""

from typing import Any

from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def events(world: World, studio: Studio, **members: Any) -> list[dict[str, Any]]:
    found = world.operator.pages("ListEvents", studioId=studio.id, order="OLDEST_FIRST", **members)
    return list(found)


def test_a_session_s_life_is_told_with_who_caused_it(world: World, studio: Studio) -> None:
    session = studio.launch()
    studio.redeem(studio.ticket(studio.stream(session)))
    studio.stop(session)
    resource = f"streaming-session/{session['sessionId']}"
    found = events(world, studio, resource=resource)
    told = [(event["type"], event["actor"] != "soundstage") for event in found]
    assert told == [
        ("sessions.CREATE_IN_PROGRESS", True),
        ("sessions.READY", False),
        ("streams.READY", True),
        ("streams.OPENED", True),
        ("sessions.STOP_IN_PROGRESS", True),
        ("streams.DELETE_IN_PROGRESS", False),
        ("streams.DELETED", False),
        ("sessions.STOPPED", False),
    ]
    begun, ready = found[0], found[1]
    assert begun["operation"] == "CreateStreamingSession"
    assert begun["requestId"]
    assert begun["details"] == {"members": '["launchProfileId"]'}
    assert (ready["oldState"], ready["state"], ready["statusCode"]) == (
        "CREATE_IN_PROGRESS",
        "READY",
        "STREAMING_SESSION_READY",
    )
    assert float(ready["details"]["afterSeconds"]) > 0
    assert [event["eventId"] for event in found] == sorted(event["eventId"] for event in found)
    backups = [each for each in events(world, studio) if each["type"].startswith("backups.")]
    assert [each["type"] for each in backups] == ["backups.CREATE_IN_PROGRESS", "backups.READY"]
    assert "sizeInBytes" in backups[1]["details"]


def test_every_way_to_change_something_leaves_one_event(world: World, studio: Studio) -> None:
    """Calls whose nouns say nothing themselves are noted by the door, none of them twice."""
    before = len(events(world, studio))
    ann = world.principal_id("ann")
    member = {"principalId": ann, "persona": "USER"}
    where = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    world.operator.call("PutLaunchProfileMembers", **where, identityStoreId="d-1", members=[member])
    world.operator.call("DeleteLaunchProfileMember", **where, principalId=ann)
    world.operator.call("UpdateLaunchProfile", **where, name="Secret name")
    new = events(world, studio)[before:]
    assert [event["type"] for event in new] == [
        "calls.PutLaunchProfileMembers",
        "calls.DeleteLaunchProfileMember",
        "launch_profiles.UPDATE_IN_PROGRESS",
    ]
    assert new[1]["details"]["principalId"] == ann
    assert new[2]["details"]["members"] == '["launchProfileId","name"]'
    assert "Secret name" not in str(new)


def test_who_is_no_administrator_sees_what_is_theirs(world: World, studio: Studio) -> None:
    ann = world.client("ann")
    ann_id = world.principal_id("ann")
    studio.launch(ownedBy=ann_id)
    studio.launch()
    found = list(ann.pages("ListEvents", studioId=studio.id, ownedBy=ann_id))
    assert {event["type"] for event in found} == {"sessions.CREATE_IN_PROGRESS", "sessions.READY"}
    assert {event["ownedBy"] for event in found} == {ann_id}
