"""Backups of volumes in one restic repository: encrypted, deduplicated, never doubled.

The sandbox engine asks it for backups, and `volumes` for restores. Each backup has a small record
beside the repository, which saves asking restic (0.5 s for its key each time); everything needed to
restore lies in the repository itself, and lost records are read back from the snapshots' tags.

The record says BEGUN before restic runs and COMPLETE after it. When the service dies in between,
restic dies with it, and the snapshot is there or not; a snapshot that no record names is seen
without asking restic, and then looked up by its tags before another try is made.
"""

import re
import threading
import time
from enum import StrEnum
from pathlib import Path

import msgspec

from soundstage.engines.interface import (
    BackupPhase,
    ObservedBackup,
    PermanentError,
    Reason,
    RetryableError,
)
from soundstage.engines.sandbox import programs
from soundstage.engines.sandbox.jobs import Cancellation, CancelledError, Jobs
from soundstage.engines.sandbox.restic import Restic, Snapshot, sync_directory, write_durably

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{22}")
# Names inside a snapshot: the kept directory, and the note of what restic itself can't keep.
_HOME = "home"
_NOTE = "note.json"
# Keys of the two jobs that are not one backup's.
_SWEEP = "sweep"
_RECOVER = "recover"


def checked(identifier: str) -> str:
    """Refuse what is no id before it becomes a part of a path or an argument."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise PermanentError(f"{identifier!r} is not an id: 22 of A-Z, a-z, 0-9, _ and -")
    return identifier


class _State(StrEnum):
    BEGUN = "BEGUN"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    REMOVING = "REMOVING"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    backup_id: str
    ref: str
    state: _State
    snapshot: str | None = None
    """restic's full id. In FAILED: an incomplete snapshot that still has to go."""
    size_bytes: int | None = None
    detail: str = ""

    def is_unwanted(self) -> bool:
        is_leftover = self.state is _State.FAILED and self.snapshot is not None
        return is_leftover or self.state is _State.REMOVING


class _Records:
    """One JSON file a backup, written whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def read(self, backup_id: str) -> _Record | None:
        try:
            return msgspec.json.decode(self._path(backup_id).read_bytes(), type=_Record)
        except (FileNotFoundError, msgspec.DecodeError):
            # A spoilt one is as good as lost: the snapshot's tags tell the same.
            return None

    def all(self) -> list[_Record]:
        names = [path.stem for path in self._directory.glob("*.json")]
        return [record for record in map(self.read, names) if record is not None]

    def write(self, record: _Record) -> None:
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


class Repository:
    """One restic repository and what is known of the backups in it."""

    def __init__(
        self,
        directory: Path,
        password_file: Path,
        *,
        seconds_between_prunes: float = 86_400,
    ) -> None:
        beside = directory.with_name(f"{directory.name}.state")
        self._restic = Restic(directory, password_file, beside)
        self._records = _Records(beside / "backups")
        self._prune_wanted = beside / "prune-wanted"
        self._pruned = beside / "pruned"
        self._between_prunes = seconds_between_prunes
        self._jobs = Jobs()
        self._lock = threading.RLock()
        self._settled = threading.Event()

    def observe(self, backup_id: str) -> ObservedBackup:
        """Say what is there; a try that died with the service is ABSENT, and may be begun again.

        Raises RetryableError while what a killed service left is being put right.
        """
        checked(backup_id)
        self._settle()
        key = _backup_key(backup_id)
        # Asked first: a job that ends now has written its record before.
        is_running = self._jobs.is_running(key)
        record = self._records.read(backup_id)
        if record is not None and record.state is _State.REMOVING:
            self._sweep()
            return ObservedBackup(phase=BackupPhase.RUNNING, detail="The backup is being removed.")
        if is_running:
            return ObservedBackup(phase=BackupPhase.RUNNING, detail="Files are being copied.")
        if record is not None and record.state is _State.COMPLETE:
            return ObservedBackup(phase=BackupPhase.COMPLETE, size_bytes=record.size_bytes)
        if record is not None and record.state is _State.FAILED:
            return ObservedBackup(phase=BackupPhase.FAILED, detail=record.detail)
        if failure := self._jobs.failure(key):
            # The record itself could not be written.
            return ObservedBackup(phase=BackupPhase.FAILED, detail=failure)
        return ObservedBackup(phase=BackupPhase.ABSENT)

    def ensure(self, ref: str, backup_id: str, directory: Path) -> None:
        """Begin to copy `directory`/home; the workstation on it must be stopped and stay so.

        Raises PermanentError when there is no such directory.
        """
        checked(ref)
        checked(backup_id)
        self._settle()
        with self._lock:
            key = _backup_key(backup_id)
            if self._jobs.is_running(key):
                return
            earlier = self._records.read(backup_id)
            if earlier is not None and earlier.state in {_State.COMPLETE, _State.REMOVING}:
                return
            if earlier is not None and earlier.is_unwanted():
                self._sweep()
                raise RetryableError("What an incomplete backup left is removed first.")
            if not (directory / _HOME).is_dir():
                raise PermanentError("There is no volume to copy.", reason=Reason.BACKUP)
            record = _Record(backup_id=backup_id, ref=ref, state=_State.BEGUN)
            self._records.write(record)
            is_repeated = earlier is not None
            self._jobs.begin(key, lambda c: self._copy(c, record, directory, is_repeated))

    def ensure_absent(self, backup_id: str) -> None:
        """Begin to remove a backup, also one that is being made."""
        checked(backup_id)
        self._settle()
        with self._lock:
            record = self._records.read(backup_id)
            if record is None:
                return
            if record.state is not _State.REMOVING:
                self._records.write(msgspec.structs.replace(record, state=_State.REMOVING))
                self._jobs.cancel(_backup_key(backup_id))
        self._sweep()

    def restore(
        self, backup_id: str, target: Path, *, cancellation: Cancellation | None = None
    ) -> None:
        """Write what was kept to `target`/home; returns when it is on the disk.

        Blocks for as long as it takes: call it in a job. `target` must be there; after an error
        what lies in it is of no use. Raises PermanentError when there is no such backup.
        """
        cancellation = cancellation or Cancellation()
        record = self._records.read(checked(backup_id)) or self._look_up(cancellation, backup_id)
        if record is None or record.state is not _State.COMPLETE or record.snapshot is None:
            raise PermanentError("There is no such backup.", reason=Reason.BACKUP)
        with self._restic.shared() as lock:
            self._restic.restore(cancellation, lock, record.snapshot, target)
        note = target / _NOTE
        programs.mend_tree(cancellation, target / _HOME, note)
        note.unlink()
        programs.run(cancellation, "sync", "-f", target)

    # What jobs do.

    def _copy(
        self, cancellation: Cancellation, record: _Record, directory: Path, is_repeated: bool
    ) -> None:
        note = directory / _NOTE
        try:
            self._restic.create(cancellation)
            # An earlier try may have come as far as a snapshot before it died.
            done = self._look_up(cancellation, record.backup_id) if is_repeated else None
            if done is None:
                size = programs.note_tree(cancellation, directory / _HOME, note)
                done = self._save(cancellation, record, directory, size)
            self._finish(done)
        except CancelledError:
            raise
        except Exception as error:
            detail = f"The backup failed: {error}"
            self._finish(msgspec.structs.replace(record, state=_State.FAILED, detail=detail))
            raise
        finally:
            note.unlink(missing_ok=True)
        self._sweep()

    def _save(
        self, cancellation: Cancellation, record: _Record, directory: Path, size_bytes: int
    ) -> _Record:
        tags = (f"backup={record.backup_id}", f"ref={record.ref}", f"size={size_bytes}")
        with self._restic.shared() as lock:
            saved = self._restic.backup(
                cancellation, lock, directory, (_HOME, _NOTE), host=record.ref, tags=tags
            )
        if saved.missing:
            return msgspec.structs.replace(
                record,
                state=_State.FAILED,
                snapshot=saved.snapshot,
                detail=f"The backup failed: not everything could be read: {saved.missing}",
            )
        return msgspec.structs.replace(
            record, state=_State.COMPLETE, snapshot=saved.snapshot, size_bytes=size_bytes
        )

    def _finish(self, record: _Record) -> None:
        """Write how a try ended, unless the backup was given up meanwhile."""
        with self._lock:
            known = self._records.read(record.backup_id)
            if known is None:
                return
            if known.state is _State.REMOVING:
                record = msgspec.structs.replace(known, snapshot=record.snapshot)
            self._records.write(record)

    def _look_up(self, cancellation: Cancellation, backup_id: str) -> _Record | None:
        """Find a backup by its tags; asks restic only when there is a snapshot without a record."""
        if not self._unrecorded():
            return None
        with self._restic.shared() as lock:
            found = self._restic.snapshots(cancellation, lock)
        return next((r for r in map(_as_record, found) if r and r.backup_id == backup_id), None)

    def _remove_unwanted(self, cancellation: Cancellation) -> None:
        with self._restic.alone() as lock:
            self._restic.unlock(cancellation, lock)
            try:
                while unwanted := self._unwanted():
                    self._forget(cancellation, lock, unwanted)
                if self._is_prune_due():
                    self._restic.prune(cancellation, lock)
                    self._prune_wanted.unlink(missing_ok=True)
                    self._pruned.touch()
            finally:
                # A restic that was killed here would keep all others out.
                self._restic.unlock(cancellation, lock)

    def _forget(self, cancellation: Cancellation, lock: int, unwanted: list[_Record]) -> None:
        ids = {record.snapshot for record in unwanted if record.snapshot is not None}
        if len(ids) < len(unwanted) and self._unrecorded():
            # Some try was ended at work; it may have come as far as a snapshot.
            names = {record.backup_id for record in unwanted}
            found = self._restic.snapshots(cancellation, lock)
            ids |= {snapshot.id for snapshot in found if snapshot.tag("backup") in names}
        present = sorted(ids & self._restic.snapshot_ids())
        if present:
            self._prune_wanted.touch()
            self._restic.forget(cancellation, lock, present)
        with self._lock:
            for record in unwanted:
                if record.state is _State.REMOVING:
                    self._records.remove(record.backup_id)
                else:
                    self._records.write(msgspec.structs.replace(record, snapshot=None))

    def _recover(self, cancellation: Cancellation) -> None:
        """Remove stale locks, and write the records that snapshots without one should have."""
        with self._restic.alone() as lock:
            self._restic.unlock(cancellation, lock)
            unrecorded = self._unrecorded()
            found = self._restic.snapshots(cancellation, lock) if unrecorded else []
            for snapshot in found:
                record = _as_record(snapshot) if snapshot.id in unrecorded else None
                if record is None:
                    continue  # Recorded, or none of ours.
                known = self._records.read(record.backup_id)
                if known is None or known.state is not _State.REMOVING:
                    self._records.write(record)
        self._settled.set()
        self._sweep()

    # When jobs begin.

    def _settle(self) -> None:
        """Once a process: see whether the last one left something, and put it right first."""
        if self._settled.is_set():
            return
        with self._lock:
            # Another thread may have done it while this one waited.
            if self._settled.is_set():
                return
            if self._jobs.is_running(_RECOVER):
                raise RetryableError("The backups are being looked through.")
            try:
                with self._restic.alone(waiting=False):
                    is_clean = not self._unrecorded() and not self._restic.has_locks()
            except BlockingIOError as error:
                raise RetryableError("An earlier restic still runs.") from error
            if not is_clean:
                failure = self._jobs.failure(_RECOVER)
                self._jobs.begin(_RECOVER, self._recover)
                raise RetryableError(failure or "The backups are being looked through.")
            self._settled.set()
        self._sweep()

    def _sweep(self) -> None:
        if self._unwanted() or self._is_prune_due():
            self._jobs.begin(_SWEEP, self._remove_unwanted, again=True)

    def _is_prune_due(self) -> bool:
        if not self._prune_wanted.exists():
            return False
        try:
            last = self._pruned.stat().st_mtime
        except FileNotFoundError:
            return True
        return time.time() - last >= self._between_prunes

    def _unrecorded(self) -> set[str]:
        """The snapshots that no record names."""
        ids = self._restic.snapshot_ids()
        return ids and ids - {record.snapshot for record in self._records.all()}

    def _unwanted(self) -> list[_Record]:
        return [record for record in self._records.all() if record.is_unwanted()]


def _backup_key(backup_id: str) -> str:
    return f"backup:{backup_id}"


def _as_record(snapshot: Snapshot) -> _Record | None:
    backup_id, ref, size = (snapshot.tag(name) for name in ("backup", "ref", "size"))
    if backup_id is None or ref is None or size is None or not _IDENTIFIER.fullmatch(backup_id):
        return None
    return _Record(
        backup_id=backup_id,
        ref=ref,
        state=_State.COMPLETE,
        snapshot=snapshot.id,
        size_bytes=int(size) if size.isdigit() else None,
    )
