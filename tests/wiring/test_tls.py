"""Which certificate is shown, what names it holds, and that a renewed one is shown at once."""

import dataclasses
import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tests.wiring.certificates import NOW, given, shown, visit

from soundstage.kit.config import ConfigError, Settings
from soundstage.wiring.tls import Tls, names_of, tls_of


def test_no_certificate_without_tls(tmp_path: Path) -> None:
    assert tls_of(Settings(home=tmp_path), lambda: NOW) is None


def test_an_own_certificate_holds_every_name_that_people_use(tls_settings: Settings) -> None:
    named = dataclasses.replace(
        tls_settings, host="10.0.0.7", public_url="https://studio.example.org:8443"
    )
    assert names_of(named, lambda: "render-1.lan") == [
        "studio.example.org",
        "10.0.0.7",
        "render-1.lan",
        "render-1.local",
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    anywhere = dataclasses.replace(tls_settings, host="0.0.0.0")  # noqa: S104 - only named
    assert names_of(anywhere, lambda: "no_name!") == ["localhost", "127.0.0.1", "::1"]


def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(tmp_path: Path) -> None:
    settings, newer = given(tmp_path, "given"), given(tmp_path, "newer")
    assert settings.tls_certificate and settings.tls_key  # noqa: PT018 - for the types
    assert newer.tls_certificate and newer.tls_key  # noqa: PT018
    tls, context = Tls(settings, lambda: NOW), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with shown(tls, context) as port:
        first = visit(port, anybody)
        settings.tls_certificate.write_text("half a file")
        tls.renew(context)
        assert visit(port, anybody) == first
        shutil.copy(newer.tls_certificate, settings.tls_certificate)
        shutil.copy(newer.tls_key, settings.tls_key)
        tls.renew(context)
        assert visit(port, anybody) not in (first, None)


def test_files_that_can_t_be_used_are_named(tmp_path: Path) -> None:
    fine = given(tmp_path, "given")
    none = dataclasses.replace(fine, tls_certificate=tmp_path / "none.pem")
    with pytest.raises(
        ConfigError, match=r"^SOUNDSTAGE_TLS_CERTIFICATE: .*none\.pem can't be read"
    ):
        Tls(none, lambda: NOW)
    other = given(tmp_path, "other")
    mixed = dataclasses.replace(fine, tls_key=other.tls_key)
    with pytest.raises(ConfigError, match="are no pair that can be used"):
        Tls(mixed, lambda: NOW)


def test_a_key_with_a_password_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    settings = given(tmp_path, "given")
    assert settings.tls_key is not None
    key = load_pem_private_key(settings.tls_key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    settings.tls_key.write_bytes(locked)
    with pytest.raises(ConfigError, match="locked by a password"):
        Tls(settings, lambda: NOW)


def test_an_address_of_plain_http_is_refused_beside_tls(tls_settings: Settings) -> None:
    wrong = dataclasses.replace(tls_settings, public_url="http://studio.example.org")
    with pytest.raises(ConfigError, match=r"^SOUNDSTAGE_PUBLIC_URL: .* Write https\."):
        tls_of(wrong, lambda: NOW)


def test_what_visitors_must_know(tls_settings: Settings, tmp_path: Path) -> None:
    own = Tls(tls_settings, lambda: NOW).own()
    assert own is not None
    assert own.authority.startswith(b"-----BEGIN CERTIFICATE-----")
    assert own.fingerprint != own.authority_fingerprint
    assert Tls(given(tmp_path, "given"), lambda: NOW).own() is None
