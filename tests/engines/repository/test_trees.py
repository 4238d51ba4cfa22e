"""What the note of a tree says, and that it is put right after holes and links were lost."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.repository import trees


def test_holes_and_odd_links_come_back_as_noted(
    tmp_path: Path, grow: Callable[[Path], None], describe: Callable[[Path], dict[bytes, Any]]
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    grow(before)
    noted = json.loads(json.dumps(trees.note(str(before))))
    shutil.copytree(before, after, symlinks=True, ignore=shutil.ignore_patterns("fifo", "secret"))
    for name in (b"sparse", b"only-hole"):
        path = after / os.fsdecode(name)
        with path.open("r+b") as file:
            content = file.read()
            file.seek(0)
            file.write(content)
        moment = (before / os.fsdecode(name)).lstat().st_mtime_ns
        os.utime(path, ns=(moment, moment))
    spoilt = after / "to-bytes"
    spoilt.unlink()
    spoilt.symlink_to("spoilt")

    trees.mend(str(after), noted)

    wanted, got = describe(before), describe(after)
    for name in (b"./sparse", b"./only-hole", b"./zeros"):
        assert got[name]["holes"] == wanted[name]["holes"]
        assert got[name]["content"] == wanted[name]["content"]
        assert got[name]["modified"] == wanted[name]["modified"]
    assert got[b"./to-bytes"]["target"] == wanted[b"./to-bytes"]["target"]


def test_size_counts_content_once_and_no_holes(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 5000)
    (tmp_path / "again").hardlink_to(tmp_path / "one")
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 30)
    assert trees.note(str(tmp_path))["bytes"] == 5000


def test_a_wrong_note_costs_no_data(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"x" * 8192)
    trees.mend(str(tmp_path), {"sparse": {"full": [[0, 8192]]}, "links": {}})
    assert (tmp_path / "full").read_bytes() == b"x" * 8192


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_tree_changes_hands_and_keeps_its_modes(tmp_path: Path) -> None:
    for name, owner, mode in (("mine", 1111, 0o4755), ("other", 2222, 0o600)):
        path = tmp_path / name
        path.write_bytes(b"")
        os.chown(path, owner, owner)
        path.chmod(mode)
    os.chown(tmp_path, 1111, 1111)
    trees.own(str(tmp_path), 3333)
    assert tmp_path.stat().st_uid == 3333
    mine = (tmp_path / "mine").stat()
    assert (mine.st_uid, mine.st_gid, mine.st_mode & 0o7777) == (3333, 3333, 0o4755)
    assert (tmp_path / "other").stat().st_uid == 2222
