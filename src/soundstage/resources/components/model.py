"""What a studio component is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstage.wire.codes import Code
from soundstage.wire.faults import ValidationError
from soundstage.wire.shapes import SENSITIVE, OneOf, ResourceId, RoleArn, Shape

SensitiveText = Annotated[str, Meta(extra=SENSITIVE)]


class StudioComponentState(StrEnum):
    """The life of a component."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    READY = "READY"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    DELETE_FAILED = "DELETE_FAILED"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


class StudioComponentStatusCode(StrEnum):
    """Why a component is in its state."""

    ACTIVE_DIRECTORY_ALREADY_EXISTS = "ACTIVE_DIRECTORY_ALREADY_EXISTS"
    STUDIO_COMPONENT_CREATED = "STUDIO_COMPONENT_CREATED"
    STUDIO_COMPONENT_UPDATED = "STUDIO_COMPONENT_UPDATED"
    STUDIO_COMPONENT_DELETED = "STUDIO_COMPONENT_DELETED"
    ENCRYPTION_KEY_ACCESS_DENIED = "ENCRYPTION_KEY_ACCESS_DENIED"
    ENCRYPTION_KEY_NOT_FOUND = "ENCRYPTION_KEY_NOT_FOUND"
    STUDIO_COMPONENT_CREATE_IN_PROGRESS = "STUDIO_COMPONENT_CREATE_IN_PROGRESS"
    STUDIO_COMPONENT_UPDATE_IN_PROGRESS = "STUDIO_COMPONENT_UPDATE_IN_PROGRESS"
    STUDIO_COMPONENT_DELETE_IN_PROGRESS = "STUDIO_COMPONENT_DELETE_IN_PROGRESS"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class StudioComponentType(StrEnum):
    """What kind of thing it is."""

    ACTIVE_DIRECTORY = "ACTIVE_DIRECTORY"
    SHARED_FILE_SYSTEM = "SHARED_FILE_SYSTEM"
    COMPUTE_FARM = "COMPUTE_FARM"
    LICENSE_SERVICE = "LICENSE_SERVICE"
    CUSTOM = "CUSTOM"


class StudioComponentSubtype(StrEnum):
    """Whose product it is."""

    AWS_MANAGED_MICROSOFT_AD = "AWS_MANAGED_MICROSOFT_AD"
    AMAZON_FSX_FOR_WINDOWS = "AMAZON_FSX_FOR_WINDOWS"
    AMAZON_FSX_FOR_LUSTRE = "AMAZON_FSX_FOR_LUSTRE"
    CUSTOM = "CUSTOM"


class LaunchProfilePlatform(StrEnum):
    """The family of operating systems that a script is for."""

    LINUX = "LINUX"
    WINDOWS = "WINDOWS"


class StudioComponentInitializationScriptRunContext(StrEnum):
    """As whom a script runs."""

    SYSTEM_INITIALIZATION = "SYSTEM_INITIALIZATION"
    USER_INITIALIZATION = "USER_INITIALIZATION"


class ActiveDirectoryComputerAttribute(Shape, frozen=True, kw_only=True):
    """An attribute of the computer's account in the directory."""

    name: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    value: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class ActiveDirectoryConfiguration(Shape, frozen=True, kw_only=True):
    """The directory that workstations join."""

    computer_attributes: (
        Annotated[list[ActiveDirectoryComputerAttribute], Meta(max_length=50, extra=SENSITIVE)]
        | None
    ) = None
    directory_id: str | None = None
    organizational_unit_distinguished_name: (
        Annotated[str, Meta(min_length=1, max_length=2000)] | None
    ) = None


class ComputeFarmConfiguration(Shape, frozen=True, kw_only=True):
    """The farm that renders are sent to."""

    active_directory_user: str | None = None
    endpoint: SensitiveText | None = None


class LicenseServiceConfiguration(Shape, frozen=True, kw_only=True):
    """The server that hands out licences."""

    endpoint: SensitiveText | None = None


class SharedFileSystemConfiguration(Shape, frozen=True, kw_only=True):
    """Storage that many workstations share."""

    endpoint: SensitiveText | None = None
    file_system_id: str | None = None
    linux_mount_point: (
        Annotated[
            str, Meta(max_length=128, pattern=r"^(/?|(\$HOME)?(/[^/\n\s\\]+)*)\Z", extra=SENSITIVE)
        ]
        | None
    ) = None
    share_name: SensitiveText | None = None
    windows_mount_drive: Annotated[str, Meta(pattern=r"^[A-Z]\Z")] | None = None


class StudioComponentConfiguration(OneOf, frozen=True, kw_only=True):
    """The settings of one type of component."""

    active_directory_configuration: ActiveDirectoryConfiguration | None = None
    compute_farm_configuration: ComputeFarmConfiguration | None = None
    license_service_configuration: LicenseServiceConfiguration | None = None
    shared_file_system_configuration: SharedFileSystemConfiguration | None = None


ProtocolVersion = Annotated[str, Meta(max_length=10, pattern=r"^2021\-03\-31\Z")]


class StudioComponentInitializationScript(Shape, frozen=True, kw_only=True):
    """A script that runs when a workstation starts."""

    launch_profile_protocol_version: ProtocolVersion | None = None
    platform: LaunchProfilePlatform | None = None
    run_context: StudioComponentInitializationScriptRunContext | None = None
    script: Annotated[str, Meta(min_length=1, max_length=5120, extra=SENSITIVE)] | None = None


class ScriptParameterKeyValue(Shape, frozen=True, kw_only=True):
    """A variable that scripts see."""

    key: (
        Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]+\Z")]
        | None
    ) = None
    value: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


SecurityGroupIds = Annotated[list[str], Meta(max_length=30)]
InitializationScripts = list[StudioComponentInitializationScript]
ScriptParameters = Annotated[list[ScriptParameterKeyValue], Meta(max_length=30, extra=SENSITIVE)]

_MEMBER_OF = {
    StudioComponentType.ACTIVE_DIRECTORY: "active_directory_configuration",
    StudioComponentType.COMPUTE_FARM: "compute_farm_configuration",
    StudioComponentType.LICENSE_SERVICE: "license_service_configuration",
    StudioComponentType.SHARED_FILE_SYSTEM: "shared_file_system_configuration",
}


class StudioComponentChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an update asks for; what is None stays as it is."""

    name: str | None = None
    description: str | None = None
    type: StudioComponentType | None = None
    subtype: StudioComponentSubtype | None = None
    configuration: StudioComponentConfiguration | None = None
    """An empty one takes the configuration away."""
    ec2_security_group_ids: list[str] | None = None
    initialization_scripts: InitializationScripts | None = None
    script_parameters: list[ScriptParameterKeyValue] | None = None
    runtime_role_arn: str | None = None
    secure_initialization_role_arn: str | None = None


class StudioComponent(msgspec.Struct, frozen=True, kw_only=True):
    """A component, as it is stored."""

    id: ResourceId
    studio_id: str
    name: str
    description: str | None
    type: StudioComponentType
    subtype: StudioComponentSubtype
    configuration: StudioComponentConfiguration | None
    ec2_security_group_ids: list[str]
    initialization_scripts: InitializationScripts
    script_parameters: list[ScriptParameterKeyValue]
    runtime_role_arn: RoleArn | None
    secure_initialization_role_arn: RoleArn | None
    tags: dict[str, str]
    state: StudioComponentState
    status_code: StudioComponentStatusCode
    status_message: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    wished: StudioComponentChange | None = None
    """What the update in progress asks for."""

    @property
    def is_over(self) -> bool:
        """Reports whether it can't be used any more."""
        return self.state in {StudioComponentState.DELETED, StudioComponentState.CREATE_FAILED}


def checked_configuration(
    component_type: StudioComponentType, configuration: StudioComponentConfiguration | None
) -> StudioComponentConfiguration | None:
    """Give back what is stored: the member of the type, or None for an empty union.

    Real clients send `{}` for components without a configuration, so it means none. Raises
    ValidationError for a member of another type.
    """
    if configuration is None or configuration.is_empty:
        return None
    given = next(
        name for name in configuration.__struct_fields__ if getattr(configuration, name) is not None
    )
    wanted = _MEMBER_OF.get(component_type)
    if given != wanted:
        raise ValidationError(
            "configuration: a component of type "
            f"{component_type} takes {_wire_name(wanted) if wanted else 'no configuration'}, "
            f"not {_wire_name(given)}.",
            code=Code.OTHER_CONFIGURATION,
        )
    return configuration


def _wire_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
