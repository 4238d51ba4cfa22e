"""When a host carries one more, and what it says when it does not."""

from collections.abc import Sequence

import msgspec
import pytest

from soundstage.engines.admission import (
    Holding,
    Host,
    Promise,
    Rules,
    promises_broken,
    room_of,
    shortage,
    together,
)
from soundstage.engines.instance_types import GIB, Share
from soundstage.engines.interface import RetryableError

HOST = Host(
    cpus=8.25,
    memory_bytes=64 * GIB,
    memory_available=40 * GIB,
    disk_free=100 * GIB,
    processes_free=30_000,
    gpus=2,
)
RULES = Rules(cpu_overcommit=1, memory_overcommit=1)


def share(cpus: float = 2, gib: float = 8, gpus: int = 0) -> Share:
    return Share(cpus=cpus, memory_bytes=int(gib * GIB), gpus=gpus, scaled=False, detail="")


def promise(cpus: float = 2, gib: float = 8, *gpus: str) -> Promise:
    return Promise(cpus=cpus, memory_bytes=int(gib * GIB), gpus=list(gpus))


@pytest.mark.parametrize(
    ("wanted", "others", "rules", "said"),
    [
        (share(), [], RULES, None),
        # Of 64 GiB the host keeps an eighth.
        (share(gib=56), [], RULES, None),
        (share(), [promise()] * 3, RULES, None),
        (
            share(gib=20),
            [promise(gib=20)] * 2,
            RULES,
            (
                "It asks for 20.0 GiB of memory; of 56.0 GiB 16.0 GiB are free, the rest is "
                "promised to 2 workstations. Stop one, choose a smaller instance type, or raise "
                "SOUNDSTAGE_MEMORY_OVERCOMMIT."
            ),
        ),
        (share(gib=20), [promise(gib=20)] * 2, Rules(), None),
        (
            share(cpus=4),
            [promise(cpus=6)],
            RULES,
            (
                "It asks for 4 cores; of 8 2 are free, the rest is promised to 1 workstation. Stop "
                "one, choose a smaller instance type, or raise SOUNDSTAGE_CPU_OVERCOMMIT."
            ),
        ),
        (share(gpus=2), [], RULES, None),
        (
            share(gpus=1),
            [promise(2, 8, "a"), promise(2, 8, "b")],
            RULES,
            (
                "It asks for 1 GPU; of 2 0 are free, the rest is used by 2 workstations. "
                "Stop one, or set SOUNDSTAGE_SHARE_GPUS."
            ),
        ),
        (
            share(gpus=1),
            [promise(2, 8, "a", "b")],
            msgspec.structs.replace(RULES, share_gpus=True),
            None,
        ),
    ],
)
def test_no_more_is_promised_than_the_operator_allows(
    wanted: Share, others: Sequence[Promise], rules: Rules, said: str | None
) -> None:
    assert promises_broken(wanted, HOST, others, rules) == said


def test_a_lowered_setting_does_not_count_below_nought() -> None:
    told = promises_broken(share(), HOST, [promise(gib=100)], RULES)
    assert told is not None
    assert "of 56.0 GiB 0.0 GiB are free" in told


@pytest.mark.parametrize(
    ("facts", "starting", "said"),
    [
        ({}, 0, None),
        ({"memory_available": GIB}, 0, None),
        ({"memory_available": GIB - 1}, 0, "needs 1024 MiB of memory to begin with; 1024 MiB"),
        # Who began a moment before has not taken theirs yet.
        ({"memory_available": 2 * GIB}, 2, "2048 MiB are free, and 2 more are starting."),
        ({"memory_available": 3 * GIB}, 2, None),
        ({"disk_free": GIB}, 0, "needs 2.0 GiB of disk to begin with; 1.0 GiB are free. Delete"),
        ({"processes_free": 999}, 0, "needs room for 1000 processes; this host has room for 999"),
        ({"processes_free": -5}, 0, "this host has room for 0 more"),
    ],
)
def test_what_is_really_missing_now_is_said(
    facts: dict[str, int], starting: int, said: str | None
) -> None:
    told = shortage(msgspec.structs.replace(HOST, **facts), starting, Rules())
    if said is None:
        assert told is None
    else:
        assert told is not None
        assert said in told


def test_several_hosts_are_one_place() -> None:
    held = {"r": Holding(promise=promise(), is_starting=False)}
    rooms = [room_of(HOST, RULES, {"t": share()}, each) for each in ({}, held)]
    (one, other), both = rooms, together(rooms)
    assert together([one]) is one
    assert both.size.cpus == 2 * HOST.cpus
    assert both.promised == other.promised
    assert set(both.workstations) == {"r"}
    assert both.types == one.types
    assert both.free_disk_bytes == 2 * HOST.disk_free
    with pytest.raises(RetryableError, match="no host answers"):
        together([])
