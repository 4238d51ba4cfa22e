"""Finding the engine that a setting names."""

import subprocess
import sys
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


# Says which structs an engine brought that were not worked out before it was made.
BROUGHT = """
import sys
from pathlib import Path

import msgspec

from soundstage.engines import registry
from soundstage.kit import structs
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings

known = set()
work_out = structs.work_out

def noted():
    work_out()
    known.update(structs._below(msgspec.Struct))

structs.work_out = noted
registry.make(Settings(home=Path(sys.argv[2]), engine=sys.argv[1]), system_clock)
brought = set(structs._below(msgspec.Struct))
print(len(brought) > 40, sorted(map(repr, brought - known)))
"""


@pytest.mark.parametrize("name", ["incus", "sandbox", "simulated"])
def test_the_structs_of_an_engine_are_worked_out_before_it_has_threads(
    name: str, home: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROUGHT, name, home],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "True []\n"
