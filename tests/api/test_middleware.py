"""The edge: limits before anybody is identified, headers on every answer, a log without secrets."""

import asyncio
import threading
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import pytest
import structlog.testing

from soundstage.api.door import ApiSettings
from soundstage.api.exchange import Answer, Received
from soundstage.api.middleware import Edge
from soundstage.api.writes import Writes
from soundstage.testing.small_studio import document

SETTINGS = ApiSettings(body_bytes=1000, body_seconds=0.05, header_bytes=2000)
CHUNKED = (b"transfer-encoding", b"chunked")
Message = MutableMapping[str, Any]


class Inside:
    """What is behind the edge: keeps what it was given."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self.thread: threading.Thread | None = None

    def __call__(self, received: Received) -> Answer:
        self.received.append(received)
        self.thread = threading.current_thread()
        return self.answer


class Sent:
    """An answer as it leaves."""

    def __init__(self, messages: list[Message]) -> None:
        start, body = messages
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body: bytes = body["body"]
        assert all(name == name.lower() for name in self.headers)


def scope(
    path: bytes = b"/2020-08-01/studios",
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (CHUNKED,),
    method: str = "POST",
) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "raw_path": path,
        "query_string": query,
        "headers": list(headers),
    }


def run(
    inside: Inside,
    given: dict[str, Any],
    chunks: Iterable[bytes] = (b"",),
    *,
    ends: bool = True,
    at_once: Callable[[Received], bool] = lambda _: False,
    writes: Writes | None = None,
) -> list[Message]:
    """Send one request through the edge; a body that does not end waits for ever."""
    sent: list[Message] = []

    async def go() -> None:
        waiting = list(chunks)

        async def receive() -> Message:
            if not waiting:
                await asyncio.Event().wait()
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting) or not ends}

        async def send(message: Message) -> None:
            sent.append(message)

        edge = Edge(inside, SETTINGS, at_once=at_once, writes=writes)
        await edge(given, receive, send)

    asyncio.run(go())
    return sent


@pytest.fixture
def inside() -> Inside:
    return Inside(Answer(status=200, body=b'{"a":1}', notes={"operation": "GetStudio"}))


def test_a_request_is_put_together_from_its_pieces(inside: Inside) -> None:
    given = scope(b"/2020-08-01/a%3Ab", b"x=%20", [(b"a", "ä".encode()), (b"b", b"\xe4"), CHUNKED])
    run(inside, given, [b'{"a"', b":1}"])
    (received,) = inside.received
    assert (received.method, received.raw_path, received.query, received.body) == (
        "POST",
        "/2020-08-01/a%3Ab",
        "x=%20",
        b'{"a":1}',
    )
    assert received.headers == (("a", "ä"), ("b", "ä"), ("transfer-encoding", "chunked"))


def test_the_work_is_done_in_another_thread(inside: Inside) -> None:
    run(inside, scope())
    run(inside, scope(method="GET"))
    assert inside.thread is not threading.current_thread()


@pytest.mark.parametrize("is_here", [True, False])
def test_what_is_quick_is_answered_at_once(inside: Inside, *, is_here: bool) -> None:
    run(inside, scope(method="GET"), at_once=lambda _: is_here)
    assert (inside.thread is threading.current_thread()) is is_here


def test_where_there_is_one_writer_it_answers_what_changes_something(inside: Inside) -> None:
    writes = Writes(lambda several: [inside(received) for received in several])
    names = set()
    for _ in range(3):
        run(inside, scope(), writes=writes)
        assert inside.thread is not None
        names.add(inside.thread.name)
    assert len(names) == 1
    assert names != {threading.current_thread().name}
    # Reading that takes long is not its business.
    run(inside, scope(method="GET"), writes=writes)
    assert inside.thread is not None
    assert inside.thread.name not in names


def test_where_no_body_comes_none_is_waited_for(inside: Inside) -> None:
    run(inside, scope(headers=()), [])
    assert inside.received[0].body == b""


def test_every_answer_has_its_headers(inside: Inside) -> None:
    sent = Sent(run(inside, scope()))
    assert (sent.status, sent.body) == (200, b'{"a":1}')
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["content-length"] == "7"
    assert sent.headers["x-amzn-requestid"] == inside.received[0].request_id
    assert sent.headers["cache-control"] == "no-store"
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert sent.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in sent.headers["content-security-policy"]
    assert "connection" not in sent.headers


def test_no_content_has_neither_type_nor_length(inside: Inside) -> None:
    inside.answer = Answer(status=204)
    sent = Sent(run(inside, scope()))
    assert (sent.status, sent.body) == (204, b"")
    assert not {"content-type", "content-length"} & set(sent.headers)


def refused(inside: Inside, messages: list[Message], status: int, name: str) -> None:
    sent = Sent(messages)
    assert (sent.status, sent.headers["x-amzn-errortype"]) == (status, name)
    assert document(sent.body)["message"]
    assert sent.headers["x-amzn-requestid"]
    assert sent.headers["connection"] == "close"
    assert inside.received == []


def test_a_body_may_be_just_as_large_as_the_limit(inside: Inside) -> None:
    run(inside, scope(), [b"x" * 600, b"x" * 400])
    assert len(inside.received[0].body) == 1000


def test_a_body_that_says_it_is_too_large_is_not_read(inside: Inside) -> None:
    messages = run(inside, scope(headers=[(b"content-length", b"1001")]), [], ends=False)
    refused(inside, messages, 413, "RequestEntityTooLargeException")


def test_a_body_that_is_too_large_is_not_read_to_its_end(inside: Inside) -> None:
    messages = run(inside, scope(), [b"x" * 600, b"x" * 401], ends=False)
    refused(inside, messages, 413, "RequestEntityTooLargeException")


def test_a_body_that_does_not_come_is_not_waited_for(inside: Inside) -> None:
    refused(inside, run(inside, scope(), [b"x"], ends=False), 408, "RequestTimeoutException")


@pytest.mark.parametrize(
    ("given", "status", "name"),
    [
        (scope(path=b"/" + b"a" * 4096), 414, "RequestUriTooLongException"),
        (scope(query=b"a" * 16385), 414, "RequestUriTooLongException"),
        (scope(headers=[(b"a", b"b" * 2000)]), 431, "RequestHeadersTooLargeException"),
        (scope(headers=[(b"a", b"b")] * 101), 431, "RequestHeadersTooLargeException"),
    ],
)
def test_other_limits(inside: Inside, given: dict[str, Any], status: int, name: str) -> None:
    refused(inside, run(inside, given), status, name)


def test_a_client_that_left_is_not_answered(inside: Inside) -> None:
    sent: list[Message] = []

    async def go() -> None:
        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await Edge(inside, SETTINGS)(scope(), receive, send)

    asyncio.run(go())
    assert (sent, inside.received) == ([], [])


def test_a_websocket_is_refused(inside: Inside) -> None:
    sent = run(inside, {"type": "websocket", "raw_path": b"/", "headers": []})
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert inside.received == []


@pytest.mark.parametrize(
    ("told", "peer"),
    [({"client": ("192.0.2.1", 4711)}, "192.0.2.1"), ({"client": None}, ""), ({}, "")],
)
def test_the_peer_is_told_where_there_is_one(
    inside: Inside, told: dict[str, Any], peer: str
) -> None:
    run(inside, {**scope(), **told})
    assert inside.received[0].peer == peer


def test_the_log_line_has_neither_query_nor_headers_nor_body(inside: Inside) -> None:
    given = scope(query=b"nextToken=hunter2", headers=[(b"authorization", b"hunter3"), CHUNKED])
    with structlog.testing.capture_logs() as logs:
        run(inside, given, [b"hunter4"])
    (line,) = logs
    assert "hunter" not in str(line)
    assert line["request_id"] == inside.received[0].request_id
    assert (line["method"], line["path"], line["status"], line["operation"]) == (
        "POST",
        "/2020-08-01/studios",
        200,
        "GetStudio",
    )
    assert (line["bytes_in"], line["bytes_out"]) == (7, 7)
    assert line["milliseconds"] >= 0


def test_a_refusal_is_logged_too(inside: Inside) -> None:
    with structlog.testing.capture_logs() as logs:
        run(inside, scope(path=b"/" + b"a" * 5000))
    (line,) = logs
    assert (line["status"], line["error"]) == (414, "RequestUriTooLongException")
    assert len(line["path"]) == 256
