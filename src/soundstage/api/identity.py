"""Answers who is calling, from the request's AWS Signature Version 4.

`app` calls it before anything else. The canonical form is botocore's, which AWS keeps; this module
takes the header apart, decides which headers count as signed, and compares. Refusals carry AWS's
own error names, so that an SDK's user reads what AWS would have said.

A wrong key and a wrong signature cost the same work: an unknown key is checked against a secret
that nobody has. Their names differ, as AWS's do; a key's id is no secret.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from botocore.auth import SigV4Auth
from botocore.credentials import ReadOnlyCredentials

from soundstage.api.errors import Refused
from soundstage.api.exchange import Received
from soundstage.resources.request import Caller

SERVICE = "nimble"
_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_DAY_KEYS = 1024
"""How many derived keys are remembered; the one unused for longest goes first."""
_PART = re.compile(r"(?P<name>Credential|SignedHeaders|Signature)=(?P<value>[^\s,]+)\Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}\Z")
_MOMENT = re.compile(r"\d{8}T\d{6}Z\Z")
_NOBODYS_SECRET = secrets.token_urlsafe(30)
_PATH_TEXT = re.compile(r"[^\x00-\x20#?\x7f]*\Z")
_QUERY_TEXT = re.compile(r"[^\x00-\x20#\x7f]*\Z")

SecretOf = Callable[[str], tuple[str, Caller] | None]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the Authorization header says."""

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signature: str


class Verifier:
    """Checks signatures of one service, whatever region the client believes in."""

    def __init__(
        self, secret_of: SecretOf, *, allowed_skew: timedelta, service: str = SERVICE
    ) -> None:
        self._secret_of = secret_of
        self._allowed_skew = allowed_skew
        self._service = service

    def verify(self, received: Received, now: datetime) -> Caller:
        """Return the caller that signed this very request. Raises Refused."""
        claim = read_claim(received)
        moment = _sent_at(received)
        _check_scope(claim, moment, self._service)
        _check_time(moment, now, self._allowed_skew)
        found = self._secret_of(claim.access_key_id)
        secret, caller = found or (_NOBODYS_SECRET, None)
        matches = hmac.compare_digest(_expected(received, claim, secret, moment), claim.signature)
        matches = _body_matches(received) and matches
        # A session token belongs to keys that this installation never gives out.
        if caller is None or received.header_values("x-amz-security-token"):
            raise Refused(
                "UnrecognizedClientException",
                "The security token included in the request is invalid: no such access key here.",
            )
        if not matches:
            raise Refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. "
                "Check your secret access key and signing method.",
            )
        return caller


def read_claim(received: Received) -> Claim:
    """Take the Authorization header apart. Raises Refused."""
    values = received.header_values("authorization")
    if not values:
        raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token.")
    algorithm, _, rest = values[0].strip().partition(" ")
    if algorithm != _ALGORITHM or len(values) > 1:
        raise _incomplete(f"one Authorization header of the kind {_ALGORITHM} is needed")
    parts: dict[str, str] = {}
    for text in rest.split(","):
        match = _PART.match(text.strip())
        if match is None or match["name"] in parts:
            raise _incomplete("the Authorization header can't be read")
        parts[match["name"]] = match["value"]
    if len(parts) != 3:
        raise _incomplete("Credential, SignedHeaders and Signature are needed")
    scope = parts["Credential"].split("/")
    signed = tuple(parts["SignedHeaders"].split(";"))
    if len(scope) != 5:
        raise _incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
    if not {"host", "x-amz-date"} <= set(signed):
        raise _incomplete("host and x-amz-date must be among the signed headers")
    if list(signed) != sorted(set(signed)) or any(name != name.lower() for name in signed):
        raise _incomplete("SignedHeaders must be sorted, in lower case, each once")
    if not _SIGNATURE.match(parts["Signature"]):
        raise _incomplete("Signature must be 64 hex digits")
    key, date, region, service, terminator = scope
    return Claim(
        access_key_id=key,
        date=date,
        region=region,
        service=service,
        terminator=terminator,
        signed_headers=signed,
        signature=parts["Signature"],
    )


def _sent_at(received: Received) -> str:
    values = received.header_values("x-amz-date")
    if len(values) != 1 or not _MOMENT.match(values[0]):
        raise _incomplete("one header X-Amz-Date of the form YYYYMMDDTHHMMSSZ is needed")
    return values[0]


def _check_scope(claim: Claim, moment: str, service: str) -> None:
    if claim.service != service or claim.terminator != _TERMINATOR:
        raise Refused(
            "InvalidSignatureException",
            f"Credential should be scoped to the service {service!r} and end with {_TERMINATOR}.",
        )
    if claim.date != moment[:8]:
        raise Refused(
            "InvalidSignatureException",
            "The date in the credential scope does not match the date of X-Amz-Date.",
        )


def _check_time(moment: str, now: datetime, allowed: timedelta) -> None:
    try:
        sent_at = datetime.fromisoformat(moment)
    except ValueError:
        raise _incomplete("X-Amz-Date is no date") from None
    if abs(now - sent_at) <= allowed:
        return
    server = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    minutes = int(allowed.total_seconds() // 60)
    if sent_at < now:
        raise Refused(
            "InvalidSignatureException",
            f"Signature expired: {moment} is more than {minutes} min. before {server}.",
        )
    raise Refused(
        "InvalidSignatureException",
        f"Signature not yet current: {moment} is more than {minutes} min. after {server}.",
    )


def _body_matches(received: Received) -> bool:
    """Reports whether the hash that the client signed, where it sent one, is the body's."""
    stated = received.header_values("x-amz-content-sha256")
    return all(
        hmac.compare_digest(value.strip().lower().encode(), _hash(received.body).encode())
        for value in stated
    )


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _expected(received: Received, claim: Claim, secret: str, moment: str) -> str:
    signer = _Signer(
        ReadOnlyCredentials(claim.access_key_id, secret, None), claim.service, claim.region
    )
    request = _Signed(received, claim.signed_headers, moment)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _incomplete(reason: str) -> Refused:
    return Refused("IncompleteSignatureException", f"The signature is incomplete: {reason}.")


@lru_cache(maxsize=_DAY_KEYS)
def _day_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class _Signer(SigV4Auth):  # type: ignore[misc]
    """botocore's signer, told by the client which headers it signed."""

    def signature(self, string_to_sign: str, request: "_Signed") -> str:
        """Sign with the key of a day, which is the same for all of a client's requests of it."""
        date = request.context["timestamp"][:8]
        key = _day_key(self.credentials.secret_key, date, self._region_name, self._service_name)
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()

    def headers_to_sign(self, request: "_Signed") -> "_Headers":
        return request.signed


class _Headers:
    """Just so much of a header map as the signer asks of it."""

    def __init__(self, pairs: Iterator[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()][0]

    def get_all(self, name: str) -> list[str]:
        return self._values[name]


class _Signed:
    """The received request in the form that the signer reads."""

    def __init__(self, received: Received, signed_headers: tuple[str, ...], moment: str) -> None:
        if not (_PATH_TEXT.match(received.raw_path) and _QUERY_TEXT.match(received.query)):
            raise _incomplete("the address holds characters that must be encoded")
        self.method = received.method
        # The host counts as a signed header; here it only makes the path and the query a URL.
        self.url = f"http://host{received.raw_path}?{received.query}"
        self.params: dict[str, str] = {}
        self.body = received.body
        self.context: dict[str, Any] = {"timestamp": moment}
        self.headers = _Headers(iter(received.headers))
        names = frozenset(signed_headers)
        self.signed = _Headers(pair for pair in received.headers if pair[0] in names)
        if len(set(self.signed)) != len(names):
            raise _incomplete("a signed header is missing from the request")
