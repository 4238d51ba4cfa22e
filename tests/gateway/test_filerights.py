"""Turns, use and reports; what is refused to whom is tried through the door in test_files.py."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from soundstage.gateway.filerights import Entered, FileRights, RefusedFileError
from soundstage.gateway.origin import Origin
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import Entrance
from soundstage.gateway.upstreams import FileRules, Transferred, Upstream
from soundstage.kit.places import SocketFolder
from soundstage.kit.proxies import Proxies
from soundstage.testing.streams import MemoryUpstreams
from soundstage.wire.ticket import Ticket, Tickets

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def upstreams() -> MemoryUpstreams:
    return MemoryUpstreams()


@pytest.fixture
def rights(upstreams: MemoryUpstreams, tmp_path: Path) -> FileRights:
    settings = GatewaySettings(
        public_url="http://127.0.0.1:1",
        stream_environment=tmp_path,
        transfers_per_stream=2,
        transfers_in_total=3,
    )
    entrance = Entrance(settings, Tickets(b"s" * 32), lambda: NOW)
    return FileRights(settings, upstreams, entrance, Origin(settings, Proxies([])))


def entered(expires: int) -> Entered:
    upstream = Upstream(stream_id="a", place=SocketFolder(directory="/", uid=0), name="s")
    pass_ = Ticket(stream_id="a", subject="artist", expires=expires)
    return Entered(pass_, upstream, FileRules(name="f"))


def test_so_many_at_once_and_no_more(rights: FileRights) -> None:
    with ExitStack() as stack:
        stack.enter_context(rights.turn("a"))
        stack.enter_context(rights.turn("a"))
        with pytest.raises(RefusedFileError, match="Too many"), rights.turn("a"):
            raise AssertionError
        stack.enter_context(rights.turn("b"))
        with pytest.raises(RefusedFileError, match="Too many"), rights.turn("c"):
            raise AssertionError
    with rights.turn("a"), rights.turn("a"), rights.turn("c"):
        assert rights._under_way == {"a": 2, "c": 1}
    assert rights._under_way == {}


def test_use_is_reported_now_and_then(rights: FileRights, upstreams: MemoryUpstreams) -> None:
    for stream_id in ("a", "a", "b", "a"):
        asyncio.run(rights.note_use(stream_id))
    assert upstreams.worked_on == [{"a"}, {"b"}]


def test_a_report_that_fails_stops_no_file(rights: FileRights, upstreams: MemoryUpstreams) -> None:
    upstreams.is_reachable = False
    asyncio.run(rights.note_use("a"))
    asyncio.run(rights.tell(Transferred(stream_id="a", is_upload=True, name="x", size=1)))


def test_a_right_ends_with_its_cookie_and_with_its_stream(
    rights: FileRights, upstreams: MemoryUpstreams
) -> None:
    later = int(NOW.timestamp()) + 60
    assert not asyncio.run(rights.is_over(entered(later)))
    assert asyncio.run(rights.is_over(entered(int(NOW.timestamp()) - 1)))
    upstreams.over.add("a")
    assert asyncio.run(rights.is_over(entered(later)))
