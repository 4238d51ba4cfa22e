"""The worker carries decisions out, and tells the engine what it must know."""

from datetime import timedelta
from pathlib import Path

from soundstage.engines.interface import Phase, RetryableError
from soundstage.engines.simulated import Misbehaviour, SimulatedEngine
from soundstage.resources.sessions import store
from soundstage.resources.sessions.reconcile import SessionWorker, spec_of
from soundstage.testing.world import PERSISTENT, world


class CantStop(SimulatedEngine):
    def ensure_stopped(self, ref: str) -> None:
        raise RetryableError(f"{ref} is busy.", after_seconds=7)


def test_a_late_launch_is_given_up_and_what_is_left_of_it_stopped(home: Path) -> None:
    with world(home) as made:
        made.engine.misbehave(Misbehaviour.NEVER_STARTS)
        studio_id = made.studio()["studioId"]
        profile = made.profile(studio_id, **PERSISTENT)
        session = made.session(studio_id, profile["launchProfileId"])
        ref = session["sessionId"]
        made.clock.advance(timedelta(minutes=11))
        engine = CantStop(made.clock, world=made.engine.world)
        worker = SessionWorker(engine, keep_backups_for=timedelta(days=7))
        with made.service.database.transaction(write=False) as transaction:
            loaded = worker.load(transaction, ref, made.clock())
        assert loaded is not None
        assert made.engine.observe(ref).phase is Phase.STARTING
        outcome = worker.act(loaded, made.clock())
        assert (outcome.step.event, outcome.step.message[:35]) == (
            "failed",
            "The workstation did not answer in t",
        )
        # The stop failed; that neither undoes the decision nor hides its reason.
        assert outcome.step.again_at == made.clock() + timedelta(seconds=7)
        made.advance(timedelta(minutes=1))
        assert made.see(session)["state"] == "CREATE_FAILED"
        assert made.engine.observe(ref).phase is Phase.STOPPED


def test_the_engine_is_told_what_the_session_is(home: Path) -> None:
    with world(home) as made:
        studio_id = made.studio()["studioId"]
        profile = made.profile(studio_id)
        session = made.session(studio_id, profile["launchProfileId"])
        with made.service.database.transaction(write=False) as transaction:
            stored = store.sessions.get(transaction, session["sessionId"])
        assert stored is not None
        spec = spec_of(stored)
        assert (spec.image, spec.instance_type, spec.attempt) == ("ami-host", "g4dn.xlarge", 1)
        assert (spec.clipboard, spec.volume.generation, spec.volume.backup_id) == (True, 0, None)
        assert (spec.volume.size_gib, spec.volume.iops) == (500, 3000)


def test_a_session_that_is_gone_needs_nothing(home: Path) -> None:
    with world(home) as made, made.service.database.transaction() as transaction:
        worker = SessionWorker(made.engine, keep_backups_for=timedelta(days=7))
        assert worker.load(transaction, "x" * 22, made.clock()) is None
