"""A store of backups that does not answer costs time, and never work."""

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.testing.backups import read_shot, write_shot
from soundstage.testing.walks import Studio


def test_a_store_that_comes_back_in_time_is_waited_for(studio: Studio) -> None:
    session = studio.launch()
    studio.world.engine.misbehave(Misbehaviour.LOSES_STORE, times=3)
    studio.call("StopStreamingSession", session)
    waiting = studio.later(session, 20)
    assert waiting["state"] == "STOP_IN_PROGRESS"
    assert studio.later(session, 60)["state"] == "STOPPED"
    assert [backup["state"] for backup in studio.backups()] == ["READY"]


def test_a_store_that_stays_away_fails_the_backup_and_keeps_the_disk(studio: Studio) -> None:
    session = studio.launch()
    write_shot(studio, session, b"only here")
    studio.world.engine.misbehave(Misbehaviour.LOSES_STORE, times=1000)
    studio.call("StopStreamingSession", session, volumeRetentionMode="DELETE")
    stopped = studio.later(session, 400)
    assert stopped["state"] == "STOPPED"
    assert "does not answer" in stopped["statusMessage"]
    assert [backup["state"] for backup in studio.backups()] == ["CREATE_FAILED"]
    studio.start(session)
    assert read_shot(studio, session) == b"only here"
