"""How large a host is, on made-up trees."""

import os
import shutil
from pathlib import Path

import psutil
import pytest

from soundstage.engines.sandbox.host import size


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    kernel = tmp_path / "proc/sys/kernel"
    kernel.mkdir(parents=True)
    (kernel / "pid_max").write_text("32768\n")
    (kernel / "threads-max").write_text("5000\n")
    (kernel.parents[1] / "loadavg").write_text("0.1 0.2 0.3 2/400 1234\n")
    return tmp_path / "proc"


def test_this_host(tmp_path: Path, proc: Path) -> None:
    found = size.read(tmp_path, gpus=3, cgroup_root=tmp_path / "none", proc=proc)
    assert found.cpus == len(os.sched_getaffinity(0))
    assert found.memory_bytes == psutil.virtual_memory().total
    assert 0 < found.memory_available <= found.memory_bytes
    assert 0 < found.disk_free <= shutil.disk_usage(tmp_path).total
    assert (found.processes_free, found.gpus) == (4600, 3)


@pytest.mark.parametrize(
    ("limit", "use"),
    [
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ],
)
def test_a_container_is_as_large_as_it_may_be(
    tmp_path: Path, proc: Path, limit: str, use: str
) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / limit).write_text(f"{64 << 20}\n")
    (tmp_path / use).write_text(f"{60 << 20}\n")
    found = size.read(tmp_path, gpus=0, cgroup_root=tmp_path, proc=proc)
    assert (found.memory_bytes, found.memory_available) == (64 << 20, 4 << 20)


def test_a_group_without_a_limit_is_as_large_as_its_host(tmp_path: Path, proc: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "pids.max").write_text("max\n")
    found = size.read(tmp_path, gpus=0, cgroup_root=tmp_path, proc=proc)
    assert found.memory_bytes == psutil.virtual_memory().total


def test_a_containers_processes_are_counted(tmp_path: Path, proc: Path) -> None:
    (tmp_path / "pids").mkdir()
    (tmp_path / "pids/pids.max").write_text("300\n")
    (tmp_path / "pids/pids.current").write_text("280\n")
    found = size.read(tmp_path, gpus=0, cgroup_root=tmp_path, proc=proc)
    assert found.processes_free == 20
