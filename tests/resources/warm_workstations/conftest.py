"""A studio whose launch profile keeps two prepared."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.testing.world import World
from soundstage.testing.world import world as a_world


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    with a_world(home) as made:
        yield made


@pytest.fixture
def profile(world: World) -> dict[str, Any]:
    made = world.profile(world.studio()["studioId"], warmWorkstations=2)
    world.advance(timedelta(seconds=10))
    return made
