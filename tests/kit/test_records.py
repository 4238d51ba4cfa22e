"""Rows go in and come out as the structs they were, on both databases."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from sqlalchemy import Column, MetaData, String, Table

from soundstage.kit import lease, prepared
from soundstage.kit.crypto import Seal
from soundstage.kit.database import Database, Document, Moment
from soundstage.kit.records import Records, asked_at_once
from soundstage.kit.sealed import Sealed, seal_with
from soundstage.testing import kept

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_at: datetime
    colour: Colour
    notes: list[str]


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_at: datetime
    word: str


metadata = MetaData()
table = Table(
    "things",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("colour", String(8), nullable=False),
    Column("notes", Document(list[str]), nullable=False),
    *lease.columns(),
)
records = Records(table, Thing)


@pytest.fixture
def store(database: Database) -> Database:
    with database.transaction() as transaction:
        metadata.create_all(transaction)
    return database


def count_questions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Give a list that grows with each prepared question to the database."""
    asked: list[object] = []
    execute = prepared._execute

    def counted(cursor: Any, text: str, given: object) -> None:
        asked.append(given)
        execute(cursor, text, given)  # type: ignore[arg-type]

    monkeypatch.setattr(prepared, "_execute", counted)
    return asked


def thing(name: str, minutes: int = 0, colour: Colour = Colour.RED) -> Thing:
    created_at = NOW + timedelta(minutes=minutes)
    return Thing(id=name, created_at=created_at, colour=colour, notes=["a", name])


def test_a_record_comes_back_equal(store: Database) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"), due_at=NOW)
        assert records.get(transaction, "a") == thing("a")
        assert records.get(transaction, "b") is None
        assert lease.next_due_at(transaction, table) == [NOW]


def test_records_are_found_oldest_first(store: Database) -> None:
    with store.transaction() as transaction:
        for name, minutes in (("c", 1), ("b", 1), ("a", 2), ("z", 0)):
            records.insert(transaction, thing(name, minutes))
        assert [found.id for found in records.find(transaction)] == ["z", "b", "c", "a"]
        assert [found.id for found in records.find(transaction, limit=2)] == ["z", "b"]


@pytest.mark.parametrize("is_said_otherwise", [False, True])
def test_a_page_goes_on_after_a_record(store: Database, *, is_said_otherwise: bool) -> None:
    where = [table.c.colour == Colour.RED] if is_said_otherwise else []
    equal = {} if is_said_otherwise else {"colour": Colour.RED}
    with store.transaction() as transaction:
        for name, minutes in (("c", 1), ("b", 1), ("a", 2), ("z", 0)):
            records.insert(transaction, thing(name, minutes))
        records.insert(transaction, thing("d", 1, Colour.BLUE))

        def page(limit: int, after: tuple[datetime, str] | None = None) -> list[str]:
            found = records.page(transaction, *where, equal=equal, after=after, limit=limit)
            return [each.id for each in found]

        assert page(2) == ["z", "b"]
        assert page(9, (thing("b", 1).created_at, "b")) == ["c", "a"]
        assert page(1, (thing("b", 1).created_at, "b")) == ["c"]
        assert page(9, (thing("a", 2).created_at, "a")) == []


def test_only_what_fits_is_found_and_counted(store: Database) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
        records.insert(transaction, thing("b", colour=Colour.BLUE))
        blue = table.c.colour == Colour.BLUE
        assert records.find(transaction, blue) == [thing("b", colour=Colour.BLUE)]
        assert records.count(transaction, blue) == 1
        assert records.count(transaction) == 2


def test_one_row_is_changed_or_removed(store: Database) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
        records.insert(transaction, thing("b"))
        records.update(transaction, "a", {"colour": Colour.BLUE, "notes": []})
        records.delete(transaction, "b")
        assert records.find(transaction) == [
            Thing(id="a", created_at=NOW, colour=Colour.BLUE, notes=[])
        ]


def test_a_row_that_the_model_does_not_allow_is_not_believed(store: Database) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
        records.update(transaction, "a", {"colour": "GREEN"})
        with pytest.raises(msgspec.ValidationError):
            records.get(transaction, "a")


def test_one_that_only_reads_asks_for_a_row_once(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
    asked = count_questions(monkeypatch)
    for _ in range(2):
        with store.transaction(write=False) as transaction:
            assert [records.get(transaction, "a") for _ in range(3)] == [thing("a")] * 3
            assert [records.get(transaction, "b") for _ in range(3)] == [None] * 3
    assert len(asked) == 4


def test_an_equal_row_is_the_same_record_and_is_asked_for_all_the_same(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_kept = store.reads_at_once
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
    asked = count_questions(monkeypatch)
    seen = []
    for _ in range(2):
        with store.transaction(write=False) as transaction:
            seen.append(records.get(transaction, "a"))
            seen += records.page(transaction, equal={}, limit=2)
    assert seen == [thing("a")] * 4
    assert len({id(each) for each in seen}) == (1 if is_kept else 4)
    assert len(asked) == 4


def test_a_row_that_another_changed_is_seen_as_it_is(store: Database) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
    for colour in (Colour.BLUE, Colour.RED):
        with store.transaction(write=False) as transaction:
            assert records.get(transaction, "a") is not None
        # Past these records, as another process would.
        with store.transaction() as transaction:
            transaction.execute(table.update().values(colour=colour))
        with store.transaction(write=False) as transaction:
            assert records.get(transaction, "a") == thing("a", colour=colour)


def test_so_many_are_kept_and_no_more(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundstage.kit.records._MOST_KEPT", 3)
    few = Records(table, Thing)
    for number in range(9):
        with store.transaction() as transaction:
            few.insert(transaction, thing(f"a{number}"))
            assert few.get(transaction, f"a{number}") == thing(f"a{number}")
        assert len(few._kept) <= 3


def test_a_record_that_somebody_changed_is_found(store: Database) -> None:
    """All tests are watched for that, so the watch must see it."""
    shared = Records(table, Thing)
    watched = kept.watch(shared)
    with store.transaction() as transaction:
        for name in ("a", "b"):
            shared.insert(transaction, thing(name))
            found = shared.get(transaction, name)
    assert found is not None
    found.notes.append("mine")
    watched.clear()
    assert [each.count('"mine"') for each in watched.changed] == [1] * store.reads_at_once


def test_what_is_sealed_is_not_kept_open(database: Database) -> None:
    secrets = Table(
        "secrets",
        MetaData(),
        Column("id", String(22), primary_key=True),
        Column("created_at", Moment, nullable=False),
        Column("word", Sealed(str), nullable=False),
    )
    sealed = Records(secrets, Secret)
    seal_with(database.engine.dialect, Seal(b"k" * 32))
    told = Secret(id="a", created_at=NOW, word="open")
    with database.transaction() as transaction:
        secrets.metadata.create_all(transaction)
        sealed.insert(transaction, told)
        assert sealed.get(transaction, "a") == told
    assert not sealed._kept


def test_one_that_writes_sees_each_change(store: Database) -> None:
    with store.transaction() as transaction:
        records.insert(transaction, thing("a"))
        assert records.get(transaction, "a") == thing("a")
        records.update(transaction, "a", {"colour": Colour.BLUE})
        assert records.get(transaction, "a") == thing("a", colour=Colour.BLUE)
        records.delete(transaction, "a")
        assert records.get(transaction, "a") is None


def test_any_number_of_ids_is_asked_for_in_parts() -> None:
    ids = {f"{number:04}" for number in range(1201)}
    parts = list(asked_at_once(ids))
    assert [len(each) for each in parts] == [500, 500, 201]
    assert [one for each in parts for one in each] == sorted(ids)
    assert list(asked_at_once([])) == []
