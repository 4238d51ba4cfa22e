"""Prepared statements say what SQLAlchemy's ordinary way says, on both databases."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table, bindparam, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from soundstage.kit.database import Database, Document, Moment
from soundstage.kit.prepared import Prepared, PreparedChange

NOW = datetime(2030, 1, 1, 9, 0, 0, 123_456, tzinfo=UTC)


class Colour(StrEnum):
    RED = "RED"


things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", Moment),
    Column("words", Document(list[str])),
    Column("colour", String(8)),
    Column("is_large", Boolean(create_constraint=False)),
    Column("weight", Float),
)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "at": NOW, "words": ["a", "ä"], "colour": Colour.RED, "is_large": True},
    {"id": 2, "at": NOW + timedelta(days=1), "words": [], "colour": "BLUE", "is_large": False},
    {"id": 3, "at": None, "words": None, "colour": None, "is_large": None},
]
WEIGHTS = [1.5, 2, None]
STATEMENTS = [
    (select(things), {}),
    (select(things).where(things.c.id == bindparam("id")), {"id": 2}),
    (select(things.c.id).where(things.c.at >= bindparam("at")).limit(1), {"at": NOW}),
    (select(things.c.id).where(things.c.colour == Colour.RED), {}),
    (select(things.c.at, sqlalchemy.func.min(things.c.at).over()), {}),
    (select(things.c.id).where(things.c.colour == bindparam("it")), {"it": "'; DROP TABLE things"}),
]


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as transaction:
        things.metadata.create_all(transaction)
        rows = [{**row, "weight": weight} for row, weight in zip(ROWS, WEIGHTS, strict=True)]
        transaction.execute(things.insert(), rows)
    return database


@pytest.mark.parametrize(("statement", "parameters"), STATEMENTS)
def test_rows_are_those_of_the_ordinary_way(
    filled: Database, statement: sqlalchemy.Select[tuple[object]], parameters: dict[str, object]
) -> None:
    prepared = Prepared(statement.order_by(things.c.id))
    with filled.transaction(write=False) as transaction:
        expected = transaction.execute(prepared.statement, parameters).all()
        # The second time it is compiled already.
        for _ in range(2):
            assert prepared.rows(transaction, **parameters) == [list(row) for row in expected]


def test_the_first_row_or_none(filled: Database) -> None:
    prepared = Prepared(select(things.c.at).where(things.c.id == bindparam("id")))
    with filled.transaction(write=False) as transaction:
        assert prepared.first(transaction, id=1) == [NOW]
        assert prepared.first(transaction, id=4) is None


def test_it_sees_what_its_transaction_wrote(filled: Database) -> None:
    prepared = Prepared(select(things.c.colour).where(things.c.id == bindparam("id")))
    with filled.transaction() as transaction:
        transaction.execute(things.update().where(things.c.id == 1).values(colour="GREEN"))
        assert prepared.first(transaction, id=1) == ["GREEN"]


def test_errors_are_those_of_the_ordinary_way(filled: Database) -> None:
    elsewhere = Table("elsewhere", MetaData(), Column("id", Integer))
    with (
        pytest.raises(SQLAlchemyError, match="elsewhere"),
        filled.transaction(write=False) as transaction,
    ):
        Prepared(select(elsewhere)).rows(transaction)


def test_a_parameter_that_was_forgotten_is_an_error(filled: Database) -> None:
    prepared = Prepared(select(things).where(things.c.id == bindparam("id")))
    with filled.transaction(write=False) as transaction, pytest.raises((KeyError, SQLAlchemyError)):
        prepared.rows(transaction)


def test_changes_are_those_of_the_ordinary_way(filled: Database) -> None:
    is_it = things.c.id == bindparam("it")
    insert = PreparedChange(things.insert(), ["id", "at", "words", "colour"])
    update = PreparedChange(things.update().where(is_it), ["at", "words"])
    delete = PreparedChange(things.delete().where(is_it))
    read = select(things.c.at, things.c.words, things.c.weight).where(things.c.id == 4)
    with filled.transaction() as transaction:
        for number in (4, 5):
            given = {"id": number, "at": NOW, "words": ["a"], "colour": Colour.RED}
            assert insert.run(transaction, given) == 1
        assert transaction.execute(read).one() == (NOW, ["a"], None)
        for words in (["b", "ä"], None):
            assert update.run(transaction, {"it": 4, "at": None, "words": words}) == 1
            assert transaction.execute(read).one() == (None, words, None)
        assert delete.run(transaction, {"it": 4}) == 1
        assert [delete.run(transaction, {"it": number}) for number in (4, 5)] == [0, 1]


def test_a_change_that_fails_says_so_once(filled: Database) -> None:
    insert = PreparedChange(things.insert(), ["id"])
    with filled.transaction() as transaction:
        with pytest.raises(IntegrityError), transaction.begin_nested():
            insert.run(transaction, {"id": 1})
        assert insert.run(transaction, {"id": 4}) == 1


def test_databases_take_turns(filled: Database) -> None:
    read, write = Prepared(select(things.c.at)), PreparedChange(things.insert(), ["id", "at"])
    other = Database("sqlite://")
    with other.transaction() as transaction:
        things.metadata.create_all(transaction)
        write.run(transaction, {"id": 1, "at": NOW})
        assert read.rows(transaction) == [[NOW]]
        with filled.transaction() as here:
            write.run(here, {"id": 4, "at": NOW})
            assert [NOW] in read.rows(here)
        assert read.rows(transaction) == [[NOW]]
    other.dispose()
