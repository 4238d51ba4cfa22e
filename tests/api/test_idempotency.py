"""Client tokens: one request happens once, however often and at whatever moment it is repeated."""

import threading
from datetime import timedelta

import pytest

from soundstage.api import idempotency
from soundstage.api.app import Api
from soundstage.api.door import ApiSettings
from soundstage.api.exchange import Answer
from soundstage.api.idempotency import Attempt, RaceLostError, client_tokens
from soundstage.kit.prepared import Prepared
from soundstage.testing.small_studio import (
    NOW,
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


def test_a_lost_race_is_begun_again(
    api: Api, studio: SmallStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the loser's insert fails; here the winner is put between look and insert."""
    create(api)
    looked: list[Attempt] = []
    begin = idempotency.begin

    def late(*given: object) -> Answer | None:
        if not looked:
            looked.append(ATTEMPT)
            raise RaceLostError
        return begin(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(idempotency, "begin", late)
    assert create(api).notes["replayed"] is True
    assert studio.calls["CreateStreamingSession"] == 1


def test_a_race_lost_for_ever_is_a_conflict(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*given: object) -> Answer | None:
        raise RaceLostError(given)

    monkeypatch.setattr(idempotency, "begin", lose)
    assert create(api).status == 409


def test_an_insert_that_meets_another_s_row_is_a_lost_race(
    studio: SmallStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with studio.transaction(write=True) as transaction:
        idempotency.begin(transaction, ATTEMPT, NOW)
        transaction.execute(client_tokens.update().values(token="t2"))
        other = Attempt(principal_id="p", operation="O", studio_id="s", token="t2", digest="d")

        def miss(*given: object, **parameters: object) -> None:
            """Miss the row, as a snapshot taken before the winner's commit does."""

        monkeypatch.setattr(Prepared, "first", miss)
        with pytest.raises(RaceLostError):
            idempotency.begin(transaction, other, NOW)


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
