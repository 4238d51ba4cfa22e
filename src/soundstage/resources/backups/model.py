"""What a backup is. Its states and status codes are those of sessions, as in the public API."""

from datetime import datetime
from enum import StrEnum

import msgspec


class StreamingSessionState(StrEnum):
    """The life of a session; backups use a part of it."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    READY = "READY"
    DELETED = "DELETED"
    CREATE_FAILED = "CREATE_FAILED"
    DELETE_FAILED = "DELETE_FAILED"
    STOP_IN_PROGRESS = "STOP_IN_PROGRESS"
    START_IN_PROGRESS = "START_IN_PROGRESS"
    STOPPED = "STOPPED"
    STOP_FAILED = "STOP_FAILED"
    START_FAILED = "START_FAILED"


class StreamingSessionStatusCode(StrEnum):
    """Why a session or a backup is in its state."""

    STREAMING_SESSION_READY = "STREAMING_SESSION_READY"
    STREAMING_SESSION_DELETED = "STREAMING_SESSION_DELETED"
    STREAMING_SESSION_CREATE_IN_PROGRESS = "STREAMING_SESSION_CREATE_IN_PROGRESS"
    STREAMING_SESSION_DELETE_IN_PROGRESS = "STREAMING_SESSION_DELETE_IN_PROGRESS"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    INSUFFICIENT_CAPACITY = "INSUFFICIENT_CAPACITY"
    ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR = "ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR"
    NETWORK_CONNECTION_ERROR = "NETWORK_CONNECTION_ERROR"
    INITIALIZATION_SCRIPT_ERROR = "INITIALIZATION_SCRIPT_ERROR"
    DECRYPT_STREAMING_IMAGE_ERROR = "DECRYPT_STREAMING_IMAGE_ERROR"
    NETWORK_INTERFACE_ERROR = "NETWORK_INTERFACE_ERROR"
    STREAMING_SESSION_STOPPED = "STREAMING_SESSION_STOPPED"
    STREAMING_SESSION_STARTED = "STREAMING_SESSION_STARTED"
    STREAMING_SESSION_STOP_IN_PROGRESS = "STREAMING_SESSION_STOP_IN_PROGRESS"
    STREAMING_SESSION_START_IN_PROGRESS = "STREAMING_SESSION_START_IN_PROGRESS"
    AMI_VALIDATION_ERROR = "AMI_VALIDATION_ERROR"


class StreamingSessionBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup, as it is stored."""

    id: str
    studio_id: str
    session_id: str
    stop_number: int | None
    """Which stop of its session it belongs to: one backup a stop. None: somebody asked for it."""
    keep_newest: int | None = None
    """How many of its session's are kept once this is READY; None: the stop sees to that."""
    launch_profile_id: str
    owned_by: str
    tags: dict[str, str]
    state: StreamingSessionState
    state_since: datetime
    status_code: StreamingSessionStatusCode
    status_message: str
    size_bytes: int | None
    purge_at: datetime | None
    """When it is removed because its session is gone."""
    created_at: datetime
    updated_at: datetime
    workstation: str | None = None
    """Whose disk was copied, as the engine knows it; None: the one called as the session."""

    @property
    def ref(self) -> str:
        """Under which name the engine has the copy."""
        return self.workstation or self.session_id
