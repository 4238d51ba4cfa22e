"""What workstations get of this host, and whether it can carry one more.

`engine.py` asks it at each start, for the capabilities and for the room that is left. The rule
itself is in `admission.py`; here is what it is applied to.
"""

from collections.abc import Mapping, Sequence

from soundstage.engines import admission, cards
from soundstage.engines.admission import Holding, Host, Promise
from soundstage.engines.instance_types import Share, catalogue, share_for
from soundstage.engines.interface import (
    Capability,
    PermanentError,
    Reason,
    Room,
    Volume,
)
from soundstage.engines.sandbox.host import cgroups, disk, gpus, size
from soundstage.engines.sandbox.host.cgroups import DiskLimits, Hierarchy, Limits
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.sandbox.settings import SandboxSettings


class Sizing:
    """Of one host, for one installation."""

    def __init__(self, settings: SandboxSettings, groups: Hierarchy, *, as_root: bool) -> None:
        self._settings = settings
        self._groups = groups
        self._volumes = settings.home / "volumes"
        self._types = catalogue(settings.sizes)
        self._gpus = gpus.find(settings.device_root)
        self._no_gpus_because = gpus.why_not(self._gpus, as_root=as_root, root=settings.device_root)
        if self._no_gpus_because:
            self._gpus = []
        # Neither grows while the service runs; what is free is read anew each time.
        self._size = self._host()

    def share(self, instance_type: str) -> Share:
        """Raises PermanentError for a name that is no instance type."""
        return share_for(
            instance_type,
            host_cpus=self._size.cpus,
            host_memory_bytes=self._size.memory_bytes,
            host_gpus=cards.most_of_a_vendor(self._gpus),
            types=self._types,
        )

    def shortfall(self, instance_type: str) -> str:
        """One sentence where a type is scaled; empty where it is not, or is none any more."""
        if instance_type not in self._types:
            return ""
        share = self.share(instance_type)
        return share.detail if share.scaled else ""

    def promise(
        self, instance_type: str, others: Mapping[str, Holding], *, is_heal: bool
    ) -> Promise:
        """Admit one more, or raise PermanentError with figures.

        A heal has its place, which was kept; if the host is full all the same, it waits for room
        (RetryableError) rather than be given up.
        """
        share, rules, now = self.share(instance_type), self._settings.rules, self._host()
        admission.admit(instance_type, share, now, others, rules, is_heal=is_heal)
        promised = [each.promise for each in others.values()]
        sentence = f"There is no room for a workstation of type {instance_type} here. "
        taken = [name for each in promised for name in each.gpus]
        chosen = cards.assign(self._gpus, taken, share.gpus, shared=rules.share_gpus)
        if chosen is None:
            # There are enough, but of several vendors.
            sentence += f"{share.gpus} graphics cards of one vendor are not free together."
            raise PermanentError(sentence, reason=Reason.CAPACITY)
        return Promise(
            cpus=share.cpus, memory_bytes=share.memory_bytes, gpus=[gpu.name for gpu in chosen]
        )

    def limits(self, promise: Promise, volume: Volume) -> Limits:
        device = disk.device_of(self._volumes)
        speed = None
        if device is not None and (volume.iops or volume.throughput_mib):
            speed = DiskLimits(
                device=device, iops=volume.iops, throughput_mib=volume.throughput_mib
            )
        return Limits(
            cpus=promise.cpus,
            memory_bytes=promise.memory_bytes,
            processes=self._settings.process_limit,
            disk=speed,
        )

    def cards(self, promise: Promise) -> Assignment:
        """What a workstation with this promise is given. A card may be gone since."""
        given = [gpu for gpu in self._gpus if gpu.name in promise.gpus]
        return gpus.assignment(given, self._settings.device_root)

    def room(self, holdings: Mapping[str, Holding]) -> Room:
        shares = {name: self.share(name) for name in sorted(self._types)}
        return admission.room_of(self._host(), self._settings.rules, shares, holdings)

    def shortfalls(self, instance_types: Sequence[str], volume_size: Capability) -> list[str]:
        """Sentences on what these types and a volume get less of here."""
        said = [f"{detail}." for name in instance_types if (detail := self.shortfall(name))]
        missing = [each for each in self._limit_capabilities() if not each.available]
        said += [f"Workstations have no {each.name}: {each.detail}." for each in missing]
        if not volume_size.available:
            said.append(volume_size.detail)
        speed = self._speed()
        # What is kept in part is said too.
        if not speed.available or self._groups.version == 1:
            said.append(speed.detail)
        return said

    def capabilities(self) -> list[Capability]:
        smaller = sum(self.share(name).scaled for name in self._types)
        size = self._size
        return [
            *self._limit_capabilities(),
            self._priority(),
            Capability(
                name="instance-types",
                available=smaller == 0,
                detail=(
                    f"this host has {size.cpus:g} cores and {size.memory_bytes / 2**30:.0f} GiB; "
                    f"{smaller} of {len(self._types)} instance types are scaled down to it"
                ),
            ),
            Capability(name="gpu", available=bool(self._gpus), detail=self._cards_detail()),
            self._speed(),
        ]

    def _limit_capabilities(self) -> list[Capability]:
        missing = self._groups.missing
        return [
            Capability(
                name=f"{name}-limit",
                available=controller not in missing,
                detail=missing.get(controller, f"kept by control groups {self._groups.version}"),
            )
            for name, controller in (("cpu", "cpu"), ("memory", "memory"), ("process", "pids"))
        ]

    def _priority(self) -> Capability:
        is_there = "cpu" in self._groups.parents
        detail = (
            f"the desktop has {cgroups.DESKTOP_WEIGHT // cgroups.PROGRAMS_WEIGHT} times the weight "
            "of the artist's programs"
            if is_there
            else "the artist's programs are only made less urgent (nice): "
            + self._groups.missing.get("cpu", "no control group")
        )
        return Capability(name="desktop-before-programs", available=is_there, detail=detail)

    def _cards_detail(self) -> str:
        if self._no_gpus_because:
            return self._no_gpus_because
        if not self._gpus:
            return "this host has no graphics card that is known here; the processor draws"
        how = "shared" if self._settings.rules.share_gpus else "each for one workstation"
        return f"{', '.join(map(str, self._gpus))}, {how}"

    def _speed(self) -> Capability:
        device = disk.device_of(self._volumes)
        return disk.capability(device, self._groups.version, self._groups.missing.get("io"))

    def _host(self) -> Host:
        self._volumes.mkdir(parents=True, exist_ok=True)
        root = self._settings.cgroup_root
        return size.read(self._volumes, gpus=len(self._gpus), cgroup_root=root)
