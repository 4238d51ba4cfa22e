"""Token buckets: how often each of many may do something, in a bounded memory.

The API's throttle and the portal's sign-in use them. Buckets are in the memory of this process:
several processes each allow the whole rate, and a restart fills all of them. The time is handed in.
"""

from collections import OrderedDict
from ipaddress import IPv6Address
from threading import Lock
from typing import NamedTuple

import msgspec

MOST_BUCKETS = 10_000
"""Beyond so many of a kind the longest unused is forgotten, which is the same as full."""
_NOISE = 0.001
"""Seconds since 1970 have 52 bits, so that a bucket can't be told full more exactly than this."""


class Rate(msgspec.Struct, frozen=True):
    """How often something may be done."""

    per_second: float = 0
    """How fast a bucket fills; 0 for no limit at all."""
    burst: int = 1
    """What a full bucket holds."""


class Bucket(NamedTuple):
    """What was taken out and did not flow back yet, and when that was so."""

    taken: float
    at: float


FULL = Bucket(0.0, 0.0)


def take(bucket: Bucket, now: float, rate: Rate) -> tuple[Bucket, float]:
    """Take one out; the second value is 0, or for how many seconds there is none to be taken."""
    # A clock that was set back gives nothing and takes nothing.
    flowed_back = max(0.0, now - bucket.at) * rate.per_second
    taken = max(0.0, bucket.taken - flowed_back)
    missing = taken + 1 - rate.burst
    if missing > _NOISE:
        return Bucket(taken, now), missing / rate.per_second
    return Bucket(taken + 1, now), 0.0


class Buckets:
    """The buckets of one rate by whose they are, for all threads."""

    def __init__(self, rate: Rate, most: int = MOST_BUCKETS) -> None:
        self.rate = rate
        self._most = most
        self._buckets: OrderedDict[object, Bucket] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the buckets that are remembered."""
        return len(self._buckets)

    def take(self, whose: object, now: float) -> float:
        """Take one out of somebody's bucket, if there is one; else say for how long to wait."""
        if not self.rate.per_second:
            return 0.0
        with self._lock:
            bucket, wait = take(self._buckets.get(whose, FULL), now, self.rate)
            self._buckets[whose] = bucket
            self._buckets.move_to_end(whose)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return wait

    def wait(self, whose: object, now: float) -> float:
        """Say how long there is none in somebody's bucket, and leave it as it is."""
        bucket = self._buckets.get(whose)
        return 0.0 if bucket is None else take(bucket, now, self.rate)[1]


def network_of(address: str) -> str:
    """Name what one client has: an IPv4 address, or the 2⁶⁴ IPv6 addresses of one network."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
