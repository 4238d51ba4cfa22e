"""A loop that has not looked for a while is late, and says how it fares."""

from datetime import UTC, datetime, timedelta

from soundstage.reconciler.health import LATE_AFTER, HealthBoard

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_loop_is_late_until_it_looks_and_when_it_stops_looking() -> None:
    board = HealthBoard()
    assert board.read().is_late(NOW)
    board.looked(NOW, 3)
    assert board.read().in_hand == 3
    assert not board.read().is_late(NOW + LATE_AFTER)
    assert board.read().is_late(NOW + LATE_AFTER + timedelta(microseconds=1))


def test_failures_are_counted_beside() -> None:
    board = HealthBoard()
    board.failed()
    board.looked(NOW, 0)
    board.failed()
    assert (board.read().failures, board.read().looked_at) == (2, NOW)
