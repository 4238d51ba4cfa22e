"""What can be done with studios; called by their operations, and by the nouns above to find one."""

import uuid
from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import hints, ids
from soundstage.resources import listing, settling
from soundstage.resources.request import Request
from soundstage.resources.studios import store
from soundstage.resources.studios.lifecycle import MACHINE
from soundstage.resources.studios.model import (
    Studio,
    StudioEncryptionConfiguration,
    StudioEncryptionConfigurationKeyType,
    StudioState,
    StudioStatusCode,
)
from soundstage.resources.tags import model as tag_rules
from soundstage.wire.arn import ArnKind
from soundstage.wire.faults import ConflictError, NotFoundError, ValidationError


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
    hints.hint(request.transaction, "studios", studio.id)
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


def find_usable(transaction: Connection, studio_id: str) -> Studio:
    """Read a studio in which something may be made. Raises NotFoundError or ConflictError."""
    studio = find(transaction, studio_id)
    if studio.state is not StudioState.READY:
        raise ConflictError(
            f"The studio {studio_id} is {studio.state}; it must be READY.",
            context={"resourceId": studio_id},
        )
    return studio


def list_page(request: Request, next_token: str | None) -> tuple[list[Studio], str | None]:
    """List all studios of the installation."""
    return listing.page(
        request, store.studios, operation="ListStudios", filters={}, next_token=next_token
    )


def settle(transaction: Connection, studio: Studio, now: datetime) -> None:
    """Finish a studio in progress: this installation knows no customer's keys."""
    key = studio.studio_encryption_configuration
    has_key = key.key_type is StudioEncryptionConfigurationKeyType.AWS_OWNED_KEY
    settling.settle(
        transaction,
        store.studios,
        studio,
        state=MACHINE.target(studio.state, "created" if has_key else "failed"),
        status_code=StudioStatusCode.STUDIO_CREATED
        if has_key
        else StudioStatusCode.ENCRYPTION_KEY_NOT_FOUND,
        status_message="The studio has been created."
        if has_key
        else f"No key {key.key_arn} is configured in this installation.",
        now=now,
        kind=ArnKind.STUDIO,
    )
