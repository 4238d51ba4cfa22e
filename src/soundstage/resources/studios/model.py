"""What a studio is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstage.resources.quotas import StudioQuotas
from soundstage.wire.shapes import Shape


class StudioState(StrEnum):
    """The life of a studio."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    READY = "READY"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    DELETE_FAILED = "DELETE_FAILED"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


class StudioStatusCode(StrEnum):
    """Why a studio is in its state."""

    STUDIO_CREATED = "STUDIO_CREATED"
    STUDIO_DELETED = "STUDIO_DELETED"
    STUDIO_UPDATED = "STUDIO_UPDATED"
    STUDIO_CREATE_IN_PROGRESS = "STUDIO_CREATE_IN_PROGRESS"
    STUDIO_UPDATE_IN_PROGRESS = "STUDIO_UPDATE_IN_PROGRESS"
    STUDIO_DELETE_IN_PROGRESS = "STUDIO_DELETE_IN_PROGRESS"
    STUDIO_WITH_LAUNCH_PROFILES_NOT_DELETED = "STUDIO_WITH_LAUNCH_PROFILES_NOT_DELETED"
    STUDIO_WITH_STUDIO_COMPONENTS_NOT_DELETED = "STUDIO_WITH_STUDIO_COMPONENTS_NOT_DELETED"
    STUDIO_WITH_STREAMING_IMAGES_NOT_DELETED = "STUDIO_WITH_STREAMING_IMAGES_NOT_DELETED"
    AWS_SSO_NOT_ENABLED = "AWS_SSO_NOT_ENABLED"
    AWS_SSO_ACCESS_DENIED = "AWS_SSO_ACCESS_DENIED"
    ROLE_NOT_OWNED_BY_STUDIO_OWNER = "ROLE_NOT_OWNED_BY_STUDIO_OWNER"
    ROLE_COULD_NOT_BE_ASSUMED = "ROLE_COULD_NOT_BE_ASSUMED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    ENCRYPTION_KEY_NOT_FOUND = "ENCRYPTION_KEY_NOT_FOUND"
    ENCRYPTION_KEY_ACCESS_DENIED = "ENCRYPTION_KEY_ACCESS_DENIED"
    AWS_SSO_CONFIGURATION_REPAIRED = "AWS_SSO_CONFIGURATION_REPAIRED"
    AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS = "AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS"
    AWS_STS_REGION_DISABLED = "AWS_STS_REGION_DISABLED"


class StudioEncryptionConfigurationKeyType(StrEnum):
    """Who owns the key that studio data is encrypted with."""

    AWS_OWNED_KEY = "AWS_OWNED_KEY"
    CUSTOMER_MANAGED_KEY = "CUSTOMER_MANAGED_KEY"


class StudioEncryptionConfiguration(Shape, frozen=True, kw_only=True):
    """The key that studio data is encrypted with."""

    key_type: StudioEncryptionConfigurationKeyType
    key_arn: Annotated[str, Meta(min_length=4, pattern=r"^arn:.*")] | None = None


class StudioChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an update asks for; what is None stays as it is."""

    display_name: str | None = None
    admin_role_arn: str | None = None
    user_role_arn: str | None = None


class Studio(msgspec.Struct, frozen=True, kw_only=True):
    """A studio, as it is stored."""

    id: str
    """`<region>:stid-<16>`"""
    studio_name: str
    display_name: str
    admin_role_arn: str
    user_role_arn: str
    studio_encryption_configuration: StudioEncryptionConfiguration
    sso_client_id: str
    home_region: str
    tags: dict[str, str]
    state: StudioState
    status_code: StudioStatusCode
    status_message: str
    created_at: datetime
    updated_at: datetime
    wished: StudioChange | None = None
    """What the update in progress asks for."""
    quotas: StudioQuotas | None = None
    """Those that are others than the installation's."""
