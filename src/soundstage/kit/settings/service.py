"""Where the service keeps its data and is reached, and what it is made of."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated

from msgspec import Meta


def default_home() -> Path:
    """Say where data is kept where nobody says otherwise: the system's folder, or the person's."""
    if os.geteuid() == 0:
        return Path("/var/lib/soundstage")
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "soundstage"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Where the service keeps its data and is reached, and what it is made of."""

    home: Annotated[
        Path,
        Meta(
            description="Folder of all data: database, keys, volumes, backups. As root the "
            "default is /var/lib/soundstage, else ~/.local/share/soundstage."
        ),
    ] = dataclasses.field(default_factory=default_home)
    host: Annotated[
        str,
        Meta(
            description="Address to listen on. Beyond loopback, switch TLS on or put it in front: "
            "browsers decode video on secure addresses alone."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port to listen on.")] = 8080
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/?#\s]+)?\Z",
            description="How browsers reach the service, such as https://studio.example.org. "
            "Empty: localhost and the port.",
        ),
    ] = ""
    traces: Annotated[
        bool,
        Meta(
            description="Whether spans of requests, of the reconciler's steps and of what the "
            "engine does are sent as OpenTelemetry traces. It takes the packages of "
            "requirements/tracing.txt; where to is said by the standard variables `OTEL_*`."
        ),
    ] = False
    tls: Annotated[
        bool,
        Meta(
            description="Whether the service speaks https itself, with the given certificate or "
            "one that it makes for itself."
        ),
    ] = False
    tls_certificate: Annotated[
        Path | None,
        Meta(
            description="Certificate and what is above it, one PEM file, looked at again every "
            "minute. Switches TLS on."
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        Meta(description="The certificate's key, if it is not in the same file."),
    ] = None
    http_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="With TLS, a port that leads visitors of http to https and explains a "
            "certificate that the service made for itself. 0: none.",
        ),
    ] = 0
    engine: Annotated[
        str,
        Meta(
            description="What runs workstations: sandbox (a desktop in namespaces on this "
            "machine), incus (containers of Incus, see the settings that begin with incus) or "
            "simulated (nothing runs; for trying out the API)."
        ),
    ] = "sandbox"
    database_url: Annotated[
        str,
        Meta(
            description="SQLAlchemy address of the database. Empty: a SQLite file in the home "
            "folder."
        ),
    ] = ""
    secret_command: Annotated[
        str,
        Meta(
            description="Command line that prints the installation's secret, such as a vault's "
            "client. It is run at the start, without a shell. Empty: the file keys/installation in "
            "the home folder, which the first start makes."
        ),
    ] = ""
    region: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]\Z",
            description="Region that identifiers carry. Fixed once the first studio exists.",
        ),
    ] = "us-west-2"

    @property
    def address(self) -> str:
        """How browsers and SDKs reach the service, without a slash at the end."""
        scheme = "https" if self.speaks_tls else "http"
        return self.public_url or f"{scheme}://localhost:{self.port}"

    @property
    def speaks_tls(self) -> bool:
        """Reports whether the service itself speaks https."""
        return self.tls or self.tls_certificate is not None

    @property
    def is_loopback(self) -> bool:
        """Reports whether only this machine can connect."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")
