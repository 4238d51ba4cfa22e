"""What a family of processes has used, the stream server left out."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from soundstage.engines.interface import RetryableError
from soundstage.engines.sandbox.host import use
from soundstage.engines.sandbox.host.cgroups import Hierarchy

NONE = Hierarchy(version=0)
# The kernel counts in hundredths and leaves the rest out.
WORK = "import time, sys\nwhile time.process_time() < 0.4: pass\n"
WAIT = "print('done', flush=True); sys.stdin.read()"


@contextmanager
def parent_of(*command: str) -> Iterator[int]:
    """A process with one child that has worked and now waits."""
    script = f"import subprocess, sys; subprocess.run({list(command)!r}); {WAIT}"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_living_and_ended_processes_count(tmp_path: Path) -> None:
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORK!r}]); {WAIT}"
    with parent_of(sys.executable, "-c", inner) as pid:
        assert use.observe(pid, NONE, "r").cpu_seconds >= 0.3
    stream = tmp_path / "stream.py"
    stream.write_text(f"{WORK}{WAIT}")
    with parent_of(sys.executable, str(stream)) as pid:
        assert use.observe(pid, NONE, "r").cpu_seconds == 0.0


def test_a_control_group_s_own_count_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "cpuacct.usage").write_text("1500000000\n")
    (tmp_path / "r" / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    for version, seconds in ((1, 1.5), (2, 2.5)):
        groups = Hierarchy(version=version, parents={"cpu": tmp_path})
        assert use.observe(os.getpid(), groups, "r").cpu_seconds == pytest.approx(seconds, abs=0.2)
    assert use.observe(os.getpid(), groups, "gone").cpu_seconds >= 0.0


def test_one_that_has_ended_can_not_be_asked() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    with pytest.raises(RetryableError):
        use.observe(ended.pid, NONE, "r")
