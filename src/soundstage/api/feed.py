"""Lists that are followed: an answer that goes on, as a stream of server-sent events.

`app` makes a `Feed` for a caller who accepts `text/event-stream`, `middleware` has `Feeds` send it.
Every look is a call of its own, with the permission checked anew, so a feed ends within a second
when its caller may not see it any more. Who comes back names the last event that they saw.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread
import msgspec
import structlog
from starlette.types import Receive, Send

from soundstage.wire.faults import ThrottledError
from soundstage.wire.operation import News

LAST_ID_HEADER = "last-event-id"
MEDIA_TYPE = "text/event-stream"
LONGEST_ID = 64
_LOOK_SECONDS = 0.5
_HEARTBEAT_SECONDS = 15.0
_MOST = 128
_MOST_OF_ONE = 8
_THREADS = 4

_log = structlog.get_logger("soundstage.api")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One caller's feed."""

    principal_id: str
    first: News
    more: Callable[[str], News | None]
    """What is new behind an id; None when it is over. May block."""


class Feeds:
    """All feeds that are open, within bounds."""

    def __init__(self, *, look_seconds: float = _LOOK_SECONDS) -> None:
        self._open: Counter[str] = Counter()
        self._look_seconds = look_seconds
        self._is_over = False
        self._limiter: anyio.CapacityLimiter | None = None

    @property
    def count(self) -> int:
        """How many are open."""
        return self._open.total()

    def let_go(self) -> None:
        """End all, because the service ends; their callers ask the next one."""
        self._is_over = True

    @contextmanager
    def admitted(self, feed: Feed) -> Iterator[None]:
        """Count a feed while the block lasts. Raises ThrottledError."""
        if self._open[feed.principal_id] >= _MOST_OF_ONE or self.count >= _MOST:
            raise ThrottledError(
                f"Too many are being followed: {_MOST_OF_ONE} by one principal and {_MOST} in all "
                "are allowed.",
                headers={"Retry-After": "5"},
            )
        self._open[feed.principal_id] += 1
        try:
            yield
        finally:
            self._open[feed.principal_id] -= 1
            self._open += Counter()

    async def send(self, feed: Feed, receive: Receive, send: Send) -> None:
        """Send the body, until the caller goes, or may not see it any more."""
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await self._send(feed, send, gone)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _send(self, feed: Feed, send: Send, gone: "asyncio.Task[None]") -> None:
        news: News | None = feed.first
        last_id, sent_at = feed.first.last_id, 0.0
        opening = b"retry: 3000\n\n"
        while news is not None and not gone.done() and not self._is_over:
            text = opening + b"".join(_event(*item) for item in news.items)
            opening = b""
            if not text and time.monotonic() - sent_at >= _HEARTBEAT_SECONDS:
                text = b": still here\n\n"
            if text:
                await send({"type": "http.response.body", "body": text, "more_body": True})
                sent_at = time.monotonic()
            last_id = news.last_id
            if not news.items:
                await asyncio.wait([gone], timeout=self._look_seconds)
            news = await self._more(feed, last_id)

    async def _more(self, feed: Feed, last_id: str) -> News | None:
        # A limiter belongs to an event loop, so it can't be made before the first feed.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_THREADS)
        try:
            return await anyio.to_thread.run_sync(feed.more, last_id, limiter=self._limiter)
        except Exception:  # noqa: BLE001 - it is logged, and the caller comes back
            _log.exception("a feed broke off", principal=feed.principal_id)
            return None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(event_id: str, text: bytes) -> bytes:
    return b"id: " + event_id.encode() + b"\ndata: " + text + b"\n\n"
