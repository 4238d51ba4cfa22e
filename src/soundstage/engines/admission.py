"""Whether this host can carry one more workstation; the rule, without any I/O.

Called by `engine.py` at each start, with what was promised to others and what is free now. The rule
and its reasons are in docs/adr; every refusal says what was asked, what is free and what helps.
"""

from collections.abc import Mapping, Sequence

import msgspec

from soundstage.engines.instance_types import (
    GIB,
    Share,
    cpus_to_spare,
    gpus_in_words,
    memory_to_spare,
)
from soundstage.engines.interface import (
    Capacity,
    PermanentError,
    Reason,
    RetryableError,
    Room,
)
from soundstage.kit.config import Settings

MIB = 1 << 20
_HEAL_AGAIN_AFTER = 5.0


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What one workstation was promised when it was started."""

    cpus: float
    memory_bytes: int
    gpus: list[str] = []
    """The names of its cards."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator says about how full a host may be."""

    cpu_overcommit: float = 8.0
    memory_overcommit: float = 4.0
    least_memory_bytes: int = GIB
    """For each desktop that is on its way."""
    least_disk_bytes: int = 2 * GIB
    least_processes: int = 1000
    share_gpus: bool = False


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """This machine: its size, and what is free of it now."""

    cpus: float
    memory_bytes: int
    memory_available: int
    disk_free: int
    processes_free: int
    gpus: int = 0

    def cpus_to_promise(self, rules: Rules) -> float:
        return cpus_to_spare(self.cpus) * rules.cpu_overcommit

    def memory_to_promise(self, rules: Rules) -> int:
        return int(memory_to_spare(self.memory_bytes) * rules.memory_overcommit)


def promises_broken(
    share: Share, host: Host, others: Sequence[Promise], rules: Rules
) -> str | None:
    """Why a workstation can't be promised its share beside all others; None when it can."""
    running = _number(len(others))
    memory = host.memory_to_promise(rules)
    free = memory - sum(each.memory_bytes for each in others)
    if share.memory_bytes > free:
        return (
            f"It asks for {share.memory_bytes / GIB:.1f} GiB of memory; of {memory / GIB:.1f} GiB "
            f"{max(free, 0) / GIB:.1f} GiB are free, the rest is promised to {running}. Stop one, "
            "choose a smaller instance type, or raise SOUNDSTAGE_MEMORY_OVERCOMMIT."
        )
    cores = host.cpus_to_promise(rules)
    idle = cores - sum(each.cpus for each in others)
    if share.cpus > idle:
        return (
            f"It asks for {share.cpus:g} cores; of {cores:g} {max(idle, 0):g} are free, the rest "
            f"is promised to {running}. Stop one, choose a smaller instance type, or raise "
            "SOUNDSTAGE_CPU_OVERCOMMIT."
        )
    taken = len({name for each in others for name in each.gpus})
    if share.gpus > host.gpus - taken and not rules.share_gpus:
        return (
            f"It asks for {gpus_in_words(share.gpus)}; of {host.gpus} {host.gpus - taken} are "
            f"free, the rest is used by {running}. Stop one, or set SOUNDSTAGE_SHARE_GPUS."
        )
    return None


def shortage(host: Host, starting: int, rules: Rules) -> str | None:
    """What is really missing now, whatever was promised; None when nothing is.

    `starting` is the number of other desktops on their way, which have not taken theirs yet.
    """
    needed = rules.least_memory_bytes * (starting + 1)
    if host.memory_available < needed:
        return (
            f"It needs {rules.least_memory_bytes / MIB:.0f} MiB of memory to begin with; "
            f"{host.memory_available / MIB:.0f} MiB are free"
            + (f", and {starting} more are starting" if starting else "")
            + ". End programs in workstations, stop a workstation, or lower "
            "SOUNDSTAGE_LEAST_FREE_MEMORY_MIB."
        )
    if host.disk_free < rules.least_disk_bytes:
        return (
            f"It needs {rules.least_disk_bytes / GIB:.1f} GiB of disk to begin with; "
            f"{host.disk_free / GIB:.1f} GiB are free. Delete sessions or backups that nobody "
            "needs, or lower SOUNDSTAGE_LEAST_FREE_DISK_GIB."
        )
    if host.processes_free < rules.least_processes:
        return (
            f"It needs room for {rules.least_processes} processes; this host has room for "
            f"{max(host.processes_free, 0)} more. Stop a workstation, or raise the kernel's "
            "settings kernel.pid_max and kernel.threads-max."
        )
    return None


def _number(running: int) -> str:
    return f"{running} workstation{'' if running == 1 else 's'}"


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What another workstation was promised."""

    promise: Promise
    is_starting: bool


def admit(
    instance_type: str,
    share: Share,
    host: Host,
    others: Mapping[str, Holding],
    rules: Rules,
    *,
    is_heal: bool,
) -> None:
    """Admit one more, or raise PermanentError with figures.

    A heal has its place, which was kept; if the host is full all the same, it waits for room
    (RetryableError) rather than be given up.
    """
    promised = [each.promise for each in others.values()]
    starting = sum(each.is_starting for each in others.values())
    missing = None if is_heal else promises_broken(share, host, promised, rules)
    missing = missing or shortage(host, starting, rules)
    if not missing:
        return
    sentence = f"There is no room for a workstation of type {instance_type} here. {missing}"
    if is_heal:
        raise RetryableError(sentence, after_seconds=_HEAL_AGAIN_AFTER)
    raise PermanentError(sentence, reason=Reason.CAPACITY)


def room_of(
    host: Host, rules: Rules, shares: Mapping[str, Share], holdings: Mapping[str, Holding]
) -> Room:
    """Say how large a host is, what is left of it, and what it gives for each instance type."""
    each = {ref: _capacity(held.promise) for ref, held in sorted(holdings.items())}
    cards = {name for held in holdings.values() for name in held.promise.gpus}
    return Room(
        size=Capacity(cpus=host.cpus, memory_bytes=host.memory_bytes, gpus=host.gpus),
        to_promise=Capacity(
            cpus=host.cpus_to_promise(rules),
            memory_bytes=host.memory_to_promise(rules),
            gpus=host.gpus,
        ),
        promised=Capacity(
            cpus=sum(one.cpus for one in each.values()),
            memory_bytes=sum(one.memory_bytes for one in each.values()),
            gpus=len(cards),
        ),
        workstations=each,
        types={
            name: Capacity(cpus=one.cpus, memory_bytes=one.memory_bytes, gpus=one.gpus)
            for name, one in shares.items()
        },
        details={name: share.detail for name, share in shares.items()},
        free_memory_bytes=host.memory_available,
        free_disk_bytes=host.disk_free,
    )


def closed(room: Room) -> Room:
    """What a host is that takes nothing new: no place, though types are what they were."""
    nothing = Capacity(cpus=0, memory_bytes=0, gpus=0)
    return msgspec.structs.replace(
        room,
        size=nothing,
        to_promise=nothing,
        promised=nothing,
        workstations={},
        free_memory_bytes=0,
        free_disk_bytes=0,
    )


def refuse_closed(host: str) -> PermanentError:
    """What is said where the one host there is takes nothing new."""
    return PermanentError(
        f"The host {host} is taken out for maintenance and takes no workstation.",
        reason=Reason.CAPACITY,
    )


def together(rooms: Sequence[Room]) -> Room:
    """What several hosts are as one place; a type is what the largest makes of it."""
    if len(rooms) == 1:
        return rooms[0]
    if not rooms:
        raise RetryableError("no host answers")
    largest = max(rooms, key=lambda room: room.size.cpus)

    def all_of(sizes: Sequence[Capacity]) -> Capacity:
        return Capacity(
            cpus=sum(each.cpus for each in sizes),
            memory_bytes=sum(each.memory_bytes for each in sizes),
            gpus=sum(each.gpus for each in sizes),
        )

    return Room(
        size=all_of([room.size for room in rooms]),
        to_promise=all_of([room.to_promise for room in rooms]),
        promised=all_of([room.promised for room in rooms]),
        workstations={ref: each for room in rooms for ref, each in room.workstations.items()},
        types=largest.types,
        details=largest.details,
        free_memory_bytes=sum(room.free_memory_bytes for room in rooms),
        free_disk_bytes=sum(room.free_disk_bytes for room in rooms),
    )


def _capacity(promise: Promise) -> Capacity:
    return Capacity(cpus=promise.cpus, memory_bytes=promise.memory_bytes, gpus=len(promise.gpus))


def rules_of(settings: Settings) -> Rules:
    """How full the operator lets this host be."""
    return Rules(
        cpu_overcommit=settings.cpu_overcommit,
        memory_overcommit=settings.memory_overcommit,
        least_memory_bytes=settings.least_free_memory_mib * MIB,
        least_disk_bytes=settings.least_free_disk_gib * GIB,
        share_gpus=settings.share_gpus,
    )
