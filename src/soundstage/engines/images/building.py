"""Builds an image: a Debian with a desktop, packed for other hosts and laid out for this one.

Called by `cli`. The same package lists and sources give the same image, to the bit: nothing in it
is younger than a fixed moment, and what differs by chance is removed (see furnishing.py).
"""

import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from soundstage.engines.images import furnishing, incus, sources, tree
from soundstage.engines.images.store import (
    ARCHIVE,
    MANIFEST,
    METADATA,
    ROOT,
    Build,
    ImageError,
    ImageStore,
    Manifest,
    Package,
    checked_name,
)

Step = Callable[[str], AbstractContextManager[None]]
"""Shows a step to people for as long as it is open."""

_HERE = Path(__file__).parent
_PROGRAMS = ("mmdebstrap", "zstd")
_PACKAGE = "abcdefghijklmnopqrstuvwxyz0123456789+-.:"
# What manual pages, translations and papers take would be a third of the archive.
_LEFT_OUT = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
)
_NOTE = "image-packages"
# The lists that apt fetched know the hash of every package; they are gone when it is packed.
_NOTE_PACKAGES = (
    "chroot \"$1\" dpkg-query -W -f '${binary:Package}=${Version}\\n' | "
    f'xargs chroot "$1" apt-cache show --no-all-versions > "$1/{_NOTE}"'
)
# Wheels say the oldest C library that they run with; these releases' own.
_C_LIBRARY = {"bookworm": 36, "trixie": 41, "noble": 39}


class Builder:
    """Makes images in a home; `step` shows how far it is."""

    def __init__(self, store: ImageStore, step: Step) -> None:
        self.store = store
        self.step = step
        self.owner = tree.Owner()

    def build(self, name: str, *, more: Sequence[str] = (), release: str | None = None) -> Build:
        """Make an image with some packages more and have `name` mean it. Raises ImageError."""
        checked_name(name)
        with self._workshop() as made:
            digest = self._make(made, more, release)
            return self._adopt(made, name, digest)

    def export(self, folder: Path, *, more: Sequence[str] = (), release: str | None = None) -> None:
        """Make an image for other hosts only: its archive and what describes it."""
        with self._workshop() as made:
            self._make(made, more, release)
            folder.mkdir(parents=True, exist_ok=True)
            for name in (ARCHIVE, METADATA, MANIFEST):
                shutil.move(made / name, folder / name)

    def bring_in(self, folder: Path, name: str) -> Build:
        """Lay out what was exported, on this host or another. Raises ImageError."""
        checked_name(name)
        for part in (ARCHIVE, METADATA, MANIFEST):
            if not (folder / part).is_file():
                raise ImageError(f"{folder} holds no image: {part} is missing")
        with self._workshop(programs=("zstd",)) as made:
            with self.step("Copying"):
                for part in (ARCHIVE, METADATA, MANIFEST):
                    shutil.copyfile(folder / part, made / part)
                digest = tree.digest_of(made / ARCHIVE)
                incus.expect(made / METADATA, digest)
            with self.step("Unpacking"):
                self.owner.unpack(made / ARCHIVE, made / ROOT)
            return self._adopt(made, name, digest)

    def _make(self, made: Path, more: Sequence[str], release: str | None) -> str:
        asked = sorted({*listed(_HERE / "packages.txt"), *map(_checked_package, more)})
        wanted = sources.of_machine(release)
        root = made / ROOT
        with self.step("System packages"):
            self._unpack_system(root, asked, wanted)
        with self.step("What streams the desktop"):
            python = self._furnishing("python", root)
            stream = self._fetch_stream(made / "stream", python, wanted.release)
        with self.step("Users and services"):
            manifest = self._manifest(root, asked, wanted.release, python, stream)
            self._furnishing("all", root, made / "stream", content=manifest)
            self.owner.remove(made / "stream")
        with self.step("Packing"):
            self.owner.pack(root, made / ARCHIVE)
            digest = tree.digest_of(made / ARCHIVE)
        (made / MANIFEST).write_bytes(manifest)
        (made / METADATA).write_bytes(incus.metadata(wanted.release, digest))
        return digest

    @contextlib.contextmanager
    def _workshop(self, *, programs: Sequence[str] = _PROGRAMS) -> Iterator[Path]:
        """Whatever happens, nothing of a build that failed is left."""
        missing = [name for name in programs if shutil.which(name) is None]
        if missing:
            raise ImageError(
                f"this needs {' and '.join(missing)}: apt-get install {' '.join(missing)}"
            )
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.store.ensure()))
        try:
            yield made
        finally:
            self.owner.remove(made)

    def _adopt(self, made: Path, name: str, digest: str) -> Build:
        build = self.store.adopt(made, name, digest)
        self.store.sweep(self.owner.remove)
        return build

    def _unpack_system(self, root: Path, asked: list[str], wanted: sources.Sources) -> None:
        """Straight from mmdebstrap's archive into the tree that is furnished and kept."""
        with tempfile.TemporaryDirectory(prefix="soundstage-image-") as folder:
            # mmdebstrap reads it as one of an ordinary user's other ids.
            Path(folder).chmod(0o755)
            listing = Path(folder) / "image.sources"
            listing.write_text(wanted.text)
            words = [
                *("mmdebstrap", "--variant=apt", "--format=tar", "--skip=output/dev"),
                f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
                f"--include={','.join(asked)}",
                *(f"--dpkgopt={option}" for option in _LEFT_OUT),
                "--dpkgopt=force-unsafe-io",
                f"--customize-hook={_NOTE_PACKAGES}",
                *(wanted.release, "-"),
                *([str(listing)] if wanted.text else []),
            ]
            tree.pipe(words, self.owner.unpacking(root), cwd=folder)

    def _fetch_stream(self, folder: Path, python: str, release: str) -> list[Package]:
        """Selkies with all it needs, by the hashes that are pinned, for the image's Python."""
        report = folder.with_name("stream.json")
        machine = platform.machine()
        newest = _C_LIBRARY.get(release, min(_C_LIBRARY.values()))
        fitting = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, 4, -1)]
        fitting += [f"manylinux2014_{machine}", f"manylinux2010_{machine}"]
        tree.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input"),
                *("--disable-pip-version-check", "--target", folder, "--no-compile", "--no-deps"),
                *("--require-hashes", "--only-binary=:all:", "--implementation=cp"),
                f"--python-version={python}",
                *(f"--platform={each}" for each in fitting),
                *("--report", report, "-r", _stream_requirements()),
            ]
        )
        installed = json.loads(report.read_bytes())["install"]
        report.unlink()
        packages = [
            Package(
                name=each["metadata"]["name"].lower(),
                version=each["metadata"]["version"],
                sha256=each["download_info"]["archive_info"]["hashes"]["sha256"],
            )
            for each in installed
        ]
        return sorted(packages, key=lambda package: package.name)

    def _manifest(
        self, root: Path, asked: list[str], release: str, python: str, stream: list[Package]
    ) -> bytes:
        noted = self.owner.run("cat", root / _NOTE).decode()
        self.owner.run("rm", root / _NOTE)
        manifest = Manifest(
            release=release,
            architecture=platform.machine(),
            python=python,
            asked=asked,
            packages=packages_of(noted),
            stream=stream,
        )
        return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"

    def _furnishing(self, step: str, *words: str | Path, content: bytes | None = None) -> str:
        program = (sys.executable, "-I", "-S", furnishing.__file__)
        return self.owner.run(*program, step, *words, content=content).decode().strip()


def listed(path: Path) -> list[str]:
    """Read a list of packages, one a line."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def _checked_package(name: str) -> str:
    if not name or name[0] in "+-.:" or not set(name) <= set(_PACKAGE):
        raise ImageError(f"{name!r} can't be the name of a system package")
    return name


def packages_of(text: str) -> list[Package]:
    """Read what apt-cache says of packages."""
    found = {}
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if ": " in line and not line[0].isspace()]
        rows = dict(line.split(": ", 1) for line in lines)
        if "Package" in rows:
            found[rows["Package"], rows["Architecture"]] = Package(
                name=rows["Package"],
                version=rows["Version"],
                architecture=rows["Architecture"],
                sha256=rows.get("SHA256", ""),
            )
    return [found[key] for key in sorted(found)]


def _stream_requirements() -> Path:
    """Beside this in an installed package, at its place in a working tree."""
    places = (_HERE / "stream.txt", _HERE.parents[3] / "requirements" / "stream.txt")
    for place in places:
        if place.is_file():
            return place
    raise ImageError(f"the list of what streams a desktop is missing: {places[0]}")
