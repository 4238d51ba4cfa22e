"""How many signed calls the API answers, and how long each takes, beside moto's server.

The service runs as ever, its reconciler included, over the simulated engine: an artist asks for a
workstation, lists the 20 that are his among many, and orders new ones. moto is a stand-in for AWS
that checks no signature and keeps everything in memory; its nearest calls are those of WorkSpaces.

`make bench` runs it; alone: `python -m bench.api --rows 1000 --turns 1`.
"""

import argparse
import hashlib
import subprocess
import sys
import time
import uuid
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec

from bench import load
from bench.processes import print_load
from bench.report import median, ratio, table
from bench.studio import BenchStudio, say
from soundstage.cli.env import Key, credentials
from soundstage.kit.config import Settings
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions import store
from soundstage.resources.sessions.model import StreamingSession
from soundstage.wire.operation import BASE_PATH
from soundstage.wiring.home import opened

ROOT = Path(__file__).parents[1]
ROWS = (1_000, 10_000, 100_000)
CLIENTS = (1, 16)
OWN = 20
"""How many of the sessions are the artist's own."""
SECONDS = 4.0
_MOST_CREATES_PER_SECOND = 3_000
_SETTLE_SECONDS = 300.0
_MOTO_REGION = "us-west-2"

UNBOUNDED = {
    "throttle_reads_per_second": "0",
    "throttle_writes_per_second": "0",
    "quota_sessions": "1000000",
    "quota_sessions_per_user": "1000000",
}
"""Settings without which a client would be told to slow down, and an artist to delete some."""

Turn = Callable[[], Sequence[bytes]]
"""Makes the requests of one turn."""


class Ours:
    """A service that holds sessions of many artists, and the calls of one of them."""

    def __init__(self, studio: BenchStudio) -> None:
        self._settings = Settings(home=studio.home, port=studio.process.port)
        self._key: Key = credentials(self._settings, "artist")
        # Who orders is somebody else, or the list of the artist's own would grow.
        self._orderer: Key = credentials(self._settings, "orderer")
        self._studio = studio
        self.port = studio.process.port
        self._first = studio.create(ownedBy=self._key.principal_id)
        studio.until(self._first, "READY")
        studio.until(studio.stop(self._first), "STOPPED")
        self._rows = 1
        self._studios = 0

    def fill(self, rows: int) -> None:
        """Have so many sessions, all stopped: the artist's own are spread over them evenly."""
        with opened(self._settings) as (database, _), database.transaction() as transaction:
            pattern = sessions.look_up(transaction, str(self._first["sessionId"]))
            assert pattern is not None  # noqa: S101 - it was made above
            for number in range(self._rows, rows):
                store.sessions.insert(transaction, self._clone(pattern, number, rows))
        self._rows = rows

    def _clone(self, pattern: StreamingSession, number: int, rows: int) -> StreamingSession:
        is_own = self._rows == 1 and number % (rows // OWN) == 0
        owner = pattern.owned_by if is_own else f"artist-{number // OWN}"
        return msgspec.structs.replace(
            pattern,
            id=f"bench{number:017}",
            owned_by=owner,
            created_by=owner,
            created_at=pattern.created_at + timedelta(seconds=number),
        )

    def get(self) -> Sequence[bytes]:
        """Ask for one."""
        return [self._signed("GET", f"/{self._first['sessionId']}")]

    def list_own(self) -> Sequence[bytes]:
        """List the artist's own."""
        return [self._signed("GET", f"?ownedBy={quote(self._key.principal_id, safe='')}")]

    def create(self) -> Sequence[bytes]:
        """Order as many as a turn may see answered, each with a token of its own.

        Each turn has a studio of its own, so that the quota counts what one studio may have.
        """
        self._studios += 1
        studio_id, profile_id = self._studio.another(
            f"bench{self._studios}", self._orderer.principal_id
        )
        body = msgspec.json.encode({"launchProfileId": profile_id})
        return [
            self._signed(
                "POST",
                "",
                studio_id=studio_id,
                key=self._orderer,
                headers={"X-Amz-Client-Token": uuid.uuid4().hex},
                body=body,
            )
            for _ in range(int(SECONDS * _MOST_CREATES_PER_SECOND))
        ]

    def settle(self) -> None:
        """Wait until every workstation that was ordered runs, so that the next turn is alone."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        with opened(self._settings) as (database, _):
            while True:
                with database.transaction(write=False) as transaction:
                    columns = store.table.c
                    under_way = columns.state == StreamingSessionState.CREATE_IN_PROGRESS
                    if not store.sessions.find(transaction, under_way, limit=1):
                        return
                if time.monotonic() > deadline:
                    raise RuntimeError("what was ordered is not ready yet")
                time.sleep(0.2)

    def _signed(
        self,
        method: str,
        rest: str,
        *,
        studio_id: str = "",
        key: Key | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> bytes:
        key = key or self._key
        studio = quote(studio_id or self._studio.where["studioId"], safe="")
        return load.signed(
            method,
            f"{self._settings.address}{BASE_PATH}/studios/{studio}/streaming-sessions{rest}",
            key=(key.id, key.secret),
            service="nimble",
            region=self._settings.region,
            headers=headers,
            body=body,
        )


class Moto:
    """moto's server with as many WorkSpaces, and its nearest calls."""

    def __init__(self, said: str) -> None:
        port, self._directory, self._first = said.split()
        self.port = int(port)

    def get(self) -> Sequence[bytes]:
        """Ask for one."""
        return self._signed("DescribeWorkspaces", WorkspaceIds=[self._first])

    def list_own(self) -> Sequence[bytes]:
        """List those of one user."""
        mine = {"DirectoryId": self._directory, "UserName": "artist0"}
        return self._signed("DescribeWorkspaces", **mine)

    def create(self) -> Sequence[bytes]:
        """Order one."""
        new = {"DirectoryId": self._directory, "UserName": "new", "BundleId": "wsb-bench"}
        return self._signed("CreateWorkspaces", Workspaces=[new])

    def _signed(self, operation: str, **members: object) -> Sequence[bytes]:
        request = load.signed(
            "POST",
            f"http://127.0.0.1:{self.port}/",
            key=("testing", "testing"),
            service="workspaces",
            region=_MOTO_REGION,
            headers={
                "X-Amz-Target": f"WorkspacesService.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
            },
            body=msgspec.json.encode(members),
        )
        return [request]


@contextmanager
def moto(rows: int) -> Iterator[Moto]:
    """Run moto's server with so many WorkSpaces, OWN of them a user's."""
    program = Path(__file__).with_name("moto_workspaces.py")
    command = [str(_moto_python()), str(program), str(rows), str(OWN)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for above
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("moto's server did not start")
        yield Moto(line)
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


def timed(port: int, turn: Turn, clients: int) -> load.Load:
    """Measure one turn. Raises RuntimeError when its requests did not suffice."""
    requests = turn()
    seen = load.measure(port, requests, clients=clients, seconds=SECONDS)
    if 1 < len(requests) < seen.requests:
        raise RuntimeError("a client token was sent twice; sign more requests beforehand")
    return seen


def measure(
    asked: dict[str, tuple[int, Turn]],
    clients: int,
    turns: int,
    settle: Callable[[], None] = lambda: None,
) -> dict[str, load.Load]:
    """Take the medians of several turns, in each of which everything is asked once."""
    seen: dict[str, list[load.Load]] = {name: [] for name in asked}
    for _ in range(turns):
        for name, (port, turn) in asked.items():
            seen[name].append(timed(port, turn, clients))
            settle()
    return {name: _middle(loads) for name, loads in seen.items()}


def _middle(loads: Sequence[load.Load]) -> load.Load:
    return load.Load(
        requests=sum(seen.requests for seen in loads),
        per_second=median(seen.per_second for seen in loads),
        p50=median(seen.p50 for seen in loads),
        p99=median(seen.p99 for seen in loads),
    )


def pairs(ours: Ours, theirs: Moto) -> list[tuple[str, Turn, str, Turn]]:
    """Pair our calls with moto's nearest ones."""
    return [
        ("GetStreamingSession", ours.get, "DescribeWorkspaces, one id", theirs.get),
        (f"ListStreamingSessions, {OWN}", ours.list_own,
         f"DescribeWorkspaces, {OWN} of a user", theirs.list_own),
        ("CreateStreamingSession", ours.create, "CreateWorkspaces, one", theirs.create),
    ]  # fmt: skip


def compare(ours: Ours, theirs: Moto, turns: int) -> list[list[object]]:
    """Time our calls and moto's in turns."""
    rows: list[list[object]] = []
    for clients in CLIENTS:
        for our_name, our_turn, their_name, their_turn in pairs(ours, theirs):
            asked = {"ours": (ours.port, our_turn), "moto": (theirs.port, their_turn)}
            seen = measure(asked, clients, turns, ours.settle)
            us, them = seen["ours"], seen["moto"]
            say(f"{our_name}, {clients}: {us.per_second:.0f} a second, {them.per_second:.0f}")
            faster = ratio(us.per_second, them.per_second)
            rows.append([our_name, clients, us.per_second, us.p50, us.p99, faster])
            rows.append([f"moto {their_name}", clients, them.per_second, them.p50, them.p99, None])
    return rows


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    parser.add_argument("--turns", type=int, default=3)
    chosen = parser.parse_args(arguments)
    few, most = min(chosen.rows), max(chosen.rows)
    flat: list[list[object]] = []
    with BenchStudio(engine="simulated", **UNBOUNDED) as studio:
        ours = Ours(studio)
        for rows in sorted(chosen.rows):
            ours.fill(rows)
            for clients in CLIENTS:
                asked = {"get": (ours.port, ours.get), "list": (ours.port, ours.list_own)}
                seen = measure(asked, clients, chosen.turns)
                flat.append(
                    [f"{rows:,}", clients]
                    + [cell for one in seen.values() for cell in (one.per_second, one.p50, one.p99)]
                )
                say(f"{rows} rows, {clients}: {seen['list'].per_second:.0f} lists a second")
        for rows in sorted({few, most}):
            with moto(rows) as theirs:
                table(
                    f"Calls a second: {most:,} sessions here, {rows:,} WorkSpaces in moto",
                    ["", "clients", "a second", "p50 ms", "p99 ms", "to moto"],
                    compare(ours, theirs, chosen.turns),
                )
    table(
        f"Get one, and list {OWN}, of so many sessions",
        ["sessions", "clients"]
        + [f"{name} {what}" for name in ("get", "list") for what in ("a second", "p50", "p99")],
        flat,
    )
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
