"""The table of streams."""

from datetime import timedelta

from soundstage.resources.sessions import store as sessions
from soundstage.resources.streams import store
from soundstage.testing.walks import Studio

SECOND = timedelta(seconds=1)


def test_a_ticket_is_used_up_once(studio: Studio) -> None:
    session = studio.launch()
    first, second = (studio.stream(session)["streamId"] for _ in range(2))
    now = studio.world.clock()
    with studio.world.service.database.transaction() as transaction:
        assert store.redeem(transaction, first, now)
        assert not store.redeem(transaction, first, now + SECOND)
        assert not store.redeem(transaction, "nobody", now)
        used, unused = (store.streams.get(transaction, each) for each in (first, second))
    assert used is not None
    assert unused is not None
    assert (used.redeemed_at, used.active_at) == (now, now)
    assert (unused.redeemed_at, unused.active_at) == (None, None)


def test_those_asked_for_are_read_and_no_others(studio: Studio) -> None:
    session = studio.launch()
    first, second, third = (studio.stream(session)["streamId"] for _ in range(3))
    later = studio.world.clock() + SECOND
    with studio.world.service.database.transaction() as transaction:
        found = store.among(transaction, {first, third, "nobody"})
        assert {stream.id for stream in found} == {first, third}
        assert store.among(transaction, set()) == []
        store.note_activity(transaction, {first, "nobody"}, later)
        active = {each.id: each.active_at for each in store.among(transaction, {first, second})}
    assert active == {first: later, second: None}


def test_a_session_s_streams_go_with_it(studio: Studio) -> None:
    gone, kept = studio.launch(), studio.launch()
    lost, left = (studio.stream(session)["streamId"] for session in (gone, kept))
    with studio.world.service.database.transaction() as transaction:
        sessions.sessions.delete(transaction, gone["sessionId"])
        assert [stream.id for stream in store.among(transaction, {lost, left})] == [left]
