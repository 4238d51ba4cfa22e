"""Which folders of this host may be shared with workstations, and where in one they may appear.

The operator lists the folders in a setting. Studio components are checked against the list when
they are made, and an engine that mounts a folder opens it by `open_beneath`, which follows no link:
whoever can write in a shared folder can lay one there at any time.
"""

import os
import re
from pathlib import Path, PurePosixPath

import msgspec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_READ_ONLY = ":ro"
_NEVER = ("/usr", "/etc", "/proc", "/sys", "/dev", "/run", "/bin", "/sbin", "/lib", "/boot")
_NEVER_ITSELF = ("/", "/home", "/home/artist", "/var", "/opt", "/tmp", "/root")  # noqa: S108 -- inside a workstation.
_NEVER_BELOW = ("/opt/soundstage", "/opt/stream", "/tmp/.X11-unix")  # noqa: S108 -- as above.
HOME = "$HOME"


class SharedFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that the operator allowed, with everything below it."""

    name: str
    path: Path
    read_only: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.path}{', read-only' if self.read_only else ''})"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A folder to share: one that is allowed, and the way from there."""

    folder: SharedFolder
    below: str
    """Relative; `.` for the folder itself."""


class RefusedError(ValueError):
    """The folder or the place can't be used; the message says why, in a sentence."""


def parse(entries: list[str]) -> list[SharedFolder]:
    """Read the setting: each entry `/path`, `name=/path`, or one of these with `:ro` behind it.

    Without a name a folder has that of its last step. Raises RefusedError.
    """
    folders: list[SharedFolder] = []
    for entry in entries:
        read_only = entry.endswith(_READ_ONLY)
        name, is_named, path = entry.removesuffix(_READ_ONLY).rpartition("=")
        folder = SharedFolder(
            name=name if is_named else Path(path).name, path=Path(path), read_only=read_only
        )
        if not path.startswith("/") or ".." in Path(path).parts or not folder.path.name:
            raise RefusedError(f"{entry} must be the absolute path of a folder, or name=/path.")
        if not _NAME.fullmatch(folder.name):
            raise RefusedError(f"{entry}: a name has letters, digits, dots, hyphens and _.")
        if folder.name in {known.name for known in folders}:
            raise RefusedError(f"{entry}: two folders are called {folder.name}; name=/path helps.")
        folders.append(folder)
    return folders


def find(folders: list[SharedFolder], wanted: str) -> Place:
    """Find what a share's name means: an absolute path, or the name of an allowed folder, with
    what lies below it behind a slash. Looks at no disk. Raises RefusedError naming those allowed.
    """
    parts = PurePosixPath(wanted).parts
    if ".." not in parts and "\0" not in wanted and parts:
        for folder in folders:
            if parts[0] == folder.name:
                return Place(folder=folder, below=str(PurePosixPath(*parts[1:])))
        # The longest first: one allowed folder may lie in another.
        for folder in sorted(folders, key=lambda each: len(each.path.parts), reverse=True):
            if PurePosixPath(wanted).is_relative_to(folder.path):
                return Place(
                    folder=folder, below=str(PurePosixPath(wanted).relative_to(folder.path))
                )
    allowed = ", ".join(map(str, folders)) or "none: SOUNDSTAGE_SHARED_FOLDERS lists them"
    raise RefusedError(f"{wanted} is not in a folder that may be shared; allowed are {allowed}.")


def check(folders: list[SharedFolder], wanted: str) -> Place:
    """Find it, and look whether it is there and free of links. Raises RefusedError."""
    place = find(folders, wanted)
    os.close(open_beneath(place))
    return place


def open_beneath(place: Place) -> int:
    """Open the folder as a place alone (O_PATH), step by step, following no link.

    Raises RefusedError with the reason. `sandbox/attaching.py` does the same where it mounts.
    """
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    here = -1
    try:
        # The allowed folder is the operator's word, and may be a link.
        here = os.open(place.folder.path, flags)
        for step in PurePosixPath(place.below).parts:
            here, above = os.open(step, flags | os.O_NOFOLLOW, dir_fd=here), here
            os.close(above)
    except OSError as error:
        if here >= 0:
            os.close(here)
        raise RefusedError(
            f"{place.folder.path / place.below} can't be shared ({error.strerror}). "
            "It must be a folder that is there, and no step to it a link."
        ) from error
    return here


def check_target(target: str) -> str:
    """Give back where a share may appear in a workstation, tidied. Raises RefusedError."""
    if target == HOME or target.startswith(f"{HOME}/"):
        below = PurePosixPath(target.removeprefix(HOME).strip("/"))
        if ".." in below.parts or str(below) == ".":
            raise RefusedError(f"{target} is the home itself; name a folder in it.")
        return f"{HOME}/{below}"
    if not target.startswith("/") or ".." in PurePosixPath(target).parts:
        raise RefusedError(f"{target} must be an absolute path or begin with $HOME/.")
    path = PurePosixPath("/" + target.strip("/"))
    steps = [str(path), *map(str, path.parents)]
    is_taken = str(path).startswith("/lib") or any(place in steps for place in _NEVER)
    if is_taken or str(path) in _NEVER_ITSELF or any(place in steps for place in _NEVER_BELOW):
        raise RefusedError(f"{target} is the system's own; mount below /mnt, /srv or $HOME/.")
    return str(path)
