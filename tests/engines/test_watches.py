"""What is said of the kernel's inotify instances."""

from pathlib import Path

import pytest

from soundstage.engines import watches


@pytest.mark.parametrize(
    ("limit", "each", "is_enough", "said"),
    [
        ("128\n", 4, False, "enough for about 32 workstations of one user; with more of them"),
        ("128\n", 12, False, "echo fs.inotify.max_user_instances=4096"),
        ("255\n", 4, False, "about 63"),
        ("256\n", 4, True, "256 inotify instances, enough for about 64"),
        ("none\n", 4, False, "does not say"),
    ],
)
def test_few_are_told_with_what_helps(
    tmp_path: Path, limit: str, each: int, is_enough: bool, said: str
) -> None:
    file = tmp_path / "max_user_instances"
    file.write_text(limit)
    found = watches.capability(each, limit=file)
    assert found.available is is_enough
    assert said in found.detail
    assert ("sysctl --system" in found.detail) is (not is_enough and limit != "none\n")


def test_this_kernel_says_it_and_one_without_is_no_failure(tmp_path: Path) -> None:
    assert "inotify instances" in watches.capability(4).detail
    assert not watches.capability(4, limit=tmp_path / "none").available
