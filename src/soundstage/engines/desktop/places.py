"""Parts the artist's programs from the desktop's own, so that a renderer never stops the picture.

Imported by `starter.py` (standard library only). Programs are begun by the window manager's menu,
the panel, the session bus and terminals, of which none knows of control groups. So whatever is
found beside the desktop's own programs, once a second, is put into the group of the artist's
programs; what that begins later is there from its birth. Where there is no such group, the
programs are made less urgent instead (nice). The kernel ends them first when memory runs out.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SWEEP_SECONDS = 1.0
NICE = 10
OOM_SCORE = 500
"""Half of the workstation's memory is added to what a program is judged by: the desktop's own
parts never come near that."""


class Places:
    """Where programs belong. The first descriptor lists the desktop's group, the others are doors
    to the groups of programs, one a controller; without any, nice is used.
    """

    def __init__(self, descriptors: list[int]) -> None:
        self.doors = descriptors[1:]
        self.desktop = descriptors[0] if self.doors else None

    def enter(self) -> None:
        """Go there, between a fork and the program that it is for."""
        self._move(0)

    def sweep(self, own: Iterable[int], families: Iterable[int]) -> None:
        """Move what is neither one of the desktop's `own` processes nor below one of `families`."""
        kept, families = {os.getpid(), os.getppid(), *own}, set(families)
        parents: dict[int, int] = {}
        for pid in self._candidates():
            if pid not in kept and not _descends(pid, families, parents):
                self._move(pid)

    def _candidates(self) -> list[int]:
        if self.desktop is not None:
            return [pid for pid in _numbers(self.desktop) if pid > 0]
        # Orphans are children of our own parent, with walls and without.
        parents: dict[int, int] = {}
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 -- names only.
        return [pid for pid in found if _descends(pid, {os.getppid()}, parents)]

    def _move(self, pid: int) -> None:
        """What has ended meanwhile, or is not the artist's, is left alone."""
        folder = Path("/proc") / (str(pid) if pid else "self")
        for door in self.doors:
            with suppress(OSError):
                os.write(door, str(pid).encode())
        with suppress(OSError):
            (folder / "oom_score_adj").write_text(str(OOM_SCORE))
            if not self.doors:
                _make_less_urgent(folder)


def _make_less_urgent(folder: Path) -> None:
    """Each thread has its own."""
    for thread in (folder / "task").iterdir():
        number = int(thread.name)
        if os.getpriority(os.PRIO_PROCESS, number) < NICE:
            os.setpriority(os.PRIO_PROCESS, number, NICE)


def _numbers(descriptor: int) -> list[int]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = b""
    while piece := os.read(descriptor, 65536):
        text += piece
    return [int(word) for word in text.split()]


def _descends(pid: int, families: set[int], parents: dict[int, int]) -> bool:
    """Reports whether one of `families` is above; `parents` remembers what was read."""
    while pid > 0:
        if pid not in parents:
            parents[pid] = _parent(pid)
        pid = parents[pid]
        if pid in families:
            return True
    return False


def _parent(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(text.rsplit(b")", 1)[1].split()[1])
