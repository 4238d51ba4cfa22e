"""Looks at this machine and says, for each fault, what to do about it.

`soundstage doctor` calls it, and the portal's page about health. It changes nothing, and needs
neither a home folder nor a service. What an engine needs the engine knows: it is asked for what it
examines and what it can do.
"""

import ctypes
import dataclasses
import os
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx
import msgspec
import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from soundstage import __version__
from soundstage.engines import registry
from soundstage.engines.interface import Engine, EngineError, SupportsExamination
from soundstage.kit.certificates import expires_at
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import KEY_FILE, InstallationSecret
from soundstage.resources.hosts import service as hosts
from soundstage.resources.hosts.model import HostState
from soundstage.wiring import reaching, tls
from soundstage.wiring.home import database_file, database_of, has_service, secret_of

State = Literal["ok", "warning", "fault"]

_GIB = 1024**3
_HEALTH_SECONDS = 2.0
_EXPIRES_SOON_DAYS = 14
_CLOCK_UNSYNCHRONIZED = 5
_HOLD_SECONDS = 2.0
_SKEW_SECONDS = 60.0
_ELSEWHERE = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "ceph", "glusterfs"})
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


class Check(msgspec.Struct, frozen=True):
    """One look, and what it found."""

    name: str
    state: State
    detail: str
    """What was found; of a fault, also what to do."""


def examine(settings: Settings, engine: Engine | None = None) -> Iterator[Check]:
    """Look at everything, one after the other; a running service hands its engine in."""
    yield _versions()
    yield from _guarded("home", _home(settings))
    for name, look in _LOOKS.items():
        yield from _guarded(name, map(look, [settings]))
    yield from _guarded("engine", _engine(settings, engine))


def _guarded(name: str, found: Iterator[Check]) -> Iterator[Check]:
    """Make a fault of what this user may not even look at."""
    try:
        yield from found
    except OSError as error:
        detail = (
            f"{error.filename or 'a file'} can't be looked at ({error.strerror}). Run this as the "
            "user of the service, or as root."
        )
        yield Check(name, "fault", detail)


def _versions() -> Check:
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("versions", "ok", f"soundstage {__version__}, Python {python}")


def _home(settings: Settings) -> Iterator[Check]:
    place = _nearest(settings.home)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".soundstage-doctor-") as probe:
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        detail = (
            f"{place} can't be written ({error.strerror}). Name a folder of this user's in "
            "SOUNDSTAGE_HOME, or give it: "
            f"chown {os.geteuid()} {place}"
        )
        yield Check("home", "fault", detail)
    else:
        new = "" if settings.home.exists() else ", made at the first start"
        yield Check("home", "ok", f"{settings.home}{new}")
    yield _file_system(place)
    yield _space(settings, place)


def _nearest(path: Path) -> Path:
    """Give the folder, or what of its parents is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _file_system(place: Path) -> Check:
    kind = _kind_of(place)
    if kind in _ELSEWHERE:
        detail = (
            f"{place} is on {kind}, where the database can't be locked. Put SOUNDSTAGE_HOME on a "
            "disk of this machine."
        )
        return Check("file-system", "fault", detail)
    if kind in _IN_MEMORY:
        detail = f"{place} is in memory ({kind}): all is gone when the machine goes down"
        return Check("file-system", "warning", detail)
    return Check("file-system", "ok", kind)


def _kind_of(place: Path) -> str:
    """Name the file system of the mount that a folder is below."""
    real = str(place.resolve())
    mounts = [
        (each.mountpoint, each.fstype)
        for each in psutil.disk_partitions(all=True)
        if real == each.mountpoint or real.startswith(each.mountpoint.rstrip("/") + "/")
    ]
    return max(mounts, key=lambda each: len(each[0]))[1] if mounts else "unknown"


def _space(settings: Settings, place: Path) -> Check:
    free = shutil.disk_usage(place).free
    found = f"{free / _GIB:.1f} GiB free below {place}"
    if free < settings.least_free_disk_gib * _GIB:
        detail = (
            f"{found}, and no workstation starts with less than {settings.least_free_disk_gib}. "
            "Make room, put SOUNDSTAGE_HOME elsewhere, or lower SOUNDSTAGE_LEAST_FREE_DISK_GIB."
        )
        return Check("disk-space", "fault", detail)
    return Check("disk-space", "ok", found)


def _secret(settings: Settings) -> Check:
    file = settings.home / "keys" / KEY_FILE
    if settings.secret_command or file.exists():
        try:
            secret_of(settings)
        except ConfigError as error:
            return Check("secret", "fault", str(error))
        except OSError as error:
            return Check("secret", "fault", f"{file} can't be read ({error.strerror}).")
        where = "a command prints it" if settings.secret_command else _mode_of(file)
        return Check("secret", "ok", where)
    return Check("secret", "ok", "made at the first start")


def _mode_of(file: Path) -> str:
    return f"{file}, mode {stat.S_IMODE(file.stat().st_mode):04o}"


def _database(settings: Settings) -> Check:
    file = database_file(settings)
    if not settings.database_url and not file.exists():
        return Check("database", "ok", "made at the first start")
    try:
        # Nothing sealed is read, so any secret does; the own one may not be there yet.
        database = database_of(settings, InstallationSecret(bytes(32)))
        try:
            with database.transaction(write=False) as transaction:
                transaction.execute(text("SELECT 1"))
        finally:
            database.dispose()
    except ConfigError as error:
        return Check("database", "fault", str(error))
    except (SQLAlchemyError, OSError) as error:
        # The address may hold a password, so only the kind of the error is told.
        what = "the address in SOUNDSTAGE_DATABASE_URL" if settings.database_url else str(file)
        detail = (
            f"{what} does not answer ({type(error).__name__}). Is its server running, and may "
            "this user read and write it?"
        )
        return Check("database", "fault", detail)
    if not settings.database_url and _is_held(file):
        detail = f"another program holds {file}, so nothing changes: `fuser -v {file}`"
        return Check("database", "fault", detail)
    return Check("database", "ok", "it answers")


def _is_held(file: Path) -> bool:
    """Reports whether nobody else gets to write to the SQLite file for longer than a change takes;
    it can be read all the same.
    """
    connection = sqlite3.connect(file, timeout=_HOLD_SECONDS, isolation_level=None)
    with closing(connection):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        return False


def _hosts_out(settings: Settings) -> Check:
    """Look which hosts are taken out for maintenance."""
    nothing = Check("maintenance", "ok", "no host is taken out")
    if not settings.database_url and not database_file(settings).exists():
        return nothing
    try:
        database = database_of(settings, InstallationSecret(bytes(32)))
        try:
            with database.transaction(write=False) as transaction:
                orders = hosts.orders(transaction)
        finally:
            database.dispose()
    except (ConfigError, SQLAlchemyError, OSError):
        return Check("maintenance", "ok", "not asked: the database does not answer, or is older")
    if not orders:
        return nothing
    said = [
        f"{each.id} is evacuated, and may be switched off"
        if each.state is HostState.EVACUATED
        else f"{each.id} is being evacuated, {each.remaining} are still there"
        for each in orders
    ]
    detail = f"{'; '.join(said)}. `soundstage hosts reopen` has one take workstations again."
    return Check("maintenance", "warning", detail)


def _port(settings: Settings) -> Check:
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        if settings.home.exists() and _answers(settings):
            return Check("port", "ok", f"the service listens on {where}")
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "no address of this host"
        detail = (
            f"{where} can't be listened on ({reason}), and it is not this home's service that "
            f"does. Find what does with `ss -ltnp 'sport = :{settings.port}'`, or name another "
            "port in SOUNDSTAGE_PORT."
        )
        return Check("port", "fault", detail)
    return Check("port", "ok", f"{where} is free")


def _answers(settings: Settings) -> bool:
    """Reports whether the service of this home listens there."""
    try:
        found = httpx.get(
            f"{reaching.local_address(settings)}/healthz",
            timeout=_HEALTH_SECONDS,
            trust_env=False,
            verify=reaching.trust_of(settings) or True,
        )
        return found.is_success and has_service(settings)
    except (httpx.HTTPError, OSError):
        return False


def _certificate(settings: Settings) -> Check:
    if not settings.speaks_tls:
        if settings.is_loopback or settings.address.startswith("https://"):
            return Check("tls", "ok", "not needed on this machine alone, or done by a proxy")
        detail = (
            "browsers show desktops on secure addresses alone: set SOUNDSTAGE_TLS, or put a proxy "
            "in front and its address into SOUNDSTAGE_PUBLIC_URL"
        )
        return Check("tls", "warning", detail)
    if settings.tls_certificate is None:
        return Check("tls", "ok", "a certificate of the service's own")
    try:
        tls.tls_of(settings, system_clock)
        ends = expires_at(settings.tls_certificate)
    except ConfigError as error:
        return Check("tls", "fault", str(error))
    except (OSError, ValueError) as error:
        return Check("tls", "fault", f"SOUNDSTAGE_TLS_CERTIFICATE: {error}")
    days = (ends - datetime.now(UTC)).days
    if days < 0:
        return Check("tls", "fault", f"the certificate ran out on {ends:%Y-%m-%d}. Renew it.")
    state: State = "warning" if days < _EXPIRES_SOON_DAYS else "ok"
    return Check("tls", state, f"the certificate is good until {ends:%Y-%m-%d}, for {days} days")


def _clock(settings: Settings) -> Check:
    """Look whether time goes on, and whether anybody sets the clock."""
    seen = [path for path in (database_file(settings), Path(__file__)) if path.exists()]
    newest = max(path.stat().st_mtime for path in seen)
    if newest > time.time() + _SKEW_SECONDS:
        detail = (
            f"the clock says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, but files here are newer. Set "
            "it, for instance with `timedatectl set-ntp true`; signatures hold for 15 minutes."
        )
        return Check("clock", "fault", detail)
    if _is_synchronized() is False:
        detail = (
            "nothing keeps the clock right: `timedatectl set-ntp true`. Clients whose clocks are "
            "15 minutes away are refused."
        )
        return Check("clock", "warning", detail)
    return Check("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")


_LOOKS: Mapping[str, Callable[[Settings], Check]] = {
    "secret": _secret,
    "database": _database,
    "maintenance": _hosts_out,
    "port": _port,
    "tls": _certificate,
    "clock": _clock,
}


def _is_synchronized() -> bool | None:
    """Ask the kernel whether something keeps its clock right; None where it can't be asked."""
    try:
        # All zero it is a question, and longer than the kernel's structure.
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else bool(answer != _CLOCK_UNSYNCHRONIZED)


def _engine(settings: Settings, running: Engine | None) -> Iterator[Check]:
    """Ask the engine, over a folder that is there or one that is put there for a moment."""
    with _probing(settings) as there:
        if there is None:
            yield Check("engine", "warning", "not asked: there is no folder that it could use")
            return
        try:
            engine = running or registry.make(there, system_clock)
            found = engine.examine() if isinstance(engine, SupportsExamination) else []
            able = engine.capabilities()
        except (ConfigError, EngineError) as error:
            yield Check("engine", "fault", str(error))
            return
        except OSError as error:
            yield Check("engine", "fault", f"{error.filename or there.home}: {error.strerror}")
            return
    for each in found:
        yield Check(each.name, "ok" if each.available else "fault", each.detail)
    for each in able:
        # Studios do without these; the operator should know which.
        yield Check(each.name, "ok" if each.available else "warning", each.detail)


@contextmanager
def _probing(settings: Settings) -> Iterator[Settings | None]:
    if (settings.home / "keys").is_dir():
        yield settings
        return
    try:
        folder = tempfile.TemporaryDirectory(
            dir=_nearest(settings.home), prefix=".soundstage-doctor-"
        )
    except OSError:
        yield None
        return
    with folder as name:
        yield dataclasses.replace(settings, home=Path(name))
