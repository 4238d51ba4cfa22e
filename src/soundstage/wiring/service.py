"""One running service, put together from its parts.

`cli.serve` builds one `Service` from the settings and runs it; tests build one with another clock
or engine.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import anyio.to_thread
import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from soundstage.api import app as api
from soundstage.api import description
from soundstage.api.feed import Feeds
from soundstage.engines import registry
from soundstage.engines.interface import (
    Engine,
    EngineError,
    SupportsBrowsing,
    SupportsHosts,
    SupportsNotices,
)
from soundstage.gateway.app import Gateway
from soundstage.gateway.downloads import Downloads
from soundstage.kit import lease
from soundstage.kit.clock import Clock, system_clock
from soundstage.kit.config import Settings
from soundstage.kit.convergence import Worker
from soundstage.kit.crypto import KEY_FILE
from soundstage.kit.pages import Pages
from soundstage.kit.proxies import Proxies
from soundstage.metrics.app import Metrics
from soundstage.metrics.counting import Counts
from soundstage.portal.app import Portal
from soundstage.reconciler.loop import Loop
from soundstage.resources import reconcilers
from soundstage.resources.backups import contents
from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.resources.members import service as members
from soundstage.resources.operations import BY_NOUN, OPERATIONS
from soundstage.wire.operation import BASE_PATH
from soundstage.wire.ticket import FileTicket, Tickets
from soundstage.wiring import traces
from soundstage.wiring.changes import Changes
from soundstage.wiring.choices import (
    api_settings_of,
    gateway_settings_of,
    installation_of,
    outbound_of,
    portal_settings_of,
    time_rules_of,
)
from soundstage.wiring.doors import ApiDoor
from soundstage.wiring.home import (
    AUDIT_KEY,
    database_of,
    lock_home,
    prepare_home,
    secret_of,
    upgrade,
)
from soundstage.wiring.housekeeping import Housekeeping
from soundstage.wiring.loginkeys import LoginKeys
from soundstage.wiring.loginlimits import login_limits_of
from soundstage.wiring.metrics import MetricsReader, token_of
from soundstage.wiring.portal import PortalDoor
from soundstage.wiring.sign_on import sign_on_of
from soundstage.wiring.upstreams import InProcessUpstreams

_BELOW_API = f"{BASE_PATH}/"
_log = structlog.get_logger("soundstage")


class _Application(Starlette):
    """All doors. What is the API's goes to it first: nothing that the others need, such as the
    search of a route, has an API's request wait.
    """

    def __init__(self, edge: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_api = scope["type"] == "http" and scope["path"].startswith(_BELOW_API)
        await (self._edge if is_api else super().__call__)(scope, receive, send)


class Service:
    """One process of Soundstage: doors, reconciler, engine and database."""

    def __init__(
        self, settings: Settings, *, clock: Clock = system_clock, engine: Engine | None = None
    ) -> None:
        prepare_home(settings)
        self.settings = settings
        self.clock = clock
        secret = secret_of(settings)
        if settings.secret_command and (settings.home / "keys" / KEY_FILE).exists():
            _log.warning("the key file is not needed beside the secret's command; remove it")
        self.seal = secret.seal_for("access-keys")
        self.database = database_of(settings, secret)
        self.engine = engine or registry.make(settings, clock)
        self.traces = traces.begin(settings, self.engine)
        self.installation = installation_of(settings, secret, self.engine)
        self.tickets = Tickets(secret.derive("stream-tickets"))
        self.pages = Pages(secret.derive("pages"))
        self.login_limits = login_limits_of(settings)
        self.sign_on = sign_on_of(settings, clock)
        self.host_names: list[str] = []
        self.counts = Counts()
        self.workers = self._make_workers()
        self.loop = Loop(self.database, self.workers, clock)
        if isinstance(self.engine, SupportsNotices):
            self.engine.listen(
                lambda ref: self.loop.hear([("sessions", ref), ("warm_workstations", ref)])
            )
        self.upstreams = InProcessUpstreams(self)
        self.gateway = Gateway(gateway_settings_of(settings), self.upstreams, self.tickets, clock)
        self.login_keys = LoginKeys(secret.derive("login-keys"))
        self.feeds = Feeds()
        edge = api.build(
            OPERATIONS, ApiDoor(self), api_settings_of(settings), self.feeds, self.counts.request
        )
        self.changes = Changes(self.database, clock, self.login_limits)
        self.portal = Portal(
            portal_settings_of(settings, secret),
            PortalDoor(self, edge),
            self.changes,
            self.troubles,
            self.sign_on,
        )
        self.housekeeping = Housekeeping(self, secret.derive(AUDIT_KEY))
        self.app = self._open_doors(edge)
        self._lock: int | None = None

    def _make_workers(self) -> list[Worker[Any, Any]]:
        settings = self.settings
        return reconcilers.workers(
            self.engine,
            keep_backups_for=timedelta(days=settings.deleted_sessions_keep_backups_days),
            quotas=self.installation.quotas,
            time_rules=time_rules_of(settings),
            script_seconds=settings.script_seconds,
            warm_for=timedelta(hours=settings.warm_hours),
            outbound=outbound_of(settings),
            address=settings.address,
            sign_on=None if self.sign_on is None else self.sign_on.provider,
        )

    def _open_doors(self, edge: ASGIApp) -> _Application:
        reader = MetricsReader(self, self.counts, self.feeds)
        metrics = Metrics(self.counts, reader.look, token_of(self.settings.metrics_token_file))
        return _Application(
            edge,
            routes=[
                *description.routes(BY_NOUN),
                *self.gateway.routes(),
                *self._downloads().routes(),
                *metrics.routes(),
                *self.portal.routes(),
            ],
            lifespan=self._lifespan,
            exception_handlers={
                HTTPStatus.NOT_FOUND: self.portal.nowhere,
                Exception: self.portal.failed,
            },
        )

    def _downloads(self) -> Downloads:
        files = None
        if isinstance(self.engine, SupportsBrowsing):
            files = contents.Files(self.engine, self._look_up_backup, self._note_download)
        proxies = Proxies(gateway_settings_of(self.settings).trusted_proxies)
        return Downloads(files, self.tickets, proxies, self.clock)

    def _look_up_backup(self, backup_id: str) -> StreamingSessionBackup | None:
        with self.database.transaction(write=False) as transaction:
            return contents.look_up(transaction, backup_id)

    def _note_download(self, backup: StreamingSessionBackup, ticket: FileTicket, size: int) -> None:
        with self.database.transaction() as transaction:
            contents.note_download(transaction, backup, ticket, size, self.clock())

    def prepare(self) -> None:
        """Bring the schema up to date and forget what a killed service held.

        Raises ServiceRunsError when another service has this home.
        """
        self._lock = lock_home(self.settings)
        upgrade(self.database)
        with self.database.transaction() as transaction:
            if self.settings.database_url == "":
                # This home's database has no other reconciler, so every lease is a dead one's.
                for worker in self.workers:
                    lease.forget(transaction, worker.table)
            members.ensure_person(transaction, members.OPERATOR, self.clock())
            self.counts.begin(transaction)
        self.loop.look_again()
        self.know_hosts()

    def know_hosts(self) -> bool:
        """Ask for the names of the hosts, so that orders about them wait for no engine; reports
        whether they are others than before.
        """
        before = self.host_names
        if isinstance(self.engine, SupportsHosts):
            with contextlib.suppress(EngineError):
                self.host_names = self.engine.host_names()
        return self.host_names != before

    def troubles(self) -> list[str]:
        """List in words why the service is not ready; empty when it is."""
        found = []
        try:
            if not self.database.is_current():
                found.append("The database has another schema than this release.")
        except Exception:  # noqa: BLE001 - it is logged, and the service goes on
            _log.exception("the database does not answer")
            found.append("The database does not answer.")
        if self.loop.health.read().is_late(self.clock()):
            found.append("The reconciler has not looked for a while.")
        return found

    def let_go(self) -> None:
        """End what goes on by itself, so that no connection holds up the end of the service."""
        self.changes.let_go()
        self.feeds.let_go()

    def close(self) -> None:
        """Let go of the database and of the home, and send the last traces."""
        traces.end(self.traces)
        self.database.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        del app
        self.loop.start()
        watches = [
            asyncio.create_task(self.gateway.watch()),
            asyncio.create_task(self.changes.watch()),
        ]
        try:
            async with self.housekeeping.going_on():
                yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            await anyio.to_thread.run_sync(self.loop.stop)
