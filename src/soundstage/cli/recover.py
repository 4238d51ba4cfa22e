"""The recovery key, and the way from it and the store to a studio that runs again.

The key file is TOML: where the backups are, what opens them, and the installation's secret, which
opens what is sealed in the database. It is all that must be kept apart from the backups.
"""

import dataclasses
import os
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from soundstage.engines import registry
from soundstage.engines.interface import Engine, SupportsChecking, SupportsStudioCopies
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import KEY_FILE
from soundstage.resources.sessions import recovery
from soundstage.resources.sessions.recovery import Recovered
from soundstage.wiring.home import database_file, opened, prepare_home

_BACKUPS_KEY = "backups"
_HEAD = """\
# Recovery key of a Soundstage studio. Whoever has this file and the backups has everything.
# Keep it apart from both. On an empty machine: soundstage backups recover THIS-FILE
"""


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery came to."""

    kept_at: datetime
    """When the database was kept that is now in use."""
    sessions: Recovered


class _Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    password: str
    installation: str = ""
    """Empty where a command gives the installation's secret."""
    repository: str = ""
    """Empty for a folder in the home."""


def export_key(settings: Settings, file: Path) -> None:
    """Write the key file; an older one is never written over. Raises ConfigError."""
    keys = settings.home / "keys"
    try:
        password = (keys / _BACKUPS_KEY).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ConfigError("There is no key yet: it is made with the first backup.") from None
    installation = ""
    if not settings.secret_command:
        installation = (keys / KEY_FILE).read_text(encoding="utf-8").strip()
    lines = [
        f'repository = "{settings.backup_repository}"',
        f'password = "{password}"',
        f'installation = "{installation}"',
    ]
    _write(file, _HEAD + "\n".join(lines) + "\n")


def recover(settings: Settings, file: Path) -> Recovery:
    """Fill an empty home from the store. Raises ConfigError, EngineError."""
    key = _read_key(file)
    _require_an_empty_home(settings)
    if settings.backup_repository == "" and key.repository != "":
        settings = dataclasses.replace(settings, backup_repository=key.repository)
    if not key.installation and not settings.secret_command:
        raise ConfigError(
            "SOUNDSTAGE_SECRET_COMMAND: the installation's secret is not in the key file, because "
            "a command gave it. Name that command."
        )
    prepare_home(settings)
    keys = settings.home / "keys"
    made = []
    try:
        made.append(_write(keys / _BACKUPS_KEY, key.password))
        engine = registry.make(settings, system_clock)
        kept_at = _fetch_database(engine, settings)
        if key.installation and not settings.secret_command:
            made.append(_write(keys / KEY_FILE, key.installation + "\n"))
        found = _settle(engine, settings)
    except BaseException:
        # It may be tried again, with another key or when the store answers.
        for path in [*made, database_file(settings), keys / "fingerprint"]:
            path.unlink(missing_ok=True)
        raise
    _keep_the_address(settings)
    return Recovery(kept_at=kept_at, sessions=found)


def _fetch_database(engine: Engine, settings: Settings) -> datetime:
    if not isinstance(engine, SupportsStudioCopies):
        raise ConfigError("SOUNDSTAGE_ENGINE: this engine keeps no copies of the studio.")
    unfinished = database_file(settings).with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            kept_at = engine.newest_studio(target)
            target.flush()
            os.fsync(target.fileno())
        unfinished.rename(database_file(settings))
    finally:
        unfinished.unlink(missing_ok=True)
    return kept_at


def _settle(engine: Engine, settings: Settings) -> Recovered:
    if not isinstance(engine, SupportsChecking):
        raise ConfigError("SOUNDSTAGE_ENGINE: this engine's backups can't be checked.")
    check = engine.check_backups(data=None)
    keep = timedelta(days=settings.deleted_sessions_keep_backups_days)
    with opened(settings) as (database, _), database.transaction() as transaction:
        return recovery.settle(transaction, check, system_clock(), keep_backups_for=keep)


def _require_an_empty_home(settings: Settings) -> None:
    if settings.database_url:
        raise ConfigError(
            "SOUNDSTAGE_DATABASE_URL: only the SQLite database of the home is kept beside the "
            "backups. Restore this one with its own tools."
        )
    used = [
        path
        for path in (
            database_file(settings),
            settings.home / "keys" / KEY_FILE,
            settings.home / "keys" / _BACKUPS_KEY,
        )
        if path.exists() and path.stat().st_size
    ]
    if used:
        raise ConfigError(f"SOUNDSTAGE_HOME: a studio lives here already: {used[0]} is there.")


def _keep_the_address(settings: Settings) -> None:
    """Let the service find the store, unless a file says already where it is."""
    file = settings.home / "soundstage.toml"
    if settings.backup_repository and not file.exists():
        lines = [f'backup_repository = "{settings.backup_repository}"']
        if settings.backup_credentials is not None:
            lines.append(f'backup_credentials = "{settings.backup_credentials}"')
        _write(file, "\n".join(lines) + "\n")


def _read_key(file: Path) -> _Key:
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _Key)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError):
        # What is in it may be a secret, so nothing of it is repeated.
        raise ConfigError(f"{file} is no recovery key.") from None


def _write(path: Path, content: str) -> Path:
    """Write a private file that was not there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path
