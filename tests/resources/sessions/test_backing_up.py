"""A backup is made when somebody asks, of a session that rests or runs."""

import pytest

from soundstage.client.calls import CallError
from soundstage.testing.backups import ask_for_backup, read_shot, see_backup, write_shot
from soundstage.testing.walks import Studio


def test_a_running_session_is_backed_up_and_goes_on(studio: Studio) -> None:
    session = studio.launch()
    write_shot(studio, session, b"as it was")
    backup = ask_for_backup(studio, session, clientToken="once")
    assert backup["state"] == "CREATE_IN_PROGRESS"
    assert ask_for_backup(studio, session, clientToken="once")["backupId"] == backup["backupId"]
    assert studio.later(session)["state"] == "READY"
    assert see_backup(studio, backup)["state"] == "READY"
    assert len(studio.backups()) == 1
    write_shot(studio, session, b"later")
    studio.stop(session)
    studio.start(session, backupId=backup["backupId"])
    assert read_shot(studio, session) == b"as it was"


def test_a_stopped_session_is_backed_up_and_rotation_counts_it(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    first = studio.backups("READY")[0]
    second = ask_for_backup(studio, session)
    studio.later(session)
    assert len(studio.backups("READY")) == 2
    third = ask_for_backup(studio, session)
    # The oldest goes only when the new one is there.
    assert see_backup(studio, first)["state"] == "READY"
    studio.later(session)
    ready = [backup["backupId"] for backup in studio.backups("READY")]
    assert ready == [second["backupId"], third["backupId"]]
    assert see_backup(studio, first)["state"] == "DELETED"


def test_one_at_a_time_and_only_when_there_is_a_disk_to_copy(studio: Studio) -> None:
    session = studio.launch()
    ask_for_backup(studio, session)
    with pytest.raises(CallError, match="Another backup"):
        ask_for_backup(studio, session)
    studio.later(session)
    studio.call("StopStreamingSession", session, volumeRetentionMode="DELETE")
    with pytest.raises(CallError, match="STOP_IN_PROGRESS"):
        ask_for_backup(studio, session)
    assert studio.later(session)["state"] == "STOPPED"
    with pytest.raises(CallError, match="no disk"):
        ask_for_backup(studio, session)


def test_a_profile_without_backups_has_none_on_demand_either(studio: Studio) -> None:
    profile = studio.world.profile(studio.id, sessionPersistenceMode="ACTIVATED")
    session = studio.world.session(studio.id, profile["launchProfileId"])
    with pytest.raises(CallError, match="maxBackupsToRetain"):
        ask_for_backup(studio, session)
