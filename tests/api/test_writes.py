"""Requests that change something: answered in one thread, in order, those that wait together."""

import asyncio
import threading
from collections.abc import Iterable

from soundstage.api.exchange import Answer, Received
from soundstage.api.writes import Writes

SECONDS = 20


def received(number: int) -> Received:
    return Received(request_id=str(number), method="POST", raw_path="/")


class Inside:
    """Answers each request with its id, once it is let go."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.begun, self.free = threading.Event(), threading.Event()
        self.writes = Writes(self._answer)

    def _answer(self, several: Iterable[Received]) -> list[Answer]:
        seen: list[str] = []
        self.seen.append(seen)
        for each in several:
            seen.append(each.request_id)
            self.begun.set()
            assert self.free.wait(SECONDS)
        return [Answer(status=200, body=request_id.encode()) for request_id in seen]


def test_those_that_come_meanwhile_are_answered_together_and_each_gets_its_own() -> None:
    inside = Inside()

    async def go() -> list[Answer]:
        first = asyncio.create_task(inside.writes.answer(received(0)))
        await asyncio.to_thread(inside.begun.wait, SECONDS)
        others = [asyncio.create_task(inside.writes.answer(received(n))) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        inside.free.set()
        return list(await asyncio.gather(first, *others))

    answers = asyncio.run(go())
    assert inside.seen == [["0", "1", "2", "3"]]
    assert [answer.body for answer in answers] == [b"0", b"1", b"2", b"3"]


def test_who_went_away_is_not_missed() -> None:
    inside = Inside()

    async def go() -> Answer:
        gone = asyncio.create_task(inside.writes.answer(received(0)))
        await asyncio.to_thread(inside.begun.wait, SECONDS)
        gone.cancel()
        staying = asyncio.create_task(inside.writes.answer(received(1)))
        await asyncio.sleep(0)
        inside.free.set()
        return await staying

    assert asyncio.run(go()).body == b"1"


def test_a_loop_that_has_ended_holds_nobody_up() -> None:
    inside = Inside()

    async def leave() -> None:
        asyncio.create_task(inside.writes.answer(received(0))).add_done_callback(lambda _: None)
        await asyncio.to_thread(inside.begun.wait, SECONDS)

    asyncio.run(leave())
    inside.free.set()
    assert asyncio.run(inside.writes.answer(received(1))).body == b"1"
