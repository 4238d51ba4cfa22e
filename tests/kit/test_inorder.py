"""What is handed to one thread: done in its order, all that waits at once, whatever goes wrong."""

import threading
from collections.abc import Iterator

import pytest
import structlog.testing

from soundstage.kit.inorder import InOrder

SECONDS = 20


class Scene:
    """A thread whose first piece of work lasts until it is let go."""

    def __init__(self) -> None:
        self.done: list[list[int]] = []
        self.begun, self.free = threading.Event(), threading.Event()
        self.line: InOrder[int] = InOrder(self._work, "scene")

    def _work(self, items: Iterator[int]) -> None:
        done: list[int] = []
        self.done.append(done)
        for item in items:
            done.append(item)
            self.begun.set()
            assert self.free.wait(SECONDS)
            if item == -1:
                raise RuntimeError("no")

    def hold_up(self, first: int = 0) -> None:
        self.line.put(first)
        assert self.begun.wait(SECONDS)

    def end(self) -> list[list[int]]:
        self.free.set()
        self.line.close()
        return self.done


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.end()


def test_what_comes_meanwhile_is_done_at_once_in_its_order(scene: Scene) -> None:
    scene.hold_up()
    for number in (1, 2, 3):
        scene.line.put(number)
    assert scene.end() == [[0, 1, 2, 3]]


def test_never_more_than_the_first_can_wait_for(scene: Scene) -> None:
    scene.hold_up()
    for number in range(1, 19):
        scene.line.put(number)
    assert scene.end() == [list(range(16)), [16, 17, 18]]


def test_what_is_put_off_by_who_does_not_ask_for_it_comes_next() -> None:
    done: list[int] = []
    line: InOrder[int] = InOrder(lambda items: done.append(next(items)), "scene")
    for number in range(4):
        line.put(number)
    line.close()
    assert done == [0, 1, 2, 3]


def test_it_begins_again_after_it_had_nothing_to_do(scene: Scene) -> None:
    scene.free.set()
    for number in range(3):
        scene.begun.clear()
        scene.hold_up(number)
    assert [number for items in scene.end() for number in items] == [0, 1, 2]


def test_what_goes_wrong_is_logged_and_holds_nobody_up(scene: Scene) -> None:
    with structlog.testing.capture_logs() as logs:
        scene.hold_up(-1)
        scene.line.put(1)
        assert scene.end() == [[-1], [1]]
    assert [line["log_level"] for line in logs] == ["error"]
