"""How the reconciler is doing, for `/readyz` and for people."""

import threading
from datetime import datetime, timedelta

import msgspec

LATE_AFTER = timedelta(seconds=20)
"""A loop that has not looked for this long is taken for stuck."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop last said of itself."""

    looked_at: datetime | None
    """When it last looked for due rows; None before the first look."""
    in_hand: int
    """How many rows are being acted on."""
    failures: int
    """How many steps ended in an unexpected error since the start."""
    looks: int = 0
    """How often it looked since the start."""

    def is_late(self, now: datetime) -> bool:
        """Reports whether the loop seems stuck."""
        return self.looked_at is None or now - self.looked_at > LATE_AFTER


class HealthBoard:
    """Where the loop writes and others read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._health = Health(looked_at=None, in_hand=0, failures=0)

    def read(self) -> Health:
        """Read what the loop last said."""
        with self._lock:
            return self._health

    def looked(self, now: datetime, in_hand: int) -> None:
        """Note a look."""
        with self._lock:
            looks = self._health.looks + 1
            self._health = msgspec.structs.replace(
                self._health, looked_at=now, in_hand=in_hand, looks=looks
            )

    def failed(self) -> None:
        """Note an unexpected error."""
        with self._lock:
            failures = self._health.failures + 1
            self._health = msgspec.structs.replace(self._health, failures=failures)
