"""What restic cannot keep of a directory tree: noted before a backup, put right after a restore.

A program of its own (`python -I trees.py note|mend|own DIRECTORY`), because `backups` and `volumes`
run it the way they run restic: gently, ended with the service, and with the rights to read what an
artist locked away. It uses the standard library only and imports nothing of ours.

restic 0.14 writes the holes of sparse files out as zeros and spoils symbolic links whose target is
not UTF-8; both are in the note, names as Python reads them from the file system.
"""

import ctypes
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)
# Linux fallocate(2): FALLOC_FL_PUNCH_HOLE with FALLOC_FL_KEEP_SIZE.
_PUNCH = 0x02 | 0x01

# The host's ids behind workstations' own users, as in settings.py.
_BLOCKS = range(2_100_000_768, 2_146_138_112)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def _walk(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every path with what lstat says of it, the directory's own first."""
    yield directory, os.lstat(directory)
    pending = [directory]
    while pending:
        try:
            entries = os.scandir(pending.pop())
        except PermissionError:
            # Only without the right to override modes; restic then reports the same directory.
            continue
        with entries:
            for entry in entries:
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)


def _holes(path: str, size: int) -> list[tuple[int, int]]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        return []
    try:
        found = []
        position = 0
        while position < size:
            start = os.lseek(fd, position, os.SEEK_HOLE)
            if start >= size:
                break
            try:
                position = os.lseek(fd, start, os.SEEK_DATA)
            except OSError:
                # No data behind it: the hole reaches the end.
                position = size
            found.append((start, position - start))
        return found
    finally:
        os.close(fd)


def note(directory: str) -> dict[str, Any]:
    """Look a tree over: what restoring it writes, its holes, and its links restic would spoil."""
    written = 0
    sparse: dict[str, list[tuple[int, int]]] = {}
    links: dict[str, str] = {}
    seen: set[tuple[int, int]] = set()
    for path, about in _walk(directory):
        if stat.S_ISLNK(about.st_mode):
            target = os.readlink(path)  # noqa: PTH115  # A Path would drop doubled slashes.
            if not _is_utf8(target):
                links[os.path.relpath(path, directory)] = target
        elif stat.S_ISREG(about.st_mode):
            if about.st_nlink > 1:
                if (about.st_dev, about.st_ino) in seen:
                    continue
                seen.add((about.st_dev, about.st_ino))
            written += about.st_size
            if about.st_blocks * 512 < about.st_size:
                holes = _holes(path, about.st_size)
                if holes:
                    sparse[os.path.relpath(path, directory)] = holes
                    written -= sum(length for _, length in holes)
    return {"bytes": written, "sparse": sparse, "links": links}


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def mend(directory: str, noted: dict[str, Any]) -> None:
    """Put right, in a freshly restored tree, what `note` found."""
    for name, holes in noted["sparse"].items():
        _dig(Path(directory, name), holes)
    for name, target in noted["links"].items():
        _link(Path(directory, name), target)


def _dig(path: Path, holes: list[tuple[int, int]]) -> None:
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        about = os.fstat(fd)
        for start, length in holes:
            # Only zeros are given back: a note that is wrong must not cost data.
            if _is_zero(fd, start, length) and _libc.fallocate(fd, _PUNCH, start, length) != 0:
                break  # This file system has no holes.
        os.utime(fd, ns=(about.st_atime_ns, about.st_mtime_ns))
    finally:
        os.close(fd)


def _is_zero(fd: int, start: int, length: int) -> bool:
    end = start + length
    while start < end:
        piece = os.pread(fd, min(_CHUNK, end - start), start)
        if not piece or piece != _ZEROS[: len(piece)]:
            return False
        start += len(piece)
    return True


def _link(path: Path, target: str) -> None:
    about = path.lstat()
    around = path.parent.lstat()
    path.unlink()
    path.symlink_to(target)
    if os.geteuid() == 0:
        os.lchown(path, about.st_uid, about.st_gid)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns), follow_symlinks=False)
    os.utime(path.parent, ns=(around.st_atime_ns, around.st_mtime_ns))


def own(directory: str, owner: int) -> None:
    """Give everything that belongs to the owner of `directory` to `owner`, groups likewise.

    What scripts left there as the workstation's root goes to the owner too: the ids behind that
    root change with the workstation (settings.py says where they lie).
    """
    top = os.lstat(directory)
    for path, about in _walk(directory):
        os.lchown(
            path,
            owner if about.st_uid == top.st_uid or about.st_uid in _BLOCKS else about.st_uid,
            owner if about.st_gid == top.st_gid or about.st_gid in _BLOCKS else about.st_gid,
        )
        if stat.S_ISREG(about.st_mode) and about.st_mode & (stat.S_ISUID | stat.S_ISGID):
            # The kernel took these bits away with the old owner.
            Path(path).chmod(stat.S_IMODE(about.st_mode))


def main(arguments: list[str]) -> None:
    action, directory = arguments[:2]
    if action == "note":
        # ASCII only: names that are not UTF-8 travel as escaped lone surrogates.
        json.dump(note(directory), sys.stdout)
    elif action == "mend":
        mend(directory, json.load(sys.stdin))
    else:
        own(directory, int(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
