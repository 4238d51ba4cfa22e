"""Statements that are built and compiled once, for the few that nearly every request runs.

SQLAlchemy takes ten times as long to build, look up and run a small statement as the database does
to answer it. A `Prepared` SELECT keeps the text and the conversions that SQLAlchemy made of it for
a database, and hands them to the driver. What goes wrong is left to SQLAlchemy: the statement is
run again in its ordinary way, which raises its errors and drops lost connections.

A `PreparedChange` keeps them of a statement that writes. That can't be run twice, so its errors are
made SQLAlchemy's here.

`kit.records` uses them for every noun; stores use them for what else a request always asks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy
from sqlalchemy import Connection, Dialect, Select, UpdateBase
from sqlalchemy.exc import DBAPIError

Made = TypeVar("Made")
Row = tuple[Any, ...]
"""As the driver gives it."""

_Convert = Callable[[Any], Any]
_Conversions = tuple[tuple[int, _Convert], ...]
"""Which columns must be converted, and how."""


class _Compiled(msgspec.Struct, frozen=True):
    """A statement as one database takes it."""

    dialect: Dialect
    """Each database has one of its own; columns of another may be sealed otherwise."""
    text: str
    order: tuple[str, ...] | None
    """The parameters' names where the driver wants them in a row, None where it wants a map."""
    fixed: dict[str, Any]
    """The values that stand in the statement itself."""
    given: tuple[tuple[str, _Convert], ...]
    """How parameters are converted, where they must be."""

    def values(self, parameters: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """Give the parameters as the driver wants them."""
        values = {**self.fixed, **parameters}
        for name, convert in self.given:
            values[name] = convert(values[name])
        return values if self.order is None else tuple([values[name] for name in self.order])


class Prepared:
    """A SELECT whose parameters are named by `bindparam`."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement
        # Those of the database that was asked last; as a rule there is one.
        self._compiled: _Compiled | None = None
        self._read: tuple[Dialect, _Conversions] | None = None

    def rows(self, transaction: Connection, **parameters: Any) -> list[list[Any]]:
        """Run it; each row is a list of its columns."""
        found = self._found(transaction, parameters)
        if found is None:
            return [list(row) for row in transaction.execute(self.statement, parameters)]
        rows, conversions = found
        return [_converted(row, conversions) for row in rows]

    def made(
        self,
        transaction: Connection,
        make: Callable[[Sequence[Any]], Made],
        kept: dict[Row, Made],
        **parameters: Any,
    ) -> list[Made]:
        """Run it, and make something of each row; of one that the driver gave before, what was made
        of it then. Where the driver gives what can be changed, as PostgreSQL's does of documents,
        rows can't be kept.
        """
        found = self._found(transaction, parameters)
        if found is None:
            return [make(row) for row in transaction.execute(self.statement, parameters)]
        rows, conversions = found
        made: list[Made] = []
        for row in rows:
            known = kept.get(row)
            if known is None:
                known = kept[row] = make(_converted(row, conversions))
            made.append(known)
        return made

    def _found(
        self, transaction: Connection, parameters: dict[str, Any]
    ) -> tuple[Sequence[Row], _Conversions] | None:
        """Run it; the rows, and how they are converted. None where it fails."""
        dialect = transaction.dialect
        compiled = self._compiled
        if compiled is None or compiled.dialect is not dialect:
            compiled = self._compiled = _compile(self.statement, dialect)
        try:
            rows, codes = _run(transaction, compiled, parameters)
        except dialect.loaded_dbapi.Error:
            return None
        read = self._read
        if read is None or read[0] is not dialect:
            read = self._read = dialect, _conversions(self.statement, dialect, codes)
        return rows, read[1]

    def first(self, transaction: Connection, **parameters: Any) -> list[Any] | None:
        """Run it for its first row; the statement must not find many."""
        rows = self.rows(transaction, **parameters)
        return rows[0] if rows else None


class PreparedChange:
    """An INSERT, UPDATE or DELETE."""

    def __init__(self, statement: UpdateBase, names: Iterable[str] = ()) -> None:
        self._statement = statement
        self._names = list(names) or None
        """The columns that `run` is given values of, beside what is named by `bindparam`."""
        self._compiled: _Compiled | None = None

    def run(self, transaction: Connection, parameters: Mapping[str, Any]) -> int:
        """Run it; how many rows it changed."""
        return self._run(transaction, parameters)[0]

    def returned(self, transaction: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run it; the rows that it returns, as the driver has them."""
        return self._run(transaction, parameters)[1]

    def _run(
        self, transaction: Connection, parameters: Mapping[str, Any]
    ) -> tuple[int, Sequence[Any]]:
        dialect = transaction.dialect
        compiled = self._compiled
        if compiled is None or compiled.dialect is not dialect:
            compiled = self._compiled = _compile(self._statement, dialect, self._names)
        cursor = transaction.connection.cursor()
        try:
            _execute(cursor, compiled.text, compiled.values(parameters))
            rows = () if cursor.description is None else cursor.fetchall()
        except dialect.loaded_dbapi.Error as error:
            raise _made_sqlalchemy_s(transaction, compiled, error) from error
        else:
            return cursor.rowcount, rows
        finally:
            cursor.close()


def _execute(cursor: Any, text: str, given: tuple[Any, ...] | dict[str, Any]) -> None:
    """Hand a statement to the driver: the one place where all that is prepared passes."""
    cursor.execute(text, given)


def _made_sqlalchemy_s(
    transaction: Connection, compiled: _Compiled, error: Exception
) -> BaseException:
    """Make of the driver's error what SQLAlchemy makes of it; drop a connection that is lost."""
    dialect = transaction.dialect
    is_lost = dialect.is_disconnect(error, transaction.connection, None)  # type: ignore[arg-type]
    if is_lost:
        transaction.invalidate(error)
    return DBAPIError.instance(
        compiled.text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )


def _run(
    transaction: Connection, compiled: _Compiled, parameters: dict[str, Any]
) -> tuple[Sequence[Row], list[Any]]:
    """Give the rows as the driver has them, and its codes of the columns' types."""
    cursor = transaction.connection.cursor()
    try:
        _execute(cursor, compiled.text, compiled.values(parameters))
        return cursor.fetchall(), [column[1] for column in cursor.description or ()]
    finally:
        cursor.close()


def _converted(row: Row, conversions: _Conversions) -> list[Any]:
    columns = list(row)
    for at, convert in conversions:
        columns[at] = convert(columns[at])
    return columns


def _compile(
    statement: Select[Any] | UpdateBase, dialect: Dialect, names: list[str] | None = None
) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, sqlalchemy.sql.compiler.SQLCompiler)  # noqa: S101 - for the types
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    given = []
    for name, bind in compiled.binds.items():
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            given.append((name, convert))
    order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
    return _Compiled(dialect, str(compiled), order, fixed, tuple(given))


def _conversions(statement: Select[Any], dialect: Dialect, codes: list[Any]) -> _Conversions:
    columns = zip(statement.selected_columns, codes, strict=True)
    found = [
        (at, column.type.dialect_impl(dialect).result_processor(dialect, code))
        for at, (column, code) in enumerate(columns)
    ]
    return tuple((at, convert) for at, convert in found if convert is not None)
