"""Says when the keeper of a workstation that starts may be asked how far it is.

A question costs a process inside. While `starting.py` waits for a start, its end is heard of
without being asked for; what it is at is for people, who look now and then. `engine.py` asks here
before it asks a keeper.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

EVERY_SECONDS = 3.0
"""Between two questions to a keeper that is waited for."""


@dataclass
class _Wait:
    """For one start, by one thread; its end takes it away, and who still holds it changes
    nothing.
    """

    due_at: float


class News:
    """Of one installation; each workstation is known by its ref."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waits: dict[str, _Wait] = {}

    @contextmanager
    def awaited(self, ref: str) -> Iterator[None]:
        """Ask only now and then for as long as the block lasts."""
        self._waits[ref] = _Wait(self._clock() + EVERY_SECONDS)
        try:
            yield
        finally:
            del self._waits[ref]

    def is_due(self, ref: str) -> bool:
        """Reports whether to ask now, and counts on that being done."""
        wait = self._waits.get(ref)
        if wait is None:
            return True
        now = self._clock()
        if now < wait.due_at:
            return False
        wait.due_at = now + EVERY_SECONDS
        return True
