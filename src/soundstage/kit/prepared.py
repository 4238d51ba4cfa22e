"""Statements that are built and compiled once, for the few that nearly every request runs.

SQLAlchemy takes ten times as long to build, look up and run a small SELECT as the database does to
answer it. A `Prepared` statement keeps the text and the conversions that SQLAlchemy made of it for
a database, and hands them to the driver. What goes wrong is left to SQLAlchemy: the statement is
run again in its ordinary way, which raises its errors and drops lost connections.

`kit.records` uses it for every noun; stores use it for what else a request always asks.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy
from sqlalchemy import Connection, Dialect, Select

_Convert = Callable[[Any], Any]
_Conversions = tuple[tuple[int, _Convert], ...]
"""Which columns must be converted, and how."""


class _Compiled(msgspec.Struct, frozen=True):
    """A statement as one kind of database takes it."""

    text: str
    order: tuple[str, ...] | None
    """The parameters' names where the driver wants them in a row, None where it wants a map."""
    fixed: dict[str, Any]
    """The values that stand in the statement itself."""
    given: tuple[tuple[str, _Convert], ...]
    """How parameters are converted, where they must be."""


class Prepared:
    """A SELECT whose parameters are named by `bindparam`."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement
        # By dialect, of which each database has one: columns of another may be sealed otherwise.
        self._compiled: WeakKeyDictionary[Dialect, _Compiled] = WeakKeyDictionary()
        self._read: WeakKeyDictionary[Dialect, _Conversions] = WeakKeyDictionary()

    def rows(self, transaction: Connection, **parameters: Any) -> list[list[Any]]:
        """Run it; each row is a list of its columns."""
        dialect = transaction.dialect
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = _compile(self.statement, dialect)
        try:
            rows, codes = _run(transaction, compiled, parameters)
        except dialect.loaded_dbapi.Error:
            return [list(row) for row in transaction.execute(self.statement, parameters)]
        read = self._read.get(dialect)
        if read is None:
            read = self._read[dialect] = _conversions(self.statement, dialect, codes)
        for row in rows:
            for at, convert in read:
                row[at] = convert(row[at])
        return rows

    def first(self, transaction: Connection, **parameters: Any) -> list[Any] | None:
        """Run it for its first row; the statement must not find many."""
        rows = self.rows(transaction, **parameters)
        return rows[0] if rows else None


def _run(
    transaction: Connection, compiled: _Compiled, parameters: dict[str, Any]
) -> tuple[list[list[Any]], list[Any]]:
    """Give the rows as the driver has them, and its codes of the columns' types."""
    values = compiled.fixed | parameters
    for name, convert in compiled.given:
        values[name] = convert(values[name])
    cursor = transaction.connection.cursor()
    try:
        if compiled.order is None:
            cursor.execute(compiled.text, values)
        else:
            cursor.execute(compiled.text, [values[name] for name in compiled.order])
        rows = list(map(list, cursor.fetchall()))
        return rows, [column[1] for column in cursor.description or ()]
    finally:
        cursor.close()


def _compile(statement: Select[Any], dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, sqlalchemy.sql.compiler.SQLCompiler)  # noqa: S101 - for the types
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    given = []
    for name, bind in compiled.binds.items():
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            given.append((name, convert))
    order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
    return _Compiled(str(compiled), order, fixed, tuple(given))


def _conversions(statement: Select[Any], dialect: Dialect, codes: list[Any]) -> _Conversions:
    columns = zip(statement.selected_columns, codes, strict=True)
    found = [
        (at, column.type.dialect_impl(dialect).result_processor(dialect, code))
        for at, (column, code) in enumerate(columns)
    ]
    return tuple((at, convert) for at, convert in found if convert is not None)
