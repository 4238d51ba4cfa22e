"""Requests are counted as they come, starts and backups as the trail tells of them, each once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soundstage.kit import journal
from soundstage.kit.database import Database, sqlite_url
from soundstage.metrics.counting import Counts
from soundstage.testing import schema

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "test.sqlite"
    schema.lay_out(file)
    made = Database(sqlite_url(file))
    yield made
    made.dispose()


def note(database: Database, kind: str, **detail: Any) -> None:
    with database.transaction() as transaction:
        journal.append(
            transaction, at=NOW, kind=kind, subject="s", actor="soundstage", detail=detail
        )


def read(database: Database, counts: Counts) -> None:
    with database.transaction(write=False) as transaction:
        counts.read(transaction)


def value(counts: Counts, name: str, **labels: str) -> float | None:
    return counts.registry.get_sample_value(name, labels)


def test_requests_are_counted_by_operation_and_code() -> None:
    counts = Counts()
    counts.request("GET", "ListStudios", 200, 0.01)
    counts.request("GET", "ListStudios", 200, 0.01)
    counts.request("BREW", "", 405, 0.01)
    counts.request("POST", "", 429, 0.01)
    name = "soundstage_api_requests_total"
    assert value(counts, name, operation="ListStudios", code="200") == 2
    assert value(counts, name, operation="", code="405") == 1
    assert value(counts, "soundstage_api_throttled_total") == 1
    assert value(counts, "soundstage_api_request_seconds_count", method="GET") == 2
    assert value(counts, "soundstage_api_request_seconds_count", method="change") == 2
    assert value(counts, "soundstage_api_request_seconds_count", method="BREW") is None


def test_starts_and_backups_are_counted_once_and_from_now_on(database: Database) -> None:
    counts = Counts()
    starting = {"oldState": "CREATE_IN_PROGRESS"}
    note(database, "sessions.READY", **starting, afterSeconds=100)
    with database.transaction(write=False) as transaction:
        counts.begin(transaction)
    note(database, "sessions.READY", **starting, afterSeconds=4)
    note(database, "sessions.READY", oldState="START_IN_PROGRESS", afterSeconds=7)
    note(database, "sessions.CREATE_FAILED", **starting, afterSeconds=90)
    note(database, "sessions.STOPPED", oldState="STOP_IN_PROGRESS", afterSeconds=3)
    note(database, "backups.READY", **starting, afterSeconds=30, sizeInBytes=5)
    note(database, "backups.CREATE_FAILED", **starting, afterSeconds=30)
    note(database, "backups.DELETED", oldState="DELETE_IN_PROGRESS")
    read(database, counts)
    read(database, counts)
    assert value(counts, "soundstage_session_start_seconds_count") == 2
    assert value(counts, "soundstage_session_start_seconds_sum") == 11
    assert value(counts, "soundstage_session_start_seconds_bucket", le="5.0") == 1
    assert value(counts, "soundstage_session_start_failures_total") == 1
    assert value(counts, "soundstage_backups_total", result="ready") == 1
    assert value(counts, "soundstage_backups_total", result="failed") == 1
    assert value(counts, "soundstage_backup_seconds_sum") == 30
    assert value(counts, "soundstage_backup_bytes_total") == 5
    assert value(counts, "soundstage_events_total", type="sessions.READY") == 2


def test_what_alerts_wait_for_is_there_before_it_happens() -> None:
    counts = Counts()
    for result in ("ready", "failed"):
        assert value(counts, "soundstage_backups_total", result=result) == 0
    assert value(counts, "soundstage_events_total", type="calls.REFUSED") == 0
    assert value(counts, "soundstage_session_start_failures_total") == 0


def test_the_steps_of_starts_are_read_from_the_trail(database: Database) -> None:
    counts = Counts()
    read(database, counts)
    steps = [
        {"step": "CAPACITY", "seconds": 1.0},
        {"step": "SCRIPT", "seconds": 5.0, "componentName": "Tools"},
        {"step": "SCRIPT", "seconds": 2.5, "componentName": "Licences"},
    ]
    note(database, "sessions.READY", oldState="CREATE_IN_PROGRESS", startSteps=steps)
    note(database, "sessions.START_FAILED", oldState="START_IN_PROGRESS", startSteps=steps[:1])
    note(database, "sessions.STOPPED", oldState="STOP_IN_PROGRESS")
    read(database, counts)
    name = "soundstage_session_start_step_seconds"
    assert value(counts, f"{name}_sum", step="capacity") == 2
    assert value(counts, f"{name}_count", step="script") == 2
    assert value(counts, f"{name}_sum", step="script") == 7.5


def test_many_events_are_all_counted(database: Database) -> None:
    counts = Counts()
    read(database, counts)
    with database.transaction() as transaction:
        for _ in range(1100):
            journal.append(transaction, at=NOW, kind="k", subject="s", actor="a")
    read(database, counts)
    assert value(counts, "soundstage_events_total", type="k") == 1100
