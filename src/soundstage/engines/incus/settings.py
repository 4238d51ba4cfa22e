"""What the Incus engine must be told; made once in wiring, read by the whole package."""

from pathlib import Path

import msgspec

from soundstage.engines.admission import Rules
from soundstage.engines.incus.connection import Target
from soundstage.engines.instance_types import Size
from soundstage.engines.shares import SharedFolder


class IncusSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs between installations."""

    home: Path
    """All data of the service."""
    target: Target
    project: str = "soundstage"
    """Everything of this installation is in this project, and nothing of anybody else."""
    pool: str = "default"
    """The storage pool of instances and homes."""
    network: str = "soundstage"
    """The bridge of workstations; made where there is none."""
    subnet: str = "auto"
    """The bridge's own address and its network, such as 10.78.0.1/24, where it is made."""
    images: dict[str, str] = {}
    """What an `ec2ImageId` is here: an alias or a fingerprint. One that is not listed is looked
    for as an alias of its own name."""
    closed: tuple[str, ...] = ()
    """Addresses and networks that no workstation may connect to, beside the hosts' own."""
    frames_per_second: int = 30
    backup_repository: str = ""
    backup_credentials: Path | None = None
    shared_folders: list[SharedFolder] = []
    rules: Rules = Rules()
    starts_per_core: int = 2
    """How many workstations of a host start at the same moment, for each of its cores; 0: all."""
    process_limit: int = 4096
    """What runs in one workstation, threads included."""
    sizes: dict[str, Size] = {}

    @property
    def volumes(self) -> str:
        """Where Incus keeps homes, as a path of its API."""
        return f"/storage-pools/{self.pool}/volumes/custom"
