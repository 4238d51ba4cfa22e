"""What is asked for is found, page by page in either order, and by its moment."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.resources.events import store
from soundstage.resources.events.model import EventOrder, Wanted

NOW = datetime(2031, 1, 1, tzinfo=UTC)
HERE = Wanted(studio_id="here")


@pytest.fixture(autouse=True)
def noted(transaction: Connection) -> None:
    """Note six events, two at each of three moments, and some that nobody asks for."""
    for number in range(6):
        journal.append(
            transaction,
            at=NOW + timedelta(seconds=number // 2),
            kind=f"sessions.{number % 2}",
            subject=f"streaming-session/{number % 3}",
            actor="ann" if number < 4 else "bob",
            studio_id="here",
            owned_by="ann" if number == 0 else None,
        )
    for studio_id in ("elsewhere", ""):
        journal.append(transaction, at=NOW, kind="k", subject="s", actor="ann", studio_id=studio_id)


def pages(transaction: Connection, wanted: Wanted, order: EventOrder) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = store.page(transaction, wanted, order, cursor, 2)
        found += [(entry.at.strftime("%S"), entry.subject[-1]) for entry in page]
        if len(page) < 2:
            return found
        cursor = store.cursor_of(page[-1])


def test_pages_go_on_where_the_last_ended(transaction: Connection) -> None:
    oldest = pages(transaction, HERE, EventOrder.OLDEST_FIRST)
    assert oldest == [("00", "0"), ("00", "1"), ("01", "2"), ("01", "0"), ("02", "1"), ("02", "2")]
    assert pages(transaction, HERE, EventOrder.NEWEST_FIRST) == oldest[::-1]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(studio_id="here", actor="bob"), 2),
        (Wanted(studio_id="here", owned_by="ann"), 1),
        (Wanted(studio_id="here", kind="sessions.1"), 3),
        (Wanted(studio_id="here", subject="streaming-session/2"), 2),
        (Wanted(studio_id="here", since=NOW + timedelta(seconds=1)), 4),
        (Wanted(studio_id="here", until=NOW + timedelta(seconds=1)), 2),
        (Wanted(studio_id="elsewhere"), 1),
        (Wanted(studio_id="", since=NOW), 1),
        (Wanted(studio_id="nowhere"), 0),
    ],
)
def test_what_is_asked_for_is_found(transaction: Connection, wanted: Wanted, count: int) -> None:
    assert len(store.page(transaction, wanted, EventOrder.NEWEST_FIRST, None, 10)) == count


def test_what_is_new_is_read_in_its_order(transaction: Connection) -> None:
    first = store.page(transaction, HERE, EventOrder.OLDEST_FIRST, None, 1)[0].sequence
    through = journal.last(transaction)
    found = store.after(transaction, HERE, first, through, 3)
    assert [entry.sequence for entry in found] == [first + 1, first + 2, first + 3]
    assert store.after(transaction, HERE, first, first + 1, 3) == found[:1]
