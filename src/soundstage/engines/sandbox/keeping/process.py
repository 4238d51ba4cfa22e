"""Starts supervisors, finds them again, signals them, and asks their desktops how they are.

Called by `engine.py`. Everything a supervisor is told comes by its standard input: what stands on
a command line can be read by every user of the host.
"""

import json
import os
import signal
import subprocess
from enum import Enum
from pathlib import Path
from typing import Any

from soundstage.engines.interface import RetryableError
from soundstage.engines.sandbox.holding import supervisor
from soundstage.engines.sandbox.holding.supervisor import boot_id, start_time
from soundstage.engines.sandbox.keeping.records import Status
from soundstage.engines.telling import STREAM_SOCKET
from soundstage.kit.unixsocket import open_socket

_SUPERVISOR = Path(supervisor.__file__)
_HEALTH = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Life(Enum):
    """What is left of a supervisor and its sandbox."""

    ALIVE = "ALIVE"
    """The supervisor runs."""
    DYING = "DYING"
    """The supervisor is gone, the sandbox's first process not yet."""
    ENDED = "ENDED"
    """The supervisor came to its end in order and said so."""
    LOST = "LOST"
    """Both are gone and nobody said why: killed, or the machine was restarted."""


def life(status: Status | None, *, locked: bool, boot: str, inner_start_time: int | None) -> Life:
    """Decide from what was written and what is there.

    `locked` says whether the life lock is held, `inner_start_time` when the process that now has
    the pid of the sandbox's first process began.
    """
    if locked:
        return Life.ALIVE
    if status is None:
        return Life.LOST
    if status.phase == "ended":
        return Life.ENDED
    same = (
        status.boot_id == boot
        and status.inner_start_time is not None
        and status.inner_start_time == inner_start_time
    )
    return Life.DYING if same else Life.LOST


def life_of(status: Status | None, *, locked: bool) -> Life:
    """The same, having looked at the machine."""
    pid = status.inner_pid if status is not None else None
    began = start_time(pid) if pid is not None else None
    return life(status, locked=locked, boot=boot_id(), inner_start_time=began)


def spawn(interpreter: str, plan: dict[str, Any], life_lock: int) -> None:
    """Start a supervisor that keeps `life_lock`; returns once it is on its own."""
    document = json.dumps({**plan, "keep_fds": [life_lock]}).encode()
    command = [interpreter, "-I", "-S", str(_SUPERVISOR)]
    try:
        done = subprocess.run(
            command,
            input=document,
            capture_output=True,
            pass_fds=(life_lock,),
            env={"PATH": os.defpath},
            cwd="/",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RetryableError(f"a supervisor could not be started: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RetryableError(f"a supervisor could not be started: {said[-1] if said else ''}")


def ask_to_stop(status: Status) -> None:
    """Send TERM to the supervisor, and to nobody who may have its pid by now."""
    _signal(status.pid, status.start_time, signal.SIGTERM)


def point_at_messages(status: Status) -> None:
    """Have the supervisor look for what its desktop is to show."""
    _signal(status.pid, status.start_time, signal.SIGUSR1)


def let_go_on(status: Status) -> None:
    """Have a desktop that waits go on."""
    _signal(status.pid, status.start_time, signal.SIGUSR2)


def kill(status: Status) -> None:
    """End the supervisor at once; the kernel takes its sandbox along."""
    _signal(status.pid, status.start_time, signal.SIGKILL)


def _signal(pid: int, began: int | None, number: signal.Signals) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # The descriptor holds the process, so what is compared now is what is signalled then.
        if began is not None and start_time(pid) == began:
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def answers(directory: Path, uid: int, *, was_well: bool, timeout: float = 0.5) -> bool:
    """Reports whether the stream server on the workstation's socket says that it is well.

    One that accepts but is slow to speak, on a machine under load, is what it was before.
    """
    try:
        connection = open_socket(str(directory), STREAM_SOCKET, uid, timeout=timeout)
    except OSError:
        return False
    with connection:
        try:
            connection.sendall(_HEALTH)
            return connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
        except TimeoutError:
            return was_well
        except OSError:
            return False
