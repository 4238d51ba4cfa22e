"""One worker at a time holds a row, and who does not hold it changes nothing: on both databases."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Connection, MetaData, String, Table, select

from soundstage.kit import lease
from soundstage.kit.database import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

metadata = MetaData()
table = Table(
    "rows",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("content", String, nullable=False, server_default=""),
    *lease.columns(),
)


@pytest.fixture
def rows(database: Database) -> Database:
    with database.transaction() as transaction:
        metadata.create_all(transaction)
    return database


def put(transaction: Connection, row_id: str, due_at: datetime | None = NOW) -> None:
    transaction.execute(table.insert().values(id=row_id, due_at=due_at))


def claim(transaction: Connection, now: datetime = NOW, limit: int = 10) -> list[lease.Lease]:
    return lease.claim(transaction, table, now=now, until=now + MINUTE, limit=limit)


def claim_one(transaction: Connection, now: datetime = NOW) -> lease.Lease:
    (held,) = claim(transaction, now)
    return held


def due_at(transaction: Connection, row_id: str = "a") -> datetime | None:
    moment: datetime | None = transaction.execute(
        select(table.c.due_at).where(table.c.id == row_id)
    ).scalar_one()
    return moment


def is_held(transaction: Connection, row_id: str = "a") -> bool:
    statement = select(table.c.lease_token).where(table.c.id == row_id)
    return transaction.execute(statement).scalar_one() is not None


def test_only_due_rows_are_claimed_the_longest_due_first(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "late", NOW - MINUTE)
        put(transaction, "now", NOW)
        put(transaction, "later", NOW + SECOND)
        put(transaction, "never", None)
        assert [held.id for held in claim(transaction, limit=1)] == ["late"]
        assert [held.id for held in claim(transaction)] == ["now"]
        assert claim(transaction) == []


@pytest.mark.parametrize("limit", [0, -3])
def test_nothing_is_claimed_when_nobody_is_free(rows: Database, limit: int) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a")
        assert claim(transaction, limit=limit) == []


def test_a_lease_that_ran_out_is_taken_over_and_its_token_is_worth_nothing(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a")
        first = claim_one(transaction)
        assert claim(transaction, NOW + MINUTE - SECOND) == []
        second = claim_one(transaction, NOW + MINUTE)
        assert second.token != first.token
        assert not lease.renew(transaction, table, first, NOW + 9 * MINUTE)
        assert not lease.release(transaction, table, first, due_at=None)
        assert due_at(transaction) == NOW
        assert is_held(transaction)
        assert lease.release(transaction, table, second, due_at=NOW + 5 * MINUTE)
        assert due_at(transaction) == NOW + 5 * MINUTE
        assert not is_held(transaction)


def test_a_renewed_lease_is_kept(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a")
        held = claim_one(transaction)
        assert lease.renew(transaction, table, held, NOW + 2 * MINUTE)
        assert claim(transaction, NOW + MINUTE) == []
        assert lease.release(transaction, table, held, due_at=None)


def test_a_row_changed_meanwhile_is_given_back_as_its_changer_left_it(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a")
        held = claim_one(transaction)
        soon = NOW + SECOND
        transaction.execute(table.update().values(lease.touch(table, soon)))
        assert not lease.release(transaction, table, held, due_at=NOW + MINUTE)
        assert due_at(transaction) == soon
        assert not is_held(transaction)
        again = claim_one(transaction, soon)
        assert again.revision == held.revision + 1
        assert lease.release(transaction, table, again, due_at=None)


@pytest.mark.parametrize("before", [None, NOW + MINUTE])
def test_waking_makes_due_what_would_be_later(rows: Database, before: datetime | None) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a", before)
        put(transaction, "b", before)
        lease.wake(transaction, table, NOW, table.c.id == "a")
        assert due_at(transaction, "a") == NOW
        assert due_at(transaction, "b") == before


def test_waking_leaves_alone_what_is_due_and_free(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a", NOW - MINUTE)
        lease.wake(transaction, table, NOW)
        assert due_at(transaction) == NOW - MINUTE
        assert claim_one(transaction).revision == 0


def test_waking_a_held_row_outlasts_its_holder_s_decision(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a", NOW - MINUTE)
        held = claim_one(transaction)
        lease.wake(transaction, table, NOW)
        assert not lease.release(transaction, table, held, due_at=NOW + MINUTE)
        assert claim_one(transaction).id == "a"


def test_the_next_moment_is_when_something_can_be_claimed(rows: Database) -> None:
    with rows.transaction() as transaction:
        assert lease.next_due_at(transaction, table) == [None]
        put(transaction, "never", None)
        assert lease.next_due_at(transaction, table) == [None]
        put(transaction, "a", NOW)
        assert lease.next_due_at(transaction, table) == [NOW]
        claim_one(transaction)
        assert lease.next_due_at(transaction, table) == [NOW + MINUTE]
        put(transaction, "b", NOW + SECOND)
        assert lease.next_due_at(transaction, table) == [NOW + SECOND]


def test_a_lone_service_forgets_what_a_killed_one_held(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a")
        old = claim_one(transaction)
        lease.forget(transaction, table)
        new = claim_one(transaction)
        assert not lease.release(transaction, table, old, due_at=None)
        assert lease.release(transaction, table, new, due_at=None)


def test_twelve_threads_claim_five_hundred_rows_and_none_twice(rows: Database) -> None:
    with rows.transaction() as transaction:
        transaction.execute(
            table.insert(), [{"id": f"{number:03}", "due_at": NOW} for number in range(500)]
        )
    together = threading.Barrier(12)

    def work() -> list[str]:
        taken: list[str] = []
        together.wait(10)
        while True:
            with rows.transaction() as transaction:
                leases = claim(transaction, limit=7)
            if not leases:
                return taken
            for held in leases:
                # Finished rows are free again, but not due: the trap that claims them twice.
                with rows.transaction() as transaction:
                    assert lease.release(transaction, table, held, due_at=None)
                taken.append(held.id)

    with ThreadPoolExecutor(12) as threads:
        done = [threads.submit(work) for _ in range(12)]
        times = Counter(row_id for future in done for row_id in future.result())
    # A thread that found the rest locked may have left early; what is left is still whole.
    with rows.transaction() as transaction:
        times.update(held.id for held in claim(transaction, limit=500))
    assert len(times) == 500
    assert set(times.values()) == {1}


def test_what_is_later_is_looked_at_again(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a", NOW + MINUTE)
        put(transaction, "b", NOW - MINUTE)
        put(transaction, "c", None)
        lease.look_again(transaction, table, NOW)
        assert [due_at(transaction, row_id) for row_id in "abc"] == [NOW, NOW - MINUTE, None]


def test_a_lease_from_before_the_clock_was_set_back_is_worth_nothing(rows: Database) -> None:
    with rows.transaction() as transaction:
        put(transaction, "a", NOW - timedelta(days=3))
        claim_one(transaction, NOW)
        assert claim(transaction, NOW - timedelta(seconds=30)) == []
        assert len(claim(transaction, NOW - timedelta(days=1))) == 1
