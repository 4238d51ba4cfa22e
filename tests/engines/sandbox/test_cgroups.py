"""Control groups: on made-up trees of both versions, and on this machine's own."""

import os
from pathlib import Path

import pytest

from soundstage.engines.sandbox import cgroups
from soundstage.engines.sandbox.cgroups import Limits

LIMITS = Limits(cpus=1.5, memory_bytes=1 << 30, processes=100)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for controller in ("cpu", "memory", "pids", "freezer"):
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
    (group.parent / "cgroup.subtree_control").write_text("cpu memory")
    (group.parent / "cgroup.procs").touch()
    return tmp_path


def test_version_1_is_found_controller_by_controller(first: Path) -> None:
    (first / "pids" / "cgroup.procs").unlink()
    found = cgroups.find(first, "3:cpu:/", "soundstage")
    assert found.version == 1
    assert sorted(found.parents) == ["cpu", "freezer", "memory"]
    assert found.missing == {"pids": "no pids control group is mounted"}


def test_version_1_gets_its_limits(first: Path) -> None:
    found = cgroups.find(first, "", "soundstage")
    made = cgroups.ensure(found, "ref", LIMITS)
    names = ("cpu", "freezer", "memory", "pids")
    assert made == [first / name / "soundstage/ref" for name in names]
    assert found.freezing("ref") == first / "freezer/soundstage/ref"
    assert (made[0] / "cpu.cfs_quota_us").read_text() == "150000"
    assert (made[0] / "cpu.cfs_period_us").read_text() == "100000"
    assert (made[2] / "memory.limit_in_bytes").read_text() == str(1 << 30)
    assert (made[3] / "pids.max").read_text() == "100"
    assert cgroups.ensure(found, "ref", LIMITS) == made
    assert cgroups.refs(found) == {"ref"}


def test_version_2_takes_the_nearest_group_that_passes_controllers_on(second: Path) -> None:
    found = cgroups.find(second, "0::/user.slice/service\n", "soundstage")
    assert found.version == 2
    assert set(found.parents.values()) == {second / "user.slice" / "soundstage"}
    assert sorted(found.parents) == ["cpu", "memory"]
    assert found.missing == {"pids": f"{second / 'user.slice'} has no pids controller to pass on"}


def test_version_2_has_one_group_for_all_controllers(tmp_path: Path) -> None:
    parent = tmp_path / "soundstage"
    found = cgroups.Hierarchy(version=2, parents=dict.fromkeys(("cpu", "memory", "pids"), parent))
    (group,) = cgroups.ensure(found, "ref", LIMITS)
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (group / "memory.max").read_text() == str(1 << 30)
    assert (group / "pids.max").read_text() == "100"


def test_nothing_to_use_is_said(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    found = cgroups.find(tmp_path, "0::/somewhere\n", "soundstage")
    assert found.version == 0
    assert "Delegate=yes" in found.missing["memory"]
    assert cgroups.ensure(found, "ref", LIMITS) == []


def test_groups_are_removed_and_their_absence_is_no_fault(first: Path) -> None:
    found = cgroups.find(first, "", "soundstage")
    for path in found.paths("ref"):
        path.mkdir(parents=True)
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
    known = set(found.parents) | set(found.missing)
    assert known - {cgroups.FREEZER} == set(cgroups.CONTROLLERS)
    ref = f"test-{os.getpid()}"
    try:
        cgroups.ensure(found, ref, LIMITS)
        for controller, parent in found.parents.items():
            for name, value in cgroups._values(found.version, controller, LIMITS)[-1:]:
                if name == "memory.oom.group":
                    continue
                assert (parent / ref / name).read_text().strip() == value
    finally:
        assert cgroups.ensure_absent(found, ref)
        assert not [parent for parent in found.parents.values() if parent.exists()]
