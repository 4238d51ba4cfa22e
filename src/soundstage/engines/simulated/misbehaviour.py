"""What the simulated engine can be told to do wrong, and what of that has not come to pass yet."""

from collections import Counter
from enum import StrEnum


class Misbehaviour(StrEnum):
    """What can be made to go wrong. Each is used up by the step that it spoils."""

    NEVER_STARTS = "never starts"
    """Stays in STARTING for ever."""
    DIES_WHILE_STARTING = "dies while starting"
    CRASHES = "crashes when running"
    """Is STOPPED the moment it would have been seen RUNNING for the second time."""
    ANSWERS_LATE = "answers late"
    """Starts in ten times `start_seconds`."""
    STOPS_SLOWLY = "stops slowly"
    """Stops in ten times `stop_seconds`."""
    LOSES_BACKUP = "loses a backup"
    """The backup becomes COMPLETE, is seen so once, and is ABSENT from then on."""
    FAILS_BACKUP = "fails a backup"
    LOSES_STORE = "loses sight of the store"
    """The backup fails in a way that may pass."""
    FAILS_RESTORE = "fails a restore"
    OUT_OF_CAPACITY = "out of capacity"
    RETRYABLE = "raises RetryableError"
    """The call, any but `refs` and `capabilities`, comes to nothing."""
    OUT_OF_REACH = "raises OutOfReachError"
    """The same, because the workstation's host does not answer."""


class Orders:
    """What it was told; each order is for so many steps, of one workstation or of any."""

    def __init__(self) -> None:
        self._left: Counter[tuple[str | None, Misbehaviour]] = Counter()

    def add(self, what: Misbehaviour, ref: str | None, times: int) -> None:
        """Let the next `times` steps of this kind go wrong; with None, of whichever comes."""
        self._left[ref, what] += times

    def clear(self) -> None:
        """Forget all of them."""
        self._left.clear()

    @property
    def are_any(self) -> bool:
        """Reports whether any is left."""
        return any(self._left.values())

    def use(self, ref: str, *kinds: Misbehaviour) -> Misbehaviour | None:
        """Use up the first of these that there is an order for; None where there is none."""
        return next((what for what in kinds if self._use(ref, what)), None)

    def _use(self, ref: str, what: Misbehaviour) -> bool:
        for key in ((ref, what), (None, what)):
            if self._left[key]:
                self._left[key] -= 1
                return True
        return False
