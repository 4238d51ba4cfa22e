"""Follows what happens at Incus by its event stream; who waits for an operation waits here.

`client` makes one. Its thread opens the stream when somebody first waits or listens, and again
whenever it broke. An event may be lost in between: so whoever waits looks for itself once the
stream is open, and after that when told, or when it was not told for longer than may be.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec
import structlog

from soundstage.engines.interface import RetryableError
from soundstage.kit.jobs import pause_after

_log = structlog.get_logger(__name__)

_PATH = "/events?type=operation,lifecycle&all-projects=true"
_AGAIN_AT_THE_LATEST = 5.0
_LOST_AFTER = 3.0
"""Incus forgets an operation five seconds after its end."""
_DONE_FROM = 200
"""Status codes below are those of operations on their way."""

Operation = dict[str, Any]


class Stream(Protocol):
    """A websocket."""

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> str | bytes: ...

    def close(self) -> None: ...


class _Event(msgspec.Struct):
    type: str
    metadata: msgspec.Raw


class _Progress(msgspec.Struct):
    id: str
    status_code: int


class Lifecycle(msgspec.Struct):
    """Something happened to an instance, a volume, and so on."""

    action: str = ""
    """Such as `instance-stopped`."""
    name: str = ""
    project: str = ""


class Events:
    """The stream, and who waits for what."""

    def __init__(self, open_stream: Callable[[str], AbstractContextManager[Stream]]) -> None:
        self._open = open_stream
        self._changed = threading.Condition()
        self._opened = 0
        """How often the stream was opened; 0: not yet."""
        self._told: dict[str, int] = {}
        """Of each operation that is waited for, how often something was heard."""
        self._listeners: list[Callable[[Lifecycle], None]] = []
        self._thread: threading.Thread | None = None
        self._stream: Stream | None = None
        self._is_over = threading.Event()

    def listen(self, listener: Callable[[Lifecycle], None]) -> None:
        """Have `listener` called, from the stream's thread, for each event of a lifecycle."""
        self._listeners.append(listener)
        self._begin()

    def wait(self, identifier: str, look: Callable[[], Operation], seconds: float) -> Operation:
        """Wait until `look` shows that an operation has ended. Raises RetryableError when it has
        not within so many seconds, and what `look` raises.
        """
        self._begin()
        deadline = time.monotonic() + seconds
        with self._changed:
            self._told.setdefault(identifier, 0)
        try:
            seen: tuple[int, int] | None = None
            while True:
                left = deadline - time.monotonic()
                seen = self._news(identifier, seen, min(left, _LOST_AFTER))
                operation = look()
                if operation["status_code"] >= _DONE_FROM:
                    return operation
                if time.monotonic() >= deadline:
                    raise RetryableError("an operation of Incus takes longer than expected")
        finally:
            with self._changed:
                self._told.pop(identifier, None)

    def close(self) -> None:
        self._is_over.set()
        if self._stream is not None:
            self._stream.close()

    def _news(
        self, identifier: str, seen: tuple[int, int] | None, seconds: float
    ) -> tuple[int, int]:
        """Wait until more is known than `seen`, or for as long as a lost event may cost; without a
        stream nothing would be heard of what ends after a look.
        """

        def state() -> tuple[int, int]:
            return self._opened, self._told.get(identifier, 0)

        with self._changed:
            self._changed.wait_for(
                lambda: self._opened > 0 and state() != seen, timeout=max(0.0, seconds)
            )
            return state()

    def _begin(self) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._follow, name="incus-events", daemon=True
                )
                self._thread.start()

    def _follow(self) -> None:
        failures = 0
        while not self._is_over.is_set():
            try:
                with self._open(_PATH) as self._stream:
                    failures = 0
                    with self._changed:
                        self._opened += 1
                        self._changed.notify_all()
                    while not self._is_over.is_set():
                        self._hear(self._stream.recv())
            except Exception as error:  # noqa: BLE001 - whatever broke it, it is opened again
                failures += 1
                pause = pause_after(failures, at_most=_AGAIN_AT_THE_LATEST)
                if not self._is_over.is_set():
                    why = str(error) or type(error).__name__
                    _log.info("incus.events_broke", error=why, pause_seconds=pause)
                self._is_over.wait(pause)

    def _hear(self, text: str | bytes) -> None:
        event = msgspec.json.decode(text, type=_Event)
        if event.type == "operation":
            progress = msgspec.json.decode(event.metadata, type=_Progress)
            with self._changed:
                if progress.id in self._told:
                    self._told[progress.id] += 1
                    self._changed.notify_all()
            return
        happened = msgspec.json.decode(event.metadata, type=Lifecycle)
        for listener in self._listeners:
            listener(happened)
