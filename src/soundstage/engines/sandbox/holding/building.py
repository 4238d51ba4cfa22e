"""In the child that becomes a sandbox: groups, users, mounts, the new system; then bubblewrap.

Imported by `supervisor.py` after it has forked, so that the supervisor itself stays small; it uses
the standard library only and imports nothing of ours but its neighbour `attaching.py`. What fails
here is said on standard error, which the supervisor keeps.
"""

# Few modules in a process that starts with every workstation: pathlib is not among them.
# ruff: noqa: PTH100, PTH102, PTH103, PTH112, PTH120, PTH123, PTH211, PTH114, PTH115

import contextlib
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any

_STAGES = ("/mnt", "/media", "/srv")
_MS_BIND, _MS_REC, _MS_SLAVE, _MS_NOSUID, _MS_NODEV = 4096, 16384, 1 << 19, 2, 4
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_ARTIST = 1000
# How deep the image's /usr/local is laid out in folders of its own before links point into it:
# deep enough for a package beside those of the image, for instance in lib/python3/dist-packages.
_LOCAL_DEPTH = 3
MOUNT_FAILED = 126
"""The exit code that says that a shared file system could not be attached."""

_libc = ctypes.CDLL(None, use_errno=True)


class Ends:
    """The sandbox's ends of what connects it with its supervisor."""

    def __init__(self, **descriptors: int) -> None:
        self.steps = descriptors["steps"]
        self.command = descriptors["command"]
        self.results = descriptors["results"]
        self.status = descriptors["status"]
        self.stderr = descriptors["stderr"]


def become_sandbox(plan: dict, parent: int, ends: Ends, map_ids: Callable[[], None]) -> None:  # type: ignore[type-arg]
    """Returns only by failing. `map_ids` has the supervisor fill in a new user namespace."""
    for path in plan["cgroups"]:
        with open(path + "/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))
    groups = _open_parts(plan["parts"])
    for number in (
        *(signal.SIGINT, signal.SIGHUP, signal.SIGPIPE),
        *(signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1),
    ):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(ends.stderr, 2)
    places = _places(plan, map_ids, lambda stage: _tell_stage(ends.steps, stage))
    # After the change of user, which would clear it; the parent may have died just before.
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) or os.getppid() != parent:
        os._exit(127)
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    fds = {"steps": ends.steps, "command": ends.command, "results": ends.results}
    for name in ("root", "artist"):
        # Kept in memory only: scripts may hold secrets.
        fds[name] = _memory(f"{name}'s scripts", plan["scripts"][name].encode())
    told = " ".join(f"{name}={number}" for name, number in fds.items())
    for end in fds.values():
        os.set_inheritable(end, True)
    if not plan.get("walls", True):
        own = {"SOUNDSTAGE_FDS": told, "SOUNDSTAGE_GROUPS": groups}
        words = plan["command"]
        os.execve(words[0], words, {**plan["environment"], **own})  # noqa: S606 -- no shell is wanted.
    os.set_inheritable(ends.status, True)
    places.update({"\0groups": groups, "\0fds": told, "\0status": str(ends.status)})
    places["\0seccomp"] = str(_memory("seccomp", bytes.fromhex(plan["seccomp"])))
    for name, text in plan["data"].items():
        places[f"\0data:{name}"] = str(_memory(name, text.encode()))
    arguments = [places.get(word, word) for word in plan["arguments"]]
    packed = _memory("arguments", b"\0".join(word.encode() for word in arguments) + b"\0")
    # Neither arguments nor environment may show the outside anything secret: both come by
    # descriptor.
    line = [plan["program"], "--args", str(packed), "--", *plan["command"]]
    os.execve(plan["program"], line, {"PATH": "/usr/bin:/bin"})  # noqa: S606 -- no shell is wanted.


def _tell_stage(steps: int, stage: str) -> None:
    """As the programs inside say it, which have this end of the pipe after us."""
    os.write(steps, b"stage " + stage.encode() + b"\n")


def _places(
    plan: dict[str, Any], map_ids: Callable[[], None], tell: Callable[[str], None]
) -> dict[str, str]:
    """Become who the workstation begins as; answers where what is bound now stands."""
    if plan["ids"] is None:
        if plan["uid"] is None:
            places = {f"\0bind:{i}": source for i, source in enumerate(plan["binds"])}
            return places | {f"\0device:{i}": node for i, node in enumerate(plan["devices"])}
        _leave_mounts()
        places = _stage(plan, tell)
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
        return places
    if os.geteuid() == 0:
        # Root attaches with the host's rights, then leaves them behind.
        _leave_mounts()
        places = _stage(plan, tell)
        _enter_users(map_ids)
    else:
        _enter_users(map_ids)
        _leave_mounts()
        places = _stage(plan, tell)
    os.setresgid(0, 0, 0)
    os.setgroups([])
    os.setresuid(0, 0, 0)
    late = [n for n, share in enumerate(plan["shares"]) if share["client"] == "program"]
    if late:
        # The mounts made by root of the host are not this namespace's to add to.
        _leave_mounts()
    _attach_all("attach_late", [(plan["shares"][n], places[f"\0share:{n}"]) for n in late], tell)
    for target in plan["home_targets"]:
        _make_home_folder(places["\0home"], target)
    if plan["system"] is not None:
        places.update(_make_system(places["\0scratch"] + "/system", plan["system"]))
    return places


def _leave_mounts() -> None:
    if _libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "a mount namespace was refused")
    mount("none", "/", None, _MS_REC | _MS_SLAVE, None)


def _enter_users(map_ids: Callable[[], None]) -> None:
    if _libc.unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "a user namespace was refused")
    map_ids()


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
    """Call the kernel. Raises OSError that names both ends."""
    words = (source.encode(), target.encode(), kind.encode() if kind else None, flags)
    if _libc.mount(*words, options.encode() if options else None):
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} on {target}: {os.strerror(number)}")


def _stage(plan: dict, tell: Callable[[str], None]) -> dict[str, str]:  # type: ignore[type-arg]
    """Bind every source below one folder that any user may enter, in a mount namespace of our own.

    The workstation's users can't walk to a source below, say, /root (mode 0700), and bubblewrap
    resolves sources as one of them. Opened with the service's rights they can be bound whatever
    the modes of the folders above are. The namespace goes with its last process, so no mount can
    be left over.
    """
    sources = {f"\0bind:{i}": source for i, source in enumerate(plan["binds"])}
    sources |= {f"\0{name}": source for name, source in plan["folders"].items()}
    if plan.get("image") is not None:
        sources["\0image"] = plan["image"]
    opened = {name: os.open(path, os.O_PATH | os.O_CLOEXEC) for name, path in sources.items()}
    stage = next(folder for folder in _STAGES if os.path.isdir(folder))
    mount("soundstage", stage, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
    places = {}
    for number, (name, descriptor) in enumerate(opened.items()):
        target = places[name] = f"{stage}/{number}"
        os.mkdir(target, 0o755)
        mount(f"/proc/self/fd/{descriptor}", target, None, _MS_BIND, None)
        os.close(descriptor)
    places.update(_own_devices(plan, stage))
    if plan.get("image") is not None:
        places["\0overlay"] = _overlay(plan, stage, places["\0image"], places["\0scratch"])
    early = []
    for number, share in enumerate(plan["shares"]):
        target = places[f"\0share:{number}"] = f"{stage}/share-{number}"
        os.mkdir(target, 0o755)
        early.append((share, target))
    _attach_all("attach_early", early, tell, plan["artist"])
    return places


def _overlay(plan: dict, stage: str, image: str, scratch: str) -> str:  # type: ignore[type-arg]
    """The image's whole root, of which what is changed lies in scratch space: new at each start.

    Where root of the host mounts, the image's files are its own, so they are shown as those of
    this workstation's users first. Another user's image belongs to those already.
    """
    is_root = os.geteuid() == 0
    owner = plan["ids"]["users"][0][1] if is_root else 0
    below = f"{stage}/image"
    if is_root:
        os.mkdir(below, 0o755)
        _attaching().attach_image(image, below, plan["ids"])
    else:
        below = image
    layers = {"upperdir": f"{scratch}/system/upper", "workdir": f"{scratch}/system/work"}
    for path in layers.values():
        os.makedirs(path)
        # The upper one is what the root itself looks like.
        os.chmod(path, 0o755)  # noqa: PTH101, S103 -- as every root has it.
        os.chown(path, owner, owner)
    target = f"{stage}/root"
    os.mkdir(target, 0o755)
    # Nobody looks for it after a crash, so it need not reach the disk in order.
    options = [
        f"lowerdir={below}",
        *(f"{name}={path}" for name, path in layers.items()),
        "volatile",
    ]
    options += [] if is_root else ["userxattr"]
    try:
        mount("overlay", target, "overlay", _MS_NOSUID | _MS_NODEV, ",".join(options))
    except OSError as error:
        raise OSError(
            error.errno,
            f"the image can't be run on ({os.strerror(error.errno or 0)}): the file system of "
            "SOUNDSTAGE_HOME must carry an overlay, as ext4, xfs and btrfs do",
        ) from None
    return target


def _own_devices(plan: dict, stage: str) -> dict[str, str]:  # type: ignore[type-arg]
    """As root of the host the workstation's own nodes; another user has what rights it has."""
    if not plan["devices"]:
        return {}
    if os.geteuid() != 0:
        return {f"\0device:{i}": node for i, node in enumerate(plan["devices"])}
    here = os.path.dirname(os.path.abspath(__file__))
    if here not in sys.path:
        sys.path.insert(0, here)
    import devices  # type: ignore[import-not-found]  # noqa: PLC0415 -- only where there are some.

    artist = plan["uid"] if plan["ids"] is None else plan["artist"]["uid"]
    return devices.lay_out(plan["devices"], stage + "/devices", artist)  # type: ignore[no-any-return]


def _open_parts(parts: dict) -> str:  # type: ignore[type-arg]
    """Open, with the rights of now, what the starter parts programs with: the list of the desktop's
    processes, and the doors to the groups of programs.
    """
    if not parts["programs"]:
        return ""
    opened = [os.open(parts["desktop"] + "/cgroup.procs", os.O_RDONLY)]
    opened += [os.open(path + "/cgroup.procs", os.O_WRONLY) for path in parts["programs"]]
    for descriptor in opened:
        os.set_inheritable(descriptor, True)
    return " ".join(str(descriptor) for descriptor in opened)


def _attach_all(
    step: str, shares: list[tuple[dict[str, Any], str]], tell: Callable[[str], None], *words: object
) -> None:
    if shares:
        tell("shares")
        for share, target in shares:
            _attach(share, step, target, *words)
        tell("machine")


def _attach(share: dict, step: str, *words: object) -> None:  # type: ignore[type-arg]
    """Take one step of `attaching.py`; whatever stands in its way ends the start."""
    attaching = _attaching()
    try:
        getattr(attaching, step)(share, *words)
    except (attaching.AttachError, OSError) as error:
        _fail_to_mount(f"The shared file system {share['component']!r} is not there: {error}")


def _attaching() -> Any:
    here = os.path.dirname(os.path.abspath(__file__))
    if here not in sys.path:
        sys.path.insert(0, here)
    import attaching  # type: ignore[import-not-found]  # noqa: PLC0415 -- only where it is needed.

    return attaching


def _fail_to_mount(sentence: str) -> None:
    os.write(2, sentence.encode()[:400])
    os._exit(MOUNT_FAILED)


def _make_home_folder(home: str, target: str) -> None:
    """Make the folder in the home that a share will cover: as the artist, and along no link."""
    os.setegid(_ARTIST)
    os.seteuid(_ARTIST)
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    here = os.open(home, flags)
    try:
        for step in target.split("/"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(step, 0o755, dir_fd=here)
            below = os.open(step, flags, dir_fd=here)
            os.close(here)
            here = below
    except OSError as error:
        _fail_to_mount(f"$HOME/{target} is no folder that could be mounted on: {error.strerror}")
    finally:
        os.close(here)
        os.seteuid(0)
        os.setegid(0)


def _make_system(top: str, facts: dict) -> dict[str, str]:  # type: ignore[type-arg]
    """Lay out what root's scripts may write; every file of it belongs to the workstation's root."""
    os.umask(0o022)
    places = {}
    for name in facts["folders"]:
        places[f"\0system:{name}"] = f"{top}/{name}"
        os.makedirs(f"{top}/{name}")
    os.chmod(f"{top}/root", 0o700)  # noqa: PTH101 -- as above.
    for name in facts["etc"]:
        _copy(f"{facts['image']}/etc/{name}", f"{top}/etc/{name}")
    local = f"{facts['image']}/usr/local"
    if os.path.isdir(local):
        _lay_out(local, f"{top}/usr/local", facts["image_local"], _LOCAL_DEPTH)
    os.umask(0o077)
    return places


def _copy(source: str, target: str) -> None:
    """What can't be read by everybody is left out, as it would be without a root."""
    try:
        if os.path.isdir(source) and not os.path.islink(source):
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        elif os.path.lexists(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    except (OSError, shutil.Error):
        return


def _lay_out(source: str, target: str, seen_as: str, depth: int) -> None:
    """Folders of one's own above, links to the image's read-only ones below."""
    os.makedirs(target, exist_ok=True)
    try:
        entries = list(os.scandir(source))
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), f"{target}/{entry.name}")
        elif entry.is_dir() and depth:
            _lay_out(entry.path, f"{target}/{entry.name}", f"{seen_as}/{entry.name}", depth - 1)
        else:
            os.symlink(f"{seen_as}/{entry.name}", f"{target}/{entry.name}")


def _memory(name: str, content: bytes) -> int:
    descriptor = os.memfd_create(name, 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
