"""Which certificate is shown, what names it holds, and that a renewed one is shown at once."""

import dataclasses
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from soundstage.kit.certificates import ensure_own
from soundstage.kit.config import ConfigError, Settings
from soundstage.wiring.tls import Tls, local_address, names_of, own_authority, tls_of, trust_of

NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home" / "keys").mkdir(parents=True)
    return Settings(home=tmp_path / "home", tls=True)


def given(folder: Path, name: str) -> Settings:
    """Settings that name a certificate of somebody else's authority."""
    made = ensure_own(folder / name, ["studio.example.org"], NOW)
    home = folder / "home"
    return Settings(
        home=home,
        public_url="https://studio.example.org",
        tls_certificate=made.chain,
        tls_key=made.key,
    )


@contextmanager
def shown(tls: Tls, context: ssl.SSLContext) -> Iterator[int]:
    """Show the certificate on a port, to any number of visitors."""
    context.load_cert_chain(tls.certificate.chain, tls.certificate.key)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def visit(port: int, trust: ssl.SSLContext) -> bytes | None:
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        trust.wrap_socket(connection, server_hostname="127.0.0.1") as secured,
    ):
        return secured.getpeercert(binary_form=True)


def test_no_certificate_without_tls(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert tls_of(settings, lambda: NOW) is None
    assert trust_of(settings) is None
    assert own_authority(settings) is None


def test_an_own_certificate_holds_every_name_that_people_use(settings: Settings) -> None:
    named = dataclasses.replace(
        settings, host="10.0.0.7", public_url="https://studio.example.org:8443"
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
    anywhere = dataclasses.replace(settings, host="0.0.0.0")  # noqa: S104 - only named
    assert names_of(anywhere, lambda: "no_name!") == ["localhost", "127.0.0.1", "::1"]


def test_the_command_line_trusts_the_certificate_and_no_other(
    settings: Settings, tmp_path: Path
) -> None:
    tls = Tls(settings, lambda: NOW)
    trust = trust_of(settings)
    assert trust is not None
    with shown(tls, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port:
        assert visit(port, trust)
    other = Tls(given(tmp_path, "other"), lambda: NOW)
    with (
        shown(other, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        visit(port, trust)


def test_a_given_certificate_is_trusted_by_whatever_name_it_is_reached(tmp_path: Path) -> None:
    settings = given(tmp_path, "given")
    trust = trust_of(settings)
    assert trust is not None
    with shown(Tls(settings, lambda: NOW), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port:
        assert visit(port, trust)
    assert own_authority(settings) is None


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


def test_an_address_of_plain_http_is_refused_beside_tls(settings: Settings) -> None:
    wrong = dataclasses.replace(settings, public_url="http://studio.example.org")
    with pytest.raises(ConfigError, match=r"^SOUNDSTAGE_PUBLIC_URL: .* Write https\."):
        tls_of(wrong, lambda: NOW)


def test_what_visitors_must_know(settings: Settings, tmp_path: Path) -> None:
    own = Tls(settings, lambda: NOW).own()
    assert own is not None
    assert own.authority.startswith(b"-----BEGIN CERTIFICATE-----")
    assert own.fingerprint != own.authority_fingerprint
    assert Tls(given(tmp_path, "given"), lambda: NOW).own() is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - nobody listens
        ("::", "http://[::1]:8080"),
        ("fd00::7", "http://[fd00::7]:8080"),
        ("studio", "http://studio:8080"),
    ],
)
def test_this_machine_needs_no_proxy(host: str, address: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, host=host, public_url="https://studio.example.org")
    assert local_address(settings) == address
