"""What tests of engines share: a tree of everything, and a way to compare it."""

# Names are bytes here, which pathlib does not take, and modes are odd on purpose.
# ruff: noqa: PTH101, PTH103, PTH115, PTH118, PTH120, PTH123, PTH208, PTH211, S103

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Describe = Callable[[Path], dict[bytes, dict[str, Any]]]


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository made once by restic itself: choosing its key's cost takes 2 s."""
    root = tmp_path_factory.mktemp("made")
    (root / "password").write_text("a made-up password")
    subprocess.run(
        ["restic", "init", "--repo", root / "restic", "--password-file", root / "password", "-q"],
        check=True,
        env={"PATH": os.environ["PATH"], "RESTIC_CACHE_DIR": str(root / "cache")},
    )
    return root


@pytest.fixture
def grow() -> Callable[[Path], None]:
    """Fill an empty directory with everything that an artist's home may hold."""
    return _grow


@pytest.fixture
def describe() -> Describe:
    """Say all that can be known of a tree, by the bytes of each relative path."""
    return _describe


def _grow(home: Path) -> None:
    top = os.fsencode(home)

    def write(name: bytes, content: bytes = b"x", mode: int = 0o644) -> bytes:
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    odd = [
        b"new\nline",
        b"not-utf-8-\xff\xfe",
        b"-rf",
        b"--help",
        b" ",
        b"quote'\"\\",
        b"*",
        b"n" * 255,
    ]
    for name in odd:
        write(b"odd/" + name, name)
    write(b"\xe9t\xe9/deep/er/file")
    write(b"empty", b"")
    write(b"big", os.urandom(3 << 20))
    write(b"secret", b"nobody may read this", 0o000)
    write(b"runs-as-owner", b"#!/bin/sh\n", 0o4755)
    write(b"runs-as-group", b"#!/bin/sh\n", 0o2755)
    os.makedirs(os.path.join(top, b"bare/er/est"))
    os.chmod(os.path.join(top, b"bare"), 0o3770)
    first = write(b"links/first", b"one content, three names")
    for name in (b"links/second", b"elsewhere/third"):
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
        os.link(first, os.path.join(top, name))
    for name, target in {
        b"to-file": b"links/first",
        b"to-nothing": b"/no/such//place/./",
        b"to-bytes": b"\xff\xfe\n",
        b"to-root": b"/etc/shadow",
    }.items():
        os.symlink(target, os.path.join(top, name))
    os.mkfifo(os.path.join(top, b"fifo"), 0o640)
    marked = write(b"marked", b"has attributes")
    os.setxattr(marked, b"user.note", b"\x00bytes\xff")
    os.setxattr(marked, b"user.void", b"")
    os.setxattr(os.path.join(top, b"links"), b"user.on-directory", b"yes")
    # An access list as the kernel stores it: the owner, uid 4242, the group, the mask, all others.
    entries = [(1, 6, -1), (2, 4, 4242), (4, 4, -1), (16, 4, -1), (32, 0, -1)]
    access = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little")
        + may.to_bytes(2, "little")
        + (who & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, may, who in entries
    )
    os.setxattr(write(b"listed"), b"system.posix_acl_access", access)
    for name, parts in {
        b"sparse": [(0, b"begin"), (5 << 20, b"middle"), (9 << 20, b"")],
        b"only-hole": [(7 << 20, b"")],
    }.items():
        with open(os.path.join(top, name), "wb") as file:
            for offset, content in parts:
                file.seek(offset)
                file.write(content)
            file.truncate(max(offset + len(content) for offset, content in parts))
    write(b"zeros", bytes(2 << 20))
    if os.geteuid() == 0:
        stranger = write(b"strangers", b"not mine")
        os.chown(stranger, 4321, 8765)
    # Last, so that nothing disturbs them; directories after what is in them.
    for number, (folder, folders, files) in enumerate(os.walk(top, topdown=False)):
        for offset, name in enumerate([*files, *folders, b""]):
            moment = (
                1_000_000_000_123_456_789 + number * 86_400_000_000_000 + offset * 1_000_000_007
            )
            os.utime(
                os.path.join(folder, name) if name else folder,
                ns=(moment, moment),
                follow_symlinks=False,
            )
    os.utime(os.path.join(top, b"empty"), ns=(-1_500_000_000, -1_500_000_000))
    os.utime(home, ns=(1, 1_111_111_111_111_111_111))


def _describe(directory: Path) -> dict[bytes, dict[str, Any]]:
    top = os.fsencode(directory)
    found: dict[bytes, dict[str, Any]] = {}
    first_names: dict[tuple[int, int], bytes] = {}
    pending = [b"."]
    while pending:
        name = pending.pop()
        path = os.path.join(top, name)
        about = os.lstat(path)
        facts: dict[str, Any] = {
            "mode": oct(about.st_mode),
            "owner": (about.st_uid, about.st_gid),
            "modified": about.st_mtime_ns,
        }
        if stat.S_ISLNK(about.st_mode):
            facts["target"] = os.readlink(path)
        else:
            facts["attributes"] = {key: os.getxattr(path, key) for key in os.listxattr(path)}
        if stat.S_ISDIR(about.st_mode):
            names = sorted(os.listdir(path), reverse=True)
            pending += [os.path.join(name, child) for child in names]
        if stat.S_ISREG(about.st_mode):
            facts["size"] = about.st_size
            facts["same as"] = first_names.setdefault((about.st_dev, about.st_ino), name)
            if os.access(path, os.R_OK):
                facts["content"], facts["holes"] = _content(path, about.st_size)
        found[name] = facts
    return found


def _content(path: bytes, size: int) -> tuple[str, list[tuple[int, int]]]:
    holes = []
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        position = 0
        while position < size:
            start = os.lseek(file.fileno(), position, os.SEEK_HOLE)
            if start >= size:
                break
            try:
                position = os.lseek(file.fileno(), start, os.SEEK_DATA)
            except OSError:
                position = size
            holes.append((start, position))
    return digest, holes
