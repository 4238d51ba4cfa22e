"""The loop wakes on hints, gives back what failed, leaves the write lock alone, and drains."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, MetaData, String, Table, event

from soundstage.kit import hints, lease
from soundstage.kit.convergence import Step
from soundstage.kit.database import Database, sqlite_url
from soundstage.reconciler.loop import Loop
from soundstage.testing.clock import SettableClock

metadata = MetaData()
table = Table("rows", metadata, Column("id", String(22), primary_key=True), *lease.columns())


class Notes:
    """A worker that notes which rows it acted on, and may be made to do something else there."""

    name = "rows"
    table = table

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on_act: Callable[[], None] = lambda: None

    def load(self, transaction: Connection, row_id: str, now: datetime) -> str | None:
        del transaction, now
        return row_id

    def act(self, loaded: str, now: datetime) -> None:
        del now
        self.seen.append(loaded)
        self.on_act()

    def due_at(self, outcome: None) -> datetime | None:
        """Not before somebody wakes it."""

    def is_decision(self, outcome: None) -> bool:
        del outcome
        return True

    def apply(self, transaction: Connection, loaded: str, outcome: None, now: datetime) -> None:
        """Nothing beside the lease is written."""

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        lease.wake(transaction, table, now, table.c.id == changed)


class Bench:
    def __init__(self, database: Database) -> None:
        self.clock = SettableClock()
        self.worker = Notes()
        self.database = database
        self.loop = Loop(database, [self.worker], self.clock)
        with database.transaction() as transaction:
            metadata.create_all(transaction)

    def put(self, row_id: str, *, is_due: bool = True) -> None:
        due_at = self.clock() if is_due else None
        with self.database.transaction() as transaction:
            transaction.execute(table.insert().values(id=row_id, due_at=due_at))

    def hint(self, row_id: str, worker: str = "rows") -> None:
        with self.database.transaction() as transaction:
            hints.hint(transaction, worker, row_id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    database = Database(sqlite_url(tmp_path / "loop.sqlite"))
    yield Bench(database)
    database.dispose()


def test_due_rows_are_acted_on_once(bench: Bench) -> None:
    for number in range(40):
        bench.put(f"{number:02}")
    bench.put("later", is_due=False)
    bench.loop.settle()
    assert sorted(bench.worker.seen) == [f"{number:02}" for number in range(40)]
    assert bench.loop.look() == 0


def test_a_hint_wakes_a_row_after_the_commit(bench: Bench) -> None:
    bench.put("a", is_due=False)
    with bench.database.transaction() as transaction:
        hints.hint(transaction, "rows", "a")
        hints.hint(transaction, "nobody", "a")
        assert not bench.loop._hints
    bench.loop.settle()
    assert bench.worker.seen == ["a"]


def test_what_was_hinted_at_is_claimed_in_the_same_look_and_transaction(bench: Bench) -> None:
    bench.put("a", is_due=False)
    bench.hint("a")
    here = threading.get_ident()
    begun: list[Connection] = []

    def note(connection: Connection) -> None:
        # The clock moves on while it looks, as clocks do.
        bench.clock.advance(timedelta(milliseconds=1))
        if threading.get_ident() == here:
            begun.append(connection)

    event.listen(bench.database.engine, "begin", note)
    assert bench.loop.look() == 1
    # One to claim, one to load.
    assert len(begun) == 2
    bench.loop._wait_for_threads()
    assert bench.worker.seen == ["a"]


def test_hints_outlive_a_database_that_is_away(bench: Bench) -> None:
    bench.put("a", is_due=False)
    bench.hint("a")
    with bench.database.transaction() as transaction:
        transaction.exec_driver_sql("ALTER TABLE rows RENAME TO away")
    with pytest.raises(Exception, match="no such table"):
        bench.loop.look()
    with bench.database.transaction() as transaction:
        transaction.exec_driver_sql("ALTER TABLE away RENAME TO rows")
    bench.loop.settle()
    assert bench.worker.seen == ["a"]


def test_a_step_that_fails_gives_the_row_back_for_later(bench: Bench) -> None:
    def fail() -> None:
        raise KeyError

    bench.put("a")
    bench.worker.on_act = fail
    bench.loop.settle()
    assert bench.loop.health.read().failures == 1
    bench.worker.on_act = lambda: None
    bench.clock.advance(timedelta(seconds=4.9))
    bench.loop.settle()
    assert bench.worker.seen == ["a"]
    bench.clock.advance(timedelta(seconds=0.1))
    bench.loop.settle()
    assert bench.worker.seen == ["a", "a"]


def test_what_was_decided_about_many_rows_is_written_in_few_commits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_decided = threading.Semaphore(0)
    line = bench.loop._decided
    put = line.put

    def tell(step: Step) -> None:
        put(step)
        all_decided.release()

    monkeypatch.setattr(line, "put", tell)
    for number in range(8):
        bench.put(f"{number}")
    may_end = threading.Event()
    bench.worker.on_act = lambda: assert_set(may_end)
    assert bench.loop.look() == 8
    commits: list[Connection] = []
    # Whoever is done first waits for this writer, and the others gather behind it.
    with bench.database.transaction():
        may_end.set()
        for _ in range(8):
            assert all_decided.acquire(timeout=10)
        event.listen(bench.database.engine, "commit", commits.append)
    bench.loop._wait_for_threads()
    assert len(bench.worker.seen) == 8
    assert len(commits) <= 3


def test_one_that_can_t_be_read_or_written_holds_up_no_other(bench: Bench) -> None:
    class Picky(Notes):
        def load(self, transaction: Connection, row_id: str, now: datetime) -> str | None:
            if row_id == "unreadable":
                raise KeyError(row_id)
            return super().load(transaction, row_id, now)

        def apply(self, transaction: Connection, loaded: str, outcome: None, now: datetime) -> None:
            super().apply(transaction, loaded, outcome, now)
            if loaded == "unwritable":
                raise KeyError(loaded)

    bench.loop = Loop(bench.database, [Picky()], bench.clock)
    for row_id in ("fine", "unreadable", "unwritable"):
        bench.put(row_id)
    bench.loop.settle()
    with bench.database.transaction(write=False) as transaction:
        rows = {row.id: row for row in transaction.execute(table.select())}
    again_at = bench.clock() + timedelta(seconds=5)
    assert {name: row.due_at for name, row in rows.items()} == {
        "fine": None,
        "unreadable": again_at,
        "unwritable": again_at,
    }
    assert {row.lease_token for row in rows.values()} == {None}
    assert bench.loop.health.read().failures == 2


def test_what_can_t_be_committed_is_given_back(bench: Bench) -> None:
    def refuse(connection: Connection) -> None:
        event.remove(bench.database.engine, "commit", refuse)
        raise OSError(f"disk I/O error {connection}")

    bench.put("a")
    bench.worker.on_act = lambda: event.listen(bench.database.engine, "commit", refuse)
    assert bench.loop.look() == 1
    bench.loop._wait_for_threads()
    with bench.database.transaction(write=False) as transaction:
        row = transaction.execute(table.select()).one()
    assert (row.lease_token, row.due_at) == (None, bench.clock() + timedelta(seconds=5))


def test_a_look_that_finds_nothing_does_not_wait_for_a_writer(bench: Bench) -> None:
    bench.put("a", is_due=False)
    with bench.database.transaction() as transaction:
        transaction.exec_driver_sql("UPDATE rows SET revision = revision")
        looked = threading.Thread(target=bench.loop.look)
        looked.start()
        looked.join(timeout=5)
        assert not looked.is_alive()


def test_it_runs_by_itself_until_it_is_stopped_and_drains_then(bench: Bench) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        assert may_end.wait(10)

    bench.worker.on_act = act
    bench.put("a", is_due=False)
    bench.loop.start()
    bench.hint("a")
    assert begun.wait(10)
    stopping = threading.Thread(target=bench.loop.stop)
    stopping.start()
    assert bench.loop._stopping.wait(10)
    bench.put("b")
    may_end.set()
    stopping.join(timeout=10)
    assert not stopping.is_alive()
    # What was in hand is done and given back; what came later is left to the next process.
    with bench.database.transaction(write=False) as transaction:
        held = table.select().where(table.c.lease_token.is_not(None))
        assert transaction.execute(held).all() == []
        assert lease.next_due_at(transaction, table) == [bench.clock()]
    assert bench.worker.seen == ["a"]


def test_leases_of_what_takes_long_are_renewed(bench: Bench) -> None:
    may_end = threading.Event()
    bench.worker.on_act = lambda: assert_set(may_end)
    bench.put("a")
    assert bench.loop.look() == 1
    bench.clock.advance(lease.LEASE_FOR - timedelta(seconds=1))
    bench.loop._renew()
    bench.clock.advance(timedelta(seconds=2))
    assert bench.loop.look() == 0
    may_end.set()
    bench.loop.settle()
    bench.loop._wait_for_threads()
    assert bench.worker.seen == ["a"]


def assert_set(event: threading.Event) -> None:
    assert event.wait(10)


class Watchful(Notes):
    """A worker that looks after rows which are not due, too."""

    watch_every = timedelta(seconds=3)

    def __init__(self) -> None:
        super().__init__()
        self.changed: set[str] = set()
        self.asked: list[str] = []

    def watched(self, transaction: Connection) -> list[str]:
        return sorted(transaction.execute(table.select()).scalars())

    def has_changed(self, watched: str) -> str | None:
        self.asked.append(watched)
        if watched == "broken":
            raise RuntimeError(watched)
        return watched if watched in self.changed else None


@pytest.fixture
def watched(bench: Bench) -> tuple[Bench, Watchful]:
    worker = Watchful()
    bench.loop = Loop(bench.database, [worker], bench.clock)
    for row_id in ("a", "b", "broken"):
        bench.put(row_id, is_due=False)
    return bench, worker


def test_rows_are_looked_after_without_being_due(watched: tuple[Bench, Watchful]) -> None:
    bench, worker = watched
    bench.loop.settle()
    assert sorted(worker.asked) == ["a", "b", "broken"]
    assert worker.seen == []
    assert bench.loop.next_moment() == bench.clock() + worker.watch_every
    # Not again before its time; then who has changed is taken in hand, and nobody else.
    worker.changed = {"b"}
    bench.clock.advance(timedelta(seconds=2))
    bench.loop.settle()
    assert worker.seen == []
    bench.clock.advance(timedelta(seconds=1))
    bench.loop.settle()
    assert worker.seen == ["b"]


def test_a_clock_that_is_set_back_holds_nothing_up(watched: tuple[Bench, Watchful]) -> None:
    bench, worker = watched
    later = bench.clock() + timedelta(hours=1)
    with bench.database.transaction() as transaction:
        transaction.execute(table.update().where(table.c.id == "a").values(due_at=later))
    bench.loop.settle()
    bench.clock.set(bench.clock() - timedelta(seconds=5))
    bench.loop.settle()
    assert worker.seen == []
    asked = len(worker.asked)
    bench.clock.set(bench.clock() - timedelta(days=2))
    bench.loop.settle()
    assert worker.seen == ["a"]
    assert len(worker.asked) > asked
