"""The worker that makes sessions what they are wished to be."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import (
    Engine,
    Message,
    Observed,
    OutOfReachError,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Room,
    Spec,
    SupportsMessages,
    SupportsPersistence,
    SupportsSizes,
    SupportsUse,
    Use,
)
from soundstage.kit import lease
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.hosts import service as hosts
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.launch_profiles import workstation
from soundstage.resources.launch_profiles.equipment import Equipment
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import moving, service, steps, store
from soundstage.resources.sessions.absence import Absence
from soundstage.resources.sessions.countdown import TimeRules
from soundstage.resources.sessions.lifecycle import (
    HEALS_WITHIN,
    HEALTH_EVERY,
    Act,
    Situation,
    Step,
    blind_step,
    changes_of,
    counted_anew,
    is_busy,
    is_use_wanted,
    next_step,
)
from soundstage.resources.sessions.model import Activity, StreamingSession
from soundstage.resources.warm_workstations import service as warm
from soundstage.resources.warm_workstations.lifecycle import would_help


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A session and the backup of its last stop."""

    session: StreamingSession
    backup: StreamingSessionBackup | None
    source: StreamingSessionBackup | None = None
    """What it could be brought up elsewhere from, if it is to be."""
    missed: timedelta = timedelta(0)
    """How long ago it was to be looked at."""
    equipment: Equipment | None = None
    """What its components give to the workstation; of one that is to be started."""
    warm: set[str] = set()
    """The prepared workstations that could be given up for it; of one that is to be started."""
    closed: list[str] = []
    """The hosts on which nothing new may be placed; of one that is to be started."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and what it was decided from."""

    step: Step
    observed: Observed
    use: Use | None = None


class SessionWorker:
    """Observes a workstation, decides, and asks the engine for the next thing."""

    name = "sessions"
    table = store.table
    watch_every = HEALTH_EVERY

    def __init__(
        self,
        engine: Engine,
        *,
        keep_backups_for: timedelta,
        rules: TimeRules | None = None,
        script_seconds: int = 600,
    ) -> None:
        self._engine = engine
        self._keep_backups_for = keep_backups_for
        self._rules = rules or TimeRules()
        self._script_seconds = script_seconds

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read the session and the backup of its last stop."""
        session = store.sessions.get(transaction, row_id)
        if session is None:
            return None
        backup = backups.of_stop(transaction, session.id, session.stop_number)
        due_at = store.due_at(transaction, row_id) or now
        equipment, prepared, closed = None, set[str](), list[str]()
        if _is_starting(session):
            closed = hosts.closed(transaction)
            prepared = warm.refs(transaction)
            equipment = launch_profiles.equip(
                transaction, session.studio_id, session.studio_component_ids
            )
        return Loaded(
            session=session,
            backup=backup,
            source=moving.source(transaction, session, backup),
            missed=max(now - due_at, timedelta(0)),
            equipment=equipment,
            warm=prepared,
            closed=closed,
        )

    def act(self, loaded: Loaded, now: datetime) -> Outcome:
        """Take one step; an engine that can't answer costs time, never a wrong decision."""
        session = loaded.session
        equipment = loaded.equipment or Equipment()
        patience = equipment.may_take(self._script_seconds)
        try:
            observed = self._engine.observe(session.ref)
        except RetryableError as error:
            again_at = now + timedelta(seconds=error.after_seconds)
            unseen = Observed(phase=Phase.STARTING, detail=str(error))
            step = blind_step(
                session,
                loaded.backup,
                why=str(error),
                again_at=again_at,
                now=now,
                patience=patience,
                absence=Absence(source=loaded.source, missed=loaded.missed)
                if isinstance(error, OutOfReachError)
                else None,
            )
            return Outcome(step=step, observed=unseen)
        use = self._observe_use(session, observed, now)
        situation = Situation(rules=self._rules, use=use, missed=loaded.missed, patience=patience)
        step = next_step(session, loaded.backup, observed, now, situation)
        if step.announcement is not None:
            return Outcome(step=self._announce(session, step, now), observed=observed)
        try:
            self._do(session, step.act, equipment, loaded.closed)
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
            may_make_room = self._may_make_room(loaded, error)
            situation = msgspec.structs.replace(situation, may_make_room=may_make_room)
            step = next_step(session, loaded.backup, observed, now, situation)
        return Outcome(step=step, observed=observed, use=use)

    def _may_make_room(self, loaded: Loaded, error: PermanentError) -> bool:
        if error.reason is not Reason.CAPACITY or not loaded.warm:
            return False
        room = self._room(loaded.closed)
        return would_help(room, loaded.warm, loaded.session.ec2_instance_type)

    def _room(self, closed: list[str]) -> Room | None:
        if not isinstance(self._engine, SupportsSizes):
            return None
        try:
            return self._engine.room(avoid=closed)
        except RetryableError:
            return None

    def due_at(self, outcome: Outcome) -> datetime | None:
        """When to look again."""
        return outcome.step.again_at

    def is_decision(self, outcome: Outcome) -> bool:
        """A look after which nothing changes only notes when the next one is."""
        return outcome.step.event is not None

    def apply(
        self, transaction: Connection, loaded: Loaded, outcome: Outcome, now: datetime
    ) -> None:
        """Write what was decided."""
        session = loaded.session
        match outcome.step.event:
            case "measured" if outcome.use is not None:
                _note_use(transaction, session, outcome.use, self._rules, now)
            case "count anew":
                equipment = loaded.equipment or Equipment()
                patience = equipment.may_take(self._script_seconds)
                changes = counted_anew(session, loaded.missed, now, patience)
                store.sessions.update(transaction, session.id, changes)
            case "announce":
                _note_announcement(transaction, session, outcome.step, now)
            case "lost" | "found":
                moving.note_reach(transaction, session, outcome.step, now)
            case "placed":
                store.sessions.update(transaction, session.id, {"host": outcome.observed.host})
            case "move" if loaded.source is not None:
                moving.begin(transaction, session, loaded.source, outcome.step, now)
            case _:
                _write(
                    transaction,
                    session,
                    outcome.step,
                    outcome.observed,
                    now,
                    keep_backups_for=self._keep_backups_for,
                )

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed session now."""
        lease.wake_row(transaction, self.table, store.named(transaction, changed), now)

    def watched(self, transaction: Connection) -> list[tuple[str, str, int]]:
        """Read which workstations should be running well, and the attempt of each."""
        return store.settled(transaction)

    def has_changed(self, watched: tuple[str, str, int]) -> str | None:
        """Name the session whose workstation is another than was stored; asked without a lease."""
        session_id, ref, attempt = watched
        try:
            observed = self._engine.observe(ref)
        except OutOfReachError:
            # Whoever looks at the session is told.
            return session_id
        except RetryableError:
            # Not answering is not dying.
            return None
        is_well = observed.phase is Phase.RUNNING and observed.attempt == attempt
        return None if is_well else session_id

    def _observe_use(
        self, session: StreamingSession, observed: Observed, now: datetime
    ) -> Use | None:
        is_running = observed.phase is Phase.RUNNING and observed.attempt == session.attempt
        if not is_running or not is_use_wanted(session, now):
            return None
        if not isinstance(self._engine, SupportsUse):
            # Then only input counts, and this reading is as good as any.
            return Use(cpu_seconds=0.0)
        try:
            return self._engine.observe_use(session.ref)
        except RetryableError:
            return None

    def _announce(self, session: StreamingSession, step: Step, now: datetime) -> Step:
        """Show it; what can't be shown inside still is on the stream's page."""
        told = step.announcement
        if told is None or not isinstance(self._engine, SupportsMessages):
            return step
        message = Message(key=told.key, title=told.title, text=told.text, urgent=told.urgent)
        try:
            self._engine.show_message(session.ref, message)
        except RetryableError as error:
            return Step(again_at=now + timedelta(seconds=error.after_seconds))
        except PermanentError:
            return step
        return step

    def _do(
        self, session: StreamingSession, act: Act, equipment: Equipment, closed: list[str]
    ) -> None:
        match act:
            case Act.RUN:
                spec = spec_of(
                    session, equipment, script_seconds=self._script_seconds, avoid=closed
                )
                self._engine.ensure_running(session.ref, spec)
            case Act.STOP:
                self._engine.ensure_stopped(session.ref)
            case Act.REMOVE:
                self._engine.ensure_absent(session.ref)
            case Act.REMOVE_VOLUME if isinstance(self._engine, SupportsPersistence):
                self._engine.ensure_volume_absent(session.ref)
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
            _note_progress(transaction, session, step, observed)
        case "stop":
            service.begin_stop(
                transaction,
                session,
                now=now,
                by=SERVICE_PRINCIPAL,
                message=step.message,
                because=step.because,
                rule=step.rule,
            )
        case "delete":
            service.begin_delete(
                transaction, session, now=now, by=SERVICE_PRINCIPAL, message=step.message
            )
        case "make room":
            _note_progress(transaction, session, step, observed)
            warm.give_up_for(transaction, session.id, now)
        case "begin anew":
            changes = {"attempt": session.attempt + 1, "status_message": step.message}
            store.sessions.update(transaction, session.id, changes)
        case "heal":
            _heal(transaction, session, step, now)
        case "healed":
            store.sessions.update(
                transaction, session.id, {"running_attempt": session.attempt, "updated_at": now}
            )
        case "begin backup":
            _begin_backup(transaction, session, now)
        case "purge":
            store.sessions.delete(transaction, session.id)
        case event:
            _move(transaction, session, event, step, observed, now=now)
            if event == "rested" and session.makes_backups:
                backups.rotate(transaction, session.id, session.max_backups_to_retain, now)
            if event == "gone":
                backups.keep_until(transaction, session.id, now + keep_backups_for, now)


def _begin_backup(transaction: Connection, session: StreamingSession, now: datetime) -> None:
    """Have the disk copied that a stop leaves at rest."""
    backups.begin(
        transaction,
        studio_id=session.studio_id,
        session_id=session.id,
        stop_number=session.stop_number,
        launch_profile_id=session.launch_profile_id,
        owned_by=session.owned_by,
        tags=session.tags,
        now=now,
        workstation=session.workstation,
    )


def _move(
    transaction: Connection,
    session: StreamingSession,
    event: str,
    step: Step,
    observed: Observed,
    *,
    now: datetime,
) -> None:
    service.move(
        transaction,
        session,
        event,
        now=now,
        actor=SERVICE_PRINCIPAL,
        code=step.code or StreamingSessionStatusCode.INTERNAL_ERROR,
        message=step.message,
        changes={
            **changes_of(session, event, observed, now),
            **_end_of_start(session, observed, now),
        },
        due_at=step.again_at,
    )


def _note_use(
    transaction: Connection, session: StreamingSession, use: Use, rules: TimeRules, now: datetime
) -> None:
    changes: dict[str, object] = {"use_at": now, "use_seconds": use.cpu_seconds}
    if is_busy(session, use, rules, now):
        changes |= {"active_at": now, "active_by": Activity.PROCESSOR}
    store.sessions.update(transaction, session.id, changes)


def _note_announcement(
    transaction: Connection, session: StreamingSession, step: Step, now: datetime
) -> None:
    told = step.announcement
    if told is None:
        return
    changes = {"warned_end": told.end, "warned_before": int(told.before.total_seconds())}
    store.sessions.update(transaction, session.id, changes)
    message = f"{told.title}. {told.text}"
    service.note(
        transaction, session, "ANNOUNCED", actor=SERVICE_PRINCIPAL, now=now, message=message
    )


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


def _note_progress(
    transaction: Connection, session: StreamingSession, step: Step, observed: Observed
) -> None:
    """Let people see what a start is doing; it is no change of state, so nobody is woken."""
    changes: dict[str, object] = {}
    if step.message and step.message != session.status_message:
        changes["status_message"] = step.message
    if session.state in steps.STARTS:
        noted = steps.noted(session, observed)
        if noted != session.course:
            changes["course"] = noted
    if changes:
        store.sessions.update(transaction, session.id, changes)


def _end_of_start(
    session: StreamingSession, observed: Observed, now: datetime
) -> dict[str, object]:
    if session.state not in steps.STARTS:
        return {}
    return {"course": steps.ended(steps.noted(session, observed), now, observed)}


def _is_starting(session: StreamingSession) -> bool:
    """Reports whether its workstation is on its way, after a crash too."""
    if session.state is StreamingSessionState.READY:
        return session.running_attempt != session.attempt
    return session.state in steps.STARTS


def spec_of(
    session: StreamingSession,
    equipment: Equipment | None = None,
    *,
    script_seconds: int = 600,
    avoid: Sequence[str] = (),
) -> Spec:
    """Say to the engine what the session is."""
    return workstation.spec_of(
        session,
        equipment or Equipment(),
        attempt=session.attempt,
        script_seconds=script_seconds,
        generation=session.volume_generation,
        backup_id=session.volume_backup_id,
        backup_of=session.volume_backup_of,
        avoid=avoid,
    )
