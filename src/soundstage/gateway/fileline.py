"""Talks to the program inside a workstation that takes files and gives them.

`files` opens a line for each request. The program belongs to the artist and is believed nothing:
of its answers only numbers, known words and, for lists, names are read, all of them bounded.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from soundstage.gateway.connect import Connector
from soundstage.gateway.upstreams import Refusal, Refused, Upstream

_LIST_BYTES = 4 * 1024 * 1024
_BUFFER_BYTES = 256 * 1024

_Count = Annotated[int, Meta(ge=0, le=2**53)]


class Row(msgspec.Struct, frozen=True):
    """One file that may be taken out."""

    path: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(min_length=1, max_length=16)]
    size: _Count
    modified: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    """Milliseconds since 1970."""


class Answer(msgspec.Struct, frozen=True):
    """One line of it."""

    refused: Annotated[str, Meta(max_length=32)] | None = None
    offset: _Count = 0
    copy: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    """Set when an upload came to its end: which file of that name it is."""
    size: _Count = 0
    modified: Annotated[int, Meta(ge=-(2**53), le=2**53)] = 0
    length: _Count = 0
    files: Annotated[list[Row], Meta(max_length=5000)] = []
    more: bool = False


class BrokenLineError(Exception):
    """The program hung up, took too long, or said what it should not."""


_DECODER = msgspec.json.Decoder(Answer)


class FileLine:
    """One request to the program."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._seconds = seconds

    async def ask(self, what: str, **facts: Any) -> Answer:
        """Send the request and read the first answer. Raises BrokenLineError."""
        await self.send(msgspec.json.encode({"do": what, **facts}) + b"\n")
        return await self.answer()

    async def answer(self) -> Answer:
        """Read one line. Raises BrokenLineError."""
        try:
            async with asyncio.timeout(self._seconds):
                line = await self._reader.readline()
            return _DECODER.decode(line)
        except (OSError, ValueError, TimeoutError) as error:
            raise BrokenLineError(type(error).__name__) from None

    async def send(self, data: bytes) -> None:
        """Send as fast as it reads. Raises BrokenLineError."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._seconds):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise BrokenLineError(type(error).__name__) from None

    async def read(self, most: int) -> bytes:
        """Read on; b"" at the end. Raises BrokenLineError."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._reader.read(most)
        except (OSError, TimeoutError) as error:
            raise BrokenLineError(type(error).__name__) from None

    def close(self) -> None:
        """Hang up, whatever is still on the way."""
        self._writer.transport.abort()


@asynccontextmanager
async def line_to(
    connector: Connector, upstream: Upstream, name: str, *, seconds: float, is_list: bool = False
) -> AsyncIterator[FileLine]:
    """Connect to the program for one request. Raises Refused when it does not answer."""
    try:
        connection = await connector.open_beside(upstream, name)
    except OSError:
        raise Refused(Refusal.UNAVAILABLE) from None
    limit = _LIST_BYTES if is_list else _BUFFER_BYTES
    try:
        reader, writer = await connection.streams(limit)
    except OSError:
        raise Refused(Refusal.UNAVAILABLE) from None
    line = FileLine(reader, writer, seconds)
    try:
        yield line
    finally:
        line.close()
