"""What the desktop's end keeps until there is somebody to give it to."""

import asyncio

import pytest

from soundstage.gateway.desktop import DesktopEnd
from soundstage.gateway.handshake import BadHandshakeError, UpgradeRequest, read_request
from soundstage.testing.streams import upgrade_request


class Listener:
    def __init__(self) -> None:
        self.heard = b""
        self.full: list[bool] = []
        self.is_alone = False

    def desktop_sent(self, data: bytes) -> None:
        self.heard += data

    def desktop_is_full(self, full: bool) -> None:
        self.full.append(full)

    def desktop_gone(self) -> None:
        self.is_alone = True


class Pipe(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_reading_now = True
        self.was_aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.is_reading_now = False

    def abort(self) -> None:
        self.was_aborted = True


REQUEST: UpgradeRequest = read_request(upgrade_request(80, "/"), 10_000)
ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {REQUEST.accept}\r\n\r\n"
).encode()


def test_the_first_words_are_kept_for_the_partner() -> None:
    async def story() -> None:
        end, pipe, listener = DesktopEnd(REQUEST, b"head"), Pipe(), Listener()
        end.connection_made(pipe)
        assert pipe.written == b"head"
        end.data_received(ANSWER[:40])
        end.data_received(ANSWER[40:] + b"\x81\x01a")
        assert await end.answered() == b"\x81\x01a"
        assert not pipe.is_reading_now
        end.data_received(b"\x81\x01b")
        end.join(listener)
        end.data_received(b"\x81\x01c")
        assert listener.heard == b"\x81\x01a\x81\x01b\x81\x01c"
        end.pause_writing()
        end.resume_writing()
        end.connection_lost(None)
        assert (listener.full, listener.is_alone) == ([True, False], True)

    asyncio.run(story())


def test_a_desktop_that_is_gone_before_the_join_is_told_of() -> None:
    async def story() -> None:
        end, listener = DesktopEnd(REQUEST, b""), Listener()
        end.connection_made(Pipe())
        end.data_received(ANSWER + b"\x81\x01a")
        end.connection_lost(None)
        await end.answered()
        end.join(listener)
        assert (listener.heard, listener.is_alone) == (b"\x81\x01a", True)

    asyncio.run(story())


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n"])
def test_a_desktop_without_an_answer_is_refused(said: bytes) -> None:
    async def story() -> None:
        end, pipe = DesktopEnd(REQUEST, b""), Pipe()
        end.connection_made(pipe)
        if said:
            end.data_received(said)
            assert pipe.was_aborted
        end.connection_lost(None)
        with pytest.raises(BadHandshakeError):
            await end.answered()

    asyncio.run(story())
