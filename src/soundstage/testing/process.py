"""The service as a process of its own, as a person starts it, which a test may kill at any moment.

Stories and crash tests use it; the benchmarks as well.
"""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Self

import psutil

_THROTTLED = ("READS", "WRITES", "FAILURES")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


class ServiceProcess:
    """`soundstage serve` over one home folder; a context manager that leaves nothing running."""

    def __init__(self, home: Path, **settings: str) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = int(free.getsockname()[1])
        self.home = home
        self.address = f"http://localhost:{self.port}"
        self.log = home / "serve.log"
        inherited = {key: os.environ[key] for key in ("PATH", "LANG", "HOME") if key in os.environ}
        self._variables = {
            **inherited,
            "SOUNDSTAGE_HOME": str(home),
            "SOUNDSTAGE_PORT": str(self.port),
            # Tests and benchmarks ask as fast as they can.
            **{f"SOUNDSTAGE_THROTTLE_{what}_PER_SECOND": "0" for what in _THROTTLED},
            **{f"SOUNDSTAGE_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *given: object) -> None:
        """End it, and all its workstations and their data."""
        self.stop()
        self.command("clean", "--data")

    @property
    def pid(self) -> int:
        """The running process's id."""
        if self._process is None:
            raise RuntimeError("The service does not run.")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                [*_PROGRAM, "serve"], env=self._variables, stdout=sink, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                how = f"The service did not start (exit status {self._process.poll()}):"
                raise RuntimeError(f"{how}\n{_last_words(self.log.read_text())}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(_STOP_SECONDS)
            self._process = None

    def stop(self) -> None:
        """End it kindly."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        finally:
            self.kill()

    def command(self, *arguments: str) -> str:
        """Run another command of `soundstage` on this home and give what it prints."""
        done = subprocess.run(
            [*_PROGRAM, *arguments],
            env=self._variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=90,
        )
        if done.returncode != 0:
            raise RuntimeError(f"soundstage {' '.join(arguments)}:\n{done.stderr[-4000:]}")
        return done.stdout

    def environment(self, user: str | None = None) -> dict[str, str]:
        """Read what `soundstage env` exports, as a shell would."""
        arguments = ["env"] if user is None else ["env", "--user", user]
        lines = self.command(*arguments).splitlines()
        words = [shlex.split(line) for line in lines]
        return dict(word.split("=", 1) for _, word in words)

    def workstation_processes(self) -> list[psutil.Process]:
        """Find every process of this home's workstations: what it holds open or sees mounted of
        the home gives it away, whatever it calls itself. What the service runs for itself, below
        it, is none: it ends with its work.
        """
        service = None if self._process is None else self._process.pid
        found = []
        for pid in psutil.pids():
            if pid in {os.getpid(), service} or not _touches(pid, str(self.home)):
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                is_service_s = any(parent.pid == service for parent in process.parents())
                if not is_service_s and process.name() not in _SERVICE_PROGRAMS:
                    found.append(process)
        return found

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/readyz", timeout=2
            ) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


_PROGRAM = [sys.executable, "-m", "soundstage.cli.main"]
_SERVICE_PROGRAMS = {"restic"}
"""What the service starts for itself, and what goes on for a moment where it was killed."""


def _last_words(log: str) -> str:
    """The end of a log; from where native code crashed on, which names every thread's place."""
    crash = log.rfind("Fatal Python error")
    return log[-4000:] if crash < 0 else log[crash:]


def _touches(pid: int, folder: str) -> bool:
    try:
        mounts = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="replace")
        handles = [str(handle.readlink()) for handle in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return f"{folder}/" in mounts or any(handle.startswith(f"{folder}/") for handle in handles)
