"""Lays out a workstation's own device nodes, which its user alone may open.

Imported by the child of `supervisor.py` that becomes the sandbox, after it has mounts of its own
and before it gives root's rights away; standard library only. The host's nodes stay as they are:
their groups need not be the workstation's, and nothing has to be given back. The nodes are in
memory and go with the sandbox.
"""

# Few modules in a process that starts with every workstation: pathlib is not among them.
# ruff: noqa: PTH102

import ctypes
import os
import stat

_MS_NOSUID, _MS_NOEXEC = 2, 8


def lay_out(nodes: list[str], place: str, user: int) -> dict[str, str]:
    """Make the nodes below the new folder `place`; where each blank's node is."""
    os.mkdir(place, 0o755)
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _MS_NOSUID | _MS_NOEXEC
    if libc.mount(b"soundstage", place.encode(), b"tmpfs", flags, b"mode=0755,size=64k"):
        raise OSError(ctypes.get_errno(), "a folder for device nodes was refused")
    made = {}
    for number, node in enumerate(nodes):
        facts = os.stat(node)  # noqa: PTH116 -- as above.
        if not stat.S_ISCHR(facts.st_mode):
            raise OSError(f"{node} is no device")
        path = made[f"\0device:{number}"] = f"{place}/{number}"
        os.mknod(path, stat.S_IFCHR | 0o600, facts.st_rdev)
        os.chown(path, user, user)
    return made
