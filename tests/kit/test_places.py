"""Desktops are reached where they are, and nobody else is taken for one."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from soundstage.kit import pinned
from soundstage.kit.places import Identity, SocketFolder, TlsHost, open_place
from soundstage.kit.unixsocket import SocketUnavailableError, UntrustedSocketError


class Relay:
    """Says hello over TLS to whoever has the one certificate that it knows."""

    def __init__(self, folder: Path, gateway: Identity) -> None:
        certificate, key = pinned.make("workstation")
        (folder / "relay").write_bytes(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "relay")
        context.load_verify_locations(gateway.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.place = TlsHost(
            host="127.0.0.1", ports={"s.sock": port}, certificate=certificate.decode()
        )
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with (
                    suppress(OSError),
                    self._context.wrap_socket(connection, server_side=True) as spoken,
                ):
                    spoken.sendall(b"hello")
                connection.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Identity:
    return pinned.identity(tmp_path / "keys")


@pytest.fixture
def relay(tmp_path: Path, gateway: Identity) -> Iterator[Relay]:
    made = Relay(tmp_path, gateway)
    yield made
    made.close()


def test_both_ends_know_each_other(relay: Relay, gateway: Identity) -> None:
    with open_place(relay.place, "s.sock", gateway) as connection:
        assert connection.recv(16) == b"hello"


def test_another_certificate_is_not_taken(relay: Relay, gateway: Identity) -> None:
    other = pinned.make("workstation")[0].decode()
    with pytest.raises(UntrustedSocketError):
        open_place(msgspec.structs.replace(relay.place, certificate=other), "s.sock", gateway)


@pytest.mark.parametrize("with_another", [False, True])
def test_nobody_else_is_let_in(relay: Relay, tmp_path: Path, with_another: bool) -> None:
    stranger = pinned.identity(tmp_path / "others") if with_another else None
    with pytest.raises(OSError), open_place(relay.place, "s.sock", stranger) as connection:  # noqa: PT012 -- the kernel says it in several ways.
        # In TLS 1.3 a client learns of its refusal when it reads.
        if not connection.recv(16):
            raise ConnectionResetError


def test_a_place_without_that_socket_is_not_there(relay: Relay, gateway: Identity) -> None:
    with pytest.raises(SocketUnavailableError):
        open_place(relay.place, "files.sock", gateway)
    relay.close()
    nobody = msgspec.structs.replace(relay.place, ports={"s.sock": 1})
    with pytest.raises(SocketUnavailableError):
        open_place(nobody, "s.sock", gateway)


def test_a_folder_s_socket_needs_no_certificate(home: Path) -> None:
    home.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "s.sock"))
        listener.listen()
        place = SocketFolder(directory=str(home), uid=os.getuid())
        open_place(place, "s.sock").close()


def test_what_is_no_certificate_is_said_to_be_none(relay: Relay, gateway: Identity) -> None:
    spoilt = msgspec.structs.replace(relay.place, certificate="no certificate")
    with pytest.raises(UntrustedSocketError):
        open_place(spoilt, "s.sock", gateway)
