"""What the service itself takes: memory and processor time, and how many calls it answers.

Memory and processor time of the service's process, without what runs for its workstations, with no
session and with five that run and are not watched. Calls are signed and go over kept connections,
beside `DescribeWorkspaces` of moto's server, a stand-in for AWS that checks nothing and keeps
everything in memory.

`make bench` runs it; alone: `python -m bench.service --calls 2000`.
"""

import argparse
import hashlib
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import load
from bench.processes import print_load, proportional_megabytes
from bench.report import table
from bench.studio import BenchStudio, Session, say
from soundstage.cli.env import credentials
from soundstage.kit.config import Settings
from soundstage.resources.members.service import OPERATOR
from soundstage.resources.operations import OPERATIONS
from soundstage.wire.operation import BASE_PATH

ROOT = Path(__file__).parents[1]
SESSIONS = 5
CLIENTS = (1, 8)
WATCH_SECONDS = 20.0
_MOTO_REGION = "us-west-2"


def weigh(pid: int) -> tuple[float, float]:
    """Measure the megabytes of a process and its percents of a core over WATCH_SECONDS."""
    process = psutil.Process(pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(WATCH_SECONDS)
    used = sum(process.cpu_times()[:2]) - before
    return proportional_megabytes([process]), 100 * used / (time.monotonic() - began)


def rest(studio: BenchStudio) -> tuple[list[Session], list[list[object]]]:
    """Weigh the service without sessions and with SESSIONS of them, which are left running."""
    pid = studio.process.pid
    empty = weigh(pid)
    sessions = [studio.create() for _ in range(SESSIONS)]
    for session in sessions:
        studio.until(session, "READY")
    say(f"{SESSIONS} sessions run")
    full = weigh(pid)
    return sessions, [
        ["memory, MB (PSS)", empty[0], full[0]],
        ["CPU, % of a core", f"{empty[1]:.1f}", f"{full[1]:.1f}"],
    ]


def our_requests(studio: BenchStudio, session: Session) -> dict[str, bytes]:
    """Sign the calls that are asked most: a client polls one, a front page lists."""
    settings = Settings(home=studio.home, port=studio.process.port)
    access = credentials(settings, OPERATOR)
    key = (access.id, access.secret)
    paths = {row.name: row.path for row in OPERATIONS}
    labels = {"studioId": studio.where["studioId"], "sessionId": str(session["sessionId"])}
    requests = {}
    for name in ("GetStreamingSession", "ListStreamingSessions"):
        url = f"{settings.address}{BASE_PATH}{paths[name].format(**labels)}"
        requests[name] = load.signed("GET", url, key=key, service="nimble", region=settings.region)
    return requests


def moto_request(port: int) -> bytes:
    """Sign moto's nearest call."""
    return load.signed(
        "POST",
        f"http://127.0.0.1:{port}/",
        key=("testing", "testing"),
        service="workspaces",
        region=_MOTO_REGION,
        headers={
            "X-Amz-Target": "WorkspacesService.DescribeWorkspaces",
            "Content-Type": "application/x-amz-json-1.1",
        },
        body=b"{}",
    )


@contextmanager
def moto() -> Iterator[int]:
    """Run moto's server with as many WorkSpaces; gives its port."""
    program = Path(__file__).with_name("moto_workspaces.py")
    command = [str(_moto_python()), str(program), str(SESSIONS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for above
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("moto's server did not start")
        yield int(line)
    finally:
        process.terminate()
        process.wait(10)


def _moto_python() -> Path:
    """Return the Python of an environment with moto, made when missing or out of date."""
    folder = ROOT / ".cache" / "bench" / "moto"
    requirements = ROOT / "requirements" / "bench-moto.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    python, stamp = folder / "bin" / "python", folder / "made-from"
    if not stamp.exists() or stamp.read_text() != wanted:
        say("installing moto, to compare with")
        venv.create(folder, with_pip=True, clear=True)
        install = ["-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run(
            [python, *install, "-r", requirements], check=True, stderr=subprocess.DEVNULL
        )
        stamp.write_text(wanted)
    return python


def calls(studio: BenchStudio, session: Session, count: int) -> list[list[object]]:
    """Time all calls, each from one client and from several."""
    rows: list[list[object]] = []
    with moto() as moto_port:
        asked = [
            (f"Soundstage {name}", studio.process.port, request)
            for name, request in our_requests(studio, session).items()
        ]
        asked.append(("moto DescribeWorkspaces", moto_port, moto_request(moto_port)))
        for clients in CLIENTS:
            for name, port, request in asked:
                seen = load.measure(port, request, clients=clients, count=count)
                say(f"{name}, {clients}: {seen.per_second:.0f} a second")
                rows.append(
                    [name, clients, seen.per_second, seen.p50, seen.p99,
                     "kept" if seen.kept else "new each time"]
                )  # fmt: skip
    return rows


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    chosen = parser.parse_args(arguments)
    with BenchStudio() as studio:
        sessions, rows = rest(studio)
        table(
            f"The service's own process, {WATCH_SECONDS:.0f} s each",
            ["", "no session", f"{SESSIONS} sessions"],
            rows,
        )
        table(
            f"Calls answered, {chosen.calls} each, {SESSIONS} sessions in the answer of a list",
            ["", "clients", "a second", "p50 ms", "p99 ms", "connections"],
            calls(studio, sessions[0], chosen.calls),
        )
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
