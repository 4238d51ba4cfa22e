"""The workstation image that tests run on: built once, and kept in the repository's cache folder.

What it is made from is its name there, so that a changed list or builder makes another.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from soundstage.engines.images import building, furnishing, incus, sources, tree
from soundstage.engines.images.building import Builder
from soundstage.engines.images.store import Build, ImageStore

NAME = "workstation"


def ensure_image(repository: Path) -> Build:
    """Find the image that the working tree describes, or build it: seconds, or minutes."""
    with _cache(repository) as cache:
        home = cache / _key(repository)
        store = ImageStore(home)
        if NAME not in store.names():
            owner = tree.Owner()
            for old in cache.iterdir():
                owner.remove(old)
            home.mkdir()
            return Builder(store, lambda _: nullcontext()).build(NAME)
        return store.find(NAME)


def show_image(build: Build, home: Path) -> None:
    """Have a home know the images of the cache, without a copy."""
    (home / "images").symlink_to(build.directory.parents[1])


def export_image(build: Build, folder: Path) -> None:
    """Lay the packed image out as `soundstage image build --output` does."""
    folder.mkdir()
    for path in build.directory.iterdir():
        if path.is_file() and path.stat().st_size:
            shutil.copyfile(path, folder / path.name)


def _key(repository: Path) -> str:
    """Of all that an image is made from, and whose its files are."""
    modules = (building, furnishing, incus, sources, tree)
    files = [Path(module.__file__ or "") for module in modules]
    files += [Path(building.__file__).with_name("packages.txt")]
    files += [repository / "requirements" / "stream.txt"]
    seen = hashlib.sha256(b"".join(path.read_bytes() for path in files))
    seen.update(sources.of_machine().text.encode())
    return f"{os.geteuid()}-{seen.hexdigest()[:16]}"


@contextmanager
def _cache(repository: Path) -> Iterator[Path]:
    """One at a time: others may run the tests of this tree now."""
    folder = repository / ".cache" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(repository / ".cache" / "images.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(lock)
