"""The store answers who is READY, and what may have something at the engine."""

from pathlib import Path

from soundstage.resources.sessions import store
from soundstage.testing.world import world


def test_ready_ones_and_those_that_may_have_something_outside(home: Path) -> None:
    with world(home) as made:
        studio_id = made.studio()["studioId"]
        profile_id = made.profile(studio_id)["launchProfileId"]
        first, second = (made.session(studio_id, profile_id)["sessionId"] for _ in range(2))
        made.operator.call("DeleteStreamingSession", studioId=studio_id, sessionId=second)
        with made.service.database.transaction(write=False) as transaction:
            asked = {first, second, "nobody"}
            assert store.not_ready(transaction, asked) == {second, "nobody"}
            assert store.not_ready(transaction, set()) == set()
            many = {f"nobody-{number}" for number in range(1200)}
            assert store.known_refs(transaction, asked | many) == {first, second}
            assert store.known_refs(transaction, {second}) == {second}
