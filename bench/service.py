"""What the service itself takes: memory and processor time.

Those of the service's process, without what runs for its workstations, with no session and with
five that run and are not watched. How many calls it answers is measured by `api`.

`make bench` runs it; alone: `python -m bench.service`.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import psutil

from bench.processes import print_load, proportional_megabytes
from bench.report import table
from bench.studio import BenchStudio, say

SESSIONS = 5
WATCH_SECONDS = 20.0


def weigh(pid: int) -> tuple[float, float]:
    """Measure the megabytes of a process and its percents of a core over WATCH_SECONDS."""
    process = psutil.Process(pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(WATCH_SECONDS)
    used = sum(process.cpu_times()[:2]) - before
    return proportional_megabytes([process]), 100 * used / (time.monotonic() - began)


def rest(studio: BenchStudio) -> list[list[object]]:
    """Weigh the service without sessions and with SESSIONS of them, which are left running."""
    pid = studio.process.pid
    empty = weigh(pid)
    sessions = [studio.create() for _ in range(SESSIONS)]
    for session in sessions:
        studio.until(session, "READY")
    say(f"{SESSIONS} sessions run")
    full = weigh(pid)
    return [
        ["memory, MB (PSS)", empty[0], full[0]],
        ["CPU, % of a core", f"{empty[1]:.1f}", f"{full[1]:.1f}"],
    ]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    with BenchStudio() as studio:
        rows = rest(studio)
        table(
            f"The service's own process, {WATCH_SECONDS:.0f} s each",
            ["", "no session", f"{SESSIONS} sessions"],
            rows,
        )
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
