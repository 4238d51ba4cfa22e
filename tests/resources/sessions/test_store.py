"""The store answers who is READY, what may have something at the engine, and how many there are."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from soundstage.resources.sessions import store
from soundstage.testing.postgres import Postgres
from soundstage.testing.world import World, world


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


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, home: Path) -> Iterator[World]:
    with ExitStack() as stack:
        url = ""
        if request.param == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            url = stack.enter_context(server.database(is_current=True))
        yield stack.enter_context(world(home, url))


def counted_rightly(made: World, studio_id: str) -> int:
    """Count a studio's sessions one by one, and see that the count kept is the same."""
    with made.service.database.transaction(write=False) as transaction:
        living = Counter(
            session.owned_by
            for session in store.sessions.find(transaction)
            if session.studio_id == studio_id and session.state != "DELETED"
        )
        kept = [row for row in transaction.execute(store.counts_table.select()) if row.owned_by]
        assert {row.owned_by: row.living for row in kept} == living
        for owner in (*living, "nobody"):
            counted = store.count_living(transaction, studio_id, owner)
            assert counted == (living.total(), living[owner])
        assert store.count_living(transaction, "another", "nobody") == (0, 0)
    return living.total()


def test_what_a_quota_counts_follows_every_change(anywhere: World) -> None:
    studio_id = anywhere.studio()["studioId"]
    profile_id = anywhere.profile(studio_id)["launchProfileId"]
    ann = anywhere.principal_id("ann")
    ones = [anywhere.session(studio_id, profile_id, ownedBy=owner) for owner in (None, ann, ann)]
    assert counted_rightly(anywhere, studio_id) == 3
    named = {"studioId": studio_id, "sessionId": ones[1]["sessionId"]}
    anywhere.operator.call("DeleteStreamingSession", **named)
    assert counted_rightly(anywhere, studio_id) == 3
    anywhere.advance(timedelta(seconds=30))
    assert counted_rightly(anywhere, studio_id) == 2
    # Their time is over, and they are read as DELETED for a day; then nothing is left of them.
    anywhere.advance(timedelta(hours=72))
    assert counted_rightly(anywhere, studio_id) == 0
    with anywhere.service.database.transaction(write=False) as transaction:
        assert not transaction.execute(store.counts_table.select()).all()
        assert not store.sessions.find(transaction)


def test_what_a_quota_counts_follows_what_no_service_does(anywhere: World) -> None:
    studio_id = anywhere.studio()["studioId"]
    profile_id = anywhere.profile(studio_id)["launchProfileId"]
    one, other = (anywhere.session(studio_id, profile_id)["sessionId"] for _ in range(2))
    changes = [({"state": "DELETED"}, 1), ({"state": "DELETED"}, 1), ({"state": "READY"}, 2)]
    for change, living in changes:
        with anywhere.service.database.transaction() as transaction:
            store.sessions.update(transaction, one, change)
        assert counted_rightly(anywhere, studio_id) == living
    for session_id, living in ((one, 1), (other, 0)):
        with anywhere.service.database.transaction() as transaction:
            store.sessions.delete(transaction, session_id)
        assert counted_rightly(anywhere, studio_id) == living
