"""Attaches shared file systems where a workstation's mounts are made: folders, NFS and SMB.

Imported by `building.py` in the child that becomes a sandbox, only where there is something to
attach; it uses the standard library only and imports nothing of ours. As root a folder is
attached with its owner's id turned into the artist's (an id-mapped mount), so that several artists
write it as one, and what they write belongs to its owner.
"""

# As in building.py.
# ruff: noqa: PTH123, PTH116

import ctypes
import os
import select
import signal
import subprocess
import time

_AT_EMPTY_PATH, _OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 0x1000, 1, 4
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_IDMAP = 1, 2, 4, 0x100000
_MS_BIND, _MS_REC = 4096, 16384
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
# As rclone does by itself, but for the dot: rclone 1.60 asks for a folder "." at the top of a
# share, and its own spelling of that name would be made there.
_SMB_SPELLING = (
    "Slash,LtGt,DoubleQuote,Colon,Question,Asterisk,Pipe,BackSlash,Ctl,RightSpace,InvalidUtf8"
)
WITHIN_SECONDS = 30
"""How long a file server may take to answer before the start fails."""

_libc = ctypes.CDLL(None, use_errno=True)


Row = tuple[int, int, int]
"""The first id on the disk, the first in the mount, and how many."""


class AttachError(Exception):
    """A share can't be attached; the message is a sentence for people."""


def attach_early(share: dict, target: str, ids: dict) -> bool:  # type: ignore[type-arg]
    """Attach what needs the host's rights; reports False for what comes later.

    `ids` says who of the host the artist is.
    """
    if share["kind"] == "FOLDER":
        _attach_folder(share, target, ids)
        return True
    if share["client"] == "kernel":
        _mount_by_kernel(share, target, ids)
        return True
    return False


def attach_late(share: dict, target: str) -> None:  # type: ignore[type-arg]
    """Attach by a program of user space, as the workstation's root; it ends with this process."""
    _mount_by_program(share, target)


def _attach_folder(share: dict, target: str, ids: dict) -> None:  # type: ignore[type-arg]
    folder = _open_beneath(share)
    about = os.fstat(folder)
    source = f"{share['top']}/{share['below']}"
    if os.geteuid() != 0:
        # Here the artist is this very user, and has its rights.
        _check(
            _libc.mount(
                f"/proc/self/fd/{folder}".encode(), target.encode(), None, _MS_BIND | _MS_REC, None
            ),
            f"{source} can't be mounted",
        )
        os.close(folder)
        return
    if about.st_uid == 0 and not share["read_only"]:
        raise AttachError(
            f"{source} belongs to root, and artists write a shared folder as its owner: give it "
            "another owner, or allow it read-only"
        )
    tree = _call(_SYS_OPEN_TREE, folder, b"", _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_EMPTY_PATH)
    _check(tree, f"{source} can't be mounted")
    os.close(folder)
    flags = _ATTR_NOSUID | _ATTR_NODEV | (_ATTR_RDONLY if share["read_only"] else 0)
    users = user_namespace([(about.st_uid, ids["uid"], 1)], [(about.st_gid, ids["gid"], 1)])
    if _set_attributes(tree, flags | _ATTR_IDMAP, users) < 0:
        reason = os.strerror(ctypes.get_errno())
        if not share["read_only"]:
            raise AttachError(
                f"the file system of {source} can't be shared by several users as one ({reason}); "
                "it can be shared read-only"
            )
        _check(_set_attributes(tree, flags, 0), f"{source} can't be mounted")
    os.close(users)
    moved = _call(_SYS_MOVE_MOUNT, tree, b"", -100, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    _check(moved, f"{source} can't be mounted")
    os.close(tree)


def _open_beneath(share: dict) -> int:  # type: ignore[type-arg]
    """Step by step, following no link: who writes in the share may have laid one by now."""
    try:
        here = os.open(share["top"], _PLACE)
        for step in share["below"].split("/"):
            here, above = os.open(step, _PLACE | os.O_NOFOLLOW, dir_fd=here), here
            os.close(above)
    except OSError as error:
        raise AttachError(
            f"{share['top']}/{share['below']} is no folder that can be reached without a link "
            f"({error.strerror})"
        ) from error
    return here


def attach_image(source: str, target: str, ids: dict) -> None:  # type: ignore[type-arg]
    """Attach an image that belongs to this host's ids as that of a workstation's, for reading."""
    tree = _call(_SYS_OPEN_TREE, -100, source.encode(), _OPEN_TREE_CLONE | os.O_CLOEXEC)
    _check(tree, "the image can't be mounted")
    users = user_namespace(ids["users"], ids["groups"])
    flags = _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV | _ATTR_IDMAP
    _check(_set_attributes(tree, flags, users), "the image's users can't be mapped")
    os.close(users)
    moved = _call(_SYS_MOVE_MOUNT, tree, b"", -100, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    _check(moved, "the image can't be mounted")
    os.close(tree)


def user_namespace(users: list[Row], groups: list[Row]) -> int:
    """A namespace that nobody lives in, which says who on the disk is whom in the mount."""
    ready_r, ready_w = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        refused = _libc.unshare(_CLONE_NEWUSER)
        os.write(ready_w, b"n" if refused else b"y")
        signal.pause()
    try:
        if os.read(ready_r, 1) != b"y":
            raise AttachError("a user namespace was refused")
        for kind, rows in (("uid", users), ("gid", groups)):
            with open(f"/proc/{child}/{kind}_map", "w") as file:
                file.write("".join(f"{disk} {here} {count}\n" for disk, here, count in rows))
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready_r)
        os.close(ready_w)


def _set_attributes(tree: int, flags: int, users: int) -> int:
    # struct mount_attr: set, clear, propagation, and the user namespace's descriptor.
    wanted = (ctypes.c_uint64 * 4)(flags, 0, 0, users)
    return _call(_SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, wanted, ctypes.sizeof(wanted))


def _call(*words: object) -> int:
    return int(_libc.syscall(*words))


def _check(result: int, what: str) -> None:
    if result < 0:
        raise AttachError(f"{what}: {os.strerror(ctypes.get_errno())}")


def kernel_command(share: dict, target: str, ids: dict) -> list[str]:  # type: ignore[type-arg]
    """The mount program's words. A server that is gone makes programs wait, and loses nothing
    (hard); `softerr` would give artists write errors in its place.
    """
    access = "ro" if share["read_only"] else "rw"
    if share["kind"] == "NFS":
        options = f"{access},nosuid,nodev,hard,retry=0,timeo=100,retrans=2,vers=4"
        return ["mount", "-t", "nfs", "-o", options, "--", share["source"], target]
    # The program knows no port in an address.
    host, _, port = share["source"].split("/", 3)[2].partition(":")
    source = f"//{host}/{share['source'].split('/', 3)[3]}"
    options = (
        f"{access},nosuid,nodev,hard,vers=3,uid={ids['uid']},gid={ids['gid']},forceuid,forcegid,"
        "file_mode=0660,dir_mode=0770"
    )
    options += f",port={port}" if port else ""
    account = share["account"]
    if account is None:
        options += ",guest"
    else:
        options += f",username={account['user']}"
        options += f",domain={account['domain']}" if account["domain"] else ""
    return ["mount", "-t", "cifs", "-o", options, "--", source, target]


def _mount_by_kernel(share: dict, target: str, ids: dict) -> None:  # type: ignore[type-arg]
    account = share["account"]
    # mount.cifs reads the password from this variable, which only root can look into.
    secret = {} if account is None else {"PASSWD": account["password"]}
    with subprocess.Popen(
        kernel_command(share, target, ids),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **secret},
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            # What waits in the kernel is what `mount` began; that one isn't waited for here.
            os.killpg(process.pid, signal.SIGKILL)
            raise AttachError(
                f"{share['source']} did not answer within {WITHIN_SECONDS} s"
            ) from None
    if process.returncode:
        raise AttachError(f"{share['source']} can't be mounted: {_last(said)}")


def program_command(share: dict, target: str) -> list[str]:  # type: ignore[type-arg]
    """Rclone's words; where the server is and who asks come by its environment."""
    name = share["source"].split("/", 3)[3]
    access = ["--read-only"] if share["read_only"] else []
    return [
        *("rclone", "mount", f":smb:{name}", target, "--config", "/dev/null", *access),
        *("--uid", "1000", "--gid", "1000", "--umask", "007", "--allow-other"),
        # A file is on the server when it is closed, for this ends with the workstation, at once.
        *("--vfs-cache-mode", "writes", "--vfs-write-back", "0s"),
        *("--dir-cache-time", "5s", "--attr-timeout", "1s"),
        *("--contimeout", "10s", "--retries", "1", "--low-level-retries", "2"),
        f"--smb-encoding={_SMB_SPELLING}",
    ]


def program_environment(share: dict, obscured: str, cache: str) -> dict[str, str]:  # type: ignore[type-arg]
    account = share["account"] or {"user": "guest", "domain": ""}
    host, _, port = share["source"].split("/", 3)[2].partition(":")
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "RCLONE_SMB_HOST": host,
        "RCLONE_SMB_PORT": port or "445",
        "RCLONE_SMB_USER": account["user"],
        "RCLONE_SMB_PASS": obscured,
        "RCLONE_SMB_DOMAIN": account["domain"] or "WORKGROUP",
        "RCLONE_CACHE_DIR": cache,
    }


def _mount_by_program(share: dict, target: str) -> None:  # type: ignore[type-arg]
    obscured = ""
    if share["account"] is not None:
        # rclone takes a password only in its own spelling, which hides it from nobody.
        spelled = subprocess.run(
            ["rclone", "obscure", "-"],
            input=share["account"]["password"].encode(),
            capture_output=True,
            check=True,
        )
        obscured = spelled.stdout.decode().strip()
    before = os.stat(target).st_dev
    process = subprocess.Popen(
        program_command(share, target),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=program_environment(share, obscured, share["cache"]),
        # Kindly: it may still be writing to the server. The supervisor waits for it.
        preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0),  # noqa: PLW1509 -- no threads here.
    )
    deadline = time.monotonic() + WITHIN_SECONDS
    while os.stat(target).st_dev == before:
        if process.poll() is not None:
            said = process.stderr.read() if process.stderr else b""
            raise AttachError(f"{share['source']} can't be mounted: {_last(said)}")
        if time.monotonic() > deadline:
            process.kill()
            raise AttachError(f"{share['source']} did not answer within {WITHIN_SECONDS} s")
        select.select([], [], [], 0.02)
    _expect_an_answer(share, target, deadline)


def _expect_an_answer(share: dict, target: str, deadline: float) -> None:  # type: ignore[type-arg]
    """Rclone mounts before it has asked the server anything."""
    child = os.fork()
    if child == 0:
        try:
            os.listdir(target)  # noqa: PTH208 -- as in building.py.
        except OSError:
            os._exit(1)
        os._exit(0)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended and status == 0:
            return
        if ended:
            raise AttachError(f"{share['source']} does not answer, or not to this account")
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            raise AttachError(f"{share['source']} did not answer within {WITHIN_SECONDS} s")
        select.select([], [], [], 0.02)


def _last(said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    # What mount.cifs says behind its reason.
    lines = [line for line in lines if not line.startswith("Refer to the mount.cifs")]
    return lines[-1].strip()[:200] if lines else "no reason was given"
