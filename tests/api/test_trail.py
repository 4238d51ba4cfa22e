"""Every call that changes something is noted with who, whence and by which request, and so is who
was refused; what was given is noted by name only.
"""

import pytest
from msgspec.structs import replace

from soundstage.api.app import Api
from soundstage.api.door import ApiSettings
from soundstage.api.exchange import Answer, Received
from soundstage.api.throttling import Limits
from soundstage.kit import journal
from soundstage.kit.journal import Entry
from soundstage.testing.small_studio import STUDIO, SmallStudio, segment, signed

HERE = f"/studios/{segment(STUDIO)}"
SESSION = f"{HERE}/streaming-sessions/ann-session"


@pytest.fixture
def api(studio: SmallStudio) -> Api:
    return Api(studio.operations(), studio, ApiSettings())


def events(studio: SmallStudio) -> list[Entry]:
    with studio.transaction(write=False) as transaction:
        return journal.read(transaction)


def answer(api: Api, received: Received) -> Answer:
    answered = api.answer(received)
    if answered.afterwards is not None:
        answered.afterwards()
    return answered


def test_a_call_that_changes_something_is_noted(api: Api, studio: SmallStudio) -> None:
    received = signed("DELETE", SESSION, key="AKIAANN")
    assert answer(api, received).status == 200
    (entry,) = events(studio)
    assert (entry.kind, entry.subject, entry.actor, entry.studio_id) == (
        "calls.DeleteStreamingSession",
        "streaming-session/ann-session",
        "ann",
        STUDIO,
    )
    assert (entry.operation, entry.request_id, entry.source_address) == (
        "DeleteStreamingSession",
        received.request_id,
        received.peer,
    )
    assert entry.at == studio.at


def test_what_was_given_is_noted_by_name(api: Api, studio: SmallStudio) -> None:
    body = b'{"volumeRetentionMode": "RETAIN"}'
    assert answer(api, signed("POST", f"{SESSION}/stop", body=body)).status == 200
    (entry,) = events(studio)
    assert entry.detail == {"members": ["sessionId", "volumeRetentionMode"]}


def test_reading_is_not_noted(api: Api, studio: SmallStudio) -> None:
    assert answer(api, signed("GET", SESSION, key="AKIAANN")).status == 200
    assert events(studio) == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_refusal_is_noted_whatever_was_asked(api: Api, studio: SmallStudio, method: str) -> None:
    assert answer(api, signed(method, SESSION, key="AKIABOB")).status == 403
    (entry,) = events(studio)
    assert (entry.kind, entry.actor, entry.subject) == (
        "calls.REFUSED",
        "bob",
        "streaming-session/ann-session",
    )
    assert entry.operation == f"{method.title()}StreamingSession"


def test_what_failed_changed_nothing_and_is_not_noted(api: Api, studio: SmallStudio) -> None:
    body = b'{"volumeRetentionMode": "SHRED"}'
    assert answer(api, signed("POST", f"{SESSION}/stop", body=body)).status == 400
    missing = signed("DELETE", SESSION.replace("stid-", "stid-x"))
    assert answer(api, missing).status == 404
    assert events(studio) == []


def test_a_wrong_signature_is_nobody_s_and_not_noted(api: Api, studio: SmallStudio) -> None:
    assert answer(api, signed("DELETE", SESSION, secret="wrong")).status == 403
    assert events(studio) == []


def test_a_trusted_proxy_tells_where_it_came_from(studio: SmallStudio) -> None:
    settings = ApiSettings(throttling=Limits(trusted_proxies=("10.0.0.0/8",)))
    api = Api(studio.operations(), studio, settings)
    received = signed("DELETE", SESSION, headers={"x-forwarded-for": "203.0.113.9, 10.0.0.7"})
    assert answer(api, replace(received, peer="10.0.0.9")).status == 200
    (entry,) = events(studio)
    assert entry.source_address == "203.0.113.9"


def test_a_refusal_that_can_t_be_noted_is_one_all_the_same(api: Api, studio: SmallStudio) -> None:
    with studio.transaction(write=True) as transaction:
        journal.journal.drop(transaction)
    assert answer(api, signed("GET", SESSION, key="AKIABOB")).status == 403
