"""Reads how large this host is and what is free of it now; asked by `engine.py`.

In a container the host is what the container may use.
"""

import os
import shutil
from pathlib import Path

import psutil

from soundstage.engines.admission import Host

_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
_USES = {
    "memory.max": "memory.current",
    "memory/memory.limit_in_bytes": "memory/memory.usage_in_bytes",
}


def read(folder: Path, *, gpus: int, cgroup_root: Path, proc: Path = Path("/proc")) -> Host:
    """`folder` is where volumes are; `cgroup_root` the container's own group, seen from inside."""
    memory = psutil.virtual_memory()
    total, available = memory.total, memory.available
    for name in _LIMITS:
        limit = _number(cgroup_root / name)
        if limit is not None and limit < total:
            used = _number(cgroup_root / _USES[name]) or 0
            total, available = limit, min(available, limit - used)
    return Host(
        cpus=float(len(os.sched_getaffinity(0))),
        memory_bytes=total,
        memory_available=available,
        disk_free=shutil.disk_usage(folder).free,
        processes_free=_processes_free(proc, cgroup_root),
        gpus=gpus,
    )


def _processes_free(proc: Path, cgroup_root: Path) -> int:
    """Threads count as processes do."""
    running = int((proc / "loadavg").read_text().split()[3].partition("/")[2])
    limits = (proc / "sys/kernel/pid_max", proc / "sys/kernel/threads-max")
    free = [limit - running for path in limits if (limit := _number(path)) is not None]
    for folder in (cgroup_root, cgroup_root / "pids"):
        limit, used = _number(folder / "pids.max"), _number(folder / "pids.current")
        if limit is not None and used is not None:
            free.append(limit - used)
    return min(free)


def _number(path: Path) -> int | None:
    """None for what is not there, and for a limit that is `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
