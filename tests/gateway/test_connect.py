"""Desktops are connected to one after the other, and only where they ought to be."""

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from soundstage.gateway.connect import Connector
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Upstream
from soundstage.kit.places import SocketFolder
from soundstage.kit.unixsocket import SocketUnavailableError, UntrustedSocketError
from soundstage.testing.streams import StandInDesktop


def a_connector(spacing: float) -> Connector:
    settings = GatewaySettings(
        public_url="http://x", stream_environment=Path("/"), connect_spacing_seconds=spacing
    )
    return Connector(settings)


def connect(places: list[Upstream], spacing: float = 0.1) -> list[float]:
    """Connect to all at once; the moments when each was connected."""

    async def all_at_once() -> list[float]:
        connector = a_connector(spacing)

        async def one(place: Upstream) -> float:
            (await connector.open(place)).close()
            return time.monotonic()

        try:
            return sorted(await asyncio.gather(*(one(place) for place in places)))
        finally:
            connector.close()

    return asyncio.run(all_at_once())


@pytest.fixture
def place(home: Path) -> Iterator[Upstream]:
    home.chmod(0o700)
    desktop = StandInDesktop(home)
    yield desktop.place("one")
    desktop.close()


def test_connects_to_one_desktop_are_spaced(place: Upstream) -> None:
    moments = connect([place] * 3)
    gaps = [b - a for a, b in pairwise(moments)]
    assert all(gap > 0.09 for gap in gaps)


def test_desktops_do_not_wait_for_each_other(place: Upstream) -> None:
    other = msgspec.structs.replace(place, stream_id="two")
    moments = connect([place, other], spacing=30)
    assert moments[1] - moments[0] < 1


def test_a_swapped_socket_is_not_followed(home: Path, place: Upstream) -> None:
    other = StandInDesktop(home, "other.sock")
    (home / place.name).unlink()
    (home / place.name).symlink_to(home / "other.sock")
    with pytest.raises(UntrustedSocketError):
        connect([place])
    other.close()


def test_a_socket_of_somebody_else_is_not_used(place: Upstream) -> None:
    assert isinstance(place.place, SocketFolder)
    somebody = msgspec.structs.replace(place.place, uid=place.place.uid + 1)
    with pytest.raises(UntrustedSocketError):
        connect([msgspec.structs.replace(place, place=somebody)])


def test_a_missing_desktop_is_said_to_be_missing(place: Upstream) -> None:
    with pytest.raises(SocketUnavailableError):
        connect([msgspec.structs.replace(place, name="nothing.sock")])


def test_desktops_are_forgotten_when_their_spacing_is_over(place: Upstream) -> None:
    async def twice() -> int:
        connector = a_connector(0.0)
        for name in ("one", "two"):
            (await connector.open(msgspec.structs.replace(place, stream_id=name))).close()
        connector.close()
        return len(connector._turns)

    assert asyncio.run(twice()) <= 1
