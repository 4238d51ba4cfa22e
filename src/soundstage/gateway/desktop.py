"""The desktop's side of one relayed websocket.

`relay` makes one for each connect, waits for its answer and then joins it to the browser's side.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, cast

from soundstage.gateway.handshake import Answer, BadHandshakeError, UpgradeRequest

_FIRST_WORD_SECONDS = 0.25
"""Selkies speaks first, with its mode or with the refusal of a connect that came too soon; whoever
says nothing for so long is taken as willing."""


class Partner(Protocol):
    """The browser's side."""

    def desktop_sent(self, data: bytes) -> None: ...

    def desktop_is_full(self, full: bool) -> None: ...

    def desktop_gone(self) -> None: ...


class DesktopEnd(asyncio.Protocol):
    """Speaks the handshake by itself, then hands everything to its partner."""

    def __init__(self, request: UpgradeRequest, head: bytes) -> None:
        self.answer = Answer(request)
        self.transport: asyncio.Transport
        self._head = head
        self._partner: Partner | None = None
        self._first = b""
        self._agreed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spoke = asyncio.Event()
        self._is_gone = False

    async def answered(self) -> bytes:
        """Wait for the answer and the first bytes of frames, which are kept for the partner.

        Raises BadHandshakeError.
        """
        await self._agreed
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WORD_SECONDS):
                await self._spoke.wait()
        return self._first

    def join(self, partner: Partner) -> None:
        """Pass everything on from here; the partner lets the reading begin."""
        self._partner = partner
        if self._first:
            partner.desktop_sent(self._first)
            self._first = b""
        if self._is_gone:
            partner.desktop_gone()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        if self._partner is not None:
            self._partner.desktop_sent(data)
        elif not self._agreed.done():
            self._hear(data)
        else:
            self._keep(data)

    def pause_writing(self) -> None:
        if self._partner is not None:
            self._partner.desktop_is_full(True)

    def resume_writing(self) -> None:
        if self._partner is not None:
            self._partner.desktop_is_full(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._is_gone = True
        self._spoke.set()
        if not self._agreed.done():
            self._agreed.set_exception(
                BadHandshakeError("the desktop hung up", HTTPStatus.BAD_GATEWAY)
            )
        if self._partner is not None:
            self._partner.desktop_gone()

    def _hear(self, data: bytes) -> None:
        try:
            frames = self.answer.feed(data)
        except BadHandshakeError as error:
            self._agreed.set_exception(error)
            self.transport.abort()
            return
        if frames is not None:
            self._agreed.set_result(None)
            self._keep(frames)

    def _keep(self, data: bytes) -> None:
        """Hold the first bytes back; one read at most, then no more is read until the join."""
        if data:
            self._first += data
            self._spoke.set()
            self.transport.pause_reading()
