"""The installation's one secret, the keys derived from it, and encryption at rest.

`wiring` opens it once at start and hands derived keys to whoever signs or encrypts. It is in a key
file, which is made at the first start, or is what a command prints, such as a vault's client. Who
loses it loses every stored access key and whatever else is sealed (`kit.sealed`), so it belongs
into a backup of the installation, apart from the database.
"""

import base64
import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from soundstage.kit.command import CommandError, read_output

KEY_FILE = "installation"
FINGERPRINT = "fingerprint"
"""Tells of any secret whether it is the home's; it can't be turned back into one."""
_KEY_BYTES = 32
_COMMAND_SECONDS = 10.0
_LONGEST_OUTPUT = 1024


class SecretError(Exception):
    """There is no secret to work with, or others may read it; the message says what to do."""


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
            raise SealError("A stored secret does not open: it was sealed by another.") from None


def open_secret(folder: Path, command: str = "") -> InstallationSecret:
    """Read the secret from its key file, or from what a command prints. Raises SecretError.

    A key file is made in a new home only. A home that has been in use takes no other secret than
    the one that it began with: what is stored there would not open.
    """
    file, fingerprint = folder / KEY_FILE, folder / FINGERPRINT
    if command:
        root = _ask(command)
        if file.exists() and _read(file) != root:
            raise SecretError(
                "SOUNDSTAGE_SECRET_COMMAND: it prints another secret than the one in "
                f"{file}. Give the command the one of the file, or unset it."
            )
        secret = InstallationSecret(root)
    elif fingerprint.exists() and not file.exists():
        raise SecretError(
            f"{file} is gone. Restore it from a backup or, if a vault has the secret now, say in "
            "SOUNDSTAGE_SECRET_COMMAND how to ask it."
        )
    else:
        secret = ensure_secret(file)
    _require_the_same(fingerprint, secret)
    return secret


def ensure_secret(path: Path) -> InstallationSecret:
    """Read the key file, or make it (mode 0600) when there is none. Raises SecretError.

    Processes that start at the same time agree on one key.
    """
    if not path.exists():
        _make(path, base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)))
    return InstallationSecret(_read(path))


def _ask(command: str) -> bytes:
    try:
        output = read_output(command, seconds=_COMMAND_SECONDS, most_bytes=_LONGEST_OUTPUT)
    except CommandError as error:
        raise SecretError(f"SOUNDSTAGE_SECRET_COMMAND: {error}.") from None
    root = _decode(output)
    if root is None:
        raise SecretError(
            "SOUNDSTAGE_SECRET_COMMAND: it prints no secret, "
            f"which is {_KEY_BYTES} bytes in base64."
        )
    return root


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise SecretError(f"Others may read {path}. Run: chmod 600 {path}")
        root = _decode(file.read(_LONGEST_OUTPUT))
    if root is None:
        raise SecretError(f"{path} is not a key file. Restore it from a backup.")
    return root


def _decode(text: bytes) -> bytes | None:
    # Both alphabets of base64: a vault's own random values come in the other one.
    standard = text.strip().translate(bytes.maketrans(b"-_", b"+/"))
    try:
        root = base64.b64decode(standard, validate=True)
    except ValueError:
        return None
    return root if len(root) == _KEY_BYTES else None


def _require_the_same(path: Path, secret: InstallationSecret) -> None:
    expected = secret.derive("fingerprint").hex().encode("ascii")
    if not path.exists():
        _make(path, expected)
    if not hmac.compare_digest(path.read_bytes().strip(), expected):
        raise SecretError(
            f"This is not the secret that {path.parent.parent} began with, so nothing stored there "
            f"would open. If that is meant, remove {path}; everybody then needs a new access key, "
            "and components can't be read."
        )


def _make(path: Path, text: bytes) -> None:
    """Let a private file appear whole, by a hard link from a synced temporary one, unless another
    process was first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text + b"\n")
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
