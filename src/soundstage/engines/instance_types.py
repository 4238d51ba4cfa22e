"""The API's instance types and what this host gives for them; asked by engines at each start.

The operator may say in the settings what a type is here. What a host can't give in full is scaled
to it, and `Share.detail` says so.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstage.engines.interface import PermanentError, Reason
from soundstage.kit.config import ConfigError, Settings


class InstanceType(msgspec.Struct, frozen=True, kw_only=True):
    """What a type has where it was sold, or what the operator says that it has here."""

    name: str
    vcpus: float
    memory_gib: float
    gpus: int
    gpu: str = ""
    """Its model there; empty where the operator said what the type is."""


class Size(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator says of a type; what is left out stays as published."""

    cpus: Annotated[float, Meta(ge=0.25, le=4096)] | None = None
    memory_gib: Annotated[float, Meta(ge=0.5, le=65536)] | None = None
    gpus: Annotated[int, Meta(ge=0, le=64)] | None = None


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What a workstation of a type may use on this host."""

    cpus: float
    """In cores; one and a half is 1.5."""
    memory_bytes: int
    gpus: int
    scaled: bool
    """Reports whether the host is smaller than the type asks."""
    detail: str
    """The same in a sentence for people."""


def _row(name: str, vcpus: float, memory_gib: float, gpus: int, gpu: str) -> InstanceType:
    return InstanceType(name=name, vcpus=vcpus, memory_gib=memory_gib, gpus=gpus, gpu=gpu)


# Sizes as published by the vendor for its EC2 types G3, G4dn and G5.
INSTANCE_TYPES = {
    row.name: row
    for row in (
        _row("g4dn.xlarge", 4, 16, 1, "T4"),
        _row("g4dn.2xlarge", 8, 32, 1, "T4"),
        _row("g4dn.4xlarge", 16, 64, 1, "T4"),
        _row("g4dn.8xlarge", 32, 128, 1, "T4"),
        _row("g4dn.12xlarge", 48, 192, 4, "T4"),
        _row("g4dn.16xlarge", 64, 256, 1, "T4"),
        _row("g3.4xlarge", 16, 122, 1, "M60"),
        _row("g3s.xlarge", 4, 30.5, 1, "M60"),
        _row("g5.xlarge", 4, 16, 1, "A10G"),
        _row("g5.2xlarge", 8, 32, 1, "A10G"),
        _row("g5.4xlarge", 16, 64, 1, "A10G"),
        _row("g5.8xlarge", 32, 128, 1, "A10G"),
        _row("g5.16xlarge", 64, 256, 1, "A10G"),
    )
}

GIB = 1024**3
# What the service, its database and the host itself must keep even when a workstation takes all
# it may.
_HOST_KEEPS_CPUS = 0.25
_HOST_KEEPS_SHARE_OF_MEMORY = 0.125
_LEAST_MEMORY_BYTES = GIB


def catalogue(sizes: Mapping[str, Size]) -> dict[str, InstanceType]:
    """All types, as published and as the operator says. Raises ValueError for an unknown name."""
    unknown = sorted(set(sizes) - set(INSTANCE_TYPES))
    if unknown:
        known = ", ".join(sorted(INSTANCE_TYPES))
        raise ValueError(f"{', '.join(unknown)} is not an instance type; known are {known}")
    return {
        name: kind if name not in sizes else _resized(kind, sizes[name])
        for name, kind in INSTANCE_TYPES.items()
    }


def _resized(kind: InstanceType, size: Size) -> InstanceType:
    return InstanceType(
        name=kind.name,
        vcpus=kind.vcpus if size.cpus is None else size.cpus,
        memory_gib=kind.memory_gib if size.memory_gib is None else size.memory_gib,
        gpus=kind.gpus if size.gpus is None else size.gpus,
    )


def share_for(
    name: str,
    *,
    host_cpus: float,
    host_memory_bytes: int,
    host_gpus: int = 0,
    types: Mapping[str, InstanceType] = INSTANCE_TYPES,
) -> Share:
    """Scale a type to the host: all it has where that fits, else what the host can spare.

    Raises PermanentError for a name that is no instance type.
    """
    kind = types.get(name)
    if kind is None:
        known = ", ".join(sorted(types))
        raise PermanentError(
            f"{name} is not an instance type; known are {known}", reason=Reason.CAPACITY
        )
    asked_bytes = int(kind.memory_gib * GIB)
    cpus = min(float(kind.vcpus), cpus_to_spare(host_cpus))
    memory = min(asked_bytes, memory_to_spare(host_memory_bytes))
    gpus = min(kind.gpus, host_gpus)
    scaled = cpus < kind.vcpus or memory < asked_bytes or gpus < kind.gpus
    wish = f"{name} is {kind.vcpus:g} vCPUs, {kind.memory_gib:g} GiB and {gpus_in_words(kind.gpus)}"
    given = f"{cpus:g} cores, {memory / GIB:.1f} GiB and {gpus_in_words(gpus)}"
    return Share(
        cpus=cpus,
        memory_bytes=memory,
        gpus=gpus,
        scaled=scaled,
        detail=f"{wish}; this host gives {given}" if scaled else f"{wish}, as asked",
    )


def cpus_to_spare(host_cpus: float) -> float:
    return max(host_cpus - _HOST_KEEPS_CPUS, 0.5)


def memory_to_spare(host_memory_bytes: int) -> int:
    return max(int(host_memory_bytes * (1 - _HOST_KEEPS_SHARE_OF_MEMORY)), _LEAST_MEMORY_BYTES)


def gpus_in_words(number: int) -> str:
    return "no GPU" if number == 0 else f"{number} GPU{'s' if number > 1 else ''}"


def sizes_of(settings: Settings) -> dict[str, Size]:
    """What the operator says that instance types are. Raises ConfigError."""
    try:
        sizes = msgspec.convert(settings.instance_types, dict[str, Size])
        catalogue(sizes)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"SOUNDSTAGE_INSTANCE_TYPES: {error}") from None
    return sizes
