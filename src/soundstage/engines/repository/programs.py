"""How a program that reads or writes an artist's files is started: gently, and never left behind.

`backups` and `volumes` put these words before each such command. It runs below the live desktops
(nice, ionice), dies with the thread that started it, and can read what an artist locked away: as
root anyway, else with the rights that a user namespace gives over one's own files.
"""

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from soundstage.engines import identities
from soundstage.engines.repository import trees
from soundstage.kit.jobs import Cancellation

_VERSION = re.compile(rb"\d+\.\d+(?:\.\d+)*")


class ProgramError(Exception):
    """A program ended badly; the message names it and quotes its last words."""


def gently(*argv: str | Path) -> list[str]:
    return ["nice", "-n", "10", "ionice", "-c", "2", "-n", "7", *urgently(*argv)]


def urgently(*argv: str | Path) -> list[str]:
    """The same for what somebody waits for: as quick as the machine allows."""
    # setpriv comes last: the kernel drops the wish to die when a namespace is entered after it.
    return [
        *(() if os.geteuid() == 0 else _own_namespace()),
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *(str(part) for part in argv),
    ]


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **more}


def run(cancellation: Cancellation, *argv: str | Path, cwd: Path | None = None) -> bytes:
    """Run a program to its end and hand back what it printed."""
    done = cancellation.run(gently(*argv), cwd=cwd, env=environment())
    if done.returncode != 0:
        raise ProgramError(f"{Path(str(argv[0])).name}: {last_words(done.stderr)}")
    return done.stdout


def last_words(stderr: bytes) -> str:
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason given"


def version(command: list[str]) -> str:
    """Read the first version that a program says of itself; empty when it says none."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search(done.stdout + done.stderr)
    return found[0].decode() if found is not None and done.returncode == 0 else ""


def note_tree(
    cancellation: Cancellation, directory: Path, note: Path, *, is_urgent: bool = False
) -> int:
    """Write down in `note` what restic can't keep of `directory`; answers its content's bytes."""
    argv = (urgently if is_urgent else gently)(*_trees("note", directory))
    done = cancellation.run(argv, env=environment())
    if done.returncode != 0:
        raise ProgramError(f"looking a tree over: {last_words(done.stderr)}")
    written = done.stdout
    note.write_bytes(written)
    # Python's own reader: msgspec refuses the lone surrogates in names that are not UTF-8.
    return int(json.loads(written)["bytes"])


def mend_tree(cancellation: Cancellation, directory: Path, note: Path) -> None:
    """Put right what restic could not keep, as `note` says."""
    with note.open("rb") as noted:
        # It is part of a restore, which somebody waits for.
        argv = urgently(*_trees("mend", directory))
        done = cancellation.run(argv, env=environment(), stdin=noted)
    if done.returncode != 0:
        raise ProgramError(f"mending a restored tree: {last_words(done.stderr)}")


def own_tree(cancellation: Cancellation, directory: Path, owner: int) -> None:
    run(cancellation, *_trees("own", directory), str(owner))


def _trees(action: str, directory: Path) -> list[str | Path]:
    return [sys.executable, "-I", "-S", trees.__file__, action, directory]


@functools.cache
def _own_namespace() -> tuple[str, ...]:
    """Enter a user namespace that keeps one's own ids and gives every right over them, if may be:
    over the subordinate ids too, which workstations' roots leave files of.

    Without it files of mode 000 can't be read, and a backup of them fails and says so.
    """
    uid, gid = os.geteuid(), os.getegid()
    words = ["unshare", "--user", "--keep-caps", f"--map-user={uid}", f"--map-group={gid}"]
    more: list[str] = []
    own = identities.own_subordinates()
    if not isinstance(own, str):
        users, groups = own
        more = [
            f"--map-users={users.first},{users.first},{users.count}",
            f"--map-groups={groups.first},{groups.first},{groups.count}",
        ]
    for tried in ([*words, *more], words):
        if subprocess.run([*tried, "true"], check=False, capture_output=True).returncode == 0:
            return tuple(tried)
    return ()
