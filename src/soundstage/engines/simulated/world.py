"""What there is in memory: workstations with their disks, and backups.

The other rooms of the engine change it, each with its lock held.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime

from soundstage.engines.interface import (
    Mark,
    Message,
    Phase,
    Reason,
    RetryableError,
    Script,
    ScriptOutput,
    Volume,
)
from soundstage.engines.simulated.misbehaviour import Misbehaviour

ALIVE = frozenset({Phase.STARTING, Phase.PREPARED, Phase.RUNNING})
BUSY = ALIVE | {Phase.STOPPING}
"""In these its disk is in use, and its place on the host as well."""


@dataclass
class Disk:
    """A volume in place."""

    generation: int
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Workstation:
    """One that is there, at rest or not."""

    phase: Phase
    since: datetime
    host: str = ""
    attempt: int | None = None
    disk: Disk | None = None
    due: datetime | None = None
    """When the present step ends; None for never."""
    restoring: Volume | None = None
    """What the disk becomes at `restored_at`, on the way to RUNNING."""
    restored_at: datetime | None = None
    spoilt: Misbehaviour | None = None
    is_leaving: bool = False
    crashed_at: datetime | None = None
    """Its place is kept from then on for a while; None when it was stopped, or runs."""
    seen_running: int = 0
    messages: list[Message] = field(default_factory=list)
    """What its present attempt was shown."""
    cpu_seconds: float = 0.0
    detail: str = ""
    reason: Reason = Reason.INTERNAL
    scripts: list[Script] = field(default_factory=list)
    """Those of this start that are to run."""
    waits: bool = False
    """Whether the artist's are not to run yet."""
    outputs: list[ScriptOutput] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    """What its present attempt comes to; some of them lie ahead."""

    def enter(
        self,
        phase: Phase,
        moment: datetime,
        detail: str = "",
        reason: Reason = Reason.INTERNAL,
    ) -> None:
        """Be in this phase from that moment on."""
        self.phase, self.since, self.detail, self.reason = phase, moment, detail, reason

    def expect_rest(self) -> None:
        """Raise RetryableError while its disk is in use."""
        if self.phase in BUSY:
            raise RetryableError("The workstation is not stopped yet.")


@dataclass
class Backup:
    """One that is being made until `due`, and is complete from then on unless it is spoilt."""

    ref: str
    files: dict[str, bytes]
    due: datetime
    spoilt: Misbehaviour | None
    times_seen: int = 0

    @property
    def is_lost(self) -> bool:
        """Reports whether it was seen for the last time."""
        return self.spoilt is Misbehaviour.LOSES_BACKUP and self.times_seen > 0

    @property
    def is_failing(self) -> bool:
        """Reports whether it never becomes complete."""
        return self.spoilt in {Misbehaviour.FAILS_BACKUP, Misbehaviour.LOSES_STORE}

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.files.values()))


@dataclass
class World:
    """What outlives an engine object, as workstations and disks outlive the service."""

    workstations: dict[str, Workstation] = field(default_factory=dict)
    backups: dict[str, Backup] = field(default_factory=dict)
    studio_copies: list[tuple[datetime, bytes]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def backup(self, ref: str, backup_id: str) -> Backup | None:
        """Find a workstation's own backup; None where it has none of this id."""
        backup = self.backups.get(backup_id)
        return None if backup is None or backup.ref != ref or backup.is_lost else backup
