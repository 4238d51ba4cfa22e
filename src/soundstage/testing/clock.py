"""A clock that moves only when it is told to."""

import time
from datetime import UTC, datetime, timedelta


class SettableClock:
    """Answers as `kit.clock.Clock` does."""

    def __init__(self, moment: datetime = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)) -> None:
        self._moment = moment
        self._runs_since: float | None = None

    def __call__(self) -> datetime:
        """Tell the time."""
        if self._runs_since is None:
            return self._moment
        return self._moment + timedelta(seconds=time.monotonic() - self._runs_since)

    def run(self) -> None:
        """Go on by itself from now on, as the clock of somebody real does who must agree on the
        time; it can be moved all the same.
        """
        self._moment = self()
        self._runs_since = time.monotonic()

    def advance(self, duration: timedelta) -> None:
        """Move on."""
        self._moment += duration

    def set(self, moment: datetime) -> None:
        """Jump, also backwards."""
        self._moment = moment
        if self._runs_since is not None:
            self._runs_since = time.monotonic()
