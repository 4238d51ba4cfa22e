"""A group is frozen while somebody asks for it, and never longer."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from soundstage.engines.sandbox.holding import freezer
from soundstage.engines.sandbox.host import cgroups

Eventually = Callable[..., None]


class Group:
    """A control group with one program that counts, and holders of it."""

    def __init__(self, root: Path) -> None:
        own = Path("/proc/self/cgroup").read_text()
        self.parent = f"soundstage-test-{os.getpid()}"
        self.found = cgroups.find(Path("/sys/fs/cgroup"), own, self.parent)
        self.lock = str(root / "still.lock")
        self.kind = str(self.found.version)
        limits = cgroups.Limits(cpus=1, memory_bytes=1 << 28, processes=10)
        cgroups.ensure(self.found, "ref", limits)
        path = self.found.freezing("ref")
        assert path is not None, "the tests of this engine need a group that can be frozen"
        self.path = str(path)
        self.program = subprocess.Popen(["sleep", "1000"])
        (path / "cgroup.procs").write_text(str(self.program.pid))
        self.holders: list[subprocess.Popen[bytes]] = []

    def hold(self, seconds: float = 30) -> subprocess.Popen[bytes]:
        words = (self.lock, str(seconds), self.kind, self.path)
        holder = subprocess.Popen(
            [sys.executable, "-I", "-S", freezer.__file__, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.holders.append(holder)
        return holder

    def is_frozen(self) -> bool:
        return freezer.is_frozen(self.path, self.kind)

    def end(self) -> None:
        for holder in self.holders:
            holder.kill()
            holder.communicate()
        freezer.thaw(self.path, self.kind)
        self.program.kill()
        self.program.wait()
        assert cgroups.ensure_absent(self.found, "ref", within_seconds=2)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    made = Group(tmp_path)
    try:
        yield made
    finally:
        made.end()


def said(holder: subprocess.Popen[bytes]) -> bytes:
    assert holder.stdout is not None
    return holder.stdout.readline()


def test_it_is_frozen_until_the_asker_lets_go(group: Group) -> None:
    assert not group.is_frozen()
    holder = group.hold()
    assert said(holder) == b"frozen\n"
    assert (group.is_frozen(), freezer.is_held(group.lock)) == (True, True)
    assert not freezer.thaw_forgotten(group.path, group.kind, group.lock)
    holder.communicate()
    assert (holder.returncode, group.is_frozen(), freezer.is_held(group.lock)) == (0, False, False)


def test_it_goes_on_at_the_limit_whoever_forgot(group: Group) -> None:
    holder = group.hold(seconds=0.2)
    assert said(holder) == b"frozen\n"
    assert holder.wait(10) == 3
    assert not group.is_frozen()


def test_an_ended_holder_lets_go(group: Group) -> None:
    holder = group.hold()
    assert said(holder) == b"frozen\n"
    holder.send_signal(signal.SIGTERM)
    assert holder.wait(10) != 0
    assert not group.is_frozen()


def test_what_a_killed_holder_left_is_thawed_at_the_next_look(group: Group) -> None:
    holder = group.hold()
    assert said(holder) == b"frozen\n"
    holder.kill()
    holder.wait(10)
    assert group.is_frozen()
    assert freezer.thaw_forgotten(group.path, group.kind, group.lock)
    assert not group.is_frozen()
    assert not freezer.thaw_forgotten(group.path, group.kind, group.lock)


def test_one_holds_at_a_time(group: Group) -> None:
    first = group.hold()
    assert said(first) == b"frozen\n"
    second = group.hold()
    _, complaint = second.communicate(timeout=10)
    assert (second.returncode, b"already" in complaint) == (1, True)
    assert group.is_frozen()


def test_what_is_not_there_is_neither_frozen_nor_held(tmp_path: Path) -> None:
    assert not freezer.is_frozen(str(tmp_path), "2")
    assert not freezer.is_held(str(tmp_path / "lock"))
