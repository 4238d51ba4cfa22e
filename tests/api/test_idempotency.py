"""Client tokens: one request happens once, however often and at whatever moment it is repeated."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest
from sqlalchemy import text

from soundstage.api import idempotency
from soundstage.api.app import Api
from soundstage.api.door import ApiSettings
from soundstage.api.exchange import Answer
from soundstage.api.idempotency import Attempt, client_tokens
from soundstage.kit.database import Database
from soundstage.testing.postgres import Postgres
from soundstage.testing.small_studio import (
    NOW,
    SEAL,
    STUDIO,
    CreateStudioIn,
    SmallStudio,
    document,
    segment,
    signed,
)
from soundstage.wire.faults import ConflictError, ValidationError

ATTEMPT = Attempt(principal_id="p", operation="O", studio_id="s", token="t", digest="d")
ANSWER = Answer(status=200, body=b'{"a":1}')
SESSIONS = f"/studios/{segment(STUDIO)}/streaming-sessions"


@pytest.fixture
def api(studio: SmallStudio) -> Api:
    return Api(studio.operations(), studio, ApiSettings())


def create(
    api: Api, token: str | None = "t", profile: str = "profile", key: str = "AKIAOPERATOR"
) -> Answer:
    return api.answer(
        signed(
            "POST",
            SESSIONS,
            body=b'{"launchProfileId": "%s"}' % profile.encode(),
            headers={} if token is None else {"X-Amz-Client-Token": token},
            key=key,
        )
    )


def test_the_same_request_gets_the_same_answer_and_happens_once(
    api: Api, studio: SmallStudio
) -> None:
    first, second = create(api), create(api)
    assert (first.status, first.body) == (200, second.body)
    assert studio.calls["CreateStreamingSession"] == 1
    assert second.notes["replayed"] is True


def test_other_parameters_are_refused(api: Api, studio: SmallStudio) -> None:
    create(api)
    other = create(api, profile="other")
    assert other.status == 400
    assert document(other.body)["context"] == {"member": "clientToken"}
    assert studio.calls["CreateStreamingSession"] == 1


def test_the_order_of_members_makes_no_other_request(api: Api, studio: SmallStudio) -> None:
    for body in (
        b'{"launchProfileId":"profile","tags":{"a":"1","b":"2"}}',
        b' {"tags":{"b":"2","a":"1"}, "launchProfileId":"profile", "unknown": 1}',
    ):
        api.answer(signed("POST", SESSIONS, body=body, headers={"X-Amz-Client-Token": "t"}))
    assert studio.calls["CreateStreamingSession"] == 1


def test_without_a_token_every_request_counts(api: Api, studio: SmallStudio) -> None:
    create(api, token=None)
    create(api, token=None)
    assert studio.calls["CreateStreamingSession"] == 2


def test_tokens_belong_to_a_caller_and_an_operation(api: Api, studio: SmallStudio) -> None:
    create(api)
    assert create(api, key="AKIAANN").status == 200
    stop = signed(
        "POST", f"{SESSIONS}/ann-session/stop", body=b"{}", headers={"X-Amz-Client-Token": "t"}
    )
    assert api.answer(stop).status == 200
    assert studio.calls == {"CreateStreamingSession": 2, "StopStreamingSession": 1}


def test_a_failed_request_leaves_its_token_free(api: Api, studio: SmallStudio) -> None:
    studio.fault = ConflictError("Not now.")
    assert create(api).status == 409
    studio.fault = RuntimeError("broken")
    assert create(api).status == 500
    studio.fault = None
    assert create(api).status == 200
    assert create(api).notes["replayed"] is True


def test_a_replay_is_for_those_who_still_may(api: Api, studio: SmallStudio) -> None:
    assert create(api, key="AKIAANN").status == 200
    studio.members.clear()
    assert create(api, key="AKIAANN").status == 403


def test_a_token_is_forgotten_after_a_day(api: Api, studio: SmallStudio) -> None:
    create(api)
    studio.at = NOW + timedelta(hours=24)
    received = signed(
        "POST",
        SESSIONS,
        body=b'{"launchProfileId": "other"}',
        headers={"X-Amz-Client-Token": "t"},
        at=studio.at,
    )
    assert api.answer(received).status == 200
    assert studio.calls["CreateStreamingSession"] == 2


def test_fifty_at_once_happen_once(api: Api, studio: SmallStudio) -> None:
    barrier = threading.Barrier(50)
    answers: list[Answer] = []

    def go() -> None:
        barrier.wait()
        answers.append(create(api))

    threads = [threading.Thread(target=go) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert studio.calls["CreateStreamingSession"] == 1


@pytest.mark.parametrize("is_committed", [True, False])
def test_on_postgresql_the_second_waits_for_the_first(
    postgres: Postgres, *, is_committed: bool
) -> None:
    with postgres.database() as url, ExitStack() as ends:
        database = Database(url, SEAL)
        ends.callback(database.dispose)
        threads = ends.enter_context(ThreadPoolExecutor(1))
        with database.transaction() as transaction:
            client_tokens.create(transaction)

        def second() -> Answer | None:
            with database.transaction() as transaction:
                return idempotency.begin(transaction, ATTEMPT, NOW)

        with suppress(RuntimeError), database.transaction() as transaction:
            idempotency.begin(transaction, ATTEMPT, NOW)
            waiting = threads.submit(second)
            until_one_waits(database)
            idempotency.finish(transaction, ATTEMPT, ANSWER)
            if not is_committed:
                raise RuntimeError
        assert waiting.result(20) == (ANSWER if is_committed else None)


def until_one_waits(database: Database) -> None:
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    pause = threading.Event()
    for _ in range(2000):
        with database.transaction(write=False) as transaction:
            if transaction.execute(waits).scalar_one():
                return
        pause.wait(0.01)
    raise AssertionError("nobody waits")


def test_purge_forgets_what_is_a_day_old(studio: SmallStudio) -> None:
    with studio.transaction(write=True) as transaction:
        idempotency.begin(transaction, ATTEMPT, NOW)
        idempotency.finish(transaction, ATTEMPT, ANSWER)
        day = timedelta(hours=24)
        assert idempotency.purge(transaction, NOW + day - timedelta(seconds=1)) == 0
        assert idempotency.begin(transaction, ATTEMPT, NOW) == ANSWER
        assert idempotency.purge(transaction, NOW + day) == 1
        assert idempotency.begin(transaction, ATTEMPT, NOW) is None


def test_the_digest_sees_every_parameter_but_the_token() -> None:
    def made(name: str, token: str) -> str:
        return idempotency.digest_of(
            CreateStudioIn(
                client_token=token,
                admin_role_arn="a",
                display_name=name,
                studio_name="abc",
                user_role_arn="u",
            )
        )

    assert made("x", "1") == made("x", "2")
    assert made("x", "1") != made("y", "1")


def test_other_parameters_are_refused_by_begin(studio: SmallStudio) -> None:
    with studio.transaction(write=True) as transaction:
        idempotency.begin(transaction, ATTEMPT, NOW)
        idempotency.finish(transaction, ATTEMPT, ANSWER)
        other = Attempt(principal_id="p", operation="O", studio_id="s", token="t", digest="e")
        with pytest.raises(ValidationError):
            idempotency.begin(transaction, other, NOW)
