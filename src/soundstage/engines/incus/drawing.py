"""Draws an instance: from what is asked for to what Incus is told, without doing anything.

`starting.py` sends it. The instance is a container with users of its own (its ids are nobody
else's), without Incus's socket inside, on a port of the bridge that reaches no other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from soundstage.engines import shares
from soundstage.engines.admission import MIB, Promise
from soundstage.engines.incus import graphics
from soundstage.engines.incus.names import home_of
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import Mount, MountKind, PermanentError, Reason, Spec, Volume

HOME = "/home/artist"
_PERIOD_MS = 100


WALLS = {
    "security.idmap.isolated": "true",
    "security.guestapi": "false",
    "security.privileged": "false",
    "boot.autostart": "false",
}


def limits(settings: IncusSettings, promise: Promise) -> dict[str, str]:
    """What it may use: of the host's swap as much again as of its memory. There a desktop that
    nobody looks at may lie, but one that takes all it can get does not fill it. Without a size
    Incus (6.0) gives none.
    """
    memory = f"{promise.memory_bytes // MIB}MiB"
    return {
        "limits.cpu.allowance": f"{max(1, round(promise.cpus * _PERIOD_MS))}ms/{_PERIOD_MS}ms",
        "limits.memory": memory,
        "limits.memory.enforce": "hard",
        "limits.memory.swap": memory,
        "limits.processes": str(settings.process_limit),
    }


def devices(
    settings: IncusSettings,
    ref: str,
    spec: Spec,
    gpus: Sequence[str] = (),
    *,
    doors: Mapping[str, dict[str, str]] | None = None,
    address: str | None = None,
) -> dict[str, dict[str, str]]:
    """What it is switched on with; `gpus` are the names of its graphics cards, and in a cluster
    `doors` the devices by which its host passes on what comes for its `address`.
    """
    home = _home(settings, ref, spec.volume)
    drawn = {**bare_devices(settings), "home": home, **graphics.devices(gpus), **(doors or {})}
    if address is not None:
        drawn["eth0"] = {**drawn["eth0"], "ipv4.address": address}
    return drawn


def paced(
    settings: IncusSettings, ref: str, volume: Volume, *, is_one_disk: bool
) -> dict[str, dict[str, str]]:
    """Its disks, as fast as was asked for, of those that are asked to be of some speed. They are so
    from the moment on at which the desktop is there: until then nobody works, and what is read is
    the desktop itself, which would be held back.

    A device is told bytes or operations in a second, not both. The kernel counts both by disk, and
    where all volumes of the pool are on the same (`is_one_disk`) what the root is told holds for
    the home too, and the other way round.
    """
    drawn = {}
    if volume.throughput_mib:
        drawn["home"] = _home(settings, ref, volume) | _speed(f"{volume.throughput_mib}MiB")
    if volume.iops and is_one_disk:
        drawn["root"] = bare_devices(settings)["root"] | _speed(f"{volume.iops}iops")
    return drawn


def _home(settings: IncusSettings, ref: str, volume: Volume) -> dict[str, str]:
    return {
        "type": "disk",
        "pool": settings.pool,
        "source": home_of(ref, volume.generation),
        "path": HOME,
    }


def _speed(most: str) -> dict[str, str]:
    return {"limits.read": most, "limits.write": most}


def shared(settings: IncusSettings, spec: Spec) -> dict[str, dict[str, str]]:
    """What is attached once it runs: LXC 5 does not start with two mapped mounts at once.

    Raises PermanentError for what can't be attached.
    """
    return {f"share{number}": _share(settings, each) for number, each in enumerate(spec.mounts)}


def bare_devices(settings: IncusSettings) -> dict[str, dict[str, str]]:
    """What every instance has from the first moment on, before there is a home."""
    return {
        "root": {"type": "disk", "path": "/", "pool": settings.pool},
        "eth0": {
            "type": "nic",
            "name": "eth0",
            "network": settings.network,
            "security.port_isolation": "true",
            "security.mac_filtering": "true",
        },
    }


def _share(settings: IncusSettings, mount: Mount) -> dict[str, str]:
    if mount.kind is not MountKind.FOLDER:
        raise _refused(mount, f"{mount.kind} file systems are not mounted by this engine.")
    try:
        place = shares.find(settings.shared_folders, mount.source)
        target = shares.check_target(mount.target)
    except shares.RefusedError as error:
        raise _refused(mount, str(error)) from None
    is_read_only = mount.read_only or place.folder.read_only
    return {
        "type": "disk",
        "source": str(Path(place.folder.path) / place.below),
        "path": target.replace(shares.HOME, HOME, 1),
        "shift": "true",
        "readonly": "true" if is_read_only else "false",
    }


def _refused(mount: Mount, why: str) -> PermanentError:
    sentence = f"The shared file system {mount.component!r} can't be attached: {why}"
    return PermanentError(sentence, reason=Reason.MOUNT)


def bare(settings: IncusSettings, name: str, image: str, facts: dict[str, str]) -> dict[str, Any]:
    """An instance to be made; limits and its home come before it is switched on."""
    return {
        "name": name,
        "type": "container",
        "source": source(image),
        "profiles": [],
        "config": {**WALLS, **facts},
        "devices": bare_devices(settings),
        "start": False,
    }


def source(image: str) -> dict[str, str]:
    """An image by its fingerprint."""
    return {"type": "image", "fingerprint": image}
