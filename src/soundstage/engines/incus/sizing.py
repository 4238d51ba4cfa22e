"""What workstations get of the host, and which of them have a place on it.

The engine asks at each start, for the capabilities and for the room that is left. A place is the
promise in a workstation's record; it is held by whoever runs or is on the way, and for a while by
whoever died and was not told to stop: a heal comes within seconds and must not find it taken.
"""

import time
from collections.abc import Collection, Mapping, Sequence

from soundstage.engines import admission, cards
from soundstage.engines.admission import Holding, Promise
from soundstage.engines.incus import placing
from soundstage.engines.incus.place import Member, Place
from soundstage.engines.incus.placing import Candidate
from soundstage.engines.incus.records import Seat, Workstation
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.instance_types import Share, catalogue, share_for
from soundstage.engines.interface import (
    Capability,
    ObservedHost,
    PermanentError,
    Reason,
    RetryableError,
    Room,
)

KEEPS_PLACE = 120.0
"""As long as one heal may take."""
# Every look at a workstation asks for its share, which takes Incus a while to work out.
_SIZE_HOLDS_SECONDS = 60.0
_NO_CARDS = "the host has no graphics card that is known here; the processor draws"


class Sizing:
    """Of one installation."""

    def __init__(self, settings: IncusSettings, place: Place) -> None:
        self._settings = settings
        self._place = place
        self._types = catalogue(settings.sizes)
        self._shares: dict[str, Share] = {}
        self._shares_until = 0.0

    def share(self, instance_type: str) -> Share:
        """Raises PermanentError for a name that is no instance type."""
        now = time.monotonic()
        if now >= self._shares_until:
            self._shares, self._shares_until = {}, now + _SIZE_HOLDS_SECONDS
        known = self._shares.get(instance_type)
        if known is None:
            known = self._shares[instance_type] = self._share(instance_type, self._place.host())
        return known

    def _share(self, instance_type: str, host: admission.Host) -> Share:
        return share_for(
            instance_type,
            host_cpus=host.cpus,
            host_memory_bytes=host.memory_bytes,
            host_gpus=host.gpus,
            types=self._types,
        )

    def seat(
        self,
        instance_type: str,
        members: Sequence[Member],
        workstations: Sequence[Workstation],
        now: float,
        avoid: Collection[str] = (),
    ) -> Seat:
        """Choose one of the cluster's hosts. Raises PermanentError with each one's figures."""
        candidates = [
            Candidate(name=member.name, host=None, why_not="it is taken out for maintenance.")
            if member.name in avoid
            else self._candidate(instance_type, member, workstations, now)
            for member in members
        ]
        chosen, why = placing.choose(instance_type, candidates, self._settings.rules)
        taken = [
            each.seat.address for each in workstations if each.seat and each.seat.member == chosen
        ]
        return placing.seat(chosen, why, self._place.subnet(), taken)

    def _candidate(
        self, instance_type: str, member: Member, workstations: Sequence[Workstation], now: float
    ) -> Candidate:
        if not member.is_online:
            why = f"it is {member.status.lower()}: {member.message.rstrip('.')}."
            return Candidate(name=member.name, host=None, why_not=why)
        try:
            host = self._place.host(member.name)
        except RetryableError as error:
            return Candidate(name=member.name, host=None, why_not=f"{error}.")
        there = [each for each in workstations if each.member == member.name]
        share = self._share(instance_type, host)
        return Candidate(name=member.name, host=host, share=share, others=holdings(there, now))

    def promise(
        self, instance_type: str, others: Mapping[str, Holding], *, is_heal: bool, member: str = ""
    ) -> Promise:
        """Admit one more on a host. Raises PermanentError, or for a heal RetryableError, with
        figures.
        """
        host = self._place.host(member)
        share = self._share(instance_type, host)
        rules = self._settings.rules
        admission.admit(instance_type, share, host, others, rules, is_heal=is_heal)
        taken = [name for each in others.values() for name in each.promise.gpus]
        known = self._place.cards(member) if share.gpus else []
        chosen = cards.assign(known, taken, share.gpus, shared=rules.share_gpus)
        if chosen is None:
            # There are enough, but of several vendors.
            raise PermanentError(
                f"There is no room for a workstation of type {instance_type} here. "
                f"{share.gpus} graphics cards of one vendor are not free together.",
                reason=Reason.CAPACITY,
            )
        names = [card.name for card in chosen]
        return Promise(cpus=share.cpus, memory_bytes=share.memory_bytes, gpus=names)

    def shortfall(self, instance_type: str) -> str:
        """One sentence where a type is scaled; empty where it is not, or is none any more."""
        if instance_type not in self._types:
            return ""
        share = self.share(instance_type)
        return share.detail if share.scaled else ""

    def shortfalls(self, instance_types: Sequence[str]) -> list[str]:
        """Sentences on what these types and a volume get less of here."""
        said = [f"{detail}." for name in instance_types if (detail := self.shortfall(name))]
        return said + [each.detail for each in self._of_disks() if not each.available]

    def room(
        self, workstations: Sequence[Workstation], now: float, avoid: Collection[str] = ()
    ) -> Room:
        """Of all hosts together; each is looked at by itself, for none lends to another."""
        rooms = []
        for member in self._place.members():
            if member.is_online:
                room = self._room_of(member, workstations, now)
                is_closed = bool(avoid) and self._place.name_of(member.name) in avoid
                rooms.append(admission.closed(room) if is_closed else room)
        return admission.together(rooms)

    def most(self) -> int:
        """How many workstations of one type find a place on a host that has no other."""
        room = self.room([], 0.0)
        return max(
            int(
                min(
                    room.to_promise.cpus // each.cpus,
                    room.to_promise.memory_bytes // each.memory_bytes,
                )
            )
            for each in room.types.values()
        )

    def _room_of(self, member: Member, workstations: Sequence[Workstation], now: float) -> Room:
        host = self._place.host(member.name)
        shares = {name: self._share(name, host) for name in sorted(self._types)}
        held = holdings([each for each in workstations if each.member == member.name], now)
        return admission.room_of(host, self._settings.rules, shares, held)

    def hosts(
        self,
        workstations: Sequence[Workstation],
        out_of_reach: Mapping[str, set[str]],
        now: float,
    ) -> list[ObservedHost]:
        """Say how each host is, and who is on it."""
        return [
            self._host(member, workstations, out_of_reach.get(member.name, set()), now)
            for member in self._place.members()
        ]

    def _host(
        self, member: Member, workstations: Sequence[Workstation], lost: set[str], now: float
    ) -> ObservedHost:
        name = self._place.name_of(member.name)
        why, room = f"it is {member.status.lower()}: {member.message.rstrip('.')}", None
        if member.is_online:
            try:
                why, room = "", self._room_of(member, workstations, now)
            except RetryableError as error:
                why = str(error)
        there = [each for each in workstations if each.member == member.name]
        running = {each.ref for each in there if _has_place(each, now)} | lost
        return ObservedHost(
            name=name,
            is_reachable=room is not None,
            detail=why,
            room=room,
            running=running,
            resting={each.ref for each in there} - running,
        )

    def capabilities(self) -> list[Capability]:
        kept = "kept by Incus with control groups of the host"
        limits = [
            Capability(name=f"{name}-limit", available=True, detail=kept)
            for name in ("cpu", "memory", "process")
        ]
        return [*limits, self._of_cards(), *self._of_disks()]

    def _of_cards(self) -> Capability:
        found = self._place.cards()
        how = "shared" if self._settings.rules.share_gpus else "each for one workstation"
        detail = f"{', '.join(map(str, found))}, {how}" if found else _NO_CARDS
        return Capability(name="gpu", available=bool(found), detail=detail)

    def _of_disks(self) -> list[Capability]:
        driver = self._place.driver()
        has_sizes = driver != "dir"
        size = (
            f"kept by the storage pool ({driver})"
            if has_sizes
            else "a storage pool of the kind dir keeps no volume to its size"
        )
        has_counts = self._place.is_one_disk()
        speed = (
            "iops and throughput are limited on the disk of the storage pool, for the system and "
            "the home together"
            if has_counts
            else f"in a storage pool of the kind {driver} each volume is a device of its own, of "
            "which Incus limits one of the two: throughput is limited, iops are not"
        )
        return [
            Capability(name="volume-size-limit", available=has_sizes, detail=size),
            Capability(name="volume-speed-limit", available=has_counts, detail=speed),
        ]


def holdings(workstations: Sequence[Workstation], now: float) -> dict[str, Holding]:
    """What each workstation that has a place was promised."""
    held = {}
    for each in workstations:
        promise = each.record.promise
        if promise is not None and _has_place(each, now):
            status = each.own_status
            is_starting = status is None or not status.ready
            held[each.ref] = Holding(promise=promise, is_starting=is_starting)
    return held


def _has_place(workstation: Workstation, now: float) -> bool:
    if workstation.is_running:
        return True
    if workstation.record.wanted != "running":
        return False
    status = workstation.own_status
    if workstation.lost_at is not None:
        return now - workstation.lost_at < KEEPS_PLACE
    if workstation.own_failure is not None:
        return now - workstation.own_failure.at < KEEPS_PLACE
    if status is not None and status.phase == "ended":
        return now - status.since < KEEPS_PLACE
    return True
