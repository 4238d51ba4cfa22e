"""What the gateway must be told; `wiring` makes it once, everything in `gateway` reads it."""

from pathlib import Path

import msgspec

from soundstage.kit.addresses import PublicAddress
from soundstage.kit.places import Identity


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where streams are reached from outside, what is served for them, and every bound."""

    public_url: str
    """The address people type, `https://studio.example.com`. It alone decides links, the cookie's
    path and `Secure`, and the Origin that is ours; no header of a request can change it."""
    stream_environment: Path
    """The environment that has Selkies installed; its web client is served from there."""
    identity: Identity | None = None
    """What opens desktops on machines of their own; None where all are on this host."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (`10.0.0.0/8`) whose X-Forwarded-For and -Proto are believed; none by default."""
    cookie_seconds: int = 12 * 3600
    """How long a browser may come back to a stream without a new link."""
    relays_per_stream: int = 8
    """Connections of browser pages to one desktop at once; a page with a pen has two."""
    relays_in_total: int = 256
    """Live connections of this process."""
    connections_in_total: int = 1024
    """Open HTTP requests of this process, pages and API together, before it answers 503."""
    head_bytes: int = 32 * 1024
    """The largest request head, in bytes."""
    head_seconds: float = 10.0
    """How long a request head may take to arrive."""
    body_seconds: float = 60.0
    """How long a request body may take to arrive."""
    handshake_seconds: float = 10.0
    """How long a desktop may take to accept a connection, waiting for its turn included."""
    connect_spacing_seconds: float = 0.55
    """Least time between two connects to one desktop. Selkies 2.1 refuses a second connect within
    500 ms with close code 4029, and sees every browser as one peer on a unix socket."""
    revocation_seconds: float = 1.0
    """How often the control plane is asked which live streams have ended."""
    revocation_patience_seconds: float = 30.0
    """After so long without an answer every relay is cut: rights nobody can check are not used."""
    input_seconds: float = 15.0
    """How often it is reported that somebody uses pointer or keys; the first time is at once."""
    activity_seconds: float = 60.0
    """How often use is reported."""

    upload_most_bytes: int = 10 * 1024**3
    """The largest file that may be sent into a workstation."""
    piece_bytes: int = 16 * 1024**2
    """The most of a file that comes with one request; a browser sends as much as takes seconds."""
    transfers_per_stream: int = 4
    """Requests with files that are under way for one desktop at once."""
    transfers_in_total: int = 64
    """The same for this process."""
    transfer_seconds: float = 60.0
    """How long a desktop may take over the next bytes of a file."""

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of the public address, as a browser writes them in Origin."""
        return PublicAddress(self.public_url).origin

    @property
    def public_path(self) -> str:
        """What stands before `/streams/` in the public address, without a slash at its end."""
        return PublicAddress(self.public_url).path

    @property
    def is_secure(self) -> bool:
        """Reports whether browsers reach us by https."""
        return PublicAddress(self.public_url).is_secure

    def stream_path(self, stream_id: str) -> str:
        """The path of a stream's page as the browser sees it; also its cookie's."""
        return f"{self.public_path}/streams/{stream_id}/"
