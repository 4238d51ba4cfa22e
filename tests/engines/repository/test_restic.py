"""The lock that tells who uses a repository, and what of it is known without asking restic."""

import subprocess
from pathlib import Path

import pytest

from soundstage.engines.repository.programs import ProgramError
from soundstage.engines.repository.restic import Restic
from soundstage.engines.repository.stores import folder_store
from soundstage.kit.jobs import Cancellation


def _restic(root: Path) -> Restic:
    return Restic(folder_store(root / "restic"), root / "password", root / "state")


def test_many_read_and_one_removes(tmp_path: Path) -> None:
    one, other = _restic(tmp_path), _restic(tmp_path)
    with (
        one.shared(),
        other.shared(),
        pytest.raises(BlockingIOError),
        other.alone(waiting=False),
    ):
        pass
    with other.alone(waiting=False):
        pass


def test_a_child_that_lives_on_keeps_the_lock(tmp_path: Path) -> None:
    restic = _restic(tmp_path)
    with restic.shared() as lock:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    try:
        with pytest.raises(BlockingIOError), restic.alone(waiting=False):
            pass
    finally:
        child.kill()
        child.wait()
    with restic.alone(waiting=False):
        pass


def test_snapshots_are_known_by_their_files(tmp_path: Path) -> None:
    restic = _restic(tmp_path)
    assert (restic.exists(), restic.local_ids(), restic.is_unlocked()) == (False, set(), True)
    (tmp_path / "restic").mkdir()
    (tmp_path / "restic" / "config").touch()
    for folder, name in (
        ("snapshots", "a" * 64),
        ("snapshots", "b" * 64 + "-tmp-1"),
        ("locks", "c"),
    ):
        path = tmp_path / "restic" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert (restic.exists(), restic.local_ids(), restic.is_unlocked()) == (True, {"a" * 64}, False)


def test_a_wrong_password_is_said(tmp_path: Path, empty_repository: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    store = folder_store(empty_repository / "restic")
    restic = Restic(store, tmp_path / "password", tmp_path / "state")
    with restic.shared() as lock, pytest.raises(ProgramError, match=r"(?i)password"):
        restic.snapshots(Cancellation(), lock)
