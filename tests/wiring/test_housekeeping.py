"""What is done again and again: workstations of no session, the trail of events, what fails."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from soundstage.engines.interface import Phase, Spec, Volume
from soundstage.kit import chain, journal
from soundstage.testing.world import World, world
from soundstage.wiring import housekeeping

SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume())


def test_workstations_of_no_session_are_removed_and_others_left(world: World) -> None:
    studio_id = world.studio()["studioId"]
    session = world.session(studio_id, world.profile(studio_id)["launchProfileId"])
    world.engine.ensure_running("orphan", SPEC)
    world.service.housekeeping.sweep()
    world.clock.advance(timedelta(seconds=10))
    assert world.engine.observe("orphan").phase is Phase.ABSENT
    assert world.engine.observe(session["sessionId"]).phase is Phase.RUNNING


def test_events_are_linked_and_the_old_ones_go(tmp_path: Path) -> None:
    with world(tmp_path / "home", event_days=2) as made:
        made.studio()
        made.service.housekeeping.sweep()
        made.advance(timedelta(days=1))
        made.studio("newer")
        made.advance(timedelta(days=1, seconds=1))
        made.service.housekeeping.sweep()
        made.service.housekeeping.sweep()
        with made.service.database.transaction(write=False) as transaction:
            entries = journal.read(transaction)
            verdict = chain.verify(transaction, made.service.housekeeping._audit_key)
    assert [entry.kind for entry in entries] == [
        "studios.CREATE_IN_PROGRESS",
        "studios.READY",
        "audit.PRUNED",
    ]
    assert (verdict.verified, verdict.not_linked, verdict.faults) == (3, 0, [])


def test_a_sweep_that_fails_is_told_and_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps: list[int] = []

    async def live() -> None:
        loop, is_done_again = asyncio.get_running_loop(), asyncio.Event()

        def fail() -> None:
            sweeps.append(len(sweeps))
            if len(sweeps) == 2:
                loop.call_soon_threadsafe(is_done_again.set)
            raise RuntimeError("no sweep")

        monkeypatch.setattr(world.service.housekeeping, "sweep", fail)
        async with world.service.housekeeping.going_on():
            await asyncio.wait_for(is_done_again.wait(), 20)

    monkeypatch.setattr(housekeeping, "_SWEEP_EVERY", timedelta(0))
    with structlog.testing.capture_logs() as told:
        asyncio.run(live())
    failed = [line for line in told if line["event"] == "a sweep failed"]
    assert len(failed) >= 1
    assert failed[0]["log_level"] == "error"
