"""The life of a share: its limits, its end, and what the gateway is told of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from soundstage.resources.session_shares import service
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT, World


@pytest.fixture
def studio(world: World) -> Studio:
    """Give a studio whose workstations may be looked at."""
    return Studio(world, **PERSISTENT, sessionShare={"maxLengthInMinutes": 30, "maxViewers": 2})


@pytest.fixture
def session(studio: Studio) -> dict[str, Any]:
    return studio.launch()


def shared(studio: Studio, session: dict[str, Any], **wish: Any) -> str:
    made = studio.call("CreateStreamingSessionShare", session, **wish)["share"]
    return str(made["shareId"])


@contextmanager
def reading(world: World) -> Iterator[Connection]:
    with world.service.database.transaction() as transaction:
        yield transaction


def is_living(world: World, share_id: str) -> bool:
    with reading(world) as transaction:
        living = service.living(transaction, {share_id, "unknown"}, world.service.clock())
        found = service.find_open(transaction, share_id, world.service.clock())
        assert service.is_share(transaction, share_id)
    assert (found is not None) is bool(living)
    return living == {share_id}


def test_what_the_profile_does_not_allow_is_refused(
    studio: Studio, session: dict[str, Any], refused: Any
) -> None:
    names = {"studioId": studio.id, "sessionId": session["sessionId"]}
    for wish, said in (
        ({"lengthInMinutes": 31}, "lengthInMinutes: 31 is not from 1 to 30"),
        ({"maxViewers": 3}, "maxViewers: 3 is not from 1 to 2"),
    ):
        name, message = refused("CreateStreamingSessionShare", **names, **wish)
        assert (name, message.startswith(said)) == ("ValidationException", True)
    for _ in range(5):
        shared(studio, session)
    name, message = refused("CreateStreamingSessionShare", **names)
    assert name == "ConflictException"
    assert "has 5 open shares, which is the most" in message


def test_it_lives_until_its_time_its_end_or_its_session_s(
    world: World, studio: Studio, session: dict[str, Any], refused: Any
) -> None:
    by_time = shared(studio, session, lengthInMinutes=5)
    by_word, by_stop = shared(studio, session), shared(studio, session)
    assert all(is_living(world, each) for each in (by_time, by_word, by_stop))
    world.advance(timedelta(minutes=5))
    assert [is_living(world, each) for each in (by_time, by_word)] == [False, True]
    for _ in range(2):
        studio.call("DeleteStreamingSessionShare", session, shareId=by_word)
    assert [is_living(world, each) for each in (by_word, by_stop)] == [False, True]
    studio.stop(session)
    assert not is_living(world, by_stop)
    names = {"studioId": studio.id, "sessionId": session["sessionId"]}
    name, message = refused("CreateStreamingSessionShare", **names)
    assert name == "ConflictException"
    assert message.endswith("is STOPPED; to be shared, it must be READY.")
    name, _ = refused("DeleteStreamingSessionShare", **names, shareId="A" * 22)
    assert name == "ResourceNotFoundException"


def test_who_comes_and_how_many_look_on_is_known(
    world: World, studio: Studio, session: dict[str, Any]
) -> None:
    share_id = shared(studio, session)
    with reading(world) as transaction:
        now = world.service.clock()
        assert service.enter(transaction, share_id, now, "192.0.2.7") is not None
        assert service.enter(transaction, "unknown", now, None) is None
        service.note_viewers(transaction, {share_id: 2}, now)
    (told,) = studio.call("ListStreamingSessionShares", session)["shares"]
    assert told["viewers"] == 2
    events = list(world.operator.pages("ListEvents", studioId=studio.id))
    (opened,) = [each for each in events if each["type"].endswith("session_shares.OPENED")]
    assert "192.0.2.7" in str(opened)
    ticket = told["url"].rpartition("=")[2]
    assert ticket not in str(events)
