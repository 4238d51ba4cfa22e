"""The service as one of systemd's, by the unit that people are told to write."""

import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from soundstage.testing.kernel import DISK, ROOT

pytestmark = pytest.mark.kernel

PAGE = ROOT / "docs/how-to/run-as-a-service.md"
UNIT = Path("/etc/systemd/system/soundstage.service")
HOME = DISK / "studio"
SAID = DISK / "studio.log"
HOLDER = DISK / "holder"
# In the place of a workstation's supervisor: a whole desktop takes too long to begin in emulation.
HOLD = f"test -e {HOLDER} || {{ setsid sleep 3600 & echo $! > {HOLDER}; }}"
PROGRAM = ROOT / ".venv/bin/soundstage"


def typed(*words: str) -> str:
    """Run a command that must end well, and give what it prints."""
    done = subprocess.run(
        words,
        env={**os.environ, "SOUNDSTAGE_HOME": str(HOME)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def until(condition: Callable[[], bool], what: str, *, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{SAID.read_text()}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def service() -> Iterator[None]:
    """Give the page's unit, of this checkout and with its home on the disk."""
    (unit,) = re.findall(r"```ini\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    unit = unit.replace("/opt/soundstage/.venv/bin/soundstage", str(PROGRAM))
    UNIT.write_text(unit.replace("/var/lib/soundstage", str(HOME)), encoding="utf-8")
    # The journal is not begun in a guest either.
    own = UNIT.with_name(f"{UNIT.name}.d")
    own.mkdir()
    said = f"StandardOutput=append:{SAID}\nStandardError=append:{SAID}\n"
    hold = f"ExecStartPost=/bin/sh -c '{HOLD.replace('$', '$$')}'\n"
    (own / "guest.conf").write_text(f"[Service]\n{said}{hold}", encoding="utf-8")
    HOME.mkdir()
    HOME.chmod(0o711)
    typed("systemctl", "daemon-reload")
    # Its targets are not begun in a guest, where nothing of the machine's own is.
    typed("systemctl", "start", "--job-mode=ignore-dependencies", "soundstage")
    until(answers, "the service answers")
    yield
    typed("systemctl", "stop", "soundstage")


def answers() -> bool:
    try:
        with urllib.request.urlopen("http://127.0.0.1:8080/readyz", timeout=10):
            return True
    except OSError:
        return False


def main_pid() -> int:
    return int(typed("systemctl", "show", "-P", "MainPID", "soundstage"))


@pytest.mark.usefixtures("service")
def test_a_restart_of_the_unit_leaves_alone_who_holds_desktops() -> None:
    before, holder = main_pid(), int(HOLDER.read_text())
    typed("systemctl", "restart", "--job-mode=ignore-dependencies", "soundstage")
    until(answers, "the service answers again")
    assert main_pid() != before
    assert Path(f"/proc/{holder}/comm").read_text() == "sleep\n"
    # It is one of the unit's, as supervisors are.
    assert "soundstage.service" in Path(f"/proc/{holder}/cgroup").read_text()
