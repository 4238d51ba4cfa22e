"""What is told of a launch profile's chances, and how it is reckoned. No I/O."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

import msgspec

from soundstage.engines.interface import Capacity, Room
from soundstage.resources.images.model import StreamingImage
from soundstage.resources.launch_profiles.model import LaunchProfile
from soundstage.resources.quotas import Quota

FEWEST_STARTS = 3
"""Fewer measured starts say nothing about the next one."""


class InstanceTypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """What a workstation of one instance type gets here, and how many more would find a place."""

    ec2_instance_type: str
    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int | None = None
    detail: str | None = None
    free_places: int | None = None
    """Absent where the engine can't tell, as the figures above are."""


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """The chances of a launch profile."""

    instance_types: list[InstanceTypeAvailability]
    expected_start: timedelta | None
    """The middle one of the last starts; None when too few were measured."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A launch profile, the images that one may choose from, and the chances."""

    profile: LaunchProfile
    images: list[StreamingImage]
    availability: Availability


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """Cores, memory and graphics cards."""

    cpus: float
    gpus: int
    memory_in_bytes: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How large the place is that all workstations run in, and what each size gets of it."""

    free_disk_in_bytes: int
    free_memory_in_bytes: int
    promised: Amount
    size: Amount
    to_promise: Amount
    workstations: int
    types: list[InstanceTypeAvailability]


class QuotaUse(msgspec.Struct, frozen=True, kw_only=True):
    """How much of something a studio may have, and has."""

    quota: Quota
    name: str
    """As UpdateStudioQuotas has it."""
    value: int
    used: int | None
    """None where it is counted by person."""


def of_type(name: str, room: Room | None) -> InstanceTypeAvailability:
    """Say what a type is here; a place is free as far as nobody else was promised it."""
    wanted = None if room is None else room.types.get(name)
    if room is None or wanted is None:
        return InstanceTypeAvailability(ec2_instance_type=name)
    left = (
        (room.to_promise.cpus - room.promised.cpus, wanted.cpus),
        (room.to_promise.memory_bytes - room.promised.memory_bytes, wanted.memory_bytes),
        (room.to_promise.gpus - room.promised.gpus, wanted.gpus),
    )
    # The last digits of a sum of fractions must not cost a place.
    places = min(int(free / each + 1e-6) for free, each in left if each)
    return InstanceTypeAvailability(
        ec2_instance_type=name,
        cpus=wanted.cpus,
        memory_bytes=wanted.memory_bytes,
        gpus=wanted.gpus,
        detail=room.details.get(name),
        free_places=max(0, places),
    )


def place_of(room: Room) -> Place:
    """Say in figures what the engine says of its place."""
    return Place(
        free_disk_in_bytes=room.free_disk_bytes,
        free_memory_in_bytes=room.free_memory_bytes,
        promised=_amount(room.promised),
        size=_amount(room.size),
        to_promise=_amount(room.to_promise),
        workstations=len(room.workstations),
        types=[of_type(name, room) for name in room.types],
    )


def _amount(capacity: Capacity) -> Amount:
    return Amount(cpus=capacity.cpus, gpus=capacity.gpus, memory_in_bytes=capacity.memory_bytes)


def expected(starts: Sequence[timedelta]) -> timedelta | None:
    """Say how long a start takes, from those that were measured."""
    if len(starts) < FEWEST_STARTS:
        return None
    return timedelta(seconds=median(each.total_seconds() for each in starts))
