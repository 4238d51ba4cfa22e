"""Finds out whether this machine lets us build sandboxes, and if not, what to change.

Asked by `engine.py` before the first start and for the capabilities. Nothing is guessed from
settings: a sandbox is tried, and the settings only explain a refusal.
"""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from soundstage.engines.identities import BLOCK, Subordinate
from soundstage.engines.repository import programs

_TRY = [
    "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000",
    "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
    "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--", "/usr/bin/true",  # noqa: S108 -- inside.
]  # fmt: skip

NEEDED = ("Xorg", "openbox", "tint2", "hsetroot", "wmctrl", "dunst", "pulseaudio", "dbus-daemon")

_VERSIONS = (("bubblewrap", "bwrap", "--version"), ("Xorg", "Xorg", "-version"))

APPARMOR_PROFILE = """\
abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
"""


def missing_programs() -> list[str]:
    """Names of programs that a desktop needs and this host lacks."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if not Path("/usr/lib/xorg/modules/drivers/dummy_drv.so").is_file():
        missing.append("the Xorg driver `dummy`")
    if not Path("/usr/lib/xorg/modules/input/inputtest_drv.so").is_file():
        missing.append("the Xorg driver `inputtest`")
    return missing


def versions() -> str:
    """Say which versions of the programs are here that matter most."""
    return ", ".join(
        f"{name} {programs.version([program, option]) or 'of an unknown version'}"
        for name, program, option in _VERSIONS
    )


def stream_version(environment: Path) -> str:
    """Say which stream server an environment holds."""
    ask = "import importlib.metadata as m; print(m.version('selkies'))"
    found = programs.version([str(environment / "bin" / "python3"), "-c", ask])
    return f"selkies {found}" if found else f"{environment} holds no selkies: run `make setup`"


def refusal(uid: int | None, *, proc: Path = Path("/proc/sys")) -> str | None:
    """Try a sandbox, as `uid` where given (only root can); None when it works.

    Otherwise the reason and the exact change that helps, in sentences for people.
    """
    program = shutil.which("bwrap")
    if program is None:
        return "bubblewrap is not installed: apt-get install bubblewrap"
    try:
        done = subprocess.run(
            [program, *_TRY],
            capture_output=True,
            timeout=20,
            check=False,
            cwd="/",
            user=uid,
            group=uid,
            # An ordinary user may not even ask for none.
            extra_groups=None if uid is None else [],
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap could not be tried: {error}"
    if done.returncode == 0:
        return None
    said = done.stderr.decode(errors="replace").strip()
    return explain(said, proc, os.uname().release)


@functools.cache
def users_refused(own: tuple[Subordinate, Subordinate]) -> str:
    """Try a namespace with an ordinary user's subordinate ids; empty when it works."""
    users, groups = own
    command = [
        *("unshare", "--user", "--setuid", "0", "--setgid", "0"),
        f"--map-users={users.first},0,{BLOCK}",
        f"--map-groups={groups.first},0,{BLOCK}",
        "true",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"a namespace with users could not be tried: {error}"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip()
    if _value(Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")) == "1":
        return (
            f"AppArmor keeps namespaces with users from this user ({said}): run the service as "
            "root, or `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
        )
    return f"a namespace with users was refused ({said})"


def explain(said: str, proc: Path, release: str) -> str:
    """Put bubblewrap's refusal beside the kernel settings that are known to cause it."""
    advice = []
    if _value(proc / "kernel/unprivileged_userns_clone") == "0":
        advice.append(
            "user namespaces are switched off; switch them on with "
            "`sysctl -w kernel.unprivileged_userns_clone=1`"
        )
    if _value(proc / "user/max_user_namespaces") == "0":
        advice.append(
            "no user namespace may be made; allow them with "
            "`sysctl -w user.max_user_namespaces=15000`"
        )
    if _value(proc / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        advice.append(
            "AppArmor keeps user namespaces from programs without a profile; write this to "
            f"/etc/apparmor.d/bwrap and run `apparmor_parser -r /etc/apparmor.d/bwrap`:\n"
            f"{APPARMOR_PROFILE}"
            "or, for the whole machine, "
            "`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
        )
    if not advice:
        advice.append(
            "in a container, the container must be allowed user namespaces and mounts "
            "(Docker: `--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined`)"
        )
    how = "; ".join(advice)
    return f"this kernel ({release}) does not let bubblewrap build a sandbox ({said}): {how}"


def _value(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
