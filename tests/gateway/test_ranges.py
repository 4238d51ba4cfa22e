"""Parts of files by their header."""

import pytest

from soundstage.gateway.ranges import Part, UnsatisfiableError, part_of


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [
        ("bytes=0-", 0, 100),
        ("bytes=10-", 10, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=99-99", 99, 100),
        ("bytes=10-5000", 10, 100),
        ("bytes=-30", 70, 100),
        ("bytes=-3000", 0, 100),
    ],
)
def test_a_part(header: str, first: int, end: int) -> None:
    assert part_of(header, 100) == Part(first, end, is_partial=True)


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes=a-", "bytes="]
)
def test_the_whole(header: str | None) -> None:
    assert part_of(header, 100) == Part(0, 100, is_partial=False)


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=0-", 0), ("bytes=-0", 9)]
)
def test_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        part_of(header, size)
