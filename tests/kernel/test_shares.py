"""NFS and SMB as the kernel mounts them, with the words that a workstation's share is told in."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.interface import MountKind
from soundstage.engines.sandbox.holding import attaching
from soundstage.engines.sandbox.holding.attaching import AttachError
from soundstage.engines.sandbox.walls.mounts import client_for
from soundstage.testing.fileservers import ADDRESS, PASSWORD, USER, FileServers
from soundstage.testing.kernel import DISK

pytestmark = pytest.mark.kernel

# As an artist of a workstation is to the host.
ARTIST = 1_932_590_000
IDS = {"uid": ARTIST, "gid": ARTIST}
KNOWN = {"user": USER, "password": PASSWORD, "domain": ""}


def share(kind: str, source: str, **more: object) -> dict[str, Any]:
    facts = {"kind": kind, "source": source, "client": "kernel", "read_only": False}
    return {**facts, "account": None, **more}


@pytest.fixture
def target() -> Iterator[Path]:
    """Give a folder that an artist may pass to."""
    folder = Path(tempfile.mkdtemp(dir=DISK))
    folder.chmod(0o711)
    yield folder
    subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def as_artist(command: str) -> tuple[int, str]:
    ids = [f"--reuid={ARTIST}", f"--regid={ARTIST}", "--clear-groups"]
    words = ["setpriv", *ids, "sh", "-c", command]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_host_that_has_mounted_nothing_yet_can() -> None:
    loaded = Path("/proc/filesystems").read_text().split()
    assert not {"nfs", "cifs"} & set(loaded)
    assert client_for(MountKind.NFS) == client_for(MountKind.SMB) == "kernel"


def test_an_artist_writes_nfs_as_the_server_says(servers: FileServers, target: Path) -> None:
    attaching.attach_early(share("NFS", f"{ADDRESS}:/"), str(target), IDS)
    assert as_artist(f"echo mine > {target}/file && cat {target}/file") == (0, "mine\n")
    assert (servers.nfs / "file").owner() == USER


def test_smb_is_the_artist_s_own_and_its_password_nobody_s(
    servers: FileServers, target: Path
) -> None:
    source = f"//{ADDRESS}:445/films"
    attaching.attach_early(share("SMB", source, account=KNOWN), str(target), IDS)
    command = f"echo mine > {target}/file && stat -c %u {target}/file"
    assert as_artist(command) == (0, f"{ARTIST}\n")
    assert (servers.smb / "file").read_text() == "mine\n"
    seen = [Path("/proc/mounts").read_bytes()]
    seen += [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert b"sesame" not in b"".join(seen)


@pytest.mark.parametrize("kind", ["NFS", "SMB"])
def test_what_is_for_reading_is_not_written(servers: FileServers, target: Path, kind: str) -> None:
    (servers.smb / "book").write_text("a book")
    (servers.nfs / "book").write_text("a book")
    source = f"{ADDRESS}:/" if kind == "NFS" else f"//{ADDRESS}/films"
    account = None if kind == "NFS" else KNOWN
    attached = share(kind, source, account=account, read_only=True)
    attaching.attach_early(attached, str(target), IDS)
    assert as_artist(f"cat {target}/book") == (0, "a book")
    code, said = as_artist(f"echo mine > {target}/new")
    assert (code, "Read-only file system" in said) == (2, True)


@pytest.mark.usefixtures("servers")
def test_a_server_that_refuses_says_so(target: Path) -> None:
    wrong = {**KNOWN, "password": "opensesame"}
    with pytest.raises(AttachError, match="Permission denied"):
        attaching.attach_early(share("SMB", f"//{ADDRESS}/films", account=wrong), str(target), IDS)
    with pytest.raises(AttachError, match="No such file"):
        attaching.attach_early(share("NFS", f"{ADDRESS}:/nothing"), str(target), IDS)


def test_a_server_that_is_gone_is_given_up(
    servers: FileServers, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "WITHIN_SECONDS", 10)
    with servers.unplugged(), pytest.raises(AttachError, match=f"{ADDRESS}"):
        attaching.attach_early(share("NFS", f"{ADDRESS}:/"), str(target), IDS)
