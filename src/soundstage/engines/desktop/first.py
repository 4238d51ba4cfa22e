"""The first program of a workstation that has a root of its own: sets up, then becomes the artist.

Started by bubblewrap as that root (`python3 -I -S first.py`, standard library only), whose rights
end at the walls. It runs the initialization scripts of root, which nobody is logged in to see,
then gives every right away for good and goes on as `starter.py`. What the scripts left running
stays root's: the artist can neither write what it wrote nor signal it.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

_ARTIST = 1000
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
# bubblewrap refuses what is not in its filter; none of these rights reaches beyond the walls.
_PRIVATE = "/run/scripts"


def descriptors() -> dict[str, int]:
    pairs = (pair.split("=") for pair in os.environ["SOUNDSTAGE_FDS"].split())
    return {name: int(number) for name, number in pairs}


def set_up() -> None:
    """Folders that are the artist's, which bubblewrap made as root."""
    os.chown(os.environ["XDG_RUNTIME_DIR"], _ARTIST, _ARTIST)
    Path(_PRIVATE).mkdir(mode=0o700)


def run_scripts(fds: dict[str, int]) -> None:
    """End here if one fails; `scripts.py` has told the supervisor which."""
    source, results = fds["root"], fds["results"]
    if os.fstat(source).st_size:
        said = b"stage scripts\nstep running the initialization scripts of the system\n"
        os.write(fds["steps"], said)
        runner = [sys.executable, "-I", "-S", str(Path(__file__).with_name("scripts.py"))]
        words = [*runner, str(source), str(results), _PRIVATE]
        own = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}
        own["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        left_out = {
            "SOUNDSTAGE_PLAN",
            "SOUNDSTAGE_FDS",
            "SOUNDSTAGE_GROUPS",
            "XDG_RUNTIME_DIR",
            "XDG_SESSION_TYPE",
        }
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        done = subprocess.run(
            words, check=False, pass_fds=(source, results), env={**kept, **own}, cwd="/"
        )
        if done.returncode:
            sys.exit(1)
    # The scripts' text is root's alone.
    os.close(source)
    Path(_PRIVATE).rmdir()


def become_artist() -> None:
    """Groups as /etc/group has them now, so that a script may put the artist into one."""
    libc = ctypes.CDLL(None, use_errno=True)
    for right in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0):
            break  # The kernel has no more.
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    os.setgroups(os.getgrouplist("artist", _ARTIST))
    os.setresgid(_ARTIST, _ARTIST, _ARTIST)
    os.setresuid(_ARTIST, _ARTIST, _ARTIST)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) or os.getresuid() != (_ARTIST,) * 3:
        raise SystemExit("the rights of root could not be given away")


def main() -> None:
    fds = descriptors()
    set_up()
    run_scripts(fds)
    become_artist()
    starter = str(Path(__file__).with_name("starter.py"))
    os.execv(sys.executable, [sys.executable, "-I", "-S", starter])  # noqa: S606 -- no shell is wanted.


if __name__ == "__main__":
    main()
