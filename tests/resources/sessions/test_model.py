"""What a session may do by the rules that it was made with."""

from typing import Any

import pytest

from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    SessionBackupMode,
    SessionPersistenceMode,
)
from soundstage.resources.sessions.model import StreamingSession
from soundstage.testing import rows

RULES: dict[str, dict[str, Any]] = {
    "persistent": {"session_persistence_mode": SessionPersistenceMode.ACTIVATED},
    "terminating": {"automatic_termination_mode": AutomaticTerminationMode.ACTIVATED},
    "limited": {"max_stopped_session_length_in_minutes": 1},
    "backed": {"backup_mode": SessionBackupMode.AUTOMATIC},
    "retaining": {"max_backups_to_retain": 1},
}


def a_session(*rules: str) -> StreamingSession:
    """Make a session with these of `RULES`."""
    fields: dict[str, Any] = {}
    for rule in rules:
        fields |= RULES[rule]
    return rows.session(**fields)


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
