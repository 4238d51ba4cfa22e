"""A backup is looked into folder by folder, and one file is taken out of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from soundstage.engines.interface import (
    BackupPhase,
    NoSuchEntryError,
    PermanentError,
    RetryableError,
)
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.contents import Contents
from soundstage.engines.repository.stores import folder_store

BACKUP = "b" * 22


@pytest.fixture
def repository(home: Path, empty_repository: Path, eventually: Callable[..., None]) -> Repository:
    shutil.copytree(empty_repository / "restic", home / "restic")
    shutil.copy(empty_repository / "password", home / "password")
    files = home / "volume" / "home"
    (files / "show" / "shot [1]").mkdir(parents=True)
    (files / "show" / "shot [1]" / "scene.blend").write_bytes(b"blend" * 100_000)
    (files / "show" / "note").write_text("note")
    (files / "-rf").write_text("odd")
    (files / "link").symlink_to("/etc/passwd")
    (files / "up").symlink_to("..")
    made = Repository(folder_store(home / "restic"), home / "password", home / "state")
    made.ensure("r" * 22, BACKUP, home / "volume")
    eventually(lambda: made.observe(BACKUP).phase is BackupPhase.COMPLETE)
    return made


def test_folders_are_listed_and_a_file_is_read(repository: Repository) -> None:
    contents = Contents(repository)
    top = {entry.name: entry for entry in contents.entries(BACKUP, "")}
    assert {name: entry.kind for name, entry in top.items()} == {
        "-rf": "FILE",
        "link": "LINK",
        "show": "FOLDER",
        "up": "LINK",
    }
    assert top["-rf"].size_bytes == 3
    assert [entry.name for entry in contents.entries(BACKUP, "/show/")] == ["note", "shot [1]"]
    reading = contents.open_file(BACKUP, "show/shot [1]/scene.blend")
    assert reading.size_bytes == 500_000
    pieces = []
    while piece := reading.read(65_536):
        pieces.append(piece)
    reading.close()
    assert b"".join(pieces) == b"blend" * 100_000
    odd = contents.open_file(BACKUP, "-rf")
    assert odd.read(10) == b"odd"
    odd.close()


@pytest.mark.parametrize(
    "path",
    ["..", "../note.json", "show/../../note.json", "up/note.json", "link", "show", "no", "\0"],
)
def test_nothing_outside_the_home_and_no_link_is_read(repository: Repository, path: str) -> None:
    with pytest.raises(NoSuchEntryError):
        Contents(repository).open_file(BACKUP, path)


def test_what_is_no_folder_or_no_backup_is_said(repository: Repository) -> None:
    contents = Contents(repository)
    for path in ("nothing", "show/note", "up", "link"):
        with pytest.raises(NoSuchEntryError):
            contents.entries(BACKUP, path)
    with pytest.raises(PermanentError):
        contents.entries("x" * 22, "")


def test_a_reader_that_goes_away_leaves_no_restic(
    repository: Repository, eventually: Callable[..., None]
) -> None:
    contents = Contents(repository)
    for _ in range(6):
        reading = contents.open_file(BACKUP, "show/shot [1]/scene.blend")
        reading.read(1)
        reading.close()
        reading.close()
        eventually(lambda: contents._reading == 0)
    with repository.restic.alone(waiting=False):
        pass


def test_no_more_than_a_few_are_read_at_once(repository: Repository) -> None:
    contents = Contents(repository)
    readings = [contents.open_file(BACKUP, "show/shot [1]/scene.blend") for _ in range(4)]
    with pytest.raises(RetryableError, match="4 files"):
        contents.open_file(BACKUP, "-rf")
    for reading in readings:
        reading.close()


def test_a_store_that_is_spoilt_is_said(repository: Repository, home: Path) -> None:
    contents = Contents(repository)
    contents.entries(BACKUP, "")
    contents.entries(BACKUP, "show/shot [1]")
    # What cannot be read restic would try again for most of a minute; what is spoilt it gives up.
    for pack in (home / "restic" / "data").glob("*/*"):
        pack.chmod(0o600)
        pack.write_bytes(bytes(pack.stat().st_size))
    shutil.rmtree(home / "state" / "cache", ignore_errors=True)
    reading = contents.open_file(BACKUP, "show/shot [1]/scene.blend")
    with pytest.raises(RetryableError, match="could not be read to its end"):
        list(iter(lambda: reading.read(1 << 20), b""))
    reading.close()
