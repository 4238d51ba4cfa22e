"""The operation on availability, an addition to the public API."""

from soundstage.resources.availability import service
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import Shape


class LaunchProfileInstanceTypeAvailability(Shape, frozen=True, kw_only=True):
    """What a workstation of one instance type gets here; figures only where they are known."""

    ec2_instance_type: str
    cpus: float | None = None
    memory_in_bytes: int | None = None
    gpus: int | None = None
    detail: str | None = None
    """The same in a sentence, with what the type was where it was sold."""
    free_places: int | None = None
    """How many more such workstations would be let in now."""


class GetLaunchProfileAvailabilityInput(Shape, frozen=True, kw_only=True):
    """Which launch profile."""

    launch_profile_id: str
    studio_id: str


class GetLaunchProfileAvailabilityOutput(Shape, frozen=True, kw_only=True):
    """What its workstations would get now, and how soon."""

    instance_types: list[LaunchProfileInstanceTypeAvailability]
    """In the order of the profile: the first is the default."""
    expected_start_in_seconds: float | None = None
    """The middle one of the last ten starts; absent when fewer than three were measured."""


def get_launch_profile_availability(
    request: Request, given: GetLaunchProfileAvailabilityInput
) -> GetLaunchProfileAvailabilityOutput:
    """Say what one would get."""
    found = service.of_profile(request, given.studio_id, given.launch_profile_id)
    soon = found.expected_start
    return GetLaunchProfileAvailabilityOutput(
        instance_types=[
            LaunchProfileInstanceTypeAvailability(
                ec2_instance_type=each.ec2_instance_type,
                cpus=each.cpus,
                memory_in_bytes=each.memory_bytes,
                gpus=each.gpus,
                detail=each.detail,
                free_places=each.free_places,
            )
            for each in found.instance_types
        ],
        expected_start_in_seconds=None if soon is None else round(soon.total_seconds(), 3),
    )


OPERATIONS = [
    Operation(
        name="GetLaunchProfileAvailability",
        method="GET",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}/availability",
        input=GetLaunchProfileAvailabilityInput,
        output=GetLaunchProfileAvailabilityOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER),
        handler=get_launch_profile_availability,
        asks_engine=True,
    ),
]
