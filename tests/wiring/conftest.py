"""A whole service for the tests of its parts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.kit.config import Settings
from soundstage.testing.world import World, world


@pytest.fixture(name="world")
def a_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home", engine="simulated", stream_environment=tmp_path / "none"
    )


@pytest.fixture
def tls_settings(tmp_path: Path) -> Settings:
    (tmp_path / "home" / "keys").mkdir(parents=True)
    return Settings(home=tmp_path / "home", tls=True)
