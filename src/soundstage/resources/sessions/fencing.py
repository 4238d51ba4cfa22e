"""The worker that ends what sessions left on hosts that were lost or are taken out, as soon as
those answer.

An old workstation never runs beside its session's new one for longer than it takes to see it. The
work in it since the last backup is not lost: its disk becomes another backup of the session first.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import Engine, PermanentError, RetryableError
from soundstage.kit import lease
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import left, service, store
from soundstage.resources.sessions.absence import After, Aftermath, after
from soundstage.resources.sessions.model import LeftWorkstation, StreamingSession

_WHAT = {
    Aftermath.BACK_UP: ("FENCED", "What it had left on its former host is stopped, and is kept."),
    Aftermath.FORGET: ("CLEARED", "What it had left on its former host is removed."),
}


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One that was left, whose it was, and what was made of its disk."""

    left: LeftWorkstation
    session: StreamingSession | None
    backup: StreamingSessionBackup | None


class FencingWorker:
    """Waits for hosts; stops, keeps and removes what is there."""

    name = "left"
    table = left.table

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read it with its session."""
        del now
        found = left.left.get(transaction, row_id)
        if found is None:
            return None
        return Loaded(
            left=found,
            session=store.sessions.get(transaction, found.session_id),
            backup=backups.look_up(transaction, found.backup_id or ""),
        )

    def act(self, loaded: Loaded, now: datetime) -> After:
        """Look whether its host answers, and take one step."""
        ref = loaded.left.id
        try:
            observed = self._engine.observe(ref)
            decided = after(loaded.left, loaded.session, loaded.backup, observed, now)
            if decided.what is Aftermath.STOP:
                self._engine.ensure_stopped(ref)
            elif decided.what is Aftermath.REMOVE:
                self._engine.ensure_absent(ref)
        except (RetryableError, PermanentError) as error:
            seconds = error.after_seconds if isinstance(error, RetryableError) else 60.0
            return After(what=Aftermath.WAIT, again_at=now + timedelta(seconds=seconds))
        return decided

    def due_at(self, outcome: After) -> datetime | None:
        """When to look again."""
        return outcome.again_at

    def is_decision(self, outcome: After) -> bool:
        """Only what changes a row."""
        return outcome.what in _WHAT

    def apply(self, transaction: Connection, loaded: Loaded, outcome: After, now: datetime) -> None:
        """Begin the backup, or forget what is gone."""
        session = loaded.session
        if outcome.what is Aftermath.BACK_UP and session is not None:
            backup = backups.begin(
                transaction,
                studio_id=session.studio_id,
                session_id=session.id,
                stop_number=None,
                keep_newest=session.max_backups_to_retain,
                launch_profile_id=session.launch_profile_id,
                owned_by=session.owned_by,
                tags=session.tags,
                now=now,
                workstation=loaded.left.id,
            )
            left.left.update(transaction, loaded.left.id, {"backup_id": backup.id})
        elif outcome.what is Aftermath.FORGET:
            left.left.delete(transaction, loaded.left.id)
        if session is not None and outcome.what in _WHAT:
            what, message = _WHAT[outcome.what]
            service.note(
                transaction, session, what, actor=SERVICE_PRINCIPAL, now=now, message=message
            )

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed one now."""
        lease.wake_row(transaction, self.table, changed, now)
