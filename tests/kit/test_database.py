"""Transactions, column types and schema steps, on both databases."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

# Brings every noun's tables into the metadata, as the service does.
import soundstage.wiring.service  # noqa: F401
from soundstage.kit import hints
from soundstage.kit.database import Begin, Database, Document, Moment, metadata, sqlite_url
from soundstage.testing.postgres import Postgres

NOW = datetime(2030, 1, 1, 9, 0, 0, 123_456, tzinfo=UTC)


class Pair(msgspec.Struct, frozen=True):
    left: int
    right: datetime


things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", Moment),
    Column("pair", Document(Pair)),
)


@pytest.fixture
def thing_database(database: Database) -> Database:
    with database.transaction() as transaction:
        things.metadata.create_all(transaction)
    return database


def count(database: Database) -> int:
    with database.transaction(write=False) as transaction:
        statement = select(sqlalchemy.func.count()).select_from(things)
        return int(transaction.execute(statement).scalar_one())


def test_a_block_that_ends_commits_and_one_that_raises_does_not(thing_database: Database) -> None:
    with thing_database.transaction() as transaction:
        transaction.execute(things.insert().values(id=1))

    def fail_in_the_middle() -> None:
        with thing_database.transaction() as transaction:
            transaction.execute(things.insert().values(id=2))
            raise KeyError

    with pytest.raises(KeyError):
        fail_in_the_middle()
    assert count(thing_database) == 1


@pytest.mark.parametrize(
    "moment",
    [NOW, NOW.astimezone(timezone(timedelta(hours=-7))), None],
    ids=["utc", "another zone", "none"],
)
def test_moments_come_back_in_utc(thing_database: Database, moment: datetime | None) -> None:
    with thing_database.transaction() as transaction:
        transaction.execute(things.insert().values(id=1, at=moment))
        kept = transaction.execute(select(things.c.at)).scalar_one()
    assert kept == moment
    assert kept is None or kept.utcoffset() == timedelta(0)


def test_moments_are_compared_as_moments(thing_database: Database) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    with thing_database.transaction() as transaction:
        transaction.execute(things.insert().values(id=1, at=NOW))
        for moment, found in ((elsewhere, 1), (elsewhere - timedelta(microseconds=1), None)):
            where = things.c.at <= moment
            assert transaction.execute(select(things.c.id).where(where)).scalar() == found


def test_a_moment_without_a_zone_is_refused(thing_database: Database) -> None:
    with (
        pytest.raises(StatementError, match="without a time zone"),
        thing_database.transaction() as transaction,
    ):
        transaction.execute(things.insert().values(id=1, at=NOW.replace(tzinfo=None)))


@pytest.mark.parametrize("pair", [Pair(1, NOW), None])
def test_documents_come_back_as_what_they_were(thing_database: Database, pair: Pair | None) -> None:
    with thing_database.transaction() as transaction:
        transaction.execute(things.insert().values(id=1, pair=pair))
        assert transaction.execute(select(things.c.pair)).scalar_one() == pair
        without = select(things.c.id).where(things.c.pair.is_(None))
        assert (transaction.execute(without).scalar() is not None) == (pair is None)


def test_a_document_of_another_form_is_not_believed(thing_database: Database) -> None:
    with thing_database.transaction() as transaction:
        transaction.exec_driver_sql('INSERT INTO things (id, pair) VALUES (1, \'{"left": "x"}\')')
        with pytest.raises(msgspec.ValidationError):
            transaction.execute(select(things.c.pair)).scalar_one()


def test_readers_do_not_wait_for_a_writer(thing_database: Database) -> None:
    with thing_database.transaction() as transaction:
        transaction.execute(things.insert().values(id=1))
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(count, thing_database).result(timeout=5) == 0
    assert count(thing_database) == 1


def test_a_sqlite_writer_takes_the_lock_at_once(sqlite: Database) -> None:
    with sqlite.transaction(), sqlite.transaction(write=False) as other:
        other.exec_driver_sql("PRAGMA busy_timeout=0")
        # Upgrading a read lock would fail here in the middle; beginning to write fails at once.
        with pytest.raises(OperationalError, match="locked"):
            other.exec_driver_sql("CREATE TABLE t (id INTEGER)")


def test_many_sqlite_writers_wait_for_each_other(sqlite: Database) -> None:
    with sqlite.transaction() as transaction:
        transaction.exec_driver_sql("CREATE TABLE counter (n INTEGER)")
        transaction.exec_driver_sql("INSERT INTO counter VALUES (0)")

    def count_up() -> None:
        for _ in range(25):
            with sqlite.transaction() as transaction:
                now = transaction.exec_driver_sql("SELECT n FROM counter").scalar_one()
                transaction.exec_driver_sql("UPDATE counter SET n = ?", (now + 1,))

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(count_up) for _ in range(8)]:
            done.result()
    with sqlite.transaction(write=False) as transaction:
        assert transaction.exec_driver_sql("SELECT n FROM counter").scalar_one() == 200


def test_only_notes_do_not_wait_for_the_disk(sqlite: Database) -> None:
    full, normal = 2, 1
    levels = []
    for is_note in (False, True, True, False, True):
        # All of them on one connection of the pool.
        with sqlite.transaction(note=is_note) as transaction:
            levels.append(transaction.exec_driver_sql("PRAGMA synchronous").scalar_one())
    assert levels == [full, normal, normal, full, normal]


def test_a_note_outlives_a_process_that_is_killed(sqlite: Database) -> None:
    program = (
        "import os, signal, sys\n"
        "from soundstage.kit.database import Database\n"
        "with Database(sys.argv[1]).transaction(note=True) as transaction:\n"
        "    transaction.exec_driver_sql('CREATE TABLE noted (id INTEGER)')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    url = sqlite.url.render_as_string(hide_password=False)
    killed = subprocess.run([sys.executable, "-c", program, url], check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    with sqlite.transaction(write=False) as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM noted").scalar_one() == 0


def test_a_note_is_seen_by_whoever_reads_next(thing_database: Database) -> None:
    with thing_database.transaction(note=True) as transaction:
        transaction.execute(things.insert().values(id=1))
    assert count(thing_database) == 1


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2)],
)
def test_sqlite_is_set_up(sqlite: Database, pragma: str, value: Any) -> None:
    with sqlite.transaction(write=False) as transaction:
        assert transaction.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_the_schema_steps_lead_to_the_tables_of_the_code(database: Database) -> None:
    assert not database.is_current()
    database.upgrade()
    database.upgrade()
    assert database.is_current()
    with database.transaction(write=False) as transaction:
        context = MigrationContext.configure(transaction, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_a_schema_that_is_current_costs_no_look_at_the_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.upgrade()
    # Whatever reads the steps needs to know where they are.
    monkeypatch.setattr("soundstage.kit.database.migration_config", None)
    database.upgrade()
    assert database.is_current()


def add(begin: Begin, number: int) -> None:
    with begin(write=True) as transaction:
        hints.hint(transaction, "things", str(number))
        transaction.execute(things.insert().values(id=number))


def test_what_is_done_together_is_told_when_it_is_stored(thing_database: Database) -> None:
    told: list[tuple[list[hints.Hint], int]] = []
    thing_database.listen(lambda hinted: told.append((hinted, count(thing_database))))
    with thing_database.together() as begin:
        for number in (1, 2):
            add(begin, number)
        with pytest.raises(IntegrityError):
            add(begin, 1)
        with begin(write=False) as transaction:
            assert transaction.execute(select(things.c.id).where(things.c.id == 3)).all() == []
    heard = [each for hinted, _ in told for each in hinted]
    assert heard == [("things", "1"), ("things", "2")]
    if thing_database.reads_at_once:
        assert told == [(heard, 2)]


def test_who_does_nothing_together_takes_no_turn(sqlite: Database) -> None:
    with sqlite.transaction(), sqlite.together() as begin, begin(write=False) as transaction:
        assert transaction.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_what_is_tied_together_is_kept_together(database: Database) -> None:
    database.upgrade()
    streams = metadata.tables["streams"]
    values = {column.name: "x" for column in streams.columns if not column.nullable}
    values |= {"created_at": NOW, "expires_at": NOW, "state_since": NOW, "revision": 0}  # type: ignore[dict-item] # a row has several types
    with pytest.raises(IntegrityError), database.transaction() as transaction:
        transaction.execute(streams.insert().values(values))


def test_two_services_may_upgrade_at_once(postgres: Postgres) -> None:
    program = (
        "import sys; from soundstage.kit.database import Database; Database(sys.argv[1]).upgrade()"
    )
    with postgres.database() as url:
        services = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(3)]
        try:
            assert [service.wait(60) for service in services] == [0, 0, 0]
        finally:
            for service in services:
                service.kill()
                service.wait()
        database = Database(url)
        assert database.is_current()
        database.dispose()


def test_a_file_s_address() -> None:
    assert sqlite_url(Path("/data/a.sqlite")) == "sqlite:////data/a.sqlite"


def test_a_copy_is_of_one_moment_and_whole(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "own.sqlite"))
    database.upgrade()
    assert database.can_be_copied
    with database.transaction() as transaction:
        transaction.exec_driver_sql("CREATE TABLE kept (number INTEGER)")
        transaction.exec_driver_sql("INSERT INTO kept VALUES (1)")
    with database.transaction() as transaction:
        # What is not committed is not in it, and nobody waits for whom.
        transaction.exec_driver_sql("INSERT INTO kept VALUES (2)")
        database.copy_to(tmp_path / "copy.sqlite")
    database.dispose()
    copy = Database(sqlite_url(tmp_path / "copy.sqlite"))
    assert copy.is_current()
    with copy.transaction() as transaction:
        rows = transaction.exec_driver_sql("SELECT number FROM kept").fetchall()
    assert rows == [(1,)]
    copy.dispose()
