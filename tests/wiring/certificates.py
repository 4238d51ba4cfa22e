"""Certificates that a test shows and visits."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from soundstage.kit.certificates import ensure_own
from soundstage.kit.config import Settings
from soundstage.wiring.tls import Tls

NOW = datetime.now(UTC)


def given(folder: Path, name: str) -> Settings:
    """Settings that name a certificate of somebody else's authority."""
    made = ensure_own(folder / name, ["studio.example.org"], NOW)
    home = folder / "home"
    return Settings(
        home=home,
        public_url="https://studio.example.org",
        tls_certificate=made.chain,
        tls_key=made.key,
    )


@contextmanager
def shown(tls: Tls, context: ssl.SSLContext) -> Iterator[int]:
    """Show the certificate on a port, to any number of visitors."""
    context.load_cert_chain(tls.certificate.chain, tls.certificate.key)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def visit(port: int, trust: ssl.SSLContext) -> bytes | None:
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        trust.wrap_socket(connection, server_hostname="127.0.0.1") as secured,
    ):
        return secured.getpeercert(binary_form=True)
