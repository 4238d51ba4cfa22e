"""Requests that no stock SDK would send, rightly signed, and their answers byte for byte."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from soundstage.kit.clock import system_clock
from soundstage.testing.small_studio import signed


class Raw:
    """An answer byte for byte."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read()


class Wire:
    """Sends what the stock SDK would refuse to send, rightly signed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.host = urlsplit(environment["AWS_ENDPOINT_URL_NIMBLE"]).netloc
        self._key = environment["AWS_ACCESS_KEY_ID"]
        self._secret = environment["AWS_SECRET_ACCESS_KEY"]

    def __call__(self, method: str, path: str, *, body: bytes = b"", query: str = "") -> Raw:
        """Send a request for a path that is encoded already."""
        received = signed(
            method,
            path,
            query=query,
            body=body,
            at=system_clock(),
            headers={"host": self.host},
            key=self._key,
            secret=self._secret,
        )
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            target = f"{received.raw_path}?{query}" if query else received.raw_path
            connection.request(method, target, body=body or None, headers=dict(received.headers))
            return Raw(connection.getresponse())
        finally:
            connection.close()
