"""Backups of volumes in one restic repository: encrypted, deduplicated, never doubled.

The sandbox engine asks it for backups, and `volumes` for restores. Each backup has a small record
beside the repository, which saves asking restic (0.5 s for its key each time); everything needed to
restore lies in the repository itself, and lost records are read back from the snapshots' tags.

The record says BEGUN before restic runs and COMPLETE after it. When the service dies in between,
restic dies with it, and the snapshot is there or not; a snapshot that no record names is seen
without asking restic, and then looked up by its tags before another try is made.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from soundstage.engines.interface import (
    BackupPhase,
    ObservedBackup,
    PermanentError,
    Reason,
    RetryableError,
)
from soundstage.engines.repository import programs
from soundstage.engines.repository.backup_records import (
    BackupRecord,
    BackupRecords,
    BackupState,
    checked,
    record_of,
)
from soundstage.engines.repository.restic import Restic, write_durably
from soundstage.engines.repository.stores import Store, StoreError
from soundstage.kit.jobs import Cancellation, CancelledError, Jobs, TooSlowError

# Names inside a snapshot: the kept directory, and the note of what restic itself can't keep.
HOME = "home"
_NOTE = "note.json"
# Keys of the two jobs that are not one backup's.
_SWEEP = "sweep"
_RECOVER = "recover"
_DRAFT = "draft"
_PASSES = 3
"""How often a running workstation's disk is copied before it is held still in vain for good."""
_RECOVER_AGAIN_SECONDS = 60.0

Source = Path | Callable[[Cancellation], AbstractContextManager[Path]]
"""The folder with `home` that is copied, or what has it for as long as a block lasts."""
Quiet = Callable[[float], AbstractContextManager[object]]
"""Holds a workstation still within a block, for so many seconds at the most; raises TooSlowError
when the block took longer."""


class Copying(msgspec.Struct, frozen=True, kw_only=True):
    """A copy under way."""

    backup_id: str
    is_live: bool
    """Whether the workstation runs meanwhile."""


class Repository:
    """One restic repository and what is known of the backups in it."""

    def __init__(
        self,
        store: Store,
        password_file: Path,
        beside: Path,
        *,
        seconds_between_prunes: float = 86_400,
        still_seconds: float = 15,
    ) -> None:
        self.restic = Restic(store, password_file, beside)
        self._records = BackupRecords(beside / "backups")
        self._prune_wanted = beside / "prune-wanted"
        self._pruned = beside / "pruned"
        # Snapshots that are no backups of workstations, such as the studio's own.
        self._others = beside / "others.json"
        self._between_prunes = seconds_between_prunes
        self._still_seconds = still_seconds
        self._jobs = Jobs()
        self._lock = threading.RLock()
        self._settled = threading.Event()
        self._recover_at = 0.0
        self._copies: dict[str, Copying] = {}

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
        if record is not None and record.state is BackupState.REMOVING:
            self._sweep()
            return ObservedBackup(phase=BackupPhase.RUNNING, detail="The backup is being removed.")
        if is_running:
            return ObservedBackup(phase=BackupPhase.RUNNING, detail="Files are being copied.")
        if record is not None and record.state is BackupState.COMPLETE:
            return ObservedBackup(phase=BackupPhase.COMPLETE, size_bytes=record.size_bytes)
        if record is not None and record.state is BackupState.FAILED:
            return ObservedBackup(
                phase=BackupPhase.FAILED, detail=record.detail, may_pass=record.may_pass
            )
        if failure := self._jobs.failure(key):
            # The record itself could not be written.
            return ObservedBackup(phase=BackupPhase.FAILED, detail=failure)
        return ObservedBackup(phase=BackupPhase.ABSENT)

    def ensure(
        self, ref: str, backup_id: str, source: Source, *, quiet: Quiet | None = None
    ) -> None:
        """Begin to copy `home` in `source`; its workstation must be stopped and stay so.

        With `quiet` it may run: it is held still while the last of it is copied. Raises
        PermanentError when there is no such directory.
        """
        checked(ref)
        checked(backup_id)
        self._settle()
        with self._lock:
            key = _backup_key(backup_id)
            if self._jobs.is_running(key):
                return
            earlier = self._records.read(backup_id)
            if earlier is not None and earlier.state in {
                BackupState.COMPLETE,
                BackupState.REMOVING,
            }:
                return
            if earlier is not None and earlier.is_unwanted():
                self._sweep()
                raise RetryableError("What an incomplete backup left is removed first.")
            if self.copying(ref) is not None:
                raise RetryableError("Another copy of this disk is being made.")
            if isinstance(source, Path) and not (source / HOME).is_dir():
                raise PermanentError("There is no volume to copy.", reason=Reason.BACKUP)
            drafts = [] if earlier is None else earlier.drafts
            record = BackupRecord(
                backup_id=backup_id, ref=ref, state=BackupState.BEGUN, drafts=drafts
            )
            self._records.write(record)
            is_repeated = earlier is not None or not self._settled.is_set()
            self._copies[ref] = Copying(backup_id=backup_id, is_live=quiet is not None)
            self._jobs.begin(key, lambda c: self._copy(c, record, source, quiet, is_repeated))

    def copying(self, ref: str) -> Copying | None:
        """Say what copy of a workstation's disk is under way in this process."""
        with self._lock:
            found = self._copies.get(ref)
            if found is not None and not self._jobs.is_running(_backup_key(found.backup_id)):
                del self._copies[ref]
                return None
            return found

    def give_up(self, ref: str) -> None:
        """End the copy of a disk that is about to go; its backup comes to nothing."""
        found = self.copying(ref)
        if found is not None:
            self._jobs.cancel(_backup_key(found.backup_id))

    def known(self, backup_id: str) -> BackupRecord:
        """Say which snapshot a backup is. Raises PermanentError, RetryableError."""
        self._settle()
        record = self._records.read(checked(backup_id))
        if record is None or record.state is not BackupState.COMPLETE or record.snapshot is None:
            raise PermanentError("There is no such backup.", reason=Reason.BACKUP)
        return record

    def records(self) -> list[BackupRecord]:
        return self._records.all()

    def recover(self) -> None:
        """Read the records back from the snapshots; blocks. Raises StoreError, ProgramError."""
        if not self._settled.is_set():
            self._recover(Cancellation())

    def ensure_absent(self, backup_id: str) -> None:
        """Begin to remove a backup, also one that is being made."""
        checked(backup_id)
        self._settle()
        with self._lock:
            record = self._records.read(backup_id)
            if record is None:
                return
            if record.state is not BackupState.REMOVING:
                self._records.write(msgspec.structs.replace(record, state=BackupState.REMOVING))
                self._jobs.cancel(_backup_key(backup_id))
        self._sweep()

    def restore(
        self,
        backup_id: str,
        target: Path,
        *,
        cancellation: Cancellation | None = None,
        stays: bool = True,
    ) -> None:
        """Write what was kept to `target`/home; what `stays` there is on the disk when it returns.

        Blocks for as long as it takes: call it in a job. `target` must be there; after an error
        what lies in it is of no use. Raises PermanentError when there is no such backup.
        """
        cancellation = cancellation or Cancellation()
        record = self._records.read(checked(backup_id)) or self._look_up(cancellation, backup_id)
        if record is None or record.state is not BackupState.COMPLETE or record.snapshot is None:
            raise PermanentError("There is no such backup.", reason=Reason.BACKUP)
        with self.restic.shared() as lock:
            self.restic.restore(cancellation, lock, record.snapshot, target)
        note = target / _NOTE
        programs.mend_tree(cancellation, target / HOME, note)
        note.unlink()
        if stays:
            programs.run(cancellation, "sync", "-f", target)

    # What jobs do.

    def _copy(
        self,
        cancellation: Cancellation,
        record: BackupRecord,
        source: Source,
        quiet: Quiet | None,
        is_repeated: bool,
    ) -> None:
        try:
            self.restic.create(cancellation)
            if not self._settled.is_set():
                self._recover(cancellation)
            # An earlier try may have come as far as a snapshot before it died.
            done = self._look_up(cancellation, record.backup_id) if is_repeated else None
            if done is None:
                with _opened(source, cancellation) as directory:
                    done = self._save_all(cancellation, record, directory, quiet)
            self._finish(done)
        except CancelledError:
            raise
        except Exception as error:
            known = self._records.read(record.backup_id) or record
            failed = msgspec.structs.replace(
                known,
                state=BackupState.FAILED,
                detail=f"The backup failed: {error}",
                may_pass=isinstance(error, StoreError | RetryableError),
            )
            self._finish(failed)
            raise
        finally:
            self._sweep()

    def _save_all(
        self,
        cancellation: Cancellation,
        record: BackupRecord,
        directory: Path,
        quiet: Quiet | None,
    ) -> BackupRecord:
        try:
            if quiet is None:
                return self._save(cancellation, record, directory)
            return self._save_running(cancellation, record, directory, quiet)
        finally:
            (directory / _NOTE).unlink(missing_ok=True)

    def _save(
        self,
        cancellation: Cancellation,
        record: BackupRecord,
        directory: Path,
        *,
        limit_seconds: float | None = None,
    ) -> BackupRecord:
        is_urgent = limit_seconds is not None
        size_bytes = programs.note_tree(
            cancellation, directory / HOME, directory / _NOTE, is_urgent=is_urgent
        )
        tags = (f"backup={record.backup_id}", f"ref={record.ref}", f"size={size_bytes}")
        with self.restic.shared() as lock:
            saved = self.restic.backup(
                cancellation,
                lock,
                directory,
                (HOME, _NOTE),
                host=record.ref,
                tags=tags,
                limit_seconds=limit_seconds,
            )
        if saved.missing:
            return msgspec.structs.replace(
                record,
                state=BackupState.FAILED,
                snapshot=saved.snapshot,
                detail=f"The backup failed: not everything could be read: {saved.missing}",
            )
        return msgspec.structs.replace(
            record, state=BackupState.COMPLETE, snapshot=saved.snapshot, size_bytes=size_bytes
        )

    def _save_running(
        self, cancellation: Cancellation, record: BackupRecord, directory: Path, quiet: Quiet
    ) -> BackupRecord:
        """Copy once while the workstation goes on, and what changed since while it is held."""
        for _ in range(_PASSES):
            record = self._draft(cancellation, record, directory)
            done: BackupRecord | None = None
            try:
                with quiet(self._still_seconds):
                    done = self._save(
                        cancellation, record, directory, limit_seconds=self._still_seconds
                    )
            except TooSlowError:
                if done is not None and done.snapshot is not None:
                    # Not of one moment.
                    drafts = [*record.drafts, done.snapshot]
                    record = msgspec.structs.replace(record, drafts=drafts)
                    self._records.write(record)
                continue
            return done
        raise programs.ProgramError(
            f"the workstation changes more than can be copied in {self._still_seconds:.0f} s; "
            "stop it first"
        )

    def _draft(
        self, cancellation: Cancellation, record: BackupRecord, directory: Path
    ) -> BackupRecord:
        note = directory / _NOTE
        # Of the same paths as the real one, which is compared with it.
        note.write_bytes(b"")
        with self.restic.shared() as lock:
            saved = self.restic.backup(
                cancellation,
                lock,
                directory,
                (HOME, _NOTE),
                host=record.ref,
                tags=(f"{_DRAFT}={record.backup_id}",),
            )
        record = msgspec.structs.replace(record, drafts=[*record.drafts, saved.snapshot])
        self._records.write(record)
        return record

    def _finish(self, record: BackupRecord) -> None:
        """Write how a try ended, unless the backup was given up meanwhile."""
        with self._lock:
            known = self._records.read(record.backup_id)
            if known is None:
                return
            if known.state is BackupState.REMOVING:
                record = msgspec.structs.replace(
                    known, snapshot=record.snapshot, drafts=record.drafts
                )
            self._records.write(record)

    def _look_up(self, cancellation: Cancellation, backup_id: str) -> BackupRecord | None:
        """Find a backup by its tags; asks restic only when there is a snapshot without a record."""
        with self.restic.shared() as lock:
            if not self._unrecorded(cancellation, lock):
                return None
            found = self.restic.snapshots(cancellation, lock)
        return next((r for r in map(record_of, found) if r and r.backup_id == backup_id), None)

    def _remove_unwanted(self, cancellation: Cancellation) -> None:
        with self.restic.alone() as lock:
            self.restic.unlock(cancellation, lock)
            try:
                while unwanted := self._unwanted():
                    self._forget(cancellation, lock, unwanted)
                if self._is_prune_due():
                    self.restic.prune(cancellation, lock)
                    self._prune_wanted.unlink(missing_ok=True)
                    self._pruned.touch()
            finally:
                # A restic that was killed here would keep all others out.
                self.restic.unlock(cancellation, lock)

    def _forget(self, cancellation: Cancellation, lock: int, unwanted: list[BackupRecord]) -> None:
        ids = {snapshot for record in unwanted for snapshot in record.unwanted()}
        is_unsure = any(record.snapshot is None for record in unwanted)
        if is_unsure and self._unrecorded(cancellation, lock):
            # Some try was ended at work; it may have come as far as a snapshot.
            names = {record.backup_id for record in unwanted}
            found = self.restic.snapshots(cancellation, lock)
            ids |= {
                snapshot.id
                for snapshot in found
                if snapshot.tag("backup") in names or snapshot.tag(_DRAFT) in names
            }
        present = sorted(ids & self.restic.snapshot_ids(cancellation, lock))
        if present:
            self._prune_wanted.touch()
            self.restic.forget(cancellation, lock, present)
        with self._lock:
            for record in unwanted:
                if record.state is BackupState.REMOVING:
                    self._records.remove(record.backup_id)
                elif record.state is BackupState.COMPLETE:
                    self._records.write(msgspec.structs.replace(record, drafts=[]))
                else:
                    self._records.write(msgspec.structs.replace(record, snapshot=None, drafts=[]))

    def _recover(self, cancellation: Cancellation) -> None:
        """Remove stale locks, and write the records that snapshots without one should have."""
        with self.restic.alone() as lock:
            self.restic.unlock(cancellation, lock)
            unrecorded = self._unrecorded(cancellation, lock)
            found = self.restic.snapshots(cancellation, lock) if unrecorded else []
            self.note_others(s.id for s in found if record_of(s) is None and not s.tag(_DRAFT))
            for snapshot in found:
                record = record_of(snapshot) if snapshot.id in unrecorded else None
                if record is None:
                    continue  # Recorded, or none of a workstation.
                known = self._records.read(record.backup_id)
                if known is None or known.state is not BackupState.REMOVING:
                    drafts = [] if known is None else known.drafts
                    self._records.write(msgspec.structs.replace(record, drafts=drafts))
            lost = [s.id for s in found if s.id in unrecorded and s.tag(_DRAFT) is not None]
            if lost:
                self._prune_wanted.touch()
                self.restic.forget(cancellation, lock, lost)
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
                with self.restic.alone(waiting=False):
                    is_clean = self._is_clean()
            except BlockingIOError as error:
                raise RetryableError("An earlier restic still runs.") from error
            if not is_clean:
                self._begin_recovery()
                return
            self._settled.set()
        self._sweep()

    def _begin_recovery(self) -> None:
        """Look through the store; while it does not answer, the records have to do."""
        failure = self._jobs.failure(_RECOVER)
        if failure is None or time.monotonic() >= self._recover_at:
            self._recover_at = time.monotonic() + _RECOVER_AGAIN_SECONDS
            self._jobs.begin(_RECOVER, self._recover)
            raise RetryableError(failure or "The backups are being looked through.")
        if self.restic.store.folder is not None:
            raise RetryableError(failure)

    def _is_clean(self) -> bool:
        """Reports whether nothing can have been left, as far as is known without asking."""
        if not self.restic.exists():
            return True
        known = self.restic.local_ids()
        if known is None or not self.restic.is_unlocked():
            return False
        return not known - self._recorded()

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

    def _unrecorded(self, cancellation: Cancellation, lock: int) -> set[str]:
        """The snapshots that no record names, those of the studio aside."""
        ids = self.restic.snapshot_ids(cancellation, lock)
        return ids and ids - self._recorded()

    def _recorded(self) -> set[str]:
        named = {id_ for record in self._records.all() for id_ in record.snapshots()}
        try:
            return named | msgspec.json.decode(self._others.read_bytes(), type=set[str])
        except (FileNotFoundError, msgspec.DecodeError):
            return named

    def note_others(self, snapshots: Iterable[str]) -> None:
        """Write down which snapshots need no record."""
        unfinished = self._others.with_suffix(".new")
        write_durably(unfinished, msgspec.json.encode(sorted(snapshots)))
        unfinished.rename(self._others)

    def _unwanted(self) -> list[BackupRecord]:
        return [record for record in self._records.all() if record.is_unwanted()]


@contextmanager
def _opened(source: Source, cancellation: Cancellation) -> Iterator[Path]:
    if isinstance(source, Path):
        yield source
        return
    with source(cancellation) as directory:
        yield directory


def _backup_key(backup_id: str) -> str:
    return f"backup:{backup_id}"
