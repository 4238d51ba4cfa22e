"""A clock that moves only when it is told to."""

from datetime import UTC, datetime, timedelta


class SettableClock:
    """Answers as `kit.clock.Clock` does."""

    def __init__(self, moment: datetime = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)) -> None:
        self._moment = moment

    def __call__(self) -> datetime:
        """Tell the time."""
        return self._moment

    def advance(self, duration: timedelta) -> None:
        """Move on."""
        self._moment += duration

    def set(self, moment: datetime) -> None:
        """Jump, also backwards."""
        self._moment = moment
