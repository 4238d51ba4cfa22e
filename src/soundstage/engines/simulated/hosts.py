"""Where workstations are: the hosts, which may be full or lost, and who has a place on them.

All workstations are of one size. The engine asks with the world's lock held.
"""

from collections.abc import Collection
from datetime import timedelta

from soundstage.engines import admission
from soundstage.engines.instance_types import INSTANCE_TYPES
from soundstage.engines.interface import Capacity, ObservedHost, PermanentError, Reason, Room
from soundstage.engines.simulated.lives import Lives
from soundstage.engines.simulated.manner import Manner
from soundstage.engines.simulated.world import BUSY, Workstation
from soundstage.kit.clock import Clock

_PLENTY = 100
"""What is told of a place without limits."""
_ONE = Capacity(cpus=4, memory_bytes=16 * 1024**3, gpus=0)


class Hosts:
    """Of one engine."""

    def __init__(self, lives: Lives, clock: Clock, manner: Manner) -> None:
        self._lives = lives
        self._clock = clock
        self._manner = manner

    def observe(self) -> list[ObservedHost]:
        """Say of each how it is."""
        return [self._observe(name) for name in self._manner.host_list]

    def room(self, avoid: Collection[str]) -> Room:
        """Say how full they are together; to those of `avoid` nothing new comes."""
        rooms = [
            admission.closed(room) if name in avoid else room
            for name in self._manner.host_list
            if (room := self._room_of(name)) is not None
        ]
        return admission.together(rooms)

    def choose(self, avoid: Collection[str]) -> str:
        """Choose the host of a new one. Raises PermanentError when all are lost or avoided."""
        away = {*avoid, *self._manner.lost_hosts}
        hosts = [name for name in self._manner.host_list if name not in away]
        if not hosts:
            raise admission.refuse_closed(self._manner.host_list[0])
        if len(hosts) == 1:
            return hosts[0]
        return min(hosts, key=lambda name: len(self._with_place(name)))

    def expect_room(self, ref: str, host: str) -> None:
        """Raise PermanentError where one more does not fit."""
        most = self._manner.most_workstations
        if most is None:
            return
        others = self._with_place(host).keys() - {ref}
        if len(others) >= most:
            raise PermanentError(
                f"There is no room for a workstation here. {most} fit, and "
                f"{len(others)} have a place. Stop one.",
                reason=Reason.CAPACITY,
            )

    def _observe(self, name: str) -> ObservedHost:
        there = self._on(name)
        is_reachable = name not in self._manner.lost_hosts
        # Of one that does not answer nobody knows what runs there.
        running = {ref for ref, each in there.items() if not is_reachable or each.phase in BUSY}
        return ObservedHost(
            name=name,
            is_reachable=is_reachable,
            detail="" if is_reachable else "it does not answer",
            room=self._room_of(name),
            running=running,
            resting=there.keys() - running,
        )

    def _room_of(self, host: str) -> Room | None:
        """Say it of one host; None for one that does not answer."""
        if host in self._manner.lost_hosts:
            return None
        running = sorted(self._with_place(host))
        most = self._manner.most_workstations
        most = _PLENTY if most is None else most
        return Room(
            size=_times(most),
            to_promise=_times(most),
            promised=_times(len(running)),
            workstations=dict.fromkeys(running, _ONE),
            types=dict.fromkeys(INSTANCE_TYPES, _ONE),
            details={},
            free_memory_bytes=_times(most - len(running)).memory_bytes,
            free_disk_bytes=0,
        )

    def _with_place(self, host: str) -> dict[str, Workstation]:
        """Those that are busy, and those whose place is kept because they crashed just now."""
        now, kept = self._clock(), timedelta(seconds=self._manner.keeps_place_seconds)
        return {
            ref: each
            for ref, each in self._on(host).items()
            if each.phase in BUSY or (each.crashed_at is not None and now - each.crashed_at < kept)
        }

    def _on(self, host: str) -> dict[str, Workstation]:
        return {ref: each for ref, each in self._lives.all().items() if each.host == host}


def _times(number: int) -> Capacity:
    return Capacity(cpus=_ONE.cpus * number, memory_bytes=_ONE.memory_bytes * number, gpus=0)
