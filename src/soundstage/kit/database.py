"""The one way to the database: a transaction block that is the only committer.

`wiring` makes one `Database`; the doors open a transaction a request, the reconciler one to load
and one to apply. Stores of `resources` define their tables on `metadata` with the column types
below. The same SQL runs on SQLite (write-ahead log, foreign keys on) and on PostgreSQL.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import alembic.migration
import alembic.script
import msgspec
import sqlalchemy
from sqlalchemy import JSON, DateTime, Dialect, MetaData, TypeDecorator, event

from soundstage.kit import hints

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_WRITES = "soundstage_writes"
_UPGRADE_LOCK = 0x536F756E64
"""Any number that nothing else in the database locks."""


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; SQLite has no zones, so there it is kept without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone rather than guess one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone can't be stored.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Document(TypeDecorator[Any]):
    """A JSON column that holds a value of one type: a struct, a list or a map."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Turn it into what JSON can hold."""
        del dialect
        return None if value is None else msgspec.to_builtins(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Check it against the type on the way back."""
        del dialect
        return None if value is None else msgspec.convert(value, self.kind)


class Database:
    """One database and its pool. Use `transaction`; dispose at the end."""

    def __init__(self, url: str) -> None:
        self.url = sqlalchemy.make_url(url)
        self.engine = sqlalchemy.create_engine(self.url, **_pool(self.url))
        self._listeners: list[hints.Listener] = []
        if self.url.get_backend_name() == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[sqlalchemy.Connection]:
        """Commit when the block ends, roll back when it raises, then wake who was hinted.

        `write=False` promises to change nothing; on SQLite such blocks never wait for a writer.
        """
        with self._connect(write=write) as connection:
            hints.take(connection)
            with connection.begin():
                yield connection
            hinted = hints.take(connection)
        if hinted:
            for listener in self._listeners:
                listener(hinted)

    def listen(self, listener: hints.Listener) -> None:
        """Call `listener` with the hints of every committed transaction, in its thread."""
        self._listeners.append(listener)

    def upgrade(self) -> None:
        """Bring the schema to this release; safe to repeat, also by two at once on PostgreSQL."""
        config = migration_config()
        with self._connect(write=True) as connection, connection.begin():
            if self.url.get_backend_name() == "postgresql":
                # Held until the commit; without it both would make the same tables.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def is_current(self) -> bool:
        """Reports whether the schema is the one that this release wants."""
        head = alembic.script.ScriptDirectory.from_config(migration_config()).get_current_head()
        with self.transaction(write=False) as transaction:
            context = alembic.migration.MigrationContext.configure(transaction)
            return context.get_current_revision() == head

    @property
    def can_be_copied(self) -> bool:
        """Reports whether `copy_to` works: PostgreSQL has tools of its own for that."""
        return self.url.get_backend_name() == "sqlite"

    def copy_to(self, target: Path) -> None:
        """Write the database as it is at one moment into a file, beside whoever uses it."""
        if not self.can_be_copied:
            raise NotImplementedError("Only a SQLite database is a file.")
        source = f"{Path(self.url.database or '').absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(source, uri=True)) as here,
            closing(sqlite3.connect(target)) as there,
        ):
            here.backup(there)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    def _connect(self, *, write: bool) -> sqlalchemy.Connection:
        return self.engine.connect().execution_options(**{_WRITES: write})


def migration_config() -> alembic.config.Config:
    """Point Alembic at the steps that ship in the package."""
    config = alembic.config.Config()
    config.set_main_option("script_location", "soundstage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def sqlite_url(path: Path) -> str:
    """Name a database file."""
    return f"sqlite:///{path}"


def _pool(url: sqlalchemy.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"pool_size": 40, "max_overflow": 0, "poolclass": sqlalchemy.QueuePool}
    return {"pool_size": 40, "max_overflow": 0, "pool_pre_ping": True}


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    # The driver's own way of beginning transactions is off; `_begin_sqlite` begins them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=20000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    # A writer takes the lock at once: upgrading a read lock later fails when another was first.
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
