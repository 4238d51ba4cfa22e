"""The one way to the database: a transaction block that is the only committer.

`wiring` makes one `Database`; the doors open a transaction a request, the reconciler one to load
and one to apply. Stores of `resources` define their tables on `metadata` with the column types
below. The same SQL runs on SQLite (write-ahead log, foreign keys on) and on PostgreSQL.
"""

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import sqlalchemy
from sqlalchemy import JSON, DateTime, Dialect, MetaData, Text, TypeDecorator, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from soundstage.kit import hints, occasion
from soundstage.kit.crypto import Seal
from soundstage.kit.sealed import seal_with
from soundstage.kit.turns import Group, Turns

if TYPE_CHECKING:
    from alembic.config import Config

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_WRITES = "soundstage_writes"
_IS_NOTE = "soundstage_note"
_SEEN = "soundstage_seen"
_LEVEL = "soundstage_level"
_FORM_OF_FILE = 1
"""Of a SQLite file that was written anew since there are sealed columns (its `user_version`)."""
_READERS_KEPT = 4
_UPGRADE_LOCK = 0x536F756E64
"""Any number that nothing else in the database locks."""


class _TextMoment(sqlite.DATETIME):
    """SQLite's text of a moment, by Python itself: three times as fast as by SQLAlchemy."""

    def bind_processor(self, dialect: Dialect) -> Any:
        """Write it."""
        del dialect
        return _write_moment

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read it."""
        del dialect, coltype
        return _read_moment


class _TextDocument(Text):
    """SQLite's text of a document, which `Document` reads and writes itself."""

    __visit_name__ = "JSON"
    """What the column is called in the schema."""


_TEXT: TypeEngine[Any] = _TextMoment()  # type: ignore[no-untyped-call]


def _write_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "microseconds")


def _write_aware_moment(moment: datetime | None) -> str | None:
    return _write_moment(_in_utc(moment, has_zone=False))


def _in_utc(moment: datetime | None, *, has_zone: bool) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone can't be stored.")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment if has_zone else moment.replace(tzinfo=None)


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; SQLite has no zones, so there it is kept without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose how it is kept."""
        is_text = dialect.name == "sqlite"
        return dialect.type_descriptor(_TEXT if is_text else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone rather than guess one."""
        return _in_utc(value, has_zone=dialect.name != "sqlite")

    def bind_processor(self, dialect: Dialect) -> Any:
        """Write those of SQLite in one step: an order has dozens."""
        is_text = dialect.name == "sqlite"
        return _write_aware_moment if is_text else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """Leave those of SQLite as they are read: a page of a list has hundreds."""
        is_text = dialect.name == "sqlite"
        return _read_moment if is_text else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        del dialect
        # Mostly those of PostgreSQL are in UTC already.
        return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class Document(TypeDecorator[Any]):
    """A JSON column that holds a value of one type: a struct, a list or a map."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose how it is kept."""
        is_text = dialect.name == "sqlite"
        return dialect.type_descriptor(_TextDocument() if is_text else JSON(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Turn it into what JSON can hold, or into JSON where that is kept as text."""
        if value is None:
            return None
        return _json(value) if dialect.name == "sqlite" else msgspec.to_builtins(value)

    def bind_processor(self, dialect: Dialect) -> Any:
        """Write those of SQLite in one step as well."""
        is_text = dialect.name == "sqlite"
        return _json_or_none if is_text else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """Read those of SQLite in one step: a page of a list has hundreds."""
        if dialect.name == "sqlite":
            return self._read_text
        return super().result_processor(dialect, coltype)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Check it against the type on the way back."""
        del dialect
        return None if value is None else msgspec.convert(value, self.kind)

    def _read_text(self, text: str | None) -> Any:
        return None if text is None else self._decoder.decode(text)


class Begin(Protocol):
    """Opens a transaction, as `Database.transaction` does."""

    def __call__(self, *, write: bool) -> AbstractContextManager[sqlalchemy.Connection]:
        """Open it."""
        ...


class Database:
    """One database and its pool. Use `transaction`; dispose at the end.

    What `kit.sealed` has columns for can be read and written with the seal alone.
    """

    def __init__(self, url: str, seal: Seal | None = None) -> None:
        self.url = sqlalchemy.make_url(url)
        self.engine = sqlalchemy.create_engine(self.url, **_pool(self.url))
        if seal is not None:
            seal_with(self.engine.dialect, seal)
        self._listeners: list[hints.Listener] = []
        self._turns: Turns | None = None
        self._readers: deque[sqlalchemy.Connection] = deque()
        if self.url.get_backend_name() == "sqlite":
            self._turns = Turns(lambda note: self._connect(write=True, note=note))
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def transaction(
        self, *, write: bool = True, note: bool = False
    ) -> Iterator[sqlalchemy.Connection]:
        """Commit when the block ends, roll back when it raises, then wake who was hinted.

        `write=False` promises to change nothing; on SQLite such blocks never wait for a writer.
        What is committed is on the disk, except with `note=True`, which promises that nobody is
        told of it and nothing is built on it: on SQLite such a block does not wait for the disk. It
        outlives this process, however that ends. When the machine's power fails it may be lost, but
        never without everything that came after it.
        """
        with self._block(write=write, note=note) as connection:
            hints.take(connection)
            occasion.end(connection)
            yield connection
            hinted = hints.take(connection)
        self._tell(hinted)

    @contextmanager
    def together(self, *, note: bool = False) -> Iterator[Begin]:
        """Give a way to open transactions one after the other, all of which are committed when this
        block ends; nobody is told before that. What raises takes back only what itself did. On
        PostgreSQL, which has no such queue of writers, each is committed by itself.
        """
        if self._turns is None:
            yield partial(self.transaction, note=note)
            return
        blocks = _Together(self, self._turns, note=note)
        with blocks.turn:
            yield blocks.begin
        self._tell(blocks.hinted)

    def _tell(self, hinted: list[hints.Hint]) -> None:
        if hinted:
            for listener in self._listeners:
                listener(hinted)

    @contextmanager
    def _block(self, *, write: bool, note: bool) -> Iterator[sqlalchemy.Connection]:
        if write and self._turns is not None:
            with self._turns.turn(note=note) as connection:
                yield connection
        elif write or self._turns is None:
            with self._connect(write=write) as connection, connection.begin():
                yield connection
        else:
            with self._reader() as connection, connection.begin():
                yield connection

    @contextmanager
    def _reader(self) -> Iterator[sqlalchemy.Connection]:
        """Give one of the connections to SQLite that only read. A few are kept at hand: to take one
        out of the pool and to put it back takes as long as to read a row.
        """
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect(write=False)
        connection.get_execution_options()[_SEEN].clear()
        try:
            yield connection
        finally:
            if connection.in_transaction() or len(self._readers) >= _READERS_KEPT:
                connection.close()
            else:
                self._readers.append(connection)

    @property
    def reads_at_once(self) -> bool:
        """Reports whether a transaction that only reads waits neither for a network nor for one
        that writes; SQLite's write-ahead log lets it read what was committed last.
        """
        return self.url.get_backend_name() == "sqlite"

    def listen(self, listener: hints.Listener) -> None:
        """Call `listener` with the hints of every committed transaction, in its thread."""
        self._listeners.append(listener)

    def upgrade(self) -> None:
        """Bring the schema to this release; safe to repeat, also by two at once on PostgreSQL."""
        with self._connect(write=True) as connection, connection.begin():
            if self.url.get_backend_name() == "postgresql":
                # Held until the commit; without it both would make the same tables.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            if _revision(connection) != _head():
                from alembic import command  # noqa: PLC0415 - a tenth of a command's start

                config = migration_config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        if self.url.get_backend_name() == "sqlite":
            self._write_anew()

    def _write_anew(self) -> None:
        """Leave nothing in SQLite's file and its log of what was there before secrets were sealed:
        not on pages that are free, where SQLite lets lie what was removed. Once is enough; where
        somebody who reads keeps the log from being emptied, the next start does it again.
        """
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            if cursor.execute("PRAGMA user_version").fetchone()[0] >= _FORM_OF_FILE:
                return
            cursor.execute("VACUUM")
            is_read = bool(cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            if not is_read:
                cursor.execute(f"PRAGMA user_version={_FORM_OF_FILE}")
        finally:
            connection.close()

    def is_current(self) -> bool:
        """Reports whether the schema is the one that this release wants."""
        with self.transaction(write=False) as transaction:
            return _revision(transaction) == _head()

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
        """Close every connection."""
        while self._readers:
            self._readers.pop().close()
        self.engine.dispose()

    def _connect(self, *, write: bool, note: bool = False) -> sqlalchemy.Connection:
        options: dict[str, Any] = {_WRITES: write, _IS_NOTE: note, _SEEN: None if write else {}}
        return self.engine.connect().execution_options(**options)


class _Together:
    """Writing transactions of one thread that share a turn, from the first of them on."""

    def __init__(self, database: Database, turns: Turns, *, note: bool) -> None:
        self.turn = ExitStack()
        self.hinted: list[hints.Hint] = []
        self._database = database
        self._turns = turns
        self._note = note
        self._group: Group | None = None

    @contextmanager
    def begin(self, *, write: bool) -> Iterator[sqlalchemy.Connection]:
        """See `Begin`."""
        if not write:
            with self._database.transaction(write=False) as connection:
                yield connection
            return
        if self._group is None:
            self._group = self.turn.enter_context(self._turns.turn_of_several(note=self._note))
        with self._group.block() as connection:
            hints.take(connection)
            occasion.end(connection)
            yield connection
            hinted = hints.take(connection)
        self.hinted += hinted


Seen = dict[tuple[str, str], Any]
"""Records by their table and id."""


def seen_by(transaction: sqlalchemy.Connection) -> Seen | None:
    """What a transaction that changes nothing has read so far; None for one that may write.

    Permission, existence and the answer itself ask for the same few rows again and again.
    """
    seen: Seen | None = transaction.get_execution_options().get(_SEEN)
    return seen


def migration_config() -> "Config":
    """Point Alembic at the steps that ship in the package."""
    from alembic.config import Config  # noqa: PLC0415 - most starts take no step

    config = Config()
    config.set_main_option("script_location", "soundstage:migrations")
    config.set_main_option("path_separator", "os")
    return config


@cache
def _head() -> str:
    """Name the last step; the files of all begin with their numbers."""
    steps = Path(__file__).parents[1] / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in steps.glob("[0-9]*_*.py"))


_steps_taken = sqlalchemy.table("alembic_version", sqlalchemy.column("version_num", Text))


def _revision(connection: sqlalchemy.Connection) -> str | None:
    """Name the step that was taken last; None in a database that is empty."""
    if not sqlalchemy.inspect(connection).has_table(_steps_taken.name):
        return None
    found: str | None = connection.execute(sqlalchemy.select(_steps_taken)).scalar_one_or_none()
    return found


def sqlite_url(path: Path) -> str:
    """Name a database file."""
    return f"sqlite:///{path}"


def _pool(url: sqlalchemy.URL) -> dict[str, Any]:
    options: dict[str, Any] = {
        "pool_size": 40,
        "max_overflow": 0,
        # Errors go to the log, and what was to be written may be a secret.
        "hide_parameters": True,
        "json_serializer": _json,
        "json_deserializer": msgspec.json.decode,
    }
    if url.get_backend_name() == "sqlite":
        return {**options, "poolclass": sqlalchemy.QueuePool}
    return {**options, "pool_pre_ping": True}


def _json_or_none(value: Any) -> str | None:
    return None if value is None else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    # The driver's own way of beginning transactions is off; `_begin_sqlite` begins them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=20000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    # A writer takes the lock at once: upgrading a read lock later fails when another was first.
    options = connection.get_execution_options()
    begun = connection.connection
    cursor = begun.cursor()
    if not options.get(_WRITES, True):
        cursor.execute("BEGIN")
        return
    # Kept by the connection, and can't be changed within a transaction.
    level = "NORMAL" if options.get(_IS_NOTE, False) else "FULL"
    if begun.info.get(_LEVEL, "FULL") != level:
        cursor.execute(f"PRAGMA synchronous={level}")
        begun.info[_LEVEL] = level
    cursor.execute("BEGIN IMMEDIATE")
