"""Waiting for operations, with a stream that is told what to say."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from soundstage.engines.incus.events import Events, Lifecycle
from soundstage.engines.interface import RetryableError

RUNNING, DONE = {"status_code": 103}, {"status_code": 200}


class Told:
    """A stream that says what a test puts into it; None breaks it."""

    def __init__(self) -> None:
        self.said: queue.Queue[str | None] = queue.Queue()
        self.opened = threading.Semaphore(0)

    @contextmanager
    def open(self, path: str) -> Iterator["Told"]:
        assert "type=operation" in path
        self.opened.release()
        yield self

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> str:
        del timeout, decode
        text = self.said.get()
        if text is None:
            raise ConnectionResetError
        return text

    def close(self) -> None:
        self.said.put(None)

    def tell(self, kind: str, **metadata: Any) -> None:
        self.said.put(json.dumps({"type": kind, "metadata": metadata}))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def events(told: Told) -> Iterator[Events]:
    made = Events(told.open)
    yield made
    made.close()


def looks(told: Told, *states: dict[str, Any]) -> tuple[Callable[[], dict[str, Any]], list[int]]:
    """Give one state a look, and have a word said of the operation after each."""
    seen: list[int] = []

    def look() -> dict[str, Any]:
        seen.append(1)
        told.tell("operation", id="op", status_code=103)
        return states[min(len(seen), len(states)) - 1]

    return look, seen


def test_it_looks_again_only_when_told(events: Events, told: Told) -> None:
    look, seen = looks(told, RUNNING, RUNNING, DONE)
    assert events.wait("op", look, 20) == DONE
    assert len(seen) == 3


def test_a_word_that_is_lost_costs_a_moment_only(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundstage.engines.incus.events._LOST_AFTER", 0.01)
    states = iter([RUNNING, DONE])
    assert events.wait("op", lambda: next(states), 20) == DONE


def test_one_that_ended_before_is_not_waited_for(events: Events, told: Told) -> None:
    look, seen = looks(told, DONE)
    assert events.wait("op", look, 20) == DONE
    assert len(seen) == 1


def test_words_on_others_wake_nobody(events: Events, told: Told) -> None:
    def look() -> dict[str, Any]:
        told.tell("operation", id="another", status_code=200)
        return RUNNING

    with pytest.raises(RetryableError, match="longer than expected"):
        events.wait("op", look, 0.2)


def test_a_stream_that_broke_is_opened_again_and_looked_past(events: Events, told: Told) -> None:
    states = iter([RUNNING, DONE])

    def look() -> dict[str, Any]:
        told.said.put(None)
        return next(states)

    # What was said in between is lost, so the new stream is a reason to look.
    assert events.wait("op", look, 20) == DONE


def test_without_a_stream_it_is_not_waited_for_ever() -> None:
    def refuse(path: str) -> Any:
        raise RetryableError(path)

    events = Events(refuse)
    with pytest.raises(RetryableError):
        events.wait("op", lambda: RUNNING, 0.1)
    events.close()


def test_listeners_hear_what_happens_to_instances(events: Events, told: Told) -> None:
    heard: queue.Queue[Lifecycle] = queue.Queue()
    events.listen(heard.put)
    told.tell("lifecycle", action="instance-stopped", name="ws-a", project="soundstage")
    assert heard.get(timeout=20).action == "instance-stopped"
