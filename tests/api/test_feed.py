"""A list that is followed: what is new comes as it happens, within bounds, until one may not."""

import asyncio
from collections.abc import Callable

import pytest

from soundstage.api.feed import Feed, Feeds
from soundstage.wire.faults import ThrottledError
from soundstage.wire.operation import News

More = Callable[[str], News | None]


def feed(more: More, *items: tuple[str, bytes], who: str = "ann") -> Feed:
    return Feed(principal_id=who, first=News(last_id="0", items=list(items)), more=more)


def sent(followed: Feed, feeds: Feeds | None = None) -> bytes:
    """Send a feed to its end, to somebody who stays."""

    async def run() -> bytes:
        chunks: list[bytes] = []

        async def receive() -> dict[str, object]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            chunks.append(message["body"])

        await (feeds or Feeds(look_seconds=0)).send(followed, receive, send)
        return b"".join(chunks)

    return asyncio.run(run())


def test_what_is_new_is_sent_with_ids_until_it_is_over() -> None:
    asked: list[str] = []
    answers = [News(last_id="2"), News(last_id="3", items=[("3", b"{c}")]), None]

    def more(last_id: str) -> News | None:
        asked.append(last_id)
        return answers.pop(0)

    text = sent(feed(more, ("1", b"{a}")))
    assert text == b"retry: 3000\n\nid: 1\ndata: {a}\n\nid: 3\ndata: {c}\n\n"
    assert asked == ["0", "2", "3"]


def test_a_look_that_fails_ends_the_feed() -> None:
    def more(last_id: str) -> News | None:
        raise OSError(last_id)

    assert sent(feed(more)) == b"retry: 3000\n\n"


def test_the_end_of_the_service_ends_all() -> None:
    feeds = Feeds(look_seconds=0)

    def more(last_id: str) -> News | None:
        feeds.let_go()
        return News(last_id=last_id, items=[("9", b"late")])

    assert b"late" not in sent(feed(more), feeds)


def test_who_goes_away_is_not_looked_for_any_more() -> None:
    async def run() -> int:
        looks = 0

        def more(last_id: str) -> News | None:
            nonlocal looks
            looks += 1
            return News(last_id=last_id)

        async def receive() -> dict[str, object]:
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            del message

        await asyncio.wait_for(Feeds().send(feed(more), receive, send), 10)
        return looks

    assert asyncio.run(run()) <= 1


def test_nobody_follows_too_much() -> None:
    feeds = Feeds()
    one = feed(lambda _: None)
    blocks = [feeds.admitted(one) for _ in range(9)]
    for block in blocks[:8]:
        block.__enter__()
    assert feeds.count == 8
    with pytest.raises(ThrottledError), blocks[8]:
        pass
    with feeds.admitted(feed(lambda _: None, who="bob")):
        assert feeds.count == 9
    for block in blocks[:8]:
        block.__exit__(None, None, None)
    assert feeds.count == 0
