"""What comes by itself, as the stream's page is told it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from soundstage.gateway.ends import in_words
from soundstage.gateway.upstreams import Countdown
from soundstage.words.texts import speaking

LONG: dict[str, Any] = {"rule": "MAX_SESSION_LENGTH", "allowed_seconds": 36000}
IDLE: dict[str, Any] = {
    "rule": "IDLE",
    "allowed_seconds": 1800,
    "idle_since": datetime(2026, 11, 28, 9, tzinfo=UTC),
    "idle_by": "START",
}


@pytest.mark.parametrize(
    ("action", "facts", "reason", "advice"),
    [
        ("STOP", LONG, "Its launch profile lets it run for 10 h.", "its disk is kept."),
        ("TERMINATE", LONG, "Its launch profile lets it run for 10 h.", "its disk is removed."),
        ("STOP", IDLE, "(when it started) and its launch profile allows 30 min", "has stopped, "),
        ("TERMINATE", IDLE, "It has been idle since 2026-11-28 09:00 UTC", "has ended, its disk"),
    ],
)
def test_why_and_what_to_do_is_said(
    action: str, facts: dict[str, Any], reason: str, advice: str
) -> None:
    countdown = Countdown(action=action, seconds_left=290.5, warn_before=[900], **facts)
    told = in_words(countdown)
    assert reason in told.reason
    assert advice in told.advice
    assert (told.action, told.seconds_left, told.warn_before) == (action, 290.5, [900])
    with speaking("de"):
        assert in_words(countdown).reason != told.reason
