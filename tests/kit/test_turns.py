"""Writers of SQLite: in the order they came, committed together, each for itself when it fails."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Column, Connection, Integer, MetaData, Table, event, select
from sqlalchemy.exc import IntegrityError

from soundstage.kit.database import Database
from soundstage.kit.turns import Group, NotCommittedError, Turns

SECONDS = 20
things = Table("things", MetaData(), Column("id", Integer, primary_key=True))


class Scene:
    """A database, threads that write to it, and a first block that keeps the others waiting."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.commits = 0
        self.threads = ThreadPoolExecutor(20)
        with database.transaction() as transaction:
            things.metadata.create_all(transaction)
        event.listen(database.engine, "commit", self._count)

    def _count(self, connection: Connection) -> None:
        del connection
        self.commits += 1

    def write(
        self,
        number: int,
        *,
        then: Callable[[Connection], Any] | None = None,
        note: bool = False,
    ) -> None:
        with self.database.transaction(note=note) as transaction:
            transaction.execute(things.insert().values(id=number))
            if then is not None:
                then(transaction)

    @contextmanager
    def held_up(self) -> Iterator[list[Future[None]]]:
        """Let the block's own futures queue behind a writer, who ends with the block."""
        begun, free = threading.Event(), threading.Event()

        def wait(transaction: Connection) -> None:
            del transaction
            begun.set()
            assert free.wait(SECONDS)

        futures = [self.threads.submit(self.write, 0, then=wait)]
        assert begun.wait(SECONDS)
        try:
            yield futures
        finally:
            free.set()

    def queue(self, function: Callable[..., None], *given: Any, **named: Any) -> Future[None]:
        """Have a thread write, and return when it waits for its turn."""
        turns = self.database._turns
        assert turns is not None
        before = self._queued(turns)
        future = self.threads.submit(function, *given, **named)
        pause = threading.Event()
        for _ in range(SECONDS * 200):
            if self._queued(turns) > before:
                return future
            pause.wait(0.005)
        raise AssertionError("the writer did not come to wait")

    @staticmethod
    def _queued(turns: Turns) -> int:
        return len(turns._first) + len(turns._notes)

    def stored(self) -> list[int]:
        with self.database.transaction(write=False) as transaction:
            return sorted(transaction.execute(select(things.c.id)).scalars())


def several(scene: Scene) -> AbstractContextManager[Group]:
    turns = scene.database._turns
    assert turns is not None
    return turns.turn_of_several()


@pytest.fixture
def scene(sqlite: Database) -> Iterator[Scene]:
    made = Scene(sqlite)
    yield made
    made.threads.shutdown()


def test_those_who_wait_share_one_commit_in_their_order(scene: Scene) -> None:
    order: list[int] = []
    with scene.held_up() as futures:
        for number in range(1, 6):
            then = lambda _, number=number: order.append(number)  # noqa: E731
            futures.append(scene.queue(scene.write, number, then=then))
    for future in futures:
        future.result(SECONDS)
    assert order == [1, 2, 3, 4, 5]
    assert scene.commits == 1
    assert scene.stored() == [0, 1, 2, 3, 4, 5]


def test_notes_let_others_go_first_but_come_in(scene: Scene) -> None:
    order: list[int] = []

    def queued(number: int, *, note: bool) -> Future[None]:
        then = lambda _: order.append(number)  # noqa: E731
        return scene.queue(scene.write, number, then=then, note=note)

    with scene.held_up() as futures:
        futures += [queued(number, note=True) for number in (101, 102)]
        futures += [queued(number, note=False) for number in range(1, 7)]
    for future in futures:
        future.result(SECONDS)
    assert order == [1, 2, 3, 4, 101, 5, 6, 102]
    # Nobody waits for the commit of the other kind: 0 to 4, 101, 5 and 6, 102.
    assert scene.commits == 4


def test_nobody_goes_on_before_the_commit(scene: Scene) -> None:
    seen: list[list[int]] = []

    def write_and_read(number: int) -> None:
        scene.write(number)
        seen.append(scene.stored())

    with scene.held_up() as futures:
        futures += [scene.queue(write_and_read, number) for number in (1, 2)]
    for future in futures:
        future.result(SECONDS)
    assert seen == [[0, 1, 2], [0, 1, 2]]


def test_a_block_that_raises_takes_back_only_its_own(scene: Scene) -> None:
    with scene.held_up() as futures:
        wrong = scene.queue(scene.write, 0)
        futures.append(scene.queue(scene.write, 1))
    with pytest.raises(IntegrityError):
        wrong.result(SECONDS)
    for future in futures:
        future.result(SECONDS)
    assert scene.stored() == [0, 1]


def test_one_that_raises_last_lets_the_others_be_committed(scene: Scene) -> None:
    with scene.held_up() as futures:
        wrong = scene.queue(scene.write, 0)
    with pytest.raises(IntegrityError):
        wrong.result(SECONDS)
    futures[0].result(SECONDS)
    assert scene.stored() == [0]


def test_a_group_does_not_grow_for_ever(scene: Scene) -> None:
    with scene.held_up() as futures:
        futures += [scene.queue(scene.write, number) for number in range(1, 19)]
    for future in futures:
        future.result(SECONDS)
    assert scene.commits == 2
    assert scene.stored() == list(range(19))


def test_a_turn_of_several_blocks_is_one_commit(scene: Scene) -> None:
    def add(group: Group, *numbers: int) -> None:
        with group.block() as connection:
            for number in numbers:
                connection.execute(things.insert().values(id=number))

    with several(scene) as group:
        add(group, 1)
        add(group, 2)
        with pytest.raises(IntegrityError):
            add(group, 3, 1)
        assert scene.commits == 0
    assert scene.commits == 1
    assert scene.stored() == [1, 2]


def test_no_block_follows_what_broke_the_transaction(scene: Scene) -> None:
    refused: list[Exception] = []

    def lose_everything(group: Group) -> None:
        with group.block() as connection:
            connection.exec_driver_sql("ROLLBACK")
            raise RuntimeError

    def go_on_regardless() -> None:
        with several(scene) as group:
            with suppress(RuntimeError):
                lose_everything(group)
            try:
                lose_everything(group)
            except NotCommittedError as error:
                refused.append(error)

    with pytest.raises(NotCommittedError):
        go_on_regardless()
    assert len(refused) == 1
    scene.write(1)
    assert scene.stored() == [1]


def test_a_commit_that_fails_fails_for_all_who_share_it(scene: Scene) -> None:
    def refuse(connection: Connection) -> None:
        del connection
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(scene.database.engine, "commit", refuse)
    with scene.held_up() as futures:
        futures.append(scene.queue(scene.write, 1))
    for future in futures:
        with pytest.raises(NotCommittedError):
            future.result(SECONDS)
    event.remove(scene.database.engine, "commit", refuse)
    assert scene.stored() == []
    scene.write(2)
    assert scene.stored() == [2]


def test_what_sqlite_took_back_by_itself_is_committed_for_nobody(scene: Scene) -> None:
    def lose_everything(transaction: Connection) -> None:
        # What a full disk does: the whole transaction is gone, with the blocks before in it.
        transaction.exec_driver_sql("ROLLBACK")
        raise sqlalchemy.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("full"))

    with scene.held_up() as futures:
        wrong = scene.queue(scene.write, 1, then=lose_everything)
        futures.append(scene.queue(scene.write, 2))
    with pytest.raises(sqlalchemy.exc.OperationalError):
        wrong.result(SECONDS)
    with pytest.raises(NotCommittedError):
        futures[0].result(SECONDS)
    # The one behind them began anew.
    futures[1].result(SECONDS)
    assert scene.stored() == [2]


def test_a_database_that_can_t_be_opened_holds_nobody_up(scene: Scene) -> None:
    def refuse(connection: Connection) -> None:
        raise sqlite3.OperationalError(f"locked {connection}")

    event.listen(scene.database.engine, "begin", refuse)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            scene.write(1)
    event.remove(scene.database.engine, "begin", refuse)
    scene.write(1)
    assert scene.stored() == [1]
