"""What a streaming image is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstage.wire.shapes import Shape


class StreamingImageState(StrEnum):
    """The life of an image."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    READY = "READY"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_FAILED = "UPDATE_FAILED"
    CREATE_FAILED = "CREATE_FAILED"
    DELETE_FAILED = "DELETE_FAILED"


class StreamingImageStatusCode(StrEnum):
    """Why an image is in its state."""

    STREAMING_IMAGE_CREATE_IN_PROGRESS = "STREAMING_IMAGE_CREATE_IN_PROGRESS"
    STREAMING_IMAGE_READY = "STREAMING_IMAGE_READY"
    STREAMING_IMAGE_DELETE_IN_PROGRESS = "STREAMING_IMAGE_DELETE_IN_PROGRESS"
    STREAMING_IMAGE_DELETED = "STREAMING_IMAGE_DELETED"
    STREAMING_IMAGE_UPDATE_IN_PROGRESS = "STREAMING_IMAGE_UPDATE_IN_PROGRESS"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    ACCESS_DENIED = "ACCESS_DENIED"


class StreamingImageEncryptionConfigurationKeyType(StrEnum):
    """Who owns the key that an image is encrypted with."""

    CUSTOMER_MANAGED_KEY = "CUSTOMER_MANAGED_KEY"


class StreamingImageEncryptionConfiguration(Shape, frozen=True, kw_only=True):
    """The key that an image is encrypted with; no image here has one."""

    key_type: StreamingImageEncryptionConfigurationKeyType
    key_arn: Annotated[str, Meta(min_length=4, pattern=r"^arn:.*")] | None = None


class StreamingImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image, as it is stored."""

    id: str
    studio_id: str
    name: str
    description: str | None
    ec2_image_id: str
    """The engine's catalogue says what it is on this installation."""
    platform: str
    eula_ids: list[str]
    tags: dict[str, str]
    state: StreamingImageState
    status_code: StreamingImageStatusCode
    status_message: str
    created_at: datetime
    updated_at: datetime

    @property
    def owner(self) -> str:
        """Who made it: the studio."""
        return self.studio_id
