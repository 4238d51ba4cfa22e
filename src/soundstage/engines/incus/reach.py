"""Which hosts of a cluster do not answer, and whose workstations those are.

`instances.py` asks before each look at a workstation, and again where one came to nothing. A host
that is cut off says nothing, and a member that is asked about what is on it waits for it: ten
seconds each time (Incus 6.0.4), also when all have long agreed that it is lost. That they have, any
of them says at once. So from the first look in vain on, the members are asked first.

When the host of the member is lost that leads the cluster, they say nothing for some 40 s: as long
as it takes them to believe that their connections to it are dead. Then a host at which nobody takes
a connection, while others do, is lost.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import takes_connections
from soundstage.engines.incus.names import ref_of
from soundstage.engines.incus.records import location_of
from soundstage.engines.interface import EngineError, OutOfReachError, RetryableError

PATIENCE = 6.0
"""Seconds for a question that a lost host may keep from being answered. Incus takes a silent member
for lost after 20; a look that began just before is to be over soon, for people are told within 30.
It is more than the kernel takes to find out that the member that was asked is gone itself, and than
the members take to agree on another leader.
"""
LIST_SECONDS = 2.0
"""For the list of all instances: it comes at once, or waits for a host that nobody knows of yet."""
_KNOWN_FOR = 1.0
"""Seconds in which the members are asked once, however many look."""
_LOST_FOR = 5.0
"""Seconds in which a host that was found lost is taken for it before the members agree that it is:
nobody is to wait for it again meanwhile.
"""
_SILENT_FOR = 5.0
"""Seconds in which looks came to nothing before we judge by ourselves."""
_ALL = {"recursion": "1"}


class Reach:
    """Of one installation; may be used by several threads."""

    def __init__(
        self,
        client: Client,
        *,
        clock: Callable[[], float] = time.monotonic,
        takes: Callable[[str], bool] = takes_connections,
    ) -> None:
        self._client = client
        self._clock = clock
        self._takes = takes
        self._hosts: dict[str, str] = {}
        """Where each workstation was when it was last heard of."""
        self._doubted: dict[str, float] = {}
        """Hosts on which a look came to nothing, since when, and none went well since."""
        self._lost_until: dict[str, float] = {}
        self._members: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._members_until = 0.0

    def found(self, ref: str, host: str) -> None:
        """Note where a workstation answers; an empty `host` where there is no cluster."""
        self._doubted.pop(host, None)
        self._lost_until.pop(host, None)
        if not host:
            return
        self._hosts[ref] = host
        if host not in self._addresses:
            # When it is wanted, nobody may be there to say it.
            with suppress(EngineError):
                self._ask_members()

    def missed(self, ref: str) -> None:
        """Note that there is none of that name."""
        self._hosts.pop(ref, None)

    def expect(self, ref: str) -> None:
        """Raises OutOfReachError where its host is known to be lost, without a word to it."""
        host = self._hosts.get(ref)
        if host in self._doubted and self._is_lost(host):
            raise _out_of_reach(host)

    def doubt(self, ref: str) -> None:
        """A look came to nothing. Raises OutOfReachError where that is for want of its host."""
        if ref not in self._hosts:
            self._listed_as_lost()
        host = self._hosts.get(ref)
        if host is None:
            return
        self._doubted.setdefault(host, self._clock())
        if self._is_lost(host) or host in self._listed_as_lost():
            raise _out_of_reach(host)

    def _is_lost(self, host: str) -> bool:
        if self._clock() < self._lost_until.get(host, 0.0):
            return True
        try:
            status = self._status(host)
        except RetryableError:
            if not self._is_silent(host):
                raise
            self._lost_until[host] = self._clock() + _LOST_FOR
            return True
        if status == "Evacuated":
            # Incus says no more of one, not even that it does not answer.
            return host in self._listed_as_lost()
        return status == "Offline"

    def _status(self, host: str) -> str | None:
        if self._clock() >= self._members_until:
            self._ask_members()
        return self._members.get(host)

    def _ask_members(self) -> None:
        told = self._client.get("/cluster/members", _ALL)
        self._members = {each["server_name"]: each["status"] for each in told}
        self._addresses = {each["server_name"]: each["url"] for each in told}
        self._members_until = self._clock() + _KNOWN_FOR

    def _is_silent(self, host: str) -> bool:
        """Reports whether nobody takes connections there, and it is not we who are cut off."""
        since = self._doubted.get(host, self._clock())
        others = [address for name, address in self._addresses.items() if name != host]
        return (
            self._clock() - since >= _SILENT_FOR
            and host in self._addresses
            and not self._takes(self._addresses[host])
            and any(map(self._takes, others))
        )

    def _listed_as_lost(self) -> set[str]:
        """The hosts of which the list of all instances says no more than their names."""
        try:
            listed = self._client.get("/instances", _ALL, within=LIST_SECONDS)
        except RetryableError:
            # One that is not known to be lost yet keeps the list back.
            return set()
        lost = set()
        for each in listed:
            host, ref = location_of(each), ref_of(each["name"])
            if host and ref is not None:
                self._hosts[ref] = host
            if host and each["status"] == "Error" and not each["config"]:
                lost.add(host)
        self._lost_until.update(dict.fromkeys(lost, self._clock() + _LOST_FOR))
        return lost


def _out_of_reach(host: str) -> OutOfReachError:
    return OutOfReachError(f"The host {host} of the workstation does not answer.", after_seconds=5)
