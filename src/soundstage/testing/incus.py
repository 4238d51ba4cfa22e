"""An Incus of one's own for as long as a block lasts, on a machine that may have no systemd.

The tests that are marked `incus` share one. It needs root, and the packages that
`make test-incus` installs; everything that it puts on the machine it takes away again.
"""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import Target
from soundstage.engines.interface import EngineError

POOL = "default"
_PROGRAMS = "/usr/libexec/incus:/usr/sbin:/usr/bin:/sbin:/bin"
_CONTAINERS = Path("/var/lib/lxcfs")
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
# What all instances have together counts as root's. Incus's package raises it where a system boots.
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_INSTANCES = 1024
_GROUPS = Path("/sys/fs/cgroup")
_PROJECTS = ("soundstage", "other")


class IncusDaemon:
    """One that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.directory = folder / "incus"
        self.socket = self.directory / "unix.socket"
        self.logs = folder / "logs"
        self._kernel = {path: path.read_text() for path in (_FORWARD, _INOTIFY)}
        self._lxcfs: subprocess.Popen[bytes] | None = None
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> Target:
        return Target(addresses=(str(self.socket),))

    def start(self, *, pool_size: str = "12GiB") -> None:
        """Begin it, and make a storage pool in a file."""
        for folder in (self.directory, self.logs, _CONTAINERS):
            folder.mkdir(parents=True, exist_ok=True)
        if int(self._kernel[_INOTIFY]) < _INOTIFY_INSTANCES:
            _INOTIFY.write_text(str(_INOTIFY_INSTANCES))
        # It is reached by users of workstations as well.
        self.folder.chmod(0o711)
        if not os.path.ismount(_CONTAINERS):
            self._lxcfs = self._begin(
                "lxcfs", "-f", "-l", "-p", f"{self.folder}/lxcfs.pid", str(_CONTAINERS)
            )
            _until(lambda: os.path.ismount(_CONTAINERS))
        self.start_daemon()
        pool = {"name": POOL, "driver": "btrfs", "config": {"size": pool_size}}
        with self.client("default") as client:
            client.ensure("/storage-pools", pool)

    def count_anew(self) -> None:
        """As the operator has it done: what Incus removes makes recent kernels lose count of who
        uses how much of a btrfs, and from then on they keep no volume to its size.
        """
        words = ["btrfs", "quota", "rescan", "-w", str(self.directory / "storage-pools" / POOL)]
        subprocess.run(words, check=True, capture_output=True)

    def start_daemon(self) -> None:
        """Begin the daemon alone, again where it was killed."""
        log = f"--logfile={self.logs}/incusd.log"
        self._daemon = self._begin("incusd", "--group", "root", log)
        self.incus("admin", "waitready", "--timeout=60")

    def kill_daemon(self) -> None:
        """As an accident would; instances go on."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def end_daemon(self) -> None:
        """Kindly, instances included."""
        if self._daemon is not None:
            with suppress(AssertionError):
                self.incus("admin", "shutdown", "--timeout=30")
            _end(self._daemon)

    def import_image(self, folder: Path, alias: str) -> None:
        """Take over what `soundstage image build --output` wrote."""
        files = [str(folder / name) for name in ("metadata.tar.xz", "rootfs.tar.zst")]
        self.incus("image", "import", *files, "--alias", alias)

    def fingerprint(self, alias: str) -> str:
        with self.client("default") as client:
            return str(client.get(f"/images/aliases/{alias}")["target"])

    @contextmanager
    def client(self, project: str = "soundstage") -> Iterator[Client]:
        made = Client(self.target, project)
        try:
            yield made
        finally:
            made.close()

    def incus(self, *words: str) -> str:
        """Run Incus's own command line."""
        done = subprocess.run(
            ["incus", *words], env=self._environment(), capture_output=True, check=False
        )
        if done.returncode != 0:
            raise AssertionError(f"incus {words}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def volume(self, name: str, project: str = "soundstage") -> Path:
        """Where a volume's files are on this machine."""
        return self.directory / "storage-pools" / POOL / "custom" / f"{project}_{name}"

    def close(self) -> None:
        """Take away everything that it put on this machine."""
        with suppress(EngineError, AssertionError):
            self.empty()
        self.end_daemon()
        if self._lxcfs is not None:
            _end(self._lxcfs)
            subprocess.run(["umount", "-q", str(_CONTAINERS)], check=False, capture_output=True)
        for mount in reversed(_mounts_below(self.folder)):
            subprocess.run(["umount", "-q", "-l", mount], check=False, capture_output=True)
        for family in ("inet", "bridge"):
            words = ["nft", "delete", "table", family, "incus"]
            subprocess.run(words, check=False, capture_output=True)
        for path, before in self._kernel.items():
            path.write_text(before)
        for group in [*_GROUPS.glob("lxc.*"), *_GROUPS.glob("*/lxc.*")]:
            with suppress(OSError):
                group.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)

    def empty(self) -> None:
        """Networks and pools stay behind a daemon that ends."""
        for project in _PROJECTS:
            with self.client(project) as client:
                if client.find(f"/projects/{project}") is None:
                    continue
                for each in client.get("/instances", {"recursion": "1"}):
                    self.incus("delete", "-f", each["name"], "--project", project)
                for each in client.get(f"/storage-pools/{POOL}/volumes/custom", {"recursion": "1"}):
                    client.ensure_absent(f"/storage-pools/{POOL}/volumes/custom/{each['name']}")
                client.ensure_absent(f"/projects/{project}")
        with self.client("default") as client:
            for each in client.get("/images", {"recursion": "1"}):
                client.ensure_absent(f"/images/{each['fingerprint']}")
            for each in client.get("/networks", {"recursion": "1"}):
                if each["managed"]:
                    client.ensure_absent(f"/networks/{each['name']}")
            for each in client.get("/network-acls", {"recursion": "1"}):
                client.ensure_absent(f"/network-acls/{each['name']}")
            client.ensure_absent(f"/storage-pools/{POOL}")

    def _begin(self, *words: str) -> subprocess.Popen[bytes]:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with (self.logs / f"{words[0]}.out").open("ab") as log:
            return subprocess.Popen(
                ["prlimit", f"--nofile={limit}:{limit}", *words],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        return {"INCUS_DIR": str(self.directory), "PATH": _PROGRAMS, "HOME": str(self.folder)}


@contextmanager
def running_incus(image: Path | None = None) -> Iterator[IncusDaemon]:
    """Have one, with an image called `workstation` if a folder with one is given."""
    if os.geteuid() != 0:
        raise RuntimeError("These tests start a daemon that must be root: sudo make test-incus")
    # Paths of sockets are short.
    daemon = IncusDaemon(Path(tempfile.mkdtemp(prefix="soundstage-incus-", dir="/tmp")))
    try:
        daemon.start()
        if image is not None:
            daemon.import_image(image, "workstation")
            # As the first studio's profile calls it.
            daemon.incus("image", "alias", "create", "ami-host", daemon.fingerprint("workstation"))
        yield daemon
    finally:
        daemon.close()


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [path for line in lines if (path := line.split()[1]).startswith(f"{folder}/")]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _until(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise AssertionError("it did not come up")
        time.sleep(0.02)
