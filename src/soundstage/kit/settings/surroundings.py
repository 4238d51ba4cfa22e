"""Proxies in front of the service, and who reads its metrics and logs."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta


@dataclasses.dataclass(frozen=True, kw_only=True)
class SurroundingsSettings:
    """Proxies in front of the service, and who reads its metrics and logs."""

    trusted_proxies: Annotated[
        list[str],
        Meta(description="Addresses of proxies whose X-Forwarded headers are believed."),
    ] = dataclasses.field(default_factory=list)
    metrics_token_file: Annotated[
        Path | None,
        Meta(
            description="File with the token that opens /metrics, as `Authorization: Bearer …`. "
            "Without one, whoever is on this machine may read it, and nobody through a proxy."
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"], Meta(description="How log lines look: for people or for programs.")
    ] = "text"
