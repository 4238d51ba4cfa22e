"""What can be done with studio components; called by their operations and by launch profiles."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection

from soundstage.kit import ids
from soundstage.resources import listing, quotas, settling
from soundstage.resources.components import store
from soundstage.resources.components.lifecycle import MACHINE
from soundstage.resources.components.model import (
    InitializationScripts,
    ScriptParameterKeyValue,
    StudioComponent,
    StudioComponentChange,
    StudioComponentConfiguration,
    StudioComponentState,
    StudioComponentStatusCode,
    StudioComponentSubtype,
    StudioComponentType,
    checked_configuration,
)
from soundstage.resources.components.reach import require_reachable
from soundstage.resources.quotas import Quota, Quotas
from soundstage.resources.request import Request
from soundstage.resources.studios import service as studios
from soundstage.resources.studios.model import Studio
from soundstage.resources.tags import model as tag_rules
from soundstage.resources.tags.service import Tagged
from soundstage.wire.arn import ArnKind
from soundstage.wire.faults import NotFoundError

TAGGED = Tagged(store.components)
"""For the operations on tags."""
_DIRECTORY = StudioComponentType.ACTIVE_DIRECTORY
_QUOTAS_OF_TYPES = {
    _DIRECTORY: Quota.ACTIVE_DIRECTORIES,
    StudioComponentType.SHARED_FILE_SYSTEM: Quota.SHARED_FILE_SYSTEMS,
}


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
    require_reachable(request.installation.shared_folders, component_type, configuration)
    tags = tag_rules.check(tags)
    studio = studios.find_usable(request.transaction, studio_id)
    quotas.require(
        studios.quotas_of(studio, request.installation.quotas),
        Quota.COMPONENTS,
        used=settling.count_living(request.transaction, store.components, studio_id),
        studio_id=studio_id,
    )
    _require_room(request, studio, component_type)
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
    settling.note_made(request, store.components, component, ArnKind.STUDIO_COMPONENT)
    return component


def get(request: Request, studio_id: str, component_id: str) -> StudioComponent:
    """Read one component of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    return find(request.transaction, studio_id, component_id)


def find(transaction: Connection, studio_id: str, component_id: str) -> StudioComponent:
    """Read one component, for nouns above. Raises NotFoundError."""
    component = look_up(transaction, studio_id, component_id)
    if component is None:
        raise NotFoundError("studio component", component_id)
    return component


def look_up(transaction: Connection, studio_id: str, component_id: str) -> StudioComponent | None:
    """Read one component, for nouns above; None when the studio has none of this id."""
    component = store.components.get(transaction, component_id)
    return component if component is not None and component.studio_id == studio_id else None


def has_any(transaction: Connection, studio_id: str) -> bool:
    """Reports whether a studio has any that are not over; they keep it from being deleted."""
    return settling.count_living(transaction, store.components, studio_id) > 0


def list_page(
    request: Request,
    studio_id: str,
    *,
    states: list[StudioComponentState],
    types: list[StudioComponentType],
    next_token: str | None,
    size: int,
) -> tuple[list[StudioComponent], str | None]:
    """List a studio's components: those in some states, those of some types."""
    studios.find(request.transaction, studio_id)
    columns = store.table.c
    where: list[ColumnElement[bool]] = []
    if states:
        where.append(columns.state.in_(states))
    if types:
        where.append(columns.type.in_(types))
    return listing.page(
        request,
        store.components,
        *where,
        equal={"studio_id": studio_id},
        operation="ListStudioComponents",
        filters={"studioId": studio_id, "states": sorted(states), "types": sorted(types)},
        next_token=next_token,
        size=size,
    )


def update(
    request: Request, studio_id: str, component_id: str, change: StudioComponentChange
) -> StudioComponent:
    """Begin to change a component. Raises ConflictError while something else is in progress."""
    component = get(request, studio_id, component_id)
    # Checked against what the component will be, so that nothing half right is stored.
    wanted = _with(component, change)
    if change.configuration is not None or change.type is not None:
        folders = request.installation.shared_folders
        require_reachable(folders, wanted.type, wanted.configuration)
    settling.require(MACHINE, component, "update")
    if wanted.type is not component.type and wanted.type is not _DIRECTORY:
        studios.hold(request.transaction, studio_id)
        studio = studios.find(request.transaction, studio_id)
        _require_room(request, studio, wanted.type)
    settling.begin(
        request,
        store.components,
        MACHINE,
        component,
        "update",
        status_code=StudioComponentStatusCode.STUDIO_COMPONENT_UPDATE_IN_PROGRESS,
        status_message="The studio component is being updated.",
        kind=ArnKind.STUDIO_COMPONENT,
        changes={"wished": change},
    )
    return find(request.transaction, studio_id, component_id)


def delete(request: Request, studio_id: str, component_id: str) -> StudioComponent:
    """Begin to delete a component. Launch profiles that name it go on without it."""
    settling.begin(
        request,
        store.components,
        MACHINE,
        get(request, studio_id, component_id),
        "delete",
        status_code=StudioComponentStatusCode.STUDIO_COMPONENT_DELETE_IN_PROGRESS,
        status_message="The studio component is being deleted.",
        kind=ArnKind.STUDIO_COMPONENT,
    )
    return find(request.transaction, studio_id, component_id)


def settle(
    transaction: Connection, component: StudioComponent, now: datetime, *, installation: Quotas
) -> None:
    """Finish a component in progress.

    An update that would make one directory too many fails, with the status code that the API has
    for it; a creation of one was refused before there was anything to settle.
    """
    codes = StudioComponentStatusCode
    changes: dict[str, Any] = {"wished": None}
    wanted = component
    match component.state:
        case StudioComponentState.DELETE_IN_PROGRESS:
            event, code = "gone", codes.STUDIO_COMPONENT_DELETED
            message = "The studio component has been deleted."
        case StudioComponentState.UPDATE_IN_PROGRESS:
            event, code = "updated", codes.STUDIO_COMPONENT_UPDATED
            message = "The studio component has been updated."
            wanted = _with(component, component.wished or StudioComponentChange())
            changes |= {
                name: getattr(wanted, name) for name in StudioComponentChange.__struct_fields__
            }
        case _:
            event, code = "created", codes.STUDIO_COMPONENT_CREATED
            message = "The studio component has been created."
    if wanted.type is _DIRECTORY and component.type is not _DIRECTORY:
        studios.hold(transaction, component.studio_id)
        studio = studios.find(transaction, component.studio_id)
        limits = studios.quotas_of(studio, installation)
        present = store.count_of_type(transaction, component.studio_id, _DIRECTORY)
        if present >= limits[Quota.ACTIVE_DIRECTORIES]:
            event, code = "failed", codes.ACTIVE_DIRECTORY_ALREADY_EXISTS
            message = "The studio has an Active Directory component already."
            changes = {"wished": None}
    settling.settle(
        transaction,
        store.components,
        component,
        state=MACHINE.target(component.state, event),
        status_code=code,
        status_message=message,
        now=now,
        kind=ArnKind.STUDIO_COMPONENT,
        changes=changes,
    )


def counts(transaction: Connection, studio_id: str) -> dict[Quota, int]:
    """Count what the studio's quotas count: all components, and those of types that have one."""
    every = settling.count_living(transaction, store.components, studio_id)
    return {Quota.COMPONENTS: every} | {
        quota: _count_of_type(transaction, studio_id, kind)
        for kind, quota in _QUOTAS_OF_TYPES.items()
    }


def _count_of_type(transaction: Connection, studio_id: str, kind: StudioComponentType) -> int:
    present = store.count_of_type(transaction, studio_id, kind)
    return present + store.count_becoming(transaction, studio_id, kind)


def _require_room(request: Request, studio: Studio, kind: StudioComponentType) -> None:
    """Raise QuotaExceededError unless the studio may have one more component of this type."""
    quota = _QUOTAS_OF_TYPES.get(kind)
    if quota is None:
        return
    used = _count_of_type(request.transaction, studio.id, kind)
    limits = studios.quotas_of(studio, request.installation.quotas)
    quotas.require(limits, quota, used=used, studio_id=studio.id)


def _with(component: StudioComponent, change: StudioComponentChange) -> StudioComponent:
    """Say what a component becomes by a change. Raises ValidationError.

    A new type without a configuration drops that of the old type.
    """
    wanted = msgspec.structs.replace(component, **settling.given_members(change))
    if change.configuration is None and wanted.type is not component.type:
        return msgspec.structs.replace(wanted, configuration=None)
    configuration = checked_configuration(wanted.type, wanted.configuration)
    return msgspec.structs.replace(wanted, configuration=configuration)
