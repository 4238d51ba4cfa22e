"""Whom to tell, whom to stop, and when a host is empty: rows, observations and times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from soundstage.engines.interface import ObservedHost
from soundstage.resources.hosts.lifecycle import (
    AT_ONCE,
    EMPTY_EVERY,
    LOOK_EVERY,
    STOP_EVERY,
    next_step,
)
from soundstage.resources.hosts.model import Evacuation, HostState, Occupant, Stage

NOW = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
H = HostState
EMPTY = ObservedHost(name="n2")
AWAY = ObservedHost(name="n2", is_reachable=False, running={"a"})
BUSY = ObservedHost(name="n2", running={"a"})


def order(state: HostState = H.EVACUATING, *, at: datetime = NOW) -> Evacuation:
    return Evacuation(
        id="n2",
        state=state,
        state_since=NOW,
        at=at,
        reason="",
        remaining=0,
        created_at=NOW - 30 * MINUTE,
        created_by="ann",
    )


def one(name: str, stage: Stage = Stage.RUNNING, **facts: Any) -> Occupant:
    occupant = Occupant(
        session_id=name,
        studio_id="studio",
        owned_by="ann",
        state="",
        stage=stage,
        ref=name,
        is_reachable=True,
        last_active_at=NOW,
        is_told=True,
        is_copied=False,
    )
    return msgspec.structs.replace(occupant, **facts)


def test_those_are_told_that_run_and_do_not_know_yet() -> None:
    there = [
        one("new", is_told=False),
        one("told"),
        one("starting", Stage.COMING, is_told=False),
        one("resting", Stage.RESTING, is_told=False),
    ]
    assert next_step(order(), EMPTY, there, NOW).tell == ["new"]


def test_nobody_is_stopped_before_the_moment() -> None:
    step = next_step(order(at=NOW + MINUTE), EMPTY, [one("a")], NOW)
    assert (step.stop, step.again_at) == ([], NOW + LOOK_EVERY)
    step = next_step(order(at=NOW + timedelta(seconds=2)), EMPTY, [one("a")], NOW)
    assert step.again_at == NOW + timedelta(seconds=2)
    step = next_step(order(), EMPTY, [one("a")], NOW)
    assert (step.stop, step.again_at) == (["a"], NOW + STOP_EVERY)


def test_a_few_at_once_those_first_in_which_nobody_worked_for_longest() -> None:
    there = [one(str(n), last_active_at=NOW - n * MINUTE) for n in range(7)]
    assert next_step(order(), EMPTY, there, NOW).stop == ["6", "5", "4", "3"]
    leaving = [one(f"l{n}", Stage.LEAVING) for n in range(AT_ONCE - 1)]
    assert next_step(order(), EMPTY, [*there, *leaving], NOW).stop == ["6"]
    more = [*leaving, one("l", Stage.LEAVING), one("m", Stage.LEAVING)]
    assert next_step(order(), EMPTY, [*there, *more], NOW).stop == []


def test_one_that_can_not_be_reached_can_not_be_stopped() -> None:
    step = next_step(order(), AWAY, [one("a", is_reachable=False), one("b")], NOW)
    assert (step.stop, step.remaining) == (["b"], 2)


@pytest.mark.parametrize(
    ("state", "host", "there", "event", "remaining"),
    [
        (H.EVACUATING, EMPTY, [], "empty", 0),
        (H.EVACUATING, EMPTY, [one("a", Stage.RESTING)], "empty", 0),
        # What runs keeps it from being empty, whoever's it is.
        (H.EVACUATING, BUSY, [], None, 1),
        (H.EVACUATING, EMPTY, [one("a")], None, 1),
        (H.EVACUATING, EMPTY, [one("a", Stage.LEAVING)], None, 1),
        (H.EVACUATING, EMPTY, [one("a", Stage.COMING)], None, 1),
        # Its disk is being read.
        (H.EVACUATING, EMPTY, [one("a", Stage.RESTING, is_copied=True)], None, 1),
        (H.EVACUATING, BUSY, [one("a")], None, 1),
        (H.EVACUATED, EMPTY, [], None, 0),
        (H.EVACUATED, BUSY, [], "occupied", 1),
        # One that does not answer says nothing: it may have been switched off.
        (H.EVACUATED, AWAY, [], None, 0),
        (H.EVACUATING, AWAY, [], None, 0),
        # The engine has none of that name any more.
        (H.EVACUATING, None, [], "empty", 0),
        (H.EVACUATED, None, [], None, 0),
    ],
)
def test_it_is_empty_when_nothing_needs_it(
    state: HostState,
    host: ObservedHost | None,
    there: list[Occupant],
    event: str | None,
    remaining: int,
) -> None:
    step = next_step(order(state), host, there, NOW)
    assert (step.event, step.remaining) == (event, remaining)
    assert (step.again_at == NOW + EMPTY_EVERY) is (remaining == 0)
