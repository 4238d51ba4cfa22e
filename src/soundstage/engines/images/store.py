"""Where images are kept and what is known of each.

`building.py` puts them there, `catalogue.py` finds them for an engine. Below `images` in the home

    <name>                      a link to the build that is used now
    .builds/<name>.<digest>/    one build: root/, rootfs.tar.zst, metadata.tar.xz, manifest.json
    .builds/<name>.<digest>/in-use   locked, shared, by every workstation that runs on it

Only the service's own user may enter it: programs in an image may have the rights of its root.
"""

import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

ROOT = "root"
ARCHIVE = "rootfs.tar.zst"
METADATA = "metadata.tar.xz"
MANIFEST = "manifest.json"
IN_USE = "in-use"
_BUILDS = ".builds"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class ImageError(Exception):
    """An image can't be made, found or removed; the message is for people."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One package of an image, as it was fetched."""

    name: str
    version: str
    sha256: str
    architecture: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an image holds; a file of the image itself, and beside its archive."""

    release: str
    """The distribution's name of the release, such as bookworm."""
    architecture: str
    python: str
    """The minor version of the image's own Python."""
    asked: list[str]
    """Names of system packages that were asked for."""
    packages: list[Package]
    stream: list[Package]
    """What streams the desktop, in the environment of its own."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One image that is there."""

    name: str
    directory: Path

    @property
    def root(self) -> Path:
        return self.directory / ROOT

    @property
    def archive(self) -> Path:
        return self.directory / ARCHIVE

    @property
    def in_use(self) -> Path:
        return self.directory / IN_USE

    @property
    def digest(self) -> str:
        """Of the archive: two builds of one digest are the same to the bit."""
        return self.directory.name.rpartition(".")[2]

    def manifest(self) -> Manifest:
        """Read what is in it."""
        return msgspec.json.decode((self.directory / MANIFEST).read_bytes(), type=Manifest)


def checked_name(name: str) -> str:
    """Raise ImageError for what can't be the name of an image."""
    if not _NAME.fullmatch(name):
        raise ImageError(
            f"{name!r} can't be the name of an image: up to 63 of a-z, 0-9 and hyphens, with a "
            "letter or digit at both ends"
        )
    return name


class ImageStore:
    """All images of one home."""

    def __init__(self, home: Path) -> None:
        self.root = home / "images"

    def ensure(self) -> Path:
        """Make the folder in which builds lie."""
        self.root.mkdir(mode=0o700, exist_ok=True)
        builds = self.root / _BUILDS
        builds.mkdir(mode=0o700, exist_ok=True)
        return builds

    def names(self) -> list[str]:
        """List what can be used now."""
        try:
            found = sorted(path.name for path in self.root.iterdir())
        except FileNotFoundError:
            return []
        return [name for name in found if _NAME.fullmatch(name)]

    def find(self, name: str) -> Build:
        """Find the build that a name means now. Raises ImageError."""
        place = self.root / checked_name(name)
        try:
            directory = place.resolve(strict=True)
        except OSError:
            known = ", ".join(self.names()) or "none"
            raise ImageError(
                f"there is no image {name} in {self.root}; there are: {known}. "
                f"`soundstage image build --name {name}` makes one"
            ) from None
        return Build(name=name, directory=directory)

    def adopt(self, made: Path, name: str, digest: str) -> Build:
        """Have a name mean a finished build from now on; the same build again changes nothing."""
        builds = self.ensure()
        directory = builds / f"{name}.{digest}"
        if not directory.exists():
            (made / IN_USE).touch(mode=0o600)
            made.rename(directory)
        link = builds / f".{name}.link"
        link.unlink(missing_ok=True)
        link.symlink_to(f"{_BUILDS}/{directory.name}")
        link.rename(self.root / name)
        return Build(name=name, directory=directory)

    def forget(self, name: str) -> None:
        """Have a name mean nothing. Raises ImageError when it never did."""
        self.find(name)
        (self.root / name).unlink()

    def unused(self) -> list[Path]:
        """List builds that no name means, and left-overs; some may still be run on."""
        meant = {self.find(name).directory for name in self.names()}
        try:
            found = list((self.root / _BUILDS).iterdir())
        except FileNotFoundError:
            return []
        return [path for path in found if path.is_dir() and path.resolve() not in meant]

    def sweep(self, remove: Callable[[Path], None]) -> list[Path]:
        """Remove what no name means and no workstation runs on; answers what is left of it."""
        left = []
        for directory in self.unused():
            try:
                held = os.open(directory / IN_USE, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                # A build that did not come to its end, or comes to it now.
                continue
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(directory)
            except BlockingIOError:
                left.append(directory)
            finally:
                os.close(held)
        return left
