"""The worker looks at the desktop only while a stream waits for it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from soundstage.engines.interface import Observed, RetryableError
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit.machine import READABLE_FOR
from soundstage.resources.sessions import store as sessions
from soundstage.resources.streams import store
from soundstage.resources.streams.lifecycle import LOOK_EVERY, Step
from soundstage.resources.streams.reconcile import Loaded, StreamWorker
from soundstage.testing.walks import Studio


class Silent(SimulatedEngine):
    """Never answers, and counts how often it was asked."""

    asked = 0

    def observe(self, ref: str) -> Observed:
        self.asked += 1
        raise RetryableError(f"{ref} is hidden.")


@pytest.fixture
def session(studio: Studio) -> dict[str, Any]:
    return studio.launch()


@pytest.fixture
def engine(studio: Studio) -> Silent:
    return Silent(studio.world.clock)


@pytest.fixture
def worker(engine: Silent) -> StreamWorker:
    return StreamWorker(engine)


def load(studio: Studio, worker: StreamWorker, stream: dict[str, Any]) -> Loaded:
    with studio.world.service.database.transaction(write=False) as transaction:
        loaded = worker.load(transaction, stream["streamId"], studio.world.clock())
    assert loaded is not None
    return loaded


def due_at(studio: Studio, stream: dict[str, Any]) -> datetime | None:
    statement = select(store.table.c.due_at).where(store.table.c.id == stream["streamId"])
    with studio.world.service.database.transaction(write=False) as transaction:
        moment: datetime | None = transaction.execute(statement).scalar_one()
    return moment


def test_an_engine_that_can_not_say_is_asked_again(
    studio: Studio, session: dict[str, Any], worker: StreamWorker, engine: Silent
) -> None:
    with studio.world.service.database.transaction() as transaction:
        sessions.sessions.update(transaction, session["sessionId"], {"running_attempt": None})
    made = studio.call("CreateStreamingSessionStream", session)["stream"]
    now = studio.world.clock()
    loaded = load(studio, worker, made)
    step = worker.act(loaded, now)
    assert (step.event, engine.asked) == (None, 1)
    assert worker.due_at(step) == now + timedelta(milliseconds=200)
    late = worker.act(loaded, now + timedelta(seconds=61))
    assert late.event == "failed"


def test_an_open_stream_needs_no_answer(
    studio: Studio, session: dict[str, Any], worker: StreamWorker, engine: Silent
) -> None:
    stream = studio.stream(session)
    step = worker.act(load(studio, worker, stream), studio.world.clock())
    assert (step.event, engine.asked) == (None, 0)
    assert worker.due_at(step) == studio.world.clock() + LOOK_EVERY


def test_what_was_decided_is_written(
    studio: Studio, session: dict[str, Any], worker: StreamWorker
) -> None:
    stream = studio.stream(session)
    now = studio.world.clock() + timedelta(seconds=3)
    for outcome, state, code in [
        (Step(), "READY", "STREAM_READY"),
        (Step(event="end", message="Over."), "DELETE_IN_PROGRESS", "STREAM_DELETE_IN_PROGRESS"),
        (Step(event="gone"), "DELETED", "STREAM_DELETED"),
    ]:
        loaded = load(studio, worker, stream)
        with studio.world.service.database.transaction() as transaction:
            worker.apply(transaction, loaded, outcome, now)
        seen = studio.see_stream(session, stream)
        assert (seen["state"], seen["statusCode"]) == (state, code)
    loaded = load(studio, worker, stream)
    assert loaded.stream.state_since == now
    assert worker.act(loaded, now + READABLE_FOR).event == "purge"
    with studio.world.service.database.transaction() as transaction:
        worker.apply(transaction, loaded, Step(event="purge"), now)
        assert worker.load(transaction, stream["streamId"], now) is None


def test_a_session_that_stops_or_its_owner_wakes_its_open_streams(
    studio: Studio, session: dict[str, Any], worker: StreamWorker
) -> None:
    other = studio.launch(ownedBy="ben")
    mine, theirs = studio.stream(session), studio.stream(other)
    ended = studio.stream(session)
    loaded = load(studio, worker, ended)
    now = studio.world.clock()
    with studio.world.service.database.transaction() as transaction:
        worker.apply(transaction, loaded, Step(event="expired"), now)
    before = due_at(studio, theirs)
    put_off = due_at(studio, ended)

    def wake(changed: str) -> None:
        with studio.world.service.database.transaction() as transaction:
            worker.wake(transaction, changed, now)

    wake(session["sessionId"])
    assert due_at(studio, mine) == now
    assert due_at(studio, ended) == put_off != now
    assert due_at(studio, theirs) == before != now
    wake("ben")
    assert due_at(studio, theirs) == now
    wake("nobody")


def test_a_stream_of_a_stopping_session_may_not_stay_open(
    studio: Studio, session: dict[str, Any], worker: StreamWorker
) -> None:
    stream = studio.stream(session)
    assert load(studio, worker, stream).may_stay_open
    studio.call("StopStreamingSession", session)
    loaded = load(studio, worker, stream)
    assert not loaded.may_stay_open
    assert worker.act(loaded, studio.world.clock()).event == "end"
