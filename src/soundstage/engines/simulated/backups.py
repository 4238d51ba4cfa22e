"""Copies of disks, and of the studio's own records. The engine asks with the world's lock held."""

import io
from datetime import datetime, timedelta
from typing import IO

from soundstage.engines.interface import (
    BackupCheck,
    BackupEntry,
    BackupFile,
    BackupPhase,
    NoSuchEntryError,
    ObservedBackup,
    PermanentError,
    Phase,
    Reason,
)
from soundstage.engines.simulated.lives import Lives
from soundstage.engines.simulated.manner import Manner
from soundstage.engines.simulated.misbehaviour import Misbehaviour, Orders
from soundstage.engines.simulated.world import Backup, World
from soundstage.kit.clock import Clock

_SPOILS_A_BACKUP = (
    Misbehaviour.FAILS_BACKUP,
    Misbehaviour.LOSES_STORE,
    Misbehaviour.LOSES_BACKUP,
)


class Backups:
    """Of one engine; each operation is the interface's of that name."""

    def __init__(
        self, world: World, clock: Clock, manner: Manner, *, lives: Lives, orders: Orders
    ) -> None:
        self._world = world
        self._clock = clock
        self._manner = manner
        self._lives = lives
        self._orders = orders

    def observe(self, ref: str, backup_id: str) -> ObservedBackup:
        backup = self._world.backup(ref, backup_id)
        if backup is None:
            return ObservedBackup(phase=BackupPhase.ABSENT)
        if not self._is_over(backup):
            return ObservedBackup(phase=BackupPhase.RUNNING, detail="Files are being copied.")
        if backup.spoilt is Misbehaviour.FAILS_BACKUP:
            return ObservedBackup(phase=BackupPhase.FAILED, detail="The disk is full.")
        if backup.spoilt is Misbehaviour.LOSES_STORE:
            detail = "The backup store does not answer."
            return ObservedBackup(phase=BackupPhase.FAILED, detail=detail, may_pass=True)
        backup.times_seen += 1
        return ObservedBackup(phase=BackupPhase.COMPLETE, size_bytes=backup.size_bytes)

    def ensure(self, ref: str, backup_id: str, *, live: bool) -> None:
        workstation = self._lives.current(ref)
        is_live = live and workstation is not None and workstation.phase is Phase.RUNNING
        if workstation is not None and not is_live:
            workstation.expect_rest()
        backup = self._world.backup(ref, backup_id)
        if backup is not None and not (backup.is_failing and self._is_over(backup)):
            return
        if workstation is None or workstation.disk is None:
            raise PermanentError("There is no volume to copy.", reason=Reason.BACKUP)
        self._world.backups[backup_id] = Backup(
            ref,
            dict(workstation.disk.files),
            due=self._clock() + timedelta(seconds=self._manner.backup_seconds),
            spoilt=self._orders.use(ref, *_SPOILS_A_BACKUP),
        )

    def ensure_absent(self, ref: str, backup_id: str) -> None:
        if self._world.backup(ref, backup_id) is not None:
            del self._world.backups[backup_id]

    def entries(self, ref: str, backup_id: str, folder: str) -> list[BackupEntry]:
        parts = _parts(folder)
        found = {}
        for name, content in self._complete(ref, backup_id).files.items():
            rest = name.split("/")
            if rest[: len(parts)] != parts or len(rest) == len(parts):
                continue
            is_file = len(rest) == len(parts) + 1
            found[rest[len(parts)]] = BackupEntry(
                name=rest[len(parts)],
                kind="FILE" if is_file else "FOLDER",
                size_bytes=len(content) if is_file else 0,
                modified_at=self._clock(),
            )
        if parts and not found:
            raise NoSuchEntryError("There is no such folder in this backup.")
        return [found[name] for name in sorted(found)]

    def open(self, ref: str, backup_id: str, path: str) -> BackupFile:
        content = self._complete(ref, backup_id).files.get("/".join(_parts(path)))
        if content is None:
            raise NoSuchEntryError(f"There is no file {path!r} in this backup.")
        return _InMemory(content)

    def check(self) -> BackupCheck:
        there = {id_: each for id_, each in self._world.backups.items() if self._is_over(each)}
        return BackupCheck(
            backup_ids=set(there),
            refs={id_: each.ref for id_, each in there.items()},
            sizes={id_: each.size_bytes for id_, each in there.items()},
            made_at={id_: each.due for id_, each in there.items()},
            problems=[],
        )

    def keep_studio(self, content: IO[bytes]) -> None:
        self._world.studio_copies.append((self._clock(), content.read()))

    def newest_studio(self, target: IO[bytes]) -> datetime:
        if not self._world.studio_copies:
            raise NoSuchEntryError("There is no copy of a studio.")
        moment, content = self._world.studio_copies[-1]
        target.write(content)
        return moment

    def _is_over(self, backup: Backup) -> bool:
        return self._clock() >= backup.due

    def _complete(self, ref: str, backup_id: str) -> Backup:
        backup = self._world.backup(ref, backup_id)
        if backup is None or backup.is_failing or not self._is_over(backup):
            raise PermanentError("There is no such backup.", reason=Reason.BACKUP)
        return backup


class _InMemory:
    """A file of a simulated backup."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)
        self.size_bytes = len(content)

    def read(self, size: int) -> bytes:
        return self._rest.read(size)

    def close(self) -> None:
        self._rest.close()


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    if "\0" in path or {".", ".."} & set(parts):
        raise NoSuchEntryError("A path goes down from the home, by names.")
    return parts
