"""What a session may do by the rules that it was made with."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from soundstage.resources.sessions.model import StreamingSession

RULES: dict[str, dict[str, Any]] = {
    "persistent": {"session_persistence_mode": "ACTIVATED"},
    "terminating": {"automatic_termination_mode": "ACTIVATED"},
    "limited": {"max_stopped_session_length_in_minutes": 1},
    "backed": {"backup_mode": "AUTOMATIC"},
    "retaining": {"max_backups_to_retain": 1},
}


def a_session(*rules: str) -> StreamingSession:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    fields: dict[str, Any] = {
        **dict.fromkeys(("id", "launch_profile_id", "streaming_image_id"), "x" * 22),
        **dict.fromkeys(("studio_id", "owned_by", "created_by", "updated_by"), "ann"),
        **dict.fromkeys(("ec2_image_id", "ec2_instance_type", "status_message"), ""),
        **dict.fromkeys(("created_at", "updated_at", "state_since"), now),
        **dict.fromkeys(("attempt", "volume_generation", "stop_number"), 1),
        "tags": {},
        "state": "READY",
        "status_code": "STREAMING_SESSION_READY",
        "session_persistence_mode": "DEACTIVATED",
        "automatic_termination_mode": "DEACTIVATED",
        "backup_mode": "DEACTIVATED",
        "max_backups_to_retain": 0,
        "volume_configuration": None,
        "clipboard_mode": "ENABLED",
        "max_session_length_in_minutes": 690,
        "max_stopped_session_length_in_minutes": 0,
        "running_attempt": None,
        "heals": [],
        "volume_backup_id": None,
        "previous_volume_generation": 0,
        "is_volume_deleted": False,
    }
    for rule in rules:
        fields |= RULES[rule]
    return msgspec.convert(fields, StreamingSession)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], False),
        (["terminating", "limited"], False),
        (["persistent"], True),
        (["persistent", "limited"], True),
        # It would be ended in the moment that it is stopped.
        (["persistent", "terminating"], False),
        (["persistent", "terminating", "limited"], True),
    ],
)
def test_what_may_be_stopped(*, rules: list[str], expected: bool) -> None:
    assert a_session(*rules).may_be_stopped is expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], False),
        (["backed"], False),
        (["retaining"], False),
        (["backed", "retaining"], True),
    ],
)
def test_what_makes_backups(*, rules: list[str], expected: bool) -> None:
    assert a_session(*rules).makes_backups is expected
