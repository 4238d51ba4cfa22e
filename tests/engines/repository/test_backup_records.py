"""What is known of a backup is written whole, and read back from tags when it is lost."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soundstage.engines.interface import PermanentError
from soundstage.engines.repository.backup_records import (
    BackupRecord,
    BackupRecords,
    BackupState,
    checked,
    record_of,
)
from soundstage.engines.repository.restic import Snapshot

ID, REF = "b" * 22, "r" * 22


def record(state: BackupState, **facts: object) -> BackupRecord:
    return BackupRecord(backup_id=ID, ref=REF, state=state, **facts)  # type: ignore[arg-type]


def test_a_record_is_read_as_written_and_a_spoilt_one_is_lost(tmp_path: Path) -> None:
    records = BackupRecords(tmp_path / "records")
    assert (records.read(ID), records.all()) == (None, [])
    written = record(BackupState.COMPLETE, snapshot="s", drafts=["d"], size_bytes=5)
    records.write(written)
    assert (records.read(ID), records.all()) == (written, [written])
    (tmp_path / "records" / f"{ID}.json").write_text("{")
    assert (records.read(ID), records.all()) == (None, [])
    records.remove(ID)
    records.remove(ID)


@pytest.mark.parametrize(
    ("kept", "unwanted"),
    [
        (record(BackupState.BEGUN, drafts=["d"]), None),
        (record(BackupState.COMPLETE, snapshot="s"), None),
        (record(BackupState.COMPLETE, snapshot="s", drafts=["d"]), {"d"}),
        (record(BackupState.FAILED), None),
        (record(BackupState.FAILED, snapshot="s", drafts=["d"]), {"s", "d"}),
        (record(BackupState.REMOVING, snapshot="s"), {"s"}),
        (record(BackupState.REMOVING), set()),
    ],
)
def test_what_has_to_go(kept: BackupRecord, unwanted: set[str] | None) -> None:
    assert kept.is_unwanted() is (unwanted is not None)
    if unwanted is not None:
        assert kept.unwanted() == unwanted


@pytest.mark.parametrize("identifier", ["", "a" * 21, "a" * 23, "../" + "a" * 19, "a" * 21 + "\n"])
def test_only_ids_become_paths(identifier: str) -> None:
    with pytest.raises(PermanentError):
        checked(identifier)


def test_a_snapshot_s_tags_say_what_it_is() -> None:
    tags = [f"backup={ID}", f"ref={REF}", "size=12"]
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    found = record_of(Snapshot("s" * 64, moment, tags))
    assert found == record(BackupState.COMPLETE, snapshot="s" * 64, size_bytes=12)
    assert record_of(Snapshot("s", moment, ["studio=database"])) is None
    assert record_of(Snapshot("s", moment, ["backup=../../etc", "ref=x", "size=1"])) is None
