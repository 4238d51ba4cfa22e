"""The same desktop as a workstation's on Incus, by Incus's own commands and without Soundstage.

`incus launch`, then the programs and the plan that the engine gives to an instance, put in and
begun the same way. What is left out is everything around it: service, database, limits, a network
rule, a home of its own unless one is asked for. `bench.incus` uses it.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from soundstage.engines.incus import bundle
from soundstage.engines.interface import Spec, Volume
from soundstage.kit import pinned
from soundstage.testing.incus import POOL, IncusDaemon

NETWORK = "byhand"
_HOME_GIB = 10


def make_network(daemon: IncusDaemon) -> None:
    """Make the bridge that all of them are on."""
    daemon.incus("network", "create", NETWORK, "ipv4.address=10.79.0.1/24", "ipv6.address=none")


class HandmadeContainer:
    """One desktop; a context manager that ends it and removes all of its."""

    def __init__(self, daemon: IncusDaemon, name: str) -> None:
        self.name = name
        self._daemon = daemon
        self._folder = Path(tempfile.mkdtemp(prefix="soundstage-bench-"))
        # The proxy's listener is made by a user of Incus's.
        self._folder.chmod(0o711)
        self.socket = self._folder / "s.sock"
        self._export = self._folder / "home.tar"
        self._homes: list[str] = []

    def __enter__(self) -> Self:
        """Give itself, not started yet."""
        return self

    def __exit__(self, *given: object) -> None:
        """End it."""
        self._daemon.incus("delete", "-f", self.name)
        for home in self._homes:
            self._daemon.incus("storage", "volume", "delete", POOL, home)
        shutil.rmtree(self._folder)

    def launch(self) -> None:
        """Make the instance and start it."""
        self._daemon.incus("launch", "workstation", self.name, "-n", NETWORK, "-s", POOL)

    def give_home(self) -> None:
        """Lay a volume of its own under the home of a stopped or running instance."""
        home = f"home-{self.name}"
        about = ("initial.uid=1000", "initial.gid=1000", "initial.mode=0700")
        words = ("storage", "volume", "create", POOL, home, f"size={_HOME_GIB}GiB")
        self._daemon.incus(*words, *about, "security.shifted=true")
        self._homes.append(home)
        self._mount(home)

    def begin_desktop(self) -> None:
        """Put the programs in, begin the desktop, and wait until it answers."""
        self._daemon.incus("exec", self.name, "--", "sh", "-c", bundle.PREPARE)
        packed = self._folder / "bundle.tar"
        packed.write_bytes(_bundle())
        self._daemon.incus("file", "push", "-q", str(packed), f"{self.name}{bundle.BUNDLE}")
        self._daemon.incus("exec", self.name, "--", "sh", "-c", bundle.BEGIN)
        said = self._daemon.incus("exec", self.name, "--", *bundle.ask("wait"))
        if '"ready": true' not in said:
            raise RuntimeError(f"the desktop did not start: {said}")

    def open_door(self) -> None:
        """Let the stream's socket be reached on this host."""
        self._daemon.incus(
            *("config", "device", "add", self.name, "door", "proxy"),
            *(f"listen=unix:{self.socket}", "connect=unix:/run/stream/s.sock", "mode=0600"),
        )

    def stop(self) -> None:
        """Stop the instance kindly."""
        self._daemon.incus("stop", self.name, "--timeout", "10")

    def make_repository(self) -> None:
        """Make a place for backups that are encrypted, checked, and stored but once."""
        self._restic("init")

    def keep_home(self) -> None:
        """Export the home's volume, and put that into the repository."""
        exported = ("storage", "volume", "export", POOL, self._homes[-1], str(self._export))
        self._daemon.incus(*exported, "--compression", "none")
        self._restic("backup", "--quiet", str(self._export))
        self._export.unlink()

    def bring_home_back(self) -> None:
        """Make a volume of the newest backup and lay it under the home instead of the old one."""
        self._restic("restore", "latest", "--target", "/", "--include", str(self._export))
        home = f"home-{self.name}-{len(self._homes)}"
        self._daemon.incus("storage", "volume", "import", POOL, str(self._export), home)
        self._export.unlink()
        self._daemon.incus("config", "device", "remove", self.name, "home")
        self._homes.append(home)
        self._mount(home)

    def make_anew(self) -> None:
        """Give the stopped instance its system as the image has it."""
        self._daemon.incus("rebuild", "workstation", self.name)

    def start(self) -> None:
        """Start the stopped instance."""
        self._daemon.incus("start", self.name)

    def home(self) -> Path:
        """Find the files of its home on this host."""
        return self._daemon.volume(self._homes[-1], "default")

    def _restic(self, *words: str) -> None:
        place = {"RESTIC_REPOSITORY": str(self._folder / "backups"), "RESTIC_PASSWORD": self.name}
        environment = {**os.environ, **place}
        subprocess.run(
            ["restic", "--no-cache", *words], env=environment, check=True, capture_output=True
        )

    def _mount(self, home: str) -> None:
        words = ("config", "device", "add", self.name, "home", "disk", f"pool={POOL}")
        self._daemon.incus(*words, f"source={home}", "path=/home/artist")


def _bundle() -> bytes:
    spec = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume())
    gateway, _ = pinned.make("nobody")
    return bundle.pack(spec, frames_per_second=30, gateway=gateway)
