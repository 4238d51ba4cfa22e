"""A kept database on a new machine: every session rests, and knows what it can start from."""

from dataclasses import replace
from datetime import timedelta

from soundstage.engines.interface import BackupCheck
from soundstage.resources.sessions import recovery
from soundstage.resources.sessions.recovery import Recovered
from soundstage.testing.backups import read_shot, see_backup, write_shot
from soundstage.testing.walks import Studio

WEEK = timedelta(days=7)


def lose_the_machine(studio: Studio) -> None:
    studio.world.engine.world.workstations.clear()


def settle(studio: Studio, check: BackupCheck | None = None) -> Recovered:
    made = studio.world
    found = check or made.engine.check_backups(data=None)
    with made.service.database.transaction() as transaction:
        return recovery.settle(transaction, found, made.clock(), keep_backups_for=WEEK)


def test_sessions_rest_and_start_from_their_newest_backup(studio: Studio) -> None:
    running, never = studio.launch(), studio.launch()
    write_shot(studio, running, b"kept")
    studio.stop(running)
    studio.start(running)
    write_shot(studio, running, b"lost")
    lose_the_machine(studio)
    found = settle(studio)
    assert (found.with_backup, found.without_backup) == (1, [never["sessionId"]])
    for session in (running, never):
        assert studio.later(session)["state"] == "STOPPED"
    assert "empty disk" in studio.world.see(never)["statusMessage"]
    assert studio.start(running)["state"] == "READY"
    assert read_shot(studio, running) == b"kept"
    assert studio.start(never)["state"] == "READY"
    assert read_shot(studio, never) is None


def test_a_session_that_began_with_a_lost_backup_can_begin_anew(studio: Studio) -> None:
    first = studio.launch()
    studio.stop(first)
    (backup,) = studio.backups("READY")
    second = studio.launch(backupId=backup["backupId"])
    lose_the_machine(studio)
    studio.world.engine.world.backups.clear()
    found = settle(studio)
    assert found.missing == 1
    assert studio.start(second)["state"] == "READY"
    assert see_backup(studio, backup)["state"] == "DELETED"


def test_backups_made_after_the_database_was_kept_are_taken_up(studio: Studio) -> None:
    session = studio.launch()
    write_shot(studio, session, b"older")
    studio.stop(session)
    kept = studio.world.engine.world.backups
    (old,) = kept
    lose_the_machine(studio)
    newer, stranger = "n" * 22, "s" * 22
    check = BackupCheck(
        backup_ids={old, newer, stranger},
        refs={old: session["sessionId"], newer: session["sessionId"], stranger: "x" * 22},
        sizes={old: 5, newer: 6, stranger: 7},
        made_at=dict.fromkeys((old, newer, stranger), studio.world.clock()),
        problems=[],
    )
    kept[newer] = replace(kept[old], files={"show/shot.blend": b"newer"})
    assert settle(studio, check).adopted == 1
    assert [backup["backupId"] for backup in studio.backups("READY")] == [old, newer]
    studio.start(session)
    assert read_shot(studio, session) == b"newer"


def test_what_was_about_to_go_is_kept_a_while_longer(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    studio.delete(session)
    (backup,) = studio.backups("READY")
    lose_the_machine(studio)
    studio.world.clock.advance(timedelta(days=30))
    settle(studio)
    studio.world.advance(timedelta(days=6))
    assert see_backup(studio, backup)["state"] == "READY"


def test_a_session_that_can_not_rest_can_be_deleted(studio: Studio) -> None:
    profile = studio.world.profile(studio.id, sessionPersistenceMode="DEACTIVATED")
    session = studio.world.session(studio.id, profile["launchProfileId"])
    lose_the_machine(studio)
    settle(studio)
    assert studio.world.see(session)["state"] == "STOP_FAILED"
    assert studio.delete(session)["state"] == "DELETED"
