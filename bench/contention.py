"""Frames and latency of a desktop while the artist's programs keep every core busy.

A real workstation of the sandbox engine, seen by a real browser through our gateway, three times:
with nothing else at work, with twice as many busy loops as there are cores, and with the same loops
when the desktop's own parts have no priority (all in the group of programs). The rest of the way,
gateway and browser, shares the same cores, as on a laptop that is its own studio. The test picture
is one of the artist's programs: it shares their group with the loops.

`make bench` runs it; alone: `python -m bench.contention --rounds 3`.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from playwright.sync_api import Browser

from bench.browser import chromium, measured_page, until
from bench.desktop import STREAM_ENVIRONMENT
from bench.door import OUR_PAGE
from bench.processes import print_load, started
from bench.report import median, table
from bench.stream import FULL_RATE, SMALL, SMALL_RATE, Seen, Watcher, compiled
from bench.studio import say
from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.sandbox.walls import bubblewrap
from soundstage.testing.workbench import Workbench

SIZE = (1280, 720)
QUIET, FLAT, FIRST = "nothing renders", "all cores, one group", "all cores, desktop first"
CASES = (QUIET, FLAT, FIRST)
_PICTURES = {"small motion": (*SMALL, SMALL_RATE), "full motion": (*SIZE, FULL_RATE)}
_LOOP = "while True: pass"
_WEIGHT = 16
"""How many programs of other people the workstation counts for, and the watching side too."""


class Workstation:
    """A peer of `bench.stream` that the engine started."""

    name = "Soundstage"
    page = OUR_PAGE

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="soundstage-bench-"))
        self._bench = Workbench(self._home / "data", STREAM_ENVIRONMENT)
        self.ref = self._bench.start_with_shell()
        self.sockets = self._bench.directory(self.ref) / "stream"
        self.orders = self._bench.home(self.ref) / "orders"

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it, and see that nothing is left."""
        left = self._bench.close()
        # A removed disk goes in the background.
        trash = self._home / "data/volumes/.trash"
        until("an empty trash", lambda: not any(trash.iterdir()))
        shutil.rmtree(self._home)
        if left:
            raise RuntimeError(f"left over: {left}")

    def start(self, motion: Path) -> None:
        """Start the test picture, as one of the artist's own programs."""
        owner = self._bench.home(self.ref).stat().st_uid
        os.mkfifo(self.orders)
        os.chown(self.orders, owner, owner)
        shutil.copy2(motion, self._bench.home(self.ref) / "motion")
        self._begin(f"{bubblewrap.HOME}/motion {bubblewrap.HOME}/orders")

    @property
    def pids(self) -> list[int]:
        """Where its processes descend from."""
        return [self._bench.supervisor(self.ref)]

    def render(self) -> None:
        """Keep every core busy, twice."""
        for _ in range(2 * (os.cpu_count() or 1)):
            self._begin(f"python3 -c '{_LOOP}'")

    def _groups(self) -> dict[str, Path]:
        settings = self._bench.settings
        own, name = Path("/proc/self/cgroup").read_text(), f"soundstage-{settings.digest}"
        return cgroups.find(settings.cgroup_root, own, name).parents

    def go_first(self) -> None:
        """Leave what else this machine does out of the comparison."""
        _weigh(self._groups()["cpu"])

    def level(self) -> None:
        """Take its priority away from the desktop."""
        for parent in set(self._groups().values()):
            desktop = parent / self.ref / cgroups.DESKTOP / "cgroup.procs"
            programs = parent / self.ref / cgroups.PROGRAMS / "cgroup.procs"
            for pid in desktop.read_text().split() if desktop.exists() else ():
                programs.write_text(pid)

    def _begin(self, command: str) -> None:
        self._bench.inside(self.ref, "sh", "-c", f"setsid {command} >/dev/null 2>&1 &")


def _weigh(group: Path) -> None:
    is_first = (group / "cpu.shares").exists()
    name, weight = ("cpu.shares", _WEIGHT * 1024) if is_first else ("cpu.weight", _WEIGHT * 100)
    (group / name).write_text(str(weight))


@contextmanager
def in_front() -> Iterator[None]:
    """Have browser and gateway, which this process begins, go before other work as well."""
    own = Path("/proc/self/cgroup").read_text()
    name = f"soundstage-bench-{os.getpid()}"
    group = cgroups.find(Path("/sys/fs/cgroup"), own, name).parents["cpu"]
    group.mkdir()
    _weigh(group)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        (group.parent / "cgroup.procs").write_text(str(os.getpid()))
        until("an empty group", lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def run(case: str, browser: Browser, motion: Path, seed: int) -> dict[str, Seen]:
    """Measure one case once."""
    with ExitStack() as stack:
        peer = stack.enter_context(Workstation())
        peer.go_first()
        peer.start(motion)
        port = stack.enter_context(started("bench.door", str(peer.sockets)))
        page = stack.enter_context(measured_page(browser, *SIZE))
        watcher = Watcher(page, port, peer, seed)
        watcher.open(*SIZE)
        if case != QUIET:
            peer.render()
        if case == FLAT:
            peer.level()
        found = {}
        for picture, order in zip(
            _PICTURES, ((*SMALL, SMALL_RATE), (*SIZE, FULL_RATE)), strict=True
        ):
            watcher.order(*order)
            found[picture] = watcher.measure()
        return found


def show(found: dict[str, list[dict[str, Seen]]]) -> None:
    """Print the table; latencies are of all rounds together, frames medians."""
    rows: list[list[object]] = []
    for picture in _PICTURES:
        taken = {
            case: sorted(each for one in runs for each in one[picture].latencies)
            for case, runs in found.items()
        }
        frames = {case: median(one[picture].fps for one in runs) for case, runs in found.items()}
        rows.append([f"{picture}: frames a second", *(f"{each:.0f}" for each in frames.values())])
        for part, name in ((0.5, "p50"), (0.95, "p95")):
            each = [f"{values[int(part * len(values))]:.0f}" for values in taken.values()]
            rows.append([f"{picture}: key to pixel {name}, ms", *each])
    rounds = len(next(iter(found.values())))
    size = f"{SIZE[0]}x{SIZE[1]}"
    title = f"A desktop whose programs keep every core busy, {size} (median of {rounds}, in turns)"
    table(title, ["", *found], rows)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    found: dict[str, list[dict[str, Seen]]] = {case: [] for case in CASES}
    with compiled() as motion, in_front(), chromium() as browser:
        for number in range(chosen.rounds):
            for case in CASES if number % 2 else CASES[::-1]:
                found[case].append(run(case, browser, motion, number))
                say(f"contention, {number + 1} of {chosen.rounds}: {case}")
    show(found)
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
