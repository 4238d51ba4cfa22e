"""SQLite files that outlast a kill and no power cut: tests wait for no disk.

`World` has it so for its database. PostgreSQL is told when its server starts (`testing.postgres`).
"""

import sqlite3
from typing import Any, Self

from sqlalchemy import event

from soundstage.kit.database import Database

_LASTING = "PRAGMA synchronous=FULL"
_AT_ONCE = "PRAGMA synchronous=OFF"


def forgo(database: Database) -> None:
    """Have what is committed by connections that are yet to be made wait for no disk."""

    def connect(dialect: Any, record: Any, words: Any, options: dict[str, Any]) -> None:
        del dialect, record, words
        options["factory"] = _Hasty

    if database.url.get_backend_name() == "sqlite":
        event.listen(database.engine, "do_connect", connect)


class _Hasty(sqlite3.Connection):
    """Does as it is told, but for waiting."""

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or _HastyCursor)


class _HastyCursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        return super().execute(_AT_ONCE if sql == _LASTING else sql, parameters)
