"""The worker that settles launch profiles."""

from typing import Any

from soundstage.resources.launch_profiles import reconcile, store
from soundstage.testing.world import World


def test_it_settles_a_profile_once(world: World, given: dict[str, Any]) -> None:
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    told = []
    worker = reconcile.worker(world.engine, [], lambda _, profile, now: told.append((profile, now)))
    assert (worker.name, worker.table) == ("launch_profiles", store.table)
    with world.service.database.transaction() as transaction:
        loaded = worker.load(transaction, made["launchProfileId"], world.clock())
        worker.apply(transaction, loaded, None, world.clock())
        assert worker.load(transaction, made["launchProfileId"], world.clock()) is None
    ((profile, now),) = told
    assert (profile.state, now) == ("READY", world.clock())


def test_what_the_engine_gives_less_of_is_said_once(world: World, given: dict[str, Any]) -> None:
    world.engine.shortfall = "A volume's size is not limited here."
    world.operator.call("CreateLaunchProfile", **given)
    world.settle()
    (made,) = world.operator.call("ListLaunchProfiles", studioId=given["studioId"])[
        "launchProfiles"
    ]
    results = made["validationResults"]
    assert {each["state"] for each in results} == {"VALIDATION_SUCCESS"}
    nothing = "There is nothing to check: this installation has no VPC."
    assert [each["statusMessage"] for each in results] == [
        f"{nothing} What this machine gives less of: A volume's size is not limited here.",
        *[nothing] * (len(results) - 1),
    ]


def test_it_is_judged_anew_with_each_update(world: World, given: dict[str, Any]) -> None:
    world.operator.call("CreateLaunchProfile", **given)
    world.settle()
    (made,) = world.operator.call("ListLaunchProfiles", studioId=given["studioId"])[
        "launchProfiles"
    ]
    assert "less of" not in made["validationResults"][0]["statusMessage"]
    world.engine.shortfall = "No GPU here."
    names = {"studioId": given["studioId"], "launchProfileId": made["launchProfileId"]}
    world.operator.call("UpdateLaunchProfile", **names, name="new")
    world.settle()
    now = world.operator.call("GetLaunchProfile", **names)["launchProfile"]
    assert now["validationResults"][0]["statusMessage"].endswith("less of: No GPU here.")
