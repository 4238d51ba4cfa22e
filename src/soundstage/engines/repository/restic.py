"""One restic repository as a few verbs, and the lock that tells who of ours is using it.

`backups` calls it from its jobs, `contents` and `checking` beside them. Every restic holds a lock
on one file, `running`, as a descriptor that it inherits: whoever has that lock alone knows that no
restic of ours lives, also none of a service that was killed. Written for the JSON and the exit
codes of restic 0.14 to 0.18.
"""

import fcntl
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from soundstage.engines.repository import programs
from soundstage.engines.repository.stores import Store, StoreError
from soundstage.kit.jobs import Cancellation

_SNAPSHOT = re.compile(r"[0-9a-f]{64}")
# restic's exit code for a snapshot that lacks something it could not read.
_INCOMPLETE = 3


_LOOK_SECONDS = 30.0
_LOOKS = 5
"""A store that did not answer so many times in a row ends the restic that waits for it."""


class Snapshot(msgspec.Struct, frozen=True):
    id: str
    time: datetime
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
    """A repository in `store`; the lock file and a bucket's cache lie in `beside`."""

    def __init__(self, store: Store, password_file: Path, beside: Path) -> None:
        self.store = store
        self._password_file = password_file
        self._beside = beside
        # Whether the repository was ever seen: one that is then missing was not removed by us.
        self._made = beside / "made"

    @contextmanager
    def shared(self, *, waiting: bool = True) -> Iterator[int]:
        """Hold the lock as one of many that read and add; yields it, for the verbs below.

        Raises BlockingIOError instead of `waiting`.
        """
        with self._held(fcntl.LOCK_SH | (0 if waiting else fcntl.LOCK_NB)) as lock:
            yield lock

    @contextmanager
    def alone(self, *, waiting: bool = True) -> Iterator[int]:
        """Hold the lock alone; raises BlockingIOError instead of `waiting`."""
        with self._held(fcntl.LOCK_EX | (0 if waiting else fcntl.LOCK_NB)) as lock:
            yield lock

    def exists(self) -> bool:
        """Reports whether there is a repository, as far as is known without asking."""
        if self.store.folder is None:
            return self._made.exists()
        return (self.store.folder / "config").is_file()

    def gone(self) -> str | None:
        """Say so where a repository that was there is not, as far as is known without asking."""
        if not self._made.exists() or self.exists():
            return None
        return f"The repository in {self.store.address} is gone. Is the disk mounted?"

    def local_ids(self) -> set[str] | None:
        """List all snapshots without asking restic, which only a folder allows: ids are names."""
        if self.store.folder is None:
            return None
        return {name for name in self._names("snapshots") if _SNAPSHOT.fullmatch(name)}

    def is_unlocked(self) -> bool:
        """Reports that restic's own locks are none; only a folder can tell."""
        return self.store.folder is not None and not self._names("locks")

    def snapshot_ids(self, cancellation: Cancellation, lock: int) -> set[str]:
        known = self.local_ids()
        if known is not None:
            return known
        if not self.exists():
            return set()
        return set(self._run(cancellation, lock, "list", "snapshots").decode().split())

    def create(self, cancellation: Cancellation) -> None:
        """Make password and repository unless they are there: whole or not at all.

        Raises StoreError when a repository that was there is missing.
        """
        if self.exists() and self._made.exists():
            return
        with self.alone() as lock:
            if self.exists():
                self._made.touch()
                return
            if (gone := self.gone()) is not None:
                raise StoreError(gone)
            self._create_password()
            if self.store.folder is None:
                self._create_remotely(cancellation, lock)
            else:
                self._create_in(self.store.folder, cancellation, lock)
            self._made.touch()

    def expect(self, cancellation: Cancellation) -> None:
        """Find a repository that others made. Raises ProgramError, StoreError."""
        if self.store.folder is not None and not self.exists():
            raise programs.ProgramError(f"there is no repository in {self.store.address}")
        with self.shared() as lock:
            self._expect_own(cancellation, lock)
            self._made.touch()

    def _create_in(self, folder: Path, cancellation: Cancellation, lock: int) -> None:
        if folder.is_dir():
            # A mount point can't be renamed to; restic writes the file that counts last.
            self._run(cancellation, lock, "init")
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._run(cancellation, lock, "init", address=str(unfinished))
        unfinished.rename(folder)
        sync_directory(folder.parent)

    def _create_remotely(self, cancellation: Cancellation, lock: int) -> None:
        try:
            # To ask first whether there is one takes a quarter of an hour where there is no bucket:
            # so long restic (0.17) tries to read again.
            self._run(cancellation, lock, "init")
        except programs.ProgramError as refused:
            if "already" not in str(refused):
                raise
            self._expect_own(cancellation, lock)

    def _expect_own(self, cancellation: Cancellation, lock: int) -> None:
        try:
            self._run(cancellation, lock, "cat", "config", "--no-lock")
        except programs.ProgramError as error:
            if "password" not in str(error):
                raise
            raise programs.ProgramError(
                f"the key in {self._password_file} does not open what is in {self.store.address}"
            ) from None

    def backup(
        self,
        cancellation: Cancellation,
        lock: int,
        directory: Path,
        names: Sequence[str],
        *,
        host: str,
        tags: Sequence[str],
        limit_seconds: float | None = None,
    ) -> Saved:
        """Copy `names` in `directory`; host and paths choose the snapshot it is compared with.

        With a limit somebody waits for it: it then runs before others, not behind them, and
        raises TooSlowError in the end.
        """
        words = (
            *("backup", "--json", "--host", host),
            *(f"--tag={tag}" for tag in tags),
            *("--", *names),
        )
        done = self._execute(cancellation, lock, *words, cwd=directory, limit_seconds=limit_seconds)
        if done.returncode not in {0, _INCOMPLETE}:
            raise programs.ProgramError(f"restic: {_reason(done.stderr)}")
        snapshot = self._full_id(cancellation, lock, _summary(done.stdout).snapshot_id)
        return Saved(snapshot, programs.last_words(done.stderr) if done.returncode else "")

    def save_stream(
        self,
        cancellation: Cancellation,
        lock: int,
        name: str,
        content: IO[bytes],
        *,
        tags: Sequence[str],
    ) -> None:
        """Keep what a file holds as a snapshot with one file of this name."""
        words = ("backup", "--stdin", "--stdin-filename", name, "--host", "studio")
        tagged = tuple(f"--tag={tag}" for tag in tags)
        done = self._execute(cancellation, lock, *words, *tagged, stdin=content)
        if done.returncode != 0:
            raise programs.ProgramError(f"restic: {_reason(done.stderr)}")

    def dump(
        self, cancellation: Cancellation, lock: int, snapshot: str, path: str, target: IO[bytes]
    ) -> None:
        """Write one file of a snapshot to `target`, which may be a pipe."""
        words = ("dump", "--no-lock", snapshot, "--", path)
        done = self._execute(cancellation, lock, *words, stdout=target)
        if done.returncode != 0:
            raise programs.ProgramError(f"restic: {_reason(done.stderr)}")

    def list_folder(
        self, cancellation: Cancellation, lock: int, snapshot: str, path: str
    ) -> list[bytes]:
        """List a folder of a snapshot, itself first: a line of JSON each."""
        listed = self._run(cancellation, lock, "ls", "--no-lock", "--json", snapshot, "--", path)
        return listed.splitlines()[1:]

    def check(self, cancellation: Cancellation, lock: int, *, data: str | None) -> str:
        """Check the structure, and `data`, a part such as `3/12` or `100%`; says what is wrong.

        Held to `shared`, it may run beside backups; whoever removes needs the lock alone.
        """
        reading = () if data is None else (f"--read-data-subset={data}",)
        done = self._execute(cancellation, lock, "check", "--no-lock", *reading)
        if done.returncode == 0:
            return ""
        lines = (done.stdout + b"\n" + done.stderr).decode(errors="replace").splitlines()
        wrong = [line.strip() for line in lines if "error" in line.lower() or "Fatal" in line]
        return "\n".join(wrong[:20]) or "restic check failed"

    def restore(self, cancellation: Cancellation, lock: int, snapshot: str, target: Path) -> None:
        """Somebody waits for the workstation whose disk it is."""
        self._run(cancellation, lock, "restore", snapshot, "--target", target, is_urgent=True)

    def snapshots(self, cancellation: Cancellation, lock: int) -> list[Snapshot]:
        listed = self._run(cancellation, lock, "snapshots", "--json")
        return msgspec.json.decode(listed, type=list[Snapshot])

    def forget(self, cancellation: Cancellation, lock: int, snapshots: Sequence[str]) -> None:
        """Needs the lock alone, as do `prune` and `unlock`."""
        self._run(cancellation, lock, "forget", *sorted(snapshots))

    def prune(self, cancellation: Cancellation, lock: int) -> None:
        """Give back the space of what was forgotten, a bounded part of it at a time."""
        bounds = ("--max-unused", "10%", "--max-repack-size", "10G")
        self._run(cancellation, lock, "prune", *bounds)

    def unlock(self, cancellation: Cancellation, lock: int) -> None:
        """Remove restic's own locks, if any: who holds `lock` alone knows that they are stale."""
        if self.exists() and not self.is_unlocked():
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
        address: str | None = None,
        is_urgent: bool = False,
    ) -> bytes:
        done = self._execute(cancellation, lock, *words, address=address, is_urgent=is_urgent)
        if done.returncode != 0:
            raise programs.ProgramError(f"restic: {_reason(done.stderr)}")
        return done.stdout

    def _execute(
        self,
        cancellation: Cancellation,
        lock: int,
        *words: str | Path,
        address: str | None = None,
        is_urgent: bool = False,
        limit_seconds: float | None = None,
        cwd: Path | None = None,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run restic, and end it when its store fell silent. Raises StoreError."""
        self.store.expect_answer()
        is_urgent |= limit_seconds is not None
        begin = programs.urgently if is_urgent else programs.gently
        argv = begin(
            *("restic", "--repo", address or self.store.address),
            *("--password-file", self._password_file),
            *self._caching(),
            *words,
        )
        # One progress line in a hundred seconds: nobody reads them.
        environment = programs.environment(RESTIC_PROGRESS_FPS="0.01", **self.store.environment())
        done = cancellation.run(
            argv,
            cwd=cwd,
            env=environment,
            pass_fds=[lock],
            stdin=stdin,
            stdout=stdout,
            limit_seconds=limit_seconds,
            watch=None if self.store.folder is not None else _Patience(self.store),
            watch_seconds=_LOOK_SECONDS,
        )
        if done.returncode not in {0, _INCOMPLETE} and self.store.folder is None:
            # It may have failed because of the way there.
            self.store.expect_answer()
        return done

    def _caching(self) -> tuple[str | Path, ...]:
        """A folder is as near as a cache would be: there it only has all trees written twice."""
        if self.store.folder is not None:
            return ("--no-cache",)
        return ("--cache-dir", self._beside / "cache")

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
            return [path.name for path in ((self.store.folder or Path()) / folder).iterdir()]
        except FileNotFoundError:
            return []

    def _full_id(self, cancellation: Cancellation, lock: int, short: str) -> str:
        known = self.snapshot_ids(cancellation, lock)
        found = [name for name in known if name.startswith(short)]
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


class _Patience:
    """Looks whether a store still answers; raises StoreError when it has not for minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._failed = 0

    def __call__(self) -> None:
        try:
            self._store.expect_answer()
        except StoreError:
            self._failed += 1
            if self._failed >= _LOOKS:
                raise
        else:
            self._failed = 0


def _reason(stderr: bytes) -> str:
    """Pick what restic says of its end: it often goes on with advice."""
    lines = stderr.decode(errors="replace").splitlines()
    fatal = [line.removeprefix("Fatal: ") for line in lines if line.startswith("Fatal: ")]
    return fatal[-1][:300] if fatal else programs.last_words(stderr)


def _summary(stdout: bytes) -> _Summary:
    for line in reversed(stdout.splitlines()):
        if b'"summary"' in line:
            return msgspec.json.decode(line, type=_Summary)
    raise programs.ProgramError("restic made no summary")
