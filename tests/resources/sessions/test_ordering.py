"""A new session is what was asked for, under the rules that its launch profile has then."""

from datetime import UTC, datetime
from typing import Any

import pytest

from soundstage.resources.launch_profiles.model import LaunchProfile
from soundstage.resources.sessions import ordering
from soundstage.resources.sessions.model import StreamingSession
from soundstage.resources.warm_workstations.model import Taken
from soundstage.testing.walks import Studio
from soundstage.wire.faults import ValidationError

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def ordered(studio: Studio, profile_id: str, **more: Any) -> StreamingSession:
    """Order one by a launch profile, its first image and instance type."""
    with studio.world.service.database.transaction() as transaction:
        profile = ordering.profile(transaction, studio.id, profile_id)
        order = ordering.Order(
            profile=profile,
            image=ordering.image(transaction, profile, None),
            instance_type=ordering.instance_type(profile, None),
            owner="ann",
            tags={"show": "one"},
            **more,
        )
    return ordering.session(order, by="ben", now=NOW)


def test_what_a_profile_leaves_open_is_off(studio: Studio) -> None:
    bare = studio.world.profile(studio.id)["launchProfileId"]
    found = ordered(studio, bare)
    assert (found.owned_by, found.created_by, found.tags) == ("ann", "ben", {"show": "one"})
    assert (found.session_persistence_mode, found.backup_mode) == ("DEACTIVATED", "DEACTIVATED")
    assert (found.idle_stop_in_minutes, found.lost_host_move_in_minutes) == (0, 0)
    assert (found.upload_to, found.download_from, found.share_minutes) == (None, None, None)
    assert not found.moves_when_evacuated


def test_it_keeps_the_rules_that_its_profile_has_then(studio: Studio) -> None:
    rules = {
        "idleStopInMinutes": 30,
        "sessionShare": {"maxLengthInMinutes": 90, "maxViewers": 4},
        "sessionDownload": {"root": {"linux": "$HOME/Out"}},
    }
    found = ordered(studio, studio.world.profile(studio.id, **rules)["launchProfileId"])
    assert found.idle_stop_in_minutes == 30
    assert (found.share_minutes, found.share_viewers) == (90, 4)
    assert found.download_from == "$HOME/Out"


def test_one_that_was_prepared_is_the_session_from_then_on(studio: Studio) -> None:
    taken = Taken(ref="w" * 22, host="n2")
    found = ordered(studio, studio.profile_id, taken=taken)
    assert (found.id, found.host, found.was_prepared) == ("w" * 22, "n2", True)


def test_what_the_profile_has_not_is_refused(studio: Studio) -> None:
    with studio.world.service.database.transaction() as transaction:
        profile: LaunchProfile = ordering.profile(transaction, studio.id, studio.profile_id)
        with pytest.raises(ValidationError, match="allows"):
            ordering.image(transaction, profile, "x" * 22)
