"""The folder that holds all data, and what is opened from it: the secret and the database.

`service` does so when it starts, the command line beside a running service.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import InstallationSecret, Seal, SecretError, open_secret
from soundstage.kit.database import Database, sqlite_url

_DATABASE = "soundstage.sqlite"
AUDIT_KEY = "audit"
"""What the key that links events is derived by."""

_log = logging.getLogger("soundstage")
"""Python's own: what the service logs goes through it too, and it costs a command nothing."""


class ServiceRunsError(ConfigError):
    """Another service works with the same home folder."""


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Database, Seal]]:
    """Open the database and the seal beside a running service; for the command line."""
    prepare_home(settings)
    secret = secret_of(settings)
    database = database_of(settings, secret)
    try:
        upgrade(database)
        yield database, secret.seal_for("access-keys")
    finally:
        database.dispose()


def is_founded(settings: Settings) -> bool:
    """Reports whether a service was ever set up over this home."""
    return bool(settings.database_url) or database_file(settings).exists()


def secret_of(settings: Settings) -> InstallationSecret:
    try:
        return open_secret(settings.home / "keys", settings.secret_command)
    except SecretError as error:
        raise ConfigError(str(error)) from None


def database_of(settings: Settings, secret: InstallationSecret) -> Database:
    # The address may hold a password, so no message repeats it.
    try:
        url = settings.database_url or sqlite_url(settings.home / _DATABASE)
        return Database(url, secret.seal_for("database"))
    except (SQLAlchemyError, ModuleNotFoundError):
        raise ConfigError(
            "SOUNDSTAGE_DATABASE_URL: this is no address of a database that can be used here. "
            "It begins with sqlite:/// or, with the extra `postgres`, postgresql+psycopg://."
        ) from None


def upgrade(database: Database) -> None:
    try:
        database.upgrade()
    except OperationalError as error:
        # A trace tells no more, and may be shown with the values of variables, of the address too.
        _log.error("the database could not be opened: %s", str(error.orig).strip())
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
        os.close(lock_home(settings))
    except ServiceRunsError:
        return True
    return False


def lock_home(settings: Settings) -> int:
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
