"""A bucket for tests: moto's server in an environment of its own, on loopback."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soundstage.testing.clients import ensure_moto

_PROGRAM = (
    "import sys, time\n"
    "from moto.server import ThreadedMotoServer\n"
    "server = ThreadedMotoServer(ip_address='127.0.0.1', port=int(sys.argv[1]), verbose=False)\n"
    "server.start()\n"
    "print('ready', flush=True)\n"
    "sys.stdin.read()\n"
)


class Bucket:
    """A store that can be switched off; what was in it is then gone with it."""

    def __init__(self, repository: Path) -> None:
        self._python = ensure_moto(repository)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def setting(self) -> str:
        """The address as the service's settings want it."""
        return f"s3:http://127.0.0.1:{self.port}/bucket/studio"

    def start(self) -> None:
        """Serve at the port."""
        self._process = subprocess.Popen(
            [self._python, "-c", _PROGRAM, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self._process.stdout is None or self._process.stdout.readline() != b"ready\n":
            raise RuntimeError("moto's server did not start")

    def stop(self) -> None:
        """Serve no more."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def bucket(repository: Path) -> Iterator[Bucket]:
    """Serve a bucket while the block lasts."""
    made = Bucket(repository)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def credentials(folder: Path) -> Path:
    """Write the file that opens the bucket."""
    path = folder / "credentials"
    path.touch(mode=0o600)
    path.write_text("# made up\nAWS_ACCESS_KEY_ID=made-up\nAWS_SECRET_ACCESS_KEY=made-up-secret\n")
    return path
