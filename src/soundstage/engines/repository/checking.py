"""Looks whether backups can be made and are whole, and keeps copies of the studio beside them.

`engine` calls it. Everything here waits for restic; nothing of it is called by a reconciler.
"""

import shutil
from datetime import datetime
from typing import IO

from soundstage.engines.interface import (
    BackupCheck,
    Capability,
    NoSuchEntryError,
    PermanentError,
    Reason,
    RetryableError,
)
from soundstage.engines.repository import programs
from soundstage.engines.repository.backup_records import record_of
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.programs import ProgramError
from soundstage.engines.repository.stores import StoreError
from soundstage.kit.jobs import Cancellation

STUDIO = "studio"
_FILE = "soundstage.sqlite"
_KEPT = 28


def look(repository: Repository) -> Capability:
    """Look for what keeps backups, and where, as far as that costs no question."""
    if shutil.which("restic") is None:
        missing = "restic is not installed: apt-get install restic"
        return Capability(name="backups", available=False, detail=missing)
    found = f"restic {programs.version(['restic', 'version'])}"
    gone = repository.restic.gone()
    return Capability(name="backups", available=gone is None, detail=gone or found)


def check(repository: Repository, *, data: str | None) -> BackupCheck:
    """Look through everything. Raises RetryableError."""
    restic = repository.restic
    if not restic.exists():
        return BackupCheck(backup_ids=set(), refs={}, sizes={}, made_at={}, problems=[])
    try:
        # Beside running backups, but not beside whoever removes.
        with restic.shared() as lock:
            said = restic.check(Cancellation(), lock, data=data)
            found = restic.snapshots(Cancellation(), lock)
    except (StoreError, ProgramError) as error:
        raise RetryableError(str(error)) from None
    read = [(record_of(snapshot), snapshot.time) for snapshot in found]
    records = [(record, time) for record, time in read if record is not None]
    return BackupCheck(
        backup_ids={record.backup_id for record, _ in records},
        refs={record.backup_id: record.ref for record, _ in records},
        sizes={record.backup_id: record.size_bytes or 0 for record, _ in records},
        made_at={record.backup_id: time for record, time in records},
        problems=[line for line in said.splitlines() if line],
    )


def keep_studio(repository: Repository, content: IO[bytes]) -> None:
    """Keep the newest copies of the database. Raises RetryableError."""
    restic = repository.restic
    try:
        restic.create(Cancellation())
        with restic.shared() as lock:
            restic.save_stream(Cancellation(), lock, _FILE, content, tags=[f"{STUDIO}=database"])
        with restic.alone() as lock:
            found = restic.snapshots(Cancellation(), lock)
            ours = sorted((s for s in found if s.tag(STUDIO)), key=lambda s: s.time)
            kept = ours[-_KEPT:]
            if old := [snapshot.id for snapshot in ours[:-_KEPT]]:
                restic.forget(Cancellation(), lock, old)
            repository.note_others(snapshot.id for snapshot in kept)
    except (StoreError, ProgramError) as error:
        raise RetryableError(str(error)) from None


def newest_studio(repository: Repository, target: IO[bytes]) -> datetime:
    """Raises NoSuchEntryError, RetryableError, PermanentError."""
    restic = repository.restic
    try:
        restic.expect(Cancellation())
        repository.recover()
        with restic.shared() as lock:
            found = [s for s in restic.snapshots(Cancellation(), lock) if s.tag(STUDIO)]
            if not found:
                raise NoSuchEntryError(f"{restic.store.address} holds no copy of a studio.")
            newest = max(found, key=lambda snapshot: snapshot.time)
            restic.dump(Cancellation(), lock, newest.id, f"/{_FILE}", target)
    except StoreError as error:
        raise RetryableError(str(error)) from None
    except ProgramError as error:
        raise PermanentError(str(error), reason=Reason.BACKUP) from None
    return newest.time
