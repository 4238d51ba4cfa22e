"""What is told to whoever attaches shared file systems."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from soundstage.engines.interface import (
    Account,
    Mount,
    MountKind,
    PermanentError,
    Reason,
    Spec,
    Volume,
)
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.sandbox.walls import mounts
from soundstage.engines.sandbox.walls.mounts import capabilities, client_for, shares
from soundstage.engines.shares import SharedFolder

SETTINGS = SandboxSettings(
    home=Path("/data"),
    stream_environment=Path("/code/stream"),
    shared_folders=[
        SharedFolder(name="films", path=Path("/srv/films")),
        SharedFolder(name="books", path=Path("/srv/books"), read_only=True),
    ],
)
FOLDER = Mount(component="Films", kind=MountKind.FOLDER, source="films/a", target="/mnt/films")
SMB = Mount(component="Office", kind=MountKind.SMB, source="//nas/office", target="/mnt/office")
NFS = Mount(component="Renders", kind=MountKind.NFS, source="nas:/r", target="$HOME/renders")


def told(mount: Mount) -> mounts.Share:
    spec = Spec(image="i", instance_type="t", volume=Volume(), mounts=[mount])
    (share,) = shares(SETTINGS, spec, scratch=Path("/data/scratch"))
    return share


def test_a_folder_is_told_as_the_way_from_what_is_allowed() -> None:
    share = told(FOLDER)
    assert (share.top, share.below, share.inside) == ("/srv/films", "a", "/mnt/films")
    assert (share.read_only, share.below_home, share.client) == (False, None, "folder")


def test_what_is_allowed_for_reading_is_never_written() -> None:
    assert told(msgspec.structs.replace(FOLDER, source="books")).read_only
    assert told(msgspec.structs.replace(FOLDER, read_only=True)).read_only


def test_home_is_the_artist_s() -> None:
    share = told(msgspec.structs.replace(FOLDER, target="$HOME/a/b"))
    assert (share.inside, share.below_home) == ("/home/artist/a/b", "a/b")


@pytest.mark.parametrize(
    ("mount", "why"),
    [
        (msgspec.structs.replace(FOLDER, source="/etc"), "allowed are films"),
        (msgspec.structs.replace(FOLDER, source="films/../x"), "allowed are films"),
        (msgspec.structs.replace(FOLDER, target="/etc"), "system's own"),
        (msgspec.structs.replace(SMB, source="//nas/a,uid=0"), "no SMB address"),
        (msgspec.structs.replace(SMB, source="nas:/a"), "no SMB address"),
        (msgspec.structs.replace(NFS, source="nas:/a b"), "no NFS address"),
        (msgspec.structs.replace(NFS, source="-o,x:/a\\"), "no NFS address"),
        (msgspec.structs.replace(SMB, account=Account(user="a,uid=0", password="p")), "account"),
        (msgspec.structs.replace(FOLDER, kind=MountKind.LUSTRE, source="x"), "LUSTRE"),
    ],
)
def test_what_can_t_be_attached_is_refused_by_name(mount: Mount, why: str) -> None:
    with pytest.raises(PermanentError, match=why) as refused:
        told(mount)
    assert refused.value.reason is Reason.MOUNT
    assert repr(mount.component) in str(refused.value)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with every program, one of root's."""
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/bin/{name}{path or ''}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda *_: True)
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.1\n")
    (tmp_path / "proc/filesystems").write_text("nodev\tnfs\nnodev\tnfs4\nnodev\tcifs\n")
    return tmp_path


def test_the_kernel_mounts_where_it_can(machine: Path) -> None:
    assert client_for(MountKind.NFS, root=machine) == "kernel"
    assert client_for(MountKind.SMB, root=machine) == "kernel"


def test_without_the_kernel_smb_has_a_program_and_nfs_has_none(machine: Path) -> None:
    (machine / "proc/filesystems").write_text("nodev\tfuse\n")
    assert client_for(MountKind.SMB, root=machine) == "program"
    assert "this kernel has no nfs" in client_for(MountKind.NFS, root=machine)


def test_what_the_kernel_would_load_at_the_first_mount_is_there(machine: Path) -> None:
    """As on every host that has mounted nothing of the kind since it was started."""
    (machine / "proc/filesystems").write_text("nodev\tfuse\n")
    modules = machine / "lib/modules/6.1/modules.dep"
    modules.parent.mkdir(parents=True)
    modules.write_text("fs/nfs/nfs.ko: fs/lockd.ko\nfs/smb/client/cifs.ko.xz:\n")
    assert client_for(MountKind.NFS, root=machine) == "kernel"
    assert client_for(MountKind.SMB, root=machine) == "kernel"
    modules.write_text("fs/nfs/nfsv3.ko: fs/nfs/nfs.ko\n")
    assert "no module of it is installed" in client_for(MountKind.NFS, root=machine)


def test_an_ordinary_user_can_t_have_the_kernel_mount(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert client_for(MountKind.SMB, root=machine) == "program"
    assert "only a service that is root" in client_for(MountKind.NFS, root=machine)


def test_a_machine_without_programs_says_what_to_install(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert "apt-get install nfs-common" in client_for(MountKind.NFS, root=machine)
    said = client_for(MountKind.SMB, root=machine)
    assert "apt-get install cifs-utils" in said
    assert "apt-get install rclone fuse3" in said


def test_capabilities_say_what_may_be_shared() -> None:
    found = {each.name: each for each in capabilities(SETTINGS, why_no_users="")}
    assert set(found) == {"shared-folders", "nfs-shares", "smb-shares"}
    assert found["shared-folders"].available
    assert "books (/srv/books, read-only)" in found["shared-folders"].detail
    without = capabilities(SETTINGS, why_no_users="no users")
    assert [(each.available, each.detail) for each in without] == [(False, "no users")] * 3
