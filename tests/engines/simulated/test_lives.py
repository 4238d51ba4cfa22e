"""Each step takes the time that it is told to, and goes as it is told to."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.engines.simulated.conftest import BACKUP, OTHER, REF, Studio

from soundstage.engines.interface import BackupPhase, Phase, Reason, Script, Volume
from soundstage.engines.simulated.misbehaviour import Misbehaviour


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


def test_a_file_of_nobody_is_an_error_of_the_test(studio: Studio) -> None:
    with pytest.raises(KeyError):
        studio.engine.read(REF, "mine")


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
