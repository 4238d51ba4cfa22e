"""CPU, memory, process and disk limits by control groups, where this machine lets us make them.

Asked by `engine.py` before a start (make the groups), after an end (remove them), and for the
capabilities. The supervisor puts the sandbox into the groups and removes them at its end.

Inside a workstation's group there are two more: `desktop` for the X server, the stream server and
what belongs to them, and `programs` for what the artist runs. The picture comes first: the desktop
has four times the weight, and cores and processes that no program of the artist can take.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

import msgspec

CPU_PERIOD_MICROSECONDS = 100_000
PROCESS_LIMIT = 4096
DESKTOP_CPUS = 1.0
"""Cores for the desktop's own parts, beyond those of the artist's programs."""
DESKTOP_PROCESSES = 512
DESKTOP_WEIGHT, PROGRAMS_WEIGHT = 400, 100
"""In the measure of version 2, where 100 is usual; version 1 has 1024 for the same."""
DESKTOP, PROGRAMS = "desktop", "programs"
CONTROLLERS = ("cpu", "memory", "pids", "io")
_NESTED = ("cpu", "pids")
_WEIGHTS = {1: "cpu.shares", 2: "cpu.weight"}
# What version 1 calls a controller where its name is another.
_FOLDERS = {"io": "blkio"}
FREEZER = "freezer"
"""A controller of version 1 only; in version 2 every group can be frozen."""


class DiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How fast one workstation may use the disk that its volume is on, each way; nought is no
    limit.
    """

    device: str
    """Its numbers, such as `8:0`."""
    iops: int
    throughput_mib: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one workstation may use."""

    cpus: float
    memory_bytes: int
    processes: int = PROCESS_LIMIT
    disk: DiskLimits | None = None


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """The groups of one workstation."""

    desktop: list[Path] = []
    """What its first process enters."""
    programs: list[Path] = []
    """What the artist's programs are put into, of those controllers that part the two."""
    all: list[Path] = []
    """Those inside others first, as they must be removed."""


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """Where groups can be made here, if anywhere."""

    version: int
    """2, 1, or 0 where there is nothing to use."""
    parents: dict[str, Path] = {}
    """The folder that holds our groups, by controller; the same one for each in version 2."""
    missing: dict[str, str] = {}
    """Why a controller can't be used, by its name."""

    def freezing(self, ref: str) -> Path | None:
        """The group by which one workstation can be held still, if any."""
        parent = self.parents.get(FREEZER)
        if parent is None and self.version == 2:
            parent = next(iter(self.parents.values()), None)
        return None if parent is None else parent / ref

    def paths(self, ref: str) -> list[Path]:
        return sorted({parent / ref for parent in self.parents.values()})


def find(root: Path, own_groups: str, parent: str) -> Hierarchy:
    """Look for a place to make groups.

    `root` is where control groups are mounted, `own_groups` the text of /proc/self/cgroup, and
    `parent` the name of the group that will hold all of this installation's.
    Version 2 wins where it has any of our controllers; a mixed machine keeps them in version 1.
    """
    unified = root if (root / "cgroup.controllers").is_file() else root / "unified"
    if unified.is_dir() and _words(unified / "cgroup.controllers") & set(CONTROLLERS):
        return _find_unified(unified, own_groups, parent)
    parents, missing = {}, {}
    for controller in (*CONTROLLERS, FREEZER):
        folder = root / _FOLDERS.get(controller, controller)
        if not (folder / "cgroup.procs").exists():
            missing[controller] = f"no {folder.name} control group is mounted"
        elif not os.access(folder, os.W_OK):
            missing[controller] = f"{folder} may only be written by root"
        else:
            parents[controller] = folder / parent
    return Hierarchy(version=1 if parents else 0, parents=parents, missing=missing)


def _find_unified(root: Path, own_groups: str, parent: str) -> Hierarchy:
    """The nearest group above ours that we may write and that can pass controllers on."""
    own = next((line[3:] for line in own_groups.splitlines() if line.startswith("0::")), "/")
    group = root / own.strip("/")
    reason = "no control group here may be written (ask systemd for it with Delegate=yes)"
    for folder in (group, *group.parents):
        if not folder.is_relative_to(root):
            break
        if not os.access(folder / "cgroup.procs", os.W_OK):
            continue
        if _has_programs(folder):
            # It would pass processors and processes on, and neither memory nor disks.
            reason = f"{folder} has programs of its own, so it can't pass controllers on"
            continue
        usable = _pass_on(folder)
        if usable:
            missing = {
                name: f"{folder} has no {name} controller to pass on"
                for name in CONTROLLERS
                if name not in usable
            }
            parents = dict.fromkeys(sorted(usable), folder / parent)
            return Hierarchy(version=2, parents=parents, missing=missing)
        reason = f"{folder} can't pass controllers on to groups below it"
    return Hierarchy(version=0, missing=dict.fromkeys(CONTROLLERS, reason))


def _has_programs(folder: Path) -> bool:
    """Reports whether the kernel's rule holds: programs or groups below. The first group, which has
    no type, is free of it.
    """
    return (folder / "cgroup.type").exists() and bool(_words(folder / "cgroup.procs"))


def _pass_on(folder: Path) -> set[str]:
    """Switch our controllers on for groups below; those that are, afterwards.

    From the top down: systemd passes on only what some unit below has asked for, and of a usual
    host that is neither processors nor disks. It takes back what nobody uses.
    """
    switches = folder / "cgroup.subtree_control"
    for each in (*reversed(folder.parents), folder):
        if (each / switches.name).is_file():
            wanted = _words(each / "cgroup.controllers") & set(CONTROLLERS)
            for name in wanted - _words(each / switches.name):
                _write(each / switches.name, f"+{name}")
    return _words(switches) & set(CONTROLLERS)


def ensure(hierarchy: Hierarchy, ref: str, limits: Limits) -> Groups:
    """Make the groups of one workstation with its limits."""
    for _ in range(10):
        try:
            return _ensure(hierarchy, ref, limits)
        except FileNotFoundError:
            # The last workstation's end took the group above away in this very moment.
            continue
    return _ensure(hierarchy, ref, limits)


def _ensure(hierarchy: Hierarchy, ref: str, limits: Limits) -> Groups:
    whole, nested = set(), set()
    if hierarchy.version == 2:
        for above in {parent.parent for parent in hierarchy.parents.values()}:
            _pass_on(above)
    for controller, parent in hierarchy.parents.items():
        parent.mkdir(exist_ok=True)
        group = parent / ref
        if hierarchy.version == 2:
            _write(parent / "cgroup.subtree_control", f"+{controller}")
        if controller == "cpu":
            # Beside the host's own programs, each of which, or each unit, counts as one here.
            _write(
                parent / _WEIGHTS[hierarchy.version],
                _weight(hierarchy.version, 100 * (os.cpu_count() or 1)),
            )
        group.mkdir(exist_ok=True)
        whole.add(group)
        _set(hierarchy.version, controller, group, limits)
        if controller not in _NESTED:
            continue
        if hierarchy.version == 2:
            _write(group / "cgroup.subtree_control", f"+{controller}")
        nested.add(group)
        for name in (DESKTOP, PROGRAMS):
            (group / name).mkdir(exist_ok=True)
            _set(hierarchy.version, controller, group / name, limits)
    programs = sorted(group / PROGRAMS for group in nested)
    desktop = sorted(group / DESKTOP for group in nested)
    return Groups(
        desktop=sorted([*(whole - nested), *desktop]),
        programs=programs,
        all=[*programs, *desktop, *sorted(whole)],
    )


def _set(version: int, controller: str, group: Path, limits: Limits) -> None:
    for name, value in _values(version, controller, limits, part=group.name):
        _write(group / name, value)


def _values(
    version: int, controller: str, limits: Limits, *, part: str = ""
) -> list[tuple[str, str]]:
    """What to write for the whole workstation, or for one of its two parts."""
    match controller:
        case "cpu":
            return _cpu_values(version, limits.cpus, part)
        case "pids" if part == PROGRAMS:
            return [("pids.max", str(limits.processes))]
        case "pids" if part != DESKTOP:
            return [("pids.max", str(limits.processes + DESKTOP_PROCESSES))]
        case "memory":
            return _memory_values(version, limits.memory_bytes)
        case "io" if limits.disk is not None:
            return _disk_values(version, limits.disk)
    return []


def _memory_values(version: int, limit: int) -> list[tuple[str, str]]:
    """As much again of the host's swap: there a desktop that nobody looks at may lie, but one that
    takes all it can get does not fill it.
    """
    if version == 2:
        # The kernel ends one program that takes too much, not all of them.
        return [
            ("memory.max", str(limit)),
            ("memory.swap.max", str(limit)),
            ("memory.oom.group", "0"),
        ]
    # Both together, and never less than the first alone, also on the way to a larger size.
    together = "memory.memsw.limit_in_bytes"
    return [(together, "-1"), ("memory.limit_in_bytes", str(limit)), (together, str(2 * limit))]


def _cpu_values(version: int, cpus: float, part: str) -> list[tuple[str, str]]:
    # Larger workstations get more where all want all.
    weight = {DESKTOP: DESKTOP_WEIGHT, PROGRAMS: PROGRAMS_WEIGHT}.get(part, 100 * cpus)
    given = {DESKTOP: None, PROGRAMS: cpus}.get(part, cpus + DESKTOP_CPUS)
    period = str(CPU_PERIOD_MICROSECONDS)
    quota = None if given is None else str(int(given * CPU_PERIOD_MICROSECONDS))
    if version == 2:
        limit = [] if quota is None else [("cpu.max", f"{quota} {period}")]
    else:
        limit = [("cpu.cfs_period_us", period), ("cpu.cfs_quota_us", quota)] if quota else []
    return [(_WEIGHTS[version], _weight(version, weight)), *limit]


def _weight(version: int, weight: float) -> str:
    """In the measure of version 2 it is given, and there bounded."""
    bounded = max(1, min(int(weight), 10_000))
    return str(bounded if version == 2 else bounded * 1024 // 100)


def _disk_values(version: int, disk: DiskLimits) -> list[tuple[str, str]]:
    rate = disk.throughput_mib << 20
    if version == 2:
        rates, counts = rate or "max", disk.iops or "max"
        words = f"rbps={rates} wbps={rates} riops={counts} wiops={counts}"
        return [("io.max", f"{disk.device} {words}")]
    # Nought lifts a limit here.
    return [
        (f"blkio.throttle.{way}_{what}_device", f"{disk.device} {value}")
        for way in ("read", "write")
        for what, value in (("bps", rate), ("iops", disk.iops))
    ]


def end_left(hierarchy: Hierarchy, ref: str) -> None:
    """Kill what is in the groups of a workstation whose supervisor is gone.

    The kernel takes a sandbox along with its supervisor, but for the moment in which bubblewrap
    has begun its second process and not yet told it to die with the first.
    """
    for group in hierarchy.paths(ref):
        for members in group.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                for pid in members.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)


def ensure_absent(hierarchy: Hierarchy, ref: str, *, within_seconds: float = 0.2) -> bool:
    """Remove the groups of one workstation; reports whether none is left."""
    deadline = time.monotonic() + within_seconds
    groups = hierarchy.paths(ref)
    left = [*(group / part for group in groups for part in (DESKTOP, PROGRAMS)), *groups]
    left = [path for path in left if path.is_dir()]
    while left:
        for path in left:
            try:
                path.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                # Its last processes are still on their way out.
                continue
        left = [path for path in left if path.is_dir()]
        if left and time.monotonic() >= deadline:
            return False
        if left:
            time.sleep(0.01)
    for parent in set(hierarchy.parents.values()):
        # Goes with the last workstation.
        with contextlib.suppress(OSError):
            parent.rmdir()
    return True


def is_populated(group: Path) -> bool:
    """Reports whether a process is in a group or in one inside it. Raises OSError."""
    inside = [path / "cgroup.procs" for path in (group / DESKTOP, group / PROGRAMS)]
    places = [group / "cgroup.procs", *(path for path in inside if path.exists())]
    return any(path.read_text().split() for path in places)


def cpu_seconds(hierarchy: Hierarchy, ref: str) -> float | None:
    """Processor time that one workstation has used; None where no group counts it."""
    parent = hierarchy.parents.get("cpu")
    if parent is None:
        return None
    try:
        if hierarchy.version == 1:
            # Counted here where `cpu` and `cpuacct` are mounted as one, as they mostly are.
            return int((parent / ref / "cpuacct.usage").read_text()) / 1e9
        lines = (parent / ref / "cpu.stat").read_text().splitlines()
        values = dict(line.split() for line in lines)
        return int(values["usage_usec"]) / 1e6
    except (OSError, ValueError, KeyError):
        return None


def refs(hierarchy: Hierarchy) -> set[str]:
    """Every workstation that has a group."""
    found = set()
    for parent in set(hierarchy.parents.values()):
        if parent.is_dir():
            found |= {entry.name for entry in parent.iterdir() if entry.is_dir()}
    return found


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def _write(path: Path, value: str) -> None:
    """A refusal is told by what is read afterwards, or by a limit that then does not bind."""
    try:
        path.write_text(value)
    except OSError:
        return
