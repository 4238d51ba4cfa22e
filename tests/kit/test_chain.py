"""What is done to the trail past the code is found, and the database refuses most of it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from soundstage.kit import chain, journal
from soundstage.kit.chain import Head, Verdict
from soundstage.kit.database import Database

NOW = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
KEY = b"k" * 32
DAY = timedelta(days=1)


@pytest.fixture
def database(current_database: Database) -> Database:
    """Give a database with a trail, on both."""
    return current_database


def note(database: Database, count: int, *, at: datetime = NOW) -> None:
    with database.transaction() as transaction:
        for number in range(count):
            journal.append(
                transaction,
                at=at,
                kind="sessions.READY",
                subject="streaming-session/a",
                actor="ann",
                studio_id="s",
                detail={"number": number, "text": "ä"},
            )


def extend(database: Database) -> int:
    with database.transaction() as transaction:
        through = journal.last(transaction)
    with database.transaction() as transaction:
        return chain.extend(transaction, KEY, through=through)


def verdict(database: Database, *, kept: Head | None = None, key: bytes = KEY) -> Verdict:
    with database.transaction(write=False) as transaction:
        return chain.verify(transaction, key, kept=kept)


def past_the_guards(transaction: Connection) -> None:
    """Take the triggers away, as whoever has the database may."""
    if transaction.dialect.name == "sqlite":
        transaction.exec_driver_sql("DROP TRIGGER IF EXISTS events_stay")
        transaction.exec_driver_sql("DROP TRIGGER IF EXISTS events_are_kept")
    else:
        transaction.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER ALL")


def test_what_nobody_touched_is_whole(database: Database) -> None:
    assert verdict(database, kept=verdict(database).head).faults == []
    note(database, 3)
    assert extend(database) == 3
    assert extend(database) == 0
    note(database, 2)
    found = verdict(database)
    assert (found.verified, found.not_linked, found.faults) == (3, 2, [])
    assert extend(database) == 2
    assert verdict(database, kept=found.head).faults == []
    assert verdict(database).verified == 5


def test_the_database_refuses_to_change_and_to_remove(database: Database) -> None:
    note(database, 3)
    extend(database)
    for statement in (
        "UPDATE events SET actor = 'bob' WHERE sequence = 2",
        "DELETE FROM events WHERE sequence = 2",
    ):
        with pytest.raises(DBAPIError, match="events are"), database.transaction() as transaction:
            transaction.exec_driver_sql(statement)
    assert verdict(database).faults == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE events SET actor = 'bob' WHERE sequence = 2", "Event 2 of 2030-01-01 12:30:00"),
        ("DELETE FROM events WHERE sequence = 2", "Event 2 was removed."),
        ("DELETE FROM events WHERE sequence = 1", "The events up to 1 were removed"),
        ("DELETE FROM event_links WHERE sequence = 2", "Event 2 was added later."),
        ("UPDATE event_links SET link = 'x' WHERE sequence = 2", "Event 2 of"),
    ],
)
def test_what_was_done_past_the_guards_is_found(
    database: Database, statement: str, fault: str
) -> None:
    note(database, 4)
    extend(database)
    with database.transaction() as transaction:
        past_the_guards(transaction)
        transaction.exec_driver_sql(statement)
    assert any(each.startswith(fault) for each in verdict(database).faults)


def test_a_chain_made_with_another_key_is_none(database: Database) -> None:
    note(database, 2)
    extend(database)
    assert len(verdict(database, key=b"x" * 32).faults) == 2


def test_a_head_kept_elsewhere_shows_that_the_end_was_cut_off(database: Database) -> None:
    note(database, 4)
    extend(database)
    kept = verdict(database).head
    with database.transaction() as transaction:
        past_the_guards(transaction)
        transaction.exec_driver_sql("DELETE FROM events WHERE sequence > 2")
        transaction.exec_driver_sql("DELETE FROM event_links WHERE sequence > 2")
    assert verdict(database).faults == []
    (fault,) = verdict(database, kept=kept).faults
    assert str(kept) in fault


def test_old_events_go_some_at_a_time_and_the_chain_stays_whole(database: Database) -> None:
    note(database, 5, at=NOW - 10 * DAY)
    note(database, 2)
    extend(database)

    def prune(most: int) -> int:
        with database.transaction() as transaction:
            return chain.prune(transaction, keep=5 * DAY, now=NOW, actor="soundstage", most=most)

    assert [prune(3), prune(3), prune(3)] == [3, 2, 0]
    extend(database)
    found = verdict(database)
    assert (found.verified, found.faults) == (4, [])
    with database.transaction(write=False) as transaction:
        kinds = [each.kind for each in journal.read(transaction)]
    assert kinds == ["sessions.READY", "sessions.READY", chain.PRUNED, chain.PRUNED]


def test_what_has_no_link_yet_is_not_pruned(database: Database) -> None:
    note(database, 2, at=NOW - 10 * DAY)
    with database.transaction() as transaction:
        assert not chain.prune(transaction, keep=DAY, now=NOW, actor="soundstage")


def test_more_than_a_thousand_are_verified(current_sqlite: Database) -> None:
    note(current_sqlite, 1100)
    assert [extend(current_sqlite), extend(current_sqlite)] == [1000, 100]
    found = verdict(current_sqlite)
    assert (found.verified, found.not_linked, found.faults) == (1100, 0, [])
