"""Memory and processor time of a process and all that descend from it; most parts measure by it.

Also how what is measured goes before what else the machine does.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from soundstage.engines.sandbox.host import cgroups

_WEIGHT = 16
"""How many programs of other people a group counts for that goes before them."""


def family(*pids: int) -> list[psutil.Process]:
    """Find processes and their descendants, of any depth."""
    roots = [psutil.Process(pid) for pid in pids]
    return [*roots, *(child for root in roots for child in root.children(recursive=True))]


def proportional_megabytes(processes: Iterable[psutil.Process]) -> float:
    """Sum what they keep in memory; what several share is counted once between them (PSS)."""
    total = 0
    for process in processes:
        try:
            total += int(process.memory_full_info().pss)
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


class Meter:
    """Measures the processor time of some families between its making and `percent`."""

    def __init__(self, *pids: int, without: str = "") -> None:
        """Processes named `without` are left out."""
        self._pids = pids
        self._without = without
        self._began = time.monotonic()
        self._before = self._seconds()

    def percent(self) -> float:
        """Tell the processor time since, in percent of one core."""
        after = self._seconds()
        used = sum(seconds - self._before.get(who, 0.0) for who, seconds in after.items())
        return 100 * used / (time.monotonic() - self._began)

    def _seconds(self) -> dict[tuple[int, float], float]:
        found = {}
        for process in family(*self._pids):
            try:
                with process.oneshot():
                    if self._without and process.name() == self._without:
                        continue
                    times = process.cpu_times()
                    found[process.pid, process.create_time()] = times.user + times.system
            except psutil.NoSuchProcess:
                continue
        return found


@contextmanager
def started(module: str, *arguments: str) -> Iterator[str]:
    """Run a module of the bench in a process of its own; gives the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for above
        line = process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{module} did not start")
        yield line
    finally:
        process.terminate()
        process.wait(10)


def print_load() -> None:
    """Say how busy the machine was; a part prints it below its tables."""
    one, five, _ = psutil.getloadavg()
    print(f"\nLoad average at the end: {one:.1f} over a minute, {five:.1f} over five.")


def go_before_others(group: Path) -> None:
    """Let a control group have the processor before other people's programs."""
    is_first = (group / "cpu.shares").exists()
    name, weight = ("cpu.shares", _WEIGHT * 1024) if is_first else ("cpu.weight", _WEIGHT * 100)
    (group / name).write_text(str(weight))


@contextmanager
def in_front() -> Iterator[None]:
    """Have this process, and all that it begins, go before other work, where that can be had."""
    own = Path("/proc/self/cgroup").read_text()
    name = f"soundstage-bench-{os.getpid()}"
    group = cgroups.find(Path("/sys/fs/cgroup"), own, name).parents.get("cpu")
    if group is None:
        yield
        return
    group.mkdir()
    go_before_others(group)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        (group.parent / "cgroup.procs").write_text(str(os.getpid()))
        deadline = time.monotonic() + 30
        while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        group.rmdir()
