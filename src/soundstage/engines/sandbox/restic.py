"""One restic repository as a few verbs, and the lock that tells who of ours is using it.

`backups` calls it from its jobs. Every restic holds a lock on one file, `running`, as a descriptor
that it inherits: whoever has that lock alone knows that no restic of ours lives, also none of a
service that was killed. Written for the JSON and the exit codes of restic 0.14 to 0.18.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from soundstage.engines.sandbox import programs
from soundstage.engines.sandbox.jobs import Cancellation

_SNAPSHOT = re.compile(r"[0-9a-f]{64}")
# restic's exit code for a snapshot that lacks something it could not read.
_INCOMPLETE = 3


class Snapshot(msgspec.Struct, frozen=True):
    id: str
    tags: list[str] = []

    def tag(self, name: str) -> str | None:
        found = (tag.partition("=")[2] for tag in self.tags if tag.startswith(f"{name}="))
        return next(found, None)


class Saved(msgspec.Struct, frozen=True):
    """What one run of `backup` made."""

    snapshot: str
    missing: str = ""
    """Empty when the snapshot is whole, else the last thing that could not be read."""


class _Summary(msgspec.Struct, frozen=True):
    snapshot_id: str


class Restic:
    """A repository in `directory`; the cache and the lock file lie in `beside`."""

    def __init__(self, directory: Path, password_file: Path, beside: Path) -> None:
        self._directory = directory
        self._password_file = password_file
        self._beside = beside

    @contextmanager
    def shared(self) -> Iterator[int]:
        """Hold the lock as one of many that read and add; yields it, for the verbs below."""
        with self._held(fcntl.LOCK_SH) as lock:
            yield lock

    @contextmanager
    def alone(self, *, waiting: bool = True) -> Iterator[int]:
        """Hold the lock alone; raises BlockingIOError instead of `waiting`."""
        with self._held(fcntl.LOCK_EX | (0 if waiting else fcntl.LOCK_NB)) as lock:
            yield lock

    def exists(self) -> bool:
        return self._directory.is_dir()

    def snapshot_ids(self) -> set[str]:
        """List all snapshots without asking restic: in a local repository ids are file names."""
        return {name for name in self._names("snapshots") if _SNAPSHOT.fullmatch(name)}

    def has_locks(self) -> bool:
        """Reports whether restic's own locks lie there, of a living restic or of a killed one."""
        return bool(self._names("locks"))

    def create(self, cancellation: Cancellation) -> None:
        """Make password and repository unless they are there: whole or not at all."""
        if self.exists():
            return
        with self.alone() as lock:
            if self.exists():
                return
            self._create_password()
            unfinished = self._directory.with_name(f"{self._directory.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            self._run(cancellation, lock, "init", repository=unfinished)
            unfinished.rename(self._directory)
            sync_directory(self._directory.parent)

    def backup(
        self,
        cancellation: Cancellation,
        lock: int,
        directory: Path,
        names: Sequence[str],
        *,
        host: str,
        tags: Sequence[str],
    ) -> Saved:
        """Copy `names` in `directory`; host and paths choose the snapshot it is compared with."""
        argv = self._argv(
            *("backup", "--json", "--host", host),
            *(f"--tag={tag}" for tag in tags),
            *("--", *names),
        )
        done = cancellation.run(argv, cwd=directory, env=_environment(), pass_fds=[lock])
        if done.returncode not in {0, _INCOMPLETE}:
            raise programs.ProgramError(f"restic: {programs.last_words(done.stderr)}")
        snapshot = self._full_id(_summary(done.stdout).snapshot_id)
        return Saved(snapshot, programs.last_words(done.stderr) if done.returncode else "")

    def restore(self, cancellation: Cancellation, lock: int, snapshot: str, target: Path) -> None:
        self._run(cancellation, lock, "restore", snapshot, "--target", target)

    def snapshots(self, cancellation: Cancellation, lock: int) -> list[Snapshot]:
        listed = self._run(cancellation, lock, "snapshots", "--json")
        return msgspec.json.decode(listed, type=list[Snapshot])

    def forget(self, cancellation: Cancellation, lock: int, snapshots: Sequence[str]) -> None:
        """Needs the lock alone, as do `prune` and `unlock`."""
        self._run(cancellation, lock, "forget", *snapshots)

    def prune(self, cancellation: Cancellation, lock: int) -> None:
        """Give back the space of what was forgotten, a bounded part of it at a time."""
        bounds = ("--max-unused", "10%", "--max-repack-size", "10G")
        self._run(cancellation, lock, "prune", *bounds)

    def unlock(self, cancellation: Cancellation, lock: int) -> None:
        """Remove restic's own locks, if any: who holds `lock` alone knows that they are stale."""
        if self.has_locks():
            self._run(cancellation, lock, "unlock", "--remove-all")

    def _create_password(self) -> None:
        if self._password_file.exists():
            return
        self._password_file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._password_file.with_name(f"{self._password_file.name}.new")
        unfinished.unlink(missing_ok=True)
        write_durably(unfinished, secrets.token_urlsafe(32).encode())
        unfinished.rename(self._password_file)
        sync_directory(self._password_file.parent)

    def _run(
        self,
        cancellation: Cancellation,
        lock: int,
        *words: str | Path,
        repository: Path | None = None,
    ) -> bytes:
        argv = self._argv(*words, repository=repository)
        done = cancellation.run(argv, env=_environment(), pass_fds=[lock])
        if done.returncode != 0:
            raise programs.ProgramError(f"restic: {programs.last_words(done.stderr)}")
        return done.stdout

    def _argv(self, *words: str | Path, repository: Path | None = None) -> list[str]:
        return programs.gently(
            *("restic", "--repo", repository or self._directory),
            *("--password-file", self._password_file),
            *("--cache-dir", self._beside / "cache"),
            *words,
        )

    @contextmanager
    def _held(self, how: int) -> Iterator[int]:
        self._beside.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._beside / "running", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, how)
            yield fd
        finally:
            os.close(fd)

    def _names(self, folder: str) -> list[str]:
        try:
            return [path.name for path in (self._directory / folder).iterdir()]
        except FileNotFoundError:
            return []

    def _full_id(self, short: str) -> str:
        found = [name for name in self.snapshot_ids() if name.startswith(short)]
        if len(found) != 1:
            raise programs.ProgramError(f"restic: {len(found)} snapshots are called {short}")
        return found[0]


def write_durably(path: Path, content: bytes) -> None:
    """Write a new private file whose content is on the disk at return."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:  # noqa: PTH123  # A descriptor, not a path.
        file.write(content)
        file.flush()
        os.fsync(fd)


def sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _environment() -> dict[str, str]:
    # One progress line in a hundred seconds: nobody reads them.
    return programs.environment(RESTIC_PROGRESS_FPS="0.01")


def _summary(stdout: bytes) -> _Summary:
    for line in reversed(stdout.splitlines()):
        if b'"summary"' in line:
            return msgspec.json.decode(line, type=_Summary)
    raise programs.ProgramError("restic made no summary")
