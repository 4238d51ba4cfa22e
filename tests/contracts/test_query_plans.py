"""Lists, and what is asked all the time, never read or sort a whole table, on both databases.

A database's plan says so without the 100,000 rows that would make it felt.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Connection, Table, event, select

from soundstage.kit import lease, prepared
from soundstage.kit.database import Database, metadata, sqlite_url
from soundstage.kit.records import Records
from soundstage.resources.backups import store as backups
from soundstage.resources.components import store as components
from soundstage.resources.events import store as event_store
from soundstage.resources.events.model import EventOrder, Wanted
from soundstage.resources.images import store as images
from soundstage.resources.launch_profiles import store as launch_profiles
from soundstage.resources.sessions import service as session_service
from soundstage.resources.sessions import store as sessions
from soundstage.resources.streams import service as stream_service
from soundstage.resources.studios import store as studios
from soundstage.testing.postgres import Postgres

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ID = "a" * 22
LEASED = [table for table in metadata.sorted_tables if "due_at" in table.c]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("plans")
        made = Database(sqlite_url(folder / "plans.sqlite"))
        made.upgrade()
        yield made
        made.dispose()
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        made = Database(url)
        made.upgrade()
        yield made
        made.dispose()


def plans(database: Database, act: Callable[[Connection], Any]) -> list[str]:
    """Run something, and then have the database explain every statement that it ran."""
    ran: list[tuple[str, Any]] = []
    here = threading.get_ident()

    def note(_connection: Any, _cursor: Any, text: str, given: Any, *_rest: Any) -> None:
        ran.append((text, given))

    def execute(cursor: Any, text: str, given: Any) -> None:
        # Whatever another test left running goes the same way.
        if threading.get_ident() == here:
            ran.append((text, given))
        cursor.execute(text, given)

    with database.transaction() as transaction, pytest.MonkeyPatch.context() as patch:
        # What is prepared passes SQLAlchemy by.
        patch.setattr(prepared, "_execute", execute)
        event.listen(transaction, "before_cursor_execute", note)
        act(transaction)
        event.remove(transaction, "before_cursor_execute", note)
        assert ran
        is_sqlite = database.url.get_backend_name() == "sqlite"
        if not is_sqlite:
            # Empty tables are always read whole, unless that is made dear.
            for way in ("seqscan", "sort"):
                transaction.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        return [
            "\n".join(
                str(row[-1]) for row in transaction.exec_driver_sql(f"{explain} {text}", given)
            )
            for text, given in ran
        ]


def reads_a_whole_table(plan: str) -> bool:
    """Reports whether a plan reads or sorts without end. SQLite's `SCAN` by an index that is in the
    order asked for ends with the page, as does PostgreSQL's `Index Scan`.
    """
    for line in plan.splitlines():
        is_bare_scan = line.startswith("SCAN ") and " USING " not in line
        is_scan_of_nothing = line.startswith(("SCAN CONSTANT", "SCAN (subquery"))
        if is_bare_scan and not is_scan_of_nothing:
            return True
        if "TEMP B-TREE" in line or "Seq Scan" in line or "Sort  (" in line:
            return True
    return False


def listed(records: Records[Any], *names: str) -> list[tuple[str, Callable[[Connection], Any]]]:
    """The first page and one far down of a list that is narrowed by these columns."""
    equal = dict.fromkeys(names, "x")

    def first(transaction: Connection) -> None:
        records.page(transaction, equal=equal, limit=101)

    def later(transaction: Connection) -> None:
        records.page(transaction, equal=equal, after=(NOW, ID), limit=101)

    words = f"{records.table} by {' and '.join(names) or 'nothing'}"
    return [(f"{words}, first", first), (f"{words}, later", later)]


def events_of(order: EventOrder, **wanted: Any) -> list[tuple[str, Callable[[Connection], Any]]]:
    """The first page of events and one far down; None where a caller may leave it open."""
    asked = Wanted(**{"studio_id": "s", **wanted})

    def first(transaction: Connection) -> None:
        event_store.page(transaction, asked, order, None, 101)

    def later(transaction: Connection) -> None:
        event_store.page(transaction, asked, order, [1_900_000_000_000_000, 5], 101)

    words = f"events by {', '.join(wanted) or 'studio'}, {order}"
    return [(f"{words}, first", first), (f"{words}, later", later)]


EVENT_PAGES = [
    *events_of(EventOrder.NEWEST_FIRST),
    *events_of(EventOrder.OLDEST_FIRST),
    *events_of(EventOrder.NEWEST_FIRST, studio_id=""),
    *events_of(EventOrder.NEWEST_FIRST, actor="a"),
    *events_of(EventOrder.NEWEST_FIRST, owned_by="a"),
    *events_of(EventOrder.NEWEST_FIRST, kind="k"),
    *events_of(EventOrder.NEWEST_FIRST, subject="s"),
    *events_of(EventOrder.OLDEST_FIRST, since=NOW, until=NOW),
]
PAGES = [
    *listed(studios.studios),
    *listed(components.components, "studio_id"),
    *listed(images.images, "studio_id"),
    *listed(launch_profiles.launch_profiles, "studio_id"),
    *listed(backups.backups, "studio_id"),
    *listed(backups.backups, "studio_id", "owned_by"),
    *listed(sessions.sessions, "studio_id"),
    *listed(sessions.sessions, "studio_id", "owned_by"),
    *listed(sessions.sessions, "studio_id", "created_by"),
]


@pytest.mark.parametrize("act", [act for _, act in PAGES], ids=[name for name, _ in PAGES])
def test_a_page_is_read_in_the_order_of_an_index(
    database: Database, act: Callable[[Connection], Any]
) -> None:
    (plan,) = plans(database, act)
    assert not reads_a_whole_table(plan), plan
    assert "created_at" in plan


ASKED: dict[str, Callable[[Connection], Any]] = {
    "one session": lambda transaction: sessions.sessions.get(transaction, ID),
    "sessions of a profile": lambda transaction: session_service.has_any_of_profile(
        transaction, ID
    ),
    "waking streams": lambda transaction: stream_service.wake(transaction, ID, NOW),
    "a studio's name": lambda transaction: studios.has_name(transaction, "name"),
}


@pytest.mark.parametrize("act", ASKED.values(), ids=ASKED.keys())
def test_what_is_asked_often_is_searched_by_an_index(
    database: Database, act: Callable[[Connection], Any]
) -> None:
    for plan in plans(database, act):
        assert not reads_a_whole_table(plan), plan


@pytest.mark.parametrize("table", LEASED, ids=str)
def test_resting_rows_cost_the_reconciler_nothing(database: Database, table: Table) -> None:
    def look(transaction: Connection) -> None:
        transaction.execute(lease.next_due(table))
        lease.claim(transaction, table, now=NOW, until=NOW, limit=8)
        lease.wake_row(transaction, table, ID, NOW)

    for plan in plans(database, look):
        assert not reads_a_whole_table(plan), plan


def _execute(statement: sqlalchemy.Select[Any], transaction: Connection) -> None:
    transaction.execute(statement)


def test_a_whole_table_would_be_noticed(database: Database) -> None:
    columns = sessions.table.c
    dear = [
        select(columns.id).where(columns.status_message == "x"),
        select(columns.id).where(columns.studio_id == "s").order_by(columns.status_message),
    ]
    for statement in dear:
        (plan,) = plans(database, partial(_execute, statement))
        assert reads_a_whole_table(plan), plan


def test_every_table_of_the_reconciler_is_here() -> None:
    assert {table.name for table in LEASED} >= {"sessions", "streams", "backups", "studios"}
    assert sqlalchemy.inspect(sessions.table).indexes


@pytest.mark.parametrize("act", [each[1] for each in EVENT_PAGES], ids=[e[0] for e in EVENT_PAGES])
def test_a_page_of_events_is_found_by_an_index_in_its_order(
    database: Database, act: Callable[[Connection], Any]
) -> None:
    (plan,) = plans(database, act)
    assert not reads_a_whole_table(plan), plan


def test_the_index_of_what_is_asked_for_is_taken(database: Database) -> None:
    for name in ("actor", "owned_by", "kind", "subject"):
        ((_, act), _) = events_of(EventOrder.NEWEST_FIRST, **{name: "x"})
        (plan,) = plans(database, act)
        assert f"{name}_at" in plan, plan
