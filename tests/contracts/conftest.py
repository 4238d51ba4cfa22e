"""The engines under contract, each behind the same few handles."""

import os
import shutil
import signal
import threading
import time
from abc import abstractmethod
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
from soundstage.engines.interface import Engine, SupportsSizes
from soundstage.engines.sandbox.engine import SandboxEngine
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.simulated.engine import SimulatedEngine
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


class RealHarness(Harness):
    """Around real desktops: time passes by itself, and a home is a folder."""

    within: float
    """Seconds that anything may take."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._deadline = 0.0
        self.restart()

    @abstractmethod
    def make(self, rules: Rules) -> Engine:
        """Make an engine over what is there."""

    @abstractmethod
    def files(self, ref: str) -> Path:
        """Name the home of a workstation."""

    def began(self) -> None:
        self._deadline = time.monotonic() + self.within

    def advance(self) -> None:
        assert time.monotonic() < self._deadline, f"not within {self.within} seconds"
        self.pause()

    @abstractmethod
    def pause(self) -> None:
        """Wait until another look may find more."""

    def put(self, ref: str, name: str, content: bytes) -> None:
        (self.files(ref) / name).write_bytes(content)

    def get(self, ref: str, name: str) -> bytes | None:
        path = self.files(ref) / name
        return path.read_bytes() if path.exists() else None

    def restart(self) -> None:
        self.engine = self.make(Rules())

    def let_fit(self, number: int | None) -> None:
        if number is None:
            self.restart()
            return
        assert isinstance(self.engine, SupportsSizes)
        room = self.engine.room()
        times = room.types["g4dn.xlarge"].cpus * (number + 0.5) / room.to_promise.cpus
        self.engine = self.make(Rules(cpu_overcommit=Rules().cpu_overcommit * times))


class SandboxHarness(RealHarness):
    within = 30

    def __init__(self, home: Path, image: str = HOST) -> None:
        self.image = image
        super().__init__(home)

    def make(self, rules: Rules) -> Engine:
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
        return self.sandbox

    def pause(self) -> None:
        time.sleep(0.05)

    def crash(self, ref: str) -> None:
        status = self.sandbox._records.status(ref)
        assert status is not None
        os.kill(status.pid, signal.SIGKILL)

    def files(self, ref: str) -> Path:
        directory = self.sandbox._volumes.observe(ref).directory
        assert directory is not None
        return directory / "home"


class IncusHarness(RealHarness):
    within = 120

    def __init__(self, home: Path, daemon: IncusDaemon) -> None:
        self.daemon = daemon
        self.incus: IncusEngine | None = None
        self._told = threading.Event()
        super().__init__(home)

    def make(self, rules: Rules) -> Engine:
        self.close()
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
        return self.incus

    def close(self) -> None:
        if self.incus is not None:
            self.incus.close()

    def pause(self) -> None:
        """Looks cost Incus a good part of a core: it says itself when starts and stops are over."""
        self._told.wait(0.25)
        self._told.clear()

    def crash(self, ref: str) -> None:
        assert self.incus is not None
        state = self.incus._client.get(f"/instances/{instance_of(ref)}/state")
        os.kill(state["pid"], signal.SIGKILL)

    def files(self, ref: str) -> Path:
        generation = self.engine.observe(ref).volume_generation
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
            made.close()
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
