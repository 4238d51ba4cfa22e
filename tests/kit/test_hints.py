"""Hints are heard once, after the commit, and only if there is one."""

import pytest

from soundstage.kit import hints
from soundstage.kit.database import Database


def test_hints_are_heard_after_the_commit_in_one_go(sqlite: Database) -> None:
    heard: list[list[hints.Hint]] = []
    sqlite.listen(heard.append)
    with sqlite.transaction() as transaction:
        hints.hint(transaction, "sessions", "a")
        hints.hint(transaction, "streams", "b")
        assert heard == []
    assert heard == [[("sessions", "a"), ("streams", "b")]]
    with sqlite.transaction():
        pass
    assert len(heard) == 1


def test_who_hears_can_see_the_change(sqlite: Database) -> None:
    seen: list[int] = []

    def look(hinted: list[hints.Hint]) -> None:
        del hinted
        with sqlite.transaction(write=False) as transaction:
            seen.append(transaction.exec_driver_sql("SELECT count(*) FROM things").scalar_one())

    sqlite.listen(look)
    with sqlite.transaction() as transaction:
        transaction.exec_driver_sql("CREATE TABLE things (id INTEGER)")
        transaction.exec_driver_sql("INSERT INTO things VALUES (1)")
        hints.hint(transaction, "things", "1")
    assert seen == [1]


def test_a_rolled_back_hint_is_never_heard(sqlite: Database) -> None:
    heard: list[list[hints.Hint]] = []
    sqlite.listen(heard.append)

    def fail_after_a_hint() -> None:
        with sqlite.transaction() as transaction:
            hints.hint(transaction, "sessions", "a")
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_a_hint()
    # The next transaction has the same connection of the pool.
    with sqlite.transaction() as transaction:
        hints.hint(transaction, "sessions", "b")
    assert heard == [[("sessions", "b")]]
