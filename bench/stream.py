"""The stream itself beside TigerVNC with noVNC: frames, bandwidth, processor, key-to-pixel latency.

Both desktops are started by hand and reached through our gateway, by pages of the same headless
Chromium, in turns. What is streamed is `motion.c`: one colour, a still picture with grain, a small
part that moves (640 by 360 pixels, 60 times a second) and the whole screen (30 times). What a page
shows is read from its pixels (`sampler.js`). The processor time is that of the session without the
test picture.

`make bench` runs it; alone: `python -m bench.stream --rounds 3`.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, Self

import msgspec
from playwright.sync_api import Browser, Page

from bench import door
from bench.browser import chromium, first_frame, measured_page, until
from bench.desktop import HandmadeDesktop
from bench.processes import Meter, family, print_load, proportional_megabytes, started
from bench.report import median, table
from bench.studio import say
from bench.vnc import VncDesktop
from soundstage.engines import telling

SIZES = ((1280, 720), (1920, 1080))
SMALL, SMALL_RATE, FULL_RATE = (640, 360), 60, 30
WINDOW_SECONDS = 4.0
"""How long frames, bytes and processor time are counted."""
KEYS = 12
"""Keys pressed for the latency of one kind of picture in one round."""
BESIDE = 48
_SETTLE_SECONDS = 2.0
_SOURCE = Path(__file__).parent / "motion.c"
_PICTURES = ("one colour", "still", "small motion", "full motion")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of picture, measured once."""

    fps: float
    megabits: float
    cpu: float
    latencies: list[float] = []
    """In milliseconds."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One desktop at one size, measured once."""

    megabytes: float
    unwatched_cpu: float
    pictures: dict[str, Seen]


class Peer(Protocol):
    """A desktop that is streamed in some way, with the test picture on it."""

    name: str
    page: str

    def __enter__(self) -> Self: ...
    def __exit__(self, *given: object) -> None: ...
    def start(self, motion: Path) -> None:
        """Start the desktop and the test picture."""
        ...

    @property
    def pids(self) -> list[int]: ...
    @property
    def sockets(self) -> Path: ...
    @property
    def orders(self) -> Path: ...


class Ours:
    """A workstation's desktop."""

    name = "Soundstage"
    page = door.OUR_PAGE

    def __init__(self, width: int, height: int) -> None:
        del width, height  # It takes the size of the browser's window.
        self._desktop = HandmadeDesktop()
        self.sockets = self._desktop.sockets
        self.orders = self._desktop.home / "orders"

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it."""
        self._desktop.__exit__()

    @property
    def pids(self) -> list[int]:
        """Where its processes descend from."""
        return [self._desktop.pid]

    def start(self, motion: Path) -> None:
        """Start it; the test picture comes as an artist's own programs do."""
        shutil.copy2(motion, self._desktop.home / "motion")
        os.mkfifo(self.orders)
        autostart = self._desktop.home / ".config" / "openbox" / "autostart"
        autostart.parent.mkdir(parents=True)
        inside = telling.HOME
        autostart.write_text(f"exec {inside}/motion {inside}/orders\n")
        self._desktop.start()


class Vnc:
    """TigerVNC and noVNC."""

    name = "TigerVNC + noVNC"
    page = door.NOVNC_PAGE

    def __init__(self, width: int, height: int) -> None:
        self._desktop = VncDesktop(width, height)
        self.sockets = self._desktop.sockets
        self.orders = self._desktop.home / "orders"

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it."""
        self._desktop.__exit__()

    @property
    def pids(self) -> list[int]:
        """Where its processes descend from."""
        return self._desktop.pids

    def start(self, motion: Path) -> None:
        """Start it and the test picture."""
        os.mkfifo(self.orders)
        self._desktop.start()
        self._desktop.run(str(motion), str(self.orders))


PEERS: tuple[type[Ours] | type[Vnc], ...] = (Ours, Vnc)


class Watcher:
    """The page that shows a desktop, and the measurements that need it."""

    def __init__(self, page: Page, port: str, peer: Peer, seed: int) -> None:
        self._page = page
        self._port = port
        self._peer = peer
        self._random = random.Random(seed)  # noqa: S311 - pauses, not secrets

    def open(self, width: int, height: int) -> None:
        """Open the page, wait for a picture, and give it the keyboard."""
        self._page.context.add_cookies([door.cookie(self._port)])  # type: ignore[list-item]
        self._page.goto(f"http://127.0.0.1:{self._port}{self._peer.page}")
        first_frame(self._page)
        self._page.mouse.click(width // 2, height - 60)
        time.sleep(2 * _SETTLE_SECONDS)

    def order(self, width: int, height: int, rate: int) -> None:
        """Have the moving part so large and so fast, and wait until the page shows it."""
        # In the block, but not in its very middle, where a pointer may be drawn.
        probe = [width // 2 + BESIDE, height // 2 + BESIDE]
        self._page.evaluate(f"window.bench.probe = {probe}")
        with self._peer.orders.open("w") as orders:
            orders.write(f"{width} {height} {rate}\n")
        time.sleep(_SETTLE_SECONDS)
        until("the test picture", lambda: self._page.evaluate("window.bench.colour()"))

    def measure(self) -> Seen:
        """Count, then press keys."""
        return msgspec.structs.replace(self.count(), latencies=self._latencies())

    def count(self) -> Seen:
        """Count frames, bytes and processor time."""
        self._page.evaluate("Object.assign(window.bench, {frames: 0, counting: true})")
        before, meter, began = self._sent(), Meter(*self._peer.pids, without="motion"), time.time()
        time.sleep(WINDOW_SECONDS)
        took = time.time() - began
        cpu, after = meter.percent(), self._sent()
        frames = int(self._page.evaluate("window.bench.counting = false, window.bench.frames"))
        sent = sum(count - before.get(browser, 0) for browser, count in after.items())
        # The first counter that is seen is no change.
        return Seen(fps=max(0, frames - 1) / took, megabits=sent * 8 / took / 1e6, cpu=cpu)

    def _latencies(self) -> list[float]:
        self._page.evaluate("window.bench.latencies = []")
        for number in range(1, KEYS + 1):
            self._page.evaluate(
                "Object.assign(window.bench, {before: window.bench.colour(), armed: true})"
            )
            self._page.keyboard.press("a")
            until(
                "an answer to a key",
                lambda count=number: self._page.evaluate("window.bench.latencies.length") >= count,  # type: ignore[misc]
            )
            time.sleep(self._random.uniform(0.1, 0.25))
        return [float(each) for each in self._page.evaluate("window.bench.latencies")]

    def _sent(self) -> dict[str, int]:
        """Read from the kernel how many bytes the gateway has sent on each open connection."""
        told = subprocess.run(
            ["ss", "-tinOH", f"sport = :{self._port}"], check=True, capture_output=True, text=True
        )
        sent = {}
        for line in told.stdout.splitlines():
            count = re.search(r"bytes_sent:(\d+)", line)
            if count is not None:
                sent[line.split()[4]] = int(count[1])
        return sent


def run(peer: Peer, browser: Browser, motion: Path, size: tuple[int, int], seed: int) -> Run:
    """Measure one desktop at one size."""
    with ExitStack() as stack:
        stack.enter_context(peer)
        peer.start(motion)
        port = stack.enter_context(started("bench.door", str(peer.sockets)))
        with measured_page(browser, *size) as page:
            watcher = Watcher(page, port, peer, seed)
            watcher.open(*size)
            # Before the test picture, whose pixels the X server keeps.
            processes = [each for each in family(*peer.pids) if each.name() != "motion"]
            megabytes = proportional_megabytes(processes)
            pictures = {"one colour": watcher.count()}
            watcher.order(*size, 0)
            time.sleep(2 * _SETTLE_SECONDS)
            pictures["still"] = watcher.measure()
            watcher.order(*SMALL, SMALL_RATE)
            pictures["small motion"] = watcher.measure()
            watcher.order(*size, FULL_RATE)
            pictures["full motion"] = watcher.measure()
            watcher.order(*size, 0)
        # The stream server needs some seconds to see that nobody watches.
        time.sleep(2 * _SETTLE_SECONDS)
        unwatched = Meter(*peer.pids, without="motion")
        time.sleep(WINDOW_SECONDS)
        return Run(megabytes=megabytes, unwatched_cpu=unwatched.percent(), pictures=pictures)


@contextmanager
def compiled() -> Iterator[Path]:
    """Compile the test picture."""
    with tempfile.TemporaryDirectory(prefix="soundstage-bench-") as folder:
        program = Path(folder) / "motion"
        subprocess.run(["gcc", "-O2", "-o", program, _SOURCE, "-lX11", "-lm"], check=True)
        yield program


def compare(size: tuple[int, int], rounds: int) -> dict[str, list[Run]]:
    """Measure both in turns."""
    found: dict[str, list[Run]] = {peer.name: [] for peer in PEERS}
    with compiled() as motion, chromium() as browser:
        for number in range(rounds):
            for kind in PEERS if number % 2 else PEERS[::-1]:
                found[kind.name].append(run(kind(*size), browser, motion, size, number))
                say(f"stream {size[0]}x{size[1]}, {number + 1} of {rounds}: {kind.name}")
    return found


def show(size: tuple[int, int], found: dict[str, list[Run]]) -> None:
    """Print one table; latencies are of all rounds together, the rest medians."""

    def row(name: str, value: Callable[[list[Run]], str]) -> list[object]:
        return [name, *(value(runs) for runs in found.values())]

    def middle(part: Callable[[Run], float], digits: int = 0) -> Callable[[list[Run]], str]:
        return lambda runs: f"{median(map(part, runs)):.{digits}f}"

    def latency(picture: str, part: float) -> Callable[[list[Run]], str]:
        def value(runs: list[Run]) -> str:
            taken = sorted(each for run in runs for each in run.pictures[picture].latencies)
            return f"{taken[int(part * len(taken))]:.0f}"

        return value

    rows = [
        row("memory, MB (PSS)", middle(lambda run: run.megabytes)),
        row("nobody watches: CPU, % of a core", middle(lambda run: run.unwatched_cpu, 1)),
    ]
    for name in _PICTURES:

        def of(part: str, picture: str = name) -> Callable[[Run], float]:
            return lambda run: float(getattr(run.pictures[picture], part))

        if name.endswith("motion"):
            rows.append(row(f"{name}: frames a second", middle(of("fps"))))
        rows += [
            row(f"{name}: Mbit/s", middle(of("megabits"), 1)),
            row(f"{name}: CPU, % of a core", middle(of("cpu"))),
        ]
        if name != "one colour":
            rows += [
                row(f"{name}: key to pixel p50, ms", latency(name, 0.5)),
                row(f"{name}: key to pixel p95, ms", latency(name, 0.95)),
            ]
    rounds = len(next(iter(found.values())))
    title = f"The stream at {size[0]}x{size[1]} (median of {rounds}, in turns)"
    table(title, ["", *found], rows)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    for size in SIZES:
        show(size, compare(size, chosen.rounds))
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
