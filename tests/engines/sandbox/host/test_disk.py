"""Which disk a folder is on, and a limit of its speed that binds."""

import mmap
import os
import time
from pathlib import Path

import pytest

from soundstage.engines.sandbox.host import cgroups, disk
from soundstage.engines.sandbox.host.cgroups import DiskLimits, Limits


def block(tmp_path: Path, folder: Path, *, is_partition: bool) -> Path:
    """A /sys in which the folder's device is a disk, or a partition of one."""
    number = folder.stat().st_dev
    device = tmp_path / "sys/devices/vda"
    part = device / "vda1"
    part.mkdir(parents=True)
    (device / "dev").write_text("8:0\n")
    if is_partition:
        (part / "partition").write_text("1\n")
    links = tmp_path / "sys/dev/block"
    links.mkdir(parents=True)
    (links / f"{os.major(number)}:{os.minor(number)}").symlink_to(part)
    return tmp_path / "sys"


def test_of_a_partition_the_whole_disk_is_limited(tmp_path: Path) -> None:
    sys = block(tmp_path, tmp_path, is_partition=True)
    assert disk.device_of(tmp_path, sys) == "8:0"


def test_a_whole_disk_is_itself(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    sys = block(tmp_path, tmp_path, is_partition=False)
    assert disk.device_of(tmp_path, sys) == f"{os.major(number)}:{os.minor(number)}"


def test_what_is_on_no_disk_has_none(tmp_path: Path) -> None:
    assert disk.device_of(Path("/proc"), tmp_path) is None


@pytest.mark.parametrize(
    ("device", "version", "missing", "is_there", "said"),
    [
        ("8:0", 2, None, True, "A volume's iops and throughput are limited on the disk 8:0."),
        ("8:0", 1, None, True, "writes by way of the page cache are not counted"),
        (None, 2, None, False, "not limited here: its file system is on no disk of its own."),
        ("8:0", 1, "no blkio control group is mounted", False, "not limited here: no blkio"),
    ],
)
def test_what_is_kept_is_said_and_what_is_not(
    device: str | None, version: int, missing: str | None, is_there: bool, said: str
) -> None:
    found = disk.capability(device, version, missing)
    assert found.available is is_there
    assert said in found.detail


@pytest.mark.skipif(os.geteuid() != 0, reason="control groups are root's on this machine")
def test_a_limit_binds(tmp_path: Path) -> None:
    """Past the page cache, 2 MiB at 2 MiB a second take a second; without a limit, milliseconds."""
    device = disk.device_of(tmp_path)
    found = cgroups.find(
        Path("/sys/fs/cgroup"), Path("/proc/self/cgroup").read_text(), f"disk-{os.getpid()}"
    )
    if device is None or "io" not in found.parents:
        assert not disk.capability(device, found.version, found.missing.get("io")).available
        return
    limits = Limits(
        cpus=1,
        memory_bytes=1 << 30,
        disk=DiskLimits(device=device, iops=0, throughput_mib=2),
    )
    try:
        groups = cgroups.ensure(found, "ref", limits)
        pid = os.fork()
        if pid == 0:
            for group in groups.desktop:
                (group / "cgroup.procs").write_text("0")
            os._exit(0 if _write_past_the_cache(tmp_path / "file") > 0.5 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        assert cgroups.ensure_absent(found, "ref", within_seconds=2)


def _write_past_the_cache(path: Path) -> float:
    page = mmap.mmap(-1, 1 << 20)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o600)
    began = time.monotonic()
    for _ in range(2):
        os.write(descriptor, page)
    return time.monotonic() - began
