"""Lets few workstations of a host start at the same moment; the others wait in line.

`starting.py` asks for a turn before it switches one on. A desktop that starts needs a core for
seconds. Where twenty share two, all are ready at the end of the last, and one that has so small a
share may not come up within its time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from soundstage.kit.jobs import Cancellation

_LOOKS_SECONDS = 0.5


class Pace:
    """Of one installation; each workstation is known by its ref."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._lines: dict[str, list[str]] = {}
        """Who waits, by host."""
        self._starting: dict[str, dict[str, float]] = {}
        """Who starts, and until when that counts."""

    @contextmanager
    def turn(
        self, cancellation: Cancellation, ref: str, host: str, most: int | None, holds: float
    ) -> Iterator[None]:
        """Wait until fewer than `most` start on a host; None waits for nobody. After `holds`
        seconds it does not count any more, whether it has ended or not. Raises CancelledError.
        """
        with self._changed:
            line = self._lines.setdefault(host, [])
            starting = self._starting.setdefault(host, {})
            line.append(ref)
            try:
                while most is not None and (line[0] != ref or self._many(starting) >= most):
                    cancellation.check()
                    self._changed.wait(_LOOKS_SECONDS)
            finally:
                line.remove(ref)
                self._changed.notify_all()
            starting[ref] = self._clock() + holds
        try:
            yield
        finally:
            with self._changed:
                del starting[ref]
                self._changed.notify_all()

    def is_waiting(self, ref: str) -> bool:
        with self._changed:
            return any(ref in line for line in self._lines.values())

    def _many(self, starting: dict[str, float]) -> int:
        now = self._clock()
        return sum(now < until for until in starting.values())
