"""Token buckets: what they let through, whose they are, and that there are never too many."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from soundstage.kit.buckets import FULL, Buckets, Rate, network_of, take

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


# ---- one bucket ----------------------------------------------------------------------------------


def taken_at(rate: Rate, *moments: float) -> list[float]:
    """Take at each moment, and say how long to wait each time."""
    bucket, waits = FULL, []
    for moment in moments:
        bucket, wait = take(bucket, moment, rate)
        waits.append(round(wait, 6))
    return waits


@pytest.mark.parametrize(
    ("rate", "moments", "waits"),
    [
        (Rate(10, 3), [0, 0, 0, 0], [0, 0, 0, 0.1]),
        (Rate(10, 3), [0, 0, 0, 0.05, 0.1, 0.1], [0, 0, 0, 0.05, 0, 0.1]),
        # Who was refused is not made to wait longer for it.
        (Rate(1, 1), [0, 0.2, 0.4, 1.0], [0, 0.8, 0.6, 0]),
        # It holds no more than a burst, however long nothing was taken.
        (Rate(10, 2), [0, 1000, 1000, 1000], [0, 0, 0, 0.1]),
        (Rate(0.5, 1), [0, 0], [0, 2]),
        # A clock that is set back makes nobody wait for it to come round again.
        (Rate(10, 2), [1000, 1000, 0, 0.1], [0, 0, 0.1, 0]),
    ],
)
def test_a_bucket_fills_at_its_rate(rate: Rate, moments: list[float], waits: list[float]) -> None:
    assert taken_at(rate, *moments) == waits


def test_a_burst_is_exact_at_any_time_of_the_world() -> None:
    waits = taken_at(Rate(50, 100), *[NOW.timestamp()] * 101)
    assert waits == [*[0] * 100, 0.02]


def test_the_long_run_is_the_rate() -> None:
    waits = taken_at(Rate(10, 20), *(number / 100 for number in range(10_000)))
    assert waits.count(0) in range(20 + 999, 20 + 1001)


# ---- many ----------------------------------------------------------------------------------------


def test_everybody_has_a_bucket() -> None:
    buckets = Buckets(Rate(1, 1))
    assert [buckets.take(who, 0) for who in ("ann", "bob", "ann", "bob")] == [0, 0, 1, 1]


def test_a_look_takes_nothing() -> None:
    buckets = Buckets(Rate(1, 1))
    assert [buckets.wait("ann", 0) for _ in range(3)] == [0, 0, 0]
    buckets.take("ann", 0)
    assert [buckets.wait("ann", moment) for moment in (0, 0.5, 1)] == [1, 0.5, 0]


def test_a_rate_of_nothing_is_no_limit() -> None:
    buckets = Buckets(Rate(0, 1))
    assert not any(buckets.take("ann", 0) for _ in range(1000))
    assert len(buckets) == 0


def test_the_longest_unused_is_forgotten() -> None:
    buckets = Buckets(Rate(1, 1), most=100)
    buckets.take("ann", 0)
    for number in range(1000):
        buckets.take(number, 0)
        buckets.take("bob", 0)
    assert len(buckets) == 100
    # One in use is kept, however many others come; one that is forgotten is full.
    assert buckets.take("bob", 0) > 0
    assert buckets.take("ann", 0) == 0


def test_threads_take_no_more_than_there_is() -> None:
    buckets = Buckets(Rate(1, 500))
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: buckets.take("ann", 0), range(2000)))
    assert waits.count(0) == 500


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("a:strange:one", "a:strange:one"),
    ],
)
def test_a_client_s_network(address: str, network: str) -> None:
    assert network_of(address) == network
