"""How long a desktop takes from nothing to its first frame in a browser, and what else takes time.

Through Soundstage: create a session, hear by its events that it is READY, open a stream, open its
address. By hand: start the same bubblewrap line (`bench.desktop`), wait for its word that it is
ready, open the stream server's own page through a plain forwarder. Both in turns, in pages of the
same browser that showed a desktop before. Then from a pool of prepared ones; stop, start, and start
from a backup.

`make bench` runs it; alone: `python -m bench.start --rounds 10`.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from playwright.sync_api import Browser

from bench.browser import chromium, first_frame, measured_page
from bench.desktop import HandmadeDesktop
from bench.processes import print_load, started
from bench.report import median, ratio, table
from bench.studio import BenchStudio, say
from bench.tree import make_tree

HOME_MEGABYTES = 20


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Moments of one start, in seconds since it was asked for."""

    ready: float
    """The API says READY; by hand, the desktop says it is ready."""
    address: float
    """The address that opens the desktop is known."""
    page: float
    """The page's first byte is there."""
    frame: float
    """The desktop's picture is on the page."""


def through_soundstage(studio: BenchStudio, browser: Browser) -> Start:
    """Time one start through the API and the gateway."""
    with measured_page(browser) as page:
        began = time.time()
        session = studio.create()
        studio.until(session, "READY")
        ready = time.time()
        address = studio.address(session)
        known = time.time()
        page.goto(address, wait_until="commit")
        opened = time.time()
        seen = first_frame(page)
    studio.delete(session)
    return Start(
        ready=ready - began, address=known - began, page=opened - began, frame=seen - began
    )


def by_hand(browser: Browser) -> Start:
    """Time one start without Soundstage."""
    with (
        HandmadeDesktop() as desktop,
        started("bench.forward", str(desktop.socket)) as port,
        measured_page(browser) as page,
    ):
        began = time.time()
        desktop.start()
        ready = time.time()
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        opened = time.time()
        seen = first_frame(page)
    return Start(
        ready=ready - began, address=ready - began, page=opened - began, frame=seen - began
    )


def compare(
    studio: BenchStudio, browser: Browser, hand: Callable[[], Start], rounds: int
) -> tuple[list[Start], list[Start]]:
    """Time both ways in turns, after one of each that does not count."""
    ours: list[Start] = []
    theirs: list[Start] = []
    ways: list[tuple[list[Start], Callable[[], Start]]] = [
        (ours, lambda: through_soundstage(studio, browser)),
        (theirs, hand),
    ]
    for number in range(rounds + 1):
        for kept, way in ways if number % 2 else ways[::-1]:
            kept.append(way())
        say(f"start {number} of {rounds}: {ours[-1].frame:.2f} s, {theirs[-1].frame:.2f} s")
    return ours[1:], theirs[1:]


def from_the_pool(studio: BenchStudio, browser: Browser, rounds: int) -> list[Start]:
    """Time starts that take a prepared workstation, after one that does not count."""
    found: list[Start] = []
    studio.keep_prepared(1)
    for number in range(rounds + 1):
        studio.until_prepared(1)
        found.append(through_soundstage(studio, browser))
        say(f"from the pool, {number} of {rounds}: {found[-1].ready:.2f} s ready")
    studio.keep_prepared(0)
    studio.until_prepared(0)
    return found[1:]


def show_pool(warm: list[Start], cold: list[Start], *, what: str = "in a sandbox") -> None:
    """Print the table of starts that took a prepared workstation."""

    def row(name: str, part: Callable[[Start], float]) -> list[object]:
        mine, other = median(map(part, warm)), median(map(part, cold))
        return [name, f"{mine:.2f}", f"{other:.2f}", ratio(mine, other)]

    ready = [start.ready for start in warm]
    table(
        f"From a pool of prepared ones {what}, seconds (median of {len(warm)})",
        ["", "from the pool", "from nothing", "ratio"],
        [
            row("asked for -> ready", lambda start: start.ready),
            row("-> first frame", lambda start: start.frame),
            ["range of the first line", f"{min(ready):.2f}-{max(ready):.2f}", None, None],
        ],
    )


def show_starts(ours: list[Start], theirs: list[Start], *, what: str = "in a sandbox") -> None:
    """Print the table of starts."""

    def row(name: str, part: Callable[[Start], float]) -> list[object]:
        mine, other = median(map(part, ours)), median(map(part, theirs))
        return [name, f"{mine:.2f}", f"{other:.2f}", ratio(mine, other)]

    def spread(starts: list[Start]) -> str:
        frames = [start.frame for start in starts]
        return f"{min(frames):.2f}-{max(frames):.2f}"

    table(
        f"From nothing to the first frame {what}, seconds (median of {len(ours)}, in turns)",
        ["", "Soundstage", "by hand", "ratio"],
        [
            row("asked for -> ready", lambda start: start.ready),
            row("-> its address known", lambda start: start.address),
            row("-> the page begins to load", lambda start: start.page),
            row("-> first frame", lambda start: start.frame),
            ["range of the last line", spread(ours), spread(theirs), None],
        ],
    )


def lifecycle(studio: BenchStudio, rounds: int) -> dict[str, list[float]]:
    """Time what follows a session's first start, with a home of HOME_MEGABYTES."""
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.monotonic()
        work()
        taken.setdefault(name, []).append(time.monotonic() - began)
        say(f"{name}: {taken[name][-1]:.2f} s")

    session = studio.create()
    studio.until(session, "READY")
    fill(studio.home_of(session))

    def stop() -> None:
        studio.stop(session)
        studio.until(session, "STOPPED")
        studio.newest_backup(session)

    def start(backup_id: str | None = None) -> None:
        studio.start(session, backup_id)
        studio.until(session, "READY")

    timed("first stop with its backup", stop)
    for _ in range(rounds):
        timed("start again -> READY", start)
        timed("next stop with its backup", stop)
        backup = studio.newest_backup(session)
        timed("start from a backup -> READY", lambda: start(str(backup["backupId"])))  # noqa: B023 - called at once
        timed("next stop with its backup", stop)
    timed("delete", lambda: studio.delete(session))
    return taken


def fill(home: Path) -> None:
    """Put an artist's files into a home, owned by whom the home belongs to."""
    folder = home / "work"
    folder.mkdir()
    make_tree(folder, HOME_MEGABYTES * 1_000_000)
    owner = home.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args(arguments)
    with BenchStudio() as studio:
        with chromium() as browser:
            ours, theirs = compare(studio, browser, lambda: by_hand(browser), chosen.rounds)
            show_starts(ours, theirs)
            show_pool(from_the_pool(studio, browser, chosen.rounds), ours)
        taken = lifecycle(studio, max(1, chosen.rounds // 3))
    table(
        f"Stop, start again, restore; a home of {HOME_MEGABYTES} MB",
        ["", "seconds", "times"],
        [[name, f"{median(times):.2f}", len(times)] for name, times in taken.items()],
    )
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
