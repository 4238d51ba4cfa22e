"""A backup is shown folder by folder, and one file gets an address."""

import pytest

from soundstage.client.calls import CallError
from soundstage.engines.interface import PermanentError, RetryableError
from soundstage.testing.backups import fetch, find_file, kept_backup, list_files
from soundstage.testing.walks import Studio


def test_a_backup_is_listed_folder_by_folder_in_pages(studio: Studio) -> None:
    backup = kept_backup(studio)
    assert [(file["path"], file["type"]) for file in list_files(studio, backup)] == [
        ("frames", "FOLDER"),
        ("notes é.txt", "FILE"),
        ("show", "FOLDER"),
    ]
    assert [file["path"] for file in list_files(studio, backup, "show/")] == ["show/shot.blend"]
    frames = [file["path"] for file in list_files(studio, backup, "frames")]
    assert frames == [f"frames/{number:04d}.exr" for number in range(600)]
    for path in ("none", "..", "show/../..", "show/shot.blend"):
        with pytest.raises(CallError, match="path"):
            list_files(studio, backup, path)


@pytest.mark.parametrize("path", ["show", "no", "show/none"])
def test_only_a_file_that_is_there_has_an_address(studio: Studio, path: str) -> None:
    with pytest.raises(CallError):
        find_file(studio, kept_backup(studio), path)


def test_what_can_not_be_read_just_now_is_said(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = kept_backup(studio)
    url = find_file(studio, backup, "show/shot.blend")["url"]

    def busy(*_: object) -> None:
        raise RetryableError("Too many.", after_seconds=7)

    def gone(*_: object) -> None:
        raise PermanentError("Gone.")

    monkeypatch.setattr(studio.world.engine, "open_backup_file", busy)
    monkeypatch.setattr(studio.world.engine, "list_backup", busy)
    assert fetch(studio, url).status_code == 503
    with pytest.raises(CallError) as raised:
        list_files(studio, backup)
    assert raised.value.name == "ThrottlingException"
    monkeypatch.setattr(studio.world.engine, "open_backup_file", gone)
    monkeypatch.setattr(studio.world.engine, "list_backup", gone)
    assert fetch(studio, url).status_code == 404
    with pytest.raises(CallError, match="Gone"):
        list_files(studio, backup)
