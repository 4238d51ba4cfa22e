"""What an engine answers for the repository alone."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from soundstage.engines.interface import (
    BackupPhase,
    SupportsBrowsing,
    SupportsChecking,
    SupportsStudioCopies,
)
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.kept import KeepsBackups
from soundstage.engines.repository.stores import folder_store

BACKUP, REF = "b" * 22, "r" * 22


def test_it_looks_at_backups_and_removes_them(
    home: Path, empty_repository: Path, eventually: Callable[..., None]
) -> None:
    shutil.copytree(empty_repository / "restic", home / "restic")
    shutil.copy(empty_repository / "password", home / "password")
    (home / "volume" / "home").mkdir(parents=True)
    (home / "volume" / "home" / "file").write_bytes(os.urandom(100))
    repository = Repository(folder_store(home / "restic"), home / "password", home / "state")
    kept = KeepsBackups(repository)
    assert isinstance(kept, SupportsBrowsing)
    assert isinstance(kept, SupportsChecking)
    assert isinstance(kept, SupportsStudioCopies)
    repository.ensure(REF, BACKUP, home / "volume")
    eventually(lambda: kept.observe_backup(REF, BACKUP).phase is BackupPhase.COMPLETE)
    assert [each.name for each in kept.list_backup(REF, BACKUP, "")] == ["file"]
    assert kept.open_backup_file(REF, BACKUP, "file").size_bytes == 100
    assert kept.check_backups(data=None).backup_ids == {BACKUP}
    with tempfile.TemporaryFile() as database, tempfile.TemporaryFile() as back:
        database.write(b"the database")
        database.seek(0)
        kept.keep_studio(database)
        kept.newest_studio(back)
        back.seek(0)
        assert back.read() == b"the database"
    kept.ensure_backup_absent(REF, BACKUP)
    eventually(lambda: kept.observe_backup(REF, BACKUP).phase is BackupPhase.ABSENT)
    # What it goes on removing lies in a folder that ends with the test.
    eventually(lambda: not repository._jobs.is_running("sweep"))
