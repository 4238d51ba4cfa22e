"""Three members of one Incus, each in a network of its own on this machine.

The tests that are marked `incus` and need a cluster share one. A member sees the machine's file
systems, but has its own mounts, its own name and one wire to a bridge, by which this machine and
the other members reach it: so a member can be killed, or its wire cut, as hosts are in earnest.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from soundstage.engines.incus.connection import Target
from soundstage.engines.interface import EngineError
from soundstage.kit import pinned
from soundstage.testing.incus import POOL, IncusDaemon

_BRIDGE = "sstest0"
_NETWORK = "10.88.0"
_GATEWAY = f"{_NETWORK}.254"
_PORT = 8443
SILENT_SECONDS = 12
"""For so long a member says nothing before the others take it for lost; Incus's own choice is 20,
its least 11.
"""
_LEFT_BYTES = 64 * 1024**2
_LEADS = "database-leader"
# Limits are kept by control groups as the machine has them mounted; a new /sys would hide those.
_INNER = """\
set -e
mount --make-rprivate /
hostname "$2"
mkdir -p "$1/groups"
mount --rbind /sys/fs/cgroup "$1/groups"
mount -t sysfs sysfs /sys
mount --rbind "$1/groups" /sys/fs/cgroup
umount -R -l "$1/groups"
shift 2
exec "$@"
"""


class Member(IncusDaemon):
    """One that runs."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(folder)
        self.name = f"n{number}"
        self.space = f"sstest{number}"
        self.wire = f"sswire{number}"
        self.address = f"{_NETWORK}.{10 + number}"

    def plug_in(self) -> None:
        """Give it a network with one wire to the bridge."""
        _ip("netns", "add", self.space)
        peer = ("type", "veth", "peer", "name", "up0", "netns", self.space)
        _ip("link", "add", self.wire, *peer)
        _ip("link", "set", self.wire, "master", _BRIDGE, "up")
        inside = ("-n", self.space)
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "addr", "add", f"{self.address}/24", "dev", "up0")
        _ip(*inside, "link", "set", "up0", "up")
        _ip(*inside, "route", "add", "default", "via", _GATEWAY)

    def start_alone(self) -> None:
        """Begin its daemon; it is no member yet."""
        for folder in (self.directory, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.start_daemon()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Have no daemon for as long as the block lasts; instances go on."""
        self.kill_daemon()
        try:
            yield
        finally:
            self.start_daemon()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Have the wire out for as long as the block lasts."""
        _ip("link", "set", self.wire, "down")
        try:
            yield
        finally:
            _ip("link", "set", self.wire, "up")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Have no room in its storage pool for as long as the block lasts."""
        assert self._daemon is not None  # noqa: S101 -- it has been started.
        # Its pool is mounted where only it and who is with it see it.
        pool = f"/proc/{self._daemon.pid}/root{self.directory}/storage-pools/{POOL}"
        if not os.path.ismount(pool):
            raise AssertionError(f"{self.name} has no pool of its own")
        filling = Path(pool) / "filling"
        with filling.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(pool).free - _LEFT_BYTES)
        # It counts what is used when it has written that down.
        sync = ["btrfs", "filesystem", "sync", pool]
        subprocess.run(sync, check=True, capture_output=True)
        try:
            yield
        finally:
            filling.unlink()
            subprocess.run(sync, check=True, capture_output=True)

    def preseed(self, text: str) -> str:
        """Have it set up as a file says."""
        done = subprocess.run(
            ["incus", "admin", "init", "--preseed"],
            env=self._environment(),
            input=text.encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{self.name}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def close(self) -> None:
        """End it as an accident would, and its network: what it keeps is not needed any more, and
        its mounts go with its last process.
        """
        self.kill_daemon()
        self._end_all_inside()
        subprocess.run(["ip", "netns", "del", self.space], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.wire], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_all_inside(self) -> None:
        """What serves its bridge, and instances that outlived a killed daemon."""
        done = subprocess.run(["ip", "netns", "pids", self.space], check=False, capture_output=True)
        for pid in map(int, done.stdout.split()):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                for each in (*process.children(recursive=True), process):
                    with suppress(psutil.NoSuchProcess):
                        each.kill()

    def _begin(self, *words: str) -> subprocess.Popen[bytes]:
        if words[0] != "incusd":
            return super()._begin(*words)
        inside = ["nsenter", f"--net=/run/netns/{self.space}", "unshare", "--mount", "--uts"]
        inside += ["bash", "-c", _INNER, "member", str(self.folder), self.name]
        return super()._begin(*inside, *words)


class Cluster:
    """Its members."""

    def __init__(self, folder: Path, first: IncusDaemon, number: int = 3) -> None:
        self.folder = folder
        self.members = [Member(folder / f"n{each}", each) for each in range(1, number + 1)]
        # What hosts share on one machine, containers' view of their limits, is another's to begin.
        self._lender = first
        self._identity = pinned.identity(folder)

    @property
    def target(self) -> Target:
        """All members, by the network, as a service on another machine reaches them."""
        return Target(
            addresses=tuple(f"https://{member.address}:{_PORT}" for member in self.members),
            certificate=self._identity.certificate,
            key=self._identity.key,
            server_certificate=self.members[0].directory / "cluster.crt",
        )

    def leader(self) -> Member:
        """The one that orders what the others write."""
        for member in self.members:
            with suppress(EngineError), member.client("default") as client:
                told = client.get("/cluster/members", {"recursion": "1"})
                leads = {each["server_name"] for each in told if _LEADS in each["roles"]}
                return next(each for each in self.members if each.name in leads)
        raise AssertionError("no member answers")

    def start(self) -> None:
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{_GATEWAY}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        for member in self.members:
            member.folder.mkdir()
            member.plug_in()
        first, *others = self.members
        first.start_alone()
        first.preseed(
            f"config: {{core.https_address: '{first.address}:{_PORT}'}}\n"
            f"cluster: {{server_name: {first.name}, enabled: true}}\n"
            f"storage_pools: [{{name: {POOL}, driver: btrfs, config: {{size: 5GiB}}}}]\n"
        )
        first.incus("config", "trust", "add-certificate", str(self._identity.certificate))
        for member in others:
            self.join(member)
        # Told before it is a cluster, Incus (6.0.4) breaks off.
        first.incus("config", "set", "cluster.offline_threshold", f"{SILENT_SECONDS}")

    def add(self) -> Member:
        """One more."""
        number = len(self.members) + 1
        member = Member(self.folder / f"n{number}", number)
        self.members.append(member)
        member.folder.mkdir()
        member.plug_in()
        self.join(member)
        return member

    def join(self, member: Member) -> None:
        """Make it a member."""
        member.start_alone()
        token = self.members[0].incus("cluster", "add", member.name, "-q").split()[-1]
        member.preseed(
            "cluster:\n"
            "  enabled: true\n"
            f"  server_name: {member.name}\n"
            f"  server_address: {member.address}:{_PORT}\n"
            f"  cluster_token: {token}\n"
            "  member_config:\n"
            f"  - {{entity: storage-pool, name: {POOL}, key: size, value: 5GiB}}\n"
        )

    def close(self) -> None:
        """Take away everything that it put on this machine. Asked kindly, the last members wait for
        those that have gone: that took a minute.
        """
        for member in self.members:
            member.kill_daemon()
        for member in self.members:
            member.close()
        subprocess.run(["ip", "link", "del", _BRIDGE], check=False, capture_output=True)


@contextmanager
def running_cluster(first: IncusDaemon, image: Path) -> Iterator[Cluster]:
    """Have three members, with an image called `workstation`; `first` lends what they share."""
    folder = Path(tempfile.mkdtemp(prefix="soundstage-cluster-", dir="/tmp"))
    folder.chmod(0o711)
    cluster = Cluster(folder, first)
    try:
        cluster.start()
        cluster.members[0].import_image(image, "workstation")
        yield cluster
    finally:
        cluster.close()
        with suppress(OSError):
            shutil.rmtree(folder)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
