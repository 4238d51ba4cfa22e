"""The public address, taken apart."""

import pytest

from soundstage.kit.addresses import PublicAddress


@pytest.mark.parametrize(
    ("url", "origin", "path", "is_secure"),
    [
        ("https://Studio.example.com", "https://studio.example.com", "", True),
        ("https://studio.example.com:443/a/", "https://studio.example.com", "/a", True),
        ("http://localhost:8080", "http://localhost:8080", "", False),
        ("http://[::1]:80/", "http://[::1]", "", False),
    ],
)
def test_an_address_is_taken_apart(url: str, origin: str, path: str, is_secure: bool) -> None:
    address = PublicAddress(url)
    assert (address.origin, address.path, address.is_secure) == (origin, path, is_secure)
