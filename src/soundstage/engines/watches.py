"""How many workstations the kernel's inotify instances carry.

Buses, panels and the stream server watch files, each by an instance, and the kernel gives a user so
many and no more. Where all workstations are one user's, the next one's stream then ends at its
start. Engines ask for what `soundstage doctor` says.
"""

from pathlib import Path

from soundstage.engines.interface import Capability

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_ROOM_FOR = 64
_ADVICE = (
    "echo fs.inotify.max_user_instances=4096 > /etc/sysctl.d/60-soundstage.conf; sysctl --system"
)


def capability(each: int, *, room_for: int = _ROOM_FOR, limit: Path = _LIMIT) -> Capability:
    """Say for about how many workstations they are enough, of which each takes so many, and
    whether those are all for which there is room.
    """
    try:
        most = int(limit.read_text())
    except (OSError, ValueError):
        detail = "this kernel does not say how many there are"
        return Capability(name="inotify", available=False, detail=detail)
    detail = (
        f"the kernel gives a user {most} inotify instances, enough for about {most // each} "
        "workstations of one user"
    )
    if most // each >= room_for:
        return Capability(name="inotify", available=True, detail=detail)
    detail += f"; with more of them streams end at their start. Raise it: {_ADVICE}"
    return Capability(name="inotify", available=False, detail=detail)
