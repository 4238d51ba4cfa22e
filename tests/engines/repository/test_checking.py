"""Damage is found, and the studio's own copies are kept and given back."""

import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from soundstage.engines.interface import BackupPhase, NoSuchEntryError, PermanentError
from soundstage.engines.repository import checking
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.stores import folder_store
from soundstage.kit.jobs import Cancellation

BACKUP, REF = "b" * 22, "r" * 22


@pytest.fixture
def repository(home: Path, empty_repository: Path) -> Repository:
    shutil.copytree(empty_repository / "restic", home / "restic")
    shutil.copy(empty_repository / "password", home / "password")
    (home / "volume" / "home").mkdir(parents=True)
    (home / "volume" / "home" / "file").write_bytes(os.urandom(1 << 20))
    return Repository(folder_store(home / "restic"), home / "password", home / "state")


def test_the_program_says_its_version_or_that_it_is_missing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checking.look(repository)
    assert found.available
    assert re.fullmatch(r"restic \d+\.\d[\d.]*", found.detail)
    monkeypatch.setenv("PATH", "/nonexistent")
    found = checking.look(repository)
    assert not found.available
    assert found.detail == "restic is not installed: apt-get install restic"


def test_a_repository_that_was_there_and_is_not_is_told(repository: Repository, home: Path) -> None:
    repository.restic.create(Cancellation())
    assert checking.look(repository).available
    (home / "restic").rename(home / "elsewhere")
    found = checking.look(repository)
    assert not found.available
    assert found.detail == f"The repository in {home / 'restic'} is gone. Is the disk mounted?"


def test_what_is_whole_is_said_to_be_and_damage_is_found(
    repository: Repository, home: Path, eventually: Callable[..., None]
) -> None:
    repository.ensure(REF, BACKUP, home / "volume")
    eventually(lambda: repository.observe(BACKUP).phase is BackupPhase.COMPLETE)
    found = checking.check(repository, data="100%")
    assert (found.backup_ids, found.refs, found.problems) == ({BACKUP}, {BACKUP: REF}, [])
    assert found.sizes[BACKUP] == 1 << 20
    pack = max((home / "restic" / "data").glob("*/*"), key=lambda path: path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[1000] ^= 255
    pack.chmod(0o600)
    pack.write_bytes(content)
    # Only who reads it all sees a byte that turned.
    assert checking.check(repository, data=None).problems == []
    assert checking.check(repository, data="100%").problems
    pack.unlink()
    assert checking.check(repository, data=None).problems


def test_where_nothing_was_kept_nothing_is_wrong(home: Path) -> None:
    repository = Repository(folder_store(home / "none"), home / "password", home / "state")
    assert checking.check(repository, data=None).backup_ids == set()


def test_the_newest_studio_comes_back_and_old_ones_go(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(checking, "_KEPT", 2)
    with pytest.raises(NoSuchEntryError):
        checking.newest_studio(repository, io.BytesIO())
    for number in range(3):
        source = tmp_path / "source"
        source.write_bytes(b"database %d" % number)
        with source.open("rb") as content:
            checking.keep_studio(repository, content)
    assert len(list((home / "restic" / "snapshots").iterdir())) == 2
    with (tmp_path / "target").open("wb") as target:
        moment = checking.newest_studio(repository, target)
    assert (tmp_path / "target").read_bytes() == b"database 2"
    assert moment.tzinfo is not None
    # They are no backups that lost their record.
    again = Repository(folder_store(home / "restic"), home / "password", home / "state")
    assert again.observe(BACKUP).phase is BackupPhase.ABSENT


def test_a_studio_is_not_looked_for_in_an_empty_place(home: Path) -> None:
    repository = Repository(folder_store(home / "none"), home / "password", home / "state")
    with pytest.raises(PermanentError, match="no repository"):
        checking.newest_studio(repository, io.BytesIO())
    assert not (home / "none").exists()
