"""The installation's own certificate: for its names alone, renewed in time, trusted by OpenSSL."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from soundstage.kit import certificates
from soundstage.kit.certificates import Certificate, ensure_own, expires_at, fingerprint

NOW = datetime.now(UTC)
NAMES = ["studio.example.org", "localhost", "127.0.0.1", "::1"]


def shake_hands(made: Certificate, trusted: Path, name: str) -> None:
    """Let a client that trusts only `trusted` greet a server that has the certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.chain, made.key)
    client = ssl.create_default_context(cafile=trusted)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (here, there, here, there):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    here.do_handshake()


def authority_of(made: Certificate) -> Path:
    assert made.authority is not None
    return made.authority


@pytest.mark.parametrize("name", NAMES)
def test_clients_that_trust_the_authority_accept_each_name(tmp_path: Path, name: str) -> None:
    made = ensure_own(tmp_path / "tls", NAMES, NOW)
    shake_hands(made, authority_of(made), name)


def test_no_other_name_is_accepted(tmp_path: Path) -> None:
    made = ensure_own(tmp_path / "tls", NAMES, NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(made, authority_of(made), "elsewhere.example.org")


def test_a_stolen_authority_can_t_vouch_for_others(tmp_path: Path) -> None:
    ours = ensure_own(tmp_path / "ours", NAMES, NOW)
    forged = forge(tmp_path, "bank.example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake_hands(forged, authority_of(ours), "bank.example.com")


def forge(folder: Path, name: str) -> Certificate:
    """Sign a certificate for another name with our authority's key, as a thief would."""
    authority = x509.load_pem_x509_certificate((folder / "ours" / "authority.pem").read_bytes())
    above = certificates._read_key(folder / "ours" / "authority.key")
    key = ec.generate_private_key(ec.SECP256R1())
    server = certificates._make_server(key, [name], authority, above, NOW)
    made = Certificate(chain=folder / "forged.pem", key=folder / "forged.key")
    certificates._write_pair(made.chain, made.key, [server, authority], key)
    return made


def test_it_stays_until_it_is_about_to_run_out(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    first = ensure_own(folder, NAMES, NOW)
    served, trusted = fingerprint(first.chain), fingerprint(authority_of(first))
    ensure_own(folder, NAMES, NOW + timedelta(days=360))
    assert fingerprint(first.chain) == served
    later = NOW + timedelta(days=370)
    ensure_own(folder, NAMES, later)
    assert fingerprint(first.chain) != served
    assert expires_at(first.chain) > later + timedelta(days=360)
    # People need not install anything again.
    assert fingerprint(authority_of(first)) == trusted


def test_fewer_names_keep_it_and_a_new_one_takes_a_new_authority(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    first = ensure_own(folder, NAMES, NOW)
    trusted = fingerprint(authority_of(first))
    ensure_own(folder, NAMES[:2], NOW)
    assert fingerprint(authority_of(first)) == trusted
    ensure_own(folder, [*NAMES, "10.0.0.7"], NOW)
    assert fingerprint(authority_of(first)) != trusted
    shake_hands(first, authority_of(first), "10.0.0.7")


@pytest.mark.parametrize("lost", ["server.key", "server.pem", "authority.key", "authority.pem"])
def test_a_write_that_was_cut_off_is_made_good(tmp_path: Path, lost: str) -> None:
    folder = tmp_path / "tls"
    made = ensure_own(folder, NAMES, NOW)
    (folder / lost).unlink()
    ensure_own(folder, NAMES, NOW)
    shake_hands(made, authority_of(made), NAMES[0])


def test_keys_are_for_the_service_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    ensure_own(folder, NAMES, NOW)
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.key")}
    assert modes == {"server.key": 0o600, "authority.key": 0o600}
