"""Copies bytes between a unix socket and a TCP port, so that either can stand for the other.

Run in a process of its own: `python -m bench.forward SOCKET` is the smallest way from a browser to
a desktop's socket (`start`), and prints the TCP port that it opens; `python -m bench.forward SOCKET
PORT` opens the socket for a server that only listens on TCP (`vnc`).
"""

import asyncio
import sys
from collections.abc import Coroutine

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


async def _forward(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        if target.isdecimal():
            there = await asyncio.open_connection("127.0.0.1", int(target))
        else:
            there = await asyncio.open_unix_connection(target)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))


async def _main(path: str, port: str | None) -> None:
    def begin(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Coroutine[None, None, None]:
        return _forward(port or path, reader, writer)

    if port is None:
        server: asyncio.Server = await asyncio.start_server(begin, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    else:
        server = await asyncio.start_unix_server(begin, path)
        print(path, flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
