"""Sealed columns give back what was put in, and show nobody else anything, on both databases."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, select, text
from sqlalchemy.exc import StatementError

from soundstage.kit.crypto import Seal, SealError
from soundstage.kit.database import Database
from soundstage.kit.prepared import Prepared
from soundstage.kit.sealed import NoSealError, Sealed, seal_of, seal_with

FIRST, SECOND = Seal(bytes(32)), Seal(bytes([1]) * 32)


class Pair(msgspec.Struct, frozen=True):
    key: str
    value: str


things = Table(
    "things", MetaData(), Column("id", Integer, primary_key=True), Column("pair", Sealed(Pair))
)
PAIR = Pair("LICENCE", "five-secret-words")
GET = Prepared(select(things.c.pair).where(things.c.id == bindparam("thing")))


@pytest.fixture
def sealed(database: Database) -> Database:
    seal_with(database.engine.dialect, FIRST)
    with database.transaction() as transaction:
        things.metadata.create_all(transaction)
        transaction.execute(things.insert(), [{"id": 1, "pair": PAIR}, {"id": 2, "pair": None}])
    return database


def as_stored(database: Database) -> dict[int, Any]:
    with database.transaction(write=False) as transaction:
        rows = transaction.exec_driver_sql("SELECT id, pair FROM things")
        return {row.id: row.pair for row in rows}


def test_what_is_put_in_comes_back(sealed: Database) -> None:
    with sealed.transaction(write=False) as transaction:
        assert [row.pair for row in transaction.execute(things.select())] == [PAIR, None]
        assert GET.first(transaction, thing=1) == [PAIR]


def test_nobody_reads_it_without_the_seal(sealed: Database) -> None:
    stored = as_stored(sealed)
    assert "five" not in stored[1]
    assert stored[2] is None
    seal_with(sealed.engine.dialect, SECOND)
    with sealed.transaction(write=False) as transaction, pytest.raises(SealError):
        transaction.execute(select(things.c.pair)).all()


def test_equal_values_do_not_look_alike(sealed: Database) -> None:
    with sealed.transaction() as transaction:
        transaction.execute(things.insert().values(id=3, pair=PAIR))
    stored = as_stored(sealed)
    assert stored[1] != stored[3]


def test_what_was_changed_by_somebody_else_does_not_open(sealed: Database) -> None:
    with sealed.transaction() as transaction:
        transaction.exec_driver_sql('UPDATE things SET pair = \'{"key": "", "value": ""}\'')
        with pytest.raises(SealError):
            transaction.execute(select(things.c.pair)).all()


def test_each_database_has_a_seal_of_its_own(sealed: Database) -> None:
    other = Database("sqlite://", SECOND)
    with other.transaction() as transaction:
        things.metadata.create_all(transaction)
        transaction.execute(things.insert().values(id=1, pair=PAIR))
        assert GET.first(transaction, thing=1) == [PAIR]
    other.dispose()
    with sealed.transaction(write=False) as transaction:
        assert GET.first(transaction, thing=1) == [PAIR]


def test_without_a_seal_nothing_is_written(database: Database) -> None:
    with pytest.raises(NoSealError):
        seal_of(database.engine.dialect)
    with database.transaction() as transaction:
        things.metadata.create_all(transaction)
        with pytest.raises((NoSealError, StatementError)) as raised:
            transaction.execute(things.insert().values(id=1, pair=PAIR))
        assert "five" not in str(raised.value)


def test_an_error_of_the_database_does_not_repeat_it(sealed: Database) -> None:
    statement = text("INSERT INTO nowhere VALUES (:secret)")
    with pytest.raises(StatementError) as raised, sealed.transaction() as transaction:
        transaction.execute(statement, {"secret": PAIR.value})
    assert PAIR.value not in str(raised.value)
