"""What a launch profile is, and the rules for its stream configuration."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstage.wire.codes import Code
from soundstage.wire.faults import ValidationError
from soundstage.wire.shapes import SENSITIVE, ResourceId, Shape


class LaunchProfileState(StrEnum):
    """The life of a launch profile."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    READY = "READY"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    DELETE_FAILED = "DELETE_FAILED"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


class LaunchProfileStatusCode(StrEnum):
    """Why a launch profile is in its state."""

    LAUNCH_PROFILE_CREATED = "LAUNCH_PROFILE_CREATED"
    LAUNCH_PROFILE_UPDATED = "LAUNCH_PROFILE_UPDATED"
    LAUNCH_PROFILE_DELETED = "LAUNCH_PROFILE_DELETED"
    LAUNCH_PROFILE_CREATE_IN_PROGRESS = "LAUNCH_PROFILE_CREATE_IN_PROGRESS"
    LAUNCH_PROFILE_UPDATE_IN_PROGRESS = "LAUNCH_PROFILE_UPDATE_IN_PROGRESS"
    LAUNCH_PROFILE_DELETE_IN_PROGRESS = "LAUNCH_PROFILE_DELETE_IN_PROGRESS"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    STREAMING_IMAGE_NOT_FOUND = "STREAMING_IMAGE_NOT_FOUND"
    STREAMING_IMAGE_NOT_READY = "STREAMING_IMAGE_NOT_READY"
    LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED = (
        "LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED"
    )
    ENCRYPTION_KEY_ACCESS_DENIED = "ENCRYPTION_KEY_ACCESS_DENIED"
    ENCRYPTION_KEY_NOT_FOUND = "ENCRYPTION_KEY_NOT_FOUND"
    INVALID_SUBNETS_PROVIDED = "INVALID_SUBNETS_PROVIDED"
    INVALID_INSTANCE_TYPES_PROVIDED = "INVALID_INSTANCE_TYPES_PROVIDED"
    INVALID_SUBNETS_COMBINATION = "INVALID_SUBNETS_COMBINATION"


class LaunchProfilePersona(StrEnum):
    """The one role of a launch profile's members."""

    USER = "USER"


class LaunchProfileMembership(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's place among a launch profile's members."""

    principal_id: str
    identity_store_id: str
    persona: LaunchProfilePersona


class AutomaticTerminationMode(StrEnum):
    """Whether stopped sessions end by themselves."""

    DEACTIVATED = "DEACTIVATED"
    ACTIVATED = "ACTIVATED"


class SessionPersistenceMode(StrEnum):
    """Whether a session's disk may outlive a stop."""

    DEACTIVATED = "DEACTIVATED"
    ACTIVATED = "ACTIVATED"


class SessionBackupMode(StrEnum):
    """Whether a stop makes a backup."""

    AUTOMATIC = "AUTOMATIC"
    DEACTIVATED = "DEACTIVATED"


class EvacuatedHostMode(StrEnum):
    """What becomes of a session whose host is taken out for maintenance."""

    STOP = "STOP"
    """It is stopped, or ended where it can't be."""
    MOVE = "MOVE"
    """It is stopped, and started on another host from the backup of that."""


class StreamingClipboardMode(StrEnum):
    """Whether text may be copied into and out of a session."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class StreamingSessionStorageMode(StrEnum):
    """What may be transferred to a session."""

    UPLOAD = "UPLOAD"


class StreamingInstanceType(StrEnum):
    """The sizes of workstations, by the names of the public API."""

    G4DN_XLARGE = "g4dn.xlarge"
    G4DN_2XLARGE = "g4dn.2xlarge"
    G4DN_4XLARGE = "g4dn.4xlarge"
    G4DN_8XLARGE = "g4dn.8xlarge"
    G4DN_12XLARGE = "g4dn.12xlarge"
    G4DN_16XLARGE = "g4dn.16xlarge"
    G3_4XLARGE = "g3.4xlarge"
    G3S_XLARGE = "g3s.xlarge"
    G5_XLARGE = "g5.xlarge"
    G5_2XLARGE = "g5.2xlarge"
    G5_4XLARGE = "g5.4xlarge"
    G5_8XLARGE = "g5.8xlarge"
    G5_16XLARGE = "g5.16xlarge"


class LaunchProfileValidationState(StrEnum):
    """How a check of a profile went."""

    VALIDATION_NOT_STARTED = "VALIDATION_NOT_STARTED"
    VALIDATION_IN_PROGRESS = "VALIDATION_IN_PROGRESS"
    VALIDATION_SUCCESS = "VALIDATION_SUCCESS"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    VALIDATION_FAILED_INTERNAL_SERVER_ERROR = "VALIDATION_FAILED_INTERNAL_SERVER_ERROR"


class LaunchProfileValidationStatusCode(StrEnum):
    """Why a check of a profile went so."""

    VALIDATION_NOT_STARTED = "VALIDATION_NOT_STARTED"
    VALIDATION_IN_PROGRESS = "VALIDATION_IN_PROGRESS"
    VALIDATION_SUCCESS = "VALIDATION_SUCCESS"
    VALIDATION_FAILED_INVALID_SUBNET_ROUTE_TABLE_ASSOCIATION = (
        "VALIDATION_FAILED_INVALID_SUBNET_ROUTE_TABLE_ASSOCIATION"
    )
    VALIDATION_FAILED_SUBNET_NOT_FOUND = "VALIDATION_FAILED_SUBNET_NOT_FOUND"
    VALIDATION_FAILED_INVALID_SECURITY_GROUP_ASSOCIATION = (
        "VALIDATION_FAILED_INVALID_SECURITY_GROUP_ASSOCIATION"
    )
    VALIDATION_FAILED_INVALID_ACTIVE_DIRECTORY = "VALIDATION_FAILED_INVALID_ACTIVE_DIRECTORY"
    VALIDATION_FAILED_UNAUTHORIZED = "VALIDATION_FAILED_UNAUTHORIZED"
    VALIDATION_FAILED_INTERNAL_SERVER_ERROR = "VALIDATION_FAILED_INTERNAL_SERVER_ERROR"


class LaunchProfileValidationType(StrEnum):
    """What was checked, in the order that clients are used to."""

    VALIDATE_ACTIVE_DIRECTORY_STUDIO_COMPONENT = "VALIDATE_ACTIVE_DIRECTORY_STUDIO_COMPONENT"
    VALIDATE_SUBNET_ASSOCIATION = "VALIDATE_SUBNET_ASSOCIATION"
    VALIDATE_NETWORK_ACL_ASSOCIATION = "VALIDATE_NETWORK_ACL_ASSOCIATION"
    VALIDATE_SECURITY_GROUP_ASSOCIATION = "VALIDATE_SECURITY_GROUP_ASSOCIATION"


class ValidationResult(Shape, frozen=True, kw_only=True):
    """One check of a profile and its result."""

    state: LaunchProfileValidationState
    status_code: LaunchProfileValidationStatusCode
    status_message: str
    type: LaunchProfileValidationType


class VolumeConfiguration(Shape, frozen=True, kw_only=True):
    """The disk of a workstation: GiB, operations a second, MiB a second."""

    iops: Annotated[int, Meta(ge=3000, le=16000)] | None = None
    size: Annotated[int, Meta(ge=100, le=16000)] | None = None
    throughput: Annotated[int, Meta(ge=125, le=1000)] | None = None


class StreamConfigurationSessionBackup(Shape, frozen=True, kw_only=True):
    """Whether stops make backups, and how many of a session are kept."""

    max_backups_to_retain: Annotated[int, Meta(ge=0, le=10)] | None = None
    mode: SessionBackupMode | None = None


class StreamingSessionStorageRoot(Shape, frozen=True, kw_only=True):
    """The folder that uploads go to."""

    linux: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                pattern=r"^(\$HOME|/)[/]?([A-Za-z0-9-_]+/)*([A-Za-z0-9_-]+)\Z",
                extra=SENSITIVE,
            ),
        ]
        | None
    ) = None
    windows: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                pattern=r"^((\%HOMEPATH\%)|[a-zA-Z]:)[\\/](?:[a-zA-Z0-9_-]+[\\/])*[a-zA-Z0-9_-]+\Z",
                extra=SENSITIVE,
            ),
        ]
        | None
    ) = None


class StreamConfigurationSessionStorage(Shape, frozen=True, kw_only=True):
    """Which transfers are allowed, and where they go."""

    mode: Annotated[list[StreamingSessionStorageMode], Meta(min_length=1)]
    root: StreamingSessionStorageRoot | None = None


class StreamConfigurationSessionDownload(Shape, frozen=True, kw_only=True):
    """The folder whose files may be taken out; an addition to the public API."""

    root: StreamingSessionStorageRoot | None = None


ShareMinutes = Annotated[int, Meta(ge=1, le=1440)]
ShareViewers = Annotated[int, Meta(ge=1, le=8)]


class StreamConfigurationSessionShare(Shape, frozen=True, kw_only=True):
    """How others may look on, by links that the owner makes; an addition to the public API."""

    max_length_in_minutes: ShareMinutes | None = None
    """How long a link may lead anywhere; 120 unless told otherwise."""
    max_viewers: ShareViewers | None = None
    """How many may look on by one link; 4 unless told otherwise."""


class StreamConfiguration(Shape, frozen=True, kw_only=True):
    """The rules for a profile's workstations, as asked for and as stored."""

    clipboard_mode: StreamingClipboardMode
    ec2_instance_types: Annotated[list[StreamingInstanceType], Meta(min_length=1, max_length=30)]
    streaming_image_ids: Annotated[list[ResourceId], Meta(min_length=1, max_length=20)]
    automatic_termination_mode: AutomaticTerminationMode | None = None
    max_session_length_in_minutes: Annotated[int, Meta(ge=1, le=43200)] | None = None
    max_stopped_session_length_in_minutes: Annotated[int, Meta(ge=0, le=5760)] | None = None
    session_backup: StreamConfigurationSessionBackup | None = None
    session_persistence_mode: SessionPersistenceMode | None = None
    session_storage: StreamConfigurationSessionStorage | None = None
    volume_configuration: VolumeConfiguration | None = None
    idle_stop_in_minutes: Annotated[int, Meta(ge=0, le=43200)] | None = None
    """An addition to the public API: after so long without work a session stops; 0 or None: never.
    """
    session_download: StreamConfigurationSessionDownload | None = None
    """An addition to the public API: None lets no file out."""
    warm_workstations: Annotated[int, Meta(ge=0, le=20)] | None = None
    """An addition to the public API: how many of the first image and instance type are kept
    prepared for whoever launches next; 0 or None: none."""
    lost_host_move_in_minutes: Annotated[int, Meta(ge=0, le=1440)] | None = None
    """An addition to the public API: after so long without an answer of its host a session is
    brought up on another, from its last backup; 0 or None: it waits for its host.
    """
    evacuated_host_mode: EvacuatedHostMode | None = None
    """An addition to the public API: what becomes of a session whose host is taken out for
    maintenance; None stops it.
    """
    session_share: StreamConfigurationSessionShare | None = None
    """An addition to the public API: None lets nobody look on."""


SHORTEST_IDLE_MINUTES = 5
"""A person who thinks is not idle yet."""
DEFAULT_SESSION_MINUTES = 690
DEFAULT_UPLOADS = "$HOME/Uploads"
DEFAULT_DOWNLOADS = "$HOME/Downloads"
DEFAULT_SHARE_MINUTES = 120
DEFAULT_SHARE_VIEWERS = 4
DEFAULT_VOLUME = VolumeConfiguration(iops=3000, size=500, throughput=125)


class LaunchProfileChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an update asks for; what is None stays as it is."""

    name: str | None = None
    description: str | None = None
    launch_profile_protocol_versions: list[str] | None = None
    stream_configuration: StreamConfiguration | None = None
    """Replaces the old one as a whole, with every default filled in."""
    studio_component_ids: list[str] | None = None


class LaunchProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A launch profile, as it is stored."""

    id: str
    studio_id: str
    name: str
    description: str | None
    ec2_subnet_ids: list[str]
    launch_profile_protocol_versions: list[str]
    stream_configuration: StreamConfiguration
    """With every default filled in."""
    studio_component_ids: list[str]
    validation_results: list[ValidationResult]
    tags: dict[str, str]
    state: LaunchProfileState
    status_code: LaunchProfileStatusCode
    status_message: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    wished: LaunchProfileChange | None = None
    """What the update in progress asks for."""

    @property
    def is_usable(self) -> bool:
        """Reports whether one can launch by it; a change that failed took nothing away."""
        return self.state in {
            LaunchProfileState.READY,
            LaunchProfileState.UPDATE_FAILED,
            LaunchProfileState.DELETE_FAILED,
        }


def completed(given: StreamConfiguration) -> StreamConfiguration:
    """Check the members against each other and fill in the defaults. Raises ValidationError.

    The rules are those of the public documentation: persistence comes first, a limit for stopped
    sessions needs automatic termination, and backups need a disk that outlives the stop.
    """
    wrong = _contradictions(given)
    if wrong:
        raise ValidationError.of(wrong)
    persists = given.session_persistence_mode is SessionPersistenceMode.ACTIVATED
    volume = given.volume_configuration or VolumeConfiguration()
    backup = given.session_backup or StreamConfigurationSessionBackup()
    storage = given.session_storage
    return msgspec.structs.replace(
        given,
        automatic_termination_mode=given.automatic_termination_mode
        or AutomaticTerminationMode.DEACTIVATED,
        max_session_length_in_minutes=given.max_session_length_in_minutes
        or DEFAULT_SESSION_MINUTES,
        max_stopped_session_length_in_minutes=given.max_stopped_session_length_in_minutes or 0,
        session_backup=StreamConfigurationSessionBackup(
            mode=backup.mode or SessionBackupMode.DEACTIVATED,
            max_backups_to_retain=backup.max_backups_to_retain or 0,
        ),
        session_persistence_mode=given.session_persistence_mode
        or SessionPersistenceMode.DEACTIVATED,
        # A reader of the public API's own dereferences the root, so it is there even when empty.
        session_storage=storage
        and msgspec.structs.replace(storage, root=storage.root or StreamingSessionStorageRoot()),
        session_download=given.session_download
        and StreamConfigurationSessionDownload(
            root=given.session_download.root or StreamingSessionStorageRoot()
        ),
        session_share=given.session_share
        and StreamConfigurationSessionShare(
            max_length_in_minutes=given.session_share.max_length_in_minutes
            or DEFAULT_SHARE_MINUTES,
            max_viewers=given.session_share.max_viewers or DEFAULT_SHARE_VIEWERS,
        ),
        volume_configuration=VolumeConfiguration(
            iops=volume.iops or DEFAULT_VOLUME.iops,
            size=volume.size or DEFAULT_VOLUME.size,
            throughput=volume.throughput or DEFAULT_VOLUME.throughput,
        )
        if persists
        else None,
    )


def _contradictions(given: StreamConfiguration) -> list[ValidationError]:
    """Say what goes with nothing else that is asked for."""
    persists = given.session_persistence_mode is SessionPersistenceMode.ACTIVATED
    terminates = given.automatic_termination_mode is AutomaticTerminationMode.ACTIVATED
    wrong = _without_persistence(given, persists=persists, terminates=terminates)
    if given.max_stopped_session_length_in_minutes and persists and not terminates:
        wrong.append(
            ValidationError(
                "streamConfiguration.maxStoppedSessionLengthInMinutes: it needs "
                "automaticTerminationMode ACTIVATED; without it stopped sessions stay for ever.",
                code=Code.NEEDS_TERMINATION,
            )
        )
    if 0 < (given.idle_stop_in_minutes or 0) < SHORTEST_IDLE_MINUTES:
        wrong.append(
            ValidationError(
                f"streamConfiguration.idleStopInMinutes: {given.idle_stop_in_minutes} is too "
                f"short; it is 0 (never) or {SHORTEST_IDLE_MINUTES} to 43200.",
                code=Code.IDLE_TOO_SHORT,
                context={
                    "value": str(given.idle_stop_in_minutes),
                    "limit": str(SHORTEST_IDLE_MINUTES),
                },
            )
        )
    backup = given.session_backup or StreamConfigurationSessionBackup()
    if given.lost_host_move_in_minutes and not backup.max_backups_to_retain:
        wrong.append(
            ValidationError(
                "streamConfiguration.lostHostMoveInMinutes: it needs "
                "sessionBackup.maxBackupsToRetain of at least 1, for a session is brought up "
                "elsewhere from its last backup.",
                code=Code.NEEDS_BACKUPS,
            )
        )
    makes_backups = backup.mode is SessionBackupMode.AUTOMATIC and backup.max_backups_to_retain
    if given.evacuated_host_mode is EvacuatedHostMode.MOVE and not makes_backups:
        wrong.append(
            ValidationError(
                "streamConfiguration.evacuatedHostMode: MOVE needs sessionBackup with the mode "
                "AUTOMATIC and maxBackupsToRetain of at least 1, for a session goes on elsewhere "
                "from the backup of its stop.",
                code=Code.NEEDS_BACKUPS,
            )
        )
    return wrong


def _without_persistence(
    given: StreamConfiguration, *, persists: bool, terminates: bool
) -> list[ValidationError]:
    """Say what is asked for that needs a disk which outlives a stop."""
    if persists:
        return []
    backup = given.session_backup
    wanting = {
        "automaticTerminationMode": terminates,
        "maxStoppedSessionLengthInMinutes": bool(given.max_stopped_session_length_in_minutes),
        "volumeConfiguration": given.volume_configuration is not None,
        "sessionBackup.mode": backup is not None and backup.mode is SessionBackupMode.AUTOMATIC,
    }
    return [
        ValidationError(
            f"streamConfiguration.{member}: it needs sessionPersistenceMode ACTIVATED.",
            code=Code.NEEDS_PERSISTENCE,
        )
        for member, is_asked_for in wanting.items()
        if is_asked_for
    ]


def upload_folder(rules: StreamConfiguration) -> str | None:
    """Name the folder that uploads go to; None when the rules allow none."""
    storage = rules.session_storage
    if storage is None or StreamingSessionStorageMode.UPLOAD not in storage.mode:
        return None
    return _folder(storage.root, DEFAULT_UPLOADS)


def download_folder(rules: StreamConfiguration) -> str | None:
    """Name the folder whose files may be taken out; None when the rules allow none."""
    download = rules.session_download
    return None if download is None else _folder(download.root, DEFAULT_DOWNLOADS)


def _folder(root: StreamingSessionStorageRoot | None, default: str) -> str:
    """The public pattern lets the slash after `$HOME` be missing, and lets one come twice."""
    given = (root and root.linux) or default
    if given.startswith("$HOME"):
        return f"$HOME/{given.removeprefix('$HOME').lstrip('/')}"
    return f"/{given.lstrip('/')}"


def may_be_stopped(
    persistence: SessionPersistenceMode,
    termination: AutomaticTerminationMode,
    max_stopped_minutes: int,
) -> bool:
    """Reports whether sessions under these rules can be STOPPED rather than only ended."""
    return persistence is SessionPersistenceMode.ACTIVATED and (
        termination is AutomaticTerminationMode.DEACTIVATED or max_stopped_minutes > 0
    )
