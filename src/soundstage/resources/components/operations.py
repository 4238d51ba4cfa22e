"""The operations on studio components: shapes, and the rows that join them to the service."""

from datetime import datetime

from soundstage.resources.components import service
from soundstage.resources.components.model import (
    InitializationScripts,
    ScriptParameterKeyValue,
    ScriptParameters,
    SecurityGroupIds,
    StudioComponent,
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
from soundstage.wire.shapes import ClientToken, Description, Name64, RoleArn, Shape, Tags


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
]
