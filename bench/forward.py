"""The smallest way from a browser to a desktop's unix socket: bytes copied to and from a TCP port.

`start` runs it in a process of its own (`python -m bench.forward SOCKET`) for the desktop that is
started by hand; it prints its port.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import uvloop

_PIECE = 256 * 1024


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _forward(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        up_reader, up_writer = await asyncio.open_unix_connection(path)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copy(reader, up_writer), _copy(up_reader, writer))


@contextlib.asynccontextmanager
async def _listening(path: str) -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda r, w: _forward(path, r, w), "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _main(path: str) -> None:
    async with _listening(path) as port:
        print(port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        contextlib.suppress(KeyboardInterrupt),
    ):
        runner.run(_main(sys.argv[1]))
