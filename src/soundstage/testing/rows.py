"""Rows as they lie in the database, for tests of what is decided about one: no database is asked.

Tests of the nouns call these and name only what matters to them; all other members have the values
that a row has when nothing was asked for.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.resources.components.model import StudioComponent
from soundstage.resources.sessions.model import StreamingSession

NOW = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
"""When they were made, and entered their state."""

_SESSION_ID, _PROFILE_ID, _IMAGE_ID, _BACKUP_ID = (letter * 22 for letter in "spib")


def component(component_id: str = "one", **members: Any) -> StudioComponent:
    """Make a READY component, named by its id; `members` are given as in a document."""
    plain: dict[str, Any] = {
        "id": component_id,
        "studio_id": "studio",
        "name": component_id,
        "description": None,
        "type": "CUSTOM",
        "subtype": "CUSTOM",
        "configuration": None,
        "ec2_security_group_ids": [],
        "initialization_scripts": [],
        "script_parameters": [],
        "runtime_role_arn": None,
        "secure_initialization_role_arn": None,
        "tags": {},
        "state": "READY",
        "status_code": "STUDIO_COMPONENT_CREATED",
        "status_message": "",
        "created_at": NOW,
        "created_by": "ann",
        "updated_at": NOW,
        "updated_by": "ann",
    }
    return msgspec.convert(plain | members, StudioComponent)


def session(**members: Any) -> StreamingSession:
    """Make a READY session that is not persistent, on its first attempt; `members` are given as
    they lie in a row.
    """
    plain: dict[str, Any] = {
        "id": _SESSION_ID,
        "studio_id": "studio",
        "launch_profile_id": _PROFILE_ID,
        "streaming_image_id": _IMAGE_ID,
        "ec2_image_id": "ami-host",
        "ec2_instance_type": "g4dn.xlarge",
        "owned_by": "ann",
        "created_by": "ann",
        "created_at": NOW,
        "updated_at": NOW,
        "updated_by": "ann",
        "tags": {},
        "state": "READY",
        "state_since": NOW,
        "status_code": "STREAMING_SESSION_READY",
        "status_message": "",
        "session_persistence_mode": "DEACTIVATED",
        "automatic_termination_mode": "DEACTIVATED",
        "backup_mode": "DEACTIVATED",
        "max_backups_to_retain": 0,
        "volume_configuration": None,
        "clipboard_mode": "ENABLED",
        "max_session_length_in_minutes": 690,
        "max_stopped_session_length_in_minutes": 0,
        "attempt": 1,
        "running_attempt": 1,
        "heals": [],
        "volume_generation": 0,
        "volume_backup_id": None,
        "previous_volume_generation": 0,
        "is_volume_deleted": False,
        "stop_number": 0,
    }
    return msgspec.structs.replace(msgspec.convert(plain, StreamingSession), **members)


def backup(**members: Any) -> StreamingSessionBackup:
    """Make a READY backup of that session's first stop; `members` as above."""
    plain: dict[str, Any] = {
        "id": _BACKUP_ID,
        "studio_id": "studio",
        "session_id": _SESSION_ID,
        "stop_number": 1,
        "launch_profile_id": _PROFILE_ID,
        "owned_by": "ann",
        "tags": {},
        "state": "READY",
        "state_since": NOW,
        "status_code": "STREAMING_SESSION_READY",
        "status_message": "",
        "size_bytes": None,
        "purge_at": None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return msgspec.structs.replace(msgspec.convert(plain, StreamingSessionBackup), **members)
