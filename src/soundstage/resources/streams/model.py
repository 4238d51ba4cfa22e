"""What a stream is."""

from datetime import datetime
from enum import StrEnum

import msgspec


class StreamingSessionStreamState(StrEnum):
    """The life of a stream."""

    READY = "READY"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    CREATE_FAILED = "CREATE_FAILED"
    DELETE_FAILED = "DELETE_FAILED"


class StreamingSessionStreamStatusCode(StrEnum):
    """Why a stream is in its state."""

    STREAM_CREATE_IN_PROGRESS = "STREAM_CREATE_IN_PROGRESS"
    STREAM_READY = "STREAM_READY"
    STREAM_DELETE_IN_PROGRESS = "STREAM_DELETE_IN_PROGRESS"
    STREAM_DELETED = "STREAM_DELETED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    NETWORK_CONNECTION_ERROR = "NETWORK_CONNECTION_ERROR"


class StreamingSessionStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, as it is stored. Its ticket is signed anew whenever it is shown, never stored."""

    id: str
    studio_id: str
    session_id: str
    owned_by: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    """Until when its ticket opens it; an open stream lives on."""
    redeemed_at: datetime | None = None
    """When its ticket was used; a ticket opens a stream once."""
    active_at: datetime | None = None
    """When bytes were last seen to pass."""
    state: StreamingSessionStreamState
    state_since: datetime
    status_code: StreamingSessionStreamStatusCode
    status_message: str = ""
