"""What the sandbox engine must be told; made once in wiring, read by the whole package."""

import hashlib
import os
from pathlib import Path
from typing import Literal

import msgspec

from soundstage.engines.admission import Rules
from soundstage.engines.images.catalogue import catalogue
from soundstage.engines.instance_types import Size
from soundstage.engines.sandbox.host.cgroups import PROCESS_LIMIT
from soundstage.engines.shares import SharedFolder

# The first multiple of 1024 from 2,100,000,000 on.
_FIRST_BLOCK = 2_100_000_768
_BLOCKS = 4096


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs between installations."""

    home: Path
    """All data of the service; workstations and volumes lie in folders of their own in it."""
    stream_environment: Path
    """The virtual environment with Selkies, shown read-only as /opt/stream."""
    isolation: Literal["bubblewrap", "none"] = "bubblewrap"
    """`none` runs desktops without any wall around them, and only with `loopback_only`."""
    loopback_only: bool = True
    """Whether the service listens on loopback addresses only."""
    first_uid: int | None = None
    """The lowest of the host uids given to workstations where the service runs as root; None: a
    range of this home's own, so that two installations on one host do not share users."""
    frames_per_second: int = 30
    backup_repository: str = ""
    """An absolute folder or `s3:https://host/bucket/prefix`; empty: below `home`."""
    backup_credentials: Path | None = None
    """The file that opens a bucket."""
    images: dict[str, str] = msgspec.field(default_factory=lambda: catalogue({}))
    """An image's `ec2ImageId` and what it is on this machine: `host`, or one that was made here."""
    interpreter: str = "/usr/bin/python3"
    """Runs the supervisors; must not depend on the environment that the service runs in."""
    shared_folders: list[SharedFolder] = []
    """What of this host may be mounted in workstations."""
    cgroup_root: Path = Path("/sys/fs/cgroup")
    rules: Rules = Rules()
    """How full this host may be."""
    process_limit: int = PROCESS_LIMIT
    """The artist's programs of one workstation, threads included."""
    sizes: dict[str, Size] = {}
    """What the operator says that instance types are here."""
    device_root: Path = Path("/")
    """Where /dev, /sys and /proc are, to look for graphics cards."""

    @property
    def workstations(self) -> Path:
        return self.home / "workstations"

    @property
    def digest(self) -> str:
        """What tells this installation's control groups and users from another's on the host."""
        return hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()[:8]

    @property
    def lowest_uid(self) -> int:
        """The first of 10,000 uids for workstations.

        From 1,879,048,192 to 2,147,352,575 systemd's table of uids has no use for any:
        neither people nor subordinate ranges nor containers are given them.
        """
        if self.first_uid is not None:
            return self.first_uid
        return 1_900_000_000 + 10_000 * (int(self.digest, 16) % 20_000)

    def block_of(self, uid: int) -> int | None:
        """The first of the 1024 host ids behind the other users of the workstation that has `uid`.

        They lie above those of `lowest_uid`, in the same unused part of systemd's table. Each
        installation has one of eleven ranges for 4096 workstations; None beyond those.
        """
        slot = uid - self.lowest_uid
        if slot >= _BLOCKS:
            return None
        return _FIRST_BLOCK + 1024 * (_BLOCKS * (int(self.digest, 16) % 11) + slot)
