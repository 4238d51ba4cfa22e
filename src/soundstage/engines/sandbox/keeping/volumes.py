"""The disks of workstations: a directory each, and a new one for each generation.

The sandbox engine calls it before a start, after an end and when it observes. Below its root lies

    <ref>/<n>/home/             the artist's files, kept in backups
    <ref>/<n>/scratch/tmp/      /tmp and /var/tmp, emptied when the engine says so
    <ref>/<n>.new/              generation n while it is made; swapped in by one rename
    <ref>/failed.json           why the generation asked for last could not be made
    .trash/                     what is unwanted, removed in the background, also after a crash
"""

import os
import re
import secrets
import threading
from enum import StrEnum
from pathlib import Path

import msgspec

from soundstage.engines.interface import Capability, PermanentError, Reason, Volume
from soundstage.engines.repository import programs
from soundstage.engines.repository.backup_records import checked
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.restic import sync_directory, write_durably
from soundstage.engines.sandbox.host.quota import SizeLimits
from soundstage.kit.jobs import Cancellation, CancelledError, Jobs

_REF = re.compile(r"[A-Za-z0-9_-]{22}")
_GENERATION = re.compile(r"0|[1-9][0-9]*")
_TRASH = ".trash"
_FAILED = "failed.json"
# Passed through on the way to a home, not listed.
_PASSAGE = 0o711


class Phase(StrEnum):
    """What is to be said of a volume."""

    ABSENT = "ABSENT"
    PREPARING = "PREPARING"
    READY = "READY"
    FAILED = "FAILED"


class VolumeState(msgspec.Struct, frozen=True, kw_only=True):
    """A volume as it is at one moment."""

    phase: Phase
    generation: int | None = None
    """Which is in place, also while another is made and after that failed."""
    directory: Path | None = None
    """Of the generation in place: has `home` and `scratch`."""
    detail: str = ""


class _Failure(msgspec.Struct, frozen=True):
    generation: int
    backup_id: str | None
    detail: str


class Volumes:
    """All volumes below `root`."""

    def __init__(self, root: Path, repository: Repository) -> None:
        self._root = root
        self._repository = repository
        self._jobs = Jobs(threads=2)
        self._lock = threading.RLock()
        self._trash = root / _TRASH
        self._trash.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(_PASSAGE)
        self._limits = SizeLimits(root)
        self._empty_trash()

    def observe(self, ref: str) -> VolumeState:
        place = self._root / checked(ref)
        # Asked first: a job that ends now has swapped, or written its failure, before.
        is_preparing = self._jobs.is_running(ref)
        generation = _present(place)
        directory = None if generation is None else place / str(generation)
        failure = _failure(place)
        if is_preparing:
            phase, detail = Phase.PREPARING, "The backup is being restored."
        elif failure is not None:
            phase, detail = Phase.FAILED, failure.detail
        elif unwritten := self._jobs.failure(ref):
            phase, detail = Phase.FAILED, unwritten
        else:
            phase, detail = (Phase.ABSENT if directory is None else Phase.READY), ""
        return VolumeState(phase=phase, generation=generation, directory=directory, detail=detail)

    def ensure(self, ref: str, volume: Volume, owner: int) -> None:
        """Take the next step towards the generation that `volume` names, owned by uid `owner`.

        An empty one is there at return; a restore is begun. A generation that failed is not tried
        again before another is asked for, or `clear_failure`. Raises PermanentError for a
        generation that can't be made: an earlier one than is in place, or one without a backup.
        """
        place = self._root / checked(ref)
        with self._lock:
            if self._jobs.is_running(ref):
                return
            present = _present(place)
            failure = _failure(place)
            wanted = (volume.generation, volume.backup_id)
            if failure is not None and (failure.generation, failure.backup_id) == wanted:
                return
            self.clear_failure(ref)
            if present == volume.generation:
                self._discard_others(place, present)
                return
            if present is not None and (present > volume.generation or volume.backup_id is None):
                raise PermanentError(
                    f"The volume is of generation {present}, and {volume.generation} "
                    "can't be made of it.",
                    reason=Reason.BACKUP,
                )
            if volume.backup_id is None:
                self._swap(place, self._begin(place, volume, owner), volume.generation)
                return
            checked(volume.backup_id)
            self._jobs.begin(ref, lambda c: self._restore(c, ref, volume, owner))

    def clear_failure(self, ref: str) -> None:
        """Forget that a restore failed: the volume in place is READY again."""
        self._jobs.forget_failure(ref)
        (self._root / checked(ref) / _FAILED).unlink(missing_ok=True)

    def ensure_absent(self, ref: str) -> None:
        """Take a volume away at once, whatever is done with it; its space comes back later."""
        with self._lock:
            self._jobs.cancel(checked(ref))
            self._discard(self._root / ref)

    def clear_scratch(self, ref: str) -> None:
        """Empty the scratch space of a stopped workstation; silent when it has no volume."""
        with self._lock:
            directory = self.observe(ref).directory
            if directory is None:
                return
            owner = (directory / "home").stat().st_uid
            self._discard(directory / "scratch")
            _make_scratch(directory, owner)

    def refs(self) -> set[str]:
        return {path.name for path in self._root.iterdir() if _REF.fullmatch(path.name)}

    def capabilities(self) -> list[Capability]:
        return [self._limits.capability()]

    def _begin(self, place: Path, volume: Volume, owner: int) -> Path:
        """Make the next volume's directory, with everything in it but a restored home."""
        new = place / f"{volume.generation}.new"
        self._discard(new)
        place.mkdir(exist_ok=True)
        place.chmod(_PASSAGE)
        new.mkdir()
        new.chmod(0o710)
        if new.stat().st_uid != owner:
            # Only this workstation's own user, whose group has the same number, may come through.
            os.chown(new, -1, owner)
        self._limits.set(new, volume.size_gib)
        _make_scratch(new, owner)
        if volume.backup_id is None:
            _make_directory(new / "home", 0o700, owner)
        return new

    def _restore(self, cancellation: Cancellation, ref: str, volume: Volume, owner: int) -> None:
        place = self._root / ref
        try:
            with self._lock:
                cancellation.check()
                new = self._begin(place, volume, owner)
            self._repository.restore(volume.backup_id or "", new, cancellation=cancellation)
            if (new / "home").stat().st_uid != owner:
                programs.own_tree(cancellation, new / "home", owner)
                programs.run(cancellation, "sync", "-f", new)
            with self._lock:
                cancellation.check()
                self._swap(place, new, volume.generation)
        except CancelledError:
            # ensure_absent came; it may have come before the last file was written.
            self._discard(place)
            raise
        except Exception as error:
            detail = f"The backup could not be restored: {error}"
            failure = _Failure(volume.generation, volume.backup_id, detail)
            with self._lock:
                cancellation.check()
                self._discard(place / f"{volume.generation}.new")
                write_durably(place / f"{_FAILED}.new", msgspec.json.encode(failure))
                (place / f"{_FAILED}.new").rename(place / _FAILED)
            raise

    def _swap(self, place: Path, new: Path, generation: int) -> None:
        # The highest number is the one in place: from this rename on it is the new one.
        new.rename(place / str(generation))
        sync_directory(place)
        sync_directory(self._root)
        self._discard_others(place, generation)

    def _discard_others(self, place: Path, generation: int) -> None:
        for path in place.iterdir():
            if path.name not in {str(generation), _FAILED}:
                self._discard(path)

    def _discard(self, path: Path) -> None:
        try:
            path.rename(self._trash / secrets.token_hex(16))
        except FileNotFoundError:
            return
        self._empty_trash()

    def _empty_trash(self) -> None:
        if any(self._trash.iterdir()):
            self._jobs.begin(_TRASH, self._remove_trash, again=True)

    def _remove_trash(self, cancellation: Cancellation) -> None:
        for path in list(self._trash.iterdir()):
            programs.run(cancellation, "rm", "-rf", "--one-file-system", "--", path)


def _present(place: Path) -> int | None:
    try:
        names = [path.name for path in place.iterdir()]
    except FileNotFoundError:
        return None
    return max((int(name) for name in names if _GENERATION.fullmatch(name)), default=None)


def _failure(place: Path) -> _Failure | None:
    try:
        return msgspec.json.decode((place / _FAILED).read_bytes(), type=_Failure)
    except FileNotFoundError:
        return None


def _make_scratch(directory: Path, owner: int) -> None:
    scratch = directory / "scratch"
    _make_directory(scratch, 0o700, owner)
    _make_directory(scratch / "tmp", 0o1777, owner)
    _make_directory(scratch / "var-tmp", 0o1777, owner)


def _make_directory(path: Path, mode: int, owner: int) -> None:
    path.mkdir()
    path.chmod(mode)
    if path.stat().st_uid != owner:
        os.chown(path, owner, owner)
