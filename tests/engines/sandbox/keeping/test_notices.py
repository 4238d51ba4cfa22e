"""Notices of what workstations did by themselves."""

import threading

from soundstage.engines.sandbox.keeping.notices import Notices


class Listening:
    """A listener that a test can wait for."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._some = threading.Condition()

    def __call__(self, ref: str) -> None:
        with self._some:
            self.heard.append(ref)
            self._some.notify_all()

    def wait_for(self, count: int) -> bool:
        with self._some:
            return self._some.wait_for(lambda: len(self.heard) >= count, timeout=10)


def test_what_is_watched_is_told_when_it_comes() -> None:
    notices, listening, has_come = Notices(), Listening(), threading.Event()
    notices.listen(listening)
    notices.watch("one", has_come.is_set)
    assert listening.heard == []
    has_come.set()
    assert listening.wait_for(1)
    assert listening.heard == ["one"]


def test_a_workstation_is_watched_once_at_a_time() -> None:
    notices, listening, has_come = Notices(), Listening(), threading.Event()
    notices.listen(listening)
    for _ in range(3):
        notices.watch("one", has_come.is_set)
    notices.watch("other", has_come.is_set)
    has_come.set()
    assert listening.wait_for(2)
    assert sorted(listening.heard) == ["one", "other"]
    notices.watch("one", has_come.is_set)
    assert listening.wait_for(3)


def test_without_a_listener_nothing_is_watched() -> None:
    before = threading.active_count()
    Notices().watch("one", lambda: False)
    assert threading.active_count() == before
