"""The simulated engine takes the time it is told to, and fails as it is told to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from soundstage.engines.interface import (
    BackupPhase,
    Message,
    OutOfReachError,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Script,
    Spec,
    Volume,
)
from soundstage.engines.simulated import Misbehaviour, SimulatedEngine

REF, OTHER, BACKUP = "r" * 22, "o" * 22, "b" * 22


class Studio:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.engine = SimulatedEngine(lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def start(
        self,
        attempt: int = 1,
        *,
        ref: str = REF,
        volume: Volume | None = None,
        scripts: list[Script] | None = None,
    ) -> None:
        spec = Spec(
            image="ami-any",
            instance_type="g4dn.xlarge",
            volume=volume or Volume(),
            attempt=attempt,
            scripts=scripts or [],
        )
        self.engine.ensure_running(ref, spec)

    def phase(self, ref: str = REF) -> Phase:
        return self.engine.observe(ref).phase

    def back_up(self) -> BackupPhase:
        self.engine.ensure_backup(REF, BACKUP)
        self.wait(self.engine.backup_seconds)
        return self.engine.observe_backup(REF, BACKUP).phase

    def rest(self) -> None:
        self.start()
        self.wait(self.engine.start_seconds)
        self.engine.ensure_stopped(REF)
        self.wait(self.engine.stop_seconds)
        assert self.phase() is Phase.STOPPED


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_it_says_until_when_a_step_lasts(studio: Studio) -> None:
    steps: list[tuple[Callable[[], None], Phase]] = [
        (studio.start, Phase.RUNNING),
        (lambda: studio.engine.ensure_stopped(REF), Phase.STOPPED),
    ]
    for begin, after in steps:
        begin()
        until = studio.engine.observe(REF).until
        assert until is not None
        studio.now = until - timedelta(milliseconds=1)
        assert studio.phase() is not after
        studio.now = until
        found = studio.engine.observe(REF)
        assert (found.phase, found.until) == (after, None)


def test_each_step_takes_its_time(studio: Studio) -> None:
    engine = studio.engine
    engine.start_seconds, engine.stop_seconds, engine.backup_seconds = 5, 7, 9
    studio.start()
    studio.wait(4.9)
    assert studio.phase() is Phase.STARTING
    studio.wait(0.1)
    assert studio.phase() is Phase.RUNNING
    assert engine.observe(REF).since == studio.now
    engine.ensure_stopped(REF)
    studio.wait(6.9)
    assert studio.phase() is Phase.STOPPING
    studio.wait(0.1)
    assert studio.phase() is Phase.STOPPED
    engine.ensure_backup(REF, BACKUP)
    studio.wait(8.9)
    assert engine.observe_backup(REF, BACKUP).phase is BackupPhase.RUNNING
    studio.wait(0.1)
    assert engine.observe_backup(REF, BACKUP).phase is BackupPhase.COMPLETE


def test_a_restore_takes_its_time_before_the_start(studio: Studio) -> None:
    studio.rest()
    studio.engine.write(REF, "mine", b"kept")
    studio.back_up()
    studio.engine.write(REF, "mine", b"changed")
    studio.start(2, volume=Volume(generation=1, backup_id=BACKUP))
    studio.wait(studio.engine.backup_seconds)
    assert studio.phase() is Phase.STARTING
    assert studio.engine.read(REF, "mine") == b"kept"
    studio.wait(studio.engine.start_seconds)
    assert studio.phase() is Phase.RUNNING


def test_never_starts(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.NEVER_STARTS)
    studio.start()
    studio.wait(100_000)
    assert studio.phase() is Phase.STARTING


def test_dies_while_starting_and_starts_at_the_next_attempt(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.DIES_WHILE_STARTING, ref=REF)
    studio.start(ref=OTHER)
    studio.start()
    studio.wait(2)
    assert (studio.phase(), studio.phase(OTHER)) == (Phase.FAILED, Phase.RUNNING)
    studio.start(2)
    studio.wait(2)
    assert studio.phase() is Phase.RUNNING


def test_crashes_when_running(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.CRASHES)
    studio.start()
    studio.wait(2)
    assert studio.phase() is Phase.RUNNING
    assert studio.phase() is Phase.STOPPED
    assert studio.engine.observe(REF).detail == "It crashed."


def test_crashes_at_a_chosen_moment(studio: Studio) -> None:
    studio.start()
    studio.wait(2)
    studio.engine.crash(REF)
    assert studio.phase() is Phase.STOPPED
    studio.engine.crash(OTHER)


def test_answers_late_and_stops_slowly(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.ANSWERS_LATE)
    studio.engine.misbehave(Misbehaviour.STOPS_SLOWLY)
    studio.start()
    studio.wait(19)
    assert studio.phase() is Phase.STARTING
    studio.wait(1)
    assert studio.phase() is Phase.RUNNING
    studio.engine.ensure_stopped(REF)
    studio.wait(9)
    assert studio.phase() is Phase.STOPPING
    studio.wait(1)
    assert studio.phase() is Phase.STOPPED


def test_fails_a_backup_once(studio: Studio) -> None:
    studio.rest()
    studio.engine.misbehave(Misbehaviour.FAILS_BACKUP)
    assert studio.back_up() is BackupPhase.FAILED
    assert studio.back_up() is BackupPhase.COMPLETE


def test_loses_a_backup(studio: Studio) -> None:
    studio.rest()
    studio.engine.misbehave(Misbehaviour.LOSES_BACKUP)
    assert studio.back_up() is BackupPhase.COMPLETE
    assert studio.engine.observe_backup(REF, BACKUP).phase is BackupPhase.ABSENT


def test_fails_a_restore_and_keeps_the_volume(studio: Studio) -> None:
    studio.rest()
    studio.engine.write(REF, "mine", b"kept")
    studio.back_up()
    studio.engine.misbehave(Misbehaviour.FAILS_RESTORE)
    studio.start(2, volume=Volume(generation=1, backup_id=BACKUP))
    studio.wait(10)
    observed = studio.engine.observe(REF)
    assert (observed.phase, observed.reason, observed.volume_generation) == (
        Phase.FAILED,
        Reason.BACKUP,
        0,
    )
    assert studio.engine.read(REF, "mine") == b"kept"


def test_out_of_capacity_for_the_next_two(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.OUT_OF_CAPACITY, times=2)
    for _ in range(2):
        with pytest.raises(PermanentError) as raised:
            studio.start()
        assert raised.value.reason is Reason.CAPACITY
    studio.start()
    assert studio.phase() is Phase.STARTING


def test_the_place_of_one_that_crashed_is_kept_for_a_while(studio: Studio) -> None:
    engine = studio.engine
    engine.most_workstations = 1
    studio.start()
    studio.wait(3)
    engine.crash(REF)
    with pytest.raises(PermanentError, match="1 fit, and 1 have a place") as raised:
        studio.start(ref=OTHER)
    assert raised.value.reason is Reason.CAPACITY
    assert list(engine.room().workstations) == [REF]
    studio.wait(121)
    studio.start(ref=OTHER)
    assert list(engine.room().workstations) == [OTHER]


def test_where_any_number_fits_a_start_looks_at_no_other_workstation() -> None:
    asked: list[datetime] = []
    studio = Studio()
    studio.engine = SimulatedEngine(lambda: asked.append(studio.now) or studio.now)  # type: ignore[func-returns-value]
    needed = []
    for number in range(50):
        asked.clear()
        studio.start(ref=f"{number:022}")
        needed.append(len(asked))
    assert needed[-1] == needed[0]


def test_who_stops_gives_the_place_away_at_once(studio: Studio) -> None:
    studio.engine.most_workstations = 1
    studio.rest()
    assert studio.engine.room().promised.cpus == 0
    studio.start(ref=OTHER)
    assert studio.engine.room().promised == studio.engine.room().size


def test_a_new_one_goes_to_the_host_with_the_fewest(studio: Studio) -> None:
    engine = studio.engine
    engine.host_list = ("n1", "n2")
    refs = [f"{number:022}" for number in range(4)]
    for ref in refs:
        studio.start(ref=ref)
    assert [engine.observe(ref).host for ref in refs] == ["n1", "n2", "n1", "n2"]
    assert engine.room().promised.cpus == 16
    assert engine.room(avoid=["n2"]).promised.cpus == 8
    assert engine.room(avoid=["n1", "n2"]).to_promise.cpus == 0


def test_a_lost_host_takes_its_own_along(studio: Studio) -> None:
    engine = studio.engine
    engine.host_list = ("n1", "n2")
    studio.start()
    studio.start(ref=OTHER)
    engine.lost_hosts = frozenset({"n1"})
    with pytest.raises(OutOfReachError, match="The host n1"):
        engine.observe(REF)
    assert engine.observe(OTHER).phase is Phase.STARTING
    lost = engine.hosts()[0]
    assert (lost.is_reachable, lost.room, lost.running) == (False, None, {REF})
    assert set(engine.room().workstations) == {OTHER}


def test_raises_as_often_as_told_for_whom_it_was_told(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.RETRYABLE, ref=REF, times=2)
    studio.start(ref=OTHER)
    for _ in range(2):
        with pytest.raises(RetryableError):
            studio.engine.observe(REF)
    assert studio.phase() is Phase.ABSENT


def test_another_sessions_backup_is_absent(studio: Studio) -> None:
    studio.rest()
    studio.back_up()
    assert studio.engine.observe_backup(OTHER, BACKUP).phase is BackupPhase.ABSENT


def test_a_file_of_nobody_is_an_error_of_the_test(studio: Studio) -> None:
    with pytest.raises(KeyError):
        studio.engine.read(REF, "mine")


def test_messages_and_use_are_of_one_attempt(studio: Studio) -> None:
    message = Message(key="a", title="Soon", text="It stops.")
    studio.start()
    with pytest.raises(RetryableError):
        studio.engine.show_message(REF, message)
    studio.wait(2)
    for _ in range(2):
        studio.engine.show_message(REF, message)
    studio.engine.work(REF, 3.0)
    assert studio.engine.shown(REF) == [message]
    assert studio.engine.observe_use(REF).cpu_seconds == 3.0
    studio.engine.crash(REF)
    with pytest.raises(RetryableError):
        studio.engine.observe_use(REF)
    studio.start(2)
    studio.wait(2)
    assert studio.engine.shown(REF) == []
    assert studio.engine.observe_use(REF).cpu_seconds == 0.0
    assert studio.engine.shown(OTHER) == []


def test_of_a_script_it_understands_what_tells_how_it_went(studio: Studio) -> None:
    scripts = [
        Script(component="A", as_root=True, text="#!/bin/sh\nset -e\necho 'one'\nexit 0\necho no"),
        Script(
            component="B",
            as_root=False,
            text="echo $WORD and $SHORT\nexit 2",
            environment={"WORD": "opensesame", "SHORT": "abc"},
            secrets=["opensesame", "abc"],
            failure=Reason.DIRECTORY,
        ),
        Script(component="C", as_root=False, text="echo never"),
    ]
    studio.start(scripts=scripts)
    assert studio.engine.script_output(REF) == []
    studio.wait(studio.engine.start_seconds)
    observed = studio.engine.observe(REF)
    assert (observed.phase, observed.reason) == (Phase.FAILED, Reason.DIRECTORY)
    assert "user script of the component 'B' ended with code 2" in observed.detail
    kept = [(each.exit_code, each.output) for each in studio.engine.script_output(REF)]
    assert kept == [(0, "one\n"), (2, "*** and abc\n")]
    assert studio.engine.script_output(OTHER) == []


def test_what_scripts_said_is_kept_for_five_starts(studio: Studio) -> None:
    for attempt in range(1, 8):
        studio.start(attempt, scripts=[Script(component="A", as_root=True, text="exit 1")])
        studio.wait(studio.engine.start_seconds)
        assert studio.phase() is Phase.FAILED
    attempts = [each.attempt for each in studio.engine.script_output(REF)]
    assert attempts == [3, 4, 5, 6, 7]
