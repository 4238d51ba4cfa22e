"""One signed call a row of the operation table.

`cli` makes a `Client` with a person's key; it goes through the front door as every SDK does. The
rows are handed in, so that this module knows the wire and no resource.
"""

import ssl
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from soundstage.client.errors import CallError
from soundstage.kit.clock import Clock, system_clock
from soundstage.wire.operation import BASE_PATH, TOKEN_HEADER, Operation

_TIMEOUT_SECONDS = 30.0
_SHOWN = 200


class Client:
    """Calls the API of one service as one person."""

    def __init__(
        self,
        endpoint: str,
        *,
        access_key_id: str,
        secret_access_key: str,
        region: str,
        operations: Iterable[Operation],
        http: httpx.Client | None = None,
        trust: ssl.SSLContext | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._credentials = Credentials(access_key_id, secret_access_key)
        self._operations = {row.name: row for row in operations}
        # To read which certificates are believed takes 50 ms of a core, and plain http has none.
        verify = endpoint.startswith("https:") if trust is None else trust
        self._http = http or httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, verify=verify)
        self._clock = clock

    def call(self, name: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation with its members by their wire names. Raises CallError."""
        return self._send(*self._request(name, members))

    def follow(
        self, name: str, /, *, after: str | None = None, **members: Any
    ) -> Iterator[tuple[str, bytes]]:
        """Hear what is new in a list that can be followed: ids and texts, until the service ends
        it. Raises CallError.
        """
        method, url, headers, _ = self._request(name, members)
        headers["Accept"] = "text/event-stream"
        if after is not None:
            headers["Last-Event-ID"] = after
        signed = self._signed(method, url, headers, b"")
        try:
            with self._http.stream(method, url, headers=signed) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _error(answer, _document(answer))
                event_id = ""
                for line in answer.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        event_id = value
                    elif field == "data":
                        yield event_id, value.encode()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def _request(
        self, name: str, members: dict[str, Any]
    ) -> tuple[str, str, dict[str, str], bytes]:
        """Give method, address, headers and body of a call."""
        operation = self._operations[name]
        given = {key: value for key, value in members.items() if value is not None}
        path = operation.path
        for label in operation.labels:
            path = path.replace(f"{{{label}}}", quote(str(given.pop(label)), safe=""))
        headers: dict[str, str] = {}
        if "clientToken" in given:
            headers[TOKEN_HEADER] = given.pop("clientToken")
        body, query = b"", ""
        if operation.method in {"GET", "DELETE"}:
            # A space as %20: the canonical form that is signed knows no plus for it.
            query = urlencode(given, doseq=True, quote_via=quote)
        else:
            body = msgspec.json.encode(given)
            headers["Content-Type"] = "application/json"
        url = f"{self._endpoint}{BASE_PATH}{path}" + (f"?{query}" if query else "")
        return operation.method, url, headers, body

    def pages(self, name: str, /, **members: Any) -> Iterator[dict[str, Any]]:
        """Call a list operation until its last page, item by item. Raises CallError."""
        key = self._operations[name].paginates
        if key is None:
            raise ValueError(f"{name} does not come in pages")
        token: str | None = None
        while True:
            page = self.call(name, nextToken=token, **members)
            yield from page[key]
            token = page.get("nextToken")
            if token is None:
                return

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        signed = self._signed(method, url, headers, body)
        try:
            answer = self._http.request(method, url, headers=signed, content=body)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        document = _document(answer)
        if not answer.is_success or document is None:
            raise _error(answer, document)
        return document

    def _unreachable(self, error: httpx.HTTPError) -> CallError:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            said = cause.verify_message.rstrip(".")
            return CallError(
                "Untrusted", 0, f"the certificate of {self._endpoint} is not trusted here: {said}."
            )
        said = str(error).rstrip(".") or type(error).__name__
        return CallError("Unreachable", 0, f"{self._endpoint} does not answer: {said}.")

    def _signed(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> dict[str, str]:
        """Add what botocore's own `add_auth` would, but at the time of this client's clock."""
        moment = self._clock().strftime("%Y%m%dT%H%M%SZ")
        request = AWSRequest(method, url, {**headers, "X-Amz-Date": moment}, body)
        request.context["timestamp"] = moment
        signer = SigV4Auth(self._credentials, "nimble", self._region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, "
            f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))}, "
            f"Signature={signer.signature(text, request)}"
        )
        return dict(request.headers.items())


def _error(answer: httpx.Response, document: dict[str, Any] | None) -> CallError:
    name = answer.headers.get("x-amzn-ErrorType", "UnexpectedAnswer")
    said = (document or {}).get("message") or answer.text[:_SHOWN] or answer.reason_phrase
    code, context = ((document or {}).get(key) for key in ("code", "context"))
    return CallError(
        name, answer.status_code, f"{said}", code=code and f"{code}", context=context or {}
    )


def _document(answer: httpx.Response) -> dict[str, Any] | None:
    """Read an answer's JSON; None for what something else on the way answered."""
    if not answer.content:
        return {}
    try:
        document = answer.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


__all__ = ["CallError", "Client"]
