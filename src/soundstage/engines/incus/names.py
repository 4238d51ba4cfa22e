"""What a workstation's things are called at Incus, which takes fewer letters than our ids have."""

import re

_PREFIX = "ws-"
_REF = re.compile(r"[A-Za-z0-9_-]{1,24}")


def instance_of(ref: str) -> str:
    """Letters, digits and hyphens, and always another name for another ref."""
    if not _REF.fullmatch(ref):
        raise ValueError(f"{ref!r} is not the id of a workstation")
    return _PREFIX + ref.replace("-", "-h").replace("_", "-u")


def ref_of(instance: str) -> str | None:
    """None for what is no workstation's."""
    if not instance.startswith(_PREFIX):
        return None
    return instance.removeprefix(_PREFIX).replace("-u", "_").replace("-h", "-")


def home_of(ref: str, generation: int) -> str:
    """The volume of one generation of a home."""
    return f"{instance_of(ref)}.{generation}"


def copy_of(ref: str, backup_id: str) -> str:
    """The volume that a backup is read from."""
    return f"{instance_of(ref)}.copy.{backup_id}"
