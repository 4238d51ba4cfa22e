"""The clock moves only when it is told to."""

from datetime import UTC, datetime, timedelta

from soundstage.testing.clock import SettableClock


def test_it_stands_until_it_is_moved() -> None:
    clock = SettableClock()
    began = clock()
    assert began.tzinfo is UTC
    assert clock() == began
    clock.advance(timedelta(minutes=1))
    assert clock() == began + timedelta(minutes=1)
    clock.set(datetime(2029, 1, 1, tzinfo=UTC))
    assert clock() == datetime(2029, 1, 1, tzinfo=UTC)


def test_it_runs_when_it_is_told_to_and_can_be_moved_then() -> None:
    clock = SettableClock()
    began = clock()
    clock.run()
    first = clock()
    assert began <= first <= clock()
    clock.advance(timedelta(hours=1))
    assert clock() >= first + timedelta(hours=1)
    clock.set(began)
    assert began <= clock() < first + timedelta(hours=1)
