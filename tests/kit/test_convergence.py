"""A step writes what it decided only while it holds an unchanged row."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Connection, MetaData, String, Table

from soundstage.kit import lease
from soundstage.kit.convergence import Step
from soundstage.kit.database import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)

metadata = MetaData()
table = Table(
    "rows",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("content", String, nullable=False),
    *lease.columns(),
)


class Echo:
    """Writes what it read twice, and does something to the world between."""

    name = "rows"
    table = table

    def __init__(
        self, meanwhile: Callable[[], None] = lambda: None, *, decides: bool = True
    ) -> None:
        self._meanwhile = meanwhile
        self._decides = decides
        self.levels: list[int] = []
        """How far SQLite waited for the disk when it wrote."""

    def load(self, transaction: Connection, row_id: str, now: datetime) -> str | None:
        del now
        found = transaction.execute(table.select().where(table.c.id == row_id)).first()
        return None if found is None or found.content == "done" else found.content

    def act(self, loaded: str, now: datetime) -> str:
        del now
        self._meanwhile()
        return loaded * 2

    def due_at(self, outcome: str) -> datetime | None:
        del outcome
        return LATER

    def is_decision(self, outcome: str) -> bool:
        del outcome
        return self._decides

    def apply(self, transaction: Connection, loaded: str, outcome: str, now: datetime) -> None:
        del loaded, now
        transaction.execute(table.update().values(content=outcome))
        self.levels.append(transaction.exec_driver_sql("PRAGMA synchronous").scalar_one())

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        lease.wake(transaction, table, now, table.c.id == changed)


@pytest.fixture
def rows(sqlite: Database) -> Database:
    with sqlite.transaction() as transaction:
        metadata.create_all(transaction)
        transaction.execute(table.insert().values(id="a", content="ab", due_at=NOW))
    return sqlite


def claim(database: Database, now: datetime = NOW) -> lease.Lease:
    with database.transaction() as transaction:
        (held,) = lease.claim(transaction, table, now=now, until=LATER, limit=1)
    return held


def change(database: Database, **values: object) -> None:
    with database.transaction() as transaction:
        transaction.execute(table.update().values(**values))


def read(database: Database) -> tuple[str, datetime | None, str | None]:
    with database.transaction(write=False) as transaction:
        row = transaction.execute(table.select()).one()
        return row.content, row.due_at, row.lease_token


def step(database: Database, worker: Echo, held: lease.Lease) -> bool:
    """Take a row one step on; reports whether what was decided could be written."""
    with database.transaction(write=False) as transaction:
        loaded = Step(worker=worker, lease=held).load(transaction, NOW)
    decided = loaded.act(NOW)
    with database.transaction(note=not decided.is_decision) as transaction:
        return decided.write(transaction, NOW)


def test_a_step_writes_its_outcome_and_gives_the_row_back(rows: Database) -> None:
    assert step(rows, Echo(), claim(rows))
    assert read(rows) == ("abab", LATER, None)


@pytest.mark.parametrize(("decides", "level"), [(True, 2), (False, 1)])
def test_only_a_decision_waits_for_the_disk(rows: Database, *, decides: bool, level: int) -> None:
    worker = Echo(decides=decides)
    assert step(rows, worker, claim(rows))
    assert worker.levels == [level]


def test_no_transaction_is_open_while_it_acts(rows: Database) -> None:
    worker = Echo(lambda: change(rows, due_at=NOW))
    assert step(rows, worker, claim(rows))
    assert read(rows) == ("abab", LATER, None)


def test_a_stolen_lease_writes_nothing(rows: Database) -> None:
    held = claim(rows)
    thief: list[lease.Lease] = []
    assert not step(rows, Echo(lambda: thief.append(claim(rows, LATER))), held)
    content, due_at, token = read(rows)
    assert (content, due_at, token) == ("ab", NOW, thief[0].token)


def test_a_changed_row_is_not_overwritten_and_comes_again(rows: Database) -> None:
    soon = NOW + timedelta(seconds=1)
    worker = Echo(lambda: change(rows, content="wish", **lease.touch(table, soon)))
    assert not step(rows, worker, claim(rows))
    assert read(rows) == ("wish", soon, None)


@pytest.mark.parametrize("content", ["done", None])
def test_a_row_with_nothing_to_do_or_none_at_all_is_let_go(
    rows: Database, content: str | None
) -> None:
    held = claim(rows)
    if content is None:
        with rows.transaction() as transaction:
            transaction.execute(table.delete())
        assert not step(rows, Echo(), held)
    else:
        change(rows, content=content)
        assert step(rows, Echo(), held)
        assert read(rows) == (content, None, None)


def test_what_fails_in_the_writing_keeps_the_lease(rows: Database) -> None:
    class Broken(Echo):
        def apply(self, transaction: Connection, loaded: str, outcome: str, now: datetime) -> None:
            super().apply(transaction, loaded, outcome, now)
            raise KeyError(loaded)

    held = claim(rows)
    with pytest.raises(KeyError):
        step(rows, Broken(), held)
    assert read(rows) == ("ab", NOW, held.token)
