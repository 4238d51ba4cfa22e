"""Where the sockets of a desktop are, and how each kind of place is connected to.

Engines say it, the gateway goes there: either to unix sockets in a folder of this host, or to ports
of a machine of its own, by TLS with both ends pinned.
"""

import socket
import ssl
from pathlib import Path

import msgspec

from soundstage.kit.unixsocket import SocketUnavailableError, UntrustedSocketError, open_socket

SERVER_NAME = "workstation"
"""What a desktop's certificate is made out to. Only the certificate itself is compared."""


class SocketFolder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A folder of unix sockets, owned by the workstation's user, who may swap what lies in it for
    a link: so whoever connects opens a name without following links and compares the peer's uid.
    """

    directory: str
    uid: int


class TlsHost(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A machine that lets in who has the one certificate that it knows."""

    host: str
    ports: dict[str, int]
    """The port behind each name."""
    certificate: str
    """The one that must answer, as PEM."""


Place = SocketFolder | TlsHost


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Files with the certificate and the key that open desktops on machines of their own."""

    certificate: Path
    key: Path


def connect(place: Place, name: str, *, timeout: float = 2.0) -> socket.socket:
    """Connect to the socket `name`; blocking, with `timeout` in seconds, TLS not yet begun.

    Raises UntrustedSocketError and SocketUnavailableError.
    """
    if isinstance(place, SocketFolder):
        return open_socket(place.directory, name, place.uid, timeout=timeout)
    port = place.ports.get(name)
    if port is None:
        raise SocketUnavailableError(f"{name} has no port")
    try:
        connection = socket.create_connection((place.host, port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise SocketUnavailableError(f"nothing answers: {error}") from error
    return connection


def tls_of(place: Place, identity: Identity | None) -> ssl.SSLContext | None:
    """What TLS there is with a place; None where there is none. Raises UntrustedSocketError."""
    if isinstance(place, SocketFolder):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The one certificate that is trusted is the desktop's own: a name would add nothing.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=place.certificate)
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
    except (OSError, ValueError) as error:
        raise UntrustedSocketError(f"a certificate can't be used: {error}") from error
    return context


def open_place(
    place: Place, name: str, identity: Identity | None = None, *, timeout: float = 2.0
) -> socket.socket:
    """Connect, TLS included; for whoever waits. Raises UntrustedSocketError and
    SocketUnavailableError.
    """
    context = tls_of(place, identity)
    connection = connect(place, name, timeout=timeout)
    if context is None:
        return connection
    try:
        return context.wrap_socket(connection, server_hostname=SERVER_NAME)
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise UntrustedSocketError(f"another certificate answers: {error}") from error
    except OSError as error:
        connection.close()
        raise SocketUnavailableError(f"nothing answers: {error}") from error
