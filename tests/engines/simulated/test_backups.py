"""Backups fail and are lost as they are told to."""

from tests.engines.simulated.conftest import BACKUP, OTHER, REF, Studio

from soundstage.engines.interface import BackupPhase
from soundstage.engines.simulated.misbehaviour import Misbehaviour


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


def test_another_sessions_backup_is_absent(studio: Studio) -> None:
    studio.rest()
    studio.back_up()
    assert studio.engine.observe_backup(OTHER, BACKUP).phase is BackupPhase.ABSENT
