"""The worker that makes sessions what they are wished to be."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import (
    Engine,
    Observed,
    PermanentError,
    Phase,
    RetryableError,
    Spec,
    SupportsPersistence,
    Volume,
)
from soundstage.kit import lease
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionStatusCode,
)
from soundstage.resources.launch_profiles.model import DEFAULT_VOLUME, StreamingClipboardMode
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import service, store
from soundstage.resources.sessions.lifecycle import (
    HEALS_WITHIN,
    Act,
    Step,
    blind_step,
    changes_of,
    next_step,
)
from soundstage.resources.sessions.model import StreamingSession


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A session and the backup of its last stop."""

    session: StreamingSession
    backup: StreamingSessionBackup | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and what it was decided from."""

    step: Step
    observed: Observed


class SessionWorker:
    """Observes a workstation, decides, and asks the engine for the next thing."""

    name = "sessions"
    table = store.table

    def __init__(self, engine: Engine, *, keep_backups_for: timedelta) -> None:
        self._engine = engine
        self._keep_backups_for = keep_backups_for

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read the session and the backup of its last stop."""
        del now
        session = store.sessions.get(transaction, row_id)
        if session is None:
            return None
        backup = backups.of_stop(transaction, session.id, session.stop_number)
        return Loaded(session=session, backup=backup)

    def act(self, loaded: Loaded, now: datetime) -> Outcome:
        """Take one step; an engine that can't answer costs time, never a wrong decision."""
        session = loaded.session
        try:
            observed = self._engine.observe(session.id)
        except RetryableError as error:
            again_at = now + timedelta(seconds=error.after_seconds)
            unseen = Observed(phase=Phase.STARTING, detail=str(error))
            step = blind_step(session, loaded.backup, why=str(error), again_at=again_at, now=now)
            return Outcome(step=step, observed=unseen)
        step = next_step(session, loaded.backup, observed, now)
        try:
            self._do(session, step.act)
        except RetryableError as error:
            again_at = now + timedelta(seconds=error.after_seconds)
            # What is decided stays decided; the act comes again with the next look.
            message = str(error) if step.event is None else step.message
            step = msgspec.structs.replace(step, message=message, again_at=again_at)
        except PermanentError as error:
            observed = Observed(
                phase=Phase.FAILED,
                attempt=session.attempt,
                volume_generation=observed.volume_generation,
                detail=str(error),
                reason=error.reason,
            )
            step = next_step(session, loaded.backup, observed, now)
        return Outcome(step=step, observed=observed)

    def due_at(self, outcome: Outcome) -> datetime | None:
        """When to look again."""
        return outcome.step.again_at

    def apply(
        self, transaction: Connection, loaded: Loaded, outcome: Outcome, now: datetime
    ) -> None:
        """Write what was decided."""
        _write(
            transaction,
            loaded.session,
            outcome.step,
            outcome.observed,
            now,
            keep_backups_for=self._keep_backups_for,
        )

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed session now."""
        lease.wake(transaction, self.table, now, self.table.c.id == changed)

    def _do(self, session: StreamingSession, act: Act) -> None:
        match act:
            case Act.RUN:
                self._engine.ensure_running(session.id, spec_of(session))
            case Act.STOP:
                self._engine.ensure_stopped(session.id)
            case Act.REMOVE:
                self._engine.ensure_absent(session.id)
            case Act.REMOVE_VOLUME if isinstance(self._engine, SupportsPersistence):
                self._engine.ensure_volume_absent(session.id)
            case _:
                pass


def _write(
    transaction: Connection,
    session: StreamingSession,
    step: Step,
    observed: Observed,
    now: datetime,
    *,
    keep_backups_for: timedelta,
) -> None:
    """Write what was decided by `lifecycle.next_step`."""
    match step.event:
        case None:
            _note_progress(transaction, session, step)
        case "stop":
            service.begin_stop(
                transaction, session, now=now, by=SERVICE_PRINCIPAL, message=step.message
            )
        case "delete":
            service.begin_delete(
                transaction, session, now=now, by=SERVICE_PRINCIPAL, message=step.message
            )
        case "heal":
            _heal(transaction, session, step, now)
        case "healed":
            store.sessions.update(
                transaction, session.id, {"running_attempt": session.attempt, "updated_at": now}
            )
        case "begin backup":
            backups.begin(
                transaction,
                studio_id=session.studio_id,
                session_id=session.id,
                stop_number=session.stop_number,
                launch_profile_id=session.launch_profile_id,
                owned_by=session.owned_by,
                tags=session.tags,
                now=now,
            )
        case "purge":
            store.sessions.delete(transaction, session.id)
        case event:
            service.move(
                transaction,
                session,
                event,
                now=now,
                actor=SERVICE_PRINCIPAL,
                code=step.code or StreamingSessionStatusCode.INTERNAL_ERROR,
                message=step.message,
                changes=changes_of(session, event, observed, now),
                due_at=step.again_at,
            )
            if event == "rested" and session.makes_backups:
                backups.rotate(transaction, session.id, session.max_backups_to_retain, now)
            if event == "gone":
                backups.keep_until(transaction, session.id, now + keep_backups_for, now)


def _heal(transaction: Connection, session: StreamingSession, step: Step, now: datetime) -> None:
    recent = [moment for moment in session.heals if now - moment < HEALS_WITHIN]
    store.sessions.update(
        transaction,
        session.id,
        {
            "attempt": session.attempt + 1,
            "heals": [*recent, now],
            "status_message": step.message,
            "updated_at": now,
        },
    )
    service.note(
        transaction, session, "HEAL", actor=SERVICE_PRINCIPAL, now=now, message=step.message
    )


def _note_progress(transaction: Connection, session: StreamingSession, step: Step) -> None:
    """Let people see what a start is doing; it is no change of state, so nobody is woken."""
    if step.message and step.message != session.status_message:
        store.sessions.update(transaction, session.id, {"status_message": step.message})


def spec_of(session: StreamingSession) -> Spec:
    """Say to the engine what the session is."""
    volume = session.volume_configuration or DEFAULT_VOLUME
    return Spec(
        image=session.ec2_image_id,
        instance_type=session.ec2_instance_type,
        attempt=session.attempt,
        clipboard=session.clipboard_mode is StreamingClipboardMode.ENABLED,
        volume=Volume(
            generation=session.volume_generation,
            backup_id=session.volume_backup_id,
            size_gib=volume.size or 0,
            iops=volume.iops or 0,
            throughput_mib=volume.throughput or 0,
        ),
    )
