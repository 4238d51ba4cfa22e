"""Structs are known before threads ask: shown where it matters, in a process that may die of it."""

import enum
import signal
import subprocess
import sys

import msgspec
import pytest

from soundstage.kit import structs

# A second thread asks for the struct just while the first one works it out: msgspec looks for its
# own note on the enumeration, and finding none is told by Python code, which lets others run.
TWO_THREADS = """
import enum, sys, threading
import msgspec
from soundstage.kit import structs

class Interrupted(enum.EnumMeta):
    def __getattr__(cls, name):
        if may_interrupt.acquire(blocking=False):
            other = threading.Thread(target=convert)
            other.start()
            other.join()
        raise AttributeError(name)

class State(enum.Enum, metaclass=Interrupted):
    READY = "READY"

class Session(msgspec.Struct):
    state: State

def convert():
    assert msgspec.convert({"state": "READY"}, Session) == Session(State.READY)

may_interrupt = threading.Semaphore(0)
if "first" in sys.argv:
    structs.work_out()
may_interrupt.release()
convert()
print("alive")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TWO_THREADS, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_two_threads_may_ask_once_structs_are_worked_out() -> None:
    done = run("first")
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_the_library_still_needs_it() -> None:
    """When this fails, msgspec was mended: remove `kit.structs` and this file."""
    assert run().returncode == -signal.SIGSEGV


def test_a_struct_that_no_document_can_say_is_passed_over() -> None:
    class Table(msgspec.Struct):
        state: enum.Enum

    class Bound(msgspec.Struct):
        limit: int

    with pytest.raises(TypeError):
        msgspec.json.Decoder(Table)
    structs.work_out()
    structs.work_out()
    assert msgspec.convert({"limit": 3}, Bound) == Bound(3)
