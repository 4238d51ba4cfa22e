"""The operations on availability, additions to the public API."""

from soundstage.resources.availability import service
from soundstage.resources.availability.model import Availability, InstanceTypeAvailability, Place
from soundstage.resources.hosts.operations import CapacityShape
from soundstage.resources.images.operations import StreamingImageShape
from soundstage.resources.images.operations import show as show_image
from soundstage.resources.launch_profiles.model import LaunchProfileState, StreamingInstanceType
from soundstage.resources.launch_profiles.operations import LaunchProfileShape
from soundstage.resources.launch_profiles.operations import show as show_profile
from soundstage.resources.listing import PAGE_SIZE
from soundstage.resources.quotas import Quota
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
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
    warm_workstations: int | None = None
    """How many of the first image and instance type are prepared, and can be had at once."""


class LaunchProfileAvailabilityShape(Shape, frozen=True, kw_only=True):
    """A launch profile, what one may choose from, and what its workstations would get now."""

    launch_profile: LaunchProfileShape
    streaming_images: list[StreamingImageShape]
    instance_types: list[LaunchProfileInstanceTypeAvailability]
    expected_start_in_seconds: float | None = None
    warm_workstations: int | None = None


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


class PlaceShape(Shape, frozen=True, kw_only=True):
    """How large the place is that all workstations of the installation run in."""

    free_disk_in_bytes: int
    free_memory_in_bytes: int
    """What no process uses now, whatever was promised."""
    promised: CapacityShape
    size: CapacityShape
    to_promise: CapacityShape
    """What all workstations together may be promised."""
    workstations: int
    """How many run, or are on their way."""
    warm_workstations: int | None = None
    """How many of these are kept prepared, and given up when a session needs their room."""


class QuotaUseShape(Shape, frozen=True, kw_only=True):
    """How much of something the studio may have, and has."""

    quota: Quota
    name: str
    """As UpdateStudioQuotas has it."""
    value: int
    used: int | None = None
    """Absent where it is counted by person."""


class WarmPoolShape(Shape, frozen=True, kw_only=True):
    """The workstations that are kept prepared for a launch profile."""

    launch_profile_id: str
    preparing: int
    ready: int
    wanted: int
    status_message: str | None = None
    """Why one is missing."""


class GetStudioCapacityInput(Shape, frozen=True, kw_only=True):
    """Which studio."""

    studio_id: str


class GetStudioCapacityOutput(Shape, frozen=True, kw_only=True):
    """What there is, what is promised, and what the studio may have."""

    instance_types: list[LaunchProfileInstanceTypeAvailability]
    quotas: list[QuotaUseShape]
    place: PlaceShape | None = None
    """Absent where the engine can't tell."""
    warm_pools: list[WarmPoolShape] | None = None
    """Of the launch profiles that have one."""


class GetCatalogueInput(Shape, frozen=True, kw_only=True):
    """Nothing to choose: it is the installation's."""


class InstanceTypeShape(Shape, frozen=True, kw_only=True):
    """What an instance type is here, before a host that is smaller scales it."""

    ec2_instance_type: StreamingInstanceType
    cpus: float
    gpus: int
    memory_in_gib: float


class CatalogueImageShape(Shape, frozen=True, kw_only=True):
    """What an `ec2ImageId` means here."""

    ec2_image_id: str
    engine_image: str
    """As the engine knows it."""


class GetCatalogueOutput(Shape, frozen=True, kw_only=True):
    """What the installation has to choose from."""

    images: list[CatalogueImageShape]
    instance_types: list[InstanceTypeShape]


def get_catalogue(request: Request, given: GetCatalogueInput) -> GetCatalogueOutput:
    """Say what instance types and images are here; the settings alone change it."""
    del given
    types, images = service.catalogue(request)
    return GetCatalogueOutput(
        images=[
            CatalogueImageShape(ec2_image_id=each, engine_image=image)
            for each, image in sorted(images.items())
        ],
        instance_types=[
            InstanceTypeShape(
                ec2_instance_type=StreamingInstanceType(each.name),
                cpus=each.vcpus,
                gpus=each.gpus,
                memory_in_gib=each.memory_gib,
            )
            for each in types
        ],
    )


def get_studio_capacity(request: Request, given: GetStudioCapacityInput) -> GetStudioCapacityOutput:
    """Say what there is."""
    place, uses, pools = service.of_studio(request, given.studio_id)
    return GetStudioCapacityOutput(
        instance_types=[] if place is None else _show_types(place.types),
        quotas=[shaped(QuotaUseShape, use) for use in uses],
        place=None if place is None else _show_place(place),
        warm_pools=[
            shaped(WarmPoolShape, pool, status_message=pool.status_message or None)
            for pool in pools
        ],
    )


def _show_place(place: Place) -> PlaceShape:
    return shaped(
        PlaceShape,
        place,
        promised=shaped(CapacityShape, place.promised),
        size=shaped(CapacityShape, place.size),
        to_promise=shaped(CapacityShape, place.to_promise),
        warm_workstations=place.warm,
    )


def get_launch_profile_availability(
    request: Request, given: GetLaunchProfileAvailabilityInput
) -> GetLaunchProfileAvailabilityOutput:
    """Say what one would get."""
    found = service.of_profile(request, given.studio_id, given.launch_profile_id)
    return GetLaunchProfileAvailabilityOutput(
        instance_types=_show_types(found.instance_types),
        expected_start_in_seconds=_show_start(found),
        warm_workstations=found.warm,
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
                instance_types=_show_types(offer.availability.instance_types),
                expected_start_in_seconds=_show_start(offer.availability),
                warm_workstations=offer.availability.warm,
            )
            for offer in offers
        ],
        next_token=next_token,
    )


def _show_types(
    found: list[InstanceTypeAvailability],
) -> list[LaunchProfileInstanceTypeAvailability]:
    return [
        LaunchProfileInstanceTypeAvailability(
            ec2_instance_type=each.ec2_instance_type,
            cpus=each.cpus,
            memory_in_bytes=each.memory_bytes,
            gpus=each.gpus,
            detail=each.detail,
            free_places=each.free_places,
        )
        for each in found
    ]


def _show_start(found: Availability) -> float | None:
    soon = found.expected_start
    return None if soon is None else round(soon.total_seconds(), 3)


OPERATIONS = [
    Operation(
        name="GetCatalogue",
        method="GET",
        path="/catalogue",
        input=GetCatalogueInput,
        output=GetCatalogueOutput,
        permission=Permission(administrator=Grant.NEVER, user=Grant.NEVER),
        handler=get_catalogue,
    ),
    Operation(
        name="GetStudioCapacity",
        method="GET",
        path="/studios/{studioId}/capacity",
        input=GetStudioCapacityInput,
        output=GetStudioCapacityOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.NEVER),
        handler=get_studio_capacity,
        asks_engine=True,
    ),
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
    Operation(
        name="ListLaunchProfileAvailabilities",
        method="GET",
        path="/studios/{studioId}/launch-profile-availabilities",
        input=ListLaunchProfileAvailabilitiesInput,
        output=ListLaunchProfileAvailabilitiesOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST),
        handler=list_launch_profile_availabilities,
        asks_engine=True,
        paginates="launchProfileAvailabilities",
    ),
]
