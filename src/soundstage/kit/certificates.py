"""A certificate that an installation makes for itself, for browsers and clients that trust it.

`wiring.tls` asks for it where no certificate is given. It comes in two parts: an *authority*, which
people install once, and the server's own certificate below it, which is made anew before it runs
out. The authority may vouch for this installation's names alone (name constraints, RFC 5280
4.2.1.10), so that whoever steals its key gains nothing elsewhere.
"""

import os
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_FOR = timedelta(days=3650)
_SERVER_FOR = timedelta(days=397)
"""The longest that browsers take (CA/Browser Forum, ballot SC31)."""
_RENEW_BEFORE = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(hours=1)


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Files that a server needs, all PEM."""

    chain: Path
    """The server's certificate, and what is above it."""
    key: Path
    authority: Path | None = None
    """What clients must trust; None where they do already."""


def ensure_own(folder: Path, names: list[str], now: datetime) -> Certificate:
    """Find or make the installation's own certificate for these host names and addresses.

    Safe to repeat. A server's certificate that runs out soon, or lacks a name, is replaced; the
    authority only when it may not vouch for a name.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    made = Certificate(
        chain=folder / "server.pem", key=folder / "server.key", authority=folder / "authority.pem"
    )
    authority_key = folder / "authority.key"
    authority = _read(folder / "authority.pem", authority_key)
    if authority is None or not _holds(authority, names, now + _RENEW_BEFORE):
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _make_authority(key, names, now)
        _write_pair(folder / "authority.pem", authority_key, [authority], key)
        made.chain.unlink(missing_ok=True)
    server = _read(made.chain, made.key)
    if server is None or not _holds(server, names, now + _RENEW_BEFORE):
        above = _read_key(authority_key)
        key = ec.generate_private_key(ec.SECP256R1())
        server = _make_server(key, names, authority, above, now)
        _write_pair(made.chain, made.key, [server, authority], key)
    return made


def fingerprint(certificate: Path) -> str:
    """Say a PEM certificate's SHA-256 as browsers show it."""
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def expires_at(certificate: Path) -> datetime:
    """Say when a PEM certificate runs out."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _make_authority(
    key: ec.EllipticCurvePrivateKey, names: list[str], now: datetime
) -> x509.Certificate:
    subject = _subject(f"Soundstage of {names[0]}")
    return (
        _builder(subject, key.public_key(), now, _AUTHORITY_FOR)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.NameConstraints([_subtree(name) for name in names], None), critical=True
        )
        # Every name is said here too, so that what it may vouch for can be read back.
        .add_extension(_alternatives(names), critical=False)
        .sign(key, hashes.SHA256())
    )


def _make_server(
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    above = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(_subject(names[0]), key.public_key(), now, _SERVER_FOR)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
        )
        .add_extension(_alternatives(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: list[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general(name) for name in names])


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _subtree(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(ip_network(address))


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _holds(certificate: x509.Certificate, names: list[str], at: datetime) -> bool:
    """Reports whether it is for all of these names, until then."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return certificate.not_valid_after_utc > at and {_general(name) for name in names} <= set(found)


def _read(chain: Path, key: Path) -> x509.Certificate | None:
    """Read the first certificate of a chain, unless a write was cut off between it and its key."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        belongs = certificate.public_key() == _read_key(key).public_key()
    except (FileNotFoundError, ValueError):
        return None
    return certificate if belongs else None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is no key of ours")  # noqa: TRY004 - it is the file that is wrong
    return key


def _write_pair(
    chain: Path,
    key_file: Path,
    certificates: list[x509.Certificate],
    key: ec.EllipticCurvePrivateKey,
) -> None:
    chain.unlink(missing_ok=True)
    _write(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(chain, b"".join(each.public_bytes(Encoding.PEM) for each in certificates), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
