"""The operations on availability, additions to the public API."""

from soundstage.resources.availability import service
from soundstage.resources.availability.model import Availability
from soundstage.resources.images.operations import StreamingImageShape
from soundstage.resources.images.operations import show as show_image
from soundstage.resources.launch_profiles.model import LaunchProfileState
from soundstage.resources.launch_profiles.operations import LaunchProfileShape
from soundstage.resources.launch_profiles.operations import show as show_profile
from soundstage.resources.listing import PAGE_SIZE
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import MaxResults, Shape


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


class LaunchProfileAvailabilityShape(Shape, frozen=True, kw_only=True):
    """A launch profile, what one may choose from, and what its workstations would get now."""

    launch_profile: LaunchProfileShape
    streaming_images: list[StreamingImageShape]
    instance_types: list[LaunchProfileInstanceTypeAvailability]
    expected_start_in_seconds: float | None = None


class ListLaunchProfileAvailabilitiesInput(Shape, frozen=True, kw_only=True):
    """Which launch profiles, and where to go on."""

    studio_id: str
    max_results: MaxResults | None = None
    next_token: str | None = None
    principal_id: str | None = None
    states: list[LaunchProfileState] | None = None


class ListLaunchProfileAvailabilitiesOutput(Shape, frozen=True, kw_only=True):
    """A page of them, in the order of ListLaunchProfiles."""

    launch_profile_availabilities: list[LaunchProfileAvailabilityShape]
    next_token: str | None = None


def get_launch_profile_availability(
    request: Request, given: GetLaunchProfileAvailabilityInput
) -> GetLaunchProfileAvailabilityOutput:
    """Say what one would get."""
    found = service.of_profile(request, given.studio_id, given.launch_profile_id)
    return GetLaunchProfileAvailabilityOutput(
        instance_types=_show_types(found), expected_start_in_seconds=_show_start(found)
    )


def list_launch_profile_availabilities(
    request: Request, given: ListLaunchProfileAvailabilitiesInput
) -> ListLaunchProfileAvailabilitiesOutput:
    """List launch profiles with what one would get: all that a page of choices is made of."""
    offers, next_token = service.list_page(
        request,
        given.studio_id,
        states=given.states or [],
        principal_id=given.principal_id,
        next_token=given.next_token,
        size=given.max_results or PAGE_SIZE,
    )
    return ListLaunchProfileAvailabilitiesOutput(
        launch_profile_availabilities=[
            LaunchProfileAvailabilityShape(
                launch_profile=show_profile(request, offer.profile),
                streaming_images=[show_image(request, image) for image in offer.images],
                instance_types=_show_types(offer.availability),
                expected_start_in_seconds=_show_start(offer.availability),
            )
            for offer in offers
        ],
        next_token=next_token,
    )


def _show_types(found: Availability) -> list[LaunchProfileInstanceTypeAvailability]:
    return [
        LaunchProfileInstanceTypeAvailability(
            ec2_instance_type=each.ec2_instance_type,
            cpus=each.cpus,
            memory_in_bytes=each.memory_bytes,
            gpus=each.gpus,
            detail=each.detail,
            free_places=each.free_places,
        )
        for each in found.instance_types
    ]


def _show_start(found: Availability) -> float | None:
    soon = found.expected_start
    return None if soon is None else round(soon.total_seconds(), 3)


OPERATIONS = [
    Operation(
        name="GetLaunchProfileAvailability",
        method="GET",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}/availability",
        input=GetLaunchProfileAvailabilityInput,
        output=GetLaunchProfileAvailabilityOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER),
        handler=get_launch_profile_availability,
    ),
    Operation(
        name="ListLaunchProfileAvailabilities",
        method="GET",
        path="/studios/{studioId}/launch-profile-availabilities",
        input=ListLaunchProfileAvailabilitiesInput,
        output=ListLaunchProfileAvailabilitiesOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST),
        handler=list_launch_profile_availabilities,
        paginates="launchProfileAvailabilities",
    ),
]
