"""Finding the engine that a setting names."""

from pathlib import Path

import pytest

from soundstage.engines import registry
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings


def test_both_engines_of_this_distribution_are_found() -> None:
    assert {"sandbox", "simulated"} <= set(registry.names())


def test_the_setting_decides(tmp_path: Path) -> None:
    engine = registry.make(Settings(home=tmp_path, engine="simulated"), system_clock)
    assert isinstance(engine, SimulatedEngine)


def test_an_unknown_name_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SOUNDSTAGE_ENGINE: there is no engine 'cloud'") as error:
        registry.make(Settings(home=tmp_path, engine="cloud"), system_clock)
    assert "sandbox, simulated" in str(error.value)
