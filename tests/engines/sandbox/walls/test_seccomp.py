"""The system call filter, as the kernel applies it to a real process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pyseccomp
import pytest

from soundstage.engines.sandbox.walls import seccomp

# Runs without the filter (the control) and with it; prints the error number of each attempt.
ATTEMPTS = r"""
import ctypes, errno, json, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1] != "-":
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
    code = bytes.fromhex(sys.argv[1])
    kept = ctypes.create_string_buffer(code)
    program = Program(len(code) // 8, ctypes.cast(kept, ctypes.c_void_p).value)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
def call(number, *args):
    ctypes.set_errno(0)
    return 0 if libc.syscall(number, *args) >= 0 else ctypes.get_errno()
def family(*args):
    try:
        socket.socket(*args).close()
        return 0
    except OSError as error:
        return error.errno
print(json.dumps({
    "unix": family(socket.AF_UNIX, socket.SOCK_STREAM),
    "inet": family(socket.AF_INET, socket.SOCK_STREAM),
    "route": family(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "uevent": family(socket.AF_NETLINK, socket.SOCK_RAW, 15),
    "generic": family(socket.AF_NETLINK, socket.SOCK_RAW, 16),
    "crypto netlink": family(socket.AF_NETLINK, socket.SOCK_RAW, 21),
    "x25": family(9, socket.SOCK_SEQPACKET),
    "vsock": family(40, socket.SOCK_STREAM),
    "setns": call(308, -1, 0),
    "mount": call(165, None, None, None, 0, None),
    "open_tree": call(428, -1, b"/nonexistent", 0),
    "bpf": call(321, 99, None, 0),
    "keyctl": call(250, 99, 0, 0, 0, 0),
    "io_uring": call(425, 0, None),
    "unshare nothing": call(272, 0),
}))
"""


@pytest.fixture
def attempt() -> Callable[[bytes | None], dict[str, int]]:
    def run(code: bytes | None) -> dict[str, int]:
        done = subprocess.run(
            [sys.executable, "-c", ATTEMPTS, code.hex() if code else "-"],
            check=True,
            capture_output=True,
        )
        found: dict[str, int] = json.loads(done.stdout)
        return found

    return run


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the attempts use its call numbers")
def test_what_is_denied_is_denied_and_nothing_else(
    attempt: Callable[[bytes | None], dict[str, int]],
) -> None:
    free, held = attempt(None), attempt(seccomp.program())
    refused, absent = 1, 97
    for name in ("unix", "inet", "route", "uevent", "unshare nothing"):
        assert (name, held[name]) == (name, 0)
    for name in ("generic", "crypto netlink", "x25", "vsock"):
        assert (name, held[name]) == (name, absent)
    for name in ("setns", "mount", "open_tree", "bpf", "keyctl", "io_uring"):
        assert (name, held[name]) == (name, refused)
    # The control: without the filter the same attempts end another way.
    assert free["generic"] == 0
    assert free["setns"] == 9
    assert free["open_tree"] not in {0, refused}
    assert free["io_uring"] not in {0, refused}


def test_it_is_made_once() -> None:
    assert seccomp.program() is seccomp.program()
    assert len(seccomp.program()) % 8 == 0


def test_no_name_is_misspelt() -> None:
    unknown = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "no_such_call")
    # A few newer ones may be unknown to an old libseccomp; most can't be.
    missing = [
        name
        for name in seccomp.DENIED
        if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) == unknown
    ]
    assert set(missing) <= {"mount_setattr", "quotactl_fd", "nfsservctl"}
