"""What an artist may answer in place of the program, and what is made of it."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from soundstage.gateway.connect import Connector
from soundstage.gateway.fileline import Answer, BrokenLineError, FileLine, line_to
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Refusal, Refused, Upstream
from soundstage.kit.places import SocketFolder

Talk = Callable[[FileLine], Awaitable[object]]


def settings(folder: Path) -> GatewaySettings:
    return GatewaySettings(public_url="http://127.0.0.1:1", stream_environment=folder)


def upstream(folder: Path) -> Upstream:
    place = SocketFolder(directory=str(folder), uid=os.getuid())
    return Upstream(stream_id="s" * 22, place=place, name="s.sock")


def talk(
    home: Path, said: bytes, how: Talk, *, seconds: float = 5.0, is_list: bool = False
) -> object:
    """Connect to somebody who says this, and then waits."""
    home.chmod(0o700)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(home / "files.sock"))
    listener.listen()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while not connection.recv(65536).endswith(b"\n"):
                pass
            connection.sendall(said)
            while connection.recv(65536):
                pass

    async def told() -> object:
        connector = Connector(settings(home))
        try:
            async with line_to(
                connector, upstream(home), "files.sock", seconds=seconds, is_list=is_list
            ) as line:
                return await how(line)
        finally:
            connector.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        return asyncio.run(told())
    finally:
        thread.join(10)
        listener.close()


def test_an_answer_is_read_and_what_is_not_known_in_it_is_not(home: Path) -> None:
    said = b'{"offset": 5, "copy": 2, "secret": "of the artist"}\n'
    assert talk(home, said, lambda line: line.ask("put")) == Answer(offset=5, copy=2)


@pytest.mark.parametrize(
    "said",
    [
        b"\n",
        b"no json\n",
        b"[]\n",
        b'{"offset": -1}\n',
        b'{"offset": 1e300}\n',
        b'{"offset": "5"}\n',
        b'{"copy": 0}\n',
        b'{"refused": "' + b"x" * 100 + b'"}\n',
        b'{"files": [["a"]]}\n',
        b'{"files": [{"path": [], "size": 1, "modified": 1}]}\n',
        b'{"files": [{"path": ["' + b"x" * 300 + b'"], "size": 1, "modified": 1}]}\n',
        b'{"offset": 5',
        b"x" * 1_000_000,
    ],
)
def test_what_is_no_answer_breaks_the_line(home: Path, said: bytes) -> None:
    with pytest.raises(BrokenLineError):
        talk(home, said, lambda line: line.ask("list"), seconds=0.5)


def test_a_list_may_be_long(home: Path) -> None:
    rows = [{"path": [f"{number:0200}"], "size": 1, "modified": 1} for number in range(2000)]
    said = json.dumps({"files": rows, "more": True}).encode() + b"\n"
    answer = talk(home, said, lambda line: line.ask("list"), is_list=True)
    assert isinstance(answer, Answer)
    assert (len(answer.files), answer.more) == (2000, True)
    (home / "files.sock").unlink()
    with pytest.raises(BrokenLineError):
        talk(home, said, lambda line: line.ask("list"), seconds=0.5)


def test_who_does_not_read_is_not_waited_for(home: Path) -> None:
    async def flood(line: FileLine) -> None:
        while True:
            await line.send(bytes(1_000_000))

    async def told() -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(home / "files.sock"))
        listener.listen()
        connector = Connector(settings(home))
        with listener:
            try:
                async with line_to(connector, upstream(home), "files.sock", seconds=0.3) as line:
                    await flood(line)
            finally:
                connector.close()

    home.chmod(0o700)
    with pytest.raises(BrokenLineError):
        asyncio.run(told())


def test_nobody_there_is_said(home: Path) -> None:
    async def told() -> None:
        connector = Connector(settings(home))
        try:
            async with line_to(connector, upstream(home), "files.sock", seconds=1):
                raise AssertionError
        finally:
            connector.close()

    home.chmod(0o700)
    with pytest.raises(Refused) as caught:
        asyncio.run(told())
    assert caught.value.reason == Refusal.UNAVAILABLE
