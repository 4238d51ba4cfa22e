"""The installation's one secret, the keys derived from it, and encryption at rest.

`wiring` opens it once at start and hands derived keys to whoever signs or encrypts. The key file is
made at the first start. Who loses it loses every stored access key and the backups' passwords, so
it belongs into a backup of the installation, apart from the database.
"""

import base64
import os
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


class KeyFileError(Exception):
    """The key file is not one, or others may read it; the message says what to do."""


class SealError(Exception):
    """The sealed text was changed, or was sealed under another key."""


class InstallationSecret:
    """The root of all keys. It shows itself to nobody: not in repr, not in a log."""

    def __init__(self, root: bytes) -> None:
        if len(root) != _KEY_BYTES:
            raise ValueError(f"An installation's secret has {_KEY_BYTES} bytes, not {len(root)}.")
        self._root = root

    def __repr__(self) -> str:
        return "InstallationSecret(…)"

    def derive(self, purpose: str) -> bytes:
        """Make the 32-byte key for one purpose; the same purpose gives the same key for ever."""
        kdf = HKDF(SHA256(), _KEY_BYTES, salt=None, info=f"soundstage.{purpose}".encode())
        return kdf.derive(self._root)

    def seal_for(self, purpose: str) -> "Seal":
        """Make the seal that keeps one kind of secret in the database."""
        return Seal(self.derive(purpose))


class Seal:
    """Encrypts and authenticates short secrets (Fernet)."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, text: str) -> str:
        """Encrypt; two calls with one text differ."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Decrypt. Raises SealError."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealError("A stored secret does not open with this key file.") from None


def ensure_secret(path: Path) -> InstallationSecret:
    """Read the key file, or make it (mode 0600) when there is none. Raises KeyFileError.

    Processes that start at the same time agree on one key: the file appears whole, by a hard link
    from a synced temporary file, and only the first link succeeds.
    """
    if not path.exists():
        _make(path)
    return InstallationSecret(_read(path))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise KeyFileError(f"Others may read {path}. Run: chmod 600 {path}")
        text = file.read(1024).strip()
    try:
        root = base64.urlsafe_b64decode(text)
    except ValueError:
        root = b""
    if len(root) != _KEY_BYTES:
        raise KeyFileError(f"{path} is not a key file. Restore it from a backup.")
    return root


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return
        _sync(path.parent)
    finally:
        temporary.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
