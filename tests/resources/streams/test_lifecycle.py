"""What is to be done with a stream, row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from soundstage.engines.interface import Observed, Phase
from soundstage.kit.machine import READABLE_FOR
from soundstage.resources.streams.lifecycle import (
    LOOK_EVERY,
    MACHINE,
    Step,
    next_step,
)
from soundstage.resources.streams.model import (
    StreamingSessionStream,
    StreamingSessionStreamState,
    StreamingSessionStreamStatusCode,
)

S = StreamingSessionStreamState
NOW = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
YOUNG, LATE = 60 * SECOND, 61 * SECOND
FUTURE = NOW + SECOND


def a_stream(
    state: StreamingSessionStreamState, age: timedelta = SECOND, **facts: Any
) -> StreamingSessionStream:
    stream = StreamingSessionStream(
        id="t" * 22,
        studio_id="studio",
        session_id="s" * 22,
        owned_by="ann",
        created_by="ann",
        created_at=NOW - age,
        expires_at=FUTURE,
        state=state,
        state_since=NOW - age,
        status_code=StreamingSessionStreamStatusCode.STREAM_READY,
    )
    return msgspec.structs.replace(stream, **facts)


def step(
    stream: StreamingSessionStream, phase: Phase = Phase.RUNNING, *, may_stay: bool = True
) -> Step:
    return next_step(stream, Observed(phase=phase), NOW, may_stay_open=may_stay)


@pytest.mark.parametrize(
    ("age", "phase", "event"),
    [
        (SECOND, Phase.RUNNING, "answered"),
        (LATE, Phase.RUNNING, "answered"),
        (SECOND, Phase.STARTING, None),
        (YOUNG, Phase.STOPPED, None),
        (LATE, Phase.STARTING, "failed"),
    ],
)
def test_opening(age: timedelta, phase: Phase, event: str | None) -> None:
    decided = step(a_stream(S.CREATE_IN_PROGRESS, age), phase)
    assert decided.event == event
    assert decided.again_at is not None
    assert decided.again_at > NOW


@pytest.mark.parametrize(
    ("facts", "event", "again_at"),
    [
        ({}, None, FUTURE),
        ({"expires_at": NOW}, "expired", NOW + READABLE_FOR),
        ({"expires_at": NOW, "redeemed_at": NOW}, None, NOW + LOOK_EVERY),
        ({"redeemed_at": NOW}, None, NOW + LOOK_EVERY),
        ({"expires_at": NOW + 60 * LOOK_EVERY}, None, NOW + LOOK_EVERY),
    ],
)
def test_being_open(facts: dict[str, Any], event: str | None, again_at: datetime) -> None:
    decided = step(a_stream(S.READY, **facts))
    assert (decided.event, decided.again_at) == (event, again_at)


@pytest.mark.parametrize("state", [S.CREATE_IN_PROGRESS, S.READY])
@pytest.mark.parametrize("phase", Phase)
def test_what_may_not_stay_open_ends_at_once(
    state: StreamingSessionStreamState, phase: Phase
) -> None:
    decided = step(a_stream(state), phase, may_stay=False)
    assert (decided.event, decided.again_at) == ("end", NOW)


def test_what_ends_is_gone() -> None:
    assert step(a_stream(S.DELETE_IN_PROGRESS)).event == "gone"


@pytest.mark.parametrize("state", [S.DELETED, S.CREATE_FAILED, S.DELETE_FAILED])
def test_what_has_ended_is_read_for_a_day(state: StreamingSessionStreamState) -> None:
    assert step(a_stream(state, READABLE_FOR - SECOND)) == Step(again_at=NOW + SECOND)
    assert step(a_stream(state, READABLE_FOR)) == Step(event="purge")


@pytest.mark.parametrize("state", S)
def test_only_what_the_table_allows_is_decided(state: StreamingSessionStreamState) -> None:
    for age in (SECOND, LATE, READABLE_FOR):
        for phase in Phase:
            for may_stay in (False, True):
                event = step(a_stream(state, age), phase, may_stay=may_stay).event
                assert event in {None, "purge"} or MACHINE.allows(state, event or "")
