"""What follows from the public address."""

from pathlib import Path

import pytest

from soundstage.gateway.settings import GatewaySettings


def of(url: str) -> GatewaySettings:
    return GatewaySettings(public_url=url, stream_environment=Path("/none"))


@pytest.mark.parametrize(
    ("url", "origin", "path", "secure"),
    [
        ("http://localhost:8080", "http://localhost:8080", "/streams/x/", False),
        ("https://studio.example.com/", "https://studio.example.com", "/streams/x/", True),
        ("https://Example.com:443", "https://example.com", "/streams/x/", True),
        ("http://example.com:80", "http://example.com", "/streams/x/", False),
        ("https://example.com/art/", "https://example.com", "/art/streams/x/", True),
        ("http://[::1]:8080", "http://[::1]:8080", "/streams/x/", False),
    ],
)
def test_the_public_address_decides(url: str, origin: str, path: str, secure: bool) -> None:
    settings = of(url)
    assert settings.public_origin == origin
    assert settings.stream_path("x") == path
    assert settings.is_secure is secure
