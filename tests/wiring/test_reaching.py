"""This machine's own programs find the service, and trust its certificate and no other."""

import ssl
from pathlib import Path

import pytest
from tests.wiring.certificates import NOW, given, shown, visit

from soundstage.kit.config import Settings
from soundstage.wiring.reaching import local_address, own_authority, trust_of
from soundstage.wiring.tls import Tls


def test_without_tls_there_is_nothing_to_trust(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert trust_of(settings) is None
    assert own_authority(settings) is None


def test_the_command_line_trusts_the_certificate_and_no_other(
    tls_settings: Settings, tmp_path: Path
) -> None:
    tls = Tls(tls_settings, lambda: NOW)
    trust = trust_of(tls_settings)
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
