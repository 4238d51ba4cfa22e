"""A lost host comes back: what a session left there ends, and its work is kept."""

from datetime import timedelta

from tests.resources.sessions.conftest import Lost
from tests.resources.sessions.test_moving import kinds

from soundstage.engines.interface import Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour

MINUTES = timedelta(minutes=1)


def moved(lost: Lost) -> None:
    """Lose its host for so long that it is brought up elsewhere."""
    lost.lose()
    lost.studio.world.advance(11 * MINUTES)
    assert lost.ref_now != lost.ref


def test_the_old_one_is_stopped_kept_as_a_backup_and_removed(lost: Lost) -> None:
    moved(lost)
    lost.studio.world.service.housekeeping.sweep()
    lost.engine.calm()
    assert lost.engine.observe(lost.ref).phase is Phase.RUNNING
    lost.studio.world.advance(timedelta(seconds=6))
    assert lost.engine.observe(lost.ref).phase is not Phase.RUNNING
    lost.studio.world.advance(MINUTES)
    assert lost.engine.observe(lost.ref).phase is Phase.ABSENT
    assert lost.engine.observe(lost.ref_now).phase is Phase.RUNNING
    assert lost.studio.world.see(lost.session)["state"] == "READY"
    assert kinds(lost.studio, lost.session)[-2:] == ["FENCED", "CLEARED"]
    # The work that had no backup yet can be had again.
    newest = lost.studio.backups("READY")[-1]
    lost.studio.stop(lost.session)
    started = lost.studio.start(lost.session, backupId=newest["backupId"])
    assert started["state"] == "READY"
    assert lost.scene() == b"since the backup"


def test_a_disk_that_was_given_up_is_made_of_the_new_one_s_backups(lost: Lost) -> None:
    moved(lost)
    lost.engine.write(lost.ref_now, "scene", b"elsewhere")
    lost.studio.stop(lost.session, volumeRetentionMode="DELETE")
    lost.engine.calm()
    # The old host's backup is younger than the new one's, and its work is older.
    lost.studio.world.advance(MINUTES)
    assert lost.studio.start(lost.session)["state"] == "READY"
    assert lost.scene() == b"elsewhere"


def test_no_failure_removes_the_disk(lost: Lost) -> None:
    moved(lost)
    lost.engine.calm()
    lost.engine.misbehave(Misbehaviour.FAILS_BACKUP, ref=lost.ref)
    lost.studio.world.advance(30 * MINUTES)
    assert lost.engine.observe(lost.ref).phase is Phase.STOPPED
    assert lost.scene(lost.ref) == b"since the backup"
    lost.studio.world.advance(90 * MINUTES)
    assert lost.engine.observe(lost.ref).phase is Phase.ABSENT


def test_what_a_deleted_session_left_is_removed_at_once(lost: Lost) -> None:
    moved(lost)
    lost.studio.delete(lost.session)
    lost.engine.calm()
    lost.studio.world.advance(MINUTES)
    assert lost.engine.refs() == set()
