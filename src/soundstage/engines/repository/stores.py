"""Where backups are kept: a folder of this machine, or a bucket that speaks S3.

`restic` gets the address and the credentials from here; `engine` makes a `Store` of the settings.
Credentials reach restic by its environment, which only root and its own user may read; they stand
on no command line and in no message.
"""

import hashlib
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from soundstage.kit.config import ConfigError

CONNECT_SECONDS = 10.0
_S3 = re.compile(r"s3:(https?://[^/\s@]+(?:/[^/\s]+)+)/?")
_CREDENTIALS = frozenset(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"}
)


class StoreError(Exception):
    """The store can't be reached just now; it may go well later."""


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A place for one repository."""

    address: str
    """As restic wants it."""
    folder: Path | None = None
    """Set when it lies on this machine."""
    credentials: Path | None = None
    """A file of lines `AWS_ACCESS_KEY_ID=…`; read anew for every restic, so that it can change."""

    @property
    def name(self) -> str:
        """What tells it from another store, for folders of what is known about it."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:8]

    def environment(self) -> dict[str, str]:
        """What restic must be given to come in. Raises StoreError."""
        if self.credentials is None:
            return {}
        try:
            return _read_credentials(self.credentials)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreError(f"The credentials in {self.credentials}: {reason}.") from None
        except ConfigError as error:
            raise StoreError(str(error)) from None

    def expect_answer(self) -> None:
        """Raise StoreError when nobody answers at the address within ten seconds."""
        if self.folder is not None:
            return
        url = urlsplit(self.address.removeprefix("s3:"))
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            socket.create_connection((url.hostname or "", port), CONNECT_SECONDS).close()
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise StoreError(
                f"The backup store {url.scheme}://{url.netloc} does not answer: {reason}."
            ) from None


def folder_store(folder: Path) -> Store:
    return Store(address=str(folder), folder=folder)


def store_of(setting: str, credentials: Path | None, *, default: Path) -> Store:
    """Read the setting `backup_repository`. Raises ConfigError, which repeats no secret."""
    if setting == "":
        return folder_store(default)
    if setting.startswith("s3:"):
        matched = _S3.fullmatch(setting)
        if matched is None:
            raise ConfigError(
                "SOUNDSTAGE_BACKUP_REPOSITORY: a bucket is written as "
                "s3:https://host/bucket/prefix, without a name or a password in it."
            )
        if credentials is None:
            raise ConfigError(
                "SOUNDSTAGE_BACKUP_CREDENTIALS: a bucket needs a file with the lines "
                "AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…"
            )
        return Store(address=f"s3:{matched[1]}", credentials=credentials)
    folder = Path(setting).expanduser()
    if not folder.is_absolute():
        raise ConfigError(
            "SOUNDSTAGE_BACKUP_REPOSITORY: this is neither an absolute path nor an address such "
            "as s3:https://host/bucket/prefix."
        )
    return folder_store(folder)


def _read_credentials(path: Path) -> dict[str, str]:
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"Others may read {path}. Run: chmod 600 {path}")
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, equals, value = line.strip().partition("=")
        if not line.strip() or name.startswith("#"):
            continue
        if not equals or name.strip() not in _CREDENTIALS:
            known = ", ".join(sorted(_CREDENTIALS))
            raise ConfigError(f"{path}, line {number}: not one of {known} with its value.")
        found[name.strip()] = value.strip().strip("\"'")
    return found
