"""A pool of prepared workstations, from outside: kept filled, taken, given up, never doubled."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.interface import Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.testing.world import World, world

SCRIPTS = [
    {
        "script": f"echo {name}",
        "platform": "LINUX",
        "runContext": context,
        "launchProfileProtocolVersion": "2021-03-31",
    }
    for name, context in (("root", "SYSTEM_INITIALIZATION"), ("artist", "USER_INITIALIZATION"))
]


class Pooled:
    """A world with one launch profile that keeps some prepared."""

    def __init__(self, made: World, size: int) -> None:
        self.world = made
        self.engine = made.engine
        self.studio_id = made.studio()["studioId"]
        self.profile = made.profile(self.studio_id, warmWorkstations=size)
        self.profile_id = self.profile["launchProfileId"]
        made.advance(timedelta(seconds=10))

    def call(self, operation: str, **given: Any) -> Any:
        return self.world.operator.call(operation, studioId=self.studio_id, **given)

    def pool(self) -> tuple[int, int]:
        """How many are wanted, and ready."""
        pools = self.call("GetStudioCapacity")["warmPools"]
        (pool,) = [each for each in pools if each["launchProfileId"] == self.profile_id]
        return pool["wanted"], pool["ready"]

    def prepared(self) -> set[str]:
        hosts = [host for host in self.engine.hosts() if host.is_reachable]
        refs = {ref for host in hosts for ref in host.running | host.resting}
        return {ref for ref in refs if self.engine.observe(ref).phase is Phase.PREPARED}

    def launch(self, **given: Any) -> dict[str, Any]:
        asked = {"launchProfileId": self.profile_id, **given}
        session: dict[str, Any] = self.call("CreateStreamingSession", **asked)["session"]
        return session

    def change(self, **rules: Any) -> None:
        configuration = {**self.profile["streamConfiguration"], **rules}
        self.call(
            "UpdateLaunchProfile",
            launchProfileId=self.profile_id,
            streamConfiguration=configuration,
        )
        self.world.settle()

    def see(self, session: dict[str, Any]) -> dict[str, Any]:
        return self.world.see(session)


@pytest.fixture
def made(home: Path) -> Iterator[World]:
    with world(home) as world_:
        yield world_


def test_a_session_takes_one_at_once_and_another_is_prepared(made: World) -> None:
    pooled = Pooled(made, 2)
    assert pooled.pool() == (2, 2)
    before = pooled.prepared()
    assert len(before) == 2
    session = pooled.launch()
    assert session["sessionId"] in before
    # A start takes two seconds here.
    made.advance(timedelta(milliseconds=200))
    assert pooled.see(session)["state"] == "READY"
    assert pooled.pool() == (2, 1)
    made.advance(timedelta(seconds=10))
    assert pooled.pool() == (2, 2)
    assert len(pooled.engine.refs()) == 3
    assert session["sessionId"] not in pooled.prepared()


def test_what_is_asked_for_otherwise_is_started_anew(made: World) -> None:
    pooled = Pooled(made, 1)
    before = pooled.prepared()
    session = pooled.launch(ec2InstanceType="g5.xlarge")
    assert session["sessionId"] not in before
    assert pooled.prepared() == before


def test_two_who_come_at_once_never_get_the_same_one(made: World) -> None:
    pooled = Pooled(made, 1)
    (only,) = pooled.prepared()
    sessions = [pooled.launch()["sessionId"] for _ in range(3)]
    assert sessions.count(only) == 1
    assert len(set(sessions)) == 3


def test_scripts_of_the_system_run_before_and_those_of_a_person_when_it_is_somebodys(
    made: World,
) -> None:
    pooled = Pooled(made, 1)
    component = pooled.profile["studioComponentIds"][0]
    pooled.call("UpdateStudioComponent", studioComponentId=component, initializationScripts=SCRIPTS)
    made.advance(timedelta(minutes=1))
    (ref,) = pooled.prepared()
    assert [each.output for each in pooled.engine.script_output(ref)] == ["root\n"]
    session = pooled.launch()
    assert session["sessionId"] == ref
    made.advance(timedelta(milliseconds=200))
    assert [each.output for each in pooled.engine.script_output(ref)] == ["root\n", "artist\n"]


def test_a_changed_profile_image_or_component_makes_them_stale(made: World) -> None:
    pooled = Pooled(made, 1)
    image = pooled.profile["streamConfiguration"]["streamingImageIds"][0]
    component = pooled.profile["studioComponentIds"][0]
    for change in (
        lambda: pooled.change(clipboardMode="DISABLED", warmWorkstations=1),
        lambda: pooled.call("UpdateStreamingImage", streamingImageId=image, name="Newer"),
        lambda: pooled.call("UpdateStudioComponent", studioComponentId=component, name="Newer"),
    ):
        (before,) = pooled.prepared()
        made.advance(timedelta(seconds=1))
        change()
        made.settle()
        assert pooled.launch()["sessionId"] != before, "what is out of date is nobody's"
        made.advance(timedelta(minutes=2))
        assert before not in pooled.engine.refs()
        assert pooled.pool() == (1, 1)


def test_they_age_and_a_smaller_pool_gives_some_back(made: World) -> None:
    pooled = Pooled(made, 2)
    before = pooled.prepared()
    made.advance(timedelta(hours=13))
    assert pooled.pool() == (2, 2)
    assert not before & pooled.engine.refs()
    pooled.change(warmWorkstations=1)
    made.advance(timedelta(seconds=10))
    assert pooled.pool() == (1, 1)
    assert len(pooled.engine.refs()) == 1
    pooled.change(warmWorkstations=0)
    made.advance(timedelta(seconds=10))
    assert pooled.engine.refs() == set()
    assert pooled.call("GetStudioCapacity")["warmPools"] == []
    pooled.call("DeleteLaunchProfile", launchProfileId=pooled.profile_id)
    made.advance(timedelta(hours=25))
    assert pooled.call("ListLaunchProfiles")["launchProfiles"] == []


def test_one_that_died_is_replaced_and_one_that_is_dead_is_nobodys_failure(made: World) -> None:
    pooled = Pooled(made, 1)
    (ref,) = pooled.prepared()
    pooled.engine.crash(ref)
    session = pooled.launch()
    assert session["sessionId"] == ref, "nobody has looked since it died"
    made.advance(timedelta(seconds=10))
    seen = pooled.see(session)
    assert seen["state"] == "READY", seen["statusMessage"]
    (ref,) = pooled.prepared()
    pooled.engine.crash(ref)
    made.advance(timedelta(minutes=2))
    assert pooled.pool() == (1, 1)
    assert ref not in pooled.engine.refs()


def test_one_whose_host_is_lost_is_replaced_elsewhere_and_removed_when_it_is_back(
    made: World,
) -> None:
    made.engine.host_list = ("n1", "n2")
    pooled = Pooled(made, 2)
    on = {pooled.engine.observe(ref).host: ref for ref in pooled.prepared()}
    assert on.keys() == {"n1", "n2"}
    made.engine.lost_hosts = frozenset({"n2"})
    made.advance(timedelta(minutes=1))
    assert pooled.pool() == (2, 2)
    assert len(pooled.prepared()) == 2
    for _ in range(2):
        session = pooled.launch()
        assert session["sessionId"] != on["n2"]
        made.advance(timedelta(seconds=10))
        assert pooled.see(session)["state"] == "READY"
        assert pooled.pool() == (2, 2)
    # Nobody had it, so nothing of it is kept.
    made.engine.lost_hosts = frozenset()
    assert pooled.engine.observe(on["n2"]).phase is Phase.PREPARED
    made.service.housekeeping.sweep()
    made.advance(timedelta(seconds=10))
    assert on["n2"] not in pooled.engine.refs()
    assert pooled.pool() == (2, 2)


def test_what_can_not_be_prepared_is_tried_ever_later_and_told(made: World) -> None:
    made.engine.misbehave(Misbehaviour.DIES_WHILE_STARTING, times=3)
    pooled = Pooled(made, 1)
    made.engine.calm()
    told = pooled.call("GetStudioCapacity")["warmPools"][0]
    assert told["ready"] == 0
    made.advance(timedelta(minutes=5))
    assert pooled.pool() == (1, 1)


def test_they_are_given_up_first_when_a_session_needs_the_room(made: World) -> None:
    made.engine.most_workstations = 3
    pooled = Pooled(made, 3)
    assert pooled.pool() == (3, 3)
    places = pooled.call("GetLaunchProfileAvailability", launchProfileId=pooled.profile_id)
    assert places["instanceTypes"][1]["freePlaces"] == 3
    assert places["warmWorkstations"] == 3
    place = pooled.call("GetStudioCapacity")["place"]
    assert (place["workstations"], place["warmWorkstations"]) == (3, 3)
    sessions = [pooled.launch(ec2InstanceType="g5.xlarge") for _ in range(2)]
    made.advance(timedelta(seconds=10))
    assert [pooled.see(each)["state"] for each in sessions] == ["READY", "READY"]
    assert pooled.pool() == (3, 1)
    # A third takes what is left, and for a fourth there is nothing.
    last = pooled.launch(ec2InstanceType="g5.xlarge")
    made.advance(timedelta(seconds=10))
    assert pooled.see(last)["state"] == "READY"
    refused = pooled.launch(ec2InstanceType="g5.xlarge")
    made.advance(timedelta(seconds=10))
    assert pooled.see(refused)["statusCode"] == "INSUFFICIENT_CAPACITY"
    assert len(pooled.engine.refs()) == 3


def test_a_service_that_is_killed_loses_and_doubles_none(made: World) -> None:
    pooled = Pooled(made, 2)
    for step in range(6):
        session = pooled.launch()
        made.restart()
        made.advance(timedelta(milliseconds=700 * step))
        made.restart()
        made.advance(timedelta(seconds=30))
        assert pooled.see(session)["state"] == "READY"
        assert pooled.pool() == (2, 2)
        assert len(pooled.engine.refs()) == 3 + step
        made.service.housekeeping.sweep()
        assert len(pooled.engine.refs()) == 3 + step, "none of them is a left-over"
