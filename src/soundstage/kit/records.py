"""Rows as frozen structs: the few statements that every noun's store needs.

Each `resources/<noun>/store.py` makes one `Records` from its table and its model; the model's field
names are the column names. What is particular to a noun stands in its own store.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Table, and_, or_

Record = TypeVar("Record", bound=msgspec.Struct)

Cursor = tuple[datetime, str]
"""Where a page ended: the moment of creation and the id of its last record."""


class Records(Generic[Record]):
    """The rows of one table. Every table has `id` and `created_at`."""

    def __init__(self, table: Table, kind: type[Record]) -> None:
        self.table = table
        self.kind = kind
        self._fields = [table.c[name] for name in kind.__struct_fields__]

    def insert(self, transaction: Connection, record: Record, **more: Any) -> None:
        """Add a row; `more` fills columns that are not the model's (those of the lease)."""
        values = {name: getattr(record, name) for name in self.kind.__struct_fields__}
        transaction.execute(self.table.insert().values(**values, **more))

    def get(self, transaction: Connection, record_id: str) -> Record | None:
        """Read one row by its id."""
        row = transaction.execute(
            sqlalchemy.select(*self._fields).where(self.table.c.id == record_id)
        ).first()
        return None if row is None else self._record(row._mapping)

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
        return [self._record(row._mapping) for row in transaction.execute(statement)]

    def page(
        self,
        transaction: Connection,
        *where: ColumnElement[bool],
        after: Cursor | None,
        limit: int,
    ) -> tuple[list[Record], Cursor | None]:
        """Read the next `limit` rows after a cursor, and say where to go on (None: the end)."""
        found = self.find(transaction, *where, *self._after(after), limit=limit + 1)
        if len(found) <= limit:
            return found, None
        last: Any = found[limit - 1]
        return found[:limit], (last.created_at, last.id)

    def update(self, transaction: Connection, record_id: str, changes: Mapping[str, Any]) -> None:
        """Change columns of one row."""
        transaction.execute(
            self.table.update().where(self.table.c.id == record_id).values(**changes)
        )

    def count(self, transaction: Connection, *where: ColumnElement[bool]) -> int:
        """Count the rows that fit."""
        statement = sqlalchemy.select(sqlalchemy.func.count()).select_from(self.table).where(*where)
        return int(transaction.execute(statement).scalar_one())

    def delete(self, transaction: Connection, record_id: str) -> None:
        """Remove one row."""
        transaction.execute(self.table.delete().where(self.table.c.id == record_id))

    def _after(self, cursor: Cursor | None) -> list[ColumnElement[bool]]:
        if cursor is None:
            return []
        created_at, record_id = cursor
        columns = self.table.c
        return [
            or_(
                columns.created_at > created_at,
                and_(columns.created_at == created_at, columns.id > record_id),
            )
        ]

    def _record(self, row: Mapping[str, Any]) -> Record:
        return self.kind(**row)
