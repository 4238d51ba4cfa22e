"""What `attaching.py` is told of each shared file system, worked out from what a session asks for.

Called by `plan.py` at each start. Nothing is mounted here.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Literal

import msgspec

from soundstage.engines import shares as folders
from soundstage.engines.interface import (
    Account,
    Capability,
    Mount,
    MountKind,
    PermanentError,
    Reason,
    Spec,
)
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.telling import HOME

_KERNEL = {MountKind.NFS: ("nfs", "mount.nfs"), MountKind.SMB: ("cifs", "mount.cifs")}
_SOURCES = {
    MountKind.NFS: re.compile(r"[A-Za-z0-9._-]+:/[^\s,\\]*"),
    MountKind.SMB: re.compile(r"//[A-Za-z0-9._-]+(:\d{1,5})?/[^\s,\\:/]+(/[^\s,\\:]*)?"),
}
# Such a word becomes one of several options with commas between.
_ACCOUNT_WORD = re.compile(r"[^\s,\\/\x00-\x1f]{0,104}")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One shared file system, as `attaching.py` reads it."""

    component: str
    kind: MountKind
    client: Literal["folder", "kernel", "program"]
    inside: str
    below_home: str | None
    read_only: bool
    source: str = ""
    top: str = ""
    below: str = ""
    account: Account | None = None
    cache: str = ""


def shares(settings: SandboxSettings, spec: Spec, *, scratch: Path) -> list[Share]:
    """Raises PermanentError, with a sentence for people, for what can't be attached here."""
    return [_share(settings, mount, scratch / f"cache-{n}") for n, mount in enumerate(spec.mounts)]


def _share(settings: SandboxSettings, mount: Mount, cache: Path) -> Share:
    try:
        target = folders.check_target(mount.target)
        below_home = None
        if target.startswith(f"{folders.HOME}/"):
            below_home = target.removeprefix(f"{folders.HOME}/")
            target = f"{HOME}/{below_home}"
        if mount.kind is MountKind.FOLDER:
            place = folders.find(settings.shared_folders, mount.source)
            return Share(
                component=mount.component,
                kind=mount.kind,
                client="folder",
                inside=target,
                below_home=below_home,
                read_only=mount.read_only or place.folder.read_only,
                top=str(place.folder.path),
                below=place.below,
            )
    except folders.RefusedError as error:
        raise _refused(mount, str(error)) from None
    if mount.kind not in _SOURCES:
        raise _refused(mount, f"{mount.kind} file systems are not mounted here.")
    if not _SOURCES[mount.kind].fullmatch(mount.source):
        raise _refused(mount, f"{mount.source} is no {mount.kind} address.")
    for word in (mount.account.user, mount.account.domain) if mount.account else ():
        if not _ACCOUNT_WORD.fullmatch(word):
            raise _refused(mount, "its account has a comma, a slash or a space in its name.")
    client = client_for(mount.kind)
    if client not in ("kernel", "program"):
        raise _refused(mount, client)
    return Share(
        component=mount.component,
        kind=mount.kind,
        client="kernel" if client == "kernel" else "program",
        inside=target,
        below_home=below_home,
        read_only=mount.read_only,
        source=mount.source,
        account=mount.account,
        cache=str(cache),
    )


def client_for(kind: MountKind, *, root: Path = Path("/")) -> str:
    """Say what attaches it here, `kernel` or `program`, or why nothing does and what helps.

    `root` is where /proc and /lib are.
    """
    module, program = _KERNEL[kind]
    has_kernel = _has_file_system(module, root)
    has_program = shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin") is not None
    if has_kernel and has_program and os.geteuid() == 0:
        return "kernel"
    package = "nfs-common" if kind is MountKind.NFS else "cifs-utils"
    reasons = []
    if not has_kernel:
        reasons.append(f"this kernel has no {module}, and no module of it is installed")
    if not has_program:
        reasons.append(f"{program} is not installed (apt-get install {package})")
    if os.geteuid() != 0:
        reasons.append(f"only a service that is root may mount {kind}")
    if kind is MountKind.SMB:
        wanted = [name for name in ("rclone", "fusermount3") if shutil.which(name) is None]
        if not wanted and os.access("/dev/fuse", os.R_OK | os.W_OK):
            return "program"
        reasons.append("rclone could do without (apt-get install rclone fuse3)")
    return f"{kind} can't be mounted here: {', '.join(reasons)}"


def _has_file_system(name: str, root: Path) -> bool:
    """Reports whether the kernel has it, or would load it with the first mount, as most would."""
    if name in (root / "proc/filesystems").read_text().split():
        return True
    release = (root / "proc/sys/kernel/osrelease").read_text().strip()
    try:
        modules = (root / "lib/modules" / release / "modules.dep").read_text()
    except OSError:
        return False
    # The file's own name, packed or not; what it needs follows behind the colon.
    return re.search(rf"/{name}\.ko(\.\w+)?:", modules) is not None


def capabilities(settings: SandboxSettings, *, why_no_users: str) -> list[Capability]:
    """Say which kinds of shares work on this machine; none do without users of one's own."""
    names = ", ".join(map(str, settings.shared_folders))
    found = [
        (
            "shared-folders",
            bool(names),
            f"allowed are {names}" if names else "SOUNDSTAGE_SHARED_FOLDERS allows none",
        )
    ]
    for kind in (MountKind.NFS, MountKind.SMB):
        client = client_for(kind)
        works = {"kernel": "mounted by the kernel", "program": "mounted by rclone"}
        found.append((f"{kind.lower()}-shares", client in works, works.get(client, client)))
    return [
        Capability(name=name, available=works and not why_no_users, detail=why_no_users or detail)
        for name, works, detail in found
    ]


def _refused(mount: Mount, why: str) -> PermanentError:
    sentence = f"The shared file system {mount.component!r} can't be attached: {why}"
    return PermanentError(sentence, reason=Reason.MOUNT)
