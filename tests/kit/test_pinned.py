"""Certificates that are pinned."""

import ssl
import stat
from pathlib import Path

from cryptography import x509

from soundstage.kit import pinned


def test_each_is_its_own_issuer_and_has_its_key(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"".join(pinned.make("somebody")))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "c")
    read = x509.load_pem_x509_certificate((tmp_path / "c").read_bytes())
    read.verify_directly_issued_by(read)
    assert pinned.make("somebody") != pinned.make("somebody")


def test_the_gateway_stays_the_same_and_keeps_its_key_to_itself(tmp_path: Path) -> None:
    first = pinned.identity(tmp_path / "keys")
    text = first.certificate.read_bytes()
    assert pinned.identity(tmp_path / "keys") == first
    assert first.certificate.read_bytes() == text
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
