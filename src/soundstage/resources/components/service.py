"""What can be done with studio components; called by their operations and by launch profiles."""

from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import hints, ids
from soundstage.resources import settling
from soundstage.resources.components import store
from soundstage.resources.components.lifecycle import MACHINE
from soundstage.resources.components.model import (
    InitializationScripts,
    ScriptParameterKeyValue,
    StudioComponent,
    StudioComponentConfiguration,
    StudioComponentState,
    StudioComponentStatusCode,
    StudioComponentSubtype,
    StudioComponentType,
    checked_configuration,
)
from soundstage.resources.request import Request
from soundstage.resources.studios import service as studios
from soundstage.resources.tags import model as tag_rules
from soundstage.wire.arn import ArnKind
from soundstage.wire.faults import NotFoundError


def create(
    request: Request,
    *,
    studio_id: str,
    name: str,
    description: str | None,
    component_type: StudioComponentType,
    subtype: StudioComponentSubtype | None,
    configuration: StudioComponentConfiguration | None,
    ec2_security_group_ids: list[str],
    initialization_scripts: InitializationScripts,
    script_parameters: list[ScriptParameterKeyValue],
    runtime_role_arn: str | None,
    secure_initialization_role_arn: str | None,
    tags: dict[str, str],
) -> StudioComponent:
    """Begin to make a component; it is READY a moment later."""
    configuration = checked_configuration(component_type, configuration)
    tags = tag_rules.check(tags)
    studios.find_usable(request.transaction, studio_id)
    component = StudioComponent(
        id=ids.new_id(),
        studio_id=studio_id,
        name=name,
        description=description,
        type=component_type,
        subtype=subtype or StudioComponentSubtype.CUSTOM,
        configuration=configuration,
        ec2_security_group_ids=ec2_security_group_ids,
        initialization_scripts=initialization_scripts,
        script_parameters=script_parameters,
        runtime_role_arn=runtime_role_arn,
        secure_initialization_role_arn=secure_initialization_role_arn,
        tags=tags,
        state=StudioComponentState.CREATE_IN_PROGRESS,
        status_code=StudioComponentStatusCode.STUDIO_COMPONENT_CREATE_IN_PROGRESS,
        status_message="The studio component is being created.",
        created_at=request.now,
        created_by=request.caller.principal_id,
        updated_at=request.now,
        updated_by=request.caller.principal_id,
    )
    store.components.insert(request.transaction, component, due_at=request.now)
    hints.hint(request.transaction, "components", component.id)
    return component


def get(request: Request, studio_id: str, component_id: str) -> StudioComponent:
    """Read one component of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    return find(request.transaction, studio_id, component_id)


def find(transaction: Connection, studio_id: str, component_id: str) -> StudioComponent:
    """Read one component, for nouns above. Raises NotFoundError."""
    component = store.components.get(transaction, component_id)
    if component is None or component.studio_id != studio_id:
        raise NotFoundError("studio component", component_id)
    return component


def settle(transaction: Connection, component: StudioComponent, now: datetime) -> None:
    """Finish a component in progress: a studio has one directory at the most."""
    is_second_directory = (
        component.type is StudioComponentType.ACTIVE_DIRECTORY
        and store.has_other_active_directory(transaction, component)
    )
    codes = StudioComponentStatusCode
    settling.settle(
        transaction,
        store.components,
        component,
        state=MACHINE.target(component.state, "failed" if is_second_directory else "created"),
        status_code=codes.ACTIVE_DIRECTORY_ALREADY_EXISTS
        if is_second_directory
        else codes.STUDIO_COMPONENT_CREATED,
        status_message="The studio has an Active Directory component already."
        if is_second_directory
        else "The studio component has been created.",
        now=now,
        kind=ArnKind.STUDIO_COMPONENT,
    )
