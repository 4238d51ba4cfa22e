"""One thread that works off what others hand to it: in their order, and at once all that waits and
all that comes meanwhile.

The API's requests that change something go through one, and what the reconciler's workers decided
through another: SQLite has one writer anyway, and a thread of its own that never stops for the next
one costs less than threads that wake each other, and gathers what can be committed together.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Generic, TypeVar

import structlog

Item = TypeVar("Item")

_MOST_AT_ONCE = 16
"""So that the first does not wait for ever."""

_log = structlog.get_logger("soundstage")


class InOrder(Generic[Item]):
    """The thread and what waits for it."""

    def __init__(self, work: Callable[[Iterator[Item]], None], name: str) -> None:
        self._work = work
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: deque[Item] = deque()
        self._is_at_work = False

    def put(self, item: Item) -> None:
        """Hand something over."""
        with self._lock:
            self._waiting.append(item)
            if self._is_at_work:
                return
            self._is_at_work = True
        self._thread.submit(self._work_off)

    def close(self) -> None:
        """Return when all is done; nothing may be handed over any more."""
        self._thread.shutdown(wait=True)

    def _work_off(self) -> None:
        while first := self._next():
            try:
                self._work(chain(first, self._more()))
            except Exception:  # noqa: BLE001 - what comes after these must not wait for ever
                _log.exception("what was handed over could not be done")

    def _more(self) -> Iterator[Item]:
        """Give what waits by the time that it is asked for."""
        for _ in range(_MOST_AT_ONCE - 1):
            with self._lock:
                if not self._waiting:
                    return
                item = self._waiting.popleft()
            yield item

    def _next(self) -> list[Item]:
        """Take the first that waits, if any."""
        with self._lock:
            self._is_at_work = bool(self._waiting)
            return [self._waiting.popleft()] if self._waiting else []
