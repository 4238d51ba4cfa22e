"""What a warm workstation is: a place in a launch profile's pool, and what stands in it."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from soundstage.resources.launch_profiles.model import StreamingClipboardMode, VolumeConfiguration

FIRST_ATTEMPT = 1
"""The attempt that it is prepared in: that of a session's first start, which it becomes."""


class WarmWorkstationState(StrEnum):
    """The life of one place in a pool; it goes round for as long as the place is wanted."""

    EMPTY = "EMPTY"
    """Nothing is there, or what was there is somebody's session now."""
    PREPARING = "PREPARING"
    READY = "READY"
    """Whoever launches next gets it."""
    LEAVING = "LEAVING"
    """It is being removed: too old, out of date, broken, or its room is needed."""
    DELETED = "DELETED"
    """The place is not wanted any more; its row goes with it."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a session of a launch profile is made of before it is anybody's."""

    ec2_image_id: str
    ec2_instance_type: str
    clipboard_mode: StreamingClipboardMode
    volume_configuration: VolumeConfiguration | None
    upload_to: str | None
    download_from: str | None
    studio_component_ids: list[str]
    fingerprint: str
    """Of all of this and of when its image and its components were changed last. Two that have the
    same are alike."""


class WarmWorkstation(msgspec.Struct, frozen=True, kw_only=True):
    """One place in a launch profile's pool, as it is stored."""

    id: str
    studio_id: str
    launch_profile_id: str
    number: int
    """Counts the places of a pool from 0: a pool of three wants those below 3."""
    state: WarmWorkstationState
    state_since: datetime
    status_message: str
    created_at: datetime
    updated_at: datetime
    workstation_id: str | None = None
    """What the engine knows it by, and the id of the session that it becomes; None when EMPTY."""
    draft: Draft | None = None
    """What that was prepared from."""
    rests_until: datetime | None = None
    """No other is prepared here before then."""
    failures: int = 0
    """How many in a row came to nothing."""
    given_up_for: str | None = None
    """The session whose start needs its room."""
    host: str | None = None
    """Where it is, once it is READY."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One that became a session's."""

    ref: str
    host: str | None


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """How a launch profile's pool is."""

    launch_profile_id: str
    wanted: int
    ready: int
    preparing: int
    status_message: str
    """Why one is missing; empty when none is, or when it only takes its time."""


LONGEST_REST = timedelta(hours=1)
