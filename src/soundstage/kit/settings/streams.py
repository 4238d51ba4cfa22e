"""How desktops are streamed, and files sent into them."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

from msgspec import Meta


def default_stream_environment() -> Path:
    """Say where `make setup` puts the stream server: beside the service's own environment."""
    return Path(sys.prefix).parent / ".venv-stream"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How desktops are streamed, and files sent into them."""

    stream_environment: Annotated[
        Path,
        Meta(
            description="Python environment that holds the stream server and its web client. "
            "Default: .venv-stream beside the service's own."
        ),
    ] = dataclasses.field(default_factory=default_stream_environment)
    frames_per_second: Annotated[
        int, Meta(ge=5, le=60, description="Most frames a second that a desktop is streamed with.")
    ] = 30
    stream_expiration_seconds: Annotated[
        int,
        Meta(ge=60, le=3600, description="How long a stream's address may be opened, by default."),
    ] = 120
    upload_most_bytes: Annotated[
        int,
        Meta(
            ge=1,
            le=2**50,
            description="The largest file, in bytes, that may be sent into a workstation whose "
            "launch profile allows uploads.",
        ),
    ] = 10 * 1024**3
