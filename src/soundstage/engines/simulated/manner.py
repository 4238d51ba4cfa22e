"""How the simulated engine goes about its work; who has one may change it while it runs."""

from collections.abc import Sequence


class Manner:
    """The engine is one, so that a test says `engine.start_seconds = 90`."""

    start_seconds: float = 2
    stop_seconds: float = 1
    backup_seconds: float = 3
    """How long a backup takes, and a restore."""
    images: frozenset[str] | None = None
    """Those that can be run; None for any."""
    host_list: Sequence[str] = ("n1",)
    """The hosts; a new workstation goes to the one with the fewest."""
    lost_hosts: frozenset[str] = frozenset()
    """Those that do not answer."""
    most_workstations: int | None = None
    """How many fit on a host; None for any number. All are of one size, whatever their type."""
    keeps_place_seconds: float = 120
    """How long the place of one that crashed is not given to another."""
    shortfall: str = ""
    """What it says it gives less of."""
