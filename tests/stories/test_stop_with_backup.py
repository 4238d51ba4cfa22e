"""A stop with its backup, rotation, and the ways back; also when the service dies in between."""

import contextlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from soundstage.client.calls import CallError
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit.convergence import Worker
from soundstage.reconciler.loop import Loop
from soundstage.testing.walks import Studio


def write(studio: Studio, session: dict[str, Any], content: bytes) -> None:
    studio.world.engine.write(session["sessionId"], "work.txt", content)


def read(studio: Studio, session: dict[str, Any]) -> bytes | None:
    return studio.world.engine.read(session["sessionId"], "work.txt")


def test_an_automatic_stop_makes_a_backup_that_brings_the_work_back(
    either_studio: Studio,
) -> None:
    studio = either_studio
    session = studio.launch()
    write(studio, session, b"first")
    studio.world.advance(timedelta(minutes=689))
    assert studio.world.see(session)["state"] == "READY"
    studio.world.advance(timedelta(minutes=2))
    stopped = studio.world.see(session)
    assert (stopped["state"], stopped["stoppedBy"]) == ("STOPPED", "soundstage")
    (backup,) = studio.backups()
    assert backup["state"] == "READY"
    assert backup["sessionId"] == session["sessionId"]
    # A plain start goes on with the disk as it was left.
    assert studio.start(session)["state"] == "READY"
    assert read(studio, session) == b"first"
    write(studio, session, b"second")
    studio.stop(session)
    restored = studio.start(session, backupId=backup["backupId"])
    assert (restored["state"], restored["startedFromBackupId"]) == ("READY", backup["backupId"])
    assert read(studio, session) == b"first"
    assert len(studio.backups("READY")) == 2


def test_the_backup_can_be_polled_while_the_session_stops(studio: Studio) -> None:
    session = studio.launch()
    studio.call("StopStreamingSession", session)
    stopping = studio.later(session, 2)
    assert stopping["state"] == "STOP_IN_PROGRESS"
    assert [backup["state"] for backup in studio.backups()] == ["CREATE_IN_PROGRESS"]
    assert studio.later(session)["state"] == "STOPPED"


def test_the_oldest_backup_goes_only_when_a_newer_one_is_there(studio: Studio) -> None:
    session = studio.launch()
    for number in range(2):
        write(studio, session, b"%d" % number)
        studio.stop(session)
        studio.start(session)
    oldest, newer = studio.backups("READY")
    studio.call("StopStreamingSession", session)
    studio.later(session, 2)
    assert [backup["state"] for backup in studio.backups()] == [
        "READY",
        "READY",
        "CREATE_IN_PROGRESS",
    ]
    studio.later(session)
    kept = studio.backups("READY")
    assert kept[0]["backupId"] == newer["backupId"]
    assert len(kept) == 2
    assert oldest["backupId"] not in studio.world.engine.world.backups
    assert len(studio.world.engine.world.backups) == 2


def test_a_failed_backup_costs_neither_the_disk_nor_an_older_backup(studio: Studio) -> None:
    session = studio.launch()
    for _ in range(2):
        studio.stop(session)
        studio.start(session)
    write(studio, session, b"dear")
    studio.world.engine.misbehave(Misbehaviour.FAILS_BACKUP)
    stopped = studio.stop(session, volumeRetentionMode="DELETE")
    assert stopped["state"] == "STOPPED"
    assert "Its backup failed, so its disk is kept" in stopped["statusMessage"]
    assert len(studio.backups("READY")) == 2
    assert [backup["state"] for backup in studio.backups("CREATE_FAILED")] == ["CREATE_FAILED"]
    studio.start(session)
    assert read(studio, session) == b"dear"


def test_a_failed_restore_loses_nothing(studio: Studio) -> None:
    session = studio.launch()
    write(studio, session, b"old")
    studio.stop(session)
    studio.start(session)
    write(studio, session, b"new")
    studio.stop(session)
    studio.world.engine.misbehave(Misbehaviour.FAILS_RESTORE)
    failed = studio.start(session, backupId=studio.backups()[0]["backupId"])
    assert (failed["state"], failed["statusCode"]) == ("START_FAILED", "INTERNAL_ERROR")
    assert failed["statusMessage"] == "The backup could not be restored."
    assert studio.start(session)["state"] == "READY"
    assert read(studio, session) == b"new"
    studio.stop(session)
    oldest = studio.backups("READY")[0]
    assert studio.start(session, backupId=oldest["backupId"])["state"] == "READY"


def test_a_disk_that_was_given_up_comes_back_from_the_newest_backup(studio: Studio) -> None:
    session = studio.launch()
    write(studio, session, b"old")
    studio.stop(session)
    studio.start(session)
    write(studio, session, b"new")
    stopped = studio.stop(session, volumeRetentionMode="DELETE")
    assert (stopped["state"], stopped["volumeRetentionMode"]) == ("STOPPED", "DELETE")
    assert studio.world.engine.observe(session["sessionId"]).volume_generation is None
    assert studio.start(session)["state"] == "READY"
    assert read(studio, session) == b"new"


def test_a_failed_restore_after_the_disk_was_given_up_can_be_tried_again(studio: Studio) -> None:
    session = studio.launch()
    write(studio, session, b"only")
    studio.stop(session, volumeRetentionMode="DELETE")
    studio.world.engine.misbehave(Misbehaviour.FAILS_RESTORE)
    assert studio.start(session)["state"] == "START_FAILED"
    assert studio.start(session)["state"] == "READY"
    assert read(studio, session) == b"only"


def test_a_backup_must_be_the_session_s_and_ready(studio: Studio) -> None:
    session, other = studio.launch(), studio.launch()
    studio.stop(session)
    studio.stop(other)
    theirs = next(
        backup for backup in studio.backups() if backup["sessionId"] == other["sessionId"]
    )
    with pytest.raises(CallError, match="of another session") as caught:
        studio.call("StartStreamingSession", session, backupId=theirs["backupId"])
    assert caught.value.name == "ValidationException"
    studio.start(session)
    studio.world.engine.misbehave(Misbehaviour.FAILS_BACKUP)
    studio.stop(session)
    (failed,) = studio.backups("CREATE_FAILED")
    with pytest.raises(CallError, match="must be READY") as caught:
        studio.call("StartStreamingSession", session, backupId=failed["backupId"])
    assert caught.value.name == "ValidationException"


def test_a_slow_stop_is_waited_for_and_one_too_slow_can_be_asked_again(studio: Studio) -> None:
    session = studio.launch()
    studio.world.engine.misbehave(Misbehaviour.STOPS_SLOWLY)
    assert studio.stop(session)["state"] == "STOPPED"
    studio.start(session)
    studio.world.engine.stop_seconds = 150
    studio.call("StopStreamingSession", session)
    late = studio.later(session, 130)
    assert late["state"] == "STOP_FAILED"
    assert "did not stop in time" in late["statusMessage"]
    studio.later(session, 60)
    assert studio.stop(session)["state"] == "STOPPED"


def test_a_storm_of_errors_is_waited_out(studio: Studio) -> None:
    session = studio.launch()
    write(studio, session, b"work")
    studio.call("StopStreamingSession", session)
    studio.world.engine.misbehave(Misbehaviour.RETRYABLE, times=30)
    assert studio.later(session, 90)["state"] == "STOPPED"
    assert len(studio.backups("READY")) == 1


class Killed(BaseException):
    """The service's process has ended, by no fault of its code."""


class Mortal:
    """A worker in whose hands the service dies at one of its steps."""

    def __init__(self, worker: Worker[Any, Any], life: "Life") -> None:
        self._worker, self._life = worker, life
        self.name, self.table, self.wake = worker.name, worker.table, worker.wake
        self.load, self.due_at = worker.load, worker.due_at
        self.is_decision = worker.is_decision

    def act(self, loaded: Any, now: datetime) -> Any:
        self._life.pass_by("before")
        outcome = self._worker.act(loaded, now)
        self._life.pass_by("after")
        return outcome

    def apply(self, transaction: Connection, loaded: Any, outcome: Any, now: datetime) -> None:
        self._worker.apply(transaction, loaded, outcome, now)
        self._life.pass_by("unwritten")


class Life:
    """Counts the steps of a kind, and ends at one of them; then no step of any kind is done."""

    def __init__(self, where: str, last: int) -> None:
        self._where, self._left = where, last
        self.has_ended = False
        self.is_followed = False
        """Reports whether another process has taken over."""

    def pass_by(self, where: str) -> None:
        if where == self._where:
            self._left -= 1
        self.has_ended = self.has_ended or self._left < 0
        if self.has_ended:
            raise Killed


def run(studio: Studio, life: Life, duration: timedelta) -> None:
    """Let time pass; when the service is killed, another one goes on within a second."""
    world = studio.world
    end = world.clock() + duration
    if not life.has_ended:
        workers = [Mortal(worker, life) for worker in world.service.workers]
        world.service.loop = Loop(world.service.database, workers, world.clock)
    while world.clock() < end:
        with contextlib.suppress(Killed):
            world.advance(timedelta(seconds=1))
        if life.has_ended and not life.is_followed:
            life.is_followed = True
            world.restart()


@pytest.mark.parametrize("where", ["before", "after", "unwritten"])
def test_a_kill_at_any_step_changes_nothing_in_the_end(studio: Studio, where: str) -> None:
    """Stop with a backup, start from the first one: killed once at each step of the way."""
    engine = studio.world.engine
    # Few looks a step, so that every one of them can be the last.
    engine.start_seconds = engine.stop_seconds = engine.backup_seconds = 0.1
    for last in range(40):
        life = Life(where, last)
        made = studio.world.operator.call(
            "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
        )["session"]
        session = studio.later(made, 1)
        assert session["state"] == "READY", last
        write(studio, session, b"first")
        studio.call("StopStreamingSession", session)
        run(studio, life, timedelta(seconds=4))
        assert studio.world.see(session)["state"] == "STOPPED", last
        mine = [
            backup
            for backup in studio.backups("READY")
            if backup["sessionId"] == session["sessionId"]
        ]
        assert len(mine) == 1, last
        studio.call("StartStreamingSession", session, backupId=mine[0]["backupId"])
        run(studio, life, timedelta(seconds=4))
        assert studio.world.see(session)["state"] == "READY", last
        assert read(studio, session) == b"first"
        studio.call("DeleteStreamingSession", session)
        run(studio, life, timedelta(seconds=3))
        assert studio.world.see(session)["state"] == "DELETED", last
        assert len(studio.world.engine.world.backups) == last + 1
        assert studio.world.engine.refs() == set()
        if not life.has_ended:
            return
    pytest.fail("The story has more steps than this test has patience.")
