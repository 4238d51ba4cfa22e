"""What can be done with studios; called by their operations, and by the nouns above to find one."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from soundstage.kit import ids, journal
from soundstage.resources import listing, quotas, settling
from soundstage.resources.quotas import Quotas, StudioQuotas
from soundstage.resources.request import CallerKind, Request, SingleSignOn
from soundstage.resources.settling import Blocker
from soundstage.resources.studios import store
from soundstage.resources.studios.lifecycle import MACHINE
from soundstage.resources.studios.model import (
    Studio,
    StudioChange,
    StudioEncryptionConfiguration,
    StudioEncryptionConfigurationKeyType,
    StudioState,
    StudioStatusCode,
)
from soundstage.resources.tags import model as tag_rules
from soundstage.resources.tags.service import Tagged
from soundstage.wire.arn import ArnKind
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, NotFoundError, ValidationError

TAGGED = Tagged(store.studios)
"""For the operations on tags."""
_USABLE = (StudioState.READY, StudioState.UPDATE_FAILED, StudioState.DELETE_FAILED)
# A change that failed took nothing away, and artists go on working meanwhile.


def create(
    request: Request,
    *,
    studio_name: str,
    display_name: str,
    admin_role_arn: str,
    user_role_arn: str,
    encryption: StudioEncryptionConfiguration | None,
    tags: dict[str, str],
) -> Studio:
    """Begin to make a studio; it is READY a moment later. Its name is unique here."""
    key_type = StudioEncryptionConfigurationKeyType.AWS_OWNED_KEY
    encryption = encryption or StudioEncryptionConfiguration(key_type=key_type)
    if encryption.key_type is not key_type and encryption.key_arn is None:
        raise ValidationError(
            "studioEncryptionConfiguration.keyArn: it is required with CUSTOMER_MANAGED_KEY."
        )
    tags = tag_rules.check(tags)
    if store.has_name(request.transaction, studio_name):
        raise ConflictError(
            f"studioName: there is a studio '{studio_name}' already.",
            code=Code.NAME_TAKEN,
            context={"studioName": studio_name},
        )
    studio = Studio(
        id=ids.new_studio_id(request.installation.region),
        studio_name=studio_name,
        display_name=display_name,
        admin_role_arn=admin_role_arn,
        user_role_arn=user_role_arn,
        studio_encryption_configuration=encryption,
        sso_client_id=str(uuid.uuid4()),
        home_region=request.installation.region,
        tags=tags,
        state=StudioState.CREATE_IN_PROGRESS,
        status_code=StudioStatusCode.STUDIO_CREATE_IN_PROGRESS,
        status_message="The studio is being created.",
        created_at=request.now,
        updated_at=request.now,
    )
    store.studios.insert(request.transaction, studio, due_at=request.now)
    settling.note_made(request, store.studios, studio, ArnKind.STUDIO)
    return studio


def get(request: Request, studio_id: str) -> Studio:
    """Read one studio. Raises NotFoundError."""
    return find(request.transaction, studio_id)


def find(transaction: Connection, studio_id: str) -> Studio:
    """Read one studio, for nouns above. Raises NotFoundError."""
    studio = store.studios.get(transaction, studio_id)
    if studio is None:
        raise NotFoundError("studio", studio_id)
    return studio


def living(transaction: Connection, studio_ids: set[str] | None, *, limit: int) -> list[Studio]:
    """Read the studios of these ids, or all without ids, that are not gone; oldest first."""
    return store.living(transaction, studio_ids, limit=limit)


def find_usable(transaction: Connection, studio_id: str) -> Studio:
    """Read a studio in which something may be made. Raises NotFoundError or ConflictError.

    Until this transaction ends nobody else makes something in the studio, nor changes it.
    """
    hold(transaction, studio_id)
    studio = find(transaction, studio_id)
    if studio.state not in _USABLE:
        raise ConflictError.of_state(MACHINE.name, studio_id, studio.state)
    return studio


def hold(transaction: Connection, studio_id: str) -> None:
    """Let others wait who want to make something in the studio, until this transaction ends."""
    store.hold(transaction, studio_id)


def list_page(request: Request, next_token: str | None) -> tuple[list[Studio], str | None]:
    """List all studios of the installation."""
    return listing.page(
        request, store.studios, equal={}, operation="ListStudios", filters={}, next_token=next_token
    )


def update(request: Request, studio_id: str, change: StudioChange) -> Studio:
    """Begin to change a studio. Raises ConflictError while something else is in progress."""
    settling.begin(
        request,
        store.studios,
        MACHINE,
        find(request.transaction, studio_id),
        "update",
        status_code=StudioStatusCode.STUDIO_UPDATE_IN_PROGRESS,
        status_message="The studio is being updated.",
        kind=ArnKind.STUDIO,
        changes={"wished": change},
    )
    return find(request.transaction, studio_id)


def delete(request: Request, studio_id: str) -> Studio:
    """Begin to delete a studio. Whether it is empty shows in its state."""
    settling.begin(
        request,
        store.studios,
        MACHINE,
        find(request.transaction, studio_id),
        "delete",
        status_code=StudioStatusCode.STUDIO_DELETE_IN_PROGRESS,
        status_message="The studio is being deleted.",
        kind=ArnKind.STUDIO,
    )
    return find(request.transaction, studio_id)


def quotas_of(studio: Studio, installation: Quotas) -> Quotas:
    """Give how much of each thing a studio may have."""
    return quotas.together(installation, studio.quotas)


def update_quotas(request: Request, studio_id: str, wanted: StudioQuotas) -> Quotas:
    """Change how much a studio may have, from now on; what is None stays as it is.

    Nothing is taken from anybody who has more. Raises ValidationError where an administrator asks
    for more than the installation gives.
    """
    studio = find_usable(request.transaction, studio_id)
    installation = request.installation.quotas
    is_operator = request.caller.kind is CallerKind.OPERATOR
    own = quotas.changed(installation, studio.quotas, wanted, is_operator=is_operator)
    before, after = (quotas.together(installation, each) for each in (studio.quotas, own))
    if own != studio.quotas:
        store.studios.update(request.transaction, studio_id, {"quotas": own})
        journal.append(
            request.transaction,
            at=request.now,
            kind="studios.QUOTAS_CHANGED",
            subject=f"{ArnKind.STUDIO}/{studio_id}",
            actor=request.caller.principal_id,
            studio_id=studio_id,
            detail={
                name: f"{before[quota]} → {after[quota]}"
                for quota, name in quotas.MEMBERS.items()
                if before[quota] != after[quota]
            },
        )
    return after


def repair_sso(request: Request, studio_id: str) -> Studio:
    """Begin to ask the provider of single sign-on for everything anew.

    Raises ValidationError, as the public API does, where the sign-on is healthy: the provider
    answered when it was looked at last, or there is none and people sign in by links alone.
    """
    studio = find(request.transaction, studio_id)
    if request.sign_on is None or request.sign_on.is_healthy:
        raise ValidationError(
            f"studioId: the single sign-on of {studio_id} is healthy; there is nothing to repair."
        )
    settling.begin(
        request,
        store.studios,
        MACHINE,
        studio,
        "update",
        status_code=StudioStatusCode.AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS,
        status_message="The provider of single sign-on is being asked for everything anew.",
        kind=ArnKind.STUDIO,
    )
    return find(request.transaction, studio_id)


def is_repaired(studio: Studio) -> bool:
    """Reports whether a repair of the single sign-on is in progress."""
    return (
        studio.state is StudioState.UPDATE_IN_PROGRESS
        and studio.status_code is StudioStatusCode.AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS
    )


def settle(
    transaction: Connection,
    studio: Studio,
    now: datetime,
    *,
    blockers: Sequence[Blocker],
    sign_on: SingleSignOn | None = None,
) -> None:
    """Finish a studio in progress; one that is not empty is not deleted."""
    if is_repaired(studio):
        event, code, message = _judge_repair(sign_on)
    else:
        event, code, message = _judge(transaction, studio, blockers)
    wished = studio.wished or StudioChange()
    settling.settle(
        transaction,
        store.studios,
        studio,
        state=MACHINE.target(studio.state, event),
        status_code=code,
        status_message=message,
        now=now,
        kind=ArnKind.STUDIO,
        changes={
            "wished": None,
            **(settling.given_members(wished) if event == "updated" else {}),
        },
    )


def _judge_repair(sign_on: SingleSignOn | None) -> tuple[str, StrEnum, str]:
    """Say what looking at the provider came to."""
    codes = StudioStatusCode
    if sign_on is None:
        message = "No provider of single sign-on is configured any more."
        return "failed", codes.AWS_SSO_NOT_ENABLED, message
    if sign_on.trouble is not None:
        return "failed", codes.AWS_SSO_ACCESS_DENIED, sign_on.trouble
    message = "The provider of single sign-on answers, and its keys are read anew."
    return "updated", codes.AWS_SSO_CONFIGURATION_REPAIRED, message


def _judge(
    transaction: Connection, studio: Studio, blockers: Sequence[Blocker]
) -> tuple[str, StrEnum, str]:
    """Say the event that a studio in progress comes to, its code and its message."""
    codes = StudioStatusCode
    if studio.state is StudioState.UPDATE_IN_PROGRESS:
        return "updated", codes.STUDIO_UPDATED, "The studio has been updated."
    if studio.state is StudioState.DELETE_IN_PROGRESS:
        blocker = settling.first_blocker(transaction, studio.id, blockers)
        if blocker is not None:
            message = f"The studio still has {blocker.what}; delete them first."
            return "failed", blocker.status_code, message
        return "gone", codes.STUDIO_DELETED, "The studio has been deleted."
    key = studio.studio_encryption_configuration
    if key.key_type is StudioEncryptionConfigurationKeyType.AWS_OWNED_KEY:
        return "created", codes.STUDIO_CREATED, "The studio has been created."
    message = f"No key {key.key_arn} is configured in this installation."
    return "failed", codes.ENCRYPTION_KEY_NOT_FOUND, message
