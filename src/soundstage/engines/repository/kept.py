"""The part of an engine that only asks the repository: looking at backups, and removing them.

The sandbox's engine and that of Incus are built on it; how a backup is made is their own.
"""

from datetime import datetime
from typing import IO

from soundstage.engines.interface import (
    BackupCheck,
    BackupEntry,
    BackupFile,
    Capability,
    ObservedBackup,
)
from soundstage.engines.repository import checking
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.contents import Contents


class KeepsBackups:
    """Answers for all backups of an installation; an id says it all, whoever's it is."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._contents = Contents(repository)

    def observe_backup(self, ref: str, backup_id: str) -> ObservedBackup:  # noqa: ARG002 -- see above.
        return self._repository.observe(backup_id)

    def ensure_backup_absent(self, ref: str, backup_id: str) -> None:  # noqa: ARG002 -- see above.
        self._repository.ensure_absent(backup_id)

    def list_backup(self, ref: str, backup_id: str, folder: str) -> list[BackupEntry]:  # noqa: ARG002 -- see above.
        return self._contents.entries(backup_id, folder)

    def open_backup_file(self, ref: str, backup_id: str, path: str) -> BackupFile:  # noqa: ARG002 -- see above.
        return self._contents.open_file(backup_id, path)

    def look_at_backups(self) -> Capability:
        """For what the engine says of the machine."""
        return checking.look(self._repository)

    def check_backups(self, *, data: str | None) -> BackupCheck:
        return checking.check(self._repository, data=data)

    def keep_studio(self, content: IO[bytes]) -> None:
        checking.keep_studio(self._repository, content)

    def newest_studio(self, target: IO[bytes]) -> datetime:
        return checking.newest_studio(self._repository, target)
