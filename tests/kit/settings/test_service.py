"""Where the service is reached follows from its settings, and where data lies from who runs it."""

import os
from pathlib import Path

import pytest

from soundstage.kit.settings.service import ServiceSettings, default_home


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("::", False),
        ("studio.example.org", False),
        ("10.127.0.1", False),
    ],
)
def test_loopback_is_told(host: str, is_loopback: bool) -> None:
    assert ServiceSettings(home=Path("/h"), host=host).is_loopback is is_loopback


def test_browsers_come_by_the_public_address_if_there_is_one() -> None:
    assert ServiceSettings(home=Path("/h"), port=9000).address == "http://localhost:9000"
    public = ServiceSettings(home=Path("/h"), public_url="https://studio.example.org")
    assert public.address == "https://studio.example.org"


@pytest.mark.parametrize(
    ("user", "data", "home"),
    [
        (0, "/d", "/var/lib/soundstage"),
        (1000, "/d", "/d/soundstage"),
        (1000, "", "/home/a/.local/share/soundstage"),
    ],
)
def test_data_is_the_system_s_or_the_person_s(
    monkeypatch: pytest.MonkeyPatch, user: int, data: str, home: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("XDG_DATA_HOME", data)
    monkeypatch.setenv("HOME", "/home/a")
    assert default_home() == ServiceSettings().home == Path(home)
