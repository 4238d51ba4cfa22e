"""The API's instance types and what this host gives for them; asked by engines at each start."""

import msgspec

from soundstage.engines.interface import PermanentError, Reason


class InstanceType(msgspec.Struct, frozen=True, kw_only=True):
    """What a type has where it was sold."""

    name: str
    vcpus: int
    memory_gib: int
    gpu: str


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What a workstation of a type may use on this host."""

    cpus: float
    """In cores; one and a half is 1.5."""
    memory_bytes: int
    scaled: bool
    """Reports whether the host is smaller than the type asks."""
    detail: str
    """The same in a sentence for people."""


def _row(name: str, vcpus: int, memory_gib: int, gpu: str) -> InstanceType:
    return InstanceType(name=name, vcpus=vcpus, memory_gib=memory_gib, gpu=gpu)


# Sizes as published by the vendor for its EC2 types G3, G4dn and G5.
INSTANCE_TYPES = {
    row.name: row
    for row in (
        _row("g4dn.xlarge", 4, 16, "1 x T4"),
        _row("g4dn.2xlarge", 8, 32, "1 x T4"),
        _row("g4dn.4xlarge", 16, 64, "1 x T4"),
        _row("g4dn.8xlarge", 32, 128, "1 x T4"),
        _row("g4dn.12xlarge", 48, 192, "4 x T4"),
        _row("g4dn.16xlarge", 64, 256, "1 x T4"),
        _row("g3.4xlarge", 16, 122, "1 x M60"),
        _row("g3s.xlarge", 4, 30, "1 x M60"),
        _row("g5.xlarge", 4, 16, "1 x A10G"),
        _row("g5.2xlarge", 8, 32, "1 x A10G"),
        _row("g5.4xlarge", 16, 64, "1 x A10G"),
        _row("g5.8xlarge", 32, 128, "1 x A10G"),
        _row("g5.16xlarge", 64, 256, "1 x A10G"),
    )
}

GIB = 1024**3
# What the service, its database and the host itself must keep even when a workstation takes all
# it may.
_HOST_KEEPS_CPUS = 0.25
_HOST_KEEPS_SHARE_OF_MEMORY = 0.125
_LEAST_MEMORY_BYTES = GIB


def share_for(name: str, *, host_cpus: int, host_memory_bytes: int) -> Share:
    """Scale a type to the host: all it has where that fits, else what the host can spare.

    Raises PermanentError for a name that is no instance type.
    """
    kind = INSTANCE_TYPES.get(name)
    if kind is None:
        known = ", ".join(sorted(INSTANCE_TYPES))
        raise PermanentError(
            f"{name} is not an instance type; known are {known}", reason=Reason.CAPACITY
        )
    cpus_to_spare = max(host_cpus - _HOST_KEEPS_CPUS, 0.5)
    memory_to_spare = max(
        int(host_memory_bytes * (1 - _HOST_KEEPS_SHARE_OF_MEMORY)), _LEAST_MEMORY_BYTES
    )
    cpus = min(float(kind.vcpus), cpus_to_spare)
    memory = min(kind.memory_gib * GIB, memory_to_spare)
    scaled = cpus < kind.vcpus or memory < kind.memory_gib * GIB
    wish = f"{name} is {kind.vcpus} vCPUs and {kind.memory_gib} GiB"
    given = f"{cpus:g} cores and {memory / GIB:.1f} GiB"
    return Share(
        cpus=cpus,
        memory_bytes=memory,
        scaled=scaled,
        detail=f"{wish}; this host gives at most {given}" if scaled else f"{wish}, as asked",
    )
