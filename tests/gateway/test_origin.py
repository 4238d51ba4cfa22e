"""Which pages are ours."""

from pathlib import Path

import pytest
from starlette.requests import Request

from soundstage.gateway.origin import Origin
from soundstage.gateway.settings import GatewaySettings
from soundstage.kit.proxies import Proxies


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("https://studio.example.com", True),
        ("http://inside:8080", True),
        ("https://inside:8080", False),
        ("https://art.studio.example.com", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_addresses_are(origin: str, is_ours: bool) -> None:
    settings = GatewaySettings(
        public_url="https://studio.example.com", stream_environment=Path("/")
    )
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "server": ("inside", 8080),
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"inside:8080"), (b"origin", origin.encode())],
    }
    assert Origin(settings, Proxies(())).is_ours(Request(scope)) is is_ours
