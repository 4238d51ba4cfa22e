"""Columns that nobody can read in the database's file, in its log, or in a copy of either.

A store says `Sealed(kind)` where it would say `Document(kind)`, and that alone decides what is
sealed: whoever uses the table sees the values. The key is the database's own: `kit.database` names
it with `seal_with` when it is opened. A sealed column can't be searched or compared by SQL.
"""

from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Dialect, Text, TypeDecorator

from soundstage.kit.crypto import Seal

# SQLAlchemy shows a column's type nothing of its database but the dialect, of which every database
# that is opened has one of its own.
_SEALS: WeakKeyDictionary[Dialect, Seal] = WeakKeyDictionary()


class NoSealError(Exception):
    """The database was opened without a seal, so what is sealed can be neither read nor written."""


def seal_with(dialect: Dialect, seal: Seal) -> None:
    """Seal one database's columns with this from now on."""
    _SEALS[dialect] = seal


def seal_of(dialect: Dialect) -> Seal:
    """Return what a database's columns are sealed with. Raises NoSealError."""
    try:
        return _SEALS[dialect]
    except KeyError:
        raise NoSealError("This database was opened without a seal.") from None


class Sealed(TypeDecorator[Any]):
    """A column that holds a value of one type as sealed JSON; None stays NULL."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Seal it."""
        if value is None:
            return None
        return seal_of(dialect).close(msgspec.json.encode(value).decode())

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Open it, and check it against the type. Raises SealError."""
        if value is None:
            return None
        return msgspec.json.decode(seal_of(dialect).open(value), type=self.kind)
