"""Real workstations for tests: started, entered, ended, and looked at for left-overs.

Used by the tests of the sandbox engine and of what stands on it.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from soundstage.engines.images.catalogue import catalogue
from soundstage.engines.interface import Observed, Phase, RetryableError, Spec, Volume
from soundstage.engines.sandbox.engine import SandboxEngine
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.shares import SharedFolder
from soundstage.kit.places import open_place

# Runs inside the workstation, begun by the artist's own start script: one JSON list of words a
# connection, answered with the code and all output of that command.
_REMOTE = """
import json, os, socket, subprocess
place = "/run/stream/shell.sock"
server = socket.socket(socket.AF_UNIX)
server.bind(place)
server.listen()
while True:
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as lines:
        words = json.loads(lines.readline())
        try:
            done = subprocess.run(words, capture_output=True, timeout=20)
            answer = [done.returncode, (done.stdout + done.stderr).decode(errors="replace")]
        except (OSError, subprocess.TimeoutExpired) as error:
            answer = [127, str(error)]
        lines.write(json.dumps(answer).encode() + b"\\n")
"""


class Workbench:
    """An engine over a folder, and the workstations that a test made with it."""

    def __init__(
        self,
        home: Path,
        stream_environment: Path,
        isolation: Literal["bubblewrap", "none"] = "bubblewrap",
        shared_folders: list[SharedFolder] | None = None,
        images: dict[str, str] | None = None,
    ) -> None:
        self.settings = SandboxSettings(
            home=home,
            stream_environment=stream_environment,
            isolation=isolation,
            shared_folders=shared_folders or [],
            images=catalogue(images or {}),
        )
        self.engine = SandboxEngine(self.settings)
        self.made: dict[str, Spec] = {}

    def spec(self, *, attempt: int = 0, **facts: object) -> Spec:
        known = {"image": "ami-host", "instance_type": "g4dn.xlarge", "volume": Volume()}
        return Spec(attempt=attempt, **{**known, **facts})  # type: ignore[arg-type]

    def wait(
        self, ref: str, *phases: Phase, act: Callable[[], None] | None = None, seconds: float = 30
    ) -> Observed:
        deadline = time.monotonic() + seconds
        while True:
            try:
                observed = self.engine.observe(ref)
                if observed.phase in phases:
                    return observed
                if act is not None:
                    act()
            except RetryableError:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"not {phases} in {seconds} s but {self.engine.observe(ref)}")
            time.sleep(0.01)

    def start(self, ref: str | None = None, **facts: object) -> str:
        ref = ref or secrets.token_urlsafe(16)
        before = self.made.get(ref)
        attempt = 0 if before is None else before.attempt + 1
        spec = self.made[ref] = self.spec(attempt=attempt, **facts)

        def decided() -> bool:
            observed = self.engine.observe(ref)
            return observed.attempt == attempt and observed.phase in {Phase.RUNNING, Phase.FAILED}

        deadline = time.monotonic() + 60
        while not decided():
            self.engine.ensure_running(ref, spec)
            if time.monotonic() > deadline:
                raise AssertionError(f"did not start: {self.engine.observe(ref)}")
            time.sleep(0.03)
        observed = self.engine.observe(ref)
        if observed.phase is not Phase.RUNNING:
            raise AssertionError(observed.detail)
        return ref

    def stop(self, ref: str) -> Observed:
        return self.wait(ref, Phase.STOPPED, act=lambda: self.engine.ensure_stopped(ref))

    def remove(self, ref: str) -> None:
        self.wait(ref, Phase.ABSENT, act=lambda: self.engine.ensure_absent(ref))

    def start_with_shell(self, **facts: object) -> str:
        """Start one that `inside` works in; it takes a stop and another start to lay that out."""
        ref = self.start(None, **facts)
        self.stop(ref)
        self.lay_out(ref, ".config/openbox/autostart", "exec /usr/bin/python3 ~/remote.py\n")
        self.lay_out(ref, "remote.py", _REMOTE)
        self.start(ref, **facts)
        deadline = time.monotonic() + 20
        while not (self.directory(ref) / "stream" / "shell.sock").exists():
            if time.monotonic() > deadline:
                raise AssertionError("the shell inside did not start")
            time.sleep(0.01)
        return ref

    def lay_out(self, ref: str, name: str, content: str) -> None:
        """Write a file into the home, as the artist would have."""
        path = self.home(ref) / name
        owner = self.home(ref).stat()
        for folder in (path.parent.parent, path.parent):
            if not folder.exists():
                folder.mkdir()
                os.chown(folder, owner.st_uid, owner.st_gid)
        path.write_text(content)
        os.chown(path, owner.st_uid, owner.st_gid)

    def inside(self, ref: str, *words: str) -> tuple[int, str]:
        """Run a command as the artist; its code and all its output."""
        address = self.engine.observe(ref).address
        if address is None:
            raise AssertionError("it does not run")
        with open_place(address.place, "shell.sock", timeout=30) as connection:
            connection.sendall(json.dumps(words).encode() + b"\n")
            with connection.makefile("rb") as lines:
                code, output = json.loads(lines.readline())
        return code, output

    def asked(self, ref: str, path: str) -> bytes:
        """What the stream server answers to a GET."""
        address = self.engine.observe(ref).address
        if address is None:
            raise AssertionError("it does not run")
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with open_place(address.place, address.name, timeout=20) as connection:
            connection.sendall(request.encode())
            return _all(connection).split(b"\r\n\r\n", 1)[1]

    def home(self, ref: str) -> Path:
        return self.settings.home / "volumes" / ref / "0" / "home"

    def directory(self, ref: str) -> Path:
        return self.settings.workstations / ref

    def supervisor(self, ref: str) -> int:
        status = json.loads((self.directory(ref) / "status.json").read_text())
        return int(status["pid"])

    def processes(self, ref: str) -> list[int]:
        """The supervisor and all below it."""
        found = [self.supervisor(ref)]
        for pid in found:
            try:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except OSError:
                continue
            found += [int(child) for child in children.split()]
        return found

    def close(self) -> list[str]:
        """End everything; names what is left over all the same."""
        for ref in sorted(self.engine.refs() | set(self.made)):
            self.remove(ref)
        home = str(self.settings.home)
        left = [f"workstation {ref}" for ref in self.engine.refs()]
        left += [line for line in Path("/proc/mounts").read_text().splitlines() if home in line]
        return left


def _all(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)
