"""A workstation is held still within a block, and not a moment longer."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from soundstage.engines.repository.programs import ProgramError
from soundstage.engines.sandbox.holding import freezer
from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.sandbox.host.cgroups import Hierarchy
from soundstage.engines.sandbox.keeping.stillness import Stillness
from soundstage.kit.jobs import TooSlowError

PYTHON = "/usr/bin/python3"


def wait_until_not(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Place:
    def __init__(self, root: Path) -> None:
        own = Path("/proc/self/cgroup").read_text()
        self.groups = cgroups.find(Path("/sys/fs/cgroup"), own, f"soundstage-still-{os.getpid()}")
        cgroups.ensure(
            self.groups, "ref", cgroups.Limits(cpus=1, memory_bytes=1 << 28, processes=10)
        )
        self.program = subprocess.Popen(["sleep", "1000"])
        self.stillness = Stillness(self.groups, lambda _: root, PYTHON)

    def enter(self) -> None:
        path = self.groups.freezing("ref")
        assert path is not None
        (path / "cgroup.procs").write_text(str(self.program.pid))

    def is_frozen(self) -> bool:
        path = self.groups.freezing("ref")
        return freezer.is_frozen(str(path), str(self.groups.version))

    def kill_the_holder(self) -> None:
        self.holder().send_signal(signal.SIGKILL)
        wait_until_not(lambda: self.stillness.is_held("ref"))
        assert self.is_frozen()
        self.stillness.settle("ref")
        assert not self.is_frozen()

    def holder(self) -> psutil.Process:
        (found,) = [
            child
            for child in psutil.Process().children()
            if child.is_running() and freezer.__file__ in child.cmdline()
        ]
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    try:
        yield made
    finally:
        made.stillness.settle("ref")
        made.program.kill()
        made.program.wait()
        assert cgroups.ensure_absent(made.groups, "ref", within_seconds=2)


def test_it_is_still_within_the_block_and_goes_on_after_it(place: Place) -> None:
    place.enter()
    assert place.stillness.capability().available
    with place.stillness.held("ref", 10):
        assert (place.is_frozen(), place.stillness.is_held("ref")) == (True, True)
        place.stillness.settle("ref")
        assert place.is_frozen()
    assert (place.is_frozen(), place.stillness.is_held("ref")) == (False, False)


def test_a_block_that_fails_lets_go_too(place: Place) -> None:
    place.enter()
    with pytest.raises(KeyError), place.stillness.held("ref", 10):
        raise KeyError
    assert not place.is_frozen()


def test_a_block_that_takes_too_long_is_told_so(place: Place) -> None:
    place.enter()
    with pytest.raises(TooSlowError), place.stillness.held("ref", 0.05):
        wait_until_not(place.is_frozen)
    assert not place.is_frozen()


def test_a_killed_holder_spoils_the_block_and_leaves_nothing_frozen(place: Place) -> None:
    place.enter()
    with pytest.raises(TooSlowError), place.stillness.held("ref", 10):
        place.kill_the_holder()
    assert not place.is_frozen()


def test_what_can_not_be_held_is_said(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="started before"), place.stillness.held("ref", 1):
        pass
    reason = {"freezer": "no freezer control group is mounted"}
    none = Stillness(Hierarchy(version=0, missing=reason), lambda _: tmp_path, PYTHON)
    assert not none.capability().available
    assert "no freezer" in none.capability().detail
    with pytest.raises(ProgramError, match="no freezer"), none.held("ref", 1):
        pass
    none.settle("ref")
