"""What a provider says of itself: how long it is kept, and what is not taken from it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from soundstage.kit.openid.provider import AwayError, Provider, ProviderSettings
from soundstage.testing.clock import SettableClock
from soundstage.testing.openid import Between, OpenIDProvider

DISCOVERY = "/.well-known/openid-configuration"


def test_it_is_asked_once_an_hour(
    provider: Provider, clock: SettableClock, between: Between
) -> None:
    was_healthy = provider.is_healthy
    for _ in range(3):
        assert provider.metadata().issuer == provider.settings.issuer
        assert provider.keys().keys
        provider.keep_known()
    assert between.asked == [DISCOVERY, "/jwks"]
    assert (was_healthy, provider.is_healthy) == (False, True)
    clock.set(clock() + timedelta(hours=1))
    provider.keep_known()
    assert between.asked == [DISCOVERY, "/jwks"] * 2


def test_new_keys_are_asked_for_now_and_then_only(
    provider: Provider, clock: SettableClock, between: Between
) -> None:
    first = provider.keys()
    assert provider.keys(since=first) is first
    clock.set(clock() + timedelta(seconds=15))
    second = provider.keys(since=first)
    assert second is not first
    assert provider.keys(since=first) is second
    assert between.asked == [DISCOVERY, "/jwks"] * 2


def test_what_was_known_is_used_while_it_does_not_answer(
    provider: Provider, openid_provider: OpenIDProvider, clock: SettableClock
) -> None:
    keys = provider.keys()
    openid_provider.stop()
    try:
        clock.set(clock() + timedelta(hours=2))
        assert provider.keys() is keys
        assert not provider.is_healthy
        assert provider.trouble == "The provider does not answer (ConnectError)."
        assert provider.look_again() == provider.trouble
    finally:
        openid_provider.start()
    assert provider.look_again() is None
    assert provider.is_healthy


def test_nobody_waits_while_another_asks(
    provider: Provider, between: Between, clock: SettableClock
) -> None:
    keys = provider.keys()
    clock.set(clock() + timedelta(hours=1))
    meanwhile = []

    def slow(told: dict[str, Any]) -> dict[str, Any]:
        meanwhile.append((provider.keys(), provider.metadata(), provider.known))
        return told

    between.change(DISCOVERY, slow)
    thread = threading.Thread(target=provider.keep_known)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    ((seen, metadata, known),) = meanwhile
    assert seen is keys
    assert metadata is known
    assert provider.keys() is not keys


def test_nobody_waits_for_it_again_at_once(clock: SettableClock) -> None:
    settings = ProviderSettings(
        issuer="http://localhost:9", client_id="c", client_secret=lambda: ""
    )
    between = Between()
    provider = Provider(settings, clock, transport=between)
    for _ in range(3):
        with pytest.raises(AwayError):
            provider.metadata()
    assert between.asked == [DISCOVERY]
    clock.set(clock() + timedelta(seconds=15))
    with pytest.raises(AwayError):
        provider.metadata()
    assert between.asked == [DISCOVERY] * 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: told | {"issuer": told["issuer"] + "/"}, "calls itself"),
        (lambda told: told | {"token_endpoint": "http://evil.example/token"}, "token_endpoint"),
        (lambda told: told | {"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        (lambda told: told | {"userinfo_endpoint": "https://"}, "userinfo_endpoint"),
        (lambda told: told | {"end_session_endpoint": "javascript:alert(1)"}, "end_session"),
        (lambda told: told | {"authorization_endpoint": "https://[x"}, "is no address"),
        (lambda told: told | {"authorization_endpoint": 7}, "authorization_endpoint"),
        (lambda told: {"issuer": told["issuer"]}, "authorization_endpoint"),
        (
            lambda told: told | {"id_token_signing_alg_values_supported": ["none", "HS256"]},
            "no algorithm",
        ),
        (lambda _: b"<html>", "not what it must be"),
        (lambda _: b'"' + b"a" * 600_000 + b'"', "ReadError"),
    ],
)
def test_a_bad_description_is_not_taken(
    provider: Provider, between: Between, change: Callable[[Any], Any], why: str
) -> None:
    between.change(DISCOVERY, change)
    with pytest.raises(AwayError, match=why):
        provider.metadata()


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "unheard-of"}],
        [{"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"}],
        [{"kty": "RSA"}],
    ],
)
def test_keys_that_can_not_be_used_are_none(
    provider: Provider, between: Between, keys: list[dict[str, str]]
) -> None:
    between.change("/jwks", lambda _: {"keys": keys})
    with pytest.raises(AwayError, match="has none that can be used"):
        provider.keys()


def test_a_key_of_an_unknown_kind_spoils_no_other(provider: Provider, between: Between) -> None:
    between.change("/jwks", lambda told: {"keys": [{"kty": "PQ"}, *told["keys"]]})
    assert len(provider.keys().keys) == 1


def test_it_is_not_followed_elsewhere(provider: Provider, openid_provider: OpenIDProvider) -> None:
    moved = ProviderSettings(
        issuer=f"{openid_provider.issuer}/auth", client_id="c", client_secret=lambda: ""
    )
    with pytest.raises(AwayError, match="was answered with 404"):
        Provider(moved, provider.clock).metadata()
