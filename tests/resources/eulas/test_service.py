"""What EULAs keep from being launched."""

from typing import Any

from soundstage.kit.ids import is_id
from soundstage.resources.eulas.model import CATALOGUE
from soundstage.testing.world import World


def test_the_catalogue_is_of_nine_programs() -> None:
    assert len({eula.name for eula in CATALOGUE.values()}) == 9
    assert all(is_id(eula_id) and eula.id == eula_id for eula_id, eula in CATALOGUE.items())
    assert all(eula.content.startswith("https://") for eula in CATALOGUE.values())


def test_an_image_is_launched_when_all_its_eulas_are_accepted(
    world: World, studio_id: str, refused: Any
) -> None:
    profile = world.profile(studio_id)
    first, second = sorted(CATALOGUE)[:2]
    images = next(each for each in world.service.workers if each.name == "images")
    with world.service.database.transaction() as transaction:
        transaction.execute(images.table.update().values(eula_ids=[first, second]))
    given = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
    name, message = refused("CreateStreamingSession", **given)
    assert name == "ValidationException"
    assert first in message
    world.operator.call("AcceptEulas", studioId=studio_id, eulaIds=[first])
    _, message = refused("CreateStreamingSession", **given)
    assert first not in message
    assert second in message
    world.operator.call("AcceptEulas", studioId=studio_id, eulaIds=[second])
    made = world.operator.call("CreateStreamingSession", **given)["session"]
    assert made["state"] == "CREATE_IN_PROGRESS"
