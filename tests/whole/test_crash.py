"""The service is killed at random moments of a workstation's whole life, again and again."""

import hashlib
import json
import os
import random
import subprocess
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from soundstage.testing.clients import StockClient, StockFailure
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import Studio, until

KILLS = 20
SEED = 20260101
BACKUPS_KEPT = 3
UNTIL_ALL_KILLS_ARE_OVER = 300.0
"""While the service is killed soon after each start, it may get nothing done on a slow machine."""


class Killer(threading.Thread):
    """Kills the service after random whiles, and starts it again each time."""

    def __init__(self, service: ServiceProcess) -> None:
        super().__init__()
        self._service = service
        self._random = random.Random(SEED)  # noqa: S311 - a seeded test, not a secret
        self._ended = threading.Event()
        self.kills = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while self.kills < KILLS and not self._ended.wait(self._random.uniform(0.05, 1.2)):
                self._service.kill()
                self.kills += 1
                self._service.start()
        except BaseException as error:  # noqa: BLE001 - told to the test, in its own thread
            self.failure = error

    def end(self) -> None:
        self._ended.set()
        self.join()


class Life:
    """A workstation's whole life, by a person who asks again when nobody answers."""

    def __init__(self, sdk: StockClient, studio: Studio) -> None:
        self._sdk = sdk
        self._studio = studio
        self.session_id = ""
        self.stops = 0

    def live(self) -> None:
        session = self._ask(
            "create_streaming_session",
            **self._studio.where,
            launchProfileId=self._studio.profile_id,
        )["session"]
        self.session_id = session["sessionId"]
        self._reach("READY")
        self._stop()
        first = self._backups()[0]["backupId"]
        self._start()
        self._stop()
        self._start(backupId=first)
        assert self.see()["startedFromBackupId"] == first
        self._stop()
        self._ask("delete_streaming_session", **self._where())
        self._reach("DELETED")

    def see(self) -> dict[str, Any]:
        session: dict[str, Any] = self._ask("get_streaming_session", **self._where())["session"]
        return session

    def _stop(self) -> None:
        self._ask("stop_streaming_session", **self._where())
        self.stops += 1
        self._reach("STOPPED")
        kept = self._backups()
        assert len(kept) == self.stops, "one backup a stop"
        assert {backup["state"] for backup in kept} == {"READY"}

    def _start(self, **members: str) -> None:
        self._ask("start_streaming_session", **self._where(), **members)
        self._reach("READY")

    def _reach(self, state: str) -> None:
        def is_there() -> bool:
            session = self.see()
            assert not session["state"].endswith("FAILED"), session["statusMessage"]
            return bool(session["state"] == state)

        until(f"the session is {state}", is_there, UNTIL_ALL_KILLS_ARE_OVER)

    def _backups(self) -> list[dict[str, Any]]:
        answer = self._ask("list_streaming_session_backups", **self._studio.where)
        backups: list[dict[str, Any]] = answer["streamingSessionBackups"]
        return [backup for backup in backups if backup["sessionId"] == self.session_id]

    def _where(self) -> dict[str, str]:
        return {**self._studio.where, "sessionId": self.session_id}

    def _ask(self, name: str, **members: Any) -> Any:
        """Call, and call again with the same client token while nobody answers."""
        if not name.startswith(("get", "list")):
            members["clientToken"] = str(uuid.uuid4())
        found: list[Any] = []

        def answers() -> bool:
            try:
                found.append(self._sdk.call(name, **members))
            except StockFailure as failure:
                if "connect" not in str(failure).lower():
                    raise
                return False
            return True

        until(f"{name} is answered", answers, UNTIL_ALL_KILLS_ARE_OVER)
        return found[0]


@pytest.mark.timeout(900)
def test_twenty_kills_lose_nothing_and_double_nothing(
    service: ServiceProcess, sdk: StockClient
) -> None:
    studio = Studio(sdk, sessionBackup={"mode": "AUTOMATIC", "maxBackupsToRetain": BACKUPS_KEPT})
    killer = Killer(service)
    lives: list[Life] = []
    killer.start()
    try:
        while killer.is_alive():
            life = Life(sdk, studio)
            lives.append(life)
            life.live()
    finally:
        killer.end()
        # A service that did not start again is why nobody answered.
        assert killer.failure is None, str(killer.failure)
    assert killer.kills == KILLS
    assert [life.see()["state"] for life in lives] == ["DELETED"] * len(lives)
    kept = studio.backups()
    assert len(kept) == sum(life.stops for life in lives)
    assert sorted(backups_in_the_repository(service.home)) == sorted(
        backup["backupId"] for backup in kept
    )
    until("no process is left", lambda: not service.workstation_processes())
    assert left_over(service.home) == []


def backups_in_the_repository(home: Path) -> list[str]:
    """Name the backup of every snapshot that there really is, twice if it is there twice."""
    listed = subprocess.run(
        [
            *("restic", "--repo", str(home / "backups"), "--no-lock", "--no-cache"),
            *("--password-file", str(home / "keys" / "backups"), "snapshots", "--json"),
        ],
        check=True,
        capture_output=True,
    )
    tags = [tag for snapshot in json.loads(listed.stdout) for tag in snapshot["tags"]]
    return [tag.removeprefix("backup=") for tag in tags if tag.startswith("backup=")]


def left_over(home: Path) -> list[str]:
    """List what workstations may leave behind on the machine."""

    def ours(table: str) -> list[str]:
        return [line for line in Path(table).read_text().splitlines() if str(home) in line]

    # An installation's groups are named after its folder.
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
    groups = Path("/sys/fs/cgroup").glob(f"**/soundstage-{digest}/*/")
    workstations = [path for path in (home / "workstations").iterdir() if path.name[0] != "."]
    return [
        *ours("/proc/self/mountinfo"),
        *ours("/proc/net/unix"),
        *map(str, groups),
        *map(str, workstations),
    ]
