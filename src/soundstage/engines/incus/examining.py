"""Looks whether Incus, and what it runs workstations from, is fit for them; changes nothing.

The engine asks for `soundstage doctor`. Each look says what was found or what to do about it.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from soundstage.engines import watches
from soundstage.engines.incus.client import Client
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.incus.sizing import Sizing
from soundstage.engines.interface import Capability, EngineError

_WATCHES = 25
"""Inotify instances of a workstation: its desktop has 11 to 15, an artist's programs more."""


class _Environment(msgspec.Struct):
    server_version: str
    server_clustered: bool = False


class _Server(msgspec.Struct):
    auth: str
    environment: _Environment | None = None


class Examination:
    """Of one installation."""

    def __init__(
        self,
        client: Client,
        settings: IncusSettings,
        place: Place,
        lost: Lost,
        *,
        file_systems: Path = Path("/sys/fs/btrfs"),
        inotify: Path = Path("/proc/sys/fs/inotify/max_user_instances"),
    ) -> None:
        self._file_systems = file_systems
        self._inotify_limit = inotify
        self._client = client
        self._settings = settings
        self._place = place
        self._lost = lost

    def all(self) -> list[Capability]:
        """Look at everything; where Incus does not answer the rest is not asked for."""
        looks: dict[str, Callable[[], tuple[bool, str]]] = {
            "incus": self._server,
            "hosts": self._hosts,
            "pool": self._pool,
            "images": self._images,
            "disks": self._disks,
            "sizes": self._sizes,
            "inotify": self._watches,
        }
        found = []
        for name, look in looks.items():
            try:
                is_well, detail = look()
            except EngineError as error:
                is_well, detail = False, str(error)
            found.append(Capability(name=name, available=is_well, detail=detail))
            if not is_well and name == "incus":
                break
        return found

    def _server(self) -> tuple[bool, str]:
        told = msgspec.convert(self._client.get("", {}), _Server)
        address = self._client.address
        if told.auth != "trusted" or told.environment is None:
            return (
                False,
                f"{address} does not trust our certificate: incus config trust add-certificate",
            )
        kind = "a cluster" if told.environment.server_clustered else "one host"
        return True, f"Incus {told.environment.server_version} at {address}, {kind}"

    def _hosts(self) -> tuple[bool, str]:
        members = self._place.members()
        away = [f"{each.name} is {each.status.lower()}" for each in members if not each.is_online]
        if away:
            return (
                False,
                f"{', '.join(away)}: its workstations can't be reached, or none begins there",
            )
        return True, f"{len(members)} answer" if len(members) > 1 else "one answers"

    def _pool(self) -> tuple[bool, str]:
        pool = self._settings.pool
        if self._client.find(f"/storage-pools/{pool}") is None:
            return False, f"there is no storage pool {pool}: incus storage create {pool} btrfs"
        return True, f"the storage pool {pool} is of the kind {self._place.driver()}"

    def _images(self) -> tuple[bool, str]:
        known = self._place.images()
        missing = sorted(set(self._settings.images.values()) - known)
        if missing:
            return (
                False,
                f"Incus has no {', '.join(missing)}: incus image import … --alias {missing[0]}",
            )
        if not known:
            return False, "Incus has no image: see docs/how-to/build-a-workstation-image.md"
        return True, f"{len(known)} names of images are known"

    def _disks(self) -> tuple[bool, str]:
        lost = self._lost.all()
        if not lost:
            return True, "Incus can remove every disk that it was asked to"
        return False, (
            f"Incus can't remove {', '.join(lost)}, whose disk was spoilt: remove the folder of "
            "that name from the storage pool by hand; it goes by itself at the next start"
        )

    def _watches(self) -> tuple[bool, str]:
        """What all instances of a host have together counts as root's; one that gets none has no
        network, or does not come up at all.
        """
        if not self._settings.target.is_local:
            return True, "how many inotify instances Incus's host gives is not known here"
        room_for = Sizing(self._settings, self._place).most()
        found = watches.capability(_WATCHES, room_for=room_for, limit=self._inotify_limit)
        return found.available, found.detail

    def _sizes(self) -> tuple[bool, str]:
        """A kernel that has lost count keeps no volume of a btrfs to its size."""
        if self._place.driver() != "btrfs":
            return True, "the storage pool keeps count by itself"
        if not self._settings.target.is_local:
            return True, "whether the kernel of Incus's host keeps count is not known here"
        lost = [
            path.parents[1].name
            for path in self._file_systems.glob("*/qgroups/inconsistent")
            if path.read_text().strip() != "0"
        ]
        if lost:
            return False, (
                f"the kernel has lost count of the btrfs {', '.join(lost)} and keeps no volume to "
                "its size: btrfs quota rescan -w POOL, and again from time to time"
            )
        return True, "the kernel keeps count of every btrfs here"
