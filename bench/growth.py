"""How much the database grows with the lives of workstations, for whoever sizes a disk.

`python -m bench.growth`. On the simulated engine, because what is counted is rows: a workstation is
launched, stopped with its backup, started once more, stopped and deleted.
"""

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from bench.api import UNBOUNDED
from bench.report import table
from bench.studio import BenchStudio

LIVES = 200


def _kilobytes(studio: BenchStudio) -> float:
    """Give the database's pages that are in use, what is not yet in the main file included."""
    with closing(sqlite3.connect(studio.home / "soundstage.sqlite")) as database:
        pages, free, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return float((pages - free) * size / 1000)


def _live(studio: BenchStudio, lives: int) -> None:
    """Let so many workstations live beside each other."""
    sessions = [studio.create() for _ in range(lives)]
    for begin, state in ((None, "READY"), (studio.stop, "STOPPED"), (studio.start, "READY")):
        for session in sessions:
            if begin is not None:
                begin(session)
        for session in sessions:
            studio.until(session, state)
    for session in sessions:
        studio.stop(session)
    for session in sessions:
        studio.until(session, "STOPPED")
        studio.delete(session)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=LIVES)
    lives = parser.parse_args(list(arguments)).lives
    with BenchStudio(engine="simulated", **UNBOUNDED) as studio:
        _live(studio, 1)
        before = _kilobytes(studio)
        _live(studio, lives)
        after = _kilobytes(studio)
    table(
        f"How the database grows, {lives} lives of a workstation with two starts and two backups",
        ["", "kB"],
        [
            ["before", f"{before:.0f}"],
            ["after", f"{after:.0f}"],
            ["a life", f"{(after - before) / lives:.1f}"],
        ],
    )


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
