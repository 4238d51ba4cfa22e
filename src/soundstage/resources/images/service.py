"""What can be done with streaming images; called by their operations and by launch profiles."""

from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import ids
from soundstage.resources import listing, quotas, settling
from soundstage.resources.images import store
from soundstage.resources.images.lifecycle import MACHINE
from soundstage.resources.images.model import (
    StreamingImage,
    StreamingImageState,
    StreamingImageStatusCode,
)
from soundstage.resources.quotas import Quota
from soundstage.resources.request import Request
from soundstage.resources.studios import service as studios
from soundstage.resources.tags import model as tag_rules
from soundstage.resources.tags.service import Tagged
from soundstage.wire.arn import ArnKind
from soundstage.wire.faults import NotFoundError

TAGGED = Tagged(store.images)
"""For the operations on tags."""


def create(
    request: Request,
    *,
    studio_id: str,
    name: str,
    description: str | None,
    ec2_image_id: str,
    tags: dict[str, str],
) -> StreamingImage:
    """Begin to register an image; it is READY a moment later."""
    tags = tag_rules.check(tags)
    studio = studios.find_usable(request.transaction, studio_id)
    quotas.require(
        studios.quotas_of(studio, request.installation.quotas),
        Quota.CUSTOM_IMAGES,
        used=count(request.transaction, studio_id),
        studio_id=studio_id,
    )
    image = StreamingImage(
        id=ids.new_id(),
        studio_id=studio_id,
        name=name,
        description=description,
        ec2_image_id=ec2_image_id,
        platform="LINUX",
        eula_ids=[],
        tags=tags,
        state=StreamingImageState.CREATE_IN_PROGRESS,
        status_code=StreamingImageStatusCode.STREAMING_IMAGE_CREATE_IN_PROGRESS,
        status_message="The streaming image is being registered.",
        created_at=request.now,
        updated_at=request.now,
    )
    store.images.insert(request.transaction, image, due_at=request.now)
    settling.note_made(request, store.images, image, ArnKind.STREAMING_IMAGE)
    return image


def get(request: Request, studio_id: str, image_id: str) -> StreamingImage:
    """Read one image of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    image = look_up(request.transaction, studio_id, image_id)
    if image is None:
        raise NotFoundError("streaming image", image_id)
    return image


def look_up(transaction: Connection, studio_id: str, image_id: str) -> StreamingImage | None:
    """Read one image, for nouns above; None when the studio has none of this id."""
    image = store.images.get(transaction, image_id)
    return image if image is not None and image.studio_id == studio_id else None


def count(transaction: Connection, studio_id: str) -> int:
    """Count what the studio's quota counts."""
    return settling.count_living(transaction, store.images, studio_id)


def list_page(
    request: Request, studio_id: str, *, owner: str | None, next_token: str | None
) -> tuple[list[StreamingImage], str | None]:
    """List a studio's images, those of one owner if asked for."""
    studios.find(request.transaction, studio_id)
    where = [] if owner is None else [store.table.c.studio_id == owner]
    return listing.page(
        request,
        store.images,
        *where,
        equal={"studio_id": studio_id},
        operation="ListStreamingImages",
        filters={"studioId": studio_id, "owner": owner},
        next_token=next_token,
    )


def has_any(transaction: Connection, studio_id: str) -> bool:
    """Reports whether a studio has any that are not over; they keep it from being deleted."""
    return settling.count_living(transaction, store.images, studio_id) > 0


def update(
    request: Request,
    studio_id: str,
    image_id: str,
    *,
    name: str | None,
    description: str | None,
) -> StreamingImage:
    """Change an image's name or description, at once. Raises ConflictError."""
    image = get(request, studio_id, image_id)
    settling.require(MACHINE, image, "update")
    wished = {"name": name, "description": description}
    store.images.update(
        request.transaction,
        image.id,
        {
            **{key: value for key, value in wished.items() if value is not None},
            "state": StreamingImageState.READY,
            "status_code": StreamingImageStatusCode.STREAMING_IMAGE_READY,
            "status_message": "The streaming image has been updated.",
            "updated_at": request.now,
        },
    )
    return get(request, studio_id, image_id)


def delete(request: Request, studio_id: str, image_id: str) -> StreamingImage:
    """Begin to delete an image. Living sessions keep their desktops; new ones can't have it."""
    settling.begin(
        request,
        store.images,
        MACHINE,
        get(request, studio_id, image_id),
        "delete",
        status_code=StreamingImageStatusCode.STREAMING_IMAGE_DELETE_IN_PROGRESS,
        status_message="The streaming image is being deleted.",
        kind=ArnKind.STREAMING_IMAGE,
    )
    return get(request, studio_id, image_id)


def settle(transaction: Connection, image: StreamingImage, now: datetime) -> None:
    """Finish an image in progress. What the engine makes of it shows when it is launched."""
    is_deleted = image.state is StreamingImageState.DELETE_IN_PROGRESS
    codes = StreamingImageStatusCode
    settling.settle(
        transaction,
        store.images,
        image,
        state=MACHINE.target(image.state, "gone" if is_deleted else "created"),
        status_code=codes.STREAMING_IMAGE_DELETED if is_deleted else codes.STREAMING_IMAGE_READY,
        status_message="The streaming image has been deleted."
        if is_deleted
        else "The streaming image is ready.",
        now=now,
        kind=ArnKind.STREAMING_IMAGE,
    )
