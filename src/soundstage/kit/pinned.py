"""Makes certificates that nobody signs but themselves, to be pinned by whoever is to trust them.

The gateway has one, by which machines of workstations know it; engines make one for each of those.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from soundstage.kit.places import Identity

_YEARS = timedelta(days=3650)
_SKEW = timedelta(days=1)
"""Clocks differ, and whoever pins a certificate does not care how old it is."""


def make(name: str) -> tuple[bytes, bytes]:
    """A new certificate and its key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def identity(keys: Path) -> Identity:
    """The gateway's own in the folder of keys; made there by who first asks."""
    found = Identity(certificate=keys / "gateway.crt", key=keys / "gateway.key")
    if not found.certificate.exists():
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, key = make("soundstage gateway")
        # The certificate last: where it is, the key is.
        _write(found.key, key)
        _write(found.certificate, certificate)
    return found


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
