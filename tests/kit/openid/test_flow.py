"""One sign-in at a real provider, and what must not come of one that is forged."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from soundstage.kit.openid.claims import Claims
from soundstage.kit.openid.flow import SignOn
from soundstage.kit.openid.provider import AwayError, DoubtfulError, OpenIDError, RefusedError
from soundstage.testing.clock import SettableClock
from soundstage.testing.openid import CLIENT_ID, CLIENT_SECRET, Between, OpenIDProvider, new_key

RETURN_TO = "http://localhost:8080/sign-in/openid"
Change = Callable[[dict[str, Any]], dict[str, Any]]


def signed_in(sign_on: SignOn, openid_provider: OpenIDProvider, subject: str = "s-1") -> Claims:
    attempt = sign_on.attempt("/")
    answer = openid_provider.sign_in(sign_on.begin(attempt, RETURN_TO), subject)
    return sign_on.finish(attempt, answer, RETURN_TO)


def test_somebody_signs_in(sign_on: SignOn, openid_provider: OpenIDProvider) -> None:
    openid_provider.knows(
        "s-1",
        name="Anna Example",
        preferred_username="anna",
        email="anna@example.org",
        email_verified=True,
        groups=["leads", "artists"],
    )
    assert signed_in(sign_on, openid_provider) == Claims(
        issuer=openid_provider.issuer,
        subject="s-1",
        user_name="anna",
        display_name="Anna Example",
        email="anna@example.org",
        groups=("leads", "artists"),
    )


def test_it_asks_with_pkce_state_and_nonce(sign_on: SignOn) -> None:
    first, second = (sign_on.attempt("/x") for _ in range(2))
    asked = parse_qs(urlsplit(sign_on.begin(first, RETURN_TO)).query)
    assert asked["state"] == [first.state]
    assert asked["nonce"] == [first.nonce]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert asked["client_id"] == [CLIENT_ID]
    assert first.verifier not in str(asked)
    assert not {first.state, first.nonce, first.verifier} & {
        second.state,
        second.nonce,
        second.verifier,
    }


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1])
def test_only_a_verified_address_is_taken(
    sign_on: SignOn, openid_provider: OpenIDProvider, verified: object
) -> None:
    openid_provider.knows("s-1", email="anna@example.org", email_verified=verified)
    assert signed_in(sign_on, openid_provider).email is None


@pytest.mark.parametrize(
    ("groups", "taken"), [([], ()), ("leads", ("leads",)), (None, None), ([1], None), ({}, None)]
)
def test_groups_are_texts(
    sign_on: SignOn,
    openid_provider: OpenIDProvider,
    between: Between,
    groups: object,
    taken: tuple[str, ...] | None,
) -> None:
    between.change("/me", lambda told: told | {"groups": groups})
    if taken is None:
        with pytest.raises(DoubtfulError, match="groups"):
            signed_in(sign_on, openid_provider)
    else:
        assert signed_in(sign_on, openid_provider).groups == taken


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 300, 7, None])
def test_words_that_can_not_be_shown_are_left_out(
    sign_on: SignOn, openid_provider: OpenIDProvider, between: Between, name: object
) -> None:
    between.change("/me", lambda told: told | {"name": name})
    assert signed_in(sign_on, openid_provider).display_name is None


# ---- what comes back to us -----------------------------------------------------------------------


def test_a_code_is_good_once(sign_on: SignOn, openid_provider: OpenIDProvider) -> None:
    attempt = sign_on.attempt("/")
    answer = openid_provider.sign_in(sign_on.begin(attempt, RETURN_TO), "s-1")
    sign_on.finish(attempt, answer, RETURN_TO)
    with pytest.raises(RefusedError, match="invalid_grant"):
        sign_on.finish(attempt, answer, RETURN_TO)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "another"}, "state"),
        ({"state": ""}, "state"),
        ({"state": "é"}, "state"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"code": None}, "no code"),
    ],
)
def test_another_answer_is_not_taken(
    sign_on: SignOn,
    openid_provider: OpenIDProvider,
    between: Between,
    change: dict[str, str | None],
    why: str,
) -> None:
    attempt = sign_on.attempt("/")
    answer = openid_provider.sign_in(sign_on.begin(attempt, RETURN_TO), "s-1")
    changed = {name: text for name, text in (answer | change).items() if text is not None}
    with pytest.raises(DoubtfulError, match=why):
        sign_on.finish(attempt, changed, RETURN_TO)
    assert "/token" not in between.asked


@pytest.mark.parametrize("what", ["verifier", "return_to", "secret"])
def test_a_stolen_code_is_worth_nothing(
    sign_on: SignOn, openid_provider: OpenIDProvider, what: str
) -> None:
    attempt = sign_on.attempt("/")
    answer = openid_provider.sign_in(sign_on.begin(attempt, RETURN_TO), "s-1")
    return_to = RETURN_TO
    if what == "verifier":
        attempt = msgspec.structs.replace(attempt, verifier=sign_on.attempt("/").verifier)
    elif what == "return_to":
        return_to = "http://localhost:8080/elsewhere"
    else:
        settings = msgspec.structs.replace(sign_on.provider.settings, client_secret=lambda: "x")
        sign_on.provider.settings = settings
        sign_on = SignOn(sign_on.provider)
    with pytest.raises(RefusedError) as caught:
        sign_on.finish(attempt, answer, return_to)
    assert caught.value.code == ("invalid_client" if what == "secret" else "invalid_grant")
    assert answer["code"] not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "code"),
    [("access_denied", "access_denied"), ("<b>you won</b>", "another reason")],
)
def test_a_refusal_is_told_in_known_words(sign_on: SignOn, error: str, code: str) -> None:
    attempt = sign_on.attempt("/")
    answer = {"state": attempt.state, "iss": sign_on.provider.settings.issuer, "error": error}
    with pytest.raises(RefusedError) as caught:
        sign_on.finish(attempt, answer, RETURN_TO)
    assert caught.value.code == code


def test_a_secret_is_asked_for_when_it_is_needed(
    sign_on: SignOn, openid_provider: OpenIDProvider
) -> None:
    asked = []

    def secret() -> str:
        asked.append(1)
        return CLIENT_SECRET

    sign_on.provider.settings = msgspec.structs.replace(
        sign_on.provider.settings, client_secret=secret
    )
    signed_in(SignOn(sign_on.provider), openid_provider)
    assert len(asked) == 1


# ---- the ID token --------------------------------------------------------------------------------


def forged(
    sign_on: SignOn,
    openid_provider: OpenIDProvider,
    between: Between,
    forge: Callable[[dict[str, Any], str], str],
) -> Claims:
    """Sign in while somebody puts another ID token in the place of the provider's."""

    def change(told: dict[str, Any]) -> dict[str, Any]:
        body = told["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return told | {"id_token": forge(claims, told["id_token"])}

    between.change("/token", change)
    return signed_in(sign_on, openid_provider)


def unsigned(claims: dict[str, Any], algorithm: str, **more: str) -> str:
    header = json.dumps({"alg": algorithm, **more}).encode()
    parts = (header, json.dumps(claims).encode())
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def test_the_forger_s_tools_work(
    sign_on: SignOn, openid_provider: OpenIDProvider, between: Between
) -> None:
    """What follows fails for its one fault, and not because it is forged."""
    found = forged(sign_on, openid_provider, between, lambda c, _: openid_provider.signed(c))
    assert found.subject == "s-1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["another"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [CLIENT_ID, "another"]}, "azp"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"exp": None}, "exp"),
        ({"iat": None}, "iat"),
        ({"exp": "never"}, "exp"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a" * 256}, "subject"),
        ({"sub": "ä"}, "subject"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    ],
)
def test_a_wrong_claim_is_seen(
    sign_on: SignOn,
    openid_provider: OpenIDProvider,
    between: Between,
    change: dict[str, Any],
    why: str,
) -> None:
    def forge(claims: dict[str, Any], _: str) -> str:
        changed = claims | change
        return openid_provider.signed({k: v for k, v in changed.items() if v is not None})

    with pytest.raises(DoubtfulError, match=why):
        forged(sign_on, openid_provider, between, forge)
    assert "/me" not in between.asked


@pytest.mark.parametrize(
    ("claim", "off"),
    [("exp", -50), ("exp", -70), ("iat", 50), ("iat", 70), ("nbf", 50), ("nbf", 70)],
)
def test_clocks_may_differ_by_a_minute(
    sign_on: SignOn,
    openid_provider: OpenIDProvider,
    between: Between,
    claim: str,
    off: int,
) -> None:
    moment = int(sign_on.provider.clock().timestamp()) + off

    def forge(claims: dict[str, Any], _: str) -> str:
        return openid_provider.signed(claims | {claim: moment})

    if abs(off) < 60:
        assert forged(sign_on, openid_provider, between, forge).subject == "s-1"
    else:
        with pytest.raises(DoubtfulError):
            forged(sign_on, openid_provider, between, forge)


@pytest.mark.parametrize(
    "how",
    ["another key", "unknown key", "none", "None", "no key", "public key as secret", "cut", "text"],
)
def test_a_wrong_signature_is_seen(
    sign_on: SignOn, openid_provider: OpenIDProvider, between: Between, how: str
) -> None:
    def forge(claims: dict[str, Any], genuine: str) -> str:
        if how == "another key":
            return openid_provider.signed(claims, new_key(str(openid_provider.key.kid)))
        if how == "unknown key":
            return openid_provider.signed(claims, new_key("unheard-of"))
        if how in {"none", "None"}:
            return unsigned(claims, how)
        if how == "no key":
            return openid_provider.signed(claims, new_key("x"), kid="")
        if how == "public key as secret":
            text = unsigned(claims, "HS256", kid=str(openid_provider.key.kid)).rstrip(".")
            key = openid_provider.key.as_pem(private=False)
            digest = hmac.new(key, text.encode(), "sha256").digest()
            return f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        if how == "cut":
            return genuine.rpartition(".")[0] + "."
        return "no token at all"

    with pytest.raises(DoubtfulError, match="ID token"):
        forged(sign_on, openid_provider, between, forge)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told | {"id_token": None},
        lambda told: told | {"access_token": None},
        lambda told: told | {"token_type": "mac"},
        lambda _: {},
        lambda told: [told],
        lambda _: b"<html>",
        lambda _: b"a" * 600_000,
    ],
)
def test_a_strange_answer_is_no_sign_in(
    sign_on: SignOn, openid_provider: OpenIDProvider, between: Between, change: Change
) -> None:
    between.change("/token", change)
    with pytest.raises(OpenIDError):
        signed_in(sign_on, openid_provider)


def test_the_userinfo_of_another_is_not_taken(
    sign_on: SignOn, openid_provider: OpenIDProvider, between: Between
) -> None:
    between.change("/me", lambda told: told | {"sub": "s-2", "groups": ["leads"]})
    with pytest.raises(DoubtfulError, match="another subject"):
        signed_in(sign_on, openid_provider)


def test_what_is_signed_wins_over_the_userinfo(
    sign_on: SignOn, openid_provider: OpenIDProvider, between: Between
) -> None:
    openid_provider.knows("s-1", groups=["leads"])
    found = forged(
        sign_on,
        openid_provider,
        between,
        lambda claims, _: openid_provider.signed(claims | {"groups": []}),
    )
    assert found.groups == ()


def test_a_new_key_is_found(
    sign_on: SignOn, openid_provider: OpenIDProvider, clock: SettableClock
) -> None:
    signed_in(sign_on, openid_provider)
    openid_provider.stop()
    openid_provider.key = new_key("second")
    openid_provider.start()
    clock.set(clock() + timedelta(seconds=15))
    assert signed_in(sign_on, openid_provider).subject == "s-1"


# ---- the way out ---------------------------------------------------------------------------------


def test_there_is_a_way_out_where_the_provider_has_one(
    sign_on: SignOn, between: Between, openid_provider: OpenIDProvider
) -> None:
    assert sign_on.end_address("http://localhost:8080/") is None
    assert between.asked == []
    sign_on.provider.look_again()
    address = sign_on.end_address("http://localhost:8080/")
    assert address == (
        f"{openid_provider.issuer}/session/end?client_id={CLIENT_ID}"
        "&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F"
    )
    between.change(
        "/.well-known/openid-configuration",
        lambda told: {k: v for k, v in told.items() if k != "end_session_endpoint"},
    )
    sign_on.provider.look_again()
    assert sign_on.end_address("http://localhost:8080/") is None


def test_nothing_is_asked_of_one_that_is_away(sign_on: SignOn, between: Between) -> None:
    between.change("/.well-known/openid-configuration", lambda _: b"")
    attempt = sign_on.attempt("/")
    with pytest.raises(AwayError):
        sign_on.begin(attempt, RETURN_TO)
    with pytest.raises(AwayError):
        sign_on.finish(attempt, {"state": attempt.state, "code": "x"}, RETURN_TO)
