"""The relays that are open now: how many may be, which must be cut, which carried anything.

`relay` enters and leaves; `wiring` runs `watch` as long as the service lives.
"""

import asyncio
import time
from collections import Counter
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from soundstage.gateway import frames
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Upstreams
from soundstage.kit.clock import Clock

log = structlog.get_logger(__name__)

_ANSWER_SECONDS = 3.0
"""Longest wait for the control plane; with one round a second a cut comes within 5 s."""


class Cuttable(Protocol):
    """What is known of a relay here."""

    stream_id: str
    expires: int
    carried: bool
    """Set by the relay whenever bytes pass; cleared here when that was reported."""
    looks_on: bool
    """Reports whether it came by a share, and only looks on."""
    worked: bool
    """Set by the relay whenever pointer or keys are used; cleared here likewise."""

    def cut(self, code: int, reason: str) -> None:
        """Close with this code at the next frame border, or without one soon after."""
        ...


class Carried(msgspec.Struct):
    """What all relays of this process passed on since it began; they count it up."""

    frames_down: int = 0
    """To browsers."""
    bytes_down: int = 0
    bytes_up: int = 0


class FullError(Exception):
    """As many relays are open as may be."""


class LiveRelays:
    """All open relays of this process."""

    def __init__(self, settings: GatewaySettings, upstreams: Upstreams, clock: Clock) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._clock = clock
        self._by_stream: dict[str, set[Cuttable]] = {}
        self._count = 0
        self.carried = Carried()
        self._told_viewers: dict[str, int] = {}
        """What was last reported of those who look on."""
        self._input_at: dict[str, float] = {}
        """When input was last reported, by the monotonic clock."""

    def __len__(self) -> int:
        return self._count

    def enter(self, relay: Cuttable) -> None:
        """Count a relay in, before its desktop is looked up, so that no end is missed between.

        Raises FullError.
        """
        beside = self._by_stream.get(relay.stream_id, set())
        if self._count >= self._settings.relays_in_total:
            raise FullError("too many live connections on this server")
        if len(beside) >= self._settings.relays_per_stream:
            raise FullError("too many pages of this stream are open")
        self._by_stream.setdefault(relay.stream_id, set()).add(relay)
        self._count += 1

    def count(self, stream_id: str) -> int:
        """Count the relays of a stream."""
        return len(self._by_stream.get(stream_id, ()))

    def leave(self, relay: Cuttable) -> None:
        """Count a relay out; may be repeated."""
        beside = self._by_stream.get(relay.stream_id)
        if beside is None or relay not in beside:
            return
        beside.remove(relay)
        self._count -= 1
        if not beside:
            del self._by_stream[relay.stream_id]

    def cut(self, stream_id: str, code: int, reason: str) -> None:
        """Cut every relay of a stream."""
        for relay in tuple(self._by_stream.get(stream_id, ())):
            relay.cut(code, reason)

    async def watch(self) -> None:
        """Cut what has ended and report what is used, until cancelled."""
        settings = self._settings
        answered_at = reported_at = time.monotonic()
        while True:
            await asyncio.sleep(settings.revocation_seconds)
            self.cut_expired(self._clock())
            if await self.cut_ended():
                answered_at = time.monotonic()
            elif time.monotonic() - answered_at > settings.revocation_patience_seconds:
                self._cut_all(frames.OVERLOADED, "The studio does not answer.")
            await self.report_input(time.monotonic())
            await self.report_viewers()
            if time.monotonic() - reported_at >= settings.activity_seconds:
                reported_at = time.monotonic()
                await self.report()
                await self.report_viewers(again=True)

    def cut_expired(self, now: datetime) -> None:
        """Cut the relays whose cookie would not open the stream any more."""
        moment = now.timestamp()
        for relay in self._all():
            if moment >= relay.expires:
                relay.cut(frames.ENDED, "This link's time is over.")

    async def cut_ended(self) -> bool:
        """Ask which streams have ended and cut them; says whether there was an answer."""
        asked = set(self._by_stream)
        if not asked:
            return True
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ended = await self._upstreams.ended(asked)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round asks again
            log.warning("gateway.revocation_unanswered", error=type(error).__name__)
            return False
        for stream_id in ended & asked:
            log.info("gateway.stream_cut", stream=stream_id)
            self.cut(stream_id, frames.ENDED, "The workstation was stopped, or access was ended.")
        return True

    async def report(self) -> None:
        """Report the streams that carried bytes since the last report that was taken."""
        used = {relay.stream_id for relay in self._all() if relay.carried}
        if not used:
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._upstreams.report_activity(used)
        except Exception as error:  # noqa: BLE001 - it is reported again with the next round
            log.warning("gateway.activity_unreported", error=type(error).__name__)
            return
        for relay in self._all():
            relay.carried = False

    async def report_viewers(self, *, again: bool = False) -> None:
        """Report how many look on by each share, where that is another number than was told."""
        counts = Counter(relay.stream_id for relay in self._all() if relay.looks_on)
        now = dict.fromkeys(self._told_viewers, 0) | counts
        news = now if again else {k: n for k, n in now.items() if self._told_viewers.get(k) != n}
        if not news:
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._upstreams.report_viewers(news)
        except Exception as error:  # noqa: BLE001 - it is reported again with the next round
            log.warning("gateway.viewers_unreported", error=type(error).__name__)
            return
        self._told_viewers = dict(counts)

    async def report_input(self, now: float) -> None:
        """Report the streams that somebody works on, unless that was said a moment ago."""
        self._input_at = {key: at for key, at in self._input_at.items() if key in self._by_stream}
        least = self._settings.input_seconds
        worked = {relay.stream_id for relay in self._all() if relay.worked}
        due = {key for key in worked if now - self._input_at.get(key, -least) >= least}
        if not due:
            return
        for relay in self._all():
            if relay.stream_id in due:
                relay.worked = False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._upstreams.report_input(due)
        except Exception as error:  # noqa: BLE001 - it is reported again with the next round
            log.warning("gateway.input_unreported", error=type(error).__name__)
            for relay in self._all():
                relay.worked = relay.worked or relay.stream_id in due
            return
        self._input_at |= dict.fromkeys(due, now)

    def _cut_all(self, code: int, reason: str) -> None:
        for relay in self._all():
            relay.cut(code, reason)

    def _all(self) -> list[Cuttable]:
        return [relay for beside in self._by_stream.values() for relay in beside]
