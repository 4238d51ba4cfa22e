"""A home of a given size, the same each time, and a day's work in it; used by the benchmarks.

`make_tree` fills a directory with what artists have: many small project files, some pictures, a few
large files. `change_tree` rewrites about a twentieth of its bytes in the ways that people do.
"""

import random
from collections.abc import Iterator
from pathlib import Path

FILES_PER_GB = 10_000
_PICTURES_PER_GB = 300
_LARGE = 25_000_000


class _Content:
    """Bytes that compress like text, and bytes that do not compress."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # Repeatable, not secret.
        words = [f"{self.random.getrandbits(40):x} " for _ in range(4000)]
        self._prose = "".join(self.random.choices(words, k=400_000)).encode()

    def text(self, size: int) -> bytes:
        begin = self.random.randrange(len(self._prose))
        repeated = self._prose[begin:] + self._prose * (size // len(self._prose) + 1)
        return repeated[:size]

    def noise(self, size: int) -> bytes:
        return self.random.randbytes(size)

    def mixed(self, size: int, *, text: float) -> bytes:
        return self.text(size) if self.random.random() < text else self.noise(size)


def make_tree(directory: Path, size: int) -> int:
    """Write about `size` bytes below `directory`; answers how many files."""
    content = _Content(7)
    pick = content.random
    share = size / 1e9
    left = size
    written = 0

    def write(path: Path, data: bytes) -> None:
        nonlocal left, written
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        left -= len(data)
        written += 1

    for path in _small_paths(directory, share):
        write(path, content.mixed(pick.randrange(1_000, 20_000), text=0.7))
    for number in range(round(_PICTURES_PER_GB * share)):
        path = directory / "pictures" / f"set{number % 20}" / f"{number}.bin"
        write(path, content.mixed(pick.randrange(800_000, 2_000_000), text=0.5))
    for number in range(10_000):
        if left <= 0:
            break
        write(directory / "large" / str(number), content.mixed(min(left, _LARGE), text=0.33))
    return written


def change_tree(directory: Path, size: int) -> int:
    """Change about a twentieth of a tree made with `size`; answers how many bytes were written."""
    content = _Content(99)
    pick = content.random
    share = size / 1e9
    small = list(_small_paths(directory, share))
    written = 0

    def write(path: Path, data: bytes) -> None:
        nonlocal written
        path.write_bytes(data)
        written += len(data)

    for path in pick.sample(small, len(small) // 25):
        write(path, content.text(pick.randrange(1_000, 20_000)))
    for path in sorted(directory.glob("pictures/*/*"))[: round(20 * share) or 1]:
        write(path, content.noise(1_400_000))
    for path in sorted((directory / "large").iterdir())[:4]:
        piece = content.noise(round(1_000_000 * min(1, share)))
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(piece)
        written += len(piece)
    for number in range(round(200 * share)):
        data = content.mixed(pick.randrange(20_000, 100_000), text=0.5)
        write(small[number].with_name(f"new{number}"), data)
    for path in pick.sample(small, len(small) // 200):
        path.unlink()
    return written


def _small_paths(directory: Path, share: float) -> Iterator[Path]:
    for number in range(round(FILES_PER_GB * share)):
        yield directory / f"project{number % 40}" / f"source{number % 250}" / f"{number}.txt"
