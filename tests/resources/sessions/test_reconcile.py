"""The worker carries decisions out, and tells the engine what it must know."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from soundstage.engines.interface import Observed, Phase, RetryableError, Transfers
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import hints, journal
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionStatusCode
from soundstage.resources.sessions import store
from soundstage.resources.sessions.lifecycle import HEALS_WITHIN, Step
from soundstage.resources.sessions.model import Rule, StreamingSession
from soundstage.resources.sessions.reconcile import Outcome, SessionWorker, spec_of
from soundstage.testing.walks import Studio
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
        made.advance(timedelta(minutes=9))
        made.clock.advance(timedelta(minutes=2))
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


def test_what_may_pass_is_what_was_allowed_when_the_session_was_made(home: Path) -> None:
    open_rules = {
        "sessionStorage": {"mode": ["UPLOAD"], "root": {"linux": "$HOME/in"}},
        "sessionDownload": {},
    }
    with world(home) as made:
        studio_id = made.studio()["studioId"]
        profile = made.profile(studio_id, **open_rules)
        where = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
        sessions = [made.session(studio_id, profile["launchProfileId"])]
        shut = {
            name: value
            for name, value in profile["streamConfiguration"].items()
            if name not in open_rules
        }
        made.operator.call(
            "UpdateLaunchProfile",
            **where,
            streamConfiguration={**shut, "clipboardMode": "DISABLED"},
        )
        made.settle()
        sessions.append(made.session(studio_id, profile["launchProfileId"]))
        with made.service.database.transaction(write=False) as transaction:
            stored = [store.sessions.get(transaction, each["sessionId"]) for each in sessions]
        specs = [spec_of(each) for each in stored if each is not None]
    assert [(spec.clipboard, spec.transfers) for spec in specs] == [
        (True, Transfers(upload_to="$HOME/in", download_from="$HOME/Downloads")),
        (False, Transfers()),
    ]


def test_a_session_that_is_gone_needs_nothing(home: Path) -> None:
    with world(home) as made, made.service.database.transaction() as transaction:
        worker = SessionWorker(made.engine, keep_backups_for=timedelta(days=7))
        assert worker.load(transaction, "x" * 22, made.clock()) is None


WEEK = timedelta(days=7)


class Written:
    """One session, and what the worker writes of it in its own transaction."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.id: str = studio.launch()["sessionId"]
        self.now = studio.world.clock() + timedelta(seconds=1)

    def write(
        self, step: Step, *, state: str = "READY", volume: int | None = 0, **facts: Any
    ) -> set[hints.Hint]:
        """Put the session into a state, apply a step to it, and say who was woken."""
        worker = SessionWorker(self.studio.world.engine, keep_backups_for=WEEK)
        observed = Observed(phase=Phase.STOPPED, attempt=1, volume_generation=volume)
        with self.studio.world.service.database.transaction() as transaction:
            store.sessions.update(transaction, self.id, {"state": state, **facts})
            loaded = worker.load(transaction, self.id, self.now)
            assert loaded is not None
            worker.apply(transaction, loaded, Outcome(step=step, observed=observed), self.now)
            return set(hints.take(transaction))

    def read(self) -> StreamingSession:
        with self.studio.world.service.database.transaction(write=False) as transaction:
            found = store.sessions.get(transaction, self.id)
        assert found is not None
        return found

    def due_at(self) -> datetime | None:
        statement = select(store.table.c.due_at).where(store.table.c.id == self.id)
        with self.studio.world.service.database.transaction(write=False) as transaction:
            moment: datetime | None = transaction.execute(statement).scalar_one()
        return moment


@pytest.fixture
def written(studio: Studio) -> Written:
    return Written(studio)


@pytest.mark.parametrize(("event", "is_decision"), [(None, False), ("measured", True)])
def test_only_progress_need_not_outlive_the_machine_s_power(
    studio: Studio, event: str | None, *, is_decision: bool
) -> None:
    worker = SessionWorker(studio.world.engine, keep_backups_for=WEEK)
    outcome = Outcome(step=Step(event=event), observed=Observed(phase=Phase.STARTING))
    assert worker.is_decision(outcome) is is_decision


def test_progress_is_shown_and_wakes_nobody(written: Written) -> None:
    before = written.read()
    assert written.write(Step(message="A backup is being restored.")) == set()
    after = written.read()
    assert after.status_message == "A backup is being restored."
    assert (after.updated_at, after.state_since) == (before.updated_at, before.state_since)
    written.write(Step())
    assert written.read() == after


def test_a_heal_is_another_attempt_and_old_ones_are_forgotten(written: Written) -> None:
    old, recent = written.now - HEALS_WITHIN, written.now - HEALS_WITHIN / 2
    woken = written.write(Step(event="heal", message="It died."), heals=[old, recent])
    healing = written.read()
    assert (healing.attempt, healing.running_attempt) == (2, 1)
    assert healing.heals == [recent, written.now]
    assert (healing.state, healing.status_message) == ("READY", "It died.")
    # The session itself is looked at when the step said; only others must be told.
    assert woken == {("streams", written.id)}
    written.write(Step(event="healed"))
    healed = written.read()
    assert (healed.attempt, healed.running_attempt) == (2, 2)
    with written.studio.world.service.database.transaction(write=False) as transaction:
        last = journal.read(transaction, subject=f"streaming-session/{written.id}")[-1]
    assert (last.kind, last.actor) == ("sessions.HEAL", "soundstage")


@pytest.mark.parametrize(("event", "verb"), [("stop", "STOP"), ("delete", "DELETE")])
def test_what_the_worker_begins_is_the_service_s_doing(
    written: Written, event: str, verb: str
) -> None:
    rule = Rule.MAX_SESSION_LENGTH
    step = Step(event=event, message="Its time is up.", because="its time is up", rule=rule)
    written.write(step)
    found = written.read()
    assert (found.state, found.status_message) == (f"{verb}_IN_PROGRESS", "Its time is up.")
    assert found.status_code == f"STREAMING_SESSION_{verb}_IN_PROGRESS"
    assert (found.updated_by, found.state_since) == ("soundstage", written.now)
    assert (found.stop_at, found.terminate_at) == (None, None)
    stopped_by = "soundstage" if event == "stop" else None
    assert (found.stopped_by, found.stop_number) == (stopped_by, int(event == "stop"))
    assert found.stopped_because == ("its time is up" if event == "stop" else None)
    assert found.stopped_by_rule == (rule if event == "stop" else None)
    assert written.due_at() == written.now


def test_a_transition_brings_its_code_its_changes_and_its_next_look(written: Written) -> None:
    later = written.now + timedelta(hours=1)
    code = StreamingSessionStatusCode.STREAMING_SESSION_STOPPED
    step = Step(event="rested", code=code, message="It rests.", again_at=later)
    written.write(step, state="STOP_IN_PROGRESS", volume=None)
    found = written.read()
    assert (found.state, found.status_code, found.status_message) == ("STOPPED", code, "It rests.")
    assert found.is_volume_deleted
    assert written.due_at() == later
    # A decision without a code is an error of ours.
    written.write(Step(event="failed"), state="START_IN_PROGRESS")
    assert written.read().status_code == "INTERNAL_ERROR"
    assert written.due_at() == written.now


def begun(written: Written, stops: int) -> list[str]:
    """Begin the backups of as many stops, and say what became of each: its state."""
    for number in range(1, stops + 1):
        step = Step(event="begin backup")
        # Twice, as after a crash between two steps.
        for _ in range(2):
            written.write(step, state="STOP_IN_PROGRESS", stop_number=number)
        with written.studio.world.service.database.transaction() as transaction:
            backup = backups.of_stop(transaction, written.id, number)
            assert backup is not None
            assert (backup.owned_by, backup.tags) == (written.read().owned_by, {})
            backups.move(transaction, backup, "kept", now=written.now, message="")
        written.now += timedelta(seconds=1)
    return states(written)


def states(written: Written) -> list[str]:
    return [backup["state"] for backup in written.studio.backups()]


def test_a_stop_s_backup_is_begun_once_and_rest_rotates_them(written: Written) -> None:
    assert begun(written, 3) == ["READY"] * 3
    written.write(Step(event="rested"), state="STOP_IN_PROGRESS", backup_mode="DEACTIVATED")
    assert states(written) == ["READY"] * 3
    written.write(Step(event="rested"), state="STOP_IN_PROGRESS", backup_mode="AUTOMATIC")
    assert states(written) == ["DELETE_IN_PROGRESS", "READY", "READY"]


def test_a_session_that_is_gone_leaves_its_backups_for_a_while(written: Written) -> None:
    begun(written, 1)
    written.write(Step(event="gone"), state="DELETE_IN_PROGRESS")
    database = written.studio.world.service.database
    with database.transaction(write=False) as transaction:
        backup = backups.of_stop(transaction, written.id, 1)
    assert backup is not None
    assert backup.purge_at == written.now + WEEK
    written.write(Step(event="purge"), state="DELETED")
    with database.transaction(write=False) as transaction:
        assert store.sessions.get(transaction, written.id) is None
    assert states(written) == ["READY"]


def test_only_one_that_is_to_be_started_is_told_its_equipment(studio: Studio) -> None:
    made = studio.world
    worker = SessionWorker(made.engine, keep_backups_for=timedelta(days=7), script_seconds=77)
    session = studio.launch()

    def loaded() -> Any:
        with made.service.database.transaction(write=False) as transaction:
            return worker.load(transaction, session["sessionId"], made.clock())

    assert loaded().equipment is None
    studio.call("StopStreamingSession", session)
    assert loaded().equipment is None
    studio.later(session)
    studio.call("StartStreamingSession", session)
    assert loaded().equipment is not None
    assert loaded().session.studio_component_ids
    spec = spec_of(loaded().session, loaded().equipment, script_seconds=77)
    assert (spec.scripts, spec.mounts, spec.environment) == ([], [], {})
    assert spec.script_seconds == 77
    studio.later(session)
    made.engine.crash(session["sessionId"])
    # The look that finds it gone begins a heal; the next one starts it again, scripts and all.
    outcome = worker.act(loaded(), made.clock())
    assert outcome.step.event == "heal"
    with made.service.database.transaction() as transaction:
        worker.apply(transaction, loaded(), outcome, made.clock())
    assert loaded().equipment is not None


def test_a_healthy_session_costs_the_database_nothing(written: Written) -> None:
    world = written.studio.world
    world.advance(timedelta(seconds=10))
    statement = select(store.table).where(store.table.c.id == written.id)

    def stored() -> tuple[Any, ...]:
        with world.service.database.transaction(write=False) as transaction:
            return tuple(transaction.execute(statement).one())

    before, changes = stored(), written.due_at()
    for _ in range(20):
        world.advance(timedelta(seconds=3))
    assert stored() == before
    assert changes is not None
    assert changes > world.clock()
    # And yet it is looked after.
    world.engine.crash(written.id)
    world.advance(timedelta(seconds=6))
    assert written.read().attempt == 2


def test_a_session_says_that_its_host_does_not_answer(studio: Studio) -> None:
    session = studio.launch()
    engine = studio.world.engine
    engine.misbehave(Misbehaviour.OUT_OF_REACH, ref=session["sessionId"], times=1000)
    studio.world.advance(timedelta(seconds=30))
    seen = studio.world.see(session)
    assert seen["state"] == "READY"
    assert seen["statusMessage"] == (
        "Out of reach. The host n2 of the workstation does not answer."
    )
    engine.calm()
    studio.world.advance(timedelta(seconds=30))
    assert studio.world.see(session)["statusMessage"] == "The workstation can be reached again."
