"""Draws the walls: from a workstation's facts to bubblewrap's arguments, without doing anything.

`plan.py` hands the result to the supervisor, which fills in the blanks: a bind's place once it is
staged, and the numbers of descriptors. A blank begins with a NUL, which no real argument can.

A workstation with identities of its own (identities.py) begins as its root, without any right
over the host; `desktop/first.py` makes the artist of it. Without them it has one user, the artist.
With scripts of root it also gets a system that may be written, new at every start: only the home
persists. An image that was made here is such a system as a whole (`Walls.is_overlaid`).
"""

import re
from pathlib import Path, PurePosixPath

import msgspec

from soundstage.engines.interface import PermanentError
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.telling import (
    DESKTOP,
    HOME,
    RUNTIME,
    STREAM,
    STREAM_ENVIRONMENT,
    USER,
    USER_ID,
    base_environment,
)

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")

# What programs need from /etc to run; nothing in it is secret or tells of the host's people.
ETC = (
    "OpenCL",
    "X11",
    "alternatives",
    "bash.bashrc",
    "chromium",
    "chromium.d",
    "dbus-1",
    "debian_version",
    "fonts",
    "gtk-2.0",
    "gtk-3.0",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "libreoffice",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "profile",
    "python3",
    "ssl/certs",
    "timezone",
    "vulkan",
    "xdg",
)

# What the programs that make users, and become them, read; only where a root may run some.
ETC_OF_ROOT = (
    "default/useradd", "environment", "login.defs", "pam.d", "security", "shells", "skel",
)  # fmt: skip

# What a root needs to set a system up: to own, read and write any file inside, to become another
# user, to end processes. Nothing that mounts, loads or listens in.
ROOT_RIGHTS = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
)  # fmt: skip

SYSTEM = ("etc", "opt", "srv", "var", "root", "usr/local")
"""Folders that scripts of root may write; `building.py` makes them."""
OVERLAY = "\0overlay"
"""The blank for the whole root of an image that was made here; `building.py` mounts it."""
_FONTS = "/var/cache/fontconfig"
IMAGE_LOCAL = "/run/image/local"
"""Where the image's own /usr/local is seen when a new one covers it."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A shared file system that was attached outside."""

    target: str
    read_only: bool


class Walls(msgspec.Struct, frozen=True, kw_only=True):
    """What one workstation is made of."""

    image_root: Path
    home: Path
    scratch: Path
    stream_directory: Path
    desktop: Path
    stream_environment: Path
    name: str
    machine_id: str
    environment: dict[str, str]
    has_root: bool = False
    """Whether it has identities of its own, so that it begins as its root."""
    has_system: bool = False
    """Whether its root may write the system."""
    is_overlaid: bool = False
    """Whether it runs on a whole root of its own, over an image that was made here. That brings
    everything, what streams the desktop included."""
    shares: list[Share] = []
    gpus: Assignment = Assignment()


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments with their blanks, and what fills those."""

    arguments: list[str]
    binds: list[str]
    """Host folders, in the order of the `bind:N` blanks."""
    data: dict[str, str]
    """Contents of small files, by the name in their `data:NAME` blank."""


def draw(walls: Walls) -> Drawing:
    """Raises PermanentError for a host name or a variable that could be more than it seems."""
    _check(walls)
    binds: list[str] = []
    arguments = [
        *_namespaces(walls), "--die-with-parent", "--new-session", "--hostname", walls.name,
        "--json-status-fd", "\0status", "--seccomp", "\0seccomp", "--clearenv",
    ]  # fmt: skip

    def bind(option: str, source: Path, target: str) -> None:
        arguments.extend((option, f"\0bind:{len(binds)}", target))
        binds.append(str(source))

    if not walls.is_overlaid:
        made = ["/etc", "/home", "/opt", *(("/media", "/mnt") if walls.has_system else ())]
        arguments += [word for folder in made for word in ("--dir", folder)]
    arguments += _root(walls)
    data = _etc(walls)
    has_own_etc = walls.has_system or walls.is_overlaid
    for name in data:
        option = "--file" if has_own_etc else "--ro-bind-data"
        arguments += ["--perms", "0644", option, f"\0data:{name}", f"/etc/{name}"]
    arguments += [
        "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm",  # noqa: S108 -- inside.
        "--dir", "/sys/devices/system",
        # How many processors there are: renderers ask here.
        "--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu",
        "--tmpfs", "/run", "--dir", "/run/user",
        *_var(walls),
        "--perms", "0700", "--dir", RUNTIME,
    ]  # fmt: skip
    if walls.has_system and not walls.is_overlaid:
        local = str(walls.image_root / "usr/local")
        arguments += [*_above(IMAGE_LOCAL), "--ro-bind-try", local, IMAGE_LOCAL]
    arguments += _gpus(walls.gpus)
    bind("--bind", walls.scratch / "tmp", "/tmp")  # noqa: S108 -- inside the sandbox.
    bind("--bind", walls.scratch / "var-tmp", "/var/tmp")  # noqa: S108 -- as above.
    arguments += ["--perms", "1777", "--dir", "/tmp/.X11-unix"]  # noqa: S108 -- as above.
    bind("--bind", walls.home, HOME)
    bind("--bind", walls.stream_directory, STREAM)
    bind("--ro-bind", walls.desktop, DESKTOP)
    if not walls.is_overlaid:
        bind("--ro-bind", walls.stream_environment, STREAM_ENVIRONMENT)
    for number, share in enumerate(walls.shares):
        option = "--ro-bind" if share.read_only else "--bind"
        if not share.target.startswith(f"{HOME}/"):
            arguments += _above(share.target)
        arguments += [option, f"\0share:{number}", share.target]
    own = {"SOUNDSTAGE_FDS": "\0fds", "SOUNDSTAGE_GROUPS": "\0groups"}
    cards = walls.gpus.environment
    for name, value in {**base_environment(), **cards, **walls.environment, **own}.items():
        arguments += ["--setenv", name, value]
    # Nobody but a root with scripts has anything to make up there.
    if not has_own_etc:
        arguments += ["--remount-ro", "/"]
    return Drawing(arguments=[*arguments, "--chdir", HOME], binds=binds, data=data)


def _namespaces(walls: Walls) -> list[str]:
    if not walls.has_root:
        own = ["--uid", str(USER_ID), "--gid", str(USER_ID)]
        return ["--unshare-all", "--cap-drop", "ALL", *own]
    # The namespace of users is there already, made with more ids than bubblewrap can give.
    apart = [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
    rights = [word for right in ROOT_RIGHTS for word in ("--cap-add", right)]
    return [*apart, "--cap-drop", "ALL", *rights]


def _gpus(given: Assignment) -> list[str]:
    """Only the workstation's own cards exist in it, and what /sys says of them."""
    arguments = []
    for number, node in enumerate(given.nodes):
        arguments += [*_above(node), "--dev-bind", f"\0device:{number}", node]
    for folder in given.folders:
        arguments += [*_above(folder), "--ro-bind", folder, folder]
    for place, target in given.links.items():
        arguments += ["--symlink", target, place]
    return arguments


def _check(walls: Walls) -> None:
    if not _HOST_NAME.fullmatch(walls.name):
        raise PermanentError(f"{walls.name!r} can't be a host name: letters, digits and hyphens")
    for name, value in walls.environment.items():
        # Arguments reach bubblewrap parted by NULs; one in a value would begin another argument.
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise PermanentError(f"{name!r} can't be set as a variable of the environment")


def _root(walls: Walls) -> list[str]:
    """Read-only programs of the image, and the white list of its settings."""
    if walls.is_overlaid:
        return ["--bind", OVERLAY, "/"]
    root = walls.image_root
    arguments = ["--ro-bind", str(root / "usr"), "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if (root / name).is_symlink():
            arguments += ["--symlink", f"usr/{name}", f"/{name}"]
        elif (root / name).is_dir():
            arguments += ["--ro-bind", str(root / name), f"/{name}"]
    if walls.has_system:
        for name in SYSTEM:
            if name != "usr/local" or (root / name).is_dir():
                arguments += ["--bind", f"\0system:{name}", f"/{name}"]
        return arguments
    for name in ETC:
        place = f"/etc/{name}"
        arguments += [*_above(place), "--ro-bind-try", str(root / "etc" / name), place]
    return arguments


def _above(place: str) -> list[str]:
    """Make the folders above what will be bound. Those that bubblewrap makes by itself only their
    owner may enter, which is the workstation's root where it has one.
    """
    folders = [str(folder) for folder in PurePosixPath(place).parents][-2::-1]
    return [word for folder in folders for word in ("--dir", folder)]


def _var(walls: Walls) -> list[str]:
    if walls.is_overlaid:
        return []
    return [
        *([] if walls.has_system else ["--tmpfs", "/var"]),
        *("--dir", "/var/lib/dbus"),
        # Without it the first program in a new home reads every font of the host.
        *_above(_FONTS),
        *("--ro-bind-try", _FONTS, _FONTS),
    ]


def _etc(walls: Walls) -> dict[str, str]:
    """Files that would tell of the host are made up, the same in every workstation."""
    users = {
        "passwd": (
            "root:x:0:0:root:/root:/bin/sh\n"
            f"{USER}:x:{USER_ID}:{USER_ID}:Artist:{HOME}:/bin/bash\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        ),
        "group": f"root:x:0:\naudio:x:29:{USER}\n{USER}:x:{USER_ID}:\nnogroup:x:65534:\n",
    }
    return {
        # An image that was made here has users of its own, the artist among them.
        **({} if walls.is_overlaid else users),
        "hosts": f"127.0.0.1 localhost {walls.name}\n::1 localhost\n",
        "hostname": f"{walls.name}\n",
        "machine-id": f"{walls.machine_id}\n",
        "resolv.conf": "# This workstation has no network of its own.\n",
    }
