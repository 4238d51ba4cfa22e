"""Holds a running workstation still for a moment, and lets go of it whoever dies meanwhile.

As a program (`python3 -I -S freezer.py LOCK SECONDS KIND GROUP`) it freezes a control group, says
so, and thaws it when its standard input ends, which it does with the service, and after so many
seconds at the latest. It holds a lock as long as it does, so that the engine, which looks at each
workstation again and again, sees a group that is frozen by nobody and thaws it: that is for a
holder that was itself killed. The program imports nothing of ours.
"""

import fcntl
import os
import select
import signal
import sys
import time

_FREEZES_WITHIN = 2.0
# The file to write, what freezes, what thaws; the file and the line that say it is done.
_KINDS = {
    "1": ("freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN"),
    "2": ("cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"),
}


def hold(lock: str, seconds: float, kind: str, group: str) -> int:
    """Freeze until standard input ends; the exit code."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _take(descriptor):
        print("it is held still already", file=sys.stderr)  # noqa: T201 -- a program's own words.
        return 1
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        freeze(group, kind)
        os.write(1, b"frozen\n")
        # Whatever happens to who asked, it goes on after so long.
        ready, _, _ = select.select([0], [], [], seconds)
    finally:
        thaw(group, kind)
    return 0 if ready else 3


def _take(descriptor: int) -> bool:
    """Whoever only looks has the lock for a moment, another holder for seconds."""
    ends_at = time.monotonic() + 0.5
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.01)
        else:
            return True


def freeze(group: str, kind: str) -> None:
    name, word, _, seen, line = _KINDS[kind]
    _write(f"{group}/{name}", word)
    ends_at = time.monotonic() + _FREEZES_WITHIN
    while line not in _lines(f"{group}/{seen}"):
        if time.monotonic() > ends_at:
            raise TimeoutError("its programs could not be held still")
        time.sleep(0.002)


def thaw(group: str, kind: str) -> None:
    name, _, word, _, _ = _KINDS[kind]
    _write(f"{group}/{name}", word)


def is_frozen(group: str, kind: str) -> bool:
    """Reports whether it is frozen, or about to be."""
    name, _, word, _, _ = _KINDS[kind]
    try:
        lines = _lines(f"{group}/{name}")
    except OSError:
        return False
    return lines != [word]


def is_held(lock: str) -> bool:
    """Reports whether a holder lives."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def thaw_forgotten(group: str, kind: str, lock: str) -> bool:
    """Thaw what nobody holds any more; reports whether there was something to thaw."""
    if not is_frozen(group, kind) or is_held(lock):
        return False
    thaw(group, kind)
    return True


def _write(path: str, word: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, word.encode())
    finally:
        os.close(descriptor)


def _lines(path: str) -> list[str]:
    with open(path) as file:  # noqa: PTH123 -- the program knows no pathlib.
        return file.read().splitlines()


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]))
