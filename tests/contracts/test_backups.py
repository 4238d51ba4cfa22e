"""One suite for every engine's disks and backups; a test is a sentence of `engines/interface.py`.

The tests share one workstation as those of test_engines.py do. What a workstation's system is made
from makes no difference to its disk, so none of them runs on an image too.
"""

import contextlib
import tempfile

import pytest

from soundstage.engines.interface import (
    BackupPhase,
    NoSuchEntryError,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    SupportsBrowsing,
    SupportsChecking,
    SupportsPersistence,
    SupportsStudioCopies,
)
from soundstage.testing.contract import RESTING, Workstation, new_id

pytestmark = pytest.mark.parametrize(
    "harness",
    ["simulated", "sandbox", pytest.param("incus", marks=pytest.mark.incus)],
    indirect=True,
    scope="module",
)


def test_no_backup_and_no_removal_of_the_volume_while_it_runs(workstation: Workstation) -> None:
    workstation.run()
    with pytest.raises(RetryableError):
        workstation.backups.ensure_backup(workstation.ref, new_id())
    assert isinstance(workstation.engine, SupportsPersistence)
    with pytest.raises(RetryableError):
        workstation.engine.ensure_volume_absent(workstation.ref)
    assert workstation.phase() is Phase.RUNNING


def test_a_backup_goes_over_running_to_complete_and_is_made_once(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.harness.put(workstation.ref, "mine", b"x" * 100)
    workstation.backups.ensure_backup(workstation.ref, backup_id)
    assert workstation.observed(backup_id).phase is BackupPhase.RUNNING
    workstation.backups.ensure_backup(workstation.ref, backup_id)
    observed = workstation.back_up(backup_id)
    assert observed.size_bytes is not None
    assert observed.size_bytes >= 100
    # What is COMPLETE stays as it was made.
    workstation.harness.put(workstation.ref, "mine", b"y" * 200_000)
    workstation.backups.ensure_backup(workstation.ref, backup_id)
    assert workstation.observed(backup_id) == observed


def test_a_backup_survives_the_death_of_the_service(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.backups.ensure_backup(workstation.ref, backup_id)
    workstation.harness.restart()
    workstation.back_up(backup_id)
    workstation.harness.restart()
    workstation.harness.until(lambda: workstation.observed(backup_id).phase is BackupPhase.COMPLETE)


def test_there_is_no_backup_of_what_is_not_there(workstation: Workstation) -> None:
    backup_id = new_id()
    with pytest.raises(PermanentError):
        workstation.backups.ensure_backup(new_id(), backup_id)


def test_a_removed_backup_is_absent(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.back_up(backup_id)
    workstation.harness.until(
        lambda: workstation.observed(backup_id).phase is BackupPhase.ABSENT,
        lambda: workstation.backups.ensure_backup_absent(workstation.ref, backup_id),
    )


def test_a_failed_restore_loses_nothing(workstation: Workstation) -> None:
    workstation.rest()
    workstation.harness.put(workstation.ref, "mine", b"precious")
    before = workstation.engine.observe(workstation.ref).volume_generation
    assert before is not None
    workstation.start(generation=before + 1, backup_id=new_id())
    observed = workstation.engine.observe(workstation.ref)
    assert (observed.phase, observed.reason) == (Phase.FAILED, Reason.BACKUP)
    assert (observed.attempt, observed.volume_generation) == (workstation.spec.attempt, before)
    assert observed.detail
    # FAILED of the same attempt stays, whoever asks.
    workstation.engine.ensure_running(workstation.ref, workstation.spec)
    workstation.engine.ensure_stopped(workstation.ref)
    assert workstation.phase() is Phase.FAILED
    workstation.start()
    assert workstation.phase() is Phase.RUNNING
    assert workstation.harness.get(workstation.ref, "mine") == b"precious"


def test_a_later_generation_is_made_of_its_backup(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.harness.put(workstation.ref, "mine", b"first")
    workstation.back_up(backup_id)
    workstation.harness.put(workstation.ref, "mine", b"second")
    workstation.harness.put(workstation.ref, "new", b"later")
    generation = (workstation.engine.observe(workstation.ref).volume_generation or 0) + 2
    workstation.start(generation=generation, backup_id=backup_id)
    observed = workstation.engine.observe(workstation.ref)
    assert (observed.phase, observed.volume_generation) == (Phase.RUNNING, generation)
    assert workstation.harness.get(workstation.ref, "mine") == b"first"
    assert workstation.harness.get(workstation.ref, "new") is None


def test_a_volume_of_the_wanted_generation_is_kept(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.back_up(backup_id)
    generation = (workstation.engine.observe(workstation.ref).volume_generation or 0) + 1
    workstation.start(generation=generation, backup_id=backup_id)
    workstation.rest()
    workstation.harness.put(workstation.ref, "mine", b"since then")
    workstation.start(generation=generation, backup_id=backup_id)
    assert workstation.harness.get(workstation.ref, "mine") == b"since then"


def test_a_volume_is_removed_and_comes_back_from_a_backup(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.harness.put(workstation.ref, "mine", b"kept elsewhere")
    workstation.back_up(backup_id)
    generation = (workstation.engine.observe(workstation.ref).volume_generation or 0) + 1
    engine = workstation.engine
    assert isinstance(engine, SupportsPersistence)
    for _ in range(2):
        engine.ensure_volume_absent(workstation.ref)
    observed = engine.observe(workstation.ref)
    assert (observed.phase in RESTING, observed.volume_generation) == (True, None)
    workstation.start(generation=generation, backup_id=backup_id)
    assert workstation.phase() is Phase.RUNNING
    assert workstation.harness.get(workstation.ref, "mine") == b"kept elsewhere"


def test_a_running_one_is_copied_as_it_was_at_one_moment(workstation: Workstation) -> None:
    workstation.run()
    backup_id = new_id()
    workstation.harness.put(workstation.ref, "mine", b"while it runs")
    before = workstation.engine.observe(workstation.ref)

    def is_complete() -> bool:
        # It is never seen as dead, however still it is held.
        assert workstation.phase() is Phase.RUNNING
        return workstation.observed(backup_id).phase is BackupPhase.COMPLETE

    workstation.harness.until(
        is_complete,
        lambda: workstation.backups.ensure_backup(workstation.ref, backup_id, live=True),
    )
    after = workstation.engine.observe(workstation.ref)
    assert (after.phase, after.attempt) == (Phase.RUNNING, before.attempt)
    workstation.rest()
    workstation.harness.put(workstation.ref, "mine", b"later")
    generation = (after.volume_generation or 0) + 1
    workstation.start(generation=generation, backup_id=backup_id)
    assert workstation.harness.get(workstation.ref, "mine") == b"while it runs"


def test_another_workstation_begins_with_a_backup(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.harness.put(workstation.ref, "mine", b"inherited")
    workstation.back_up(backup_id)
    other = Workstation(workstation.harness)
    try:
        other.start(generation=1, backup_id=backup_id, backup_of=workstation.ref)
        observed = other.engine.observe(other.ref)
        assert (observed.phase, observed.volume_generation) == (Phase.RUNNING, 1)
        assert other.harness.get(other.ref, "mine") == b"inherited"
        assert workstation.harness.get(workstation.ref, "mine") == b"inherited"
    finally:
        other.remove()


def test_a_backup_can_be_looked_into(workstation: Workstation) -> None:
    engine, ref = workstation.engine, workstation.rest().ref
    assert isinstance(engine, SupportsBrowsing)
    backup_id = new_id()
    workstation.harness.put(ref, "mine", b"a line")
    with pytest.raises(PermanentError):
        engine.list_backup(ref, backup_id, "")
    workstation.back_up(backup_id)
    entries = {entry.name: entry for entry in engine.list_backup(ref, backup_id, "")}
    assert (entries["mine"].kind, entries["mine"].size_bytes) == ("FILE", 6)
    with contextlib.closing(engine.open_backup_file(ref, backup_id, "mine")) as file:
        assert (file.size_bytes, file.read(100), file.read(100)) == (6, b"a line", b"")
    for path in ("no", "../mine", "mine/.."):
        with pytest.raises(NoSuchEntryError):
            engine.open_backup_file(ref, backup_id, path)
    with pytest.raises(NoSuchEntryError):
        engine.list_backup(ref, backup_id, "mine")


def test_all_backups_can_be_checked(workstation: Workstation) -> None:
    assert isinstance(workstation.engine, SupportsChecking)
    backup_id = new_id()
    workstation.rest().back_up(backup_id)
    found = workstation.engine.check_backups(data=None)
    assert found.problems == []
    assert found.refs[backup_id] == workstation.ref


def test_the_studio_is_kept_beside_the_backups(workstation: Workstation) -> None:
    engine = workstation.engine
    assert isinstance(engine, SupportsStudioCopies)
    with tempfile.TemporaryFile() as kept, tempfile.TemporaryFile() as back:
        kept.write(b"the database")
        kept.seek(0)
        engine.keep_studio(kept)
        engine.newest_studio(back)
        back.seek(0)
        assert back.read() == b"the database"
