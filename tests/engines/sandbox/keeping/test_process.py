"""Finding supervisors again, signalling the right one, and asking desktops how they are."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from soundstage.engines.interface import RetryableError
from soundstage.engines.sandbox.holding.supervisor import boot_id, start_time
from soundstage.engines.sandbox.keeping import process
from soundstage.engines.sandbox.keeping.process import Life, life
from soundstage.engines.sandbox.keeping.records import Status
from soundstage.engines.telling import STREAM_SOCKET

STATUS = Status(
    attempt=0,
    phase="running",
    pid=10,
    start_time=5,
    boot_id="now",
    inner_pid=11,
    inner_start_time=6,
)
ENDED = msgspec.structs.replace(STATUS, phase="ended")
UNBORN = msgspec.structs.replace(STATUS, inner_pid=None, inner_start_time=None)


@pytest.mark.parametrize(
    ("status", "locked", "boot", "inner", "expected"),
    [
        (None, True, "now", None, Life.ALIVE),
        (STATUS, True, "now", None, Life.ALIVE),
        (ENDED, True, "now", None, Life.ALIVE),
        (None, False, "now", None, Life.LOST),
        (ENDED, False, "now", 6, Life.ENDED),
        (STATUS, False, "now", 6, Life.DYING),
        (STATUS, False, "now", None, Life.LOST),
        # Its pid belongs to another by now.
        (STATUS, False, "now", 7, Life.LOST),
        # The same numbers of another boot.
        (STATUS, False, "later", 6, Life.LOST),
        (UNBORN, False, "now", None, Life.LOST),
    ],
)
def test_life_is_decided_by_lock_word_and_identity(
    status: Status | None, locked: bool, boot: str, inner: int | None, expected: Life
) -> None:
    assert life(status, locked=locked, boot=boot, inner_start_time=inner) is expected


def test_life_of_this_machine(tmp_path: Path) -> None:
    me = msgspec.structs.replace(
        STATUS, inner_pid=os.getpid(), inner_start_time=start_time(os.getpid()), boot_id=boot_id()
    )
    assert process.life_of(me, locked=False) is Life.DYING
    assert process.life_of(None, locked=False) is Life.LOST
    assert tmp_path.exists()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as made:
        yield made
        made.kill()


def test_only_the_very_process_is_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    began = start_time(sleeper.pid)
    assert began is not None
    other = msgspec.structs.replace(STATUS, pid=sleeper.pid, start_time=began - 1)
    process.kill(other)
    process.ask_to_stop(other)
    process.kill(msgspec.structs.replace(STATUS, pid=2**22 - 3, start_time=1))
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.1)
    process.ask_to_stop(msgspec.structs.replace(other, start_time=began))
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_zombie_has_no_start_time() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert start_time(pid) is None
    os.waitpid(pid, 0)
    assert start_time(pid) is None


def test_a_supervisor_that_can_not_be_started_is_said(tmp_path: Path) -> None:
    lock = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(RetryableError, match="could not be started"):
            process.spawn("/nonexistent/python3", {}, lock)
        with pytest.raises(RetryableError, match="could not be started"):
            process.spawn(sys.executable, {}, 2**20)
    finally:
        os.close(lock)


@pytest.mark.parametrize(
    ("answer", "was_well", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", False, True),
        (b"HTTP/1.1 503 Busy\r\n\r\n", True, False),
        (b"", False, False),
        (None, False, False),
        (None, True, True),
    ],
)
def test_only_200_is_well_and_the_slow_are_what_they_were(
    tmp_path: Path, answer: bytes | None, was_well: bool, expected: bool
) -> None:
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / STREAM_SOCKET))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                if answer is None:
                    done.wait(10)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        found = process.answers(tmp_path, os.geteuid(), was_well=was_well, timeout=0.2)
        done.set()
        thread.join()
    assert found is expected


def test_nobody_there_is_not_well(tmp_path: Path) -> None:
    assert not process.answers(tmp_path, os.geteuid(), was_well=True)
