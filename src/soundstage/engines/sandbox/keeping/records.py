"""What is kept on disk of each workstation, so that any service process finds the truth again.

One folder a workstation in `<home>/workstations`, written only by the service and the
workstation's supervisor:

* `record.json`: what was asked for last (the service writes it);
* `status.json`: how far the supervisor is (it writes it);
* `scripts/N.json`: what the initialization scripts of attempt N said (the supervisor writes it);
* `messages.json`: what this attempt's desktop was to show (the service writes it);
* `lost.json`: when it was first found gone without a last word (the service writes it);
* `life`: an empty file that the supervisor holds locked for as long as it lives;
* `stream/`: the sockets of the desktop; the one thing here the workstation's user may write.

Used by `engine.py` only.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from soundstage.engines.interface import Message, Reason, ScriptOutput
from soundstage.engines.keeping import KeptMark, KeptOutput, Wish

_REF = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOCKS = ".locks"
_T = TypeVar("_T")


class Record(Wish, frozen=True, kw_only=True):
    """What was asked for last, and what makes the workstation itself over all its starts."""

    uid: int
    machine_id: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor wrote last; see supervisor.py."""

    attempt: int
    phase: Literal["starting", "prepared", "running", "stopping", "ended"]
    pid: int
    start_time: int | None
    boot_id: str
    inner_pid: int | None = None
    inner_start_time: int | None = None
    ready: bool = False
    stopped: bool = False
    takes_messages: bool = False
    reason: Reason = Reason.INTERNAL
    detail: str = ""
    began_at: float = 0.0
    since: float = 0.0
    exit_code: int | None = None
    marks: list[KeptMark] = []


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """All that one attempt's desktop was to show."""

    attempt: int
    messages: list[Message] = []


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """When one attempt was first found gone with nobody's last word."""

    attempt: int
    at: float


class Records:
    """The folders of all workstations."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def directory(self, ref: str) -> Path:
        if not _REF.fullmatch(ref):
            raise ValueError(f"{ref!r} is not the id of a workstation")
        return self._root / ref

    def refs(self) -> set[str]:
        if not self._root.is_dir():
            return set()
        return {entry.name for entry in self._root.iterdir() if _REF.fullmatch(entry.name)}

    def read(self, ref: str) -> Record | None:
        return _read(self.directory(ref) / "record.json", Record)

    def status(self, ref: str) -> Status | None:
        return _read(self.directory(ref) / "status.json", Status)

    def write(self, ref: str, record: Record) -> None:
        directory = self.directory(ref)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(directory / "record.json", record)

    def add_message(self, ref: str, attempt: int, message: Message) -> None:
        """Write down what the attempt's desktop is to show; nothing when it is there already."""
        path = self.directory(ref) / "messages.json"
        written = _read(path, Messages)
        if written is None or written.attempt != attempt:
            written = Messages(attempt=attempt)
        if message.key not in {known.key for known in written.messages}:
            _write(path, Messages(attempt=attempt, messages=[*written.messages, message]))

    def script_output(self, ref: str) -> list[ScriptOutput]:
        """What is kept of the last starts, oldest first."""
        folder = self.directory(ref) / "scripts"
        found: list[ScriptOutput] = []
        paths = folder.glob("*.json") if folder.is_dir() else ()
        for path in sorted((p for p in paths if p.stem.isdigit()), key=lambda p: int(p.stem)):
            outputs = _read(path, list[KeptOutput]) or []
            found += [output.of(int(path.stem)) for output in outputs]
        return found

    def found_lost_at(self, ref: str, attempt: int, now: float) -> float:
        """When the attempt was first found gone: now, unless that is written down."""
        path = self.directory(ref) / "lost.json"
        lost = _read(path, Lost)
        if lost is None or lost.attempt != attempt:
            lost = Lost(attempt=attempt, at=now)
            _write(path, lost)
        return lost.at

    def remove(self, ref: str) -> None:
        """The record goes last, so that half a removal is found again."""
        directory = self.directory(ref)
        if not directory.is_dir():
            return
        for entry in directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != "record.json":
                entry.unlink(missing_ok=True)
        (directory / "record.json").unlink(missing_ok=True)
        directory.rmdir()

    def uids(self) -> set[int]:
        return {record.uid for ref in self.refs() if (record := self.read(ref)) is not None}

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the named lock against every thread and process of this installation.

        A lock's file is never removed while it may be waited for; there is one for each of a
        few names, spread over workstations by the caller.
        """
        folder = self._root / _LOCKS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def take_life(self, ref: str) -> int | None:
        """The life lock as a descriptor, held; None when a supervisor lives."""
        path = self.directory(ref) / "life"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def is_alive(self, ref: str) -> bool:
        """Reports whether a supervisor holds the life lock."""
        try:
            descriptor = os.open(self.directory(ref) / "life", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            # Shared, so that two who ask at the same time don't take each other for a supervisor.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)


def next_uid(first: int, used: set[int]) -> int:
    """The lowest uid from `first` on that no workstation has."""
    uid = first
    while uid in used:
        uid += 1
    return uid


def _write(path: Path, content: msgspec.Struct) -> None:
    new = path.with_name(f"{path.name}.new")
    # The environment in a record may hold secrets.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(content))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _read(path: Path, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except msgspec.MsgspecError:
        # Half a file can only be what a loss of power left of it.
        return None
