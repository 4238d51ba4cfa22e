"""The only place where implementations are chosen: everything that a running service is made of.

`cli.serve` builds one `Service` from the settings and runs it; tests build one with another clock
or engine. Nothing below this module knows which engine, database or door there is.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import anyio.to_thread
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from starlette.applications import Starlette

from soundstage.api import app as api
from soundstage.api import description, idempotency
from soundstage.api.door import ApiSettings
from soundstage.api.throttling import Limits, Rate
from soundstage.engines import registry
from soundstage.engines.interface import (
    Engine,
    Observed,
    Phase,
    RetryableError,
    SupportsBackups,
    SupportsBrowsing,
    SupportsNotices,
    SupportsPersistence,
    SupportsScriptOutput,
)
from soundstage.engines.shares import RefusedError, SharedFolder
from soundstage.engines.shares import parse as parse_shared_folders
from soundstage.gateway.app import Gateway
from soundstage.gateway.downloads import Downloads
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import (
    Countdown,
    FileRules,
    Refusal,
    Refused,
    Transferred,
    Upstream,
)
from soundstage.kit import lease
from soundstage.kit.clock import Clock, system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import KEY_FILE, InstallationSecret, Seal, SecretError, open_secret
from soundstage.kit.database import Database, sqlite_url
from soundstage.kit.pages import Pages
from soundstage.kit.proxies import Proxies
from soundstage.portal import pages as portal
from soundstage.reconciler.loop import Loop
from soundstage.resources import reconcilers
from soundstage.resources.backups import contents
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.resources.backups.safekeeping import Safekeeping
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.members import service as members
from soundstage.resources.operations import BY_NOUN, OPERATIONS
from soundstage.resources.quotas import Quota, Quotas
from soundstage.resources.request import Caller, CallerKind, Installation, Request
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions.countdown import TimeRules, thresholds
from soundstage.resources.streams import service as streams
from soundstage.resources.studios import service as studios
from soundstage.wire.faults import NotFoundError
from soundstage.wire.ticket import Ticket, Tickets

_DATABASE = "soundstage.sqlite"
_SWEEP_EVERY = timedelta(minutes=1)
_SAFEKEEPING_EVERY = timedelta(minutes=5)
_KEY_REMEMBERED_FOR = timedelta(seconds=3)
"""How long a key that was switched off may still sign."""

_log = structlog.get_logger("soundstage")


class ServiceRunsError(Exception):
    """Another service works with the same home folder."""


class Service:
    """One process of Soundstage: doors, reconciler, engine and database."""

    def __init__(
        self, settings: Settings, *, clock: Clock = system_clock, engine: Engine | None = None
    ) -> None:
        prepare_home(settings)
        self.settings = settings
        self.clock = clock
        secret = _secret_of(settings)
        if settings.secret_command and (settings.home / "keys" / KEY_FILE).exists():
            _log.warning("the key file is not needed beside the secret's command; remove it")
        self.seal = secret.seal_for("access-keys")
        self.database = _database_of(settings)
        self.engine = engine or registry.make(settings, clock)
        self.installation = installation_of(settings, secret, self.engine)
        self.tickets = Tickets(secret.derive("stream-tickets"))
        self.pages = Pages(secret.derive("pages"))
        keep_backups_for = timedelta(days=settings.deleted_sessions_keep_backups_days)
        self.workers = reconcilers.workers(
            self.engine,
            keep_backups_for=keep_backups_for,
            quotas=self.installation.quotas,
            time_rules=time_rules_of(settings),
            script_seconds=settings.script_seconds,
        )
        self.loop = Loop(self.database, self.workers, clock)
        if isinstance(self.engine, SupportsNotices):
            self.engine.listen(lambda ref: self.loop.hear([("sessions", ref)]))
        self.upstreams = InProcessUpstreams(self)
        self.gateway = Gateway(gateway_settings_of(settings), self.upstreams, self.tickets, clock)
        self.app = Starlette(
            routes=[
                *api.build(OPERATIONS, ApiDoor(self), api_settings_of(settings)),
                *description.routes(BY_NOUN),
                *self.gateway.routes(),
                *self._downloads().routes(),
                *portal.routes(self.troubles, address=settings.address),
            ],
            lifespan=self._lifespan,
        )
        self._lock: int | None = None

    def _downloads(self) -> Downloads:
        files = None
        if isinstance(self.engine, SupportsBrowsing):
            files = contents.Files(self.engine, self._look_up_backup)
        proxies = Proxies(gateway_settings_of(self.settings).trusted_proxies)
        return Downloads(files, self.tickets, proxies, self.clock)

    def _look_up_backup(self, backup_id: str) -> StreamingSessionBackup | None:
        with self.database.transaction(write=False) as transaction:
            return contents.look_up(transaction, backup_id)

    def prepare(self) -> None:
        """Bring the schema up to date and forget what a killed service held.

        Raises ServiceRunsError when another service has this home.
        """
        self._lock = _lock_home(self.settings)
        _upgrade(self.database)
        with self.database.transaction() as transaction:
            if self.settings.database_url == "":
                # This home's database has no other reconciler, so every lease is a dead one's.
                for worker in self.workers:
                    lease.forget(transaction, worker.table)
            members.ensure_person(transaction, members.OPERATOR, self.clock())
        self.loop.look_again()

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

    def housekeep(self) -> None:
        """Remove what nobody will ask for again: workstations of no session, old tokens."""
        refs = self.engine.refs()
        now = self.clock()
        with self.database.transaction() as transaction:
            idempotency.purge(transaction, now)
            orphans = refs - sessions.known_refs(transaction, refs)
        for ref in sorted(orphans):
            _log.warning("a workstation of no session is removed", session=ref)
            # What can't be removed now is still there at the next sweep.
            with contextlib.suppress(RetryableError):
                self.engine.ensure_absent(ref)

    def close(self) -> None:
        """Let go of the database and of the home."""
        self.database.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        del app
        self.loop.start()
        is_over = threading.Event()
        # A daemon: a look through all backups may take hours, and nobody waits for it at the end.
        threading.Thread(target=self._keep_safe, args=[is_over], daemon=True).start()
        tasks = [
            asyncio.create_task(self.gateway.watch()),
            asyncio.create_task(self._housekeep_for_ever()),
        ]
        try:
            yield
        finally:
            is_over.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await anyio.to_thread.run_sync(self.loop.stop)

    def _keep_safe(self, is_over: threading.Event) -> None:
        """Check the backups and keep the studio beside them, whenever that is due."""
        keeper = Safekeeping(
            self.engine,
            self.database,
            self.settings.home,
            self.clock,
            verify_every=timedelta(days=self.settings.backup_check_days),
            keep_every=timedelta(hours=self.settings.studio_backup_hours),
        )
        while not is_over.wait(_SAFEKEEPING_EVERY.total_seconds()):
            try:
                keeper.do_what_is_due()
            except Exception:  # noqa: BLE001 - it is logged, and the service goes on
                _log.exception("safekeeping failed")

    async def _housekeep_for_ever(self) -> None:
        while True:
            try:
                await anyio.to_thread.run_sync(self.housekeep)
            except Exception:  # noqa: BLE001 - it is logged, and the service goes on
                _log.exception("housekeeping failed")
            await asyncio.sleep(_SWEEP_EVERY.total_seconds())


class ApiDoor:
    """How the API reaches this service; see `api.door`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known: dict[str, tuple[datetime, tuple[str, Caller]]] = {}

    @property
    def reads_at_once(self) -> bool:
        """Reports whether reading waits for nothing."""
        return self._service.database.reads_at_once

    def now(self) -> datetime:
        """Tell the time."""
        return self._service.clock()

    def secret_of(self, access_key_id: str) -> tuple[str, Caller] | None:
        """Find an active access key's secret and whose it is.

        Opening a sealed secret costs more than the rest of a small request, so what was found is
        remembered for a moment; what was not found is not.
        """
        now = self._service.clock()
        known = self._known.get(access_key_id)
        if known is not None and abs(now - known[0]) < _KEY_REMEMBERED_FOR:
            return known[1]
        with self._service.database.transaction(write=False) as transaction:
            found = members.holder_of(transaction, access_key_id, self._service.seal)
        if found is None:
            return None
        person, secret = found
        kind = CallerKind.OPERATOR if person.is_operator else CallerKind.USER
        holder = secret, Caller(principal_id=person.id, kind=kind)
        self._known[access_key_id] = now, holder
        return holder

    def transaction(self, *, write: bool) -> AbstractContextManager[Connection]:
        """Open a transaction."""
        return self._service.database.transaction(write=write)

    def request(self, transaction: Connection, caller: Caller, now: datetime) -> Request:
        """Put together what a handler is given."""
        engine = self._service.engine
        return Request(
            transaction=transaction,
            caller=caller,
            now=now,
            installation=self._service.installation,
            pages=self._service.pages,
            tickets=self._service.tickets,
            browsing=engine if isinstance(engine, SupportsBrowsing) else None,
            scripts=engine if isinstance(engine, SupportsScriptOutput) else None,
        )

    def facts(self, transaction: Connection) -> "ApiFacts":
        """Answer permission questions within this transaction."""
        return ApiFacts(transaction)


class ApiFacts:
    """Permission questions, answered by the nouns; see `api.door`."""

    def __init__(self, transaction: Connection) -> None:
        self._transaction = transaction

    def is_administrator(self, studio_id: str, principal_id: str) -> bool:
        """Reports whether the person administers this studio."""
        return members.is_administrator(self._transaction, studio_id, principal_id)

    def administers_any(self, principal_id: str) -> bool:
        """Reports whether the person administers a studio, whichever it is."""
        return members.administers_any(self._transaction, principal_id)

    def owner_of_session(self, studio_id: str, session_id: str) -> str | None:
        """Name a session's owner."""
        session = sessions.look_up(self._transaction, session_id)
        is_there = session is not None and session.studio_id == studio_id
        return session.owned_by if session is not None and is_there else None

    def owner_of_backup(self, studio_id: str, backup_id: str) -> str | None:
        """Name a backup's owner."""
        try:
            return backups.find(self._transaction, studio_id, backup_id).owned_by
        except NotFoundError:
            return None

    def is_member(self, studio_id: str, launch_profile_id: str, principal_id: str) -> bool:
        """Reports whether the person is a member of the studio's profile."""
        try:
            launch_profiles.find(self._transaction, studio_id, launch_profile_id)
        except NotFoundError:
            return False
        return launch_profiles.is_member(self._transaction, launch_profile_id, principal_id)

    def require_existing(self, labels: Mapping[str, str]) -> None:
        """Raise NotFoundError when the studio or session that the path names does not exist."""
        if "studioId" in labels:
            studios.find(self._transaction, labels["studioId"])
            if "sessionId" in labels:
                sessions.find(self._transaction, labels["studioId"], labels["sessionId"])


class InProcessUpstreams:
    """Answers the gateway's questions from the stream service in this process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def redeem(self, ticket: Ticket) -> Upstream:
        """Use a ticket up and learn the address."""
        return await anyio.to_thread.run_sync(self._redeem, ticket)

    async def find(self, stream_id: str) -> Upstream:
        """Learn the present address of an open stream."""
        return await anyio.to_thread.run_sync(self._find, stream_id)

    async def ended(self, stream_ids: set[str]) -> set[str]:
        """Say which of these must be cut."""
        return await anyio.to_thread.run_sync(self._ended, stream_ids)

    async def report_input(self, stream_ids: set[str]) -> None:
        """Note that somebody works on these streams."""
        await anyio.to_thread.run_sync(self._report_input, stream_ids)

    async def countdown(self, stream_id: str) -> Countdown | None:
        """Say what comes by itself."""
        return await anyio.to_thread.run_sync(self._countdown, stream_id)

    async def report_transfer(self, transferred: Transferred) -> None:
        """Note that a file went in or out."""
        await anyio.to_thread.run_sync(self._report_transfer, transferred)

    async def report_activity(self, stream_ids: set[str]) -> None:
        """Note that these streams carried bytes."""
        await anyio.to_thread.run_sync(self._report_activity, stream_ids)

    def _redeem(self, ticket: Ticket) -> Upstream:
        # The address first: a ticket is not used up while the desktop does not answer.
        upstream = self._find(ticket.stream_id)
        with self._service.database.transaction() as transaction:
            redeemed = streams.redeem(transaction, ticket.stream_id, self._service.clock())
        if redeemed.is_ended:
            raise Refused(Refusal.ENDED)
        if redeemed.is_used:
            raise Refused(Refusal.USED)
        return upstream

    def _find(self, stream_id: str) -> Upstream:
        with self._service.database.transaction(write=False) as transaction:
            stream = streams.find_open(transaction, stream_id)
            rules = None if stream is None else streams.transfer_rules(transaction, stream)
        if stream is None:
            raise Refused(Refusal.ENDED)
        observed = self._observe(stream.session_id)
        if observed.phase is not Phase.RUNNING or observed.address is None:
            raise Refused(Refusal.UNAVAILABLE)
        address = observed.address
        files = None
        if rules is not None and address.files is not None:
            upload_to, download_from = rules
            files = FileRules(name=address.files, upload_to=upload_to, download_from=download_from)
        return Upstream(
            stream_id=stream_id,
            directory=address.directory,
            name=address.name,
            uid=address.uid,
            files=files,
        )

    def _observe(self, session_id: str) -> Observed:
        try:
            return self._service.engine.observe(session_id)
        except RetryableError:
            raise Refused(Refusal.UNAVAILABLE) from None

    def _ended(self, stream_ids: set[str]) -> set[str]:
        with self._service.database.transaction(write=False) as transaction:
            return streams.ended(transaction, stream_ids)

    def _report_input(self, stream_ids: set[str]) -> None:
        with self._service.database.transaction() as transaction:
            streams.note_input(transaction, stream_ids, self._service.clock())

    def _countdown(self, stream_id: str) -> Countdown | None:
        with self._service.database.transaction(write=False) as transaction:
            coming = streams.next_action(transaction, stream_id)
        if coming is None:
            return None
        warn_before = thresholds(coming, time_rules_of(self._service.settings))
        return Countdown(
            action=coming.action,
            seconds_left=(coming.at - self._service.clock()).total_seconds(),
            reason=coming.sentence,
            advice=coming.advice,
            warn_before=[int(each.total_seconds()) for each in warn_before],
        )

    def _report_transfer(self, transferred: Transferred) -> None:
        with self._service.database.transaction() as transaction:
            streams.note_transfer(
                transaction,
                transferred.stream_id,
                is_upload=transferred.is_upload,
                name=transferred.name,
                size=transferred.size,
                now=self._service.clock(),
            )

    def _report_activity(self, stream_ids: set[str]) -> None:
        with self._service.database.transaction() as transaction:
            streams.note_activity(transaction, stream_ids, self._service.clock())


def installation_of(settings: Settings, secret: InstallationSecret, engine: Engine) -> Installation:
    """Say what this installation is. Its account id follows from its secret, for ever."""
    number = int.from_bytes(secret.derive("account-id")[:8])
    return Installation(
        account_id=str(10**11 + number % (9 * 10**11)),
        region=settings.region,
        address=settings.address,
        supports_persistence=isinstance(engine, SupportsPersistence),
        supports_backups=isinstance(engine, SupportsBackups),
        stream_expiration_seconds=settings.stream_expiration_seconds,
        quotas=quotas_of(settings),
        shared_folders=shared_folders_of(settings),
    )


def shared_folders_of(settings: Settings) -> list[SharedFolder]:
    """Say which folders of this host may be shared with workstations. Raises ConfigError."""
    try:
        return parse_shared_folders(settings.shared_folders)
    except RefusedError as error:
        raise ConfigError(f"SOUNDSTAGE_SHARED_FOLDERS: {error}") from None


def time_rules_of(settings: Settings) -> TimeRules:
    """Say to the sessions how this installation deals with time."""
    return TimeRules(
        warnings=tuple(timedelta(minutes=each) for each in settings.warn_minutes_before_end),
        busy_cores=settings.idle_cpu_percent / 100,
    )


def quotas_of(settings: Settings) -> Quotas:
    """Take the quotas from the settings, which have one for each of them."""
    return {quota: getattr(settings, f"quota_{quota.name.lower()}") for quota in Quota}


def api_settings_of(settings: Settings) -> ApiSettings:
    """Say to the API how often somebody may call."""
    return ApiSettings(
        throttling=Limits(
            reads=Rate(settings.throttle_reads_per_second, settings.throttle_reads_burst),
            writes=Rate(settings.throttle_writes_per_second, settings.throttle_writes_burst),
            failures=Rate(settings.throttle_failures_per_second, settings.throttle_failures_burst),
            trusted_proxies=_trusted_proxies_of(settings),
        )
    )


def gateway_settings_of(settings: Settings) -> GatewaySettings:
    """Say to the gateway what it must know. Raises ConfigError."""
    return GatewaySettings(
        public_url=settings.address,
        stream_environment=settings.stream_environment,
        trusted_proxies=_trusted_proxies_of(settings),
        upload_most_bytes=settings.upload_most_bytes,
    )


def _trusted_proxies_of(settings: Settings) -> tuple[str, ...]:
    for network in settings.trusted_proxies:
        try:
            ip_network(network)
        except ValueError:
            raise ConfigError(
                f"SOUNDSTAGE_TRUSTED_PROXIES: {network} is no address such as 10.0.0.7 and no "
                "network such as 10.0.0.0/8."
            ) from None
    return tuple(settings.trusted_proxies)


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Database, Seal]]:
    """Open the database and the seal beside a running service; for the command line."""
    prepare_home(settings)
    secret = _secret_of(settings)
    database = _database_of(settings)
    try:
        _upgrade(database)
        yield database, secret.seal_for("access-keys")
    finally:
        database.dispose()


def _secret_of(settings: Settings) -> InstallationSecret:
    try:
        return open_secret(settings.home / "keys", settings.secret_command)
    except SecretError as error:
        raise ConfigError(str(error)) from None


def _database_of(settings: Settings) -> Database:
    # The address may hold a password, so no message repeats it.
    try:
        return Database(settings.database_url or sqlite_url(settings.home / _DATABASE))
    except (SQLAlchemyError, ModuleNotFoundError):
        raise ConfigError(
            "SOUNDSTAGE_DATABASE_URL: this is no address of a database that can be used here. "
            "It begins with sqlite:/// or, with the extra `postgres`, postgresql+psycopg://."
        ) from None


def _upgrade(database: Database) -> None:
    try:
        database.upgrade()
    except OperationalError as error:
        _log.exception("the database could not be opened")
        raise ConfigError(
            f"SOUNDSTAGE_DATABASE_URL: the database does not answer ({type(error.orig).__name__}); "
            "the lines above say more."
        ) from None


def database_file(settings: Settings) -> Path:
    """Name the database's file, where it is in the home."""
    return settings.home / _DATABASE


def prepare_home(settings: Settings) -> None:
    """Make the home folder; workstations' users pass through it but can't look around.

    A home that is there keeps its mode. Raises ConfigError when it can't be used.
    """
    home = settings.home
    try:
        if not home.exists():
            home.mkdir(parents=True, exist_ok=True)
            # Not by mkdir, which takes the umask away from it.
            home.chmod(0o711)
        (home / "keys").mkdir(exist_ok=True)
        (home / "keys").chmod(0o700)
        if settings.database_url == "":
            # SQLite gives its log the same mode.
            (home / _DATABASE).touch()
            (home / _DATABASE).chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"SOUNDSTAGE_HOME: {home} can't be used ({error.strerror}). "
            "Name a folder that this user may write."
        ) from None


def has_service(settings: Settings) -> bool:
    """Reports whether a service works with this home now."""
    try:
        os.close(_lock_home(settings))
    except ServiceRunsError:
        return True
    return False


def _lock_home(settings: Settings) -> int:
    path = settings.home / "service.lock"
    # Children of the service must not keep its lock alive.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ServiceRunsError(
            f"A service works with {settings.home} already. End it first, or name another folder "
            "in SOUNDSTAGE_HOME."
        ) from None
    return descriptor
