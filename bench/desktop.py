"""The same desktop as a workstation's, started by hand: one bubblewrap line and no Soundstage.

The line is the one that the sandbox engine draws, so that both sides of a comparison run the same
programs behind the same walls. What is left out is everything around it: service, database,
supervisor, limits, a user of its own. `start` and `stream` use it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from soundstage.engines.interface import Spec, Volume
from soundstage.engines.sandbox.host.cgroups import Groups
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.sandbox.keeping.records import Record
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.sandbox.walls.plan import supervisor_plan
from soundstage.engines.telling import STREAM_SOCKET

STREAM_ENVIRONMENT = Path(__file__).parents[1] / ".venv-stream"
_END_SECONDS = 10.0


class HandmadeDesktop:
    """One desktop; a context manager that ends it and removes its files."""

    def __init__(self, *, frames_per_second: int = 30) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="soundstage-bench-"))
        self.home = self.folder / "volume" / "home"
        self.sockets = self.folder / "stream"
        self.socket = self.sockets / STREAM_SOCKET
        self._frames_per_second = frames_per_second
        scratch = self.folder / "volume" / "scratch"
        for place in (self.home, self.sockets, scratch / "tmp", scratch / "var-tmp"):
            place.mkdir(mode=0o700, parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._steps, self._command = -1, -1

    def __enter__(self) -> Self:
        """Give itself, not started yet."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it."""
        if self._process is not None:
            os.close(self._command)
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGKILL)
                self._process.wait()
            os.close(self._steps)
        shutil.rmtree(self.folder)

    @property
    def pid(self) -> int:
        """Bubblewrap's own process, from which all of the desktop descends."""
        if self._process is None:
            raise RuntimeError("the desktop was not started")
        return self._process.pid

    def start(self) -> None:
        """Start bubblewrap and wait until the desktop says that it is ready."""
        document = self._plan()
        self._steps, steps = os.pipe()
        command, self._command = os.pipe()
        seccomp = _file(bytes.fromhex(document["seccomp"]))
        status = os.open(os.devnull, os.O_WRONLY)
        fds = {"steps": steps, "command": command, "results": os.dup(status)}
        # Nobody has scripts to run here.
        fds |= {"root": _file(b""), "artist": _file(b"")}
        blanks = {
            "\0status": status,
            "\0seccomp": seccomp,
            **{f"\0data:{name}": _file(text.encode()) for name, text in document["data"].items()},
        }
        places = {name: str(number) for name, number in blanks.items()}
        places["\0groups"] = ""
        places["\0fds"] = " ".join(f"{name}={number}" for name, number in fds.items())
        places |= {f"\0bind:{at}": source for at, source in enumerate(document["binds"])}
        # It has no groups.
        places["\0groups"] = ""
        arguments = [places.get(word, word) for word in document["arguments"]]
        with (self.folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [document["program"], *arguments, "--", *document["command"]],
                pass_fds=(*fds.values(), *blanks.values()),
                stdin=subprocess.DEVNULL,
                stderr=errors,
            )
        for number in (*fds.values(), *blanks.values()):
            os.close(number)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        said = b""
        while not any(line.startswith(b"ready") for line in said.splitlines()):
            piece = os.read(self._steps, 4096)
            if not piece:
                why = (self.folder / "errors").read_text()
                raise RuntimeError(f"the desktop did not start: {said.decode()} {why}")
            said += piece

    def _plan(self) -> dict[str, Any]:
        spec = Spec(
            image="ami-host",
            instance_type="g4dn.xlarge",
            volume=Volume(generation=0, backup_id=None, size_gib=1, iops=0, throughput_mib=0),
        )
        record = Record(
            uid=os.geteuid(),
            spec=spec,
            wanted="running",
            asked_at=time.time(),
            machine_id="0" * 32,
        )
        settings = SandboxSettings(
            home=self.folder,
            stream_environment=STREAM_ENVIRONMENT,
            frames_per_second=self._frames_per_second,
        )
        return supervisor_plan(
            settings,
            record,
            spec,
            directory=self.folder,
            volume=self.folder / "volume",
            cgroups=Groups(),
            as_root=False,
            ids=None,
            gpus=Assignment(),
        )


def _file(content: bytes) -> int:
    """Make a descriptor that holds this and is read from its beginning."""
    descriptor = os.memfd_create("bench")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
