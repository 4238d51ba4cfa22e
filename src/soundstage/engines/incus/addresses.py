"""The addresses of one Incus: one is asked, until its member is away; then the next.

`client` sends everything through it. Any member answers for the whole cluster, so the loss of the
one that was asked costs what it takes to notice. What may have been done there before it went is
not asked of another in the same breath: the caller hears that it must look again.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import structlog
from websockets.sync.client import ClientConnection

from soundstage.engines.incus.connection import (
    NO_QUERY,
    Answer,
    AwayError,
    Connection,
    Query,
    Target,
)

_log = structlog.get_logger(__name__)
_Said = TypeVar("_Said")


class Addresses:
    """Sends requests to whichever is there; may be used by several threads."""

    def __init__(self, target: Target, project: str) -> None:
        self._all = [Connection(each, target, project) for each in target.addresses]
        self._lock = threading.Lock()
        self._asked = 0
        self._is_closed = False

    @property
    def address(self) -> str:
        """Of the one that is asked now."""
        return self._all[self._asked].address

    def close(self) -> None:
        self._is_closed = True
        for each in self._all:
            each.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Query = NO_QUERY,
        within: float | None = None,
    ) -> Answer:
        """Send one request, as a connection does."""

        def send(one: Connection) -> Answer:
            return one.ask(
                method, path, body, content=content, headers=headers, query=query, within=within
            )

        return self._each(send)

    def fetch(self, path: str, query: Query = NO_QUERY) -> tuple[bytes, httpx.Headers]:
        """Read something that is no JSON, whole."""
        return self._each(lambda one: one.fetch(path, query))

    @contextmanager
    def download(self, path: str, query: Query = NO_QUERY) -> Iterator[Iterator[bytes]]:
        """Read something large, piece by piece."""
        with self._one() as one, one.download(path, query) as pieces:
            yield pieces

    @contextmanager
    def listen(self, path: str) -> Iterator[ClientConnection]:
        """Open a websocket, closed with the block. Raises AwayError."""
        with self._one() as one, one.listen(path) as opened:
            yield opened

    def _each(self, send: Callable[[Connection], _Said]) -> _Said:
        """Ask one after the other while that is harmless, each at most once."""
        for _ in self._all[1:]:
            try:
                with self._one() as one:
                    return send(one)
            except AwayError as error:
                if not error.is_harmless:
                    raise
        with self._one() as one:
            return send(one)

    @contextmanager
    def _one(self) -> Iterator[Connection]:
        """The one to ask; the next one's turn comes if it turns out to be away."""
        number = self._asked
        try:
            yield self._all[number]
        except AwayError as error:
            self._move_on(number, str(error))
            raise

    def _move_on(self, number: int, why: str) -> None:
        with self._lock:
            if len(self._all) == 1 or self._asked != number or self._is_closed:
                return
            self._asked = (number + 1) % len(self._all)
        _log.warning("incus.address_away", address=self._all[number].address, why=why)
