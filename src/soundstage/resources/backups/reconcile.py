"""The worker that makes and removes backups."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import (
    BackupPhase,
    ObservedBackup,
    PermanentError,
    RetryableError,
    SupportsBackups,
)
from soundstage.kit import lease
from soundstage.resources.backups import service, store
from soundstage.resources.backups.lifecycle import Act, Step, next_step
from soundstage.resources.backups.model import StreamingSessionBackup


class BackupWorker:
    """Asks the engine for copies, and watches them to their end."""

    name = "backups"
    table = store.table

    def __init__(self, engine: SupportsBackups) -> None:
        self._engine = engine

    def load(
        self, transaction: Connection, row_id: str, now: datetime
    ) -> StreamingSessionBackup | None:
        """Read the backup."""
        del now
        return store.backups.get(transaction, row_id)

    def act(self, loaded: StreamingSessionBackup, now: datetime) -> Step:
        """Look at the copy, decide, and ask the engine for the next thing."""
        try:
            observed = self._engine.observe_backup(loaded.ref, loaded.id)
            step = next_step(loaded, observed, now)
            if step.act is Act.COPY:
                # One that somebody asked for may be of a workstation that runs.
                is_asked_for = loaded.stop_number is None
                self._engine.ensure_backup(loaded.ref, loaded.id, live=is_asked_for)
            elif step.act is Act.REMOVE:
                self._engine.ensure_backup_absent(loaded.ref, loaded.id)
        except RetryableError as error:
            again_at = now + timedelta(seconds=error.after_seconds)
            unseen = ObservedBackup(phase=BackupPhase.RUNNING, detail=str(error))
            return msgspec.structs.replace(
                next_step(loaded, unseen, now), act=Act.NOTHING, again_at=again_at
            )
        except PermanentError as error:
            failed = ObservedBackup(phase=BackupPhase.FAILED, detail=str(error))
            return next_step(loaded, failed, now)
        return step

    def due_at(self, outcome: Step) -> datetime | None:
        """When to look again."""
        return outcome.again_at

    def is_decision(self, outcome: Step) -> bool:
        """A look after which nothing changes only notes when the next one is."""
        return outcome.event is not None

    def apply(
        self,
        transaction: Connection,
        loaded: StreamingSessionBackup,
        outcome: Step,
        now: datetime,
    ) -> None:
        """Make the transition that was decided."""
        if outcome.event == "purge":
            store.backups.delete(transaction, loaded.id)
        elif outcome.event is not None:
            changes = {} if outcome.size_bytes is None else {"size_bytes": outcome.size_bytes}
            service.move(
                transaction,
                loaded,
                outcome.event,
                now=now,
                message=outcome.message,
                changes=changes,
            )
            if outcome.event == "kept" and loaded.keep_newest is not None:
                service.rotate(transaction, loaded.session_id, loaded.keep_newest, now)

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed backup now."""
        lease.wake_row(transaction, self.table, changed, now)
