"""A list costs the same among 1,000 rows and among 20,000, at its beginning and far down; so does
an order, from its request until its workstation runs.

The clock tells nothing on a busy machine, so what is counted are the steps of SQLite's own virtual
machine, of all statements of a whole request: permission, existence and the list itself. What the
reconciler asks until an order is READY is counted as well.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event

from soundstage.resources.sessions import store
from soundstage.testing.walks import Studio
from soundstage.testing.world import world

FEW, MANY = 1_000, 20_000
OWN = 20
DEEP = 5
"""How many pages down the list is asked once more."""
_SLACK = 1.05


class Crowd:
    """A studio with many sessions, of which some are one artist's."""

    def __init__(self, studio: Studio) -> None:
        self.world = studio.world
        self.studio_id = studio.id
        self.studio = studio
        self.pattern = studio.launch()["sessionId"]
        self.ann = self.world.client("ann")
        self.ann_id = self.world.principal_id("ann")
        self._rows = 1
        self._steps = 0
        event.listen(self.world.service.database.engine, "begin", self._count_steps_of)

    def fill(self, rows: int) -> None:
        """Have so many: copies of one, a second apart, from an artist's own now and then."""
        number = sqlalchemy.select(sqlalchemy.literal(self._rows).label("n")).cte(recursive=True)
        number = number.union_all(sqlalchemy.select(number.c.n + 1).where(number.c.n < rows - 1))
        later = sqlalchemy.func.datetime(store.table.c.created_at, number.c.n.op("||")(" seconds"))
        is_own = number.c.n % (rows // OWN) == 1
        copied: dict[str, Any] = {column.name: column for column in store.table.c}
        copied |= {
            "id": sqlalchemy.func.printf("copy%018d", number.c.n),
            "created_at": sqlalchemy.cast(later, sqlalchemy.Text).op("||")(".000000"),
            "state": "STOPPED",
            "due_at": None,
        }
        if self._rows == 1:
            copied["owned_by"] = sqlalchemy.case((is_own, self.ann_id), else_="somebody")
        columns = [
            sqlalchemy.type_coerce(each, sqlalchemy.Text).label(name)
            for name, each in copied.items()
        ]
        each_time = store.table.join(number, sqlalchemy.true())
        one = sqlalchemy.select(*columns).select_from(each_time)
        one = one.where(store.table.c.id == self.pattern)
        with self.world.service.database.transaction() as transaction:
            transaction.execute(store.table.insert().inline().from_select(list(copied), one))
        self._rows = rows

    def steps(self, act: Callable[[], Any]) -> int:
        """Count the database's steps while something is done."""
        act()  # What is remembered for a while is remembered now.
        before = self._steps
        act()
        return self._steps - before

    def _count_steps_of(self, connection: sqlalchemy.Connection) -> None:
        begun: Any = connection.connection.dbapi_connection
        begun.set_progress_handler(self._count, 1)

    def _count(self) -> int:
        self._steps += 1
        return 0


@contextmanager
def crowd(home: Path) -> Iterator[Crowd]:
    quotas: dict[str, Any] = dict.fromkeys(("quota_sessions", "quota_sessions_per_user"), 10**6)
    with world(home, **quotas) as made:
        yield Crowd(Studio(made))


def requests(made: Crowd) -> dict[str, Callable[[], Any]]:
    """What is asked, by its name."""
    call, studio = made.world.operator.call, {"studioId": made.studio_id}

    def page(number: int) -> Callable[[], Any]:
        token: str | None = None
        for _ in range(number - 1):
            token = call("ListStreamingSessions", **studio, nextToken=token)["nextToken"]
        return lambda: call("ListStreamingSessions", **studio, nextToken=token)

    own = {**studio, "ownedBy": made.ann_id}
    assert len(made.ann.call("ListStreamingSessions", **own)["sessions"]) == OWN
    one = {**studio, "sessionId": f"copy{7:018}"}
    by_operator = {"createdBy": call("GetStreamingSession", **one)["session"]["createdBy"]}
    some = {"sessionIds": [f"copy{number:018}" for number in (3, 700)]}

    def order() -> None:
        assert made.studio.launch()["state"] == "READY"

    return {
        "one": lambda: call("GetStreamingSession", **one),
        "the first page": page(1),
        "a page far down": page(DEEP),
        "one's own": lambda: made.ann.call("ListStreamingSessions", **own),
        "who made them": lambda: call("ListStreamingSessions", **studio, **by_operator),
        "an order": order,
        "by their ids": lambda: call("ListStreamingSessions", **studio, **some),
    }


@pytest.mark.timeout(120)
def test_a_list_costs_the_same_however_many_there_are(home: Path) -> None:
    with crowd(home) as made:
        made.fill(FEW)
        few = {name: made.steps(act) for name, act in requests(made).items()}
        made.fill(MANY)
        many = {name: made.steps(act) for name, act in requests(made).items()}
    assert all(few.values())
    dearer = {name: (few[name], many[name]) for name in few if many[name] > few[name] * _SLACK}
    assert not dearer
    assert many["a page far down"] <= many["the first page"] * _SLACK + 100
