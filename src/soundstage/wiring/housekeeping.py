"""What is done again and again beside the reconciler: what nobody asks for any more is removed, the
trail of events is linked, backups are checked.

`service` has one and runs it between its start and its end; tests call `sweep`.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import anyio.to_thread
import structlog

from soundstage.api import idempotency
from soundstage.engines.interface import RetryableError
from soundstage.kit import chain, journal
from soundstage.resources.backups.safekeeping import Safekeeping
from soundstage.resources.logins import service as logins
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import service as sessions
from soundstage.resources.warm_workstations import service as warm
from soundstage.wiring.parts import Parts

_SWEEP_EVERY = timedelta(minutes=1)
_SAFEKEEPING_EVERY = timedelta(minutes=5)
_MOST_ROUNDS = 20
"""How many thousands of events are linked, and removed, at a time."""

_log = structlog.get_logger("soundstage")


class Housekeeping:
    """That of one installation; `audit_key` links the trail of events."""

    def __init__(self, parts: Parts, audit_key: bytes) -> None:
        self._parts = parts
        self._audit_key = audit_key

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Do all of it, whenever it is due, until the end of the block."""
        is_over = threading.Event()
        # A daemon: a look through all backups may take hours, and nobody waits for it at the end.
        threading.Thread(target=self._keep_safe, args=[is_over], daemon=True).start()
        sweeps: list[Callable[[], None]] = [self.sweep]
        if self._parts.sign_on is not None:
            sweeps.append(self._parts.sign_on.provider.keep_known)
        tasks = [asyncio.create_task(_for_ever(sweep)) for sweep in sweeps]
        try:
            yield
        finally:
            is_over.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def sweep(self) -> None:
        """Remove what nobody will ask for again: workstations of no session, old tokens."""
        parts = self._parts
        parts.know_hosts()
        refs = parts.engine.refs()
        now = parts.clock()
        with parts.database.transaction() as transaction:
            idempotency.purge(transaction, now)
            logins.purge(transaction, now, limits=parts.login_limits)
            known = sessions.known_refs(transaction, refs) | warm.refs(transaction)
            orphans = refs - known
        self._keep_trail(now)
        for ref in sorted(orphans):
            _log.warning("a workstation of no session is removed", session=ref)
            # What can't be removed now is still there at the next sweep.
            with contextlib.suppress(RetryableError):
                parts.engine.ensure_absent(ref)

    def _keep_trail(self, now: datetime) -> None:
        """Link what was added to the trail of events, and remove what is too old."""
        database = self._parts.database
        with database.transaction() as transaction:
            through = journal.last(transaction)
        for _ in range(_MOST_ROUNDS):
            with database.transaction(note=True) as transaction:
                if not chain.extend(transaction, self._audit_key, through=through):
                    break
        keep = timedelta(days=self._parts.settings.event_days)
        for _ in range(_MOST_ROUNDS if keep else 0):
            with database.transaction(note=True) as transaction:
                if not chain.prune(transaction, keep=keep, now=now, actor=SERVICE_PRINCIPAL):
                    break

    def _keep_safe(self, is_over: threading.Event) -> None:
        """Check the backups and keep the studio beside them, whenever that is due."""
        settings = self._parts.settings
        keeper = Safekeeping(
            self._parts.engine,
            self._parts.database,
            settings.home,
            self._parts.clock,
            verify_every=timedelta(days=settings.backup_check_days),
            keep_every=timedelta(hours=settings.studio_backup_hours),
        )
        while not is_over.wait(_SAFEKEEPING_EVERY.total_seconds()):
            try:
                keeper.do_what_is_due()
            except Exception:  # noqa: BLE001 - it is logged, and the service goes on
                _log.exception("safekeeping failed")


async def _for_ever(sweep: Callable[[], None]) -> None:
    """Do something now and every minute."""
    while True:
        try:
            await anyio.to_thread.run_sync(sweep)
        except Exception:  # noqa: BLE001 - it is logged, and the service goes on
            _log.exception("a sweep failed", sweep=sweep.__name__)
        await asyncio.sleep(_SWEEP_EVERY.total_seconds())
