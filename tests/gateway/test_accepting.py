"""A port that speaks https, asked with TLS, without it, too slowly and by too many."""

import asyncio
import errno
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop

from soundstage.gateway import accepting
from soundstage.gateway.accepting import Acceptor
from soundstage.gateway.settings import GatewaySettings
from soundstage.kit.certificates import Certificate, ensure_own
from soundstage.testing.streams import SECONDS, wait_for


class Says(asyncio.Protocol):
    """Says one word and hangs up."""

    def __init__(self, word: bytes, live: list["Says"]) -> None:
        self._word = word
        self._live = live

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are asyncio's by their methods alone.
        self._transport = cast("asyncio.Transport", transport)
        self._live.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._live.remove(self)

    def data_received(self, data: bytes) -> None:
        del data
        self._transport.write(self._word)
        self._transport.close()


class Short(socket.socket):
    """A listener of a process that has no descriptor left, the first time."""

    refusals = 0

    def accept(self) -> tuple[socket.socket, Any]:
        if self.refusals == 0:
            self.refusals += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


class Port:
    """An acceptor in an event loop of its own."""

    def __init__(self, certificate: Certificate, settings: GatewaySettings) -> None:
        self.listener = Short(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.refusals = 1
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.number = int(self.listener.getsockname()[1])
        self.authority = certificate.authority
        self.live: list[Says] = []
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)

        async def begin() -> Acceptor:
            return Acceptor(
                self.listener,
                secure=lambda: Says(b"secure", self.live),
                plain=lambda: Says(b"plain", self.live),
                context=context,
                settings=settings,
            )

        self.acceptor = asyncio.run_coroutine_threadsafe(begin(), self.loop).result(SECONDS)

    def do(self, act: Callable[[], None]) -> None:
        """Do it on the loop."""

        async def acted() -> None:
            act()

        asyncio.run_coroutine_threadsafe(acted(), self.loop).result(SECONDS)

    def end(self) -> None:
        """End it, after those who had their say."""
        self.do(self.acceptor.close)
        wait_for(lambda: not self.live, SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        self.listener.close()

    def connect(self) -> socket.socket:
        """Connect, and say nothing yet."""
        return socket.create_connection(("127.0.0.1", self.number), timeout=SECONDS)

    def ask(self) -> bytes:
        """Ask without TLS."""
        with self.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            return connection.recv(64)

    def ask_securely(self, context: ssl.SSLContext) -> bytes:
        """Ask with TLS."""
        with context.wrap_socket(self.connect(), server_hostname="localhost") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            return connection.recv(64)

    def trust(self) -> ssl.SSLContext:
        """Trust its certificate."""
        return ssl.create_default_context(cafile=self.authority)


Open = Callable[..., Port]


@pytest.fixture
def open_port(tmp_path: Path) -> Iterator[Open]:
    certificate = ensure_own(tmp_path / "tls", ["localhost"], datetime.now(UTC))

    @contextmanager
    def opened(**given: Any) -> Iterator[Port]:
        settings = GatewaySettings(
            public_url="https://localhost", stream_environment=tmp_path, **given
        )
        port = Port(certificate, settings)
        try:
            yield port
        finally:
            port.end()

    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(opened(**given))


def test_the_first_byte_decides(open_port: Open) -> None:
    port = open_port()
    assert port.ask() == b"plain"
    assert port.ask_securely(port.trust()) == b"secure"


def test_it_waits_for_the_first_byte(open_port: Open) -> None:
    port = open_port()
    with port.connect() as patient:
        assert port.ask() == b"plain"
        patient.sendall(b"G")
        assert patient.recv(64) == b"plain"


def test_who_does_not_believe_the_certificate_harms_nobody(open_port: Open) -> None:
    port = open_port()
    with pytest.raises(ssl.SSLCertVerificationError):
        port.ask_securely(ssl.create_default_context())
    assert port.ask_securely(port.trust()) == b"secure"


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01"])
def test_the_silent_are_ended(open_port: Open, begun: bytes) -> None:
    port = open_port(head_seconds=0.1)
    with port.connect() as silent:
        silent.sendall(begun)
        assert silent.recv(64) == b""


def test_more_than_the_most_are_turned_away(open_port: Open) -> None:
    port = open_port(connections_in_total=2)
    with port.connect() as first, port.connect(), port.connect() as third:
        assert third.recv(64) == b""
        first.sendall(b"G")
        assert first.recv(64) == b"plain"
    # Those who hung up without a word have left their places.
    wait_for(lambda: _asked(port) == b"plain", SECONDS)


def _asked(port: Port) -> bytes:
    try:
        return port.ask()
    except ConnectionError:
        return b""


def test_closing_ends_who_said_nothing_and_lets_nobody_in(open_port: Open) -> None:
    port = open_port()
    with port.connect() as silent, port.connect() as halfway:
        halfway.sendall(b"\x16\x03\x01")
        assert port.ask() == b"plain"
        port.do(port.acceptor.close)
        assert silent.recv(64) == b""
        assert halfway.recv(64) == b""
    port.listener.settimeout(SECONDS)
    with port.connect() as late:
        accepted, _ = port.listener.accept()
        with accepted:
            accepted.sendall(b"mine")
        assert late.recv(64) == b"mine"


def test_without_descriptors_it_rests_and_goes_on(
    open_port: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_REST_SECONDS", 0.01)
    port = open_port()
    port.listener.refusals = 0
    assert port.ask() == b"plain"
    assert port.listener.refusals == 1
