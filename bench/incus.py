"""Workstations on Incus beside Incus's own commands and the same desktop (`bench.container`).

From nothing to the first frame in a browser, both in turns; the same from a pool of prepared ones;
a stop with its backup and a start from it; twenty at once, a few of them together and all together.
It starts an Incus of its own, with the image that tests run on, and takes it away again; it must be
root.

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
from bench.studio import BenchStudio, say
from soundstage.engines.incus.names import home_of
from soundstage.kit.config import Settings
from soundstage.testing.images import ensure_image
from soundstage.testing.incus import IncusDaemon, running_incus

_ROOT = Path(__file__).parents[1]
# So many find a place on a machine that has two cores.
_SETTINGS = {
    "incus_subnet": "10.78.0.1/24",
    "cpu_overcommit": "1000",
    "memory_overcommit": "1000",
    "least_free_memory_mib": "64",
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
    """Ask for many at once; when each was READY, of those that came up."""
    began = time.monotonic()
    sessions = [studio.create() for _ in range(many)]

    times: list[float] = []
    for found in studio.until_each(sessions, "READY", seconds=600):
        if found["state"] == "READY":
            times.append(time.monotonic() - began)
        else:
            say(f"one did not come up: {found.get('statusMessage')}")
    say(f"{len(times)} of {many} are ready, the last after {max(times, default=0):.1f} s")
    with ThreadPoolExecutor(many) as threads:
        list(threads.map(studio.delete, sessions))
    return times


def many_by_hand(daemon: IncusDaemon, many: int) -> list[float]:
    """Launch many by Incus's commands, as many together as Soundstage does: where all twenty begin
    at once on two cores, not all come up. When each desktop answered.
    """
    together = (os.cpu_count() or 1) * Settings().incus_starts_per_core
    with ExitStack() as stack:
        containers = [HandmadeContainer(daemon, f"many-{number}") for number in range(many)]
        began = time.monotonic()

        def ready(container: HandmadeContainer) -> float | None:
            container.launch()
            try:
                container.begin_desktop()
            except RuntimeError as error:
                say(f"one did not come up: {error}")
                return None
            return time.monotonic() - began

        for container in containers:
            stack.enter_context(container)
        with ThreadPoolExecutor(together) as threads:
            return sorted(taken for taken in threads.map(ready, containers) if taken is not None)


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
def an_incus() -> Iterator[IncusDaemon]:
    """Start an Incus with the image, and a network for what is done by hand."""
    with running_incus(ensure_image(_ROOT).directory) as daemon:
        make_network(daemon)
        yield daemon


def a_studio(daemon: IncusDaemon, **settings: str) -> BenchStudio:
    """Have a service over it."""
    return BenchStudio("incus", incus_address=str(daemon.socket), **_SETTINGS, **settings)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="0: only many at once")
    parser.add_argument("--many", type=int, default=20, help="0: only one at a time")
    chosen = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("\nIncus was left out: its daemon must be root's.")
        return
    with an_incus() as daemon:
        with a_studio(daemon) as studio:
            if chosen.rounds:
                one_at_a_time(daemon, studio, chosen.rounds)
            ours = many_through_soundstage(studio, chosen.many) if chosen.many else []
        if chosen.many:
            with a_studio(daemon, incus_starts_per_core="0") as studio:
                together = many_through_soundstage(studio, chosen.many)
            _show_many(chosen.many, ours, together, many_by_hand(daemon, chosen.many))
    print_load()


def one_at_a_time(daemon: IncusDaemon, studio: BenchStudio, rounds: int) -> None:
    """Measure and print what one workstation takes."""
    with chromium() as browser:
        numbers = itertools.count()
        ours, theirs = compare(
            studio, browser, lambda: by_hand(daemon, browser, next(numbers)), rounds
        )
        show_starts(ours, theirs, what="on Incus")
        show_pool(from_the_pool(studio, browser, rounds), ours, what="on Incus")
    _show_backups(*backups(studio, daemon, rounds))


def _show_many(many: int, ours: list[float], together: list[float], theirs: list[float]) -> None:
    def row(name: str, of: Callable[[list[float]], float]) -> list[object]:
        ways = (ours, together, theirs)
        if not all(ways):
            return [name, *(f"{of(times):.1f}" if times else None for times in ways), None]
        return [name, *(f"{of(times):.1f}" for times in ways), ratio(of(ours), of(theirs))]

    table(
        f"{many} at once on Incus, seconds from the first request until the desktop answers",
        ["", "Soundstage", "all together", "by hand", "ratio"],
        [
            row("the first", min),
            row("the middle one", median),
            row("the last", max),
            ["came up", len(ours), len(together), len(theirs), None],
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
