"""How chances are reckoned."""

from datetime import timedelta

import msgspec
import pytest

from soundstage.engines.interface import Capacity, Room
from soundstage.resources.availability.model import expected, of_type

GIB = 1024**3


def capacity(cpus: float, gib: float, gpus: int = 0) -> Capacity:
    return Capacity(cpus=cpus, memory_bytes=int(gib * GIB), gpus=gpus)


ROOM = Room(
    size=capacity(16, 64, 2),
    to_promise=capacity(16, 60, 2),
    promised=capacity(4, 8, 0),
    workstations={},
    types={"g4dn.xlarge": capacity(4, 16), "g5.xlarge": capacity(0.1, 1, 1)},
    details={"g5.xlarge": "small"},
    free_memory_bytes=1,
    free_disk_bytes=1,
)


@pytest.mark.parametrize(
    ("name", "promised", "places"),
    [
        ("g4dn.xlarge", capacity(4, 8), 3),
        ("g4dn.xlarge", capacity(0, 0), 3),
        ("g4dn.xlarge", capacity(12.5, 8), 0),
        ("g4dn.xlarge", capacity(20, 80), 0),
        ("g5.xlarge", capacity(4, 8, 0), 2),
        ("g5.xlarge", capacity(4, 8, 2), 0),
    ],
)
def test_the_scarcest_thing_decides(name: str, promised: Capacity, places: int) -> None:
    room = msgspec.structs.replace(ROOM, promised=promised)
    assert of_type(name, room).free_places == places


def test_what_is_not_known_is_not_told() -> None:
    for room in (None, ROOM):
        told = of_type("g3.4xlarge", room)
        assert (told.cpus, told.free_places, told.detail) == (None, None, None)
    assert of_type("g5.xlarge", ROOM).detail == "small"


@pytest.mark.parametrize(
    ("seconds", "middle"), [([], None), ([1, 2], None), ([3, 1, 2], 2), ([9, 1, 2, 4], 3)]
)
def test_a_few_starts_are_needed(seconds: list[int], middle: float | None) -> None:
    found = expected([timedelta(seconds=each) for each in seconds])
    assert found == (None if middle is None else timedelta(seconds=middle))
