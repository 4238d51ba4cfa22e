"""The operations on studio components: shapes, and the rows that join them to the service."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources.components import service
from soundstage.resources.components.model import (
    InitializationScripts,
    ScriptParameterKeyValue,
    ScriptParameters,
    SecurityGroupIds,
    StudioComponent,
    StudioComponentChange,
    StudioComponentConfiguration,
    StudioComponentState,
    StudioComponentStatusCode,
    StudioComponentSubtype,
    StudioComponentType,
)
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import (
    ClientToken,
    Description,
    MaxResults,
    Name64,
    RoleArn,
    Shape,
    Tags,
)

LARGEST_PAGE = 50
"""The public model's limit for the list in an answer, whatever `maxResults` says."""


class StudioComponentShape(Shape, frozen=True, kw_only=True):
    """A component on the wire."""

    arn: str
    created_at: datetime
    created_by: str
    ec2_security_group_ids: list[str]
    initialization_scripts: InitializationScripts
    name: str
    script_parameters: list[ScriptParameterKeyValue]
    state: StudioComponentState
    status_code: StudioComponentStatusCode
    status_message: str
    studio_component_id: str
    subtype: StudioComponentSubtype
    tags: Tags
    type: StudioComponentType
    updated_at: datetime
    updated_by: str
    configuration: StudioComponentConfiguration | None = None
    description: str | None = None
    runtime_role_arn: str | None = None
    secure_initialization_role_arn: str | None = None


class CreateStudioComponentInput(Shape, frozen=True, kw_only=True):
    """What a component is made of."""

    name: Name64
    studio_id: str
    type: StudioComponentType
    client_token: ClientToken | None = None
    configuration: StudioComponentConfiguration | None = None
    description: Description | None = None
    ec2_security_group_ids: SecurityGroupIds | None = None
    initialization_scripts: InitializationScripts | None = None
    runtime_role_arn: RoleArn | None = None
    script_parameters: ScriptParameters | None = None
    secure_initialization_role_arn: RoleArn | None = None
    subtype: StudioComponentSubtype | None = None
    tags: Tags | None = None


class GetStudioComponentInput(Shape, frozen=True, kw_only=True):
    """Which component."""

    studio_component_id: str
    studio_id: str


class ListStudioComponentsInput(Shape, frozen=True, kw_only=True):
    """Which components, and where to go on."""

    studio_id: str
    max_results: MaxResults | None = None
    next_token: str | None = None
    states: list[StudioComponentState] | None = None
    types: list[StudioComponentType] | None = None


class UpdateStudioComponentInput(Shape, frozen=True, kw_only=True):
    """What to change of which component."""

    studio_component_id: str
    studio_id: str
    client_token: ClientToken | None = None
    configuration: StudioComponentConfiguration | None = None
    description: Description | None = None
    ec2_security_group_ids: SecurityGroupIds | None = None
    initialization_scripts: InitializationScripts | None = None
    name: Name64 | None = None
    runtime_role_arn: RoleArn | None = None
    script_parameters: ScriptParameters | None = None
    secure_initialization_role_arn: RoleArn | None = None
    subtype: StudioComponentSubtype | None = None
    type: StudioComponentType | None = None


class DeleteStudioComponentInput(Shape, frozen=True, kw_only=True):
    """Which component."""

    studio_component_id: str
    studio_id: str
    client_token: ClientToken | None = None


class ListStudioComponentsOutput(Shape, frozen=True, kw_only=True):
    """A page of components."""

    studio_components: Annotated[list[StudioComponentShape], Meta(max_length=LARGEST_PAGE)]
    next_token: str | None = None


class StudioComponentOutput(Shape, frozen=True, kw_only=True):
    """One component."""

    studio_component: StudioComponentShape


def create_studio_component(
    request: Request, given: CreateStudioComponentInput
) -> StudioComponentOutput:
    """Begin to make a component."""
    component = service.create(
        request,
        studio_id=given.studio_id,
        name=given.name,
        description=given.description,
        component_type=given.type,
        subtype=given.subtype,
        configuration=given.configuration,
        ec2_security_group_ids=given.ec2_security_group_ids or [],
        initialization_scripts=given.initialization_scripts or [],
        script_parameters=given.script_parameters or [],
        runtime_role_arn=given.runtime_role_arn,
        secure_initialization_role_arn=given.secure_initialization_role_arn,
        tags=given.tags or {},
    )
    return StudioComponentOutput(studio_component=_show(request, component))


def get_studio_component(request: Request, given: GetStudioComponentInput) -> StudioComponentOutput:
    """Read a component."""
    component = service.get(request, given.studio_id, given.studio_component_id)
    return StudioComponentOutput(studio_component=_show(request, component))


def list_studio_components(
    request: Request, given: ListStudioComponentsInput
) -> ListStudioComponentsOutput:
    """List the components of a studio."""
    components, next_token = service.list_page(
        request,
        given.studio_id,
        states=given.states or [],
        types=given.types or [],
        next_token=given.next_token,
        size=min(given.max_results or LARGEST_PAGE, LARGEST_PAGE),
    )
    return ListStudioComponentsOutput(
        studio_components=[_show(request, component) for component in components],
        next_token=next_token,
    )


def update_studio_component(
    request: Request, given: UpdateStudioComponentInput
) -> StudioComponentOutput:
    """Begin to change a component."""
    names = StudioComponentChange.__struct_fields__
    change = StudioComponentChange(**{name: getattr(given, name) for name in names})
    component = service.update(request, given.studio_id, given.studio_component_id, change)
    return StudioComponentOutput(studio_component=_show(request, component))


def delete_studio_component(
    request: Request, given: DeleteStudioComponentInput
) -> StudioComponentOutput:
    """Begin to delete a component."""
    component = service.delete(request, given.studio_id, given.studio_component_id)
    return StudioComponentOutput(studio_component=_show(request, component))


def _show(request: Request, component: StudioComponent) -> StudioComponentShape:
    return shaped(
        StudioComponentShape,
        component,
        studio_component_id=component.id,
        arn=request.installation.arn(ArnKind.STUDIO_COMPONENT, component.id),
    )


_NOBODY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)

OPERATIONS = [
    Operation(
        name="CreateStudioComponent",
        method="POST",
        path="/studios/{studioId}/studio-components",
        input=CreateStudioComponentInput,
        output=StudioComponentOutput,
        permission=_NOBODY,
        handler=create_studio_component,
    ),
    Operation(
        name="GetStudioComponent",
        method="GET",
        path="/studios/{studioId}/studio-components/{studioComponentId}",
        input=GetStudioComponentInput,
        output=StudioComponentOutput,
        permission=_NOBODY,
        handler=get_studio_component,
    ),
    Operation(
        name="ListStudioComponents",
        method="GET",
        path="/studios/{studioId}/studio-components",
        input=ListStudioComponentsInput,
        output=ListStudioComponentsOutput,
        permission=_NOBODY,
        handler=list_studio_components,
        paginates="studioComponents",
    ),
    Operation(
        name="UpdateStudioComponent",
        method="PATCH",
        path="/studios/{studioId}/studio-components/{studioComponentId}",
        input=UpdateStudioComponentInput,
        output=StudioComponentOutput,
        permission=_NOBODY,
        handler=update_studio_component,
    ),
    Operation(
        name="DeleteStudioComponent",
        method="DELETE",
        path="/studios/{studioId}/studio-components/{studioComponentId}",
        input=DeleteStudioComponentInput,
        output=StudioComponentOutput,
        permission=_NOBODY,
        handler=delete_studio_component,
    ),
]
