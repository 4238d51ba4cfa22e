"""What a streaming session is."""

from datetime import datetime
from enum import StrEnum

import msgspec

from soundstage.engines.interface import Mark
from soundstage.resources.backups.model import (
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.hosts.model import because
from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    SessionBackupMode,
    SessionPersistenceMode,
    StreamingClipboardMode,
    VolumeConfiguration,
    may_be_stopped,
)


class VolumeRetentionMode(StrEnum):
    """What a stop does with the volume."""

    RETAIN = "RETAIN"
    DELETE = "DELETE"


class Activity(StrEnum):
    """What counts as work in a workstation."""

    START = "START"
    INPUT = "INPUT"
    """Somebody used a pointer or a key."""
    PROCESSOR = "PROCESSOR"
    """Programs used the processor."""
    EXTENSION = "EXTENSION"
    SERVICE = "SERVICE"
    """The service was away and can't know: idleness is counted from its return."""


class Rule(StrEnum):
    """By what a session stops or ends by itself: a member of the launch profile's
    streamConfiguration, or an operator's order.
    """

    MAX_SESSION_LENGTH = "MAX_SESSION_LENGTH"
    MAX_STOPPED_SESSION_LENGTH = "MAX_STOPPED_SESSION_LENGTH"
    IDLE = "IDLE"
    HOST_EVACUATION = "HOST_EVACUATION"
    """Its host is taken out for maintenance."""


class Vacating(msgspec.Struct, frozen=True, kw_only=True):
    """The order that a session's host is taken out, as far as it is about the session."""

    at: datetime
    """When it may be stopped; it is when its turn comes."""
    since: datetime
    reason: str
    """The operator's words; may be empty."""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How a session's last start went."""

    begun_at: datetime
    """When it was asked for."""
    marks: list[Mark] = []
    """What it came to, as the engine marked it, in order."""
    ended_at: datetime | None = None
    """When the desktop answered, or when it was given up."""


class StreamingSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session, as it is stored. Its rules are copied from the launch profile when it is made."""

    id: str
    studio_id: str
    launch_profile_id: str
    streaming_image_id: str
    ec2_image_id: str
    ec2_instance_type: str
    owned_by: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    updated_by: str
    tags: dict[str, str]

    state: StreamingSessionState
    state_since: datetime
    """When it entered the state: what its deadline is counted from."""
    status_code: StreamingSessionStatusCode
    status_message: str

    session_persistence_mode: SessionPersistenceMode
    automatic_termination_mode: AutomaticTerminationMode
    backup_mode: SessionBackupMode
    max_backups_to_retain: int
    volume_configuration: VolumeConfiguration | None
    clipboard_mode: StreamingClipboardMode
    max_session_length_in_minutes: int
    max_stopped_session_length_in_minutes: int

    attempt: int
    """Counts starts and heals; the engine tells one from another by it."""
    running_attempt: int | None
    """The attempt that was last seen running; another than `attempt` means it is on its way."""
    heals: list[datetime]
    """When the last heals were begun, oldest first."""
    volume_generation: int
    volume_backup_id: str | None
    """The backup that the volume of this generation is made of."""
    volume_backup_of: str | None = None
    """The session whose backup that is; None for this one."""
    previous_volume_generation: int
    """What a failed start from a backup goes back to."""
    is_volume_deleted: bool
    """Reports whether the last stop removed the volume."""
    stop_number: int
    """Counts stops; there is one backup a stop."""

    volume_retention_mode: VolumeRetentionMode | None = None
    started_at: datetime | None = None
    started_by: str | None = None
    started_from_backup_id: str | None = None
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stopped_because: str | None = None
    """Which rule stopped it the last time, as a sentence ends; None where somebody did."""
    stopped_by_rule: Rule | None = None
    """The same rule as a word; also where its host was taken out."""
    stop_at: datetime | None = None
    terminate_at: datetime | None = None

    studio_component_ids: list[str] = []
    """Those of the launch profile when the session was made; what is in them is read at each
    start."""
    upload_to: str | None = None
    """The folder for files from the stream's page; None refuses them."""
    download_from: str | None = None
    """The folder whose files the page may take out; None refuses them."""
    share_minutes: int | None = None
    """How long a link for looking on may lead here; None: there may be none."""
    share_viewers: int | None = None
    """How many may look on by one link, likewise."""
    idle_stop_in_minutes: int = 0
    """After so long without work in it, it is stopped; 0: never."""
    active_at: datetime | None = None
    """When something last counted as work, since it runs."""
    active_by: Activity | None = None
    use_at: datetime | None = None
    """When the processor time below was read."""
    use_seconds: float | None = None
    course: Course | None = None
    """How its last start goes, or went; `steps.taken` tells it step by step."""
    was_prepared: bool = False
    """Whether its first start took a workstation that had been prepared."""
    warned_end: datetime | None = None
    """Which end the last announcement in the desktop was about."""
    warned_before: int | None = None
    """How many seconds before the end that announcement was due."""
    lost_host_move_in_minutes: int = 0
    """After so long without an answer of its host it is brought up elsewhere; 0: it waits."""
    unreachable_since: datetime | None = None
    """When its host was first found not to answer, as long as that is so."""
    moves_when_evacuated: bool = False
    """Whether it goes on elsewhere from the backup of its stop when its host is taken out."""
    host: str | None = None
    """The host that its workstation is on, once that was seen."""
    vacating: Vacating | None = None
    """While its host is taken out: set until it is started again, or somebody stops it."""
    workstation: str | None = None
    """What the engine knows its workstation by; None: as the session, which never moved."""

    @property
    def ref(self) -> str:
        """What the engine knows its workstation by."""
        return self.workstation or self.id

    @property
    def may_be_stopped(self) -> bool:
        """Reports whether it can be STOPPED rather than only ended."""
        return may_be_stopped(
            self.session_persistence_mode,
            self.automatic_termination_mode,
            self.max_stopped_session_length_in_minutes,
        )

    @property
    def leaves_because(self) -> str:
        """Why its host is left, as the end of a sentence."""
        return because(self.host or "", "" if self.vacating is None else self.vacating.reason)

    @property
    def makes_backups(self) -> bool:
        """Reports whether a stop makes a backup."""
        return self.backup_mode is SessionBackupMode.AUTOMATIC and self.max_backups_to_retain > 0


class LeftWorkstation(msgspec.Struct, frozen=True, kw_only=True):
    """A workstation that a session left on a host that was lost."""

    id: str
    """What the engine knows it by."""
    session_id: str
    left_at: datetime
    backup_id: str | None = None
    """The backup of its disk, once that was begun."""
