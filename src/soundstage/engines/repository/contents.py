"""Looks into backups without restoring them: folders one by one, and single files as a stream.

`engine` makes one over its repository. Paths come from people: they are taken apart here, never
followed through links, and what is read is decided by restic's list and not by the path alone.
"""

import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from soundstage.engines.interface import BackupEntry, NoSuchEntryError, RetryableError
from soundstage.engines.repository.backups import HOME, Repository
from soundstage.engines.repository.programs import ProgramError
from soundstage.engines.repository.stores import StoreError
from soundstage.kit.jobs import Cancellation, Jobs

_REMEMBERED = 32
_MOST_AT_ONCE = 4
_WAITS_SECONDS = 15.0
_KINDS = {"file": "FILE", "dir": "FOLDER", "symlink": "LINK"}


class _Node(msgspec.Struct, frozen=True):
    name: str
    type: str
    path: str
    mtime: datetime
    size: int = 0


class Contents:
    """What is in the backups of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._restic = repository.restic
        self._lock = threading.Lock()
        self._listed: OrderedDict[tuple[str, str], list[BackupEntry]] = OrderedDict()
        self._jobs = Jobs(threads=_MOST_AT_ONCE)
        self._reading = 0

    def entries(self, backup_id: str, folder: str) -> list[BackupEntry]:
        """Raises NoSuchEntryError, PermanentError, RetryableError."""
        snapshot = self._repository.known(backup_id).snapshot or ""
        path = _path_of(folder)
        with self._lock:
            # One at a time: each costs a second of a core, and the next may ask for the same.
            known = self._listed.get((snapshot, path))
            if known is None:
                known = self._read(snapshot, path)
                self._listed[snapshot, path] = known
            self._listed.move_to_end((snapshot, path))
            while len(self._listed) > _REMEMBERED:
                self._listed.popitem(last=False)
        return known

    def open_file(self, backup_id: str, path: str) -> "Reading":
        """Raises NoSuchEntryError, PermanentError, RetryableError."""
        snapshot = self._repository.known(backup_id).snapshot or ""
        full = _path_of(path)
        folder, _, name = full.removeprefix(f"/{HOME}").rpartition("/")
        found = [entry for entry in self.entries(backup_id, folder) if entry.name == name]
        if not found or found[0].kind != "FILE":
            raise NoSuchEntryError(f"There is no file {path!r} in this backup.")
        with self._lock:
            if self._reading >= _MOST_AT_ONCE:
                raise RetryableError(
                    f"{_MOST_AT_ONCE} files are being read from backups already.", after_seconds=5
                )
            self._reading += 1
        source, target = os.pipe2(os.O_CLOEXEC)
        key = secrets.token_hex(8)
        self._jobs.begin(key, lambda c: self._write(c, snapshot, full, target))
        return Reading(self._jobs, key, source, found[0].size_bytes)

    def _read(self, snapshot: str, path: str) -> list[BackupEntry]:
        try:
            with self._shared() as lock:
                lines = self._restic.list_folder(Cancellation(), lock, snapshot, path)
        except BlockingIOError:
            raise RetryableError("The backups are being tidied up.", after_seconds=5) from None
        except (ProgramError, StoreError) as error:
            raise RetryableError(str(error), after_seconds=5) from None
        nodes = [msgspec.json.decode(line, type=_Node) for line in lines]
        if not any(node.path == path and node.type == "dir" for node in nodes):
            raise NoSuchEntryError("There is no such folder in this backup.")
        inside = [node for node in nodes if node.path == f"{path}/{node.name}"]
        return [
            BackupEntry(
                name=node.name,
                kind=_KINDS.get(node.type, "OTHER"),  # type: ignore[arg-type]  # One of four words.
                size_bytes=node.size,
                modified_at=node.mtime,
            )
            for node in sorted(inside, key=lambda node: node.name)
        ]

    @contextmanager
    def _shared(self) -> Iterator[int]:
        """Removing takes seconds, giving space back minutes: only the first is waited for."""
        ends_at = time.monotonic() + _WAITS_SECONDS
        while True:
            try:
                held = self._restic.shared(waiting=False)
                lock = held.__enter__()
                break
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    raise
            time.sleep(0.05)
        try:
            yield lock
        finally:
            held.__exit__(None, None, None)

    def _write(self, cancellation: Cancellation, snapshot: str, path: str, target: int) -> None:
        try:
            with os.fdopen(target, "wb") as pipe, self._shared() as lock:
                self._restic.dump(cancellation, lock, snapshot, path, pipe)
        finally:
            with self._lock:
                self._reading -= 1


class Reading:
    """One file on its way; ends restic when it is closed early."""

    def __init__(self, jobs: Jobs, key: str, source: int, size_bytes: int) -> None:
        self._jobs = jobs
        self._key = key
        self._source = source
        self._left = size_bytes
        self._is_closed = False
        self.size_bytes = size_bytes

    def read(self, size: int) -> bytes:
        """Raises RetryableError when it broke off."""
        piece = os.read(self._source, size)
        self._left -= len(piece)
        if not piece and self._left != 0:
            while self._jobs.is_running(self._key):
                time.sleep(0.01)
            reason = self._jobs.failure(self._key) or "its size is another one"
            raise RetryableError(f"The file could not be read to its end: {reason}")
        return piece

    def close(self) -> None:
        """May be called again."""
        if not self._is_closed:
            self._is_closed = True
            os.close(self._source)
            self._jobs.cancel(self._key)


def _path_of(path: str) -> str:
    """Where it lies in a snapshot. Raises NoSuchEntryError for what is no path inside a home."""
    parts = [part for part in path.split("/") if part]
    if "\0" in path or {".", ".."} & set(parts):
        raise NoSuchEntryError("A path goes down from the home, by names.")
    return "/".join([f"/{HOME}", *parts])
