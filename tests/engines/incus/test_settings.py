"""Where homes are, as Incus's API says it."""

from pathlib import Path

from soundstage.engines.incus.connection import Target
from soundstage.engines.incus.settings import IncusSettings


def test_homes_are_in_the_pool() -> None:
    settings = IncusSettings(home=Path("/h"), target=Target(addresses=("/s",)), pool="fast")
    assert settings.volumes == "/storage-pools/fast/volumes/custom"
