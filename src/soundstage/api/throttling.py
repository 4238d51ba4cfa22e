"""Keeps one caller from taking the service away from the others: a token bucket for each.

`app` asks the `Gate` who is calling, and whether they may now, before anything else. There is one
bucket a principal for reads and one for writes; and, before anybody is known, one a client address
for signatures that fail, so that guessing costs little.

Buckets are in the memory of this process: several processes each allow the whole rate, and a
restart fills all of them. The time is handed in.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from ipaddress import IPv6Address
from threading import Lock
from typing import NamedTuple

import msgspec

from soundstage.api.errors import Refused
from soundstage.api.exchange import Received
from soundstage.kit.proxies import Proxies
from soundstage.resources.request import Caller
from soundstage.wire.faults import ThrottledError

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


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """All rates, and who may tell a client's address; without a word, nothing is limited."""

    reads: Rate = Rate()
    writes: Rate = Rate()
    failures: Rate = Rate()
    """Requests that nobody known has signed."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""


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


class Gate:
    """Who is calling, unless they call too often."""

    def __init__(self, verify: Callable[[Received, datetime], Caller], limits: Limits) -> None:
        self._verify = verify
        self._reads = Buckets(limits.reads)
        self._writes = Buckets(limits.writes)
        self._failures = Buckets(limits.failures)
        self._proxies = Proxies(limits.trusted_proxies) if limits.trusted_proxies else None
        self._proven: set[str] = set()

    def identify(self, received: Received, now: datetime) -> Caller:
        """Return who signed the request. Raises Refused; ThrottledError after many failures.

        Many people may share an address, so a key that signed rightly before is counted apart from
        the address's other keys: one who only fails does not shut out who is at work there.
        """
        if not self._failures.rate.per_second:
            return self._verify(received, now)
        key_id = _claimed_key(received)
        suspect = self._address(received), key_id if key_id in self._proven else ""
        moment = now.timestamp()
        wait = self._failures.wait(suspect, moment)
        if wait:
            raise _throttled("signatures that fail", "this address", self._failures.rate, wait)
        try:
            caller = self._verify(received, now)
        except Refused:
            self._failures.take(suspect, moment)
            raise
        if len(self._proven) >= MOST_BUCKETS:
            self._proven.clear()
        self._proven.add(key_id)
        return caller

    def admit(self, caller: Caller, received: Received, now: datetime) -> None:
        """Raise ThrottledError when the caller must wait."""
        is_read = received.method == "GET"
        buckets = self._reads if is_read else self._writes
        wait = buckets.take(caller.principal_id, now.timestamp())
        if wait:
            what = "reads" if is_read else "writes"
            raise _throttled(what, caller.principal_id, buckets.rate, wait)

    def _address(self, received: Received) -> str:
        if self._proxies is None:
            return network_of(received.peer)
        forwarded = ", ".join(received.header_values("x-forwarded-for"))
        return network_of(self._proxies.client(received.peer, {"x-forwarded-for": forwarded}))


def network_of(address: str) -> str:
    """Name what one client has: an IPv4 address, or the 2⁶⁴ IPv6 addresses of one network."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))


def _claimed_key(received: Received) -> str:
    """Read the access key's id out of the signature, whether it is a good one or not."""
    value = next(iter(received.header_values("authorization")), "")
    return value.partition("Credential=")[2].partition("/")[0][:128]


def _throttled(what: str, whose: str, rate: Rate, wait: float) -> ThrottledError:
    seconds = max(1, math.ceil(wait))
    return ThrottledError(
        f"Too many {what} of {whose}: {rate.per_second:g} a second are allowed, and {rate.burst} "
        f"at once. Try again in {seconds} s.",
        context={
            "limited": what,
            "perSecond": f"{rate.per_second:g}",
            "burst": str(rate.burst),
            "retryAfterSeconds": str(seconds),
        },
        headers={"Retry-After": str(seconds)},
    )
