"""Calls of this process to its own API without a network: the same requests, by the same door.

The portal's clients use it, from worker threads of the event loop that serves the API.
"""

import anyio.from_thread
import httpx
from starlette.types import ASGIApp


class Inside(httpx.BaseTransport):
    """Carries a blocking client's requests to an application in this process."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        # Signatures that fail are counted by address: a person's are not to be another's.
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; called in a worker thread."""
        return anyio.from_thread.run(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._transport.handle_async_request(asked)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)
