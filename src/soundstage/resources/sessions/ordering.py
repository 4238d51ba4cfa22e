"""What a new session is made of: what was asked for, and the rules of its launch profile.

The service asks. A session keeps the rules that it began with, whatever becomes of its launch
profile later.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from soundstage.kit import ids
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.eulas import service as eulas
from soundstage.resources.images import service as images
from soundstage.resources.images.model import StreamingImage, StreamingImageState
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    EvacuatedHostMode,
    LaunchProfile,
    SessionBackupMode,
    SessionPersistenceMode,
    StreamConfiguration,
    StreamConfigurationSessionBackup,
    StreamingInstanceType,
    download_folder,
    upload_folder,
)
from soundstage.resources.sessions.model import Course, StreamingSession
from soundstage.resources.warm_workstations.model import FIRST_ATTEMPT, Taken
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, ValidationError


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody gets, when all of it was found to be allowed."""

    profile: LaunchProfile
    image: StreamingImage
    instance_type: StreamingInstanceType
    owner: str
    tags: dict[str, str]
    source: StreamingSessionBackup | None = None
    """The backup that its disk is made of; None for an empty disk."""
    taken: Taken | None = None
    """The workstation that was prepared for it; None where one is begun now."""


def profile(transaction: Connection, studio_id: str, launch_profile_id: str) -> LaunchProfile:
    """Read the launch profile. Raises NotFoundError, and ConflictError unless it is usable."""
    found = launch_profiles.find(transaction, studio_id, launch_profile_id)
    if not found.is_usable:
        raise ConflictError.of_state("launch profile", found.id, found.state)
    return found


def instance_type(
    profile: LaunchProfile, asked: StreamingInstanceType | None
) -> StreamingInstanceType:
    """Choose the instance type: the one asked for, or the profile's first. Raises ValidationError
    for one that the profile has not.
    """
    allowed = profile.stream_configuration.ec2_instance_types
    if asked is not None and asked not in allowed:
        raise ValidationError(
            f"ec2InstanceType: the launch profile {profile.id} allows {', '.join(allowed)}, "
            f"not {asked}.",
            code=Code.NOT_OF_PROFILE,
        )
    return asked or allowed[0]


def image(transaction: Connection, profile: LaunchProfile, asked: str | None) -> StreamingImage:
    """Choose the image: the one asked for, or the profile's first. Raises ValidationError for one
    that the profile has not, ConflictError for one that is not READY, and what the agreements of
    its studio say where one was not accepted.
    """
    allowed = profile.stream_configuration.streaming_image_ids
    if asked is not None and asked not in allowed:
        raise ValidationError(
            f"streamingImageId: the launch profile {profile.id} allows {', '.join(allowed)}, "
            f"not {asked}.",
            code=Code.NOT_OF_PROFILE,
        )
    image_id = asked or allowed[0]
    found = images.look_up(transaction, profile.studio_id, image_id)
    if found is None or found.state is not StreamingImageState.READY:
        state = StreamingImageState.DELETED if found is None else found.state
        raise ConflictError.of_state("streaming image", image_id, state)
    eulas.require_accepted(transaction, profile.studio_id, found.eula_ids)
    return found


def session(order: Order, *, by: str, now: datetime) -> StreamingSession:
    """Make the session's first record; `by` is who ordered it."""
    source, taken = order.source, order.taken
    return StreamingSession(
        id=ids.new_id() if taken is None else taken.ref,
        studio_id=order.profile.studio_id,
        launch_profile_id=order.profile.id,
        streaming_image_id=order.image.id,
        ec2_image_id=order.image.ec2_image_id,
        ec2_instance_type=order.instance_type,
        owned_by=order.owner,
        created_by=by,
        created_at=now,
        updated_at=now,
        updated_by=by,
        tags=order.tags,
        state=StreamingSessionState.CREATE_IN_PROGRESS,
        state_since=now,
        status_code=StreamingSessionStatusCode.STREAMING_SESSION_CREATE_IN_PROGRESS,
        status_message="The workstation is being started.",
        studio_component_ids=order.profile.studio_component_ids,
        **_rules(order.profile.stream_configuration),
        attempt=FIRST_ATTEMPT,
        was_prepared=taken is not None,
        host=None if taken is None else taken.host,
        running_attempt=None,
        course=Course(begun_at=now),
        heals=[],
        # The first attempt's number names a disk that is not empty.
        volume_generation=0 if source is None else 1,
        volume_backup_id=None if source is None else source.id,
        volume_backup_of=None if source is None else source.ref,
        started_from_backup_id=None if source is None else source.id,
        previous_volume_generation=0,
        is_volume_deleted=False,
        stop_number=0,
    )


def _rules(given: StreamConfiguration) -> dict[str, Any]:
    """What of a launch profile's configuration a session keeps; what it leaves open is off."""
    backup = given.session_backup or StreamConfigurationSessionBackup()
    share = given.session_share
    return {
        "session_persistence_mode": given.session_persistence_mode
        or SessionPersistenceMode.DEACTIVATED,
        "automatic_termination_mode": given.automatic_termination_mode
        or AutomaticTerminationMode.DEACTIVATED,
        "backup_mode": backup.mode or SessionBackupMode.DEACTIVATED,
        "max_backups_to_retain": backup.max_backups_to_retain or 0,
        "volume_configuration": given.volume_configuration,
        "clipboard_mode": given.clipboard_mode,
        "max_session_length_in_minutes": given.max_session_length_in_minutes or 0,
        "max_stopped_session_length_in_minutes": given.max_stopped_session_length_in_minutes or 0,
        "idle_stop_in_minutes": given.idle_stop_in_minutes or 0,
        "lost_host_move_in_minutes": given.lost_host_move_in_minutes or 0,
        "moves_when_evacuated": given.evacuated_host_mode is EvacuatedHostMode.MOVE,
        "upload_to": upload_folder(given),
        "download_from": download_folder(given),
        "share_minutes": None if share is None else share.max_length_in_minutes,
        "share_viewers": None if share is None else share.max_viewers,
    }
