"""How much processor time a workstation has used, what streams it left out.

Asked by `engine.py`, about once a minute for each workstation that would be stopped when idle.
"""

import psutil

from soundstage.engines.interface import RetryableError, Use
from soundstage.engines.sandbox.host import cgroups

_STREAM = "/stream.py"


def observe(pid: int, groups: cgroups.Hierarchy, ref: str) -> Use:
    """Ask the control group, or add up the processes below `pid`. Raises RetryableError."""
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        raise RetryableError("the workstation has just ended") from None
    streaming = sum(_seconds(process) for process in family if _is_stream(process))
    total = cgroups.cpu_seconds(groups, ref)
    if total is None:
        # What has ended is kept by who waited for it.
        total = sum(_seconds(process, ended_too=True) for process in family)
    return Use(cpu_seconds=max(0.0, total - streaming))


def _is_stream(process: psutil.Process) -> bool:
    """Whoever borrows the name only makes a workstation seem more idle than it is."""
    try:
        return any(word.endswith(_STREAM) for word in process.cmdline()[:4])
    except psutil.Error:
        return False


def _seconds(process: psutil.Process, *, ended_too: bool = False) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    own = float(times.user + times.system)
    return own + float(times.children_user + times.children_system) if ended_too else own
