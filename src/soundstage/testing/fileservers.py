"""An NFS and an SMB server on a machine of their own, as far as the network goes.

For tests in the guest of `kernel.py`: both run in a network namespace, so a server can be gone as
one whose cable was pulled is: nothing is refused, nothing answers.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soundstage.testing.kernel import GUEST

ADDRESS = "10.99.0.2"
_OURS = "10.99.0.1"
_NAME = "servers"
_THERE = ("nsenter", f"--net=/run/netns/{_NAME}", "--")
USER = "daemon"
"""Who the server's files belong to, and by whose name SMB is asked."""
PASSWORD = "open, 'sesame'"  # noqa: S105 -- of a server that lives for minutes.
_COMES_UP_WITHIN = 60
_SMB_PORT = 445

_SMB = """\
[global]
server role = standalone server
{network}smb ports = {port}
passdb backend = tdbsam:{place}/passdb.tdb
lock directory = {place}
state directory = {place}
cache directory = {place}
pid directory = {place}
private dir = {place}
ncalrpc dir = {place}/rpc
log file = {place}/log
load printers = no
disable spoolss = yes
[films]
path = {share}
read only = no
"""


def configure_smb(place: Path, share: Path, *, user: str, port: int, network: str = "") -> Path:
    """Write what `smbd -s` reads for a server of one share, `films`, and let `user` in by
    `PASSWORD`. Its own files are in `place`; `network` are more lines about where it listens.
    """
    configuration = place / "smb.conf"
    configuration.write_text(_SMB.format(place=place, share=share, port=port, network=network))
    words = ["smbpasswd", "-c", str(configuration), "-a", "-s", user]
    _run(*words, said=f"{PASSWORD}\n{PASSWORD}\n".encode())
    return configuration


class FileServers:
    """Two that run, over one folder each."""

    def __init__(self, folder: Path) -> None:
        self.nfs, self.smb = folder / "nfs", folder / "smb"
        self._place = folder / "samba"
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for share in (self.nfs, self.smb):
            share.mkdir(parents=True)
            shutil.chown(share, USER, USER)
        self._place.mkdir()
        _run("ip", "netns", "add", _NAME)
        _run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "far", "netns", _NAME)
        _run("ip", "address", "add", f"{_OURS}/24", "dev", "cable")
        _run("ip", "link", "set", "cable", "up")
        self._there("ip", "link", "set", "lo", "up")
        self._there("ip", "address", "add", f"{ADDRESS}/24", "dev", "far")
        self._there("ip", "link", "set", "far", "up")
        self._serve_nfs()
        self._serve_smb()

    def _serve_nfs(self) -> None:
        # Version 4 needs neither the port mapper nor a lock daemon. The folder is the top of all
        # that is exported, for what is above it in a guest can not be.
        Path("/etc/exports").write_text(
            f"{self.nfs} *(rw,fsid=0,all_squash,anonuid=1,anongid=1,no_subtree_check)\n"
        )
        for folder in ("/var/lib/nfs/v4recovery", "/run/rpc_pipefs"):
            Path(folder).mkdir(parents=True, exist_ok=True)
        _run("modprobe", "nfsd")
        # What is mounted is that network's, which `ip netns exec` would forget again.
        self._there("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
        self._there("exportfs", "-ra")
        self._begin("rpc.mountd", "--foreground", "--no-nfs-version", "3")
        self._there("rpc.nfsd", "--no-nfs-version", "3", "--grace-time", "1", "4")

    def _serve_smb(self) -> None:
        network = "disable netbios = yes\n"
        configuration = configure_smb(
            self._place, self.smb, user=USER, port=_SMB_PORT, network=network
        )
        self._begin("smbd", "-F", "--no-process-group", "-s", str(configuration))
        deadline = time.monotonic() + _COMES_UP_WITHIN
        while not self._listens(_SMB_PORT):
            if time.monotonic() > deadline:
                raise AssertionError((self._place / "log").read_text())
            time.sleep(0.1)

    def _listens(self, port: int) -> bool:
        return bool(self._there("ss", "-Hltn", f"sport = :{port}"))

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Nothing reaches them, nor comes from them, within the block."""
        self._there("ip", "link", "set", "far", "down")
        try:
            yield
        finally:
            self._there("ip", "link", "set", "far", "up")

    def close(self) -> None:
        self._there("rpc.nfsd", "0")
        for process in self._processes:
            process.terminate()
            process.wait(30)
        _run("ip", "netns", "delete", _NAME)

    def _there(self, *words: str) -> bytes:
        return _run(*_THERE, *words)

    def _begin(self, *words: str) -> None:
        with (self._place / f"{words[0]}.out").open("ab") as log:
            process = subprocess.Popen(
                [*_THERE, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)


@contextmanager
def running_servers(folder: Path) -> Iterator[FileServers]:
    if not GUEST.exists():
        raise RuntimeError("These servers change a machine's settings: make test-kernel")
    servers = FileServers(folder)
    servers.start()
    try:
        yield servers
    finally:
        servers.close()


def _run(*words: str, said: bytes = b"") -> bytes:
    done = subprocess.run(words, input=said, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stderr.decode(errors='replace')}")
    return done.stdout
