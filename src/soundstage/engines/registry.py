"""Finds the engine that a setting names; `wiring` calls it.

An engine is an entry point of the group `soundstage.engines`: a function that takes the settings
and the clock and gives the engine, so that one from another distribution is found as ours are.
"""

from collections.abc import Callable
from importlib.metadata import entry_points

from soundstage.engines.interface import Engine
from soundstage.kit import log, structs
from soundstage.kit.clock import Clock
from soundstage.kit.config import ConfigError, Settings

GROUP = "soundstage.engines"

Maker = Callable[[Settings, Clock], Engine]


def names() -> list[str]:
    """List the engines that are installed."""
    return sorted(point.name for point in entry_points(group=GROUP))


def make(settings: Settings, clock: Clock) -> Engine:
    """Make the engine of `settings.engine`. Raises ConfigError when there is none of that name."""
    found = entry_points(group=GROUP, name=settings.engine)
    if not found:
        raise ConfigError(
            f"SOUNDSTAGE_ENGINE: there is no engine '{settings.engine}'; "
            f"installed are {', '.join(names())}."
        )
    (point,) = found
    maker: Maker = point.load()
    log.ensure_configured()
    # What it brought is known to nobody yet, and it begins threads.
    structs.work_out()
    return maker(settings, clock)
