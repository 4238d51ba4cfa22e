"""Looks whether all backups are there and whole, and keeps the studio's own database beside them.

Called by the command line, and by a thread of the service when its time has come. Everything here
waits for the store. What was found last lies in a file of the home, for whoever asks later.
"""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Connection

from soundstage.engines.interface import (
    BackupCheck,
    Engine,
    EngineError,
    SupportsChecking,
    SupportsStudioCopies,
)
from soundstage.kit.clock import Clock
from soundstage.kit.database import Database
from soundstage.resources.backups import store
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState

PARTS = 12
"""In how many looks everything that backups hold is read once."""
_NOTES = "safekeeping.json"
_AFTER_FAILURE = timedelta(hours=1)

_log = structlog.get_logger(__name__)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at all backups found."""

    at: datetime
    data: str
    """Which part of the content was read: `none`, `3/12`, `100%`."""
    backups: int
    problems: list[str] = []
    """What is wrong in the store."""
    missing: list[str] = []
    """Backups that are READY here and not in the store."""
    unknown: list[str] = []
    """Backups in the store that nobody knows here."""

    @property
    def is_well(self) -> bool:
        """Reports whether every backup is there and whole; unknown ones harm nobody."""
        return not self.problems and not self.missing


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What was done when."""

    verdict: Verdict | None = None
    studio_kept_at: datetime | None = None
    part: int = 0
    """The part of the content that was read last by the service itself."""


def read_notes(home: Path) -> Notes:
    """Read what was done; nothing, where that was never written or is spoilt."""
    try:
        return msgspec.json.decode((home / _NOTES).read_bytes(), type=Notes)
    except (FileNotFoundError, msgspec.DecodeError):
        return Notes()


def write_notes(home: Path, **changes: object) -> None:
    """Change some of what is written."""
    unfinished = home / f"{_NOTES}.new"
    notes = msgspec.structs.replace(read_notes(home), **changes)
    unfinished.write_bytes(msgspec.json.encode(notes))
    unfinished.rename(home / _NOTES)


def verify(
    engine: SupportsChecking, database: Database, *, data: str | None, clock: Clock
) -> Verdict:
    """Look through the store, and compare it with what is known here. Raises EngineError."""
    # Known before and after, because backups are made and removed meanwhile.
    with database.transaction(write=False) as transaction:
        before = _ready(transaction)
    found = engine.check_backups(data=data)
    with database.transaction(write=False) as transaction:
        after = _ready(transaction)
        known = set(_all(transaction))
    missing = (before.keys() & after.keys()) - found.backup_ids
    return Verdict(
        at=clock(),
        data=data or "none",
        backups=len(found.backup_ids),
        problems=found.problems,
        missing=[_described(after[backup_id]) for backup_id in sorted(missing)],
        unknown=sorted(found.backup_ids - known - before.keys()),
    )


def keep_studio(engine: SupportsStudioCopies, database: Database) -> None:
    """Keep a copy of the database as it is at one moment. Raises EngineError."""
    with tempfile.TemporaryDirectory(prefix="soundstage-") as folder:
        copy = Path(folder) / "copy"
        database.copy_to(copy)
        with copy.open("rb") as content:
            engine.keep_studio(content)


class Safekeeping:
    """Does by itself what is due; `wiring` asks it every few minutes, from a thread."""

    def __init__(
        self,
        engine: Engine,
        database: Database,
        home: Path,
        clock: Clock,
        *,
        verify_every: timedelta,
        keep_every: timedelta,
    ) -> None:
        self._engine = engine
        self._database = database
        self._home = home
        self._clock = clock
        self._verify_every = verify_every
        self._keep_every = keep_every
        self._not_before: dict[str, datetime] = {}

    def do_what_is_due(self) -> None:
        """Try again an hour after a failure; the failure is in the log."""
        notes = read_notes(self._home)
        if (
            isinstance(self._engine, SupportsStudioCopies)
            and self._database.can_be_copied
            and self._is_due("keep", notes.studio_kept_at, self._keep_every)
        ):
            self._try("keep", self._keep_studio)
        last = None if notes.verdict is None else notes.verdict.at
        if isinstance(self._engine, SupportsChecking) and self._is_due(
            "verify", last, self._verify_every
        ):
            self._try("verify", self._verify)

    def _is_due(self, what: str, last: datetime | None, every: timedelta) -> bool:
        now = self._clock()
        if not every or now < self._not_before.get(what, now):
            return False
        # A moment ahead was written before the clock was set back.
        return last is None or last > now or now - last >= every

    def _try(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except EngineError as error:
            self._not_before[what] = self._clock() + _AFTER_FAILURE
            _log.warning("safekeeping_failed", what=what, error=str(error))

    def _keep_studio(self) -> None:
        if isinstance(self._engine, SupportsStudioCopies):
            keep_studio(self._engine, self._database)
            write_notes(self._home, studio_kept_at=self._clock())

    def _verify(self) -> None:
        if not isinstance(self._engine, SupportsChecking):
            return
        part = read_notes(self._home).part % PARTS + 1
        verdict = verify(self._engine, self._database, data=f"{part}/{PARTS}", clock=self._clock)
        write_notes(self._home, verdict=verdict, part=part)
        if not verdict.is_well:
            _log.error("backups_are_damaged", problems=verdict.problems, missing=verdict.missing)


def adopted(
    transaction: Connection, check: BackupCheck, owners: dict[str, StreamingSessionBackup]
) -> list[StreamingSessionBackup]:
    """Write rows for backups in the store that nobody knows, like those that `owners` gives by
    session; those of sessions that are not there stay unknown.
    """
    known = _all(transaction)
    made = []
    for backup_id in sorted(check.backup_ids - known.keys()):
        pattern = owners.get(check.refs[backup_id])
        if pattern is None:
            continue
        backup = msgspec.structs.replace(
            pattern,
            id=backup_id,
            size_bytes=check.sizes[backup_id],
            created_at=check.made_at[backup_id],
        )
        store.backups.insert(transaction, backup, due_at=backup.created_at)
        made.append(backup)
    return made


def lost(transaction: Connection, check: BackupCheck) -> list[StreamingSessionBackup]:
    """Read the backups that are READY here and not in the store."""
    ready = _ready(transaction)
    return [ready[backup_id] for backup_id in sorted(ready.keys() - check.backup_ids)]


def _ready(transaction: Connection) -> dict[str, StreamingSessionBackup]:
    return {
        backup_id: backup
        for backup_id, backup in _all(transaction).items()
        if backup.state is StreamingSessionState.READY
    }


def _all(transaction: Connection) -> dict[str, StreamingSessionBackup]:
    return {backup.id: backup for backup in store.backups.find(transaction)}


def _described(backup: StreamingSessionBackup) -> str:
    made = f"{backup.created_at:%Y-%m-%d %H:%M} UTC"
    return f"{backup.id} of session {backup.session_id}, made {made} for {backup.owned_by}"
