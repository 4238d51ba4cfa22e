"""The other way to a desktop in a browser: TigerVNC's X server and websockify, started by hand.

It shows the same window manager, panel and background as a workstation. A forwarder opens a unix
socket for websockify that is named as our stream server's, so that our gateway relays both alike;
its processor time is not counted as the session's. `stream` uses it.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from bench.browser import until
from bench.processes import started
from soundstage.engines.sandbox.walls.plan import DESKTOP
from soundstage.engines.telling import STREAM_SOCKET


class VncDesktop:
    """One desktop; a context manager that ends it and removes its files."""

    def __init__(self, width: int, height: int) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="soundstage-bench-"))
        self.sockets = self.home / "sockets"
        self.sockets.mkdir(mode=0o700)
        self._size = f"{width}x{height}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._forwarding = ExitStack()
        self._environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "LANG": "C.UTF-8",
        }

    def __enter__(self) -> Self:
        """Give itself, not started yet."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it, the X server last."""
        self._forwarding.close()
        for process in self._processes[::-1]:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.home)

    @property
    def pids(self) -> list[int]:
        """Its programs, from which all others descend."""
        return [process.pid for process in self._processes if process.poll() is None]

    def start(self) -> None:
        """Start everything and wait for the X server."""
        rfb = self.home / "rfb.sock"
        self._start_display(rfb)
        self.run("openbox", "--config-file", str(DESKTOP / "openbox.xml"))
        picture = self.home / "wallpaper.ppm"
        subprocess.run([sys.executable, str(DESKTOP / "wallpaper.py"), picture], check=True)
        self.run("hsetroot", "-cover", str(picture))
        self.run("tint2", "-c", str(DESKTOP / "tint2rc"))
        until("TigerVNC's socket", rfb.exists)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # In inetd mode it takes over a socket that listens.
            self.run("websockify", "--inetd", f"--unix-target={rfb}", stdin=listener.fileno())
            port = str(listener.getsockname()[1])
        self._forwarding.enter_context(
            started("bench.forward", str(self.sockets / STREAM_SOCKET), port)
        )

    def run(self, *command: str, stdin: int = subprocess.DEVNULL) -> None:
        """Start a program on this desktop."""
        with (self.home / "log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command, env=self._environment, stdin=stdin, stdout=log, stderr=log
                )
            )

    def _start_display(self, rfb: Path) -> None:
        told, tell = os.pipe()
        with (self.home / "log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [
                        "Xtigervnc", "-displayfd", str(tell), "-geometry", self._size,
                        "-depth", "24", "-SecurityTypes", "None", "-rfbunixpath", str(rfb),
                        "-rfbport", "-1", "-nolisten", "tcp", "-s", "0", "-noreset",
                    ],
                    env=self._environment,
                    pass_fds=(tell,),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )  # fmt: skip
        os.close(tell)
        with os.fdopen(told) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError(f"TigerVNC did not start: {(self.home / 'log').read_text()}")
        self._environment["DISPLAY"] = f":{number}"
