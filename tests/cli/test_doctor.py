"""`soundstage doctor` as people see it; what it finds is in `test_examination.py`."""

import subprocess
from collections.abc import Callable

from soundstage.kit.config import Settings
from soundstage.wiring.examination import examine


def test_people_read_a_line_each(
    settings: Settings, soundstage: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = soundstage("doctor")
    assert done.returncode == 0
    assert done.stdout.endswith("\nAll is well.\n")
    assert f"✓ port: {settings.host}:{settings.port} is free\n" in done.stdout
    done = soundstage("doctor", SOUNDSTAGE_ENGINE="cloud")
    assert done.returncode == 1
    assert "✗ engine: SOUNDSTAGE_ENGINE: there is no engine 'cloud'" in done.stdout
    assert done.stdout.endswith("\n1 to mend: engine.\n")


def test_the_home_s_own_service_may_have_the_port(running: Settings) -> None:
    checks = {check.name: check for check in examine(running)}
    assert not [check for check in checks.values() if check.state == "fault"]
    assert checks["port"].detail == f"the service listens on {running.host}:{running.port}"
    assert checks["database"].detail == "it answers"
    assert "mode 0600" in checks["secret"].detail
