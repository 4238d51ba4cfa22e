"""What each engine needs to run workstations."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta


@dataclasses.dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What each engine needs to run workstations."""

    sandbox: Annotated[
        Literal["bubblewrap", "none"],
        Meta(
            description="How the sandbox engine separates workstations. none separates nothing; "
            "it is refused unless the service listens on loopback."
        ),
    ] = "bubblewrap"
    incus_address: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(/|https://[^/?#\s]+\Z)")], ...],
        Meta(
            min_length=1,
            description="Where Incus listens: the path of its unix socket, or https://host:port. "
            "Of a cluster those of several members: when one is away the next is asked.",
        ),
    ] = ("/var/lib/incus/unix.socket",)
    incus_certificate: Annotated[
        Path | None,
        Meta(description="For HTTPS, the certificate that Incus trusts us by, as PEM."),
    ] = None
    incus_key: Annotated[
        Path | None, Meta(description="For HTTPS, the key of that certificate, as PEM.")
    ] = None
    incus_server_certificate: Annotated[
        Path | None,
        Meta(
            description="For HTTPS, Incus's own certificate, as PEM; no other is taken. A cluster "
            "has one for all its members."
        ),
    ] = None
    incus_project: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,40}\Z",
            description="Project of Incus that is this installation's alone; made if need be.",
        ),
    ] = "soundstage"
    incus_pool: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,60}\Z",
            description="Storage pool of workstations. btrfs or zfs copies a running one at once.",
        ),
    ] = "default"
    incus_network: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,14}\Z",
            description="Bridge of workstations, with nobody else on it; made if need be.",
        ),
    ] = "soundstage"
    incus_subnet: Annotated[
        str,
        Meta(
            pattern=r"^(auto|[0-9.]{7,15}/[0-9]{1,2})\Z",
            description="Address of that bridge and its network where it is made, such as "
            "10.78.0.1/24. auto: Incus looks for a free one.",
        ),
    ] = "auto"
    incus_starts_per_core: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="How many workstations of a host start at the same moment, for each of its "
            "cores; the others wait until it is their turn. 0: none waits.",
        ),
    ] = 2
    incus_closed_networks: Annotated[
        list[str],
        Meta(
            description="Addresses and networks such as 10.0.0.0/8 that no workstation on Incus "
            "may connect to. The hosts' own addresses are closed in any case."
        ),
    ] = dataclasses.field(default_factory=list)
