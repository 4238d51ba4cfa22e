"""The worker tells the engine what a session would, and that it waits; the rest are stories."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.engines.interface import PermanentError, Phase, Spec
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import hints
from soundstage.resources.warm_workstations import store
from soundstage.resources.warm_workstations.lifecycle import Step
from soundstage.resources.warm_workstations.model import WarmWorkstationState
from soundstage.resources.warm_workstations.reconcile import Loaded, WarmWorker
from soundstage.testing.world import World

S = WarmWorkstationState


class Asked(SimulatedEngine):
    """Keeps what it is asked for, and removes nothing."""

    spec: Spec | None = None

    def ensure_running(self, ref: str, spec: Spec) -> None:
        self.spec = spec
        super().ensure_running(ref, spec)

    def ensure_absent(self, ref: str) -> None:
        raise PermanentError(f"{ref} is stuck.")


class Bench:
    """The worker over the first place of a pool, which is brought into a state."""

    def __init__(self, world: World, profile: dict[str, Any]) -> None:
        self.world = world
        self.engine = Asked(world.clock, world=world.engine.world)
        self.worker = WarmWorker(self.engine, script_seconds=77)
        self.profile_id = profile["launchProfileId"]

    def load(self, **facts: Any) -> Loaded:
        with self.world.service.database.transaction() as transaction:
            place = store.of_profile(transaction, self.profile_id)[0]
            store.places.update(transaction, place.id, facts or {"failures": 0})
            loaded = self.worker.load(transaction, place.id, self.world.clock())
        assert loaded is not None
        return loaded

    def act(self, **facts: Any) -> Step:
        return self.worker.act(self.load(**facts), self.world.clock())


def test_it_is_what_a_session_would_be_and_waits(world: World, profile: dict[str, Any]) -> None:
    bench = Bench(world, profile)
    step = bench.act(state=S.PREPARING, workstation_id="n" * 22)
    assert step.event is None
    spec = bench.engine.spec
    assert spec is not None
    assert (spec.image, spec.instance_type, spec.attempt) == ("ami-host", "g4dn.xlarge", 1)
    assert (spec.waits, spec.script_seconds, spec.volume.size_gib) == (True, 77, 500)
    assert bench.engine.observe("n" * 22).phase is Phase.STARTING


def test_an_engine_that_stumbles_costs_time(world: World, profile: dict[str, Any]) -> None:
    bench = Bench(world, profile)
    bench.engine.misbehave(Misbehaviour.RETRYABLE)
    step = bench.act()
    assert (step.event, step.again_at) == (None, world.clock() + timedelta(seconds=1))
    assert bench.worker.due_at(step) == step.again_at
    assert not bench.worker.is_decision(step)
    bench.engine.misbehave(Misbehaviour.OUT_OF_CAPACITY)
    refused = bench.act(state=S.PREPARING, workstation_id="n" * 22)
    assert (refused.event, refused.is_failure) == ("failed", False)
    assert bench.worker.is_decision(refused)
    bench.engine.images = frozenset()
    refused = bench.act(state=S.PREPARING, workstation_id="m" * 22)
    assert (refused.event, refused.is_failure) == ("failed", True)


def test_what_can_not_be_removed_is_tried_again(world: World, profile: dict[str, Any]) -> None:
    bench = Bench(world, profile)
    step = bench.act(state=S.LEAVING)
    assert step.event is None
    assert step.message.endswith("is stuck.")
    assert step.again_at == world.clock() + timedelta(seconds=30)
    loaded = bench.load()
    with world.service.database.transaction() as transaction:
        bench.worker.apply(transaction, loaded, step, world.clock())
        place = store.places.get(transaction, loaded.place.id)
    assert place is not None
    assert place.status_message == step.message


@pytest.mark.parametrize("state", [S.PREPARING, S.READY, S.LEAVING])
def test_a_place_on_a_lost_host_is_empty_again_and_says_why(
    world: World, profile: dict[str, Any], state: WarmWorkstationState
) -> None:
    bench = Bench(world, profile)
    bench.engine.misbehave(Misbehaviour.OUT_OF_REACH)
    loaded = bench.load(state=state)
    step = bench.worker.act(loaded, world.clock())
    with world.service.database.transaction() as transaction:
        bench.worker.apply(transaction, loaded, step, world.clock())
        place = store.places.get(transaction, loaded.place.id)
    assert place is not None
    assert (place.state, place.workstation_id, place.host) == (S.EMPTY, None, None)
    assert place.status_message == "The host n2 of the workstation does not answer."


def test_who_waits_for_the_room_is_woken(world: World, profile: dict[str, Any]) -> None:
    bench = Bench(world, profile)
    loaded = bench.load(state=S.LEAVING, given_up_for="s" * 22)
    with world.service.database.transaction() as transaction:
        gone = Step(event="gone", again_at=world.clock())
        bench.worker.apply(transaction, loaded, gone, world.clock())
        assert ("sessions", "s" * 22) in hints.take(transaction)
        assert bench.worker.load(transaction, "x" * 22, world.clock()) is None


def test_a_whole_pool_or_one_of_it_is_woken(world: World, profile: dict[str, Any]) -> None:
    bench = Bench(world, profile)
    with world.service.database.transaction() as transaction:
        first, second = store.of_profile(transaction, bench.profile_id)
        later = {"due_at": world.clock() + timedelta(hours=1)}
        for changed, woken in (
            (first.id, {first.id}),
            (second.workstation_id, {second.id}),
            (bench.profile_id, {first.id, second.id}),
            ("nobody", set()),
        ):
            for place in (first, second):
                store.places.update(transaction, place.id, later)
            assert changed is not None
            bench.worker.wake(transaction, changed, world.clock())
            due = store.table.select().where(store.table.c.due_at == world.clock())
            assert {row.id for row in transaction.execute(due)} == woken
