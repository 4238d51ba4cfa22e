"""One request from its signature to its answer, in the order that was promised."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import pytest
import structlog.testing
from msgspec.structs import replace
from sqlalchemy import Connection, event

from soundstage.api.app import Api, build
from soundstage.api.door import ApiSettings
from soundstage.api.exchange import Answer
from soundstage.resources.request import Request
from soundstage.testing.small_studio import (
    FAULTS,
    NOW,
    STUDIO,
    BackupIn,
    SmallStudio,
    document,
    segment,
    signed,
)
from soundstage.wire.operation import News, Operation
from soundstage.wire.shapes import Shape

HERE = f"/studios/{segment(STUDIO)}"
ELSEWHERE = "/studios/us-west-2%3Astid-other00000000000"
SESSION = f"{HERE}/streaming-sessions/ann-session"


@pytest.fixture
def api(studio: SmallStudio) -> Api:
    return Api(studio.operations(), studio, ApiSettings())


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.headers["x-amzn-ErrorType"]


def test_an_operation_is_run_and_answered(api: Api, studio: SmallStudio) -> None:
    answer = api.answer(signed("GET", HERE))
    assert answer.status == 200
    assert document(answer.body) == {
        "studio": {"studioId": STUDIO, "createdAt": "2026-11-21T12:00:00Z"}
    }
    assert answer.notes == {"principal": "AROAEXAMPLE:operator", "operation": "GetStudio"}
    assert studio.calls == {"GetStudio": 1}


def test_the_order_of_checks(api: Api, studio: SmallStudio) -> None:
    """Signature, address, permission, existence, input, operation: the first that fails is told."""
    studio.fault = FAULTS["ConflictException"]
    bad = b'{"volumeRetentionMode": "SHRED"}'

    def ask(
        path: str, body: bytes = bad, key: str = "AKIAANN", secret: str | None = None
    ) -> tuple[int, str]:
        received = signed("POST", f"{path}/stop", body=body, key=key, secret=secret)
        return error(api.answer(received))

    bob = f"{HERE}/streaming-sessions/bob-session"
    elsewhere = f"{ELSEWHERE}/streaming-sessions/ann-session"
    assert ask("/nowhere", secret="wrong") == (403, "InvalidSignatureException")
    assert ask("/nowhere") == (404, "UnknownOperationException")
    assert ask(bob) == (403, "AccessDeniedException")
    assert ask(elsewhere) == (403, "AccessDeniedException")
    assert ask(elsewhere, key="AKIAOPERATOR") == (404, "ResourceNotFoundException")
    assert ask(SESSION) == (400, "ValidationException")
    assert ask(SESSION, b"not json") == (400, "ValidationException")
    assert ask(SESSION, b"{}") == (409, "ConflictException")


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_what_a_service_raises_is_rendered(api: Api, studio: SmallStudio, name: str) -> None:
    studio.fault = FAULTS[name]
    assert error(api.answer(signed("GET", HERE))) == (FAULTS[name].status, name)


def test_an_internal_error_is_logged_with_its_request(api: Api, studio: SmallStudio) -> None:
    studio.fault = FAULTS["InternalServerErrorException"]
    with structlog.testing.capture_logs() as logs:
        api.answer(signed("GET", HERE))
    assert [(line["log_level"], line["request_id"]) for line in logs] == [("error", "the-request")]


def test_a_broken_service_is_an_internal_error(api: Api, studio: SmallStudio) -> None:
    studio.fault = RuntimeError("hunter2")
    with structlog.testing.capture_logs() as logs:
        answer = api.answer(signed("GET", HERE))
    assert error(answer) == (500, "InternalServerErrorException")
    assert b"hunter2" not in answer.body
    assert b"the-request" in answer.body
    assert logs[0]["operation"] == "GetStudio"


def test_a_body_without_anything_is_an_empty_object(api: Api, studio: SmallStudio) -> None:
    for body in (b"", b"{}", b"null"):
        assert api.answer(signed("POST", f"{SESSION}/stop", body=body)).status == 200
    assert studio.calls["StopStreamingSession"] == 3


def test_no_content(api: Api) -> None:
    answer = api.answer(signed("POST", "/tags/arn%3Aaws", body=b'{"tags": {"a": "b"}}'))
    assert (answer.status, answer.body) == (204, b"")


def test_two_tokens_are_refused(api: Api) -> None:
    once = signed("POST", f"{SESSION}/stop", headers={"X-Amz-Client-Token": "a,b"})
    # In the canonical form a repeated header is its values with a comma between.
    kept = tuple(pair for pair in once.headers if pair[0] != "x-amz-client-token")
    twice = msgspec.structs.replace(
        once, headers=(*kept, ("x-amz-client-token", "a"), ("x-amz-client-token", "b"))
    )
    answer = api.answer(twice)
    assert error(answer) == (400, "ValidationException")
    assert "more than once" in document(answer.body)["message"]


@pytest.mark.parametrize("token", ["", "x" * 65])
def test_a_token_has_its_limits(api: Api, token: str) -> None:
    received = signed("POST", f"{SESSION}/stop", headers={"X-Amz-Client-Token": token})
    answer = api.answer(received)
    assert error(answer) == (400, "ValidationException")
    assert "clientToken" in document(answer.body)["message"]


class Recording(SmallStudio):
    """Notes how each transaction was opened and how it ended."""

    def note(self) -> list[str]:
        self.notes: list[str] = []
        return self.notes

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        self.notes.append("write" if write else "read")
        with super().transaction(write=write) as connection:
            try:
                yield connection
            except Exception:
                self.notes.append("rolled back")
                raise
        self.notes.append("committed")


def test_one_transaction_a_request(studio: SmallStudio) -> None:
    recording = Recording(studio.database)
    notes = recording.note()
    api = Api(recording.operations(), recording, ApiSettings())
    api.answer(signed("GET", HERE))
    api.answer(signed("POST", f"{SESSION}/stop"))
    recording.fault = FAULTS["ConflictException"]
    api.answer(signed("POST", f"{SESSION}/stop"))
    api.answer(signed("POST", f"{SESSION}/stop", secret="wrong"))
    assert notes == ["read", "committed", "write", "committed", "write", "rolled back"]


def test_several_requests_are_answered_in_one_commit(studio: SmallStudio) -> None:
    api = Api(studio.operations(), studio, ApiSettings())
    commits: list[Connection] = []
    event.listen(studio.database.engine, "commit", commits.append)
    token = {"X-Amz-Client-Token": "once"}
    answers = api.answer_together(
        [
            signed("POST", f"{SESSION}/stop", headers=token),
            signed("POST", f"{SESSION}/stop", headers=token),
            signed("POST", f"{SESSION}/stop", secret="wrong"),
            signed("POST", f"{SESSION}/stop", body=b"not json"),
        ]
    )
    assert [answer.status for answer in answers] == [200, 200, 403, 400]
    assert studio.calls["StopStreamingSession"] == 1
    assert len(commits) == 1


def test_what_could_not_be_committed_together_is_told_to_none(studio: SmallStudio) -> None:
    api = Api(studio.operations(), studio, ApiSettings())

    def refuse(connection: Connection) -> None:
        del connection
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(studio.database.engine, "commit", refuse)
    asked = [signed("POST", f"{SESSION}/stop"), signed("POST", f"{SESSION}/stop", secret="wrong")]
    with structlog.testing.capture_logs() as logs:
        answers = api.answer_together(asked)
    event.remove(studio.database.engine, "commit", refuse)
    assert [answer.status for answer in answers] == [500, 403]
    assert [line["request_id"] for line in logs] == ["the-request"]


@pytest.mark.parametrize(
    ("method", "path", "is_quick"),
    [
        ("GET", HERE, True),
        ("GET", f"{HERE}/streaming-session-backups/slow/files", False),
        ("GET", "/nowhere", True),
        ("POST", f"{SESSION}/stop", False),
        ("DELETE", SESSION, False),
    ],
)
def test_only_what_asks_nobody_but_the_database_is_quick(
    studio: SmallStudio, method: str, path: str, *, is_quick: bool
) -> None:
    asking = msgspec.structs.replace(
        studio.operations()[0],
        name="ListFiles",
        method="GET",
        path="/studios/{studioId}/streaming-session-backups/{backupId}/files",
        input=BackupIn,
        asks_engine=True,
    )
    api = Api([*studio.operations(), asking], studio, ApiSettings())
    assert api.is_quick(signed(method, path)) is is_quick


def test_it_is_an_application(studio: SmallStudio) -> None:
    app = build(studio.operations(), studio, ApiSettings())

    async def get(path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    received = signed("GET", HERE)
    answer = asyncio.run(get(received.raw_path, dict(received.headers)))
    assert answer.status_code == 200
    assert answer.json()["studio"]["studioId"] == STUDIO
    assert answer.headers["x-amzn-requestid"]
    assert asyncio.run(get("/2020-08-01/studios", {})).status_code == 403


def test_time_comes_from_the_door(api: Api, studio: SmallStudio) -> None:
    studio.at = NOW.replace(year=2027)
    assert error(api.answer(signed("GET", HERE))) == (403, "InvalidSignatureException")
    assert api.answer(signed("GET", HERE, at=studio.at)).status == 200


def followed(studio: SmallStudio) -> list[Operation]:
    """The small studio's rows, of which GetStreamingSession can be followed."""

    def follow(request: Request, given: Shape, last_id: str | None) -> News:
        assert given
        return News(last_id=f"after {last_id}", items=[("1", request.caller.principal_id.encode())])

    rows = studio.operations()
    return [
        replace(row, follow=follow) if row.name == "GetStreamingSession" else row for row in rows
    ]


FOLLOWING = {"accept": "text/event-stream"}


def test_what_can_be_followed_is_followed_if_that_is_asked_for(studio: SmallStudio) -> None:
    api = Api(followed(studio), studio, ApiSettings())
    assert api.answer(signed("GET", SESSION)).feed is None
    answer = api.answer(signed("GET", SESSION, headers=FOLLOWING))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.feed is not None
    assert answer.feed.first.last_id == "after None"
    assert answer.feed.more("7") == News(last_id="after 7", items=[("1", b"AROAEXAMPLE:operator")])
    again = api.answer(signed("GET", SESSION, headers={**FOLLOWING, "last-event-id": "9"}))
    assert again.feed is not None
    assert again.feed.first.last_id == "after 9"
    long = api.answer(signed("GET", SESSION, headers={**FOLLOWING, "last-event-id": "9" * 65}))
    assert error(long) == (400, "ValidationException")
    assert error(api.answer(signed("GET", SESSION, headers=FOLLOWING, key="AKIABOB")))[0] == 403


def test_a_feed_ends_when_its_key_or_its_caller_s_right_is_taken_away(
    studio: SmallStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(followed(studio), studio, ApiSettings())
    received = signed("GET", SESSION, headers=FOLLOWING, key="AKIAADMINISTRATOR")
    feed = api.answer(received).feed
    assert feed is not None
    assert feed.more("1") is not None
    with monkeypatch.context() as patch:
        patch.setattr(studio, "is_administrator", lambda *_: False)
        assert feed.more("1") is None
    with monkeypatch.context() as patch:
        patch.setattr(studio, "secret_of", lambda _: None)
        assert feed.more("1") is None
    assert feed.more("1") is not None
