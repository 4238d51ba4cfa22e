"""Users and groups of installations on one host."""

from pathlib import Path

from soundstage.engines.sandbox.settings import SandboxSettings


def settings(home: str, first_uid: int | None = None) -> SandboxSettings:
    return SandboxSettings(
        home=Path(home), stream_environment=Path("/opt/stream"), first_uid=first_uid
    )


def test_installations_on_one_host_have_users_and_groups_of_their_own() -> None:
    one, other = settings("/srv/one"), settings("/srv/other")
    assert one.digest != other.digest
    assert abs(one.lowest_uid - other.lowest_uid) >= 10_000
    assert settings("/srv/one").lowest_uid == one.lowest_uid


def test_users_are_taken_from_where_nobody_else_takes_any() -> None:
    for number in range(1000):
        lowest = settings(f"/srv/{number}").lowest_uid
        assert lowest >= 1_879_048_192
        assert lowest + 10_000 <= 2_147_352_575


def test_a_range_that_is_named_is_used() -> None:
    assert settings("/srv/one", first_uid=5000).lowest_uid == 5000
