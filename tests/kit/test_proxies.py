"""Forwarded headers count only when a configured proxy wrote them."""

import pytest

from soundstage.kit.proxies import Proxies

TRUSTED = Proxies(("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "evil\n, <script>", "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_client_is_the_last_hop_nobody_trusted_wrote(
    peer: str, forwarded: str, client: str
) -> None:
    assert TRUSTED.client(peer, {"x-forwarded-for": forwarded}) == client


def test_by_default_nobody_is_believed() -> None:
    nobody = Proxies(())
    assert nobody.client("127.0.0.1", {"x-forwarded-for": "1.2.3.4"}) == "127.0.0.1"
    assert nobody.scheme("127.0.0.1", "http", {"x-forwarded-proto": "https"}) == "http"


@pytest.mark.parametrize(
    ("peer", "told", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "javascript", "http"),
        ("10.0.0.1", "https, http", "http"),
        ("192.0.2.7", "https", "http"),
    ],
)
def test_the_scheme_is_what_a_trusted_proxy_says(peer: str, told: str, scheme: str) -> None:
    assert TRUSTED.scheme(peer, "http", {"x-forwarded-proto": told}) == scheme
