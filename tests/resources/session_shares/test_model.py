"""When a share is open, and how long a count of viewers is believed."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from soundstage.resources.session_shares.model import SessionShare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHARE = SessionShare(
    id="A" * 22,
    studio_id="us-west-2:stid-1",
    session_id="B" * 22,
    owned_by="anna",
    created_by="anna",
    created_at=NOW,
    ends_at=NOW + timedelta(hours=1),
    max_viewers=3,
    viewers=2,
    viewers_at=NOW,
)


@pytest.mark.parametrize(("minutes", "is_open"), [(0, True), (59, True), (60, False), (90, False)])
def test_it_is_open_until_its_time_is_over(minutes: int, is_open: bool) -> None:
    assert SHARE.is_open(NOW + timedelta(minutes=minutes)) is is_open


def test_it_is_not_open_once_it_was_ended() -> None:
    assert not msgspec.structs.replace(SHARE, ended_at=NOW).is_open(NOW)


@pytest.mark.parametrize(("seconds", "viewers"), [(0, 2), (179, 2), (180, 0)])
def test_a_count_that_nobody_renews_is_not_believed(seconds: int, viewers: int) -> None:
    assert SHARE.viewers_now(NOW + timedelta(seconds=seconds)) == viewers
    assert msgspec.structs.replace(SHARE, viewers_at=None).viewers_now(NOW) == 0
