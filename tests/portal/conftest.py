"""A whole service, and browsers without script before it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from soundstage.testing.visitor import Visitor
from soundstage.testing.world import World, world


@pytest.fixture(name="world")
def a_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home", throttle_sign_ins_per_minute=0) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a world that tests of a module share, which neither move its time nor disable people."""
    home = tmp_path_factory.mktemp("shared") / "home"
    with world(home, throttle_sign_ins_per_minute=0) as made:
        yield made


@pytest.fixture
def visitor(shared: World) -> Visitor:
    """Give a browser that nobody is signed in on."""
    return Visitor(shared)


@pytest.fixture
def signed_in(world: World) -> Callable[[str], Visitor]:
    """Give a function that opens a browser and signs somebody in."""
    return lambda name: Visitor(world).sign_in(name)
