"""A host is emptied from the front door on, whatever dies meanwhile."""

import random
from datetime import timedelta
from typing import Any

import pytest
from tests.resources.hosts.conftest import MINUTES, Hosts

from soundstage.engines.interface import RetryableError
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.resources.hosts.lifecycle import AT_ONCE


def states(hosts: Hosts, sessions: list[dict[str, Any]]) -> list[str]:
    return [hosts.world.see(each)["state"] for each in sessions]


def test_it_is_empty_when_the_last_has_left(hosts: Hosts) -> None:
    sessions = hosts.launch_on("n2", number=2)
    (other,) = hosts.launch_on("n1")
    hosts.evacuate("n2", graceInMinutes=10)
    assert hosts.all()["n2"]["evacuation"]["remaining"] == 2
    hosts.world.advance(9 * MINUTES)
    assert states(hosts, sessions) == ["READY", "READY"]
    hosts.world.advance(2 * MINUTES)
    assert states(hosts, [*sessions, other]) == ["STOPPED", "STOPPED", "READY"]
    there = hosts.all()["n2"]
    assert (there["state"], there["evacuation"]["remaining"]) == ("EVACUATED", 0)
    assert len(hosts.studio.backups("READY")) == 2
    assert hosts.happened("n2") == ["EVACUATING", "EVACUATED"]


def test_a_few_at_once_are_stopped(hosts: Hosts) -> None:
    sessions = hosts.launch_on("n2", number=AT_ONCE + 3)
    hosts.evacuate("n2", graceInMinutes=0)
    most = 0
    for _ in range(60):
        hosts.world.advance(timedelta(seconds=1))
        most = max(most, states(hosts, sessions).count("STOP_IN_PROGRESS"))
    assert most == AT_ONCE
    assert set(states(hosts, sessions)) == {"STOPPED"}
    # Those first in which nobody had worked for longest: here the oldest.
    stopped = [hosts.world.see(each)["stoppedAt"] for each in sessions]
    assert stopped == sorted(stopped)


def test_reopening_has_everybody_stay_who_is_still_there(hosts: Hosts) -> None:
    sessions = hosts.launch_on("n2", number=AT_ONCE + 1)
    hosts.evacuate("n2", graceInMinutes=0)
    hosts.world.settle()
    assert states(hosts, sessions).count("READY") == 1
    hosts.reopen("n2")
    hosts.world.advance(5 * MINUTES)
    assert states(hosts, sessions).count("READY") == 1
    assert states(hosts, sessions).count("STOPPED") == AT_ONCE
    for each in sessions:
        coming = hosts.world.see(each).get("nextAction", {})
        assert coming.get("rule") != "HOST_EVACUATION"
    assert hosts.all()["n2"]["state"] == "OPEN"


def test_one_that_was_starting_there_is_told_and_stopped_as_well(hosts: Hosts) -> None:
    hosts.engine.host_list = ("n2",)
    session = hosts.world.operator.call(
        "CreateStreamingSession",
        studioId=hosts.studio.id,
        launchProfileId=hosts.studio.profile_id,
    )["session"]
    hosts.world.settle()
    hosts.evacuate("n2", graceInMinutes=5)
    hosts.world.advance(MINUTES)
    assert hosts.world.see(session)["nextAction"]["rule"] == "HOST_EVACUATION"
    hosts.world.advance(5 * MINUTES)
    assert hosts.world.see(session)["state"] == "STOPPED"
    assert hosts.all()["n2"]["state"] == "EVACUATED"


def test_a_host_that_runs_something_again_is_not_evacuated(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    hosts.evacuate("n2", graceInMinutes=0)
    hosts.world.advance(MINUTES)
    assert hosts.all()["n2"]["state"] == "EVACUATED"
    hosts.reopen("n2")
    hosts.studio.start(session)
    hosts.evacuate("n2", graceInMinutes=30)
    hosts.world.advance(MINUTES)
    assert hosts.all()["n2"]["state"] == "EVACUATING"


def test_a_host_that_is_switched_off_stays_evacuated(hosts: Hosts) -> None:
    hosts.launch_on("n2")
    hosts.evacuate("n2", graceInMinutes=0)
    hosts.world.advance(MINUTES)
    hosts.engine.lost_hosts = frozenset({"n2"})
    hosts.world.advance(10 * MINUTES)
    off = hosts.all()["n2"]
    assert (off["state"], off["isReachable"]) == ("EVACUATED", False)


def test_an_engine_that_does_not_answer_costs_time_alone(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    hosts.evacuate("n2", graceInMinutes=1)
    whole = hosts.engine.hosts

    def away() -> list[Any]:
        raise RetryableError("Incus does not answer")

    hosts.engine.hosts = away  # type: ignore[method-assign]
    hosts.world.advance(5 * MINUTES)
    assert hosts.world.see(session)["state"] == "STOPPED"
    hosts.engine.hosts = whole  # type: ignore[method-assign]
    hosts.world.advance(2 * MINUTES)
    assert hosts.all()["n2"]["state"] == "EVACUATED"


@pytest.mark.parametrize("seed", range(3))
def test_whatever_dies_it_comes_to_the_same_end(hosts: Hosts, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a fixed one, to be the same in every run
    stopping = hosts.launch_on("n2", number=3)
    moving = hosts.launch_on("n2", hosts.moving, number=3)
    for each in (*stopping, *moving):
        hosts.engine.write(each["sessionId"], "scene", each["sessionId"].encode())
    hosts.evacuate("n2", graceInMinutes=2)
    for _ in range(40):
        hosts.world.advance(timedelta(seconds=chance.uniform(0.2, 8)))
        if chance.random() < 0.4:
            hosts.world.restart()
        if chance.random() < 0.2:
            hosts.engine.misbehave(Misbehaviour.RETRYABLE, times=chance.randrange(1, 4))
    hosts.engine.calm()
    hosts.world.advance(10 * MINUTES)
    assert states(hosts, stopping) == ["STOPPED"] * 3
    assert states(hosts, moving) == ["READY"] * 3
    assert hosts.all()["n2"]["state"] == "EVACUATED"
    assert {hosts.host_of(each) for each in moving} <= {"n1", "n3"}
    # Each once: one workstation a session, one backup a stop, and nothing left behind.
    assert len(hosts.engine.refs()) == 6
    assert len(hosts.studio.backups("READY")) == 6
    assert hosts.happened("n2") == ["EVACUATING", "EVACUATED"]
