"""Which relays are cut, and what is reported."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.gateway import frames
from soundstage.gateway.live import FullError, LiveRelays
from soundstage.gateway.settings import GatewaySettings
from soundstage.testing.streams import MemoryUpstreams

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FakeRelay:
    def __init__(self, live: LiveRelays, stream_id: str) -> None:
        self.stream_id = stream_id
        self.expires = int((NOW + timedelta(hours=1)).timestamp())
        self.carried = False
        self.worked = False
        self.looks_on = False
        self.cuts: list[int] = []
        self.is_cut = asyncio.Event()
        self._live = live
        live.enter(self)

    def cut(self, code: int, reason: str) -> None:
        assert reason
        self.cuts.append(code)
        self.is_cut.set()
        self._live.leave(self)


@pytest.fixture
def upstreams() -> MemoryUpstreams:
    return MemoryUpstreams()


def some_live(upstreams: MemoryUpstreams, **settings: Any) -> LiveRelays:
    told = GatewaySettings(public_url="http://x", stream_environment=Path("/"), **settings)
    return LiveRelays(told, upstreams, lambda: NOW)


def test_only_what_has_ended_is_cut(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams)
    relays = [FakeRelay(live, name) for name in ("one", "one", "two")]
    upstreams.over = {"one", "three"}
    assert asyncio.run(live.cut_ended())
    assert [relay.cuts for relay in relays] == [[frames.ENDED], [frames.ENDED], []]
    assert len(live) == 1


def test_a_relay_ends_with_its_cookie(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams)
    relay = FakeRelay(live, "one")
    live.cut_expired(NOW + timedelta(minutes=59))
    assert relay.cuts == []
    live.cut_expired(NOW + timedelta(minutes=60))
    assert relay.cuts == [frames.ENDED]


def test_input_is_reported_at_once_and_then_seldom(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams)
    relay, other = FakeRelay(live, "one"), FakeRelay(live, "two")
    asyncio.run(live.report_input(100.0))
    assert upstreams.worked_on == []
    relay.worked = True
    asyncio.run(live.report_input(101.0))
    relay.worked = other.worked = True
    asyncio.run(live.report_input(102.0))
    assert upstreams.worked_on == [{"one"}, {"two"}]
    # What was not reported yet is, when its time has come, and also if nobody answered before.
    upstreams.is_reachable = False
    asyncio.run(live.report_input(116.0))
    upstreams.is_reachable = True
    asyncio.run(live.report_input(117.0))
    assert upstreams.worked_on[2:] == [{"one"}]
    assert not relay.worked


def test_too_many_are_turned_away(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams, relays_per_stream=2, relays_in_total=3)
    first, _ = FakeRelay(live, "one"), FakeRelay(live, "one")
    with pytest.raises(FullError, match="this stream"):
        FakeRelay(live, "one")
    FakeRelay(live, "two")
    with pytest.raises(FullError, match="this server"):
        FakeRelay(live, "three")
    live.leave(first)
    live.leave(first)
    FakeRelay(live, "one")
    assert len(live) == 3


def test_use_is_reported_once_and_kept_when_nobody_listens(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams)
    used, _ = FakeRelay(live, "one"), FakeRelay(live, "two")
    used.carried = True
    upstreams.is_reachable = False
    asyncio.run(live.report())
    upstreams.is_reachable = True
    asyncio.run(live.report())
    asyncio.run(live.report())
    assert upstreams.reported == [{"one"}]


def watch(live: LiveRelays, relay: FakeRelay, seconds: float) -> None:
    async def run() -> None:
        relay.is_cut = asyncio.Event()
        watching = asyncio.create_task(live.watch())
        try:
            async with asyncio.timeout(seconds):
                await relay.is_cut.wait()
        finally:
            watching.cancel()

    asyncio.run(run())


def test_the_watch_cuts_what_ends_and_reports(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams, revocation_seconds=0.01, activity_seconds=0.0)
    relay = FakeRelay(live, "one")
    relay.carried = True
    with pytest.raises(TimeoutError):
        watch(live, relay, 0.1)
    upstreams.over = {"one"}
    watch(live, relay, 5)
    assert relay.cuts == [frames.ENDED]
    assert upstreams.reported == [{"one"}]


def test_rights_that_nobody_can_check_are_not_used_for_long(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams, revocation_seconds=0.01, revocation_patience_seconds=0.1)
    relay = FakeRelay(live, "one")
    upstreams.is_reachable = False
    watch(live, relay, 5)
    assert relay.cuts == [frames.OVERLOADED]


def test_how_many_look_on_is_told_when_it_changes(upstreams: MemoryUpstreams) -> None:
    live = some_live(upstreams)
    relays = [FakeRelay(live, name) for name in ("one", "one", "two")]
    asyncio.run(live.report_viewers())
    assert upstreams.looking == []
    relays[0].looks_on = relays[1].looks_on = True
    asyncio.run(live.report_viewers())
    asyncio.run(live.report_viewers())
    live.leave(relays[0])
    upstreams.is_reachable = False
    asyncio.run(live.report_viewers())
    upstreams.is_reachable = True
    asyncio.run(live.report_viewers())
    asyncio.run(live.report_viewers(again=True))
    live.leave(relays[1])
    for _ in range(2):
        asyncio.run(live.report_viewers())
    assert upstreams.looking == [{"one": 2}, {"one": 1}, {"one": 1}, {"one": 0}]
