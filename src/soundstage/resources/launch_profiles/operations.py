"""The operations on launch profiles: shapes, and the rows that join them to the service."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources.components.model import (
    ActiveDirectoryComputerAttribute,
    ActiveDirectoryConfiguration,
    LaunchProfilePlatform,
    ProtocolVersion,
    StudioComponent,
    StudioComponentInitializationScriptRunContext,
    StudioComponentSubtype,
    StudioComponentType,
)
from soundstage.resources.images.operations import StreamingImageShape
from soundstage.resources.images.operations import show as show_image
from soundstage.resources.launch_profiles import service
from soundstage.resources.launch_profiles.initialization import Script
from soundstage.resources.launch_profiles.model import (
    LaunchProfile,
    LaunchProfileChange,
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


class UpdateLaunchProfileInput(Shape, frozen=True, kw_only=True):
    """What to change of which launch profile."""

    launch_profile_id: str
    studio_id: str
    client_token: ClientToken | None = None
    description: Description | None = None
    launch_profile_protocol_versions: list[ProtocolVersion] | None = None
    name: LaunchProfileName | None = None
    stream_configuration: StreamConfiguration | None = None
    studio_component_ids: Annotated[list[str], Meta(min_length=1, max_length=100)] | None = None


class DeleteLaunchProfileInput(Shape, frozen=True, kw_only=True):
    """Which launch profile."""

    launch_profile_id: str
    studio_id: str
    client_token: ClientToken | None = None


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


class GetLaunchProfileInitializationInput(Shape, frozen=True, kw_only=True):
    """Which launch profile, and what asks."""

    launch_profile_id: str
    launch_profile_protocol_versions: list[str]
    launch_purpose: str
    platform: str
    studio_id: str


class StudioComponentSummaryShape(Shape, frozen=True, kw_only=True):
    """What an artist may know of a component."""

    created_at: datetime
    created_by: str
    name: str
    studio_component_id: str
    subtype: StudioComponentSubtype
    type: StudioComponentType
    updated_at: datetime
    updated_by: str
    description: str | None = None


class GetLaunchProfileDetailsOutput(Shape, frozen=True, kw_only=True):
    """A launch profile, and what it names."""

    launch_profile: LaunchProfileShape
    streaming_images: list[StreamingImageShape]
    studio_component_summaries: list[StudioComponentSummaryShape]


class LaunchProfileInitializationActiveDirectoryShape(Shape, frozen=True, kw_only=True):
    """The directory to join. Its name and its name servers are for the workstation to find out."""

    studio_component_id: str
    studio_component_name: str
    computer_attributes: list[ActiveDirectoryComputerAttribute] | None = None
    directory_id: str | None = None
    directory_name: str | None = None
    dns_ip_addresses: list[str] | None = None
    organizational_unit_distinguished_name: str | None = None


class LaunchProfileInitializationScriptShape(Shape, frozen=True, kw_only=True):
    """A script to run, and where it comes from."""

    script: str
    studio_component_id: str
    studio_component_name: str
    runtime_role_arn: str | None = None
    secure_initialization_role_arn: str | None = None


class LaunchProfileInitializationShape(Shape, frozen=True, kw_only=True):
    """All that a workstation needs to join."""

    launch_profile_id: str
    launch_profile_protocol_version: str
    launch_purpose: str
    name: str
    platform: LaunchProfilePlatform
    system_initialization_scripts: list[LaunchProfileInitializationScriptShape]
    user_initialization_scripts: list[LaunchProfileInitializationScriptShape]
    active_directory: LaunchProfileInitializationActiveDirectoryShape | None = None
    ec2_security_group_ids: list[str] | None = None
    """Absent when no component has any: the public model allows no empty list."""


class GetLaunchProfileInitializationOutput(Shape, frozen=True, kw_only=True):
    """The one thing that was asked for."""

    launch_profile_initialization: LaunchProfileInitializationShape


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
    return LaunchProfileOutput(launch_profile=show(request, profile))


def get_launch_profile(request: Request, given: GetLaunchProfileInput) -> LaunchProfileOutput:
    """Read a launch profile."""
    profile = service.get(request, given.studio_id, given.launch_profile_id)
    return LaunchProfileOutput(launch_profile=show(request, profile))


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
        launch_profiles=[show(request, profile) for profile in profiles], next_token=next_token
    )


def update_launch_profile(request: Request, given: UpdateLaunchProfileInput) -> LaunchProfileOutput:
    """Begin to change a launch profile."""
    names = LaunchProfileChange.__struct_fields__
    change = LaunchProfileChange(**{name: getattr(given, name) for name in names})
    profile = service.update(request, given.studio_id, given.launch_profile_id, change)
    return LaunchProfileOutput(launch_profile=show(request, profile))


def delete_launch_profile(request: Request, given: DeleteLaunchProfileInput) -> LaunchProfileOutput:
    """Begin to delete a launch profile."""
    profile = service.delete(request, given.studio_id, given.launch_profile_id)
    return LaunchProfileOutput(launch_profile=show(request, profile))


def get_launch_profile_details(
    request: Request, given: GetLaunchProfileInput
) -> GetLaunchProfileDetailsOutput:
    """Read a launch profile with its images and what may be known of its components."""
    profile, images, components = service.details(request, given.studio_id, given.launch_profile_id)
    return GetLaunchProfileDetailsOutput(
        launch_profile=show(request, profile),
        streaming_images=[show_image(request, image) for image in images],
        studio_component_summaries=[
            shaped(StudioComponentSummaryShape, component, studio_component_id=component.id)
            for component in components
        ],
    )


def get_launch_profile_initialization(
    request: Request, given: GetLaunchProfileInitializationInput
) -> GetLaunchProfileInitializationOutput:
    """Say what a workstation needs to join."""
    profile, version, found = service.initialize(
        request,
        given.studio_id,
        given.launch_profile_id,
        platform=given.platform,
        purpose=given.launch_purpose,
        protocol_versions=given.launch_profile_protocol_versions,
    )
    contexts = StudioComponentInitializationScriptRunContext
    return GetLaunchProfileInitializationOutput(
        launch_profile_initialization=LaunchProfileInitializationShape(
            launch_profile_id=profile.id,
            launch_profile_protocol_version=version,
            launch_purpose=given.launch_purpose,
            name=profile.name,
            platform=LaunchProfilePlatform(given.platform),
            system_initialization_scripts=_show_scripts(
                found.of_context(contexts.SYSTEM_INITIALIZATION)
            ),
            user_initialization_scripts=_show_scripts(
                found.of_context(contexts.USER_INITIALIZATION)
            ),
            active_directory=_show_directory(found.directory) if found.directory else None,
            ec2_security_group_ids=found.ec2_security_group_ids or None,
        )
    )


def _show_scripts(scripts: list[Script]) -> list[LaunchProfileInitializationScriptShape]:
    return [
        shaped(
            LaunchProfileInitializationScriptShape,
            script.component,
            script=script.text,
            studio_component_id=script.component.id,
            studio_component_name=script.component.name,
        )
        for script in scripts
    ]


def _show_directory(component: StudioComponent) -> LaunchProfileInitializationActiveDirectoryShape:
    given = component.configuration and component.configuration.active_directory_configuration
    return shaped(
        LaunchProfileInitializationActiveDirectoryShape,
        given or ActiveDirectoryConfiguration(),
        studio_component_id=component.id,
        studio_component_name=component.name,
    )


def show(request: Request, profile: LaunchProfile) -> LaunchProfileShape:
    """Make the wire's shape of a launch profile; availabilities show it too."""
    return shaped(
        LaunchProfileShape,
        profile,
        launch_profile_id=profile.id,
        arn=request.installation.arn(ArnKind.LAUNCH_PROFILE, profile.id),
    )


_NOBODY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
_MEMBERS = Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER)

OPERATIONS = [
    Operation(
        name="CreateLaunchProfile",
        method="POST",
        path="/studios/{studioId}/launch-profiles",
        input=CreateLaunchProfileInput,
        output=LaunchProfileOutput,
        permission=_NOBODY,
        handler=create_launch_profile,
    ),
    Operation(
        name="GetLaunchProfile",
        method="GET",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}",
        input=GetLaunchProfileInput,
        output=LaunchProfileOutput,
        permission=_MEMBERS,
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
    Operation(
        name="UpdateLaunchProfile",
        method="PATCH",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}",
        input=UpdateLaunchProfileInput,
        output=LaunchProfileOutput,
        permission=_NOBODY,
        handler=update_launch_profile,
    ),
    Operation(
        name="DeleteLaunchProfile",
        method="DELETE",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}",
        input=DeleteLaunchProfileInput,
        output=LaunchProfileOutput,
        permission=_NOBODY,
        handler=delete_launch_profile,
    ),
    Operation(
        name="GetLaunchProfileDetails",
        method="GET",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}/details",
        input=GetLaunchProfileInput,
        output=GetLaunchProfileDetailsOutput,
        permission=_MEMBERS,
        handler=get_launch_profile_details,
    ),
    Operation(
        name="GetLaunchProfileInitialization",
        method="GET",
        path="/studios/{studioId}/launch-profiles/{launchProfileId}/init",
        input=GetLaunchProfileInitializationInput,
        output=GetLaunchProfileInitializationOutput,
        permission=_MEMBERS,
        handler=get_launch_profile_initialization,
    ),
]
