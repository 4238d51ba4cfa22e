"""What the engine is told, and what it makes of it."""

from pathlib import Path

from soundstage.engines.sandbox.settings import SandboxSettings


def test_the_host_s_own_image_is_known_from_the_start() -> None:
    settings = SandboxSettings(home=Path("/data"), stream_environment=Path("/stream"))
    assert settings.images["ami-host"].root == Path("/")
    assert settings.workstations == Path("/data/workstations")
    assert settings.isolation == "bubblewrap"
