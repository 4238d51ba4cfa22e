"""Pages of a list: what they hold, and whose a token is."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import Connection

from soundstage.kit.pages import Pages
from soundstage.resources import listing
from soundstage.resources.backups import service, store
from soundstage.resources.request import Caller, CallerKind, Request
from soundstage.testing.world import World
from soundstage.wire.faults import ValidationError

MICROSECOND = timedelta(microseconds=1)


class Rows:
    """Backups, as an example of what is listed, and the pages they come in."""

    def __init__(self, world: World, transaction: Connection, studio_id: str) -> None:
        self._studio_id, self._made = studio_id, 0
        self.start = world.clock()
        self.request = Request(
            transaction=transaction,
            caller=Caller(principal_id="ann", kind=CallerKind.USER),
            now=world.clock(),
            installation=world.service.installation,
            pages=world.service.pages,
            tickets=world.service.tickets,
        )

    def add(self, at: datetime, *, owned_by: str = "ann") -> str:
        self._made += 1
        return service.begin(
            self.request.transaction,
            studio_id=self._studio_id,
            session_id="s" * 22,
            stop_number=self._made,
            launch_profile_id="p" * 22,
            owned_by=owned_by,
            tags={},
            now=at,
        ).id

    def remove(self, row_id: str) -> None:
        store.backups.delete(self.request.transaction, row_id)

    def page(
        self,
        token: str | None = None,
        *,
        request: Request | None = None,
        owned_by: str = "ann",
        operation: str = "ListThings",
        size: int = 2,
    ) -> tuple[list[str], str | None]:
        found, next_token = listing.page(
            request or self.request,
            store.backups,
            equal={"owned_by": owned_by},
            operation=operation,
            filters={"ownedBy": owned_by, "createdBy": None},
            next_token=token,
            size=size,
        )
        return [row.id for row in found], next_token


@pytest.fixture
def rows(world: World, transaction: Connection, studio_id: str) -> Rows:
    return Rows(world, transaction, studio_id)


def test_the_last_page_has_no_token_even_when_it_is_full(rows: Rows) -> None:
    assert rows.page() == ([], None)
    oldest, newest = (rows.add(rows.start + number * MICROSECOND) for number in range(2))
    assert rows.page() == ([oldest, newest], None)
    middle = rows.add(rows.start + MICROSECOND)
    first, token = rows.page()
    assert len(first) == 2
    last, end = rows.page(token)
    assert {*first, *last} == {oldest, middle, newest}
    assert end is None
    assert rows.page("")[0] == first


def test_what_was_found_already_is_given_in_the_same_pages(rows: Rows) -> None:
    made = [rows.add(rows.start + number * MICROSECOND) for number in range(listing.PAGE_SIZE + 5)]

    def page(token: str | None) -> tuple[list[str], str | None]:
        found, next_token = listing.page_among(
            rows.request,
            store.backups.find(rows.request.transaction),
            operation="ListThings",
            filters={"ids": "all"},
            next_token=token,
        )
        return [row.id for row in found], next_token

    first, token = page(None)
    assert first == made[: listing.PAGE_SIZE]
    # The one that the token stands on goes, and one that was not shown yet.
    for row_id in (first[-1], made[-2]):
        rows.remove(row_id)
    assert page(token) == ([*made[listing.PAGE_SIZE : -2], made[-1]], None)
    with pytest.raises(ValidationError, match="nextToken"):
        rows.page(token)


def test_rows_of_one_moment_are_each_shown_once(rows: Rows) -> None:
    # A microsecond is the least that a moment is stored with.
    moments = [rows.start - MICROSECOND, *[rows.start] * 4, rows.start + MICROSECOND]
    made = [rows.add(moment) for moment in moments]
    shown: list[str] = []
    token: str | None = None
    for _ in range(6):
        found, token = rows.page(token, size=1)
        shown += found
    assert token is None
    assert shown == [made[0], *sorted(made[1:5]), made[5]]


def test_rows_that_come_and_go_between_pages_are_neither_repeated_nor_missed(rows: Rows) -> None:
    made = [rows.add(rows.start + number * MICROSECOND) for number in range(5)]
    first, token = rows.page()
    assert first == made[:2]
    # One that was shown goes, the one the token stands on as well, and one comes in before it.
    rows.remove(made[0])
    rows.remove(made[1])
    rows.add(rows.start - MICROSECOND)
    # Of what is still to come one goes and one is added.
    rows.remove(made[3])
    newest = rows.add(rows.start + 9 * MICROSECOND)
    second, token = rows.page(token)
    assert second == [made[2], made[4]]
    assert rows.page(token) == ([newest], None)


@given(
    before=strategies.integers(0, 7),
    size=strategies.integers(1, 3),
    between=strategies.lists(
        strategies.lists(
            strategies.tuples(
                strategies.sampled_from(["add", "remove"]), strategies.integers(0, 9)
            ),
            max_size=4,
        ),
        max_size=6,
    ),
)
@settings(
    max_examples=60,
    # The rows are as they were before each example: what it did is undone.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_comes_and_goes_nothing_is_repeated_and_what_stays_is_not_missed(
    rows: Rows, before: int, size: int, between: list[list[tuple[str, int]]]
) -> None:
    """Between two pages rows are added and removed, at ten moments of which many fall together."""
    savepoint = rows.request.transaction.begin_nested()
    alive = {rows.add(rows.start + number * MICROSECOND) for number in range(before)}
    staying, changes, shown = set(alive), iter(between), list[str]()
    found, token = rows.page(size=size)
    shown += found
    while token is not None:
        for what, number in next(changes, []):
            if what == "add":
                alive.add(rows.add(rows.start + number * MICROSECOND))
            elif alive:
                gone = sorted(alive)[number % len(alive)]
                rows.remove(gone)
                alive.discard(gone)
                staying.discard(gone)
        found, token = rows.page(token, size=size)
        assert set(found) <= alive
        shown += found
    assert len(shown) == len(set(shown))
    assert staying <= set(shown)
    savepoint.rollback()


def test_only_what_fits_is_counted_for_a_page(rows: Rows) -> None:
    mine = []
    for number in range(3):
        rows.add(rows.start + 2 * number * MICROSECOND, owned_by="ben")
        mine.append(rows.add(rows.start + (2 * number + 1) * MICROSECOND))
    first, token = rows.page()
    assert first == mine[:2]
    assert rows.page(token) == (mine[2:], None)


@pytest.mark.parametrize("change", ["caller", "filter", "operation", "end", "middle", "key"])
def test_a_token_that_was_changed_or_is_of_another_list_is_refused(rows: Rows, change: str) -> None:
    for number in range(3):
        rows.add(rows.start + number * MICROSECOND)
    _, token = rows.page()
    assert token is not None
    assert len(rows.page(token)[0]) == 1
    replace = msgspec.structs.replace
    ben = Caller(principal_id="ben", kind=CallerKind.OPERATOR)
    other = "A" if token[9] != "A" else "B"
    asked: dict[str, Any] = {
        "caller": {"token": token, "request": replace(rows.request, caller=ben)},
        "filter": {"token": token, "owned_by": "ben"},
        "operation": {"token": token, "operation": "ListOtherThings"},
        "end": {"token": token[:-1]},
        "middle": {"token": token[:9] + other + token[10:]},
        "key": {"token": token, "request": replace(rows.request, pages=Pages(b"another"))},
    }
    with pytest.raises(ValidationError, match=r"^nextToken: this token is not of this list"):
        rows.page(**asked[change])
