"""A whole service, which calls go to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.world import World, world


@pytest.fixture(name="world")
def a_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        yield made
