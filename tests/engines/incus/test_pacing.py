"""Few start together, in the order in which they came."""

import threading
from collections.abc import Callable

import pytest

from soundstage.engines.incus.pacing import Pace
from soundstage.kit.jobs import Cancellation, CancelledError

Eventually = Callable[..., None]
HOLDS = 30.0


class Starts:
    """Some that each start in a thread of their own, and take as long as they are told to."""

    def __init__(self, most: int | None) -> None:
        self.now = 0.0
        self.pace = Pace(clock=lambda: self.now)
        self.begun: list[str] = []
        self.may_end: dict[str, threading.Event] = {}
        self._most = most
        self._threads: list[threading.Thread] = []

    def begin(self, ref: str, host: str = "n1") -> None:
        self.may_end[ref] = threading.Event()
        thread = threading.Thread(target=self._start, args=(ref, host))
        self._threads.append(thread)
        thread.start()

    def _start(self, ref: str, host: str) -> None:
        with self.pace.turn(Cancellation(), ref, host, self._most, HOLDS):
            self.begun.append(ref)
            self.may_end[ref].wait(10)

    def end(self) -> None:
        for event in self.may_end.values():
            event.set()
        for thread in self._threads:
            thread.join()


def test_who_comes_when_all_turns_are_taken_waits_for_the_end_of_one(
    eventually: Eventually,
) -> None:
    starts = Starts(most=2)
    try:
        for ref in ("a", "b"):
            starts.begin(ref)
            eventually(lambda ref=ref: ref in starts.begun)
        for ref in ("c", "d"):
            starts.begin(ref)
            eventually(lambda ref=ref: starts.pace.is_waiting(ref))
        assert starts.begun == ["a", "b"]
        starts.may_end["b"].set()
        eventually(lambda: starts.begun == ["a", "b", "c"])
        assert starts.pace.is_waiting("d")
    finally:
        starts.end()
    assert starts.begun == ["a", "b", "c", "d"]
    assert not starts.pace.is_waiting("d")


def test_where_none_is_to_wait_none_does(eventually: Eventually) -> None:
    starts = Starts(most=None)
    try:
        for ref in ("a", "b", "c"):
            starts.begin(ref)
        eventually(lambda: sorted(starts.begun) == ["a", "b", "c"])
        assert not any(starts.pace.is_waiting(ref) for ref in ("a", "b", "c"))
    finally:
        starts.end()


def test_hosts_have_lines_of_their_own(eventually: Eventually) -> None:
    starts = Starts(most=1)
    try:
        starts.begin("a")
        eventually(lambda: starts.begun == ["a"])
        starts.begin("b", "n2")
        eventually(lambda: starts.begun == ["a", "b"])
    finally:
        starts.end()


def test_one_that_takes_long_keeps_nobody_waiting(eventually: Eventually) -> None:
    starts = Starts(most=1)
    try:
        starts.begin("slow")
        eventually(lambda: starts.begun == ["slow"])
        starts.begin("next")
        eventually(lambda: starts.pace.is_waiting("next"))
        starts.now = HOLDS
        eventually(lambda: starts.begun == ["slow", "next"])
    finally:
        starts.end()


def test_one_that_is_not_wanted_any_more_leaves_the_line(eventually: Eventually) -> None:
    starts = Starts(most=1)
    cancellation = Cancellation()
    try:
        starts.begin("a")
        eventually(lambda: starts.begun == ["a"])
        cancellation.cancel()
        with (
            pytest.raises(CancelledError),
            starts.pace.turn(cancellation, "b", "n1", 1, HOLDS),
        ):
            raise AssertionError
        assert not starts.pace.is_waiting("b")
    finally:
        starts.end()
