"""Tokens, and when a login is over."""

from datetime import UTC, datetime, timedelta

import pytest

from soundstage.resources.logins.model import USUAL, Limits, Login, hash_of, is_over, new_token

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def test_tokens_are_long_and_hashes_are_not_them() -> None:
    first, second = new_token(), new_token()
    assert first != second
    assert len(first) >= 43
    assert hash_of(first) != hash_of(second)
    assert first not in hash_of(first)


@pytest.mark.parametrize(
    ("used_days_ago", "ends_in_days", "over"),
    [(0, 1, False), (6.9, 1, False), (7, 1, True), (0, 0, True), (0, -1, True)],
)
def test_a_login_is_over_when_unused_or_old(
    used_days_ago: float, ends_in_days: float, over: bool
) -> None:
    login = Login(
        id="i",
        token_hash="h",
        principal_id="p",
        browser="",
        address="",
        created_at=NOW,
        used_at=NOW - timedelta(days=used_days_ago),
        expires_at=NOW + timedelta(days=ends_in_days),
    )
    assert is_over(login, NOW, USUAL) is over


@pytest.mark.parametrize(
    ("limits", "over"),
    [
        (Limits(), False),
        (Limits(age=timedelta(days=20)), False),
        (Limits(age=timedelta(days=10)), True),
        (Limits(idle=timedelta(hours=2)), False),
        (Limits(idle=timedelta(hours=1)), True),
    ],
)
def test_what_the_settings_say_holds_for_logins_made_before(limits: Limits, over: bool) -> None:
    login = Login(
        id="i",
        token_hash="h",
        principal_id="p",
        browser="",
        address="",
        created_at=NOW - timedelta(days=10),
        used_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(days=20),
    )
    assert is_over(login, NOW, limits) is over
