"""Control groups: on made-up trees of both versions, and on this machine's own."""

import os
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest

from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.sandbox.host.cgroups import DiskLimits, Groups, Limits
from soundstage.engines.sandbox.host.disk import device_of

DISK = DiskLimits(device="8:0", iops=3000, throughput_mib=125)
LIMITS = Limits(cpus=1.5, memory_bytes=1 << 30, processes=100, disk=DISK)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for controller in ("cpu", "memory", "pids", "freezer", "blkio"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").touch()
    return tmp_path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A group that may be written, above our own, which may not."""
    group = tmp_path / "user.slice" / "service"
    group.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids io")
    (group.parent / "cgroup.controllers").write_text("cpu memory io")
    # A plain file keeps the last word written to it, where the kernel adds them up.
    (group.parent / "cgroup.subtree_control").write_text("cpu memory io")
    (group.parent / "cgroup.procs").touch()
    return tmp_path


def test_version_1_is_found_controller_by_controller(first: Path) -> None:
    (first / "pids" / "cgroup.procs").unlink()
    found = cgroups.find(first, "3:cpu:/", "soundstage")
    assert found.version == 1
    assert sorted(found.parents) == ["cpu", "freezer", "io", "memory"]
    assert found.missing == {"pids": "no pids control group is mounted"}


def test_version_1_gets_its_limits(first: Path) -> None:
    found = cgroups.find(first, "", "soundstage")
    made = cgroups.ensure(found, "ref", LIMITS)
    at = {name: first / name / "soundstage/ref" for name in ("cpu", "memory", "pids", "blkio")}
    assert found.freezing("ref") == first / "freezer/soundstage/ref"
    assert (at["memory"] / "memory.limit_in_bytes").read_text() == str(1 << 30)
    assert (at["memory"] / "memory.memsw.limit_in_bytes").read_text() == str(2 << 30)
    assert (at["pids"] / "pids.max").read_text() == "612"
    assert (at["pids"] / "programs/pids.max").read_text() == "100"
    assert (at["blkio"] / "blkio.throttle.read_bps_device").read_text() == "8:0 131072000"
    assert (at["blkio"] / "blkio.throttle.write_iops_device").read_text() == "8:0 3000"
    assert cgroups.ensure(found, "ref", LIMITS) == made
    assert cgroups.refs(found) == {"ref"}


def test_the_desktop_goes_before_the_programs(first: Path) -> None:
    """Its cores come on top: a renderer that uses all it may does not slow the picture."""
    cgroups.ensure(cgroups.find(first, "", "soundstage"), "ref", LIMITS)
    group = first / "cpu/soundstage/ref"

    def told(name: str) -> str:
        return (group / name).read_text()

    assert (told("cpu.shares"), told("cpu.cfs_quota_us")) == ("1536", "250000")
    assert (told("programs/cpu.shares"), told("desktop/cpu.shares")) == ("1024", "4096")
    assert (told("programs/cpu.cfs_quota_us"), told("programs/cpu.cfs_period_us")) == (
        "150000",
        "100000",
    )
    assert not (group / "desktop/cpu.cfs_quota_us").exists()


def test_a_workstation_begins_among_its_desktop(first: Path) -> None:
    made = cgroups.ensure(cgroups.find(first, "", "soundstage"), "ref", LIMITS)
    at = {name: first / name / "soundstage/ref" for name in ("cpu", "memory", "pids", "blkio")}
    desktop = {at["cpu"] / "desktop", at["pids"] / "desktop"}
    assert set(made.desktop) == desktop | {
        at["memory"], at["blkio"], first / "freezer/soundstage/ref"
    }  # fmt: skip
    assert made.programs == [at["cpu"] / "programs", at["pids"] / "programs"]
    for path in made.all:
        assert all(above not in made.all[: made.all.index(path)] for above in path.parents)


def test_version_2_takes_the_nearest_group_that_passes_controllers_on(second: Path) -> None:
    found = cgroups.find(second, "0::/user.slice/service\n", "soundstage")
    assert found.version == 2
    assert set(found.parents.values()) == {second / "user.slice" / "soundstage"}
    assert sorted(found.parents) == ["cpu", "io", "memory"]
    assert found.missing == {"pids": f"{second / 'user.slice'} has no pids controller to pass on"}


def test_version_2_asks_for_controllers_from_the_top(tmp_path: Path) -> None:
    """On a usual host systemd passes memory and processes on: what some unit has asked for."""
    group = tmp_path / "system.slice"
    group.mkdir()
    for folder in (tmp_path, group):
        (folder / "cgroup.controllers").write_text("cpu")
        (folder / "cgroup.subtree_control").write_text("")
    (group / "cgroup.procs").touch()
    cgroups.find(tmp_path, "0::/system.slice\n", "soundstage")
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
    # Taken back by systemd meanwhile; a plain file keeps the word, where the kernel takes the sign.
    (tmp_path / "cgroup.subtree_control").write_text("")
    parents = {"cpu": group / "soundstage"}
    cgroups.ensure(cgroups.Hierarchy(version=2, parents=parents), "ref", LIMITS)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
    weight = (group / "soundstage/cpu.weight").read_text()
    assert weight == str(100 * (os.cpu_count() or 1))


def test_version_2_passes_over_a_group_that_has_programs(second: Path) -> None:
    """As the service's own unit does: below it no memory could be limited."""
    service = second / "user.slice/service"
    for name, text in (("controllers", "cpu pids"), ("subtree_control", "cpu pids")):
        (service / f"cgroup.{name}").write_text(text)
    (service / "cgroup.type").write_text("domain\n")
    (service / "cgroup.procs").write_text("4711\n")
    found = cgroups.find(second, "0::/user.slice/service\n", "soundstage")
    assert set(found.parents.values()) == {second / "user.slice/soundstage"}
    (service.parent / "cgroup.subtree_control").unlink()
    found = cgroups.find(second, "0::/user.slice/service\n", "soundstage")
    assert found.version == 0


def test_version_2_has_one_group_for_all_controllers(tmp_path: Path) -> None:
    parent = tmp_path / "soundstage"
    found = cgroups.Hierarchy(version=2, parents=dict.fromkeys(("cpu", "memory", "pids"), parent))
    made = cgroups.ensure(found, "ref", LIMITS)
    group = parent / "ref"
    assert made.desktop == [group / "desktop"]
    assert made.programs == [group / "programs"]
    assert made.all == [group / "programs", group / "desktop", group]
    assert (group / "cpu.max").read_text() == "250000 100000"
    assert (group / "memory.max").read_text() == str(1 << 30)
    assert (group / "pids.max").read_text() == "612"
    assert (group / "programs/cpu.max").read_text() == "150000 100000"
    assert (group / "programs/cpu.weight").read_text() == "100"
    assert (group / "desktop/cpu.weight").read_text() == "400"
    assert not (group / "desktop/cpu.max").exists()
    assert not (group / "programs/memory.max").exists()


def test_version_2_limits_a_disk(tmp_path: Path) -> None:
    found = cgroups.Hierarchy(version=2, parents={"io": tmp_path / "soundstage"})
    (group,) = cgroups.ensure(found, "ref", LIMITS).desktop
    told = (group / "io.max").read_text()
    assert told == "8:0 rbps=131072000 wbps=131072000 riops=3000 wiops=3000"
    unlimited = DiskLimits(device="8:0", iops=0, throughput_mib=1)
    cgroups.ensure(found, "ref", msgspec.structs.replace(LIMITS, disk=unlimited))
    told = (group / "io.max").read_text()
    assert told == "8:0 rbps=1048576 wbps=1048576 riops=max wiops=max"


def test_nothing_to_use_is_said(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    found = cgroups.find(tmp_path, "0::/somewhere\n", "soundstage")
    assert found.version == 0
    assert "Delegate=yes" in found.missing["memory"]
    assert cgroups.ensure(found, "ref", LIMITS) == Groups()


def test_groups_are_removed_and_their_absence_is_no_fault(first: Path) -> None:
    found = cgroups.find(first, "", "soundstage")
    for path in found.paths("ref"):
        (path / "desktop").mkdir(parents=True)
    assert cgroups.ensure_absent(found, "ref")
    assert cgroups.ensure_absent(found, "ref")
    assert cgroups.refs(found) == set()


def test_a_group_still_in_use_is_reported(first: Path) -> None:
    found = cgroups.find(first, "", "soundstage")
    busy = found.paths("ref")[0]
    (busy / "child").mkdir(parents=True)
    assert not cgroups.ensure_absent(found, "ref", within_seconds=0.02)
    assert busy.is_dir()


def test_this_machine_keeps_the_limits_it_says_it_has() -> None:
    own = Path("/proc/self/cgroup").read_text()
    found = cgroups.find(Path("/sys/fs/cgroup"), own, f"soundstage-test-{os.getpid()}")
    device = device_of(Path("/var"))
    disk = None if device is None else DiskLimits(device=device, iops=3000, throughput_mib=125)
    limits = msgspec.structs.replace(LIMITS, disk=disk)
    known = set(found.parents) | set(found.missing)
    assert known - {cgroups.FREEZER} == set(cgroups.CONTROLLERS)
    ref = f"test-{os.getpid()}"
    try:
        made = cgroups.ensure(found, ref, limits)
        for group in made.all:
            part = group.name if group.name in {cgroups.DESKTOP, cgroups.PROGRAMS} else ""
            controllers = [
                name for name, parent in found.parents.items() if parent in group.parents
            ]
            for controller in controllers:
                # The last word of each counts.
                values = dict(cgroups._values(found.version, controller, limits, part=part))
                for name, value in values.items():
                    if found.version == 2 and part and controller not in cgroups._NESTED:
                        continue
                    told = (group / name).read_text().strip()
                    assert told == value or value in told.splitlines(), (group, name)
    finally:
        assert cgroups.ensure_absent(found, ref)
        assert not [parent for parent in found.parents.values() if parent.exists()]


def test_what_is_left_in_the_groups_is_ended(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "60"])
    group = tmp_path / "r"
    (group / "programs").mkdir(parents=True)
    (group / "cgroup.procs").write_text("")
    (group / "programs" / "cgroup.procs").write_text(f"{left.pid}\n")
    cgroups.end_left(cgroups.Hierarchy(version=1, parents={"cpu": tmp_path}), "r")
    assert left.wait(10) == -signal.SIGKILL
    cgroups.end_left(cgroups.Hierarchy(version=1, parents={"cpu": tmp_path}), "unheard-of")
