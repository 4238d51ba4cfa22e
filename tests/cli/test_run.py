"""From nothing to a desktop's address, again and again."""

import http.server
import io
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from rich.console import Console

from soundstage.cli import run
from soundstage.cli.env import credentials
from soundstage.client.calls import CallError
from soundstage.kit.config import Settings

Command = Callable[..., subprocess.CompletedProcess[str]]
STEPS = ["Service", "Studio", "Launch profile", "Workstation", "Stream"]


def address_in(output: str) -> str:
    (address,) = re.findall(r"^  (http://localhost:\d+/streams/\S+)$", output, re.MULTILINE)
    return str(address)


def steps_in(output: str) -> list[str]:
    return re.findall(r"^✓ (.+?) +\d+\.\d s$", output, re.MULTILINE)


def test_the_first_and_the_second_run(settings: Settings, soundstage: Command) -> None:
    first, second = soundstage("run", "--once"), soundstage("run", "--once")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert steps_in(first.stdout) == steps_in(second.stdout) == STEPS
    assert address_in(first.stdout) != address_in(second.stdout)
    log = (settings.home / "service.log").read_text()
    assert log.count("operation=CreateStudio ") == 1
    assert log.count("operation=CreateLaunchProfile ") == 1
    assert log.count("operation=CreateStreamingSession ") == 1
    secrets = [address_in(done.stdout).partition("ticket=")[2] for done in (first, second)]
    secrets.append(credentials(settings, "operator").secret)
    for secret in secrets:
        assert len(secret) >= 40
        assert secret not in log
    assert (settings.home / "service.log").stat().st_mode & 0o077 == 0


class Hasty(Console):
    """A reader who does at once what is printed."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*objects, **options)
        if "Ctrl-C ends" in str(objects[0]):
            raise KeyboardInterrupt


def test_ctrl_c_may_be_pressed_while_it_is_read() -> None:
    with Hasty(file=io.StringIO()) as console, console.capture() as printed:
        run._stay(console, lambda: "never asked")
    assert printed.get().endswith("The service ends. The workstation lives on.\n")


def test_ctrl_c_that_comes_just_before_a_sleep_is_heard_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        # As Python does it: what was pending when the sleep began is raised when it is over.
        slept.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    run._stay(Console(file=io.StringIO()), lambda: "never asked")
    assert slept[0] <= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_service_and_leaves_the_workstation(
    number: signal.Signals, settings: Settings, started: Callable[..., subprocess.Popen[str]]
) -> None:
    process = started("run")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ctrl-C ends"):
            break
    secret = credentials(settings, "operator").secret
    arguments = " ".join(psutil.Process(process.pid).cmdline())
    assert secret not in arguments
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "The service ends. The workstation lives on." in output
    assert "Stop" not in (settings.home / "service.log").read_text()
    assert "Delete" not in (settings.home / "service.log").read_text()


def test_a_second_run_uses_the_service_that_runs(
    settings: Settings, started: Callable[..., subprocess.Popen[str]], soundstage: Command
) -> None:
    process = started("run")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ctrl-C ends"):
            break
    beside = soundstage("run", "--once")
    assert beside.returncode == 0
    assert "✓ Service (runs already)" in beside.stdout
    (link,) = re.findall(
        r"^  (http://localhost:\d+/sign-in\?link=\S+)$", beside.stdout, re.MULTILINE
    )
    assert link.partition("=")[2] not in (settings.home / "service.log").read_text()
    fresh = soundstage("open")
    assert fresh.stdout.startswith(f"http://localhost:{settings.port}/streams/")
    secret = credentials(settings, "operator").secret
    assert secret not in fresh.stdout + beside.stdout


def test_another_program_on_the_port_is_told(settings: Settings, soundstage: Command) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<p>Hello")

        def log_message(self, *given: Any) -> None:
            del given

    server = http.server.ThreadingHTTPServer(("127.0.0.1", settings.port), Other)
    threading.Thread(target=server.serve_forever).start()
    try:
        done = soundstage("run", "--once")
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 2
    assert "SOUNDSTAGE_PORT" in done.stderr
    assert "Address already in use" in done.stderr


def test_the_service_of_another_home_is_not_taken_for_ours(
    running: Settings, soundstage: Command
) -> None:
    done = soundstage("run", "--once", SOUNDSTAGE_PORT=str(running.port))
    assert done.returncode == 2
    assert f"the service at http://127.0.0.1:{running.port} has another home than" in done.stderr
    assert done.stderr.count("\n") == 1


def hang_up_on_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


def test_nothing_answers_on_a_free_or_silent_port(settings: Settings) -> None:
    assert not run._answers(settings)
    with socket.create_server(("127.0.0.1", settings.port)) as listener:
        threading.Thread(target=hang_up_on_one, args=(listener,)).start()
        assert not run._answers(settings)


class Keyboard:
    """A terminal at which somebody presses Enter some times and then ends the input."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self.lines -= 1
        return "\n" if self.lines >= 0 else ""


def test_enter_prints_a_fresh_address_and_a_stopped_workstation_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["http://one", None, "http://three"])

    def fresh() -> str:
        answer = next(answers)
        if answer is None:
            raise CallError("NotRunning", 0, "No workstation is running [/bold].")
        return answer

    monkeypatch.setattr("sys.stdin", Keyboard(3))
    run._stay(Console(), fresh)
    output = capsys.readouterr().out
    assert (
        output.index("http://one") < output.index("No workstation") < output.index("http://three")
    )
    assert output.rstrip().endswith("The service ends. The workstation lives on.")


def failing_step() -> None:
    with run._step(Console(), "Studio") as tell:
        tell("what the service says is no markup: [/bold]")
        raise CallError("Conflict", 409, "no")


def test_a_step_that_fails_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CallError):
        failing_step()
    assert "✗ Studio" in capsys.readouterr().out
