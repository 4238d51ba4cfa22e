"""The stream server is looked for where `make setup` puts it."""

import sys

import pytest

from soundstage.kit.settings.streams import StreamSettings


def test_it_is_beside_the_service_s_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/opt/soundstage/.venv")
    assert str(StreamSettings().stream_environment) == "/opt/soundstage/.venv-stream"
