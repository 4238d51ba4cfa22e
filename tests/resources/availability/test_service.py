"""Chances of a launch profile, from a whole service."""

import pytest

from soundstage.engines.interface import RetryableError
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def test_an_engine_that_can_not_say_leaves_figures_out(
    world: World, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(engine: SimulatedEngine, *, avoid: list[str]) -> None:
        del engine, avoid
        raise RetryableError("busy")

    monkeypatch.setattr(SimulatedEngine, "room", busy)
    told = world.operator.call(
        "GetLaunchProfileAvailability", studioId=studio.id, launchProfileId=studio.profile_id
    )
    assert told["instanceTypes"][0] == {"ec2InstanceType": "g4dn.xlarge"}
