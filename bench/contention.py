"""Frames and latency of a desktop while the artist's programs keep every core busy.

A real workstation of the sandbox engine, seen by a real browser through our gateway, three times:
with nothing else at work, with twice as many busy loops as there are cores, and with the same loops
when the desktop's own parts have no priority (all in the group of programs). Gateway and browser
share the same cores, but count for as much as the whole workstation: an artist has them on another
machine. The test picture is drawn from outside too, through the workstation's X server, so that it
changes as often as it should: as one of the artist's programs it stands in line with the loops, and
what would be counted is how seldom it is drawn, not whether it is sent.

`make bench` runs it; alone: `python -m bench.contention --rounds 3`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import msgspec
from playwright.sync_api import Browser

from bench.browser import chromium, measured_page, until
from bench.desktop import STREAM_ENVIRONMENT
from bench.door import OUR_PAGE
from bench.processes import go_before_others, in_front, print_load, started
from bench.report import median, table
from bench.stream import FULL_RATE, SMALL, SMALL_RATE, Seen, Watcher, compiled
from bench.studio import say
from bench.tap import Tap
from soundstage.engines import telling
from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.telling import STREAM_SOCKET
from soundstage.testing.workbench import Workbench

SIZE = (1280, 720)
QUIET, FLAT, FIRST = "nothing renders", "all cores, one group", "all cores, desktop first"
CASES = (QUIET, FLAT, FIRST)
_PICTURES = {"small motion": (*SMALL, SMALL_RATE), "full motion": (*SIZE, FULL_RATE)}
_LOOP = "while True: pass"


class Workstation:
    """A peer of `bench.stream` that the engine started."""

    name = "Soundstage"
    page = OUR_PAGE

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="soundstage-bench-"))
        self._bench = Workbench(self._home / "data", STREAM_ENVIRONMENT)
        self.ref = self._bench.start_with_shell()
        self.sockets = self._home / "tap"
        self.sockets.mkdir()
        server = self._bench.directory(self.ref) / "stream" / STREAM_SOCKET
        self.tap = Tap(server, self.sockets / STREAM_SOCKET)
        self.orders = self._bench.home(self.ref) / "orders"
        self._picture: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it, and see that nothing is left."""
        if self._picture is not None:
            self._picture.terminate()
            self._picture.wait()
        self.tap.close()
        left = self._bench.close()
        # A removed disk goes in the background.
        trash = self._home / "data/volumes/.trash"
        until("an empty trash", lambda: not any(trash.iterdir()))
        shutil.rmtree(self._home)
        if left:
            raise RuntimeError(f"left over: {left}")

    def start(self, motion: Path) -> None:
        """Start the test picture: it sees what the workstation sees, and is in no group of it."""
        os.mkfifo(self.orders)
        shutil.copy2(motion, self._bench.home(self.ref) / "motion")
        status = json.loads((self._bench.directory(self.ref) / "status.json").read_text())
        enter = ["nsenter", f"--target={status['inner_pid']}", "--mount", "--"]
        places = {"DISPLAY": ":0", "XAUTHORITY": f"{telling.RUNTIME}/Xauthority"}
        words = [f"{telling.HOME}/motion", f"{telling.HOME}/orders"]
        self._picture = subprocess.Popen([*enter, *words], env=os.environ | places)

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
        go_before_others(self._groups()["cpu"])

    def level(self) -> None:
        """Take its priority away from the desktop."""
        for parent in set(self._groups().values()):
            desktop = parent / self.ref / cgroups.DESKTOP / "cgroup.procs"
            programs = parent / self.ref / cgroups.PROGRAMS / "cgroup.procs"
            for pid in desktop.read_text().split() if desktop.exists() else ():
                programs.write_text(pid)

    def _begin(self, command: str) -> None:
        self._bench.inside(self.ref, "sh", "-c", f"setsid {command} >/dev/null 2>&1 &")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of picture in one case, measured once."""

    sent: float
    """Frames that left the workstation in a second."""
    seen: Seen


def run(case: str, browser: Browser, motion: Path, seed: int) -> dict[str, Taken]:
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
            before, began = peer.tap.frames, time.monotonic()
            seen = watcher.measure()
            sent = (peer.tap.frames - before) / (time.monotonic() - began)
            found[picture] = Taken(sent=sent, seen=seen)
        return found


def show(found: dict[str, list[dict[str, Taken]]]) -> None:
    """Print the table; latencies are of all rounds together, frames medians."""
    rows: list[list[object]] = []
    for picture in _PICTURES:
        taken = [[one[picture] for one in runs] for runs in found.values()]
        sent = [f"{median(one.sent for one in runs):.0f}" for runs in taken]
        shown = [f"{median(one.seen.fps for one in runs):.0f}" for runs in taken]
        rows.append([f"{picture}: frames a second leave", *sent])
        rows.append([f"{picture}: frames a second shown", *shown])
        for part, name in ((0.5, "p50"), (0.95, "p95")):
            late = [sorted(each for one in runs for each in one.seen.latencies) for runs in taken]
            each = [f"{values[int(part * len(values))]:.0f}" for values in late]
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
    found: dict[str, list[dict[str, Taken]]] = {case: [] for case in CASES}
    with compiled() as motion, in_front(), chromium() as browser:
        for number in range(chosen.rounds):
            for case in CASES if number % 2 else CASES[::-1]:
                found[case].append(run(case, browser, motion, number))
                say(f"contention, {number + 1} of {chosen.rounds}: {case}")
    show(found)
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
