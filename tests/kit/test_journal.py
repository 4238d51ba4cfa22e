"""The journal keeps what is noted with the change itself, in order, on both databases."""

from datetime import UTC, datetime

import pytest

from soundstage.kit import journal
from soundstage.kit.database import Database

NOW = datetime(2030, 1, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def note(database: Database, kind: str, subject: str = "session/a") -> None:
    with database.transaction() as transaction:
        journal.append(
            transaction, at=NOW, kind=kind, subject=subject, actor="ann", detail={"n": [1]}
        )


def test_entries_come_back_whole_and_in_order(current_database: Database) -> None:
    for kind in ("one", "two", "three"):
        note(current_database, kind)
    note(current_database, "other", "session/b")
    with current_database.transaction(write=False) as transaction:
        every = journal.read(transaction)
        of_a = journal.read(transaction, subject="session/a")
        late = journal.read(transaction, after=every[1].sequence)
    assert [entry.kind for entry in every] == ["one", "two", "three", "other"]
    assert [entry.kind for entry in of_a] == ["one", "two", "three"]
    assert [entry.kind for entry in late] == ["three", "other"]
    with current_database.transaction(write=False) as transaction:
        newest = journal.newest(transaction, {"session/a", "session/b"}, limit=2)
        assert journal.latest(transaction) == every[-1].sequence
    assert newest == [("session/a", "three", NOW), ("session/b", "other", NOW)]
    first = every[0]
    assert (first.at, first.subject, first.actor, first.detail) == (
        NOW,
        "session/a",
        "ann",
        {"n": [1]},
    )


def test_what_is_not_committed_was_not_noted(current_sqlite: Database) -> None:
    def fail_after_a_note() -> None:
        with current_sqlite.transaction() as transaction:
            journal.append(transaction, at=NOW, kind="k", subject="s", actor="a")
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_a_note()
    with current_sqlite.transaction(write=False) as transaction:
        assert journal.read(transaction) == []


def test_a_read_ends_after_a_thousand(current_sqlite: Database) -> None:
    with current_sqlite.transaction() as transaction:
        for _ in range(1001):
            journal.append(transaction, at=NOW, kind="k", subject="s", actor="a")
        first = journal.read(transaction)
        assert len(first) == 1000
        assert len(journal.read(transaction, after=first[-1].sequence)) == 1
