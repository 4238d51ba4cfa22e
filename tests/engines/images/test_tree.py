"""An image's files, packed and laid out."""

import os
from pathlib import Path

import pytest

from soundstage.engines.images.furnishing import EPOCH
from soundstage.engines.images.store import ImageError
from soundstage.engines.images.tree import Owner, digest_of, pipe, run

OWNER = Owner()


def a_tree(folder: Path, *, order: list[str]) -> Path:
    OWNER.run("mkdir", folder)
    for name in order:
        OWNER.run("tee", folder / name, content=name.encode())
    OWNER.run("chmod", "4755", folder / order[0])
    OWNER.run("ln", "-s", "a", folder / "link")
    return folder


def test_the_same_files_are_packed_to_the_same_bytes(tmp_path: Path) -> None:
    one = a_tree(tmp_path / "one", order=["a", "b"])
    two = a_tree(tmp_path / "two", order=["a", "b"])
    os.utime(two / "b", (EPOCH + 5000, EPOCH + 5000))
    OWNER.run("rm", two / "a")
    OWNER.run("tee", two / "a", content=b"a")
    OWNER.run("chmod", "4755", two / "a")
    OWNER.pack(one, tmp_path / "one.zst")
    OWNER.pack(two, tmp_path / "two.zst")
    assert digest_of(tmp_path / "one.zst") == digest_of(tmp_path / "two.zst")
    OWNER.run("tee", two / "a", content=b"A")
    OWNER.pack(two, tmp_path / "three.zst")
    assert digest_of(tmp_path / "three.zst") != digest_of(tmp_path / "one.zst")


def test_what_is_packed_comes_back_with_its_modes(tmp_path: Path) -> None:
    OWNER.pack(a_tree(tmp_path / "one", order=["a", "b"]), tmp_path / "one.zst")
    OWNER.unpack(tmp_path / "one.zst", tmp_path / "back")
    about = (tmp_path / "back/a").stat()
    assert about.st_mode & 0o7777 == 0o4755
    assert about.st_mtime == EPOCH
    assert (tmp_path / "back/link").readlink() == Path("a")
    assert (tmp_path / "back").stat().st_uid == about.st_uid


def test_a_broken_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.zst").write_bytes(b"nothing packed")
    with pytest.raises(ImageError, match=r"zstd ended with code 1:\n.*broken"):
        OWNER.unpack(tmp_path / "broken.zst", tmp_path / "back")


def test_a_program_s_last_words_are_told() -> None:
    with pytest.raises(ImageError, match=r"^sh ended with code 3:\n  one\n  two$"):
        run(["sh", "-c", "echo one >&2; echo two >&2; exit 3"])


def test_of_two_programs_the_one_that_failed_is_told() -> None:
    with pytest.raises(ImageError, match=r"sh ended with code 2:\n  full"):
        pipe(["yes"], ["sh", "-c", "echo full >&2; exit 2"], cwd="/")
    with pytest.raises(ImageError, match=r"sh ended with code 5:\n  why"):
        pipe(["sh", "-c", "echo why >&2; exit 5"], ["cat"], cwd="/")
