"""Answers requests that change something where the database has one writer: in one thread, in their
order, and those that wait together, or come meanwhile, in one commit.

`middleware` sends them here, from whatever event loop it runs in.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from soundstage.api.exchange import Answer, Received
from soundstage.kit.inorder import InOrder

Answered = tuple[asyncio.Future[Answer], Answer]


class _Waiting(msgspec.Struct, frozen=True):
    """A request, and who waits for its answer where."""

    received: Received
    answer: asyncio.Future[Answer]
    loop: asyncio.AbstractEventLoop


class Writes:
    """The one thread that writes for requests."""

    def __init__(self, answer_together: Callable[[Iterable[Received]], Sequence[Answer]]) -> None:
        self._answer_together = answer_together
        self._line: InOrder[_Waiting] = InOrder(self._work, "writes")

    async def answer(self, received: Received) -> Answer:
        """Answer one request."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._line.put(_Waiting(received, answer, loop))
        return await answer

    def _work(self, waiting: Iterator[_Waiting]) -> None:
        taken: list[_Waiting] = []

        def received() -> Iterator[Received]:
            for each in waiting:
                taken.append(each)
                yield each.received

        answers = self._answer_together(received())
        by_loop: dict[asyncio.AbstractEventLoop, list[Answered]] = {}
        for each, answer in zip(taken, answers, strict=True):
            by_loop.setdefault(each.loop, []).append((each.answer, answer))
        for loop, answered in by_loop.items():
            # Who waited in a loop that has ended waits no more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_hand_out, answered)


def _hand_out(answered: Sequence[Answered]) -> None:
    for future, answer in answered:
        if not future.done():
            future.set_result(answer)
