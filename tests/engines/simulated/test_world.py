"""What there is in memory, and what may be done with it."""

from datetime import UTC, datetime

import pytest
from tests.engines.simulated.conftest import BACKUP, OTHER, REF

from soundstage.engines.interface import Phase, Reason, RetryableError
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.engines.simulated.world import Backup, Workstation, World

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_backup_is_found_by_whose_it_is() -> None:
    backup = Backup(REF, {"a": b"12", "b": b"345"}, NOW, None)
    world = World(backups={BACKUP: backup})
    assert world.backup(REF, BACKUP) is backup
    assert world.backup(OTHER, BACKUP) is None
    assert backup.size_bytes == 5


def test_one_that_is_lost_is_seen_once() -> None:
    backup = Backup(REF, {}, NOW, Misbehaviour.LOSES_BACKUP)
    assert (backup.is_failing, backup.is_lost) == (False, False)
    backup.times_seen = 1
    assert World(backups={BACKUP: backup}).backup(REF, BACKUP) is None


def test_a_disk_is_in_use_until_its_workstation_rests() -> None:
    workstation = Workstation(Phase.STOPPING, NOW)
    with pytest.raises(RetryableError, match="not stopped yet"):
        workstation.expect_rest()
    workstation.enter(Phase.FAILED, NOW, "Why.", Reason.BACKUP)
    workstation.expect_rest()
    workstation.enter(Phase.STOPPED, NOW)
    assert (workstation.detail, workstation.reason) == ("", Reason.INTERNAL)
