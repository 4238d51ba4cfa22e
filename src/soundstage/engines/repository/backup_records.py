"""What is known of each backup without asking restic: one small file each.

`backups` writes them before and after restic runs. Everything needed to restore lies in the
repository itself; records that were lost are read back from the snapshots' tags.
"""

import re
import threading
from enum import StrEnum
from pathlib import Path

import msgspec

from soundstage.engines.interface import PermanentError
from soundstage.engines.repository.restic import Snapshot, sync_directory, write_durably

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{22}")


def checked(identifier: str) -> str:
    """Refuse what is no id before it becomes a part of a path or an argument."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise PermanentError(f"{identifier!r} is not an id: 22 of A-Z, a-z, 0-9, _ and -")
    return identifier


class BackupState(StrEnum):
    """How far a backup is."""

    BEGUN = "BEGUN"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    REMOVING = "REMOVING"


class BackupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One backup."""

    backup_id: str
    ref: str
    state: BackupState
    snapshot: str | None = None
    """restic's full id. In FAILED: an incomplete snapshot that still has to go."""
    drafts: list[str] = []
    """Snapshots that were only made to make the real one quick."""
    size_bytes: int | None = None
    detail: str = ""
    may_pass: bool = False
    """In FAILED: whether the same may go well later."""

    def is_unwanted(self) -> bool:
        """Reports whether something of it has to go."""
        if self.state is BackupState.REMOVING:
            return True
        is_leftover = self.state is BackupState.FAILED and self.snapshot is not None
        return is_leftover or (self.state is not BackupState.BEGUN and bool(self.drafts))

    def snapshots(self) -> set[str]:
        return {*self.drafts, *([self.snapshot] if self.snapshot is not None else [])}

    def unwanted(self) -> set[str]:
        """The snapshots of it that have to go."""
        if self.state is BackupState.COMPLETE:
            return set(self.drafts)
        return self.snapshots()


class BackupRecords:
    """One JSON file a backup, written whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def read(self, backup_id: str) -> BackupRecord | None:
        try:
            return msgspec.json.decode(self._path(backup_id).read_bytes(), type=BackupRecord)
        except (FileNotFoundError, msgspec.DecodeError):
            # A spoilt one is as good as lost: the snapshot's tags tell the same.
            return None

    def all(self) -> list[BackupRecord]:
        names = [path.stem for path in self._directory.glob("*.json")]
        return [record for record in map(self.read, names) if record is not None]

    def write(self, record: BackupRecord) -> None:
        path = self._path(record.backup_id)
        with self._lock:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = path.with_suffix(".new")
            write_durably(unfinished, msgspec.json.encode(record))
            unfinished.rename(path)
            sync_directory(self._directory)

    def remove(self, backup_id: str) -> None:
        self._path(backup_id).unlink(missing_ok=True)

    def _path(self, backup_id: str) -> Path:
        return self._directory / f"{backup_id}.json"


def record_of(snapshot: Snapshot) -> BackupRecord | None:
    """Read a record back from a snapshot's tags; None when it is no backup of a workstation."""
    backup_id, ref, size = (snapshot.tag(name) for name in ("backup", "ref", "size"))
    if backup_id is None or ref is None or size is None or not _IDENTIFIER.fullmatch(backup_id):
        return None
    return BackupRecord(
        backup_id=backup_id,
        ref=ref,
        state=BackupState.COMPLETE,
        snapshot=snapshot.id,
        size_bytes=int(size) if size.isdigit() else None,
    )
