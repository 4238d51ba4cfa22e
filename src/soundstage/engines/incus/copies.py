"""Carries a home out of Incus into a folder of this host, and back: that is where restic reads it.

Asked by the repository's jobs and by `volumes.py`. What is carried is a copy that Incus makes of
the volume first, which takes no time where the pool can take snapshots: so a backup is of one
moment, whatever goes on meanwhile, and its workstation never waits for it.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import NotFoundError
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.names import copy_of
from soundstage.engines.incus.place import target
from soundstage.engines.incus.records import PREFIX
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import RetryableError
from soundstage.engines.repository import programs
from soundstage.kit.jobs import Cancellation, Jobs

_EXPORT = "export"
_HOURS = 6 * 3600.0
_PIECE = 1 << 20
_TAR = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "--sparse")


class Copies:
    """Of one installation."""

    def __init__(self, client: Client, settings: IncusSettings, lost: Lost) -> None:
        self._client = client
        self._lost = lost
        self._settings = settings
        self._folder = settings.home / "incus" / "copies"
        self._removals = Jobs(threads=1)

    @contextmanager
    def opened(
        self, cancellation: Cancellation, ref: str, backup_id: str, volume: str
    ) -> Iterator[Path]:
        """Have the content of a volume as `home` in a folder, for as long as the block lasts."""
        copy = copy_of(ref, backup_id)
        path = f"{self._settings.volumes}/{copy}"
        self.remove(copy)
        body = {
            "name": copy,
            "config": {f"{PREFIX}copy": ref},
            "source": {"type": "copy", "name": volume, "pool": self._settings.pool},
        }
        try:
            there = target(self._member_of(volume))
            self._client.do("POST", self._settings.volumes, body, seconds=_HOURS, query=there)
            cancellation.check()
            self._client.do("POST", f"{path}/backups", _exported(), seconds=_HOURS)
            with self.room() as folder:
                self._unpack(cancellation, f"{path}/backups/{_EXPORT}/export", folder)
                self.remove(copy)
                yield folder
        finally:
            self.remove(copy)

    def _member_of(self, volume: str) -> str:
        """Where a volume is; empty where there is no cluster."""
        location = str(self._client.get(f"{self._settings.volumes}/{volume}").get("location") or "")
        return "" if location == "none" else location

    def remove(self, copy: str) -> None:
        """Remove what was copied; silent when it is not there."""
        path = f"{self._settings.volumes}/{copy}"
        with suppress(NotFoundError):
            self._client.ensure_absent(f"{path}/backups/{_EXPORT}")
        self._lost.remove(path)

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A folder for as long as a block lasts. It is gone soon after: nobody waits for that, and
        a home may be of very many files.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield folder
        finally:
            self._removals.begin(folder.name, lambda c: _remove(c, folder))

    def clear(self) -> None:
        """Remove what a killed service left."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _unpack(self, cancellation: Cancellation, path: str, folder: Path) -> None:
        words = programs.gently("tar", "--extract", *_TAR, "--directory", folder)
        with (
            self._client.download(path) as pieces,
            _program(words, stdin=subprocess.PIPE) as tar,
        ):
            if tar.stdin is None:
                raise RetryableError("tar takes nothing")
            # One that ends early says why, below.
            with suppress(BrokenPipeError), tar.stdin:
                for piece in pieces:
                    cancellation.check()
                    tar.stdin.write(piece)
            _expect_well(tar)
        (folder / "backup" / "volume").rename(folder / "home")

    def put(self, cancellation: Cancellation, folder: Path, volume: str, member: str = "") -> None:
        """Make a volume of `home` in a folder; there must be none of that name."""
        backup = folder / "backup"
        backup.mkdir()
        (folder / "home").rename(backup / "volume")
        # Whatever reads YAML reads this.
        (backup / "index.yaml").write_bytes(msgspec.json.encode(_index(volume, self._settings)))
        # Somebody waits for the workstation whose home it is.
        words = programs.urgently("tar", "--create", *_TAR, "--directory", folder)
        words += ["backup/index.yaml", "backup/volume"]
        with _program(words, stdout=subprocess.PIPE) as tar:
            self._client.upload(
                self._settings.volumes,
                _pieces(cancellation, tar),
                {"X-Incus-name": volume},
                seconds=_HOURS,
                query=target(member),
            )
            _expect_well(tar)


def _pieces(cancellation: Cancellation, tar: subprocess.Popen[bytes]) -> Iterable[bytes]:
    if tar.stdout is None:
        raise RetryableError("tar gives nothing")
    while piece := tar.stdout.read(_PIECE):
        cancellation.check()
        yield piece


@contextmanager
def _program(
    words: list[str], *, stdin: int | None = subprocess.DEVNULL, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Ends it with the block, however that ends."""
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    program = subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=said)
    program.said = said  # type: ignore[attr-defined]
    try:
        yield program
    finally:
        program.kill()
        program.wait()
        for end in (program.stdin, program.stdout, said):
            if end is not None:
                with suppress(OSError):
                    end.close()


def _expect_well(program: subprocess.Popen[bytes]) -> None:
    if program.wait() == 0:
        return
    said: IO[bytes] = program.said  # type: ignore[attr-defined]
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    raise RetryableError(f"tar: {lines[-1][:300] if lines else 'no reason given'}")


def _remove(cancellation: Cancellation, folder: Path) -> None:
    programs.run(cancellation, "rm", "-rf", "--", folder)


def _exported() -> dict[str, object]:
    return {
        "name": _EXPORT,
        "compression_algorithm": "none",
        "volume_only": True,
        "optimized_storage": False,
    }


def _index(volume: str, settings: IncusSettings) -> dict[str, object]:
    """What Incus writes beside a volume that it exports."""
    about = {
        "name": volume,
        "type": "custom",
        "content_type": "filesystem",
        "config": {"security.shifted": "true"},
        "description": "",
        "location": "none",
        "project": settings.project,
        "used_by": [],
    }
    return {
        "name": volume,
        "backend": "dir",
        "pool": settings.pool,
        "optimized": False,
        "optimized_header": False,
        "type": "custom",
        "config": {"volume": about},
    }
