"""Keeps one caller from taking the service away from the others: a token bucket for each.

`app` asks the `Gate` who is calling, and whether they may now, before anything else. There is one
bucket a principal for reads and one for writes; and, before anybody is known, one a client address
for signatures that fail, so that guessing costs little.
"""

import math
from collections.abc import Callable
from datetime import datetime

import msgspec

from soundstage.api.errors import Refused
from soundstage.api.exchange import Received
from soundstage.kit.buckets import MOST_BUCKETS, Buckets, Rate, network_of
from soundstage.kit.proxies import Proxies
from soundstage.resources.request import Caller
from soundstage.wire.codes import Code
from soundstage.wire.faults import ThrottledError


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """All rates, and who may tell a client's address; without a word, nothing is limited."""

    reads: Rate = Rate()
    writes: Rate = Rate()
    failures: Rate = Rate()
    """Requests that nobody known has signed."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""


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
        suspect = network_of(self.address(received)), key_id if key_id in self._proven else ""
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

    def address(self, received: Received) -> str:
        """Say where a request came from, as far as proxies are believed."""
        if self._proxies is None:
            return received.peer
        forwarded = ", ".join(received.header_values("x-forwarded-for"))
        return self._proxies.client(received.peer, {"x-forwarded-for": forwarded})


def _claimed_key(received: Received) -> str:
    """Read the access key's id out of the signature, whether it is a good one or not."""
    value = next(iter(received.header_values("authorization")), "")
    return value.partition("Credential=")[2].partition("/")[0][:128]


def _throttled(what: str, whose: str, rate: Rate, wait: float) -> ThrottledError:
    seconds = max(1, math.ceil(wait))
    return ThrottledError(
        f"Too many {what} of {whose}: {rate.per_second:g} a second are allowed, and {rate.burst} "
        f"at once. Try again in {seconds} s.",
        code=Code.TOO_OFTEN,
        context={
            "limited": what,
            "perSecond": f"{rate.per_second:g}",
            "burst": str(rate.burst),
            "retryAfterSeconds": str(seconds),
        },
        headers={"Retry-After": str(seconds)},
    )
