"""One sign-in with an OpenID Connect provider: authorization code, PKCE, state and nonce.

The portal's `sign_on` calls it. Authlib writes the addresses, proves who we are to the provider and
checks the claims; joserfc checks the signature. Nothing that comes back is used before all of it is
checked, and no message repeats a code or a token.
"""

import hmac
import secrets
from collections.abc import Generator, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from soundstage.kit.openid.claims import LONGEST_SUBJECT, Claims
from soundstage.kit.openid.provider import (
    AwayError,
    DoubtfulError,
    Metadata,
    Provider,
    RefusedError,
    decoded,
)

SKEW_SECONDS = 60
"""How far the provider's clock may be off, both ways."""
_MOST_GROUPS = 1000
_LONGEST_TEXT = 256
_CODES = {
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
}
"""The words for reasons that OAuth and OpenID Connect know; others are not repeated."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that was begun, as its browser keeps it, sealed."""

    state: str
    nonce: str
    verifier: str
    on: str
    """The path of ours to go on to."""
    begun_at: datetime


class SignOn:
    """Signing in with one provider. Every method may block, for seconds."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._settings = provider.settings

    def attempt(self, on: str) -> Attempt:
        """Think of what makes one sign-in unlike all others."""
        return Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            on=on,
            begun_at=self.provider.clock(),
        )

    def begin(self, attempt: Attempt, return_to: str) -> str:
        """Say where the browser goes to sign in. Raises AwayError."""
        metadata = self.provider.metadata()
        address, _ = self._client(metadata, None, return_to).create_authorization_url(
            metadata.authorization_endpoint,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
        )
        return str(address)

    def finish(self, attempt: Attempt, answer: Mapping[str, str], return_to: str) -> Claims:
        """Make of what the browser came back with who somebody is. Raises OpenIDError."""
        metadata = self.provider.metadata()
        code = self._code_of(attempt, answer, metadata)
        with self.provider.http() as http:
            token = self._redeem(metadata, http, code, attempt, return_to)
            claims = self._checked(metadata, token, attempt)
            more = self._userinfo(metadata, http, token["access_token"], claims["sub"])
        return self._told(more | claims)

    def end_address(self, return_to: str) -> str | None:
        """Say where somebody signs out of the provider too, without asking it; None where it has
        no such place.
        """
        known = self.provider.known
        end = None if known is None else known.end_session_endpoint
        if end is None:
            return None
        # No id_token_hint: nothing of a sign-in is kept, and none of it goes into an address.
        given = {"client_id": self._settings.client_id, "post_logout_redirect_uri": return_to}
        return str(add_params_to_uri(end, given))

    def _code_of(self, attempt: Attempt, answer: Mapping[str, str], metadata: Metadata) -> str:
        """Take the code, if it is the answer to this attempt and of this provider."""
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise DoubtfulError("It is the answer to another sign-in: state.")
        issuer = answer.get("iss")
        if issuer is None and metadata.authorization_response_iss_parameter_supported:
            raise DoubtfulError("It does not say whose answer it is: iss.")
        if issuer is not None and issuer != metadata.issuer:
            raise DoubtfulError("It is another provider's answer: iss.")
        if "error" in answer:
            raise RefusedError(answer["error"] if answer["error"] in _CODES else "another reason")
        if not answer.get("code"):
            raise DoubtfulError("It holds no code.")
        return answer["code"]

    def _redeem(
        self, metadata: Metadata, http: httpx.Client, code: str, attempt: Attempt, return_to: str
    ) -> dict[str, Any]:
        """Turn the code into tokens."""
        client = self._client(metadata, http, return_to)
        try:
            token: dict[str, Any] = client.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
            )
        except OAuth2Error as error:
            known = error.error in {"invalid_client", "invalid_grant", "unauthorized_client"}
            raise RefusedError(str(error.error) if known else "another reason") from None
        except ValueError:
            raise AwayError("The provider can't be used: its tokens are no JSON.") from None
        named = [token.get(name) for name in ("id_token", "access_token", "token_type")]
        if not all(isinstance(each, str) for each in named):
            raise DoubtfulError("There is no ID token, or no access token beside it.")
        if token["token_type"].lower() != "bearer":
            raise DoubtfulError("The access token is of an unknown type.")
        return token

    def _checked(
        self, metadata: Metadata, token: dict[str, Any], attempt: Attempt
    ) -> dict[str, Any]:
        """Give the ID token's claims, once everything about it is right."""
        keys = self.provider.keys()
        try:
            try:
                opened = _opened(token["id_token"], keys, metadata)
            except InvalidKeyIdError:
                # It may have a new one since.
                opened = _opened(token["id_token"], self.provider.keys(since=keys), metadata)
            claims = CodeIDToken(
                opened.claims,
                opened.header,
                {
                    "iss": {"essential": True, "value": metadata.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                    "sub": {"essential": True},
                    "nonce": {"essential": True, "value": attempt.nonce},
                },
                {
                    "nonce": attempt.nonce,
                    "client_id": self._settings.client_id,
                    "access_token": token["access_token"],
                },
            )
            claims.validate(now=int(self.provider.clock().timestamp()), leeway=SKEW_SECONDS)
        except JoseError as error:
            raise DoubtfulError(f"The ID token is not good: {_reason(error)}.") from None
        except (ValueError, TypeError, KeyError) as error:
            raise DoubtfulError(f"The ID token can't be read ({type(error).__name__}).") from None
        if not _is_subject(claims["sub"]):
            raise DoubtfulError(f"The subject is longer than {LONGEST_SUBJECT} or no ASCII.")
        return dict(claims)

    def _userinfo(
        self, metadata: Metadata, http: httpx.Client, access_token: str, subject: str
    ) -> dict[str, Any]:
        """Ask for the claims that are not in the ID token."""
        if metadata.userinfo_endpoint is None:
            return {}
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        answer = http.get(metadata.userinfo_endpoint, headers=headers)
        claims = decoded(answer, dict[str, Any], "userinfo")
        if claims.get("sub") != subject:
            raise DoubtfulError("The userinfo is of another subject.")
        return claims

    def _told(self, claims: dict[str, Any]) -> Claims:
        name = self._settings.groups_claim
        groups = claims.get(name, [])
        if isinstance(groups, str):
            groups = [groups]
        if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
            raise DoubtfulError(f"The claim {name} is no list of texts.")
        if len(groups) > _MOST_GROUPS:
            raise DoubtfulError(f"The claim {name} has more than {_MOST_GROUPS} texts.")
        # Exactly true: some say "false", which is a text and no lie.
        is_verified = claims.get("email_verified") is True
        return Claims(
            issuer=self._settings.issuer,
            subject=claims["sub"],
            user_name=_text(claims, "preferred_username"),
            display_name=_text(claims, "name"),
            email=_text(claims, "email") if is_verified else None,
            groups=tuple(groups),
        )

    def _client(
        self, metadata: Metadata, http: httpx.Client | None, return_to: str
    ) -> OAuth2Client:
        secret = self._settings.client_secret() if http is not None else ""
        ways = metadata.token_endpoint_auth_methods_supported
        basic, post = "client_secret_basic", "client_secret_post"
        way = "none" if not secret else post if post in ways and basic not in ways else basic
        # In that header both are written as in a form (RFC 6749, 2.3.1).
        written = partial(quote, safe="") if way == basic else str
        return _Client(
            http,
            client_id=written(self._settings.client_id),
            client_secret=written(secret),
            token_endpoint_auth_method=way,
            scope=" ".join(self._settings.scopes),
            redirect_uri=return_to,
            code_challenge_method="S256",
        )


class _ClientAuth(httpx.Auth, ClientAuth):  # type: ignore[misc] # Authlib ships no types
    """Authlib's proof of who we are, in the form that httpx asks for."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Prove it in one request."""
        url, headers, body = self.prepare(
            request.method, str(request.url), dict(request.headers), request.content.decode()
        )
        content = body.encode() if isinstance(body, str) else body
        headers["content-length"] = str(len(content))
        yield httpx.Request(
            request.method, url, headers=headers, content=content, extensions=request.extensions
        )


class _Client(OAuth2Client):  # type: ignore[misc] # as above
    client_auth_class = _ClientAuth


def _opened(id_token: str, keys: KeySet, metadata: Metadata) -> jwt.Token:
    registry = JWSRegistry(algorithms=metadata.algorithms, strict_check_header=False)
    return jwt.decode(id_token, keys, registry=registry)


def _reason(error: JoseError) -> str:
    """Name what is wrong and never repeat what is there."""
    claim = getattr(error, "claim", None)
    return f"{error.error}, {claim}" if claim else str(error.error)


def _is_subject(subject: object) -> bool:
    is_text = isinstance(subject, str) and subject.isascii() and subject.isprintable()
    return is_text and 1 <= len(str(subject)) <= LONGEST_SUBJECT


def _text(claims: dict[str, Any], name: str) -> str | None:
    """Take a text that can be shown; what is none, or is too long, is left out."""
    text = claims.get(name)
    if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST_TEXT:
        return None
    return text.strip() or None
