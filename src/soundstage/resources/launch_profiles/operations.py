"""The operations on launch profiles: shapes, and the rows that join them to the service."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources.components.model import ProtocolVersion
from soundstage.resources.launch_profiles import service
from soundstage.resources.launch_profiles.model import (
    LaunchProfile,
    LaunchProfileState,
    LaunchProfileStatusCode,
    StreamConfiguration,
    ValidationResult,
)
from soundstage.resources.listing import PAGE_SIZE
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import SENSITIVE, ClientToken, Description, MaxResults, Shape, Tags

LaunchProfileName = Annotated[str, Meta(min_length=1, max_length=64, extra=SENSITIVE)]


class LaunchProfileShape(Shape, frozen=True, kw_only=True):
    """A launch profile on the wire."""

    arn: str
    created_at: datetime
    created_by: str
    ec2_subnet_ids: list[str]
    launch_profile_id: str
    launch_profile_protocol_versions: list[str]
    name: str
    state: LaunchProfileState
    status_code: LaunchProfileStatusCode
    status_message: str
    stream_configuration: StreamConfiguration
    studio_component_ids: list[str]
    tags: Tags
    updated_at: datetime
    updated_by: str
    validation_results: list[ValidationResult]
    description: str | None = None


class CreateLaunchProfileInput(Shape, frozen=True, kw_only=True):
    """What a launch profile is made of."""

    ec2_subnet_ids: Annotated[list[str], Meta(max_length=6)]
    launch_profile_protocol_versions: list[ProtocolVersion]
    name: LaunchProfileName
    stream_configuration: StreamConfiguration
    studio_component_ids: Annotated[list[str], Meta(min_length=1, max_length=100)]
    studio_id: str
    client_token: ClientToken | None = None
    description: Description | None = None
    tags: Tags | None = None


class GetLaunchProfileInput(Shape, frozen=True, kw_only=True):
    """Which launch profile."""

    launch_profile_id: str
    studio_id: str


class ListLaunchProfilesInput(Shape, frozen=True, kw_only=True):
    """Which launch profiles, and where to go on."""

    studio_id: str
    max_results: MaxResults | None = None
    next_token: str | None = None
    principal_id: str | None = None
    states: list[LaunchProfileState] | None = None


class LaunchProfileOutput(Shape, frozen=True, kw_only=True):
    """One launch profile."""

    launch_profile: LaunchProfileShape


class ListLaunchProfilesOutput(Shape, frozen=True, kw_only=True):
    """A page of launch profiles."""

    launch_profiles: list[LaunchProfileShape]
    next_token: str | None = None


def create_launch_profile(request: Request, given: CreateLaunchProfileInput) -> LaunchProfileOutput:
    """Begin to make a launch profile."""
    profile = service.create(
        request,
        studio_id=given.studio_id,
        name=given.name,
        description=given.description,
        ec2_subnet_ids=given.ec2_subnet_ids,
        protocol_versions=given.launch_profile_protocol_versions,
        stream_configuration=given.stream_configuration,
        studio_component_ids=given.studio_component_ids,
        tags=given.tags or {},
    )
    return LaunchProfileOutput(launch_profile=_show(request, profile))


def get_launch_profile(request: Request, given: GetLaunchProfileInput) -> LaunchProfileOutput:
    """Read a launch profile."""
    profile = service.get(request, given.studio_id, given.launch_profile_id)
    return LaunchProfileOutput(launch_profile=_show(request, profile))


def list_launch_profiles(
    request: Request, given: ListLaunchProfilesInput
) -> ListLaunchProfilesOutput:
    """List the launch profiles of a studio, or those that one person may use."""
    profiles, next_token = service.list_page(
        request,
        given.studio_id,
        states=given.states or [],
        principal_id=given.principal_id,
        next_token=given.next_token,
        size=given.max_results or PAGE_SIZE,
    )
    return ListLaunchProfilesOutput(
        launch_profiles=[_show(request, profile) for profile in profiles], next_token=next_token
    )


def _show(request: Request, profile: LaunchProfile) -> LaunchProfileShape:
    return shaped(
        LaunchProfileShape,
        profile,
        launch_profile_id=profile.id,
        arn=request.installation.arn(ArnKind.LAUNCH_PROFILE, profile.id),
    )


OPERATIONS = [
    Operation(
        name="CreateLaunchProfile",
        method="POST",
        path="/studios/{studioId}/launch-profiles",
        input=CreateLaunchProfileInput,
        output=LaunchProfileOutput,
        permission=Permission(administrator=Grant.NEVER, user=Grant.NEVER),
        handler=create_launch_profile,
    ),
    Operation(
        name="GetLaunchProfile",
        method="GET",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}",
        input=GetLaunchProfileInput,
        output=LaunchProfileOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER),
        handler=get_launch_profile,
    ),
    Operation(
        name="ListLaunchProfiles",
        method="GET",
        path="/studios/{studioId}/launch-profiles",
        input=ListLaunchProfilesInput,
        output=ListLaunchProfilesOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST),
        handler=list_launch_profiles,
        paginates="launchProfiles",
    ),
]
