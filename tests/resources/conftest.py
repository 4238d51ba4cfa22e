"""What tests of resources need: a whole service under a hand-moved clock, and a studio in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from soundstage.client.calls import CallError
from soundstage.testing.walks import Studio
from soundstage.testing.world import World, world

Refused = Callable[..., tuple[str, str]]


@pytest.fixture
def settings() -> dict[str, Any]:
    """Give the world's settings that are not the defaults; a test may parametrize them."""
    return {}


@pytest.fixture(name="world")
def a_world(tmp_path: Path, settings: dict[str, Any]) -> Iterator[World]:
    with world(tmp_path / "home", **settings) as made:
        yield made


@pytest.fixture
def studio_id(world: World) -> str:
    return str(world.studio()["studioId"])


@pytest.fixture
def studio(world: World) -> Studio:
    """Give a studio with a launch profile whose sessions can be stopped and are backed up."""
    return Studio(world)


@pytest.fixture
def transaction(world: World, studio_id: str) -> Iterator[Connection]:
    """Give an open transaction; meanwhile nobody can call the service."""
    assert studio_id
    with world.service.database.transaction() as opened:
        yield opened


@pytest.fixture
def refused(world: World) -> Refused:
    """Give a function that makes a call which must fail, and tells the error's name and message."""

    def call(operation: str, /, **members: Any) -> tuple[str, str]:
        with pytest.raises(CallError) as caught:
            world.operator.call(operation, **members)
        return caught.value.name, str(caught.value)

    return call
