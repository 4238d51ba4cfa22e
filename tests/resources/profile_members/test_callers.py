"""GetCaller: who is calling, and which studios are theirs."""

from datetime import timedelta

from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.world import World


def test_people_see_the_studios_that_they_have_something_in(world: World) -> None:
    studios = []
    for name in ("films", "games", "other"):
        studios.append(world.studio(name)["studioId"])
        world.advance(timedelta(seconds=1))
    anna = world.client("anna")
    me = world.principal_id("anna")
    assert anna.call("GetCaller") == {
        "isOperator": False,
        "name": "anna",
        "principalId": me,
        "studios": [],
    }
    profile = world.profile(studios[0])
    store = {"identityStoreId": IDENTITY_STORE_ID}
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studios[0],
        launchProfileId=profile["launchProfileId"],
        **store,
        members=[{"principalId": me, "persona": "USER"}],
    )
    world.operator.call(
        "PutStudioMembers",
        studioId=studios[1],
        **store,
        members=[{"principalId": me, "persona": "ADMINISTRATOR"}],
    )
    found = anna.call("GetCaller")["studios"]
    assert [(each["studioId"], each["isAdministrator"]) for each in found] == [
        (studios[0], False),
        (studios[1], True),
    ]
    everything = world.operator.call("GetCaller")
    assert everything["isOperator"]
    assert [each["studioName"] for each in everything["studios"]] == ["films", "games", "other"]
    world.operator.call(
        "DeleteLaunchProfile", studioId=studios[0], launchProfileId=profile["launchProfileId"]
    )
    world.settle()
    assert [each["studioId"] for each in anna.call("GetCaller")["studios"]] == [studios[1]]
