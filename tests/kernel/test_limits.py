"""Limits that a kernel of today keeps, below systemd as it is on a studio's host."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.sandbox.holding import freezer
from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.sandbox.host.cgroups import DiskLimits, Hierarchy, Limits
from soundstage.engines.sandbox.host.disk import device_of
from soundstage.engines.sandbox.host.quota import SizeLimits
from soundstage.testing.kernel import DISK, OTHER_DISK

pytestmark = pytest.mark.kernel

MIB = 1 << 20
ARTIST = 1_932_590_000
ANN, BOB = "a" * 22, "b" * 22


@pytest.fixture(scope="module")
def groups() -> Hierarchy:
    own = Path("/proc/self/cgroup").read_text()
    return cgroups.find(Path("/sys/fs/cgroup"), own, "soundstage-test")


@pytest.fixture(scope="module")
def ann(groups: Hierarchy) -> Iterator[Path]:
    device = device_of(DISK)
    assert device is not None
    speed = DiskLimits(device=device, iops=100, throughput_mib=1)
    limits = Limits(cpus=1.5, memory_bytes=100 * MIB, processes=20, disk=speed)
    (group,) = {path.parent for path in cgroups.ensure(groups, ANN, limits).desktop}
    yield group
    cgroups.end_left(groups, ANN)
    assert cgroups.ensure_absent(groups, ANN, within_seconds=30)


@pytest.fixture(scope="module")
def bob(groups: Hierarchy) -> Iterator[Path]:
    limits = Limits(cpus=1, memory_bytes=500 * MIB)
    (group,) = {path.parent for path in cgroups.ensure(groups, BOB, limits).desktop}
    yield group
    assert cgroups.ensure_absent(groups, BOB, within_seconds=30)


def inside(group: Path, command: str) -> subprocess.Popen[str]:
    """Begin a command among the artist's programs."""
    text = f"echo $$ > {group}/programs/cgroup.procs && {command}"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(["sh", "-c", text], **pipes)  # type: ignore[call-overload,no-any-return]  # One table for two lines.


def said(group: Path, command: str) -> tuple[int, str]:
    process = inside(group, command)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def test_a_service_of_systemd_s_has_every_controller(groups: Hierarchy) -> None:
    assert groups.version == 2
    assert groups.missing == {}
    (parent,) = set(groups.parents.values())
    # Beside its own unit: in that no group could have a limit on memory.
    assert parent == Path("/sys/fs/cgroup/system.slice/soundstage-test")


def test_the_kernel_takes_every_word(ann: Path) -> None:
    def told(name: str) -> str:
        return (ann / name).read_text().strip()

    assert (told("cpu.max"), told("programs/cpu.max")) == ("250000 100000", "150000 100000")
    assert (told("cpu.weight"), told("desktop/cpu.weight")) == ("150", "400")
    assert (told("pids.max"), told("programs/pids.max")) == ("532", "20")
    assert told("memory.max") == str(100 * MIB)
    assert told("memory.swap.max") == str(100 * MIB)
    assert "rbps=1048576 wbps=1048576 riops=100 wiops=100" in told("io.max")


def test_memory_ends_a_program_of_one_workstation_alone(ann: Path, bob: Path) -> None:
    code, _ = said(ann, "exec tail /dev/zero")
    assert code == -9
    assert "oom_kill 1" in (ann / "memory.events").read_text().splitlines()
    assert "oom_kill 0" in (bob / "memory.events").read_text().splitlines()
    assert said(ann, "echo well") == (0, "well\n")


def test_processes_are_counted(ann: Path, bob: Path) -> None:
    many = "for n in $(seq 30); do sleep 1 & done; wait; echo all"
    code, output = said(ann, many)
    assert (code, "fork" in output) == (2, True)
    assert said(bob, many) == (0, "all\n")


def test_a_disk_is_as_slow_as_was_asked_for(ann: Path, bob: Path) -> None:
    """8 MiB at 1 MiB a second, by way of the page cache and past it; the other has no limit."""
    took = {}
    for group, flags in ((ann, "conv=fsync"), (ann, "oflag=direct"), (bob, "conv=fsync")):
        began = time.monotonic()
        # A file's pages are written for whoever wrote to it first.
        file = DISK / f"slow-{group.name}"
        code, output = said(group, f"dd if=/dev/zero of={file} bs=1M count=8 {flags}")
        assert code == 0, output
        took[group.name, flags] = time.monotonic() - began
    assert took[ANN, "conv=fsync"] > 6
    assert took[ANN, "oflag=direct"] > 6
    assert took[BOB, "conv=fsync"] < took[ANN, "conv=fsync"]


def test_programs_are_held_still_and_go_on(ann: Path) -> None:
    busy = inside(ann, "while :; do :; done")
    used = ann / "cpu.stat"
    try:
        before = used.read_text()
        while used.read_text() == before:
            assert busy.poll() is None
        freezer.freeze(str(ann), "2")
        still = used.read_text().splitlines()[0]
        for _ in range(20):
            assert said_usage(used) == still
        freezer.thaw(str(ann), "2")
        deadline = time.monotonic() + 30
        while said_usage(used) == still:
            assert time.monotonic() < deadline
    finally:
        freezer.thaw(str(ann), "2")
        busy.kill()
        busy.communicate()


def said_usage(stat: Path) -> str:
    return stat.read_text().splitlines()[0]


@pytest.mark.parametrize("disk", [DISK, OTHER_DISK], ids=["ext4", "xfs"])
def test_a_full_volume_is_full_for_its_own_artist_alone(disk: Path) -> None:
    limits = SizeLimits(disk)
    assert limits.capability().available, limits.capability().detail
    for name in ("full", "other"):
        (disk / name).mkdir()
        limits.set(disk / name, 1)
        os.chown(disk / name, ARTIST, ARTIST)
    # The host's root is held by no quota.
    ids = ["setpriv", f"--reuid={ARTIST}", f"--regid={ARTIST}", "--clear-groups"]
    fill = [*ids, "fallocate", "-l"]
    subprocess.run([*fill, "900M", f"{disk}/full/film"], check=True)
    more = [*fill, "200M", f"{disk}/full/more"]
    done = subprocess.run(more, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Disk quota exceeded" in done.stderr or "No space left on device" in done.stderr
    subprocess.run([*fill, "900M", f"{disk}/other/film"], check=True)
    listed = subprocess.run(["df", "-m", disk / "full"], check=True, capture_output=True, text=True)
    assert listed.stdout.splitlines()[1].split()[1] == "1024"
