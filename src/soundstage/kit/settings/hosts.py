"""What a host has for workstations, and how much of it may be promised."""

import dataclasses
from typing import Annotated

from msgspec import Meta

from soundstage.kit.settings.amounts import Amount


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostSettings:
    """What a host has for workstations, and how much of it may be promised."""

    shared_folders: Annotated[
        list[str],
        Meta(
            description="Folders of this host that studio components may mount in workstations, "
            "with all below them: /srv/films, or films=/srv/disk1/films to name it, each with :ro "
            "behind it if it is only to be read."
        ),
    ] = dataclasses.field(default_factory=list)
    images: Annotated[
        dict[str, str],
        Meta(
            description="What the `ec2ImageId` of streaming images means here, beside `ami-host`, "
            "which is `host`: what this machine has installed. A table in the file, such as "
            '`[images]` with `ami-film = "film"`, or the same as JSON in the variable. The sandbox '
            "engine knows `host` and the images that `soundstage image build` made; Incus knows "
            "its own aliases and fingerprints."
        ),
    ] = dataclasses.field(default_factory=dict)
    instance_types: Annotated[
        dict[str, dict[str, int | float]],
        Meta(
            description="What instance types are on this host, where not as published: a table in "
            'the file, such as `[instance_types."g5.xlarge"]` with `cpus`, `memory_gib` and '
            "`gpus`, or the same as JSON in the variable."
        ),
    ] = dataclasses.field(default_factory=dict)
    cpu_overcommit: Annotated[
        float,
        Meta(
            ge=0.1,
            le=1000,
            description="How many times the host's cores may be promised to workstations.",
        ),
    ] = 8.0
    memory_overcommit: Annotated[
        float,
        Meta(
            ge=0.1,
            le=1000,
            description="How many times the host's memory may be promised to workstations. No more "
            "is used than is there: where it runs out, the program that took most is ended.",
        ),
    ] = 4.0
    least_free_memory_mib: Annotated[
        Amount, Meta(description="Memory that must be free for a workstation to start.")
    ] = 1024
    least_free_disk_gib: Annotated[
        Amount, Meta(description="Disk that must be free for a workstation to start.")
    ] = 2
    share_gpus: Annotated[
        bool,
        Meta(description="Whether several workstations may have the same graphics card at once."),
    ] = False
