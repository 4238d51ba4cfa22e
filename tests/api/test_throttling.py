"""The gate: who is let through, and who must wait."""

from datetime import UTC, datetime, timedelta

import pytest

from soundstage.api.app import Api
from soundstage.api.door import ApiSettings
from soundstage.api.errors import Refused
from soundstage.api.exchange import Answer, Received
from soundstage.api.throttling import Gate, Limits
from soundstage.kit.buckets import Rate
from soundstage.resources.request import Caller, CallerKind
from soundstage.testing.small_studio import STUDIO, SmallStudio, document, segment, signed
from soundstage.wire.faults import ThrottledError

HERE = f"/studios/{segment(STUDIO)}"
SESSION = f"{HERE}/streaming-sessions/ann-session"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Caller(principal_id="ann", kind=CallerKind.USER)
BOB = Caller(principal_id="bob", kind=CallerKind.USER)


# ---- the gate ------------------------------------------------------------------------------------


def request(method: str = "GET", key: str = "AKIAANN", peer: str = "192.0.2.1") -> Received:
    authorization = f"AWS4-HMAC-SHA256 Credential={key}/20261121/us-west-2/nimble/aws4_request"
    return Received(
        request_id="r",
        method=method,
        raw_path="/",
        headers=(("authorization", authorization),),
        peer=peer,
    )


class Door:
    """Stands for the check of signatures, and counts its work."""

    def __init__(self, limits: Limits) -> None:
        self.is_right = True
        self.checked = 0
        self.gate = Gate(self._verify, limits)

    def identify(self, received: Received, *, is_right: bool, at: datetime = NOW) -> str:
        """Say what comes of it: who it is, or the error's name."""
        self.is_right = is_right
        try:
            return self.gate.identify(received, at).principal_id
        except Refused as refused:
            return refused.error_name
        except ThrottledError as throttled:
            return throttled.name

    def _verify(self, received: Received, now: datetime) -> Caller:
        del received, now
        self.checked += 1
        if not self.is_right:
            raise Refused("InvalidSignatureException", "It does not match.")
        return ANN


def test_reads_and_writes_have_a_bucket_each() -> None:
    gate = Door(Limits(reads=Rate(50, 2), writes=Rate(10, 1))).gate
    for method in ("GET", "POST", "GET"):
        gate.admit(ANN, request(method), NOW)
    for method, what in (("GET", "reads"), ("DELETE", "writes"), ("PUT", "writes")):
        with pytest.raises(ThrottledError, match=f"Too many {what} of ann"):
            gate.admit(ANN, request(method), NOW)
    gate.admit(BOB, request("GET"), NOW)
    gate.admit(ANN, request("POST"), NOW + timedelta(seconds=0.1))


@pytest.mark.parametrize(
    ("rate", "seconds"), [(Rate(50, 1), "1"), (Rate(0.5, 1), "2"), (Rate(0.3, 1), "4")]
)
def test_the_wait_is_told_in_whole_seconds(rate: Rate, seconds: str) -> None:
    gate = Door(Limits(reads=rate)).gate
    gate.admit(ANN, request(), NOW)
    with pytest.raises(ThrottledError) as caught:
        gate.admit(ANN, request(), NOW)
    assert caught.value.headers == {"Retry-After": seconds}
    assert caught.value.message.endswith(f"Try again in {seconds} s.")
    assert caught.value.context == {
        "limited": "reads",
        "perSecond": f"{rate.per_second:g}",
        "burst": "1",
        "retryAfterSeconds": seconds,
    }


def test_an_address_that_only_fails_is_not_looked_at_any_more() -> None:
    door = Door(Limits(failures=Rate(20, 5)))
    results = [door.identify(request(key=f"K{n}"), is_right=False) for n in range(50)]
    assert results == ["InvalidSignatureException"] * 5 + ["ThrottlingException"] * 45
    assert door.checked == 5
    # Nobody can know whether this one is right without the work.
    assert door.identify(request(), is_right=True) == "ThrottlingException"
    assert door.identify(request(peer="192.0.2.2"), is_right=True) == "ann"
    later = NOW + timedelta(seconds=0.05)
    assert door.identify(request(), is_right=True, at=later) == "ann"


def test_who_signed_rightly_before_is_not_shut_out_by_a_neighbour() -> None:
    door = Door(Limits(failures=Rate(20, 5)))
    assert door.identify(request(), is_right=True) == "ann"
    for _ in range(50):
        door.identify(request(key="GUESS"), is_right=False)
    assert door.identify(request(key="GUESS"), is_right=False) == "ThrottlingException"
    assert door.identify(request(), is_right=True) == "ann"
    # Whoever borrows that key's name has a bucket for it, and no more.
    for _ in range(50):
        door.identify(request(), is_right=False)
    assert door.identify(request(), is_right=True) == "ThrottlingException"


def test_right_signatures_are_never_counted_as_wrong() -> None:
    door = Door(Limits(failures=Rate(20, 1)))
    assert {door.identify(request(), is_right=True) for _ in range(100)} == {"ann"}


def test_behind_a_trusted_proxy_it_is_the_client_s_address() -> None:
    door = Door(Limits(failures=Rate(20, 1), trusted_proxies=("127.0.0.1",)))

    def via(client: str, peer: str = "127.0.0.1") -> Received:
        return Received(
            request_id="r",
            method="GET",
            raw_path="/",
            headers=(("x-forwarded-for", client),),
            peer=peer,
        )

    wrong, throttled = "InvalidSignatureException", "ThrottlingException"
    assert door.identify(via("192.0.2.1"), is_right=False) == wrong
    assert door.identify(via("192.0.2.1"), is_right=False) == throttled
    assert door.identify(via("192.0.2.2"), is_right=False) == wrong
    # Nobody else is believed.
    assert door.identify(via("192.0.2.3", peer="198.51.100.1"), is_right=False) == wrong
    assert door.identify(via("192.0.2.4", peer="198.51.100.1"), is_right=False) == throttled


# ---- in the API ----------------------------------------------------------------------------------


def told(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.headers["x-amzn-ErrorType"]


def test_it_comes_after_the_signature_and_before_all_else(studio: SmallStudio) -> None:
    limits = Limits(reads=Rate(50, 1), writes=Rate(10, 1))
    api = Api(studio.operations(), studio, ApiSettings(throttling=limits))
    assert told(api.answer(signed("POST", "/nowhere", key="AKIAANN"))) == (
        404,
        "UnknownOperationException",
    )
    for path in (f"{SESSION}/stop", "/nowhere", f"{HERE}/streaming-sessions/bob-session/stop"):
        answer = api.answer(signed("POST", path, body=b"no json", key="AKIAANN"))
        assert told(answer) == (429, "ThrottlingException")
        assert answer.headers["Retry-After"] == "1"
        assert answer.notes["principal"] == "ann"
        assert document(answer.body)["context"]["limited"] == "writes"
    wrong = signed("POST", f"{SESSION}/stop", key="AKIAANN", secret="wrong")
    assert told(api.answer(wrong)) == (403, "InvalidSignatureException")
    assert studio.calls == {}
    studio.at += timedelta(seconds=1)
    later = signed("POST", f"{SESSION}/stop", key="AKIAANN", at=studio.at)
    assert api.answer(later).status == 200
