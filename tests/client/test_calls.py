"""Signed calls to our own API: what travels, and what comes of it."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from soundstage.client.calls import CallError, Client
from soundstage.resources.operations import OPERATIONS
from soundstage.testing.world import World

STUDIO = "us-west-2:stid-nyoqq12fteqy1x48"


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(
        "http://studio.example",
        access_key_id="AKIA",
        secret_access_key="secret",
        region="us-west-2",
        operations=OPERATIONS,
        http=httpx.Client(transport=httpx.MockTransport(answer), trust_env=False),
    )


def sent(name: str, **members: Any) -> httpx.Request:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    client_of(answer).call(name, **members)
    return seen[0]


def refusal(answer: httpx.Response) -> CallError:
    with pytest.raises(CallError) as caught:
        client_of(lambda _: answer).call("ListStudios")
    return caught.value


def test_members_travel_where_the_row_says() -> None:
    request = sent(
        "CreateStreamingSession",
        studioId=STUDIO,
        launchProfileId="p",
        clientToken="token",
        ownedBy=None,
    )
    assert request.method == "POST"
    assert request.url.raw_path == (
        b"/2020-08-01/studios/us-west-2%3Astid-nyoqq12fteqy1x48/streaming-sessions"
    )
    assert request.headers["X-Amz-Client-Token"] == "token"
    assert request.read() == b'{"launchProfileId":"p"}'
    assert request.headers["Content-Type"] == "application/json"
    authorization = request.headers["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert "/us-west-2/nimble/aws4_request" in authorization


def test_queries_repeat_lists_and_keep_spaces() -> None:
    request = sent("ListLaunchProfiles", studioId=STUDIO, states=["A", "B+ C"], maxResults=7)
    assert request.url.query == b"states=A&states=B%2B%20C&maxResults=7"
    assert request.read() == b""


@pytest.mark.parametrize("principal", ["a b", "a+b", "ä", "a/b?c#d", "%41", "a&b=c"])
def test_the_service_accepts_the_signature_of_any_value(world: World, principal: str) -> None:
    studio_id = world.studio()["studioId"]
    found = world.operator.call("ListLaunchProfiles", studioId=studio_id, principalId=principal)
    assert found == {"launchProfiles": []}


def test_a_refusal_keeps_its_name_status_and_words(world: World) -> None:
    with pytest.raises(CallError) as caught:
        world.operator.call("GetStudio", studioId="a/b c")
    assert (caught.value.name, caught.value.status) == ("ResourceNotFoundException", 404)
    assert str(caught.value) == "There is no studio a/b c."


def test_time_is_the_client_s_clock(world: World) -> None:
    world.clock.advance(timedelta(days=400))
    assert world.operator.call("ListStudios") == {"studios": []}


def test_pages_are_read_to_the_last() -> None:
    pages = {
        None: {"studios": [{"studioId": "a"}], "nextToken": "2"},
        "2": {"studios": [], "nextToken": "3"},
        "3": {"studios": [{"studioId": "b"}]},
    }
    client = client_of(
        lambda request: httpx.Response(200, json=pages[request.url.params.get("nextToken")])
    )
    assert [studio["studioId"] for studio in client.pages("ListStudios")] == ["a", "b"]
    with pytest.raises(ValueError, match="GetStudio does not come in pages"):
        next(client.pages("GetStudio", studioId="a"))


def test_what_is_not_the_service_is_told_plainly() -> None:
    gateway = refusal(httpx.Response(502, text="<html>Bad Gateway</html>"))
    assert (gateway.name, gateway.status) == ("UnexpectedAnswer", 502)
    assert "Bad Gateway" in str(gateway)
    assert refusal(httpx.Response(200, text="<html>Hello</html>")).name == "UnexpectedAnswer"
    assert refusal(httpx.Response(200, json=["a list"])).name == "UnexpectedAnswer"
    moved = refusal(httpx.Response(301, headers={"Location": "https://elsewhere"}))
    assert (moved.status, str(moved)) == (301, "Moved Permanently")


def test_a_service_that_does_not_answer() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(CallError, match=r"http://studio\.example does not answer") as caught:
        client_of(fail).call("ListStudios")
    assert caught.value.status == 0


def test_a_certificate_that_nothing_vouches_for_is_told_from_a_service_that_is_away() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        try:
            try:
                untrusted = ssl.SSLCertVerificationError("self-signed")
                untrusted.verify_message = "self-signed certificate"
                raise untrusted
            except OSError as error:
                raise ConnectionError(str(error)) from None
        except ConnectionError as error:
            raise httpx.ConnectError("refused", request=request) from error

    with pytest.raises(CallError, match="is not trusted here") as caught:
        client_of(fail).call("ListStudios")
    assert caught.value.name == "Untrusted"


def test_a_closed_client_has_let_go(world: World) -> None:
    world.operator.close()
    with pytest.raises(RuntimeError, match="closed"):
        world.operator.call("ListStudios")
