"""Telling the reconciler at once what a workstation did by itself.

The engine begins a watch when it asks a supervisor for something. The supervisor writes how far it
is into a file; one thread a watch reads that file a hundred times a second, for as long as a start
or a stop lasts, and calls the listener. A notice that is lost costs only the wait for the next
look, so nothing here is kept over a restart.
"""

import threading
import time
from collections.abc import Callable

_EVERY_SECONDS = 0.01
_GIVES_UP_AFTER_SECONDS = 30.0

Listener = Callable[[str], None]


class Notices:
    """The watches of one engine."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._watched: set[str] = set()
        self._lock = threading.Lock()

    def listen(self, listener: Listener) -> None:
        """Call `listener` with a workstation's ref whenever a watch ends."""
        self._listener = listener

    def watch(self, ref: str, has_come: Callable[[], bool]) -> None:
        """Tell the listener when `has_come` is true; one watch a workstation is enough."""
        with self._lock:
            if self._listener is None or ref in self._watched:
                return
            self._watched.add(ref)
        threading.Thread(target=self._run, args=(ref, has_come), daemon=True).start()

    def _run(self, ref: str, has_come: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _GIVES_UP_AFTER_SECONDS
        while not has_come() and time.monotonic() < deadline:
            time.sleep(_EVERY_SECONDS)
        with self._lock:
            self._watched.discard(ref)
            listener = self._listener
        if listener is not None:
            listener(ref)
