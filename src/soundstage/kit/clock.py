"""What time it is, as an argument.

`wiring` hands the system's clock to the doors and the reconciler; tests hand one that they set
(`soundstage.testing.clock`). Nothing else asks the operating system for the time of day.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers an aware moment in UTC."""


def system_clock() -> datetime:
    """Ask the operating system."""
    return datetime.now(UTC)
