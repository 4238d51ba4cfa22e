"""Backups are found again, and one installation's are not taken for another's."""

from pathlib import Path

from soundstage.engines.repository.opening import open_repository


def test_what_is_known_of_other_stores_lies_apart(tmp_path: Path) -> None:
    own = open_repository(tmp_path, "", None)
    other = open_repository(tmp_path, str(tmp_path / "disk"), None)
    assert own.restic.store.folder == tmp_path / "backups"
    assert other.restic.store.folder == tmp_path / "disk"
    assert own.restic.store.name != other.restic.store.name
