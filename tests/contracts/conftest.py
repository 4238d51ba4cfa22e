"""The engines under contract, each behind the same few handles."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soundstage.engines.admission import Rules
from soundstage.engines.images.catalogue import HOST, catalogue
from soundstage.engines.images.store import Build
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.names import home_of, instance_of
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.sandbox.engine import SandboxEngine
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.simulated import SimulatedEngine
from soundstage.testing.contract import Harness, Workstation, end_at_last
from soundstage.testing.images import show_image
from soundstage.testing.incus import IncusDaemon


class SimulatedHarness(Harness):
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.simulated = SimulatedEngine(lambda: self.now)
        self.simulated.images = frozenset({"ami-host"})
        self.engine = self.simulated
        self._deadline = self.now

    def began(self) -> None:
        self._deadline = self.now + timedelta(minutes=2)

    def advance(self) -> None:
        self.now += timedelta(seconds=0.5)
        assert self.now < self._deadline, "not within two simulated minutes"

    def crash(self, ref: str) -> None:
        self.simulated.crash(ref)

    def put(self, ref: str, name: str, content: bytes) -> None:
        self.simulated.write(ref, name, content)

    def get(self, ref: str, name: str) -> bytes | None:
        return self.simulated.read(ref, name)

    def let_fit(self, number: int | None) -> None:
        self.simulated.most_workstations = number

    def restart(self) -> None:
        world = self.simulated.world
        self.simulated = SimulatedEngine(lambda: self.now, world=world)
        self.simulated.images = frozenset({"ami-host"})
        self.engine = self.simulated


class SandboxHarness(Harness):
    def __init__(self, home: Path, image: str = HOST) -> None:
        self.home = home
        self.image = image
        self.restart()
        self._deadline = 0.0

    def began(self) -> None:
        self._deadline = time.monotonic() + 30

    def advance(self) -> None:
        assert time.monotonic() < self._deadline, "not within 30 seconds"
        time.sleep(0.05)

    def crash(self, ref: str) -> None:
        os.kill(self._supervisor(ref), signal.SIGKILL)

    def put(self, ref: str, name: str, content: bytes) -> None:
        (self._files(ref) / name).write_bytes(content)

    def get(self, ref: str, name: str) -> bytes | None:
        path = self._files(ref) / name
        return path.read_bytes() if path.exists() else None

    def restart(self) -> None:
        self._make(Rules())

    def let_fit(self, number: int | None) -> None:
        if number is None:
            self.restart()
            return
        room = self.sandbox.room()
        times = room.types["g4dn.xlarge"].cpus * (number + 0.5) / room.to_promise.cpus
        self._make(Rules(cpu_overcommit=Rules().cpu_overcommit * times))

    def _make(self, rules: Rules) -> None:
        self.sandbox = SandboxEngine(
            SandboxSettings(
                home=self.home,
                stream_environment=Path(__file__).parents[2] / ".venv-stream",
                isolation="bubblewrap",
                loopback_only=True,
                rules=rules,
                images=catalogue({"ami-host": self.image}),
            )
        )
        self.engine = self.sandbox

    def _files(self, ref: str) -> Path:
        directory = self.sandbox._volumes.observe(ref).directory
        assert directory is not None
        return directory / "home"

    def _supervisor(self, ref: str) -> int:
        status = self.sandbox._records.status(ref)
        assert status is not None
        return status.pid


class IncusHarness(Harness):
    def __init__(self, home: Path, daemon: IncusDaemon) -> None:
        self.home = home
        self.daemon = daemon
        self._made: IncusEngine | None = None
        self._told = threading.Event()
        self.restart()
        self._deadline = 0.0

    def began(self) -> None:
        self._deadline = time.monotonic() + 120

    def advance(self) -> None:
        """Looks cost Incus a good part of a core: it says itself when starts and stops are over."""
        assert time.monotonic() < self._deadline, "not within 120 seconds"
        self._told.wait(0.25)
        self._told.clear()

    def crash(self, ref: str) -> None:
        state = self.incus._client.get(f"/instances/{instance_of(ref)}/state")
        os.kill(state["pid"], signal.SIGKILL)

    def put(self, ref: str, name: str, content: bytes) -> None:
        (self._files(ref) / name).write_bytes(content)

    def get(self, ref: str, name: str) -> bytes | None:
        path = self._files(ref) / name
        return path.read_bytes() if path.exists() else None

    def restart(self) -> None:
        self._make(Rules())

    def let_fit(self, number: int | None) -> None:
        if number is None:
            self.restart()
            return
        room = self.incus.room()
        times = room.types["g4dn.xlarge"].cpus * (number + 0.5) / room.to_promise.cpus
        self._make(Rules(cpu_overcommit=Rules().cpu_overcommit * times))

    def _make(self, rules: Rules) -> None:
        if self._made is not None:
            self._made.close()
        self.incus = IncusEngine(
            IncusSettings(
                home=self.home,
                target=self.daemon.target,
                images={"ami-host": "workstation"},
                subnet="10.78.0.1/24",
                rules=rules,
            )
        )
        self.incus.listen(lambda _: self._told.set())
        self.engine = self._made = self.incus

    def _files(self, ref: str) -> Path:
        generation = self.incus.observe(ref).volume_generation
        assert generation is not None
        return self.daemon.volume(home_of(ref, generation))


@pytest.fixture(
    scope="module",
    params=[
        "simulated",
        "sandbox",
        "sandbox-image",
        pytest.param("incus", marks=pytest.mark.incus),
    ],
)
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    if request.param == "simulated":
        yield SimulatedHarness()
        return
    home = Path("/tmp") / f"soundstage-contract-{os.getpid()}"
    home.mkdir(mode=0o711)
    if request.param == "incus":
        made = IncusHarness(home, request.getfixturevalue("incus_daemon"))
        try:
            yield made
            for ref in made.engine.refs():
                end_at_last(made, ref)
        finally:
            made.incus.close()
            shutil.rmtree(home)
        return
    image = HOST
    if request.param == "sandbox-image":
        build: Build = request.getfixturevalue("workstation_image")
        show_image(build, home)
        image = build.name
    harness = SandboxHarness(home, image)
    try:
        yield harness
        for ref in harness.engine.refs():
            end_at_last(harness, ref)
        # A volume is gone at once and removed in the background; two removers trip over each other.
        harness.until(lambda: not any((home / "volumes" / ".trash").iterdir()))
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def workstation(harness: Harness) -> Workstation:
    return Workstation(harness)
