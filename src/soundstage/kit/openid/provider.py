"""An OpenID Connect provider as it describes itself: where its ends are, and its keys.

`flow` asks it at each sign-in, `wiring` has it looked at now and then, and a studio's repair has it
looked at anew. What it said is kept for an hour, and used on while the provider does not answer. No
redirect is followed, every answer has a limit, and all ends are as secure as the issuer.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from soundstage.kit.clock import Clock

_SECONDS = 8.0
"""Without a word of it."""
_MOST_SECONDS = 20.0
_MOST_BYTES = 512 * 1024
_KEPT_FOR = timedelta(hours=1)
_LEAST_BETWEEN = timedelta(seconds=15)
"""Nobody makes us ask more often, be it by signatures of unknown keys or while nothing answers."""
_ASYMMETRIC = (
    *(f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)),
    "EdDSA",
)

_Address = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
_T = TypeVar("_T")

_log = structlog.get_logger("soundstage.openid")


class OpenIDError(Exception):
    """A sign-in did not come about; the message says why, to whoever runs the service."""


class AwayError(OpenIDError):
    """The provider does not answer, or not as one does."""


class RefusedError(OpenIDError):
    """The provider did not let somebody in; `code` is its word for the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The provider refused: {code}.")
        self.code = code


class DoubtfulError(OpenIDError):
    """What came back can't be trusted."""


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which provider, and what we are to it."""

    issuer: str
    client_id: str
    client_secret: Callable[[], str]
    """Asked for it whenever it is needed; an empty one is none. Raises AwayError."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of itself; see OpenID Connect Discovery 1.0."""

    issuer: _Address
    authorization_endpoint: _Address
    token_endpoint: _Address
    jwks_uri: _Address
    userinfo_endpoint: _Address | None = None
    end_session_endpoint: _Address | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> list[str]:
        """Those that an ID token may be signed with: never none, and none by a shared secret."""
        return [each for each in _ASYMMETRIC if each in self.id_token_signing_alg_values_supported]


class Provider:
    """One provider. Methods may block, for seconds where it does not answer; properties don't."""

    def __init__(
        self,
        settings: ProviderSettings,
        clock: Clock,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._transport = transport
        self._lock = threading.Lock()
        self._known: tuple[datetime, Metadata, KeySet] | None = None
        self._asked_at: datetime | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Say what went wrong when the provider was looked at last; None when nothing did."""
        return self._trouble

    @property
    def is_healthy(self) -> bool:
        """Reports whether it was looked at, and answered well the last time."""
        return self._known is not None and self._trouble is None

    @property
    def known(self) -> Metadata | None:
        """Give what it said of itself when it last did, without asking."""
        return None if self._known is None else self._known[1]

    def metadata(self) -> Metadata:
        """Give what it says of itself. Raises AwayError."""
        return self._current()[1]

    def keys(self, *, since: KeySet | None = None) -> KeySet:
        """Give its keys, those after `since` if that lacks one. Raises AwayError."""
        keys = self._current()[2]
        if keys is not since:
            return keys
        with self._lock:
            if self._known is not None and self._known[2] is since and self._may_ask():
                self._look()
        return self._current()[2]

    def look_again(self) -> str | None:
        """Ask for everything anew, and say what went wrong."""
        with self._lock:
            self._look()
            return self._trouble

    def keep_known(self) -> None:
        """Ask anew if what is known is old, or nothing is; `wiring` calls it every minute."""
        with self._lock:
            if self._is_old() and self._may_ask():
                self._look()

    @contextmanager
    def http(self) -> Iterator[httpx.Client]:
        """Open a connection to it; what fails in the block is raised as AwayError."""
        transport = _Bounded(self._transport or httpx.HTTPTransport(verify=_authorities()))
        try:
            with httpx.Client(transport=transport, timeout=_SECONDS, trust_env=False) as client:
                yield client
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its text may hold an address, which may hold a code.
            raise AwayError(f"The provider does not answer ({type(error).__name__}).") from None

    def _current(self) -> tuple[datetime, Metadata, KeySet]:
        # Who finds something old while another asks goes on with that, and waits for nobody.
        if self._is_old() and self._lock.acquire(blocking=self._known is None):
            try:
                if self._is_old() and self._may_ask():
                    self._look()
            finally:
                self._lock.release()
        if self._known is None:
            raise AwayError(self._trouble or "The provider was not reached yet.")
        return self._known

    def _is_old(self) -> bool:
        return self._known is None or self.clock() - self._known[0] >= _KEPT_FOR

    def _may_ask(self) -> bool:
        return self._asked_at is None or abs(self.clock() - self._asked_at) >= _LEAST_BETWEEN

    def _look(self) -> None:
        """Ask, and keep what was known where there is no good answer; the lock is held."""
        now = self._asked_at = self.clock()
        before = self._trouble
        try:
            with self.http() as client:
                metadata = self._discover(client)
                keys = _keys_of(client.get(metadata.jwks_uri))
        except AwayError as error:
            self._trouble = str(error)
        else:
            self._known, self._trouble = (now, metadata, keys), None
        if self._trouble != before:
            _log.warning("openid.provider", issuer=self.settings.issuer, trouble=self._trouble)

    def _discover(self, client: httpx.Client) -> Metadata:
        issuer = self.settings.issuer
        answer = client.get(get_well_known_url(issuer, external=True))
        metadata = decoded(answer, Metadata, "description of itself")
        if metadata.issuer != issuer:
            _fail(f"It calls itself {metadata.issuer[:200]!r} and not {issuer!r}.")
        for name in metadata.__struct_fields__:
            if name.endswith(("_endpoint", "_uri")):
                self._require_secure(name, getattr(metadata, name))
        if not metadata.algorithms:
            _fail("It signs ID tokens by no algorithm that is taken here.")
        return metadata

    def _require_secure(self, name: str, address: str | None) -> None:
        if address is None:
            return
        try:
            parts, own = urlsplit(address), urlsplit(self.settings.issuer)
            is_own = parts.hostname == own.hostname and parts.scheme == own.scheme == "http"
        except ValueError:
            _fail(f"Its {name} is no address.")
        if not (parts.scheme == "https" or is_own) or parts.fragment or not parts.hostname:
            _fail(f"Its {name} is no address that begins with https://.")


class _Bounded(httpx.BaseTransport):
    """Reads answers up to a size, and no longer than some time."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and read."""
        request.headers["Accept-Encoding"] = "identity"
        deadline = time.monotonic() + _MOST_SECONDS
        answer = self._inner.handle_request(request)
        try:
            body = bytearray()
            for piece in answer.iter_raw():
                body += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("It takes too long.")
                if len(body) > _MOST_BYTES:
                    raise httpx.ReadError("It is too large.")
        finally:
            answer.close()
        return httpx.Response(answer.status_code, headers=answer.headers, content=bytes(body))

    def close(self) -> None:
        """Let go."""
        self._inner.close()


def decoded(answer: httpx.Response, kind: type[_T], what: str) -> _T:
    """Read a JSON answer. Raises AwayError."""
    if answer.status_code != httpx.codes.OK:
        _fail(f"Its {what} was answered with {answer.status_code}.")
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Of a validation error the message names a member, never a value.
        more = f": {error}" if isinstance(error, msgspec.ValidationError) else ""
        _fail(f"Its {what} is not what it must be{more}.")


def _keys_of(answer: httpx.Response) -> KeySet:
    document = decoded(answer, dict[str, list[dict[str, Any]]], "set of keys")
    keys = [each for each in document.get("keys", []) if each.get("use", "sig") == "sig"]
    readable = []
    for key in keys:
        try:
            readable += KeySet.import_key_set({"keys": [key]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            # Of a kind that is not known here; others may do.
            continue
    if not readable:
        _fail("Its set of keys has none that can be used.")
    return KeySet(readable)


def _authorities() -> ssl.SSLContext:
    """Those that the machine trusts, to which a studio's own can be added."""
    return ssl.create_default_context()


def _fail(why: str) -> NoReturn:
    raise AwayError(f"The provider can't be used: {why}")
