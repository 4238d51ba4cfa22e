"""Workstations on Incus beside Incus's own commands and the same desktop (`bench.container`).

From nothing to the first frame in a browser, both in turns; the same from a pool of prepared ones;
twenty at once; a stop with its backup and a start from it. It starts an Incus of its own, with
the image that tests run on, and takes it away again; it must be root.

`make bench` runs it; alone: `python -m bench.incus --rounds 5`.
"""

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from bench.browser import chromium, first_frame, measured_page
from bench.container import HandmadeContainer, make_network
from bench.processes import print_load, started
from bench.report import median, ratio, table
from bench.start import (
    HOME_MEGABYTES,
    Start,
    compare,
    fill,
    from_the_pool,
    show_pool,
    show_starts,
)
from bench.studio import BenchStudio, Session, say
from soundstage.engines.incus.names import home_of
from soundstage.engines.incus.starting import START_FOR_EACH_CORE
from soundstage.testing.images import ensure_image
from soundstage.testing.incus import IncusDaemon, running_incus

_ROOT = Path(__file__).parents[1]
# So many find a place on a machine that has two cores.
_SETTINGS = {
    "incus_subnet": "10.78.0.1/24",
    "cpu_overcommit": "1000",
    "memory_overcommit": "1000",
    "quota_sessions_per_user": "100",
}


def by_hand(daemon: IncusDaemon, browser: Browser, number: int) -> Start:
    """Time one start by Incus's commands."""
    with HandmadeContainer(daemon, f"byhand-{number}") as container, measured_page(browser) as page:
        began = time.time()
        container.launch()
        container.begin_desktop()
        ready = time.time()
        container.open_door()
        known = time.time()
        with started("bench.forward", str(container.socket)) as port:
            # Starting the forwarder is no part of it.
            waited = time.time() - known
            page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
            opened = time.time() - waited
            seen = first_frame(page) - waited
    return Start(
        ready=ready - began, address=known - began, page=opened - began, frame=seen - began
    )


def many_through_soundstage(studio: BenchStudio, many: int) -> list[float]:
    """Ask for many at once; when each was READY."""
    began = time.monotonic()
    sessions = [studio.create() for _ in range(many)]

    def ready(session: Session) -> float:
        studio.until(session, "READY", seconds=600)
        return time.monotonic() - began

    with ThreadPoolExecutor(many) as threads:
        times = sorted(threads.map(ready, sessions))
        list(threads.map(studio.delete, sessions))
    return times


def many_by_hand(daemon: IncusDaemon, many: int) -> list[float]:
    """Launch many by Incus's commands, as many together as Soundstage does: where all twenty begin
    at once on two cores, not all come up. When each desktop answered.
    """
    together = (os.cpu_count() or 1) * START_FOR_EACH_CORE
    with ExitStack() as stack:
        containers = [HandmadeContainer(daemon, f"many-{number}") for number in range(many)]
        began = time.monotonic()

        def ready(container: HandmadeContainer) -> float:
            container.launch()
            container.begin_desktop()
            return time.monotonic() - began

        for container in containers:
            stack.enter_context(container)
        with ThreadPoolExecutor(together) as threads:
            return sorted(threads.map(ready, containers))


Taken = dict[str, list[float]]


def _timed(taken: Taken, name: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    taken.setdefault(name, []).append(time.monotonic() - began)
    say(f"{name}: {taken[name][-1]:.2f} s")


_STOP, _BACK = "stop with its backup", "start from the backup -> ready"
_Ways = dict[str, Callable[[], None]]


@contextmanager
def kept_by_soundstage(studio: BenchStudio, daemon: IncusDaemon) -> Iterator[_Ways]:
    """Have a session with a home that is filled; how it is stopped and started from its backup."""
    session = studio.create()
    studio.until(session, "READY")
    fill(daemon.volume(home_of(str(session["sessionId"]), 0)))

    def stop() -> None:
        studio.stop(session)
        studio.until(session, "STOPPED")
        studio.newest_backup(session)

    def start() -> None:
        studio.start(session, str(studio.newest_backup(session)["backupId"]))
        studio.until(session, "READY")

    yield {_STOP: stop, _BACK: start}
    studio.delete(session)


@contextmanager
def kept_by_hand(daemon: IncusDaemon) -> Iterator[_Ways]:
    """Have the same by Incus's commands and restic's: the home is exported to a file, and imported
    from one; backups are as safe as Soundstage's, and each start is of a new system.
    """
    with HandmadeContainer(daemon, "kept") as container:
        container.launch()
        container.give_home()
        container.make_repository()
        fill(container.home())
        container.begin_desktop()

        def stop() -> None:
            container.stop()
            container.keep_home()

        def start() -> None:
            container.bring_home_back()
            container.make_anew()
            container.start()
            container.begin_desktop()

        yield {_STOP: stop, _BACK: start}


def backups(studio: BenchStudio, daemon: IncusDaemon, rounds: int) -> tuple[Taken, Taken]:
    """Time stops with their backups, and starts from these, both ways in turns, after one of each
    that makes the repository and does not count.
    """
    ours: Taken = {}
    theirs: Taken = {}
    with kept_by_soundstage(studio, daemon) as mine, kept_by_hand(daemon) as other:
        for number in range(rounds + 1):
            ways = [(ours, mine), (theirs, other)]
            for name in (_STOP, _BACK):
                for taken, way in ways if number % 2 else ways[::-1]:
                    _timed(taken, name, way[name])
    return _counted(ours), _counted(theirs)


def _counted(taken: Taken) -> Taken:
    return {name: times[1:] for name, times in taken.items()}


@contextmanager
def everything() -> Iterator[tuple[IncusDaemon, BenchStudio]]:
    """Start an Incus with the image, and a service over it."""
    with running_incus(ensure_image(_ROOT).directory) as daemon:
        make_network(daemon)
        address = str(daemon.socket)
        with BenchStudio("incus", incus_address=address, **_SETTINGS) as studio:
            yield daemon, studio


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=20)
    chosen = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("\nIncus was left out: its daemon must be root's.")
        return
    with everything() as (daemon, studio):
        with chromium() as browser:
            numbers = itertools.count()
            ours, theirs = compare(
                studio, browser, lambda: by_hand(daemon, browser, next(numbers)), chosen.rounds
            )
            show_starts(ours, theirs, what="on Incus")
            show_pool(from_the_pool(studio, browser, chosen.rounds), ours, what="on Incus")
        _show_many(many_through_soundstage(studio, chosen.many), many_by_hand(daemon, chosen.many))
        rounds = max(1, chosen.rounds // 2)
        _show_backups(*backups(studio, daemon, rounds))
    print_load()


def _show_many(ours: list[float], theirs: list[float]) -> None:
    def row(name: str, mine: float, other: float) -> list[object]:
        return [name, f"{mine:.1f}", f"{other:.1f}", ratio(mine, other)]

    table(
        f"{len(ours)} at once on Incus, seconds from the first request until the desktop answers",
        ["", "Soundstage", "by hand", "ratio"],
        [
            row("the first", ours[0], theirs[0]),
            row("the middle one", median(ours), median(theirs)),
            row("the last", ours[-1], theirs[-1]),
        ],
    )


def _show_backups(ours: Taken, theirs: Taken) -> None:
    def row(name: str) -> list[object]:
        mine, other = median(ours[name]), median(theirs[name])
        return [name, f"{mine:.2f}", f"{other:.2f}", ratio(mine, other)]

    how = f"median of {len(ours[_STOP])}, in turns"
    table(
        f"Backups on Incus, seconds; a home of {HOME_MEGABYTES} MB ({how})",
        ["", "Soundstage", "by hand", "ratio"],
        [row(_STOP), row(_BACK)],
    )


if __name__ == "__main__":
    main(sys.argv[1:])
