"""Which disk a folder is on, and whether its speed can be limited for one workstation.

Asked by `engine.py` at each start and for the capabilities.
"""

import os
from pathlib import Path

from soundstage.engines.interface import Capability

_NAME = "volume-speed-limit"


def device_of(folder: Path, sys: Path = Path("/sys")) -> str | None:
    """The numbers of the whole disk that holds a folder; None where no one disk does."""
    about = folder.stat().st_dev
    number = f"{os.major(about)}:{os.minor(about)}"
    place = sys / "dev/block" / number
    if not place.exists():
        # An overlay, memory, a network, or several disks as one.
        return None
    if (place / "partition").exists():
        # Limits are kept where requests are queued, which a partition does not do.
        return (place.resolve().parent / "dev").read_text().strip()
    return number


def capability(device: str | None, version: int, missing: str | None) -> Capability:
    """Say whether iops and throughput are limited, and which are not all the same."""
    if missing is not None:
        why = missing
    elif device is None:
        why = "its file system is on no disk of its own"
    else:
        detail = f"A volume's iops and throughput are limited on the disk {device}"
        if version == 1:
            detail += (
                " for reads and for direct writes; writes by way of the page cache are not counted "
                "by control groups 1"
            )
        return Capability(name=_NAME, available=True, detail=f"{detail}.")
    detail = f"A volume's iops and throughput are not limited here: {why}."
    return Capability(name=_NAME, available=False, detail=detail)
