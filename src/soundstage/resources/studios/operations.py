"""The operations on studios: shapes, and the rows that join them to the service."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources import quotas
from soundstage.resources.quotas import Quotas, StudioQuotas
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.resources.studios import service
from soundstage.resources.studios.model import (
    Studio,
    StudioChange,
    StudioEncryptionConfiguration,
    StudioState,
    StudioStatusCode,
)
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Name64, RoleArn, Shape, Tags

StudioName = Annotated[str, Meta(min_length=3, max_length=64, pattern=r"^[a-z0-9]*\Z")]


class StudioShape(Shape, frozen=True, kw_only=True):
    """A studio on the wire."""

    admin_role_arn: str
    arn: str
    created_at: datetime
    display_name: str
    home_region: str
    sso_client_id: str
    state: StudioState
    status_code: StudioStatusCode
    status_message: str
    studio_encryption_configuration: StudioEncryptionConfiguration
    studio_id: str
    studio_name: str
    studio_url: str
    tags: Tags
    updated_at: datetime
    user_role_arn: str


class CreateStudioInput(Shape, frozen=True, kw_only=True):
    """What a studio is made of."""

    admin_role_arn: RoleArn
    display_name: Name64
    studio_name: StudioName
    user_role_arn: RoleArn
    client_token: ClientToken | None = None
    studio_encryption_configuration: StudioEncryptionConfiguration | None = None
    tags: Tags | None = None


class GetStudioInput(Shape, frozen=True, kw_only=True):
    """Which studio."""

    studio_id: str


class UpdateStudioInput(Shape, frozen=True, kw_only=True):
    """What to change of which studio."""

    studio_id: str
    admin_role_arn: RoleArn | None = None
    client_token: ClientToken | None = None
    display_name: Name64 | None = None
    user_role_arn: RoleArn | None = None


class ChangedStudioInput(Shape, frozen=True, kw_only=True):
    """Which studio to delete or to repair."""

    studio_id: str
    client_token: ClientToken | None = None


class UpdateStudioQuotasInput(StudioQuotas, frozen=True, kw_only=True):
    """Which quotas to change of which studio."""

    studio_id: str
    client_token: ClientToken | None = None


class ListStudiosInput(Shape, frozen=True, kw_only=True):
    """Where to go on."""

    next_token: str | None = None


class StudioOutput(Shape, frozen=True, kw_only=True):
    """One studio."""

    studio: StudioShape


class StudioQuotasOutput(Shape, frozen=True, kw_only=True):
    """How much of each thing a studio may have."""

    quotas: StudioQuotas
    installation_quotas: StudioQuotas
    """What it has where nobody changed it, and how far administrators may raise it."""


class ListStudiosOutput(Shape, frozen=True, kw_only=True):
    """A page of studios."""

    studios: list[StudioShape]
    next_token: str | None = None


def create_studio(request: Request, given: CreateStudioInput) -> StudioOutput:
    """Begin to make a studio."""
    studio = service.create(
        request,
        studio_name=given.studio_name,
        display_name=given.display_name,
        admin_role_arn=given.admin_role_arn,
        user_role_arn=given.user_role_arn,
        encryption=given.studio_encryption_configuration,
        tags=given.tags or {},
    )
    return StudioOutput(studio=_show(request, studio))


def get_studio(request: Request, given: GetStudioInput) -> StudioOutput:
    """Read a studio."""
    return StudioOutput(studio=_show(request, service.get(request, given.studio_id)))


def list_studios(request: Request, given: ListStudiosInput) -> ListStudiosOutput:
    """List the installation's studios."""
    studios, next_token = service.list_page(request, given.next_token)
    return ListStudiosOutput(
        studios=[_show(request, studio) for studio in studios], next_token=next_token
    )


def update_studio(request: Request, given: UpdateStudioInput) -> StudioOutput:
    """Begin to change a studio."""
    change = StudioChange(
        display_name=given.display_name,
        admin_role_arn=given.admin_role_arn,
        user_role_arn=given.user_role_arn,
    )
    return StudioOutput(studio=_show(request, service.update(request, given.studio_id, change)))


def delete_studio(request: Request, given: ChangedStudioInput) -> StudioOutput:
    """Begin to delete a studio."""
    return StudioOutput(studio=_show(request, service.delete(request, given.studio_id)))


def start_studio_sso_configuration_repair(
    request: Request, given: ChangedStudioInput
) -> StudioOutput:
    """Begin to repair a studio's single sign-on."""
    return StudioOutput(studio=_show(request, service.repair_sso(request, given.studio_id)))


def get_studio_quotas(request: Request, given: GetStudioInput) -> StudioQuotasOutput:
    """Say how much of each thing a studio may have; GetStudioCapacity says how much it has."""
    studio = service.get(request, given.studio_id)
    return _show_quotas(request, service.quotas_of(studio, request.installation.quotas))


def update_studio_quotas(request: Request, given: UpdateStudioQuotasInput) -> StudioQuotasOutput:
    """Change how much of each thing a studio may have, from now on.

    Administrators lower quotas, and raise them up to the installation's; the operator gives more.
    """
    wanted = StudioQuotas(**{name: getattr(given, name) for name in StudioQuotas.__struct_fields__})
    return _show_quotas(request, service.update_quotas(request, given.studio_id, wanted))


def _show_quotas(request: Request, found: Quotas) -> StudioQuotasOutput:
    return StudioQuotasOutput(
        quotas=quotas.shown(found),
        installation_quotas=quotas.shown(request.installation.quotas),
    )


def _show(request: Request, studio: Studio) -> StudioShape:
    return shaped(
        StudioShape,
        studio,
        studio_id=studio.id,
        arn=request.installation.arn(ArnKind.STUDIO, studio.id),
        studio_url=request.installation.address,
    )


_NOBODY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
_ADMINISTRATORS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)

OPERATIONS = [
    Operation(
        name="CreateStudio",
        method="POST",
        path="/studios",
        input=CreateStudioInput,
        output=StudioOutput,
        permission=_NOBODY,
        handler=create_studio,
    ),
    Operation(
        name="GetStudio",
        method="GET",
        path="/studios/{studioId}",
        input=GetStudioInput,
        output=StudioOutput,
        permission=_NOBODY,
        handler=get_studio,
    ),
    Operation(
        name="ListStudios",
        method="GET",
        path="/studios",
        input=ListStudiosInput,
        output=ListStudiosOutput,
        permission=_NOBODY,
        handler=list_studios,
        paginates="studios",
    ),
    Operation(
        name="UpdateStudio",
        method="PATCH",
        path="/studios/{studioId}",
        input=UpdateStudioInput,
        output=StudioOutput,
        permission=_NOBODY,
        handler=update_studio,
    ),
    Operation(
        name="DeleteStudio",
        method="DELETE",
        path="/studios/{studioId}",
        input=ChangedStudioInput,
        output=StudioOutput,
        permission=_NOBODY,
        handler=delete_studio,
    ),
    Operation(
        name="StartStudioSSOConfigurationRepair",
        method="PUT",
        path="/studios/{studioId}/sso-configuration",
        input=ChangedStudioInput,
        output=StudioOutput,
        permission=_NOBODY,
        handler=start_studio_sso_configuration_repair,
    ),
    Operation(
        name="GetStudioQuotas",
        method="GET",
        path="/studios/{studioId}/quotas",
        input=GetStudioInput,
        output=StudioQuotasOutput,
        permission=_ADMINISTRATORS,
        handler=get_studio_quotas,
    ),
    Operation(
        name="UpdateStudioQuotas",
        method="PATCH",
        path="/studios/{studioId}/quotas",
        input=UpdateStudioQuotasInput,
        output=StudioQuotasOutput,
        permission=_ADMINISTRATORS,
        handler=update_studio_quotas,
    ),
]
