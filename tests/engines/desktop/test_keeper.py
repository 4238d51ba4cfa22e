"""The keeper's words, and what it makes of those of an artist who lies."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from soundstage.engines import desktop

PROGRAM = Path(desktop.__file__).with_name("keeper.py")
SCRIPT = {"component": "Tools", "as_root": True, "failure": "SCRIPT"}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program with its files in a folder of the test's."""
    about = importlib.util.spec_from_file_location("keeper", PROGRAM)
    assert about is not None
    assert about.loader is not None
    made = importlib.util.module_from_spec(about)
    about.loader.exec_module(made)
    monkeypatch.setattr(made, "STATUS", tmp_path / "status.json")
    monkeypatch.setattr(made, "_CONTROL", tmp_path / "control")
    return made


def keeper_of(module: ModuleType, *scripts: dict[str, Any]) -> Any:
    plan = {"attempt": 2, "scripts": {"list": list(scripts)}, "script_seconds": 60}
    return module.Keeper(plan)


def status(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "status.json").read_text())
    return found


def result(code: int | None = 0, output: str = "done\n") -> bytes:
    return json.dumps({"code": code, "began": 1.0, "ended": 2.0, "output": output}).encode()


def test_it_is_running_when_the_starter_says_so(module: ModuleType, tmp_path: Path) -> None:
    keeper = keeper_of(module)
    keeper.step("step", "starting X after 1 s")
    assert (status(tmp_path)["phase"], status(tmp_path)["ready"]) == ("starting", False)
    keeper.step("ready", "it answers")
    told = status(tmp_path)
    assert (told["phase"], told["ready"], told["attempt"]) == ("running", True, 2)
    assert told["detail"] == "it answers"


def test_a_script_that_failed_is_what_the_start_failed_of(
    module: ModuleType, tmp_path: Path
) -> None:
    keeper = keeper_of(module, SCRIPT, SCRIPT)
    keeper.learn_results(result(7, "what went wrong") + b"\n" + result(8, "and then") + b"\n")
    told = status(tmp_path)
    assert told["reason"] == "SCRIPT"
    assert "'Tools' ended with code 7: what went wrong" in told["detail"]
    assert [each["exit_code"] for each in told["outputs"]] == [7, 8]
    keeper.step("fail", "another reason")
    assert "another" not in status(tmp_path)["detail"]


def test_a_step_is_told_with_what_scripts_had_said_before_it(
    module: ModuleType, tmp_path: Path
) -> None:
    keeper = keeper_of(module, SCRIPT)
    keeper.listen()
    keeper.wake = -1
    keeper.results, results = os.pipe()
    keeper.steps, steps = os.pipe()
    os.write(results, result(output="said") + b"\n")
    os.write(steps, b"ready it answers\n")
    # Whichever of the pipes is looked at first.
    assert keeper.take(keeper.steps)
    told = status(tmp_path)
    assert told["phase"] == "running"
    assert [each["output"] for each in told["outputs"]] == ["said"]
    keeper.control.close()
    for end in (keeper.results, results, keeper.steps, steps):
        os.close(end)


def asked(keeper: Any, words: str) -> bytes:
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(words.encode())
        ours.shutdown(socket.SHUT_WR)
        keeper.answer(theirs)
        ours.settimeout(0.2)
        try:
            return ours.recv(65536)
        except TimeoutError:
            return b"nothing yet"


def test_who_waits_is_answered_when_the_start_has_ended(module: ModuleType) -> None:
    keeper = keeper_of(module)
    assert asked(keeper, "wait") == b"nothing yet"
    keeper.step("ready", "it answers")
    assert json.loads(asked(keeper, "wait"))["phase"] == "running"


def test_a_message_is_shown_once_and_needs_a_desktop(module: ModuleType) -> None:
    keeper = keeper_of(module)
    read, keeper.command = os.pipe()
    message = json.dumps({"key": "k", "title": "t", "text": "x", "urgent": False})
    assert asked(keeper, f"show {message}") == b"no desktop\n"
    keeper.step("ready", "it answers")
    for _ in range(2):
        assert asked(keeper, f"show {message}") == b"shown\n"
    os.close(keeper.command)
    with os.fdopen(read, "rb") as told:
        assert told.read() == b"show " + message.encode() + b"\n"


def test_what_streams_is_counted_apart(module: ModuleType) -> None:
    keeper = keeper_of(module)
    assert float(asked(keeper, "streaming")) >= 0


def test_the_end_says_why(module: ModuleType, tmp_path: Path) -> None:
    keeper = keeper_of(module)
    keeper.errors = b"Traceback\nno memory\n"
    keeper.end()
    assert status(tmp_path)["detail"] == "Traceback; no memory"
    keeper.end("it could not be begun")
    assert (status(tmp_path)["phase"], status(tmp_path)["detail"]) == (
        "ended",
        "it could not be begun",
    )


def test_what_it_is_told_of_scripts_can_be_read_once(module: ModuleType) -> None:
    with os.fdopen(module._document("the plan"), "rb") as file:
        assert file.read() == b"the plan"


def test_it_needs_nothing_but_the_standard_library() -> None:
    text = "import runpy, sys; runpy.run_path(sys.argv[1])"
    subprocess.run([sys.executable, "-I", "-S", "-c", text, str(PROGRAM)], check=True, timeout=30)
