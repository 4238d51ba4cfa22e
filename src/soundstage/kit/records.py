"""Rows as frozen structs: the few statements that every noun's store needs.

Each `resources/<noun>/store.py` makes one `Records` from its table and its model; the model's field
names are the column names. What is particular to a noun stands in its own store.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Index, Integer, Table, bindparam, or_
from sqlalchemy.exc import IntegrityError

from soundstage.kit.database import seen_by
from soundstage.kit.prepared import Prepared, PreparedChange, Row
from soundstage.kit.sealed import Sealed

Record = TypeVar("Record", bound=msgspec.Struct)

_ASKED_AT_ONCE = 500
"""Databases bound how many values a statement may hold."""
_MOST_KEPT = 1000
"""How many records of a table are kept at hand, of which the largest, sessions, take 4 kB each."""


def listed_by(*names: str) -> Index:
    """Make the index of a list that is narrowed by these columns: in its order, so that a page
    costs the same at its beginning and at its end, however many rows there are.
    """
    return Index(None, *names, "created_at", "id")


def asked_at_once(ids: Iterable[str]) -> Iterator[list[str]]:
    """Cut ids, of which there may be any number, into as many as one statement may ask for."""
    asked = sorted(ids)
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        yield asked[start : start + _ASKED_AT_ONCE]


@lru_cache(maxsize=512)
def _updating(
    table: Table, names: tuple[str, ...], computed: tuple[tuple[str, Any], ...]
) -> PreparedChange:
    is_it = table.c.id == bindparam("record_id")
    return PreparedChange(table.update().where(is_it).values(dict(computed)), names)


class Records(Generic[Record]):
    """The rows of one table. Every table has `id` and `created_at`.

    The same few rows are read again and again, and to make a record of a row takes longer than to
    read it. So on SQLite, whose rows are texts and numbers, a row that is equal in all its columns
    to one that was read before is the record that was made of that. Every read still asks the
    database; nothing need be told when a row changes. Nobody may change what is in a record. Those
    with something sealed in them are not kept.
    """

    def __init__(self, table: Table, kind: type[Record]) -> None:
        self.table = table
        self.kind = kind
        self._fields = [table.c[name] for name in kind.__struct_fields__]
        self._may_keep = not any(isinstance(field.type, Sealed) for field in self._fields)
        self._kept: dict[Row, Record] = {}
        # Made once, here and below: building a statement takes longer than running it.
        self._inserts: dict[tuple[str, ...], PreparedChange] = {}
        self._pages: dict[tuple[tuple[str, ...], bool], Prepared] = {}
        self._get = Prepared(
            sqlalchemy.select(*self._fields).where(table.c.id == bindparam("record_id"))
        )

    def insert(self, transaction: Connection, record: Record, **more: Any) -> None:
        """Add a row; `more` fills columns that are not the model's (those of the lease)."""
        values = {name: getattr(record, name) for name in self.kind.__struct_fields__}
        values.update(more)
        statement = self._inserts.get(names := tuple(more))
        if statement is None:
            # `inline`: nobody asks for what the database fills in.
            statement = PreparedChange(self.table.insert().inline(), values)
            self._inserts[names] = statement
        statement.run(transaction, values)

    def get(self, transaction: Connection, record_id: str) -> Record | None:
        """Read one row by its id."""
        seen = seen_by(transaction)
        if seen is None:
            return self._read(transaction, record_id)
        key = self.table.name, record_id
        if key not in seen:
            seen[key] = self._read(transaction, record_id)
        found: Record | None = seen[key]
        return found

    def find(
        self, transaction: Connection, *where: ColumnElement[bool], limit: int | None = None
    ) -> list[Record]:
        """Read all rows that fit, oldest first."""
        statement = (
            sqlalchemy.select(*self._fields)
            .where(*where)
            .order_by(self.table.c.created_at, self.table.c.id)
            .limit(limit)
        )
        return [self._record(row) for row in transaction.execute(statement)]

    def page(
        self,
        transaction: Connection,
        *where: ColumnElement[bool],
        equal: Mapping[str, Any],
        after: tuple[datetime, str] | None = None,
        limit: int,
    ) -> list[Record]:
        """Read the next rows with these values, oldest first, after one that was created then and
        has this id. With nothing else in `where` the statement is made once.
        """
        given = {f"equal_{name}": value for name, value in equal.items()} | {"at_most": limit}
        if after is not None:
            given["after_moment"], given["after_id"] = after
        names, is_later = tuple(equal), after is not None
        if where:
            found = transaction.execute(
                self._listing(names, is_later=is_later).where(*where), given
            )
            return [self._record(row) for row in found]
        prepared = self._pages.get((names, is_later))
        if prepared is None:
            prepared = Prepared(self._listing(names, is_later=is_later))
            self._pages[names, is_later] = prepared
        return self._made(transaction, prepared, given)

    def _listing(self, names: tuple[str, ...], *, is_later: bool) -> sqlalchemy.Select[Any]:
        columns = self.table.c
        where = [columns[name] == bindparam(f"equal_{name}") for name in names]
        if is_later:
            moment = bindparam("after_moment", type_=columns.created_at.type)
            # Said twice, because an index is searched by the first and not by an OR.
            where.append(columns.created_at >= moment)
            where.append(or_(columns.created_at > moment, columns.id > bindparam("after_id")))
        return (
            sqlalchemy.select(*self._fields)
            .where(*where)
            .order_by(columns.created_at, columns.id)
            .limit(bindparam("at_most", type_=Integer()))
        )

    def update(self, transaction: Connection, record_id: str, changes: Mapping[str, Any]) -> None:
        """Change columns of one row."""
        values = dict(changes)
        # What the database works out is part of the statement.
        computed = {
            name: values.pop(name)
            for name, value in changes.items()
            if isinstance(value, sqlalchemy.ClauseElement)
        }
        statement = _updating(self.table, tuple(values), tuple(computed.items()))
        values["record_id"] = record_id
        statement.run(transaction, values)

    def count(self, transaction: Connection, *where: ColumnElement[bool]) -> int:
        """Count the rows that fit."""
        statement = sqlalchemy.select(sqlalchemy.func.count()).select_from(self.table).where(*where)
        return int(transaction.execute(statement).scalar_one())

    def count_by(
        self, transaction: Connection, name: str, *where: ColumnElement[bool]
    ) -> dict[str, int]:
        """Count the rows that fit, by one of their columns."""
        column = self.table.c[name]
        counting = sqlalchemy.select(column, sqlalchemy.func.count()).where(*where)
        rows = transaction.execute(counting.group_by(column))
        return {row[0]: row[1] for row in rows}

    def delete(self, transaction: Connection, record_id: str) -> None:
        """Remove one row."""
        transaction.execute(self.table.delete().where(self.table.c.id == record_id))

    def delete_unreferred(self, transaction: Connection, record_id: str) -> bool:
        """Remove one row unless a foreign key refers to it; reports whether it is gone."""
        try:
            with transaction.begin_nested():
                self.delete(transaction, record_id)
        except IntegrityError:
            return False
        return True

    def _read(self, transaction: Connection, record_id: str) -> Record | None:
        made = self._made(transaction, self._get, {"record_id": record_id})
        return made[0] if made else None

    def _made(
        self, transaction: Connection, prepared: Prepared, given: Mapping[str, Any]
    ) -> list[Record]:
        if not self._may_keep or transaction.dialect.name != "sqlite":
            return [self._record(row) for row in prepared.rows(transaction, **given)]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        return prepared.made(transaction, self._record, self._kept, **given)

    def _record(self, row: Sequence[Any]) -> Record:
        values = zip(self.kind.__struct_fields__, row, strict=True)
        return msgspec.convert(dict(values), self.kind)
