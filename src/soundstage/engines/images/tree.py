"""Works on an image's files as whoever owns them: root, or an ordinary user's subordinate ids.

Used by `building.py`. An ordinary user's image belongs to the first block of its ids, which the
sandbox engine gives to the workstations that run on it.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from soundstage.engines.identities import own_subordinates
from soundstage.engines.images.furnishing import EPOCH
from soundstage.engines.images.store import ImageError

_LAST_LINES = 12
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
_PROGRAMS = ("mmdebstrap", "pip", "tar", "zstd", "furnishing.py")


def namespace() -> list[str]:
    """Words that make a program the owner of images' files: none for root. Raises ImageError."""
    if os.geteuid() == 0:
        return []
    own = own_subordinates()
    if isinstance(own, str):
        raise ImageError(f"an image needs users of its own: {own}")
    users, groups = own
    return [
        *("unshare", "--user", "--setuid", "0", "--setgid", "0"),
        *("--map-user=1000", "--map-group=1000"),
        f"--map-users={users.first},0,1024",
        f"--map-groups={groups.first},0,1024",
    ]


class Owner:
    """Whoever owns the files of images."""

    def __init__(self) -> None:
        self.namespace = namespace()

    def words(self, *words: str | Path) -> list[str]:
        return [*self.namespace, *map(str, words)]

    def run(self, *words: str | Path, content: bytes | None = None) -> bytes:
        """Run a program to its end; answers what it printed. Raises ImageError."""
        return run(self.words(*words), content=content)

    def remove(self, path: Path) -> None:
        if path.exists():
            self.run("rm", "-rf", "--one-file-system", "--", path)

    def unpacking(self, root: Path) -> list[str]:
        """Make a new tree; answers the words of what fills it from an archive on its input."""
        self.run("mkdir", "-m", "0755", root)
        kept = ("-p", "--numeric-owner", "--same-owner", "--xattrs", "--xattrs-include=*")
        return self.words("tar", "-x", *kept, "-C", root)

    def unpack(self, archive: Path, root: Path) -> None:
        pipe(["zstd", "-q", "-d", "-c", str(archive)], self.unpacking(root), cwd="/")

    def pack(self, root: Path, archive: Path) -> None:
        """In an order and with times that are the same for the same files."""
        tar = self.words(
            *("tar", "-c", "--sort=name", "--numeric-owner", "--xattrs", "--xattrs-include=*"),
            "--format=pax",
            "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
            *(f"--mtime=@{EPOCH}", "--clamp-mtime", "-C", root, "."),
        )
        pipe(tar, ["zstd", "-q", "-4", "-T0", "-o", str(archive)], cwd="/")


def digest_of(archive: Path) -> str:
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(words: Sequence[str | Path], *, content: bytes | None = None) -> bytes:
    """Run a program to its end; answers what it printed. Raises ImageError."""
    given = [str(word) for word in words]
    done = subprocess.run(given, check=False, capture_output=True, input=content, cwd="/")
    if done.returncode:
        raise ImageError(_failure(given, done.returncode, done.stderr))
    return done.stdout


def pipe(source: list[str], sink: list[str], *, cwd: str) -> None:
    """Run two programs, the second with what the first writes. Raises ImageError."""
    # mmdebstrap runs a Python for each of its first packages. One that was installed beside the
    # system's, behind a script that chooses among several, took a seventh of the whole build.
    with tempfile.TemporaryFile() as said:
        first = subprocess.Popen(
            ["env", f"PATH={_PATH}", f"SOURCE_DATE_EPOCH={EPOCH}", *source], cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
        )  # fmt: skip
        try:
            second = subprocess.run(
                sink, cwd="/", check=False, stdin=first.stdout, capture_output=True
            )
        finally:
            if first.stdout is not None:
                first.stdout.close()
            code = first.wait()
        # The second complains of what the first left out; of a full disk the first only says that
        # nobody listens.
        if code and (second.returncode == 0 or code > 0):
            raise ImageError(_failure(source, code, _all_of(said) + second.stderr))
        if second.returncode:
            raise ImageError(_failure(sink, second.returncode, second.stderr))


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _failure(words: list[str], code: int, said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    last = "".join(f"\n  {line[:300]}" for line in lines[-_LAST_LINES:])
    names = [Path(word).name for word in words]
    name = next((each for each in names if each in _PROGRAMS), names[0])
    return f"{name} ended with code {code}{':' if last else ''}{last}"
